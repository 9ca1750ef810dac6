/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The recording backend of fake_iommu.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "engine/base/mem.h"
#include "fake_iommu.h"

static uint64_t
fake_inv_try(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	struct fake *f = queue;

	f->tries++;
	if (f->room != 0) {
		f->room--;
	} else if (f->full != 0) {
		f->full -= f->full != UINT32_MAX;
		return SLUICE_INV_FULL;
	}
	return f->iommu->fast.inv_submit(queue, inv, n);
}

static uint64_t
fake_inv_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	struct fake *f = queue;

	if (f->refuse != 0) {
		f->refuse -= f->refuse != UINT32_MAX;
		return 0;
	}
	if (n > SLUICE_INV_BURST)
		abort(); /* the engine broke the contract */
	uint64_t seq = atomic_fetch_add_explicit(&f->submitted, 1, memory_order_relaxed) + 1;

	bool lost = false;

	for (unsigned int i = 0; i < n; i++)
		for (unsigned int k = 0; k < f->nb_dead; k++)
			lost |= inv[i].op == SLUICE_INV_ATC && inv[i].stream == f->dead[k];
	atomic_store_explicit(&f->lost[seq % FAKE_LOG], lost, memory_order_relaxed);
	if (f->log) {
		struct fake_sub *s = &f->sub[seq % FAKE_LOG];

		s->at = atomic_load_explicit(&f->now, memory_order_relaxed);
		s->n = n;
		if (n != 0)
			memcpy(s->inv, inv, n * sizeof(*inv));
	}
	return seq;
}

static uint64_t
fake_inv_done(void *queue)
{
	struct fake *f = queue;

	return f->immediate ? atomic_load_explicit(&f->submitted, memory_order_acquire)
			    : atomic_load_explicit(&f->done, memory_order_acquire);
}

static int
fake_inv_result(void *queue, uint64_t seq)
{
	const struct fake *f = queue;

	if (atomic_load_explicit(&f->lost[seq % FAKE_LOG], memory_order_relaxed))
		return -ETIMEDOUT;
	return seq >= f->bad_from && seq < f->bad_upto ? -EIO : 0;
}

static unsigned int
fake_fault_burst(void *queue, struct sluice_fault *out, unsigned int n)
{
	struct fake *f = queue;
	unsigned int k = RTE_MIN(n, f->nb_faults - f->fault_at);

	memcpy(out, &f->fault[f->fault_at], k * sizeof(*out));
	f->fault_at += k;
	f->fault_bursts++;
	return k;
}

void
fake_relax(void *fake)
{
	struct fake *f = fake;

	fake_tick(f, f->relax_ns);
	if (f->on_relax != NULL)
		f->on_relax(f->on_relax_arg);
}

void
fake_tick(struct fake *f, uint64_t ns)
{
	atomic_fetch_add_explicit(&f->now, ns, memory_order_relaxed);
}

void
fake_complete(struct fake *f, uint64_t n)
{
	uint64_t done = atomic_load_explicit(&f->done, memory_order_relaxed) + n;

	if (done > atomic_load_explicit(&f->submitted, memory_order_relaxed))
		abort(); /* the test completes what was not submitted */
	atomic_store_explicit(&f->done, done, memory_order_release);
}

void
fake_complete_all(struct fake *f)
{
	atomic_store_explicit(&f->done, atomic_load_explicit(&f->submitted, memory_order_relaxed),
			      memory_order_release);
}

const struct fake_sub *
fake_sub(const struct fake *f, uint64_t seq)
{
	return &f->sub[seq % FAKE_LOG];
}

bool
fake_covered(const struct fake *f, uint64_t from, uint64_t upto, uint16_t tag, uint64_t iova,
	     uint64_t pages)
{
	for (uint64_t seq = from; seq <= upto; seq++) {
		const struct fake_sub *s = fake_sub(f, seq);

		for (unsigned int i = 0; i < s->n; i++) {
			const struct sluice_inv *v = &s->inv[i];

			if (v->tag != tag)
				continue;
			if (v->op == SLUICE_INV_DOMAIN ||
			    (iova >= v->iova && iova + (pages << 12) <=
						v->iova + ((uint64_t)v->pages << 12)))
				return true;
		}
	}
	return false;
}

void
fake_fault(struct fake *f, const struct sluice_fault *fault, unsigned int n)
{
	memcpy(&f->fault[f->nb_faults], fault, n * sizeof(*fault));
	f->nb_faults += n;
}

/* ---- control ------------------------------------------------------------------------------- */

/* Record a control call; fail it when its number has come. */
static int
record(struct sluice_iommu *iommu, enum fake_op op, uint32_t id)
{
	static const char *const name[] = { "blocked", "identity", "paging", "init", "fini",
					    "ATS on", "ATS off" };
	struct fake *f = fake_of(iommu);
	int ret = 0;

	if (f->on_call != NULL)
		f->on_call(f, op, id);
	if (f->fail_at != 0 && --f->fail_at == 0) {
		ret = sluice_fail(f->fail_err, "fake: %s of %u fails", name[op], id);
		if (f->fail_run > 1) {
			f->fail_run--;
			f->fail_at = 1;
		}
	}
	if (f->log && f->nb_calls < FAKE_CONTROL)
		f->call[f->nb_calls++] = (struct fake_call){ op, id, ret };
	return ret;
}

static int
fake_hwdom_init(struct sluice_iommu *iommu, struct sluice_hwdom *hd)
{
	struct fake *f = fake_of(iommu);
	int ret = record(iommu, FAKE_INIT, f->next_tag);

	if (ret == 0) {
		hd->tag = f->next_tag++;
		f->hwdoms++;
	}
	return ret;
}

static int
fake_hwdom_fini(struct sluice_iommu *iommu, struct sluice_hwdom *hd)
{
	int ret = record(iommu, FAKE_FINI, hd->tag);

	fake_of(iommu)->hwdoms -= ret == 0;
	return ret;
}

static int
fake_attach_paging(struct sluice_iommu *iommu, uint32_t stream, struct sluice_hwdom *hd)
{
	(void)hd;
	return record(iommu, FAKE_PAGING, stream);
}

static int
fake_attach_identity(struct sluice_iommu *iommu, uint32_t stream)
{
	return record(iommu, FAKE_IDENTITY, stream);
}

static int
fake_attach_blocked(struct sluice_iommu *iommu, uint32_t stream)
{
	return record(iommu, FAKE_BLOCKED, stream);
}

/* As attach_blocked(), and ATS off; complete at once, or with a submission. */
static int
fake_block(struct sluice_iommu *iommu, uint32_t stream, uint64_t *seq)
{
	struct fake *f = fake_of(iommu);
	int ret;

	if (f->block_busy != 0) {
		f->block_busy--;
		return -EAGAIN;
	}
	ret = record(iommu, FAKE_BLOCKED, stream);
	*seq = ret == 0 && f->block_later ? fake_inv_submit(f, NULL, 0) : 0;
	return ret;
}

static int
fake_ats(struct sluice_iommu *iommu, uint32_t stream, bool on)
{
	return record(iommu, on ? FAKE_ATS_ON : FAKE_ATS_OFF, stream);
}

static unsigned int
fake_service(struct sluice_iommu *iommu)
{
	struct fake *f = fake_of(iommu);
	unsigned int n = f->errors;

	f->services++;
	f->errors = 0;
	return n;
}

static unsigned int
fake_xstats(struct sluice_iommu *iommu, struct sluice_xstat *xs, unsigned int n)
{
	const struct fake *f = fake_of(iommu);

	if (n > 0)
		xs[0] = (struct sluice_xstat){ "submitted", f->submitted };
	if (n > 1)
		xs[1] = (struct sluice_xstat){ "evtq_overflows", f->overflows };
	return 2;
}

static int
fake_step(struct sluice_iommu *iommu, unsigned int budget)
{
	fake_of(iommu)->stepped += budget;
	return (int)budget;
}

static int
fake_watch(struct sluice_iommu *iommu, uint64_t pa, uint64_t len, const uint8_t *owned)
{
	(void)pa, (void)len;
	fake_of(iommu)->watched = owned;
	return 0;
}

static struct fake *last; /* opened without "mate" */

static const char *
setting(const struct rte_kvargs *kv, const char *key, const char *def)
{
	const char *v = rte_kvargs_get(kv, key);

	return v != NULL ? v : def;
}

static int
fake_open_op(struct sluice_iommu *iommu, struct rte_kvargs *kv)
{
	struct fake *f;

	if (rte_kvargs_get(kv, "refuse") != NULL)
		return sluice_fail(ENODEV, "fake: refused as asked");
	f = calloc(1, sizeof(*f));
	if (f == NULL)
		return sluice_fail(ENOMEM, "fake: no memory");
	f->mem_len = strtoul(setting(kv, "mem", "32"), NULL, 0) << 20;
	/* The last one's memory: another instance in the same machine. */
	f->mate = atoi(setting(kv, "mate", "0")) != 0 && last != NULL;
	f->mem_len = f->mate ? last->mem_len : f->mem_len;
	f->mem = f->mate ? last->mem : sluice_host_alloc(f->mem_len);
	last = f->mate ? last : f;
	f->iommu = iommu;
	f->immediate = f->log = true;
	f->relax_ns = 1000;
	f->next_tag = 1;
	f->fail_err = EIO;
	atomic_init(&f->now, 1000000000);
	iommu->priv = f;
	iommu->mem = sluice_mem_create(f->mem, FAKE_PA, f->mem_len);
	if (f->mem == NULL || iommu->mem == NULL)
		abort();
	iommu->fast = (struct sluice_iommu_fast){ fake_inv_submit, fake_inv_try, fake_inv_done,
						  fake_inv_result, fake_fault_burst, f };
	if (strcmp(setting(kv, "clock", "virt"), "tsc") == 0) {
		iommu->clock.hz = rte_get_tsc_hz();
	} else {
		iommu->clock = (struct sluice_clock){ &f->now, 1000000000 };
		iommu->relax = fake_relax;
		iommu->relax_arg = f;
	}
	iommu->sync_timeout = sluice_clock_from_ns(&iommu->clock, FAKE_TIMEOUT);
	iommu->formats = (uint32_t)strtoull(setting(kv, "formats", "0x1"), NULL, 0);
	iommu->caps = strtoull(setting(kv, "caps", "0x11"), NULL, 0);
	iommu->info.ias = (uint8_t)atoi(setting(kv, "ias", "48"));
	iommu->info.oas = (uint8_t)atoi(setting(kv, "oas", "48"));
	iommu->info.page_sizes = strtoull(setting(kv, "pages", "0"), NULL, 0);
	iommu->info.sid_bits = (uint8_t)atoi(setting(kv, "sid", "16"));
	snprintf(iommu->info.regs, sizeof(iommu->info.regs), "none");
	return 0;
}

static void
fake_close_op(struct sluice_iommu *iommu)
{
	struct fake *f = fake_of(iommu);

	sluice_mem_destroy(iommu->mem);
	if (!f->mate)
		sluice_host_free(f->mem, f->mem_len);
	last = last == f ? NULL : last;
	f->closed = true;
}

static const struct sluice_iommu_ops fake_ops = {
	.name = "fake",
	.open = fake_open_op,
	.close = fake_close_op,
	.hwdom_init = fake_hwdom_init,
	.hwdom_fini = fake_hwdom_fini,
	.attach_paging = fake_attach_paging,
	.attach_identity = fake_attach_identity,
	.attach_blocked = fake_attach_blocked,
	.block = fake_block,
	.ats = fake_ats,
	.service = fake_service,
	.xstats = fake_xstats,
	.step = fake_step,
	.watch = fake_watch,
};
SLUICE_REGISTER_BACKEND(fake, &fake_ops)

/* The same without what only emulated hardware has. */
static struct sluice_iommu_ops real_ops;

static int
real_open_op(struct sluice_iommu *iommu, struct rte_kvargs *kv)
{
	return fake_open_op(iommu, kv);
}

RTE_INIT(fake_real_register)
{
	static struct sluice_backend real = { .ops = &real_ops };

	real_ops = fake_ops;
	real_ops.name = "fake_real";
	real_ops.open = real_open_op;
	real_ops.step = NULL;
	real_ops.watch = NULL;
	sluice_backend_register(&real);
}

struct fake *
fake_open(const char *settings)
{
	char devargs[128];
	struct sluice_iommu *iommu;

	snprintf(devargs, sizeof(devargs), "fake%s%s", settings[0] ? "," : "", settings);
	iommu = sluice_iommu_open(devargs);
	if (iommu == NULL) {
		fprintf(stderr, "fake_open: %s\n", sluice_error());
		abort();
	}
	return fake_of(iommu);
}

void
fake_close(struct fake *f)
{
	if (sluice_iommu_close(f->iommu) != 0) {
		fprintf(stderr, "fake_close: %s\n", sluice_error());
		abort();
	}
	free(f);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: the SMMUv3 driver against hardware that lies. Registers show what the input says
 * (identification, acknowledgements, GERROR, CMDQ_CONS and its error codes, EVENTQ_PROD), at every
 * single read if it likes; events, and the word that SYNCs write, hold anything. Meanwhile the
 * driver is opened, submits, waits, drains, repairs, is reset, and is closed.
 *
 * The driver's promises: it reads and writes what it allocated (pieces of memory that hardware sees
 * are fenced here), writes registers that are its own with values that are in order, acknowledges
 * the errors it has seen and no others, and every call comes to an end within its deadlines,
 * by a clock that runs with the hardware's turns.
 *
 * The input: a byte of settings, how many bytes the calls are made of, those, and the hardware's.
 * When the hardware's are used up it is honest, or dead, for the rest.
 */
#include <errno.h>

#include <rte_errno.h>
#include "../unit/eal.h"
#include "hostile.h"

/* Of one call: handshakes of 100 ms each, SYNCs of SYNC_US each, of both a few. */
#define CALL_NS UINT64_C(2000000000)
#define SYNC_US "1000"

/* ---- the driver's calls ---------------------------------------------------------------------- */

struct driver {
	struct sluice_iommu *iommu;
	struct sluice_hwdom hd;
	bool has_hd;
	uint64_t seq; /* of the last submission */
};

static void
step(void *iommu)
{
	sluice_iommu_step(iommu, 1);
}

static void
ended(int rc)
{
	FUZZ_REQUIRE(rc <= 0 && rc > -4096);
	if (rc < 0)
		FUZZ_REQUIRE(strchr(sluice_error(), '\n') == NULL);
}

static void
submit(struct fuzz_in *in, struct driver *d)
{
	const struct sluice_iommu_fast *fast = &d->iommu->fast;
	unsigned int n = (unsigned int)fuzz_take(in, 1) & 7;
	bool atc = (fuzz_take(in, 1) & 1) != 0 && (d->iommu->caps & SLUICE_CAP_ATS) != 0;
	struct sluice_inv inv[8];
	uint64_t seq;

	for (unsigned int i = 0; i < n; i++) {
		inv[i] = (struct sluice_inv){ .op = SLUICE_INV_RANGE, .tag = d->hd.tag,
					      .pages = 1 + (uint32_t)fuzz_take(in, 2),
					      .iova = fuzz_take(in, 3) << 12 };
		if (atc)
			inv[i] = (struct sluice_inv){ .op = SLUICE_INV_ATC, .stream = 3,
						      .flags = SLUICE_ATC_ALL };
	}
	seq = fast->inv_submit(fast->queue, inv, n);
	if (seq != 0) {
		FUZZ_REQUIRE(seq > d->seq); /* whatever the hardware says */
		d->seq = seq;
	}
}

static void
drain(struct driver *d, unsigned int n)
{
	const struct sluice_iommu_fast *fast = &d->iommu->fast;
	struct sluice_fault *f = malloc((n + 1) * sizeof(*f));
	unsigned int got;

	FUZZ_REQUIRE(f != NULL);
	got = fast->fault_burst(fast->queue, f, n);
	FUZZ_REQUIRE(got <= n);
	for (unsigned int i = 0; i < got; i++)
		FUZZ_REQUIRE(f[i].kind < SLUICE_FAULT_KINDS);
	free(f);
}

static void
domain(struct fuzz_in *in, struct driver *d)
{
	const struct sluice_iommu_ops *ops = d->iommu->ops;
	uint8_t what = (uint8_t)fuzz_take(in, 1);
	uint32_t sid = what >> 3;
	int rc;

	if (!d->has_hd) {
		d->hd = (struct sluice_hwdom){ .ttb = HOSTILE_PA, .ias = 48 };
		rc = ops->hwdom_init(d->iommu, &d->hd);
		d->has_hd = rc == 0;
		ended(rc);
		return;
	}
	switch (what & 7) {
	case 0:
		rc = ops->hwdom_fini(d->iommu, &d->hd);
		d->has_hd = rc != 0;
		break;
	case 1:
		rc = ops->attach_identity(d->iommu, sid);
		break;
	case 2:
		rc = ops->attach_blocked(d->iommu, sid);
		break;
	case 3:
	case 4:
		rc = d->iommu->caps & SLUICE_CAP_ATS ? ops->ats(d->iommu, sid, what & 4) : 0;
		break;
	default:
		rc = ops->attach_paging(d->iommu, sid, &d->hd);
		break;
	}
	ended(rc);
}

static void
raw(struct fuzz_in *in, struct driver *d)
{
	const struct sluice_raw_ops *ops = d->iommu->ops->raw;
	uint64_t words[4 * SMMU_EVT_DWORDS];
	struct sluice_raw_info info;
	enum sluice_raw_entry kind;
	uint8_t what = (uint8_t)fuzz_take(in, 1);
	int rc;

	ops->info(d->iommu, &info);
	switch (what & 3) {
	case 0:
		words[0] = what & 4 ? SMMU_CMD_ATC_INV : SMMU_CMD_CFGI_STE;
		words[1] = 0;
		if (info.max_cmds > 0)
			ended(ops->cmds(d->iommu, words, 1));
		break;
	case 1:
		rc = ops->events(d->iommu, words, NULL, what >> 2 & 3);
		FUZZ_REQUIRE(rc >= 0 && rc <= (what >> 2 & 3));
		break;
	case 2:
		ended(ops->reset(d->iommu));
		break;
	default: /* the stream that domain() attaches, unchanged */
		kind = what & 4 ? SLUICE_RAW_CONTEXT : SLUICE_RAW_STREAM;
		rc = ops->entry_read(d->iommu, kind, 3, words);
		ended(rc);
		if (rc == 0)
			ended(ops->entry_change(d->iommu, kind, 3, words));
		break;
	}
}

static void
call(struct fuzz_in *in, struct driver *d)
{
	const struct sluice_iommu_fast *fast = &d->iommu->fast;
	struct sluice_xstat xs[64];
	int rc;

	switch (fuzz_take(in, 1) & 7) {
	case 0:
	case 1:
		submit(in, d);
		break;
	case 2:
		rc = d->seq != 0 ? sluice_inv_wait(d->iommu, d->seq) : 0;
		FUZZ_REQUIRE(rc == 0 || rc == -EIO || rc == -ETIMEDOUT);
		break;
	case 3:
		drain(d, (unsigned int)fuzz_take(in, 1));
		break;
	case 4:
		sluice_iommu_step(d->iommu, 1);
		FUZZ_REQUIRE(d->iommu->ops->service(d->iommu) <= 10);
		break;
	case 5:
		domain(in, d);
		break;
	case 6:
		raw(in, d);
		break;
	default:
		(void)fast->inv_done(fast->queue);
		rc = fast->inv_result(fast->queue, d->seq - (fuzz_take(in, 1) & 3));
		FUZZ_REQUIRE(rc == 0 || rc == -EIO || rc == -ETIMEDOUT);
		(void)sluice_iommu_xstats(d->iommu, xs, RTE_DIM(xs));
		break;
	}
}

/* What does not stop keeps its memory, says so, and in time; and is closed when it stops. */
static void
close_it(struct driver *d)
{
	uint64_t start = hw.clock;
	int rc;

	hw.calm = false;
	rc = sluice_iommu_close(d->iommu);
	FUZZ_REQUIRE(hw.clock - start < CALL_NS);
	if (rc == 0)
		return;
	FUZZ_REQUIRE(sluice_error()[0] != '\0' && strchr(sluice_error(), '\n') == NULL);
	hostile_reform();
	FUZZ_REQUIRE(sluice_iommu_close(d->iommu) == 0);
}

static void
drive(struct fuzz_in *in, const char *device)
{
	uint64_t start = hw.clock;
	struct driver d = { .iommu = sluice_iommu_open(device) };

	FUZZ_REQUIRE(hw.clock - start < CALL_NS);
	if (d.iommu == NULL) {
		FUZZ_REQUIRE(sluice_error()[0] != '\0' && strchr(sluice_error(), '\n') == NULL);
		return;
	}
	sluice_iommu_set_relax(d.iommu, step, d.iommu);
	while (in->left > 0) {
		start = hw.clock;
		hw.calm = false;
		call(in, &d);
		FUZZ_REQUIRE(hw.clock - start < CALL_NS);
	}
	close_it(&d);
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	test_eal_init("0");
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t cmdq_log2[] = { 1, 3, 5, 8 }; /* the last one is large enough for ATS */
	struct fuzz_in in = { data, size };
	uint8_t how = (uint8_t)fuzz_take(&in, 1);
	size_t n = (size_t)fuzz_take(&in, 1);
	char device[128];

	memset(&hw, 0, sizeof(hw));
	n = n < in.left ? n : in.left;
	hw.direct = how & 1;
	hw.dead = how & 2;
	hostile_begin((struct fuzz_in){ in.p + n, in.left - n }, how & 4);
	in.left = n;
	snprintf(device, sizeof(device),
		 "smmuv3,regs=hostile,cmdq_log2=%u,evtq_log2=%u,sync_timeout_us=" SYNC_US "%s%s",
		 cmdq_log2[how >> 3 & 3], how >> 3 & 3, how & 32 ? ",sync=cons" : "",
		 how & 64 ? ",strtab=linear" : "");
	drive(&in, device);
	hostile_end();
	return 0;
}

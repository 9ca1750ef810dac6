/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The backend that does nothing, quickly and in order.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "driver.h"
#include "fake_iommu.h"

#define FAKE_PA (UINT64_C(1) << 30)

struct fake {
	_Atomic uint64_t seq; /* submitted and, with that, complete */
	_Atomic uint64_t ranges, domains;
	_Atomic uint32_t tag;
	void *va;
	size_t len;
};

/* Sequence numbers only: relaxed. A completion orders nothing here, since nobody does anything in
 * between; what submitter and waiter tell each other goes by the engine's own rings. */
static uint64_t
fake_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	struct fake *f = queue;
	uint64_t ranges = 0;

	for (unsigned int i = 0; i < n; i++)
		ranges += inv[i].op == SLUICE_INV_RANGE;
	if (ranges != 0)
		atomic_fetch_add_explicit(&f->ranges, ranges, memory_order_relaxed);
	if (ranges != n)
		atomic_fetch_add_explicit(&f->domains, n - ranges, memory_order_relaxed);
	return atomic_fetch_add_explicit(&f->seq, 1, memory_order_relaxed) + 1;
}

static uint64_t
fake_done(void *queue)
{
	return atomic_load_explicit(&((struct fake *)queue)->seq, memory_order_acquire);
}

static int
fake_result(void *queue, uint64_t seq)
{
	(void)queue, (void)seq;
	return 0;
}

static unsigned int
fake_faults(void *queue, struct sluice_fault *f, unsigned int n)
{
	(void)queue, (void)f, (void)n;
	return 0;
}

static int
fake_open(struct sluice_iommu *iommu, struct rte_kvargs *kv)
{
	const char *mb = rte_kvargs_get(kv, "mem_mb");
	struct fake *f = calloc(1, sizeof(*f));

	if (f == NULL)
		return sluice_fail(ENOMEM, "no memory for a fake iommu");
	f->len = (size_t)(mb != NULL ? strtoul(mb, NULL, 10) : 64) << 20;
	f->va = mmap(NULL, f->len, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (f->va == MAP_FAILED || (iommu->mem = sluice_mem_create(f->va, FAKE_PA, f->len)) == NULL) {
		free(f);
		return sluice_fail(ENOMEM, "no memory for page tables");
	}
	(void)madvise(f->va, f->len, MADV_HUGEPAGE);
	/* There is always room. */
	iommu->fast = (struct sluice_iommu_fast){ fake_submit, fake_submit, fake_done, fake_result,
						  fake_faults, f };
	iommu->formats = 1u << SLUICE_FORMAT_LPAE_S1_4K;
	iommu->caps = SLUICE_CAP_DEFERRED | SLUICE_CAP_RANGE_INV | SLUICE_CAP_COHERENT |
		      SLUICE_CAP_BYPASS;
	iommu->info.ias = 48;
	iommu->info.oas = 48;
	iommu->info.page_sizes = (1u << 12) | (1u << 21) | (1u << 30);
	iommu->clock.hz = rte_get_tsc_hz();
	iommu->sync_timeout = rte_get_tsc_hz();
	iommu->priv = f;
	return 0;
}

static void
fake_close(struct sluice_iommu *iommu)
{
	struct fake *f = iommu->priv;

	sluice_mem_destroy(iommu->mem);
	munmap(f->va, f->len);
	free(f);
}

static int
fake_hwdom_init(struct sluice_iommu *iommu, struct sluice_hwdom *hd)
{
	struct fake *f = iommu->priv;

	hd->tag = (uint16_t)atomic_fetch_add_explicit(&f->tag, 1, memory_order_relaxed);
	return 0;
}

static int
fake_hwdom_fini(struct sluice_iommu *iommu, struct sluice_hwdom *hd)
{
	(void)iommu, (void)hd;
	return 0;
}

static int
fake_attach_paging(struct sluice_iommu *iommu, uint32_t stream, struct sluice_hwdom *hd)
{
	(void)iommu, (void)stream, (void)hd;
	return 0;
}

static int
fake_attach(struct sluice_iommu *iommu, uint32_t stream)
{
	(void)iommu, (void)stream;
	return 0;
}

static unsigned int
fake_service(struct sluice_iommu *iommu)
{
	(void)iommu;
	return 0;
}

static unsigned int
fake_xstats(struct sluice_iommu *iommu, struct sluice_xstat *xs, unsigned int n)
{
	(void)iommu, (void)xs, (void)n;
	return 0;
}

static const struct sluice_iommu_ops fake_ops = {
	.name = "fake",
	.open = fake_open,
	.close = fake_close,
	.hwdom_init = fake_hwdom_init,
	.hwdom_fini = fake_hwdom_fini,
	.attach_paging = fake_attach_paging,
	.attach_identity = fake_attach,
	.attach_blocked = fake_attach,
	.service = fake_service,
	.xstats = fake_xstats,
};

SLUICE_REGISTER_BACKEND(fake, &fake_ops)

struct fake_counts
fake_iommu_counts(struct sluice_iommu *iommu)
{
	struct fake *f = iommu->priv;

	return (struct fake_counts){
		.submits = atomic_load_explicit(&f->seq, memory_order_relaxed),
		.ranges = atomic_load_explicit(&f->ranges, memory_order_relaxed),
		.domains = atomic_load_explicit(&f->domains, memory_order_relaxed),
	};
}

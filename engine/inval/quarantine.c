/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Blocking a device that does not answer, for good, and reporting it. Number 4 of the essay in
 * ats.h.
 */
#include "ats.h"

void
ats_blocked(struct sluice_domain *d, struct sluice_device *dev)
{
	struct sluice_iommu *iommu = d->iommu;

	/* Several threads may have found it: one of them reports it. Release: pairs with the
	 * acquire in ats_quarantined(). */
	if (atomic_exchange_explicit(&dev->quarantined, true, memory_order_acq_rel))
		return;
	ats_count(&d->ats->quarantines, 1);
	ats_count(&iommu->quarantines, 1);
	for (unsigned int i = 0; i < RTE_DIM(iommu->quarantine_news); i++) {
		uint64_t none = 0;

		if (atomic_compare_exchange_strong_explicit(&iommu->quarantine_news[i], &none,
							    (uint64_t)dev->stream[0] + 1,
							    memory_order_release,
							    memory_order_relaxed))
			break;
	}
}

int
ats_quarantine(struct sluice_domain *d, struct sluice_device *dev)
{
	const struct sluice_iommu_ops *ops = d->iommu->ops;
	int ret = 0;

	if (ats_quarantined(dev))
		return 0;
	for (unsigned int i = 0; i < dev->nb_streams && ret == 0; i++)
		ret = ops->attach_blocked(d->iommu, dev->stream[i]);
	/* Nothing depends on the device's own switch: it may not listen to that either. */
	for (unsigned int i = 0; i < dev->nb_streams && ret == 0; i++)
		(void)ops->ats(d->iommu, dev->stream[i], false);
	if (ret == 0)
		ats_blocked(d, dev);
	return ret;
}

unsigned int
ats_news(struct sluice_iommu *iommu, struct sluice_fault *f, unsigned int n)
{
	unsigned int got = 0;
	uint64_t v;

	if (atomic_load_explicit(&iommu->quarantines, memory_order_relaxed) == 0)
		return 0;
	for (unsigned int i = 0; i < RTE_DIM(iommu->quarantine_news) && got < n; i++) {
		if (atomic_load_explicit(&iommu->quarantine_news[i], memory_order_relaxed) == 0)
			continue;
		v = atomic_exchange_explicit(&iommu->quarantine_news[i], 0, memory_order_acquire);
		f[got++] = (struct sluice_fault){ .stream = (uint32_t)(v - 1),
						  .kind = SLUICE_FAULT_OTHER,
						  .flags = SLUICE_FAULT_QUARANTINED };
	}
	return got;
}

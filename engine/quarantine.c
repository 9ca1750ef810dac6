/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Blocking a device that does not answer, for good, and telling of it. Number 4 of the essay in
 * ats.h.
 */
#include "ats.h"

/* One at a time: an error path, and control calls of the backend. */
static pthread_mutex_t quarantine_lock = PTHREAD_MUTEX_INITIALIZER;

int
ats_quarantine(struct sluice_domain *d, struct sluice_device *dev)
{
	const struct sluice_iommu_ops *ops = d->iommu->ops;
	struct sluice_iommu *iommu = d->iommu;
	int ret = 0;

	pthread_mutex_lock(&quarantine_lock);
	if (!ats_quarantined(dev)) {
		for (unsigned int i = 0; i < dev->nb_streams && ret == 0; i++)
			ret = ops->attach_blocked(iommu, dev->stream[i]);
		/* Nothing depends on the device's own switch: it may not listen to that either. */
		for (unsigned int i = 0; i < dev->nb_streams && ret == 0; i++)
			(void)ops->ats(iommu, dev->stream[i], false);
		if (ret == 0) {
			/* Release: pairs with the acquire in ats_quarantined(). */
			atomic_store_explicit(&dev->quarantined, true, memory_order_release);
			ats_count(&d->ats->quarantines, 1);
			ats_count(&iommu->quarantines, 1);
			for (unsigned int i = 0; i < RTE_DIM(iommu->quarantine_news); i++) {
				uint64_t none = 0;

				if (atomic_compare_exchange_strong_explicit(
					    &iommu->quarantine_news[i], &none,
					    (uint64_t)dev->stream[0] + 1, memory_order_release,
					    memory_order_relaxed))
					break;
			}
		}
	}
	pthread_mutex_unlock(&quarantine_lock);
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

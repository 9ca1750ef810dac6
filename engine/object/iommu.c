/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * IOMMU instances and the registry of backends.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>

#include "../base/heap.h"
#include "../base/wait.h"
#include "../pgtable/format.h"

static TAILQ_HEAD(, sluice_backend) backends = TAILQ_HEAD_INITIALIZER(backends);

void
sluice_backend_register(struct sluice_backend *b)
{
	TAILQ_INSERT_TAIL(&backends, b, next);
}

const char *
sluice_backend_name(unsigned int i)
{
	struct sluice_backend *b;

	TAILQ_FOREACH(b, &backends, next)
		if (i-- == 0)
			return b->ops->name;
	return NULL;
}

static const struct sluice_iommu_ops *
backend_find(const char *name)
{
	struct sluice_backend *b;
	char list[128] = "";

	TAILQ_FOREACH(b, &backends, next) {
		if (strcmp(b->ops->name, name) == 0)
			return b->ops;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), " %s", b->ops->name);
	}
	sluice_fail(EINVAL, "unknown backend '%s'; there is:%s", name, list[0] ? list : " none");
	return NULL;
}

struct sluice_iommu *
sluice_iommu_open(const char *devargs)
{
	const struct sluice_iommu_ops *ops;
	struct sluice_iommu *iommu;
	struct rte_kvargs *kv;
	char name[32];
	size_t len;

	if (devargs == NULL || (len = strcspn(devargs, ",")) == 0 || len >= sizeof(name)) {
		sluice_fail(EINVAL, "device '%s': BACKEND[,key=value…] is wanted",
			    devargs != NULL ? devargs : "");
		return NULL;
	}
	snprintf(name, sizeof(name), "%.*s", (int)len, devargs);
	ops = backend_find(name);
	if (ops == NULL)
		return NULL;
	kv = rte_kvargs_parse(devargs[len] == ',' ? devargs + len + 1 : "", NULL);
	if (kv == NULL) {
		sluice_fail(EINVAL, "device '%s': key=value pairs with commas are wanted", devargs);
		return NULL;
	}
	iommu = heap_zalloc("sluice_iommu", sizeof(*iommu), RTE_CACHE_LINE_SIZE);
	if (iommu == NULL) {
		sluice_fail(ENOMEM, "no memory for an iommu");
	} else {
		iommu->ops = ops;
		snprintf(iommu->info.backend, sizeof(iommu->info.backend), "%s", ops->name);
		if (ops->open(iommu, kv) != 0) {
			heap_free(iommu);
			iommu = NULL;
		} else {
			sluice_clock_ready(&iommu->clock);
		}
	}
	rte_kvargs_free(kv);
	return iommu;
}

/* The fast operations of a stopped iommu: it caches nothing and reaches nothing. */
static uint64_t
stopped_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	(void)queue;
	(void)inv;
	(void)n;
	return 1;
}

static uint64_t
stopped_done(void *queue)
{
	(void)queue;
	return UINT64_MAX;
}

static int
stopped_result(void *queue, uint64_t seq)
{
	(void)queue;
	(void)seq;
	return 0;
}

int
sluice_iommu_stop(struct sluice_iommu *iommu)
{
	int ret;

	if (iommu == NULL)
		return sluice_null("an iommu");
	if (iommu->stopped)
		return 0;
	ret = iommu->ops->stop != NULL ? iommu->ops->stop(iommu) : 0;
	if (ret != 0)
		return ret;
	iommu->stopped = true;
	iommu->fast.inv_submit = stopped_submit;
	iommu->fast.inv_try = stopped_submit;
	iommu->fast.inv_done = stopped_done;
	iommu->fast.inv_result = stopped_result;
	return 0;
}

int
sluice_iommu_close(struct sluice_iommu *iommu)
{
	unsigned int dmas;
	int ret;

	if (iommu == NULL)
		return 0;
	dmas = atomic_load_explicit(&iommu->nb_dmas, memory_order_relaxed);
	if (iommu->engine != NULL || iommu->nb_domains != 0 || iommu->nb_devices != 0 || dmas != 0)
		return sluice_fail(EBUSY, "the iommu has %u domain(s), %u device(s), %u open DMA "
				   "channel(s)%s", iommu->nb_domains, iommu->nb_devices, dmas,
				   iommu->engine != NULL ? " and an engine" : "");
	/* Memory that hardware may still reach must not be used for anything else. */
	ret = sluice_iommu_stop(iommu);
	if (ret != 0)
		return ret;
	iommu->ops->close(iommu);
	heap_free(iommu);
	return 0;
}

int
sluice_iommu_get_info(const struct sluice_iommu *iommu, struct sluice_iommu_info *info)
{
	if (iommu == NULL || info == NULL)
		return sluice_fail(EINVAL, "no iommu, or no place for what is known of it");
	*info = iommu->info;
	info->caps = iommu->caps;
	return 0;
}

void
sluice_iommu_mem_free(struct sluice_iommu *iommu, void *va, size_t size)
{
	if (iommu == NULL) {
		(void)sluice_null("an iommu");
		return;
	}
	sluice_mem_free(iommu->mem, va, size);
}

int
sluice_iommu_step(struct sluice_iommu *iommu, unsigned int budget)
{
	if (iommu == NULL)
		return sluice_null("an iommu");
	if (unlikely(iommu->ops->step == NULL))
		return sluice_fail(ENOTSUP, "only emulated hardware is stepped");
	/* From now on the application steps the hardware; waits leave it to that. */
	if (unlikely(atomic_load_explicit(&iommu->undriven, memory_order_relaxed)))
		atomic_store_explicit(&iommu->undriven, false, memory_order_relaxed);
	/* One lcore at a time counts. */
	atomic_store_explicit(&iommu->steps,
			      atomic_load_explicit(&iommu->steps, memory_order_relaxed) + 1,
			      memory_order_relaxed);
	return iommu->ops->step(iommu, budget);
}

void
sluice_iommu_set_relax(struct sluice_iommu *iommu, void (*fn)(void *), void *arg)
{
	if (iommu == NULL) {
		(void)sluice_null("an iommu");
		return;
	}
	if (fn != NULL)
		atomic_store_explicit(&iommu->undriven, false, memory_order_relaxed);
	iommu->relax_arg = arg;
	iommu->relax = fn;
}

uint64_t
sluice_iommu_now_ns(const struct sluice_iommu *iommu)
{
	if (iommu == NULL) {
		(void)sluice_null("an iommu");
		return 0;
	}
	return sluice_clock_to_ns(&iommu->clock, sluice_clock_ticks(&iommu->clock));
}

int
sluice_iommu_watch(struct sluice_iommu *iommu, uint64_t pa, uint64_t len, const uint8_t *owned)
{
	if (iommu == NULL)
		return sluice_null("an iommu");
	if (((pa | len) & 4095) != 0)
		return sluice_fail(EINVAL, "%#" PRIx64 "+%#" PRIx64 ": multiples of 4096 are watched", pa,
				   len);
	if (iommu->ops->watch == NULL)
		return sluice_fail(ENOTSUP, "only emulated hardware watches memory");
	return iommu->ops->watch(iommu, pa, len, owned);
}

int
sluice_iommu_sync(struct sluice_iommu *iommu)
{
	if (iommu == NULL)
		return sluice_null("an iommu");
	return sluice_inv_sync(iommu, NULL, 0);
}

unsigned int
sluice_iommu_xstats(struct sluice_iommu *iommu, struct sluice_xstat *xs, unsigned int n)
{
	if (iommu == NULL || (xs == NULL && n != 0)) {
		(void)sluice_null("an iommu, or room for counters");
		return 0;
	}
	return iommu->ops->xstats(iommu, xs, n);
}

const char *
sluice_iommu_format(const struct sluice_iommu *iommu, unsigned int i)
{
	if (iommu == NULL) {
		(void)sluice_null("an iommu");
		return NULL;
	}
	for (unsigned int f = 0; f < SLUICE_FORMATS; f++)
		if ((iommu->formats & 1u << f) != 0 && i-- == 0)
			return pt_format_get((enum sluice_format)f)->name;
	return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * DMA channels: the registry of what makes DMA, and the way through to it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "device.h"

static TAILQ_HEAD(, sluice_dma_maker) makers = TAILQ_HEAD_INITIALIZER(makers);

void
sluice_dma_maker_register(struct sluice_dma_maker *m)
{
	TAILQ_INSERT_TAIL(&makers, m, next);
}

static const struct sluice_dma_ops *
maker_find(const char *devargs, size_t len)
{
	struct sluice_dma_maker *m;
	char list[128] = "";

	TAILQ_FOREACH(m, &makers, next) {
		if (strlen(m->ops->name) == len && strncmp(m->ops->name, devargs, len) == 0)
			return m->ops;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), " %s", m->ops->name);
	}
	sluice_fail(EINVAL, "nothing called '%.*s' makes DMA; there is:%s", (int)len, devargs,
		    list[0] ? list : " none");
	return NULL;
}

/* "NAME[,key=value…]" taken apart. @return the maker, or NULL with rte_errno. */
static const struct sluice_dma_ops *
maker_parse(const char *devargs, struct rte_kvargs **kv)
{
	size_t len = strcspn(devargs, ",");
	const struct sluice_dma_ops *ops = maker_find(devargs, len);

	if (ops == NULL)
		return NULL;
	*kv = rte_kvargs_parse(devargs[len] == ',' ? devargs + len + 1 : "", NULL);
	if (*kv == NULL) {
		sluice_fail(EINVAL, "'%s': key=value pairs with commas are wanted", devargs);
		return NULL;
	}
	return ops;
}

struct sluice_dma *
sluice_dma_open(struct sluice_device *dev, const char *devargs)
{
	if (dev == NULL || devargs == NULL) {
		(void)sluice_null("a device, or what is to make DMA,");
		return NULL;
	}
	const struct sluice_dma_ops *ops;
	struct sluice_dma *dma;
	struct rte_kvargs *kv;

	ops = maker_parse(devargs, &kv);
	if (ops == NULL)
		return NULL;
	dma = calloc(1, sizeof(*dma));
	if (dma == NULL) {
		sluice_fail(ENOMEM, "no memory for a DMA channel");
	} else {
		*dma = (struct sluice_dma){ .ops = ops, .iommu = dev->iommu, .dev = dev };
		if (ops->open(dma, kv) != 0) {
			free(dma);
			dma = NULL;
		} else {
			atomic_fetch_add_explicit(&dev->iommu->nb_dmas, 1, memory_order_relaxed);
		}
	}
	rte_kvargs_free(kv);
	return dma;
}

int
sluice_dma_stream(struct sluice_iommu *iommu, const char *devargs, uint32_t *stream)
{
	if (iommu == NULL || devargs == NULL || stream == NULL)
		return sluice_null("an iommu, what makes DMA, or room for its StreamID");
	const struct sluice_dma_ops *ops;
	struct rte_kvargs *kv;
	int ret;

	ops = maker_parse(devargs, &kv);
	if (ops == NULL)
		return -rte_errno;
	ret = ops->stream != NULL ? ops->stream(iommu, kv, stream) :
	      sluice_fail(ENOTSUP, "%s has no StreamID of its own", ops->name);
	rte_kvargs_free(kv);
	return ret;
}

int
sluice_dma_get_info(const struct sluice_dma *dma, struct sluice_dma_info *info)
{
	if (dma == NULL || info == NULL)
		return sluice_fail(EINVAL, "no DMA channel, or no place for what is known of it");
	*info = (struct sluice_dma_info){ .flags = 0 };
	if (dma->ops->info != NULL)
		dma->ops->info(dma, info);
	return 0;
}

int
sluice_dma_close(struct sluice_dma *dma)
{
	int ret = dma != NULL ? dma->ops->close(dma) : 0;

	if (dma == NULL || ret != 0)
		return ret;
	atomic_fetch_sub_explicit(&dma->iommu->nb_dmas, 1, memory_order_relaxed);
	free(dma);
	return 0;
}

uint16_t
sluice_dma_submit(struct sluice_dma *dma, const struct sluice_dma_desc *d, uint16_t n)
{
	return dma->ops->submit(dma, d, n);
}

uint16_t
sluice_dma_completed(struct sluice_dma *dma, struct sluice_dma_cpl *c, uint16_t n)
{
	uint16_t got = dma->ops->completed(dma, c, n);

	if (unlikely(got == 0) &&
	    atomic_load_explicit(&dma->iommu->undriven, memory_order_relaxed)) {
		sluice_drive(dma->iommu);
		got = dma->ops->completed(dma, c, n);
	}
	return got;
}

int
sluice_dma_probe(struct sluice_dma *dma, bool on)
{
	if (dma == NULL)
		return sluice_null("a DMA channel");
	return dma->ops->probe != NULL ? dma->ops->probe(dma, on) :
	       sluice_fail(ENOTSUP, "%s cannot probe", dma->ops->name);
}

int
sluice_dma_get_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st)
{
	if (dma == NULL || st == NULL)
		return sluice_null("a DMA channel, or room for its counters,");
	dma->ops->stats(dma, st);
	return 0;
}

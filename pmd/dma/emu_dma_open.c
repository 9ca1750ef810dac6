/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Opening a channel of the DMA maker "emu": the keys of its device string, its rings, the cache of
 * a device with ATS.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "emu_dma.h"

#define RING_DEFAULT 1024u
#define RING_MAX     32768u
#define ATC_DEFAULT  64u /* translations that a device with ATS keeps */
#define ATC_MAX      65536u
#define INDEX_MAX    8190u /* (index + 1) << 3 in 16 bits */

static int
get_number(const struct rte_kvargs *kv, const char *key, uint64_t max, uint64_t *v)
{
	const char *text = kv != NULL ? rte_kvargs_get(kv, key) : NULL;
	char *end;

	if (text == NULL)
		return 0;
	errno = 0;
	*v = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || *v > max)
		return sluice_fail(EINVAL, "%s=%s: give a number from 0 to %" PRIu64, key, text,
				   max);
	return 0;
}

static int
check_keys(const struct rte_kvargs *kv)
{
	static const char *const keys[] = { "ring", "probe", "stream", "index", "seed",
					    "ats", "atc", "atc_dead", "atc_late_ns" };

	for (unsigned int i = 0; kv != NULL && i < kv->count; i++) {
		size_t k = 0;

		while (k < RTE_DIM(keys) && strcmp(keys[k], kv->pairs[i].key) != 0)
			k++;
		if (k == RTE_DIM(keys))
			return sluice_fail(EINVAL,
					   "unknown key '%s': use ring, probe, stream, index, seed, "
					   "ats, atc, atc_dead, atc_late_ns",
					   kv->pairs[i].key);
	}
	return 0;
}

static int
check_emu(const struct sluice_iommu *iommu)
{
	return iommu->emu != NULL ? 0 :
	       sluice_fail(ENOTSUP, "dma maker emu needs emulated hardware: open the iommu with "
				    "regs=emu");
}

/* An emulated device has the requester id of a PCI device: its number, function 0, bus 0. */
static int
dma_stream(struct sluice_iommu *iommu, struct rte_kvargs *kv, uint32_t *stream)
{
	uint64_t index = 0;
	int ret;

	if ((ret = check_emu(iommu)) != 0 || (ret = check_keys(kv)) != 0 ||
	    (ret = get_number(kv, "index", INDEX_MAX, &index)) != 0)
		return ret;
	*stream = (uint32_t)(index + 1) << 3;
	if (iommu->info.sid_bits < 32 && *stream >> iommu->info.sid_bits != 0)
		return sluice_fail(EINVAL, "index=%" PRIu64 ": StreamID %#x is beyond this iommu's "
				   "%u bits", index, *stream, iommu->info.sid_bits);
	return 0;
}

/* Find the StreamID that the keys name; it must be one of the device's. */
static int
pick_stream(const struct sluice_dma *dma, struct rte_kvargs *kv, uint32_t *sid)
{
	const struct sluice_device *dev = dma->dev;
	uint64_t stream = 0;
	int ret;

	if (kv == NULL || rte_kvargs_count(kv, "index") == 0) {
		ret = get_number(kv, "stream", dev->nb_streams - 1, &stream);
		if (ret == 0)
			*sid = dev->stream[stream];
		return ret;
	}
	if (rte_kvargs_count(kv, "stream") != 0)
		return sluice_fail(EINVAL, "index and stream name the StreamID both: give one");
	ret = dma_stream(dma->iommu, kv, sid);
	for (unsigned int i = 0; ret == 0 && i < dev->nb_streams; i++)
		if (dev->stream[i] == *sid)
			return 0;
	return ret != 0 ? ret :
	       sluice_fail(EINVAL, "index=%s: StreamID %#x is none of the device's",
			   rte_kvargs_get(kv, "index"), *sid);
}

/* Set up ATS as the keys say: the device's cache, and how it answers. */
static int
open_atc(struct emu_dma *d, const struct sluice_iommu *iommu, const struct rte_kvargs *kv)
{
	uint64_t ats = 0, entries = ATC_DEFAULT, dead = 0, late = 0;
	int ret;

	if ((ret = get_number(kv, "ats", 1, &ats)) != 0 ||
	    (ret = get_number(kv, "atc", ATC_MAX, &entries)) != 0 ||
	    (ret = get_number(kv, "atc_dead", 1, &dead)) != 0 ||
	    (ret = get_number(kv, "atc_late_ns", UINT32_MAX, &late)) != 0)
		return ret;
	if (ats == 0) {
		static const char *const needs[] = { "atc", "atc_dead", "atc_late_ns" };

		for (unsigned int i = 0; kv != NULL && i < RTE_DIM(needs); i++)
			if (rte_kvargs_count(kv, needs[i]) != 0)
				return sluice_fail(EINVAL, "%s says nothing without ats=1",
						   needs[i]);
		return 0;
	}
	if ((iommu->caps & SLUICE_CAP_ATS) == 0)
		return sluice_fail(ENOTSUP, "ats=1: this emulated SMMU has no ATS: open it with "
				   "ats=1");
	if (entries == 0 || !rte_is_power_of_2(entries))
		return sluice_fail(EINVAL, "atc=%" PRIu64 ": give a power of two from 1 to %u",
				   entries, ATC_MAX);
	d->atc = emu_atc_create(d->emu, d->sid, (uint32_t)entries);
	if (d->atc == NULL)
		return sluice_fail(ENOMEM, "atc=%" PRIu64 ": there is not that much memory",
				   entries);
	if (dead != 0)
		emu_inject(d->emu, EMU_INJECT_ATC_DEAD, EMU_INJECT_ARG(d->sid, 1));
	if (late != 0)
		emu_inject(d->emu, EMU_INJECT_ATC_LATE, EMU_INJECT_ARG(d->sid, late));
	return 0;
}

static int
dma_open(struct sluice_dma *dma, struct rte_kvargs *kv)
{
	uint64_t ring = RING_DEFAULT, probe = 0, seed = 1;
	struct emu_dma *d;
	uint32_t sid;
	int ret;

	if ((ret = check_emu(dma->iommu)) != 0)
		return ret;
	if ((ret = check_keys(kv)) != 0 || (ret = get_number(kv, "ring", RING_MAX, &ring)) != 0 ||
	    (ret = get_number(kv, "probe", 1, &probe)) != 0 ||
	    (ret = pick_stream(dma, kv, &sid)) != 0 ||
	    (ret = get_number(kv, "seed", UINT64_MAX, &seed)) != 0)
		return ret;
	if (ring == 0 || !rte_is_power_of_2(ring))
		return sluice_fail(EINVAL, "ring=%" PRIu64 ": give a power of two from 1 to %u",
				   ring, RING_MAX);
	d = aligned_alloc(64, RTE_ALIGN_CEIL(sizeof(*d), 64));
	if (d == NULL)
		return sluice_fail(ENOMEM, "no memory for a DMA channel");
	memset(d, 0, sizeof(*d));
	d->desc = aligned_alloc(64, RTE_ALIGN_CEIL(ring * sizeof(*d->desc), 64));
	d->cpl = aligned_alloc(64, RTE_ALIGN_CEIL(ring * sizeof(*d->cpl), 64));
	if (d->desc == NULL || d->cpl == NULL) {
		free(d->desc);
		free(d->cpl);
		free(d);
		return sluice_fail(ENOMEM, "ring=%" PRIu64 ": there is not that much memory", ring);
	}
	d->mask = (uint32_t)ring - 1;
	d->sid = sid;
	d->emu = dma->iommu->emu;
	ret = open_atc(d, dma->iommu, kv);
	if (ret != 0) {
		free(d->desc);
		free(d->cpl);
		free(d);
		return ret;
	}
	d->rng = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
	atomic_init(&d->probing, probe != 0);
	d->master.step = emu_dma_step;
	dma->priv = d;
	emu_master_add(d->emu, &d->master);
	return 0;
}

static int
dma_close(struct sluice_dma *dma)
{
	struct emu_dma *d = dma->priv;

	if (atomic_load_explicit(&d->prod, memory_order_relaxed) != d->collected)
		return sluice_fail(EBUSY, "transfers in flight: collect their completions first");
	emu_master_del(d->emu, &d->master);
	emu_atc_destroy(d->emu, d->atc);
	free(d->desc);
	free(d->cpl);
	free(d);
	dma->priv = NULL;
	return 0;
}

static void
dma_info(const struct sluice_dma *dma, struct sluice_dma_info *info)
{
	const struct emu_dma *d = dma->priv;

	*info = (struct sluice_dma_info){
		.flags = SLUICE_DMA_TELLS | SLUICE_DMA_READS | SLUICE_DMA_ANY_MEM,
		.max_len = UINT32_MAX, .own_len = EMU_DMA_OWN_LEN, .depth = d->mask + 1,
	};
}

static const struct sluice_dma_ops emu_dma_ops = {
	.name = "emu",
	.open = dma_open,
	.close = dma_close,
	.submit = emu_dma_submit,
	.completed = emu_dma_completed,
	.probe = emu_dma_probe,
	.stats = emu_dma_stats,
	.stream = dma_stream,
	.info = dma_info,
};

SLUICE_REGISTER_DMA(emu, &emu_dma_ops)

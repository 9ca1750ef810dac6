/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The DMA maker "emu": a device behind the emulated SMMU. A worker posts descriptors, and the
 * emulator's thread carries them out between commands. Descriptors and completions go through
 * single-producer single-consumer rings.
 *
 * 1. The worker writes descriptors [prod, prod+n) and publishes prod (release). 2. The device reads
 * prod (acquire), executes them in order, writes a completion each, and publishes done (release)
 * once eight are finished or nothing is left to do. 3. The worker reads done (acquire) and
 * collects. It never has more than `ring` descriptors between prod and what it collected, so
 * neither ring can overflow.
 *
 * Each side keeps a copy of the other's index, and reads the index again only when the copy is used
 * up. So the cache lines of the indices travel once per batch.
 *
 * With probing on, the device misbehaves: it remembers the last addresses that it used and tries
 * them again, between transfers and at times when it is idle.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_errno.h>

#include "../../engine/object/device.h"
#include "../emu/core/emu.h"

#define RING_DEFAULT 1024u
#define RING_MAX     32768u
#define DONE_BATCH   8u    /* completions published together while there is more to do */
#define HISTORY      1024u /* addresses remembered for probes */
#define RECENT       32u   /* every other probe picks one of the last so many */
#define IDLE_PROBE   16u   /* idle turns per probe, so that commands are not delayed */
#define OWN_LEN      4096u /* the device's own buffer */
#define ATC_DEFAULT  64u   /* translations that a device with ATS keeps */
#define ATC_MAX      65536u
#define INDEX_MAX    8190u /* (index + 1) << 3 in 16 bits */

struct emu_dma {
	/* constant */
	struct sluice_dma_desc *desc;
	struct sluice_dma_cpl *cpl;
	uint32_t mask;
	uint32_t sid;
	struct emu *emu;
	struct emu_atc *atc; /* NULL: the device has no ATS */

	/* worker: written by the lcore that submits and collects */
	_Alignas(64) _Atomic uint32_t prod;
	uint32_t collected;
	uint32_t done_seen;
	uint64_t submitted, completed;

	/* device: written by the emulator's thread */
	_Alignas(64) _Atomic uint32_t done;
	uint32_t head;       /* next to execute */
	uint32_t prod_seen;
	uint32_t idle;
	uint64_t rng;
	uint32_t hist_n;     /* how many addresses were remembered since the start */
	uint64_t bytes, faults, probes, probe_hits;
	struct emu_master master;

	_Alignas(64) _Atomic bool probing; /* written by any thread */
	uint64_t hist[HISTORY];
	uint8_t own[OWN_LEN]; /* used by the emulator's thread */
};

/* A counter has one writer; sluice_dma_get_stats() may read it on any thread. */
static void
count(uint64_t *c, uint64_t n)
{
	_Atomic uint64_t *a = (_Atomic uint64_t *)(void *)c;

	atomic_store_explicit(a, atomic_load_explicit(a, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static uint64_t
counted(const uint64_t *c)
{
	return atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)c, memory_order_relaxed);
}

/* ---- the device ------------------------------------------------------------------------------ */

static void
probe_one(struct emu_dma *d)
{
	uint32_t n = d->hist_n < HISTORY ? d->hist_n : HISTORY, pick;

	if (n == 0)
		return;
	d->rng ^= d->rng << 13;
	d->rng ^= d->rng >> 7;
	d->rng ^= d->rng << 17;
	if ((d->rng & 1) && n > RECENT)
		n = RECENT;
	pick = d->hist_n - 1 - (uint32_t)(d->rng >> 33) % n;
	count(&d->probes, 1);
	if ((d->atc != NULL ? emu_atc_probe(d->emu, d->atc, d->hist[pick % HISTORY]) :
			      emu_probe(d->emu, d->sid, d->hist[pick % HISTORY])) == EMU_OK)
		count(&d->probe_hits, 1);
}

static void
execute(struct emu_dma *d)
{
	const struct sluice_dma_desc *t = &d->desc[d->head & d->mask];
	struct sluice_dma_cpl *c = &d->cpl[d->head & d->mask];
	void *mem = t->dev_mem;
	enum emu_access res;
	uint32_t moved = 0;

	if (unlikely(mem == NULL)) {
		if (t->dev_off > OWN_LEN || t->len > OWN_LEN - t->dev_off) {
			*c = (struct sluice_dma_cpl){ .cookie = t->cookie, .status = -EINVAL };
			d->head++;
			return;
		}
		mem = d->own + t->dev_off;
	}
	res = d->atc != NULL ? emu_atc_dma(d->emu, d->atc, t->iova, mem, t->len,
					   t->flags & SLUICE_DMA_TO_HOST, &moved) :
			       emu_dma(d->emu, d->sid, t->iova, mem, t->len,
				       t->flags & SLUICE_DMA_TO_HOST, &moved);
	*c = (struct sluice_dma_cpl){
		.cookie = t->cookie, .done = moved,
		.status = res == EMU_OK ? 0 : res == EMU_FAULT ? -EFAULT : -EIO,
	};
	count(&d->bytes, moved);
	if (res == EMU_FAULT)
		count(&d->faults, 1);
	d->hist[d->hist_n++ % HISTORY] = t->iova;
	d->head++;
}

static unsigned int
master_step(struct emu_master *m, struct emu *e, unsigned int budget)
{
	struct emu_dma *d = container_of(m, struct emu_dma, master);
	uint32_t done = atomic_load_explicit(&d->done, memory_order_relaxed);
	bool probing = atomic_load_explicit(&d->probing, memory_order_relaxed);
	unsigned int n = 0;

	(void)e;
	for (; n < budget; n++) {
		if (d->head == d->prod_seen) {
			/* Acquire: pairs with the release in dma_submit(). */
			d->prod_seen = atomic_load_explicit(&d->prod, memory_order_acquire);
			if (d->head == d->prod_seen)
				break;
		}
		execute(d);
		if (probing)
			probe_one(d);
	}
	/* Release: pairs with the acquire in dma_completed(), which makes data and cpl[]
	 * visible. */
	if (d->head != done && (d->head - done >= DONE_BATCH || d->head == d->prod_seen))
		atomic_store_explicit(&d->done, d->head, memory_order_release);
	if (n != 0)
		d->idle = 0;
	else if (probing && ++d->idle % IDLE_PROBE == 0)
		probe_one(d);
	return n;
}

/* ---- the worker ------------------------------------------------------------------------------ */

static uint16_t
dma_submit(struct sluice_dma *dma, const struct sluice_dma_desc *t, uint16_t n)
{
	struct emu_dma *d = dma->priv;
	uint32_t prod = atomic_load_explicit(&d->prod, memory_order_relaxed);
	uint32_t room = d->mask + 1 - (prod - d->collected);

	if (n > room)
		n = (uint16_t)room;
	if (n == 0)
		return 0;
	for (uint16_t i = 0; i < n; i++)
		d->desc[(prod + i) & d->mask] = t[i];
	count(&d->submitted, n);
	/* Release: pairs with the acquire in master_step(); earlier mappings are visible then,
	 * too. */
	atomic_store_explicit(&d->prod, prod + n, memory_order_release);
	return n;
}

static uint16_t
dma_completed(struct sluice_dma *dma, struct sluice_dma_cpl *c, uint16_t n)
{
	struct emu_dma *d = dma->priv;
	uint32_t ready = d->done_seen - d->collected;

	if (ready < n) {
		/* Acquire: pairs with the release in master_step(). */
		d->done_seen = atomic_load_explicit(&d->done, memory_order_acquire);
		ready = d->done_seen - d->collected;
	}
	if (n > ready)
		n = (uint16_t)ready;
	for (uint16_t i = 0; i < n; i++)
		c[i] = d->cpl[(d->collected + i) & d->mask];
	d->collected += n;
	count(&d->completed, n);
	return n;
}

/* ---- control --------------------------------------------------------------------------------- */

static int
dma_probe(struct sluice_dma *dma, bool on)
{
	struct emu_dma *d = dma->priv;

	atomic_store_explicit(&d->probing, on, memory_order_relaxed);
	return 0;
}

static void
dma_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st)
{
	const struct emu_dma *d = dma->priv;

	*st = (struct sluice_dma_stats){
		.submitted = counted(&d->submitted), .completed = counted(&d->completed),
		.bytes = counted(&d->bytes), .faults = counted(&d->faults),
		.probes = counted(&d->probes), .probe_hits = counted(&d->probe_hits),
	};
}

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
	d->master.step = master_step;
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
		.max_len = UINT32_MAX, .own_len = OWN_LEN, .depth = d->mask + 1,
	};
}

static const struct sluice_dma_ops emu_dma_ops = {
	.name = "emu",
	.open = dma_open,
	.close = dma_close,
	.submit = dma_submit,
	.completed = dma_completed,
	.probe = dma_probe,
	.stats = dma_stats,
	.stream = dma_stream,
	.info = dma_info,
};

SLUICE_REGISTER_DMA(emu, &emu_dma_ops)

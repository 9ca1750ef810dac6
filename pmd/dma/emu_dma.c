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

#include <rte_branch_prediction.h>

#include "emu_dma.h"

#define DONE_BATCH 8u  /* completions published together while there is more to do */
#define RECENT     32u /* every other probe picks one of the last so many */
#define IDLE_PROBE 16u /* idle turns per probe, so that commands are not delayed */

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
	uint32_t n = d->hist_n < EMU_DMA_HISTORY ? d->hist_n : EMU_DMA_HISTORY, pick;

	if (n == 0)
		return;
	d->rng ^= d->rng << 13;
	d->rng ^= d->rng >> 7;
	d->rng ^= d->rng << 17;
	if ((d->rng & 1) && n > RECENT)
		n = RECENT;
	pick = d->hist_n - 1 - (uint32_t)(d->rng >> 33) % n;
	count(&d->probes, 1);
	if ((d->atc != NULL ? emu_atc_probe(d->emu, d->atc, d->hist[pick % EMU_DMA_HISTORY]) :
			      emu_probe(d->emu, d->sid, d->hist[pick % EMU_DMA_HISTORY])) == EMU_OK)
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
		if (t->dev_off > EMU_DMA_OWN_LEN || t->len > EMU_DMA_OWN_LEN - t->dev_off) {
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
	d->hist[d->hist_n++ % EMU_DMA_HISTORY] = t->iova;
	d->head++;
}

unsigned int
emu_dma_step(struct emu_master *m, struct emu *e, unsigned int budget)
{
	struct emu_dma *d = container_of(m, struct emu_dma, master);
	uint32_t done = atomic_load_explicit(&d->done, memory_order_relaxed);
	bool probing = atomic_load_explicit(&d->probing, memory_order_relaxed);
	unsigned int n = 0;

	(void)e;
	for (; n < budget; n++) {
		if (d->head == d->prod_seen) {
			/* Acquire: pairs with the release in emu_dma_submit(). */
			d->prod_seen = atomic_load_explicit(&d->prod, memory_order_acquire);
			if (d->head == d->prod_seen)
				break;
		}
		execute(d);
		if (probing)
			probe_one(d);
	}
	/* Release: pairs with the acquire in emu_dma_completed(), which makes data and
	 * cpl[] visible. */
	if (d->head != done && (d->head - done >= DONE_BATCH || d->head == d->prod_seen))
		atomic_store_explicit(&d->done, d->head, memory_order_release);
	if (n != 0)
		d->idle = 0;
	else if (probing && ++d->idle % IDLE_PROBE == 0)
		probe_one(d);
	return n;
}

/* ---- the worker ------------------------------------------------------------------------------ */

uint16_t
emu_dma_submit(struct sluice_dma *dma, const struct sluice_dma_desc *t, uint16_t n)
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
	/* Release: pairs with the acquire in emu_dma_step(); earlier mappings are visible then,
	 * too. */
	atomic_store_explicit(&d->prod, prod + n, memory_order_release);
	return n;
}

uint16_t
emu_dma_completed(struct sluice_dma *dma, struct sluice_dma_cpl *c, uint16_t n)
{
	struct emu_dma *d = dma->priv;
	uint32_t ready = d->done_seen - d->collected;

	if (ready < n) {
		/* Acquire: pairs with the release in emu_dma_step(). */
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

/* ---- for any thread -------------------------------------------------------------------------- */

int
emu_dma_probe(struct sluice_dma *dma, bool on)
{
	struct emu_dma *d = dma->priv;

	atomic_store_explicit(&d->probing, on, memory_order_relaxed);
	return 0;
}

void
emu_dma_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st)
{
	const struct emu_dma *d = dma->priv;

	*st = (struct sluice_dma_stats){
		.submitted = counted(&d->submitted), .completed = counted(&d->completed),
		.bytes = counted(&d->bytes), .faults = counted(&d->faults),
		.probes = counted(&d->probes), .probe_hits = counted(&d->probe_hits),
	};
}

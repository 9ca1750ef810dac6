/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One channel of the DMA maker "emu": emu_dma_open.c makes it as the keys of a device string say,
 * emu_dma.c is the device and its worker.
 */
#ifndef EMU_DMA_H
#define EMU_DMA_H

#include "../../engine/object/device.h"
#include "../emu/core/emu.h"

#define EMU_DMA_HISTORY 1024u /* addresses remembered for probes */
#define EMU_DMA_OWN_LEN 4096u /* the device's own buffer */

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
	uint64_t hist[EMU_DMA_HISTORY];
	uint8_t own[EMU_DMA_OWN_LEN]; /* used by the emulator's thread */
};

/** The device works: struct emu_master. */
unsigned int emu_dma_step(struct emu_master *m, struct emu *e, unsigned int budget);

/* Of struct sluice_dma_ops. */
uint16_t emu_dma_submit(struct sluice_dma *dma, const struct sluice_dma_desc *t, uint16_t n);
uint16_t emu_dma_completed(struct sluice_dma *dma, struct sluice_dma_cpl *c, uint16_t n);
int emu_dma_probe(struct sluice_dma *dma, bool on);
void emu_dma_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st);

#endif

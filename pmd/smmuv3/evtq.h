/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The event queue: the hardware produces events, and one lcore consumes them.
 */
#ifndef SMMUV3_EVTQ_H
#define SMMUV3_EVTQ_H

#include <stdatomic.h>

#include "../regs/regs.h"

/** Events copied between two writes of CONS. */
#define EVTQ_BURST 32u

struct evtq {
	/* Owned by the consumer. */
	const uint64_t *recs; /* 4 words each */
	struct sluice_regs *regs;
	uint64_t pa;
	uint32_t cons;        /* index and wrap, as in the register */
	uint32_t mask;        /* size - 1 */
	uint32_t ovflg;       /* OVACKFLG as last written, at its place in the register */
	uint8_t log2size;
	/* Written by the consumer, read by xstats. */
	_Atomic uint64_t events, overflows, unknown, bad_prod;
};

/** Allocate; no register is written. @return 0 or -ENOMEM. */
int evtq_init(struct evtq *q, struct sluice_mem *mem, struct sluice_regs *regs, uint8_t log2size);
void evtq_free(struct evtq *q, struct sluice_mem *mem);

/** Drain up to @p n events. @return how many. */
unsigned int evtq_burst(struct evtq *q, struct sluice_fault *f, unsigned int n);

/** Decode one record. @return whether the event number is known. */
bool evt_decode(const uint64_t rec[4], struct sluice_fault *f);

#endif

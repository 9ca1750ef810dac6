/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * SMMUv3 hardware that lies: registers, events and SYNCs as the input says. The register source
 * "hostile" gives a driver its registers, and memory whose pieces are fenced.
 */
#ifndef HOSTILE_H
#define HOSTILE_H

#include <stdbool.h>

#include "../../pmd/regs/sources.h"
#include "../../pmd/smmuv3/smmuv3_hw.h"
#include "fuzz.h"

#define HOSTILE_MEM    (UINT64_C(2) << 20)
#define HOSTILE_PA     UINT64_C(0x80000000)
#define HOSTILE_PIECES 64u

/** The hardware. One at a time. */
struct hostile {
	struct fuzz_in in;
	uint8_t *page, *mem;
	_Atomic uint64_t clock;
	bool direct;        /* the driver reaches the page itself: the hardware moves in step() only */
	bool dead;          /* once the input is used up */
	bool calm;          /* honest until the next call */
	uint32_t dumb;      /* turns in which nothing happens */
	uint32_t gone;      /* reads that give all ones */
	uint32_t gerror, gerrorn; /* as the driver has last read them */
	struct {
		uint8_t *va;
		size_t size;
	} piece[HOSTILE_PIECES];
};
extern struct hostile hw;

/**
 * Switch it on: what @p in says is what it does, one piece a turn; a driver that it likes is told
 * what it is, with bits @p changed.
 */
void hostile_begin(struct fuzz_in in, bool changed);

/** From now on it does what it is told. */
void hostile_reform(void);
void hostile_end(void);

#endif

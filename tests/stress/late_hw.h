/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * An engine, its poller and one domain, on hardware that a thread plays and that takes its time. The
 * hardware keeps a TLB: for each page of the window the address that it last saw in the page table.
 * It refills at random, and refills a page that it has just invalidated if the page is (still or
 * again) mapped: an invalidation that comes too early is worth nothing. A test looks into hw.tlb for
 * what is stale, and hands words of its own to the hardware, for a race detector to look at.
 */
#ifndef LATE_HW_H
#define LATE_HW_H

#include "tests/unit/engine/rig.h"

#define HW_PAGES   (8u * IOVA_CHUNK_PAGES) /* the largest window */
#define HW_QUEUE   64u                     /* submissions; power of two */
#define HW_RESULTS 4096u                   /* results that are remembered; power of two */

/** What tests vary. */
struct hw_conf {
	unsigned int touches;         /* pages that devices use in each turn of the hardware */
	uint32_t (*page)(uint64_t *seed); /* which one is used next */
	bool refuse; /* commands are refused now and then, and so are submissions */
};

struct hw_slot {
	_Atomic uint64_t full; /* sequence number of the submission in it */
	unsigned int n;
	struct sluice_inv inv[SLUICE_INV_BURST];
};

struct late_hw {
	struct hw_conf conf;
	struct hw_slot slot[HW_QUEUE];
	_Atomic uint64_t ticket; /* submissions so far */
	_Atomic uint64_t done;
	_Atomic uint8_t bad[HW_RESULTS]; /* result of a sequence number, modulo */
	_Atomic bool stop;
	_Atomic uint64_t tlb[HW_PAGES]; /* physical address, 0: nothing; the hardware writes */
	/* Plain words: the owner of a page writes its word before the unmap, the hardware reads it when
	 * it executes an invalidation of that range. */
	uint64_t word[HW_PAGES];
	uint64_t seen; /* what the hardware read of them */
	uint64_t executed;
	_Atomic uint64_t refused;
	uint64_t seed;
};

extern struct late_hw hw;
extern struct sluice_engine *engine;
extern struct sluice_domain *dom;

/** Create all and start the hardware and the poller. Exits 99 where that cannot be done. */
void hw_up(const struct hw_conf *conf, const struct sluice_domain_conf *dc);

/** The engine is polled no more. */
void hw_stop_polling(void);

/** The hardware stops, which looks into the page table. */
void hw_stop(void);

/** Destroy all. @return 0 or -errno: what destroying the domain or the engine said. */
int hw_down(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The parts of the command queue, and which lcore writes which. The numbers in comments are steps
 * of the essay in cmdq.h.
 */
#ifndef SMMUV3_CMDQ_STRUCT_H
#define SMMUV3_CMDQ_STRUCT_H

#include <stdatomic.h>
#include <stdbool.h>

#include <rte_atomic.h>
#include <rte_lcore.h>

#include "../regs/regs.h"
#include "cmd.h"

#define CMDQ_FAA_BURST   8u
#define CMDQ_SHARE_GROUP 64u
#define CMDQ_MAX_BURST   (2 * SLUICE_INV_BURST + 2u) /* 6: everything twice */
#define CMDQ_NONE        UINT64_MAX
/* The own_end of an lcore that may not add (1a): a position that no queue reaches. */
#define CMDQ_FAR         (UINT64_C(1) << 62)

/* Marks in a slot's baton word: position << 2 | tag. */
#define BATON_TAG    UINT64_C(3)
#define BATON_READY  UINT64_C(1)
#define BATON_PASSED UINT64_C(2)

/* In a slot's end: it holds no SYNC; that of a later burst completes this one (4). */
#define SLOT_FILLER (UINT64_C(1) << 63)

/* A producer's words beside a command slot. Four share a cache line, like the commands, whose
 * lines neighbouring bursts share anyway. Spreading neighbours over more lines made a single
 * producer a tenth slower and gave two producers nothing beyond noise. */
struct cmdq_slot {
	_Atomic uint64_t baton; /* step 3; by owner and publisher of a burst that starts here */
	_Atomic uint64_t end;   /* step 5; by owner of a burst that ends here: end, SLOT_FILLER */
};

/* One producer's own line. All threads that are not lcores share the last one. */
struct cmdq_lcore {
	/* Written by the owner, read by cmdq_get_stats(). It comes first because each submission
	 * writes it, and an atomic access on Arm takes no offset. */
	_Atomic uint64_t subs;
	uint64_t end;          /* the end of its last burst (1a), or far ahead if it may not add */
	uint32_t faa_max;      /* largest burst it may reserve by fetch_add; 0: none */
	uint32_t many;         /* several threads use this line */
	/* Written and read like subs. */
	_Atomic uint64_t shared, full_waits;
	_Atomic uint32_t left;  /* bursts without a plain PROD write */
	_Atomic uint32_t extra; /* PROD writes of the other kind, each for one or more bursts */
	_Atomic uint32_t full_timeouts;
	/* For how many looks inv_done has seen the same value (step 5). */
	_Atomic uint32_t idle;
	_Atomic uint64_t done;
} __rte_cache_aligned;
_Static_assert(sizeof(struct cmdq_lcore) == RTE_CACHE_LINE_SIZE, "one line a producer");

struct cmdq {
	/* Written only by cmdq_init(). */
	struct smmu_cmd *cmds;
	struct cmdq_slot *slots;
	uint64_t mask;          /* size - 1 */
	uint64_t sync_w0, sync_w1, sync_data; /* a SYNC; where its number goes */
	_Atomic uint32_t *msi;  /* the word that SYNCs write, on a line of its own; or NULL */
	_Atomic uint32_t *prod; /* CMDQ_PROD where it is addressable, or NULL */
	uint32_t wrap_mask;     /* 2 * size - 1: index and wrap of PROD and CONS */
	uint32_t max_burst;
	uint32_t max_cmds;      /* of one submission, without its last SYNC and what 6 adds */
	struct sluice_regs *regs;
	bool share;
	bool repeat;            /* 6 */
	uint8_t log2size;
	/* Read by all producers; written when the queue was full, or failed. */
	_Atomic uint64_t tail __rte_cache_aligned; /* <= CONS: slots before it may be reused */
	_Atomic int64_t limit;    /* 1a; INT64_MIN: the queue is dead */
	_Atomic uint64_t floor;   /* all before it is complete; UINT64_MAX: dead */
	_Atomic uint32_t nb_failed;
	_Atomic bool msi_on;      /* the MSI word is valid */
	/* 5a. CMDQ_CONS if it is addressable and no MSI is used; NULL: use cmdq_done_slow(). */
	_Atomic(_Atomic uint32_t *) cons;
	/* Written by every producer. */
	_Atomic uint64_t head __rte_cache_aligned;
	/* Cold. */
	uint64_t start __rte_cache_aligned; /* position of the very first slot */
	struct sluice_iommu *iommu;         /* clock, relax, service */
	uint64_t pa, msi_pa;
	_Atomic uint64_t bad_cons;          /* reads of an impossible CONS */
	_Atomic uint64_t cons_fallbacks;
	_Atomic uint64_t repeats;           /* commands that 6 has added */
	_Atomic(const char *) why;          /* it is dead; NULL: it is not */
	struct cmdq_errors {                /* written under the lock of service() */
		_Atomic uint64_t seq[256];  /* failed submissions << 1 | how; a ring */
		_Atomic uint64_t forgotten; /* the highest that was dropped from the ring */
		_Atomic uint64_t dead_from; /* nothing after this was executed */
		_Atomic uint64_t cerror[4]; /* by code; [0]: reserved codes */
		_Atomic uint64_t repaired;
		uint64_t last_pos;          /* where the queue last stopped; how often there */
		unsigned int repeats;
	} err;
	struct cmdq_lcore lcore[RTE_MAX_LCORE + 1] __rte_cache_aligned;
};

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The simulated world: an engine and the driver of an SMMU, both as they ship, emulated hardware,
 * devices, workers, control calls, faults; and who owns each page of memory at each step.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include <sluice/sluice.h>

#include "../rt/sim.h"
#include "plan.h"

#define WORLD_POLICIES 10u
#define WORLD_POLICY_STEP 3u /* from one domain's policy to the next one's */
#define WORLD_WORKERS  64u
#define WORLD_DOMAINS  3u
#define WORLD_DEVICES  3u
#define WORLD_MAPS     64u /* live mappings of a worker */
#define WORLD_SEGS     3u  /* pieces of one mapping */
#define WORLD_PAGES    64u /* of a worker */
#define WORLD_IOVA     (UINT64_C(4) << 30) /* where windows begin */
#define WORLD_FIXED    16u /* pages of the control thread: half of them for mappings, half for those that fail */

/* Kinds of faults, bits of the plan's mask. */
#define FAULT_WORKER_STOPS  (1u << 0) /* a worker stands still in the middle of anything */
#define FAULT_ENGINE_STOPS  (1u << 1)
#define FAULT_HW_STOPS      (1u << 2)
#define FAULT_NO_MEMORY     (1u << 3) /* some allocation fails */
#define FAULT_SYNC_HANGS    (1u << 4)
#define FAULT_BAD_COMMAND   (1u << 5) /* the hardware refuses one */
#define FAULT_BAD_FETCH     (1u << 6) /* it cannot read one */
#define FAULT_ATC_DEAD      (1u << 7)
#define FAULT_ATC_LATE      (1u << 8)
#define FAULT_EVENTS        (1u << 9) /* an event cannot be written */
#define FAULT_NO_MEMBARRIER (1u << 10)
#define FAULT_SYNC_LOST     (1u << 11) /* one ends, and nobody is told */
#define FAULT_CONS_HELD     (1u << 12) /* the queue looks full for long */
#define FAULT_RESET         (1u << 13) /* the hardware is reset underneath */
#define WORLD_FAULTS        ((1u << 14) - 1)
/* Those after which an invalidation may fail. */
#define FAULTS_OF_HW (FAULT_HW_STOPS | FAULT_SYNC_HANGS | FAULT_BAD_COMMAND | FAULT_BAD_FETCH |      \
		      FAULT_SYNC_LOST | FAULT_CONS_HELD | FAULT_RESET)

/** Where a page is. */
enum page_state {
	PAGE_FREE,    /**< the owner's: no device may reach it, and the engine has no business there */
	PAGE_LIVE,    /**< mapped, or being mapped or unmapped */
	PAGE_EXPOSED, /**< unmapped by a policy that lets devices reach it for a while */
	PAGE_PENDING, /**< unmapped, its cookie is to come */
	PAGE_LOST,    /**< its unmap failed: nobody may ever use it again */
};

struct page {
	enum page_state state;
	uint64_t since;  /* the step at which it became exposed, … */
	uint64_t stores; /* … and its owner's stores till then: who sees them all can know of it */
	bool exposed;    /* an earlier mapping of it may still be reached */
	uint64_t tag;    /* its first 8 bytes, while live */
	uint8_t domain;
};

struct map {
	bool live;       /* devices may use it */
	bool taken;
	uint32_t gen;    /* counts its uses */
	uint8_t domain;
	unsigned int n;  /* pieces */
	struct sluice_seg seg[WORLD_SEGS];
	unsigned int page[WORLD_SEGS], pages[WORLD_SEGS]; /* of the worker's */
};

struct worker {
	unsigned int fiber, id;
	bool registered, done;
	struct map map[WORLD_MAPS];
	/* asynchronous unmaps whose cookies are to come, in order, by domain */
	struct pending {
		unsigned int page, pages;
		uint64_t iova;
	} pending[WORLD_DOMAINS][512];
	unsigned int head[WORLD_DOMAINS], tail[WORLD_DOMAINS];
	struct page page[WORLD_PAGES];
	uint64_t large;      /* pages of a large mapping, at … */
	uint64_t large_at;
	unsigned int large_in; /* … in that domain */
	uint8_t *va;
	uint64_t pa;
};

struct domain {
	struct sluice_domain *d;
	const char *policy;  /* asked for last */
	bool switching;      /* set_policy is under way, or has failed half-way */
	bool switched;
	bool peer;           /* is behind the second IOMMU, too */
};

struct device {
	struct sluice_device *dev;
	struct emu *emu;     /* of the IOMMU that it is behind */
	bool peer;           /* which is the second one */
	struct emu_atc *atc;
	uint32_t stream;
	int domain;          /* attached to; -1: none, or it is just being changed */
	uint32_t changes;
	bool dead;           /* its ATC answers no more: it will be put into quarantine */
};

/** What the control thread has mapped at a fixed address, or had last. */
struct fixed {
	bool live;
	uint32_t gen;        /* counts its changes */
	uint64_t iova;
	unsigned int domain, pages;
	uint8_t *va;         /* of WORLD_FIXED pages */
	uint64_t pa;
	uint64_t tag;
};

/** The last access of a device, for the story. */
struct access {
	uint32_t stream;
	uint64_t iova;
	unsigned int worker;
	bool live;
	unsigned int domain;
};

struct world {
	struct plan plan;
	struct sluice_iommu *iommu;
	struct emu *emu;
	struct sluice_iommu *peer; /* NULL: there is one IOMMU */
	struct sluice_domain *only; /* a domain behind that alone: so tags differ */
	struct sluice_engine *engine;
	struct domain domain[WORLD_DOMAINS];
	struct device device[WORLD_DEVICES];
	struct worker worker[WORLD_WORKERS];
	struct fixed fixed;
	unsigned int engine_fiber, hw_fiber;
	uint8_t *owned;      /* sluice_iommu_watch() */
	uint8_t *va;         /* of all workers' pages */
	uint64_t pa;
	uint64_t pages;
	uint64_t hw_moves;   /* what the hardware had done at its last look */
	uint64_t stale;      /* stale accesses so far */
	unsigned int calls;  /* workers that are in a call */
	uint64_t called;     /* calls that workers began */
	bool ctl;            /* a control call is under way: one at a time */
	bool trouble;        /* hardware faults have begun: invalidations may fail */
	bool closing;        /* the workers have ended */
	bool controlling;    /* the control thread has not */
	bool closed;
	bool engine_left;    /* the engine's loop has ended */
	struct access access;
	bool reset;          /* the hardware was: it may let everything pass, as it does not know better */
	uint64_t no_pages;   /* the so many-th page of the IOMMU's memory from now on is not to be had */
	bool broken;         /* something could not be closed: the iommu was stopped */
};
extern struct world world;

/** Make the world of a plan and run it to its end. Violations end the process. */
void world_run(const struct plan *p);
/** Is there room for the world of this plan? @return NULL, or what is wrong with it. */
const char *world_wrong(const struct plan *p);

/* owner.c: pages and their owners */
void page_take(struct worker *w, unsigned int page, unsigned int n, unsigned int domain);
void page_release(struct worker *w, unsigned int page, unsigned int n);
void page_set(struct worker *w, unsigned int page, unsigned int n, enum page_state s);
/** A device may reach the first pages of the control thread's, or none of them any more. */
void fixed_watch(bool live);
/** What others can know at a step: the stores of each worker that they see. */
struct known {
	uint64_t step;
	uint64_t stores[WORLD_WORKERS];
};
struct known known_now(void);
/** What was exposed in that domain, and @p k knows of, is its owner's again. */
void page_drained(unsigned int domain, const struct known *k);
/** @return first of @p n pages that may be mapped in that domain, or -1. */
int page_find(struct worker *w, unsigned int n, unsigned int domain);

/* caches.c: what the hardware must not know any more */
/** The owner of that page has it back. */
void caches_check_page(uint64_t pa);
/** That address leads to @p pa from now on. */
void caches_check_iova(unsigned int domain, uint64_t iova, uint64_t pa, uint64_t pages);

/* the fibers */
void worker_main(void *arg);
void device_turn(void);
void control_main(void *arg);
void chaos_main(void *arg);
/** No more faults. */
void chaos_end(void);
/** sluice_domain_add_iommu() for the second IOMMU. @return what that returned. */
int peer_add(unsigned int domain);
void close_main(void *arg);

/** The engine's fault callback. */
void world_told(const struct sluice_fault *f, unsigned int n, void *arg);
/** Is a call's error one that the faults of this run explain? */
bool world_excused(int err);
void world_ctl_lock(void);
void world_ctl_unlock(void);
/** Bound of any call, virtual ns. */
uint64_t world_bound(void);
bool policy_is_strict(const char *name);

/* ---- coverage: what must happen sometimes in a campaign -------------------------------------- */

#define SOMETIMES(X)                                                                               \
	X(map) X(map_large) X(map_refused_space) X(burst) X(unmap) X(unmap_async)                  \
	X(unmap_wrong) X(cookie) X(cookie_void) X(drain) X(trim) X(trim_freed) X(fixed)            \
	X(fixed_refused) X(fixed_hit) X(switched) X(switch_refused) X(attach) X(detach)            \
	X(worker_left) X(device_hit) X(device_fault) X(device_probe_exposed) X(unmap_failed)       \
	X(unmap_busy) X(map_failed_rolled_back) X(quarantined) X(hw_stopped) X(engine_stopped)     \
	X(worker_stopped) X(no_memory) X(sync_hung) X(command_refused) X(fetch_aborted)            \
	X(atc_dead) X(atc_late) X(event_lost) X(membarrier_refused) X(flush_full)                  \
	X(flush_deadline) X(flush_drain) X(flush_rollover) X(flush_switch) X(flush_idle)           \
	X(flush_error) X(flush_put_off) X(ring_full) X(deadline_missed) X(reused) X(peer_added)    \
	X(told) X(stopped_iommu) X(sync_lost) X(cons_held) X(was_reset) X(racy)

enum sometimes {
#define X(n) SOMETIMES_##n,
	SOMETIMES(X)
#undef X
	SOMETIMES_NB,
};
extern uint64_t sometimes_count[SOMETIMES_NB];
extern const char *const sometimes_name[SOMETIMES_NB];
#define sometimes(n) ((void)sometimes_count[SOMETIMES_##n]++)

#endif

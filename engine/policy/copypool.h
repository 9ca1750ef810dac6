/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Copy pools: memory that a device sees in place of its owner's (the "shadow memory" of Markuze,
 * Morrison and Tsafrir, ASPLOS 2016). A caller takes a slot that is large enough for a buffer and
 * gives it back; no two buffers share a page of the pool, and a buffer keeps its offset in the
 * page. Neither call takes a lock, not even when another worker gives the slot back.
 *
 * 1. Each worker of a domain has a pool, which is made with the worker
 *    (sluice_domain_conf.copy_pool). A pool is cut on demand into slots of whole pages. A cut is
 *    permanent. Free slots are kept in one list for each size; the slot that was freed last is
 *    taken first, since it is warm in the caches.
 * 2. Every page of a pool has a descriptor; that of a slot's first page describes the slot. An IOVA
 *    determines its page and so its descriptor, which holds what was mapped: an unmap is checked to
 *    the byte.
 * 3. Mapped pools (copy, hybrid) are in the page table twice, permanently: once read-only and once
 *    writable. So a map chooses the IOVA with the right protection, and no entry changes. A device
 *    that invents addresses reaches every slot of the pool through the writable place, at any time:
 *    the owners' pages are safe, the contents of the pool are not.
 *    Other pools (bounce.c) are mapped page by page; there a slot is found by its physical address.
 * 4. If another worker unmaps, the slot returns over `returned`, a stack: any worker pushes
 *    (release), and only the pool's owner takes, always all slots at once (acquire), so the stack
 *    has no ABA problem.
 * 5. Pools stay until the domain is destroyed, because slots of a worker that left may be in use.
 *    A new worker takes over a pool that no worker has.
 */
#ifndef POLICY_COPYPOOL_H
#define POLICY_COPYPOOL_H

#include "../object/domain.h"

#define COPYPOOL_CLASSES 5u
#define COPYPOOL_MAX_LEN 65536u /* the longest buffer that is copied, bytes */
#define COPYPOOL_PAGES   17u    /* of the largest slot: 64 KiB at any offset in a page of 4 KiB */

struct copypool;

/** One page of a pool; that of a slot's first page describes the slot. */
struct copypool_slot {
	/* About the mapping. */
	uint64_t iova;  /* the address that the device was given; 0: free */
	uint32_t len;   /* bytes of the whole mapping */
	uint32_t piece; /* bytes that are copied here */
	uint8_t *owner; /* the owner's memory, `piece` bytes */
	uint8_t prot;
	/* About the slot. */
	uint8_t class; /* COPYPOOL_INSIDE: not the first page; COPYPOOL_UNCUT */
	uint32_t page; /* its number in the pool */
	struct copypool *home;
	uint8_t *va;
	uint64_t pa;
	struct copypool_slot *next; /* free: the next in its list; COPYPOOL_INSIDE: its slot */
};
_Static_assert(sizeof(struct copypool_slot) <= RTE_CACHE_LINE_SIZE, "one line a slot");

#define COPYPOOL_UNCUT  0xff
#define COPYPOOL_INSIDE 0xfe

/** One worker's pool. Only that worker writes it, unless a field says otherwise. */
struct copypool {
	struct copypool_slot *free[COPYPOOL_CLASSES];
	struct sluice_mem_span span;
	struct copypool **by_chunk; /* [nb_chunks of the window] the pool there; mapped pools */
	uint64_t iova[2];         /* the pool's places: read-only, writable; mapped pools */
	uint32_t pages, cut;      /* pages of the pool; how many of them are cut into slots */
	struct copypool_slot *slot; /* [pages] */
	/* Any thread reads these, relaxed. */
	uint64_t copies, bytes, large, empty;
	uint8_t *va;
	uint64_t pa;
	size_t slots_size;
	bool taken;               /* a worker has it; under e->lock */
	struct copypool *_Atomic next;
	/* 4: any worker pushes. */
	struct copypool_slot *_Atomic returned __rte_cache_aligned;
} __rte_cache_aligned;

/** What a domain has: d->priv. */
struct copypool_domain {
	struct copypool *_Atomic pools; /* only grows; written under e->lock */
	struct copypool **by_chunk;
	size_t by_chunk_size;
};

/** policy_ops.init: pools are in the page table permanently, or not. @return 0 or -ENOMEM. */
int copypool_init_mapped(struct sluice_domain *d);
int copypool_init_unmapped(struct sluice_domain *d);
/** policy_ops.fini. The hardware must no longer use the domain. */
void copypool_fini(struct sluice_domain *d);
/** policy_ops.worker_init: dl->priv becomes a pool. @return 0; -ENOMEM; -ENOSPC: no IOVA for it. */
int copypool_worker_init(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore);
void copypool_worker_fini(struct sluice_domain *d, struct dom_lcore *dl);
/** policy_ops.stats. */
void copypool_stats(const struct sluice_domain *d, struct sluice_domain_stats *st);

/** copypool_take() with an empty list: a returned slot, a fresh one, or a larger one. */
struct copypool_slot *copypool_take_slow(struct copypool *s, unsigned int class);

/** The slot that begins in the page of @p pa, mapped or not; NULL: none. Any worker may call it. */
struct copypool_slot *copypool_find_pa(const struct sluice_domain *d, uint64_t pa);

#ifdef PT_FORMAT_H
/** The class that holds @p bytes from the start of a page: slots of 1, 2, 5, 9 or 17 pages. */
static inline unsigned int
copypool_class(uint64_t bytes)
{
	return (bytes > 1 * PT_PAGE) + (bytes > 2 * PT_PAGE) + (bytes > 5 * PT_PAGE) +
	       (bytes > 9 * PT_PAGE);
}
#endif

/** Take a slot from the worker's own pool. @return NULL: the pool is empty. */
static inline struct copypool_slot *
copypool_take(struct copypool *s, unsigned int class)
{
	struct copypool_slot *p = s->free[class];

	if (__builtin_expect(p == NULL, 0))
		return copypool_take_slow(s, class);
	s->free[class] = p->next;
	return p;
}

/** Give a slot of any pool back. @p mine is the pool of the calling worker. */
static inline void
copypool_put(struct copypool *mine, struct copypool_slot *p)
{
	struct copypool *home = p->home;

	/* relaxed: another worker may look, unmapping it at once by mistake */
	RELAXED_SET(p->iova, 0);
	if (__builtin_expect(home == mine, 1)) {
		p->next = mine->free[p->class];
		mine->free[p->class] = p;
		return;
	}
	p->next = atomic_load_explicit(&home->returned, memory_order_relaxed);
	/* release: pairs with the acquire in copypool_take_slow(). */
	while (!atomic_compare_exchange_weak_explicit(&home->returned, &p->next, p,
						      memory_order_release, memory_order_relaxed))
		;
}

/* copy.c: for every policy with mapped pools. */

/** Map by copying. If longer than COPYPOOL_MAX_LEN, or without a slot, map strictly and count
 * it. */
int copy_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	     struct dom_lcore *dl);

/** Unmap what copy_map() or window_map() mapped. */
int copy_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl);

/* crossover.c */

/** Estimate, without a worker, up to how many bytes copying is cheaper: in and out (@p both),
 * and in only (@p read). */
void crossover_guess(struct sluice_domain *d, uint32_t *both, uint32_t *read);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Copy pools: memory that a device gets to see in place of its owner's (the "shadow memory" of Markuze,
 * Morrison and Tsafrir, ASPLOS 2016).
 *
 * 1. Each worker of a domain has a pool of it, made with the worker (sluice_domain_conf.copy_pool).
 *    A pool is cut into slots of whole pages on demand, so that two buffers never share a page
 *    that the device sees, and a buffer keeps its offset in the page. A cut is for good: free
 *    slots are kept in one list a size, last in, first out, for what was just used is warm.
 * 2. Every page of a pool has a descriptor; that of a slot's first page is the slot's. An IOVA
 *    names its page and so its descriptor, which says what was mapped: an unmap is checked to the
 *    byte.
 * 3. Mapped pools (copy, hybrid) are in the page table twice, for good: once for reading only
 *    and once for both, so that the IOVA that is handed out allows what was asked for with nothing
 *    to be changed. A device that makes up addresses reaches every slot of the pool by the other
 *    one, and late ones: the owners' pages are safe, what is in the pool is not.
 *    Others (bounce.c) are mapped page by page; there a slot is found by its physical address.
 * 4. Another worker may unmap. Then the slot goes home over `returned`, a stack: anybody
 *    pushes (release), only its owner takes, all at once (acquire), so that there is no ABA.
 * 5. Pools stay until the domain goes: slots of a worker that left may live. The next worker to
 *    come takes over a pool that has none.
 */
#ifndef POLICY_COPYPOOL_H
#define POLICY_COPYPOOL_H

#include "../object/domain.h"

#define COPYPOOL_CLASSES 5u
#define COPYPOOL_MAX_LEN 65536u /* the longest buffer that is copied, bytes */
#define COPYPOOL_PAGES   17u    /* of the largest slot: that, anywhere in a page of 4 KiB */

struct copypool;

/** One page of a pool; the first page of a slot speaks for it. */
struct copypool_slot {
	/* Of the mapping. */
	uint64_t iova;  /* what the device was given; 0: free */
	uint32_t len;   /* bytes of the whole mapping */
	uint32_t piece; /* bytes that are copied here */
	uint8_t *owner; /* the owner's memory, `piece` bytes */
	uint8_t prot;
	/* Of the slot. */
	uint8_t class; /* COPYPOOL_INSIDE: not the first page; COPYPOOL_UNCUT */
	uint32_t page; /* in the pool */
	struct copypool *home;
	uint8_t *va;
	uint64_t pa;
	struct copypool_slot *next; /* free: in its list; COPYPOOL_INSIDE: its slot */
};
_Static_assert(sizeof(struct copypool_slot) <= RTE_CACHE_LINE_SIZE, "one line a slot");

#define COPYPOOL_UNCUT  0xff
#define COPYPOOL_INSIDE 0xfe

/** One worker's pool. Written by that worker, unless said. */
struct copypool {
	struct copypool_slot *free[COPYPOOL_CLASSES];
	struct sluice_mem_span span;
	struct copypool **by_chunk; /* [nb_chunks of the window] whose pool is there; mapped pools */
	uint64_t iova[2];         /* of the pool, by writable; mapped pools */
	uint32_t pages, cut;      /* of the pool; of those, handed to slots */
	struct copypool_slot *slot; /* [pages] */
	/* Readers: anybody, relaxed. */
	uint64_t copies, bytes, large, empty;
	uint8_t *va;
	uint64_t pa;
	size_t slots_size;
	bool taken;               /* a worker has it; e->lock */
	struct copypool *_Atomic next;
	/* 4. */
	struct copypool_slot *_Atomic returned __rte_cache_aligned;
} __rte_cache_aligned;

/** What a domain has: d->priv. */
struct copypool_domain {
	struct copypool *_Atomic pools; /* grows only; control calls write it, e->lock */
	struct copypool **by_chunk;
	size_t by_chunk_size;
};

/** policy_ops.init: with pools in the page table for good; or not. @return 0 or -ENOMEM. */
int copypool_init_mapped(struct sluice_domain *d);
int copypool_init_unmapped(struct sluice_domain *d);
/** policy_ops.fini. The hardware does not use the domain any more. */
void copypool_fini(struct sluice_domain *d);
/** policy_ops.worker_init: dl->priv becomes a pool. @return 0, -ENOMEM, -ENOSPC no IOVA for it. */
int copypool_worker_init(struct sluice_domain *d, struct dom_lcore *dl, unsigned int lcore);
void copypool_worker_fini(struct sluice_domain *d, struct dom_lcore *dl);
/** policy_ops.stats. */
void copypool_stats(const struct sluice_domain *d, struct sluice_domain_stats *st);

/** No free slot of that class: what came home, a fresh one, or a larger one. Worker. */
struct copypool_slot *copypool_take_slow(struct copypool *s, unsigned int class);

/** The slot whose memory @p pa is, mapped or not; NULL: not the first page of one. Any worker. */
struct copypool_slot *copypool_find_pa(const struct sluice_domain *d, uint64_t pa);

#ifdef PT_FORMAT_H
/** The class that holds so many bytes from the beginning of a page: of 1, 2, 5, 9, 17 pages. */
static inline unsigned int
copypool_class(uint64_t bytes)
{
	return (bytes > 1 * PT_PAGE) + (bytes > 2 * PT_PAGE) + (bytes > 5 * PT_PAGE) +
	       (bytes > 9 * PT_PAGE);
}
#endif

/** A slot. Worker. @return NULL: the pool is empty. */
static inline struct copypool_slot *
copypool_take(struct copypool *s, unsigned int class)
{
	struct copypool_slot *p = s->free[class];

	if (__builtin_expect(p == NULL, 0))
		return copypool_take_slow(s, class);
	s->free[class] = p->next;
	return p;
}

/** Give a slot back; from the worker that has @p mine. */
static inline void
copypool_put(struct copypool *mine, struct copypool_slot *p)
{
	struct copypool *home = p->home;

	RELAXED_SET(p->iova, 0); /* two may unmap it at once, by mistake: one of them looks */
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

/** Map by copying. Longer than COPYPOOL_MAX_LEN, or no slot: strictly, and counted. */
int copy_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	     struct dom_lcore *dl);

/** Unmap what copy_map() or window_map() mapped. */
int copy_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl);

/* crossover.c */

/** Guess, without a worker, up to how many bytes copying is the cheaper way: in and out, in only. */
void crossover_guess(struct sluice_domain *d, uint32_t *both, uint32_t *read);

#endif

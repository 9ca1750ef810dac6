/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The IOVA allocator: the space that lcores share, and the magazines in front of it.
 *
 * What callers get. An lcore takes an IOVA from its own magazine, and puts it back, with plain
 * loads and stores: no lock, no read-modify-write. The shared space is reached once in 64 to 512 of
 * these; it has no lock either (iova.c). No IOVA is handed out twice. What idle lcores have in
 * stock, at most IOVA_MAG of each order, comes to a thread that finds nothing (A20).
 *
 * The window is cut into chunks of 2 MiB, so that a chunk is exactly what one last-level table
 * translates: the table of an IOVA is found by one index, never by a walk from the root.
 *
 * How another thread takes an idle owner's stock, at no cost to the owner's short ways:
 *
 * 1. pfn[1] … pfn[n] are in stock. A take publishes n - 1 first and loads pfn[n] then; a put stores
 *    pfn[n + 1] first and publishes n + 1 then. pfn[0] is a floor: it has IOVA_TAG.
 * 2. An entry with IOVA_TAG cannot be taken on the short way: the owner puts n back as it was, and
 *    goes the long way. This test replaces the one for an empty magazine, which ends at the floor.
 * 3. The taking thread (stock.c; one at a time in a domain) moves `hold` from FREE to TRIED, loads
 *    n as j, and sets the tag in pfn[j], atomically. It then calls membarrier(2), which makes every
 *    thread run a full barrier, and loads n again; and after a second membarrier(2) pfn[j].
 * 4. If n >= j and the tag is there, all of pfn[1 … j] belongs to the taking thread. The reasons:
 *      - The owner takes from the top. It gets below j only by a take of pfn[j] itself, which
 *        publishes j - 1 before it loads.
 *      - A take that had published when the first barrier came to its lcore is seen: n < j. Unless
 *        a put at j followed it; that put has overwritten the tag. Of a put's two stores the
 *        second may become visible first, for no barrier is between them. But when n is seen
 *        the put was executed, and the second barrier brings what it stored.
 *      - A take that had not published at the first barrier loads after it, and finds the tag.
 *      - What is under way above j concerns neither side. An entry at j or below that is still
 *        there was stored before the first barrier, which brings it.
 * 5. The taking thread makes it certain by moving `hold` from TRIED to TAKEN. It copies the
 *    entries, notes in `gone` how many there were, and frees `hold` with release [rel-hold].
 * 6. The owner's long ways (refill, spill, flush, a tag met) own `hold`, with acquire [acq-hold].
 *    From FREE or TRIED the owner gets it at once: then (5) fails, and nothing was taken. While it
 *    is TAKEN the owner waits, as long as the copying takes. Then it closes the gap that `gone`
 *    tells of.
 * 7. A tag may be set late, when the owner has moved on. It changes no number and means nothing
 *    without TAKEN: the owner removes it where it meets it, and where it moves entries.
 *
 *        owner                     taking thread
 *                                  TRIED; j = n; tag pfn[j]
 *        (idle)                    membarrier(2); n >= j?  membarrier(2); tag still there?
 *                                  TAKEN; copy pfn[1 … j]; gone = j; FREE
 *        take: n - 1, pfn[n] has
 *        the tag: long way         give the copies to the space
 *        hold; close the gap
 *
 * A race detector does not know membarrier(2): in its builds both sides use fences, and n is
 * published with release and loaded with acquire, which stands for what the barrier brings.
 */
#ifndef ENGINE_IOVA_H
#define ENGINE_IOVA_H

#include <sluice/domain.h>

#include "bitset.h"
#include "depot.h"
#include "../base/relaxed.h"

#define IOVA_CHUNK_PAGES 512u /* 2 MiB of 4 KiB pages */
#define IOVA_ORDERS      10u  /* objects of 1, 2, 4 … 512 pages; more: whole chunks in a row */
#define IOVA_MAG         512u /* IOVAs in a magazine: an ordinary swing stays with its lcore, since
			       * what lcores exchange ends up with two of them in one line of
			       * entries */
#define IOVA_MAX_PAGES   (1u << 19)
_Static_assert(IOVA_MAG == SLUICE_STOCK_MAX, "what the API says");

/** Free objects of one chunk: bit i is object i, of the chunk's order. One cache line. */
struct iova_chunk {
	_Atomic uint64_t free[8];
} __attribute__((aligned(64)));

/** The IOVA space of a domain, shared by its workers. */
struct iova_space {
	uint32_t nb_chunks;
	struct iova_chunk *chunk;       /* [nb_chunks] */
	_Atomic uint8_t *order;         /* [nb_chunks] what the chunk is cut into, IOVA_UNCUT */
	struct bitset avail[IOVA_ORDERS]; /* chunks of that order with a free object */
	struct bitset uncut;            /* chunks that are not cut */
	struct depot depot;             /* free objects in batches: what lcores exchange */
	/** Called before a chunk is cut for the first time: get its last-level table. @return 0 or
	 * -errno. */
	int (*prepare)(void *arg, uint32_t chunk);
	void *arg;
	_Atomic uint32_t hands; /* threads that are about to put something back (iova.c, 6) */
	_Atomic uint32_t given; /* how often something was put back that way */
	_Atomic uint32_t away;  /* chunks that wait for an invalidation of their table (trim.c) */
};

#define IOVA_UNCUT 0xff

#define IOVA_TAG (UINT32_C(1) << 31)

/** One lcore's stock of one order. It alone works on it, but for what the essay above says. */
struct iova_mag {
	uint32_t n;    /* pfn[1 … n]; readers: a taking thread (3) */
	uint32_t hint; /* chunk where something was found last */
	uint32_t hold; /* hold.h */
	uint32_t gone; /* pfn[1 … gone] were taken; under `hold` */
	uint32_t pfn[IOVA_MAG + 1]; /* page numbers from the start of the window */
};

/** An empty magazine: the floor alone. */
#define IOVA_MAG_INIT { .pfn = { IOVA_TAG } }

static inline void
iova_mag_init(struct iova_mag *m)
{
	*m = (struct iova_mag)IOVA_MAG_INIT;
}

int iova_space_init(struct iova_space *s, uint32_t nb_chunks, int (*prepare)(void *, uint32_t),
		    void *arg);
void iova_space_fini(struct iova_space *s);

/**
 * A take found nothing. Fill the magazine, when it is empty, with up to 64 objects of @p order: a
 * batch that some lcore had too many of, else a word of a chunk, ascending when taken out.
 * @return 0: take again; -ENOSPC; or what prepare returned.
 */
int iova_mag_refill(struct iova_space *s, struct iova_mag *m, unsigned int order);

/** Fill an empty magazine, whose `hold` its owner has, from the space: for iova_mag_refill(). */
int iova_space_fill(struct iova_space *s, struct iova_mag *m, unsigned int order);

/** Hand the oldest batch of a full magazine on: to other lcores, else to its chunks. */
void iova_mag_spill(struct iova_space *s, struct iova_mag *m, unsigned int order);

/** Give everything in the magazine back to its chunks. Owner, or when there is none any more. */
void iova_mag_flush(struct iova_space *s, struct iova_mag *m, unsigned int order);

/**
 * Take what an idle lcore has: try, then a barrier that every thread executes (epoch_barrier()),
 * then look, then another barrier, then take (3 to 5). One at a time for a magazine.
 * @return where it may be cut, to be handed to iova_mag_rob(); 0: there is nothing; UINT32_MAX: its
 *   owner is at work.
 */
uint32_t iova_mag_try(struct iova_mag *m);

/** @return whether @p at, which iova_mag_try() returned, is still in stock; else the try is given
 * up. */
bool iova_mag_look(struct iova_mag *m, uint32_t at);

/** @return how many objects went back to the space; 0: the owner came first. */
uint32_t iova_mag_rob(struct iova_space *s, struct iova_mag *m, unsigned int order, uint32_t at);

/** How many are in stock; exact when the owner is quiet. */
static inline uint32_t
iova_mag_count(const struct iova_mag *m)
{
	uint32_t n = RELAXED_GET(m->n);

	return n > IOVA_MAG ? 0 : n - RELAXED_GET(m->gone); /* a take of the floor is under way */
}

/** Publish the owner's n (1). */
static inline void
iova_mag_publish(struct iova_mag *m, uint32_t n)
{
#if SLUICE_TSAN
	__atomic_store_n(&m->n, n, __ATOMIC_RELEASE);
	atomic_thread_fence(memory_order_seq_cst);
#else
	RELAXED_SET(m->n, n);
	atomic_signal_fence(memory_order_seq_cst);
#endif
}

/* pfn[n] is its pfn[0]: so a compiler folds the offset into the access, which is volatile
 * (relaxed.h). */
static inline struct iova_mag *
iova_mag_at(struct iova_mag *m, uint32_t n)
{
	return (struct iova_mag *)(void *)((char *)m + (size_t)n * sizeof(m->pfn[0]));
}

/** The short way to take one (1, 2). Owner. @return false: iova_mag_refill() is to be asked. */
static inline bool
iova_mag_pop(struct iova_mag *m, uint32_t *pfn)
{
	uint32_t n = RELAXED_OWN(m->n);

	iova_mag_publish(m, n - 1);
	*pfn = RELAXED_GET(iova_mag_at(m, n)->pfn[0]);
	if (__builtin_expect((*pfn & IOVA_TAG) == 0, 1))
		return true;
	iova_mag_publish(m, n);
	return false;
}

/**
 * Give @p n objects of @p order to their chunks at once, where any lcore finds them: for a thread
 * that has no magazine. Safe against everything else.
 */
void iova_space_put(struct iova_space *s, unsigned int order, const uint32_t *pfn, uint32_t n);

/** Whole chunks in a row, for more than 512 pages. @return 0 with *pfn set, or -errno. */
int iova_run_get(struct iova_space *s, uint32_t pages, uint32_t *pfn);
void iova_run_put(struct iova_space *s, uint32_t pages, uint32_t pfn);

/**
 * Rollover: batches go back to their chunks; chunks whose objects are all free become uncut again,
 * for any order. Safe against everything else. @return how many chunks were regained.
 */
uint32_t iova_space_regain(struct iova_space *s);

/** Pages that are free in the space, magazines not counted. Exact while no thread allocates. */
uint64_t iova_space_free_pages(const struct iova_space *s);

/** The order that holds @p pages: the allocator rounds up to a power of two. */
static inline unsigned int
iova_order(uint32_t pages)
{
	return pages <= 1 ? 0 : 32u - (unsigned int)__builtin_clz(pages - 1);
}

/** Take an object out of a magazine. */
static inline int
iova_get(struct iova_space *s, struct iova_mag *m, unsigned int order, uint32_t *pfn)
{
	while (__builtin_expect(!iova_mag_pop(m, pfn), 0)) {
		int ret = iova_mag_refill(s, m, order);

		if (ret != 0)
			return ret;
	}
	return 0;
}

/** Put an object into a magazine. */
static inline void
iova_put(struct iova_space *s, struct iova_mag *m, unsigned int order, uint32_t pfn)
{
	uint32_t n = RELAXED_OWN(m->n);

	if (__builtin_expect(n == IOVA_MAG, 0)) {
		iova_mag_spill(s, m, order);
		n = RELAXED_OWN(m->n);
	}
	RELAXED_SET(iova_mag_at(m, n)->pfn[1], pfn);
	iova_mag_publish(m, n + 1);
}

#endif

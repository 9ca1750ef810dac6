/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The IOVA allocator: what is shared between lcores, and the magazines that make it not matter.
 *
 * The window is cut into chunks of 2 MiB, so that a chunk is exactly what one last-level table
 * translates: the table of an IOVA is found by one index, never by a walk from the root.
 */
#ifndef ENGINE_IOVA_H
#define ENGINE_IOVA_H

#include "bitset.h"
#include "depot.h"

#define IOVA_PAGE_SHIFT  12
#define IOVA_CHUNK_PAGES 512u /* 2 MiB of 4 KiB pages */
#define IOVA_ORDERS      10u  /* objects of 1, 2, 4 … 512 pages; more: whole chunks in a row */
#define IOVA_MAG         512u /* IOVAs in a magazine: an ordinary swing stays with its lcore, since
			       * what lcores exchange ends up with two of them in one line of entries */
#define IOVA_MAX_PAGES   (1u << 19)

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
	struct bitset uncut;            /* chunks that nobody cut */
	struct depot depot;             /* free objects in batches: what lcores exchange */
	/** Called before a chunk is cut for the first time: get its last-level table. 0 or -errno. */
	int (*prepare)(void *arg, uint32_t chunk);
	void *arg;
};

#define IOVA_UNCUT 0xff

/** One lcore's stock of one order. Only that lcore touches it. */
struct iova_mag {
	uint32_t n;
	uint32_t hint; /* chunk where something was found last */
	uint32_t pfn[IOVA_MAG]; /* page numbers from the start of the window */
};

int iova_space_init(struct iova_space *s, uint32_t nb_chunks, int (*prepare)(void *, uint32_t),
		    void *arg);
void iova_space_fini(struct iova_space *s);

/**
 * Fill an empty magazine with up to 64 objects of @p order: a batch that some lcore had too many
 * of, else a word of a chunk, ascending when taken out.
 * @return 0; -ENOSPC; or what prepare returned.
 */
int iova_mag_refill(struct iova_space *s, struct iova_mag *m, unsigned int order);

/** Hand the oldest batch of a full magazine on: to other lcores, else to its chunks. */
void iova_mag_spill(struct iova_space *s, struct iova_mag *m, unsigned int order);

/** Give everything back. */
void iova_mag_flush(struct iova_space *s, struct iova_mag *m, unsigned int order);

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
 * for any order. Safe against
 * everything else. @return how many chunks were regained.
 */
uint32_t iova_space_regain(struct iova_space *s);

/** Pages free in the space (magazines not counted). Exact when nobody allocates. */
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
	if (__builtin_expect(m->n == 0, 0)) {
		int ret = iova_mag_refill(s, m, order);

		if (ret != 0)
			return ret;
	}
	*pfn = m->pfn[--m->n];
	return 0;
}

/** Put an object into a magazine. */
static inline void
iova_put(struct iova_space *s, struct iova_mag *m, unsigned int order, uint32_t pfn)
{
	if (__builtin_expect(m->n == IOVA_MAG, 0))
		iova_mag_spill(s, m, order);
	m->pfn[m->n++] = pfn;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The stand-ins of peer_map.h.
 */
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_mempool.h>
#include <rte_spinlock.h>

#include "par.h"
#include "peer_map.h"

#define LEVELS   4u
#define VALID    UINT64_C(1)
#define TABLE    UINT64_C(2)
#define ADDR     UINT64_C(0x0000fffffffff000)
#define ATTR     UINT64_C(0x0060000000000f40)
#define MAG_SIZE 127u

struct magazine {
	struct magazine *next;
	uint32_t n;
	uint32_t pfn[MAG_SIZE];
};

/* A thread's two magazines. The lock is there because another CPU may have to empty them. */
struct cache {
	rte_spinlock_t lock;
	struct magazine *loaded, *previous;
} __rte_cache_aligned;

struct peer_space {
	uint64_t *root;
	enum peer_iova kind;
	unsigned int order;
	struct rte_mempool *pool; /* objects hold a page number */
	void **object;            /* [objects] and back */
	rte_spinlock_t depot_lock;
	struct magazine *full, *empty;
	_Atomic uint32_t next_object;
	uint32_t objects;
	uint8_t *arena; /* page tables */
	size_t arena_size;
	_Atomic size_t arena_used;
	struct cache cache[PAR_MAX];
};

static uint64_t *
table_new(struct peer_space *s)
{
	size_t at = atomic_fetch_add_explicit(&s->arena_used, 4096, memory_order_relaxed);

	return at + 4096 <= s->arena_size ? (uint64_t *)(void *)(s->arena + at) : NULL;
}

static void
number(struct rte_mempool *mp, void *arg, void *obj, unsigned int i)
{
	struct peer_space *s = arg;

	(void)mp;
	*(uint32_t *)obj = i << s->order;
	s->object[i] = obj;
}

struct peer_space *
peer_space_new(enum peer_iova kind, unsigned int order, uint32_t objects)
{
	static unsigned int serial;
	struct peer_space *s = NULL;
	char name[32];

	if (posix_memalign((void **)&s, RTE_CACHE_LINE_SIZE, sizeof(*s)) != 0)
		return NULL;
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	s->order = order;
	s->objects = objects;
	s->arena_size = ((((size_t)objects << order) >> 9) + 16) * 4096;
	s->arena = mmap(NULL, s->arena_size, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->arena == MAP_FAILED) {
		free(s);
		return NULL;
	}
	(void)madvise(s->arena, s->arena_size, MADV_HUGEPAGE);
	s->root = table_new(s);
	for (unsigned int i = 0; i < PAR_MAX; i++) {
		s->cache[i].loaded = calloc(1, sizeof(struct magazine));
		s->cache[i].previous = calloc(1, sizeof(struct magazine));
	}
	if (kind == PEER_MEMPOOL) {
		snprintf(name, sizeof(name), "peer_map_%u", serial++);
		s->object = calloc(objects, sizeof(void *));
		s->pool = rte_mempool_create(name, objects - 1, sizeof(uint64_t), 256, 0, NULL, NULL,
					     NULL, NULL, SOCKET_ID_ANY, 0);
		if (s->pool == NULL || s->object == NULL) {
			peer_space_free(s);
			return NULL;
		}
		rte_mempool_obj_iter(s->pool, number, s);
	}
	return s;
}

static void
magazines_free(struct magazine *m)
{
	while (m != NULL) {
		struct magazine *next = m->next;

		free(m);
		m = next;
	}
}

void
peer_space_free(struct peer_space *s)
{
	if (s == NULL)
		return;
	for (unsigned int i = 0; i < PAR_MAX; i++) {
		free(s->cache[i].loaded);
		free(s->cache[i].previous);
	}
	magazines_free(s->full);
	magazines_free(s->empty);
	rte_mempool_free(s->pool);
	free(s->object);
	munmap(s->arena, s->arena_size);
	free(s);
}

static struct magazine *
depot_pop(struct peer_space *s, struct magazine **list)
{
	struct magazine *m;

	rte_spinlock_lock(&s->depot_lock);
	m = *list;
	if (m != NULL)
		*list = m->next;
	rte_spinlock_unlock(&s->depot_lock);
	return m;
}

static void
depot_push(struct peer_space *s, struct magazine **list, struct magazine *m)
{
	rte_spinlock_lock(&s->depot_lock);
	m->next = *list;
	*list = m;
	rte_spinlock_unlock(&s->depot_lock);
}

static int
magazine_get(struct peer_space *s, struct cache *c, uint32_t *pfn)
{
	int ret = 0;

	rte_spinlock_lock(&c->lock);
	if (__builtin_expect(c->loaded->n == 0, 0)) {
		struct magazine *m = c->previous;

		c->previous = c->loaded;
		c->loaded = m;
		if (m->n == 0 && (m = depot_pop(s, &s->full)) != NULL) {
			depot_push(s, &s->empty, c->loaded);
			c->loaded = m;
		}
	}
	if (__builtin_expect(c->loaded->n != 0, 1)) {
		*pfn = c->loaded->pfn[--c->loaded->n];
	} else {
		/* Never given out before. */
		uint32_t i = atomic_fetch_add_explicit(&s->next_object, 1, memory_order_relaxed);

		*pfn = i << s->order;
		ret = i < s->objects ? 0 : -ENOSPC;
	}
	rte_spinlock_unlock(&c->lock);
	return ret;
}

static int
magazine_put(struct peer_space *s, struct cache *c, uint32_t pfn)
{
	int ret = 0;

	rte_spinlock_lock(&c->lock);
	if (__builtin_expect(c->loaded->n == MAG_SIZE, 0)) {
		struct magazine *m = c->previous;

		c->previous = c->loaded;
		c->loaded = m;
		if (m->n == MAG_SIZE) {
			struct magazine *e = depot_pop(s, &s->empty);

			if (e == NULL)
				e = calloc(1, sizeof(*e));
			if (e != NULL) {
				depot_push(s, &s->full, m);
				c->loaded = e;
			} else {
				ret = -ENOMEM;
			}
		}
	}
	if (ret == 0)
		c->loaded->pfn[c->loaded->n++] = pfn;
	rte_spinlock_unlock(&c->lock);
	return ret;
}

static int
iova_get_any(struct peer_space *s, unsigned int thread, uint32_t *pfn)
{
	void *obj;

	if (s->kind == PEER_MAGAZINE)
		return magazine_get(s, &s->cache[thread], pfn);
	if (rte_mempool_get(s->pool, &obj) != 0)
		return -ENOSPC;
	*pfn = *(uint32_t *)obj;
	return 0;
}

static int
iova_put_any(struct peer_space *s, unsigned int thread, uint32_t pfn)
{
	if (s->kind == PEER_MAGAZINE)
		return magazine_put(s, &s->cache[thread], pfn);
	rte_mempool_put(s->pool, s->object[pfn >> s->order]);
	return 0;
}

/* The last-level entry of an address, walked from the root. */
static inline uint64_t *
walk(struct peer_space *s, uint64_t iova, bool make)
{
	uint64_t *table = s->root;

	for (unsigned int level = 0; level < LEVELS - 1; level++) {
		_Atomic uint64_t *e = (_Atomic uint64_t *)
			&table[(iova >> (12 + 9 * (LEVELS - 1 - level))) & 511];
		uint64_t v = atomic_load_explicit(e, memory_order_acquire);

		if (__builtin_expect(v == 0, 0)) {
			uint64_t *t = make ? table_new(s) : NULL;

			if (t == NULL)
				return NULL;
			if (atomic_compare_exchange_strong(e, &v, (uintptr_t)t | TABLE | VALID))
				v = (uintptr_t)t | TABLE | VALID;
		}
		if (__builtin_expect((v & (TABLE | VALID)) != (TABLE | VALID), 0))
			return NULL;
		table = (uint64_t *)(uintptr_t)(v & ADDR);
	}
	return &table[(iova >> 12) & 511];
}

int
peer_map(struct peer_space *s, unsigned int thread, uint64_t pa, size_t len, uint64_t *iova)
{
	uint32_t pages = (uint32_t)(len >> 12), pfn;
	int ret = iova_get_any(s, thread, &pfn);
	uint64_t *pte;

	if (ret != 0)
		return ret;
	*iova = (uint64_t)pfn << 12;
	pte = walk(s, *iova, true);
	if (pte == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < pages; i++) {
		_Atomic uint64_t *e = (_Atomic uint64_t *)&pte[i];

		if (__builtin_expect(atomic_load_explicit(e, memory_order_relaxed) != 0, 0))
			return -EEXIST;
		atomic_store_explicit(e, (pa + ((uint64_t)i << 12)) | ATTR | TABLE | VALID,
				      memory_order_relaxed);
	}
	/* The tables are complete before anybody hears of the address. */
	atomic_thread_fence(memory_order_release);
	return 0;
}

int
peer_unmap(struct peer_space *s, unsigned int thread, uint64_t iova, size_t len)
{
	uint32_t pages = (uint32_t)(len >> 12);
	uint64_t *pte = walk(s, iova, false);

	if (pte == NULL)
		return -ENOENT;
	for (uint32_t i = 0; i < pages; i++) {
		_Atomic uint64_t *e = (_Atomic uint64_t *)&pte[i];

		if (__builtin_expect(atomic_load_explicit(e, memory_order_relaxed) == 0, 0))
			return -ENOENT;
		atomic_store_explicit(e, 0, memory_order_relaxed);
	}
	return iova_put_any(s, thread, (uint32_t)(iova >> 12));
}

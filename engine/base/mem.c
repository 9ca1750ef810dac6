/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory that the hardware reaches: one linear span, divided between two kinds of users.
 *
 * What callers get. Page-table pages come and go without a lock, on any thread, zeroed. Buffers of
 * any size and alignment come under a lock, control path only. Either kind gets what the other one
 * does not use, and hardware that still writes to a freed page cannot corrupt the allocator.
 *
 * 1. Control-path allocations (queues, stream tables, DMA buffers) grow from the bottom. They
 *    take a lock; freed extents are kept in a list, sorted and merged.
 * 2. Page-table pages grow from the top and take no lock, because a map may need one. A freed
 *    page goes to a stack (Treiber; the head carries a tag against ABA), and the border moves only
 *    when the stack is empty. When control-path memory is short, free pages at the border go
 *    back to it: the whole stack is taken in one exchange, the border moves over those pages that
 *    lie at it, the rest is put back. A thread that finds the stack empty meanwhile looks again
 *    until that is over (`settling`), for a bounded time, so that it does not go without.
 * 3. Both borders live in one 64-bit word {top:32, bottom:32} (page numbers), so that one
 *    compare-and-exchange decides which thread gets the last page. bottom <= top always.
 * 4. Links of the stack are kept beside the span, not in it: hardware may still write to a page
 *    that was freed.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <rte_errno.h>

#include "mem.h"

#define PAGE_SHIFT 12
#define PAGE_SIZE  (UINT64_C(1) << PAGE_SHIFT)
#define NIL        UINT32_MAX
#define SETTLE_LOOKS 4096u

/* A free extent of the bottom part, in bytes from the start of the span. */
struct extent {
	TAILQ_ENTRY(extent) next;
	uint64_t off, len;
};
TAILQ_HEAD(extents, extent);

struct sluice_mem {
	struct sluice_mem_span span;
	_Atomic uint64_t borders;      /* top << 32 | bottom */
	_Atomic uint64_t free_pages;   /* tag << 32 | index of the first free page */
	_Atomic uint64_t pages_used;
	_Atomic uint32_t settling;     /* 2: 1 while free pages are being looked through */
	_Atomic uint32_t *link;        /* next free page, by page number */
	pthread_mutex_t lock;          /* of everything below */
	struct extents free;
	size_t used;
};

/* @param advice for madvise(); 0: none. */
static void *
host_alloc(size_t size, int advice)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (p == MAP_FAILED)
		return NULL;
	if (advice != 0)
		(void)madvise(p, size, advice);
	return p;
}

void *
sluice_host_alloc(size_t size)
{
	return host_alloc(size, size >= (2u << 20) ? MADV_HUGEPAGE : 0);
}

void *
sluice_host_alloc_sparse(size_t size)
{
	return host_alloc(size, MADV_NOHUGEPAGE);
}

void
sluice_host_free(void *p, size_t size)
{
	if (p != NULL)
		munmap(p, size);
}

struct sluice_mem *
sluice_mem_create(void *va, uint64_t pa, size_t len)
{
	uint64_t pages = len >> PAGE_SHIFT;
	struct sluice_mem *m;

	if (va == NULL || pages == 0 || pages >= NIL || ((uintptr_t)va | pa) & (PAGE_SIZE - 1)) {
		sluice_fail(EINVAL, "memory span of %zu bytes is empty, too large or not page aligned",
			    len);
		return NULL;
	}
	m = calloc(1, sizeof(*m));
	if (m != NULL)
		m->link = sluice_host_alloc(pages * sizeof(*m->link));
	if (m == NULL || m->link == NULL) {
		free(m);
		sluice_fail(ENOMEM, "no memory to manage a span of %zu bytes", len);
		return NULL;
	}
	m->span = (struct sluice_mem_span){ .va = va, .pa = pa, .len = pages << PAGE_SHIFT };
	atomic_init(&m->borders, pages << 32);
	atomic_init(&m->free_pages, NIL);
	pthread_mutex_init(&m->lock, NULL);
	TAILQ_INIT(&m->free);
	return m;
}

void
sluice_mem_destroy(struct sluice_mem *m)
{
	struct extent *x;

	if (m == NULL)
		return;
	while ((x = TAILQ_FIRST(&m->free)) != NULL) {
		TAILQ_REMOVE(&m->free, x, next);
		free(x);
	}
	pthread_mutex_destroy(&m->lock);
	sluice_host_free(m->link, (m->span.len >> PAGE_SHIFT) * sizeof(*m->link));
	free(m);
}

struct sluice_mem_span
sluice_mem_span(const struct sluice_mem *m)
{
	return m->span;
}

size_t
sluice_mem_used(const struct sluice_mem *m)
{
	/* A recent value: it may be out of date by the time it is returned. */
	return __atomic_load_n(&m->used, __ATOMIC_RELAXED) +
	       (atomic_load_explicit(&m->pages_used, memory_order_relaxed) << PAGE_SHIFT);
}

/* Raise the bottom border by @p pages. @return the old border, or NIL. */
static uint32_t
grow_bottom(struct sluice_mem *m, uint64_t pages)
{
	uint64_t old = atomic_load_explicit(&m->borders, memory_order_relaxed);

	do {
		if ((old >> 32) - (uint32_t)old < pages)
			return NIL;
	} while (!atomic_compare_exchange_weak_explicit(&m->borders, &old, old + pages,
							memory_order_relaxed, memory_order_relaxed));
	return (uint32_t)old;
}

/* Put a page on the stack. */
static void
stack_put(struct sluice_mem *m, uint32_t page)
{
	uint64_t head = atomic_load_explicit(&m->free_pages, memory_order_relaxed), next;

	do {
		atomic_store_explicit(&m->link[page], (uint32_t)head, memory_order_relaxed);
		next = ((head >> 32) + 1) << 32 | page;
		/* release: pairs with the acquires of stack_take() and sluice_mem_page_get(). */
	} while (!atomic_compare_exchange_weak_explicit(&m->free_pages, &head, next,
							memory_order_release, memory_order_relaxed));
}

/* All of the stack. @return its first page. */
static uint32_t
stack_take(struct sluice_mem *m)
{
	uint64_t head = atomic_load_explicit(&m->free_pages, memory_order_relaxed);

	while (!atomic_compare_exchange_weak_explicit(&m->free_pages, &head,
						      ((head >> 32) + 1) << 32 | NIL,
						      memory_order_acquire, memory_order_relaxed))
		;
	return (uint32_t)head;
}

/* 2: the border over those pages that are free, and next to it. m->lock is held. */
static void
settle(struct sluice_mem *m)
{
	uint64_t pages = m->span.len >> PAGE_SHIFT, old;
	uint8_t *unused = calloc(pages, 1);

	if (unused == NULL)
		return;
	atomic_store_explicit(&m->settling, 1, memory_order_seq_cst);
	for (uint32_t p = stack_take(m); p != NIL;
	     p = atomic_load_explicit(&m->link[p], memory_order_relaxed))
		unused[p] = 1;
	old = atomic_load_explicit(&m->borders, memory_order_relaxed);
	while (old >> 32 < pages && unused[old >> 32] == 1)
		if (atomic_compare_exchange_weak_explicit(&m->borders, &old, old + (UINT64_C(1) << 32),
							  memory_order_relaxed, memory_order_relaxed)) {
			unused[old >> 32] = 0;
			old += UINT64_C(1) << 32;
		}
	for (uint32_t p = 0; p < pages; p++)
		if (unused[p] == 1)
			stack_put(m, p);
	atomic_store_explicit(&m->settling, 0, memory_order_release);
	free(unused);
}

/* Put [off, off+len) into the sorted list, merging with its neighbours. @return 0 or -ENOMEM. */
static int
extent_put(struct sluice_mem *m, uint64_t off, uint64_t len)
{
	struct extent *x, *prev = NULL;

	TAILQ_FOREACH(x, &m->free, next) {
		if (x->off > off)
			break;
		prev = x;
	}
	if (prev != NULL && prev->off + prev->len == off) {
		prev->len += len;
		if (x != NULL && off + len == x->off) {
			prev->len += x->len;
			TAILQ_REMOVE(&m->free, x, next);
			free(x);
		}
		return 0;
	}
	if (x != NULL && off + len == x->off) {
		x->off = off;
		x->len += len;
		return 0;
	}
	struct extent *n = malloc(sizeof(*n));

	if (n == NULL)
		return -ENOMEM;
	*n = (struct extent){ .off = off, .len = len };
	if (prev != NULL)
		TAILQ_INSERT_AFTER(&m->free, prev, n, next);
	else
		TAILQ_INSERT_HEAD(&m->free, n, next);
	return 0;
}

/* First fit. Alignment is of the physical address: that is what the hardware sees. */
static bool
extent_take(struct sluice_mem *m, uint64_t size, uint64_t align, uint64_t *off)
{
	struct extent *x;

	TAILQ_FOREACH(x, &m->free, next) {
		uint64_t start = RTE_ALIGN_CEIL(m->span.pa + x->off, align) - m->span.pa;
		uint64_t end = x->off + x->len;

		if (start > end || size > end - start)
			continue;
		uint64_t head = start - x->off, tail = end - start - size;

		if (head != 0 && tail != 0) {
			struct extent *n = malloc(sizeof(*n));

			if (n == NULL)
				return false;
			*n = (struct extent){ .off = start + size, .len = tail };
			x->len = head;
			TAILQ_INSERT_AFTER(&m->free, x, n, next);
		} else if (head != 0) {
			x->len = head;
		} else if (tail != 0) {
			x->off = start + size;
			x->len = tail;
		} else {
			TAILQ_REMOVE(&m->free, x, next);
			free(x);
		}
		*off = start;
		return true;
	}
	return false;
}

void *
sluice_mem_alloc(struct sluice_mem *m, size_t size, size_t align, uint64_t *pa)
{
	uint64_t off = 0;
	bool ok;

	if (align == 0)
		align = RTE_CACHE_LINE_SIZE;
	if (m == NULL || size == 0 || (align & (align - 1)) != 0 || size > m->span.len) {
		sluice_fail(EINVAL, "%zu bytes aligned to %zu are not to be had", size, align);
		return NULL;
	}
	size = RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE);
	pthread_mutex_lock(&m->lock);
	ok = extent_take(m, size, align, &off);
	if (!ok) {
		/* Enough fresh pages for any alignment; what is not used becomes an extent. */
		uint64_t pages = (size + (align > PAGE_SIZE ? align : 0) + PAGE_SIZE - 1) >> PAGE_SHIFT;
		uint32_t at = grow_bottom(m, pages);

		if (at == NIL) {
			settle(m);
			at = grow_bottom(m, pages);
		}
		ok = at != NIL &&
		     extent_put(m, (uint64_t)at << PAGE_SHIFT, pages << PAGE_SHIFT) == 0 &&
		     extent_take(m, size, align, &off);
	}
	if (ok)
		__atomic_store_n(&m->used, m->used + size, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&m->lock);
	if (!ok) {
		sluice_fail(ENOMEM, "%zu bytes do not fit into the IOMMU's memory of %zu bytes",
			    size, (size_t)m->span.len);
		return NULL;
	}
	if (pa != NULL)
		*pa = m->span.pa + off;
	return memset(m->span.va + off, 0, size);
}

void
sluice_mem_free(struct sluice_mem *m, void *va, size_t size)
{
	if (va == NULL)
		return;
	size = RTE_ALIGN_CEIL(size, RTE_CACHE_LINE_SIZE);
	pthread_mutex_lock(&m->lock);
	/* Without memory for the list entry the extent is lost, not reused wrongly. */
	(void)extent_put(m, (uint64_t)((uint8_t *)va - m->span.va), size);
	__atomic_store_n(&m->used, m->used - size, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&m->lock);
}

/* One look at the stack, then at the border. @return NIL: nothing. */
static uint32_t
page_take(struct sluice_mem *m)
{
	uint64_t head = atomic_load_explicit(&m->free_pages, memory_order_acquire), old;

	while ((uint32_t)head != NIL) {
		uint32_t page = (uint32_t)head;
		uint64_t next = ((head >> 32) + 1) << 32 |
				atomic_load_explicit(&m->link[page], memory_order_relaxed);

		if (atomic_compare_exchange_weak_explicit(&m->free_pages, &head, next,
							  memory_order_acquire, memory_order_acquire))
			return page;
	}
	old = atomic_load_explicit(&m->borders, memory_order_relaxed);
	do {
		if (old >> 32 == (uint32_t)old)
			return NIL;
	} while (!atomic_compare_exchange_weak_explicit(&m->borders, &old, old - (UINT64_C(1) << 32),
							memory_order_relaxed, memory_order_relaxed));
	return (uint32_t)(old >> 32) - 1;
}

void *
sluice_mem_page_get(struct sluice_mem *m, uint64_t *pa)
{
	uint32_t page = page_take(m);

	/* 2. Not for ever: the thread that settles may have lost its core. */
	for (unsigned int i = 0; page == NIL && i < SETTLE_LOOKS &&
	     atomic_load_explicit(&m->settling, memory_order_acquire) != 0; i++) {
		sched_yield();
		page = page_take(m);
	}
	/* It may have been over between the two looks. */
	page = page == NIL ? page_take(m) : page;
	if (page == NIL)
		return NULL;
	atomic_fetch_add_explicit(&m->pages_used, 1, memory_order_relaxed);
	if (pa != NULL)
		*pa = m->span.pa + ((uint64_t)page << PAGE_SHIFT);
	return memset(m->span.va + ((uint64_t)page << PAGE_SHIFT), 0, PAGE_SIZE);
}

void
sluice_mem_page_put(struct sluice_mem *m, void *p)
{
	uint32_t page = (uint32_t)((uint64_t)((uint8_t *)p - m->span.va) >> PAGE_SHIFT);

	stack_put(m, page);
	atomic_fetch_sub_explicit(&m->pages_used, 1, memory_order_relaxed);
}

uint64_t
sluice_mem_pages_used(const struct sluice_mem *m)
{
	return atomic_load_explicit(&m->pages_used, memory_order_relaxed);
}

uint64_t
sluice_mem_pages_left(const struct sluice_mem *m)
{
	/* Between the borders, and on the stack: all from the bottom up that is not in use. */
	uint64_t bottom = (uint32_t)atomic_load_explicit(&m->borders, memory_order_relaxed);

	return (m->span.len >> PAGE_SHIFT) - bottom - sluice_mem_pages_used(m);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * DPDK's heap: what control calls allocate near the lcore that uses it.
 *
 * It has a lock of its own, inside a library that a race detector does not look into: memory that
 * one thread frees and the next one gets would look like a race. In such a build each call holds a
 * lock that the detector sees.
 */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <pthread.h>

#include <rte_malloc.h>

#include "tsan.h"

#if SLUICE_TSAN
__attribute__((weak)) pthread_mutex_t heap_lock = PTHREAD_MUTEX_INITIALIZER;
#define HEAP_LOCK()   pthread_mutex_lock(&heap_lock)
#define HEAP_UNLOCK() pthread_mutex_unlock(&heap_lock)
#else
#define HEAP_LOCK()   ((void)0)
#define HEAP_UNLOCK() ((void)0)
#endif

/** @return zeroed memory, a multiple of @p align; NULL: there is none. */
static inline void *
heap_zalloc(const char *name, size_t size, unsigned int align)
{
	void *p;

	HEAP_LOCK();
	p = rte_zmalloc(name, size, align);
	HEAP_UNLOCK();
	return p;
}

/** The same, on a NUMA node. */
static inline void *
heap_zalloc_socket(const char *name, size_t size, unsigned int align, int socket)
{
	void *p;

	HEAP_LOCK();
	p = rte_zmalloc_socket(name, size, align, socket);
	HEAP_UNLOCK();
	return p;
}

/** @param p of the two above, or NULL. */
static inline void
heap_free(void *p)
{
	HEAP_LOCK();
	rte_free(p);
	HEAP_UNLOCK();
}

#endif

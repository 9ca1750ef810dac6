/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The engine's side of hardware-visible memory: pages for page tables, without a lock.
 */
#ifndef ENGINE_MEM_H
#define ENGINE_MEM_H

#include "../driver.h"

/**
 * Take one zeroed 4 KiB page. Lock-free, any thread.
 * @return NULL when memory is short.
 */
void *sluice_mem_page_get(struct sluice_mem *m, uint64_t *pa);

/** Give a page from sluice_mem_page_get() back. Lock-free, any thread. */
void sluice_mem_page_put(struct sluice_mem *m, void *page);

/** Pages handed out by sluice_mem_page_get() at present. */
uint64_t sluice_mem_pages_used(const struct sluice_mem *m);

/** Pages that sluice_mem_page_get() could still hand out, about. */
uint64_t sluice_mem_pages_left(const struct sluice_mem *m);

/**
 * Memory of the process, not of the hardware, for large tables that are touched lazily: zeroed,
 * on huge pages where the system gives them. @return NULL when there is none.
 */
void *sluice_host_alloc(size_t size);

/** The same, for tables of which a little is touched here and there: no huge pages. */
void *sluice_host_alloc_sparse(size_t size);
void sluice_host_free(void *p, size_t size);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The shared space of the IOVA allocator: making it, freeing it, counting what is free.
 */
#include <errno.h>

#include "../base/mem.h"
#include "iova.h"

int
iova_space_init(struct iova_space *s, uint32_t nb_chunks, int (*prepare)(void *, uint32_t),
		void *arg)
{
	int ret;

	*s = (struct iova_space){ .nb_chunks = nb_chunks, .prepare = prepare, .arg = arg };
	if (nb_chunks == 0 || nb_chunks > BITSET_MAX)
		return -EINVAL;
	s->chunk = sluice_host_alloc(nb_chunks * sizeof(*s->chunk));
	s->order = sluice_host_alloc(nb_chunks);
	ret = s->chunk == NULL || s->order == NULL ? -ENOMEM : bitset_init(&s->uncut, nb_chunks);
	for (unsigned int o = 0; o < IOVA_ORDERS && ret == 0; o++)
		ret = bitset_init(&s->avail[o], nb_chunks);
	if (ret == 0)
		ret = depot_init(&s->depot);
	if (ret != 0) {
		iova_space_fini(s);
		return ret;
	}
	for (uint32_t c = 0; c < nb_chunks; c++) {
		atomic_init(&s->order[c], IOVA_UNCUT);
		bitset_set(&s->uncut, c);
	}
	return 0;
}

void
iova_space_fini(struct iova_space *s)
{
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		bitset_fini(&s->avail[o]);
	bitset_fini(&s->uncut);
	depot_fini(&s->depot);
	sluice_host_free(s->chunk, s->nb_chunks * sizeof(*s->chunk));
	sluice_host_free((void *)s->order, s->nb_chunks);
	s->chunk = NULL;
	s->order = NULL;
}

uint64_t
iova_space_free_pages(const struct iova_space *s)
{
	uint64_t pages = (uint64_t)bitset_count(&s->uncut) * IOVA_CHUNK_PAGES;

	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		pages += (uint64_t)depot_count(&s->depot, o) << o;

	for (uint32_t chunk = 0; chunk < s->nb_chunks; chunk++) {
		unsigned int order = atomic_load_explicit(&s->order[chunk], memory_order_relaxed);

		for (unsigned int w = 0; order < IOVA_ORDERS && w < 8; w++)
			pages += (uint64_t)__builtin_popcountll(atomic_load_explicit(
					 &s->chunk[chunk].free[w], memory_order_relaxed))
				 << order;
	}
	return pages;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Three kinds of buffers are held: those that are mapped, those whose cookie has not come, and
 * those that were handed back although their invalidation is still due. A buffer counts once, even
 * if it was handed back several times. Where a policy keeps more memory mapped than that, what it
 * keeps is the figure. Exposed are only the buffers that were handed back.
 */
#include "held.h"
#include "run.h"

void
perf_held_sample(struct perf_worker *w)
{
	uint64_t mapped = 0, awaited = 0, size = w->bench->buf_size, early, bytes;
	struct perf_measured *m = &w->measured;
	struct sluice_domain_stats st;

	/* The counts come before the flush queues' figures: a buffer that is returned in between
	 * is then counted twice rather than not at all. */
	for (unsigned int i = 0; i < w->run->nb_workers; i++) {
		struct perf_ring *ring = &w->run->worker[i].ring;

		mapped += atomic_load_explicit(&ring->mapped, memory_order_relaxed);
		awaited += atomic_load_explicit(&ring->awaited, memory_order_relaxed);
	}
	sluice_domain_get_stats(w->dom, &st);
	early = st.pending - RTE_MIN(st.pending, awaited);
	bytes = RTE_MIN((mapped + awaited + early) * size, (uint64_t)w->bench->pool_size);
	m->pinned_max = RTE_MAX(m->pinned_max, RTE_MAX(bytes, st.kept_bytes));
	/* The pending entries include those with cookies, whose memory was not handed back. */
	bytes = st.exposed_bytes - RTE_MIN(st.exposed_bytes, awaited * size);
	m->exposed_max = RTE_MAX(m->exposed_max, bytes);
	m->oldest_max_ns = RTE_MAX(m->oldest_max_ns, st.oldest_ns);
	m->samples++;
}

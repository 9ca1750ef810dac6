/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Runs: mappings of 256 pages in one call, map and unmap each on its own.
 */
#include <rte_common.h>
#include <rte_cycles.h>

#include <sluice/sluice.h>

#include "bench.h"
#include "par.h"
#include "peer_map.h"
#include "rig.h"

#define PAGES 256u
#define LEN   ((size_t)PAGES * 4096)
#define LIVE  8u /* mapped, then unmapped: their entries stay in the first-level cache */
#define PA(i) ((UINT64_C(1) << 32) + (uint64_t)(i) * LEN)

struct runs {
	struct rig rig;
	struct peer_space *peer;
};

#define RUN_LOOP(name, MAP, UNMAP)                                                                 \
	static bool name(void *arg, uint64_t n, double *out)                                       \
	{                                                                                          \
		struct runs *r = arg;                                                              \
		struct sluice_domain *d = r->peer == NULL ? r->rig.dom[0] : NULL;                  \
		uint64_t iova[LIVE], map = 0, unmap = 0, rounds = (n + LIVE - 1) / LIVE;           \
		int bad = 0;                                                                       \
                                                                                                   \
		(void)d;                                                                           \
		for (uint64_t k = 0; k < rounds; k++) {                                            \
			uint64_t t0 = rte_rdtsc_precise();                                         \
			for (unsigned int i = 0; i < LIVE; i++)                                    \
				bad |= MAP(PA(i), &iova[i]);                                       \
			uint64_t t1 = rte_rdtsc_precise();                                         \
			for (unsigned int i = 0; i < LIVE; i++)                                    \
				bad |= UNMAP(iova[i]);                                             \
			unmap += rte_rdtsc_precise() - t1;                                         \
			map += t1 - t0;                                                            \
		}                                                                                  \
		out[0] = bench_ns(map) / (double)(rounds * LIVE);                                  \
		out[1] = bench_ns(unmap) / (double)(rounds * LIVE);                                \
		return bench_check(bad == 0, "a map or unmap of 256 pages failed");                \
	}

#define SLUICE_MAP(pa, iova) sluice_map(d, pa, LEN, SLUICE_RW, iova)
#define SLUICE_UNMAP(iova)   sluice_unmap(d, iova, LEN)
#define PEER_MAP(pa, iova)   peer_map(r->peer, 0, pa, LEN, iova)
#define PEER_UNMAP(iova)     peer_unmap(r->peer, 0, iova, LEN)

RUN_LOOP(run_sluice, SLUICE_MAP, SLUICE_UNMAP)
RUN_LOOP(run_peer, PEER_MAP, PEER_UNMAP)

/* What was mapped must be what the table says, page by page. */
static bool
check_translation(struct sluice_domain *d)
{
	uint64_t iova, pa;
	bool ok = sluice_map(d, PA(3), LEN, SLUICE_RW, &iova) == 0;

	for (uint64_t off = 0; off < LEN && ok; off += 4096)
		ok = sluice_iova_to_pa(d, iova + off, &pa) == 0 && pa == PA(3) + off;
	ok = ok && sluice_unmap(d, iova, LEN) == 0;
	for (uint64_t off = 0; off < LEN && ok; off += 4096)
		ok = sluice_iova_to_pa(d, iova + off, &pa) != 0;
	return bench_check(ok, "a run of 256 pages does not translate page by page");
}

bool
bench_run(void)
{
	struct runs s = { 0 }, peer = { 0 };
	const struct bench_case c = { .bench = "run", .name = "256 x 4K in one call",
				      .goal = "G3 map >= 5x, unmap >= 8x",
				      .layout = "worker on thread 0", .metric = { "map", "unmap" } };
	struct bench_variant v[] = {
		{ "sluice", "no invalidation", run_sluice, &s },
		{ "magazine+walk", "stand-in: one walk, then entry by entry, each checked", run_peer,
		  &peer },
	};
	bool ok = rig_up(&s.rig, RIG_NONE, 1, 1, 1024) && check_translation(s.rig.dom[0]);

	peer.peer = peer_space_new(PEER_MAGAZINE, 8, 1024);
	ok = ok && peer.peer != NULL && bench_compare(&c, v, RTE_DIM(v));
	ok = rig_down(&s.rig, c.name) && ok;
	peer_space_free(peer.peer);
	return ok;
}

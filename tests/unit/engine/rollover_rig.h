/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the tests of policy rollover share: a window of four chunks, two workers, and pages by their
 * number in the window.
 */
#ifndef ROLLOVER_RIG_H
#define ROLLOVER_RIG_H

#include "fixture.h"

#define PA     UINT64_C(0x300000000)
#define CHUNK  IOVA_CHUNK_PAGES
#define CHUNKS 4u
#define PAGES  (CHUNKS * CHUNK)

static const struct sluice_domain_conf conf = {
	.policy = "rollover", .iova_size = (uint64_t)CHUNKS << 21,
};

static uint64_t base;

static inline void
note_base(void)
{
	base = r.d->iova_base;
}

static const struct plan plan = { &conf, .workers = 1, .begin = note_base };

static inline uint32_t
map_page(void)
{
	return (uint32_t)((map_ok(r.d, PA, 4096) - base) >> 12);
}

static inline void
unmap_page(uint32_t pfn)
{
	assert_int_equal(sluice_unmap(r.d, base + ((uint64_t)pfn << 12), 4096), 0);
}

static inline int
map_errno(void)
{
	uint64_t v;

	return sluice_map(r.d, PA, 4096, SLUICE_RW, &v);
}

#endif

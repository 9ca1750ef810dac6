/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The usual set-up of an engine test: a fake iommu, an engine that serves it, one domain, and the
 * calling thread, which is lcore 0, a worker.
 */
#ifndef RIG_H
#define RIG_H

#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <rte_errno.h>

#include "engine/object/engine.h"
#include "fake_iommu.h"
#include "tests/unit/eal.h"

struct rig {
	struct fake *f;
	struct sluice_iommu *iommu;
	struct sluice_engine *e;
	struct sluice_domain *d;
};

/** @param conf NULL: no domain. */
void rig_up(struct rig *r, const char *settings, const struct sluice_domain_conf *conf);

/** Take down; what is in flight completes first. Fails the test when something is refused. */
void rig_down(struct rig *r);

/** Be another lcore for a while: what rte_lcore_id() says. */
void as_lcore(unsigned int lcore);

/** One look at the counters. */
struct sluice_domain_stats stats_of(const struct sluice_domain *d);

/** Map one page of physical address @p pa, which must succeed. @return its IOVA. */
uint64_t map_ok(struct sluice_domain *d, uint64_t pa, size_t len);

/** xorshift64*: the same numbers in every run. */
static inline uint64_t
rnd(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(0x2545f4914f6cdd1d);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * An engine over a fake iommu, with domains, set up and taken down for each benchmark.
 */
#ifndef BENCH_RIG_H
#define BENCH_RIG_H

#include <stdbool.h>

#include "window/window.h"
#include "fake_iommu.h"

enum rig_policy {
	RIG_NONE,     /* no invalidation at all: clear the entry, free the IOVA */
	RIG_DEFERRED,
	RIG_STRICT,
};

struct rig {
	struct sluice_iommu *iommu;
	struct sluice_engine *engine;
	unsigned int nb_workers, nb_domains;
	struct sluice_domain **dom;
};

/** @param window_mb IOVA window of each domain. @return false after a failed check. */
bool rig_up(struct rig *r, enum rig_policy policy, unsigned int workers, unsigned int domains,
	    uint64_t window_mb);

/** Counters must add up, everything must be released; then take it down. */
bool rig_down(struct rig *r, const char *who);

#endif

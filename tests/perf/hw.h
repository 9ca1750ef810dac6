/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The emulated SMMUv3 with an engine, on a thread of their own while something is measured on
 * thread 0, which is the only worker.
 */
#ifndef BENCH_HW_H
#define BENCH_HW_H

#include <stdatomic.h>
#include <stdbool.h>

#include <sluice/sluice.h>

#define HW_LAYOUT "worker on thread 0; engine and emulated SMMUv3 on thread 1"

struct hw {
	struct sluice_iommu *iommu;
	struct sluice_engine *engine;
	uint64_t pa;   /* memory to map, HW_PAGES of it */
	void *va;
	/* The measurement under way. */
	uint64_t (*fn)(void *arg, uint64_t n);
	void *arg;
	uint64_t n;
	_Atomic bool done;
};

#define HW_PAGES 1024u

/** @param settings more keys of the register source, each with a comma before it; "" for none. */
bool hw_up(struct hw *h, const char *settings);
bool hw_down(struct hw *h, const char *who);

/** A domain with this policy. @return NULL after a failed check. */
struct sluice_domain *hw_domain(struct hw *h, const char *policy, uint32_t batch);
/** Its books must balance; then it goes. */
bool hw_domain_down(struct sluice_domain *d, const char *who);

/** Run @p fn(arg, n) on thread 0 while thread 1 is hardware and engine. @return what it returned. */
uint64_t hw_run(struct hw *h, uint64_t (*fn)(void *arg, uint64_t n), void *arg, uint64_t n);

#endif

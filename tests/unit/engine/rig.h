/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The usual set-up of an engine test: a fake iommu, an engine that serves it, one domain, and the
 * calling thread, which is lcore 0, a worker. The clock is virtual and invalidations complete at
 * once, until the test says otherwise (fake_iommu.h). Where all cases of a file begin alike,
 * fixture.h does the set-up; where threads take part, rig_up_mt() makes the clock a real one.
 */
#ifndef RIG_H
#define RIG_H

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
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

/**
 * The same for real threads: a real clock, hardware that has 20 seconds for a SYNC, so that a busy
 * machine loses none, and no log of submissions.
 * @param more further settings, ",mem=64".
 */
void rig_up_mt(struct rig *r, const char *more, const struct sluice_domain_conf *conf);

/** Make lcores 1 to @p n workers as well. */
void rig_workers(struct rig *r, unsigned int n);

/** Take down; what is in flight completes first. Fails the test when something is refused. */
void rig_down(struct rig *r);

/** Be another lcore for a while: what rte_lcore_id() says. */
void as_lcore(unsigned int lcore);

/** One look at the counters. */
struct sluice_domain_stats stats_of(const struct sluice_domain *d);

/** Map @p len bytes from physical address @p pa, which must succeed. @return the IOVA. */
uint64_t map_ok(struct sluice_domain *d, uint64_t pa, size_t len);

/** The same with a protection; the IOVA must have the offset within its page that @p pa has. */
uint64_t map_prot(struct rig *r, uint64_t pa, size_t len, unsigned int prot);

/** Map and unmap @p n single pages. @return the IOVA of the last. */
uint64_t map_unmap(struct sluice_domain *d, unsigned int n);

/** Relax hook (its argument: the rig): engine and hardware work on the lcore that waits. */
void rig_serve(void *rig);

/** A thread that polls an engine, from start to stop. */
struct poller {
	struct sluice_engine *e;
	pthread_t thread;
	_Atomic bool stop;
};

void poller_start(struct poller *p, struct sluice_engine *e);
void poller_stop(struct poller *p);

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

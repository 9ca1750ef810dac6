/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * For a test file whose cases all begin alike. It defines `plan`, and hands `up` and `down` to
 * cmocka_unit_test_setup_teardown(). Each case then finds in `r` a fake iommu, an engine, a domain as
 * plan.conf says, and workers: lcore 0, which is the calling thread, and those up to plan.workers.
 * `down` completes what is in flight, and fails the case where anything is left over.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include "rig.h"

struct plan {
	const struct sluice_domain_conf *conf;
	unsigned int workers; /* lcores 1 to this one are workers as well */
	bool by_hand;         /* invalidations complete when the test says so */
	void (*begin)(void);  /* NULL, or what else a case begins with */
};

static const struct plan plan; /* defined by the test */
static struct rig r;

static inline int
up(void **state)
{
	(void)state;
	rig_up(&r, "", plan.conf);
	assert_string_equal(sluice_domain_policy(r.d), plan.conf->policy);
	rig_workers(&r, plan.workers);
	r.f->immediate = !plan.by_hand;
	if (plan.begin != NULL)
		plan.begin();
	return 0;
}

static inline int
down(void **state)
{
	(void)state;
	rig_down(&r);
	return 0;
}

#endif

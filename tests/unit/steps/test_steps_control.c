/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Control calls against workers and the engine's turn, step by step: who drains persistent's mappings,
 * who puts a domain behind one more IOMMU, who changes the policy, and who frees what the turn
 * walks over.
 */
#include "engine/policy/policy.h"
#include "engine/policy/persistent.h"
#include "engine/inval/multi.h"
#include "steps.h"
#include "tests/unit/engine/rig.h"

#define PA UINT64_C(0x300000000)

static struct rig r;
static struct fake *mate;
static uint64_t iova[4];
static uint64_t (*submit)(void *queue, const struct sluice_inv *inv, unsigned int n);

static void
up(const char *policy)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = 4 << 20, .batch = 4,
						 .ring = 16, .keep_max = 2 };

	rig_up(&r, "mem=4", &conf);
	r.f->immediate = true;
	r.f->relax_ns = 1;
	r.f->on_relax = steps_relax;
	submit = r.iommu->fast.inv_submit;
	for (unsigned int i = 0; i < RTE_DIM(iova); i++)
		iova[i] = map_ok(r.d, PA + i * 4096, 4096);
}

static void
down(void)
{
	steps_on_free = NULL;
	steps_on_barrier = NULL;
	steps_on_rmw = NULL;
	r.iommu->fast.inv_submit = submit;
	rig_down(&r);
}

static void
unmaps(void)
{
	for (unsigned int i = 1; i < RTE_DIM(iova); i++)
		if (sluice_unmap(r.d, iova[i], 4096) != 0)
			steps_failed("an unmap was refused");
}

/* ---- persistent.h, 4 --------------------------------------------------------------------------- */

/* Who drains is evicting: then the worker is not in the middle of anything. */
static uint64_t
alone_and_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	const struct keep *k = r.d->lc[0]->priv;

	if (steps_in_second() && steps_other_sees(&k->busy, sizeof(k->busy)) != 0)
		steps_failed("a worker and who drains have the same mappings in hand");
	return submit(queue, inv, n);
}

static void
persistent_up(void)
{
	up("persistent");
	r.iommu->fast.inv_submit = alone_and_submit;
	assert_int_equal(sluice_unmap(r.d, iova[0], 4096), 0); /* kept */
}

static void
unmaps_and_maps(void)
{
	uint64_t again;

	unmaps();
	if (sluice_map(r.d, PA + 4096, 4096, SLUICE_RW, &again) != 0 ||
	    sluice_unmap(r.d, again, 4096) != 0)
		steps_failed("a map was refused");
}

static void
drains(void)
{
	if (sluice_domain_drain(r.d) != 0)
		steps_failed("a drain failed");
}

static void
who_drains_is_alone(void **state)
{
	(void)state;
	steps_explore(persistent_up, (struct steps_fiber){ unmaps_and_maps, 0 },
		      (struct steps_fiber){ drains, 5 }, down);
}

/* ---- multi.h, 3 --------------------------------------------------------------------------------- */

static uint64_t walked_at;
static bool cached[RTE_DIM(iova)];

/* Queues take commands by a read-modify-write. */
static uint64_t
submit_in_order(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	(void)steps_rmw();
	return submit(queue, inv, n);
}

static void
multi_up(void)
{
	up("strict");
	mate = fake_open("mate=1");
	r.iommu->fast.inv_submit = mate->iommu->fast.inv_submit = submit_in_order;
	mate->immediate = mate->log = true;
	assert_int_equal(sluice_engine_add_iommu(r.e, mate->iommu), 0);
	memset(cached, 0, sizeof(cached));
}

/* From the return on a device may be behind it: it walks at once, and keeps what it finds. */
static void
adds_iommu(void)
{
	uint64_t pa;

	if (sluice_domain_add_iommu(r.d, mate->iommu) != 0)
		steps_failed("an iommu could not be added");
	walked_at = mate->submitted;
	for (unsigned int i = 0; i < RTE_DIM(iova); i++)
		cached[i] = pgtable_walk(&r.d->pt, iova[i], &pa) == 0;
}

static void
nothing_stays_cached(void)
{
	for (unsigned int i = 1; i < RTE_DIM(iova); i++)
		if (cached[i] && !fake_covered(mate, walked_at + 1, mate->submitted,
					       multi_hw(r.d, mate->iommu)->tag, iova[i], 1))
			steps_failed("the iommu that came goes on using what was unmapped");
	assert_int_equal(sluice_unmap(r.d, iova[0], 4096), 0);
	sluice_engine_release(r.e);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	r.d = NULL;
	assert_int_equal(sluice_engine_del_iommu(r.e, mate->iommu), 0);
	fake_close(mate);
	down();
}

static void
an_iommu_that_comes_sees_no_old_entry(void **state)
{
	(void)state;
	steps_explore(multi_up, (struct steps_fiber){ unmaps, 0 },
		      (struct steps_fiber){ adds_iommu, 5 }, nothing_stays_cached);
	/* An unmap begins when who adds has had his first barrier, and looks before there is a peer. */
	steps_explore_twice(multi_up, (struct steps_fiber){ adds_iommu, 5 },
			    (struct steps_fiber){ unmaps, 0 }, nothing_stays_cached);
}

/* ---- switch.c, 1 ------------------------------------------------------------------------------- */

static bool whole_before;

/* A barrier on every thread, at which each ring is whole and closed, and the old policy in force. */
static void
barrier_seen(void)
{
	const struct flush_ring *ring = &r.d->lc[0]->ring;

	if (steps_in_second() && ring->ent != NULL && ring->cookie != NULL && ring->closed &&
	    r.d->unmap == policy_strict.unmap)
		whole_before = true;
}

static void
switch_up(void)
{
	up("strict");
	whole_before = false;
	steps_on_barrier = barrier_seen;
}

/* With rings from before: nobody has set anything up, and the barrier is there by the same rule, whoever
 * else may have executed one. */
static void
switch_again_up(void)
{
	up("strict");
	assert_int_equal(sluice_domain_set_policy(r.d, "strict-async"), 0);
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
	whole_before = false;
	steps_on_barrier = barrier_seen;
}

static void
to_deferred(void)
{
	if (sluice_domain_set_policy(r.d, "deferred") != 0)
		steps_failed("a change of the policy failed");
	if (!whole_before)
		steps_failed("a policy was put in, and no barrier told of its rings before");
	if (strcmp(sluice_domain_policy(r.d), "deferred") != 0)
		steps_failed("the name lags");
}

static void
rings_are_told_of_before_a_policy(void **state)
{
	(void)state;
	steps_explore(switch_up, (struct steps_fiber){ unmaps, 0 },
		      (struct steps_fiber){ to_deferred, 5 }, down);
	steps_explore(switch_again_up, (struct steps_fiber){ unmaps, 0 },
		      (struct steps_fiber){ to_deferred, 5 }, down);
}

/* ---- epoch.h ----------------------------------------------------------------------------------- */

/* What is replaced, and the turn's mark as the second has it when that is done. */
static const void *before[2];
static uint64_t mark_then[2];

static void
note_mark(void)
{
	const void *const now[2] = { atomic_load(&r.e->view), atomic_load(&r.d->workers) };

	for (unsigned int i = 0; i < 2 && !steps_in_second(); i++)
		if (now[i] == before[i])
			mark_then[i] = steps_other_sees(&r.e->epoch.mark, sizeof(uint64_t));
}

static void
note_before(void)
{
	before[0] = atomic_load(&r.e->view);
	before[1] = atomic_load(&r.d->workers);
	mark_then[0] = mark_then[1] = 0;
	steps_on_rmw = note_mark;
}

/* The turn is under way, whether its mark was seen by others or not: what it found then may be in
 * its hands. In the second: the one that had begun when it was replaced. */
static void
nobody_looks_at_it(void *p)
{
	uint64_t mark = steps_other_sees(&r.e->epoch.mark, sizeof(mark));
	bool held = steps_in_second() && (mark & 1) != 0;

	for (unsigned int i = 0; i < 2 && !steps_in_second(); i++)
		held = held || (p == before[i] && (mark & 1) != 0 && mark == mark_then[i]);
	if (held)
		steps_failed("what a turn walks over was freed under it");
}

static void
view_up(void)
{
	up("deferred");
	unmaps();
	mate = fake_open("mate=1");
	note_before();
	steps_on_free = nobody_looks_at_it;
}

static void
polls(void)
{
	sluice_engine_poll(r.e);
	sluice_engine_release(r.e);
}

static void
a_worker_comes(void)
{
	if (sluice_worker_register(r.e, 2) != 0)
		steps_failed("a worker could not come");
}

static void
a_worker_goes(void)
{
	if (sluice_worker_unregister(r.e, 2) != 0)
		steps_failed("a worker could not go");
}

static void
with_a_worker_up(void)
{
	view_up();
	assert_int_equal(sluice_worker_register(r.e, 2), 0);
	note_before();
}

static void
iommus_come_and_go(void)
{
	if (sluice_engine_add_iommu(r.e, mate->iommu) != 0 ||
	    sluice_engine_del_iommu(r.e, mate->iommu) != 0)
		steps_failed("an iommu could not come and go");
}

static void
domains_come_and_go(void)
{
	const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 4 << 20 };
	struct sluice_domain *d = sluice_domain_create(r.iommu, &conf);

	if (d == NULL || sluice_domain_destroy(d) != 0)
		steps_failed("a domain could not come and go");
}

static void
view_down(void)
{
	steps_on_free = NULL;
	fake_close(mate);
	assert_int_equal(sluice_unmap(r.d, iova[0], 4096), 0);
	down();
}

static void
an_iommu_comes(void)
{
	if (sluice_engine_add_iommu(r.e, mate->iommu) != 0)
		steps_failed("an iommu could not come");
}

static void
iommu_down(void)
{
	assert_int_equal(sluice_engine_del_iommu(r.e, mate->iommu), 0);
	view_down();
}

static void
nothing_is_freed_under_a_turn(void **state)
{
	static void (*const calls[])(void) = {
		a_worker_comes, iommus_come_and_go, domains_come_and_go,
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(calls); i++)
		steps_explore(view_up, (struct steps_fiber){ polls, 1 },
			      (struct steps_fiber){ calls[i], 5 }, view_down);
	steps_explore(with_a_worker_up, (struct steps_fiber){ polls, 1 },
		      (struct steps_fiber){ a_worker_goes, 5 }, view_down);
}

/* The turn begins in the midst of the change: after the barrier that is asked for first, and before
 * the arrays are replaced. */
static void
nothing_is_freed_under_a_late_turn(void **state)
{
	const struct steps_fiber turn = { polls, 1 };

	(void)state;
	steps_explore_twice(view_up, (struct steps_fiber){ a_worker_comes, 5 }, turn, view_down);
	steps_explore_twice(view_up, (struct steps_fiber){ an_iommu_comes, 5 }, turn, iommu_down);
	steps_explore_twice(with_a_worker_up, (struct steps_fiber){ a_worker_goes, 5 }, turn,
			    view_down);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_drains_is_alone),
		cmocka_unit_test(an_iommu_that_comes_sees_no_old_entry),
		cmocka_unit_test(rings_are_told_of_before_a_policy),
		cmocka_unit_test(nothing_is_freed_under_a_turn),
		cmocka_unit_test(nothing_is_freed_under_a_late_turn),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

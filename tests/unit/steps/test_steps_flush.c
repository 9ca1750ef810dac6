/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ring.h step by step: the clear before the entry (A4), and that a ring which was closed is closed.
 */
#include "engine/policy/set.h"
#include "steps.h"
#include "tests/unit/engine/rig.h"

#define PA    UINT64_C(0x300000000)
#define PAGES 6u /* mapped; of two of them one mapping */
#define NB    (PAGES - 1)

static struct rig r;
static const char *policy;
static struct sluice_seg seg[NB];
static uint64_t closed_at, looked;
static uint64_t (*submit)(void *queue, const struct sluice_inv *inv, unsigned int n);

/* Hardware that is told of an entry may walk the table at once: no page of it may be there. */
static uint64_t
look_and_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	uint64_t pa;

	for (unsigned int i = 0; i < n && steps_in_second(); i++)
		for (uint32_t k = 0; inv[i].op == SLUICE_INV_RANGE && k < inv[i].pages; k++) {
			looked++;
			if (pgtable_walk(&r.d->pt, inv[i].iova + ((uint64_t)k << 12), &pa) == 0)
				steps_failed("invalidated while it is still in the page table");
		}
	return submit(queue, inv, n);
}

static void
up(void)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = 4 << 20, .batch = 4,
						 .ring = 16, .deadline_us = 10,
						 .range_max = UINT32_MAX };

	rig_up(&r, "mem=4", &conf);
	r.f->immediate = true;
	r.f->relax_ns = 1;
	r.f->on_relax = steps_relax;
	submit = r.iommu->fast.inv_submit;
	r.iommu->fast.inv_submit = look_and_submit;
	for (unsigned int i = 0; i < NB; i++)
		seg[i] = (struct sluice_seg){ .pa = PA + i * 8192, .len = i == 2 ? 8192 : 4096,
					      .prot = SLUICE_RW, .cookie = i };
	assert_int_equal(sluice_map_burst(r.d, seg, NB), NB);
	/* Who makes room for the first entry is not who is looked at. */
	if (domain_policy(r.d)->ring)
		flush_ring_room(r.d, r.d->lc[0]);
}

static void
down(void)
{
	r.iommu->fast.inv_submit = submit;
	rig_down(&r);
}

/* ---- A4 -------------------------------------------------------------------------------------- */

static void
unmap_each(void)
{
	for (unsigned int i = 0; i < NB; i++)
		if (sluice_unmap_async(r.d, seg[i].iova, seg[i].len, i) < 0)
			steps_failed("an unmap was refused");
}

static void
unmap_burst(void)
{
	unsigned int later;

	if (sluice_unmap_async_burst(r.d, seg, NB, &later) != NB)
		steps_failed("a burst was refused");
}

/* The deadline is over at every look. */
static void
engine_looks(void)
{
	for (unsigned int i = 0; i < 4; i++) {
		fake_tick(r.f, 1000000);
		sluice_engine_poll(r.e);
	}
	sluice_engine_release(r.e);
}

static void
a4_no_entry_before_its_clear(void **state)
{
	static const char *const policies[] = { "deferred", "strict-async", "deferred-single" };
	const struct steps_fiber engine = { engine_looks, 1 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policies); i++) {
		policy = policies[i];
		looked = 0;
		steps_explore(up, (struct steps_fiber){ unmap_each, 0 }, engine, down);
		steps_explore(up, (struct steps_fiber){ unmap_burst, 0 }, engine, down);
		assert_true(looked > 50); /* in the midst of unmaps */
	}
}

/* ---- 8 --------------------------------------------------------------------------------------- */

static void
up_without_room(void)
{
	up();
	/* As after a change of the batch: the next put looks closer, and raises room_end. */
	RELAXED_SET(r.d->lc[0]->ring.room_end, 0);
	closed_at = UINT64_MAX;
}

static void
close_ring(void)
{
	struct flush_ring *ring = &r.d->lc[0]->ring;

	if (flush_ring_close(ring, r.iommu) != 0)
		steps_failed("nobody is stuck, and it could not be closed");
	closed_at = atomic_load_explicit(&ring->tail_pub, memory_order_acquire);
}

/* Nothing came in after it was closed, and nothing does: not even from who took the old way. */
static void
is_closed(void)
{
	struct dom_lcore *dl = r.d->lc[0];
	uint64_t iova = map_ok(r.d, PA, 4096);

	if (dl->ring.tail != closed_at)
		steps_failed("an entry came into a ring that was closed");
	assert_int_equal(policy_find(r.d->set, policy)->unmap(r.d, iova, 4096, dl), 0);
	if (dl->ring.tail != closed_at)
		steps_failed("a closed ring has room");
	down();
}

static void
closed_is_closed(void **state)
{
	static const char *const policies[] = { "deferred", "strict-async" };
	const struct steps_fiber closer = { close_ring, 5 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(policies); i++) {
		policy = policies[i];
		steps_explore(up_without_room, (struct steps_fiber){ unmap_each, 0 }, closer,
			      is_closed);
		steps_explore(up_without_room, (struct steps_fiber){ unmap_burst, 0 }, closer,
			      is_closed);
	}
}

/* The put begins after the first barrier of who closes, and before the second. */
static void
unmap_one(void)
{
	if (sluice_unmap_async(r.d, seg[0].iova, seg[0].len, 0) < 0)
		steps_failed("an unmap was refused");
}

static void
up_with_room(void)
{
	up();
	closed_at = UINT64_MAX;
}

static void
closed_in_the_midst_of_a_put(void **state)
{
	(void)state;
	policy = "deferred";
	steps_explore_twice(up_with_room, (struct steps_fiber){ close_ring, 5 },
			    (struct steps_fiber){ unmap_one, 0 }, is_closed);
	steps_explore_twice(up_without_room, (struct steps_fiber){ close_ring, 5 },
			    (struct steps_fiber){ unmap_one, 0 }, is_closed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a4_no_entry_before_its_clear),
		cmocka_unit_test(closed_is_closed),
		cmocka_unit_test(closed_in_the_midst_of_a_put),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * stock.c, and what iova_mag.c and flush.c do for it: what idle workers have comes to who needs it
 * (A20), at any moment of what the owner does, each IOVA to one of them.
 */
#include "engine/iova/hold.h"
#include "engine/window/stock.h"
#include "rig.h"
#include "steps.h"

#define PA    UINT64_C(0x300000000)
#define PAGES IOVA_CHUNK_PAGES
#define MOST  20000u /* instructions of an operation */

/* ---- a magazine ------------------------------------------------------------------------------ */

static struct iova_space space;
static struct iova_mag mag;
static uint32_t hand[2 * IOVA_MAG], nb_hand; /* what its owner has taken out */
static uint32_t robbed_at;

static int
prepare(void *arg, uint32_t chunk)
{
	(void)arg, (void)chunk;
	return 0;
}

/* @p n in the magazine, @p extra in the owner's hand. */
static void
mag_up(uint32_t n, uint32_t extra)
{
	assert_int_equal(iova_space_init(&space, 2, prepare, NULL), 0);
	iova_mag_init(&mag);
	nb_hand = 0;
	for (uint32_t i = 0; i < n + extra; i++)
		assert_int_equal(iova_get(&space, &mag, 0, &hand[nb_hand++]), 0);
	iova_mag_flush(&space, &mag, 0);
	while (nb_hand > extra)
		iova_put(&space, &mag, 0, hand[--nb_hand]);
	assert_int_equal(iova_mag_count(&mag), n);
}

static bool seen[2 * PAGES];
static uint32_t nb_seen;

static void
see(uint32_t pfn)
{
	assert_true(pfn < 2 * PAGES);
	assert_false(seen[pfn]);
	seen[pfn] = true;
	nb_seen++;
}

/* Every page is in one place. */
static void
mag_down(void)
{
	uint32_t batch[DEPOT_BATCH];

	memset(seen, 0, sizeof(seen));
	nb_seen = 0;
	for (uint32_t i = 0; i < nb_hand; i++)
		see(hand[i]);
	for (uint32_t i = mag.gone + 1; i <= mag.n; i++)
		see(mag.pfn[i] & ~IOVA_TAG);
	while (depot_get(&space.depot, 0, batch))
		for (uint32_t i = 0; i < DEPOT_BATCH; i++)
			see(batch[i]);
	for (uint32_t c = 0; c < 2; c++)
		for (uint32_t i = 0; i < PAGES; i++)
			if (bitset_test(&space.uncut, c) || (space.chunk[c].free[i / 64] >> i % 64) & 1)
				see(c * PAGES + i);
	assert_int_equal(nb_seen, 2 * PAGES);
	assert_int_equal(mag.hold, 0);
	iova_space_fini(&space);
}

static void
owner_takes(void)
{
	if (iova_get(&space, &mag, 0, &hand[nb_hand]) == 0)
		nb_hand++;
}

static void
owner_puts(void)
{
	if (nb_hand != 0)
		iova_put(&space, &mag, 0, hand[--nb_hand]);
}

static void
owner_takes_and_puts(void)
{
	owner_takes();
	owner_takes();
	owner_puts();
	owner_puts();
	owner_puts();
}

static void
owner_spills(void)
{
	iova_mag_spill(&space, &mag, 0);
}

static void
owner_flushes(void)
{
	iova_mag_flush(&space, &mag, 0);
}

static void
thief_tries(void)
{
	robbed_at = iova_mag_try(&mag);
}

static void
thief_robs(void)
{
	if (robbed_at != 0 && robbed_at != UINT32_MAX && iova_mag_look(&mag, robbed_at))
		(void)iova_mag_rob(&space, &mag, 0, robbed_at);
}

static void
thief_does_all(void)
{
	thief_tries();
	thief_robs();
}

static void
nothing(void)
{
}

/* What the owner does, with how much in stock. */
static const struct work {
	void (*fn)(void);
	uint32_t stock;
	unsigned int stride; /* of the instructions at which he is stopped */
} works[] = {
	{ owner_takes, 1, 1 }, { owner_takes, 2, 1 }, { owner_takes, 0, 53 },
	{ owner_puts, 1, 1 }, { owner_puts, 3, 1 }, { owner_takes_and_puts, 3, 1 },
	{ owner_puts, IOVA_MAG, 11 }, { owner_spills, 65, 11 }, { owner_flushes, 3, 3 },
};

/* @p before, then @p one with @p other at each of its instructions, then what is left to do. */
static void
each_step(void (*before)(void), void (*one)(void), void (*other)(void), const struct work *w)
{
	bool more = true;

	for (unsigned int at = 0; more; at += w->stride * STEPS_EACH) {
		assert_true(at < MOST);
		mag_up(w->stock, 5);
		robbed_at = 0;
		before();
		more = steps_run(one, other, at);
		/* The owner goes on, and works with what is left. */
		owner_takes_and_puts();
		for (unsigned int i = 0; i < 3; i++)
			owner_takes();
		mag_down();
	}
}

/* iova.h, 4: the owner is in the middle of something, and all of a theft comes. */
static void
a20_a_theft_at_any_moment_of_the_owner(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < RTE_DIM(works); k++)
		each_step(nothing, works[k].fn, thief_does_all, &works[k]);
}

/* The tag is there before he begins; the barrier comes while he is at it. */
static void
a20_the_barrier_at_any_moment_of_the_owner(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < RTE_DIM(works); k++)
		each_step(thief_tries, works[k].fn, thief_robs, &works[k]);
}

static void (*owner_does)(void);

/* He would wait for one who copies: then only what is short. */
static void
owner_or_short(void)
{
	if (mag.hold != HOLD_TAKEN) {
		owner_does();
	} else if (iova_mag_pop(&mag, &hand[nb_hand])) {
		nb_hand++;
		owner_puts();
		owner_puts();
	}
}

/* And the other way round. */
static void
a20_the_owner_at_any_moment_of_a_theft(void **state)
{
	(void)state;
	for (unsigned int k = 0; k < RTE_DIM(works); k++)
		if (works[k].stock != 0 && works[k].stock < IOVA_MAG) {
			owner_does = works[k].fn;
			each_step(nothing, thief_does_all, owner_or_short, &works[k]);
		}
}

/* He has taken the one that is tagged then, and puts another in its place: 4, "unless". */
static void
a20_a_put_over_the_tag(void **state)
{
	bool more = true;

	(void)state;
	for (unsigned int at = 0; more; at += STEPS_EACH) {
		assert_true(at < MOST);
		mag_up(3, 5);
		robbed_at = 0;
		more = steps_run(thief_tries, owner_takes, at);
		owner_puts();
		thief_robs();
		owner_takes();
		owner_takes();
		mag_down();
	}
}

/* An owner who does nothing loses all of it. */
static void
a20_nothing_stays_with_an_idle_owner(void **state)
{
	static const uint32_t stocks[] = { 1, 2, 64, 65, IOVA_MAG };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(stocks); i++) {
		mag_up(stocks[i], 5);
		assert_int_equal(iova_mag_try(&mag), stocks[i]);
		assert_true(iova_mag_look(&mag, stocks[i]));
		assert_int_equal(iova_mag_rob(&space, &mag, 0, stocks[i]), stocks[i]);
		assert_int_equal(iova_mag_count(&mag), 0);
		assert_int_equal(iova_mag_try(&mag), 0);
		/* What he puts above the gap is not lost when it is closed. */
		for (unsigned int k = 0; k < 3; k++)
			owner_puts();
		assert_int_equal(iova_mag_count(&mag), 3);
		if (i % 2 == 0)
			owner_flushes();
		else
			owner_takes_and_puts();
		mag_down();
	}
}

/* ---- workers ----------------------------------------------------------------------------------- */

static struct rig r;
static uint64_t iova[4 * PAGES];

static void
up(const char *policy, uint64_t chunks)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = chunks << 21,
						 .batch = 64, .ring = 1024, .copy_pool = 4096 };

	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
}

/* Map until there is no more. @return how many. */
static uint32_t
fill(unsigned int lcore)
{
	uint32_t n = 0;

	as_lcore(lcore);
	while (n < RTE_DIM(iova) && sluice_map(r.d, PA, 4096, SLUICE_RW, &iova[n]) == 0)
		n++;
	return n;
}

static void
empty(unsigned int lcore, uint32_t n)
{
	uint64_t cookie[64];

	as_lcore(lcore);
	for (uint32_t i = 0; i < n; i++) {
		/* Of strict-async what was waited for, and cookies. */
		if (i % 2 == 0)
			assert_true(sluice_unmap_async(r.d, iova[i], 4096, i) >= 0);
		else
			assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
		if (i % 50 == 0)
			while (sluice_unmap_completed(r.d, cookie, 64) != 0)
				;
	}
	assert_int_equal(sluice_domain_drain(r.d), 0);
	while (sluice_unmap_completed(r.d, cookie, 64) != 0)
		;
}

/* What one worker has used and left, another one gets, all of it; and back. */
static void
a20_idle_workers_keep_nothing(void **state)
{
	const char *name;

	(void)state;
	for (unsigned int p = 0; (name = sluice_policy_name(p)) != NULL; p++) {
		const uint32_t all = 4 * PAGES;

		if (strcmp(name, "passthrough") == 0 || strcmp(name, "blocked") == 0 ||
		    strcmp(name, "static") == 0 || strcmp(name, "hugepool") == 0 ||
		    strcmp(name, "copy") == 0 || strcmp(name, "hybrid") == 0)
			continue; /* no window, or much of it is not for this */
		up(name, 4);
		for (unsigned int round = 0; round < 3; round++) {
			assert_int_equal(fill(round & 1), all);
			empty(round & 1, all);
		}
		/* By a third of it each, and the rest by whoever comes. */
		as_lcore(0);
		for (uint32_t i = 0; i < PAGES; i++)
			iova[i] = map_ok(r.d, PA, 4096);
		empty(0, PAGES);
		as_lcore(1);
		for (uint32_t i = 0; i < PAGES; i++)
			iova[i] = map_ok(r.d, PA, 4096);
		empty(1, PAGES);
		assert_int_equal(fill(0), all);
		empty(0, all);
		/* Together again: a row, for a worker that never did anything. */
		assert_int_equal(sluice_worker_register(r.e, 2), 0);
		as_lcore(2);
		iova[0] = map_ok(r.d, PA, 8 << 20);
		assert_int_equal(sluice_unmap(r.d, iova[0], 8 << 20), 0);
		rig_down(&r);
	}
}

/* More is released in a ring than is taken of it at once. */
static void
a20_a_long_ring_is_emptied(void **state)
{
	const struct sluice_domain_conf conf = { .policy = "deferred", .iova_size = 4 << 21,
						 .batch = 64, .ring = 4 * FLUSH_ROB };

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	assert_int_equal(fill(0), 4 * PAGES);
	for (uint32_t i = 0; i < 4 * PAGES; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_true(r.d->lc[0]->ring.released > FLUSH_ROB);
	assert_int_equal(fill(1), 4 * PAGES);
	empty(1, 4 * PAGES);
	rig_down(&r);
}

/* A stock has a ceiling: of a page at a time, a magazine. */
static void
a20_a_stock_has_a_ceiling(void **state)
{
	(void)state;
	up("strict", 4);
	assert_int_equal(fill(0), 4 * PAGES);
	empty(0, 4 * PAGES);
	assert_int_equal(iova_mag_count(&r.d->lc[0]->mag[0]), SLUICE_STOCK_MAX);
	rig_down(&r);
}

/* Who has what he needs disturbs nobody; who finds nothing anywhere neither. */
static void
nobody_is_robbed_without_need(void **state)
{
	uint32_t n;

	(void)state;
	up("strict", 4);
	n = fill(0);
	assert_false(stock_take(r.d, r.d->lc[0]));
	as_lcore(1);
	assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &iova[0]), -ENOSPC);
	empty(0, n);
	n = iova_mag_count(&r.d->lc[0]->mag[0]);
	as_lcore(1);
	for (uint32_t i = 0; i < 3 * PAGES; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	assert_int_equal(iova_mag_count(&r.d->lc[0]->mag[0]), n);
	rig_down(&r);
}

/* A worker is in the middle of a map or an unmap when another takes what it has. */
static uint64_t last;

static void
map_and_unmap(void)
{
	uint64_t cookie;

	if (sluice_map(r.d, PA, 4096, SLUICE_RW, &last) != 0 ||
	    sluice_unmap_async(r.d, last, 4096, 1) < 0)
		abort();
	(void)sluice_unmap_completed(r.d, &cookie, 1);
}

static void
map_and_unmap_burst(void)
{
	struct sluice_seg seg[3] = { { .pa = PA, .len = 4096, .prot = SLUICE_RW },
				     { .pa = PA, .len = 4096, .prot = SLUICE_RW },
				     { .pa = PA, .len = 4096, .prot = SLUICE_RW } };

	unsigned int later;
	uint64_t cookie[3];

	if (sluice_map_burst(r.d, seg, 3) != 3 || sluice_unmap_async_burst(r.d, seg, 3, &later) != 3)
		abort();
	(void)sluice_unmap_completed(r.d, cookie, 3);
}

static void
rob(void)
{
	as_lcore(1);
	(void)stock_take(r.d, r.d->lc[1]);
	as_lcore(0);
}

static void
a20_a_theft_at_any_moment_of_a_pair(void **state)
{
	static const char *const policies[] = { "strict", "deferred", "strict-async" };
	uint64_t cookies[64];
	void (*const pair[])(void) = { map_and_unmap, map_and_unmap_burst };

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(policies); p++) {
		up(policies[p], 1);
		for (unsigned int k = 0; k < RTE_DIM(pair); k++) {
			unsigned int at;
			bool more = true;

			for (at = 0; more; at += (1 + 2 * k) * STEPS_EACH) {
				assert_true(at < MOST);
				/* Released, and known to be, in the ring; some in the magazine. */
				for (unsigned int i = 0; i < 8; i++)
					pair[k]();
				assert_int_equal(sluice_domain_drain(r.d), 0);
				(void)sluice_unmap_completed(r.d, cookies, RTE_DIM(cookies));
				pair[k]();
				more = steps_run(pair[k], rob, at);
			}
			if (STEPS_CAN)
				assert_true(at > 50);
		}
		assert_int_equal(sluice_domain_drain(r.d), 0);
		(void)sluice_unmap_completed(r.d, cookies, RTE_DIM(cookies));
		assert_int_equal(fill(1), PAGES);
		rig_down(&r);
	}
}

/* ring.h, 12: the owner takes entries from his ring, and a thief is at it. */
static uint64_t ring_at, mine[4];
static uint32_t tried, nb_mine;

static void
ring_tried(void)
{
	tried = flush_ring_try(&r.d->lc[0]->ring, &ring_at);
}

static void
owner_maps(void)
{
	if (nb_mine == RTE_DIM(mine) || sluice_map(r.d, PA, 4096, SLUICE_RW, &last) != 0)
		abort();
	mine[nb_mine++] = last;
}

/* @p one with @p other at its instruction @p at: all that the owner did not map is for others, and
 * nothing else. @return as steps_run(). */
static bool
ring_shared(const char *policy, void (*one)(void), void (*other)(void), unsigned int at)
{
	uint64_t cookies[64];
	uint32_t n;
	bool more;

	up(policy, 1);
	for (unsigned int i = 0; i < 64; i++)
		iova[i] = map_ok(r.d, PA, 4096);
	for (unsigned int i = 0; i < 64; i++)
		assert_true(sluice_unmap_async(r.d, iova[i], 4096, i) >= 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	(void)sluice_unmap_completed(r.d, cookies, RTE_DIM(cookies));
	iova_mag_flush(&r.d->iova, &r.d->lc[0]->mag[0], 0);
	nb_mine = tried = 0;
	owner_maps();
	more = steps_run(one, other, at);
	if (tried == 1)
		(void)flush_ring_rob(r.d, &r.d->lc[0]->ring, ring_at);
	n = fill(1);
	assert_int_equal(n, PAGES - nb_mine);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < nb_mine; k++)
			assert_true(iova[i] != mine[k]);
	rig_down(&r);
	return more;
}

static void
ring_shared_at_each(void (*one)(void), void (*other)(void))
{
	static const char *const policies[] = { "deferred", "strict-async" };

	for (unsigned int p = 0; p < RTE_DIM(policies); p++)
		for (unsigned int at = 0; ring_shared(policies[p], one, other, at);
		     at += STEPS_EACH)
			assert_true(at < MOST);
}

/* He has taken an entry between the look at reclaim and the tag. */
static void
a20_the_owner_at_any_moment_of_a_try(void **state)
{
	(void)state;
	ring_shared_at_each(ring_tried, owner_maps);
}

/* He is in the middle of taking one, and all of a theft comes. */
static void
a20_a_theft_at_any_moment_of_a_map(void **state)
{
	(void)state;
	ring_shared_at_each(owner_maps, rob);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a20_a_theft_at_any_moment_of_the_owner),
		cmocka_unit_test(a20_the_barrier_at_any_moment_of_the_owner),
		cmocka_unit_test(a20_the_owner_at_any_moment_of_a_theft),
		cmocka_unit_test(a20_a_put_over_the_tag),
		cmocka_unit_test(a20_nothing_stays_with_an_idle_owner),
		cmocka_unit_test(a20_idle_workers_keep_nothing),
		cmocka_unit_test(a20_a_long_ring_is_emptied),
		cmocka_unit_test(a20_a_stock_has_a_ceiling),
		cmocka_unit_test(nobody_is_robbed_without_need),
		cmocka_unit_test(a20_a_theft_at_any_moment_of_a_pair),
		cmocka_unit_test(a20_the_owner_at_any_moment_of_a_try),
		cmocka_unit_test(a20_a_theft_at_any_moment_of_a_map),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

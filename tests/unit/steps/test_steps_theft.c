/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What idle workers have in stock, taken step by step (iova.h, 1 to 7; ring.h, 12): wherever owner and
 * thief are, an IOVA has one owner, and none is lost.
 */
/* First: what is inline of the engine is run step by step here, too. */
#include "shim.h"

#include "engine/window/stock.h"
#include "steps.h"
#include "tests/unit/engine/rig.h"

#define PA     UINT64_C(0x300000000)
#define CHUNKS 2u
#define PAGES  (CHUNKS * IOVA_CHUNK_PAGES)

static struct rig r;
static uint32_t hand[PAGES], nb_hand; /* what the owner has taken out */
static uint32_t stock;                /* in his magazine at first */
static uint32_t robbed;               /* thefts that brought something */

static struct dom_lcore *
owner(void)
{
	return r.d->lc[0];
}

static void
rig(const char *policy)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = CHUNKS << 21,
						 .batch = 4, .ring = 16, .deadline_us = 10 };

	rig_up(&r, "mem=4", &conf);
	r.f->immediate = true;
	r.f->relax_ns = 1;
	r.f->on_relax = steps_relax;
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
}

/* ---- magazines --------------------------------------------------------------------------------- */

static void
owner_takes(void)
{
	if (iova_get(&r.d->iova, &owner()->mag[0], 0, &hand[nb_hand]) == 0)
		nb_hand++;
}

static void
owner_puts(void)
{
	iova_put(&r.d->iova, &owner()->mag[0], 0, hand[--nb_hand]);
}

static void
mag_up(void)
{
	iova_mag_flush(&r.d->iova, &owner()->mag[0], 0);
	nb_hand = 0;
	while (nb_hand < stock + 5)
		owner_takes();
	iova_mag_flush(&r.d->iova, &owner()->mag[0], 0);
	while (nb_hand > 5)
		owner_puts();
}

static uint8_t live[PAGES];

static void
see(uint32_t pfn)
{
	if (pfn >= PAGES || live[pfn]++ != 0)
		steps_failed("a page has two owners");
}

/* What is in the space, as far as it is of single pages, or whole. */
static void
see_space(void)
{
	uint32_t pfn[DEPOT_BATCH];

	while (depot_get(&r.d->iova.depot, 0, pfn))
		iova_space_put(&r.d->iova, 0, pfn, DEPOT_BATCH);
	for (uint32_t p = 0; p < PAGES; p++) {
		uint32_t c = p / IOVA_CHUNK_PAGES, i = p % IOVA_CHUNK_PAGES;

		if (bitset_test(&r.d->iova.uncut, c) || (r.d->iova.chunk[c].free[i / 64] >> i % 64 & 1) != 0)
			see(p);
	}
}

static void
see_mag(const struct iova_mag *m)
{
	for (uint32_t i = m->gone + 1; i <= m->n; i++)
		see(m->pfn[i] & ~IOVA_TAG);
}

static void
see_all(void)
{
	see_mag(&owner()->mag[0]);
	see_space();
	for (uint32_t p = 0; p < PAGES; p++)
		if (live[p] != 1)
			steps_failed("a page was lost, or is of two owners");
}

/* The owner goes on, and has what he had, or what there is. */
static void
mag_down(void)
{
	owner_puts();
	owner_takes();
	owner_takes();
	memset(live, 0, sizeof(live));
	for (uint32_t i = 0; i < nb_hand; i++)
		see(hand[i]);
	see_all();
	while (nb_hand != 0)
		owner_puts();
}

static void
thief(void)
{
	uint32_t gone = owner()->mag[0].gone;

	(void)stock_take(r.d, r.d->lc[1]);
	robbed += owner()->mag[0].gone != gone;
}

static void
takes_one(void)
{
	owner_takes();
}

static void
takes_and_puts(void)
{
	owner_takes();
	owner_puts();
	owner_puts();
	owner_takes();
	owner_takes();
}

static void
takes_all(void)
{
	for (unsigned int i = 0; i < 4; i++)
		owner_takes();
}

static void
puts_two(void)
{
	owner_puts();
	owner_puts();
}

static void
flushes(void)
{
	iova_mag_flush(&r.d->iova, &owner()->mag[0], 0);
}

static const struct {
	void (*run)(void);
	uint32_t stock;
} works[] = {
	{ takes_one, 1 }, { takes_one, 3 }, { takes_and_puts, 1 }, { takes_and_puts, 3 },
	{ takes_all, 2 }, { puts_two, 1 }, { puts_two, IOVA_MAG - 1 }, { flushes, 3 },
};

/* 3, 4: a take is published, and seen late. */
static void
a20_the_owner_stands_still(void **state)
{
	(void)state;
	rig("strict");
	robbed = 0;
	for (unsigned int i = 0; i < RTE_DIM(works); i++) {
		stock = works[i].stock;
		steps_explore(mag_up, (struct steps_fiber){ works[i].run, 0 },
			      (struct steps_fiber){ thief, 1 }, mag_down);
	}
	assert_true(robbed > 20);
	rig_down(&r);
}

/* 5 to 7: the owner comes in between, with all that he does or a part of it. */
static void
a20_the_thief_stands_still(void **state)
{
	(void)state;
	rig("strict");
	robbed = 0;
	for (unsigned int i = 0; i < RTE_DIM(works); i++) {
		stock = works[i].stock;
		if (stock < 64)
			steps_explore_twice(mag_up, (struct steps_fiber){ thief, 1 },
					    (struct steps_fiber){ works[i].run, 0 }, mag_down);
	}
	assert_true(robbed > 20);
	rig_down(&r);
}

/* 4: who took before the tag was there puts another in its place, and what says so is seen before what it
 * put. A take is three accesses: the number, loaded and published, and the entry. */
static void
takes_then_puts(void)
{
	owner_takes();
	/* Another one. */
	hand[nb_hand] = hand[nb_hand - 1];
	hand[nb_hand - 1] = hand[0];
	hand[0] = hand[nb_hand];
	owner_puts();
	owner_takes(); /* his stores are seen at his end at the latest */
}

static void
a20_what_was_put_is_seen_late(void **state)
{
	(void)state;
	rig("strict");
	stock = 3;
	steps_explore_unordered(mag_up, (struct steps_fiber){ thief, 1 },
				(struct steps_fiber){ takes_then_puts, 0 }, mag_down, 3, 3);
	rig_down(&r);
}

/* ---- rings ------------------------------------------------------------------------------------- */

#define ENTRIES 5u

static uint64_t iova[16];
static uint32_t nb_iova;

static void
maps_one(void)
{
	if (sluice_map(r.d, PA, 4096, SLUICE_RW, &iova[nb_iova]) == 0)
		nb_iova++;
	else
		steps_failed("no IOVA, and there are many");
}

static void
maps_three(void)
{
	for (unsigned int i = 0; i < 3; i++)
		maps_one();
}

static void
maps_a_burst(void)
{
	struct sluice_seg seg[3] = { { .pa = PA, .len = 4096, .prot = SLUICE_RW },
				     { .pa = PA, .len = 4096, .prot = SLUICE_RW },
				     { .pa = PA, .len = 4096, .prot = SLUICE_RW } };

	if (sluice_map_burst(r.d, seg, 3) != 3)
		steps_failed("no IOVAs, and there are many");
	for (unsigned int i = 0; i < 3; i++)
		iova[nb_iova++] = seg[i].iova;
}

static void
takes_back(void)
{
	(void)flush_ring_reclaim(r.d, owner());
}

/* Unmapped, released, known to be so, and not yet taken back. */
static void
ring_up(void)
{
	uint64_t cookie;

	while (flush_ring_reclaim(r.d, owner()) != 0)
		;
	iova_mag_flush(&r.d->iova, &owner()->mag[0], 0);
	for (nb_iova = 0; nb_iova < ENTRIES;)
		maps_one();
	while (nb_iova != 0)
		assert_int_equal(sluice_unmap(r.d, iova[--nb_iova], 4096), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(flush_ring_completed(&owner()->ring, &cookie, 1), 0);
	assert_int_equal(owner()->ring.released_seen - owner()->ring.reclaim, ENTRIES);
	/* Nothing but the ring is to be had from him. */
	iova_mag_flush(&r.d->iova, &owner()->mag[0], 0);
}

static void
ring_down(void)
{
	const struct flush_ring *f = &owner()->ring;

	memset(live, 0, sizeof(live));
	for (uint32_t i = 0; i < nb_iova; i++)
		see((uint32_t)((iova[i] - r.d->iova_base) >> 12));
	for (uint64_t at = f->reclaim; at != f->released; at++)
		if (flush_entry_pages(f->ent[at & f->mask] & ~FLUSH_TAG) != 0)
			see(flush_entry_pfn(f->ent[at & f->mask]));
	see_all();
	while (nb_iova != 0)
		assert_int_equal(sluice_unmap(r.d, iova[--nb_iova], 4096), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
}

static void
ring_thief(void)
{
	uint64_t before = owner()->ring.robbed;

	(void)stock_take(r.d, r.d->lc[1]);
	robbed += owner()->ring.robbed != before;
}

/* ring.h, 12. */
static void
a20_a_ring_is_robbed(void **state)
{
	static void (*const does[])(void) = { maps_one, maps_three, maps_a_burst, takes_back };
	const struct steps_fiber other = { ring_thief, 1 };

	(void)state;
	rig("deferred");
	robbed = 0;
	for (unsigned int i = 0; i < RTE_DIM(does); i++) {
		const struct steps_fiber own = { does[i], 0 };

		steps_explore(ring_up, own, other, ring_down);
		if (does[i] == maps_one || does[i] == takes_back)
			steps_explore_twice(ring_up, other, own, ring_down);
	}
	assert_true(robbed > 20);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a20_the_owner_stands_still),
		cmocka_unit_test(a20_the_thief_stands_still),
		cmocka_unit_test(a20_what_was_put_is_seen_late),
		cmocka_unit_test(a20_a_ring_is_robbed),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/strict.c: the IOVA is usable again only after its invalidation is complete; when that
 * fails it is never used again, and the caller hears of it (A2, A12).
 */
#include "rig.h"

#define PA UINT64_C(0x200000000)

static const struct sluice_domain_conf conf = { .policy = "strict", .iova_size = 2 << 20 };

/* What the relax hook looks at and does while an unmap waits. */
static struct {
	struct rig *r;
	unsigned int turns, complete_after;
	uint64_t iova;
	bool gone_while_waiting, free_while_waiting;
} w;

static bool
is_free(struct sluice_domain *d, uint64_t iova)
{
	uint32_t pfn = (uint32_t)((iova - d->iova_base) >> 12);
	const struct iova_mag *m = &d->lc[0]->mag[0];

	for (uint32_t i = 1; i <= m->n; i++)
		if (m->pfn[i] == pfn)
			return true;
	return false;
}

static void
on_relax(void *arg)
{
	uint64_t pa;

	(void)arg;
	w.turns++;
	w.gone_while_waiting = sluice_iova_to_pa(w.r->d, w.iova, &pa) == -ENOENT;
	w.free_while_waiting |= is_free(w.r->d, w.iova);
	if (w.turns == w.complete_after)
		fake_complete_all(w.r->f);
}

static void
up(struct rig *r, unsigned int complete_after)
{
	rig_up(r, "", &conf);
	r->f->immediate = false;
	r->f->on_relax = on_relax;
	memset(&w, 0, sizeof(w));
	w.r = r;
	w.complete_after = complete_after;
}

static void
returns_only_when_the_invalidation_is_complete(void **state)
{
	struct rig r;

	(void)state;
	up(&r, 500);
	w.iova = map_ok(r.d, PA + 5, 100);
	assert_int_equal(sluice_unmap(r.d, w.iova, 100), 0);
	assert_int_equal(w.turns, 500);
	assert_true(w.gone_while_waiting);   /* the table entry went first */
	assert_false(w.free_while_waiting);  /* the IOVA did not */
	assert_true(is_free(r.d, w.iova));   /* now it may be used again */
	assert_int_equal(r.f->submitted, 1);
	const struct fake_sub *s = fake_sub(r.f, 1);

	assert_int_equal(s->n, 1);
	assert_int_equal(s->inv[0].op, SLUICE_INV_RANGE);
	assert_int_equal(s->inv[0].flags, SLUICE_INV_LEAF);
	assert_int_equal(s->inv[0].tag, r.d->hw.tag);
	assert_int_equal(s->inv[0].pages, 1);
	assert_int_equal(s->inv[0].iova, w.iova & ~UINT64_C(4095));
	rig_down(&r);
}

static void
exactly_one_range_and_one_sync_for_an_unmap(void **state)
{
	static const size_t len[] = { 1, 4096, 5 * 4096 + 1, 2 << 20 };
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	for (unsigned int i = 0; i < RTE_DIM(len); i++) {
		uint64_t iova = map_ok(r.d, PA, len[i]);

		assert_int_equal(sluice_unmap(r.d, iova, len[i]), 0);
		assert_int_equal(r.f->submitted, i + 1);
		assert_true(fake_covered(r.f, i + 1, i + 1, r.d->hw.tag, iova, (len[i] + 4095) >> 12));
		assert_int_equal(fake_sub(r.f, i + 1)->inv[0].pages, (len[i] + 4095) >> 12);
	}
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.invs, RTE_DIM(len));
	assert_int_equal(st.syncs, RTE_DIM(len));
	assert_int_equal(st.queued, 0);
	assert_int_equal(st.pending, 0);
	rig_down(&r);
}

/* Run the window out of IOVAs: @p lost must never be among them. */
static void
never_again(struct rig *r, uint64_t lost, unsigned int nb_lost)
{
	uint64_t iova;
	unsigned int n = 0;

	r->f->immediate = true;
	r->f->refuse = 0;
	while (sluice_map(r->d, PA, 4096, SLUICE_RW, &iova) == 0) {
		assert_int_not_equal(iova, lost);
		n++;
		assert_true(n <= 512);
	}
	assert_int_equal(n, 512 - nb_lost);
}

static void
timeout_keeps_the_iova_for_ever(void **state)
{
	struct rig r;

	(void)state;
	up(&r, 0);
	w.iova = map_ok(r.d, PA, 4096);
	uint64_t t0 = r.f->now;

	assert_int_equal(sluice_unmap(r.d, w.iova, 4096), -ETIMEDOUT);
	assert_true(r.f->now - t0 >= FAKE_TIMEOUT && r.f->now - t0 < 3 * FAKE_TIMEOUT);
	assert_false(w.free_while_waiting);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.unmaps, 0);
	assert_int_equal(st.unmap_errors, 1);
	assert_int_equal(st.live, 1); /* that is what a device may still see */
	assert_int_equal(st.invs, 1); /* submitted, whatever became of it */
	assert_int_equal(st.syncs, 1);
	assert_int_equal(st.maps, st.unmaps + st.live);
	assert_int_equal(sluice_unmap(r.d, w.iova, 4096), -ENOENT);
	r.f->on_relax = NULL;
	never_again(&r, w.iova, 1);
	rig_down(&r);
}

static void
refused_command_keeps_the_iova_for_ever(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	uint64_t iova = map_ok(r.d, PA, 4096);

	r.f->bad_from = 1;
	r.f->bad_upto = 2;
	assert_int_equal(sluice_unmap(r.d, iova, 4096), -EIO);
	assert_int_equal(stats_of(r.d).unmap_errors, 1);
	assert_int_equal(stats_of(r.d).live, 1);
	assert_int_equal(stats_of(r.d).invs, r.f->submitted);
	assert_int_equal(stats_of(r.d).syncs, r.f->submitted);
	never_again(&r, iova, 1);
	rig_down(&r);
}

static void
dead_queue_keeps_the_iova_for_ever(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	uint64_t iova = map_ok(r.d, PA, 4096);

	r.f->refuse = 1;
	assert_int_equal(sluice_unmap(r.d, iova, 4096), -EIO);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(stats_of(r.d).unmap_errors, 1);
	assert_int_equal(stats_of(r.d).invs, 0);
	assert_int_equal(stats_of(r.d).syncs, 0);
	never_again(&r, iova, 1);
	rig_down(&r);
}

/* A SYNC of somebody later covers ours: done is a high-water mark. */
static void
a_later_completion_covers_an_earlier_one(void **state)
{
	struct rig r;

	(void)state;
	up(&r, 0);
	w.iova = map_ok(r.d, PA, 4096);
	r.f->submitted = 10;
	r.f->done = 11; /* of somebody else, ahead of ours */
	assert_int_equal(sluice_unmap(r.d, w.iova, 4096), 0);
	assert_int_equal(w.turns, 0);
	r.f->on_relax = NULL;
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(returns_only_when_the_invalidation_is_complete),
		cmocka_unit_test(exactly_one_range_and_one_sync_for_an_unmap),
		cmocka_unit_test(timeout_keeps_the_iova_for_ever),
		cmocka_unit_test(refused_command_keeps_the_iova_for_ever),
		cmocka_unit_test(dead_queue_keeps_the_iova_for_ever),
		cmocka_unit_test(a_later_completion_covers_an_earlier_one),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

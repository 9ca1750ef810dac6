/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ats.c, ats_list.c: devices that cache translations are told, after the IOMMU and before anything
 * is reclaimed (A2), of no more than was asked for (A16), and may come and go meanwhile (A11).
 */
#include "engine/inval/inval.h"
#include "ats_rig.h"

static void
refused_without_the_capability(void **state)
{
	const uint32_t s = 8;
	struct rig r;

	(void)state;
	rig_up(&r, "", &strict);
	dev[0] = sluice_device_add(r.iommu, &s, 1);
	nb_devs = 1;
	assert_int_equal(sluice_device_attach(dev[0], r.d), 0);
	assert_int_equal(sluice_device_ats(dev[0], true), -ENOTSUP);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	assert_int_equal(atc_invs(r.f, 0), 0);
	assert_false(sluice_device_quarantined(dev[0]));
	down(&r);
}

/* ---- A2 ------------------------------------------------------------------------------------- */

static struct {
	struct rig *r;
	unsigned int turns;
	uint64_t submitted_at[8]; /* what was submitted when so many were complete */
} w;

static void
complete_one_by_one(void *arg)
{
	uint64_t done = w.r->f->done;

	(void)arg;
	if (++w.turns % 50 != 0 || done == w.r->f->submitted)
		return;
	w.submitted_at[done] = w.r->f->submitted;
	fake_complete(w.r->f, 1);
}

/* The devices are told when the TLBI is complete, and the unmap returns when they have answered. */
static void
a2_atc_inv_after_tlbi_sync(void **state)
{
	uint64_t iova;
	struct rig r;

	(void)state;
	up(&r, &strict, 2);
	w.r = &r;
	w.turns = 0;
	r.f->immediate = false;
	r.f->on_relax = complete_one_by_one;
	iova = map_ok(r.d, PA, 1);
	assert_int_equal(sluice_unmap(r.d, iova, 1), 0);
	assert_int_equal(r.f->done, 2);
	assert_int_equal(w.submitted_at[0], 1);
	assert_int_equal(w.submitted_at[1], 2);
	assert_int_equal(fake_sub(r.f, 1)->n, 1);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].op, SLUICE_INV_RANGE);
	assert_int_equal(fake_sub(r.f, 2)->n, 2);
	assert_int_equal(told(r.f, 1, 2, 8, iova, 0), 1);
	assert_int_equal(told(r.f, 1, 2, 16, iova, 0), 1);
	/* The same for what is mapped at a fixed place. */
	assert_int_equal(sluice_map_fixed(r.d, 0x10000, PA, 0x4000, SLUICE_RW), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, 0x10000, 0x4000), 0);
	assert_int_equal(told(r.f, 3, 4, 8, 0x10000, 2), 1);
	down(&r);
}

/* A flush is released when the devices have answered, and polling never waits for that. */
static void
a2_flush_waits_for_devices(void **state)
{
	uint64_t iova[4];
	struct rig r;

	(void)state;
	up(&r, &deferred, 3);
	r.f->immediate = false;
	for (unsigned int i = 0; i < 4; i++)
		iova[i] = map_ok(r.d, PA, 1);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 1), 0);
	sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 1);
	for (unsigned int i = 0; i < 10; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 1);
	fake_complete(r.f, 1);
	for (unsigned int i = 0; i < 10; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(r.f->submitted, 2);
	assert_int_equal(stats_of(r.d).released, 0);
	fake_complete(r.f, 1);
	sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 4);
	assert_int_equal(stats_of(r.d).flush_errors, 0);
	for (uint32_t s = 8; s <= 24; s += 8)
		for (unsigned int i = 0; i < 4; i++) {
			unsigned int n = 0;

			/* Neighbours may have become one. */
			for (uint8_t k = 0; k <= 2; k++)
				n += told(r.f, 1, 2, s,
					  iova[i] & ~((UINT64_C(0x1000) << k) - 1), k);
			assert_int_not_equal(n, 0);
		}
	down(&r);
}

/* ---- A16 ------------------------------------------------------------------------------------ */

/* Every page exactly once, nothing else; each piece aligned to its size. */
static void
check_pieces(const struct fake *f, uint64_t from, uint32_t stream, uint64_t iova, uint64_t pages)
{
	uint64_t sum = 0, at = iova;

	for (uint64_t seq = from + 1; seq <= f->submitted; seq++)
		for (unsigned int i = 0; i < fake_sub(f, seq)->n; i++) {
			const struct sluice_inv *v = &fake_sub(f, seq)->inv[i];
			uint64_t size = UINT64_C(4096) << v->flags;

			if (v->op != SLUICE_INV_ATC || v->stream != stream)
				continue;
			assert_int_equal(v->iova % size, 0);
			assert_int_equal(v->iova, at);
			at += size;
			sum += size;
		}
	assert_int_equal(sum, pages << 12);
}

static void
a16_atc_ranges_are_split(void **state)
{
	struct sluice_inv inv = { .op = SLUICE_INV_RANGE, .iova = 0x3000, .pages = 13 };
	uint64_t seed = 16, from;
	struct rig r;

	(void)state;
	up(&r, &strict, 1);
	/* 3, 4-7, 8-15: not 0-15. */
	assert_int_equal(ats_inv_sync(r.d, &inv, 1), 0);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(fake_sub(r.f, 1)->n, 3);
	assert_int_equal(told(r.f, 0, 1, 8, 0x3000, 0), 1);
	assert_int_equal(told(r.f, 0, 1, 8, 0x4000, 2), 1);
	assert_int_equal(told(r.f, 0, 1, 8, 0x8000, 3), 1);
	for (unsigned int i = 0; i < 2000; i++) {
		unsigned int bits = 1 + (unsigned int)(rnd(&seed) % 31);

		inv.pages = (uint32_t)(1 + rnd(&seed) % (UINT64_C(1) << bits));
		inv.iova = rnd(&seed) % (UINT64_C(1) << 40) << 12;
		if (i == 0)
			inv.iova = 0;
		from = r.f->submitted;
		assert_int_equal(ats_inv_sync(r.d, &inv, 1), 0);
		check_pieces(r.f, from, 8, inv.iova, inv.pages);
	}
	down(&r);
}

/* Of more pieces than 4 x range_max, or of a whole domain, everything; the limit can be moved. */
static void
a16_ranges_or_everything(void **state)
{
	struct sluice_domain_conf conf = strict;
	struct sluice_inv inv[SLUICE_INV_BURST];
	struct rig r;

	(void)state;
	conf.range_max = 8;
	up(&r, &conf, 3);
	for (unsigned int i = 0; i < SLUICE_INV_BURST; i++)
		inv[i] = (struct sluice_inv){ .op = SLUICE_INV_RANGE, .pages = 1,
					      .iova = 0x2000 * i };
	/* 32 for each of 3 devices do not fit into one submission. */
	assert_int_equal(ats_inv_sync(r.d, inv, 32), 0);
	assert_int_equal(r.f->submitted, 2);
	assert_int_equal(fake_sub(r.f, 1)->n, SLUICE_ATC_BURST);
	assert_int_equal(fake_sub(r.f, 2)->n, 96 - SLUICE_ATC_BURST);
	for (unsigned int i = 0; i < 32; i++)
		for (uint32_t s = 8; s <= 24; s += 8)
			assert_int_equal(told(r.f, 0, 2, s, 0x2000 * i, 0), 1);
	assert_int_equal(ats_inv_sync(r.d, inv, 33), 0);
	assert_int_equal(r.f->submitted, 3);
	assert_int_equal(fake_sub(r.f, 3)->n, 3);
	for (uint32_t s = 8; s <= 24; s += 8)
		assert_int_equal(told(r.f, 2, 3, s, 0, SLUICE_ATC_ALL), 1);
	inv[0] = (struct sluice_inv){ .op = SLUICE_INV_DOMAIN, .tag = r.d->hw.tag };
	assert_int_equal(ats_inv_sync(r.d, inv, 1), 0);
	assert_int_equal(fake_sub(r.f, 4)->n, 3);
	assert_int_equal(told(r.f, 3, 4, 16, 0, SLUICE_ATC_ALL), 1);
	down(&r);
}

/* ---- on and off ----------------------------------------------------------------------------- */

static struct {
	struct sluice_domain *d;
	unsigned int on, off;
} listed;

static void
check_listed(struct fake *f, enum fake_op op, uint32_t id)
{
	(void)f;
	if (op != FAKE_ATS_ON && op != FAKE_ATS_OFF)
		return;
	listed.on += op == FAKE_ATS_ON;
	listed.off += op == FAKE_ATS_OFF;
	assert_true(in_list(listed.d, id));
}

/* In the list before it is on, until it is off; off before the address space changes. */
static void
order_of_things(void **state)
{
	const uint32_t s[2] = { 40, 41 };
	static const enum fake_op want[] = {
		FAKE_PAGING, FAKE_PAGING,                   /* attached */
		FAKE_ATS_ON, FAKE_ATS_ON,                   /* wanted */
		FAKE_ATS_OFF, FAKE_ATS_OFF, FAKE_PAGING, FAKE_PAGING, FAKE_ATS_ON, FAKE_ATS_ON,
		FAKE_ATS_OFF, FAKE_ATS_OFF, FAKE_BLOCKED, FAKE_BLOCKED, /* detached */
		FAKE_PAGING, FAKE_PAGING, FAKE_ATS_ON, FAKE_ATS_ON,     /* still wanted */
		FAKE_ATS_OFF, FAKE_ATS_OFF,                 /* not any more */
		FAKE_BLOCKED, FAKE_BLOCKED,                 /* removed */
	};
	struct sluice_domain *other;
	struct sluice_device *one;
	struct rig r;

	(void)state;
	up(&r, &strict, 0);
	other = sluice_domain_create(r.iommu, &strict);
	assert_non_null(other);
	one = sluice_device_add(r.iommu, s, 2);
	r.f->nb_calls = 0;
	memset(&listed, 0, sizeof(listed));
	r.f->on_call = check_listed;
	listed.d = r.d;
	assert_int_equal(sluice_device_attach(one, r.d), 0);
	assert_false(in_list(r.d, 40));
	assert_int_equal(sluice_device_ats(one, true), 0);
	assert_int_equal(sluice_device_ats(one, true), 0);
	r.f->on_call = NULL;
	assert_int_equal(sluice_device_attach(one, other), 0);
	assert_null(r.d->ats_list);
	assert_true(in_list(other, 40) && in_list(other, 41));
	assert_int_equal(sluice_device_detach(one), 0);
	assert_null(other->ats_list);
	r.f->on_call = check_listed;
	assert_int_equal(sluice_device_attach(one, r.d), 0);
	assert_int_equal(sluice_device_ats(one, false), 0);
	assert_null(r.d->ats_list);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	assert_int_equal(atc_invs(r.f, 0), 0);
	r.f->on_call = NULL;
	assert_int_equal(sluice_device_remove(one), 0);
	assert_int_equal(r.f->nb_calls, RTE_DIM(want));
	for (unsigned int i = 0; i < RTE_DIM(want); i++)
		assert_int_equal(r.f->call[i].op, want[i]);
	assert_int_equal(listed.on, 4);
	assert_int_equal(listed.off, 2);
	assert_int_equal(sluice_domain_destroy(other), 0);
	down(&r);
}

/* On fails at the Nth stream: off again, and said so. */
static void
on_fails(void **state)
{
	const uint32_t s[3] = { 40, 41, 42 };
	struct sluice_device *one;
	struct rig r;

	(void)state;
	up(&r, &strict, 0);
	one = sluice_device_add(r.iommu, s, 3);
	assert_int_equal(sluice_device_attach(one, r.d), 0);
	for (unsigned int n = 1; n <= 3; n++) {
		r.f->fail_at = n;
		r.f->fail_err = EIO;
		assert_int_equal(sluice_device_ats(one, true), -EIO);
		assert_null(r.d->ats_list);
		assert_false(sluice_device_quarantined(one));
	}
	/* No answer while it is turned on: quarantine. */
	r.f->fail_at = 2;
	r.f->fail_err = EREMOTEIO;
	assert_int_equal(sluice_device_ats(one, true), -EREMOTEIO);
	assert_true(sluice_device_quarantined(one));
	assert_null(r.d->ats_list);
	assert_true(was_blocked(r.f, 40) && was_blocked(r.f, 41) && was_blocked(r.f, 42));
	assert_int_equal(sluice_device_remove(one), 0);
	down(&r);
}

/* ---- A11 ------------------------------------------------------------------------------------ */

static void
four_unmaps(struct rig *r)
{
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(sluice_unmap(r->d, map_ok(r->d, PA, 1), 1), 0);
}

/* Devices that come and go while a flush waits for devices: it is told to those who are there. */
static void
a11_list_changes_under_a_flush(void **state)
{
	struct rig r;
	uint64_t from;

	(void)state;
	up(&r, &deferred, 2);
	r.f->immediate = false;
	four_unmaps(&r);
	sluice_engine_poll(r.e);
	fake_complete_all(r.f);
	sluice_engine_poll(r.e); /* two devices are asked */
	from = r.f->submitted;
	join(&r, 100, 1);
	fake_complete_all(r.f);
	sluice_engine_poll(r.e); /* and all three anew */
	assert_int_equal(r.f->submitted, from + 1);
	assert_int_equal(stats_of(r.d).released, 0);
	assert_int_not_equal(atc_invs(r.f, from), 0);
	assert_int_equal(sluice_device_remove(dev[0]), 0);
	dev[0] = dev[--nb_devs];
	fake_complete_all(r.f);
	sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 0);
	/* All gone: nobody is left to be asked. */
	while (nb_devs != 0)
		assert_int_equal(sluice_device_remove(dev[--nb_devs]), 0);
	sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 4);
	/* What was left half done is not taken up by the next flush. */
	join(&r, 200, 1);
	for (unsigned int i = 0; i < 8; i++)
		map_ok(r.d, PA, 1); /* other addresses */
	four_unmaps(&r);
	from = r.f->submitted;
	sluice_engine_poll(r.e);
	fake_complete_all(r.f);
	sluice_engine_poll(r.e);
	fake_complete_all(r.f);
	sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 8);
	uint64_t lo = UINT64_MAX, hi = 0;

	for (unsigned int i = 0; i < fake_sub(r.f, from + 1)->n; i++) {
		const struct sluice_inv *v = &fake_sub(r.f, from + 1)->inv[i];

		lo = RTE_MIN(lo, v->iova);
		hi = RTE_MAX(hi, v->iova + ((uint64_t)v->pages << 12));
	}
	for (unsigned int i = 0; i < fake_sub(r.f, from + 2)->n; i++) {
		const struct sluice_inv *v = &fake_sub(r.f, from + 2)->inv[i];

		assert_in_range(v->iova, lo, hi - 1);
	}
	assert_int_equal(atc_invs(r.f, from), fake_sub(r.f, from + 2)->n);
	down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refused_without_the_capability),
		cmocka_unit_test(a2_atc_inv_after_tlbi_sync),
		cmocka_unit_test(a2_flush_waits_for_devices),
		cmocka_unit_test(a16_atc_ranges_are_split),
		cmocka_unit_test(a16_ranges_or_everything),
		cmocka_unit_test(order_of_things), cmocka_unit_test(on_fails),
		cmocka_unit_test(a11_list_changes_under_a_flush),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

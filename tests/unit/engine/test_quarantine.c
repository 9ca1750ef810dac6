/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ats.c and quarantine.c: a device that does not answer is found and blocked, and the others go on
 * (A12); what cannot be contained is not reclaimed.
 */
#include "ats_rig.h"

static struct {
	struct rig *r;
	unsigned int turns;
	uint64_t upto;
} w;

static void
complete_some(void *arg)
{
	(void)arg;
	if (++w.turns > 20 && w.r->f->done < w.upto)
		fake_complete(w.r->f, w.upto - w.r->f->done);
}

static struct sluice_fault news[64];
static unsigned int nb_news;

static void
on_fault(const struct sluice_fault *f, unsigned int n, void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < n; i++)
		news[nb_news++] = f[i];
}

/* Each one of 1 … 20 devices in turn: it is found, by few questions, and nobody else suffers. */
static void
a12_atc_timeout_bisects_and_quarantines(void **state)
{
	(void)state;
	for (unsigned int n = 1; n <= 20; n++)
		for (unsigned int bad = 0; bad < n; bad++) {
			struct sluice_engine_stats st;
			unsigned int log2 = 0;
			uint64_t iova, before;
			struct rig r;

			up(&r, &strict, n);
			nb_news = 0;
			sluice_engine_set_fault_cb(r.e, on_fault, NULL);
			r.f->dead[0] = (bad + 1) * 8;
			r.f->nb_dead = 1;
			iova = map_ok(r.d, PA, 1);
			assert_int_equal(sluice_unmap(r.d, iova, 1), 0);
			for (unsigned int i = 0; i < n; i++) {
				uint32_t s = (i + 1) * 8;

				assert_int_equal(sluice_device_quarantined(dev[i]), i == bad);
				assert_int_equal(was_blocked(r.f, s), i == bad);
				/* Told in a submission that did not time out. */
				for (uint64_t q = 1; i != bad && q <= r.f->submitted; q++)
					if (!r.f->lost[q] && (told(r.f, q - 1, q, s, iova, 0) ||
							      told(r.f, q - 1, q, s, 0,
								   SLUICE_ATC_ALL)))
						goto told_in_the_end;
				assert_int_equal(i, bad);
told_in_the_end:;
			}
			while (1u << log2 < n)
				log2++;
			assert_true(r.f->submitted <= 2 + 2 * log2);
			/* From now on it is not even asked. */
			before = r.f->submitted;
			assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
			assert_int_equal(r.f->submitted, before + 1 + (n > 1));
			assert_int_equal(atc_invs(r.f, before), n - 1);
			for (unsigned int i = 0; i < 16; i++)
				sluice_engine_poll(r.e);
			sluice_engine_get_stats(r.e, &st);
			assert_int_equal(st.quarantined, 1);
			assert_int_equal(nb_news, 1);
			assert_int_equal(news[0].stream, (bad + 1) * 8);
			assert_int_equal(news[0].flags, SLUICE_FAULT_QUARANTINED);
			assert_int_equal(st.fault_received, 1);
			assert_int_equal(st.faults[SLUICE_FAULT_OTHER], 1);
			down(&r);
		}
}

/* Several at once, some with many streams of which only one is dead. */
static void
a12_several_and_with_streams(void **state)
{
	struct rig r;

	(void)state;
	up(&r, &strict, 5);
	join(&r, 100, 8); /* 5 */
	join(&r, 200, 8);
	join(&r, 300, 8); /* 7 */
	join(&r, 400, 3);
	r.f->nb_calls = 0;
	r.f->dead[0] = 103;
	r.f->dead[1] = 16;
	r.f->dead[2] = 307;
	r.f->dead[3] = 402;
	r.f->nb_dead = 4;
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	for (unsigned int i = 0; i < nb_devs; i++)
		assert_int_equal(sluice_device_quarantined(dev[i]),
				 i == 1 || i == 5 || i == 7 || i == 8);
	for (uint32_t s = 100; s < 108; s++)
		assert_true(was_blocked(r.f, s));
	assert_false(was_blocked(r.f, 200));
	/* All of them: then there is nobody to be told. */
	for (unsigned int i = 0; i < 5; i++)
		r.f->dead[i] = (i + 1) * 8;
	r.f->dead[5] = 200;
	r.f->nb_dead = 6;
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	for (unsigned int i = 0; i < nb_devs; i++)
		assert_true(sluice_device_quarantined(dev[i]));
	assert_int_equal(stats_of(r.d).unmaps, 2);
	assert_int_equal(stats_of(r.d).unmap_errors, 0);
	down(&r);
}

/* A flush meets one: it is released in the end, and each poll takes a step and does not wait. */
static void
a12_flush_goes_on_for_the_others(void **state)
{
	struct rig r;

	(void)state;
	up(&r, &deferred, 7);
	r.f->immediate = false;
	r.f->dead[0] = 5 * 8;
	r.f->nb_dead = 1;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	for (unsigned int i = 0; stats_of(r.d).released == 0; i++) {
		uint64_t now = r.f->now, submitted = r.f->submitted;

		assert_true(i < 100);
		sluice_engine_poll(r.e);
		assert_int_equal(r.f->now, now); /* nobody waited: the clock stands still */
		assert_true(r.f->submitted <= submitted + 1);
		fake_complete_all(r.f);
	}
	assert_true(sluice_device_quarantined(dev[4]));
	assert_int_equal(stats_of(r.d).released, 4);
	for (unsigned int i = 0; i < 7; i++)
		assert_int_equal(sluice_device_quarantined(dev[i]), i == 4);
	assert_int_equal(stats_of(r.d).flush_errors, 0);
	/* And the next one is as quick as ever. */
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	r.f->immediate = true;
	for (unsigned int i = 0; i < 4; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 8);
	down(&r);
}

/* One that cannot be blocked, and a SYNC that is lost: the caller hears of it, the IOVA is lost. */
static void
a12_what_is_not_contained_is_not_reclaimed(void **state)
{
	uint64_t iova, again;
	struct rig r;

	(void)state;
	up(&r, &strict, 3);
	r.f->dead[0] = 16;
	r.f->nb_dead = 1;
	r.f->fail_at = 1;
	r.f->fail_err = ETIMEDOUT;
	iova = map_ok(r.d, PA, 1);
	assert_int_equal(sluice_unmap(r.d, iova, 1), -ETIMEDOUT);
	assert_false(sluice_device_quarantined(dev[1]));
	assert_int_equal(stats_of(r.d).unmap_errors, 1);
	/* The next one that meets it tries again. */
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	assert_true(sluice_device_quarantined(dev[1]));
	r.f->nb_dead = 0;
	again = map_ok(r.d, PA, 1);
	r.f->immediate = false;
	fake_complete_all(r.f);
	w.r = &r;
	w.turns = 0;
	w.upto = r.f->submitted + 1; /* the TLBI's SYNC is complete, the devices' never */
	r.f->on_relax = complete_some;
	assert_int_equal(sluice_unmap(r.d, again, 1), -ETIMEDOUT);
	assert_int_equal(r.f->submitted, w.upto + 1);
	assert_int_equal(r.f->done, w.upto);
	r.f->on_relax = NULL;
	/* Neither comes back. */
	r.f->immediate = true;
	for (unsigned int i = 0; i < 510; i++) {
		uint64_t got = map_ok(r.d, PA, 1);

		assert_int_not_equal(got, iova);
		assert_int_not_equal(got, again);
	}
	down(&r);
}

/* A flush whose devices' SYNC is lost is counted once, releases nothing, and does when it comes. */
static void
a12_lost_sync_releases_nothing(void **state)
{
	struct rig r;

	(void)state;
	up(&r, &deferred, 2);
	r.f->immediate = false;
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	sluice_engine_poll(r.e);
	fake_complete_all(r.f);
	for (unsigned int i = 0; i < 50; i++) {
		sluice_engine_poll(r.e);
		fake_tick(r.f, FAKE_TIMEOUT / 10);
	}
	assert_int_equal(r.f->submitted, 2);
	assert_int_equal(stats_of(r.d).released, 0);
	assert_int_equal(stats_of(r.d).flush_errors, 1);
	fake_complete_all(r.f);
	sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 4);
	/* One that the queue turns down is begun anew. */
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	sluice_engine_poll(r.e);
	fake_complete_all(r.f);
	r.f->refuse = 3;
	for (unsigned int i = 0; i < 3; i++)
		sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 4);
	assert_int_equal(stats_of(r.d).flush_errors, 4);
	sluice_engine_poll(r.e);
	fake_complete_all(r.f);
	sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).released, 8);
	down(&r);
}

/* In quarantine it stays blocked, whoever asks; removed and added again it is a new one. */
static void
quarantine_lasts(void **state)
{
	const uint32_t s = 8;
	struct rig r;

	(void)state;
	up(&r, &strict, 2);
	r.f->dead[0] = 8;
	r.f->nb_dead = 1;
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	assert_true(sluice_device_quarantined(dev[0]));
	assert_int_equal(sluice_device_attach(dev[0], r.d), -EPERM);
	assert_int_equal(sluice_device_ats(dev[0], true), -EPERM);
	assert_int_equal(sluice_device_detach(dev[0]), 0);
	assert_int_equal(sluice_device_attach(dev[0], r.d), -EPERM);
	assert_true(was_blocked(r.f, 8));
	assert_int_equal(sluice_device_remove(dev[0]), 0);
	r.f->nb_dead = 0;
	dev[0] = sluice_device_add(r.iommu, &s, 1);
	assert_int_equal(sluice_device_attach(dev[0], r.d), 0);
	assert_int_equal(sluice_device_ats(dev[0], true), 0);
	assert_false(sluice_device_quarantined(dev[0]));
	/* No answer when ATS is turned off, on the way to another address space. */
	r.f->fail_at = 1;
	r.f->fail_err = EREMOTEIO;
	assert_int_equal(sluice_device_attach(dev[1], r.d), -EREMOTEIO);
	assert_true(sluice_device_quarantined(dev[1]));
	assert_true(was_blocked(r.f, 16));
	assert_false(in_list(r.d, 16));
	down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a12_atc_timeout_bisects_and_quarantines),
		cmocka_unit_test(a12_several_and_with_streams),
		cmocka_unit_test(a12_flush_goes_on_for_the_others),
		cmocka_unit_test(a12_what_is_not_contained_is_not_reclaimed),
		cmocka_unit_test(a12_lost_sync_releases_nothing),
		cmocka_unit_test(quarantine_lasts),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

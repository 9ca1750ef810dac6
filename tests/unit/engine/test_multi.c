/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * multi.c (A15): a domain behind several IOMMUs, in strict and in flushes; and flushes that complete
 * out of order, which several instances make possible (A3).
 */
#include <sluice/device.h>

#include "engine/flush/flush.h"
#include "rig.h"

#define PA UINT64_C(0x300000000)
#define N  3u /* instances */

static struct rig r;
static struct fake *f[N];

static void
up_format(const char *policy, const char *format)
{
	const struct sluice_domain_conf conf = { .policy = policy, .format = format,
						 .iova_size = 4 << 20, .batch = 8, .ring = 64, .deadline_us = 100000 };

	rig_up(&r, "formats=0x9", &conf); /* stage 1 and stage 2, 4 KiB */
	f[0] = r.f;
	for (unsigned int i = 1; i < N; i++) {
		f[i] = fake_open("mate=1,formats=0x9");
		f[i]->next_tag = (uint16_t)(100 * i); /* tags of its own */
		assert_int_equal(sluice_engine_add_iommu(r.e, f[i]->iommu), 0);
		assert_int_equal(sluice_domain_add_iommu(r.d, f[i]->iommu), 0);
	}
}

static void
up(const char *policy)
{
	up_format(policy, NULL);
}

static void
down(void)
{
	for (unsigned int i = 0; i < N; i++) {
		f[i]->immediate = true;
		f[i]->refuse = 0;
		f[i]->bad_upto = 0;
		f[i]->on_relax = NULL;
	}
	sluice_engine_release(r.e);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	r.d = NULL;
	for (unsigned int i = 1; i < N; i++) {
		assert_int_equal(f[i]->hwdoms, 0);
		assert_int_equal(sluice_engine_del_iommu(r.e, f[i]->iommu), 0);
		fake_close(f[i]);
	}
	rig_down(&r);
}

static uint16_t
tag_of(unsigned int i)
{
	return i == 0 ? r.d->hw.tag : (uint16_t)(100 * i);
}

static void
wait_by_hand(void)
{
	for (unsigned int i = 0; i < N; i++)
		f[i]->immediate = false;
}

/* ---- strict ---------------------------------------------------------------------------------- */

static unsigned int looks;

/* Called by whoever waits, for whichever instance: all of them have been told by then. */
static void
all_were_told(void *arg)
{
	uint64_t told = f[0]->submitted;

	(void)arg;
	for (unsigned int i = 0; i < N; i++)
		assert_int_equal(f[i]->submitted, told);
	/* They complete one by one, the first one first: nobody is done before the last. */
	looks++;
	for (unsigned int i = 0; i < N; i++)
		if (looks == 10 * (i + 1))
			fake_complete_all(f[i]);
}

static void
a15_issue_to_all_then_wait_for_all(void **state)
{
	static const char *const waits[] = { "strict", "strict-batched", "contiguous" };

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(waits); p++) {
		up(waits[p]);
		wait_by_hand();
		for (unsigned int i = 0; i < N; i++)
			f[i]->on_relax = all_were_told;
		for (unsigned int burst = 0; burst < 2; burst++) {
			struct sluice_seg seg = { .len = 8192 };

			seg.iova = map_ok(r.d, PA, 8192);
			looks = 0;
			if (burst)
				assert_int_equal(sluice_unmap_burst(r.d, &seg, 1), 1);
			else
				assert_int_equal(sluice_unmap(r.d, seg.iova, 8192), 0);
			assert_int_equal(looks, 10 * N);
			for (unsigned int i = 0; i < N; i++)
				assert_true(fake_covered(f[i], f[i]->done, f[i]->done, tag_of(i),
							 seg.iova, 2));
		}
		assert_int_equal(stats_of(r.d).live, 0);
		down();
	}
}

static void
a15_one_that_fails_is_told(void **state)
{
	uint64_t iova, other;

	(void)state;
	up("strict");
	for (unsigned int i = 0; i < N; i++) {
		iova = map_ok(r.d, PA, 4096);
		f[i]->bad_from = f[i]->submitted + 1;
		f[i]->bad_upto = f[i]->bad_from + 1;
		assert_int_equal(sluice_unmap(r.d, iova, 4096), -EIO);
		assert_true(f[0]->submitted == f[1]->submitted && f[1]->submitted == f[2]->submitted);
		other = map_ok(r.d, PA, 4096);
		assert_int_not_equal(other, iova); /* never again */
		f[i]->refuse = 1;
		assert_int_equal(sluice_unmap(r.d, other, 4096), -EIO);
		f[i]->submitted++; /* in step again */
		f[i]->immediate = false;
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), -ETIMEDOUT);
		f[i]->immediate = true;
	}
	assert_int_equal(stats_of(r.d).unmap_errors, 3 * N);
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	down();
}

/* ---- flushes --------------------------------------------------------------------------------- */

static uint64_t
released(void)
{
	sluice_engine_poll(r.e);
	return stats_of(r.d).released;
}

static void
a15_a_flush_is_complete_when_it_is_everywhere(void **state)
{
	static const char *const defers[] = { "deferred", "strict-async", "deferred-single" };

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(defers); p++) {
		up(defers[p]);
		wait_by_hand();
		uint64_t iova = map_ok(r.d, PA, 4096);

		(void)sluice_unmap_async(r.d, iova, 4096, 1);
		atomic_fetch_add(&r.d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN));
		for (unsigned int i = 0; i < 3; i++) {
			fake_tick(f[0], 100000);
			sluice_engine_poll(r.e);
		}
		for (unsigned int i = 0; i < N; i++) {
			assert_int_equal(f[i]->submitted, 1);
			assert_true(fake_covered(f[i], 1, 1, tag_of(i), iova, 1));
		}
		/* In any order; the last one counts. */
		for (unsigned int i = 0; i < N; i++) {
			assert_int_equal(released(), 0);
			fake_complete_all(f[(i + p) % N]);
		}
		fake_tick(f[0], 100000);
		assert_int_equal(released(), 1);
		atomic_fetch_sub(&r.d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN));
		down();
	}
}

/* Three flushes overlap. One instance is through with the third while another is at the first. */
static void
a3_flushes_complete_out_of_order(void **state)
{
	(void)state;
	up("deferred");
	wait_by_hand();
	for (unsigned int i = 0; i < 3; i++) {
		map_unmap(r.d, 8);
		sluice_engine_poll(r.e);
		assert_int_equal(f[0]->submitted, i + 1);
	}
	map_unmap(r.d, 3); /* after the third started */
	assert_int_equal(released(), 0);
	fake_complete(f[2], 3);
	fake_complete(f[0], 1);
	assert_int_equal(released(), 0);
	fake_complete(f[0], 1);
	fake_complete(f[1], 1);
	assert_int_equal(released(), 8);
	fake_complete(f[1], 2);
	assert_int_equal(released(), 16);
	fake_complete(f[0], 1);
	assert_int_equal(released(), 24);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(released(), 24);
	down();
}

/* Any interleaving: what is released was, by then, complete everywhere. */
static void
a3_random_orders_against_a_model(void **state)
{
	uint64_t end[4096], nb = 0, queued = 0, seed = 3;

	(void)state;
	up("deferred");
	wait_by_hand();
	for (unsigned int step = 0; step < 20000 && nb < 4000; step++) {
		unsigned int i = (unsigned int)(rnd(&seed) % N);
		uint64_t before = f[0]->submitted, done = UINT64_MAX;

		switch (rnd(&seed) % 4) {
		case 0:
			if (queued - stats_of(r.d).released < 60) {
				map_unmap(r.d, 1);
				queued++;
			}
			break;
		case 1:
			if (f[i]->done < f[i]->submitted)
				fake_complete(f[i], 1);
			break;
		default:
			sluice_engine_poll(r.e);
			if (f[0]->submitted != before)
				end[++nb] = queued;
		}
		for (unsigned int k = 0; k < N; k++)
			done = RTE_MIN(done, f[k]->done);
		assert_true(stats_of(r.d).released <= (done == 0 ? 0 : end[done]));
	}
	assert_true(nb > 100);
	down();
}

static void
a12_one_instance_refuses(void **state)
{
	(void)state;
	up("deferred");
	wait_by_hand();
	for (unsigned int i = 1; i < N; i++) {
		uint64_t was = stats_of(r.d).released;

		f[i]->bad_from = f[i]->submitted + 1;
		f[i]->bad_upto = f[i]->bad_from + 1;
		map_unmap(r.d, 8);
		sluice_engine_poll(r.e);
		for (unsigned int k = 0; k < N; k++)
			fake_complete_all(f[k]);
		assert_int_equal(released(), was);
		/* Begun again there, and only there. */
		assert_int_equal(f[i]->submitted, f[0]->submitted + 1);
		assert_int_equal(fake_sub(f[i], f[i]->submitted)->inv[0].op, SLUICE_INV_DOMAIN);
		assert_int_equal(fake_sub(f[i], f[i]->submitted)->inv[0].tag, tag_of(i));
		assert_int_equal(released(), was);
		fake_complete_all(f[i]);
		assert_int_equal(released(), was + 8);
		assert_int_equal(stats_of(r.d).flush_errors, 2 * i - 1);
		/* Not even taken, at first. */
		f[i]->refuse = 2;
		map_unmap(r.d, 8);
		sluice_engine_poll(r.e);
		fake_complete_all(f[0]);
		fake_complete_all(f[N - i]);
		assert_int_equal(released(), was + 8);
		f[i]->refuse = 0;
		assert_int_equal(released(), was + 8);
		fake_complete_all(f[i]);
		assert_int_equal(released(), was + 16);
		f[0]->submitted = f[0]->done = RTE_MAX(f[1]->submitted, f[2]->submitted);
		f[1]->submitted = f[1]->done = f[2]->submitted = f[2]->done = f[0]->submitted;
		r.d->flush.errors = 2 * i;
	}
	down();
}

/* What is begun again says its format: hardware caches stage 2 elsewhere. Without: stage 1. */
static void
a12_begun_again_in_its_format(void **state)
{
	(void)state;
	up_format("deferred", "lpae-s2-4k");
	wait_by_hand();
	/* One has no room, another one refuses. */
	f[1]->full = 1;
	f[2]->bad_from = f[2]->submitted + 1;
	f[2]->bad_upto = f[2]->bad_from + 1;
	map_unmap(r.d, 8);
	for (unsigned int turn = 0; released() != 8; turn++) {
		assert_true(turn < 10);
		for (unsigned int k = 0; k < N; k++)
			fake_complete_all(f[k]);
	}
	for (unsigned int i = 1; i < N; i++) {
		const struct sluice_inv *inv = &fake_sub(f[i], f[i]->submitted)->inv[0];

		assert_int_equal(inv->op, SLUICE_INV_DOMAIN);
		assert_int_equal(inv->tag, tag_of(i));
		assert_int_equal(sluice_inv_format(inv->flags), SLUICE_FORMAT_LPAE_S2_4K);
	}
	down();
}

/* ---- control --------------------------------------------------------------------------------- */

static void
what_cannot_be_shared(void **state)
{
	const struct sluice_domain_conf id = { .type = SLUICE_DOMAIN_IDENTITY };
	struct fake *g;
	struct sluice_domain *d;

	(void)state;
	up("deferred");
	assert_int_equal(sluice_domain_add_iommu(r.d, f[0]->iommu), -EEXIST);
	assert_int_equal(sluice_domain_add_iommu(r.d, f[1]->iommu), -EEXIST);
	d = sluice_domain_create(r.iommu, &id);
	assert_int_equal(sluice_domain_add_iommu(d, f[1]->iommu), -EINVAL);
	assert_int_equal(sluice_domain_destroy(d), 0);
	g = fake_open("mate=1");
	assert_int_equal(sluice_domain_add_iommu(r.d, g->iommu), -EINVAL); /* no engine */
	fake_close(g);
	g = fake_open("mate=1,oas=40");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	assert_int_equal(sluice_domain_add_iommu(r.d, g->iommu), -EINVAL);
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0);
	fake_close(g);
	/* One page table: every IOMMU must walk its format. */
	g = fake_open("mate=1,formats=0x2");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	assert_int_equal(sluice_domain_add_iommu(r.d, g->iommu), -ENOTSUP);
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0);
	fake_close(g);
	/* And have every block that may be in it: here there are pages alone. */
	g = fake_open("mate=1,pages=0x1000");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	assert_int_equal(sluice_domain_add_iommu(r.d, g->iommu), -ENOTSUP);
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0);
	fake_close(g);
	g = fake_open("mate=1,caps=0x10");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	assert_int_equal(sluice_domain_add_iommu(r.d, g->iommu), -ENOTSUP);
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0);
	fake_close(g);
	g = fake_open("mate=1");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	g->fail_at = 1;
	assert_int_equal(sluice_domain_add_iommu(r.d, g->iommu), -EIO);
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0); /* not used */
	fake_close(g);
	g = fake_open("");
	assert_int_equal(sluice_engine_add_iommu(r.e, g->iommu), 0);
	assert_int_equal(sluice_domain_add_iommu(r.d, g->iommu), -EINVAL);
	assert_non_null(strstr(sluice_error(), "other memory"));
	assert_int_equal(sluice_engine_del_iommu(r.e, g->iommu), 0);
	fake_close(g);
	down();
}

static void
devices_behind_each(void **state)
{
	struct sluice_device *dev;
	uint32_t stream = 8;

	(void)state;
	up("strict");
	dev = sluice_device_add(f[1]->iommu, &stream, 1);
	assert_non_null(dev);
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	assert_int_equal(f[1]->call[f[1]->nb_calls - 1].op, FAKE_PAGING);
	assert_int_equal(sluice_domain_destroy(r.d), -EBUSY);
	assert_int_equal(sluice_engine_del_iommu(r.e, f[1]->iommu), -EBUSY);
	assert_int_equal(sluice_device_remove(dev), 0);
	/* One instance does not let go: tried again, and the others are not asked twice. */
	f[2]->fail_at = 1;
	assert_int_equal(sluice_domain_destroy(r.d), -EIO);
	assert_int_equal(f[1]->hwdoms, 0);
	assert_int_equal(f[2]->hwdoms, 1);
	down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a15_issue_to_all_then_wait_for_all),
		cmocka_unit_test(a15_one_that_fails_is_told),
		cmocka_unit_test(a15_a_flush_is_complete_when_it_is_everywhere),
		cmocka_unit_test(a3_flushes_complete_out_of_order),
		cmocka_unit_test(a3_random_orders_against_a_model),
		cmocka_unit_test(a12_one_instance_refuses),
		cmocka_unit_test(a12_begun_again_in_its_format),
		cmocka_unit_test(what_cannot_be_shared),
		cmocka_unit_test(devices_behind_each),
	};

	test_eal_init_mb("0", "128");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

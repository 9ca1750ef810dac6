/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * stats.c: after every random step the counters add up, and agree with a count kept here.
 */
#include "rig.h"

#define PA UINT64_C(0x300000000)

/* The counters, against those counted here and against one another. */
static void
adds_up(const struct rig *r, const struct sluice_domain_stats *want, unsigned int live)
{
	struct sluice_domain_stats st = stats_of(r->d);
	uint64_t flushes = 0;

	assert_int_equal(st.maps, want->maps);
	assert_int_equal(st.unmaps, want->unmaps);
	assert_int_equal(st.map_pages, want->map_pages);
	assert_int_equal(st.unmap_pages, want->unmap_pages);
	assert_int_equal(st.unmap_errors, want->unmap_errors);
	assert_int_equal(st.live, live);
	assert_int_equal(st.maps, st.unmaps + st.live);
	assert_int_equal(st.queued, st.released + st.pending);
	for (unsigned int i = 0; i < SLUICE_FLUSH_CAUSES; i++)
		flushes += st.flushes[i];
	if (strcmp(sluice_domain_policy(r->d), "deferred") == 0) {
		assert_int_equal(st.queued, st.unmaps);
		assert_int_equal(st.syncs, flushes);
		assert_int_equal(sluice_domain_stale_hist(r->d)->count, st.released);
	} else {
		assert_int_equal(st.queued, 0);
		assert_int_equal(flushes, 0);
		assert_int_equal(st.syncs, st.unmaps);
	}
	assert_int_equal(st.syncs, r->f->submitted);
	assert_int_equal(st.table_bytes, sluice_mem_pages_used(r->iommu->mem) * 4096);
}

static void
poll_in_relax(void *arg)
{
	sluice_engine_poll(arg);
}

static void
counters_add_up(const char *policy)
{
	const struct sluice_domain_conf conf = { .policy = policy, .iova_size = 64 << 20,
						 .batch = 8, .ring = 32, .deadline_us = 50 };
	struct sluice_domain_stats want = { 0 };
	struct {
		uint64_t iova;
		size_t len;
	} live[40];
	unsigned int n = 0;
	uint64_t seed = 23;
	struct rig r;

	rig_up(&r, "", &conf);
	assert_string_equal(sluice_domain_policy(r.d), policy);
	r.f->on_relax = poll_in_relax; /* a full ring is nothing special here */
	r.f->on_relax_arg = r.e;
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	for (unsigned int step = 0; step < 4000; step++) {
		as_lcore(rnd(&seed) & 1);
		switch (rnd(&seed) % 6) {
		case 0:
		case 1:
			if (n == 40)
				break;
			live[n].len = 1 + rnd(&seed) % 60000;
			live[n].iova = map_ok(r.d, PA, live[n].len);
			want.maps++;
			want.map_pages += (live[n].len + 4095) / 4096;
			n++;
			break;
		case 2:
		case 3:
			if (n == 0)
				break;
			assert_int_equal(sluice_unmap(r.d, live[0].iova, live[0].len), 0);
			want.unmaps++;
			want.unmap_pages += (live[0].len + 4095) / 4096;
			live[0] = live[--n];
			break;
		case 4:
			want.unmap_errors++;
			assert_int_not_equal(sluice_unmap(r.d, 0, 0), 0);
			break;
		default:
			fake_tick(r.f, 20000);
			sluice_engine_poll(r.e);
			sluice_engine_poll(r.e);
		}
		adds_up(&r, &want, n);
	}
	as_lcore(0);
	while (n-- > 0)
		assert_int_equal(sluice_unmap(r.d, live[n].iova, live[n].len), 0);
	assert_int_equal(stats_of(r.d).live, 0);
	r.f->on_relax = NULL;
	rig_down(&r);
}

static void
strict(void **state)
{
	(void)state;
	counters_add_up("strict");
}

static void
deferred(void **state)
{
	(void)state;
	counters_add_up("deferred");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strict),
		cmocka_unit_test(deferred),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

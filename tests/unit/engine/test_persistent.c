/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/persistent.c, keep.c, keep_stats.c: a mapping that was unmapped stands until it is reused
 * or evicted; no more are kept than was said; evictions are batches with one SYNC; the stale window
 * is measured, and none outlasts a drain.
 */
#include "engine/policy/persistent.h"
#include "rig.h"

#define PA UINT64_C(0x300000000)

static struct sluice_domain_conf
conf_of(uint32_t keep_max)
{
	return (struct sluice_domain_conf){ .policy = "persistent", .iova_size = 16 << 20,
					    .keep_max = keep_max, .deadline_us = 100 };
}

static bool
stands(struct rig *r, uint64_t iova)
{
	uint64_t pa;

	return sluice_iova_to_pa(r->d, iova, &pa) == 0;
}

/* What must be true at any time; chains, order and counters agree. */
static void
keep_valid(struct rig *r)
{
	struct sluice_domain_stats st = stats_of(r->d);
	uint64_t kept = 0, pages = 0;

	for (unsigned int l = 0; l < RTE_MAX_LCORE; l++) {
		const struct keep *k = r->d->lc[l] == NULL ? NULL : r->d->lc[l]->priv;
		uint32_t n = 0, in_chains = 0, last = KEEP_NIL;

		if (k == NULL)
			continue;
		for (uint32_t i = k->oldest; i != KEEP_NIL; i = k->node[i].newer) {
			assert_int_equal(k->node[i].older, last);
			if (last != KEEP_NIL)
				assert_true(k->node[last].since <= k->node[i].since);
			pages += k->node[i].pages;
			last = i;
			n++;
		}
		assert_int_equal(k->newest, last);
		for (uint32_t h = 0; h < 2 * KEEP_LIMIT; h++)
			for (uint32_t i = k->head[h]; i != 0; i = k->node[i - 1].chain)
				in_chains++;
		assert_int_equal(in_chains, n);
		assert_int_equal(k->n, n);
		kept += n;
	}
	assert_int_equal(st.pending, kept);
	assert_int_equal(st.queued, st.released + st.pending);
	assert_int_equal(st.exposed_bytes, pages * 4096);
	assert_int_equal(st.maps, st.unmaps + st.live);
}

static void
the_same_memory_finds_its_mapping(void **state)
{
	static const size_t lens[] = { 4096, 8192, 30000, 1 << 20, 2 << 20 };
	struct sluice_domain_conf c = conf_of(0);
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	for (unsigned int i = 0; i < RTE_DIM(lens); i++) {
		uint64_t iova = map_prot(&r, PA, lens[i], SLUICE_RW);

		assert_int_equal(sluice_unmap(r.d, iova, lens[i]), 0);
		assert_true(stands(&r, iova));
		keep_valid(&r);
		assert_int_equal(map_prot(&r, PA, lens[i], SLUICE_RW), iova);
		keep_valid(&r);
		assert_int_equal(sluice_unmap(r.d, iova, lens[i]), 0);
	}
	assert_int_equal(stats_of(r.d).reuses, RTE_DIM(lens));
	/* 1 byte and 4096 of the same page are the same; another offset in it too. */
	uint64_t iova = map_prot(&r, PA, 1, SLUICE_RW);

	assert_int_equal(stats_of(r.d).reuses, RTE_DIM(lens) + 1);
	assert_int_equal(sluice_unmap(r.d, iova, 1), 0);
	assert_int_equal(map_prot(&r, PA + 77, 100, SLUICE_RW) & 4095, 77);
	assert_int_equal(stats_of(r.d).reuses, RTE_DIM(lens) + 2);
	/* Not so: another protection, page, number of pages. */
	map_prot(&r, PA, 4096, SLUICE_READ);
	map_prot(&r, PA + 4096, 4096, SLUICE_RW);
	map_prot(&r, PA, 3 * 4096, SLUICE_RW);
	assert_int_equal(stats_of(r.d).reuses, RTE_DIM(lens) + 2);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(stats_of(r.d).kept_bytes, stats_of(r.d).exposed_bytes);
	rig_down(&r);
}

static void
protections_are_kept_apart(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	uint64_t ro = map_prot(&r, PA, 4096, SLUICE_READ), rw;

	assert_int_equal(sluice_unmap(r.d, ro, 4096), 0);
	rw = map_prot(&r, PA, 4096, SLUICE_RW);
	assert_int_not_equal(ro, rw);
	assert_int_equal(sluice_unmap(r.d, rw, 4096), 0);
	assert_int_equal(map_prot(&r, PA, 4096, SLUICE_READ), ro);
	assert_int_equal(map_prot(&r, PA, 4096, SLUICE_RW), rw);
	rig_down(&r);
}

static void
a17_unmap_is_honest(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	uint64_t one = map_prot(&r, PA, 4096, SLUICE_RW), run = map_prot(&r, PA + 8192, 12288, SLUICE_RW), no;

	assert_int_equal(sluice_unmap(r.d, one, 0), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, one, 4097), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, run, 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, run, 8192), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, run + 4096, 8192), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, run, SIZE_MAX), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base - 4096, 4096), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base + (16 << 20) - 4096, 8192), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base + (16 << 20) - 4096, 4096), -ENOENT);
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(sluice_unmap(r.d, one, 4096), 0);
	assert_int_equal(sluice_unmap(r.d, run, 12288), 0);
	/* They stand, but they are not mapped. */
	assert_int_equal(sluice_unmap(r.d, one, 4096), -ENOENT);
	assert_int_equal(sluice_unmap(r.d, run, 12288), -ENOENT);
	assert_int_equal(stats_of(r.d).unmap_errors, 11);
	assert_int_equal(sluice_map(r.d, PA, 0, SLUICE_RW, &no), -EINVAL);
	assert_int_equal(sluice_map(r.d, PA, 64, SLUICE_WRITE, &no), -EINVAL);
	assert_int_equal(sluice_map(r.d, PA, 64, 4, &no), -EINVAL);
	keep_valid(&r);
	rig_down(&r);
}

static void
oldest_go_in_batches(void **state)
{
	struct sluice_domain_conf c = conf_of(100);
	uint64_t iova[101];
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	for (unsigned int i = 0; i < 101; i++)
		iova[i] = map_prot(&r, PA + i * 4096u, 4096, SLUICE_RW);
	for (unsigned int i = 0; i < 100; i++) {
		fake_tick(r.f, 10);
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	}
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(stats_of(r.d).pending, 100);
	/* 0 is used again: it is the newest then, 1 the oldest. */
	assert_int_equal(map_prot(&r, PA, 4096, SLUICE_RW), iova[0]);
	assert_int_equal(sluice_unmap(r.d, iova[0], 4096), 0);
	assert_int_equal(sluice_unmap(r.d, iova[100], 4096), 0);
	assert_int_equal(r.f->submitted, 1);
	struct sluice_domain_stats st = stats_of(r.d);
	unsigned int gone = 101 - (unsigned int)st.pending;

	assert_true(gone >= 32 && gone <= 64);
	assert_int_equal(st.syncs, 1);
	for (unsigned int i = 0; i < 101; i++) {
		assert_int_equal(stands(&r, iova[i]), !(i >= 1 && i <= gone));
		if (i >= 1 && i <= gone)
			assert_true(fake_covered(r.f, 1, 1, r.d->hw.tag, iova[i], 1));
	}
	keep_valid(&r);
	/* Few: their ranges, no more. */
	struct sluice_domain_conf tune = { .keep_max = 60, .range_max = UINT32_MAX };

	assert_int_equal(sluice_domain_tune(r.d, &tune), 0);
	sluice_domain_get_conf(r.d, &c);
	assert_int_equal(c.keep_max, 60);
	for (unsigned int i = 1; i <= gone; i++)
		iova[i] = map_prot(&r, PA + i * 4096u, 4096, SLUICE_RW);
	for (unsigned int i = 1; i <= gone; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	assert_true(stats_of(r.d).pending <= 60);
	const struct fake_sub *s = fake_sub(r.f, 2);

	assert_true(s->n > 1);
	for (unsigned int i = 0; i < s->n; i++)
		assert_int_equal(s->inv[i].op, SLUICE_INV_RANGE);
	keep_valid(&r);
	tune.keep_max = SLUICE_KEEP_MAX + 1;
	assert_int_equal(sluice_domain_tune(r.d, &tune), -EINVAL);
	rig_down(&r);
}

/* An IOVA is out of use until its invalidation is complete: what the relax hook sees. */
static struct rig *relaxing;
static bool early;

static void
on_relax(void *arg)
{
	const struct iova_mag *m = &relaxing->d->lc[0]->mag[0];

	for (uint32_t i = 1; i <= m->n; i++)
		early |= m->pfn[i] == *(uint32_t *)arg;
	fake_complete_all(relaxing->f);
}

static void
iova_is_free_after_the_invalidation(void **state)
{
	struct sluice_domain_conf c = conf_of(1);
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	uint64_t a = map_prot(&r, PA, 4096, SLUICE_RW), b = map_prot(&r, PA + 4096, 4096, SLUICE_RW);
	uint32_t pfn = (uint32_t)((a - r.d->iova_base) >> 12);

	assert_int_equal(sluice_unmap(r.d, a, 4096), 0);
	r.f->immediate = false;
	r.f->on_relax = on_relax;
	r.f->on_relax_arg = &pfn;
	relaxing = &r;
	early = false;
	assert_int_equal(sluice_unmap(r.d, b, 4096), 0);
	assert_false(early);
	assert_false(stands(&r, a));
	assert_true(stands(&r, b));
	early = false;
	on_relax(&pfn);
	assert_true(early); /* the hook can tell: now it is free */
	r.f->on_relax = NULL;
	rig_down(&r);
}

static void
stale_windows_are_measured(void **state)
{
	struct sluice_domain_conf c = conf_of(1);
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	uint64_t a = map_prot(&r, PA, 4096, SLUICE_RW), b = map_prot(&r, PA + 4096, 4096, SLUICE_RW);

	assert_int_equal(sluice_unmap(r.d, a, 4096), 0);
	fake_tick(r.f, 5000);
	assert_int_equal(stats_of(r.d).oldest_ns, 5000);
	assert_int_equal(stats_of(r.d).exposed_bytes, 4096);
	assert_int_equal(map_prot(&r, PA, 4096, SLUICE_RW), a); /* reuse ends it */
	const struct sluice_hist *h = sluice_domain_stale_hist(r.d);

	assert_int_equal(h->count, 1);
	assert_int_equal(h->max, 5000);
	assert_int_equal(stats_of(r.d).oldest_ns, 0);
	assert_int_equal(sluice_unmap(r.d, a, 4096), 0);
	fake_tick(r.f, 200000);
	assert_int_equal(sluice_unmap(r.d, b, 4096), 0); /* eviction does */
	h = sluice_domain_stale_hist(r.d);
	assert_int_equal(h->count, 2);
	assert_int_equal(h->max, 200000);
	assert_int_equal(stats_of(r.d).deadline_misses, 1); /* 100 us */
	sluice_domain_stale_reset(r.d);
	assert_int_equal(sluice_domain_stale_hist(r.d)->count, 0);
	fake_tick(r.f, 300);
	assert_int_equal(map_prot(&r, PA + 4096, 4096, SLUICE_RW), b);
	assert_int_equal(sluice_domain_stale_hist(r.d)->count, 1);
	assert_int_equal(sluice_domain_stale_hist(r.d)->max, 300);
	/* Of workers that left, too. */
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	a = map_prot(&r, PA + 8192, 4096, SLUICE_RW);
	assert_int_equal(sluice_unmap(r.d, a, 4096), 0);
	fake_tick(r.f, 700);
	assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
	as_lcore(0);
	assert_false(stands(&r, a));
	assert_int_equal(sluice_domain_stale_hist(r.d)->count, 2);
	assert_int_equal(sluice_domain_stale_hist(r.d)->max, 700);
	assert_int_equal(stats_of(r.d).queued, stats_of(r.d).released);
	rig_down(&r);
}

static void
drain_evicts_all(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	uint64_t iova[2][150];
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	for (unsigned int l = 0; l < 2; l++) {
		as_lcore(l);
		for (unsigned int i = 0; i < 150; i++)
			iova[l][i] = map_prot(&r, PA + (l * 150 + i) * 4096u, 4096, SLUICE_RW);
		for (unsigned int i = 0; i < 150; i++)
			assert_int_equal(sluice_unmap(r.d, iova[l][i], 4096), 0);
	}
	as_lcore(7); /* anybody */
	assert_int_equal(sluice_domain_drain(r.d), 0);
	as_lcore(0);
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(stats_of(r.d).exposed_bytes, 0);
	assert_int_equal(r.f->submitted, 2 * 3);
	for (unsigned int l = 0; l < 2; l++)
		for (unsigned int i = 0; i < 150; i++)
			assert_false(stands(&r, iova[l][i]));
	keep_valid(&r);
	rig_down(&r);
}

static void
failed_eviction_is_told(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	uint64_t iova = map_prot(&r, PA, 4096, SLUICE_RW);

	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	r.f->refuse = 1;
	assert_int_equal(sluice_domain_drain(r.d), -EIO);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.flush_errors, 1);
	assert_int_equal(st.pending, 1); /* a device may reach it: test_evict.c */
	assert_int_equal(st.exposed_bytes, 4096);
	/* Its IOVA is not given out again. */
	for (unsigned int i = 0; i < 8 * 512 - 64; i++)
		assert_int_not_equal(map_prot(&r, PA + i * 4096u, 4096, SLUICE_RW), iova);
	rig_down(&r);
}

/* A6: short of IOVAs, what any worker keeps is given up. */
static void
a6_rollover_evicts(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	uint64_t iova[512], no;
	struct rig r;

	(void)state;
	c.iova_size = 2 << 20;
	rig_up(&r, "", &c);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	for (unsigned int i = 0; i < 512; i++)
		iova[i] = map_prot(&r, PA + i * 4096u, 4096, SLUICE_RW);
	assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &no), -ENOSPC);
	assert_int_equal(stats_of(r.d).map_errors, 1);
	for (unsigned int i = 0; i < 512; i++) {
		as_lcore(i & 1);
		assert_int_equal(sluice_unmap(r.d, iova[i], 4096), 0);
	}
	assert_int_equal(stats_of(r.d).pending, 512);
	as_lcore(0);
	for (unsigned int i = 0; i < 512; i++)
		map_prot(&r, PA + (512 + i) * 4096u, 4096, SLUICE_RW);
	assert_int_equal(stats_of(r.d).pending, 0);
	assert_int_equal(stats_of(r.d).map_errors, 1); /* nobody heard of it */
	assert_int_equal(sluice_map(r.d, PA, 4096, SLUICE_RW, &no), -ENOSPC);
	assert_int_equal(stats_of(r.d).map_errors, 2);
	rig_down(&r);
}

/* Too large to be kept: strict. */
static void
large_mappings_are_strict(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	uint64_t iova = map_prot(&r, PA, (2 << 20) + 1, SLUICE_RW);

	assert_int_equal(sluice_unmap(r.d, iova, (2 << 20) + 1), 0);
	assert_false(stands(&r, iova));
	assert_int_equal(r.f->submitted, 1);
	iova = map_prot(&r, PA + 4095, 2 << 20, SLUICE_RW); /* 513 pages */
	assert_int_equal(sluice_unmap(r.d, iova, 2 << 20), 0);
	assert_false(stands(&r, iova));
	keep_valid(&r);
	rig_down(&r);
}

static void
e1_needs_deferred(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	struct rig r;

	(void)state;
	rig_up(&r, "caps=0x10", &c);
	assert_string_equal(sluice_domain_policy(r.d), "strict");
	rig_down(&r);
	rig_up(&r, "", &c);
	assert_string_equal(sluice_domain_policy(r.d), "persistent");
	c.keep_max = SLUICE_KEEP_MAX + 1;
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, EINVAL);
	rig_down(&r);
}

/* Anything in any order, on two workers. */
static void
random_walk(void **state)
{
	struct sluice_domain_conf c = conf_of(20);
	struct {
		uint64_t iova, pa;
		size_t len;
	} live[64];
	unsigned int n = 0;
	uint64_t seed = 11;
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	for (unsigned int step = 0; step < 20000; step++) {
		uint64_t pa;

		as_lcore(rnd(&seed) & 1);
		fake_tick(r.f, 100);
		if (n < 64 && (n == 0 || (rnd(&seed) & 1))) {
			live[n].pa = PA + rnd(&seed) % 20 * 4096;
			live[n].len = 1 + rnd(&seed) % 8000;
			live[n].iova = map_prot(&r, live[n].pa, live[n].len,
					   (rnd(&seed) & 1) ? SLUICE_RW : SLUICE_READ);
			for (size_t off = 0; off < live[n].len; off += 4096) {
				assert_int_equal(sluice_iova_to_pa(r.d, live[n].iova + off, &pa), 0);
				assert_int_equal(pa, live[n].pa + off);
			}
			for (unsigned int i = 0; i < n; i++)
				assert_int_not_equal(live[i].iova, live[n].iova);
			n++;
		} else {
			unsigned int i = (unsigned int)(rnd(&seed) % n);

			assert_int_equal(sluice_unmap(r.d, live[i].iova, live[i].len), 0);
			live[i] = live[--n];
		}
		if (step % 1000 == 0)
			keep_valid(&r);
	}
	assert_true(stats_of(r.d).reuses > 500);
	assert_true(stats_of(r.d).pending_max <= 2 * 21);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_memory_finds_its_mapping),
		cmocka_unit_test(protections_are_kept_apart),
		cmocka_unit_test(a17_unmap_is_honest),
		cmocka_unit_test(oldest_go_in_batches),
		cmocka_unit_test(iova_is_free_after_the_invalidation),
		cmocka_unit_test(stale_windows_are_measured),
		cmocka_unit_test(drain_evicts_all),
		cmocka_unit_test(failed_eviction_is_told),
		cmocka_unit_test(a6_rollover_evicts),
		cmocka_unit_test(large_mappings_are_strict),
		cmocka_unit_test(e1_needs_deferred),
		cmocka_unit_test(random_walk),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/hybrid.c, crossover.c: what is short is copied, what is long is strict; the threshold is
 * known, can be changed, and can be found.
 */
#include "engine/policy/copypool.h"
#include "mirror.h"

static struct sluice_domain_conf
conf_of(uint32_t copy_max)
{
	return (struct sluice_domain_conf){ .policy = "hybrid", .iova_size = 16 << 20,
					    .copy_pool = 64 * 4096, .copy_max = copy_max };
}

/* Is a buffer of that length copied? */
static bool
copied(struct rig *r, const struct buf *b, size_t len, unsigned int prot)
{
	uint64_t iova, before = r->f->submitted;

	assert_int_equal(sluice_map(r->d, b->pa, len, prot, &iova), 0);
	bool copy = device_at(r, iova) != b->va;

	assert_int_equal(sluice_unmap(r->d, iova, len), 0);
	assert_int_equal(r->f->submitted - before, copy ? 0 : 1);
	assert_int_equal(sluice_unmap(r->d, iova, len), -ENOENT);
	return copy;
}

static void
threshold(void **state)
{
	struct sluice_domain_conf c = conf_of(1000), tune = { .copy_max = 65536 };
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	struct buf b = buf_make(&r, 128 << 10);

	assert_true(copied(&r, &b, 1, SLUICE_RW));
	assert_true(copied(&r, &b, 1000, SLUICE_RW));
	assert_false(copied(&r, &b, 1001, SLUICE_RW));
	/* Copied once only. */
	assert_true(copied(&r, &b, 2000, SLUICE_READ));
	assert_false(copied(&r, &b, 2001, SLUICE_READ));
	assert_int_equal(stats_of(r.d).copies, 3);
	assert_int_equal(stats_of(r.d).copy_large, 0); /* that is as it should be */
	assert_int_equal(sluice_domain_tune(r.d, &tune), 0);
	assert_true(copied(&r, &b, 65536, SLUICE_RW));
	assert_false(copied(&r, &b, 65537, SLUICE_RW));
	assert_false(copied(&r, &b, 2001, SLUICE_READ)); /* left as it was */
	tune.copy_max_read = 65536;
	assert_int_equal(sluice_domain_tune(r.d, &tune), 0);
	assert_true(copied(&r, &b, 65536, SLUICE_READ));
	assert_false(copied(&r, &b, 65537, SLUICE_READ));
	sluice_domain_get_conf(r.d, &c);
	assert_int_equal(c.copy_max, 65536);
	assert_int_equal(c.copy_max_read, 65536);
	tune.copy_max_read = 65537;
	assert_int_equal(sluice_domain_tune(r.d, &tune), -EINVAL);
	tune.copy_max_read = 0;
	tune.copy_max = 65537;
	assert_int_equal(sluice_domain_tune(r.d, &tune), -EINVAL);
	tune.copy_max = 0;
	assert_int_equal(sluice_domain_tune(r.d, &tune), 0);
	sluice_domain_get_conf(r.d, &c);
	assert_int_equal(c.copy_max, 65536);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
default_threshold(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	struct rig r;

	(void)state;
	/* Virtual time: a constant, the same in every run. */
	rig_up(&r, "", &c);
	sluice_domain_get_conf(r.d, &c);
	assert_int_equal(c.copy_max, SLUICE_COPY_MAX_DEFAULT);
	rig_down(&r);
	/* A real clock and hardware that answers. */
	c = conf_of(0);
	rig_up(&r, "clock=tsc", &c);
	r.iommu->sync_timeout = 30 * rte_get_tsc_hz(); /* a busy machine is no lost SYNC */
	sluice_domain_get_conf(r.d, &c);
	assert_in_range(c.copy_max, 64, 65536);
	assert_in_range(c.copy_max_read, 64, 65536);
	assert_int_equal(r.f->submitted, 9); /* bare SYNCs */
	for (unsigned int i = 1; i <= 9; i++)
		assert_int_equal(fake_sub(r.f, i)->n, 0);
	rig_down(&r);
	/* Hardware that does not (yet): no long wait, the constant. */
	rig_up(&r, "clock=tsc", NULL);
	r.f->immediate = false;
	c = conf_of(0);
	r.d = sluice_domain_create(r.iommu, &c);
	assert_non_null(r.d);
	sluice_domain_get_conf(r.d, &c);
	assert_int_equal(c.copy_max, SLUICE_COPY_MAX_DEFAULT);
	assert_int_equal(r.f->submitted, 1);
	rig_down(&r);
}

static void
crossover_is_found(void **state)
{
	struct sluice_domain_conf c = conf_of(0);
	uint32_t bytes = 0;
	struct rig r;

	(void)state;
	rig_up(&r, "clock=tsc", &c);
	r.iommu->sync_timeout = 30 * rte_get_tsc_hz(); /* a busy machine is no lost SYNC */
	assert_int_equal(sluice_domain_find_crossover(r.d, SLUICE_RW, &bytes), 0);
	uint64_t used = sluice_mem_used(r.iommu->mem); /* page tables are there from now on */

	bytes = 0;
	assert_int_equal(sluice_domain_find_crossover(r.d, SLUICE_RW, &bytes), 0);
	assert_in_range(bytes, 64, 65536);
	struct sluice_domain_stats st = stats_of(r.d);

	/* Both ways were tried equally often, nothing is left behind. */
	assert_int_equal(st.copies * 2, st.maps);
	assert_int_equal(st.syncs, st.copies);
	assert_int_equal(st.live, 0);
	assert_int_equal(sluice_mem_used(r.iommu->mem), used);
	assert_int_equal(sluice_domain_find_crossover(r.d, SLUICE_READ, &bytes), 0);
	assert_in_range(bytes, 64, 65536);
	assert_int_equal(sluice_domain_find_crossover(r.d, SLUICE_WRITE, &bytes), -EINVAL);
	as_lcore(5);
	assert_int_equal(sluice_domain_find_crossover(r.d, SLUICE_RW, &bytes), -ENXIO);
	as_lcore(0);
	/* A device may still have that buffer: it is not given to anybody else. First fit: where. */
	void *at = sluice_mem_alloc(r.iommu->mem, 1 << 20, 4096, NULL);

	sluice_mem_free(r.iommu->mem, at, 1 << 20);
	r.f->refuse = 1;
	assert_int_equal(sluice_domain_find_crossover(r.d, SLUICE_RW, &bytes), -EIO);
	assert_int_equal(sluice_mem_used(r.iommu->mem), used + (1 << 20));
	sluice_mem_free(r.iommu->mem, at, 1 << 20);
	rig_down(&r);
}

static void
crossover_is_for_who_copies(void **state)
{
	const struct sluice_domain_conf c = { .policy = "strict", .iova_size = 2 << 20 };
	uint32_t bytes;
	struct rig r;

	(void)state;
	rig_up(&r, "", &c);
	assert_int_equal(sluice_domain_find_crossover(r.d, SLUICE_RW, &bytes), -ENOTSUP);
	rig_down(&r);
}

/* The slowest hardware there is: copying is always cheaper. The fastest there is not: never. */
static void
slow_relax(void *arg)
{
	struct rig *r = arg;
	static uint64_t since;

	if (since == 0)
		since = rte_rdtsc();
	if (rte_rdtsc() - since > rte_get_tsc_hz() / 5000) { /* 200 us */
		fake_complete_all(r->f);
		since = 0;
	}
}

static void
crossover_follows_the_hardware(void **state)
{
	struct sluice_domain_conf c = conf_of(4096);
	uint32_t bytes = 0;
	struct rig r;

	(void)state;
	rig_up(&r, "clock=tsc", &c);
	r.iommu->sync_timeout = 30 * rte_get_tsc_hz(); /* a busy machine is no lost SYNC */
	r.f->immediate = false;
	sluice_iommu_set_relax(r.iommu, slow_relax, &r);
	assert_int_equal(sluice_domain_find_crossover(r.d, SLUICE_RW, &bytes), 0);
	assert_int_equal(bytes, 65536);
	sluice_iommu_set_relax(r.iommu, NULL, NULL);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threshold),
		cmocka_unit_test(default_threshold),
		cmocka_unit_test(crossover_is_found),
		cmocka_unit_test(crossover_is_for_who_copies),
		cmocka_unit_test(crossover_follows_the_hardware),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * bounce.c: an untrusted device's domain is strict, whatever was asked for, and what shares a page
 * with a buffer is out of the device's reach, from the map to the unmap and after (E5).
 */
#include "engine/policy/bounce.h"
#include "engine/policy/copypool.h"
#include "mirror.h"

static const struct sluice_domain_conf conf = { .policy = "deferred", .untrusted = true,
						.iova_size = 4 << 20, .copy_pool = 64 * 4096 };

static bool
in_buf(const struct buf *b, const uint8_t *p)
{
	return p >= b->va && p < b->va + b->size;
}

static void
e5_untrusted_is_strict(void **state)
{
	static const char *const asked[] = { "deferred", "strict-async", "passthrough", "persistent",
					     "static", "copy", NULL };
	struct rig r;

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(asked); i++) {
		struct sluice_domain_conf c = conf;

		c.policy = asked[i];
		rig_up(&r, "", &c);
		assert_string_equal(sluice_domain_policy(r.d), "strict");
		sluice_domain_get_conf(r.d, &c);
		assert_int_equal(c.type, SLUICE_DOMAIN_PAGING);
		assert_true(c.untrusted);
		assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), -EBUSY);
		assert_string_equal(sluice_domain_policy(r.d), "strict");
		struct buf b = buf_make(&r, 4096);
		uint64_t iova = map_prot(&r, b.pa, 4096, SLUICE_RW);

		assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
		assert_int_equal(r.f->submitted, 1);
		assert_null(device_at(&r, iova));
		buf_free(&r, &b);
		rig_down(&r);
	}
	struct sluice_domain_conf id = { .type = SLUICE_DOMAIN_IDENTITY, .untrusted = true };

	rig_up(&r, "", NULL);
	assert_null(sluice_domain_create(r.iommu, &id));
	assert_int_equal(rte_errno, EINVAL);
	id.type = SLUICE_DOMAIN_BLOCKED;
	r.d = sluice_domain_create(r.iommu, &id);
	assert_non_null(r.d);
	assert_string_equal(sluice_domain_policy(r.d), "blocked");
	rig_down(&r);
}

/* One buffer at an offset of b: all that a device can see of it, do to it. */
static void
one(struct rig *r, struct buf *b, uint8_t *want, uint64_t off, size_t len, unsigned int prot)
{
	uint64_t iova = map_prot(r, b->pa + off, len, prot);
	uint64_t first = iova & ~UINT64_C(4095), end = (iova + len + 4095) & ~UINT64_C(4095);

	memcpy(want, b->va, b->size);
	device_reads(r, iova, b->va + off, len);
	for (uint64_t at = first; at < end; at += 4096) {
		bool whole = at >= iova && at + 4096 <= iova + len;

		/* A page that is the buffer's alone is itself; any other is not. */
		assert_int_equal(in_buf(b, device_at(r, at)), whole);
		assert_int_equal(device_may_write(r, at), prot == SLUICE_RW);
	}
	/* Around it: nothing. */
	for (uint64_t at = first; at < iova; at++)
		assert_int_equal(*device_at(r, at), 0);
	for (uint64_t at = iova + len; at < end; at++)
		assert_int_equal(*device_at(r, at), 0);
	assert_null(device_at(r, first - 1));
	assert_null(device_at(r, end));
	/* All over it, the buffer and what is around. */
	if (prot == SLUICE_RW) {
		device_writes(r, first, 0xee, end - first);
		memset(want + off, 0xee, len);
	}
	uint64_t before = r->f->submitted;

	assert_int_equal(sluice_unmap(r->d, iova, len), 0);
	assert_int_equal(r->f->submitted - before, 1);
	assert_true(fake_covered(r->f, before + 1, before + 1, r->d->hw.tag, first,
				 (end - first) >> 12));
	assert_memory_equal(b->va, want, b->size);
	for (uint64_t at = first; at < end; at += 4096)
		assert_null(device_at(r, at));
	assert_int_equal(sluice_unmap(r->d, iova, len), -ENOENT);
}

static void
e5_untrusted_bounces_shared_pages(void **state)
{
	static const size_t lens[] = { 1, 64, 1500, 4095, 4096, 4097, 8191, 8192, 12288, 20000 };
	static const uint64_t offs[] = { 0, 1, 64, 2048, 4095 };
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 10 * 4096);
	uint8_t *want = malloc(b.size);
	unsigned int n = 0, whole = 0;

	for (unsigned int i = 0; i < RTE_DIM(lens); i++) {
		for (unsigned int k = 0; k < RTE_DIM(offs); k++) {
			one(&r, &b, want, 4096 + offs[k], lens[i], SLUICE_RW);
			one(&r, &b, want, 4096 + offs[k], lens[i], SLUICE_READ);
			n += 2;
			whole += 2 * (((offs[k] | lens[i]) & 4095) == 0);
		}
	}
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.copies, n - whole);
	assert_int_equal(st.maps, n);
	assert_int_equal(st.live, 0);
	assert_int_equal(st.map_pages, st.unmap_pages);
	assert_int_equal(st.copy_empty, 0);
	free(want);
	buf_free(&r, &b);
	rig_down(&r);
}

/* More than a chunk: several last-level tables. */
static void
long_buffers(void **state)
{
	struct rig r;

	(void)state;
	struct sluice_domain_conf c = conf;

	c.iova_size = 16 << 20;
	rig_up(&r, "", &c);
	struct buf b = buf_make(&r, 5 << 20);
	uint8_t *want = malloc(b.size);

	one(&r, &b, want, 4096 + 5, (2 << 20) + 100, SLUICE_RW);
	one(&r, &b, want, 4096 + 5, (4 << 20) + 5000, SLUICE_READ);
	free(want);
	buf_free(&r, &b);
	rig_down(&r);
}

/* While the invalidation is under way the device may still write: that is in the copy too, or not,
 * but the page is given up only after it. */
static struct {
	struct rig *r;
	struct buf *b;
	uint64_t free_before;
	unsigned int turns;
	bool early;
} w;

static void
on_relax(void *arg)
{
	(void)arg;
	const struct copypool *s = w.r->d->lc[0]->priv;

	w.early |= s->free[0] != NULL || w.b->va[10] == 0xee;
	if (++w.turns == 100)
		fake_complete_all(w.r->f);
}

static void
copies_back_after_the_invalidation(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 4096);
	uint64_t iova = map_prot(&r, b.pa + 10, 100, SLUICE_RW);

	memset(&w, 0, sizeof(w));
	w.r = &r;
	w.b = &b;
	device_writes(&r, iova, 0xee, 100);
	r.f->immediate = false;
	r.f->on_relax = on_relax;
	assert_int_equal(sluice_unmap(r.d, iova, 100), 0);
	assert_int_equal(w.turns, 100);
	assert_false(w.early);
	assert_int_equal(b.va[10], 0xee);
	r.f->on_relax = NULL;
	buf_free(&r, &b);
	rig_down(&r);
}

static void
failed_invalidation_keeps_everything(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 4096);
	uint64_t iova = map_prot(&r, b.pa + 10, 100, SLUICE_RW);
	uint8_t *page = device_at(&r, iova);

	device_writes(&r, iova, 0xee, 100);
	r.f->refuse = 1;
	assert_int_equal(sluice_unmap(r.d, iova, 100), -EIO);
	assert_int_equal(b.va[10], (uint8_t)(10 * 7 + 1));
	assert_int_equal(stats_of(r.d).live, 1);
	/* Neither the IOVA nor the pool page is seen again. */
	for (unsigned int i = 0; i < 63; i++) {
		uint64_t other = map_prot(&r, b.pa, 64, SLUICE_RW);

		assert_int_not_equal(other & ~UINT64_C(4095), iova & ~UINT64_C(4095));
		assert_ptr_not_equal(device_at(&r, other) - 0, page - 10);
	}
	buf_free(&r, &b);
	rig_down(&r);
}

/* No pool page: refused, never the page itself. */
static void
e5_empty_pool_refuses(void **state)
{
	uint64_t iova[64], no;
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 3 * 4096);

	for (unsigned int i = 0; i < 63; i++)
		iova[i] = map_prot(&r, b.pa, 64, SLUICE_RW);
	/* Two ends, one page: all or nothing. */
	assert_int_equal(sluice_map(r.d, b.pa + 1, 8000, SLUICE_RW, &no), -ENOSPC);
	iova[63] = map_prot(&r, b.pa + 1, 4095, SLUICE_RW);
	assert_int_equal(sluice_map(r.d, b.pa, 64, SLUICE_RW, &no), -ENOSPC);
	assert_int_equal(stats_of(r.d).copy_empty, 2);
	assert_int_equal(stats_of(r.d).map_errors, 2);
	no = map_prot(&r, b.pa, 4096, SLUICE_RW); /* whole pages need none */
	assert_int_equal(sluice_unmap(r.d, no, 4096), 0);
	for (unsigned int i = 0; i < 63; i++)
		assert_int_equal(sluice_unmap(r.d, iova[i], 64), 0);
	assert_int_equal(sluice_unmap(r.d, iova[63], 4095), 0);
	no = map_prot(&r, b.pa + 1, 8000, SLUICE_RW);
	assert_int_equal(sluice_unmap(r.d, no, 8000), 0);
	buf_free(&r, &b);
	rig_down(&r);
}

static void
a17_unmap_is_checked(void **state)
{
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	struct buf b = buf_make(&r, 5 * 4096);
	uint64_t iova = map_prot(&r, b.pa + 100, 9000, SLUICE_RW), no;

	assert_int_equal(sluice_unmap(r.d, iova, 8999), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 4000), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 4000 - 4), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova + 1, 9000), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova + 4096, 9000), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, 0), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova, SIZE_MAX), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base - 1, 1), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, r.d->iova_base + (4 << 20) - 1, 2), -EINVAL);
	assert_int_equal(r.f->submitted, 0);
	assert_int_equal(sluice_unmap(r.d, iova, 9000), 0);
	assert_int_equal(sluice_map(r.d, UINT64_C(0x300000000), 64, SLUICE_RW, &no), -EINVAL);
	assert_int_equal(sluice_map(r.d, b.pa, 0, SLUICE_RW, &no), -EINVAL);
	assert_int_equal(sluice_map(r.d, b.pa, 64, SLUICE_WRITE, &no), -EINVAL);
	assert_int_equal(sluice_map(r.d, b.pa, 64, 4, &no), -EINVAL);
	/* Whole pages may lie anywhere. */
	no = map_prot(&r, UINT64_C(0x300000000), 8192, SLUICE_RW);
	assert_int_equal(sluice_unmap(r.d, no, 8192), 0);
	buf_free(&r, &b);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(e5_untrusted_is_strict),
		cmocka_unit_test(e5_untrusted_bounces_shared_pages),
		cmocka_unit_test(long_buffers),
		cmocka_unit_test(copies_back_after_the_invalidation),
		cmocka_unit_test(failed_invalidation_keeps_everything),
		cmocka_unit_test(e5_empty_pool_refuses),
		cmocka_unit_test(a17_unmap_is_checked),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

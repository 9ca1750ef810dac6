/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * names.h: an unmap names its mapping to the byte (A17). Two unmaps of one address at once:
 * test_names_mt.c.
 */
#include "rig.h"

#define PA   UINT64_C(0x300000000)
#define KEEP 64u

static struct rig r;

struct way {
	const char *policy;
	int (*unmap)(uint64_t iova, size_t len);
	bool slots; /* finds a slot by its address: another is none, or another's */
};

static int
plain(uint64_t iova, size_t len)
{
	return sluice_unmap(r.d, iova, len);
}

static int
burst(uint64_t iova, size_t len)
{
	const struct sluice_seg s = { .iova = iova, .len = (uint32_t)len };

	return sluice_unmap_burst(r.d, &s, 1) == 1 ? 0 : -rte_errno;
}

static int
async(uint64_t iova, size_t len)
{
	int ret = sluice_unmap_async(r.d, iova, len, 7);

	return ret < 0 ? ret : 0;
}

static int
async_burst(uint64_t iova, size_t len)
{
	const struct sluice_seg s = { .iova = iova, .len = (uint32_t)len };
	unsigned int later;

	return sluice_unmap_async_burst(r.d, &s, 1, &later) == 1 ? 0 : -rte_errno;
}

static const struct way ways[] = {
	{ "strict", plain, false },	  { "strict", burst, false },
	{ "strict-batched", plain, false }, { "strict-batched", burst, false },
	{ "deferred", plain, false },	  { "deferred", burst, false },
	{ "strict-async", plain, false },  { "strict-async", burst, false },
	{ "strict-async", async, false },  { "strict-async", async_burst, false },
	{ "deferred-single", plain, false }, { "rollover", plain, false },
	{ "contiguous", plain, false },	  { "contiguous", burst, false },
	{ "persistent", plain, false },	  { "copy", plain, true },
	{ "hybrid", plain, true },
};

static void
up(const struct way *w)
{
	const struct sluice_domain_conf conf = { .policy = w->policy, .iova_size = 64 << 20,
						 .copy_pool = 1 << 20, .copy_max = SLUICE_COPY_MAX,
						 .keep_max = KEEP };

	rig_up(&r, "", &conf);
}

/* A buffer that any policy maps: copying needs an address. */
static uint64_t
buffer(size_t len, void **va)
{
	uint64_t pa;

	*va = sluice_iommu_mem_alloc(r.iommu, len, 4096, &pa);
	assert_non_null(*va);
	return pa;
}

/* Every length in the same pages but the one that was mapped; every offset of the first page. */
static void
a17_to_the_byte(void **state)
{
	static const struct {
		uint32_t off, len;
	} m[] = { { 0, 4096 }, { 100, 100 }, { 0, 1 }, { 4095, 1 }, { 5, 3 * 4096 }, { 8, 9000 } };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(ways); i++) {
		for (unsigned int k = 0; k < RTE_DIM(m); k++) {
			uint32_t off = m[k].off, len = m[k].len, end = off + len;
			uint32_t last = (end + 4095) / 4096 * 4096;
			const struct {
				int iova, len;
			} odd[] = {
				{ 0, 1 }, { 0, -1 }, { 0, (int)(last - end) },
				{ -1, 1 }, { -1, 0 }, { 1, -1 }, { 1, 0 },
			};
			size_t size = (size_t)last;
			uint64_t pa, iova;
			void *va;

			up(&ways[i]);
			pa = buffer(size, &va);
			for (unsigned int o = 0; o < RTE_DIM(odd); o++) {
				uint32_t from = off + (uint32_t)odd[o].iova;
				uint32_t n = len + (uint32_t)odd[o].len;

				/* Other pages are an error in any build: test_map.c. */
				if (from > 4095 || n - 1 >= last || (from == off && n == len) ||
				    (from + n + 4095) / 4096 * 4096 != last)
					continue;
				iova = 0;
				assert_int_equal(sluice_map(r.d, pa + off, len, SLUICE_RW, &iova), 0);
				uint64_t errors = stats_of(r.d).unmap_errors;
				int ret = ways[i].unmap(iova + (uint64_t)odd[o].iova, n);

				if (ways[i].slots)
					assert_true(ret == -EINVAL || ret == -ENOENT);
				else
					assert_int_equal(ret, -EINVAL);
				assert_int_equal(stats_of(r.d).unmap_errors - errors, 1);
				assert_int_equal(ways[i].unmap(iova, len), 0);
				/* That was all of it. */
				assert_int_equal(ways[i].unmap(iova, len), -ENOENT);
			}
			sluice_iommu_mem_free(r.iommu, va, size);
			rig_down(&r);
		}
	}
}

/* Each piece of a contiguous burst has its own length. */
static void
a17_pieces_of_a_burst(void **state)
{
	static const struct way w = { "contiguous", burst, false };
	struct sluice_seg seg[4], odd[4];

	(void)state;
	up(&w);
	for (unsigned int i = 0; i < 4; i++)
		seg[i] = (struct sluice_seg){ .pa = PA + i * 0x10000 + 10, .len = 100 + 4096 * i,
					      .prot = SLUICE_RW };
	for (unsigned int i = 0; i < 4; i++) {
		for (int d = -1; d <= 1; d += 2) {
			assert_int_equal(sluice_map_burst(r.d, seg, 4), 4);
			memcpy(odd, seg, sizeof(odd));
			odd[i].len += (uint32_t)d;
			rte_errno = 0;
			assert_int_equal(sluice_unmap_burst(r.d, odd, 4), 0);
			assert_int_equal(rte_errno, EINVAL);
			assert_int_equal(sluice_unmap_burst(r.d, seg, 4), 4);
			assert_int_equal(sluice_unmap_burst(r.d, seg, 4), 0);
			assert_int_equal(rte_errno, ENOENT);
		}
	}
	rig_down(&r);
}

/* What persistent finds again is a new mapping, of a length of its own. */
static void
a17_kept_and_mapped_again(void **state)
{
	static const struct way w = { "persistent", plain, false };
	uint64_t iova;

	(void)state;
	up(&w);
	iova = map_ok(r.d, PA + 8, 500);
	assert_int_equal(sluice_unmap(r.d, iova, 500), 0);
	assert_int_equal(sluice_unmap(r.d, iova, 500), -ENOENT);
	assert_true(map_ok(r.d, PA + 100, 700) == iova - 8 + 100);
	assert_int_equal(sluice_unmap(r.d, iova, 500), -EINVAL);
	assert_int_equal(sluice_unmap(r.d, iova - 8 + 100, 700), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	rig_down(&r);
}

/* Another lcore has claimed it between the look and the claim: it is his, and stays as it is. */
static void
what_is_claimed_is_not_there(void **state)
{
	static const uint32_t len[] = { 100, 9000, 3 << 20 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(ways); i++) {
		/* A slot's name serves the one purpose: where callers are checked. */
		if (ways[i].slots && !SLUICE_CHECKS)
			continue;
		for (unsigned int k = 0; k < RTE_DIM(len); k++) {
			uint64_t pa, at, name, iova = 0;
			uint32_t pfn;
			void *va;

			up(&ways[i]);
			pa = buffer(len[k], &va);
			assert_int_equal(sluice_map(r.d, pa, len[k], SLUICE_RW, &iova), 0);
			pfn = (uint32_t)((iova - r.d->iova_base) >> 12);
			name = r.d->names[pfn];
			r.d->names[pfn] = 0;
			assert_int_not_equal(name, 0);
			assert_int_equal(ways[i].unmap(iova, len[k]), -ENOENT);
			assert_int_equal(stats_of(r.d).unmap_errors, 1);
			assert_int_equal(stats_of(r.d).live, 1);
			assert_int_equal(sluice_iova_to_pa(r.d, iova + len[k] - 1, &at), 0);
			r.d->names[pfn] = name;
			assert_int_equal(ways[i].unmap(iova, len[k]), 0);
			assert_int_equal(stats_of(r.d).live, 0);
			sluice_iommu_mem_free(r.iommu, va, len[k]);
			rig_down(&r);
		}
	}
}

/* A burst ends at the piece that is wrong, and says why. */
static void
a17_in_the_middle_of_a_burst(void **state)
{
	static const char *const policy[] = { "strict-batched", "deferred", "strict-async" };
	struct sluice_seg seg[8];

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(policy); p++) {
		const struct way w = { policy[p], burst, false };

		up(&w);
		for (unsigned int i = 0; i < 8; i++)
			seg[i] = (struct sluice_seg){ .pa = PA, .len = 64, .prot = SLUICE_RW };
		assert_int_equal(sluice_map_burst(r.d, seg, 8), 8);
		seg[5].len = 65;
		rte_errno = 0;
		assert_int_equal(sluice_unmap_burst(r.d, seg, 8), 5);
		assert_int_equal(rte_errno, EINVAL);
		seg[5].len = 64;
		assert_int_equal(sluice_unmap_burst(r.d, seg + 5, 3), 3);
		assert_int_equal(stats_of(r.d).live, 0);
		rig_down(&r);
	}
}

/* Lengths whose pages, or whose lower bits, are those of a mapping: what a word has no room for. */
static void
a17_lengths_out_of_all_bounds(void **state)
{
	static const uint64_t more[] = { UINT64_C(1) << 13, UINT64_C(1) << 32, UINT64_C(1) << 51,
					 UINT64_C(1) << 52, UINT64_C(1) << 63, UINT64_MAX << 12 };
	static const uint32_t len[] = { 1, 100, 4096, 9000 };

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(ways); i++) {
		if (ways[i].unmap == burst || ways[i].unmap == async_burst)
			continue; /* 32 bits */
		for (unsigned int k = 0; k < RTE_DIM(len); k++) {
			uint64_t pa, iova = 0;
			void *va;

			up(&ways[i]);
			pa = buffer(len[k], &va);
			assert_int_equal(sluice_map(r.d, pa, len[k], SLUICE_RW, &iova), 0);
			for (unsigned int m = 0; m < RTE_DIM(more); m++)
				assert_true(ways[i].unmap(iova, len[k] + more[m]) < 0);
			assert_true(ways[i].unmap(iova, 0) < 0);
			assert_true(ways[i].unmap(iova + 4096, 0) < 0);
			assert_true(ways[i].unmap(iova + 5, 0) < 0);
			assert_int_equal(stats_of(r.d).unmap_errors, RTE_DIM(more) + 3);
			assert_int_equal(stats_of(r.d).live, 1);
			assert_int_equal(ways[i].unmap(iova, len[k]), 0);
			sluice_iommu_mem_free(r.iommu, va, len[k]);
			rig_down(&r);
		}
	}
}

/* One page of a burst that is one mapping, and one of a mapping of several pages, is not a mapping. */
static void
a17_a_piece_is_no_mapping(void **state)
{
	static const struct way w = { "contiguous", burst, false };
	struct sluice_seg seg[4];

	(void)state;
	up(&w);
	for (unsigned int i = 0; i < 4; i++)
		seg[i] = (struct sluice_seg){ .pa = PA + i * 0x10000, .len = 64, .prot = SLUICE_RW };
	assert_int_equal(sluice_map_burst(r.d, seg, 4), 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(sluice_unmap(r.d, seg[i].iova, 64), -EINVAL);
		assert_int_equal(sluice_unmap_burst(r.d, &seg[i], 1), 0);
	}
	assert_int_equal(sluice_unmap_burst(r.d, seg, 3), 0);
	assert_int_equal(sluice_unmap_burst(r.d, seg + 1, 3), 0);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 4), 4);
	/* A burst of one page is a mapping as any. */
	assert_int_equal(sluice_map_burst(r.d, seg, 1), 1);
	assert_int_equal(sluice_unmap(r.d, seg[0].iova, 64), 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a17_to_the_byte),
		cmocka_unit_test(a17_pieces_of_a_burst),
		cmocka_unit_test(a17_kept_and_mapped_again),
		cmocka_unit_test(a17_in_the_middle_of_a_burst),
		cmocka_unit_test(a17_lengths_out_of_all_bounds),
		cmocka_unit_test(a17_a_piece_is_no_mapping),
		cmocka_unit_test(what_is_claimed_is_not_there),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

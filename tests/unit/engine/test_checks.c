/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * checks.h, and what is said of both kinds of builds in <sluice/map.h>: A17 to the byte where callers
 * are checked, to the page where they are not. Two unmaps of one address at once: test_checks_mt.c.
 */
#include "rig.h"

#define PA   UINT64_C(0x300000000)
#define KEEP 64u

static struct rig r;

/* What an unmap returns that is wrong by less than a page. */
#define WITHIN (SLUICE_CHECKS ? -EINVAL : 0)

struct way {
	const char *policy;
	int (*unmap)(uint64_t iova, size_t len);
	bool exact; /* to the byte, in any build */
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
a17_to_the_byte_or_to_the_page(void **state)
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
			int want = ways[i].exact ? -EINVAL : WITHIN;
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

				/* A slot is found by its address: another is none, or another's. */
				if (ways[i].exact)
					assert_true(ret == -EINVAL || ret == -ENOENT);
				else
					assert_int_equal(ret, want);
				assert_int_equal(stats_of(r.d).unmap_errors - errors, ret != 0);
				if (ret != 0)
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
			assert_int_equal(sluice_unmap_burst(r.d, odd, 4), SLUICE_CHECKS ? 0 : 4);
			assert_int_equal(rte_errno, SLUICE_CHECKS ? EINVAL : 0);
			assert_int_equal(sluice_unmap_burst(r.d, seg, 4), SLUICE_CHECKS ? 4 : 0);
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
	assert_int_equal(sluice_unmap(r.d, iova, 500), WITHIN);
	if (SLUICE_CHECKS)
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
	if (!SLUICE_CHECKS) {
		puts("this build does not check its callers (-Dchecks=true)");
		return;
	}
	for (unsigned int i = 0; i < RTE_DIM(ways); i++) {
		for (unsigned int k = 0; k < RTE_DIM(len); k++) {
			uint64_t pa, at, name, iova = 0;
			uint32_t pfn;
			void *va;

			up(&ways[i]);
			pa = buffer(len[k], &va);
			assert_int_equal(sluice_map(r.d, pa, len[k], SLUICE_RW, &iova), 0);
			pfn = (uint32_t)((iova - r.d->iova_base) >> 12);
			name = atomic_exchange(&r.d->names[pfn], 0);
			assert_int_not_equal(name, 0);
			assert_int_equal(ways[i].unmap(iova, len[k]), -ENOENT);
			assert_int_equal(stats_of(r.d).unmap_errors, 1);
			assert_int_equal(stats_of(r.d).live, 1);
			assert_int_equal(sluice_iova_to_pa(r.d, iova + len[k] - 1, &at), 0);
			atomic_store(&r.d->names[pfn], name);
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
		assert_int_equal(sluice_unmap_burst(r.d, seg, 8), SLUICE_CHECKS ? 5 : 8);
		assert_int_equal(rte_errno, SLUICE_CHECKS ? EINVAL : 0);
		seg[5].len = 64;
		if (SLUICE_CHECKS)
			assert_int_equal(sluice_unmap_burst(r.d, seg + 5, 3), 3);
		assert_int_equal(stats_of(r.d).live, 0);
		rig_down(&r);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a17_to_the_byte_or_to_the_page),
		cmocka_unit_test(a17_pieces_of_a_burst),
		cmocka_unit_test(a17_kept_and_mapped_again),
		cmocka_unit_test(a17_in_the_middle_of_a_burst),
		cmocka_unit_test(what_is_claimed_is_not_there),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

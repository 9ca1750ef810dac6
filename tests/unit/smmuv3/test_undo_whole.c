/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A18, through the whole house: a map that fails half-way. Whenever the engine takes a page for a
 * table, a device tries all addresses of interest, and the emulated IOTLB keeps what it finds; then
 * the Nth page and those after it are not to be had, for each N. After the error the device must
 * reach nothing that it did not reach before the call, and no table may be lost.
 */
#include "whole.h"

#define K4       UINT64_C(0x1000)
#define M2       UINT64_C(0x200000)
#define MEM_SIZE (12 * M2)
#define FIXED    (UINT64_C(1) << 40)
#define PLACES   24u /* 2 MiB each that are tried, of the window and of fixed addresses */

static uint64_t window; /* where the domain's begins */

/* What happens where the engine takes a page for a table. */
static struct {
	bool watch;         /* the device tries at each page */
	unsigned int pages; /* taken since */
	unsigned int fail_at;
	unsigned int seen;  /* tries that reached something */
} table;

struct sluice_mem;
void *__real_sluice_mem_page_get(struct sluice_mem *m, uint64_t *pa);
void *__wrap_sluice_mem_page_get(struct sluice_mem *m, uint64_t *pa);

static void
up(const struct sluice_domain_conf *conf)
{
	struct sluice_domain_conf c;

	memset(&table, 0, sizeof(table));
	whole_up("smmuv3,regs=emu,step=1,mem_mb=64", true, conf, MEM_SIZE, M2);
	sluice_domain_get_conf(t.d, &c);
	window = c.iova_base;
	whole_device("emu");
}

/* Does the device reach anything there? */
static bool
reaches(uint64_t iova)
{
	uint8_t byte;
	struct sluice_dma_desc one = { .iova = iova, .dev_mem = &byte, .len = 1 };
	struct sluice_dma_cpl c;

	assert_int_equal(sluice_dma_submit(t.dma, &one, 1), 1);
	while (sluice_dma_completed(t.dma, &c, 1) == 0)
		sluice_iommu_step(t.iommu, 1);
	return c.status == 0;
}

/* The second page of each 2 MiB, which all of the maps below have. */
static void
try_all(bool reached[2 * PLACES])
{
	for (unsigned int i = 0; i < PLACES; i++) {
		reached[2 * i] = reaches(FIXED + i * M2 + K4);
		reached[2 * i + 1] = reaches(window + i * M2 + K4);
	}
}

void *
__wrap_sluice_mem_page_get(struct sluice_mem *m, uint64_t *pa)
{
	bool reached[2 * PLACES];

	if (!table.watch)
		return __real_sluice_mem_page_get(m, pa);
	table.watch = false;
	try_all(reached);
	for (unsigned int i = 0; i < 2 * PLACES; i++)
		table.seen += reached[i];
	table.watch = true;
	return table.pages++ >= table.fail_at ? NULL :
					  __real_sluice_mem_page_get(m, pa);
}

static uint64_t
tables(void)
{
	struct sluice_domain_stats st;

	sluice_domain_get_stats(t.d, &st);
	return st.table_bytes;
}

/* Let @p call fail at each page that it takes. @return at how many; then it succeeded. */
static unsigned int
each_nth(int (*call)(void), bool keeps_tables, int err)
{
	bool before[2 * PLACES], after[2 * PLACES];
	uint64_t held = tables();
	int ret;

	for (unsigned int n = 0;; n++) {
		try_all(before);
		table.pages = 0;
		table.fail_at = n;
		table.watch = true;
		ret = call();
		table.watch = false;
		if (ret == 0 && err == -ENOMEM)
			return n;
		/* Where it always fails: past the last page it took. */
		assert_int_equal(ret, table.pages > n ? -ENOMEM : err);
		try_all(after);
		assert_memory_equal(before, after, sizeof(before));
		if (!keeps_tables)
			assert_int_equal(tables(), held);
		if (table.pages <= n)
			return n;
	}
}

static int
fixed(void)
{
	return sluice_map_fixed(t.d, FIXED, t.pa + K4, 9 * M2, SLUICE_RW);
}

static const struct sluice_domain_conf strict = { .iova_size = PLACES * M2 };

static void
a18_fixed_without_memory(void **state)
{
	(void)state;
	up(&strict);
	/* Level 1 and 2, nine leaves and the one that they reach into. */
	assert_int_equal(each_nth(fixed, false, -ENOMEM), 2 + 9);
	assert_true(reaches(FIXED));
	assert_int_equal(sluice_unmap_fixed(t.d, FIXED, 9 * M2), 0);
	assert_false(reaches(FIXED + K4));
	whole_down();
}

/* Something is in the way, behind what could be mapped before it was found. */
static void
a18_fixed_something_is_mapped(void **state)
{
	const uint64_t way = FIXED + 9 * M2 - K4;

	(void)state;
	up(&strict);
	assert_int_equal(sluice_map_fixed(t.d, way, t.pa, K4, SLUICE_READ), 0);
	each_nth(fixed, false, -EEXIST);
	assert_true(reaches(way));
	assert_int_equal(sluice_unmap_fixed(t.d, way, K4), 0);
	assert_int_equal(fixed(), 0);
	assert_int_equal(sluice_unmap_fixed(t.d, FIXED, 9 * M2), 0);
	whole_down();
}

static int
pool(void)
{
	return sluice_domain_pool(t.d, t.pa + K4, 3 * M2);
}

/* The place for reading is there, then that for writing cannot be made. */
static void
a18_pool(void **state)
{
	static const char *const policy[] = { "static", "hugepool" };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		const struct sluice_domain_conf conf = { .policy = policy[i],
							 .iova_size = 256 * M2 };
		uint64_t iova;

		up(&conf);
		window += 2 * 32 * M2; /* behind both places of the IOMMU's own memory */
		assert_true(each_nth(pool, true, -ENOMEM) > 2);
		/* The device did find half of it, in time. */
		assert_true(i == 0 || table.seen > 0);
		assert_int_equal(sluice_map(t.d, t.pa + K4, 64, SLUICE_RW, &iova), 0);
		assert_true(reaches(iova));
		assert_int_equal(sluice_unmap(t.d, iova, 64), 0);
		whole_down();
	}
}

static uint64_t at;

/* Three tables, and not a whole number of pages. */
static int
run(void)
{
	return sluice_map(t.d, t.pa + K4 + 4, 3 * M2 - K4 + 100, SLUICE_RW, &at);
}

static struct sluice_seg seg[4];

static int
burst(void)
{
	unsigned int n;

	for (unsigned int i = 0; i < 4; i++)
		seg[i] = (struct sluice_seg){ .pa = t.pa + 2 * i * K4 + 8, .len = M2, .prot = SLUICE_RW };
	n = sluice_map_burst(t.d, seg, 4);
	if (n == 4)
		return 0;
	/* What came before stays: that is no failure, and is undone here. */
	at = (uint64_t)-rte_errno;
	assert_int_equal(sluice_unmap_burst(t.d, seg, n), n);
	(void)sluice_domain_drain(t.d);
	return (int)at;
}

static void
a18_window(void **state)
{
	static const char *const policy[] = { "strict", "strict-batched", "deferred", "strict-async",
					      "deferred-single", "rollover", "contiguous",
					      "persistent", "copy", "hybrid" };

	(void)state;
	for (unsigned int i = 0; i <= RTE_DIM(policy); i++) {
		const struct sluice_domain_conf conf = { .policy = policy[i % RTE_DIM(policy)],
							 .untrusted = i == RTE_DIM(policy),
							 .copy_pool = 1 << 20,
							 .iova_size = PLACES * M2 };

		up(&conf);
		assert_true(each_nth(run, true, -ENOMEM) > 0);
		assert_true(reaches(at));
		assert_int_equal(sluice_unmap(t.d, at, 3 * M2 - K4 + 100), 0);
		whole_down();
		up(&conf);
		assert_true(each_nth(burst, true, -ENOMEM) > 0);
		assert_true(reaches(seg[3].iova));
		assert_int_equal(sluice_unmap_burst(t.d, seg, 4), 4);
		whole_down();
	}
}

/* A table that is given back is not found any more, by a device that has just used it (A5). */
static void
a5_fixed_tables_are_forgotten_first(void **state)
{
	uint64_t held;

	(void)state;
	up(&strict);
	held = tables();
	for (unsigned int i = 0; i < 3 * 8; i++) {
		uint64_t len = i % 3 == 0 ? K4 : i % 3 == 1 ? M2 : 3 * M2 + 2 * K4;

		assert_int_equal(sluice_map_fixed(t.d, FIXED, t.pa, len, SLUICE_RW), 0);
		assert_true(reaches(FIXED + len - 1));
		assert_true(reaches(FIXED));
		assert_int_equal(sluice_unmap_fixed(t.d, FIXED, len), 0);
		assert_int_equal(tables(), held);
		assert_false(reaches(FIXED + len - 1));
		assert_false(reaches(FIXED));
	}
	whole_down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a18_fixed_without_memory),
		cmocka_unit_test(a18_fixed_something_is_mapped),
		cmocka_unit_test(a18_pool),
		cmocka_unit_test(a18_window),
		cmocka_unit_test(a5_fixed_tables_are_forgotten_first),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

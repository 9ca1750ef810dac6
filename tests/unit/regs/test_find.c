/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Finding SMMUv3s: device trees and IORTs made by hand, good ones and broken ones; and whose they
 * are.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tree.h"

#define DT "/sys/firmware/devicetree/base"

static int
set_up(void **state)
{
	(void)state;
	tree_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	tree_remove();
	return 0;
}

/* ---- device tree ----------------------------------------------------------------------------- */

static void
put_cells(const char *path, const uint32_t *v, unsigned int n)
{
	uint8_t b[64];

	for (unsigned int i = 0; i < n; i++)
		for (unsigned int k = 0; k < 4; k++)
			b[4 * i + k] = (uint8_t)(v[i] >> (24 - 8 * k));
	tree_put(path, b, 4 * (size_t)n);
}

#define CELLS(path, ...)                                                                           \
	put_cells(path, (const uint32_t[]){ __VA_ARGS__ },                                         \
		  sizeof((const uint32_t[]){ __VA_ARGS__ }) / 4)

static void
test_dt_virt(void **state)
{
	uint64_t at[4] = { 0 };

	(void)state;
	assert_int_equal(host_find_dt(at, 4), 0); /* no tree at all */
	CELLS(DT "/#address-cells", 2);
	CELLS(DT "/#size-cells", 2);
	tree_text(DT "/name", "");
	tree_put(DT "/pl011@9000000/compatible", "arm,pl011\0arm,primecell", 24);
	assert_int_equal(host_find_dt(at, 4), 0);
	tree_put(DT "/smmuv3@9050000/compatible", "arm,smmu-v3", 12);
	CELLS(DT "/smmuv3@9050000/reg", 0, 0x9050000, 0, 0x20000);
	assert_int_equal(host_find_dt(at, 4), 1);
	assert_int_equal(at[0], 0x9050000);
	/* One that is switched off, one that is something else, one without an address. */
	tree_put(DT "/a/compatible", "arm,smmu-v3", 12);
	CELLS(DT "/a/reg", 0, 0x1000000, 0, 0x20000);
	tree_put(DT "/a/status", "disabled", 9);
	tree_put(DT "/b/compatible", "arm,smmu-v3-not", 16);
	CELLS(DT "/b/reg", 0, 0x1000000, 0, 0x20000);
	tree_put(DT "/c/compatible", "arm,smmu-v3", 12);
	CELLS(DT "/c/reg", 0, 0x1000000);
	assert_int_equal(host_find_dt(at, 4), 1);
	tree_put(DT "/a/status", "okay", 5);
	assert_int_equal(host_find_dt(at, 1), 2); /* counted beyond what fits */
}

static void
test_dt_buses(void **state)
{
	uint64_t at[4] = { 0 };

	(void)state;
	CELLS(DT "/#address-cells", 2);
	CELLS(DT "/#size-cells", 2);
	/* soc: 1 + 1 cells, its 0x80000000 is 0x1_00000000; bus below it: 2 + 1 cells, the same. */
	CELLS(DT "/soc/#address-cells", 1);
	CELLS(DT "/soc/#size-cells", 1);
	CELLS(DT "/soc/ranges", 0x10000000, 0, 0x10000000, 0x1000000, 0x80000000, 1, 0, 0x10000000);
	CELLS(DT "/soc/bus/#address-cells", 2);
	CELLS(DT "/soc/bus/#size-cells", 1);
	tree_put(DT "/soc/bus/iommu/compatible", "acme,smmu\0arm,smmu-v3", 22);
	CELLS(DT "/soc/bus/iommu/reg", 0, 0x82600000, 0x20000);
	/* No ranges at all: what is below is not the processor's. */
	assert_int_equal(host_find_dt(at, 4), 0);
	tree_text(DT "/soc/bus/ranges", "x"); /* a file of no bytes: the same addresses */
	assert_int_equal(truncate(tree_path(DT "/soc/bus/ranges"), 0), 0);
	assert_int_equal(host_find_dt(at, 4), 1);
	assert_true(at[0] == UINT64_C(0x102600000));
	/* Outside every range. */
	CELLS(DT "/soc/bus/iommu/reg", 0, 0x92600000, 0x20000);
	assert_int_equal(host_find_dt(at, 4), 0);
	/* No cells at all, above and below: entries of no length, of which there is no end. */
	tree_put(DT "/flat/compatible", "simple-bus", 11);
	CELLS(DT "/flat/#address-cells", 0);
	CELLS(DT "/flat/#size-cells", 0);
	CELLS(DT "/flat/flat/#address-cells", 0);
	CELLS(DT "/flat/flat/#size-cells", 0);
	CELLS(DT "/flat/flat/ranges", 1, 2, 3);
	tree_put(DT "/flat/flat/iommu/compatible", "arm,smmu-v3", 12);
	CELLS(DT "/flat/flat/iommu/reg", 1);
	assert_int_equal(host_find_dt(at, 4), 0);
	/* Cells beyond reason. */
	CELLS(DT "/soc/bus/#address-cells", 0x40000000);
	assert_int_equal(host_find_dt(at, 4), 0);
	CELLS(DT "/soc/bus/#address-cells", 5);
	CELLS(DT "/soc/bus/iommu/reg", 0, 0, 0, 0, 0x82600000, 0x20000);
	assert_int_equal(host_find_dt(at, 4), 0);
}

/* ---- IORT ------------------------------------------------------------------------------------ */

static uint8_t iort[512];
static size_t iort_len;

static void
le(size_t off, unsigned int bytes, uint64_t v)
{
	for (unsigned int i = 0; i < bytes; i++)
		iort[off + i] = (uint8_t)(v >> (8 * i));
}

static void
iort_begin(void)
{
	memset(iort, 0, sizeof(iort));
	memcpy(iort, "IORT", 4);
	iort_len = 48;
	le(40, 4, 48);
}

/* Type, length, base. */
static void
iort_node(uint8_t type, uint16_t len, uint64_t base)
{
	iort[iort_len] = type;
	le(iort_len + 1, 2, len);
	if (len >= 24)
		le(iort_len + 16, 8, base);
	iort_len += len;
	le(36, 4, (uint64_t)iort[36] + 1);
}

static void
iort_put(size_t claimed)
{
	uint8_t sum = 0;

	le(4, 4, claimed);
	iort[9] = 0;
	for (size_t i = 0; i < claimed && i < sizeof(iort); i++)
		sum = (uint8_t)(sum + iort[i]);
	iort[9] = (uint8_t)-sum;
	tree_put("/sys/firmware/acpi/tables/IORT", iort, iort_len);
}

static void
test_iort(void **state)
{
	uint64_t at[4] = { 0 };

	(void)state;
	assert_int_equal(host_find_iort(at, 4), 0);
	iort_begin();
	iort_node(0, 24, 0xdead0000); /* ITS group */
	iort_node(4, 68, 0x9050000);
	iort_node(2, 56, 0xbeef0000); /* root complex */
	iort_node(4, 68, UINT64_C(0x2b400000000));
	iort_put(iort_len);
	assert_int_equal(host_find_iort(at, 4), 2);
	assert_int_equal(at[0], 0x9050000);
	assert_true(at[1] == UINT64_C(0x2b400000000));
	assert_int_equal(host_find_iort(at, 1), 2);
	/* A wrong sum, a wrong name: not a table. */
	iort[100] ^= 1;
	tree_put("/sys/firmware/acpi/tables/IORT", iort, iort_len);
	assert_int_equal(host_find_iort(at, 4), 0);
	iort[100] ^= 1;
	iort[0] = 'X';
	iort_put(iort_len);
	assert_int_equal(host_find_iort(at, 4), 0);
}

/* Lengths that lie. What was read before the lie may count, nothing beyond the table is touched. */
static void
test_iort_lies(void **state)
{
	static const struct {
		size_t off;
		unsigned int bytes;
		uint64_t v;
		unsigned int found;
	} t[] = {
		{ 36, 4, UINT32_MAX, 1 },    { 40, 4, 0, 0 },	{ 40, 4, UINT32_MAX, 0 },
		{ 40, 4, 100, 0 },	     { 49, 2, 0, 0 },	{ 49, 2, 15, 0 },
		{ 49, 2, UINT16_MAX, 0 },    { 49, 2, 69, 0 },	{ 49, 2, 16, 0 },
		{ 36, 4, 0, 0 },
	};
	uint64_t at[4];

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		iort_begin();
		iort_node(4, 68, 0x9050000);
		le(t[i].off, t[i].bytes, t[i].v);
		iort_put(iort_len);
		if (host_find_iort(at, 4) != t[i].found)
			fail_msg("lie %zu", i);
	}
	iort_begin();
	iort_node(4, 68, 0x9050000);
	iort_put(iort_len + 1); /* longer than it is */
	assert_int_equal(host_find_iort(at, 4), 0);
	iort_put(47);
	assert_int_equal(host_find_iort(at, 4), 0);
	iort_len = 10;
	iort_put(10);
	assert_int_equal(host_find_iort(at, 4), 0);
}

/* ---- whose ----------------------------------------------------------------------------------- */

#define BASE UINT64_C(0x9050000)

static void
refused(const char *says)
{
	assert_int_equal(host_check_free(BASE), -EBUSY);
	if (strstr(sluice_error(), says) == NULL || strstr(sluice_error(), "0x9050000") == NULL)
		fail_msg("'%s' does not say '%s'", sluice_error(), says);
}

static void
test_owner(void **state)
{
	(void)state;
	assert_int_equal(host_check_free(BASE), 0);
	tree_text("/proc/iomem", "00000000-00000000 : secret\n");
	assert_int_equal(host_check_free(BASE), 0);
	tree_text("/proc/iomem", "09000000-09000fff : pl011@9000000\n"
				 "09070000-09070fff : other\n40000000-7fffffff : System RAM\n");
	assert_int_equal(host_check_free(BASE), 0);
	assert_int_equal(host_check_free(0x44000000), -EBUSY);
	assert_non_null(strstr(sluice_error(), "System RAM"));
	tree_text("/proc/iomem", "09050000-0906ffff : 9050000.smmuv3 smmuv3@9050000\n");
	refused("9050000.smmuv3"); /* nobody knows such a device: some use of it */
	/* A device without a driver only says where it is. */
	tree_put("/sys/bus/platform/devices/9050000.smmuv3", NULL, 0);
	assert_int_equal(host_check_free(BASE), 0);
	tree_link("/sys/bus/platform/devices/9050000.smmuv3/driver", "../../drivers/arm-smmu-v3");
	refused("driver arm-smmu-v3 (device 9050000.smmuv3)");
	/* ACPI: the device's own line, and the driver's below it. */
	tree_text("/proc/iomem", "09050000-0906ffff : arm-smmu-v3.0.auto\n"
				 "  09050000-09050dff : arm-smmu-v3.0.auto\n");
	tree_put("/sys/bus/platform/devices/arm-smmu-v3.0.auto", NULL, 0);
	assert_int_equal(host_check_free(BASE), 0);
	tree_link("/sys/bus/platform/devices/arm-smmu-v3.0.auto/driver",
		  "../../drivers/arm-smmu-v3");
	refused("arm-smmu-v3.0.auto");
	/* Its first bytes count, and its last ones. */
	tree_text("/proc/iomem", "09050000-090500ff : something small\n");
	refused("something small");
	tree_text("/proc/iomem", "0906f000-0906ffff : something else\n");
	refused("something else");
	/* Without /proc/iomem the driver's own list still tells. */
	unlink(tree_path("/proc/iomem"));
	tree_link("/sys/bus/platform/drivers/arm-smmu-v3/9060000.smmuv3", "x");
	assert_int_equal(host_check_free(BASE), 0);
	tree_link("/sys/bus/platform/drivers/arm-smmu-v3/9050000.smmuv3", "x");
	refused("driver arm-smmu-v3");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_dt_virt, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_dt_buses, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_iort, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_iort_lies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_owner, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

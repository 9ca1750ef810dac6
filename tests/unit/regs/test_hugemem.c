/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory for real hardware, from real huge pages with physical addresses. Skipped (77) where
 * there are none, or the kernel does not tell the addresses.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_eal.h>

#include "../../../pmd/regs/host/host.h"

/* What the kernel says of an address: bits 0-54 of a /proc/self/pagemap entry. */
static uint64_t
kernel_pa(const void *va)
{
	int fd = open("/proc/self/pagemap", O_RDONLY);
	uint64_t e = 0;

	assert_int_equal(pread(fd, &e, 8, (off_t)((uintptr_t)va / 4096 * 8)), 8);
	close(fd);
	return (e & ((UINT64_C(1) << 55) - 1)) * 4096;
}

static unsigned long huge_pages_free(void);

static void
check(struct host_mem *m)
{
	struct sluice_mem_span s = sluice_mem_span(m->mem);

	assert_int_equal(s.pa % (2u << 20), 0);
	for (uint64_t i = 0; i < s.len; i += 4096) {
		assert_int_equal(s.va[i], 0);
		s.va[i] = 0xff;
		if (kernel_pa(s.va + i) != s.pa + i)
			fail_msg("page %ju is not where it should be", (uintmax_t)i / 4096);
	}
}

static int
by_value(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The longest run of neighbours among all free huge pages, found out here independently. */
static size_t
longest_run(void)
{
	size_t n = huge_pages_free(), best = 1, run = 1, page = (size_t)2 << 20;
	int fd = memfd_create("all", MFD_HUGETLB);
	uint64_t *pa = calloc(n, sizeof(*pa));
	uint8_t *va;

	assert_true(fd >= 0 && pa != NULL && ftruncate(fd, (off_t)(n * page)) == 0);
	va = mmap(NULL, n * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(va, MAP_FAILED);
	for (size_t i = 0; i < n; i++) {
		va[i * page] = 1;
		pa[i] = kernel_pa(va + i * page);
	}
	munmap(va, n * page);
	close(fd);
	qsort(pa, n, sizeof(*pa), by_value);
	for (size_t i = 1; i < n; i++) {
		run = pa[i] == pa[i - 1] + page ? run + 1 : 1;
		best = run > best ? run : best;
	}
	free(pa);
	return best;
}

/* A piece as long as there is one is found, wherever its pages are. */
static void
test_longest(void **state)
{
	size_t run = longest_run();
	struct host_mem m;

	(void)state;
	print_message("the longest piece: %zu MiB\n", 2 * run);
	if (host_mem_take(2 * run, &m) != 0)
		fail_msg("%s", sluice_error());
	check(&m);
	host_mem_give(&m);
	assert_int_equal(host_mem_take(2 * run + 2, &m), -ENOMEM);
}

/* Contiguous and zeroed each time, and all of it given back. */
static void
test_take(void **state)
{
	unsigned long before = huge_pages_free();
	struct host_mem m, other;

	(void)state;
	for (int turn = 0; turn < 4; turn++) {
		if (host_mem_take(4, &m) != 0)
			fail_msg("%s", sluice_error());
		assert_int_equal(sluice_mem_span(m.mem).len, 4u << 20);
		check(&m);
		assert_int_equal(host_mem_take(2, &other), 0);
		check(&other);
		host_mem_give(&other);
		host_mem_give(&m);
		host_mem_give(&m); /* nothing to give */
	}
	/* More than there is: refused by name. As much as there is: something. */
	assert_int_equal(host_mem_take(65536, &m), -ENOMEM);
	assert_non_null(strstr(sluice_error(), "mem_mb=65536"));
	assert_int_equal(host_mem_take(0, &m), 0);
	assert_in_range(sluice_mem_span(m.mem).len, 4u << 20, 64u << 20);
	print_message("default: %zu MiB in one piece\n", (size_t)sluice_mem_span(m.mem).len >> 20);
	check(&m);
	host_mem_give(&m);
	assert_int_equal(huge_pages_free(), before);
}

static unsigned long
huge_pages_free(void)
{
	FILE *f = fopen("/proc/meminfo", "re");
	unsigned long n = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		sscanf(line, "HugePages_Free: %lu", &n);
	if (f != NULL)
		fclose(f);
	return n;
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_take),
					    cmocka_unit_test(test_longest) };
	char *argv[] = { (char *)(uintptr_t)"test", (char *)(uintptr_t)"--lcores=0",
			 (char *)(uintptr_t)"--in-memory", (char *)(uintptr_t)"--iova-mode=pa",
			 (char *)(uintptr_t)"-m", (char *)(uintptr_t)"16",
			 (char *)(uintptr_t)"--no-pci", (char *)(uintptr_t)"--no-telemetry",
			 (char *)(uintptr_t)"--log-level=4" };

	if (geteuid() != 0 || huge_pages_free() < 40) {
		fprintf(stderr, "skipped: root and 40 free huge pages of 2 MiB are wanted\n");
		return 77;
	}
	if (rte_eal_init((int)RTE_DIM(argv), argv) < 0) {
		fprintf(stderr, "skipped: EAL does not start with huge pages and --iova-mode=pa\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

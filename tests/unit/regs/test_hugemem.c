/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory for real hardware, from real huge pages with physical addresses. Skipped (77) where
 * there are none, or the kernel does not tell the addresses.
 *
 * The machine's huge pages are everybody's: others take some and give some back while this runs. So
 * nothing here rests on how many are free, but on what this process holds.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_eal.h>

#include "../../../pmd/regs/host/host.h"

#define SAMPLE 128u /* huge pages: others want some too */

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

/* A run of neighbours that is free, found out here independently, among SAMPLE pages at most. */
static size_t
longest_run(void)
{
	size_t n = SAMPLE, best = 1, run = 1, page = (size_t)2 << 20;
	int fd = memfd_create("all", MFD_HUGETLB);
	uint64_t *pa = calloc(n, sizeof(*pa));
	uint8_t *va = MAP_FAILED;

	assert_true(fd >= 0 && pa != NULL);
	for (; va == MAP_FAILED && n > 0; n -= va == MAP_FAILED) {
		assert_int_equal(ftruncate(fd, (off_t)(n * page)), 0);
		va = mmap(NULL, n * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	}
	if (va == MAP_FAILED) {
		close(fd);
		free(pa);
		return 0;
	}
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

/* A number of a file in /proc that has one on a line. */
static uint64_t
proc_number(const char *path, const char *format)
{
	FILE *f = fopen(path, "re");
	unsigned long n = 0;
	char line[128];

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, format, &n) == 1)
			break;
	if (f != NULL)
		fclose(f);
	return n;
}

/*
 * The bytes of huge pages in files of the code under test that this process has mapped or open,
 * whether or not the pages themselves are mapped: blocks of the file, counted once.
 */
static uint64_t
bytes_held(void)
{
	static const char *const dirs[] = { "/proc/self/map_files", "/proc/self/fd" };
	uint64_t seen[64], bytes = 0;
	unsigned int n = 0;

	for (size_t i = 0; i < RTE_DIM(dirs); i++) {
		DIR *d = opendir(dirs[i]);
		struct dirent *ent;

		assert_non_null(d);
		while ((ent = readdir(d)) != NULL) {
			char target[256] = "";
			unsigned int k = 0;
			struct stat st;

			if (readlinkat(dirfd(d), ent->d_name, target, sizeof(target) - 1) < 0 ||
			    strncmp(target, "/memfd:sluice-dma", 17) != 0 ||
			    fstatat(dirfd(d), ent->d_name, &st, 0) != 0)
				continue;
			while (k < n && seen[k] != st.st_ino)
				k++;
			if (k < n)
				continue;
			assert_true(n < RTE_DIM(seen));
			seen[n++] = st.st_ino;
			bytes += (uint64_t)st.st_blocks * 512;
		}
		closedir(d);
	}
	return bytes;
}

/* All huge pages that this process has mapped, KiB. */
static uint64_t
kib_mapped(void)
{
	return proc_number("/proc/self/status", "HugetlbPages: %lu");
}

/* Take, however others come and go: refused only while there is no such piece, and where others
 * leave none for long there is nothing to be tested. */
static void
take(uint64_t mb, struct host_mem *m)
{
	for (int turn = 0; host_mem_take(mb, m) != 0; turn++) {
		size_t run = longest_run();

		if (turn >= 20 && 2 * run >= (mb != 0 ? mb : 4))
			fail_msg("%s, and there is one of %zu MiB", sluice_error(), 2 * run);
		if (turn == 50) {
			print_message("skipped: others have the huge pages\n");
			skip();
		}
		usleep(50000);
	}
}

/* What is held is what was asked for, and not a page more, whose ever it was on the way. */
static void
holds(const struct host_mem *m, const struct host_mem *other)
{
	uint64_t want = m->mz == NULL ? m->len : 0;

	if (other != NULL && other->mz == NULL)
		want += other->len;
	assert_int_equal(bytes_held(), want);
}

/* A piece as long as there is one is found, wherever its pages are. */
static void
test_longest(void **state)
{
	uint64_t total_mb = 2 * proc_number("/proc/meminfo", "HugePages_Total: %lu");
	struct host_mem m;
	bool found = false;
	int ret = -ENOMEM;

	(void)state;
	/* Somebody may take a page of that run in between: then another run counts. */
	for (int turn = 0; turn < 20 && ret != 0; turn++) {
		size_t run = longest_run();

		if (turn != 0)
			usleep(50000);
		if (run == 0)
			continue;
		found = true;
		ret = host_mem_take(2 * run, &m);
		if (ret == 0)
			print_message("a free piece, and it is found: %zu MiB\n", 2 * run);
	}
	if (!found) {
		print_message("skipped: others have the huge pages\n");
		skip();
	}
	if (ret != 0)
		fail_msg("%s", sluice_error());
	check(&m);
	holds(&m, NULL);
	host_mem_give(&m);
	assert_int_equal(host_mem_take(total_mb + 2, &m), -ENOMEM);
	assert_int_equal(bytes_held(), 0);
}

/* Contiguous and zeroed each time, and all of it given back. */
static void
test_take(void **state)
{
	uint64_t before = kib_mapped();
	struct host_mem m, other;

	(void)state;
	for (int turn = 0; turn < 4; turn++) {
		take(4, &m);
		assert_int_equal(sluice_mem_span(m.mem).len, 4u << 20);
		check(&m);
		take(2, &other);
		check(&other);
		holds(&m, &other);
		host_mem_give(&other);
		holds(&m, NULL);
		host_mem_give(&m);
		host_mem_give(&m); /* nothing to give */
		assert_int_equal(bytes_held(), 0);
	}
	/* More than there is: refused by name. As much as there is: something. */
	assert_int_equal(host_mem_take(65536, &m), -ENOMEM);
	assert_non_null(strstr(sluice_error(), "mem_mb=65536"));
	take(0, &m);
	assert_in_range(sluice_mem_span(m.mem).len, 4u << 20, 64u << 20);
	print_message("default: %zu MiB in one piece\n", (size_t)sluice_mem_span(m.mem).len >> 20);
	check(&m);
	holds(&m, NULL);
	host_mem_give(&m);
	assert_int_equal(bytes_held(), 0);
	assert_int_equal(kib_mapped(), before);
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

	if (geteuid() != 0 || proc_number("/proc/meminfo", "HugePages_Free: %lu") < 40) {
		fprintf(stderr, "skipped: root and 40 free huge pages of 2 MiB are wanted\n");
		return 77;
	}
	if (rte_eal_init((int)RTE_DIM(argv), argv) < 0) {
		fprintf(stderr, "skipped: EAL does not start with huge pages and --iova-mode=pa\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

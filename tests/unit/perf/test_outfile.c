/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Files of the tools: whole or not there, and no temporary one left behind.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../apps/shared/outfile.h"

static char dir[] = "/tmp/sluice-test-out-XXXXXX";

static char *
in_dir(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static unsigned int
files_in_dir(void)
{
	char cmd[160];
	unsigned int n = 99;
	FILE *f;

	snprintf(cmd, sizeof(cmd), "ls -A %s | wc -l", dir);
	f = popen(cmd, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%u", &n), 1);
	pclose(f);
	return n;
}

static void
files_appear_whole(void **state)
{
	char why[PLACE_WHY];
	struct outfile of;
	struct stat st;

	(void)state;
	assert_int_equal(outfile_open(&of, in_dir("a"), why), 0);
	assert_int_not_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(files_in_dir(), 0);
	assert_int_equal(outfile_put(&of, "hello", 5, why), 0);
	assert_int_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(st.st_size, 5);
	assert_int_equal(files_in_dir(), 1);
	/* Again, with more. */
	assert_int_equal(outfile_put(&of, "hello again", 11, why), 0);
	assert_int_equal(stat(in_dir("a"), &st), 0);
	assert_int_equal(st.st_size, 11);
	outfile_close(&of);
	/* Another run that writes nothing leaves the old file, and nothing else. */
	assert_int_equal(outfile_open(&of, in_dir("a"), why), 0);
	outfile_close(&of);
	assert_int_equal(files_in_dir(), 1);
	unlink(in_dir("a"));
}

static void
unwritable_is_refused(void **state)
{
	char why[PLACE_WHY];
	struct outfile of;

	(void)state;
	assert_int_equal(outfile_open(&of, "/no/such/folder/f", why), -1);
	assert_int_equal(outfile_open(&of, dir, why), -1);
	assert_int_equal(outfile_open(&of, "", why), -1);
	assert_int_equal(files_in_dir(), 0);
	assert_int_equal(outfile_open(&of, "/dev/full", why), 0);
	assert_int_equal(outfile_put(&of, "x", 1, why), -ENOSPC);
	outfile_close(&of);
}

static int
set_up(void **state)
{
	(void)state;
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int
tear_down(void **state)
{
	(void)state;
	return rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_appear_whole),
		cmocka_unit_test(unwritable_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A made-up /proc, /sys and /dev in a folder of its own, for what reads the machine's.
 */
#ifndef TEST_TREE_H
#define TEST_TREE_H

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../pmd/regs/host/host.h"

static char tree_root[] = "/tmp/sluice-host-XXXXXX";

static inline char *
tree_path(const char *path)
{
	static char full[512];

	snprintf(full, sizeof(full), "%s%s", tree_root, path);
	return full;
}

/** A file of @p len bytes, the folders above it made. @p len 0: a folder. */
static inline void
tree_put(const char *path, const void *data, size_t len)
{
	char *full = tree_path(path), *slash;
	FILE *f;

	for (slash = strchr(full + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(full, 0700) != 0 && errno != EEXIST)
			fail_msg("%s: %s", full, strerror(errno));
		*slash = '/';
	}
	if (len == 0) {
		(void)mkdir(full, 0700);
		return;
	}
	f = fopen(full, "we");
	if (f == NULL || fwrite(data, 1, len, f) != len || fclose(f) != 0)
		fail_msg("%s: %s", full, strerror(errno));
}

static inline void
tree_text(const char *path, const char *text)
{
	tree_put(path, text, strlen(text));
}

static inline void
tree_link(const char *path, const char *target)
{
	tree_put(path, "x", 1);
	unlink(tree_path(path));
	assert_int_equal(symlink(target, tree_path(path)), 0);
}

static int
tree_remove_one(const char *path, const struct stat *st, int what, struct FTW *at)
{
	(void)st;
	(void)what;
	(void)at;
	return remove(path);
}

/** Begin with an empty tree. */
static inline void
tree_new(void)
{
	snprintf(strrchr(tree_root, '-'), 8, "-XXXXXX");
	assert_non_null(mkdtemp(tree_root));
	host_root = tree_root;
}

static inline void
tree_remove(void)
{
	nftw(tree_root, tree_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: firmware that says anything, as an ACPI IORT or as a device tree. The files and
 * folders come out of the input; nothing of the machine is read.
 */
#include <dirent.h>
#include <errno.h>
#include <stdarg.h>

#include "../../pmd/regs/host/host.h"
#include "fuzz.h"

#define NODES_MAX 64u /* folders in one device tree */
#define FOUND_MAX 4u

static struct fuzz_in in;
static unsigned int nodes;

/* In the place of host.c. */
const char *host_root = "";

const char *
host_path(char *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, HOST_PATH, fmt, ap);
	va_end(ap);
	return buf;
}

/* A property: often what a good tree would say, so that the walk gets somewhere. */
ssize_t
host_read(const char *path, void *buf, size_t len)
{
	const char *name = strrchr(path, '/') + 1;
	size_t n = 0;

	if (strcmp(name, "IORT") == 0) {
		n = in.left < len ? in.left : len;
		memcpy(buf, in.p, n);
		return (ssize_t)n;
	}
	switch (fuzz_take(&in, 1) & 3) {
	case 0:
		return -ENOENT;
	case 1:
		if (strcmp(name, "compatible") == 0) {
			n = sizeof("arm,smmu-v3");
			memcpy(buf, "arm,smmu-v3", n < len ? n : len);
		} else if (name[0] == '#') {
			n = 4;
			memcpy(buf, (const uint8_t[]){ 0, 0, 0, (uint8_t)fuzz_take(&in, 1) }, 4);
		}
		return (ssize_t)n;
	default:
		n = (size_t)fuzz_take(&in, 1) * 5;
		n = n < len ? n : len;
		for (size_t i = 0; i < n; i++)
			((uint8_t *)buf)[i] = (uint8_t)fuzz_take(&in, 1);
		return (ssize_t)n;
	}
}

/* find_dt.c is compiled with these for opendir(), readdir() and closedir(). */
DIR *fuzz_opendir(const char *path);
struct dirent *fuzz_readdir(DIR *dir);
int fuzz_closedir(DIR *dir);

DIR *
fuzz_opendir(const char *path)
{
	FUZZ_REQUIRE(strlen(path) < HOST_PATH);
	return nodes < NODES_MAX ? (DIR *)malloc(1) : NULL;
}

struct dirent *
fuzz_readdir(DIR *dir)
{
	static struct dirent e;
	uint8_t what = (uint8_t)fuzz_take(&in, 1);

	(void)dir;
	if ((what & 1) == 0 || nodes >= NODES_MAX)
		return NULL;
	nodes++;
	e.d_type = what & 2 ? DT_DIR : DT_UNKNOWN;
	memset(e.d_name, 'n', sizeof(e.d_name));
	e.d_name[what >> 2 == 63 ? sizeof(e.d_name) - 1 : 1 + (what >> 4)] = '\0';
	return &e;
}

int
fuzz_closedir(DIR *dir)
{
	free(dir);
	return 0;
}

static void
iort(const uint8_t *data, size_t size)
{
	uint8_t *table = malloc(size), sum = 0;
	uint64_t base[FOUND_MAX];

	FUZZ_REQUIRE(table != NULL || size == 0);
	memcpy(table, data, size);
	/* A right sum and signature, or little would be reached. */
	if (size >= 48) {
		memcpy(table, "IORT", 4);
		table[9] = 0;
		for (size_t i = 0; i < size; i++)
			sum = (uint8_t)(sum + table[i]);
		table[9] = (uint8_t)-sum;
	}
	in = (struct fuzz_in){ table, size };
	FUZZ_REQUIRE(host_find_iort(base, FOUND_MAX) <= size / 16);
	free(table);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t *base;

	if (size > 1 && (data[0] & 1) != 0) {
		iort(data + 1, size - 1);
		return 0;
	}
	base = calloc(FOUND_MAX, sizeof(*base));
	FUZZ_REQUIRE(base != NULL);
	in = (struct fuzz_in){ data, size };
	fuzz_take(&in, 1);
	nodes = 0;
	FUZZ_REQUIRE(host_find_dt(base, FOUND_MAX) <= 2 * NODES_MAX);
	free(base);
	return 0;
}

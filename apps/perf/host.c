/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The machine's description comes from /proc and uname().
 */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_version.h>

#include "host.h"

/* Get the value behind "key<blanks>:" in a /proc file; without one buf stays as it is. */
static void
proc_value(const char *path, const char *key, char *buf, size_t size)
{
	FILE *f = fopen(path, "re");
	size_t n = strlen(key);
	char line[512];

	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL) {
		char *v = line + n + strspn(line + n, " \t");

		if (strncmp(line, key, n) != 0 || *v != ':')
			continue;
		v += 1 + strspn(v + 1, " \t");
		v[strcspn(v, "\n")] = '\0';
		snprintf(buf, size, "%s", v);
		break;
	}
	fclose(f);
}

static uint64_t
meminfo(const char *key)
{
	char v[64] = "0";
	unsigned long long n = 0;

	proc_value("/proc/meminfo", key, v, sizeof(v));
	sscanf(v, "%llu", &n);
	return n;
}

void
perf_host_get(struct perf_host *h)
{
	struct utsname u;

	memset(h, 0, sizeof(*h));
	if (uname(&u) == 0) {
		snprintf(h->cpu, sizeof(h->cpu), "%s", u.machine);
		snprintf(h->kernel, sizeof(h->kernel), "%s %s", u.sysname, u.release);
	}
	proc_value("/proc/cpuinfo", "model name", h->cpu, sizeof(h->cpu));
	h->cores = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	snprintf(h->dpdk, sizeof(h->dpdk), "%s", rte_version());
	h->huge = rte_eal_has_hugepages() != 0;
	h->huge_total = meminfo("HugePages_Total");
	h->huge_kb = meminfo("Hugepagesize");
}

void
perf_host_huge_text(const struct perf_host *h, char *buf, size_t size)
{
	if (!h->huge)
		snprintf(buf, size, "no huge pages used");
	else
		snprintf(buf, size, "huge pages %llu x %llu KiB", (unsigned long long)h->huge_total,
			 (unsigned long long)h->huge_kb);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What to try when EAL does not start.
 */
#include <stdio.h>
#include <string.h>

#include "../shared/eal_start.h"
#include "eal.h"
#include "msg.h"

int
perf_eal_init(int argc, char **argv)
{
	char why[512], given[256] = "";
	size_t at = 0;

	if (eal_start(argc, argv, why, sizeof(why)) == 0)
		return 0;
	for (int i = 1; i < argc && at < sizeof(given); i++)
		at += (size_t)snprintf(given + at, sizeof(given) - at, " %s", argv[i]);
	if (strcasestr(why, "hugepage") != NULL || strcasestr(why, "enough memory") != NULL)
		return perf_usage_error("EAL did not start: %s; without huge pages give "
					"--no-huge -m 512, or reserve some with dpdk-hugepages.py "
					"-p 2M --setup 512M", why);
	return perf_usage_error("EAL did not start: %s; check its arguments, \"%s\" (without huge "
				"pages: --no-huge -m 512)", why, at != 0 ? given + 1 : "");
}

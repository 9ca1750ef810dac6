/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Finding a counter by its name, which must be there. To be included after cmocka.h.
 */
#ifndef XSTAT_H
#define XSTAT_H

#include <string.h>

#include <sluice/iommu.h>

#define XSTAT_MAX 128u

static inline uint64_t
xstat_value(const struct sluice_xstat *xs, unsigned int n, const char *name)
{
	assert_true(n <= XSTAT_MAX);
	for (unsigned int i = 0; i < n; i++)
		if (strcmp(xs[i].name, name) == 0)
			return xs[i].value;
	fail_msg("no counter %s", name);
	return 0;
}

#endif

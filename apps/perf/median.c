/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A median by sorting: there are hundreds of values at most.
 */
#include <stdlib.h>

#include "median.h"

static int
cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
perf_median(double *v, unsigned int n)
{
	qsort(v, n, sizeof(v[0]), cmp_double);
	return v[(n - 1) / 2];
}

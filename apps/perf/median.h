/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The median, taken in the same way everywhere.
 */
#ifndef PERF_MEDIAN_H
#define PERF_MEDIAN_H

/** Sort @p v, of @p n > 0 values. @return the middle one; of the two in the middle the lower one,
 * so that it is always a value that was measured. */
double perf_median(double *v, unsigned int n);

#endif

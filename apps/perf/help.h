/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What sluice-perf tells about itself, before anything runs.
 */
#ifndef PERF_HELP_H
#define PERF_HELP_H

void perf_help(void);
void perf_version(void);
/** Policies, backends and workloads that can be named on the command line. */
void perf_list(void);

#endif

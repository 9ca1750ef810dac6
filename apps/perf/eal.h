/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Starting EAL with an error that says what to do.
 */
#ifndef PERF_EAL_H
#define PERF_EAL_H

/** @param argc arguments up to, without, the "--". @return 0, or an exit status with a line. */
int perf_eal_init(int argc, char **argv);

#endif

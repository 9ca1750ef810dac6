/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Starting EAL with an error that says what to do.
 */
#ifndef PERF_EAL_H
#define PERF_EAL_H

/** @param argc arguments in front of the "--".
 * @return 0, or an exit status with an error line printed. */
int perf_eal_init(int argc, char **argv);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Running the same thing on several lcores at once, started together.
 */
#ifndef BENCH_PAR_H
#define BENCH_PAR_H

#include <stdint.h>

#define PAR_MAX 4u

/** What thread @p i of a team does. @return cycles that it took. */
typedef uint64_t (*par_fn)(void *arg, unsigned int i);

/** Lcores to use: the main one and those after it. */
unsigned int par_lcores(void);

/** The lcore of thread @p i: 0 is the caller, the main lcore. */
unsigned int par_lcore(unsigned int i);

/** Run @p fn on @p nb lcores. @return cycles of the slowest; of each in @p cycles unless NULL. */
uint64_t par_run(par_fn fn, void *arg, unsigned int nb, uint64_t *cycles);

/** Which CPUs lcore thread @p i may use, as text. */
const char *par_cpus(unsigned int i);

#endif

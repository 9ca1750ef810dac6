/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which machine the figures are from, and whether it was quiet.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stddef.h>

/** CPU, kernel, DPDK, pages, lcores in one line. */
void machine_line(char *buf, size_t size);

/** The lcores alone, "thread 0: lcore 0 on CPU 0, …". */
void machine_lcores(char *buf, size_t size);

/**
 * A cache line's way to the other lcore and back, ns: what everything between two lcores is made
 * of. Median of 9. @return 0 with one lcore.
 */
double machine_ping_pong(void);

#endif

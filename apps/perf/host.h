/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The machine that a result was measured on.
 */
#ifndef PERF_HOST_H
#define PERF_HOST_H

#include <stdbool.h>
#include <stdint.h>

struct perf_host {
	char cpu[128];
	unsigned int cores;
	char kernel[160];
	char dpdk[64];
	bool huge;           /**< EAL's memory is in huge pages */
	uint64_t huge_total; /**< pages of the default size that the system reserved */
	uint64_t huge_kb;    /**< the default size of a huge page */
};

/** Describe this machine; EAL must have started. */
void perf_host_get(struct perf_host *h);

/** Describe the huge pages in words. */
void perf_host_huge_text(const struct perf_host *h, char *buf, size_t size);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The layout: which lcore does what.
 */
#ifndef PERF_LAYOUT_H
#define PERF_LAYOUT_H

#include <stdbool.h>

#include <rte_lcore.h>

#include "options.h"

struct perf_layout {
	enum perf_layout_kind kind;        /**< never PERF_LAYOUT_AUTO */
	unsigned int hw_lcore;             /**< steps the emulated hardware: the main lcore */
	unsigned int engine_lcore;         /**< polls the engine */
	unsigned int nb_workers;
	unsigned int worker[RTE_MAX_LCORE]; /**< their lcores */
	bool oversubscribed;               /**< more lcores than CPUs: lcores that wait yield */
};

/**
 * Give each role an lcore; EAL must have started.
 * @return 0, or an exit status with an error line printed.
 */
int perf_layout_plan(struct perf_layout *l, enum perf_layout_kind kind, unsigned int workers);

/** Describe the layout in words. */
void perf_layout_describe(const struct perf_layout *l, char *buf, size_t size);

#endif

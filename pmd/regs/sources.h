/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A register source makes itself known to regs.c by name, before main(), so that a program may be
 * linked with any selection of sources.
 */
#ifndef REGS_SOURCES_H
#define REGS_SOURCES_H

#include "regs.h"

struct sluice_regs_source {
	TAILQ_ENTRY(sluice_regs_source) next;
	const struct sluice_regs_ops *ops;
};
void sluice_regs_register(struct sluice_regs_source *s);

#define SLUICE_REGISTER_REGS(id, ops_ptr)                                                          \
	static struct sluice_regs_source regs_source_##id = { .ops = (ops_ptr) };                  \
	RTE_INIT(regs_source_init_##id) { sluice_regs_register(&regs_source_##id); }

#endif

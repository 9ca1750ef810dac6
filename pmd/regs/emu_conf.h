/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The keys of the register source "emu": what an emulated SMMUv3 is like, and how much memory it
 * has.
 */
#ifndef REGS_EMU_CONF_H
#define REGS_EMU_CONF_H

#include "../emu/smmuv3/emu_smmuv3.h"
#include "sources.h"

/** Every key that it takes, ended by NULL. */
extern const char *const emu_key_names[];

/** Defaults, and what the keys say in their place. @return 0; -EINVAL with sluice_fail() called. */
int emu_conf_parse(const struct rte_kvargs *kv, struct emu_smmuv3_conf *c, uint64_t *mem_mb);

/** Fill in regs->settings: the usual ones, and of the others those that are not as they begin. */
void emu_conf_say(struct sluice_regs *regs, const struct emu_smmuv3_conf *c, uint64_t mem_mb);

#endif

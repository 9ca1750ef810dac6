/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The keys of the register source "emu".
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_string_fns.h>

#include "../smmuv3/smmuv3_hw.h"
#include "emu_conf.h"

#define MEM_MB     48u
#define MEM_MB_MAX 16384u

enum key_type { T_U8, T_U32, T_U64, T_BOOL, T_BIT };

#define KEY(field, t, lo, hi) { #field, offsetof(struct emu_smmuv3_conf, field), t, lo, hi, 0 }
#define BIT(key, field, mask) { #key, offsetof(struct emu_smmuv3_conf, field), T_BIT, 0, 1, mask }

static const struct {
	const char *name;
	size_t off;
	enum key_type type;
	uint64_t min, max;
	uint8_t bit; /* T_BIT: the bit in a mask of 8 bits */
} conf_keys[] = {
	KEY(sync_ns, T_U32, 0, 1000000000),
	KEY(tlbi_ns, T_U32, 0, 1000000000),
	KEY(ril, T_BOOL, 0, 1),
	KEY(msi, T_BOOL, 0, 1),
	KEY(wired, T_BOOL, 0, 1),
	KEY(two_level, T_BOOL, 0, 1),
	KEY(s1, T_BOOL, 0, 1),
	KEY(s2, T_BOOL, 0, 1),
	KEY(vmid16, T_BOOL, 0, 1),
	KEY(hyp, T_BOOL, 0, 1),
	KEY(ats, T_BOOL, 0, 1),
	KEY(cohacc, T_BOOL, 0, 1),
	KEY(atc_timeout_ns, T_U32, 1, 1000000000),
	BIT(gran16k, gran, EMU_GRAN_16K),
	BIT(gran64k, gran, EMU_GRAN_64K),
	KEY(sid_bits, T_U8, 0, 32),
	KEY(oas, T_U8, 32, 48),
	KEY(iotlb, T_U32, 0, 1u << 24),
	KEY(walk_cache, T_U32, 0, 1u << 24),
	KEY(cfg_cache, T_U32, 0, 1u << 24),
	KEY(cmdq_max_log2, T_U8, 0, SMMU_QS_MAX),
	KEY(evtq_max_log2, T_U8, 0, SMMU_QS_MAX),
	KEY(ack_delay, T_U32, 0, 1000000),
	KEY(cons_lag, T_U32, 0, 1u << SMMU_QS_MAX),
	KEY(shuffle, T_BOOL, 0, 1),
	KEY(sync_early, T_BOOL, 0, 1),
	KEY(tlbi_racy, T_BOOL, 0, 1),
	KEY(step, T_BOOL, 0, 1),
	KEY(step_ns, T_U32, 1, 1000000),
	KEY(seed, T_U64, 0, UINT64_MAX),
};

const char *const emu_key_names[] = {
	"sync_ns", "tlbi_ns", "ril", "msi", "wired", "two_level", "s1", "s2", "vmid16", "hyp",
	"ats", "cohacc", "atc_timeout_ns", "gran16k", "gran64k", "sid_bits", "oas", "iotlb",
	"walk_cache", "cfg_cache", "cmdq_max_log2", "evtq_max_log2", "ack_delay", "cons_lag",
	"shuffle", "sync_early", "tlbi_racy", "step", "step_ns", "seed", "mem_mb", "mem", NULL,
};
_Static_assert(RTE_DIM(emu_key_names) == RTE_DIM(conf_keys) + 3, "the same keys, mem_mb and mem");

static int
parse_u64(const char *key, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || *out < min || *out > max)
		return sluice_fail(EINVAL, "%s=%s: give a number from %" PRIu64 " to %" PRIu64, key,
				   text, min, max);
	return 0;
}

static int
check_conf(const struct emu_smmuv3_conf *c)
{
	static const uint8_t oas[] = { 32, 36, 40, 42, 44, 48 };
	const struct {
		const char *name;
		uint32_t v, min;
	} caches[] = { { "iotlb", c->iotlb, 4 },
		       { "walk_cache", c->walk_cache, 1 },
		       { "cfg_cache", c->cfg_cache, 1 } };

	for (size_t i = 0; i < RTE_DIM(caches); i++)
		if (caches[i].v != 0 &&
		    (caches[i].v < caches[i].min || !rte_is_power_of_2(caches[i].v)))
			return sluice_fail(EINVAL, "%s=%u: give 0 or a power of two from %u",
					   caches[i].name, caches[i].v, caches[i].min);
	if (!c->msi && !c->wired)
		return sluice_fail(EINVAL, "msi=0,wired=0: an SMMU has one kind of interrupt, "
				   "or both");
	if (!c->two_level && c->sid_bits > 6)
		return sluice_fail(EINVAL, "two_level=0,sid_bits=%u: an SMMU with more than 6 "
				   "StreamID bits has two-level stream tables", c->sid_bits);
	if (!c->s1 && !c->s2)
		return sluice_fail(EINVAL, "s1=0,s2=0: an SMMU has one stage at least");
	if (!c->hyp && c->s1 && c->s2 && c->ril)
		return sluice_fail(EINVAL, "hyp=0: an SMMU with both stages and range invalidation "
				   "has EL2's streams; give s2=0 or ril=0 too");
	for (size_t i = 0; i < RTE_DIM(oas); i++)
		if (c->oas == oas[i])
			return 0;
	return sluice_fail(EINVAL, "oas=%u: give 32, 36, 40, 42, 44 or 48", c->oas);
}

int
emu_conf_parse(const struct rte_kvargs *kv, struct emu_smmuv3_conf *c, uint64_t *mem_mb)
{
	const char *text = rte_kvargs_get(kv, "mem_mb");
	int ret;

	emu_smmuv3_conf_default(c);
	*mem_mb = MEM_MB;
	if (text != NULL && (ret = parse_u64("mem_mb", text, 1, MEM_MB_MAX, mem_mb)) != 0)
		return ret;
	for (size_t i = 0; i < RTE_DIM(conf_keys); i++) {
		uint8_t *field = (uint8_t *)c + conf_keys[i].off;
		uint64_t v;

		text = rte_kvargs_get(kv, conf_keys[i].name);
		if (text == NULL)
			continue;
		ret = parse_u64(conf_keys[i].name, text, conf_keys[i].min, conf_keys[i].max, &v);
		if (ret != 0)
			return ret;
		switch (conf_keys[i].type) {
		case T_U8:
			*field = (uint8_t)v;
			break;
		case T_U32:
			*(uint32_t *)(void *)field = (uint32_t)v;
			break;
		case T_U64:
			*(uint64_t *)(void *)field = v;
			break;
		case T_BOOL:
			*(bool *)(void *)field = v != 0;
			break;
		case T_BIT:
			*field = (uint8_t)((*field & ~conf_keys[i].bit) |
					   (v != 0 ? conf_keys[i].bit : 0));
			break;
		}
	}
	return check_conf(c);
}

void
emu_conf_say(struct sluice_regs *regs, const struct emu_smmuv3_conf *c, uint64_t mem_mb)
{
	const char *const others[] = {
		c->ats ? ",ats=1" : "", c->s1 ? "" : ",s1=0", c->s2 ? "" : ",s2=0",
		c->vmid16 ? "" : ",vmid16=0", c->hyp ? "" : ",hyp=0", c->wired ? "" : ",wired=0",
		c->sync_early ? ",sync_early=1" : "", c->tlbi_racy ? ",tlbi_racy=1" : "",
	};

	snprintf(regs->settings, sizeof(regs->settings),
		 "sync_ns=%u,tlbi_ns=%u,ril=%d,msi=%d,two_level=%d,iotlb=%u,walk_cache=%u,"
		 "cfg_cache=%u,shuffle=%d,step=%d,seed=%" PRIu64 ",mem_mb=%" PRIu64,
		 c->sync_ns, c->tlbi_ns, c->ril, c->msi, c->two_level, c->iotlb, c->walk_cache,
		 c->cfg_cache, c->shuffle, c->step, c->seed, mem_mb);
	for (size_t i = 0; i < RTE_DIM(others); i++)
		rte_strlcat(regs->settings, others[i], sizeof(regs->settings));
}

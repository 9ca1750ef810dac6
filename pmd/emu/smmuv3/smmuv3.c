/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The emulated SMMUv3 as a whole: its settings, its constructor, and the functions that the core
 * calls.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "priv.h"

void
emu_smmuv3_conf_default(struct emu_smmuv3_conf *c)
{
	*c = (struct emu_smmuv3_conf){
		.sid_bits = 16, .oas = 44, .cmdq_max_log2 = SMMU_QS_MAX,
		.evtq_max_log2 = SMMU_QS_MAX,
		.gran = EMU_GRAN_4K | EMU_GRAN_16K | EMU_GRAN_64K, .ril = true,
		.s1 = true, .s2 = true, .vmid16 = true, .hyp = true,
		.msi = true, .wired = true, .two_level = true, .cohacc = true,
		.ack_delay = 1, .cons_lag = 16, .atc_timeout_ns = 100000,
		.iotlb = 4096, .walk_cache = 256, .cfg_cache = 64,
		.step_ns = 10, .seed = 1,
	};
}

static bool
cache_size_ok(uint32_t n, uint32_t min)
{
	return n == 0 || (n >= min && n <= (1u << 24) && rte_is_power_of_2(n));
}

static bool
conf_ok(const struct emu_smmuv3_conf *c)
{
	return c->sid_bits <= 32 && (c->s1 || c->s2) &&
	       (c->hyp || !c->s1 || !c->s2 || !c->ril) && /* §6.3.1, Hyp; RIL is of v3.2 */
	       (c->oas == 32 || c->oas == 36 || c->oas == 40 || c->oas == 42 || c->oas == 44 ||
		c->oas == 48) &&
	       (c->msi || c->wired) &&       /* §3.18 */
	       (c->two_level || c->sid_bits <= 6) && /* §6.3.2, SIDSIZE */
	       c->cmdq_max_log2 <= SMMU_QS_MAX && c->evtq_max_log2 <= SMMU_QS_MAX &&
	       c->gran != 0 && c->gran < 1u << GRANS &&
	       cache_size_ok(c->iotlb, TLB_WAYS) && cache_size_ok(c->walk_cache, 1) &&
	       cache_size_ok(c->cfg_cache, 1) && (!c->step || c->step_ns != 0);
}

static void
smmu_destroy(struct emu *core)
{
	struct emu_smmu *e = smmu_of(core);

	emu_tlb_fini(&e->tlb);
	emu_config_fini(e);
	free(e);
}

/* One unit of work. */
static bool
smmu_work(struct emu *core)
{
	struct emu_smmu *e = smmu_of(core);
	bool busy;

	if (likely(--e->ctl_left != 0))
		return emu_cmdq_work(e);
	busy = emu_regs_poll(e);
	/* During a handshake, and in stepped runs, look in every unit. */
	e->ctl_left = busy || core->clock.step ? 1 : EMU_CTL_PERIOD;
	return emu_cmdq_work(e) || busy;
}

static const struct emu_ops smmu_ops = {
	.destroy = smmu_destroy,
	.work = smmu_work,
	.translate = emu_translate,
	.ats_request = emu_ats_request,
	.ats_translated = emu_ats_translated,
	.ats_check_stale = emu_ats_check_stale,
};

struct emu *
emu_smmuv3_create(const struct emu_smmuv3_conf *c, void *regs, struct sluice_mem_span mem)
{
	const struct emu_clock clock = {
		.step = c->step, .step_ns = c->step_ns,
		.hz = c->step ? 1000000000u : rte_get_tsc_hz(),
		.rng = c->seed * UINT64_C(0x9e3779b97f4a7c15) + 1,
	};
	struct emu_smmu *e;

	if (!conf_ok(c) || regs == NULL || (uintptr_t)regs % 8 != 0 || clock.hz == 0 ||
	    ((uintptr_t)mem.va | mem.pa | mem.len) % 4096 != 0) {
		rte_errno = EINVAL;
		return NULL;
	}
	e = aligned_alloc(64, sizeof(*e));
	if (e == NULL)
		goto nomem;
	memset(e, 0, sizeof(*e));
	emu_core_init(&e->core, &smmu_ops, mem, &clock);
	e->conf = *c;
	/* RES0, or of no meaning, without the stages (§6.3.1). */
	e->conf.hyp = c->hyp && c->s1 && c->s2;
	e->conf.vmid16 = c->vmid16 && c->s2;
	e->regs = regs;
	e->ctl_left = 1;
	e->cmdq.sync_ticks = emu_ticks(&clock, c->sync_ns);
	e->cmdq.tlbi_ticks = emu_ticks(&clock, c->tlbi_ns);
	if (emu_tlb_init(&e->tlb, c->iotlb, c->walk_cache,
			 EMU_SPACES(!c->s2 ? 0 : c->vmid16 ? 16 : 8)) < 0 ||
	    emu_config_init(e) < 0)
		goto nomem;
	emu_regs_reset(e);
	return &e->core;
nomem:
	if (e != NULL)
		emu_destroy(&e->core);
	rte_errno = ENOMEM;
	return NULL;
}

void
emu_smmuv3_get_stats(const struct emu *core, struct emu_smmuv3_stats *st)
{
	const struct emu_smmu *e = (const struct emu_smmu *)(const void *)core;

	_Static_assert(sizeof(*st) % sizeof(uint64_t) == 0, "nothing but counters");
	emu_read_counters((uint64_t *)(void *)st, (const uint64_t *)(const void *)&e->st,
			  sizeof(*st) / sizeof(uint64_t));
	emu_get_stats(core, &st->core);
}

void
emu_smmuv3_wire(struct emu *core, void (*pulse)(void *arg, enum emu_line line), void *arg)
{
	struct emu_smmu *e = smmu_of(core);

	emu_lock(core);
	e->ctl.pulse = pulse;
	e->ctl.pulse_arg = arg;
	emu_unlock(core);
}

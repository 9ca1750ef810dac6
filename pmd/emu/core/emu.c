/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The emulated SMMUv3 as a whole: making it, the loop that drives it, attached masters, counters.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_pause.h>

#include "emu_priv.h"

void
emu_conf_default(struct emu_conf *c)
{
	*c = (struct emu_conf){
		.sid_bits = 16, .oas = 44, .cmdq_max_log2 = SMMU_QS_MAX,
		.evtq_max_log2 = SMMU_QS_MAX,
		.gran = EMU_GRAN_4K | EMU_GRAN_16K | EMU_GRAN_64K, .ril = true,
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
conf_ok(const struct emu_conf *c)
{
	return c->sid_bits <= 32 &&
	       (c->oas == 32 || c->oas == 36 || c->oas == 40 || c->oas == 42 || c->oas == 44 ||
		c->oas == 48) &&
	       (c->msi || c->wired) &&       /* §3.18 */
	       (c->two_level || c->sid_bits <= 6) && /* §6.3.2, SIDSIZE */
	       c->cmdq_max_log2 <= SMMU_QS_MAX && c->evtq_max_log2 <= SMMU_QS_MAX &&
	       c->gran != 0 && c->gran < 1u << GRANS &&
	       cache_size_ok(c->iotlb, TLB_WAYS) && cache_size_ok(c->walk_cache, 1) &&
	       cache_size_ok(c->cfg_cache, 1) && (!c->step || c->step_ns != 0);
}

struct emu_smmu *
emu_create(const struct emu_conf *c, void *regs, struct sluice_mem_span mem)
{
	uint64_t hz = c->step ? 1000000000u : rte_get_tsc_hz();
	struct emu_smmu *e;

	if (!conf_ok(c) || regs == NULL || (uintptr_t)regs % 8 != 0 || hz == 0 ||
	    ((uintptr_t)mem.va | mem.pa | mem.len) % 4096 != 0) {
		rte_errno = EINVAL;
		return NULL;
	}
	e = aligned_alloc(64, sizeof(*e));
	if (e == NULL)
		goto nomem;
	memset(e, 0, sizeof(*e));
	e->conf = *c;
	e->regs = regs;
	e->mem = mem;
	e->step_mode = c->step;
	e->clock_hz = hz;
	e->ctl_left = 1;
	e->rng = c->seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	e->sync_ticks = (uint64_t)((unsigned __int128)c->sync_ns * hz / 1000000000u);
	e->tlbi_ticks = (uint64_t)((unsigned __int128)c->tlbi_ns * hz / 1000000000u);
	TAILQ_INIT(&e->masters);
	TAILQ_INIT(&e->eps);
	if (emu_tlb_init(e) < 0 || emu_config_init(e) < 0)
		goto nomem;
	emu_regs_reset(e);
	return e;
nomem:
	emu_destroy(e);
	rte_errno = ENOMEM;
	return NULL;
}

void
emu_destroy(struct emu_smmu *e)
{
	if (e == NULL)
		return;
	emu_atc_fini(e);
	emu_tlb_fini(e);
	emu_config_fini(e);
	free(e);
}

const _Atomic uint64_t *
emu_virtual_clock(const struct emu_smmu *e)
{
	return e->step_mode ? &e->vclock : NULL;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* @return whether there was something to do, or something is pending. */
static inline bool
unit(struct emu_smmu *e)
{
	struct emu_master *m;
	bool busy = false;

	if (e->step_mode) /* one writer */
		atomic_store_explicit(&e->vclock,
				      atomic_load_explicit(&e->vclock, memory_order_relaxed) +
					      e->conf.step_ns,
				      memory_order_relaxed);
	if (unlikely(--e->ctl_left == 0)) {
		busy = emu_regs_poll(e);
		/* A handshake under way, and stepped runs, want a look in every unit. */
		e->ctl_left = busy || e->step_mode ? 1 : EMU_CTL_PERIOD;
	}
	busy |= emu_cmdq_work(e);
	TAILQ_FOREACH(m, &e->masters, next)
		busy |= m->step(m, e, 1) != 0;
	return busy;
}

int
emu_step(struct emu_smmu *e, unsigned int budget)
{
	unsigned int done = 0, steps = 0;

	/* Whoever wants to change something gets the lock first. */
	if (unlikely(atomic_load_explicit(&e->want, memory_order_relaxed) != 0) ||
	    atomic_exchange_explicit(&e->lock, 1, memory_order_acquire) != 0)
		return 0;
	while (steps < budget) {
		steps++;
		if (!unit(e))
			break;
		done++;
	}
	emu_count(&e->st.steps, steps);
	emu_count(&e->st.idle_steps, steps - done);
	atomic_store_explicit(&e->lock, 0, memory_order_release);
	return (int)done;
}

/* ---- changes from other threads -------------------------------------------------------------- */

void
emu_lock(struct emu_smmu *e)
{
	atomic_fetch_add_explicit(&e->want, 1, memory_order_relaxed);
	/* acquire: pairs with the release at the end of emu_step() and of emu_unlock(). */
	while (atomic_exchange_explicit(&e->lock, 1, memory_order_acquire) != 0)
		rte_pause();
	atomic_fetch_sub_explicit(&e->want, 1, memory_order_relaxed);
}

void
emu_unlock(struct emu_smmu *e)
{
	atomic_store_explicit(&e->lock, 0, memory_order_release);
}

void
emu_master_add(struct emu_smmu *e, struct emu_master *m)
{
	emu_lock(e);
	TAILQ_INSERT_TAIL(&e->masters, m, next);
	emu_unlock(e);
}

void
emu_master_del(struct emu_smmu *e, struct emu_master *m)
{
	emu_lock(e);
	TAILQ_REMOVE(&e->masters, m, next);
	emu_unlock(e);
}

void
emu_wire(struct emu_smmu *e, void (*pulse)(void *arg, enum emu_line line), void *arg)
{
	emu_lock(e);
	e->pulse = pulse;
	e->pulse_arg = arg;
	emu_unlock(e);
}

void
emu_get_stats(const struct emu_smmu *e, struct emu_stats *st)
{
	const uint64_t *from = (const uint64_t *)(const void *)&e->st;
	uint64_t *to = (uint64_t *)(void *)st;

	_Static_assert(sizeof(*st) % sizeof(uint64_t) == 0, "nothing but counters");
	for (size_t i = 0; i < sizeof(*st) / sizeof(uint64_t); i++)
		to[i] = atomic_load_explicit((_Atomic uint64_t *)(uintptr_t)&from[i],
					     memory_order_relaxed);
}

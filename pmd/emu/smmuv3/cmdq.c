/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command queue (IHI 0070 §3.5, §4.1, §4.7): consumption, invalidations in flight, SYNC,
 * command errors. One unit of work consumes at most one command.
 *
 * Consumed is not complete: an invalidation takes effect when it is due, and a SYNC stays at the
 * head of the queue until every one before it has and its own time has passed. Device accesses run
 * on the same thread between units, so an access that used a removed entry is over by then.
 */
#include "../core/emu_priv.h"

static void
publish_cons(struct emu_smmu *e)
{
	e->cons_pub = e->cons_reg = e->cons;
	/* release: pairs with the driver's acquire of CONS; what completed is visible before. */
	emu_set_reg32(e, SMMU_CMDQ_CONS, e->cons);
}

void
emu_cmdq_enable(struct emu_smmu *e)
{
	uint64_t base = emu_reg64(e, SMMU_CMDQ_BASE);
	unsigned int log2 = (unsigned int)smmu_field_get(SMMU_Q_BASE_LOG2SIZE, base);

	if (log2 > e->conf.cmdq_max_log2)
		log2 = e->conf.cmdq_max_log2;
	e->cmdq_mask = (2u << log2) - 1;
	e->cmdq_base = base & SMMU_Q_BASE_ADDR & ~(((uint64_t)SMMU_CMD_BYTES << log2) - 1);
	e->cmdq_va = emu_pa(e, e->cmdq_base, (uint64_t)SMMU_CMD_BYTES << log2);
	e->cons = emu_reg32(e, SMMU_CMDQ_CONS) & e->cmdq_mask;
	publish_cons(e);
	e->sync_wait = e->atc_failed = false;
	e->cmdq_err = emu_gerror_active(e, SMMU_GERROR_CMDQ_ERR);
	e->cmdq_on = !e->cmdq_err;
}

void
emu_cmdq_disable(struct emu_smmu *e)
{
	e->cmdq_on = e->cmdq_err = e->sync_wait = false;
	if (e->cons != e->cons_pub)
		publish_cons(e);
}

/* Stop at the command at cons (§7.1): CONS.RD and CONS.ERR first, then GERROR. */
static void
stop(struct emu_smmu *e, uint32_t cerror)
{
	emu_count(&e->st.cerrors, 1);
	e->cons_pub = e->cons;
	e->cons_reg = e->cons | (uint32_t)smmu_field_prep(SMMU_CMDQ_CONS_ERR, cerror);
	emu_set_reg32(e, SMMU_CMDQ_CONS, e->cons_reg);
	e->cmdq_on = false;
	e->cmdq_err = true;
	emu_gerror(e, SMMU_GERROR_CMDQ_ERR);
}

/* ---- invalidations in flight ----------------------------------------------------------------- */

static inline bool
pend_empty(const struct emu_smmu *e)
{
	return e->pend_head == e->pend_tail;
}

/* Let those that are due take effect; shuffled, one a unit and any of them. */
static bool
pend_work(struct emu_smmu *e)
{
	uint64_t now = emu_now(e);
	bool did = false;

	/* Shuffled: let a few gather, so that there is something to choose from. */
	if (e->conf.shuffle && !e->sync_wait && (emu_random(e) & 3) != 0)
		return false;
	while (!pend_empty(e)) {
		struct emu_pend *p = &e->pend[e->pend_head % EMU_PEND];

		if (e->conf.shuffle) {
			uint32_t n = e->pend_tail - e->pend_head;
			struct emu_pend *q =
				&e->pend[(e->pend_head + emu_random(e) % n) % EMU_PEND];
			struct emu_pend t = *q;

			*q = *p;
			*p = t;
		}
		if (p->due > now)
			break;
		if (unlikely(p->lost)) {
			emu_count(&e->st.atc_timeouts, 1);
			e->atc_failed = true;
		} else {
			emu_cmd_invalidate(e, p->cmd);
		}
		e->pend_head++;
		did = true;
		if (e->conf.shuffle)
			break;
	}
	return did;
}

/* An ATC_INV is complete when the endpoint has answered, or has not in time (§3.9.1.4). */
static __attribute__((noinline)) void
invalidate_atc(struct emu_smmu *e, const uint64_t cmd[2])
{
	bool lost;
	uint64_t ns = emu_atc_answers(e, (uint32_t)smmu_field_get(SMMU_CMD_0_SID, cmd[0]), &lost);
	uint64_t ticks = (uint64_t)((unsigned __int128)ns * e->clock_hz / 1000000000u);

	if (ticks == 0 && !lost && e->tlbi_ticks == 0 && !e->conf.shuffle) {
		emu_cmd_invalidate(e, cmd);
		return;
	}
	e->pend[e->pend_tail++ % EMU_PEND] = (struct emu_pend){
		.due = emu_now(e) + e->tlbi_ticks + ticks, .cmd = { cmd[0], cmd[1] }, .lost = lost,
	};
}

static void
invalidate(struct emu_smmu *e, const uint64_t cmd[2])
{
	if (unlikely(smmu_field_get(SMMU_CMD_0_OP, cmd[0]) == SMMU_CMD_ATC_INV)) {
		invalidate_atc(e, cmd);
		return;
	}
	if (e->tlbi_ticks == 0 && !e->conf.shuffle) {
		emu_cmd_invalidate(e, cmd);
		return;
	}
	e->pend[e->pend_tail++ % EMU_PEND] = (struct emu_pend){
		.due = emu_now(e) + e->tlbi_ticks, .cmd = { cmd[0], cmd[1] },
	};
}

/* ---- SYNC ------------------------------------------------------------------------------------ */

static void
sync_complete(struct emu_smmu *e)
{
	/* Its whole field says whether there is an MSI; where to, is cut to OAS (§4.7.3). */
	uint64_t addr = e->sync_cmd[1] & SMMU_SYNC_1_MSIADDRESS;
	bool irq = smmu_field_get(SMMU_SYNC_0_CS, e->sync_cmd[0]) == SMMU_SYNC_CS_IRQ;

	emu_count(&e->st.syncs, 1);
	e->sync_wait = false;
	e->cons = (e->cons + 1) & e->cmdq_mask;
	/* Interrupts come after completion, and CONS is not later than them (§4.7.3). */
	publish_cons(e);
	if (!irq)
		return;
	if (e->conf.msi && addr != 0)
		emu_msi(e, addr, (uint32_t)smmu_field_get(SMMU_SYNC_0_MSIDATA, e->sync_cmd[0]),
			SMMU_GERROR_MSI_CMDQ_ABT_ERR);
	emu_pulse(e, EMU_LINE_SYNC); /* whatever MSIAddress is */
}

/* Hardware whose SYNC does not wait for TLBIs (conf.sync_early). For configuration it does: what is
 * broken is to be the protection of memory, not the device. */
static bool
early(const struct emu_smmu *e)
{
	for (uint32_t i = e->pend_head; e->conf.sync_early && i != e->pend_tail; i++)
		switch (smmu_field_get(SMMU_CMD_0_OP, e->pend[i % EMU_PEND].cmd[0])) {
		case SMMU_CMD_CFGI_STE:
		case SMMU_CMD_CFGI_STE_RANGE:
		case SMMU_CMD_CFGI_CD:
		case SMMU_CMD_CFGI_CD_ALL:
			return false;
		default:
			break;
		}
	return e->conf.sync_early;
}

/* @return whether the SYNC at the head got further. */
static bool
sync_work(struct emu_smmu *e)
{
	if (unlikely(atomic_load_explicit(&e->inj_sync_hang, memory_order_relaxed)))
		return false;
	if (!pend_empty(e) && likely(!early(e)))
		return true;
	if (unlikely(e->atc_failed)) {
		/* §4.7.3: not consumed, nothing signalled. What timed out will never complete, so
		 * that the same SYNC can be complete when it is tried again. */
		e->atc_failed = e->sync_wait = false;
		stop(e, SMMU_CERROR_ATC_INV_SYNC);
		return true;
	}
	if (e->sync_ticks != 0 && likely(!e->conf.sync_early)) {
		uint64_t now = emu_now(e);

		if (!e->sync_timed) {
			e->sync_timed = true;
			e->sync_due = now + e->sync_ticks;
		}
		if (now < e->sync_due)
			return true;
	}
	sync_complete(e);
	return true;
}

/* ---- consumption ----------------------------------------------------------------------------- */

static void
consume(struct emu_smmu *e)
{
	uint32_t idx = e->cons & (e->cmdq_mask >> 1);
	uint64_t at = (uint64_t)idx * SMMU_CMD_BYTES;
	uint64_t *p = likely(e->cmdq_va != NULL) ? (uint64_t *)(void *)(e->cmdq_va + at) :
						   emu_pa(e, e->cmdq_base + at, SMMU_CMD_BYTES);
	uint64_t cmd[2];
	uint32_t err;

	if (unlikely(atomic_load_explicit(&e->inj_abt, memory_order_relaxed)) &&
	    atomic_exchange_explicit(&e->inj_abt, false, memory_order_relaxed))
		p = NULL;
	else if (unlikely(p == NULL))
		emu_count(&e->st.mem_aborts, 1);
	if (unlikely(p == NULL)) {
		stop(e, SMMU_CERROR_ABT);
		return;
	}
	cmd[0] = emu_ld64(&p[0]);
	cmd[1] = emu_ld64(&p[1]);
	err = emu_cmd_check(e, cmd);
	if (unlikely(err != SMMU_CERROR_NONE)) {
		stop(e, err);
		return;
	}
	emu_count(&e->st.cmds, 1);
	if (smmu_field_get(SMMU_CMD_0_OP, cmd[0]) == SMMU_CMD_SYNC) {
		e->sync_cmd[0] = cmd[0];
		e->sync_cmd[1] = cmd[1];
		e->sync_wait = true;
		e->sync_timed = false;
		sync_work(e);
		return;
	}
	invalidate(e, cmd);
	e->cons = (e->cons + 1) & e->cmdq_mask;
	if (((e->cons - e->cons_pub) & e->cmdq_mask) >= e->conf.cons_lag)
		publish_cons(e);
}

bool
emu_cmdq_work(struct emu_smmu *e)
{
	bool busy = false;
	uint32_t prod, used;

	if (unlikely(!pend_empty(e)))
		busy = pend_work(e) || !pend_empty(e);
	if (unlikely(!e->cmdq_on)) {
		/* Acknowledged (§7.5): fetch again from CONS.RD, PROD may have moved back. */
		if (e->cmdq_err && !emu_gerror_active(e, SMMU_GERROR_CMDQ_ERR)) {
			e->cmdq_err = false;
			e->cmdq_on = true;
			return true;
		}
		return busy;
	}
	if (e->sync_wait) {
		if (e->cons != e->cons_pub)
			publish_cons(e);
		return sync_work(e) || busy;
	}
	/* acquire: pairs with the release with which the driver stores PROD. */
	prod = emu_reg32(e, SMMU_CMDQ_PROD) & e->cmdq_mask;
	used = (prod - e->cons) & e->cmdq_mask;
	/* More than the queue holds is no index of ours: stop until it makes sense (§3.5.1). */
	if (likely(used == 0) || unlikely(used > (e->cmdq_mask + 1) / 2)) {
		if (e->cons != e->cons_pub)
			publish_cons(e);
		return busy;
	}
	/* Room for what is consumed, or wait until something took effect. */
	if (unlikely(e->pend_tail - e->pend_head == EMU_PEND))
		return true;
	consume(e);
	return true;
}

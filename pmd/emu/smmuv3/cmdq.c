/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command queue (IHI 0070 §3.5, §4.1, §4.7): consumption, invalidations in flight, SYNC,
 * command errors. One unit of work consumes at most one command.
 *
 * A consumed command is not yet complete: an invalidation takes effect when it is due, and a SYNC
 * stays at the head of the queue until all invalidations before it have taken effect and its own
 * time has passed. Device accesses run on the same thread between units, so an access that used a
 * removed entry is over by then.
 */
#include "priv.h"

/* EMU_INJECT_CONS_HOLD: may CONS not be published yet? A stop on an error, or of the queue, ends it. */
static bool
cons_held(struct emu_smmu *e)
{
	uint64_t ns = emu_injected(&e->core, EMU_INJECT_CONS_HOLD);

	if (likely((ns | e->cmdq.held_until) == 0))
		return false;
	if (ns != 0 && emu_inject_once(&e->core, EMU_INJECT_CONS_HOLD))
		e->cmdq.held_until = emu_now(&e->core) + emu_ticks(&e->core.clock, ns) + 1;
	if (emu_now(&e->core) < e->cmdq.held_until)
		return true;
	e->cmdq.held_until = 0;
	return false;
}

static void
publish_cons(struct emu_smmu *e)
{
	e->cmdq.cons_pub = e->cmdq.cons_reg = e->cmdq.cons;
	/* release: pairs with the driver's acquire of CONS; what has completed is visible first. */
	emu_set_reg32(e, SMMU_CMDQ_CONS, e->cmdq.cons);
}

/* @return whether that is still to come. */
static inline bool
publish_late(struct emu_smmu *e)
{
	if (likely(e->cmdq.cons == e->cmdq.cons_pub))
		return false;
	if (unlikely(cons_held(e)))
		return true;
	publish_cons(e);
	return false;
}

void
emu_cmdq_enable(struct emu_smmu *e)
{
	uint64_t base = emu_reg64(e, SMMU_CMDQ_BASE);
	unsigned int log2 = (unsigned int)smmu_field_get(SMMU_Q_BASE_LOG2SIZE, base);

	if (log2 > e->conf.cmdq_max_log2)
		log2 = e->conf.cmdq_max_log2;
	e->cmdq.mask = (2u << log2) - 1;
	e->cmdq.base = base & SMMU_Q_BASE_ADDR & ~(((uint64_t)SMMU_CMD_BYTES << log2) - 1);
	e->cmdq.va = emu_pa(&e->core, e->cmdq.base, (uint64_t)SMMU_CMD_BYTES << log2);
	e->cmdq.cons = emu_reg32(e, SMMU_CMDQ_CONS) & e->cmdq.mask;
	publish_cons(e);
	e->cmdq.sync_wait = e->cmdq.atc_failed = false;
	e->cmdq.err = emu_gerror_active(e, SMMU_GERROR_CMDQ_ERR);
	e->cmdq.on = !e->cmdq.err;
}

void
emu_cmdq_disable(struct emu_smmu *e)
{
	e->cmdq.on = e->cmdq.err = e->cmdq.sync_wait = false;
	e->cmdq.held_until = 0;
	if (e->cmdq.cons != e->cmdq.cons_pub)
		publish_cons(e);
}

/* Stop at the command at cons (§7.1): CONS.RD and CONS.ERR first, then GERROR. */
static void
stop(struct emu_smmu *e, uint32_t cerror)
{
	emu_count(&e->st.cerrors, 1);
	e->cmdq.held_until = 0;
	e->cmdq.cons_pub = e->cmdq.cons;
	e->cmdq.cons_reg = e->cmdq.cons | (uint32_t)smmu_field_prep(SMMU_CMDQ_CONS_ERR, cerror);
	emu_set_reg32(e, SMMU_CMDQ_CONS, e->cmdq.cons_reg);
	e->cmdq.on = false;
	e->cmdq.err = true;
	emu_gerror(e, SMMU_GERROR_CMDQ_ERR);
}

/* ---- invalidations in flight ----------------------------------------------------------------- */

static inline bool
pend_empty(const struct emu_smmu *e)
{
	return e->cmdq.pend_head == e->cmdq.pend_tail;
}

/* Let due invalidations take effect; with shuffle, one in a unit, chosen at random. */
static bool
pend_work(struct emu_smmu *e)
{
	uint64_t now = emu_now(&e->core);
	bool did = false;

	/* With shuffle: let a few gather, so that there is a choice. */
	if (e->conf.shuffle && !e->cmdq.sync_wait && (emu_random(&e->core.clock) & 3) != 0)
		return false;
	while (!pend_empty(e)) {
		struct emu_pend *p = &e->cmdq.pend[e->cmdq.pend_head % EMU_PEND];

		if (e->conf.shuffle) {
			uint32_t n = e->cmdq.pend_tail - e->cmdq.pend_head;
			uint32_t i = e->cmdq.pend_head + emu_random(&e->core.clock) % n;
			struct emu_pend *q = &e->cmdq.pend[i % EMU_PEND];
			struct emu_pend t = *q;

			*q = *p;
			*p = t;
		}
		if (p->due > now)
			break;
		if (unlikely(p->lost)) {
			emu_count(&e->st.atc_timeouts, 1);
			e->cmdq.atc_failed = true;
		} else {
			emu_cmd_invalidate(e, p->cmd);
		}
		e->cmdq.pend_head++;
		did = true;
		if (e->conf.shuffle)
			break;
	}
	return did;
}

/* An ATC_INV is complete when the endpoint has answered, or has timed out (§3.9.1.4). */
static __attribute__((noinline)) void
invalidate_atc(struct emu_smmu *e, const uint64_t cmd[2])
{
	uint32_t sid = (uint32_t)smmu_field_get(SMMU_CMD_0_SID, cmd[0]);
	bool lost = false;
	uint64_t ticks = 0;

	if (e->smmuen)
		ticks = emu_ticks(&e->core.clock, emu_atc_answers(&e->core, sid,
								  e->conf.atc_timeout_ns, &lost));
	if (ticks == 0 && !lost && e->cmdq.tlbi_ticks == 0 && !e->conf.shuffle) {
		emu_cmd_invalidate(e, cmd);
		return;
	}
	e->cmdq.pend[e->cmdq.pend_tail++ % EMU_PEND] = (struct emu_pend){
		.due = emu_now(&e->core) + e->cmdq.tlbi_ticks + ticks, .cmd = { cmd[0], cmd[1] },
		.lost = lost,
	};
}

static void
invalidate(struct emu_smmu *e, const uint64_t cmd[2])
{
	if (unlikely(smmu_field_get(SMMU_CMD_0_OP, cmd[0]) == SMMU_CMD_ATC_INV)) {
		invalidate_atc(e, cmd);
		return;
	}
	if (e->cmdq.tlbi_ticks == 0 && !e->conf.shuffle) {
		emu_cmd_invalidate(e, cmd);
		return;
	}
	e->cmdq.pend[e->cmdq.pend_tail++ % EMU_PEND] = (struct emu_pend){
		.due = emu_now(&e->core) + e->cmdq.tlbi_ticks, .cmd = { cmd[0], cmd[1] },
	};
}

/* ---- SYNC ------------------------------------------------------------------------------------ */

static void
sync_complete(struct emu_smmu *e)
{
	/* The whole field decides whether there is an MSI; its address is cut to OAS (§4.7.3). */
	uint64_t addr = e->cmdq.sync_cmd[1] & SMMU_SYNC_1_MSIADDRESS;
	bool irq = smmu_field_get(SMMU_SYNC_0_CS, e->cmdq.sync_cmd[0]) == SMMU_SYNC_CS_IRQ;

	emu_count(&e->st.syncs, 1);
	e->cmdq.sync_wait = false;
	e->cmdq.cons = (e->cmdq.cons + 1) & e->cmdq.mask;
	/* Interrupts come after completion, and CONS is not later than them (§4.7.3). */
	publish_cons(e);
	if (!irq || unlikely(emu_inject_nth(&e->core, EMU_INJECT_SYNC_LOST)))
		return;
	if (e->conf.msi && addr != 0)
		emu_msi(e, addr, (uint32_t)smmu_field_get(SMMU_SYNC_0_MSIDATA, e->cmdq.sync_cmd[0]),
			SMMU_GERROR_MSI_CMDQ_ABT_ERR);
	emu_pulse(e, EMU_LINE_SYNC); /* with any MSIAddress */
}

/* conf.sync_early: a SYNC that does not wait for TLBIs. It still waits for CFGIs, because only the
 * protection of memory shall be broken, not the device. */
static bool
early(const struct emu_smmu *e)
{
	for (uint32_t i = e->cmdq.pend_head; e->conf.sync_early && i != e->cmdq.pend_tail; i++)
		switch (smmu_field_get(SMMU_CMD_0_OP, e->cmdq.pend[i % EMU_PEND].cmd[0])) {
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

/* @return whether the SYNC at the head made progress. */
static bool
sync_work(struct emu_smmu *e)
{
	if (unlikely(emu_injected(&e->core, EMU_INJECT_SYNC_HANG)))
		return false;
	/* No completion is known before CONS says so (§4.7.3). */
	if (unlikely(cons_held(e)))
		return true;
	if (!pend_empty(e) && likely(!early(e)))
		return true;
	if (unlikely(e->cmdq.atc_failed)) {
		/* §4.7.3: the SYNC is not consumed, and nothing is signalled. Timed-out
		 * invalidations are not waited for again, so the same SYNC can complete when it
		 * is retried. */
		e->cmdq.atc_failed = e->cmdq.sync_wait = false;
		stop(e, SMMU_CERROR_ATC_INV_SYNC);
		return true;
	}
	if (e->cmdq.sync_ticks != 0 && likely(!e->conf.sync_early)) {
		uint64_t now = emu_now(&e->core);

		if (!e->cmdq.sync_timed) {
			e->cmdq.sync_timed = true;
			e->cmdq.sync_due = now + e->cmdq.sync_ticks;
		}
		if (now < e->cmdq.sync_due)
			return true;
	}
	sync_complete(e);
	return true;
}

/* ---- consumption ----------------------------------------------------------------------------- */

static void
consume(struct emu_smmu *e)
{
	uint32_t idx = e->cmdq.cons & (e->cmdq.mask >> 1);
	uint64_t at = (uint64_t)idx * SMMU_CMD_BYTES;
	uint64_t *p = likely(e->cmdq.va != NULL) ?
			      (uint64_t *)(void *)(e->cmdq.va + at) :
			      emu_pa(&e->core, e->cmdq.base + at, SMMU_CMD_BYTES);
	uint64_t cmd[2];
	uint32_t err;

	if (emu_inject_once(&e->core, EMU_INJECT_CERROR_ABT))
		p = NULL;
	else if (unlikely(p == NULL))
		emu_count(&e->core.st.mem_aborts, 1);
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
		e->cmdq.sync_cmd[0] = cmd[0];
		e->cmdq.sync_cmd[1] = cmd[1];
		e->cmdq.sync_wait = true;
		e->cmdq.sync_timed = false;
		sync_work(e);
		return;
	}
	invalidate(e, cmd);
	e->cmdq.cons = (e->cmdq.cons + 1) & e->cmdq.mask;
	if (((e->cmdq.cons - e->cmdq.cons_pub) & e->cmdq.mask) >= e->conf.cons_lag)
		publish_late(e);
}

bool
emu_cmdq_work(struct emu_smmu *e)
{
	bool busy = false;
	uint32_t prod, used;

	if (unlikely(!pend_empty(e)))
		busy = pend_work(e) || !pend_empty(e);
	if (unlikely(!e->cmdq.on)) {
		/* Acknowledged (§7.5): fetch again from CONS.RD, PROD may have moved back. */
		if (e->cmdq.err && !emu_gerror_active(e, SMMU_GERROR_CMDQ_ERR)) {
			e->cmdq.err = false;
			e->cmdq.on = true;
			return true;
		}
		return busy;
	}
	if (e->cmdq.sync_wait) {
		publish_late(e);
		return sync_work(e) || busy;
	}
	/* acquire: pairs with the release with which the driver stores PROD. */
	prod = emu_reg32(e, SMMU_CMDQ_PROD) & e->cmdq.mask;
	used = (prod - e->cmdq.cons) & e->cmdq.mask;
	/* PROD is more than the queue holds: stop until it is valid (§3.5.1). */
	if (likely(used == 0) || unlikely(used > (e->cmdq.mask + 1) / 2)) {
		return publish_late(e) || busy;
	}
	/* Without room for the next command, wait until an invalidation has taken effect. */
	if (unlikely(e->cmdq.pend_tail - e->cmdq.pend_head == EMU_PEND))
		return true;
	consume(e);
	return true;
}

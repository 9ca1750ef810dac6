/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The control registers (IHI 0070 §6): identification, enables and their acknowledgements, GBPA,
 * GERROR, and guarded registers, whose stores are dropped and counted.
 *
 * The page is plain memory, so every store takes place, allowed or not. A guarded register is
 * therefore latched when its guard closes, compared from time to time, and restored.
 */
#include "priv.h"

/* ---- what must not change -------------------------------------------------------------------- */

enum guard { G_RO, G_SMMUEN, G_CMDQEN, G_EVENTQEN, G_QUEUES, G_IRQ };

static const struct {
	uint32_t off;
	uint8_t size, guard;
	uint32_t mask; /* of the bits guarded, for those where the others are not; 0: all */
	uint32_t irq;  /* G_IRQ: bit of IRQ_CTRL */
} guards[] = {
	{ SMMU_IDR0, 8, G_RO, 0, 0 },
	{ SMMU_IDR2, 8, G_RO, 0, 0 },
	{ SMMU_IDR4, 8, G_RO, 0, 0 },
	{ SMMU_IIDR, 8, G_RO, 0, 0 },
	{ EMU_ID_REGS - 16, 8, G_RO, 0, 0 }, /* RES0, but on one line with the ID registers */
	{ EMU_ID_REGS - 8, 8, G_RO, 0, 0 },
	{ EMU_ID_REGS, 8, G_RO, 0, 0 },
	{ EMU_ID_REGS + 8, 8, G_RO, 0, 0 },
	{ EMU_ID_REGS + 16, 8, G_RO, 0, 0 },
	{ EMU_ID_REGS + 24, 8, G_RO, 0, 0 },
	{ EMU_ID_REGS + 32, 8, G_RO, 0, 0 },
	{ EMU_ID_REGS + 40, 8, G_RO, 0, 0 },
	{ SMMU_CR1, 4, G_QUEUES, SMMU_FIELD(5, 0), 0 },
	{ SMMU_CR1, 4, G_SMMUEN, SMMU_FIELD(11, 6), 0 },
	{ SMMU_CR2, 4, G_SMMUEN, 0, 0 },
	{ SMMU_STRTAB_BASE, 8, G_SMMUEN, 0, 0 },
	{ SMMU_STRTAB_BASE_CFG, 4, G_SMMUEN, 0, 0 },
	{ SMMU_CMDQ_BASE, 8, G_CMDQEN, 0, 0 },
	{ SMMU_EVENTQ_BASE, 8, G_EVENTQEN, 0, 0 },
	{ SMMU_GERROR_IRQ_CFG0, 8, G_IRQ, 0, SMMU_IRQ_CTRL_GERROR_IRQEN },
	{ SMMU_GERROR_IRQ_CFG1, 8, G_IRQ, 0, SMMU_IRQ_CTRL_GERROR_IRQEN },
	{ SMMU_EVENTQ_IRQ_CFG0, 8, G_IRQ, 0, SMMU_IRQ_CTRL_EVENTQ_IRQEN },
	{ SMMU_EVENTQ_IRQ_CFG1, 8, G_IRQ, 0, SMMU_IRQ_CTRL_EVENTQ_IRQEN },
};
_Static_assert(RTE_DIM(guards) <= EMU_NB_GUARDS, "guard_val[] holds them");

static bool
guard_closed(const struct emu_smmu *e, unsigned int i, uint32_t cr0, uint32_t irq)
{
	cr0 |= e->ctl.cr0ack; /* guarded while the enable or its acknowledgement is set (§6.2) */
	switch (guards[i].guard) {
	case G_SMMUEN:
		return cr0 & SMMU_CR0_SMMUEN;
	case G_CMDQEN:
		return cr0 & SMMU_CR0_CMDQEN;
	case G_EVENTQEN:
		return cr0 & SMMU_CR0_EVENTQEN;
	case G_QUEUES:
		return cr0 & (SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN);
	case G_IRQ:
		return (irq | e->ctl.irqack) & guards[i].irq;
	default:
		return true;
	}
}

static void
guards_poll(struct emu_smmu *e, uint32_t cr0, uint32_t irq)
{
	for (unsigned int i = 0; i < RTE_DIM(guards); i++) {
		uint32_t off = guards[i].off;
		uint64_t mask = guards[i].mask ? guards[i].mask : UINT64_MAX;
		uint64_t v = guards[i].size == 8 ? emu_reg64(e, off) : emu_reg32(e, off);

		if (!guard_closed(e, i, cr0, irq)) {
			e->ctl.guard_on[i] = false;
		} else if (!e->ctl.guard_on[i]) {
			e->ctl.guard_on[i] = true;
			emu_res0_now(e, off); /* reserved bits are not kept */
			e->ctl.guard_val[i] = v & mask & emu_res0_mask(e, off, guards[i].size);
		} else if ((v & mask) != e->ctl.guard_val[i]) {
			v = (v & ~mask) | e->ctl.guard_val[i];
			if (guards[i].size == 8)
				emu_set_reg64(e, off, v);
			else
				emu_set_reg32(e, off, (uint32_t)v);
			emu_count(&e->st.guarded_writes, 1);
		}
	}
}

/* Registers that only the SMMU writes. */
static void
restore(struct emu_smmu *e, uint32_t off, uint32_t v)
{
	if (emu_reg32(e, off) != v) {
		emu_set_reg32(e, off, v);
		emu_count(&e->st.guarded_writes, 1);
	}
}

static void
readonly_poll(struct emu_smmu *e)
{
	restore(e, SMMU_CR0ACK, e->ctl.cr0ack);
	restore(e, SMMU_IRQ_CTRLACK, e->ctl.irqack);
	restore(e, SMMU_GERROR, e->ctl.gerror);
	if (e->ctl.cr0ack & SMMU_CR0_CMDQEN)
		restore(e, SMMU_CMDQ_CONS, e->cmdq.cons_reg);
	if (e->evtq.on)
		restore(e, SMMU_EVENTQ_PROD, e->evtq.prod);
}

/* ---- enables and acknowledgements ------------------------------------------------------------ */

/* The table is aligned to its size by the literal LOG2SIZE, also where that is beyond SIDSIZE
 * (§6.3.24): 64 bytes a stream, or 8 bytes for each 2^SPLIT of them and at least 64 in all. */
static uint64_t
strtab_align(unsigned int log2, bool two_level, unsigned int split)
{
	unsigned int bits = !two_level ? log2 + 6 : log2 > split + 3 ? log2 - split + 3 : 6;

	return bits < 64 ? ~UINT64_C(0) << bits : 0;
}

static void
smmu_enable(struct emu_smmu *e)
{
	uint32_t cfg = emu_reg32(e, SMMU_STRTAB_BASE_CFG);
	unsigned int log2 = (unsigned int)smmu_field_get(SMMU_STRTAB_CFG_LOG2SIZE, cfg);
	unsigned int split = (unsigned int)smmu_field_get(SMMU_STRTAB_CFG_SPLIT, cfg);

	e->cfg.st_log2 = (uint8_t)(log2 < e->conf.sid_bits ? log2 : e->conf.sid_bits);
	e->cfg.st_split = split == 8 || split == 10 ? (uint8_t)split : 6; /* §6.3.25 */
	e->cfg.st_2lvl = e->conf.two_level &&
		     smmu_field_get(SMMU_STRTAB_CFG_FMT, cfg) == SMMU_STRTAB_FMT_2LVL;
	e->cfg.strtab_base = emu_reg64(e, SMMU_STRTAB_BASE) & SMMU_STRTAB_BASE_ADDR &
			 strtab_align(log2, e->cfg.st_2lvl, e->cfg.st_split);
	e->e2h = e->conf.hyp && (emu_reg32(e, SMMU_CR2) & SMMU_CR2_E2H);
	e->recinvsid = emu_reg32(e, SMMU_CR2) & SMMU_CR2_RECINVSID;
	e->smmuen = true;
}

static void
cr0_apply(struct emu_smmu *e, uint32_t cr0)
{
	uint32_t on = cr0 & ~e->ctl.cr0ack, off = e->ctl.cr0ack & ~cr0;

	if (off & SMMU_CR0_SMMUEN)
		e->smmuen = false; /* caches keep what they have (§6.3.9.6) */
	if (off & SMMU_CR0_CMDQEN)
		emu_cmdq_disable(e);
	if (off & SMMU_CR0_EVENTQEN)
		emu_evtq_disable(e);
	if (on & SMMU_CR0_CMDQEN)
		emu_cmdq_enable(e);
	if (on & SMMU_CR0_EVENTQEN)
		emu_evtq_enable(e);
	if (on & SMMU_CR0_SMMUEN)
		smmu_enable(e);
	e->atschk = cr0 & SMMU_CR0_ATSCHK;
	e->ctl.cr0ack = cr0;
	/* release: pairs with the driver's acquire; what was in use before no longer is. */
	emu_set_reg32(e, SMMU_CR0ACK, cr0);
}

/* Count down to an acknowledgement. @return whether it is due. */
static bool
ack_due(const struct emu_smmu *e, uint32_t *left)
{
	if (*left == 0)
		*left = e->conf.ack_delay + 1;
	return --*left == 0;
}

/* GBPA (§6.3.14): a store counts only with Update, and is answered by clearing Update. */
static bool
gbpa_poll(struct emu_smmu *e)
{
	uint32_t v = emu_reg32(e, SMMU_GBPA), update = (uint32_t)SMMU_GBPA_UPDATE;

	if (e->ctl.gbpa_wait == 0 && !(v & update)) {
		restore(e, SMMU_GBPA, e->ctl.gbpa);
		return false;
	}
	if (e->ctl.gbpa_wait == 0)
		e->ctl.gbpa_new = v & (uint32_t)EMU_GBPA_MASK;
	if (v != e->ctl.gbpa_new)
		restore(e, SMMU_GBPA, e->ctl.gbpa_new);
	if (ack_due(e, &e->ctl.gbpa_wait)) {
		e->ctl.gbpa = e->ctl.gbpa_new & ~update;
		emu_set_reg32(e, SMMU_GBPA, e->ctl.gbpa);
	}
	return true;
}

bool
emu_regs_poll(struct emu_smmu *e)
{
	uint32_t cr0 = emu_reg32(e, SMMU_CR0) &
		       (uint32_t)(EMU_CR0_MASK | (e->conf.ats ? SMMU_CR0_ATSCHK : 0));
	uint32_t irq = emu_reg32(e, SMMU_IRQ_CTRL) & (uint32_t)EMU_IRQ_CTRL_MASK;
	bool busy;

	if (unlikely(emu_inject_once(&e->core, EMU_INJECT_RESET))) {
		emu_reset(e);
		return true;
	}
	busy = emu_res0_poll(e);
	guards_poll(e, cr0, irq);
	readonly_poll(e);
	if (unlikely(emu_injected(&e->core, EMU_INJECT_ACK_HANG)))
		return busy;
	if (cr0 != e->ctl.cr0ack) {
		busy = true;
		if (ack_due(e, &e->ctl.cr0_wait))
			cr0_apply(e, cr0);
	} else {
		e->ctl.cr0_wait = 0;
	}
	if (irq != e->ctl.irqack) {
		busy = true;
		if (ack_due(e, &e->ctl.irq_wait)) {
			e->ctl.irqack = irq;
			emu_set_reg32(e, SMMU_IRQ_CTRLACK, irq);
		}
	} else {
		e->ctl.irq_wait = 0;
	}
	return gbpa_poll(e) || busy;
}

/* ---- errors and interrupts ------------------------------------------------------------------- */

bool
emu_gerror_active(struct emu_smmu *e, uint32_t bit)
{
	/* acquire: pairs with the driver's acknowledgement; the repaired command is seen. */
	return ((e->ctl.gerror ^ emu_reg32(e, SMMU_GERRORN)) & bit) != 0;
}

void
emu_gerror(struct emu_smmu *e, uint32_t bit)
{
	if (emu_gerror_active(e, bit)) /* §7.5: toggled only while inactive */
		return;
	e->ctl.gerror ^= bit;
	emu_set_reg32(e, SMMU_GERROR, e->ctl.gerror);
	if (bit != SMMU_GERROR_MSI_GERROR_ABT_ERR)
		emu_irq(e, SMMU_IRQ_CTRL_GERROR_IRQEN, SMMU_GERROR_IRQ_CFG0,
			SMMU_GERROR_MSI_GERROR_ABT_ERR);
}

void
emu_pulse(struct emu_smmu *e, enum emu_line line)
{
	if (!e->conf.wired)
		return;
	emu_count(&e->st.wired[line], 1);
	if (e->ctl.pulse != NULL)
		e->ctl.pulse(e->ctl.pulse_arg, line);
}

void
emu_msi(struct emu_smmu *e, uint64_t addr, uint32_t data, uint32_t abt_bit)
{
	void *p = emu_pa(&e->core, addr & ((UINT64_C(1) << e->conf.oas) - 1), 4);

	if (unlikely(p == NULL)) {
		emu_count(&e->core.st.mem_aborts, 1);
		emu_gerror(e, abt_bit);
		return;
	}
	/* release: pairs with the acquire of the thread that polls that word. */
	atomic_store_explicit((_Atomic uint32_t *)p, data, memory_order_release);
	emu_count(&e->st.msis, 1);
}

void
emu_irq(struct emu_smmu *e, uint32_t en, uint32_t cfg0, uint32_t abt_bit)
{
	uint64_t addr;

	if (!(e->ctl.irqack & en))
		return;
	addr = e->conf.msi ? emu_reg64(e, cfg0) & SMMU_IRQ_CFG0_ADDR : 0;
	if (addr != 0)
		emu_msi(e, addr, emu_reg32(e, cfg0 + 8), abt_bit);
	emu_pulse(e, en == SMMU_IRQ_CTRL_GERROR_IRQEN ? EMU_LINE_GERROR : EMU_LINE_EVENTQ);
}

/* ---- reset ----------------------------------------------------------------------------------- */

void
emu_ctl_reset(struct emu_smmu *e)
{
	/* What is outside keeps its place: the wires. */
	e->ctl = (struct emu_ctl){
		/* The reset value of GBPA is up to the implementation: here nothing passes. */
		.gbpa = (uint32_t)SMMU_GBPA_ABORT,
		.pulse = e->ctl.pulse, .pulse_arg = e->ctl.pulse_arg,
	};
	emu_set_reg32(e, SMMU_GBPA, e->ctl.gbpa);
	emu_res0_init(e);
	guards_poll(e, 0, 0); /* latch read-only registers */
}

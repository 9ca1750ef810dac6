/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The event queue (IHI 0070 §3.5.2, §7.2-7.4): records of faults, overflow, aborted writes.
 */
#include "priv.h"

void
emu_evtq_enable(struct emu_smmu *e)
{
	uint64_t base = emu_reg64(e, SMMU_EVENTQ_BASE);
	unsigned int log2 = (unsigned int)smmu_field_get(SMMU_Q_BASE_LOG2SIZE, base);

	if (log2 > e->conf.evtq_max_log2)
		log2 = e->conf.evtq_max_log2;
	e->evtq.mask = (2u << log2) - 1;
	e->evtq.base = base & SMMU_Q_BASE_ADDR & ~(((uint64_t)SMMU_EVT_BYTES << log2) - 1);
	e->evtq.prod = emu_reg32(e, SMMU_EVENTQ_PROD) &
		       (e->evtq.mask | (uint32_t)SMMU_EVENTQ_OVFLG);
	e->evtq.cons = emu_reg32(e, SMMU_EVENTQ_CONS);
	e->evtq.on = true;
}

void
emu_evtq_disable(struct emu_smmu *e)
{
	e->evtq.on = false;
}

static uint32_t
used(const struct emu_smmu *e)
{
	return (e->evtq.prod - e->evtq.cons) & e->evtq.mask;
}

static void
set_prod(struct emu_smmu *e, uint32_t prod)
{
	e->evtq.prod = prod;
	emu_set_reg32(e, SMMU_EVENTQ_PROD, prod);
}

static void
evtq_write(struct emu_smmu *e, const uint64_t rec[SMMU_EVT_DWORDS])
{
	uint32_t entries = (e->evtq.mask + 1) / 2, ovf = (uint32_t)SMMU_EVENTQ_OVFLG;
	bool was_empty;
	uint64_t *p;

	/* Writable (§7.4): enabled, no abort active, not full. */
	if (!e->evtq.on || emu_gerror_active(e, SMMU_GERROR_EVENTQ_ABT_ERR))
		goto drop;
	if (used(e) >= entries) {
		/* CONS is read only if the queue looks full, because its line belongs to the
		 * driver. */
		e->evtq.cons = emu_reg32(e, SMMU_EVENTQ_CONS);
		if (used(e) >= entries) {
			/* The event is lost. OVFLG toggles, unless the last toggle is not yet
			 * acknowledged. */
			if (((e->evtq.prod ^ e->evtq.cons) & ovf) == 0)
				set_prod(e, e->evtq.prod ^ ovf);
			goto drop;
		}
	}
	p = emu_pa(&e->core,
		   e->evtq.base + (uint64_t)(e->evtq.prod & (entries - 1)) * SMMU_EVT_BYTES,
		   SMMU_EVT_BYTES);
	if (p != NULL && emu_inject_once(&e->core, EMU_INJECT_EVTQ_ABT))
		p = NULL;
	else if (p == NULL)
		emu_count(&e->core.st.mem_aborts, 1);
	if (p == NULL) {
		emu_gerror(e, SMMU_GERROR_EVENTQ_ABT_ERR);
		goto drop;
	}
	for (unsigned int i = 0; i < SMMU_EVT_DWORDS; i++)
		atomic_store_explicit((_Atomic uint64_t *)(void *)&p[i], rec[i],
				      memory_order_relaxed);
	if (e->ctl.irqack & SMMU_IRQ_CTRL_EVENTQ_IRQEN)
		e->evtq.cons = emu_reg32(e, SMMU_EVENTQ_CONS);
	was_empty = used(e) == 0;
	set_prod(e, (e->evtq.prod & ovf) | ((e->evtq.prod + 1) & e->evtq.mask));
	emu_count(&e->st.events, 1);
	if (was_empty)
		emu_irq(e, SMMU_IRQ_CTRL_EVENTQ_IRQEN, SMMU_EVENTQ_IRQ_CFG0,
			SMMU_GERROR_MSI_EVENTQ_ABT_ERR);
	return;
drop:
	emu_count(&e->st.events_dropped, 1);
}

void
emu_event(struct emu_smmu *e, const struct emu_req *r, uint8_t id, uint32_t cls, uint64_t fetch)
{
	/* No substreams: SSV and SSID are 0. Fields that a type does not have stay 0 (§7.3). */
	uint64_t rec[SMMU_EVT_DWORDS] = {
		smmu_field_prep(SMMU_EVT_0_ID, id) | smmu_field_prep(SMMU_EVT_0_SID, r->sid),
	};

	/* Of what ATS met, only its own two are recorded (§3.9.1): CR2.REC_CFG_ATS is RES0 without
	 * IDR0.ATSRECERR. */
	if (r->quiet && id != SMMU_EVT_F_BAD_ATS_TREQ && id != SMMU_EVT_F_TRANSL_FORBIDDEN)
		return;
	switch (id) {
	case SMMU_EVT_F_BAD_ATS_TREQ:
		/* A request has no offset within the page. It is for one STU, to read and (the NW
		 * flag is never set) to write; without a PASID it is unprivileged and for data. */
		rec[1] = smmu_field_prep(SMMU_EVT_1_ATS_SPAN, 1) | SMMU_EVT_1_ATS_R |
			 SMMU_EVT_1_ATS_W;
		rec[2] = r->iova & ~UINT64_C(0xfff);
		break;
	case SMMU_EVT_F_TRANSL_FORBIDDEN:
		rec[1] = r->write ? 0 : SMMU_EVT_1_RNW;
		rec[2] = r->iova;
		break;
	case SMMU_EVT_F_STE_FETCH:
	case SMMU_EVT_F_CD_FETCH:
		rec[3] = fetch & SMMU_EVT_3_FETCHADDR;
		break;
	case SMMU_EVT_F_WALK_EABT:
		rec[3] = fetch & SMMU_EVT_3_FETCHADDR;
		/* fall through */
	case SMMU_EVT_F_TRANSLATION:
	case SMMU_EVT_F_ADDR_SIZE:
	case SMMU_EVT_F_ACCESS:
	case SMMU_EVT_F_PERMISSION:
		rec[1] = (r->pnu ? SMMU_EVT_1_PNU : 0) | (r->write ? 0 : SMMU_EVT_1_RNW) |
			 (r->ind ? SMMU_EVT_1_IND : 0) |
			 smmu_field_prep(SMMU_EVT_1_CLASS, cls);
		rec[2] = r->iova;
		break;
	default:
		break;
	}
	evtq_write(e, rec);
}

void
emu_event_s2(struct emu_smmu *e, const struct emu_req *r, const struct emu_walk *w)
{
	const uint64_t rec[SMMU_EVT_DWORDS] = {
		smmu_field_prep(SMMU_EVT_0_ID, w->fault) | smmu_field_prep(SMMU_EVT_0_SID, r->sid),
		/* The SMMU only ever reads a descriptor of stage 1. */
		SMMU_EVT_1_S2 | smmu_field_prep(SMMU_EVT_1_CLASS, w->cls) |
			(r->pnu ? SMMU_EVT_1_PNU : 0) | (r->write ? 0 : SMMU_EVT_1_RNW) |
			(r->ind ? SMMU_EVT_1_IND : 0) |
			(w->fault == SMMU_EVT_F_PERMISSION && w->cls == SMMU_EVT_CLASS_TTD ?
				 SMMU_EVT_1_TTRNW : 0),
		r->iova,
		w->fault == SMMU_EVT_F_WALK_EABT ? w->fetch & SMMU_EVT_3_FETCHADDR :
						   w->ipa & SMMU_EVT_3_IPA,
	};

	if (!r->quiet)
		evtq_write(e, rec);
}

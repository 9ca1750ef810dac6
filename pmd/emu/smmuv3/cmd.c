/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The commands (IHI 0070 §4): whether each is legal on this SMMU, and its invalidations.
 */
#include "priv.h"

/* The level that a command with TG names, 0: any. Without 52-bit descriptors (IDR5.DS) 16 KiB
 * tables have no leaf at level 1, and TTL 1 is taken as 0 (§4.4.1.1). */
static unsigned int
range_ttl(const uint64_t cmd[2])
{
	unsigned int ttl = (unsigned int)smmu_field_get(SMMU_TLBI_1_TTL, cmd[1]);

	return ttl == 1 && smmu_field_get(SMMU_TLBI_1_TG, cmd[1]) == SMMU_TLBI_TG_16K ? 0 : ttl;
}

/* A range of one page without a level cannot be expressed with TG (§4.4.1.1). */
static bool
range_ok(const struct emu_smmu *e, const uint64_t cmd[2])
{
	return !e->conf.ril || smmu_field_get(SMMU_TLBI_1_TG, cmd[1]) == SMMU_TLBI_TG_NONE ||
	       (cmd[0] & (SMMU_TLBI_0_NUM | SMMU_TLBI_0_SCALE)) != 0 || range_ttl(cmd) != 0;
}

static uint32_t
tlbi_of(struct emu_smmu *e, bool ok)
{
	if (!ok || emu_inject_nth(&e->core, EMU_INJECT_CERROR_ILL))
		return SMMU_CERROR_ILL;
	emu_count(&e->st.tlbis, 1);
	return SMMU_CERROR_NONE;
}

uint32_t
emu_cmd_check(struct emu_smmu *e, const uint64_t cmd[2])
{
	if (cmd[0] & SMMU_CMD_0_SSEC)
		return SMMU_CERROR_ILL;
	switch (smmu_field_get(SMMU_CMD_0_OP, cmd[0])) {
	case SMMU_CMD_PREFETCH_CONFIG:
	case SMMU_CMD_PREFETCH_ADDR:
		return SMMU_CERROR_NONE;
	case SMMU_CMD_CFGI_CD:
	case SMMU_CMD_CFGI_CD_ALL:
		if (!e->conf.s1)
			return SMMU_CERROR_ILL;
		/* fall through */
	case SMMU_CMD_CFGI_STE:
	case SMMU_CMD_CFGI_STE_RANGE:
		emu_count(&e->st.cfgis, 1);
		return SMMU_CERROR_NONE;
	case SMMU_CMD_TLBI_EL2_VA:
	case SMMU_CMD_TLBI_EL2_VAA:
		return tlbi_of(e, e->conf.hyp && range_ok(e, cmd));
	case SMMU_CMD_TLBI_NH_VA:
	case SMMU_CMD_TLBI_NH_VAA:
		return tlbi_of(e, e->conf.s1 && range_ok(e, cmd));
	case SMMU_CMD_TLBI_S2_IPA:
		return tlbi_of(e, e->conf.s2 && range_ok(e, cmd));
	case SMMU_CMD_TLBI_EL2_ALL:
	case SMMU_CMD_TLBI_EL2_ASID:
		return tlbi_of(e, e->conf.hyp);
	case SMMU_CMD_TLBI_NH_ALL:
	case SMMU_CMD_TLBI_NH_ASID:
		return tlbi_of(e, e->conf.s1);
	case SMMU_CMD_TLBI_S12_VMALL:
		return tlbi_of(e, e->conf.s2);
	case SMMU_CMD_TLBI_NSNH_ALL:
		return tlbi_of(e, true);
	case SMMU_CMD_ATC_INV: /* §4.5.1: a size beyond 52 may be illegal; here it is */
		if (!e->conf.ats || smmu_field_get(SMMU_ATC_1_SIZE, cmd[1]) > SMMU_ATC_SIZE_ALL)
			return SMMU_CERROR_ILL;
		emu_count(&e->st.atc_invs, 1);
		return SMMU_CERROR_NONE;
	case SMMU_CMD_SYNC:
		return smmu_field_get(SMMU_SYNC_0_CS, cmd[0]) == 3 ? SMMU_CERROR_ILL :
								     SMMU_CERROR_NONE;
	default:
		/* Reserved, or of a feature that the IDRs deny: PRI, stalls (STALL_MODEL is
		 * terminate only), Secure. */
		return SMMU_CERROR_ILL;
	}
}

/*
 * TLBI by address (§4.4.1), VA or IPA: one page or leaf of any granule, or with RIL a range in
 * pages of granule TG, which keeps entries from tables of another granule. An address that is not
 * aligned to TG is UNPREDICTABLE; here its low bits are ignored.
 */
static void
tlbi_va(struct emu_smmu *e, const uint64_t cmd[2], uint32_t space, uint32_t asid)
{
	unsigned int tg = (unsigned int)smmu_field_get(SMMU_TLBI_1_TG, cmd[1]);
	unsigned int what = EMU_GRANS_ALL;
	uint64_t va = cmd[1] & SMMU_TLBI_1_ADDR, n = 1;

	/* Without RIL the fields are RES0. */
	if (e->conf.ril && tg != SMMU_TLBI_TG_NONE) {
		unsigned int gran = tg - SMMU_TLBI_TG_4K;

		n = (smmu_field_get(SMMU_TLBI_0_NUM, cmd[0]) + 1)
		    << (smmu_field_get(SMMU_TLBI_0_SCALE, cmd[0]) + 2 * gran);
		va &= ~((UINT64_C(1) << GRAN_PAGE_SHIFT(gran)) - 1);
		what = 1u << gran | EMU_TTL(range_ttl(cmd));
	}
	emu_tlb_inv_va(&e->tlb, space, va, n, asid, what);
	if (!(cmd[1] & SMMU_TLBI_1_LEAF))
		emu_wc_inv(&e->tlb, space, va, n, asid, what);
}

/* The VMID of a command. Without stage 2 it is RES0 and does not count; with 8 bits the upper half
 * is, and no entry is of a VMID that has something there (§4.4). @return whether there may be any.
 */
static bool
cmd_vmid(const struct emu_smmu *e, const uint64_t cmd[2], uint16_t *vmid)
{
	*vmid = e->conf.s2 ? (uint16_t)smmu_field_get(SMMU_TLBI_0_VMID, cmd[0]) : 0;
	return e->conf.vmid16 || *vmid < 256;
}

/* TLBI of one VMID. Those of stage 1 take entries of both stages too, that by IPA does not
 * (§4.4.3.1). */
static void
tlbi_vm(struct emu_smmu *e, const uint64_t cmd[2])
{
	uint16_t asid = (uint16_t)smmu_field_get(SMMU_TLBI_0_ASID, cmd[0]);
	uint16_t vmid;

	if (!cmd_vmid(e, cmd, &vmid))
		return;
	switch (smmu_field_get(SMMU_CMD_0_OP, cmd[0])) {
	case SMMU_CMD_TLBI_NH_ALL:
		emu_tlb_inv_space(&e->tlb, emu_space_va(vmid));
		break;
	case SMMU_CMD_TLBI_NH_ASID:
		emu_tlb_inv_tag(&e->tlb, emu_space_va(vmid), asid);
		break;
	case SMMU_CMD_TLBI_NH_VA:
		tlbi_va(e, cmd, emu_space_va(vmid), asid);
		break;
	case SMMU_CMD_TLBI_NH_VAA:
		tlbi_va(e, cmd, emu_space_va(vmid), EMU_ANY_TAG);
		break;
	case SMMU_CMD_TLBI_S12_VMALL:
		emu_tlb_inv_space(&e->tlb, emu_space_va(vmid));
		emu_tlb_inv_space(&e->tlb, emu_space_ipa(vmid));
		break;
	case SMMU_CMD_TLBI_S2_IPA:
		tlbi_va(e, cmd, emu_space_ipa(vmid), 0);
		break;
	default:
		break;
	}
}

static void
execute(struct emu_smmu *e, const uint64_t cmd[2])
{
	uint32_t sid = (uint32_t)smmu_field_get(SMMU_CMD_0_SID, cmd[0]);
	uint16_t asid = (uint16_t)smmu_field_get(SMMU_TLBI_0_ASID, cmd[0]);
	unsigned int range;
	uint32_t mask;

	switch (smmu_field_get(SMMU_CMD_0_OP, cmd[0])) {
	case SMMU_CMD_CFGI_STE:
		emu_config_inv_ste(e, sid, UINT32_MAX, cmd[1] & SMMU_CFGI_1_LEAF);
		break;
	case SMMU_CMD_CFGI_STE_RANGE:
		range = (unsigned int)smmu_field_get(SMMU_CFGI_1_RANGE, cmd[1]);
		/* 2^(RANGE+1) streams; no bit of the StreamID matters when all are meant. */
		mask = range == SMMU_CFGI_RANGE_ALL ? 0 : ~(uint32_t)((UINT64_C(2) << range) - 1);
		emu_config_inv_ste(e, sid, mask, false);
		break;
	case SMMU_CMD_CFGI_CD:     /* SubstreamIDs are not implemented: one CD a stream */
	case SMMU_CMD_CFGI_CD_ALL:
		emu_config_inv_cd(e, sid);
		break;
	case SMMU_CMD_TLBI_NSNH_ALL:
		emu_tlb_inv_but(&e->tlb, EMU_SPACE_EL2);
		break;
	case SMMU_CMD_TLBI_EL2_ALL: /* with and without E2H */
		emu_tlb_inv_space(&e->tlb, EMU_SPACE_EL2);
		break;
	case SMMU_CMD_TLBI_EL2_ASID: /* also if entries have no ASID: they may be dropped */
		emu_tlb_inv_tag(&e->tlb, EMU_SPACE_EL2, asid);
		break;
	case SMMU_CMD_TLBI_EL2_VA: /* without E2H the ASID is ignored (§4.4.2.8) */
		tlbi_va(e, cmd, EMU_SPACE_EL2, e->e2h ? asid : 0);
		break;
	case SMMU_CMD_TLBI_EL2_VAA:
		tlbi_va(e, cmd, EMU_SPACE_EL2, EMU_ANY_TAG);
		break;
	case SMMU_CMD_ATC_INV:
		emu_ats_invalidate(e, cmd);
		break;
	default:
		tlbi_vm(e, cmd);
		break;
	}
}

void
emu_cmd_invalidate(struct emu_smmu *e, const uint64_t cmd[2])
{
	if (likely(!e->conf.tlbi_racy)) {
		execute(e, cmd);
		return;
	}
	emu_racy_before(e);
	execute(e, cmd);
	emu_racy_after(e);
}

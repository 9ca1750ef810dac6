/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The stage-2 table walk (IHI 0070 §3.4, §5.2; Arm DDI 0487 D8.2, D8.4.2): VMSAv8-64 from S2TTB,
 * whose first tables may be up to 16 in a row, with the walk cache for the levels above the last.
 */
#include "descriptor.h"

/* Fields of a leaf of stage 2 (D8.3). Bit 53 counts because stage 2 brings IDR3.XNX. */
#define TTD_MEMATTR  SMMU_FIELD(5, 2)
#define TTD_S2AP_R   SMMU_BIT(6)
#define TTD_S2AP_W   SMMU_BIT(7)
#define TTD_S2XN     SMMU_FIELD(54, 53)
#define XN_NONE      0u /* all may execute */
#define XN_UNPRIV    1u /* only unprivileged may execute */
#define XN_PRIV      3u /* only privileged may execute */

/* S2AP is the same for privileged and unprivileged. Execution needs no permission to read. */
static uint8_t
leaf_perm(uint64_t d)
{
	unsigned int xn = (unsigned int)smmu_field_get(TTD_S2XN, d);
	uint8_t p = 0;

	if (d & TTD_S2AP_R)
		p |= EMU_PERM_UR | EMU_PERM_PR;
	if (d & TTD_S2AP_W)
		p |= EMU_PERM_UW | EMU_PERM_PW;
	if (xn == XN_NONE || xn == XN_UNPRIV)
		p |= EMU_PERM_UX;
	if (xn == XN_NONE || xn == XN_PRIV)
		p |= EMU_PERM_PX;
	return p;
}

/* Is the memory of a Device type (D8.6)? With S2FWB MemAttr[2] says so, else MemAttr[3:2]. */
static bool
device(const struct emu_s2 *s2, uint64_t d)
{
	return (smmu_field_get(TTD_MEMATTR, d) & (s2->fwb ? 4 : 12)) == 0;
}

static uint8_t
leaf_fault(const struct emu_s2 *s2, uint64_t d, uint64_t out)
{
	if (out >> s2->ps)
		return SMMU_EVT_F_ADDR_SIZE;
	return (d & SMMU_TTD_AF) || s2->affd ? 0 : SMMU_EVT_F_ACCESS;
}

/* Find the start of the walk in the walk cache. @return the level of @p table. */
static unsigned int
skip(struct emu_smmu *e, const struct emu_s2 *s2, uint64_t ipa, uint64_t *table)
{
	for (int l = 2; l >= (int)s2->start; l--) {
		const struct wc_entry *c =
			emu_wc_lookup(&e->tlb, &s2->tag, ipa, s2->gran, (unsigned int)l);

		if (c != NULL) {
			*table = c->next;
			return (unsigned int)l + 1;
		}
	}
	return s2->start;
}

/* Faults come in stage 1's order (§7.3.20). */
void
emu_s2_walk(struct emu_smmu *e, const struct emu_s2 *s2, uint64_t ipa, bool fresh, bool count,
	    struct emu_walk *w)
{
	const unsigned int gran = s2->gran;
	const uint64_t addr = SMMU_TTD_ADDR & ~emu_offset_mask(GRAN_PAGE_SHIFT(gran));
	const bool wc = e->tlb.wc != NULL && !fresh;
	uint64_t table = s2->ttb;
	unsigned int level = wc ? skip(e, s2, ipa, &table) : s2->start;

	w->fault = 0;
	for (;; level++) {
		unsigned int sh = GRAN_SHIFT(gran, level);
		/* All bits above the first level's shift are index, since its tables are
		 * concatenated. */
		uint64_t idx = level == s2->start ?
				       ipa >> sh :
				       (ipa >> sh) & emu_offset_mask(GRAN_IDX_BITS(gran));
		uint64_t d, out;

		w->fetch = table + idx * 8;
		if (!emu_descriptor(e, gran, level, fresh, count, w, &d))
			return;
		out = d & addr;
		if (level == 3 || !(d & SMMU_TTD_TABLE)) {
			out &= ~emu_offset_mask(sh);
			w->fault = leaf_fault(s2, d, out);
			w->leaf = (struct emu_leaf){
				.pa = out, .gran = (uint8_t)gran, .level = (uint8_t)level,
				.of = (uint8_t)level, .shift = (uint8_t)sh, .perm = leaf_perm(d),
				.note = device(s2, d) ? EMU_NOTE_DEVICE : 0,
			};
			return;
		}
		if (out >> s2->ps) {
			w->fault = SMMU_EVT_F_ADDR_SIZE;
			return;
		}
		table = out;
		if (wc)
			emu_wc_insert(&e->tlb, &s2->tag, ipa, gran, level, out);
	}
}

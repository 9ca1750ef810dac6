/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Where QEMU's SMMUv3 is known to leave the architecture: each point once, with what is done
 * about it. Nothing else is forgiven.
 */
#include "diff.h"

/* First version (major * 100 + minor) that does it right, when known. */
#define EVER 100000u

struct deviation {
	const char *what, *how;
	unsigned int until;
	void (*change)(struct outcome *o); /* NULL: cases do not contain it */
};

static bool
is_translation_fault(const struct outcome *o)
{
	uint64_t id = smmu_field_get(SMMU_EVT_0_ID, o->ev[0]);

	return o->event && id >= SMMU_EVT_F_TRANSLATION && id <= SMMU_EVT_F_PERMISSION;
}

static void
class_zero(struct outcome *o)
{
	if (is_translation_fault(o))
		o->ev[1] &= ~SMMU_EVT_1_CLASS;
}

static void
cd_fetch_address(struct outcome *o)
{
	if (!o->event || smmu_field_get(SMMU_EVT_0_ID, o->ev[0]) != SMMU_EVT_F_CD_FETCH)
		return;
	o->ev[2] = o->ev[3];
	o->ev[3] = 0;
	o->evmask[3] = UINT64_MAX;
}

static void
bypass_beyond_oas(struct outcome *o)
{
	if (!o->event || !o->bypass)
		return;
	o->event = false;
	o->end = END_ABORT;
}

static bool
is_s2(const struct outcome *o)
{
	return o->event && (o->ev[1] & SMMU_EVT_1_S2);
}

static void
ipa_offset(struct outcome *o)
{
	if (is_translation_fault(o) && is_s2(o))
		o->evmask[3] &= SMMU_EVT_3_IPA;
}

static uint64_t
class_of(const struct outcome *o)
{
	return smmu_field_get(SMMU_EVT_1_CLASS, o->ev[1]);
}

static void
cd_fetch_reads(struct outcome *o)
{
	if (is_s2(o) && class_of(o) == SMMU_EVT_CLASS_CD)
		o->ev[1] |= SMMU_EVT_1_RNW;
}

static void
beyond_ias(struct outcome *o)
{
	if (o->s2_only && is_translation_fault(o) && !is_s2(o))
		o->event = false;
}

static void
permission_ipa(struct outcome *o)
{
	if (is_s2(o) && smmu_field_get(SMMU_EVT_0_ID, o->ev[0]) == SMMU_EVT_F_PERMISSION &&
	    class_of(o) == SMMU_EVT_CLASS_IN) {
		o->evmask[3] = 0;
		o->lost = o->s2_only;
	}
}

static void
table_fault(struct outcome *o)
{
	if (!is_s2(o) || class_of(o) != SMMU_EVT_CLASS_TTD)
		return;
	o->evmask[1] &= ~(SMMU_EVT_1_S2 | SMMU_EVT_1_TTRNW | SMMU_EVT_1_RNW);
	/* Tables are 64 KiB apart. */
	o->evmask[3] &= is_translation_fault(o) ? ~UINT64_C(0xffff) : 0;
	o->lost = is_translation_fault(o);
}

static const struct deviation list[] = {
	{ "addresses from 2^48 on do not reach the SMMU: no translation, no event",
	  "cases have no upper half", 800, NULL },
	{ "TTB1 is used for addresses whose upper bits are 0 when they are beyond TTB0",
	  "cases have EPD1 = 1", 800, NULL },
	{ "events 0x10 to 0x13 say CLASS 0, not 2 (the input address)",
	  "CLASS 0 is expected of it", 1000, class_zero },
	{ "F_CD_FETCH has its address in word 2, not in word 3", "it is expected there", EVER,
	  cd_fetch_address },
	{ "bypass (STE.Config 0b100) lets addresses beyond OAS pass, without F_ADDR_SIZE",
	  "they are expected to pass and to find nothing", EVER, bypass_beyond_oas },
	{ "AF of a leaf and CD.AFFD do nothing", "cases have AF set, AFFD clear", 1000, NULL },
	{ "where a leaf leads is not checked against CD.IPS", "cases have no leaf beyond it", 1000,
	  NULL },
	{ "where a table descriptor leads is not checked against CD.IPS: F_WALK_EABT, or nothing",
	  "cases have IPS = OAS, and no table beyond it", EVER, NULL },
	{ "a block descriptor at a level that has none (4 KiB: 0, 16 and 64 KiB: 1) is a block",
	  "cases have none there", EVER, NULL },
	{ "AP[1], UXN, PXN and nG of a leaf, APTable, STE.PRIVCFG and INSTCFG do nothing",
	  "cases have AP[1] and nG set, the others clear", EVER, NULL },
	{ "S1CDMax other than 0 is C_BAD_STE, although IDR1.SSIDSIZE is 0 and it is IGNORED",
	  "cases have 0", EVER, NULL },
	{ "a TLBI by address does not see through the tag of an address under CD.TBI",
	  "cases have TBI = 0", EVER, NULL },
	{ "TLBI with TG set and NUM, SCALE, TTL all 0 is executed, not CERROR_ILL; so are SYNC "
	  "with CS = 3, ATC_INV, PRI_RESP, RESUME, STALL_TERM and TLBI_EL2_*",
	  "of illegal commands, cases have the reserved opcode 0", EVER, NULL },
	{ "a stage 2 fault has in bits 11:0 of word 3 the offset in the page (§7.3.12: RES0)",
	  "bits 51:12, the IPA, are compared", EVER, ipa_offset },
	{ "RnW of a stage 2 fault of a CD fetch is that of the fetch, 1, not the access's (§7.3.12)",
	  "1 is expected", EVER, cd_fetch_reads },
	{ "of start tables of stage 2 that are side by side (DDI 0487 D8.2) the first serves for all",
	  "cases have one", EVER, NULL },
	{ "S2SL0 that begins above what S2T0SZ has bits for is no C_BAD_STE (§5.2; DDI 0487, "
	  "AArch64.S2InconsistentSL)", "cases have none", EVER, NULL },
	{ "S2T0SZ of more bits than S2PS is C_BAD_STE; the limit is IAS (§5.2)",
	  "cases have none", EVER, NULL },
	{ "a read passes by an entry in the IOTLB whose S2AP lets only writes through",
	  "cases have no S2AP = 2 for data", EVER, NULL },
	{ "S2HA and S2HD do nothing; without HTTU they are C_BAD_STE (§5.2)",
	  "cases have 0", EVER, NULL },
	{ "S1STALLD = 1 is C_BAD_STE also with stage 2 alone, where nothing depends on it (§5.5)",
	  "cases have 0 there", EVER, NULL },
	{ "STE.S2AA64 = 0 ends QEMU", "cases have 1", EVER, NULL },
	{ "STE.S2PTW, MemAttr and XN of stage 2 do nothing", "cases have S2PTW = 0, XN = 0", EVER, NULL },
	{ "with stage 2 alone F_ADDR_SIZE of an address beyond IAS (§3.4) is not recorded",
	  "no record is expected", EVER, beyond_ias },
	{ "F_PERMISSION of stage 2 that an entry in the IOTLB shows has IPA 0 (§7.3.15); with stage 2 "
	  "alone it is taken for one of stage 1 and not recorded",
	  "the IPA is not compared, nor is the record missed", EVER, permission_ipa },
	{ "a stage 2 fault of a stage 1 descriptor (§7.3.12) has TTRnW = 0 and the table's IPA, not its "
	  "own; that of a root table has RnW = 1, of another S2 = 0; F_WALK_EABT has that IPA for an "
	  "address; CD.R, not S2R, says whether it is recorded",
	  "none of these is compared; cases with both stages have S2R = 1", EVER, table_fault },
	{ "of a table of stage 1 in several pages of stage 2 the first page's translation serves for all",
	  "pages of such tables stay as they are", EVER, NULL },
	{ "with both stages an entry of the IOTLB is found before the address is held against T0SZ, by "
	  "the granule of stage 2, too",
	  "each ASID in cases has one size of addresses", EVER, NULL },
	{ "TTB0 and TTB1 both go through stage 2 when the CD is fetched, used or not, and what it makes "
	  "of them stays with the CD until a CFGI (§4.4.3: until a TLBI)",
	  "pages of root tables stay as they are; a CFGI follows each TLBI that is about stage 2",
	  EVER, NULL },
	{ "CD.A = 0 is C_BAD_CD: not a deviation, IDR0.TERM_MODEL is 1",
	  "cases have A = 1: the two differ in what they offer", EVER, NULL },
	{ "the IOTLB drops everything when a 257th entry comes: legal, it is a cache",
	  "answers that the architecture leaves open are not compared with each other", EVER,
	  NULL },
	{ "a refused transfer of edu is one record for each 4 or 8 bytes: the bus cuts it",
	  "records of one transfer may differ in InputAddr", EVER, NULL },
};

#define N (sizeof(list) / sizeof(list[0]))

void
deviate(const struct side *s, struct outcome *o)
{
	for (unsigned int i = 0; s->qemu && i < N; i++)
		if (list[i].change != NULL && s->version < list[i].until)
			list[i].change(o);
}

void
deviations_print(FILE *f)
{
	for (unsigned int i = 0; i < N; i++) {
		fprintf(f, "%s", list[i].what);
		if (list[i].until != EVER)
			fprintf(f, " (before %u.%u)", list[i].until / 100, list[i].until % 100);
		fprintf(f, "\n\t%s\n", list[i].how);
	}
}

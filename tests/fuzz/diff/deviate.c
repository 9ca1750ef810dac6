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

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which commands are legal on this SMMU, and which stop the queue.
 */
#include "rig.h"

/* @return CONS.ERR after the command, 0 when it was taken; the queue is usable again. */
static unsigned int
try(struct rig *r, uint64_t dw0, uint64_t dw1)
{
	unsigned int err = 0;
	uint32_t at = r->prod & ((1u << r->cmdq_log2) - 1);

	rig_post(r, dw0, dw1);
	rig_run(r);
	if ((rig_r32(r, SMMU_GERROR) ^ rig_r32(r, SMMU_GERRORN)) & SMMU_GERROR_CMDQ_ERR) {
		err = (unsigned int)smmu_field_get(SMMU_CMDQ_CONS_ERR, rig_r32(r, SMMU_CMDQ_CONS));
		r->cmdq[2 * at] = SMMU_CMD_SYNC;
		rig_w32(r, SMMU_GERRORN, rig_r32(r, SMMU_GERROR));
		rig_run(r);
	}
	assert_int_equal(rig_cons(r), r->prod);
	return err;
}

/* Every opcode there is: legal ones are these and no others (no EL2, stage 2, ATS, PRI, stall). */
static void
test_every_opcode(void **state)
{
	static const uint8_t legal[] = {
		SMMU_CMD_PREFETCH_CONFIG, SMMU_CMD_PREFETCH_ADDR, SMMU_CMD_CFGI_STE,
		SMMU_CMD_CFGI_STE_RANGE, SMMU_CMD_CFGI_CD, SMMU_CMD_CFGI_CD_ALL,
		SMMU_CMD_TLBI_NH_ALL, SMMU_CMD_TLBI_NH_ASID, SMMU_CMD_TLBI_NH_VA,
		SMMU_CMD_TLBI_NH_VAA, SMMU_CMD_TLBI_NSNH_ALL, SMMU_CMD_SYNC,
	};
	struct rig *r = *state;

	for (unsigned int op = 0; op < 256; op++) {
		bool ok = memchr(legal, (int)op, sizeof(legal)) != NULL;

		assert_int_equal(try(r, op, 0), ok ? SMMU_CERROR_NONE : SMMU_CERROR_ILL);
		/* For the Secure side: never here. */
		assert_int_equal(try(r, op | SMMU_CMD_0_SSEC, 0), SMMU_CERROR_ILL);
	}
}

static void
test_sync_fields(void **state)
{
	struct rig *r = *state;

	for (unsigned int cs = 0; cs < 4; cs++)
		assert_int_equal(try(r, SMMU_CMD_SYNC | smmu_field_prep(SMMU_SYNC_0_CS, cs), 0),
				 cs == 3 ? SMMU_CERROR_ILL : SMMU_CERROR_NONE);
}

/* TG with NUM, SCALE and TTL all 0 is illegal; without RIL those fields are ignored. */
static void
test_range_fields(void **state)
{
	struct rig *r = *state;
	struct emu_conf c = rig_conf();
	struct rig old;

	for (unsigned int tg = 0; tg < 4; tg++) {
		uint64_t dw1 = smmu_field_prep(SMMU_TLBI_1_TG, tg) | 0x1000;

		for (unsigned int i = 0; i < 2; i++) {
			unsigned int op = i ? SMMU_CMD_TLBI_NH_VAA : SMMU_CMD_TLBI_NH_VA;

			assert_int_equal(try(r, op, dw1), tg ? SMMU_CERROR_ILL : SMMU_CERROR_NONE);
			assert_int_equal(try(r, op | SMMU_TLBI_0_NUM, dw1), SMMU_CERROR_NONE);
			assert_int_equal(try(r, op | SMMU_TLBI_0_SCALE, dw1), SMMU_CERROR_NONE);
			assert_int_equal(try(r, op, dw1 | SMMU_TLBI_1_TTL), SMMU_CERROR_NONE);
		}
	}
	c.ril = false;
	rig_new(&old, &c);
	rig_up(&old);
	assert_int_equal(try(&old, SMMU_CMD_TLBI_NH_VA, SMMU_TLBI_1_TG), SMMU_CERROR_NONE);
	rig_free(&old);
}

static void
test_counters(void **state)
{
	struct rig *r = *state;
	struct emu_stats st;

	try(r, SMMU_CMD_TLBI_NH_ALL, 0);
	try(r, SMMU_CMD_TLBI_NH_VA, 0);
	try(r, SMMU_CMD_CFGI_CD, 0);
	try(r, SMMU_CMD_SYNC, 0);
	try(r, 0, 0);
	st = rig_stats(r);
	assert_int_equal(st.tlbis, 2);
	assert_int_equal(st.cfgis, 1);
	assert_int_equal(st.syncs, 2); /* the bad one was turned into a SYNC */
	assert_int_equal(st.cmds, 5);
	assert_int_equal(st.cerrors, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(test_every_opcode),
		RIG_TEST(test_sync_fields),
		RIG_TEST(test_range_fields),
		RIG_TEST(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

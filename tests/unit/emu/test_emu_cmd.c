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

/* Every opcode there is, by the stages that there are (§4.4.2 to §4.4.4, IDR0.Hyp with both): what
 * is not listed is illegal (no ATS, PRI, stalls). */
static void
test_every_opcode(void **state)
{
	static const uint8_t always[] = { 0x01, 0x02, 0x03, 0x04, 0x30, 0x46 };
	static const uint8_t of_s1[] = { 0x05, 0x06, 0x10, 0x11, 0x12, 0x13 };
	static const uint8_t of_s2[] = { 0x28, 0x2a };
	static const uint8_t of_both[] = { 0x20, 0x21, 0x22, 0x23 };
	struct emu_smmuv3_conf c = rig_conf();
	struct rig r;

	(void)state;
	for (unsigned int stages = 1; stages <= 3; stages++) {
		c.s1 = stages & 1;
		c.s2 = stages & 2;
		rig_new(&r, &c);
		rig_up(&r);
		assert_int_equal(rig_r32(&r, 0) & 3, (c.s2 ? 1 : 0) | (c.s1 ? 2 : 0));
		assert_int_equal(rig_r32(&r, 0) >> 9 & 1, stages == 3); /* IDR0.Hyp */
		for (unsigned int op = 0; op < 256; op++) {
			bool ok =
				memchr(always, (int)op, sizeof(always)) != NULL ||
				(c.s1 && memchr(of_s1, (int)op, sizeof(of_s1)) != NULL) ||
				(c.s2 && memchr(of_s2, (int)op, sizeof(of_s2)) != NULL) ||
				(stages == 3 && memchr(of_both, (int)op, sizeof(of_both)) != NULL);

			assert_int_equal(try(&r, op, 0), ok ? SMMU_CERROR_NONE : SMMU_CERROR_ILL);
			/* For the Secure side: never here. */
			assert_int_equal(try(&r, op | SMMU_CMD_0_SSEC, 0), SMMU_CERROR_ILL);
		}
		rig_free(&r);
	}
}

/* Ranges of every command by address have the same reserved combination (§4.4.1.1). */
static void
test_reserved_range(void **state)
{
	static const uint8_t ops[] = { 0x12, 0x13, 0x22, 0x23, 0x2a };
	struct rig *r = *state;

	for (size_t i = 0; i < RTE_DIM(ops); i++) {
		assert_int_equal(try(r, ops[i], 1u << 10), 1);
		assert_int_equal(try(r, ops[i], 2u << 10 | 1u << 8), 1);
		assert_int_equal(try(r, ops[i], 1u << 10 | 3u << 8), 0);
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

/*
 * §4.4.1.1, every TG (75:74), TTL (73:72), and NUM (16:12) and SCALE (24:20) at their ends: what is
 * reserved is a TG with NUM = SCALE = 0 and no level, and without IDR5.DS level 1 of 16 KiB tables
 * is none. Without RIL the fields are RES0 and nothing is refused.
 */
static void
test_range_fields(void **state)
{
	static const unsigned int ends[] = { 0, 1, 31 };
	struct rig *r = *state;
	struct emu_smmuv3_conf c = rig_conf();
	struct rig old;

	c.ril = false;
	rig_new(&old, &c);
	rig_up(&old);
	for (unsigned int i = 0; i < 4 * 4 * 3 * 3 * 2; i++) {
		unsigned int tg = i & 3, ttl = i >> 2 & 3, op = 0x12 + (i >> 4 & 1); /* VA, VAA */
		uint64_t num = ends[(i >> 5) % 3], scale = ends[(i >> 5) / 3];
		uint64_t dw0 = op | num << 12 | scale << 20, dw1 = tg << 10 | ttl << 8;
		bool level = ttl != 0 && !(tg == 2 && ttl == 1);
		bool ill = tg != 0 && num == 0 && scale == 0 && !level;

		assert_int_equal(try(r, dw0, dw1), ill ? 1 : 0); /* CERROR_ILL */
		assert_int_equal(try(&old, dw0, dw1), 0);
	}
	rig_free(&old);
}

static void
test_counters(void **state)
{
	struct rig *r = *state;
	struct emu_smmuv3_stats st;

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
		cmocka_unit_test(test_every_opcode),
		RIG_TEST(test_reserved_range),
		RIG_TEST(test_sync_fields),
		RIG_TEST(test_range_fields),
		RIG_TEST(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

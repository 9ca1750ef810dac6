/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Garbage in registers, tables and queues: whatever a driver does, the SMMU stays in its memory.
 * Worth most under the sanitizers.
 */
#include "rig.h"

static uint64_t x = 0x2545f4914f6cdd1d;

static uint64_t
rnd(void)
{
	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* A word that tends to be worth following: an address in memory, with bits set here and there. */
static uint64_t
word(void)
{
	uint64_t v = rnd();

	switch (rnd() & 7) {
	case 0:
		return v;
	case 1:
		return v & rnd() & rnd();
	case 2:
		return (RIG_PA + v % RIG_LEN) & ~UINT64_C(4095);
	case 3:
		return ((RIG_PA + v % RIG_LEN) & ~UINT64_C(63)) | (rnd() & 63);
	case 4:
		return (RIG_PA + RIG_LEN - 4096 + (v & 8191)) | 3; /* about the end */
	default:
		return ((RIG_PA + v % RIG_LEN) & ~UINT64_C(4095)) | RIG_RW | 3;
	}
}

static void
scribble(struct rig *r)
{
	static const uint32_t reg[] = {
		SMMU_IDR0, SMMU_CR0ACK, SMMU_CR1, SMMU_CR2, SMMU_GBPA, SMMU_IRQ_CTRL, SMMU_GERROR,
		SMMU_GERRORN, SMMU_GERROR_IRQ_CFG0, SMMU_STRTAB_BASE, SMMU_STRTAB_BASE_CFG,
		SMMU_CMDQ_BASE, SMMU_CMDQ_PROD, SMMU_CMDQ_CONS, SMMU_EVENTQ_BASE, SMMU_EVENTQ_PROD,
		SMMU_EVENTQ_CONS, SMMU_EVENTQ_IRQ_CFG0,
	};
	uint32_t off = reg[rnd() % RTE_DIM(reg)];

	if (off % 8 == 0 && (rnd() & 1))
		rig_w64(r, off, word());
	else
		rig_w32(r, off, (uint32_t)word());
}

static void
fuzz(const struct emu_smmuv3_conf *c, unsigned int steps)
{
	uint8_t dev[9000] = { 0 };
	struct emu_smmuv3_stats st;
	uint64_t *leaf;
	struct rig r;

	rig_new(&r, c);
	for (uint64_t i = 0; i < RIG_LEN; i += 8)
		*(uint64_t *)(void *)(r.mem + i) = word();
	rig_up(&r);
	leaf = rig_map(&r, 0, RIG_PA, RIG_RW);
	for (unsigned int i = 0; i < steps; i++) {
		*(uint64_t *)(void *)(r.mem + rnd() % RIG_LEN / 8 * 8) = word();
		switch (rnd() % 16) {
		case 0:
			scribble(&r);
			break;
		case 1:
			rig_w32(&r, SMMU_CR0, (uint32_t)(rnd() & RIG_EN));
			break;
		case 2:
			rig_w32(&r, SMMU_GERRORN, rig_r32(&r, SMMU_GERROR));
			break;
		case 3:
			rig_w32(&r, SMMU_CMDQ_PROD, rig_r32(&r, SMMU_CMDQ_CONS) + 1);
			break;
		case 4: /* something in the queue that is a command */
			r.cmdq[rnd() & 62] = (rnd() & ~UINT64_C(0x4ff)) |
				"\x03\x04\x05\x06\x10\x11\x12\x13\x30\x46"[rnd() % 10];
			rig_w32(&r, SMMU_CMDQ_PROD, rig_r32(&r, SMMU_CMDQ_CONS) + 3);
			break;
		case 5:
			emu_inject(r.e, (enum emu_inject)(rnd() % 5), rnd() % 8 == 0);
			break;
		case 6: /* a way through the tables, now and then */
			r.ste[0] = rnd() & 1 ? word() : rig_ste0(rnd() & 3 ? r.cd_pa : word());
			r.cd[0] = rnd() & 1 ? word() : rig_cd0((unsigned int)rnd() & 0xffff);
			r.cd[1] = rnd() & 1 ? word() : r.ttb;
			leaf[rnd() & 15] = rnd() & 1 ? word() : RIG_PA | RIG_RW | 3;
			break;
		case 7: /* a driver that starts afresh */
			if (rnd() & 7)
				break;
			rig_w32(&r, SMMU_CR0, 0);
			emu_step(r.e, 4);
			rig_w64(&r, SMMU_STRTAB_BASE, r.ste_pa);
			rig_w32(&r, SMMU_STRTAB_BASE_CFG, 8);
			rig_w64(&r, SMMU_CMDQ_BASE, r.cmdq_pa | 5);
			rig_w64(&r, SMMU_EVENTQ_BASE, r.evtq_pa | 5);
			for (unsigned int k = 0; k < 32; k++) {
				r.cmdq[2 * k] = k & 1 ? SMMU_CMD_CFGI_STE_RANGE :
							SMMU_CMD_TLBI_NH_ALL;
				r.cmdq[2 * k + 1] = SMMU_CFGI_RANGE_ALL;
			}
			rig_w32(&r, SMMU_CMDQ_PROD, rig_r32(&r, SMMU_CMDQ_CONS) + 4);
			rig_w32(&r, SMMU_EVENTQ_PROD, rig_r32(&r, SMMU_EVENTQ_CONS));
			rig_w32(&r, SMMU_CR0, (uint32_t)RIG_EN);
			break;
		default:
			emu_dma(r.e, rnd() & 3 ? RIG_SID : (uint32_t)rnd(),
				rnd() & 1 ? rnd() >> (rnd() & 63) : rnd() & 0xffff, dev,
				(uint32_t)(rnd() % sizeof(dev)), rnd() & 1, NULL);
			emu_probe(r.e, rnd() & 3 ? RIG_SID : (uint32_t)rnd(),
				  rnd() >> (rnd() & 63));
		}
		emu_step(r.e, rnd() & 3);
	}
	/* It was not all refused at the door. */
	st = rig_stats(&r);
	assert_true(st.cmds > 100 && st.cerrors > 10 && st.events > 10 && st.core.bytes > 1000);
	assert_true(st.guarded_writes > 10 && st.core.mem_aborts > 10 &&
		    st.core.walk_reads[3] > 10);
	/* And it still works. */
	for (int i = 0; i < 5; i++)
		emu_inject(r.e, (enum emu_inject)i, 0);
	rig_w32(&r, SMMU_CR0, 0);
	rig_w32(&r, SMMU_IRQ_CTRL, 0);
	rig_run(&r);
	rig_w32(&r, SMMU_GERRORN, rig_r32(&r, SMMU_GERROR));
	r.next = 0;
	r.prod = 0;
	rig_w32(&r, SMMU_CMDQ_PROD, 0);
	rig_w32(&r, SMMU_CMDQ_CONS, 0);
	rig_up(&r);
	/* What the last injections left: one fetch and one event may abort. */
	rig_post(&r, SMMU_CMD_SYNC, 0);
	rig_run(&r);
	rig_w32(&r, SMMU_GERRORN, rig_r32(&r, SMMU_GERROR));
	rig_run(&r);
	rig_cmd(&r, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL);
	rig_cmd(&r, SMMU_CMD_TLBI_NSNH_ALL, 0);
	rig_map(&r, 0x1000, rig_page(&r, 0x66), RIG_RW);
	rig_sees(&r, 0x1000, 0x66);
	rig_free(&r);
}

static void
test_garbage(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	fuzz(&c, 100000);
}

static void
test_garbage_odd_settings(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	c.iotlb = c.walk_cache = c.cfg_cache = 0;
	c.two_level = c.ril = c.msi = false;
	c.sid_bits = 6;
	c.oas = 32;
	fuzz(&c, 30000);
	c = rig_conf();
	c.iotlb = 4;
	c.walk_cache = c.cfg_cache = 1;
	c.tlbi_ns = 500;
	c.sync_ns = 300;
	c.shuffle = true;
	c.sid_bits = 32;
	c.oas = 48;
	c.ack_delay = 0;
	c.cons_lag = 0;
	fuzz(&c, 30000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_garbage_odd_settings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

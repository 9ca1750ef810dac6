/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The backend against the emulated hardware, stepped by the test: what is attached translates,
 * what is invalidated is gone and not before, errors come back to whom they belong.
 */
#include "on_emu.h"

static enum emu_access
touch(uint32_t sid, uint64_t iova, uint8_t *value)
{
	return emu_dma(iommu.emu, sid, iova, value, 1, false, NULL);
}

static int
wait_for(uint64_t seq)
{
	for (unsigned int i = 0; i < 1000000; i++) {
		if (iommu.fast.inv_done(iommu.fast.queue) >= seq)
			return iommu.fast.inv_result(iommu.fast.queue, seq);
		relax(NULL);
		if (i % 64 == 0)
			ops->service(&iommu);
	}
	return -ETIMEDOUT;
}

static int
inv_sync(const struct sluice_inv *inv, unsigned int n)
{
	uint64_t seq = iommu.fast.inv_submit(iommu.fast.queue, inv, n);

	return seq == 0 ? -EIO : wait_for(seq);
}

static void
unmap(unsigned int page)
{
	__atomic_store_n(&table[3][page], 0, __ATOMIC_RELEASE);
}

static const char *const setups[] = {
	"regs=emu,step=1,mem_mb=32",
	"regs=emu,step=1,mem_mb=32,sync=cons,strtab=linear",
	"regs=emu,step=1,mem_mb=32,ril=0,msi=0,two_level=0,sid_bits=6,shuffle=1,seed=7",
	"regs=emu,step=1,mem_mb=32,cmdq_log2=1,evtq_log2=1,sync_ns=500,tlbi_ns=100",
	"regs=emu,step=0,mem_mb=32,cmdq_log2=6,ack_delay=40,cons_lag=1000",
};

static void
translate_and_invalidate(void **state)
{
	(void)state;
	for (unsigned int s = 0; s < RTE_DIM(setups); s++) {
		struct sluice_inv inv = { { { SLUICE_INV_RANGE, SLUICE_INV_LEAF, 0 } }, { 1 }, 0x5000 };
		struct sluice_hwdom hd;
		uint8_t v = 0;

		assert_int_equal(open_with(setups[s]), 0);
		hd = paging();
		inv.tag = hd.tag;
		/* Unknown, then blocked, streams reach nothing. */
		assert_int_equal(touch(0x23, 0x5000, &v), EMU_FAULT);
		assert_int_equal(ops->attach_paging(&iommu, 0x23, &hd), 0);
		assert_int_equal(touch(0x23, 0x5000, &v), EMU_OK);
		assert_int_equal(v, 5);
		assert_int_equal(touch(0x24, 0x5000, &v), EMU_FAULT);
		/* Unmapped and not told: stale, the cache still has it. Told: gone. */
		unmap(5);
		assert_int_equal(touch(0x23, 0x5000, &v), EMU_OK);
		assert_int_equal(inv_sync(&inv, 1), 0);
		assert_int_equal(touch(0x23, 0x5000, &v), EMU_FAULT);
		/* A range, of which all goes and its neighbours stay. */
		for (unsigned int i = 9; i < 9 + 45; i++)
			assert_int_equal(touch(0x23, i * 4096u, &v), EMU_OK);
		for (unsigned int i = 10; i < 10 + 43; i++)
			unmap(i);
		inv.iova = 10 * 4096;
		inv.pages = 43;
		assert_int_equal(inv_sync(&inv, 1), 0);
		for (unsigned int i = 9; i < 9 + 45; i++)
			assert_int_equal(touch(0x23, i * 4096u, &v),
					 i == 9 || i == 53 ? EMU_OK : EMU_FAULT);
		/* The three things. */
		assert_int_equal(ops->attach_identity(&iommu, 0x23), 0);
		assert_int_equal(touch(0x23, buf_pa + 77 * 4096, &v), EMU_OK);
		assert_int_equal(v, 77);
		assert_int_equal(ops->attach_blocked(&iommu, 0x23), 0);
		assert_int_equal(touch(0x23, 0x4000, &v), EMU_FAULT);
		assert_int_equal(ops->attach_paging(&iommu, 0x23, &hd), 0);
		assert_int_equal(touch(0x23, 0x4000, &v), EMU_OK);
		assert_int_equal(ops->attach_blocked(&iommu, 0x23), 0);
		assert_int_equal(ops->hwdom_fini(&iommu, &hd), 0);
		assert_int_equal(counter("emu_guarded_writes"), 0);
		assert_int_equal(counter("emu_cerrors"), 0);
		shut();
	}
}

static void
events_come_out(void **state)
{
	struct sluice_fault fault[32];
	struct sluice_hwdom hd;
	unsigned int n;
	uint8_t v = 0;

	(void)state;
	assert_int_equal(open_with("regs=emu,step=1,mem_mb=32,evtq_log2=3"), 0);
	hd = paging();
	assert_int_equal(ops->attach_paging(&iommu, 1, &hd), 0);
	touch(1, 0x300008, &v);
	n = iommu.fast.fault_burst(iommu.fast.queue, fault, 32);
	assert_int_equal(n, 1);
	assert_int_equal(fault[0].kind, SLUICE_FAULT_TRANSLATION);
	assert_int_equal(fault[0].stream, 1);
	assert_int_equal(fault[0].iova, 0x300008);
	assert_int_equal(fault[0].flags, 0);
	/* Twice what the queue holds: the rest is lost, and said so. */
	for (unsigned int i = 0; i < 16; i++)
		emu_dma(iommu.emu, 1, 0x400000 + i * 4096u, &v, 1, true, NULL);
	n = iommu.fast.fault_burst(iommu.fast.queue, fault, 32);
	assert_int_equal(n, 8);
	assert_int_equal(fault[7].iova, 0x407000);
	assert_int_equal(fault[7].flags, SLUICE_FAULT_WRITE);
	assert_int_equal(counter("evtq_overflows"), 1);
	assert_int_equal(counter("evtq_events"), 9);
	assert_int_equal(counter("emu_events"), 9);
	assert_int_equal(counter("emu_events_dropped"), 8);
	/* It goes on. */
	touch(1, 0x500000, &v);
	assert_int_equal(iommu.fast.fault_burst(iommu.fast.queue, fault, 32), 1);
	shut();
}

static void
refused_command_is_reported_once(void **state)
{
	static const char *const modes[] = { "regs=emu,step=1,mem_mb=32",
					     "regs=emu,step=1,mem_mb=32,sync=cons" };

	(void)state;
	for (unsigned int m = 0; m < RTE_DIM(modes); m++) {
		struct sluice_inv inv = { { { SLUICE_INV_DOMAIN, 0, 1 } }, { 0 }, 0 };
		uint64_t seq[3];

		assert_int_equal(open_with(modes[m]), 0);
		emu_inject(iommu.emu, EMU_INJECT_CERROR_ILL, 2);
		for (unsigned int i = 0; i < 3; i++)
			seq[i] = iommu.fast.inv_submit(iommu.fast.queue, &inv, 1);
		assert_int_equal(wait_for(seq[2]), 0);
		assert_int_equal(wait_for(seq[1]), -EIO);
		assert_int_equal(wait_for(seq[0]), 0);
		assert_int_equal(counter("cmdq_errors_ill"), 1);
		assert_int_equal(counter("gerror_cmdq"), 1);
		emu_inject(iommu.emu, EMU_INJECT_CERROR_ABT, 1);
		assert_int_equal(inv_sync(&inv, 1), 0);
		assert_int_equal(counter("cmdq_errors_abt"), 1);
		shut();
	}
}

static void
hangs_end(void **state)
{
	struct sluice_inv inv = { { { SLUICE_INV_DOMAIN, 0, 1 } }, { 0 }, 0 };
	struct sluice_hwdom hd;
	unsigned int n = 0;

	(void)state;
	assert_int_equal(open_with("regs=emu,step=1,mem_mb=32,cmdq_log2=6,sync_timeout_us=100"), 0);
	hd = paging();
	emu_inject(iommu.emu, EMU_INJECT_SYNC_HANG, 1);
	assert_int_equal(ops->attach_paging(&iommu, 9, &hd), -ETIMEDOUT);
	while (iommu.fast.inv_submit(iommu.fast.queue, &inv, 1) != 0)
		n++;
	assert_in_range(n, 8, 32);
	assert_int_equal(counter("cmdq_full_timeouts"), 1);
	emu_inject(iommu.emu, EMU_INJECT_SYNC_HANG, 0);
	assert_int_equal(inv_sync(&inv, 1), 0);
	assert_int_equal(ops->attach_paging(&iommu, 9, &hd), 0);
	emu_inject(iommu.emu, EMU_INJECT_ACK_HANG, 1);
	assert_int_equal(ops->stop(&iommu), -ETIMEDOUT);
	emu_inject(iommu.emu, EMU_INJECT_ACK_HANG, 0);
	shut();
}

/* A21: hardware that does not look into the processor's caches is refused, and why is said. */
static void
a21_not_coherent_is_refused(void **state)
{
	(void)state;
	assert_int_equal(open_with("regs=emu,step=1,mem_mb=32,cohacc=0"), -ENODEV);
	assert_non_null(strstr(sluice_error(), "COHACC"));
	assert_int_equal(open_with("regs=emu,step=1,mem_mb=32,cohacc=1"), 0);
	assert_true(iommu.caps & SLUICE_CAP_COHERENT);
	shut();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(translate_and_invalidate), cmocka_unit_test(events_come_out),
		cmocka_unit_test(refused_command_is_reported_once), cmocka_unit_test(hangs_end),
		cmocka_unit_test(a21_not_coherent_is_refused),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

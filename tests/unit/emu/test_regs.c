/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Opening register sources: what a device string may say, what each mistake is called, and the
 * emulated source with every key.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../xstat.h"
#include "../../../pmd/emu/smmuv3/emu_smmuv3.h"
#include "../../../pmd/regs/regs.h"
#include "../../../pmd/smmuv3/smmuv3_hw.h"
#include "../eal.h"

static const char *const backend_keys[] = { "cmdq_log2", "evtq_log2", NULL };

static int
try(struct sluice_regs *r, const char *args)
{
	struct rte_kvargs *kv = rte_kvargs_parse(args, NULL);
	int ret;

	assert_non_null(kv);
	ret = sluice_regs_open(r, kv, backend_keys);
	rte_kvargs_free(kv);
	return ret;
}

static void
test_mistakes(void **state)
{
	static const struct {
		const char *args, *says[3];
	} t[] = {
		{ "sync_ns=1", { "regs=NAME", "emu" } },
		{ "regs=nosuch", { "nosuch", "emu" } },
		{ "regs=emu,colour=red", { "colour", "sync_ns", "cmdq_log2" } },
		{ "regs=emu,seed=1,seed=2", { "seed", "twice" } },
		{ "regs=emu,seed=", { "seed", "value" } },
		{ "regs=emu,sync_ns=fast", { "sync_ns=fast", "number" } },
		{ "regs=emu,sync_ns=-1", { "sync_ns=-1", "from 0" } },
		{ "regs=emu,sync_ns=5x", { "sync_ns=5x" } },
		{ "regs=emu,sync_ns=99999999999999999999999", { "sync_ns=999" } },
		{ "regs=emu,ril=2", { "ril=2", "to 1" } },
		{ "regs=emu,sid_bits=33", { "sid_bits=33", "32" } },
		{ "regs=emu,oas=41", { "oas=41", "44" } },
		{ "regs=emu,iotlb=100", { "iotlb=100", "power of two" } },
		{ "regs=emu,iotlb=2", { "iotlb=2", "from 4" } },
		{ "regs=emu,walk_cache=3", { "walk_cache=3", "power of two" } },
		{ "regs=emu,cfg_cache=3", { "cfg_cache=3", "power of two" } },
		{ "regs=emu,cmdq_max_log2=20", { "cmdq_max_log2=20", "19" } },
		{ "regs=emu,step_ns=0", { "step_ns=0", "from 1" } },
		{ "regs=emu,mem_mb=0", { "mem_mb=0", "from 1" } },
		{ "regs=emu,two_level=0", { "two_level=0", "sid_bits=16", "more than 6" } },
		{ "regs=emu,two_level=0,sid_bits=7", { "two_level=0", "sid_bits=7" } },
		{ "regs=emu,msi=0,wired=0", { "msi=0", "wired=0" } },
		{ "regs=emu,hyp=2", { "hyp=2", "0 to 1" } },
		{ "regs=emu,hyp=0", { "hyp=0", "s2=0 or ril=0" } },
		{ "regs=emu,s1=0,s2=0", { "s1=0,s2=0", "one stage at least" } },
		{ "regs=emu,mem_mb=8192,oas=32", { "mem_mb=8192", "32" } },
	};

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct sluice_regs r;

		assert_int_equal(try(&r, t[i].args), -EINVAL);
		for (int k = 0; k < 3 && t[i].says[k] != NULL; k++)
			if (strstr(sluice_error(), t[i].says[k]) == NULL)
				fail_msg("%s: '%s' does not say '%s'", t[i].args, sluice_error(),
					 t[i].says[k]);
		assert_null(strchr(sluice_error(), '\n'));
		sluice_regs_close(&r); /* nothing to close, no harm */
	}
}

static void
test_defaults(void **state)
{
	struct sluice_regs r;
	struct sluice_mem_span span;

	(void)state;
	assert_int_equal(try(&r, "regs=emu,cmdq_log2=4"), 0);
	assert_non_null(r.base);
	assert_non_null(r.emu);
	assert_int_equal((uintptr_t)r.base % 65536, 0);
	assert_null(r.clock.virt);
	assert_true(r.clock.hz > 1000000);
	span = sluice_mem_span(r.mem);
	assert_int_equal(span.len, 48u << 20);
	assert_int_equal(span.pa, 0x40000000);
	for (uint64_t i = 0; i < span.len; i += 8)
		assert_int_equal(*(uint64_t *)(void *)(span.va + i), 0);
	assert_int_equal(smmu_field_get(SMMU_IDR1_SIDSIZE, regs_read32(&r, SMMU_IDR1)), 16);
	assert_true(regs_read32(&r, SMMU_IDR3) & SMMU_IDR3_RIL);
	assert_non_null(strstr(r.settings, "sync_ns=0,"));
	sluice_regs_close(&r);
	assert_null(r.ops);
}

static void
test_every_key(void **state)
{
	struct sluice_regs r;

	(void)state;
	assert_int_equal(try(&r, "regs=emu,sync_ns=300,tlbi_ns=20,ril=0,msi=0,two_level=0,"
				 "sid_bits=6,oas=40,iotlb=8,walk_cache=0,cfg_cache=0,"
				 "cmdq_max_log2=5,evtq_max_log2=6,ack_delay=0,cons_lag=1,gran16k=0,gran64k=1,"
				 "shuffle=1,step=1,step_ns=7,seed=0x10,mem_mb=3,s1=1,s2=1,vmid16=0,"
				 "hyp=0,wired=1"), 0);
	assert_false(regs_read32(&r, SMMU_IDR0) & (SMMU_IDR0_MSI | SMMU_IDR0_ST_LEVEL));
	assert_true(regs_read32(&r, SMMU_IDR0) & SMMU_IDR0_S1P);
	assert_true(regs_read32(&r, SMMU_IDR0) & SMMU_IDR0_S2P);
	assert_false(regs_read32(&r, SMMU_IDR0) & (SMMU_IDR0_VMID16 | SMMU_IDR0_HYP));
	assert_int_equal(regs_read32(&r, SMMU_IDR1) & 63, 6);
	assert_int_equal(smmu_field_get(SMMU_IDR1_CMDQS, regs_read32(&r, SMMU_IDR1)), 5);
	assert_int_equal(smmu_field_get(SMMU_IDR1_EVENTQS, regs_read32(&r, SMMU_IDR1)), 6);
	assert_int_equal(regs_read32(&r, SMMU_IDR3), SMMU_IDR3_HAD | SMMU_IDR3_XNX);
	assert_int_equal(regs_read32(&r, SMMU_IDR5) & 7, SMMU_OAS_40);
	assert_int_equal(smmu_field_get(SMMU_FIELD(6, 4), regs_read32(&r, SMMU_IDR5)), 5);
	assert_int_equal(sluice_mem_span(r.mem).len, 3u << 20);
	assert_non_null(r.clock.virt);
	assert_int_equal(r.clock.hz, 1000000000);
	assert_int_equal(r.ops->step(&r, 10), 0);
	assert_int_equal(sluice_clock_ticks(&r.clock), 7);
	assert_non_null(strstr(r.settings, "sync_ns=300,tlbi_ns=20,ril=0,msi=0,two_level=0"));
	assert_non_null(strstr(r.settings, "seed=16,mem_mb=3"));
	sluice_regs_close(&r);
}

static uint64_t
xstat(struct sluice_regs *r, const char *name)
{
	struct sluice_xstat xs[XSTAT_MAX];

	return xstat_value(xs, r->ops->xstats(r, xs, XSTAT_MAX), name);
}

/* Each name stands for its counter. */
static void
test_xstats(void **state)
{
	struct sluice_regs r;
	struct sluice_xstat xs[2] = { 0 };
	struct emu_smmuv3_stats st;
	uint64_t buf = 0;

	(void)state;
	assert_int_equal(try(&r, "regs=emu,step=1,mem_mb=2"), 0);
	assert_int_equal(r.ops->xstats(&r, NULL, 0), sizeof(st) / 8);
	assert_int_equal(r.ops->xstats(&r, xs, 1), sizeof(st) / 8);
	assert_string_equal(xs[0].name, "emu_steps");
	assert_string_equal(xs[1].name, "");
	regs_write32(&r, SMMU_GBPA, (uint32_t)SMMU_GBPA_UPDATE);
	while (r.ops->step(&r, 8) != 0)
		;
	assert_int_equal(emu_dma(r.emu, 1, 0x40000000, &buf, 8, true, NULL), EMU_OK);
	assert_int_equal(emu_dma(r.emu, 1, 0, &buf, 8, true, NULL), EMU_ABORT);
	assert_int_equal(emu_probe(r.emu, 1, UINT64_MAX), EMU_FAULT);
	uint8_t owned = 0;

	assert_int_equal(r.ops->watch(&r, 0x40000000, 4096, &owned), 0);
	assert_int_equal(r.ops->watch(&r, 1, 4096, &owned), -EINVAL);
	assert_int_equal(emu_probe(r.emu, 1, 0x40000000), EMU_OK);
	emu_smmuv3_get_stats(r.emu, &st);
	assert_int_equal(xstat(&r, "emu_steps"), st.core.steps);
	assert_int_equal(xstat(&r, "emu_bytes"), 8);
	assert_int_equal(xstat(&r, "emu_accesses"), 2);
	assert_int_equal(xstat(&r, "emu_faults"), 0);
	assert_int_equal(xstat(&r, "emu_probe_faults"), 1);
	assert_int_equal(xstat(&r, "emu_probes"), 2);
	assert_int_equal(xstat(&r, "emu_probe_hits"), 1);
	assert_int_equal(xstat(&r, "emu_stale_accesses"), 1);
	assert_int_equal(xstat(&r, "emu_walk_reads_l3"), 0);
	assert_int_equal(xstat(&r, "emu_mem_aborts"), 1);
	sluice_regs_close(&r);
}

/* Every counter has a name of its own, in an order that stays, and is what the name says. */
static void
test_xstat_names(void **state)
{
#define F(field) { "emu_" #field, offsetof(struct emu_smmuv3_stats, field) }
#define C(field) { "emu_" #field, offsetof(struct emu_smmuv3_stats, core.field) }
#define W(n)     { "emu_walk_reads_l" #n, \
		   offsetof(struct emu_smmuv3_stats, core.walk_reads) + 8 * (n) }
	static const struct {
		const char *name;
		size_t off;
	} t[] = {
		C(steps), C(idle_steps), F(cmds), F(syncs), F(tlbis), F(cfgis), F(cerrors),
		C(accesses), C(bytes), C(faults), C(probe_faults), C(probes), C(probe_hits),
		C(iotlb_hits), C(iotlb_misses), W(0), W(1), W(2), W(3), F(ste_reads), F(cd_reads),
		C(stale_accesses), C(stale_hits), F(events), F(events_dropped), F(guarded_writes),
		F(reserved_writes), C(mem_aborts), C(atc_hits), C(atc_fills), F(atc_invs),
		F(atc_timeouts), C(shadow_accesses), F(msis),
		{ "emu_wired_eventq", offsetof(struct emu_smmuv3_stats, wired[EMU_LINE_EVENTQ]) },
		{ "emu_wired_gerror", offsetof(struct emu_smmuv3_stats, wired[EMU_LINE_GERROR]) },
		{ "emu_wired_sync", offsetof(struct emu_smmuv3_stats, wired[EMU_LINE_SYNC]) },
	};
	struct emu_smmuv3_stats st;
	struct sluice_xstat xs[64];
	struct sluice_regs r;
	uint64_t buf = 0, v;

	(void)state;
	assert_int_equal(try(&r, "regs=emu,step=1,mem_mb=2"), 0);
	regs_write32(&r, SMMU_IDR0, 0); /* guarded */
	regs_write32(&r, SMMU_CR1, UINT32_MAX); /* with reserved bits */
	regs_write32(&r, SMMU_GBPA, (uint32_t)SMMU_GBPA_UPDATE);
	while (r.ops->step(&r, 64) != 0)
		;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(emu_dma(r.emu, 1, 0x40000000, &buf, 8, true, NULL), EMU_OK);
		assert_int_equal(emu_dma(r.emu, 1, UINT64_MAX - 7, &buf, 8, true, NULL), EMU_FAULT);
	}
	assert_int_equal(emu_probe(r.emu, 1, UINT64_MAX), EMU_FAULT);
	emu_smmuv3_get_stats(r.emu, &st);
	assert_true(st.guarded_writes != 0 && st.reserved_writes != 0);
	assert_int_equal(r.ops->xstats(&r, xs, 64), RTE_DIM(t));
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		memcpy(&v, (uint8_t *)&st + t[i].off, sizeof(v));
		assert_string_equal(xs[i].name, t[i].name);
		assert_int_equal(xs[i].value, v);
	}
	sluice_regs_close(&r);
}

/* More than EAL has: memory of its own, aligned and zeroed. Several at a time. */
static void
test_memory(void **state)
{
	struct sluice_regs a, b;
	struct sluice_mem_span span;

	(void)state;
	assert_int_equal(try(&a, "regs=emu,mem_mb=200"), 0);
	assert_int_equal(try(&b, "regs=emu,mem_mb=4"), 0);
	span = sluice_mem_span(a.mem);
	assert_int_equal(span.len, 200u << 20);
	assert_int_equal((uintptr_t)span.va % (2u << 20), 0);
	assert_int_equal(span.va[0] | span.va[span.len - 1], 0);
	span.va[span.len - 1] = 1;
	assert_ptr_not_equal(sluice_mem_span(b.mem).va, span.va);
	sluice_regs_close(&a);
	sluice_regs_close(&b);
	/* What is given back can be had again. */
	for (int i = 0; i < 20; i++) {
		assert_int_equal(try(&a, "regs=emu,mem_mb=40"), 0);
		span = sluice_mem_span(a.mem);
		for (uint64_t k = 0; k < span.len; k += 4096) {
			assert_int_equal(span.va[k], 0);
			span.va[k] = 0xff;
		}
		sluice_regs_close(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes), cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_every_key), cmocka_unit_test(test_xstats),
		cmocka_unit_test(test_xstat_names),
		cmocka_unit_test(test_memory),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A bench for the emulated SMMU: memory, registers, queues and tables, all written by hand from
 * the encodings, so that no driver code stands between the specification and the test.
 */
#ifndef RIG_H
#define RIG_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../pmd/emu/smmuv3/emu_smmuv3.h"
#include "../../../pmd/smmuv3/smmuv3_hw.h"

#define RIG_PA   UINT64_C(0x80000000)
#define RIG_LEN  (UINT64_C(8) << 20)
#define RIG_HOLE UINT64_C(0x200000000) /* nothing answers there */
#define RIG_ASID 7u
#define RIG_SID  3u

/* A page that unprivileged devices may read and write, not global. */
#define RIG_RW (SMMU_TTD_V | SMMU_TTD_AF | SMMU_TTD_AP1 | SMMU_TTD_NG)
#define RIG_RO (RIG_RW | SMMU_TTD_AP2)

#define RIG_EN (SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN | SMMU_CR0_CMDQEN)

struct rig {
	struct emu *e;
	uint8_t *regs, *mem;
	uint64_t next; /* free memory, offset */
	uint64_t *cmdq, *evtq, *ste, *cd;
	uint64_t cmdq_pa, evtq_pa, ste_pa, cd_pa, ttb, ttb1;
	uint32_t cmdq_log2, evtq_log2, prod;
	uint32_t buf; /* device memory */
};

static inline void
rig_w32(struct rig *r, uint32_t off, uint32_t v)
{
	atomic_store_explicit((_Atomic uint32_t *)(void *)(r->regs + off), v, memory_order_release);
}

static inline uint32_t
rig_r32(struct rig *r, uint32_t off)
{
	return atomic_load_explicit((_Atomic uint32_t *)(void *)(r->regs + off),
				    memory_order_acquire);
}

static inline void
rig_w64(struct rig *r, uint32_t off, uint64_t v)
{
	atomic_store_explicit((_Atomic uint64_t *)(void *)(r->regs + off), v, memory_order_release);
}

static inline uint64_t
rig_r64(struct rig *r, uint32_t off)
{
	return atomic_load_explicit((_Atomic uint64_t *)(void *)(r->regs + off),
				    memory_order_acquire);
}

static inline void *
rig_va(struct rig *r, uint64_t pa)
{
	return r->mem + (pa - RIG_PA);
}

static inline uint64_t
rig_alloc(struct rig *r, uint64_t size, uint64_t align)
{
	uint64_t at = (r->next + align - 1) & ~(align - 1);

	r->next = at + size;
	assert_true(r->next <= RIG_LEN);
	memset(r->mem + at, 0, size);
	return RIG_PA + at;
}

/** Drive the SMMU until it has nothing to do. */
static inline void
rig_run(struct rig *r)
{
	for (int i = 0; i < 100000; i++)
		if (emu_step(r->e, 64) == 0)
			return;
	fail_msg("the SMMU never comes to rest");
}

static inline struct emu_smmuv3_stats
rig_stats(struct rig *r)
{
	struct emu_smmuv3_stats st;

	emu_smmuv3_get_stats(r->e, &st);
	return st;
}

static inline void
rig_new(struct rig *r, const struct emu_smmuv3_conf *c)
{
	memset(r, 0, sizeof(*r));
	r->regs = aligned_alloc(65536, SMMU_REGS_SIZE);
	r->mem = aligned_alloc(1u << 21, RIG_LEN);
	assert_non_null(r->regs);
	assert_non_null(r->mem);
	memset(r->regs, 0, SMMU_REGS_SIZE);
	memset(r->mem, 0xa5, RIG_LEN); /* what nobody wrote is garbage */
	r->e = emu_smmuv3_create(c, r->regs, (struct sluice_mem_span){
				 .va = r->mem, .pa = RIG_PA, .len = RIG_LEN });
	assert_non_null(r->e);
}

static inline void
rig_free(struct rig *r)
{
	emu_destroy(r->e);
	free(r->regs);
	free(r->mem);
}

/** Stepped hardware with no latencies. */
static inline struct emu_smmuv3_conf
rig_conf(void)
{
	struct emu_smmuv3_conf c;

	emu_smmuv3_conf_default(&c);
	c.step = true;
	return c;
}

/* ---- queues ---------------------------------------------------------------------------------- */

static inline void
rig_queues(struct rig *r, uint32_t cmdq_log2, uint32_t evtq_log2)
{
	r->cmdq_log2 = cmdq_log2;
	r->evtq_log2 = evtq_log2;
	r->cmdq_pa = rig_alloc(r, 16u << cmdq_log2, RTE_MAX(16u << cmdq_log2, 32u));
	r->evtq_pa = rig_alloc(r, 32u << evtq_log2, 32u << evtq_log2);
	r->cmdq = rig_va(r, r->cmdq_pa);
	r->evtq = rig_va(r, r->evtq_pa);
	rig_w64(r, SMMU_CMDQ_BASE, r->cmdq_pa | cmdq_log2);
	rig_w64(r, SMMU_EVENTQ_BASE, r->evtq_pa | evtq_log2);
}

static inline uint32_t
rig_cons(struct rig *r)
{
	return rig_r32(r, SMMU_CMDQ_CONS) & ((2u << r->cmdq_log2) - 1);
}

/** Put a command into the queue; PROD is stored, nothing runs. */
static inline void
rig_post(struct rig *r, uint64_t dw0, uint64_t dw1)
{
	uint32_t i = r->prod & ((1u << r->cmdq_log2) - 1);

	r->cmdq[2 * i] = dw0;
	r->cmdq[2 * i + 1] = dw1;
	r->prod = (r->prod + 1) & ((2u << r->cmdq_log2) - 1);
	rig_w32(r, SMMU_CMDQ_PROD, r->prod);
}

/** A command, and a SYNC, to the end. */
static inline void
rig_cmd(struct rig *r, uint64_t dw0, uint64_t dw1)
{
	rig_post(r, dw0, dw1);
	rig_run(r);
	rig_post(r, SMMU_CMD_SYNC, 0);
	rig_run(r);
	assert_int_equal(rig_cons(r), r->prod);
}

static inline uint64_t
rig_tlbi(unsigned int op, unsigned int asid)
{
	return op | smmu_field_prep(SMMU_TLBI_0_ASID, asid);
}

static inline uint64_t
rig_sid(unsigned int op, uint32_t sid)
{
	return op | smmu_field_prep(SMMU_CMD_0_SID, sid);
}

/** Take one event. @return false when there is none. */
static inline bool
rig_event(struct rig *r, uint64_t rec[4])
{
	uint32_t prod = rig_r32(r, SMMU_EVENTQ_PROD), cons = rig_r32(r, SMMU_EVENTQ_CONS);
	uint32_t mask = (2u << r->evtq_log2) - 1, ovf = (uint32_t)SMMU_EVENTQ_OVFLG;

	if (((prod ^ cons) & mask) == 0)
		return false;
	memcpy(rec, &r->evtq[4 * (cons & (mask >> 1))], 32);
	rig_w32(r, SMMU_EVENTQ_CONS, (prod & ovf) | ((cons + 1) & mask));
	return true;
}

/* One event, and it is exactly this. */
static inline void
rig_expect_event(struct rig *r, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
	uint64_t rec[4];

	assert_true(rig_event(r, rec));
	assert_int_equal(rec[0], w0);
	assert_int_equal(rec[1], w1);
	assert_int_equal(rec[2], w2);
	assert_int_equal(rec[3], w3);
	assert_false(rig_event(r, rec));
}

static inline void
rig_expect_no_event(struct rig *r)
{
	uint64_t rec[4];

	assert_false(rig_event(r, rec));
}

static inline uint64_t
rig_ev0(unsigned int id, uint32_t sid)
{
	return id | smmu_field_prep(SMMU_EVT_0_SID, sid);
}

/** Word 1 of a translation fault of an unprivileged data access. */
static inline uint64_t
rig_ev1(bool write, unsigned int cls)
{
	return (write ? 0 : SMMU_EVT_1_RNW) | smmu_field_prep(SMMU_EVT_1_CLASS, cls);
}

/* ---- tables ---------------------------------------------------------------------------------- */

/** Word 0 of a CD: 4 KiB granule, 48 bits below, nothing above, faults recorded and aborted. */
static inline uint64_t
rig_cd0(unsigned int asid)
{
	return smmu_field_prep(SMMU_CD_0_T0SZ, 16) | SMMU_CD_0_EPD1 | SMMU_CD_0_V |
	       smmu_field_prep(SMMU_CD_0_IPS, SMMU_OAS_44) | SMMU_CD_0_AA64 | SMMU_CD_0_R |
	       SMMU_CD_0_A | smmu_field_prep(SMMU_CD_0_ASID, asid);
}

static inline uint64_t
rig_ste0(uint64_t cd_pa)
{
	return SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_S1) | cd_pa;
}

/** Put a descriptor for @p va at @p level, making the tables on the way. @return its address. */
static inline uint64_t *
rig_map_at(struct rig *r, uint64_t ttb, unsigned int start, uint64_t va, unsigned int level,
	   uint64_t desc)
{
	uint64_t *p = rig_va(r, ttb);

	for (unsigned int l = start;; l++) {
		p += (va >> (39 - 9 * l)) & 511;
		if (l == level)
			break;
		if (!(*p & SMMU_TTD_V))
			*p = rig_alloc(r, 4096, 4096) | SMMU_TTD_TYPE_TABLE;
		p = rig_va(r, *p & SMMU_TTD_ADDR);
	}
	*p = desc;
	return p;
}

/** Map a 4 KiB page of the standard table. */
static inline uint64_t *
rig_map(struct rig *r, uint64_t va, uint64_t pa, uint64_t attr)
{
	return rig_map_at(r, r->ttb, 0, va, 3, pa | attr | SMMU_TTD_TYPE_PAGE);
}

static inline uint64_t
rig_page(struct rig *r, uint8_t fill)
{
	uint64_t pa = rig_alloc(r, 4096, 4096);

	memset(rig_va(r, pa), fill, 4096);
	return pa;
}

/** Configure RIG_SID (linear table of 256 streams) and switch everything on. */
static inline void
rig_up(struct rig *r)
{
	rig_queues(r, 5, 5);
	r->ste_pa = rig_alloc(r, 64u << 8, 64u << 8);
	r->cd_pa = rig_alloc(r, 64, 64);
	r->ttb = rig_alloc(r, 4096, 4096);
	r->ste = rig_va(r, r->ste_pa + RIG_SID * 64);
	r->cd = rig_va(r, r->cd_pa);
	r->cd[0] = rig_cd0(RIG_ASID);
	r->cd[1] = r->ttb;
	r->ste[0] = rig_ste0(r->cd_pa);
	rig_w64(r, SMMU_STRTAB_BASE, r->ste_pa);
	rig_w32(r, SMMU_STRTAB_BASE_CFG, 8);
	rig_w32(r, SMMU_CR2, (uint32_t)SMMU_CR2_RECINVSID);
	rig_w32(r, SMMU_CR0, (uint32_t)RIG_EN);
	rig_run(r);
	assert_int_equal(rig_r32(r, SMMU_CR0ACK), RIG_EN);
}

static inline enum emu_access
rig_read(struct rig *r, uint64_t iova)
{
	r->buf = 0xdeadbeef;
	return emu_dma(r->e, RIG_SID, iova, &r->buf, 4, false, NULL);
}

static inline enum emu_access
rig_write(struct rig *r, uint64_t iova, uint32_t v)
{
	return emu_dma(r->e, RIG_SID, iova, &v, 4, true, NULL);
}

/** A read that must succeed and see pages filled with @p fill. */
static inline void
rig_sees(struct rig *r, uint64_t iova, uint8_t fill)
{
	assert_int_equal(rig_read(r, iova), EMU_OK);
	assert_int_equal(r->buf, fill * 0x01010101u);
}

/* ---- cmocka ---------------------------------------------------------------------------------- */

static inline int
rig_setup(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct rig *r = malloc(sizeof(*r));

	rig_new(r, &c);
	rig_up(r);
	*state = r;
	return 0;
}

static inline int
rig_teardown(void **state)
{
	rig_free(*state);
	free(*state);
	return 0;
}

#define RIG_TEST(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

#endif

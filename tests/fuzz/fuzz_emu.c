/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: a driver that writes anything into registers, commands, tables and memory of the
 * emulated SMMU, with any settings, while devices access any address, some through caches of their
 * own (ATS). The emulated hardware stays in its memory and comes to an end.
 */
#include "../unit/emu/rig.h"
#include "fuzz.h"

#define MEM  (UINT64_C(1) << 20)
#define XFER 8192u
#define ATCS 3u

static uint64_t s2_ttb; /* of up(): a root table of stage 2 */

/* What is beside the SMMU: endpoints' caches, and who owns the memory. */
struct outside {
	struct emu_atc *atc[ATCS];
	uint8_t owned[MEM / 4096];
};

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	setenv("CMOCKA_TEST_ABORT", "1", 1); /* the rig's own checks */
	return 0;
}

/* Mostly settings that exist; the others must be refused. */
static void
settings(struct fuzz_in *in, struct emu_smmuv3_conf *c)
{
	static const uint8_t oas[] = { 44, 32, 36, 40, 42, 48, 0, 64 };
	uint8_t flags = (uint8_t)fuzz_take(in, 1), size = (uint8_t)fuzz_take(in, 1);

	emu_smmuv3_conf_default(c);
	c->step = true;
	c->ril = !(flags & 1);
	c->msi = !(flags & 2);
	c->two_level = !(flags & 4);
	c->sid_bits = c->two_level ? c->sid_bits : 6; /* more must have two levels */
	c->shuffle = flags & 8;
	c->iotlb = flags & 16 ? 0 : 4u << (size & 3);
	c->walk_cache = flags & 32 ? 0 : 1u << (size >> 2 & 3);
	c->cfg_cache = flags & 64 ? 0 : 1u << (size >> 4 & 3);
	c->ats = size & 64;
	if (size & 128)
		c->atc_timeout_ns = 500; /* 50 steps */
	if (!(flags & 128))
		return;
	c->sid_bits = (uint8_t)fuzz_take(in, 1) % 34;
	c->oas = oas[fuzz_take(in, 1) & 7];
	c->gran = (uint8_t)fuzz_take(in, 1) & 7;
	c->cmdq_max_log2 = (uint8_t)fuzz_take(in, 1) % 21;
	c->evtq_max_log2 = (uint8_t)fuzz_take(in, 1) % 21;
	c->tlbi_ns = (uint8_t)fuzz_take(in, 1);
	c->sync_ns = (uint8_t)fuzz_take(in, 1);
	c->ack_delay = (uint8_t)fuzz_take(in, 1) & 7;
	c->cons_lag = (uint8_t)fuzz_take(in, 1) & 31;
	flags = (uint8_t)fuzz_take(in, 1);
	c->s2 = flags & 1;
	c->s1 = !c->s2 || !(flags & 4);
	c->vmid16 = !(flags & 8);
	c->wired = !(flags & 2);
}

/* A word worth following as often as not: an address in memory with bits set about it. */
static uint64_t
word(struct fuzz_in *in)
{
	uint8_t how = (uint8_t)fuzz_take(in, 1);

	switch (how & 3) {
	case 0:
		return fuzz_take(in, 8);
	case 1:
		return (RIG_PA + (fuzz_take(in, 2) << 4) % (MEM + 8192)) | how >> 2;
	case 2:
		return ((RIG_PA + (fuzz_take(in, 1) << 12) % (MEM + 8192)) & ~UINT64_C(4095)) |
		       RIG_RW | 3;
	default:
		return fuzz_take(in, 2) << (how >> 2);
	}
}

static uint32_t
stream(struct fuzz_in *in)
{
	uint8_t v = (uint8_t)fuzz_take(in, 1);

	return v < 0x80 ? RIG_SID : v < 0xf0 ? v & 15u : (uint32_t)fuzz_take(in, 4);
}

static void
access_any(struct fuzz_in *in, struct rig *r)
{
	uint32_t sid = stream(in), len = (uint32_t)fuzz_take(in, 2) % XFER, done = 0;
	uint64_t iova = word(in);
	uint8_t *dev = calloc(1, len + 1);

	FUZZ_REQUIRE(dev != NULL);
	if (emu_dma(r->e, sid, iova, dev, len, fuzz_take(in, 1) & 1, &done) == EMU_OK)
		FUZZ_REQUIRE(done == len);
	FUZZ_REQUIRE(done <= len);
	free(dev);
	emu_probe(r->e, sid, iova);
}

/* Endpoints: their caches come and go, ATS is turned on and off, they access. */
static void
endpoint(struct fuzz_in *in, struct rig *r, struct outside *o)
{
	uint8_t what = (uint8_t)fuzz_take(in, 1), *dev;
	struct emu_atc **a = &o->atc[(what >> 4) % ATCS];
	uint32_t len, done = 0;
	uint64_t iova;

	if ((what & 3) == 0) {
		uint32_t entries = (uint32_t)fuzz_take(in, 1);

		emu_atc_destroy(r->e, *a);
		*a = emu_atc_create(r->e, stream(in), entries);
		FUZZ_REQUIRE((*a != NULL) == (entries != 0 && (entries & (entries - 1)) == 0));
		return;
	}
	if ((what & 3) == 1) {
		FUZZ_REQUIRE(emu_ats_enable(r->e, stream(in), what & 4) == 0);
		return;
	}
	if (*a == NULL)
		return;
	iova = word(in);
	if ((what & 3) == 2) {
		emu_atc_probe(r->e, *a, iova);
		return;
	}
	len = (uint32_t)fuzz_take(in, 2) % XFER;
	dev = calloc(1, len + 1);
	FUZZ_REQUIRE(dev != NULL);
	if (emu_atc_dma(r->e, *a, iova, dev, len, what & 4, &done) == EMU_OK)
		FUZZ_REQUIRE(done == len);
	FUZZ_REQUIRE(done <= len);
	free(dev);
}

/* What goes with ATS on the SMMU's side. */
static void
ats(struct fuzz_in *in, struct rig *r)
{
	uint8_t what = (uint8_t)fuzz_take(in, 1);

	switch (what & 3) {
	case 0:
		r->ste[1] = smmu_field_prep(SMMU_STE_1_EATS, what >> 2 & 3);
		rig_post(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), SMMU_CFGI_1_LEAF);
		break;
	case 1:
		rig_w32(r, SMMU_CR0, (uint32_t)(RIG_EN | (what & 4 ? SMMU_CR0_ATSCHK : 0)));
		break;
	case 2:
		rig_post(r, rig_sid(SMMU_CMD_ATC_INV, stream(in)),
			 (word(in) & SMMU_ATC_1_ADDR) | what >> 2);
		break;
	default:
		rig_post(r, SMMU_CMD_SYNC, 0);
		break;
	}
}

/* A legal stage 2, alone or under stage 1, or one with a word of it wrong. */
static void
stage2(struct fuzz_in *in, struct rig *r, uint8_t what)
{
	uint64_t config = what & 16 ? SMMU_STE_CONFIG_S2 : SMMU_STE_CONFIG_S2 | 1; /* 0b111: both */

	r->ste[0] = smmu_field_set(r->ste[0], SMMU_STE_0_CONFIG, config);
	/* 39 bits of 4 KiB pages from level 1, 44 bits out, AArch64, AFFD, R (IHI 0070 §5.2). */
	r->ste[2] = 7 | UINT64_C(25) << 32 | UINT64_C(1) << 38 | UINT64_C(4) << 48 |
		    UINT64_C(1) << 51 | UINT64_C(1) << 53 | UINT64_C(1) << 58;
	r->ste[3] = s2_ttb;
	if (what & 32)
		r->ste[2 + (what >> 6 & 1)] ^= word(in);
	rig_post(r, rig_sid(SMMU_CMD_CFGI_STE, RIG_SID), SMMU_CFGI_1_LEAF);
}

static void
ownership(struct fuzz_in *in, struct rig *r, struct outside *o)
{
	uint16_t at = (uint16_t)fuzz_take(in, 2);

	o->owned[at % sizeof(o->owned)] = (uint8_t)(at >> 8 & 1);
	(void)emu_watch(r->e, RIG_PA + (at & 0x8000 ? word(in) : 0), MEM, o->owned);
}

static void
inject(struct fuzz_in *in, struct rig *r)
{
	enum emu_inject what = (enum emu_inject)(fuzz_take(in, 1) % EMU_INJECTIONS);
	uint64_t arg = fuzz_take(in, 1);

	if (what == EMU_INJECT_ATC_DEAD)
		arg = EMU_INJECT_ARG(RIG_SID, arg & 1);
	else if (what == EMU_INJECT_ATC_LATE)
		arg = EMU_INJECT_ARG(RIG_SID, arg * 4);
	else if (what == EMU_INJECT_CONS_HOLD)
		arg *= 4; /* 102 steps at most */
	else
		arg &= 3;
	emu_inject(r->e, what, arg);
}

static void
write_register(struct fuzz_in *in, struct rig *r)
{
	static const uint32_t reg[] = {
		SMMU_CR0, SMMU_CR1, SMMU_CR2, SMMU_GBPA, SMMU_IRQ_CTRL, SMMU_GERRORN,
		SMMU_GERROR_IRQ_CFG0, SMMU_STRTAB_BASE, SMMU_STRTAB_BASE_CFG, SMMU_CMDQ_BASE,
		SMMU_CMDQ_PROD, SMMU_CMDQ_CONS, SMMU_EVENTQ_BASE, SMMU_EVENTQ_PROD,
		SMMU_EVENTQ_CONS, SMMU_EVENTQ_IRQ_CFG0,
	};
	uint8_t what = (uint8_t)fuzz_take(in, 1);
	uint32_t off = reg[what % RTE_DIM(reg)];

	if ((what & 0x40) != 0) /* any register, page 1 as well */
		off = (uint32_t)fuzz_take(in, 2) * 4 % SMMU_REGS_SIZE;
	if (off % 8 == 0 && (what & 0x80) != 0)
		rig_w64(r, off, word(in));
	else
		rig_w32(r, off, (uint32_t)word(in));
}

static void
command(struct fuzz_in *in, struct rig *r)
{
	static const uint8_t op[] = {
		SMMU_CMD_CFGI_STE, SMMU_CMD_CFGI_STE_RANGE, SMMU_CMD_CFGI_CD, SMMU_CMD_CFGI_CD_ALL,
		SMMU_CMD_TLBI_NH_ALL, SMMU_CMD_TLBI_NH_ASID, SMMU_CMD_TLBI_NH_VA,
		SMMU_CMD_TLBI_NH_VAA, SMMU_CMD_TLBI_S12_VMALL, SMMU_CMD_TLBI_S2_IPA,
		SMMU_CMD_TLBI_NSNH_ALL, SMMU_CMD_PREFETCH_CONFIG, SMMU_CMD_ATC_INV, SMMU_CMD_SYNC,
	};
	uint8_t what = (uint8_t)fuzz_take(in, 1);
	uint64_t w0 = fuzz_take(in, 8), w1 = word(in);

	if ((what & 0x80) == 0)
		w0 = (w0 & ~SMMU_CMD_0_OP) | op[what % RTE_DIM(op)];
	rig_post(r, w0, w1);
}

static void
one(struct fuzz_in *in, struct rig *r, struct outside *o)
{
	uint64_t at;
	uint8_t what;

	switch (fuzz_take(in, 1) & 15) {
	case 0:
		write_register(in, r);
		break;
	case 1:
	case 2:
		command(in, r);
		break;
	case 3:
	case 4:
		access_any(in, r);
		break;
	case 5:
		at = (fuzz_take(in, 3) & ~UINT64_C(7)) % MEM;
		*(uint64_t *)(void *)(r->mem + at) = word(in);
		break;
	case 6:
		what = (uint8_t)fuzz_take(in, 1);
		if (what & 8)
			stage2(in, r, what);
		else
			r->ste[what & 7] = word(in);
		break;
	case 7:
		r->cd[fuzz_take(in, 1) & 7] = word(in);
		break;
	case 8:
		inject(in, r);
		break;
	case 10:
	case 11:
	case 12:
		endpoint(in, r, o);
		break;
	case 13:
	case 14:
		ats(in, r);
		break;
	case 15:
		ownership(in, r, o);
		break;
	default:
		rig_w32(r, SMMU_GERRORN, rig_r32(r, SMMU_GERROR));
		rig_w32(r, SMMU_CR0, (uint32_t)RIG_EN);
		break;
	}
	emu_step(r->e, 4);
}

/* As a driver would: tables, queues, everything on. What does not fit the settings may fail. */
static void
up(struct rig *r)
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
	rig_map(r, 0, RIG_PA + (UINT64_C(512) << 10), RIG_RW);
	/* One to one for stage 2: a block of 1 GiB, write-back, read and write (DDI 0487 D8.3). */
	s2_ttb = rig_alloc(r, 4096, 4096);
	((uint64_t *)rig_va(r, s2_ttb))[RIG_PA >> 30] =
		(RIG_PA & ~((UINT64_C(1) << 30) - 1)) | UINT64_C(0x7fd);
	rig_w64(r, SMMU_STRTAB_BASE, r->ste_pa);
	rig_w32(r, SMMU_STRTAB_BASE_CFG, 8);
	rig_w32(r, SMMU_CR2, (uint32_t)SMMU_CR2_RECINVSID);
	rig_w32(r, SMMU_CR0, (uint32_t)RIG_EN);
	emu_step(r->e, 64);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct emu_smmuv3_conf c;
	struct outside o = { 0 };
	struct rig r;

	settings(&in, &c);
	memset(&r, 0, sizeof(r));
	r.regs = aligned_alloc(65536, SMMU_REGS_SIZE);
	r.mem = aligned_alloc(65536, MEM);
	FUZZ_REQUIRE(r.regs != NULL && r.mem != NULL);
	memset(r.regs, 0, SMMU_REGS_SIZE);
	memset(r.mem, 0, MEM);
	r.e = emu_smmuv3_create(&c, r.regs,
			 (struct sluice_mem_span){ .va = r.mem, .pa = RIG_PA, .len = MEM });
	if (r.e != NULL) {
		up(&r);
		while (in.left > 0)
			one(&in, &r, &o);
		emu_step(r.e, 1000);
		for (unsigned int i = 0; i < ATCS; i++)
			emu_atc_destroy(r.e, o.atc[i]);
		emu_destroy(r.e);
	}
	free(r.mem);
	free(r.regs);
	return 0;
}

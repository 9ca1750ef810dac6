/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What fuzz_hostile.c plays the driver against. The hardware moves whenever a register is read, or
 * when it is stepped; a turn may do what was asked for, something else, or nothing. What the driver
 * writes, and where it says its queues are, is checked here.
 */
#include <errno.h>

#include <sanitizer/asan_interface.h>

#include "hostile.h"

#define TURN_NS UINT64_C(50000)
#define GAP     64u /* behind each piece of memory */

struct hostile hw;

/* ---- memory: what is not handed out may not be touched --------------------------------------- */

void *__real_sluice_mem_alloc(struct sluice_mem *m, size_t size, size_t align, uint64_t *pa);
void __real_sluice_mem_free(struct sluice_mem *m, void *va, size_t size);
void *__wrap_sluice_mem_alloc(struct sluice_mem *m, size_t size, size_t align, uint64_t *pa);
void __wrap_sluice_mem_free(struct sluice_mem *m, void *va, size_t size);

static void
fence(void)
{
	ASAN_POISON_MEMORY_REGION(hw.mem, HOSTILE_MEM);
	for (unsigned int i = 0; i < HOSTILE_PIECES; i++)
		if (hw.piece[i].va != NULL)
			ASAN_UNPOISON_MEMORY_REGION(hw.piece[i].va, hw.piece[i].size);
}

void *
__wrap_sluice_mem_alloc(struct sluice_mem *m, size_t size, size_t align, uint64_t *pa)
{
	unsigned int i = 0;
	void *va;

	ASAN_UNPOISON_MEMORY_REGION(hw.mem, HOSTILE_MEM);
	va = __real_sluice_mem_alloc(m, size + GAP, align, pa);
	while (va != NULL && hw.piece[i].va != NULL)
		FUZZ_REQUIRE(++i < HOSTILE_PIECES);
	if (va != NULL) {
		hw.piece[i].va = va;
		hw.piece[i].size = size;
	}
	fence();
	return va;
}

void
__wrap_sluice_mem_free(struct sluice_mem *m, void *va, size_t size)
{
	unsigned int i = 0;

	while (hw.piece[i].va != va || hw.piece[i].size != size)
		FUZZ_REQUIRE(++i < HOSTILE_PIECES); /* it was never handed out */
	hw.piece[i].va = NULL;
	ASAN_UNPOISON_MEMORY_REGION(hw.mem, HOSTILE_MEM);
	__real_sluice_mem_free(m, va, size + GAP);
	fence();
}

static bool
fenced(void *va, size_t n)
{
#if __has_feature(address_sanitizer)
	return __asan_region_is_poisoned(va, n) != NULL;
#else
	(void)va;
	(void)n;
	return false;
#endif
}

/* Of the driver's memory, what the hardware was told of; NULL: nothing the driver has. */
static void *
reach(uint64_t pa, size_t n)
{
	uint64_t off = pa - HOSTILE_PA;

	if (off > HOSTILE_MEM || n > HOSTILE_MEM - off || fenced(hw.mem + off, n))
		return NULL;
	return hw.mem + off;
}

/* ---- registers ------------------------------------------------------------------------------- */

static _Atomic uint32_t *
reg(uint32_t off)
{
	return (_Atomic uint32_t *)(void *)(hw.page + off);
}

static uint32_t
get(uint32_t off)
{
	return atomic_load_explicit(reg(off), memory_order_relaxed);
}

static void
set(uint32_t off, uint32_t v)
{
	atomic_store_explicit(reg(off), v, memory_order_release);
}

static uint64_t
base(uint32_t off)
{
	return (get(off) | (uint64_t)get(off + 4) << 32) & SMMU_Q_BASE_ADDR;
}

static uint32_t
log2size(uint32_t off)
{
	return get(off) & 31;
}

/* ---- the hardware's turns -------------------------------------------------------------------- */

/* A SYNC of the queue is done: its word is written. */
static void
sync_done(const uint64_t cmd[2])
{
	_Atomic uint32_t *word = reach(cmd[1] & SMMU_SYNC_1_MSIADDRESS, 4);

	if (smmu_field_get(SMMU_CMD_0_OP, cmd[0]) == SMMU_CMD_SYNC &&
	    smmu_field_get(SMMU_SYNC_0_CS, cmd[0]) == SMMU_SYNC_CS_IRQ && word != NULL)
		atomic_store_explicit(word, (uint32_t)smmu_field_get(SMMU_SYNC_0_MSIDATA, cmd[0]),
				      memory_order_release);
}

/* Everything that was asked for is done. @param max commands. */
static void
honest(uint32_t max)
{
	uint32_t wrap = (2u << log2size(SMMU_CMDQ_BASE)) - 1, cons = get(SMMU_CMDQ_CONS) & wrap;
	uint32_t ack = (uint32_t)SMMU_CR0_MASK;

	set(SMMU_CR0ACK, get(SMMU_CR0) & ack);
	set(SMMU_IRQ_CTRLACK, get(SMMU_IRQ_CTRL));
	set(SMMU_GBPA, get(SMMU_GBPA) & ~(uint32_t)SMMU_GBPA_UPDATE);
	if ((get(SMMU_CR0) & SMMU_CR0_CMDQEN) == 0 ||
	    ((get(SMMU_GERROR) ^ get(SMMU_GERRORN)) & SMMU_GERROR_CMDQ_ERR) != 0)
		return;
	while (cons != (get(SMMU_CMDQ_PROD) & wrap) && max-- > 0) {
		uint64_t *cmd = reach(base(SMMU_CMDQ_BASE) + (cons & wrap >> 1) * 16, 16);

		FUZZ_REQUIRE(cmd != NULL); /* the queue lies where nothing was allocated */
		sync_done(cmd);
		cons = (cons + 1) & wrap;
	}
	set(SMMU_CMDQ_CONS, cons);
}

/* Stopped by an error, at the next command or where the input says. */
static void
stop(uint8_t what)
{
	uint32_t cons = get(SMMU_CMDQ_CONS) & (uint32_t)SMMU_CMDQ_CONS_RD;
	uint32_t active = (get(SMMU_GERROR) ^ get(SMMU_GERRORN)) & (uint32_t)SMMU_GERROR_CMDQ_ERR;

	if ((what & 4) != 0)
		cons += (uint32_t)fuzz_take(&hw.in, 1);
	set(SMMU_CMDQ_CONS, cons | (uint32_t)smmu_field_prep(SMMU_CMDQ_CONS_ERR, what & 3));
	if (active == 0)
		set(SMMU_GERROR, get(SMMU_GERROR) ^ (uint32_t)SMMU_GERROR_CMDQ_ERR);
}

static void
events(void)
{
	uint32_t n = (uint32_t)fuzz_take(&hw.in, 1);
	uint64_t *rec = reach(base(SMMU_EVENTQ_BASE), (size_t)32 << log2size(SMMU_EVENTQ_BASE));

	for (uint32_t i = 0; rec != NULL && i < (n & 3); i++) {
		uint32_t at = (uint32_t)fuzz_take(&hw.in, 1) & ((1u << log2size(SMMU_EVENTQ_BASE)) - 1);

		rec[4 * at] = fuzz_take(&hw.in, 8);
		rec[4 * at + 1] = fuzz_take(&hw.in, 8);
	}
	set(SMMU_EVENTQ_PROD, n & 4 ? (uint32_t)fuzz_take(&hw.in, 4) : get(SMMU_EVENTQ_PROD) + (n >> 4));
}

/* Somewhere in the word that SYNCs write: it is in a piece of a cache line of its own. */
static void
scribble(void)
{
	uint32_t v = (uint32_t)fuzz_take(&hw.in, 4);

	for (unsigned int i = 0; i < HOSTILE_PIECES; i++)
		if (hw.piece[i].va != NULL && hw.piece[i].size == RTE_CACHE_LINE_SIZE)
			atomic_store_explicit((_Atomic uint32_t *)(void *)hw.piece[i].va, v,
					      memory_order_release);
}

static void
turn(void)
{
	static const uint32_t any[] = { SMMU_CMDQ_CONS, SMMU_GERROR, SMMU_CR0ACK, SMMU_GBPA,
					SMMU_IRQ_CTRLACK, SMMU_EVENTQ_PROD, SMMU_GERRORN,
					SMMU_EVENTQ_CONS };
	uint8_t what;

	hw.clock += TURN_NS;
	if (hw.dumb > 0) {
		hw.dumb--;
		return;
	}
	if (hw.calm || hw.in.left == 0) {
		if (hw.calm || !hw.dead)
			honest(UINT32_MAX);
		return;
	}
	what = (uint8_t)fuzz_take(&hw.in, 1);
	switch (what >> 4) {
	case 7:
		hw.calm = true;
		honest(UINT32_MAX);
		break;
	case 8:
		set(any[what & 7], (uint32_t)fuzz_take(&hw.in, 4));
		break;
	case 9:
		stop(what);
		break;
	case 10:
		set(SMMU_GERROR, get(SMMU_GERROR) ^ (1u << (what & 15)));
		break;
	case 11:
		events();
		break;
	case 12:
		scribble();
		break;
	case 13:
		hw.dumb = what & 15 ? what & 15 : (uint32_t)fuzz_take(&hw.in, 2);
		break;
	case 14:
		hw.gone = what & 15 ? what & 15 : UINT32_MAX;
		break;
	case 15:
		honest(what & 15);
		break;
	default:
		honest(UINT32_MAX);
		break;
	}
}

/* ---- the register source --------------------------------------------------------------------- */

static uint32_t
hostile_read32(struct sluice_regs *regs, uint32_t off)
{
	uint32_t v;

	(void)regs;
	FUZZ_REQUIRE(off % 4 == 0 && off < SMMU_REGS_SIZE);
	turn();
	v = get(off);
	if (hw.gone > 0) {
		hw.gone -= hw.gone != UINT32_MAX;
		v = UINT32_MAX;
	}
	if (off == SMMU_GERROR)
		hw.gerror = v;
	if (off == SMMU_GERRORN)
		hw.gerrorn = v;
	return v;
}

static uint64_t
hostile_read64(struct sluice_regs *regs, uint32_t off)
{
	FUZZ_REQUIRE(off % 8 == 0);
	return hostile_read32(regs, off) | (uint64_t)hostile_read32(regs, off + 4) << 32;
}

/* A queue or a table of @p bytes, where the driver has memory. */
static void
check_base(uint64_t v, uint64_t addr, size_t bytes)
{
	FUZZ_REQUIRE(reach(v & addr, bytes) != NULL);
	FUZZ_REQUIRE(((v & addr) & (bytes - 1)) == 0);
}

static void
hostile_write32(struct sluice_regs *regs, uint32_t off, uint32_t v)
{
	uint32_t wrap = (2u << log2size(SMMU_CMDQ_BASE)) - 1;

	(void)regs;
	switch (off) {
	case SMMU_GERRORN: /* §7.5: only what is active, and was seen, is acknowledged */
		FUZZ_REQUIRE(((v ^ hw.gerrorn) & ~(hw.gerror ^ hw.gerrorn)) == 0);
		break;
	case SMMU_CMDQ_PROD:
		FUZZ_REQUIRE((v & ~wrap) == 0);
		break;
	case SMMU_EVENTQ_CONS:
		FUZZ_REQUIRE((v & ~((2u << log2size(SMMU_EVENTQ_BASE)) - 1) &
			      ~(uint32_t)SMMU_EVENTQ_OVFLG) == 0);
		break;
	case SMMU_CR0:
		FUZZ_REQUIRE((v & ~(uint32_t)SMMU_CR0_MASK) == 0);
		break;
	case SMMU_CR1:
	case SMMU_CR2:
	case SMMU_GBPA:
	case SMMU_IRQ_CTRL:
	case SMMU_CMDQ_CONS:
	case SMMU_EVENTQ_PROD:
	case SMMU_STRTAB_BASE_CFG:
		break;
	default:
		FUZZ_REQUIRE(!"a register that is not the driver's to write");
	}
	set(off, v);
}

static void
hostile_write64(struct sluice_regs *regs, uint32_t off, uint64_t v)
{
	(void)regs;
	switch (off) {
	case SMMU_CMDQ_BASE:
		check_base(v, SMMU_Q_BASE_ADDR, (size_t)16 << (v & 31));
		break;
	case SMMU_EVENTQ_BASE:
		check_base(v, SMMU_Q_BASE_ADDR, (size_t)32 << (v & 31));
		break;
	case SMMU_STRTAB_BASE:
		check_base(v, SMMU_STRTAB_BASE_ADDR, 8); /* one descriptor at least */
		break;
	default:
		FUZZ_REQUIRE(!"a register that is not the driver's to write");
	}
	set(off, (uint32_t)v);
	set(off + 4, (uint32_t)(v >> 32));
}

static int
hostile_step(struct sluice_regs *regs, unsigned int budget)
{
	(void)regs;
	(void)budget;
	turn();
	return 1;
}

/* Endpoints may refuse, too. */
static int
hostile_ats(struct sluice_regs *regs, uint32_t stream, bool on)
{
	(void)regs;
	(void)stream;
	(void)on;
	return fuzz_take(&hw.in, 1) & 1 ? sluice_fail(EIO, "the endpoint says no") : 0;
}

static int
hostile_open(struct sluice_regs *regs, struct rte_kvargs *kv)
{
	(void)kv;
	regs->mem = sluice_mem_create(hw.mem, HOSTILE_PA, HOSTILE_MEM);
	FUZZ_REQUIRE(regs->mem != NULL);
	regs->base = hw.direct ? hw.page : NULL;
	regs->clock.virt = &hw.clock;
	regs->clock.hz = 1000000000;
	return 0;
}

static void
hostile_close(struct sluice_regs *regs)
{
	sluice_mem_destroy(regs->mem);
}

static const struct sluice_regs_ops hostile_ops = {
	.name = "hostile",
	.open = hostile_open,
	.close = hostile_close,
	.read32 = hostile_read32,
	.read64 = hostile_read64,
	.write32 = hostile_write32,
	.write64 = hostile_write64,
	.step = hostile_step,
	.ats = hostile_ats,
};

SLUICE_REGISTER_REGS(hostile, &hostile_ops)

/* ---- on and off ------------------------------------------------------------------------------ */

/* What it says it is: an SMMU that the driver likes, with bits changed here and there. */
static void
identify(bool changed)
{
	static const uint16_t id[] = { SMMU_IDR0, SMMU_IDR1, SMMU_IDR3, SMMU_IDR5, SMMU_AIDR };

	set(SMMU_IDR0, (uint32_t)(SMMU_IDR0_S1P | SMMU_IDR0_COHACC | SMMU_IDR0_MSI | SMMU_IDR0_ATS |
				  smmu_field_prep(SMMU_IDR0_TTF, SMMU_IDR0_TTF_AARCH64) |
				  smmu_field_prep(SMMU_IDR0_TTENDIAN, SMMU_TTENDIAN_LE) |
				  smmu_field_prep(SMMU_IDR0_STALL_MODEL, SMMU_STALL_MODEL_TERMINATE) |
				  smmu_field_prep(SMMU_IDR0_ST_LEVEL, 1)));
	set(SMMU_IDR1, (uint32_t)(smmu_field_prep(SMMU_IDR1_SIDSIZE, 9) |
				  smmu_field_prep(SMMU_IDR1_EVENTQS, 4) |
				  smmu_field_prep(SMMU_IDR1_CMDQS, 8)));
	set(SMMU_IDR3, (uint32_t)SMMU_IDR3_RIL);
	set(SMMU_IDR5, (uint32_t)(SMMU_IDR5_GRAN4K | SMMU_OAS_44));
	for (unsigned int i = 0; changed && i < RTE_DIM(id); i++)
		set(id[i], get(id[i]) ^ 1u << (fuzz_take(&hw.in, 1) & 31));
}

void
hostile_begin(struct fuzz_in in, bool changed)
{
	hw.in = in;
	hw.page = aligned_alloc(65536, SMMU_REGS_SIZE);
	hw.mem = aligned_alloc(65536, HOSTILE_MEM);
	FUZZ_REQUIRE(hw.page != NULL && hw.mem != NULL);
	memset(hw.page, 0, SMMU_REGS_SIZE);
	ASAN_POISON_MEMORY_REGION(hw.mem, HOSTILE_MEM);
	identify(changed);
}

void
hostile_reform(void)
{
	hw.in.left = 0;
	hw.dumb = hw.gone = 0;
	hw.calm = true;
}

void
hostile_end(void)
{
	ASAN_UNPOISON_MEMORY_REGION(hw.mem, HOSTILE_MEM);
	free(hw.mem);
	free(hw.page);
}

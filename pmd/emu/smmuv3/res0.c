/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Reserved bits and locations (IHI 0070 §6.2) read as zero and ignore writes. The page is plain
 * memory, so they are checked again and again and set back to zero: each poll checks one of the
 * lines with registers, and one of all lines.
 */
#include "priv.h"

#define LINE       64u /* bytes that one check covers */
#define WORDS      (LINE / 4)
#define PAGE0_LAST 0x240u /* the registers of page 0 end before, but for the ID registers */
#define PAGE1_FROM (SMMU_PAGE1 + 0x80u)

_Static_assert(EMU_REG_LINES == PAGE0_LAST / LINE + 2, "page 0, and two lines of page 1");

enum need { ALWAYS, MSI, LEVELS, ATS, HYP };
#define ADDR 0u /* the upper half of an address: up to OAS; of tables and queues a hint in bit 62 */

/* The bits that software can store; all others are RES0. No PRI, ATOS, ECMDQ or Secure state. */
static const struct {
	uint32_t off, mask;
	enum need need;
} fields[] = {
	{ SMMU_CR0, (uint32_t)EMU_CR0_MASK, ALWAYS },
	{ SMMU_CR0, (uint32_t)SMMU_CR0_ATSCHK, ATS },
	{ SMMU_CR1, (uint32_t)SMMU_FIELD(11, 0), ALWAYS },
	{ SMMU_CR2, (uint32_t)SMMU_CR2_RECINVSID, ALWAYS }, /* no broadcast (PTM), ATSRECERR */
	{ SMMU_CR2, (uint32_t)SMMU_CR2_E2H, HYP },
	{ SMMU_GBPA, (uint32_t)EMU_GBPA_MASK, ALWAYS },
	{ SMMU_IRQ_CTRL, (uint32_t)EMU_IRQ_CTRL_MASK, ALWAYS },
	{ SMMU_GERRORN, (uint32_t)(SMMU_GERROR_CMDQ_ERR | SMMU_GERROR_EVENTQ_ABT_ERR |
				   SMMU_GERROR_SFM_ERR), ALWAYS },
	{ SMMU_GERRORN, (uint32_t)(SMMU_GERROR_MSI_CMDQ_ABT_ERR | SMMU_GERROR_MSI_EVENTQ_ABT_ERR |
				   SMMU_GERROR_MSI_GERROR_ABT_ERR), MSI },
	{ SMMU_GERROR_IRQ_CFG0, (uint32_t)SMMU_IRQ_CFG0_ADDR, MSI },
	{ SMMU_GERROR_IRQ_CFG0 + 4, ADDR, MSI },
	{ SMMU_GERROR_IRQ_CFG1, UINT32_MAX, MSI },
	{ SMMU_GERROR_IRQ_CFG2, (uint32_t)(SMMU_IRQ_CFG2_MEMATTR | SMMU_IRQ_CFG2_SH), MSI },
	{ SMMU_STRTAB_BASE, (uint32_t)SMMU_STRTAB_BASE_ADDR, ALWAYS },
	{ SMMU_STRTAB_BASE + 4, ADDR, ALWAYS },
	{ SMMU_STRTAB_BASE_CFG, (uint32_t)SMMU_STRTAB_CFG_LOG2SIZE, ALWAYS },
	{ SMMU_STRTAB_BASE_CFG, (uint32_t)(SMMU_STRTAB_CFG_SPLIT | SMMU_STRTAB_CFG_FMT), LEVELS },
	{ SMMU_CMDQ_BASE, UINT32_MAX, ALWAYS },
	{ SMMU_CMDQ_BASE + 4, ADDR, ALWAYS },
	{ SMMU_CMDQ_PROD, (uint32_t)SMMU_CMDQ_PROD_WR, ALWAYS },
	{ SMMU_CMDQ_CONS, (uint32_t)(SMMU_CMDQ_CONS_RD | SMMU_CMDQ_CONS_ERR), ALWAYS },
	{ SMMU_EVENTQ_BASE, UINT32_MAX, ALWAYS },
	{ SMMU_EVENTQ_BASE + 4, ADDR, ALWAYS },
	{ SMMU_EVENTQ_IRQ_CFG0, (uint32_t)SMMU_IRQ_CFG0_ADDR, MSI },
	{ SMMU_EVENTQ_IRQ_CFG0 + 4, ADDR, MSI },
	{ SMMU_EVENTQ_IRQ_CFG1, UINT32_MAX, MSI },
	{ SMMU_EVENTQ_IRQ_CFG2, (uint32_t)(SMMU_IRQ_CFG2_MEMATTR | SMMU_IRQ_CFG2_SH), MSI },
	{ SMMU_EVENTQ_PROD, (uint32_t)(SMMU_EVENTQ_PROD_WR | SMMU_EVENTQ_OVFLG), ALWAYS },
	{ SMMU_EVENTQ_CONS, (uint32_t)(SMMU_EVENTQ_CONS_RD | SMMU_EVENTQ_OVFLG), ALWAYS },
};

/* Read-only and constant, or written by the SMMU: regs.c puts them back. */
static const struct {
	uint32_t from, to;
} read_only[] = {
	{ SMMU_IDR0, SMMU_AIDR }, { SMMU_CR0ACK, SMMU_CR0ACK },
	{ SMMU_IRQ_CTRLACK, SMMU_IRQ_CTRLACK }, { SMMU_GERROR, SMMU_GERROR },
};

static bool
offered(const struct emu_smmuv3_conf *c, enum need need)
{
	switch (need) {
	case MSI:
		return c->msi;
	case LEVELS:
		return c->two_level;
	case ATS:
		return c->ats;
	case HYP:
		return c->hyp;
	default:
		return true;
	}
}

/* The register line that holds @p off, or EMU_REG_LINES. */
static unsigned int
line_of(uint32_t off)
{
	if (off < PAGE0_LAST)
		return off / LINE;
	if (off >= PAGE1_FROM && off < PAGE1_FROM + 2 * LINE)
		return PAGE0_LAST / LINE + (off - PAGE1_FROM) / LINE;
	return EMU_REG_LINES;
}

static uint32_t *
mask_at(struct emu_smmu *e, uint32_t off)
{
	return &e->res0.mask[line_of(off)][off % LINE / 4];
}

void
emu_res0_init(struct emu_smmu *e)
{
	uint32_t high = (uint32_t)((UINT64_C(1) << (e->conf.oas - 32)) - 1);

	for (size_t i = 0; i < RTE_DIM(read_only); i++)
		for (uint32_t off = read_only[i].from; off <= read_only[i].to; off += 4)
			*mask_at(e, off) = UINT32_MAX;
	for (size_t i = 0; i < RTE_DIM(fields); i++) {
		uint32_t mask = fields[i].mask;

		if (mask == ADDR)
			mask = high | (fields[i].need == MSI ? 0 : 1u << 30);
		if (offered(&e->conf, fields[i].need))
			*mask_at(e, fields[i].off) |= mask;
	}
}

uint64_t
emu_res0_mask(const struct emu_smmu *e, uint32_t off, unsigned int size)
{
	const uint32_t *m;

	if (line_of(off) == EMU_REG_LINES)
		return UINT64_MAX; /* ID registers */
	m = &e->res0.mask[line_of(off)][off % LINE / 4];
	return size == 8 ? m[0] | (uint64_t)m[1] << 32 : m[0];
}

/* Clear the reserved bits of one register. If the driver stores to it meanwhile, this store does
 * not happen, and the next check sees the driver's. @return whether any were set. */
static bool
clear(struct emu_smmu *e, uint32_t off, uint32_t mask)
{
	_Atomic uint32_t *p = (_Atomic uint32_t *)(void *)(e->regs + off);
	uint32_t v = atomic_load_explicit(p, memory_order_relaxed);

	if (likely((v & ~mask) == 0))
		return false;
	atomic_compare_exchange_strong_explicit(p, &v, v & mask, memory_order_release,
						memory_order_relaxed);
	emu_count(&e->st.reserved_writes, 1);
	return true;
}

/* @param mask the defined bits, word by word; NULL: none. */
static bool
look(struct emu_smmu *e, uint32_t at, const uint32_t *mask)
{
	bool did = false;
	uint64_t bad = 0;

	for (unsigned int i = 0; i < WORDS; i += 2) {
		uint64_t v = atomic_load_explicit(
			(_Atomic uint64_t *)(void *)(e->regs + at + 4 * i), memory_order_relaxed);

		bad |= mask == NULL ? v : v & ~(mask[i] | (uint64_t)mask[i + 1] << 32);
	}
	if (likely(bad == 0))
		return false;
	for (unsigned int i = 0; i < WORDS; i++)
		did |= clear(e, at + 4 * i, mask == NULL ? 0 : mask[i]);
	return did;
}

static uint32_t
line_at(unsigned int line)
{
	return line < PAGE0_LAST / LINE ? line * LINE :
					  PAGE1_FROM + (line - PAGE0_LAST / LINE) * LINE;
}

void
emu_res0_now(struct emu_smmu *e, uint32_t off)
{
	unsigned int line = line_of(off);

	if (line < EMU_REG_LINES)
		look(e, line_at(line), e->res0.mask[line]);
}

/* Index registers have as many bits as the queue's size gives them, and a wrap bit. */
static bool
indices(struct emu_smmu *e, uint32_t base, unsigned int max, uint32_t prod, uint32_t cons)
{
	unsigned int log2 = (unsigned int)smmu_field_get(SMMU_Q_BASE_LOG2SIZE, emu_reg32(e, base));
	uint32_t unused = (uint32_t)SMMU_CMDQ_PROD_WR & ~((2u << (log2 < max ? log2 : max)) - 1);
	bool did = clear(e, prod, ~unused);

	return clear(e, cons, ~unused) || did;
}

bool
emu_res0_poll(struct emu_smmu *e)
{
	uint32_t at = e->res0.line * LINE;
	unsigned int line = e->res0.reg_line;
	bool did;

	did = look(e, line_at(line), e->res0.mask[line]);
	if (++e->res0.reg_line == EMU_REG_LINES) {
		e->res0.reg_line = 0;
		did |= indices(e, SMMU_CMDQ_BASE, e->conf.cmdq_max_log2, SMMU_CMDQ_PROD,
			       SMMU_CMDQ_CONS);
		did |= indices(e, SMMU_EVENTQ_BASE, e->conf.evtq_max_log2, SMMU_EVENTQ_PROD,
			       SMMU_EVENTQ_CONS);
	}
	/* The identification registers are guarded, and 0xfc0 to 0xfcf with them. */
	if (line_of(at) == EMU_REG_LINES && at != (EMU_ID_REGS & ~(LINE - 1)))
		did |= look(e, at, NULL);
	if (++e->res0.line == SMMU_REGS_SIZE / LINE)
		e->res0.line = 0;
	return did;
}

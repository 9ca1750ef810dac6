/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Registers, commands and stream table entries for cases. Entries are made here from the
 * encodings, and not by the driver's code, which is under test.
 */
#include "conf.h"

uint32_t
conf_reg(struct conf *c, uint32_t off)
{
	uint64_t v = 0;

	CONF_OK(c, sluice_raw_reg_read(c->iommu, off, 4, &v));
	return (uint32_t)v;
}

uint64_t
conf_reg64(struct conf *c, uint32_t off)
{
	uint64_t v = 0;

	CONF_OK(c, sluice_raw_reg_read(c->iommu, off, 8, &v));
	return v;
}

/* Free-running emulated hardware looks at its registers every 64th unit, answers a few looks later,
 * and has looked for reserved bits everywhere after a dozen. An idle unit ends a call. */
static void
settle(struct conf *c)
{
	for (unsigned int i = 0; c->hw.emu && i < 1000; i++)
		sluice_iommu_step(c->iommu, 64);
}

void
conf_set_reg(struct conf *c, uint32_t off, uint32_t v)
{
	CONF_OK(c, sluice_raw_reg_write(c->iommu, off, 4, v));
	settle(c);
}

void
conf_set_reg64(struct conf *c, uint32_t off, uint64_t v)
{
	CONF_OK(c, sluice_raw_reg_write(c->iommu, off, 8, v));
	settle(c);
}

bool
conf_poll(struct conf *c, uint32_t off, uint32_t mask, uint32_t v)
{
	uint64_t until = conf_ms() + 1000;

	do {
		if ((conf_reg(c, off) & mask) == v)
			return true;
		settle(c);
	} while (conf_ms() < until);
	return false;
}

void
conf_cr0(struct conf *c, uint32_t v)
{
	conf_set_reg(c, SMMU_CR0, v);
	CONF_CHECK(c, conf_poll(c, SMMU_CR0ACK, (uint32_t)SMMU_CR0_MASK, v),
		   "CR0 %#x is not acknowledged: CR0ACK is %#x", v, conf_reg(c, SMMU_CR0ACK));
}

int
conf_cmd(struct conf *c, uint64_t w0, uint64_t w1)
{
	uint64_t w[2] = { w0, w1 };

	return sluice_raw_cmds(c->iommu, w, 1);
}

void
conf_cmd_ok(struct conf *c, uint64_t w0, uint64_t w1)
{
	int rc = conf_cmd(c, w0, w1);

	CONF_CHECK(c, rc == 0, "command %#" PRIx64 " %#" PRIx64 ": %d, %s", w0, w1, rc,
		   sluice_error());
}

void
conf_cfgi_ste(struct conf *c, unsigned int d)
{
	conf_cmd_ok(c, SMMU_CMD_CFGI_STE | smmu_field_prep(SMMU_CMD_0_SID, c->dev[d].sid),
		    SMMU_CFGI_1_LEAF);
}

void
conf_tlbi_all(struct conf *c)
{
	conf_cmd_ok(c, SMMU_CMD_TLBI_NSNH_ALL, 0);
}

static void
ste(uint64_t w[8], uint64_t config)
{
	memset(w, 0, 8 * sizeof(*w));
	w[0] = SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, config);
	w[1] = smmu_field_prep(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING);
}

void
conf_ste_abort(uint64_t w[8])
{
	ste(w, SMMU_STE_CONFIG_ABORT);
}

void
conf_ste_bypass(uint64_t w[8])
{
	ste(w, SMMU_STE_CONFIG_BYPASS);
}

void
conf_ste_s1(uint64_t w[8], uint64_t cd_pa)
{
	ste(w, SMMU_STE_CONFIG_S1);
	w[0] |= cd_pa;
	w[1] |= smmu_field_prep(SMMU_STE_1_S1CIR, SMMU_STE_S1C_WBRA) |
		smmu_field_prep(SMMU_STE_1_S1COR, SMMU_STE_S1C_WBRA) |
		smmu_field_prep(SMMU_STE_1_S1CSH, SMMU_SH_ISH);
}

void
conf_ste_store(struct conf *c, unsigned int d, const uint64_t w[8])
{
	CONF_OK(c, sluice_raw_entry_write(c->iommu, SLUICE_RAW_STREAM, c->dev[d].sid, w));
}

void
conf_ste_set(struct conf *c, unsigned int d, const uint64_t w[8])
{
	conf_ste_store(c, d, w);
	conf_cfgi_ste(c, d);
}

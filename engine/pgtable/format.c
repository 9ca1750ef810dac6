/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The table of formats: VMSAv8-64 (Arm DDI 0487 D8), both stages, three granules; VT-d's second
 * stage (D51397, 3.7 and 9.8), which snoops or not.
 */
#include <errno.h>
#include <string.h>

#include <rte_common.h>

#include <sluice/map.h>

#include "fmt/lpae.h"
#include "fmt/vtd_s2.h"
#include "format.h"

static uint64_t
s1_attr(unsigned int prot)
{
	return LPAE_VALID | LPAE_ATTR(LPAE_MAIR_IDX_WB) | LPAE_AP_UNPRIV | LPAE_SH_INNER | LPAE_AF |
	       LPAE_NG | LPAE_XN | ((prot & SLUICE_WRITE) != 0 ? 0 : LPAE_AP_RO);
}

static uint64_t
s2_attr(unsigned int prot)
{
	return LPAE_VALID | LPAE_S2_MEMATTR_WB | LPAE_SH_INNER | LPAE_AF | LPAE_S2_XN |
	       LPAE_S2AP_READ | ((prot & SLUICE_WRITE) != 0 ? LPAE_S2AP_WRITE : 0);
}

/* Blocks (D8.3): 1 GiB and 2 MiB; 32 MiB; 512 MiB. Up to 16 root tables of stage 2 side by side,
 * whose input is physical addresses. Two levels always stay, for the engine takes last-level tables
 * out of those above. */
#define LPAE(id_, name_, shift, blocks, stage_, attr_)                                             \
	[id_] = { .name = name_, .id = id_, .page_shift = shift, .level_bits = (shift) - 3,        \
		  .stage = stage_, .least_levels = 2, .block_levels = blocks,                      \
		  .concat_bits = (stage_) == 2 ? 4 : 0, .ias_within_oas = (stage_) == 2,           \
		  .addr = LPAE_ADDR, .valid = LPAE_VALID, .table = LPAE_VALID | LPAE_TABLE,        \
		  .page = LPAE_TABLE, .one = LPAE_FIRST | LPAE_LAST, .attr = attr_ }

static uint64_t
vtd_attr(unsigned int prot)
{
	return VTD_S2_R | ((prot & SLUICE_WRITE) != 0 ? VTD_S2_W : 0);
}

static uint64_t
vtd_attr_snoop(unsigned int prot)
{
	return vtd_attr(prot) | VTD_S2_SNP;
}

/* Tables of three levels are for 39 bits, of four for 48 (CAP.SAGAW); there are none of fewer. */
#define VTD_S2(id_, name_, attr_)                                                                  \
	[id_] = { .name = name_, .id = id_, .page_shift = 12, .level_bits = 9, .stage = 2,         \
		  .least_levels = 3, .block_levels = 1u << 1 | 1u << 2, .addr = VTD_S2_ADDR,       \
		  .valid = VTD_S2_R, .table = VTD_S2_R | VTD_S2_W,                       \
		  .block = VTD_S2_PS, .one = VTD_S2_FIRST | VTD_S2_LAST, .attr = attr_ }

static const struct pt_format formats[SLUICE_FORMATS] = {
	LPAE(SLUICE_FORMAT_LPAE_S1_4K, "lpae-s1-4k", 12, 1u << 1 | 1u << 2, 1, s1_attr),
	LPAE(SLUICE_FORMAT_LPAE_S1_16K, "lpae-s1-16k", 14, 1u << 2, 1, s1_attr),
	LPAE(SLUICE_FORMAT_LPAE_S1_64K, "lpae-s1-64k", 16, 1u << 2, 1, s1_attr),
	LPAE(SLUICE_FORMAT_LPAE_S2_4K, "lpae-s2-4k", 12, 1u << 1 | 1u << 2, 2, s2_attr),
	LPAE(SLUICE_FORMAT_LPAE_S2_16K, "lpae-s2-16k", 14, 1u << 2, 2, s2_attr),
	LPAE(SLUICE_FORMAT_LPAE_S2_64K, "lpae-s2-64k", 16, 1u << 2, 2, s2_attr),
	VTD_S2(SLUICE_FORMAT_VTD_S2_4K_SNP, "vtd-s2-4k-snp", vtd_attr_snoop),
	VTD_S2(SLUICE_FORMAT_VTD_S2_4K, "vtd-s2-4k", vtd_attr),
};

const struct pt_format *
pt_format_get(enum sluice_format id)
{
	return &formats[id];
}

const struct pt_format *
pt_format_find(const char *name)
{
	for (unsigned int i = 0; i < RTE_DIM(formats); i++)
		if (strcmp(formats[i].name, name) == 0)
			return &formats[i];
	return NULL;
}

const struct pt_format *
pt_format_choose(const struct sluice_iommu *iommu, const char *name)
{
	const struct pt_format *f = name != NULL ? pt_format_find(name) :
		iommu->formats != 0 ? pt_format_get((enum sluice_format)__builtin_ctz(iommu->formats)) :
		NULL;

	if (f != NULL && (iommu->formats & 1u << f->id) != 0)
		return f;
	sluice_fail(name != NULL && f == NULL ? EINVAL : ENOTSUP, "page-table format '%s': %s",
		    name != NULL ? name : "", f == NULL ? "there is none of that name" :
		    "the hardware does not walk it");
	return NULL;
}

unsigned int
pt_format_start(const struct pt_format *f, unsigned int ias)
{
	unsigned int bits = ias - f->page_shift, levels = (bits + f->level_bits - 1) / f->level_bits;

	/* A root table of few entries is left out: the next level's tables lie side by side. */
	if (bits - (levels - 1) * f->level_bits <= f->concat_bits)
		levels--;
	return PGTABLE_LEVELS - RTE_MAX(levels, f->least_levels);
}

uint8_t
pt_format_blocks(const struct pt_format *f, const struct sluice_iommu *iommu)
{
	const uint64_t sizes = iommu->info.page_sizes; /* 0: not known */
	unsigned int levels = f->block_levels;

	for (unsigned int l = 0; l < PGTABLE_LEVELS - 1 && sizes != 0; l++)
		if ((sizes >> (f->page_shift + f->level_bits * (PGTABLE_LEVELS - 1 - l)) & 1) == 0)
			levels &= ~(1u << l);
	return (uint8_t)levels;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Raw access: checks what can be checked for every architecture, and hands on to the backend.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>

#include <sluice/raw.h>

#include "../driver.h"

static const struct sluice_raw_ops *
raw_ops(const struct sluice_iommu *iommu)
{
	if (iommu == NULL) {
		(void)sluice_null("an iommu");
		return NULL;
	}
	if (iommu->ops->raw == NULL)
		sluice_fail(ENOTSUP, "%s has no raw access", iommu->ops->name);
	return iommu->ops->raw;
}

int
sluice_raw_get_info(struct sluice_iommu *iommu, struct sluice_raw_info *info)
{
	const struct sluice_raw_ops *ops = raw_ops(iommu);

	if (ops == NULL)
		return -rte_errno;
	if (info == NULL)
		return sluice_fail(EINVAL, "no place for what is known of raw access");
	memset(info, 0, sizeof(*info));
	ops->info(iommu, info);
	return 0;
}

static int
reg_check(struct sluice_iommu *iommu, uint32_t off, unsigned int size)
{
	struct sluice_raw_info info;
	int rc = sluice_raw_get_info(iommu, &info);

	if (rc != 0)
		return rc;
	if ((size != 4 && size != 8) || off % size != 0 || off > info.regs_bytes - size)
		return sluice_fail(EINVAL, "register 0x%x of %u bytes: 4 or 8, aligned, below 0x%x",
				   off, size, info.regs_bytes);
	return 0;
}

int
sluice_raw_reg_read(struct sluice_iommu *iommu, uint32_t off, unsigned int size, uint64_t *v)
{
	if (v == NULL)
		return sluice_null("room for a register");
	int rc = reg_check(iommu, off, size);

	if (rc == 0)
		*v = iommu->ops->raw->reg_read(iommu, off, size);
	return rc;
}

int
sluice_raw_reg_write(struct sluice_iommu *iommu, uint32_t off, unsigned int size, uint64_t v)
{
	int rc = reg_check(iommu, off, size);

	if (rc == 0)
		iommu->ops->raw->reg_write(iommu, off, size, v);
	return rc;
}

int
sluice_raw_cmds(struct sluice_iommu *iommu, const uint64_t *words, unsigned int n)
{
	struct sluice_raw_info info;
	int rc = sluice_raw_get_info(iommu, &info);

	if (rc != 0)
		return rc;
	if (n > info.max_cmds || (words == NULL && n != 0))
		return sluice_fail(EINVAL, "%u commands: up to %u at once", n, info.max_cmds);
	return iommu->ops->raw->cmds(iommu, words, n);
}

static int
entry_check(struct sluice_iommu *iommu, enum sluice_raw_entry kind, const void *words)
{
	struct sluice_raw_info info;
	int rc = sluice_raw_get_info(iommu, &info);

	if (rc != 0)
		return rc;
	if (kind >= SLUICE_RAW_ENTRIES || words == NULL)
		return sluice_fail(EINVAL, "no such kind of entry, or no words");
	if (info.entry_words[kind] == 0)
		return sluice_fail(ENOTSUP, "%s has no entries of kind %u", info.arch,
				   (unsigned int)kind);
	return 0;
}

int
sluice_raw_entry_read(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t stream,
		      uint64_t *words)
{
	int rc = entry_check(iommu, kind, words);

	return rc == 0 ? iommu->ops->raw->entry_read(iommu, kind, stream, words) : rc;
}

int
sluice_raw_entry_write(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t stream,
		       const uint64_t *words)
{
	int rc = entry_check(iommu, kind, words);

	return rc == 0 ? iommu->ops->raw->entry_write(iommu, kind, stream, words) : rc;
}

int
sluice_raw_entry_change(struct sluice_iommu *iommu, enum sluice_raw_entry kind, uint32_t stream,
			const uint64_t *words)
{
	int rc = entry_check(iommu, kind, words);

	return rc == 0 ? iommu->ops->raw->entry_change(iommu, kind, stream, words) : rc;
}

int
sluice_raw_events(struct sluice_iommu *iommu, uint64_t *words, struct sluice_fault *f,
		  unsigned int n)
{
	const struct sluice_raw_ops *ops = raw_ops(iommu);

	return ops != NULL ? ops->events(iommu, words, f, n) : -rte_errno;
}

int
sluice_raw_reset(struct sluice_iommu *iommu)
{
	const struct sluice_raw_ops *ops = raw_ops(iommu);

	return ops != NULL ? ops->reset(iommu) : -rte_errno;
}

void *
sluice_raw_mem(struct sluice_iommu *iommu, uint64_t pa, size_t len)
{
	if (iommu == NULL) {
		(void)sluice_null("an iommu");
		return NULL;
	}
	struct sluice_mem_span span = sluice_mem_span(iommu->mem);

	return sluice_span_va(&span, pa, len);
}

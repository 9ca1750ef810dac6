/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * For tests of policies that copy: a buffer in the fake iommu's memory, and the device's view of
 * it, which is what the page table says.
 */
#ifndef MIRROR_H
#define MIRROR_H

#include "engine/window/window.h"
#include "rig.h"

struct buf {
	uint8_t *va;
	uint64_t pa;
	size_t size;
};

static inline struct buf
buf_make(struct rig *r, size_t size)
{
	struct buf b = { .size = size };

	b.va = sluice_iommu_mem_alloc(r->iommu, size, 4096, &b.pa);
	assert_non_null(b.va);
	for (size_t i = 0; i < size; i++)
		b.va[i] = (uint8_t)(i * 7 + (i >> 8) + 1);
	return b;
}

static inline void
buf_free(struct rig *r, struct buf *b)
{
	sluice_iommu_mem_free(r->iommu, b->va, b->size);
}

/* Where a device's access to @p iova ends, or NULL: a fault. */
static inline uint8_t *
device_at(struct rig *r, uint64_t iova)
{
	struct sluice_mem_span s = sluice_mem_span(r->iommu->mem);
	uint64_t pa;

	return sluice_iova_to_pa(r->d, iova, &pa) == 0 ? sluice_span_va(&s, pa, 1) : NULL;
}

/* May a device write there? */
static inline bool
device_may_write(struct rig *r, uint64_t iova)
{
	return (pte_load(domain_pte(r->d, (uint32_t)((iova - r->d->iova_base) >> 12))) &
		LPAE_AP_RO) == 0;
}

/* What the device reads is what is in @p at. */
static inline void
device_reads(struct rig *r, uint64_t iova, const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		assert_non_null(device_at(r, iova + i));
		assert_int_equal(*device_at(r, iova + i), at[i]);
	}
}

static inline void
device_writes(struct rig *r, uint64_t iova, uint8_t v, size_t len)
{
	assert_true(device_may_write(r, iova));
	for (size_t i = 0; i < len; i++)
		*device_at(r, iova + i) = v;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Memory that the hardware reaches: one span of it for each iommu.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stddef.h>
#include <stdint.h>

/**
 * A linear piece of memory shared with the hardware: pa = pa_base + (va - va_base) throughout.
 * Made by the register source (emulated RAM, a guest's RAM, huge pages). Control path only;
 * thread safe (a lock), memory comes back zeroed.
 */
struct sluice_mem;

struct sluice_mem *sluice_mem_create(void *va, uint64_t pa, size_t len);
void sluice_mem_destroy(struct sluice_mem *m);
void *sluice_mem_alloc(struct sluice_mem *m, size_t size, size_t align, uint64_t *pa);
void sluice_mem_free(struct sluice_mem *m, void *va, size_t size);
/** Bounds for the two inline translations below; fixed for the life of @p m. */
struct sluice_mem_span {
	uint8_t *va;
	uint64_t pa;
	uint64_t len;
};
struct sluice_mem_span sluice_mem_span(const struct sluice_mem *m);
/** Bytes handed out at present. */
size_t sluice_mem_used(const struct sluice_mem *m);

/** @return the address of [pa, pa+len), or NULL when it is not all in the span. */
static inline void *
sluice_span_va(const struct sluice_mem_span *s, uint64_t pa, uint64_t len)
{
	uint64_t off = pa - s->pa;

	return off < s->len && len <= s->len - off ? s->va + off : NULL;
}

static inline uint64_t
sluice_span_pa(const struct sluice_mem_span *s, const void *va)
{
	return s->pa + (uint64_t)((const uint8_t *)va - s->va);
}

#endif

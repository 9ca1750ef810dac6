/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A field of a register or of a word in memory, as a mask.
 */
#ifndef SMMUV3_HW_FIELD_H
#define SMMUV3_HW_FIELD_H

#include <stdint.h>

#define SMMU_BIT(n)      (UINT64_C(1) << (n))
/** The mask of bits h … l. */
#define SMMU_FIELD(h, l) ((~UINT64_C(0) >> (63 - (h))) & (~UINT64_C(0) << (l)))

/** @return @p v at the place of @p mask; bits that do not fit are dropped. */
static inline uint64_t
smmu_field_prep(uint64_t mask, uint64_t v)
{
	return (v << __builtin_ctzll(mask)) & mask;
}

/** @return the field @p mask of @p word. */
static inline uint64_t
smmu_field_get(uint64_t mask, uint64_t word)
{
	return (word & mask) >> __builtin_ctzll(mask);
}

/** @return @p word with its field @p mask set to @p v. */
static inline uint64_t
smmu_field_set(uint64_t word, uint64_t mask, uint64_t v)
{
	return (word & ~mask) | smmu_field_prep(mask, v);
}

#endif

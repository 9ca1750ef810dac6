/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ASIDs: a bitmap, searched from where the last one was found.
 */
#include <errno.h>
#include <stdlib.h>

#include "smmuv3.h"

int
smmu_asids_init(struct smmu_asids *a, bool asid16)
{
	a->count = asid16 ? 1u << 16 : 1u << 8;
	a->used = calloc(a->count / 64, sizeof(*a->used));
	if (a->used == NULL)
		return -ENOMEM;
	a->used[0] = 1; /* 0 is nobody's: it is what an unset tag looks like */
	a->next = 1;
	return 0;
}

void
smmu_asids_free(struct smmu_asids *a)
{
	free(a->used);
	a->used = NULL;
}

int
smmu_asid_get(struct smmu_asids *a)
{
	uint32_t words = a->count / 64, w = a->next / 64;
	uint64_t from = ~UINT64_C(0) << (a->next % 64);

	/* One word more than there are: the first is looked at twice, from both ends. */
	for (uint32_t i = 0; i <= words; i++, w = (w + 1) % words, from = ~UINT64_C(0)) {
		uint64_t free = ~a->used[w] & from;

		if (free != 0) {
			unsigned int bit = (unsigned int)__builtin_ctzll(free);

			a->used[w] |= UINT64_C(1) << bit;
			a->next = (w * 64 + bit + 1) % a->count;
			return (int)(w * 64 + bit);
		}
	}
	return -ENOSPC;
}

void
smmu_asid_put(struct smmu_asids *a, uint16_t asid)
{
	a->used[asid / 64] &= ~(UINT64_C(1) << (asid % 64));
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * ASIDs and VMIDs: one bitmap for each, searched from where the last one was found.
 */
#include <errno.h>
#include <stdlib.h>

#include "smmuv3.h"

int
smmu_ids_init(struct smmu_ids *a, bool wide)
{
	a->count = wide ? 1u << 16 : 1u << 8;
	a->used = calloc(a->count / 64, sizeof(*a->used));
	if (a->used == NULL)
		return -ENOMEM;
	a->used[0] = 1; /* never handed out, so that 0 means no tag */
	a->next = 1;
	return 0;
}

void
smmu_ids_free(struct smmu_ids *a)
{
	free(a->used);
	a->used = NULL;
}

int
smmu_id_get(struct smmu_ids *a)
{
	uint32_t words = a->count / 64, w = a->next / 64;
	uint64_t from = ~UINT64_C(0) << (a->next % 64);

	/* One look more than there are words: the first word is searched twice, from both ends. */
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
smmu_id_put(struct smmu_ids *a, uint16_t id)
{
	a->used[id / 64] &= ~(UINT64_C(1) << (id % 64));
}

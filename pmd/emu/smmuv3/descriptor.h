/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One descriptor of a page table, read and checked: the same in both stages' walks (Arm DDI 0487
 * D8.3).
 */
#ifndef EMU_DESCRIPTOR_H
#define EMU_DESCRIPTOR_H

#include "priv.h"

/** Levels with blocks (D8.3): 1 GiB and 2 MiB; 32 MiB; 512 MiB. Bigger ones come with 52 bits. */
#define BLOCK_LEVELS(gran) ((gran) == GRAN_4K ? 1u << 1 | 1u << 2 : 1u << 2)

/**
 * Read the descriptor at w->fetch, of a table of @p level.
 * @param fresh leave no trace. @param count the read is the workload's.
 * @return true with *d set; false with w->fault: F_WALK_EABT, F_TRANSLATION.
 */
static inline __attribute__((always_inline)) bool
emu_descriptor(struct emu_smmu *e, unsigned int gran, unsigned int level, bool fresh, bool count,
	       struct emu_walk *w, uint64_t *d)
{
	uint64_t *p = emu_pa(&e->core, w->fetch, 8);

	if (count)
		emu_count(&e->core.st.walk_reads[level], 1);
	if (p == NULL) {
		if (!fresh)
			emu_count(&e->core.st.mem_aborts, 1);
		w->fault = SMMU_EVT_F_WALK_EABT;
		return false;
	}
	/* acquire: pairs with the release with which the driver stores a descriptor, so that the
	 * next level's table is seen as it was when it was linked. */
	*d = atomic_load_explicit((_Atomic uint64_t *)(void *)p, memory_order_acquire);
	if ((*d & SMMU_TTD_V) && ((*d & SMMU_TTD_TABLE) || (BLOCK_LEVELS(gran) & (1u << level))))
		return true;
	w->fault = SMMU_EVT_F_TRANSLATION;
	return false;
}

#endif

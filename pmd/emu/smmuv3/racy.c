/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Invalidations that lose a race with traffic (conf.tlbi_racy), as with NVIDIA's erratum T264-SMMU-3
 * of Tegra264: a TLB entry may survive an invalidation if traffic targets the entry at the same
 * time; a second invalidation, which begins after the SYNC of the first, drops it.
 *
 * Here an access and an invalidation never overlap, so this looks at what the race would have been
 * about: the latest translations that were inserted. The first invalidation that drops one of them
 * leaves it there by chance, as if it had been under way at that moment. This happens once to an
 * insertion, so the next invalidation drops it for certain.
 */
#include "priv.h"

void
emu_racy_fill(struct emu_smmu *e, const struct emu_tag *tag, uint64_t va, const struct emu_leaf *l,
	      bool noted)
{
	e->fill[e->fills++ % EMU_FILLS] = (struct emu_fill){
		.tag = *tag, .leaf = *l, .va = va, .noted = noted, .open = true,
	};
}

static bool
cached(const struct emu_smmu *e, const struct emu_fill *f)
{
	unsigned int shift;

	return emu_tlb_find(&e->tlb, &f->tag, f->va, f->leaf.gran, &shift) != NULL;
}

void
emu_racy_before(struct emu_smmu *e)
{
	for (unsigned int i = 0; i < EMU_FILLS; i++)
		e->fill[i].there = e->fill[i].open && cached(e, &e->fill[i]);
}

void
emu_racy_after(struct emu_smmu *e)
{
	bool gone[EMU_FILLS];

	/* First look, then put back: several may be of one place. */
	for (unsigned int i = 0; i < EMU_FILLS; i++)
		gone[i] = e->fill[i].there && !cached(e, &e->fill[i]);
	for (unsigned int i = 0; i < EMU_FILLS; i++) {
		struct emu_fill *f = &e->fill[i];

		if (!gone[i])
			continue;
		f->open = false;
		if ((emu_random(&e->core.clock) & 1) == 0)
			continue;
		if (f->noted)
			emu_tlb_insert_noted(&e->tlb, &f->tag, f->va, &f->leaf);
		else
			emu_tlb_insert(&e->tlb, &f->tag, f->va, &f->leaf);
	}
}

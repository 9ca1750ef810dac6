/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * copy: the owner's pages are never mapped. A map copies the buffer into shadow memory that the
 * device may use permanently (copypool.h); an unmap copies back what the device wrote. Nothing is
 * ever invalidated, and no owner's memory is ever stale.
 *
 * After an unmap the device still reaches the pool: the bytes that it was given, not those that are
 * in the buffer now. A late write reaches no owner, unless the slot is used again by a buffer that
 * is mapped for writing; a reused IOVA would have the same effect. A buffer that the device may
 * write is copied in as well, because the device may write only a part of it.
 *
 * The copy needs a virtual address, so the buffer must lie in the IOMMU's memory
 * (sluice_iommu_mem_alloc()), else -EINVAL. A buffer longer than COPYPOOL_MAX_LEN, or one for which
 * the worker's pool has no slot, is mapped strictly and counted (copy_large, copy_empty).
 */
#include <errno.h>
#include <string.h>

#include "copypool.h"
#include "../window/window.h"
#include "policy.h"

static __rte_noinline int
map_slow(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	 struct dom_lcore *dl)
{
	struct copypool *s = dl->priv;

	if (len == 0 || prot > 3 || d->pte_attr[prot] == 0 ||
	    sluice_span_va(&s->span, pa, len) == NULL) {
		STAT_ADD(dl->st.map_errors, 1);
		return -EINVAL;
	}
	if (len > COPYPOOL_MAX_LEN)
		STAT_ADD(s->large, 1);
	else
		STAT_ADD(s->empty, 1);
	return window_map(d, pa, len, prot, iova, dl);
}

int
copy_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	 struct dom_lcore *dl)
{
	struct copypool *s = dl->priv;
	uint64_t offset = pa & PT_OFFSET;
	uint8_t *owner = sluice_span_va(&s->span, pa, len);
	struct copypool_slot *p;

	/* len - 1 wraps for 0. */
	if (__builtin_expect(owner == NULL || len - 1 >= COPYPOOL_MAX_LEN || prot > 3 ||
			     d->pte_attr[prot] == 0, 0))
		return map_slow(d, pa, len, prot, iova, dl);
	p = copypool_take(s, copypool_class(offset + len));
	if (__builtin_expect(p == NULL, 0))
		return map_slow(d, pa, len, prot, iova, dl);
	RELAXED_SET(p->iova, p->home->iova[prot >> 1] + ((uint64_t)p->page << PT_SHIFT) + offset);
	RELAXED_SET(p->len, (uint32_t)len);
	p->prot = (uint8_t)prot;
	p->owner = owner;
	*iova = p->iova;
	if (SLUICE_CHECKS)
		name_put(d->names, (uint32_t)((p->iova - d->iova_base) >> PT_SHIFT), name_of(pa, len));
	memcpy(p->va + offset, owner, len);
	STAT_ADD(s->copies, 1);
	STAT_ADD(s->bytes, len);
	STAT_ADD(dl->st.maps, 1);
	if (!one_page(pa, len))
		STAT_ADD(dl->st.map_more, (offset + len - 1) >> PT_SHIFT);
	return 0;
}

/* The mapping there is not the one that the caller named. */
static __rte_noinline int
unmap_fail(const struct copypool *home, uint64_t page, struct dom_lcore *dl)
{
	const struct copypool_slot *p = page < home->pages ? &home->slot[page] : NULL;

	STAT_ADD(dl->st.unmap_errors, 1);
	if (p != NULL && p->class == COPYPOOL_INSIDE)
		p = p->next;
	return p != NULL && RELAXED_GET(p->iova) != 0 ? -EINVAL : -ENOENT;
}

int
copy_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	struct copypool *s = dl->priv, *home;
	uint64_t off = iova - d->iova_base, page; /* out of range if below the window */
	struct copypool_slot *p;

	home = off >> PT_SHIFT < d->nb_pages ? s->by_chunk[off / (IOVA_CHUNK_PAGES << PT_SHIFT)] : NULL;
	if (home == NULL)
		return policy_strict.unmap(d, iova, len, dl);
	page = (iova - home->iova[iova >= home->iova[1]]) >> PT_SHIFT;
	p = &home->slot[page];
	if (__builtin_expect(page >= home->pages || RELAXED_GET(p->iova) != iova ||
			     RELAXED_GET(p->len) != len, 0))
		return unmap_fail(home, page, dl);
	/* The slot agrees with the call. If two callers unmap it at once, the name decides which
	 * wins. */
	if (SLUICE_CHECKS && !name_claim(d->names, off >> PT_SHIFT, name_of(iova, len))) {
		STAT_ADD(dl->st.unmap_errors, 1);
		return -ENOENT;
	}
	if ((p->prot & SLUICE_WRITE) != 0) {
		memcpy(p->owner, p->va + (iova & PT_OFFSET), len);
		STAT_ADD(s->bytes, len);
	}
	copypool_put(s, p);
	STAT_ADD(dl->st.unmaps, 1);
	if (!one_page(iova, len))
		STAT_ADD(dl->st.unmap_more, ((iova & PT_OFFSET) + len - 1) >> PT_SHIFT);
	return 0;
}

const struct policy_ops policy_copy = {
	.name = "copy",
	.type = SLUICE_DOMAIN_PAGING,
	.copies = true,
	.map = copy_map,
	.unmap = copy_unmap,
	.init = copypool_init_mapped,
	.fini = copypool_fini,
	.worker_init = copypool_worker_init,
	.worker_fini = copypool_worker_fini,
	.stats = copypool_stats,
};

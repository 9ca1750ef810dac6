/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * strict-batched: strict, with one SYNC for a burst of unmaps. Neighbouring pages become one range;
 * more than range_max ranges become an invalidation of the whole address space (A16).
 */
#include <rte_errno.h>

#include "../object/domain.h"
#include "../inval/gather.h"
#include "../inval/inval.h"
#include "../window/window.h"
#include "policy.h"

struct batch {
	unsigned int n, nb_inv;
	uint32_t pfn[SLUICE_INV_BURST], pages[SLUICE_INV_BURST];
	struct sluice_inv inv[SLUICE_INV_BURST];
};

static void
add(struct sluice_domain *d, struct batch *b, uint32_t pfn, uint32_t pages)
{
	uint64_t iova = d->iova_base + ((uint64_t)pfn << PT_SHIFT);
	struct sluice_inv *last = b->nb_inv != 0 ? &b->inv[b->nb_inv - 1] : NULL;

	b->pfn[b->n] = pfn;
	b->pages[b->n++] = pages;
	/* Some allocators hand addresses out downwards. */
	if (last != NULL && iova + ((uint64_t)pages << PT_SHIFT) == last->iova) {
		last->iova = iova;
		last->pages += PT_INV_PAGES(pages);
		return;
	}
	/* There is room for one range per mapping. */
	(void)gather_add(d, b->inv, &b->nb_inv, SLUICE_INV_BURST, pfn, pages);
}

/* Submit once and wait; then free the IOVAs. @return 0 or -errno. */
static int
finish(struct sluice_domain *d, struct batch *b, struct dom_lcore *dl)
{
	int ret;

	if (b->n == 0)
		return 0;
	if (b->nb_inv > DOM_CONF(d, range_max))
		b->nb_inv = gather_all(d, b->inv);
	ret = domain_inv_sync(d, b->inv, b->nb_inv);
	STAT_ADD(dl->st.invs, b->nb_inv);
	STAT_ADD(dl->st.syncs, 1);
	if (ret != 0) {
		/* As in strict.c, a device may still hold them, so they count as live
		 * permanently. */
		STAT_ADD(dl->st.unmap_errors, b->n);
		return ret;
	}
	for (unsigned int i = 0; i < b->n; i++) {
		window_free(d, dl, b->pfn[i], b->pages[i]);
		STAT_ADD(dl->st.unmap_more, b->pages[i] - 1);
	}
	STAT_ADD(dl->st.unmaps, b->n);
	return 0;
}

static unsigned int
strict_batched_unmap_burst(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n,
			   struct dom_lcore *dl)
{
	unsigned int done = 0;
	int ret = 0, bad = 0;

	while (done < n && bad == 0) {
		struct batch b;

		b.n = b.nb_inv = 0;
		while (b.n < SLUICE_INV_BURST && done + b.n < n) {
			const struct sluice_seg *s = &seg[done + b.n];
			uint32_t pfn, pages;

			bad = window_clear(d, s->iova, s->len, &pfn, &pages);
			if (bad != 0) {
				STAT_ADD(dl->st.unmap_errors, 1);
				break;
			}
			add(d, &b, pfn, pages);
		}
		ret = finish(d, &b, dl);
		if (ret != 0)
			break;
		done += b.n;
	}
	rte_errno = ret != 0 ? -ret : -bad;
	return done;
}

static int
strict_batched_unmap(struct sluice_domain *d, uint64_t iova, size_t len, struct dom_lcore *dl)
{
	return policy_strict.unmap(d, iova, len, dl);
}

const struct policy_ops policy_strict_batched = {
	.name = "strict-batched",
	.type = SLUICE_DOMAIN_PAGING,
	.plain = true,
	.live = true,
	.map = window_map,
	.unmap = strict_batched_unmap,
	.unmap_burst = strict_batched_unmap_burst,
};

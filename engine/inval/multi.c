/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Domains behind several IOMMUs. The essay is in multi.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "multi.h"
#include "../base/epoch.h"
#include "../base/wait.h"
#include "inval.h"

static uint32_t
peers(const struct dom_multi *s)
{
	return atomic_load_explicit(&s->n, memory_order_acquire); /* 3 */
}

/* The invalidations with a peer's tag in place of the domain's. */
static const struct sluice_inv *
by_tag(const struct multi_peer *p, const struct sluice_inv *inv, unsigned int n,
       struct sluice_inv *own)
{
	for (unsigned int i = 0; i < n; i++) {
		own[i] = inv[i];
		own[i].tag = p->hw.tag;
	}
	return own;
}

/* @return what inv_submit() returns. */
static uint64_t
submit(const struct multi_peer *p, const struct sluice_inv *inv, unsigned int n)
{
	struct sluice_inv own[SLUICE_INV_BURST];

	return p->iommu->fast.inv_submit(p->iommu->fast.queue, by_tag(p, inv, n, own), n);
}

/* Engine. @return what inv_try() returns. */
static uint64_t
try(struct sluice_domain *d, const struct multi_peer *p, const struct sluice_inv *inv, unsigned int n)
{
	struct sluice_inv own[SLUICE_INV_BURST];

	return domain_inv_try(d, p->iommu, by_tag(p, inv, n, own), n);
}

/* 1 */
int
multi_inv_sync(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n)
{
	struct dom_multi *s = atomic_load_explicit(&d->multi, memory_order_acquire);
	uint32_t nb = peers(s);
	uint64_t first, seq[RTE_DIM(s->peer)];
	int ret, r;

	first = d->iommu->fast.inv_submit(d->iommu->fast.queue, inv, n);
	for (uint32_t i = 0; i < nb; i++)
		seq[i] = submit(&s->peer[i], inv, n);
	ret = first == 0 ? -EIO : sluice_inv_wait(d->iommu, first);
	/* Whatever failed: the caller does not go on while one of them is at work. */
	for (uint32_t i = 0; i < nb; i++) {
		r = seq[i] == 0 ? -EIO : sluice_inv_wait(s->peer[i].iommu, seq[i]);
		ret = ret != 0 ? ret : r;
	}
	return ret;
}

/* ---- engine ---------------------------------------------------------------------------------- */

void
multi_start(struct sluice_domain *d, const struct sluice_inv *inv, unsigned int n)
{
	struct dom_multi *s = atomic_load_explicit(&d->multi, memory_order_acquire);
	uint32_t slot = d->flush.head & (FLUSH_INFLIGHT - 1);

	s->nb[slot] = peers(s);
	for (uint32_t i = 0; i < s->nb[slot]; i++) {
		uint64_t seq = try(d, &s->peer[i], inv, n);

		/* Not submitted: the whole domain is, as soon as there is room (2). */
		s->peer[i].seq[slot] = seq != SLUICE_INV_FULL ? seq : 0;
		STAT_ADD(d->flush.invs, s->peer[i].seq[slot] != 0 ? n : 0);
		STAT_ADD(d->flush.syncs, s->peer[i].seq[slot] != 0);
	}
}

/* 2. @return whether the flush in that slot is complete there. */
static bool
peer_done(struct sluice_domain *d, struct multi_peer *p, uint32_t slot)
{
	const struct sluice_inv all = domain_inv_all(d); /* with its format: a stage 2 is kept elsewhere */
	const struct sluice_iommu_fast *fast = &p->iommu->fast;
	uint64_t seq;

	if (p->seq[slot] != 0) {
		if (fast->inv_done(fast->queue) < p->seq[slot])
			return false;
		if (fast->inv_result(fast->queue, p->seq[slot]) == 0)
			return true;
	}
	seq = try(d, p, &all, 1);
	if (seq == SLUICE_INV_FULL)
		return false;
	STAT_ADD(d->flush.errors, 1);
	p->seq[slot] = seq;
	STAT_ADD(d->flush.invs, p->seq[slot] != 0);
	STAT_ADD(d->flush.syncs, p->seq[slot] != 0);
	return false;
}

bool
multi_done(struct sluice_domain *d, uint64_t now)
{
	struct dom_multi *s = atomic_load_explicit(&d->multi, memory_order_acquire);
	struct flush_state *f = &d->flush;
	uint32_t slot = f->tail & (FLUSH_INFLIGHT - 1);

	for (uint32_t i = 0; i < s->nb[slot]; i++) {
		if (peer_done(d, &s->peer[i], slot))
			continue;
		if (!f->late[slot] && now - f->start[slot] > d->iommu->sync_timeout) {
			f->late[slot] = true;
			STAT_ADD(f->errors, 1);
		}
		return false;
	}
	return true;
}

/* ---- control --------------------------------------------------------------------------------- */

struct sluice_hwdom *
multi_hw(struct sluice_domain *d, const struct sluice_iommu *iommu)
{
	struct dom_multi *s = atomic_load_explicit(&d->multi, memory_order_acquire);

	if (iommu == d->iommu)
		return &d->hw;
	for (uint32_t i = 0; s != NULL && i < peers(s); i++)
		if (s->peer[i].iommu == iommu && s->peer[i].seen)
			return &s->peer[i].hw;
	return NULL;
}

int
multi_unplug(struct sluice_domain *d)
{
	struct dom_multi *s = atomic_load_explicit(&d->multi, memory_order_acquire);
	int ret = 0, r;

	for (uint32_t i = 0; s != NULL && i < peers(s); i++) {
		struct multi_peer *p = &s->peer[i];

		r = p->unplugged ? 0 : p->iommu->ops->hwdom_fini(p->iommu, &p->hw);
		p->unplugged = r == 0;
		ret = ret != 0 ? ret : r;
	}
	return ret;
}

void
multi_free(struct sluice_domain *d)
{
	struct dom_multi *s = atomic_load_explicit(&d->multi, memory_order_acquire);

	for (uint32_t i = 0; s != NULL && i < peers(s); i++)
		iommu_count_domain(s->peer[i].iommu, -1);
	free(s);
	atomic_store_explicit(&d->multi, NULL, memory_order_relaxed);
}

static bool
same_memory(const struct sluice_iommu *a, const struct sluice_iommu *b)
{
	struct sluice_mem_span x = sluice_mem_span(a->mem), y = sluice_mem_span(b->mem);

	return x.va == y.va && x.pa == y.pa && x.len == y.len;
}

static int
check(struct sluice_domain *d, const struct sluice_iommu *iommu)
{
	const uint64_t same = SLUICE_CAP_DEFERRED;

	if (d->type != SLUICE_DOMAIN_PAGING)
		return sluice_fail(EINVAL, "only a paging domain has something to share");
	if (multi_hw(d, iommu) != NULL)
		return sluice_fail(EEXIST, "the domain is behind that iommu already");
	if (d->hw.parent != NULL || d->nb_children != 0)
		return sluice_fail(ENOTSUP, "a domain over another, or under one, is behind one iommu");
	if (iommu->engine != d->iommu->engine)
		return sluice_fail(EINVAL, "another engine serves that iommu, or none");
	if (!same_memory(d->iommu, iommu))
		return sluice_fail(EINVAL, "that iommu reaches other memory: it cannot walk the domain's "
				   "page table");
	if (iommu->info.ias < d->iommu->info.ias || iommu->info.oas < d->iommu->info.oas)
		return sluice_fail(EINVAL, "that iommu has %u/%u address bits, the domain %u/%u",
				   iommu->info.ias, iommu->info.oas, d->iommu->info.ias,
				   d->iommu->info.oas);
	if ((iommu->formats & 1u << d->hw.format) == 0)
		return sluice_fail(ENOTSUP, "that iommu does not walk tables of the format %s",
				   d->pt.fmt->name);
	if ((d->pt.blocks & ~pt_format_blocks(d->pt.fmt, iommu)) != 0)
		return sluice_fail(ENOTSUP, "that iommu lacks blocks that the domain's tables may hold");
	if ((d->iommu->caps & same & ~iommu->caps) != 0)
		return sluice_fail(ENOTSUP, "that iommu cannot defer invalidations, the domain's can");
	if (iommu->ops->map_sync != NULL || d->iommu->ops->map_sync != NULL)
		return sluice_fail(ENOTSUP, "an iommu that mirrors page tables shares none");
	return 0;
}

/* 3. Without a barrier the IOMMU stays listed, but nothing can be attached behind it. */
static int
all_see(struct multi_peer *p)
{
	p->seen = epoch_barrier() == 0;
	return p->seen ? 0 : epoch_refused();
}

int
sluice_domain_add_iommu(struct sluice_domain *d, struct sluice_iommu *iommu)
{
	if (d == NULL || iommu == NULL)
		return sluice_null("a domain or an iommu");
	struct dom_multi *s, *made = NULL;
	struct multi_peer *p;
	int ret;

	pthread_mutex_lock(&d->lock);
	ret = check(d, iommu);
	s = atomic_load_explicit(&d->multi, memory_order_relaxed);
	for (uint32_t i = 0; ret == 0 && s != NULL && i < peers(s); i++)
		if (s->peer[i].iommu == iommu) {
			/* The last attempt came this far: 3. */
			ret = all_see(&s->peer[i]);
			goto out;
		}
	if (ret == 0 && epoch_barrier() != 0)
		ret = epoch_refused(); /* before anything was changed */
	if (ret == 0 && s == NULL) {
		s = made = calloc(1, sizeof(*s));
		if (s == NULL)
			ret = sluice_fail(ENOMEM, "no memory for one more iommu of a domain");
	}
	if (ret == 0) {
		/* There is room: an engine serves no more iommus than that. */
		p = &s->peer[peers(s)];
		p->iommu = iommu;
		p->hw = (struct sluice_hwdom){ .ttb = d->pt.root_pa, .format = d->hw.format,
					       .ias = d->pt.ias, .start = d->pt.start };
		ret = iommu->ops->hwdom_init(iommu, &p->hw);
	}
	if (ret == 0) {
		/* 3 */
		iommu_count_domain(iommu, 1);
		atomic_store_explicit(&s->n, peers(s) + 1, memory_order_release);
		atomic_store_explicit(&d->multi, s, memory_order_release);
		ret = all_see(p);
	} else {
		free(made);
	}
out:
	pthread_mutex_unlock(&d->lock);
	return ret;
}

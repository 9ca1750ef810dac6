/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Making a domain, step by step: its policy, its settings, its memory, its page table and hardware
 * side, its place in the engine; and freeing it when nothing knows of it any more.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_log.h>

#include "../base/heap.h"
#include "../inval/ats.h"
#include "../inval/mirror.h"
#include "../inval/multi.h"
#include "../policy/set.h"
#include "../window/trim.h"
#include "conf.h"
#include "engine.h"
#include "nest.h"

RTE_LOG_REGISTER(domain_log, sluice.domain, NOTICE)

/* The IOVA allocator cuts a chunk: it needs that chunk's last-level table. */
static int
chunk_prepare(void *arg, uint32_t chunk)
{
	struct sluice_domain *d = arg;
	uint64_t *t;

	if (atomic_load_explicit(&d->leaf[chunk], memory_order_relaxed) != NULL)
		return 0;
	t = pgtable_leaf_entry(&d->pt, domain_iova(d, chunk * IOVA_CHUNK_PAGES));
	if (t == NULL)
		return -ENOMEM;
	atomic_store_explicit(&d->leaf[chunk], t, memory_order_release);
	return 0;
}

/* What the hardware called the domain, in front of each of its invalidations. */
static void
heads_set(struct sluice_domain *d)
{
	unsigned int flags = sluice_inv_flags(&d->hw);

	d->inv_leaf = (struct sluice_inv){ .op = SLUICE_INV_RANGE, .tag = d->hw.tag,
					   .flags = (uint8_t)(flags | SLUICE_INV_LEAF) }.head;
	d->inv_all = (struct sluice_inv){ .op = SLUICE_INV_DOMAIN, .tag = d->hw.tag,
					  .flags = (uint8_t)flags }.head;
}

/* A paging domain's table, IOVA space and hardware side. */
static int
paging_init(struct sluice_domain *d)
{
	const struct pt_format *f = d->pt.fmt;
	uint32_t chunks = (uint32_t)((d->conf.iova_size >> f->page_shift) / IOVA_CHUNK_PAGES);
	int ret;

	d->iova_base = d->conf.iova_base;
	d->nb_pages = chunks * IOVA_CHUNK_PAGES;
	d->pte_attr[SLUICE_READ] = f->attr(SLUICE_READ) | f->page;
	d->pte_attr[SLUICE_RW] = f->attr(SLUICE_RW) | f->page;
	for (unsigned int p = 0; p < RTE_DIM(d->pte_one); p++)
		d->pte_one[p] = d->pte_attr[p] == 0 ? 0 : d->pte_attr[p] | f->one;
	d->leaf = sluice_host_alloc(chunks * sizeof(*d->leaf));
	d->names = sluice_host_alloc_sparse(d->nb_pages * sizeof(*d->names));
	if (d->leaf == NULL || d->names == NULL ||
	    pgtable_init(&d->pt, d->iommu->mem, f, pt_format_ias(f, d->iommu),
			 pt_format_blocks(f, d->iommu)) != 0)
		return sluice_fail(ENOMEM, "no memory for a page table");
	ret = iova_space_init(&d->iova, chunks, chunk_prepare, d);
	if (ret != 0)
		return sluice_fail(-ret, "no memory for %u chunks of IOVA space", chunks);
	d->hw = (struct sluice_hwdom){ .ttb = d->pt.root_pa, .format = (uint8_t)f->id,
				       .ias = d->pt.ias, .start = d->pt.start };
	ret = nest_begin(d);
	if (ret == 0)
		ret = d->iommu->ops->hwdom_init(d->iommu, &d->hw);
	heads_set(d);
	return ret;
}

void
domain_free(struct sluice_domain *d)
{
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++) {
		if (d->lc[i] != NULL) {
			if (d->policy->worker_fini != NULL)
				d->policy->worker_fini(d, d->lc[i]);
			flush_ring_fini(&d->lc[i]->ring);
			heap_free(d->lc[i]);
		}
	}
	epoch_array_free(&atomic_load_explicit(&d->workers, memory_order_relaxed)->array);
	if (d->policy->fini != NULL)
		d->policy->fini(d);
	if (d->iova.chunk != NULL)
		iova_space_fini(&d->iova);
	nest_end(d);
	trim_fini(d);
	pgtable_fini(&d->pt);
	if (d->leaf != NULL)
		sluice_host_free((void *)d->leaf, (d->nb_pages / IOVA_CHUNK_PAGES) * sizeof(*d->leaf));
	sluice_host_free(d->names, d->nb_pages * sizeof(*d->names));
	ats_fini(d);
	multi_free(d);
	mirror_fini(d);
	pthread_mutex_destroy(&d->lock);
	heap_free(d);
}

/* Is the smallest page of the IOMMU larger than the CPU's? */
static bool
pages_too_large(const struct sluice_iommu *iommu)
{
	uint64_t smallest = iommu->info.page_sizes & -iommu->info.page_sizes; /* 0: not known */

	return smallest > (uint64_t)sysconf(_SC_PAGESIZE);
}

/* E2: no memory for a flush ring makes the whole domain strict; that is said, and no error. */
static void
without_rings(struct sluice_domain *d)
{
	bool lacks = false;

	pthread_mutex_lock(&d->iommu->engine->lock);
	for (unsigned int i = 0; i < RTE_MAX_LCORE && d->rings; i++)
		lacks |= d->lc[i] != NULL && d->lc[i]->ring.cookie == NULL;
	if (lacks) {
		rte_log(RTE_LOG_WARNING, domain_log, "no memory for the flush rings of a domain: "
			"%s becomes strict\n", d->policy->name);
		d->shut = true;
		for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
			if (d->lc[i] != NULL)
				RELAXED_SET(d->lc[i]->ring.closed, true);
		domain_publish(d, mirror_ops(d, d->set->strict));
	}
	pthread_mutex_unlock(&d->iommu->engine->lock);
}

/* Which policy the domain gets, and so which type: what was asked for, as far as the hardware and
 * the trust in its devices allow. @return NULL with rte_errno. */
static const struct policy_ops *
policy_choose(const struct sluice_iommu *iommu, const struct sluice_domain_conf *c,
	      const struct policy_set *set)
{
	const struct policy_ops *policy = c->type == SLUICE_DOMAIN_IDENTITY  ? &policy_passthrough
					  : c->type == SLUICE_DOMAIN_BLOCKED ? &policy_blocked
									     : policy_find(set, c->policy);

	if (policy == NULL) {
		sluice_fail(EINVAL, "unknown policy '%s'", c->policy);
		return NULL;
	}
	policy = policy_clamp(set, policy, iommu);
	if (c->untrusted && c->type == SLUICE_DOMAIN_IDENTITY) {
		sluice_fail(EINVAL, "an untrusted device is not given all of memory");
		return NULL;
	}
	if (c->untrusted && c->type == SLUICE_DOMAIN_PAGING)
		policy = set->bounce; /* E5 */
	if (policy->type != SLUICE_DOMAIN_PAGING || !pages_too_large(iommu))
		return policy;
	/* E4: no mapping could be of one page of the CPU's. */
	if (c->untrusted || (iommu->caps & SLUICE_CAP_BYPASS) == 0) {
		sluice_fail(EINVAL, "the IOMMU's pages are larger than the CPU's: there is identity only, "
			    "and %s", c->untrusted ? "the device is untrusted" :
			    "this hardware has no bypass");
		return NULL;
	}
	rte_log(RTE_LOG_WARNING, domain_log, "%s: the IOMMU's pages are larger than the CPU's: identity "
		"instead of %s\n", iommu->info.backend, policy->name);
	return &policy_passthrough;
}

/* The domain by itself: nothing of it is known to the hardware or to the engine yet. @param c what
 * was asked for, with the defaults; @p asked without. @return NULL with rte_errno. */
static struct sluice_domain *
domain_alloc(struct sluice_iommu *iommu, const struct pt_format *f, const struct policy_ops *policy,
	     const struct sluice_domain_conf *c, const struct sluice_domain_conf *asked)
{
	struct sluice_domain *d = heap_zalloc("sluice_domain", sizeof(*d), RTE_CACHE_LINE_SIZE);
	struct dom_workers *none = calloc(1, sizeof(*none));

	if (d == NULL || none == NULL) {
		heap_free(d);
		free(none);
		sluice_fail(ENOMEM, "no memory for a domain");
		return NULL;
	}
	atomic_init(&d->workers, none);
	d->iommu = iommu;
	d->conf = *c;
	d->own_batch = asked != NULL && asked->batch != 0;
	d->own_deadline = asked != NULL && asked->deadline_us != 0;
	d->type = policy->type;
	d->pt.fmt = f;
	d->page_shift = f->page_shift;
	d->set = policy_set_of(f);
	d->policy = policy;
	d->map = policy->map;
	d->unmap = policy->unmap;
	d->rings = policy->ring;
	d->flush.eager = policy->eager;
	if (policy->type != SLUICE_DOMAIN_PAGING)
		d->conf.parent = NULL;
	d->pa_limit = UINT64_C(1) << (d->conf.parent != NULL ? c->parent->pt.ias : iommu->info.oas);
	d->wait = &engine_wait;
	d->due = &iommu->engine->due;
	d->lc_lock = &iommu->engine->lock;
	deadline_set(d, c->deadline_us);
	/* How long a flush takes is not known before the first: half of the time that there is. */
	d->flush.took = d->flush.deadline / 4;
	pthread_mutex_init(&d->lock, NULL);
	return d;
}

/* Its page table, what the policy has of its own, then the engine's attention. What failed is
 * undone in the hardware, not freed. @return 0 or -errno. */
static int
domain_begin(struct sluice_domain *d)
{
	const struct policy_ops *policy = d->policy;
	int ret = d->type == SLUICE_DOMAIN_PAGING ? paging_init(d) : 0;

	if (ret != 0)
		return ret;
	ret = policy->init != NULL ? policy->init(d) : 0;
	if (ret == -ENOMEM)
		sluice_fail(ENOMEM, "no memory for the policy %s", policy->name);
	if (ret == 0)
		ret = mirror_init(d);
	if (ret == 0)
		ret = engine_domain_add(d->iommu->engine, d);
	if (ret != 0 && d->type == SLUICE_DOMAIN_PAGING)
		(void)d->iommu->ops->hwdom_fini(d->iommu, &d->hw);
	return ret;
}

struct sluice_domain *
domain_create(struct sluice_iommu *iommu, const struct sluice_domain_conf *conf)
{
	struct sluice_domain_conf c = conf != NULL ? *conf : (struct sluice_domain_conf){ 0 };
	const struct policy_ops *policy;
	const struct pt_format *f;
	struct sluice_domain *d;

	if (iommu->engine == NULL) {
		sluice_fail(ENXIO, "no engine serves this iommu");
		return NULL;
	}
	if (c.type > SLUICE_DOMAIN_BLOCKED) {
		sluice_fail(EINVAL, "domain type %u: paging, identity or blocked", (unsigned int)c.type);
		return NULL;
	}
	c.policy = c.policy != NULL ? c.policy : "strict";
	f = pt_format_choose(iommu, c.format);
	if (f == NULL)
		return NULL;
	policy = policy_choose(iommu, &c, policy_set_of(f));
	if (nest_check(iommu, f, c.parent) != 0)
		return NULL;
	if (policy == NULL || conf_check(&c, policy, iommu, f) != 0)
		return NULL;
	if (policy->type == SLUICE_DOMAIN_IDENTITY && (iommu->caps & SLUICE_CAP_BYPASS) == 0) {
		sluice_fail(EINVAL, "this hardware has no bypass for an identity domain");
		return NULL;
	}
	d = domain_alloc(iommu, f, policy, &c, conf);
	if (d == NULL)
		return NULL;
	if (domain_begin(d) != 0) {
		domain_free(d);
		return NULL;
	}
	without_rings(d);
	iommu_count_domain(iommu, 1);
	return d;
}

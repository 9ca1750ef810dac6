/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Domains: making them, giving each worker its part, taking them down.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_log.h>

#include "../base/heap.h"
#include "../inval/ats.h"
#include "engine.h"
#include "../inval/multi.h"
#include "../inval/mirror.h"
#include "../window/stock.h"
#include "../window/trim.h"
#include "../policy/set.h"

/* Look at the rings this often, within 1 … 4 µs (ring.h, 7): often enough for the stale window
 * to be known to a few microseconds, seldom enough not to disturb the worker's cache line. */
#define LOOK_MIN_NS 1000u
#define LOOK_MAX_NS 4000u
#define RING_MAX     (1u << 20)
#define RING_DEFAULT (4 * SLUICE_BATCH_DEFAULT) /* at least: a policy with larger batches may follow */

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

/* A policy's defaults. */
static uint32_t
batch_of(const struct policy_ops *p)
{
	return p->batch != 0 ? p->batch : SLUICE_BATCH_DEFAULT;
}

static uint32_t
deadline_of(const struct policy_ops *p)
{
	return p->deadline_us != 0 ? p->deadline_us : SLUICE_DEADLINE_US_DEFAULT;
}

/* Defaults in, nonsense out. */
static int
conf_check(struct sluice_domain_conf *c, const struct policy_ops *p,
	   const struct sluice_iommu *iommu, const struct pt_format *f)
{
	const uint64_t reach = pt_format_reach(f);
	unsigned int ias = pt_format_ias(f, iommu);

	if (aperture_fit(c, iommu, f) != 0)
		return -EINVAL;
	c->batch = c->batch != 0 ? c->batch : batch_of(p);
	c->ring = c->ring != 0 ? c->ring : RTE_MAX(4 * c->batch, RING_DEFAULT);
	c->deadline_us = c->deadline_us != 0 ? c->deadline_us : deadline_of(p);
	c->range_max = c->range_max != 0 ? c->range_max : SLUICE_RANGE_MAX_DEFAULT;
	c->copy_pool = c->copy_pool != 0 ? c->copy_pool : SLUICE_COPY_POOL_DEFAULT;
	c->keep_max = c->keep_max != 0 ? c->keep_max : SLUICE_KEEP_MAX_DEFAULT;
	if (c->copy_pool % 4096 != 0 || c->copy_pool > UINT64_C(1) << 30)
		return sluice_fail(EINVAL, "copy_pool %" PRIu64 ": a multiple of 4096 up to 1 GiB",
				   c->copy_pool);
	if (c->copy_max > SLUICE_COPY_MAX || c->copy_max_read > SLUICE_COPY_MAX)
		return sluice_fail(EINVAL, "copy_max %u, copy_max_read %u: up to %u", c->copy_max,
				   c->copy_max_read, SLUICE_COPY_MAX);
	if (c->keep_max > SLUICE_KEEP_MAX)
		return sluice_fail(EINVAL, "keep_max %u: up to %u", c->keep_max, SLUICE_KEEP_MAX);
	if (!rte_is_power_of_2(c->batch) || c->batch > RING_MAX / 4)
		return sluice_fail(EINVAL, "batch %u: a power of two up to %u", c->batch, RING_MAX / 4);
	if (!rte_is_power_of_2(c->ring) || c->ring < c->batch || c->ring > RING_MAX)
		return sluice_fail(EINVAL, "ring %u: a power of two from the batch (%u) to %u", c->ring,
				   c->batch, RING_MAX);
	if (c->iova_base % reach != 0 || c->iova_size % reach != 0 ||
	    (c->iova_size >> f->page_shift) / IOVA_CHUNK_PAGES > BITSET_MAX ||
	    c->iova_base >> ias != 0 || (c->iova_base + c->iova_size - 1) >> ias != 0)
		return sluice_fail(EINVAL,
				   "IOVA window %#" PRIx64 "+%#" PRIx64
				   ": multiples of %" PRIu64 " MiB, at most %" PRIu64 " GiB, within %u bits",
				   c->iova_base, c->iova_size, reach >> 20,
				   ((uint64_t)BITSET_MAX * IOVA_CHUNK_PAGES << f->page_shift) >> 30, ias);
	return 0;
}

static void
deadline_set(struct sluice_domain *d, uint32_t us)
{
	uint64_t look_ns = RTE_MAX(us * UINT64_C(1000) / 16, LOOK_MIN_NS);

	look_ns = RTE_MIN(look_ns, LOOK_MAX_NS);
	atomic_store_explicit(&d->flush.look_every, sluice_clock_from_ns(&d->iommu->clock, look_ns),
			      memory_order_relaxed);
	atomic_store_explicit(&d->flush.deadline,
			      sluice_clock_from_ns(&d->iommu->clock, us * UINT64_C(1000)),
			      memory_order_relaxed);
}

/* What the hardware called the domain, in front of each of its invalidations. */
static void
heads_set(struct sluice_domain *d)
{
	unsigned int format = SLUICE_INV_FORMAT(d->hw.format);

	d->inv_leaf = (struct sluice_inv){ .op = SLUICE_INV_RANGE, .tag = d->hw.tag,
					   .flags = (uint8_t)(format | SLUICE_INV_LEAF) }.head;
	d->inv_all = (struct sluice_inv){ .op = SLUICE_INV_DOMAIN, .tag = d->hw.tag,
					  .flags = (uint8_t)format }.head;
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
	d->pte_attr[SLUICE_READ] = f->attr(SLUICE_READ) | f->table;
	d->pte_attr[SLUICE_RW] = f->attr(SLUICE_RW) | f->table;
	for (unsigned int p = 0; p < RTE_DIM(d->pte_one); p++)
		d->pte_one[p] = d->pte_attr[p] == 0 ? 0 :
				d->pte_attr[p] | f->one;
	d->leaf = sluice_host_alloc(chunks * sizeof(*d->leaf));
	d->names = sluice_host_alloc_sparse(d->nb_pages * sizeof(*d->names));
	if (d->leaf == NULL || d->names == NULL ||
	    pgtable_init(&d->pt, d->iommu->mem, f, pt_format_ias(f, d->iommu)) != 0)
		return sluice_fail(ENOMEM, "no memory for a page table");
	ret = iova_space_init(&d->iova, chunks, chunk_prepare, d);
	if (ret != 0)
		return sluice_fail(-ret, "no memory for %u chunks of IOVA space", chunks);
	d->hw = (struct sluice_hwdom){ .ttb = d->pt.root_pa, .format = (uint8_t)f->id,
				       .ias = d->pt.ias, .start = d->pt.start };
	ret = d->iommu->ops->hwdom_init(d->iommu, &d->hw);
	heads_set(d);
	return ret;
}

/* With those before it that no grace period was had for. */
static void
workers_free(struct dom_workers *w)
{
	struct dom_workers *next;

	for (; w != NULL; w = next) {
		next = w->retired;
		free(w);
	}
}

static void
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
	workers_free(atomic_load_explicit(&d->workers, memory_order_relaxed));
	if (d->policy->fini != NULL)
		d->policy->fini(d);
	if (d->iova.chunk != NULL)
		iova_space_fini(&d->iova);
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

struct sluice_domain *
domain_create(struct sluice_iommu *iommu, const struct sluice_domain_conf *conf)
{
	struct sluice_domain_conf c = conf != NULL ? *conf : (struct sluice_domain_conf){ 0 };
	const struct policy_ops *policy;
	const struct policy_set *set;
	const struct pt_format *f;
	struct dom_workers *none;
	struct sluice_domain *d;
	int ret;

	if (iommu->engine == NULL) {
		sluice_fail(ENXIO, "no engine serves this iommu");
		return NULL;
	}
	if (c.type > SLUICE_DOMAIN_BLOCKED) {
		sluice_fail(EINVAL, "domain type %u: paging, identity or blocked", (unsigned int)c.type);
		return NULL;
	}
	f = pt_format_choose(iommu, c.format);
	if (f == NULL)
		return NULL;
	set = policy_set_of(f);
	c.policy = c.policy != NULL ? c.policy : "strict";
	policy = c.type == SLUICE_DOMAIN_IDENTITY  ? &policy_passthrough
		 : c.type == SLUICE_DOMAIN_BLOCKED ? &policy_blocked
						   : policy_find(set, c.policy);
	if (policy == NULL) {
		sluice_fail(EINVAL, "unknown policy '%s'", c.policy);
		return NULL;
	}
	policy = policy_clamp(set, policy, iommu);
	if (c.untrusted && c.type == SLUICE_DOMAIN_IDENTITY) {
		sluice_fail(EINVAL, "an untrusted device is not given all of memory");
		return NULL;
	}
	if (c.untrusted && c.type == SLUICE_DOMAIN_PAGING)
		policy = set->bounce; /* E5 */
	if (policy->type == SLUICE_DOMAIN_PAGING && pages_too_large(iommu)) {
		/* E4: no mapping could be of one page of the CPU's. */
		if (c.untrusted || (iommu->caps & SLUICE_CAP_BYPASS) == 0) {
			sluice_fail(EINVAL, "the IOMMU's pages are larger than the CPU's: there is "
				    "identity only, and %s", c.untrusted ? "the device is untrusted" :
				    "this hardware has no bypass");
			return NULL;
		}
		rte_log(RTE_LOG_WARNING, domain_log, "%s: the IOMMU's pages are larger than the CPU's: "
			"identity instead of %s\n", iommu->info.backend, policy->name);
		policy = &policy_passthrough;
	}
	if (conf_check(&c, policy, iommu, f) != 0)
		return NULL;
	if (policy->type == SLUICE_DOMAIN_IDENTITY && (iommu->caps & SLUICE_CAP_BYPASS) == 0) {
		sluice_fail(EINVAL, "this hardware has no bypass for an identity domain");
		return NULL;
	}
	d = heap_zalloc("sluice_domain", sizeof(*d), RTE_CACHE_LINE_SIZE);
	none = calloc(1, sizeof(*none));
	if (d == NULL || none == NULL) {
		heap_free(d);
		free(none);
		sluice_fail(ENOMEM, "no memory for a domain");
		return NULL;
	}
	atomic_init(&d->workers, none);
	d->iommu = iommu;
	d->conf = c;
	d->own_batch = conf != NULL && conf->batch != 0;
	d->own_deadline = conf != NULL && conf->deadline_us != 0;
	d->type = policy->type;
	d->pt.fmt = f;
	d->page_shift = f->page_shift;
	d->set = set;
	d->policy = policy;
	d->map = policy->map;
	d->unmap = policy->unmap;
	d->rings = policy->ring;
	d->flush.eager = policy->eager;
	d->pa_limit = UINT64_C(1) << iommu->info.oas;
	deadline_set(d, c.deadline_us);
	/* How long a flush takes is not known before the first: half of the time that there is. */
	d->flush.took = d->flush.deadline / 4;
	pthread_mutex_init(&d->lock, NULL);
	ret = d->type == SLUICE_DOMAIN_PAGING ? paging_init(d) : 0;
	if (ret == 0) {
		ret = policy->init != NULL ? policy->init(d) : 0;
		if (ret == -ENOMEM)
			sluice_fail(ENOMEM, "no memory for the policy %s", policy->name);
		if (ret == 0)
			ret = mirror_init(d);
		if (ret == 0) {
			ret = engine_domain_add(iommu->engine, d);
			if (ret != 0 && ret != -ENOTSUP)
				sluice_fail(-ret, "no room for a domain's workers");
		}
		if (ret != 0 && d->type == SLUICE_DOMAIN_PAGING)
			(void)iommu->ops->hwdom_fini(iommu, &d->hw);
	}
	if (ret != 0) {
		domain_free(d);
		return NULL;
	}
	without_rings(d);
	iommu_count_domain(iommu, 1);
	return d;
}

int
sluice_domain_destroy(struct sluice_domain *d)
{
	struct sluice_iommu *iommu;
	int ret;

	if (d == NULL)
		return 0;
	iommu = d->iommu;
	if (d->nb_devices != 0)
		return sluice_fail(EBUSY, "%u device(s) are attached to the domain", d->nb_devices);
	if (tables_leave(d) != 0)
		return sluice_fail(EAGAIN, "a callback of the engine cannot wait for who trims the domain");
	ret = sluice_domain_drain(d);
	/* Out of the engine last: while this can fail the domain is one like any other. */
	if (ret == 0)
		ret = multi_unplug(d);
	if (ret == 0 && d->type == SLUICE_DOMAIN_PAGING && !d->unplugged)
		ret = iommu->ops->hwdom_fini(iommu, &d->hw);
	d->unplugged |= ret == 0;
	if (ret == 0)
		ret = engine_domain_del(iommu->engine, d);
	if (ret != 0)
		tables_stay(d);
	if (ret == -ENOTSUP)
		return engine_no_barrier();
	if (ret != 0)
		return sluice_fail(-ret, "the domain's invalidation failed: its memory is kept");
	domain_free(d);
	iommu_count_domain(iommu, -1);
	return 0;
}

/* Replace the packed list of workers after lc[] changed: one came, or (@p less) is to go. Then as
 * engine.c's view. @return 0; -ENOMEM, -ENOTSUP: the list is what it was. */
static int
workers_replace(struct sluice_domain *d, bool less)
{
	struct sluice_engine *e = d->iommu->engine;
	struct dom_workers *w, *old;
	uint32_t n = 0;

	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		n += d->lc[i] != NULL;
	if (engine_grace(e) != 0) /* epoch.h, 5 */
		return engine_no_barrier();
	w = calloc(1, sizeof(*w) + n * sizeof(w->w[0]));
	if (w == NULL)
		return -ENOMEM;
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		if (d->lc[i] != NULL)
			w->w[w->n++] = d->lc[i];
	old = atomic_exchange_explicit(&d->workers, w, memory_order_acq_rel); /* epoch.h, 3 */
	if (engine_grace(e) == 0) {
		workers_free(old);
		return 0;
	}
	if (less) {
		atomic_store_explicit(&d->workers, old, memory_order_release);
		w->retired = old->retired;
		old->retired = w;
		return engine_no_barrier();
	}
	w->retired = old;
	return 0;
}

static int
ring_init(struct sluice_domain *d, struct dom_lcore *dl)
{
	int ret = flush_ring_init(&dl->ring, d->conf.ring, DOM_CONF(d, batch));

	dl->ring.cookies_from = domain_policy(d)->unmap_async != NULL ? 0 : UINT64_MAX;
	dl->ring.look_time = sluice_clock_ticks(&d->iommu->clock);
	dl->ring.due = &d->iommu->engine->due;
	dl->ring.slot = d->slot;
	return ret;
}

int
domain_rings_init(struct sluice_domain *d)
{
	int ret = 0;

	d->shut = true;
	for (unsigned int i = 0; i < RTE_MAX_LCORE && ret == 0; i++) {
		if (d->lc[i] == NULL)
			continue;
		RELAXED_SET(d->lc[i]->ring.closed, true);
		if (d->lc[i]->ring.ent == NULL)
			ret = ring_init(d, d->lc[i]);
	}
	__atomic_store_n(&d->rings, ret == 0, __ATOMIC_RELEASE);
	return ret;
}

int
domain_worker_add(struct sluice_domain *d, unsigned int lcore)
{
	struct dom_lcore *dl = heap_zalloc_socket("sluice_dom_lcore", sizeof(*dl),
						  RTE_CACHE_LINE_SIZE,
						  (int)rte_lcore_to_socket_id(lcore));
	const struct policy_ops *p = domain_policy(d);
	int ret = -ENOMEM;

	if (dl == NULL)
		return ret;
	if (d->lc[lcore] != NULL) { /* it could not leave: domain_worker_del() */
		heap_free(dl);
		return 0;
	}
	ret = d->rings ? ring_init(d, dl) : 0;
	if (ret == -ENOMEM) {
		/* E2: its unmaps are strict. */
		flush_ring_none(&dl->ring);
		rte_log(RTE_LOG_WARNING, domain_log, "no memory for lcore %u's flush ring: its unmaps "
			"are strict\n", lcore);
		ret = 0;
	}
	/* Its policy may be on the way out: then nothing is to be queued any more. */
	if (ret == 0 && d->shut)
		RELAXED_SET(dl->ring.closed, true);
	if (ret == 0 && p->worker_init != NULL)
		ret = p->worker_init(d, dl, lcore);
	if (ret == 0) {
		for (unsigned int o = 0; o < IOVA_ORDERS; o++)
			iova_mag_init(&dl->mag[o]);
		stock_close(d);
		d->lc[lcore] = dl;
		stock_open(d);
		ret = workers_replace(d, false);
		/* It may have been asleep: this ring is not, and would not wake it (ring.h, 11). */
		bitset_set(&d->iommu->engine->due, d->slot);
		if (ret != 0 && p->worker_fini != NULL)
			p->worker_fini(d, dl);
	}
	if (ret != 0) {
		stock_close(d);
		d->lc[lcore] = NULL;
		stock_open(d);
		flush_ring_fini(&dl->ring);
		heap_free(dl);
	}
	return ret;
}

void
domain_worker_del(struct sluice_domain *d, unsigned int lcore)
{
	struct dom_lcore *dl = d->lc[lcore];

	if (dl == NULL)
		return;
	stock_close(d);
	d->lc[lcore] = NULL;
	stock_open(d);
	if (workers_replace(d, true) != 0) {
		/* No memory for a shorter list, no barrier: it stays, idle. */
		stock_close(d);
		d->lc[lcore] = dl;
		stock_open(d);
		return;
	}
	if (domain_policy(d)->worker_fini != NULL)
		domain_policy(d)->worker_fini(d, dl);
	/* Everything is released: the cookies that its owner did not take are void. */
	dl->ring.completed = atomic_load_explicit(&dl->ring.released, memory_order_acquire);
	while (flush_ring_reclaim(d, dl) != 0)
		;
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_flush(&d->iova, &dl->mag[o], o);
	d->gone.maps += dl->st.maps;
	d->gone.unmaps += dl->st.unmaps;
	d->gone.map_more += dl->st.map_more;
	d->gone.unmap_more += dl->st.unmap_more;
	d->gone.map_errors += dl->st.map_errors;
	d->gone.unmap_errors += dl->st.unmap_errors;
	d->gone.ring_full += dl->st.ring_full;
	d->gone.invs += dl->st.invs;
	d->gone.syncs += dl->st.syncs;
	d->gone_queued += dl->ring.tail;
	flush_ring_fini(&dl->ring);
	heap_free(dl);
}

const char *
sluice_domain_policy(const struct sluice_domain *d)
{
	if (d == NULL) {
		(void)sluice_null("a domain");
		return NULL;
	}
	return domain_policy(d)->name;
}

/* Put the batch and the deadline of d->conf in force. */
static void
pace_set(struct sluice_domain *d, uint32_t batch, uint32_t deadline_us)
{
	__atomic_store_n(&d->conf.batch, batch, __ATOMIC_RELAXED);
	__atomic_store_n(&d->conf.deadline_us, deadline_us, __ATOMIC_RELAXED);
	deadline_set(d, deadline_us);
	pthread_mutex_lock(&d->iommu->engine->lock);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		if (d->lc[i] != NULL) {
			RELAXED_SET(d->lc[i]->ring.batch, batch);
			/* Look closer once: flush_ring_room() sees it. */
			RELAXED_SET(d->lc[i]->ring.room_end, 0);
		}
	pthread_mutex_unlock(&d->iommu->engine->lock);
}

void
domain_defaults(struct sluice_domain *d, const struct policy_ops *p)
{
	/* A ring that was made small takes no larger batch. */
	pace_set(d, d->own_batch ? d->conf.batch : RTE_MIN(batch_of(p), d->conf.ring),
		 d->own_deadline ? d->conf.deadline_us : deadline_of(p));
}

int
sluice_domain_tune(struct sluice_domain *d, const struct sluice_domain_conf *conf)
{
	if (d == NULL || conf == NULL)
		return sluice_null("a domain, or its settings,");
	struct sluice_domain_conf c;
	int ret;

	pthread_mutex_lock(&d->lock);
	c = d->conf;
	c.batch = conf->batch != 0 ? conf->batch : c.batch;
	c.deadline_us = conf->deadline_us != 0 ? conf->deadline_us : c.deadline_us;
	c.range_max = conf->range_max != 0 ? conf->range_max : c.range_max;
	c.copy_max = conf->copy_max != 0 ? conf->copy_max : c.copy_max;
	c.copy_max_read = conf->copy_max_read != 0 ? conf->copy_max_read : c.copy_max_read;
	c.keep_max = conf->keep_max != 0 ? conf->keep_max : c.keep_max;
	ret = conf_check(&c, domain_policy(d), d->iommu, d->pt.fmt);
	if (ret == 0) {
		d->own_batch |= conf->batch != 0;
		d->own_deadline |= conf->deadline_us != 0;
		__atomic_store_n(&d->conf.range_max, c.range_max, __ATOMIC_RELAXED);
		__atomic_store_n(&d->conf.copy_max, c.copy_max, __ATOMIC_RELAXED);
		__atomic_store_n(&d->conf.copy_max_read, c.copy_max_read, __ATOMIC_RELAXED);
		__atomic_store_n(&d->conf.keep_max, c.keep_max, __ATOMIC_RELAXED);
		pace_set(d, c.batch, c.deadline_us);
	}
	pthread_mutex_unlock(&d->lock);
	return ret;
}

int
sluice_domain_get_conf(struct sluice_domain *d, struct sluice_domain_conf *conf)
{
	if (d == NULL || conf == NULL)
		return sluice_null("a domain, or room for its settings,");
	pthread_mutex_lock(&d->lock);
	*conf = d->conf;
	pthread_mutex_unlock(&d->lock);
	conf->policy = sluice_domain_policy(d);
	conf->type = d->type;
	return 0;
}

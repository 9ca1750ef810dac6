/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Making engines, and changing what they serve while they are polled.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_errno.h>

#include "../base/heap.h"
#include "engine.h"
#include "../window/trim.h"
#include "../policy/policy.h"

int
engine_grace(struct sluice_engine *e)
{
	return epoch_wait(&e->epoch) == 0 || engine_unpolled(e) ? 0 : -ENOTSUP;
}

int
engine_retire(struct sluice_engine *e, struct epoch_array *old, struct epoch_array *now, bool less)
{
	if (engine_grace(e) == 0) {
		epoch_array_free(old);
		return 0;
	}
	/* epoch.h, 5. What came may be polled by now, so it stays; what was to go may be, too. */
	if (less) {
		now->retired = old->retired;
		old->retired = now;
		return epoch_refused();
	}
	now->retired = old;
	return 0;
}

/* Replace the view after a change of the lists: of something that came, or (@p less) that is to
 * go. e->lock is held. @return 0; -ENOMEM, -ENOTSUP: what is polled is what was. */
static int
view_replace(struct sluice_engine *e, const struct sluice_domain *without, bool less)
{
	struct engine_view *old, *v;
	struct sluice_domain *d;
	uint32_t n = 0, slots = 0;
	int ret;

	if (engine_grace(e) != 0) /* epoch.h, 5 */
		return epoch_refused();
	TAILQ_FOREACH(d, &e->domains, next) {
		n++;
		slots = RTE_MAX(slots, d->slot + 1);
	}
	v = calloc(1, sizeof(*v) + (n + slots) * sizeof(v->domain[0]));
	if (v == NULL)
		return sluice_fail(ENOMEM, "no memory for the list of what is polled");
	v->nb_iommus = e->nb_iommus;
	v->nb_slots = slots;
	v->slot = &v->domain[n];
	for (uint32_t i = 0; i < e->nb_iommus; i++)
		v->iommu[i] = e->iommu[i];
	TAILQ_FOREACH(d, &e->domains, next)
		if (d != without && (d->rings || policy_polled(domain_policy(d))))
			v->slot[d->slot] = v->domain[v->nb_domains++] = d;
	old = atomic_exchange_explicit(&e->view, v, memory_order_acq_rel); /* rel-array: epoch.h, 3 */
	ret = engine_retire(e, old != NULL ? &old->array : NULL, &v->array, less);
	if (ret != 0)
		atomic_store_explicit(&e->view, old, memory_order_release);
	return ret;
}

int
engine_view_replace(struct sluice_engine *e)
{
	return view_replace(e, NULL, false);
}

struct sluice_engine *
sluice_engine_create(void)
{
	struct sluice_engine *e = heap_zalloc("sluice_engine", sizeof(*e), RTE_CACHE_LINE_SIZE);

	if (e == NULL) {
		sluice_fail(ENOMEM, "no memory for an engine");
		return NULL;
	}
	if (epoch_barrier() != 0) {
		heap_free(e);
		sluice_fail(ENOTSUP, "this system refuses membarrier(2), without which an engine is not safe");
		return NULL;
	}
	pthread_mutex_init(&e->lock, NULL);
	TAILQ_INIT(&e->domains);
	e->awake = calloc(ENGINE_MAX_SLOTS, sizeof(e->awake[0]));
	if (e->awake == NULL || bitset_init(&e->due, ENGINE_MAX_SLOTS) != 0 ||
	    bitset_init(&e->slots, ENGINE_MAX_SLOTS) != 0 || view_replace(e, NULL, false) != 0) {
		bitset_fini(&e->due);
		bitset_fini(&e->slots);
		free(e->awake);
		heap_free(e);
		sluice_fail(ENOMEM, "no memory for an engine");
		return NULL;
	}
	for (uint32_t i = 0; i < ENGINE_MAX_SLOTS; i++)
		bitset_set(&e->slots, i);
	return e;
}

int
sluice_engine_destroy(struct sluice_engine *e)
{
	if (e == NULL)
		return 0;
	if (e->nb_iommus != 0)
		return sluice_fail(EBUSY, "the engine still serves %u iommu(s)", e->nb_iommus);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		if (e->worker[i])
			return sluice_fail(EBUSY, "lcore %u is still a worker", i);
	epoch_array_free(&atomic_load_explicit(&e->view, memory_order_relaxed)->array);
	free(e->awake);
	bitset_fini(&e->due);
	bitset_fini(&e->slots);
	pthread_mutex_destroy(&e->lock);
	heap_free(e);
	return 0;
}

int
sluice_engine_add_iommu(struct sluice_engine *e, struct sluice_iommu *iommu)
{
	if (e == NULL || iommu == NULL)
		return sluice_null("an engine or an iommu");
	int ret;

	pthread_mutex_lock(&e->lock);
	if (iommu->engine != NULL) {
		ret = sluice_fail(EBUSY, "an engine serves this iommu already");
	} else if (e->nb_iommus == ENGINE_MAX_IOMMUS) {
		ret = sluice_fail(ENOSPC, "an engine serves at most %u iommus", ENGINE_MAX_IOMMUS);
	} else {
		e->iommu[e->nb_iommus++] = iommu;
		ret = view_replace(e, NULL, false);
		if (ret != 0)
			e->nb_iommus--;
		else
			iommu->engine = e;
	}
	pthread_mutex_unlock(&e->lock);
	return ret;
}

int
sluice_engine_del_iommu(struct sluice_engine *e, struct sluice_iommu *iommu)
{
	if (e == NULL || iommu == NULL)
		return sluice_null("an engine or an iommu");
	int ret = -ENOENT;

	if (iommu->engine != e)
		return sluice_fail(ENOENT, "this engine does not serve the iommu");
	unsigned int left = __atomic_load_n(&iommu->nb_domains, __ATOMIC_ACQUIRE);

	if (left != 0)
		return sluice_fail(EBUSY, "%u domain(s) of this iommu exist", left);
	pthread_mutex_lock(&e->lock);
	for (uint32_t i = 0; i < e->nb_iommus; i++) {
		if (e->iommu[i] != iommu)
			continue;
		e->iommu[i] = e->iommu[--e->nb_iommus];
		ret = view_replace(e, NULL, true);
		if (ret != 0) {
			e->iommu[e->nb_iommus++] = iommu;
			break;
		}
		iommu->engine = NULL;
		break;
	}
	pthread_mutex_unlock(&e->lock);
	return ret;
}

void
sluice_engine_set_fault_cb(struct sluice_engine *e, sluice_fault_cb cb, void *arg)
{
	if (e == NULL) {
		(void)sluice_null("an engine");
		return;
	}
	e->fault_cb = cb;
	e->fault_arg = arg;
}

int
engine_domain_add(struct sluice_engine *e, struct sluice_domain *d)
{
	int ret = 0;

	pthread_mutex_lock(&e->lock);
	d->slot = bitset_take(&e->slots, 0);
	if (d->slot == BITSET_NONE)
		ret = sluice_fail(ENOSPC, "an engine has places for %u domains", ENGINE_MAX_SLOTS);
	for (unsigned int i = 0; i < RTE_MAX_LCORE && ret == 0; i++)
		if (e->worker[i])
			ret = domain_worker_add(d, i);
	if (ret == 0) {
		TAILQ_INSERT_TAIL(&e->domains, d, next);
		ret = view_replace(e, NULL, false);
		if (ret != 0)
			TAILQ_REMOVE(&e->domains, d, next);
	}
	d->served = ret == 0;
	/* The view is in use: a turn that finds this finds the domain. */
	if (d->served)
		bitset_set(&e->due, d->slot);
	if (!d->served && d->slot != BITSET_NONE)
		bitset_set(&e->slots, d->slot);
	pthread_mutex_unlock(&e->lock);
	return ret;
}

int
engine_domain_del(struct sluice_engine *e, struct sluice_domain *d)
{
	int ret = 0;

	pthread_mutex_lock(&e->lock);
	if (d->served) {
		ret = view_replace(e, d, true);
		if (ret == 0) {
			TAILQ_REMOVE(&e->domains, d, next);
			d->served = false;
			bitset_set(&e->slots, d->slot);
		}
	}
	pthread_mutex_unlock(&e->lock);
	return ret;
}

static int
worker_register(struct sluice_engine *e, unsigned int lcore)
{
	struct sluice_domain *d;
	int ret = 0;

	pthread_mutex_lock(&e->lock);
	if (e->worker[lcore])
		ret = sluice_fail(EEXIST, "lcore %u is a worker already", lcore);
	TAILQ_FOREACH(d, &e->domains, next) {
		if (ret != 0)
			break;
		ret = domain_worker_add(d, lcore);
		if (ret == 0)
			continue;
		for (d = TAILQ_PREV(d, engine_domains, next); d != NULL; d = TAILQ_PREV(d, engine_domains, next))
			domain_worker_del(d, lcore);
		break;
	}
	e->worker[lcore] = e->worker[lcore] || ret == 0;
	pthread_mutex_unlock(&e->lock);
	return ret;
}

int
sluice_worker_register(struct sluice_engine *e, unsigned int lcore)
{
	if (e == NULL)
		return sluice_null("an engine");
	int ret;

	if (lcore >= RTE_MAX_LCORE)
		return sluice_fail(EINVAL, "lcore %u: lcores are 0 … %u", lcore, RTE_MAX_LCORE - 1);
	ret = worker_register(e, lcore);
	/* Its shadow memory may lie in tables that are not in use (A20). */
	for (unsigned int i = 0; ret == -ENOMEM && i < e->nb_iommus; i++)
		if (tables_reclaim(e->iommu[i]) != 0)
			ret = worker_register(e, lcore);
	return ret;
}

int
sluice_worker_unregister(struct sluice_engine *e, unsigned int lcore)
{
	if (e == NULL)
		return sluice_null("an engine");
	struct sluice_domain *d;
	int ret = 0;

	if (lcore >= RTE_MAX_LCORE || !e->worker[lcore])
		return sluice_fail(ENOENT, "lcore %u is not a worker", lcore);
	/* Not under the lock: a drain waits for the engine, whose thread may be in a control
	 * call. */
	TAILQ_FOREACH(d, &e->domains, next)
		if ((ret = sluice_domain_drain(d)) != 0)
			return ret;
	pthread_mutex_lock(&e->lock);
	ret = engine_grace(e) == 0 ? 0 : epoch_refused();
	if (ret == 0) {
		TAILQ_FOREACH(d, &e->domains, next)
			domain_worker_del(d, lcore);
		e->worker[lcore] = false;
	}
	pthread_mutex_unlock(&e->lock);
	return ret;
}

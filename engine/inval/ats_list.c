/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which devices are told: the list of a domain's streams whose devices cache translations, replaced
 * under its readers. Number 3 of the essay in ats.h.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_rcu_qsbr.h>

#include "../base/heap.h"
#include "ats.h"

static struct ats_dom *
ats_get(struct sluice_domain *d)
{
	struct ats_dom *a = d->ats;

	if (a != NULL)
		return a;
	a = heap_zalloc("sluice_ats", sizeof(*a), RTE_CACHE_LINE_SIZE);
	if (a == NULL)
		return NULL;
	a->qs = heap_zalloc("sluice_ats_qs", rte_rcu_qsbr_get_memsize(ATS_READERS),
			    RTE_CACHE_LINE_SIZE);
	if (a->qs == NULL || rte_rcu_qsbr_init(a->qs, ATS_READERS) != 0) {
		heap_free(a->qs);
		heap_free(a);
		return NULL;
	}
	for (unsigned int i = 0; i < ATS_READERS; i++)
		rte_rcu_qsbr_thread_register(a->qs, i);
	d->ats = a;
	return a;
}

/* 3b */
static void
replace(struct sluice_domain *d, struct ats_list *l)
{
	struct ats_list *old = atomic_load_explicit(&d->ats_list, memory_order_relaxed);

	atomic_store_explicit(&d->ats_list, l, memory_order_release);
	/* Not rte_rcu_qsbr_synchronize(): that is a function of the library, and a race detector
	 * does not see into it. */
	rte_rcu_qsbr_check(d->ats->qs, rte_rcu_qsbr_start(d->ats->qs), true);
	free(old);
}

/* The list without @p dev, and with its streams at the end when @p in. NULL: empty, or no
 * memory. */
static struct ats_list *
list_make(const struct ats_list *old, struct sluice_device *dev, bool in, bool *nomem)
{
	static _Atomic uint64_t version;
	uint32_t n = in ? dev->nb_streams : 0;
	struct ats_list *l;

	*nomem = false;
	for (uint32_t i = 0; old != NULL && i < old->n; i++)
		n += old->ent[i].dev != dev;
	if (n == 0)
		return NULL;
	l = calloc(1, sizeof(*l) + n * sizeof(l->ent[0]));
	if (l == NULL) {
		*nomem = true;
		return NULL;
	}
	l->version = atomic_fetch_add_explicit(&version, 1, memory_order_relaxed) + 1;
	for (uint32_t i = 0; old != NULL && i < old->n; i++)
		if (old->ent[i].dev != dev)
			l->ent[l->n++] = old->ent[i];
	for (unsigned int i = 0; in && i < dev->nb_streams; i++)
		l->ent[l->n++] = (struct ats_entry){ .dev = dev, .stream = dev->stream[i] };
	return l;
}

int
ats_join(struct sluice_domain *d, struct sluice_device *dev)
{
	struct ats_list *l;
	bool nomem;

	if (ats_get(d) == NULL)
		return -ENOMEM;
	l = list_make(atomic_load_explicit(&d->ats_list, memory_order_relaxed), dev, true, &nomem);
	if (l == NULL)
		return -ENOMEM;
	replace(d, l);
	return 0;
}

int
ats_leave(struct sluice_domain *d, const struct sluice_device *dev)
{
	struct ats_list *old = atomic_load_explicit(&d->ats_list, memory_order_relaxed), *l;
	bool nomem;

	if (old == NULL)
		return 0;
	l = list_make(old, (struct sluice_device *)(uintptr_t)dev, false, &nomem);
	if (nomem)
		return -ENOMEM;
	if (l == NULL || l->n != old->n)
		replace(d, l);
	else
		free(l); /* it was not in there */
	return 0;
}

void
ats_fini(struct sluice_domain *d)
{
	if (d->ats == NULL)
		return;
	free(atomic_load_explicit(&d->ats_list, memory_order_relaxed));
	heap_free(d->ats->qs);
	heap_free(d->ats);
	d->ats = NULL;
}

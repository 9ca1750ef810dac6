/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The stacks of depot.h.
 */
#include <errno.h>
#include <string.h>

#include "depot.h"
#include "../base/mem.h"

#define NIL UINT32_MAX

int
depot_init(struct depot *d)
{
	d->batch = sluice_host_alloc(DEPOT_BATCHES * sizeof(*d->batch));
	if (d->batch == NULL)
		return -ENOMEM;
	for (unsigned int o = 0; o < DEPOT_ORDERS; o++)
		atomic_init(&d->full[o], NIL);
	atomic_init(&d->empty, NIL);
	atomic_init(&d->fresh, 0);
	return 0;
}

void
depot_fini(struct depot *d)
{
	sluice_host_free(d->batch, DEPOT_BATCHES * sizeof(*d->batch));
	d->batch = NULL;
}

static void
push(struct depot *d, _Atomic uint64_t *stack, uint32_t i)
{
	uint64_t head = atomic_load_explicit(stack, memory_order_relaxed), next;

	do {
		atomic_store_explicit(&d->batch[i].next, (uint32_t)head, memory_order_relaxed);
		next = ((head >> 32) + 1) << 32 | i;
		/* release: pairs with the acquires in pop(), so that next and pfn[] are that
		 * batch's. */
	} while (!atomic_compare_exchange_weak_explicit(stack, &head, next, memory_order_release,
							memory_order_relaxed));
}

static uint32_t
pop(struct depot *d, _Atomic uint64_t *stack)
{
	uint64_t head = atomic_load_explicit(stack, memory_order_acquire);

	while ((uint32_t)head != NIL) {
		uint32_t i = (uint32_t)head;
		uint64_t next = ((head >> 32) + 1) << 32 |
				atomic_load_explicit(&d->batch[i].next, memory_order_relaxed);

		if (atomic_compare_exchange_weak_explicit(stack, &head, next, memory_order_acquire,
							  memory_order_acquire))
			return i;
	}
	return NIL;
}

bool
depot_put(struct depot *d, unsigned int order, const uint32_t *pfn)
{
	uint32_t i = pop(d, &d->empty);

	if (i == NIL) {
		/* Looked at first, so that it does not run away once all are in use. */
		if (atomic_load_explicit(&d->fresh, memory_order_relaxed) >= DEPOT_BATCHES)
			return false;
		i = atomic_fetch_add_explicit(&d->fresh, 1, memory_order_relaxed);
		if (i >= DEPOT_BATCHES)
			return false;
	}
	memcpy(d->batch[i].pfn, pfn, sizeof(d->batch[i].pfn));
	push(d, &d->full[order], i);
	return true;
}

bool
depot_get(struct depot *d, unsigned int order, uint32_t *pfn)
{
	uint32_t i = pop(d, &d->full[order]);

	if (i == NIL)
		return false;
	memcpy(pfn, d->batch[i].pfn, sizeof(d->batch[i].pfn));
	push(d, &d->empty, i);
	return true;
}

uint32_t
depot_count(const struct depot *d, unsigned int order)
{
	uint32_t n = 0, i = (uint32_t)atomic_load_explicit(&d->full[order], memory_order_relaxed);

	for (; i != NIL; i = atomic_load_explicit(&d->batch[i].next, memory_order_relaxed))
		n += DEPOT_BATCH;
	return n;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The kernel's model: map and unmap, strict and deferred.
 */
#include <stdlib.h>
#include <string.h>

#include "pmd/smmuv3/cmd.h"
#include "kernel.h"
#include "scale.h"

#define LEVELS 4u
#define ATTR   UINT64_C(0x0060000000000f43)
#define ADDR   UINT64_C(0x0000fffffffff000)
#define TABLE  UINT64_C(3)
#define ASID   1u
#define TG_4K  1u

static void *
zeroed(size_t align, size_t len)
{
	void *p = aligned_alloc(align, len);

	if (p == NULL)
		abort();
	memset(p, 0, len);
	return p;
}

struct kernel *
kernel_new(enum kernel_kind kind, const struct scale_queue *q, unsigned int cpus)
{
	struct kernel *k = zeroed(64, sizeof(*k));

	k->kind = kind;
	k->nb = cpus;
	k->root = zeroed(4096, 4096);
	kcmdq_init(k, q);
	atomic_store(&k->flush_start, 1);
	for (unsigned int i = 0; i < cpus; i++) {
		k->cpu[i].loaded = zeroed(64, sizeof(struct magazine));
		k->cpu[i].previous = zeroed(64, sizeof(struct magazine));
	}
	line_name(&k->flush_start, 64, "kernel: flush counters");
	line_name(&k->timer_on, 64, "kernel: timer");
	line_name(&k->depot_lock, 64, "kernel: depot");
	return k;
}

/* ---- the page table -------------------------------------------------------------------------- */

/* The last-level entry of a page, walked from the root. */
static _Atomic uint64_t *
walk(struct kernel *k, uint32_t pfn)
{
	uint64_t *table = k->root;

	for (unsigned int level = LEVELS - 1; level != 0; level--) {
		_Atomic uint64_t *e =
			(_Atomic uint64_t *)(void *)&table[(uint64_t)pfn >> (9 * level) & 511];
		uint64_t v = atomic_load_explicit(e, memory_order_acquire);

		if (v == 0) {
			uint64_t *t = zeroed(4096, 4096);

			if (atomic_compare_exchange_strong(e, &v, (uintptr_t)t | TABLE))
				v = (uintptr_t)t | TABLE;
			else
				free(t);
		}
		table = (uint64_t *)(uintptr_t)(v & ADDR);
	}
	return (_Atomic uint64_t *)(void *)&table[pfn & 511];
}

uint64_t
kernel_map(struct kernel *k, unsigned int cpu, uint64_t pa, unsigned int pages)
{
	_Atomic uint64_t *e;
	uint32_t pfn;

	/* Set by the first call, which comes before all others: one size at a time is measured. */
	if ((1u << k->order) < pages) {
		while ((1u << k->order) < pages)
			k->order++;
		k->next_pfn = 0;
	}
	pfn = iova_get(k, cpu, pages);
	e = walk(k, pfn);
	for (unsigned int i = 0; i < pages; i++) {
		if (atomic_load_explicit(&e[i], memory_order_relaxed) != 0)
			abort();
		atomic_store_explicit(&e[i], (pa + (uint64_t)i * 4096) | ATTR, memory_order_relaxed);
	}
	k->cpu[cpu].live++;
	return (uint64_t)pfn << 12;
}

static void
clear(struct kernel *k, uint32_t pfn, unsigned int pages)
{
	_Atomic uint64_t *e = walk(k, pfn);

	for (unsigned int i = 0; i < pages; i++) {
		if (atomic_load_explicit(&e[i], memory_order_relaxed) == 0)
			abort();
		atomic_store_explicit(&e[i], 0, memory_order_relaxed);
	}
}

/* ---- flush queues ---------------------------------------------------------------------------- */

static void
flush_domain(struct kernel *k, unsigned int cpu)
{
	struct smmu_cmd c = cmd_tlbi_asid(0, ASID);

	atomic_fetch_add_explicit(&k->flush_start, 1, memory_order_acq_rel);
	kcmdq_sync(k, cpu, c.w);
	atomic_fetch_add_explicit(&k->flush_finish, 1, memory_order_acq_rel);
}

/* Free what a flush has covered since it was queued. The caller holds the lock. */
static void
fq_free(struct kernel *k, unsigned int cpu, struct fq *fq)
{
	uint64_t done = atomic_load_explicit(&k->flush_finish, memory_order_acquire);

	while (fq->head != fq->tail && fq->e[fq->head % FQ_SIZE].counter <= done)
		iova_put(k, cpu, fq->e[fq->head++ % FQ_SIZE].pfn);
}

/* The timer's work, on the processor that comes by when it is due. */
static void
fq_timer(struct kernel *k, unsigned int cpu)
{
	uint32_t on = 1;

	if (!atomic_compare_exchange_strong(&k->timer_on, &on, 0))
		return;
	flush_domain(k, cpu);
	for (unsigned int i = 0; i < k->nb; i++) {
		struct fq *fq = &k->cpu[i].fq;

		qlock_take(&fq->lock, &k->cpu[cpu].node[0]);
		fq_free(k, cpu, fq);
		qlock_give(&fq->lock, &k->cpu[cpu].node[0]);
	}
}

static void
fq_put(struct kernel *k, unsigned int cpu, uint32_t pfn, unsigned int pages)
{
	struct cpu *c = &k->cpu[cpu];
	struct fq *fq = &c->fq;
	uint32_t off = 0;

	qlock_take(&fq->lock, &c->node[0]);
	fq_free(k, cpu, fq);
	if (fq->tail - fq->head == FQ_SIZE) {
		flush_domain(k, cpu);
		fq_free(k, cpu, fq);
	}
	fq->e[fq->tail % FQ_SIZE] = (struct fq_entry){
		.counter = atomic_load_explicit(&k->flush_start, memory_order_acquire),
		.pfn = pfn, .pages = pages,
	};
	fq->tail++;
	qlock_give(&fq->lock, &c->node[0]);
	if (atomic_load_explicit(&k->timer_on, memory_order_relaxed) == 0) {
		if (atomic_compare_exchange_strong(&k->timer_on, &off, 1))
			atomic_store(&k->timer_at, sim_now() + FQ_TIMER_NS);
	} else if (sim_now() > atomic_load_explicit(&k->timer_at, memory_order_relaxed)) {
		fq_timer(k, cpu);
	}
}

/* ---- unmap ----------------------------------------------------------------------------------- */

void
kernel_unmap(struct kernel *k, unsigned int cpu, uint64_t iova, unsigned int pages)
{
	uint32_t pfn = (uint32_t)(iova >> 12);
	struct smmu_cmd c;

	clear(k, pfn, pages);
	k->cpu[cpu].live--;
	if (k->kind == KERNEL_DEFERRED) {
		fq_put(k, cpu, pfn, pages);
		return;
	}
	c = cmd_tlbi_va(0, ASID, iova, true);
	/* A range of a power of two of pages. */
	if (pages > 1)
		c = cmd_tlbi_range(c, pages > 32 ? 32 : pages, pages > 32 ? 1 : 0, TG_4K);
	kcmdq_sync(k, cpu, c.w);
	iova_put(k, cpu, pfn);
}

void
kernel_check(struct kernel *k)
{
	for (unsigned int i = 0; i < k->nb; i++)
		if (k->cpu[i].live != 0)
			abort();
}

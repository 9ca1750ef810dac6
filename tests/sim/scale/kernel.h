/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The parts of the kernel's model, for its own files.
 */
#ifndef SCALE_KERNEL_H
#define SCALE_KERNEL_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel_like.h"

#define KERNEL_CPUS 64u
#define MAG_SIZE    127u
#define FQ_SIZE     256u
#define FQ_TIMER_NS UINT64_C(10000000)

#define ALIGNED _Alignas(64)

/* The runtime's; not instrumented. */
uint64_t sim_now(void);
void sim_pause(void);

/* A queue lock (Mellor-Crummey and Scott, 1991), as kernels' spinlocks are: each waits at a line of
 * its own, and the lock is handed on by one transfer. */
struct node {
	ALIGNED _Atomic(struct node *) next;
	_Atomic bool wait;
};

struct qlock {
	ALIGNED _Atomic(struct node *) tail;
};

void qlock_take(struct qlock *l, struct node *me);
void qlock_give(struct qlock *l, struct node *me);

struct magazine {
	ALIGNED struct magazine *next;
	uint32_t n;
	uint32_t pfn[MAG_SIZE];
};

struct fq_entry {
	uint64_t counter;
	uint32_t pfn, pages;
};

struct fq {
	ALIGNED struct qlock lock;
	struct fq_entry e[FQ_SIZE];
	unsigned int head, tail;
};

struct cpu {
	ALIGNED struct qlock lock; /* of the magazines: others may empty them */
	struct magazine *loaded, *previous;
	struct node node[3];       /* of the locks that it holds, by depth */
	struct fq fq;
	uint64_t live;
};

struct kcmdq {
	uint64_t (*cmd)[2];
	uint64_t pa, mask;
	_Atomic uint32_t *prod, *cons;
	ALIGNED struct qlock lock; /* KERNEL_STRICT_LOCK */
	uint32_t at, room;         /* … and what it guards: positions */
	ALIGNED _Atomic uint64_t llq; /* the next position, OWNED, and above them a lower bound of CONS */
	ALIGNED _Atomic uint32_t owner_prod;
	ALIGNED _Atomic uint32_t users; /* that wait for a SYNC */
	ALIGNED _Atomic uint64_t *valid;
};

struct kernel {
	enum kernel_kind kind;
	unsigned int nb;
	unsigned int order;
	uint64_t *root;
	struct kcmdq q;
	ALIGNED struct qlock depot_lock;
	struct magazine *full, *empty;
	uint32_t next_pfn;
	ALIGNED _Atomic uint64_t flush_start, flush_finish;
	ALIGNED _Atomic uint32_t timer_on;
	_Atomic uint64_t timer_at;
	struct cpu cpu[KERNEL_CPUS];
};

/* kernel_iova.c */
uint32_t iova_get(struct kernel *k, unsigned int cpu, unsigned int pages);
void iova_put(struct kernel *k, unsigned int cpu, uint32_t pfn);

/* kernel_cmdq.c */
void kcmdq_init(struct kernel *k, const struct scale_queue *q);
/** Put a command and a SYNC into the queue and wait for it. */
void kcmdq_sync(struct kernel *k, unsigned int cpu, const uint64_t cmd[2]);

#endif

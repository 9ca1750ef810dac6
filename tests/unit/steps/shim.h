/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Put in front of every file of the engine (-include) in the build that is run step by step: what
 * lcores share goes through steps.c. Headers that are not the engine's come first and stay as they
 * are.
 *
 * What is modelled: each load and store of an atomic or RELAXED field, page-table entries among them,
 * read-modify-writes, fences, membarrier(2). What is not: plain fields, which must not matter.
 */
#ifndef STEPS_SHIM_H
#define STEPS_SHIM_H

#define RTE_USE_C11_MEM_MODEL 1

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_bitops.h>
#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_errno.h>
#include <rte_kvargs.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_pause.h>
#include <rte_prefetch.h>
#include <rte_rcu_qsbr.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "engine/base/relaxed.h"

void steps_load(const volatile void *p, void *v, size_t n);
void steps_store(volatile void *p, const void *v, size_t n, int order);
/** Before a read-modify-write or a full fence: everything of this fiber is visible. */
int steps_rmw(void);
/** membarrier(2): everything of every fiber is visible. */
long steps_syscall(void);
/** Somebody else has to go on before we can. */
int steps_yield(void);
int steps_lock(pthread_mutex_t *m);
void steps_free(void *p);

/* The same type without _Atomic and const, and a pointer to it. */
#define STEPS_TYPE(p) __typeof__((void)0, *(p))
#define STEPS_PTR(p)  ((STEPS_TYPE(p) *)(uintptr_t)(p))

#define STEPS_LOAD(p)                                    \
	__extension__({                                  \
		STEPS_TYPE(p) loaded_;                   \
		steps_load((p), &loaded_, sizeof(loaded_)); \
		loaded_;                                 \
	})
#define STEPS_STORE(p, v, o)                                    \
	__extension__({                                         \
		STEPS_TYPE(p) stored_ = (v);                    \
		steps_store((p), &stored_, sizeof(stored_), o); \
	})

#undef atomic_load_explicit
#undef atomic_store_explicit
#undef atomic_exchange_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_compare_exchange_weak_explicit
#undef atomic_compare_exchange_strong_explicit
#undef atomic_thread_fence
#undef atomic_signal_fence
#undef RELAXED_GET
#undef RELAXED_SET
#undef RELAXED_OWN
#undef rte_pause

#define atomic_load_explicit(p, o)     STEPS_LOAD(p)
#define atomic_store_explicit(p, v, o) STEPS_STORE(p, v, (int)(o))
#define __atomic_load_n(p, o)	       STEPS_LOAD(p)
#define __atomic_store_n(p, v, o)      STEPS_STORE(p, v, (int)(o))
#define RELAXED_GET(x)		       STEPS_LOAD(&(x))
#define RELAXED_OWN(x)		       STEPS_LOAD(&(x))
#define RELAXED_SET(x, v)	       STEPS_STORE(&(x), v, __ATOMIC_RELAXED)

#define STEPS_SEQ __ATOMIC_SEQ_CST
#define __atomic_exchange_n(p, v, o) \
	(steps_rmw(), __atomic_exchange_n(STEPS_PTR(p), v, STEPS_SEQ))
#define __atomic_fetch_add(p, v, o) (steps_rmw(), __atomic_fetch_add(STEPS_PTR(p), v, STEPS_SEQ))
#define __atomic_fetch_sub(p, v, o) (steps_rmw(), __atomic_fetch_sub(STEPS_PTR(p), v, STEPS_SEQ))
#define __atomic_fetch_or(p, v, o)  (steps_rmw(), __atomic_fetch_or(STEPS_PTR(p), v, STEPS_SEQ))
#define __atomic_fetch_and(p, v, o) (steps_rmw(), __atomic_fetch_and(STEPS_PTR(p), v, STEPS_SEQ))
#define __atomic_compare_exchange_n(p, e, v, w, o, f) \
	(steps_rmw(), __atomic_compare_exchange_n(STEPS_PTR(p), e, v, 0, STEPS_SEQ, STEPS_SEQ))
#define atomic_exchange_explicit(p, v, o)  __atomic_exchange_n(p, v, o)
#define atomic_fetch_add_explicit(p, v, o) __atomic_fetch_add(p, v, o)
#define atomic_fetch_sub_explicit(p, v, o) __atomic_fetch_sub(p, v, o)
#define atomic_fetch_or_explicit(p, v, o)  __atomic_fetch_or(p, v, o)
#define atomic_fetch_and_explicit(p, v, o) __atomic_fetch_and(p, v, o)
#define atomic_compare_exchange_weak_explicit(p, e, v, o, f) \
	__atomic_compare_exchange_n(p, e, v, 1, o, f)
#define atomic_compare_exchange_strong_explicit(p, e, v, o, f) \
	__atomic_compare_exchange_n(p, e, v, 0, o, f)
#define atomic_thread_fence(o)	((void)steps_rmw())
#define atomic_signal_fence(o)	((void)0)

/* It begins with a compare-and-exchange. */
#define rte_ring_mp_enqueue_bulk_elem(r, o, s, n, f) \
	(steps_rmw(), (rte_ring_mp_enqueue_bulk_elem)(r, o, s, n, f))
#define syscall(...)		 steps_syscall()
#define sched_yield()		 steps_yield()
#define rte_pause()		 ((void)steps_yield())
#define pthread_mutex_lock(m)	 steps_lock(m)
#define free(p)			 steps_free(p)

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Where the compiler's instrumentation of memory accesses (-fsanitize=thread) leads, in place of a
 * race detector's runtime.
 *
 * Atomic operations are done here. Of plain and volatile accesses the instrumentation tells the
 * address, right before the access. Volatile ones are the engine's relaxed accesses (relaxed.h).
 */
#include <string.h>

#include "rt.h"

#define PC ((uintptr_t)__builtin_return_address(0))

static inline void
plain(uintptr_t addr, unsigned int size, bool write, uintptr_t pc)
{
	if (rt.cur == NULL)
		return;
	rt_arena_check(addr, size, pc, write);
	if (write)
		rt_store_note(addr, size);
	if (__builtin_expect(rt.conf.costs, 0))
		rt_line_access(addr, size, write ? RT_LINE_WRITE : RT_LINE_READ, pc);
}

static inline void
relaxed(uintptr_t addr, unsigned int size, bool write, uintptr_t pc)
{
	/* With costs the others go on while the line is on its way: the access comes after them. */
	if (__builtin_expect(rt.conf.costs, 0)) {
		plain(addr, size, write, pc);
		rt_point(write ? RT_RELAXED_SET : RT_RELAXED_GET, addr, 0, pc);
		return;
	}
	rt_point(write ? RT_RELAXED_SET : RT_RELAXED_GET, addr, 0, pc);
	plain(addr, size, write, pc);
}

#define PLAIN(n)                                                                                   \
	void __tsan_read##n(void *p);                                                              \
	void __tsan_read##n(void *p) { plain((uintptr_t)p, n, false, PC); }                        \
	void __tsan_write##n(void *p);                                                             \
	void __tsan_write##n(void *p) { plain((uintptr_t)p, n, true, PC); }                        \
	void __tsan_unaligned_read##n(void *p);                                                    \
	void __tsan_unaligned_read##n(void *p) { plain((uintptr_t)p, n, false, PC); }              \
	void __tsan_unaligned_write##n(void *p);                                                   \
	void __tsan_unaligned_write##n(void *p) { plain((uintptr_t)p, n, true, PC); }              \
	void __tsan_volatile_read##n(void *p);                                                     \
	void __tsan_volatile_read##n(void *p) { relaxed((uintptr_t)p, n, false, PC); }             \
	void __tsan_volatile_write##n(void *p);                                                    \
	void __tsan_volatile_write##n(void *p) { relaxed((uintptr_t)p, n, true, PC); }             \
	void __tsan_unaligned_volatile_read##n(void *p);                                           \
	void __tsan_unaligned_volatile_read##n(void *p) { relaxed((uintptr_t)p, n, false, PC); }   \
	void __tsan_unaligned_volatile_write##n(void *p);                                          \
	void __tsan_unaligned_volatile_write##n(void *p) { relaxed((uintptr_t)p, n, true, PC); }

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_init(void);
void __tsan_init(void)
{
}

/* ---- atomics --------------------------------------------------------------------------------- */

#define SEQ_CST 5

static inline void
at(enum rt_op op, const volatile void *p, unsigned int size, uint64_t v, uintptr_t pc)
{
	if (__builtin_expect(rt.conf.costs, 0) && rt.cur != NULL)
		rt_line_access((uintptr_t)p, size, op == RT_LOAD ? RT_LINE_READ :
			       op == RT_STORE ? RT_LINE_WRITE : RT_LINE_RMW, pc);
	rt_point(op, (uintptr_t)p, v, pc);
	if (rt.cur == NULL)
		return;
	rt_arena_check((uintptr_t)p, size, pc, op != RT_LOAD);
	if (op == RT_RMW)
		sim_barrier();
}

/* A weak exchange may fail for no reason. */
static bool
spurious(void)
{
	return rt.cur != NULL && !rt.conf.costs && rt_below(&rt.rng_sched, 16) == 0;
}

#define RMW(n, type, name, expr)                                                                   \
	type __tsan_atomic##n##_##name(volatile type *p, type v, int mo);                          \
	type __tsan_atomic##n##_##name(volatile type *p, type v, int mo)                           \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		(void)mo;                                                                          \
		at(RT_RMW, p, n / 8, (uint64_t)v, PC);                                             \
		old = *p;                                                                          \
		*p = (type)(expr);                                                                 \
		return old;                                                                        \
	}

#define ATOMIC(n, type)                                                                            \
	type __tsan_atomic##n##_load(const volatile type *p, int mo);                              \
	type __tsan_atomic##n##_load(const volatile type *p, int mo)                               \
	{                                                                                          \
		(void)mo;                                                                          \
		at(RT_LOAD, p, n / 8, 0, PC);                                                      \
		return *p;                                                                         \
	}                                                                                          \
	void __tsan_atomic##n##_store(volatile type *p, type v, int mo);                           \
	void __tsan_atomic##n##_store(volatile type *p, type v, int mo)                            \
	{                                                                                          \
		at(rt.conf.costs && mo == SEQ_CST ? RT_RMW : RT_STORE, p, n / 8, (uint64_t)v, PC); \
		if (mo == SEQ_CST)                                                                 \
			sim_barrier();                                                             \
		else                                                                               \
			rt_store_note((uintptr_t)p, n / 8);                                        \
		*p = v;                                                                            \
	}                                                                                          \
	RMW(n, type, exchange, v)                                                                  \
	RMW(n, type, fetch_add, old + v)                                                           \
	RMW(n, type, fetch_sub, old - v)                                                           \
	RMW(n, type, fetch_and, old & v)                                                           \
	RMW(n, type, fetch_or, old | v)                                                            \
	RMW(n, type, fetch_xor, old ^ v)                                                           \
	int __tsan_atomic##n##_compare_exchange_strong(volatile type *p, type *e, type v, int mo,  \
						       int fail);                                  \
	int __tsan_atomic##n##_compare_exchange_strong(volatile type *p, type *e, type v, int mo,  \
						       int fail)                                   \
	{                                                                                          \
		type old;                                                                          \
                                                                                                   \
		(void)mo;                                                                          \
		(void)fail;                                                                        \
		at(RT_RMW, p, n / 8, (uint64_t)v, PC);                                             \
		old = *p;                                                                          \
		if (old == *e) {                                                                   \
			*p = v;                                                                    \
			return 1;                                                                  \
		}                                                                                  \
		*e = old;                                                                          \
		return 0;                                                                          \
	}                                                                                          \
	int __tsan_atomic##n##_compare_exchange_weak(volatile type *p, type *e, type v, int mo,    \
						     int fail);                                    \
	int __tsan_atomic##n##_compare_exchange_weak(volatile type *p, type *e, type v, int mo,    \
						     int fail)                                     \
	{                                                                                          \
		if (!spurious())                                                                   \
			return __tsan_atomic##n##_compare_exchange_strong(p, e, v, mo, fail);      \
		at(RT_RMW, p, n / 8, (uint64_t)v, PC);                                             \
		*e = *p;                                                                           \
		return 0;                                                                          \
	}                                                                                          \
	type __tsan_atomic##n##_compare_exchange_val(volatile type *p, type e, type v, int mo,     \
						     int fail);                                    \
	type __tsan_atomic##n##_compare_exchange_val(volatile type *p, type e, type v, int mo,     \
						     int fail)                                     \
	{                                                                                          \
		(void)__tsan_atomic##n##_compare_exchange_strong(p, &e, v, mo, fail);              \
		return e;                                                                          \
	}

ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

void __tsan_atomic_thread_fence(int mo);
void
__tsan_atomic_thread_fence(int mo)
{
	if (rt.conf.costs && mo == SEQ_CST)
		rt_line_fence();
	rt_point(RT_FENCE, 0, 0, PC);
	if (mo == SEQ_CST)
		sim_barrier();
}

/* It orders nothing between processors: no step, or it would change what is tested. */
void __tsan_atomic_signal_fence(int mo);
void
__tsan_atomic_signal_fence(int mo)
{
	(void)mo;
}

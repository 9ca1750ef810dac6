/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Included before everything else in each file of the code under test: what is inline in headers,
 * so that the linker cannot lead it to the simulator (wrap.c does that for the rest).
 */
#ifndef SIM_REDIRECT_H
#define SIM_REDIRECT_H

#include <stdbool.h>
#include <stdint.h>

/* The instrumentation is a race detector's, but nobody detects races: the code is that which ships. */
#define ENGINE_TSAN_H
#define SLUICE_TSAN 0

void sim_pause(void);
void sim_step(void);
void sim_barrier(void);
uint64_t sim_tsc(void);

/* A pause: DPDK's header with its waits, made of ours. */
#define _RTE_PAUSE_H_
#define _RTE_PAUSE_X86_H_
#define _RTE_PAUSE_ARM64_H_
#define rte_pause() sim_pause()
#define SIM_WAIT_UNTIL_EQUAL(n)                                                                    \
	static inline void rte_wait_until_equal_##n(volatile uint##n##_t *p, uint##n##_t v, int mo) \
	{                                                                                          \
		while (__atomic_load_n(p, mo) != v)                                                \
			sim_pause();                                                               \
	}
SIM_WAIT_UNTIL_EQUAL(16)
SIM_WAIT_UNTIL_EQUAL(32)
SIM_WAIT_UNTIL_EQUAL(64)
#define RTE_WAIT_UNTIL_MASKED(p, mask, cond, expected, mo)                                         \
	do {                                                                                       \
		while (!((__atomic_load_n((p), (mo)) & (mask)) cond(expected)))                    \
			sim_pause();                                                               \
	} while (0)

#include <rte_atomic.h>
#include <rte_cycles.h>
#include <rte_io.h>

#define rte_rdtsc() sim_tsc()

/* DPDK's fences, which its headers make of instructions where they can. */
#undef rte_smp_mb
#undef rte_smp_wmb
#undef rte_smp_rmb
#define rte_smp_mb()                __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define rte_smp_wmb()               __atomic_thread_fence(__ATOMIC_RELEASE)
#define rte_smp_rmb()               __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define rte_atomic_thread_fence(mo) __atomic_thread_fence(mo)

/* Barriers that are instructions of the machine. Between memory and a doorbell x86 needs none, and
 * the simulator keeps a fiber's stores in order; they are points all the same. */
#undef rte_io_wmb
#undef rte_io_rmb
#undef rte_io_mb
#define rte_io_wmb() sim_step()
#define rte_io_rmb() sim_step()
#define rte_io_mb()                                                                                \
	do {                                                                                       \
		sim_step();                                                                        \
		sim_barrier();                                                                     \
	} while (0)

#endif

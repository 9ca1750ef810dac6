/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Relaxed loads and stores of a plain field that one lcore writes and others may read: whole,
 * unordered, no more.
 *
 * That is what a relaxed atomic is. But a compiler (GCC 12 for arm64) may not fold an offset into
 * the address of an atomic access, which is one instruction more for each; of a volatile one it
 * does. Naturally aligned and of at most 8 bytes, both are one access. A race detector wants the
 * atomic.
 */
#ifndef ENGINE_RELAXED_H
#define ENGINE_RELAXED_H

#include "tsan.h"

#if SLUICE_TSAN
#define RELAXED_GET(x)    __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define RELAXED_SET(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#else
#define RELAXED_GET(x)    (*(const volatile __typeof__(x) *)&(x))
#define RELAXED_SET(x, v) ((void)(*(volatile __typeof__(x) *)&(x) = (v)))
#endif

/* The writer's own look at what it alone writes: a plain load races with no store, and a compiler
 * may join it with its neighbour's. */
#define RELAXED_OWN(x) (x)

#endif

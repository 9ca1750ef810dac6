/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the code under test calls of the C library, of pthreads and of DPDK, and what it would not
 * come back from: the linker leads it here (--wrap). The list is in meson.build.
 */
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>

#include "rt.h"

#define HUGE ((size_t)2 << 20)
#define PC ((uintptr_t)__builtin_return_address(0))

/* ---- clock, threads -------------------------------------------------------------------------- */

uint64_t sim_tsc(void);
uint64_t
sim_tsc(void)
{
	if (rt.conf.costs)
		rt_line_tsc();
	return sim_now();
}

uint64_t __wrap_rte_get_tsc_hz(void);
uint64_t
__wrap_rte_get_tsc_hz(void)
{
	return 1000000000u;
}

int __wrap_sched_yield(void);
int
__wrap_sched_yield(void)
{
	rt_paused(RT_PAUSE, PC);
	return 0;
}

/* Does the system refuse membarrier(2) at the moment? */
bool sim_no_membarrier;

long __real_syscall(long n, ...);
long __wrap_syscall(long n, ...);
long
__wrap_syscall(long n, ...)
{
	if (n != SYS_membarrier)
		abort();
	if (sim_no_membarrier) {
		errno = EPERM;
		return -1;
	}
	rt_point(RT_FENCE, 0, 0, PC);
	sim_barrier_all();
	return 0;
}

/* Lcores that are told of: each costs the driver's command queue a margin. */
unsigned int sim_lcores = SIM_FIBERS;

int __wrap_rte_lcore_is_enabled(unsigned int lcore);
int
__wrap_rte_lcore_is_enabled(unsigned int lcore)
{
	return lcore < sim_lcores;
}

unsigned int __wrap_rte_lcore_to_socket_id(unsigned int lcore);
unsigned int
__wrap_rte_lcore_to_socket_id(unsigned int lcore)
{
	(void)lcore;
	return 0;
}

/* ---- locks: the first word of the library's own ---------------------------------------------- */

static uint32_t *
word(pthread_mutex_t *m)
{
	return (uint32_t *)(void *)m;
}

int __wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a);
int
__wrap_pthread_mutex_init(pthread_mutex_t *m, const pthread_mutexattr_t *a)
{
	(void)a;
	*word(m) = 0;
	return 0;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *m);
int
__wrap_pthread_mutex_destroy(pthread_mutex_t *m)
{
	SIM_CHECK(*word(m) == 0, "a lock is destroyed that fiber %u holds", *word(m) - 2);
	return 0;
}

int __wrap_pthread_mutex_trylock(pthread_mutex_t *m);
int
__wrap_pthread_mutex_trylock(pthread_mutex_t *m)
{
	rt_point(RT_LOCK, (uintptr_t)m, 0, PC);
	sim_barrier();
	if (*word(m) != 0)
		return EBUSY;
	*word(m) = sim_self() + 2;
	return 0;
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *m);
int
__wrap_pthread_mutex_lock(pthread_mutex_t *m)
{
	rt_point(RT_LOCK, (uintptr_t)m, 1, PC);
	sim_barrier();
	SIM_CHECK(*word(m) == 0 || *word(m) != sim_self() + 2, "a lock is taken twice");
	while (*word(m) != 0)
		rt_paused(RT_PAUSE, PC);
	*word(m) = sim_self() + 2;
	return 0;
}

int __wrap_pthread_mutex_unlock(pthread_mutex_t *m);
int
__wrap_pthread_mutex_unlock(pthread_mutex_t *m)
{
	SIM_CHECK(*word(m) == sim_self() + 2, "a lock is given up that another fiber holds");
	sim_barrier();
	*word(m) = 0;
	rt_point(RT_LOCK, (uintptr_t)m, 0, PC);
	return 0;
}

/* ---- memory ---------------------------------------------------------------------------------- */

void *__wrap_malloc(size_t n);
void *
__wrap_malloc(size_t n)
{
	return sim_alloc(n, 16);
}

void *__wrap_calloc(size_t n, size_t size);
void *
__wrap_calloc(size_t n, size_t size)
{
	return sim_alloc(n * size, 16);
}

void *__wrap_aligned_alloc(size_t align, size_t n);
void *
__wrap_aligned_alloc(size_t align, size_t n)
{
	return sim_alloc(n, align);
}

void __wrap_free(void *p);
void
__wrap_free(void *p)
{
	sim_free(p);
}

/* With 64-bit offsets, which are the only ones here, this is its name. */
void *__real_mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off);
void *__wrap_mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off);

void *
rt_map(uintptr_t at, size_t n)
{
	void *p = __real_mmap64((void *)at, n, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE |
					(at != 0 ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	if (p == MAP_FAILED) {
		perror("sim: memory");
		exit(99);
	}
	return p;
}

void *
__wrap_mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	void *p = sim_alloc(n, n >= HUGE ? HUGE : 4096);

	(void)at, (void)prot, (void)flags, (void)fd, (void)off;
	errno = ENOMEM;
	return p != NULL ? p : MAP_FAILED;
}

int __real_madvise(void *p, size_t n, int advice);

void
rt_forget(void *p, size_t n)
{
	(void)__real_madvise(p, n, MADV_DONTNEED);
}

int __wrap_madvise(void *p, size_t n, int advice);
int
__wrap_madvise(void *p, size_t n, int advice)
{
	(void)p, (void)n, (void)advice;
	return 0;
}

/* A mapping is freed when all of it goes but an end that was cut off for the sake of alignment. */
int __wrap_munmap(void *p, size_t n);
int
__wrap_munmap(void *p, size_t n)
{
	if (n != 0 && sim_alloc_size(p) >= n && sim_alloc_size(p) - n <= HUGE)
		sim_free(p);
	return 0;
}

void *__wrap_rte_zmalloc(const char *type, size_t n, unsigned int align);
void *
__wrap_rte_zmalloc(const char *type, size_t n, unsigned int align)
{
	(void)type;
	return sim_alloc(n, align);
}

void *__wrap_rte_zmalloc_socket(const char *type, size_t n, unsigned int align, int socket);
void *
__wrap_rte_zmalloc_socket(const char *type, size_t n, unsigned int align, int socket)
{
	(void)type, (void)socket;
	return sim_alloc(n, align);
}

void *__wrap_rte_malloc(const char *type, size_t n, unsigned int align);
void *
__wrap_rte_malloc(const char *type, size_t n, unsigned int align)
{
	(void)type;
	return sim_alloc(n, align);
}

void __wrap_rte_free(void *p);
void
__wrap_rte_free(void *p)
{
	sim_free(p);
}

const void *__wrap_rte_memzone_reserve_aligned(const char *name, size_t n, int socket,
					       unsigned int flags, unsigned int align);
const void *
__wrap_rte_memzone_reserve_aligned(const char *name, size_t n, int socket, unsigned int flags,
				   unsigned int align)
{
	(void)name, (void)n, (void)socket, (void)flags, (void)align;
	return NULL;
}

/* ---- blocks of bytes ------------------------------------------------------------------------- */

/* The compiler does not instrument these. They are done at once, and are visible at once. */

static void
touch(const void *p, size_t n, bool write, uintptr_t pc)
{
	if (rt.cur == NULL || n == 0)
		return;
	for (uintptr_t a = (uintptr_t)p; a < (uintptr_t)p + n;) {
		uintptr_t end = (a | 63) + 1;
		unsigned int len = (unsigned int)((end < (uintptr_t)p + n ? end : (uintptr_t)p + n) - a);

		rt_arena_check(a, len, pc, write);
		if (rt.conf.costs)
			rt_line_access(a, len, write ? RT_LINE_WRITE : RT_LINE_READ, pc);
		a = end;
	}
	if (write && !rt_on_stack((uintptr_t)p))
		sim_barrier();
}

void *__real_memset(void *p, int c, size_t n);
void *__wrap_memset(void *p, int c, size_t n);
void *
__wrap_memset(void *p, int c, size_t n)
{
	touch(p, n, true, PC);
	return __real_memset(p, c, n);
}

void
rt_fill(void *p, int c, size_t n)
{
	__real_memset(p, c, n);
}

void *__real_memcpy(void *to, const void *from, size_t n);
void *__wrap_memcpy(void *to, const void *from, size_t n);
void *
__wrap_memcpy(void *to, const void *from, size_t n)
{
	touch(from, n, false, PC);
	touch(to, n, true, PC);
	return __real_memcpy(to, from, n);
}

void *__real_memmove(void *to, const void *from, size_t n);
void *__wrap_memmove(void *to, const void *from, size_t n);
void *
__wrap_memmove(void *to, const void *from, size_t n)
{
	touch(from, n, false, PC);
	touch(to, n, true, PC);
	return __real_memmove(to, from, n);
}

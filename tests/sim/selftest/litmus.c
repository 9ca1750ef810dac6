/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What memory may show and what it may not: the litmus tests of the Intel 64 manual (SDM volume 3A,
 * 9.2.3 "Examples Illustrating the Memory-Ordering Principles"), which name each outcome that x86
 * allows and each that it does not. Without a buffer memory is sequentially consistent (Lamport).
 */
#include <pthread.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "self.h"

#define SEEDS 1500u

typedef uint32_t u32;

static u32 x, y, z[2], r[4];
static pthread_mutex_t lock[2];

static void
reset(void)
{
	x = y = z[0] = z[1] = 0;
	r[0] = r[1] = r[2] = r[3] = 9;
	pthread_mutex_init(&lock[0], NULL);
	pthread_mutex_init(&lock[1], NULL);
}

/* ---- accesses -------------------------------------------------------------------------------- */

static void st_plain(u32 *p, u32 v) { *p = v; }
static void st_volatile(u32 *p, u32 v) { *(volatile u32 *)p = v; }
static void st_relaxed(u32 *p, u32 v) { __atomic_store_n(p, v, __ATOMIC_RELAXED); }
static void st_release(u32 *p, u32 v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }
static void st_seq_cst(u32 *p, u32 v) { __atomic_store_n(p, v, __ATOMIC_SEQ_CST); }
/* A relaxed one whose result nobody wants may be compiled to a store. */
static void st_xchg(u32 *p, u32 v) { (void)__atomic_exchange_n(p, v, __ATOMIC_ACQ_REL); }
static u32 ld_plain(u32 *p) { return *p; }
static u32 ld_volatile(u32 *p) { return *(volatile u32 *)p; }
static u32 ld_relaxed(u32 *p) { return __atomic_load_n(p, __ATOMIC_RELAXED); }
static u32 ld_acquire(u32 *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

static void none(unsigned int i) { (void)i; }
static void a_step(unsigned int i) { (void)i; sim_step(); }
static void fence(unsigned int i) { (void)i; __atomic_thread_fence(__ATOMIC_SEQ_CST); }
static void fence_acq_rel(unsigned int i) { (void)i; __atomic_thread_fence(__ATOMIC_ACQ_REL); }
static void signal_fence(unsigned int i) { (void)i; __atomic_signal_fence(__ATOMIC_SEQ_CST); }
static void rmw(unsigned int i) { (void)__atomic_fetch_add(&z[i], 1, __ATOMIC_RELAXED); }
static void
failed_cas(unsigned int i)
{
	u32 e = 77;

	(void)__atomic_compare_exchange_n(&z[i], &e, 1, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
static void membarrier(unsigned int i) { (void)i; (void)syscall(SYS_membarrier, 0, 0, 0); }
static void
mutex(unsigned int i)
{
	pthread_mutex_lock(&lock[i]);
	pthread_mutex_unlock(&lock[i]);
}

static struct {
	void (*st)(u32 *p, u32 v);
	u32 (*ld)(u32 *p);
	void (*mid[2])(unsigned int i);
} how;

/* ---- 9.2.3.4: a load may be earlier than a store before it ------------------------------------- */

/* A fiber that ends makes its stores visible, as a thread does for who joins it: it ends later. */

static void
sb0(void *arg)
{
	(void)arg;
	how.st(&x, 1);
	how.mid[0](0);
	r[0] = how.ld(&y);
	sim_step();
}

static void
sb1(void *arg)
{
	(void)arg;
	how.st(&y, 1);
	how.mid[1](1);
	r[1] = how.ld(&x);
	sim_step();
}

static bool
both_zero(void)
{
	return r[0] == 0 && r[1] == 0;
}

static const struct self_prog sb = { reset, { sb0, sb1 }, both_zero };

static void
store_buffering_is_seen(void **state)
{
	static void (*const st[])(u32 *, u32) = { st_plain, st_volatile, st_relaxed, st_release };
	static u32 (*const ld[])(u32 *) = { ld_volatile, ld_relaxed, ld_acquire };
	/* x86 has no instruction for these, and one side's fence alone is not enough. */
	static void (*const mid[])(unsigned int) = { none, fence_acq_rel, signal_fence };

	(void)state;
	for (unsigned int i = 0; i < 4 * 3 * 3; i++)
		for (unsigned int s = SIM_RANDOM; s <= SIM_STARVE; s++) {
			how.st = st[i % 4];
			how.ld = ld[i / 4 % 3];
			how.mid[0] = how.mid[1] = mid[i / 12];
			if (self_count(&sb, self_conf(s, 4), SEEDS) == 0)
				fail_msg("store %u, load %u, %u between, %s: not seen", i % 4, i / 4 % 3,
					 i / 12, SELF_NAME(s));
		}
	how.mid[0] = fence;
	how.mid[1] = none;
	assert_int_not_equal(self_count_all(&sb, 4, SEEDS), 0);
	how.mid[0] = how.mid[1] = a_step;
	how.st = st_plain;
	how.ld = ld_plain;
	assert_int_not_equal(self_count_all(&sb, 4, SEEDS), 0);
}

static void
never_without_a_buffer(void **state)
{
	(void)state;
	how.mid[0] = how.mid[1] = a_step;
	how.st = st_relaxed;
	how.ld = ld_relaxed;
	assert_int_equal(self_count_all(&sb, 0, SEEDS), 0);
	how.st = st_plain;
	assert_int_equal(self_count_all(&sb, 0, SEEDS), 0);
}

/* 9.2.3.9 and 9.2.5: locked instructions and MFENCE wait for the stores before them. */
static void
never_past_a_fence(void **state)
{
	static void (*const mid[])(unsigned int) = { fence, rmw, failed_cas, mutex, membarrier };

	(void)state;
	how.ld = ld_relaxed;
	for (unsigned int i = 0; i < 5; i++) {
		how.st = st_relaxed;
		how.mid[0] = how.mid[1] = mid[i];
		if (self_count_all(&sb, 4, SEEDS) != 0)
			fail_msg("fence %u: a load went before it", i);
	}
	/* On one side membarrier(2), which is a fence for all; on the other nothing. */
	how.mid[0] = membarrier;
	how.mid[1] = none;
	assert_int_equal(self_count_all(&sb, 4, SEEDS), 0);
	/* C11 7.17.3: sequentially consistent; x86 makes exchanges of the stores. */
	how.mid[0] = how.mid[1] = none;
	how.st = st_seq_cst;
	assert_int_equal(self_count_all(&sb, 4, SEEDS), 0);
	how.st = st_xchg;
	assert_int_equal(self_count_all(&sb, 4, SEEDS), 0);
}

/* ---- 9.2.3.5: a fiber's own loads see its stores, before others do ----------------------------- */

static void
fw0(void *arg)
{
	(void)arg;
	how.st(&x, 1);
	r[0] = how.ld(&x);
	r[1] = how.ld(&y);
	sim_step();
}

static void
fw1(void *arg)
{
	(void)arg;
	how.st(&y, 1);
	r[2] = how.ld(&y);
	r[3] = how.ld(&x);
	sim_step();
}

static bool own_missed(void) { return r[0] != 1 || r[2] != 1; }
static bool forwarded(void) { return !own_missed() && r[1] == 0 && r[3] == 0; }

static void
own_stores_are_seen(void **state)
{
	const struct self_prog missed = { reset, { fw0, fw1 }, own_missed };
	const struct self_prog early = { reset, { fw0, fw1 }, forwarded };

	(void)state;
	how.st = st_relaxed;
	how.ld = ld_relaxed;
	for (u32 buffer = 0; buffer <= 4; buffer += 2)
		assert_int_equal(self_count_all(&missed, buffer, SEEDS), 0);
	assert_int_not_equal(self_count_all(&early, 4, SEEDS), 0);
	assert_int_equal(self_count_all(&early, 0, SEEDS), 0);
}

/* ---- 9.2.3.2: stores are seen in their order, loads are made in theirs -------------------------- */

static void
mp0(void *arg)
{
	(void)arg;
	how.st(&x, 1);
	how.mid[0](0);
	how.st(&y, 1);
}

static void
mp1(void *arg)
{
	(void)arg;
	r[0] = how.ld(&y);
	r[1] = how.ld(&x);
}

static bool mp_broken(void) { return r[0] == 1 && r[1] == 0; }
static bool mp_late(void) { return r[0] == 1 && r[1] == 1; }
static bool mp_early(void) { return r[0] == 0 && r[1] == 0; }
static bool mp_between(void) { return r[0] == 0 && r[1] == 1; }

static void
message_passing(void **state)
{
	static void (*const st[])(u32 *, u32) = { st_plain, st_volatile, st_relaxed, st_release,
						  st_seq_cst };
	const struct self_prog broken = { reset, { mp0, mp1 }, mp_broken };
	const struct self_prog others[] = { { reset, { mp0, mp1 }, mp_late },
					    { reset, { mp0, mp1 }, mp_early },
					    { reset, { mp0, mp1 }, mp_between } };

	(void)state;
	how.mid[0] = a_step;
	how.ld = ld_relaxed;
	for (unsigned int i = 0; i < 5; i++)
		for (u32 buffer = 0; buffer <= 4; buffer += 2) {
			how.st = st[i];
			if (self_count_all(&broken, buffer, SEEDS) != 0)
				fail_msg("store %u, buffer %u: the second came first", i, buffer);
			for (unsigned int k = 0; k < 3; k++) /* it is no test if nothing else happens */
				assert_int_not_equal(self_count_all(&others[k], buffer, SEEDS / 5), 0);
		}
}

/* The message is behind a locked instruction. */
static void
rmw0(void *arg)
{
	(void)arg;
	how.st(&x, 1);
	rmw(0);
}

static void
rmw1(void *arg)
{
	(void)arg;
	r[0] = how.ld(&z[0]);
	r[1] = how.ld(&x);
}

static void
read_modify_write_drains(void **state)
{
	const struct self_prog broken = { reset, { rmw0, rmw1 }, mp_broken };
	const struct self_prog late = { reset, { rmw0, rmw1 }, mp_late };

	(void)state;
	how.st = st_plain;
	how.ld = ld_relaxed;
	assert_int_equal(self_count_all(&broken, 4, SEEDS), 0);
	assert_int_not_equal(self_count_all(&late, 4, SEEDS), 0);
}

/* ---- 9.2.3.3 and 9.2.3.7 ------------------------------------------------------------------------ */

static void lb0(void *arg) { (void)arg; r[0] = how.ld(&x); how.st(&y, 1); }
static void lb1(void *arg) { (void)arg; r[1] = how.ld(&y); how.st(&x, 1); }
static bool lb_broken(void) { return r[0] == 1 && r[1] == 1; }
static void iriw0(void *arg) { (void)arg; how.st(&x, 1); }
static void iriw1(void *arg) { (void)arg; how.st(&y, 1); }
static void iriw2(void *arg) { (void)arg; r[0] = how.ld(&x); r[1] = how.ld(&y); }
static void iriw3(void *arg) { (void)arg; r[2] = how.ld(&y); r[3] = how.ld(&x); }
static bool iriw_broken(void) { return r[0] == 1 && r[1] == 0 && r[2] == 1 && r[3] == 0; }
static void ww0(void *arg) { (void)arg; how.st(&x, 1); a_step(0); how.st(&y, 2); }
static void ww1(void *arg) { (void)arg; how.st(&y, 1); a_step(0); how.st(&x, 2); }
static bool ww_broken(void) { return x == 1 && y == 1; }
static void co0(void *arg) { (void)arg; how.st(&x, 1); a_step(0); how.st(&x, 2); }
static void co1(void *arg) { (void)arg; r[0] = how.ld(&x); r[1] = how.ld(&x); }
static bool co_broken(void) { return r[1] < r[0] || x != 2; }

static void
never_on_x86(void **state)
{
	static const struct self_prog never[] = {
		{ reset, { lb0, lb1 }, lb_broken },
		{ reset, { iriw0, iriw1, iriw2, iriw3 }, iriw_broken },
		{ reset, { ww0, ww1 }, ww_broken },
		{ reset, { co0, co1, co1 }, co_broken },
	};

	(void)state;
	how.ld = ld_relaxed;
	for (unsigned int i = 0; i < 4; i++)
		for (unsigned int k = 0; k < 2; k++) {
			how.st = k ? st_plain : st_release;
			if (self_count_all(&never[i], 4, 2 * SEEDS) != 0)
				fail_msg("program %u, store %u", i, k);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(store_buffering_is_seen), cmocka_unit_test(never_without_a_buffer),
		cmocka_unit_test(never_past_a_fence), cmocka_unit_test(own_stores_are_seen),
		cmocka_unit_test(message_passing), cmocka_unit_test(read_modify_write_drains),
		cmocka_unit_test(never_on_x86),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

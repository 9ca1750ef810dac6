/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A21: the system takes the memory barrier for all threads away (a filter of system calls, put on
 * when everything is set up). Every control call that rests on it says so, and keeps what was; a
 * live change to strict that did not happen is not reported.
 *
 * Once with a real filter; else the Nth barrier fails, for each N: syscall() is wrapped.
 */
#include <limits.h>
#include <linux/filter.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include <sluice/device.h>

#include "rig.h"

#define PA   UINT64_C(0x300000000)
#define MOST 16u /* barriers of one call, and more */

static struct rig r;

long __real_syscall(long nr, ...);
long __wrap_syscall(long nr, ...);

/* Barriers tried since deny() was called; those from the deny_at-th on, up to the deny_upto-th,
 * are refused. 0: none. */
static _Atomic unsigned int tried, deny_at, deny_upto;

static void
deny(unsigned int from)
{
	tried = 0;
	deny_at = from;
	deny_upto = UINT_MAX;
}

/* Only that one: memory was short for a moment. */
static void
deny_one(unsigned int which)
{
	deny(which);
	deny_upto = which;
}

long
__wrap_syscall(long nr, ...)
{
	long a[6];
	va_list ap;

	va_start(ap, nr);
	for (unsigned int i = 0; i < RTE_DIM(a); i++)
		a[i] = va_arg(ap, long);
	va_end(ap);
	if (nr == SYS_membarrier && deny_at != 0) {
		if (a[0] == MEMBARRIER_CMD_PRIVATE_EXPEDITED)
			tried++;
		if (a[0] != MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED && tried >= deny_at &&
		    tried <= deny_upto) {
			errno = EPERM;
			return -1;
		}
	}
	return __real_syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static void
up(const char *policy)
{
	struct sluice_domain_conf c = { .policy = policy, .iova_size = 8 << 20, .batch = 8,
					.ring = 16 };

	rig_up(&r, "", &c);
	r.f->immediate = true;
}

static void
down(void)
{
	deny(0);
	rig_down(&r);
}

/* Somebody else polls, and does not say that he stops: a thread that went away. */
static void *
one_turn(void *arg)
{
	sluice_engine_poll(arg);
	return NULL;
}

static void
polled_elsewhere(void)
{
	pthread_t t;

	assert_int_equal(pthread_create(&t, NULL, one_turn, r.e), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	/* Its mark is an address of its stack's, and may be given to a thread of this test again:
	 * none is started. */
}

/* He polls no more. */
static void
polled_by_nobody(void)
{
	sluice_engine_poll(r.e);
	sluice_engine_release(r.e);
}

static void
says_why(int ret)
{
	assert_int_equal(ret, -ENOTSUP);
	assert_int_equal(rte_errno, ENOTSUP);
	assert_non_null(strstr(sluice_error(), "membarrier"));
}

/* Nothing is stale when an unmap returns. */
static void
is_strict(void)
{
	uint64_t iova = map_ok(r.d, PA, 4096), from = r.f->submitted + 1;

	assert_string_equal(sluice_domain_policy(r.d), "strict");
	assert_int_equal(sluice_unmap(r.d, iova, 4096), 0);
	assert_true(fake_covered(r.f, from, r.f->submitted, r.d->hw.tag, iova, 1));
	assert_int_equal(stats_of(r.d).pending, 0);
}

/* ---- a filter --------------------------------------------------------------------------------- */

struct filtered {
	bool filter; /* the kernel has filters */
	int ret, err;
	char why[256];
};

/* A filter is the thread's own: the other threads keep theirs. */
static void *
switch_filtered(void *arg)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_membarrier, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { .len = RTE_DIM(code), .filter = code };
	struct filtered *f = arg;

	f->filter = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
		    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog, 0, 0) == 0;
	if (!f->filter)
		return NULL;
	as_lcore(LCORE_ID_ANY);
	f->ret = sluice_domain_set_policy(r.d, "strict");
	f->err = rte_errno;
	snprintf(f->why, sizeof(f->why), "%s", sluice_error());
	return NULL;
}

static void
a21_filtered_switch_is_refused(void **state)
{
	struct filtered f = { .filter = false };
	pthread_t t;

	(void)state;
	up("deferred");
	assert_int_equal(pthread_create(&t, NULL, switch_filtered, &f), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	if (f.filter) {
		assert_int_equal(f.ret, -ENOTSUP);
		assert_int_equal(f.err, ENOTSUP);
		assert_non_null(strstr(f.why, "membarrier"));
		assert_string_equal(sluice_domain_policy(r.d), "deferred");
	} else {
		print_message("skipped: this kernel has no filters of system calls\n");
	}
	assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
	is_strict();
	down();
}

/* ---- the Nth ---------------------------------------------------------------------------------- */

static void
to_strict_at_each(void (*refuse)(unsigned int))
{
	unsigned int n = 0;
	int ret;

	do {
		up("deferred");
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
		assert_int_equal(stats_of(r.d).pending, 1);
		refuse(++n);
		ret = sluice_domain_set_policy(r.d, "strict");
		deny(0);
		if (ret != 0) {
			says_why(ret);
			assert_string_equal(sluice_domain_policy(r.d), "deferred");
			/* Whatever became of its rings: the next try has it, or the way back. */
			if (n % 2 == 0)
				assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
			assert_int_equal(sluice_domain_set_policy(r.d, "strict"), 0);
		}
		is_strict();
		down();
	} while (ret != 0 && n < MOST);
	/* One asked for first, two to close a ring, one before the new policy is put in. */
	assert_int_equal(n, 5);
}

static void
a21_switch_to_strict_at_each_barrier(void **state)
{
	(void)state;
	to_strict_at_each(deny);
	to_strict_at_each(deny_one);
}

static void
a21_switch_from_strict_at_each_barrier(void **state)
{
	unsigned int n = 0;
	int ret;

	(void)state;
	do {
		up("strict");
		deny(++n);
		ret = sluice_domain_set_policy(r.d, "deferred");
		if (ret != 0) {
			says_why(ret);
			is_strict();
		}
		deny(0);
		assert_int_equal(sluice_domain_set_policy(r.d, "deferred"), 0);
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
		assert_int_equal(stats_of(r.d).pending, 1);
		down();
	} while (ret != 0 && n < MOST);
	assert_in_range(n, 3, MOST - 1);
}

/* What is polled elsewhere is not changed, nor freed, without a barrier. A sanitizer sees the rest. */
static void
a21_what_is_polled_stays(void **state)
{
	struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 8 << 20 };
	struct fake *more;

	(void)state;
	up("strict");
	more = fake_open("mate=1");
	polled_elsewhere();
	deny(1);
	says_why(sluice_engine_add_iommu(r.e, more->iommu));
	assert_null(more->iommu->engine);
	assert_null(sluice_domain_create(r.iommu, &c));
	says_why(-(int)rte_errno);
	says_why(sluice_worker_register(r.e, 1));
	says_why(sluice_worker_unregister(r.e, 0));
	says_why(sluice_domain_destroy(r.d));
	/* It is a domain like any other still, as far as it can be used. */
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	deny(0);
	assert_int_equal(sluice_engine_add_iommu(r.e, more->iommu), 0);
	deny(1);
	says_why(sluice_engine_del_iommu(r.e, more->iommu));
	assert_ptr_equal(more->iommu->engine, r.e);
	deny(0);
	assert_int_equal(sluice_engine_del_iommu(r.e, more->iommu), 0);
	fake_close(more);
	polled_by_nobody();
	down();
}

/* Only the barrier after the change fails: what came may be polled, what was to go is polled. */
static void
a21_a_barrier_too_late(void **state)
{
	struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 8 << 20 };
	struct sluice_domain *d;
	struct fake *more;

	(void)state;
	up("strict");
	more = fake_open("mate=1");
	polled_elsewhere();
	deny(2);
	assert_int_equal(sluice_engine_add_iommu(r.e, more->iommu), 0);
	deny(4); /* two for the worker's part in it, two for the domain */
	d = sluice_domain_create(r.iommu, &c);
	assert_non_null(d);
	deny(2);
	says_why(sluice_domain_destroy(d));
	one_turn(r.e); /* it is found, and whole */
	deny(0);
	assert_int_equal(sluice_domain_destroy(d), 0);
	polled_elsewhere();
	deny(2);
	says_why(sluice_engine_del_iommu(r.e, more->iommu));
	one_turn(r.e);
	deny(0);
	assert_int_equal(sluice_engine_del_iommu(r.e, more->iommu), 0);
	fake_close(more);
	polled_by_nobody();
	down();
}

/* Who polls himself, or nobody does: nothing is in the middle of a turn, and a barrier not needed. */
static void
a21_unpolled_needs_none(void **state)
{
	struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 8 << 20 };
	struct sluice_domain *d;

	(void)state;
	up("strict");
	deny(1);
	for (unsigned int i = 0; i < 2; i++) {
		if (i == 1)
			sluice_engine_poll(r.e);
		assert_int_equal(sluice_worker_register(r.e, 1), 0);
		d = sluice_domain_create(r.iommu, &c);
		assert_non_null(d);
		assert_int_equal(sluice_unmap(d, map_ok(d, PA, 4096), 4096), 0);
		assert_int_equal(sluice_domain_destroy(d), 0);
		assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
	}
	/* With the barrier still refused: the end is always to be had. */
	sluice_engine_release(r.e);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	r.d = NULL;
	rig_down(&r);
	deny(0);
}

/* ---- the others who rest on it ----------------------------------------------------------------- */

static void
a21_one_more_iommu(void **state)
{
	uint32_t stream = 8;
	struct sluice_device *dev;
	struct fake *more;

	(void)state;
	up("strict");
	more = fake_open("mate=1");
	more->immediate = true;
	assert_int_equal(sluice_engine_add_iommu(r.e, more->iommu), 0);
	dev = sluice_device_add(more->iommu, &stream, 1);
	assert_non_null(dev);
	for (unsigned int n = 1; n <= 2; n++) {
		deny(n);
		says_why(sluice_domain_add_iommu(r.d, more->iommu));
		/* Who invalidates may not have seen it: nothing is attached behind it. */
		assert_int_equal(sluice_device_attach(dev, r.d), -EINVAL);
	}
	deny(0);
	assert_int_equal(sluice_domain_add_iommu(r.d, more->iommu), 0);
	assert_int_equal(sluice_domain_add_iommu(r.d, more->iommu), -EEXIST);
	assert_int_equal(sluice_device_attach(dev, r.d), 0);
	assert_int_equal(sluice_device_remove(dev), 0);
	assert_int_equal(sluice_domain_destroy(r.d), 0);
	r.d = NULL;
	assert_int_equal(sluice_engine_del_iommu(r.e, more->iommu), 0);
	fake_close(more);
	down();
}

static void
a21_trim_keeps_the_tables(void **state)
{
	uint64_t iova;

	(void)state;
	up("strict");
	iova = map_ok(r.d, PA, 4 << 20);
	assert_int_equal(sluice_unmap(r.d, iova, 4 << 20), 0);
	deny(1);
	says_why(sluice_domain_trim(r.d));
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	deny(0);
	assert_in_range(sluice_domain_trim(r.d), 1, 4);
	down();
}

static void
a21_persistent_drain(void **state)
{
	(void)state;
	up("persistent");
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	deny(1);
	says_why(sluice_domain_drain(r.d));
	/* The worker is not shut out. */
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 4096), 4096), 0);
	deny(0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	down();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a21_filtered_switch_is_refused),
		cmocka_unit_test(a21_switch_to_strict_at_each_barrier),
		cmocka_unit_test(a21_switch_from_strict_at_each_barrier),
		cmocka_unit_test(a21_what_is_polled_stays),
		cmocka_unit_test(a21_a_barrier_too_late),
		cmocka_unit_test(a21_unpolled_needs_none),
		cmocka_unit_test(a21_one_more_iommu),
		cmocka_unit_test(a21_trim_keeps_the_tables),
		cmocka_unit_test(a21_persistent_drain),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * poll.c, 1 to 4 (A19): a turn calls nobody who waits, never runs inside itself, and hands out faults
 * where nobody is in the middle of anything.
 */
#include <unistd.h>

#include "engine/flush/flush.h"
#include "rig.h"

#define PA UINT64_C(0x300000000)

static struct rig r;
static struct {
	unsigned int calls, n; /* of the fault callback; faults in them */
	uint64_t iova[64];
	unsigned int nested;   /* what a poll within it did */
	int ret[8];
	uint64_t took;         /* virtual ns that it took */
	unsigned int hooks;
} seen;

static void
up(const struct sluice_domain_conf *conf)
{
	memset(&seen, 0, sizeof(seen));
	rig_up(&r, "", conf);
}

static void
raise_faults(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		fake_fault(r.f, &(struct sluice_fault){ .iova = i, .kind = SLUICE_FAULT_ACCESS }, 1);
}

static void
note(const struct sluice_fault *f, unsigned int n, void *arg)
{
	(void)arg;
	seen.calls++;
	for (unsigned int i = 0; i < n; i++)
		seen.iova[seen.n++] = f[i].iova;
}

/* Turns until the event queue was looked at. */
static void
poll_events(void)
{
	for (unsigned int i = 0; i < 8; i++)
		sluice_engine_poll(r.e);
}

static void
poll_again(const struct sluice_fault *f, unsigned int n, void *arg)
{
	note(f, n, arg);
	for (unsigned int i = 0; i < 20; i++)
		seen.nested += sluice_engine_poll(r.e);
}

static void
a_poll_within_a_poll_is_none(void **state)
{
	const struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 2 << 20, .batch = 1 };

	(void)state;
	up(&c);
	sluice_engine_set_fault_cb(r.e, poll_again, NULL);
	raise_faults(3);
	for (unsigned int i = 0; i < 7; i++)
		sluice_engine_poll(r.e);
	/* Something to do for whoever polls within the eighth. */
	assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	uint64_t polls = r.e->polls;

	r.f->immediate = false;
	sluice_engine_poll(r.e);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.n, 3);
	assert_int_equal(seen.nested, 0);
	assert_int_equal(r.e->polls, polls + 1);
	/* And afterwards it goes on. */
	fake_complete_all(r.f);
	sluice_engine_poll(r.e);
	assert_int_equal(stats_of(r.d).pending, 0);
	rig_down(&r);
}

static void
count_hook(void *arg)
{
	(void)arg;
	seen.hooks++;
	seen.nested += sluice_engine_poll(r.e);
}

/* Whatever its policy: with no room in the queue the turn ends, and no relax hook was called. */
static void
a_turn_waits_for_nothing(void **state)
{
	static const char *const policy[] = { "deferred", "strict-async", "deferred-single", "rollover" };

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(policy); p++) {
		const struct sluice_domain_conf c = { .policy = policy[p], .iova_size = 4 << 20,
						      .batch = 4, .ring = 16 };
		struct sluice_domain_stats st;
		uint64_t now;

		up(&c);
		r.f->full = UINT32_MAX;
		r.f->on_relax = count_hook;
		for (unsigned int i = 0; i < 8; i++)
			assert_true(sluice_unmap_async(r.d, map_ok(r.d, PA, 1), 1, i) >= 0);
		/* rollover flushes for who asks only. */
		atomic_fetch_add(&r.d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN));
		atomic_fetch_add(&r.d->flush.asked, 1);
		for (unsigned int i = 0; i < 600; i++) {
			fake_tick(r.f, 5000);
			now = r.f->now;
			sluice_engine_poll(r.e);
			assert_int_equal(r.f->now, now);
		}
		assert_int_equal(seen.hooks, 0);
		assert_int_equal(r.f->submitted, 0);
		assert_true(r.f->tries >= 500);
		st = stats_of(r.d);
		assert_int_equal(st.flush_puts_off, 1);
		assert_int_equal(st.flush_errors, 0);
		assert_int_equal(st.released, 0);
		assert_int_equal(st.queued, st.pending);
		assert_int_equal(st.queued, 8);
		/* Room: in the very next turn. */
		r.f->full = 0;
		sluice_engine_poll(r.e);
		assert_int_equal(r.f->submitted, 1);
		for (unsigned int i = 0; i < 4; i++)
			sluice_engine_poll(r.e);
		st = stats_of(r.d);
		assert_int_equal(st.released, 8);
		assert_int_equal(st.flush_puts_off, 1);
		atomic_fetch_sub(&r.d->flush.wishes, flush_wish(SLUICE_FLUSH_DRAIN));
		r.f->on_relax = NULL;
		rig_down(&r);
	}
}

/* What would have to wait for the engine is refused in its callback, at once; what need not works. */
static void
try_everything(const struct sluice_fault *f, unsigned int n, void *arg)
{
	uint64_t start = r.f->now, iova = 0;
	struct sluice_domain *d;

	note(f, n, arg);
	seen.ret[0] = sluice_domain_drain(r.d);
	seen.ret[1] = sluice_map(r.d, PA, 4096, SLUICE_RW, &iova);
	seen.ret[2] = seen.ret[1] == 0 ? sluice_unmap(r.d, iova, 4096) : 0;
	seen.took = r.f->now - start;
	seen.ret[3] = sluice_domain_trim(r.d);
	d = sluice_domain_create(r.iommu, &(struct sluice_domain_conf){ .iova_size = 2 << 20 });
	seen.ret[4] = d != NULL;
	seen.ret[5] = sluice_domain_destroy(d);
	(void)stats_of(r.d);
}

static void
a_callback_may_do_what_does_not_wait_for_the_engine(void **state)
{
	static const char *const policy[] = { "deferred", "strict-async", "deferred-single", "rollover",
					      "strict" };

	(void)state;
	for (unsigned int p = 0; p < RTE_DIM(policy); p++) {
		const struct sluice_domain_conf c = { .policy = policy[p], .iova_size = 4 << 20,
						      .batch = 4, .ring = 16, .deadline_us = 1000000 };
		bool waits = strcmp(policy[p], "strict") != 0;
		bool ring = waits && strcmp(policy[p], "rollover") != 0;
		unsigned int live;

		up(&c);
		r.f->full = UINT32_MAX; /* no flush until the callback is through */
		for (live = 0; live < 16; live++)
			if (sluice_unmap_async(r.d, map_ok(r.d, PA, 1), 1, live) < 0)
				break;
		assert_int_equal(live, 16);
		sluice_engine_set_fault_cb(r.e, try_everything, NULL);
		raise_faults(1);
		poll_events();
		assert_int_equal(seen.calls, 1);
		assert_int_equal(seen.ret[0], waits ? -EAGAIN : 0);
		assert_int_equal(seen.ret[1], 0);
		/* Its ring is full; strict-async waits for the hardware alone. */
		assert_int_equal(seen.ret[2], ring && strcmp(policy[p], "strict-async") != 0 ? -EAGAIN : 0);
		assert_true(seen.took < FAKE_TIMEOUT / 10);
		assert_true(seen.ret[3] >= 0);
		assert_int_equal(seen.ret[4], 1);
		assert_int_equal(seen.ret[5], 0);
		r.f->full = 0;
		rig_down(&r);
	}
}

/* IOVAs are short and the callback cannot wait for those in the ring: it is told so at once. */
static void
no_iova_in_a_callback(void **state)
{
	const struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 2 << 20, .batch = 512,
					      .ring = 1024, .deadline_us = 1000000 };

	(void)state;
	up(&c);
	for (unsigned int i = 0; i < 512; i++)
		(void)map_ok(r.d, PA, 1);
	sluice_engine_set_fault_cb(r.e, try_everything, NULL);
	raise_faults(1);
	poll_events();
	assert_int_equal(seen.ret[1], -ENOSPC);
	assert_true(seen.took < FAKE_TIMEOUT / 10);
	rig_down(&r);
}

/* Nobody polls, so who waits makes the turns: the callback is not run in the middle of his call. */
static void
faults_wait_for_a_poll(void **state)
{
	const struct sluice_domain_conf c = { .policy = "deferred", .iova_size = 2 << 20, .batch = 4,
					      .ring = 16, .deadline_us = 1000000 };
	struct sluice_engine_stats st;

	(void)state;
	up(&c);
	sluice_engine_set_fault_cb(r.e, note, NULL);
	raise_faults(40);
	for (unsigned int i = 0; i < 100; i++) /* full rings: waits, with turns of the engine */
		assert_int_equal(sluice_unmap(r.d, map_ok(r.d, PA, 1), 1), 0);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_true(r.e->polls >= 8);
	/* In a relax hook of somebody who waits, likewise. */
	r.f->on_relax = count_hook;
	r.f->immediate = false;
	for (unsigned int i = 0; i < 20; i++) {
		r.f->immediate = i % 2 != 0;
		fake_relax(r.f);
		assert_true(sluice_relax(r.iommu));
	}
	r.f->on_relax = NULL;
	assert_int_equal(seen.calls, 0);
	sluice_engine_get_stats(r.e, &st);
	assert_int_equal(st.fault_received, 0);
	/* None is lost, and they come in order. */
	for (unsigned int i = 0; i < 4; i++)
		poll_events();
	assert_int_equal(seen.n, 40);
	for (unsigned int i = 0; i < 40; i++)
		assert_int_equal(seen.iova[i], i);
	sluice_engine_get_stats(r.e, &st);
	assert_int_equal(st.fault_received, 40);
	assert_int_equal(st.faults[SLUICE_FAULT_ACCESS], 40);
	rig_down(&r);
}

static void
leave_it(const struct sluice_fault *f, unsigned int n, void *arg)
{
	note(f, n, arg);
	sluice_engine_release(r.e);
	seen.nested += sluice_engine_poll(r.e);
}

static void
who_leaves_in_a_callback_has_left_after_it(void **state)
{
	(void)state;
	up(NULL);
	sluice_engine_set_fault_cb(r.e, leave_it, NULL);
	raise_faults(1);
	poll_events();
	assert_int_equal(seen.calls, 1);
	assert_int_equal(seen.nested, 0);
	assert_int_equal(r.e->poller, 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_poll_within_a_poll_is_none),
		cmocka_unit_test(a_turn_waits_for_nothing),
		cmocka_unit_test(a_callback_may_do_what_does_not_wait_for_the_engine),
		cmocka_unit_test(no_iova_in_a_callback),
		cmocka_unit_test(faults_wait_for_a_poll),
		cmocka_unit_test(who_leaves_in_a_callback_has_left_after_it),
	};

	alarm(30); /* a hang is a failure */
	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

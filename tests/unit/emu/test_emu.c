/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The emulated SMMU as a whole: settings it refuses, the loop, masters, and that the same seed
 * gives the same run.
 */
#include <pthread.h>

#include <rte_errno.h>

#include "rig.h"

static void
test_refused_settings(void **state)
{
	struct sluice_mem_span span = { .pa = RIG_PA, .len = 4096 };
	uint8_t *page = aligned_alloc(65536, SMMU_REGS_SIZE);
	struct emu_smmuv3_conf c;

	(void)state;
	span.va = aligned_alloc(4096, 4096);
	memset(page, 0, SMMU_REGS_SIZE);
#define REFUSED(field, value)                                                                      \
	do {                                                                                       \
		c = rig_conf();                                                                    \
		c.field = (value);                                                                 \
		rte_errno = 0;                                                                     \
		assert_null(emu_smmuv3_create(&c, page, span));                                    \
		assert_int_equal(rte_errno, EINVAL);                                               \
	} while (0)
	REFUSED(sid_bits, 33);
	REFUSED(oas, 41);
	REFUSED(oas, 52);
	REFUSED(cmdq_max_log2, 20);
	REFUSED(evtq_max_log2, 20);
	REFUSED(iotlb, 100);
	REFUSED(iotlb, 2);
	REFUSED(walk_cache, 3);
	REFUSED(cfg_cache, 65);
	REFUSED(step_ns, 0);
	REFUSED(two_level, false); /* with 16 StreamID bits */
	c.sid_bits = 7;
	assert_null(emu_smmuv3_create(&c, page, span));
	c = rig_conf(); /* no interrupt of either kind */
	c.msi = c.wired = false;
	assert_null(emu_smmuv3_create(&c, page, span));
	REFUSED(hyp, false); /* mandatory with both stages from v3.2 on (§6.3.1) */
	c = rig_conf(); /* no stage */
	c.s1 = c.s2 = false;
	assert_null(emu_smmuv3_create(&c, page, span));
	c = rig_conf();
	assert_null(emu_smmuv3_create(&c, NULL, span));
	span.pa++;
	assert_null(emu_smmuv3_create(&c, page, span));
	emu_destroy(NULL);
	free(page);
	free(span.va);
}

/* One unit, one step of the clock; an idle SMMU says so and stops at once. */
static void
test_units(void **state)
{
	struct rig *r = *state;
	const _Atomic uint64_t *clock = emu_virtual_clock(r->e);
	uint64_t t = atomic_load(clock);
	struct emu_smmuv3_stats a = rig_stats(r), b;

	assert_int_equal(emu_step(r->e, 100), 0);
	assert_int_equal(atomic_load(clock) - t, 10);
	for (int i = 0; i < 8; i++)
		rig_post(r, SMMU_CMD_TLBI_NH_ALL, 0);
	assert_int_equal(emu_step(r->e, 3), 3);
	assert_int_equal(atomic_load(clock) - t, 40);
	assert_int_equal(emu_step(r->e, 100), 5);
	b = rig_stats(r);
	assert_int_equal(b.core.steps - a.core.steps, 10);
	assert_int_equal(b.core.idle_steps - a.core.idle_steps, 2);
	assert_int_equal(b.cmds - a.cmds, 8);
	assert_int_equal(emu_step(r->e, 0), 0);
}

/* ---- masters --------------------------------------------------------------------------------- */

struct toy {
	struct emu_master m;
	unsigned int calls, work;
};

static unsigned int
toy_step(struct emu_master *m, struct emu *e, unsigned int budget)
{
	struct toy *t = (struct toy *)(void *)m; /* m comes first */

	(void)e;
	assert_true(budget >= 1);
	t->calls++;
	if (t->work == 0)
		return 0;
	t->work--;
	return 1;
}

static void
test_masters(void **state)
{
	struct rig *r = *state;
	struct toy a = { .m.step = toy_step, .work = 5 }, b = { .m.step = toy_step, .work = 2 };

	emu_master_add(r->e, &a.m);
	emu_master_add(r->e, &b.m);
	for (int i = 0; i < 4; i++)
		rig_post(r, SMMU_CMD_TLBI_NH_ALL, 0);
	assert_int_equal(emu_step(r->e, 2), 2);
	/* Commands and masters take turns: nobody starves. */
	assert_int_equal(a.work, 3);
	assert_int_equal(b.work, 0);
	assert_int_equal(rig_stats(r).cmds, 2);
	assert_int_equal(emu_step(r->e, 100), 3);
	emu_master_del(r->e, &a.m);
	a.calls = 0;
	b.work = 1;
	rig_run(r);
	assert_int_equal(a.calls, 0);
	assert_int_equal(b.work, 0);
	emu_master_del(r->e, &b.m);
}

static _Atomic bool stop;

static void *
stepper(void *arg)
{
	struct rig *r = arg;

	while (!atomic_load(&stop))
		emu_step(r->e, 16);
	return NULL;
}

/* Masters come and go, and the map of owners changes, while another thread steps. */
static void
test_changes_while_stepping(void **state)
{
	struct rig *r = *state;
	static uint8_t owned[16];
	pthread_t t;

	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&t, NULL, stepper, r), 0);
	for (int i = 0; i < 300; i++) {
		struct toy *m = calloc(1, sizeof(*m));

		m->m.step = toy_step;
		m->work = 3;
		emu_master_add(r->e, &m->m);
		emu_watch(r->e, RIG_PA, sizeof(owned) * 4096, owned);
		emu_inject(r->e, EMU_INJECT_SYNC_HANG, i & 1);
		rig_stats(r);
		emu_master_del(r->e, &m->m);
		free(m); /* a step that still uses it is a use after free */
	}
	atomic_store(&stop, true);
	pthread_join(t, NULL);
}

/* Two threads that both step: one at a time, none hurt. */
static void
test_two_steppers(void **state)
{
	struct rig *r = *state;
	struct toy m = { .m.step = toy_step, .work = 20000 };
	pthread_t t;

	atomic_store(&stop, false);
	emu_master_add(r->e, &m.m);
	assert_int_equal(pthread_create(&t, NULL, stepper, r), 0);
	for (int i = 0; i < 20000; i++)
		emu_step(r->e, 4);
	atomic_store(&stop, true);
	pthread_join(t, NULL);
	rig_run(r);
	assert_int_equal(m.work, 0);
	assert_true(m.calls >= 20000);
	emu_master_del(r->e, &m.m);
}

/* ---- determinism ----------------------------------------------------------------------------- */

static uint64_t
hash(uint64_t h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		h = (h ^ ((const uint8_t *)p)[i]) * UINT64_C(0x100000001b3);
	return h;
}

/* Maps, accesses, invalidations in flight and shuffled, faults: everything the SMMU left behind. */
static uint64_t
run(uint64_t seed, bool shuffle)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct emu_smmuv3_stats st;
	uint64_t pages[8], h = 1, x = 88172645463325252u;
	struct rig r;

	c.seed = seed;
	c.shuffle = shuffle;
	c.tlbi_ns = 150;
	c.sync_ns = 70;
	c.iotlb = 16;
	c.walk_cache = 4;
	rig_new(&r, &c);
	rig_up(&r);
	for (unsigned int i = 0; i < 8; i++)
		pages[i] = rig_page(&r, (uint8_t)i);
	for (int i = 0; i < 5000; i++) {
		uint64_t va;

		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		va = (x >> 8 & 31) << 12;
		switch (x & 7) {
		case 0:
			rig_map(&r, va, pages[x >> 20 & 7], RIG_RW);
			break;
		case 1:
			if (((r.prod - rig_cons(&r)) & 63) < 31)
				rig_post(&r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), va | 1);
			break;
		case 2:
			if (((r.prod - rig_cons(&r)) & 63) < 31)
				rig_post(&r, SMMU_CMD_SYNC, 0);
			break;
		case 3:
			*rig_map(&r, va, 0, 0) = 0;
			break;
		default:
			rig_read(&r, va);
			h = hash(h, &r.buf, 4);
		}
		emu_step(r.e, x >> 40 & 3);
	}
	rig_run(&r);
	st = rig_stats(&r);
	h = hash(h, &st, sizeof(st));
	h = hash(h, r.mem, RIG_LEN);
	h = hash(h, r.regs, SMMU_REGS_SIZE);
	rig_free(&r);
	return h;
}

static void
test_same_seed_same_run(void **state)
{
	(void)state;
	assert_int_equal(run(1, false), run(1, false));
	assert_int_equal(run(7, true), run(7, true));
	assert_int_not_equal(run(7, true), run(8, true));
	assert_int_equal(run(7, false), run(8, false)); /* no choice, no difference */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refused_settings),
		RIG_TEST(test_units),
		RIG_TEST(test_masters),
		RIG_TEST(test_changes_while_stepping),
		RIG_TEST(test_two_steppers),
		cmocka_unit_test(test_same_seed_same_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

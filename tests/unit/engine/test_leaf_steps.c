/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * An unmap of what is not mapped, and a trim that takes the table away before its Nth instruction,
 * for each N (trim.c, 3): an error, never a pointer to nothing. The processor stops after each
 * instruction, so every policy is tried as it is compiled.
 */
#include <signal.h>
#include <ucontext.h>

#include "engine/tsan.h"
#include "rig.h"

#define CHUNKS 8u
#define AT     3u /* the chunk that has a table, and nothing in it */
#define MOST   20000u /* instructions of a call */

#if defined(__x86_64__) && !SLUICE_TSAN
#define TRAP_FLAG 0x100

static struct rig r;
static volatile unsigned int steps, gone_at;
static volatile bool stepping;

/* After each instruction; and once from raise(), which begins it. */
static void
trap(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)sig, (void)info;
	if (!stepping) {
		u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
		return;
	}
	u->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
	if (steps++ != gone_at)
		return;
	for (unsigned int i = AT; i < AT + 2; i++)
		atomic_store_explicit(&r.d->leaf[i], NULL, memory_order_relaxed);
	stepping = false; /* nothing more to see */
	u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

/* One call that must fail. */
static int
call(unsigned int how, uint64_t iova, size_t len)
{
	struct sluice_seg seg[2] = { { .iova = iova, .len = len }, { .iova = iova, .len = len } };
	unsigned int later;

	switch (how) {
	case 0:
		return sluice_unmap(r.d, iova, len);
	case 1:
		return sluice_unmap_async(r.d, iova, len, 1);
	case 2:
		return sluice_unmap_burst(r.d, seg, 2) == 0 ? -rte_errno : 0;
	default:
		return sluice_unmap_async_burst(r.d, seg, 2, &later) == 0 ? -rte_errno : 0;
	}
}

/* How many instructions were seen, up to the one before which the table went. */
static unsigned int
steps_of(unsigned int how, uint64_t iova, size_t len)
{
	int ret;

	steps = 0;
	stepping = true;
	raise(SIGTRAP);
	ret = call(how, iova, len);
	stepping = false;
	assert_true(ret == -ENOENT || ret == -EINVAL);
	return steps;
}

static void
every_step(unsigned int how, uint64_t iova, size_t len)
{
	uint64_t *table[2];

	for (unsigned int i = 0; i < 2; i++)
		table[i] = atomic_load(&r.d->leaf[AT + i]);
	for (gone_at = 0; steps_of(how, iova, len) == gone_at + 1; gone_at++) {
		assert_true(gone_at < MOST);
		for (unsigned int i = 0; i < 2; i++)
			atomic_store(&r.d->leaf[AT + i], table[i]);
	}
	/* The last time it ended before the table went. */
	assert_true(gone_at > 20);
}

static void
a_table_that_goes_at_any_moment(void **state)
{
	const size_t len[] = { 4096, 5 * 4096, 4 << 20 };
	const struct sigaction on = { .sa_sigaction = trap, .sa_flags = SA_SIGINFO };
	const struct sigaction off = { .sa_handler = SIG_DFL };
	const char *name;

	(void)state;
	for (unsigned int p = 0; (name = sluice_policy_name(p)) != NULL; p++) {
		const struct sluice_domain_conf conf = { .policy = name, .iova_size = CHUNKS << 21,
							 .copy_pool = 2 << 20 };

		if (strcmp(name, "static") == 0 || strcmp(name, "hugepool") == 0)
			continue; /* an unmap looks at no table */
		for (unsigned int untrusted = 0; untrusted < 2; untrusted++) {
			struct sluice_domain_conf c = conf;
			uint64_t iova;

			c.untrusted = untrusted != 0;
			if (strcmp(name, "strict") != 0 && c.untrusted)
				continue;
			rig_up(&r, "", NULL);
			r.d = sluice_domain_create(r.iommu, &c);
			assert_non_null(r.d);
			if (r.d->type == SLUICE_DOMAIN_PAGING) {
				iova = r.d->iova_base + (AT << 21);
				for (unsigned int i = AT; i < AT + 2; i++)
					assert_int_equal(r.d->iova.prepare(r.d->iova.arg, i), 0);
				assert_int_equal(sigaction(SIGTRAP, &on, NULL), 0);
				for (unsigned int l = 0; l < RTE_DIM(len); l++)
					every_step(0, iova, len[l]);
				for (unsigned int how = 1; how < 4; how++)
					every_step(how, iova, 4096);
				assert_int_equal(sigaction(SIGTRAP, &off, NULL), 0);
			}
			rig_down(&r);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_table_that_goes_at_any_moment),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int
main(void)
{
	puts("SKIP: stops after each instruction, which is done for x86-64 and without a race detector");
	return 77;
}
#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * An unmap of what is not mapped, and a trim that takes the table away before its Nth instruction,
 * for each N (trim.c, 3): an error, never a pointer to nothing. The processor stops after each
 * instruction, so every policy is tried as it is compiled.
 */
#include "rig.h"
#include "steps.h"

#define CHUNKS 8u
#define AT     3u /* the chunk that has a table, and nothing in it */
#define MOST   20000u /* instructions of a call */

static struct rig r;
static struct sluice_seg seg[2];
static unsigned int how;

static void
trim(void)
{
	for (unsigned int i = AT; i < AT + 2; i++)
		atomic_store_explicit(&r.d->leaf[i], NULL, memory_order_relaxed);
}

/* One call that must fail. */
static void
call(void)
{
	unsigned int later, done = 0;
	int ret = 0;

	if (how == 0)
		ret = sluice_unmap(r.d, seg[0].iova, seg[0].len);
	else if (how == 1)
		ret = sluice_unmap_async(r.d, seg[0].iova, seg[0].len, 1);
	else if (how == 2)
		done = sluice_unmap_burst(r.d, seg, 2);
	else
		done = sluice_unmap_async_burst(r.d, seg, 2, &later);
	if (how >= 2)
		ret = -rte_errno;
	if (done != 0 || (ret != -ENOENT && ret != -EINVAL))
		abort();
}

static void
every_step(unsigned int which, uint64_t iova, size_t len)
{
	uint64_t *table[2];
	unsigned int at;

	how = which;
	seg[0] = seg[1] = (struct sluice_seg){ .iova = iova, .len = len };
	for (unsigned int i = 0; i < 2; i++)
		table[i] = atomic_load(&r.d->leaf[AT + i]);
	for (at = 0; steps_run(call, trim, at); at += STEPS_EACH) {
		assert_true(at < MOST);
		for (unsigned int i = 0; i < 2; i++)
			atomic_store(&r.d->leaf[AT + i], table[i]);
	}
	/* The last time it ended before the table went. */
	assert_true(at > 20);
}

static void
a_table_that_goes_at_any_moment(void **state)
{
	const size_t len[] = { 4096, 5 * 4096, 4 << 20 };
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
				for (unsigned int l = 0; l < RTE_DIM(len); l++)
					every_step(0, iova, len[l]);
				for (unsigned int which = 1; which < 4; which++)
					every_step(which, iova, 4096);
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

	if (!STEPS_CAN) {
		puts(STEPS_SKIP);
		return 77;
	}
	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

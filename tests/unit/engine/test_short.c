/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Control calls that are short of something: sluice_error() names the domain's policy and what was
 * short (domain_worker.c, the worker_init of each policy). Any allocation fails on demand: linked
 * with --wrap for each way to allocate.
 */
#include "rig.h"

#define BEFORE "what was said before"

void *__real_rte_zmalloc(const char *type, size_t size, unsigned int align);
void *__wrap_rte_zmalloc(const char *type, size_t size, unsigned int align);
void *__real_rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket);
void *__wrap_rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket);
void *__real_calloc(size_t n, size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__real_sluice_host_alloc(size_t size);
void *__wrap_sluice_host_alloc(size_t size);

static unsigned int left; /* allocations until one fails; 0: none does */

static bool
fails(void)
{
	return left != 0 && --left == 0;
}

void *
__wrap_rte_zmalloc(const char *type, size_t size, unsigned int align)
{
	return fails() ? NULL : __real_rte_zmalloc(type, size, align);
}

void *
__wrap_rte_zmalloc_socket(const char *type, size_t size, unsigned int align, int socket)
{
	return fails() ? NULL : __real_rte_zmalloc_socket(type, size, align, socket);
}

void *
__wrap_calloc(size_t n, size_t size)
{
	return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_sluice_host_alloc(size_t size)
{
	return fails() ? NULL : __real_sluice_host_alloc(size);
}

static struct sluice_domain_conf
conf_of(const char *policy)
{
	return (struct sluice_domain_conf){ .policy = policy, .iova_size = 128 << 20,
					    .copy_pool = 1 << 20 };
}

/* The call before failed: is that said, with these words? */
static void
said(const char *policy, const char *what)
{
	if (strcmp(sluice_error(), BEFORE) == 0 || sluice_error()[0] == '\0' ||
	    strstr(sluice_error(), policy) == NULL || strstr(sluice_error(), what) == NULL)
		fail_msg("%s, no %s: \"%s\"", policy, what, sluice_error());
}

/* The Nth allocation of a call fails, for each N. */
static void
a_worker_that_finds_no_memory(void **state)
{
	const char *name;

	(void)state;
	for (unsigned int p = 0; (name = sluice_policy_name(p)) != NULL; p++) {
		const struct sluice_domain_conf c = conf_of(name);
		unsigned int errors = 0;
		struct rig r;
		bool fired = true;

		rig_up(&r, "", &c);
		for (unsigned int n = 1; fired; n++) {
			(void)sluice_fail(EIO, BEFORE);
			left = n;
			int ret = sluice_worker_register(r.e, 1);

			fired = left == 0;
			left = 0;
			if (ret == 0) { /* E2: without a flush ring it is strict */
				assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
				continue;
			}
			assert_true(fired);
			assert_int_equal(ret, -ENOMEM);
			assert_int_equal(rte_errno, ENOMEM);
			said(name, "lcore 1");
			said(name, "memory");
			errors++;
		}
		assert_true(errors >= 2);
		rig_down(&r);
	}
}

static void
a_domain_that_finds_no_memory(void **state)
{
	const char *name;

	(void)state;
	for (unsigned int p = 0; (name = sluice_policy_name(p)) != NULL; p++) {
		const struct sluice_domain_conf c = conf_of(name);
		bool fired = true;
		struct rig r;

		rig_up(&r, "", NULL);
		for (unsigned int n = 1; fired; n++) {
			(void)sluice_fail(EIO, BEFORE);
			left = n;
			r.d = sluice_domain_create(r.iommu, &c);
			fired = left == 0;
			left = 0;
			if (r.d == NULL) {
				assert_true(fired);
				assert_int_equal(rte_errno, ENOMEM);
				said("", "memory");
			}
			assert_int_equal(sluice_domain_destroy(r.d), 0);
		}
		r.d = NULL;
		rig_down(&r);
	}
}

/* Two pools of two places of 2 MiB each are all that such a window holds. */
static void
a_window_without_a_place(void **state)
{
	struct sluice_domain_conf c = conf_of("copy");
	struct rig r;

	(void)state;
	c.iova_size = 8 << 20;
	rig_up(&r, "", &c);
	rig_workers(&r, 1);
	assert_int_equal(sluice_worker_register(r.e, 2), -ENOSPC);
	assert_int_equal(rte_errno, ENOSPC);
	assert_string_equal(sluice_error(), "a domain with policy copy has no place for lcore 2: "
			    "the IOVA window is too small, or too full, for 1024 KiB of copy pool, twice");
	assert_null(sluice_domain_create(r.iommu, &(struct sluice_domain_conf){
				.policy = "hybrid", .iova_size = 2 << 20, .copy_pool = 4096 }));
	assert_string_equal(sluice_error(), "a domain with policy hybrid has no place for lcore 0: "
			    "the IOVA window is too small, or too full, for 4 KiB of copy pool, twice");
	rig_down(&r);
}

/* The IOMMU's memory is used up, and what other domains keep there cannot be had. */
static void
an_iommu_without_memory(void **state)
{
	struct sluice_domain_conf c = conf_of("copy");
	struct sluice_domain *other;
	unsigned int lcore;
	struct rig r;
	uint64_t iova;

	(void)state;
	rig_up(&r, "mem=4", &c);
	other = sluice_domain_create(r.iommu, &(struct sluice_domain_conf){ .policy = "strict" });
	assert_non_null(other);
	assert_int_equal(sluice_map(other, UINT64_C(0x300000000), 4096, SLUICE_RW, &iova), 0);
	assert_int_equal(sluice_unmap(other, iova, 4096), 0);
	r.f->refuse = UINT32_MAX; /* so no trim succeeds */
	for (lcore = 1; sluice_worker_register(r.e, lcore) == 0; lcore++)
		assert_true(lcore < 5);
	assert_int_equal(rte_errno, ENOMEM);
	said("policy copy",
	     "copy pool: 1048576 bytes do not fit into the IOMMU's memory of 4194304 bytes");
	r.f->refuse = 0;
	assert_int_equal(sluice_domain_destroy(other), 0);
	rig_down(&r);
}

/* A worker for whose leaving memory is short stays, idle. When it comes back, the cookies that it
 * had not taken are void as after any other leaving. */
static void
a14_cookies_are_void_whatever_is_short(void **state)
{
	struct sluice_domain_conf conf = conf_of("strict-async");
	uint64_t iova, cookie[4];
	struct rig r;

	(void)state;
	rig_up(&r, "", &conf);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	assert_int_equal(sluice_map(r.d, UINT64_C(0x300000000), 4096, SLUICE_RW, &iova), 0);
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 70), 1);
	as_lcore(0);
	left = 1;
	assert_int_equal(sluice_worker_unregister(r.e, 1), 0);
	assert_int_equal(left, 0);
	assert_non_null(r.d->lc[1]);
	assert_int_equal(sluice_worker_register(r.e, 1), 0);
	as_lcore(1);
	assert_int_equal(sluice_unmap_completed(r.d, cookie, 4), 0);
	assert_int_equal(sluice_map(r.d, UINT64_C(0x300000000), 4096, SLUICE_RW, &iova), 0);
	assert_int_equal(sluice_unmap_async(r.d, iova, 4096, 71), 1);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	assert_int_equal(sluice_unmap_completed(r.d, cookie, 4), 1);
	assert_int_equal(cookie[0], 71);
	as_lcore(0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_that_finds_no_memory),
		cmocka_unit_test(a_domain_that_finds_no_memory),
		cmocka_unit_test(a_window_without_a_place),
		cmocka_unit_test(an_iommu_without_memory),
		cmocka_unit_test(a14_cookies_are_void_whatever_is_short),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Control calls without what they are about are refused: -EINVAL, or NULL with EINVAL, and a line
 * that says so. The calls are made from the headers (nulls.py).
 */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <rte_errno.h>

#include "../eal.h"
#include "nulls.h"

struct nulls nulls;

void
nulls_told(void)
{
	if (rte_errno != EINVAL || strcmp(sluice_error(), "") == 0)
		fail_msg("%s: rte_errno %d, \"%s\"", nulls.doing, rte_errno, sluice_error());
	sluice_iommu_open("nothing of that name"); /* another line */
	rte_errno = 0;
}

static void
crashed(int sig)
{
	ssize_t n = write(STDERR_FILENO, nulls.doing, strlen(nulls.doing));

	(void)sig;
	_exit(n < 0 ? 2 : 1);
}

static void
refused_not_followed(void **state)
{
	struct sluice_domain_conf conf = { .policy = "copy" };
	uint32_t stream = 8;

	(void)state;
	nulls.iommu = sluice_iommu_open("smmuv3,regs=emu,step=1,mem_mb=32");
	nulls.engine = sluice_engine_create();
	assert_int_equal(sluice_engine_add_iommu(nulls.engine, nulls.iommu), 0);
	assert_int_equal(sluice_worker_register(nulls.engine, 0), 0);
	nulls.dom = sluice_domain_create(nulls.iommu, &conf);
	nulls.dev = sluice_device_add(nulls.iommu, &stream, 1);
	assert_int_equal(sluice_device_attach(nulls.dev, nulls.dom), 0);
	nulls.dma = sluice_dma_open(nulls.dev, "emu");
	assert_non_null(nulls.dma);
	rte_errno = 0;
	/* Every function with a pointer but the fast ones: more than are mentioned by name anywhere. */
	assert_in_range(nulls_call(), 60, 1000);
	/* Nothing was taken away, and nothing is in the way. */
	assert_int_equal(sluice_dma_close(nulls.dma), 0);
	assert_int_equal(sluice_device_remove(nulls.dev), 0);
	assert_int_equal(sluice_domain_destroy(nulls.dom), 0);
	assert_int_equal(sluice_worker_unregister(nulls.engine, 0), 0);
	assert_int_equal(sluice_engine_del_iommu(nulls.engine, nulls.iommu), 0);
	assert_int_equal(sluice_engine_destroy(nulls.engine), 0);
	assert_int_equal(sluice_iommu_close(nulls.iommu), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(refused_not_followed) };

	test_eal_init("0");
	signal(SIGSEGV, crashed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * dma.c: the registry of DMA makers, and that calls reach the maker.
 */
#include <sluice/device.h>

#include "engine/object/device.h"
#include "rig.h"

static struct {
	unsigned int opens, closes, submits, completions;
	int close_ret;
	const char *ring;
} m;

static int
maker_open(struct sluice_dma *dma, struct rte_kvargs *kv)
{
	if (rte_kvargs_get(kv, "fail") != NULL)
		return sluice_fail(ENOTSUP, "maker: not here");
	m.ring = rte_kvargs_get(kv, "ring") != NULL ? "given" : NULL;
	dma->priv = &m;
	m.opens++;
	return 0;
}

static int
maker_close(struct sluice_dma *dma)
{
	(void)dma;
	m.closes += m.close_ret == 0;
	return m.close_ret;
}

static uint16_t
maker_submit(struct sluice_dma *dma, const struct sluice_dma_desc *d, uint16_t n)
{
	(void)d;
	assert_ptr_equal(dma->priv, &m);
	m.submits += n;
	return (uint16_t)(n / 2);
}

static uint16_t
maker_completed(struct sluice_dma *dma, struct sluice_dma_cpl *c, uint16_t n)
{
	(void)dma, (void)n;
	c[0].cookie = 99;
	m.completions++;
	return 1;
}

static void
maker_stats(const struct sluice_dma *dma, struct sluice_dma_stats *st)
{
	(void)dma;
	*st = (struct sluice_dma_stats){ .submitted = m.submits };
}

static const struct sluice_dma_ops maker_ops = { .name = "maker", .open = maker_open,
						 .close = maker_close, .submit = maker_submit,
						 .completed = maker_completed,
						 .stats = maker_stats };
SLUICE_REGISTER_DMA(maker, &maker_ops)

static void
bad_strings(void **state)
{
	static const char *const bad[] = { "", ",", "make", "makers", "MAKER,ring=4" };
	struct fake *f = fake_open("mem=1");
	const uint32_t s = 1;
	struct sluice_device *dev = sluice_device_add(f->iommu, &s, 1);

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(bad); i++) {
		rte_errno = 0;
		assert_null(sluice_dma_open(dev, bad[i]));
		assert_int_equal(rte_errno, EINVAL);
		assert_non_null(strstr(sluice_error(), "maker")); /* says what there is */
	}
	assert_null(sluice_dma_open(dev, "maker,fail=1"));
	assert_int_equal(rte_errno, ENOTSUP);
	assert_int_equal(m.opens, 0);
	assert_int_equal(sluice_device_remove(dev), 0);
	fake_close(f);
}

static void
calls_reach_the_maker(void **state)
{
	struct fake *f = fake_open("mem=1");
	const uint32_t s = 1;
	struct sluice_device *dev = sluice_device_add(f->iommu, &s, 1);
	struct sluice_dma *dma = sluice_dma_open(dev, "maker,ring=8");
	struct sluice_dma_desc d[4] = { { 0 } };
	struct sluice_dma_cpl c[4];
	struct sluice_dma_stats st;

	(void)state;
	assert_non_null(dma);
	assert_string_equal(m.ring, "given");
	assert_ptr_equal(dma->dev, dev);
	assert_ptr_equal(dma->iommu, f->iommu);
	assert_int_equal(sluice_dma_submit(dma, d, 4), 2);
	assert_int_equal(sluice_dma_completed(dma, c, 4), 1);
	assert_int_equal(c[0].cookie, 99);
	sluice_dma_get_stats(dma, &st);
	assert_int_equal(st.submitted, 4);
	assert_int_equal(sluice_dma_probe(dma, true), -ENOTSUP); /* this maker cannot */
	m.close_ret = -EBUSY;
	assert_int_equal(sluice_dma_close(dma), -EBUSY);
	m.close_ret = 0;
	assert_int_equal(sluice_dma_close(dma), 0);
	assert_int_equal(sluice_dma_close(NULL), 0);
	assert_int_equal(m.closes, 1);
	dma = sluice_dma_open(dev, "maker");
	assert_non_null(dma);
	assert_null(m.ring);
	assert_int_equal(sluice_dma_close(dma), 0);
	assert_int_equal(sluice_device_remove(dev), 0);
	fake_close(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bad_strings),
		cmocka_unit_test(calls_reach_the_maker),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

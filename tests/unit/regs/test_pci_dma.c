/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The DMA makers edu and testdev over a made-up bus: every register access is seen, time is ours,
 * and the device may hang, die or be something else.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../engine/object/device.h"
#include "../../../pmd/dma/pci_chan.h"
#include "../../../engine/driver.h"

/* ---- the registry, as the engine would have it ----------------------------------------------- */

static const struct sluice_dma_ops *makers[4];
static unsigned int nb_makers;

void
sluice_dma_maker_register(struct sluice_dma_maker *m)
{
	makers[nb_makers++] = m->ops;
}

static const struct sluice_dma_ops *
maker(const char *name)
{
	for (unsigned int i = 0; i < nb_makers; i++)
		if (strcmp(makers[i]->name, name) == 0)
			return makers[i];
	fail_msg("no maker %s", name);
	return NULL;
}

/* ---- the bus: 32 devices of each kind, registers as bytes ------------------------------------ */

#define BAR_LEN 0x100000u

static _Atomic uint64_t now; /* ns */
static uint8_t bar[BAR_LEN];
static unsigned int accesses, opens;
static uint32_t td_result; /* what testdev will say */
static uint32_t td_run[8]; /* registers at the moment it ran */
static bool dead, hung;
static uint64_t edu_done_at;
static unsigned int edu_started;

static uint64_t
get(uint32_t off, unsigned int size)
{
	uint64_t v = 0;

	memcpy(&v, bar + off, size);
	return v;
}

static void
put(uint32_t off, unsigned int size, uint64_t v)
{
	memcpy(bar + off, &v, size);
}

static uint64_t
bus_read(struct sluice_regs *r, uint64_t pa, unsigned int size)
{
	(void)r;
	accesses++;
	if (dead)
		return size == 8 ? UINT64_MAX : UINT32_MAX;
	if (pa == 0x1098 && !hung && now >= edu_done_at)
		put(0x98, 8, get(0x98, 8) & ~UINT64_C(1));
	if (pa == 0x2000 && get(0x14, 4) == 1) {
		memcpy(td_run, bar + 4, 32);
		put(0x10, 4, td_result);
	}
	return get(pa & 0xfff, size);
}

static void
bus_write(struct sluice_regs *r, uint64_t pa, unsigned int size, uint64_t v)
{
	(void)r;
	accesses++;
	if (pa == 0x1004)
		v = ~v;
	if (pa == 0x1098 && (v & 1)) {
		assert_false(get(0x98, 8) & 1); /* never while one is under way */
		edu_done_at = now + 100000000;
		edu_started++;
	}
	put(pa & 0xfff, size, v);
}

static int
pci_open(struct sluice_regs *r, uint16_t vendor, uint16_t device, unsigned int nth,
	 struct sluice_pci *p, uint32_t *stream)
{
	bool edu = vendor == 0x1234 && device == 0x11e8, td = vendor == 0x1b36 && device == 5;

	assert_true(edu || td);
	if (nth > 3)
		return sluice_fail(ENODEV, "no such device");
	if (stream != NULL)
		*stream = 8 * (nth + 1);
	if (p == NULL)
		return 0;
	opens++;
	*p = (struct sluice_pci){ .regs = r, .bar_pa = edu ? 0x1000 : 0x2000, .bar_len = BAR_LEN,
				  .stream = 8 * (nth + 1), .fd = -1 };
	return 0;
}

static void
pci_close(struct sluice_pci *p)
{
	(void)p;
	opens--;
}

static const struct sluice_regs_ops bus_ops = {
	.name = "bus", .pci_open = pci_open, .pci_close = pci_close, .bus_read = bus_read,
	.bus_write = bus_write,
};
static const struct sluice_regs_ops bare_ops = { .name = "bare" };

static struct sluice_regs regs;
static struct sluice_iommu iommu;
static struct sluice_device dev;
static struct sluice_dma dma;
static _Alignas(4096) uint8_t ram[1 << 16];

static int
set_up(void **state)
{
	(void)state;
	memset(bar, 0, sizeof(bar));
	put(0, 4, 0x010000ed);
	dead = hung = false;
	opens = 0;
	edu_started = 0;
	td_result = 0xdead0004;
	regs = (struct sluice_regs){ .ops = &bus_ops };
	iommu = (struct sluice_iommu){ .regs = &regs };
	iommu.clock = (struct sluice_clock){ .virt = &now, .hz = 1000000000 };
	iommu.mem = sluice_mem_create(ram, 0x50000000, sizeof(ram));
	dev = (struct sluice_device){ .iommu = &iommu, .nb_streams = 2, .stream = { 8, 16 } };
	return iommu.mem == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	assert_int_equal(sluice_mem_used(iommu.mem), 0);
	assert_int_equal(opens, 0);
	sluice_mem_destroy(iommu.mem);
	return 0;
}

static int
open_dma(const char *name, const char *keys)
{
	struct rte_kvargs *kv = rte_kvargs_parse(keys, NULL);
	int ret;

	assert_non_null(kv);
	dma = (struct sluice_dma){ .ops = maker(name), .iommu = &iommu, .dev = &dev };
	ret = dma.ops->open(&dma, kv);
	rte_kvargs_free(kv);
	return ret;
}

static uint16_t
submit(uint64_t iova, uint32_t len, uint16_t off, uint16_t flags, uint64_t cookie)
{
	struct sluice_dma_desc d = { .iova = iova, .len = len, .dev_off = off, .flags = flags,
				     .cookie = cookie };

	return dma.ops->submit(&dma, &d, 1);
}

static struct sluice_dma_cpl
one(void)
{
	struct sluice_dma_cpl c;

	assert_int_equal(dma.ops->completed(&dma, &c, 1), 1);
	return c;
}

/* ---- edu ------------------------------------------------------------------------------------- */

static void
test_edu(void **state)
{
	struct sluice_dma_cpl c;
	struct sluice_dma_stats st;
	unsigned int n;

	(void)state;
	assert_int_equal(open_dma("edu", "index=1"), 0);
	assert_int_equal(submit(0x123456789000, 1000, 24, 0, 7), 1);
	assert_true(get(0x80, 8) == 0x123456789000);
	assert_int_equal(get(0x88, 8), 0x40000 + 24);
	assert_int_equal(get(0x90, 8), 1000);
	assert_int_equal(get(0x98, 8), 1);
	assert_int_equal(submit(0x1000, 4095, 0, SLUICE_DMA_TO_HOST, 8), 1);
	assert_true(get(0x80, 8) == 0x123456789000); /* waits for its turn */
	/* Nobody asks the device before it can be done. */
	n = accesses;
	now += 99000000;
	assert_int_equal(dma.ops->completed(&dma, &c, 1), 0);
	assert_int_equal(accesses, n);
	now += 1000000;
	c = one();
	assert_int_equal(c.cookie, 7);
	assert_int_equal(c.status, 0);
	assert_int_equal(c.done, 1000);
	assert_int_equal(get(0x80, 8), 0x40000);
	assert_int_equal(get(0x88, 8), 0x1000);
	assert_int_equal(get(0x90, 8), 4095);
	assert_int_equal(get(0x98, 8), 3);
	/* While it is late it is not asked more than now and then. */
	hung = true;
	now += 100000000;
	n = accesses;
	for (int i = 0; i < 1000; i++, now += 10000)
		assert_int_equal(dma.ops->completed(&dma, &c, 1), 0);
	assert_in_range(accesses - n, 15, 25);
	assert_int_equal(dma.ops->close(&dma), -EBUSY);
	hung = false;
	now += 1000000;
	assert_int_equal(one().cookie, 8);
	dma.ops->stats(&dma, &st);
	assert_int_equal(st.submitted, 2);
	assert_int_equal(st.completed, 2);
	assert_int_equal(st.bytes, 5095);
	assert_int_equal(edu_started, 2);
	assert_int_equal(dma.ops->close(&dma), 0);
}

/* What edu cannot do never reaches it; 7.2 would end itself. */
static void
test_edu_limits(void **state)
{
	static uint8_t mem[16];
	static const struct {
		struct sluice_dma_desc d;
		int status;
	} t[] = {
		{ { .len = 4096 }, -EINVAL },
		{ { .len = 1, .dev_off = 4095 }, -EINVAL },
		{ { .len = 2, .dev_off = 4094 }, -EINVAL },
		{ { .len = UINT32_MAX, .dev_off = 1 }, -EINVAL },
		{ { .len = 1, .dev_off = UINT16_MAX }, -EINVAL },
		{ { .len = 16, .dev_mem = mem }, -ENOTSUP },
		{ { .len = 0 }, 0 },
	};

	(void)state;
	assert_int_equal(open_dma("edu", ""), 0);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct sluice_dma_cpl c;

		assert_int_equal(dma.ops->submit(&dma, &t[i].d, 1), 1);
		c = one();
		assert_int_equal(c.status, t[i].status);
		assert_int_equal(c.done, 0);
	}
	assert_int_equal(edu_started, 0);
	/* And the largest that it can. */
	assert_int_equal(submit(0, 1, 4094, 0, 0), 1);
	assert_int_equal(edu_started, 1);
	now += 200000000;
	assert_int_equal(one().status, 0);
	assert_int_equal(dma.ops->close(&dma), 0);
}

static void
test_edu_hangs_and_dies(void **state)
{
	struct sluice_dma_cpl c;

	(void)state;
	assert_int_equal(open_dma("edu", "timeout_ms=50"), 0);
	hung = true;
	assert_int_equal(submit(0x1000, 4, 0, 0, 1), 1);
	assert_int_equal(submit(0x2000, 4, 0, 0, 2), 1);
	now += 149000000;
	assert_int_equal(dma.ops->completed(&dma, &c, 1), 0);
	now += 2000000;
	assert_int_equal(one().status, -ETIMEDOUT);
	assert_int_equal(one().status, -ETIMEDOUT); /* it is still busy with the first */
	assert_int_equal(edu_started, 1);
	hung = false; /* and recovers */
	assert_int_equal(submit(0x3000, 4, 0, 0, 3), 1);
	assert_int_equal(edu_started, 2);
	now += 100000000;
	assert_int_equal(one().status, 0);
	assert_int_equal(submit(0x3000, 4, 0, 0, 4), 1);
	assert_int_equal(submit(0x3000, 4, 0, 0, 5), 1);
	dead = true;
	now += 100000000;
	assert_int_equal(one().status, -EIO);
	assert_int_equal(one().status, -EIO);
	assert_int_equal(dma.ops->close(&dma), 0);
}

/* The short queue: full, and in order all the way round. */
static void
test_queue(void **state)
{
	struct sluice_dma_desc d[100];
	struct sluice_dma_cpl c[100];
	struct sluice_dma_info info;
	uint64_t next = 0;

	(void)state;
	assert_int_equal(open_dma("edu", ""), 0);
	dma.ops->info(&dma, &info);
	for (int i = 0; i < 100; i++)
		d[i] = (struct sluice_dma_desc){ .len = 4, .cookie = (uint64_t)i };
	assert_int_equal(dma.ops->submit(&dma, d, 100), info.depth);
	assert_int_equal(dma.ops->submit(&dma, d, 1), 0);
	for (int turn = 0; turn < 200; turn++) {
		now += 100000000;
		uint16_t n = dma.ops->completed(&dma, c, 3);

		for (uint16_t i = 0; i < n; i++, next++)
			assert_int_equal(c[i].cookie, next % info.depth);
		for (uint16_t i = 0; i < n && turn < 100; i++) {
			d[0].cookie = (next - n + i) % info.depth;
			assert_int_equal(dma.ops->submit(&dma, d, 1), 1);
		}
	}
	assert_int_equal(next, 100 + info.depth);
	assert_int_equal(edu_started, next);
	assert_int_equal(dma.ops->close(&dma), 0);
}

/* ---- testdev --------------------------------------------------------------------------------- */

static void
test_testdev(void **state)
{
	static const struct {
		uint32_t result;
		int status;
	} t[] = { { 0, 0 },		      { 0xdead0001, -EIO }, { 0xdead0002, -EFAULT },
		  { 0xdead0003, 0 },	      { 0xdead0004, 0 },    { 0xdead0005, -EIO },
		  { 0xdead0006, -EIO },	      { 0xffffffff, -EIO }, { 0xfffffffe, -EIO } };
	struct sluice_dma_stats st;
	uint8_t mem;

	(void)state;
	assert_int_equal(open_dma("testdev", "index=0"), 0);
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct sluice_dma_cpl c;

		td_result = t[i].result;
		assert_int_equal(submit(0x123456789abc, 8, 0, SLUICE_DMA_TO_HOST, i), 1);
		c = one(); /* at once */
		assert_int_equal(c.cookie, i);
		assert_int_equal(c.status, t[i].status);
		assert_int_equal(c.done, t[i].status == 0 ? 8 : 0);
		assert_int_equal(td_run[0], 0x56789abc);
		assert_int_equal(td_run[1], 0x1234);
		assert_int_equal(td_run[2], 8);
		assert_int_equal(td_run[4], 1);
		assert_int_equal(td_run[5], 0xa);
		assert_in_range(td_run[6], 0x50000000, 0x5000f000);
		assert_int_equal(td_run[7], 0);
	}
	dma.ops->stats(&dma, &st);
	assert_int_equal(st.faults, 1);
	/* It writes only, and only from its own. */
	assert_int_equal(submit(0, 4, 0, 0, 0), 1);
	assert_int_equal(one().status, -ENOTSUP);
	struct sluice_dma_desc d = { .len = 1, .dev_mem = &mem, .flags = SLUICE_DMA_TO_HOST };

	assert_int_equal(dma.ops->submit(&dma, &d, 1), 1);
	assert_int_equal(one().status, -ENOTSUP);
	assert_int_equal(submit(0, 4097, 0, SLUICE_DMA_TO_HOST, 0), 1);
	assert_int_equal(one().status, -EINVAL);
	/* What is over but not collected takes room too. */
	for (uint64_t i = 0; i < PCI_CHAN_DEPTH; i++)
		assert_int_equal(submit(0, 4, 0, SLUICE_DMA_TO_HOST, i), 1);
	assert_int_equal(submit(0, 4, 0, SLUICE_DMA_TO_HOST, 99), 0);
	for (uint64_t i = 0; i < PCI_CHAN_DEPTH; i++)
		assert_int_equal(one().cookie, i);
	assert_int_equal(dma.ops->close(&dma), 0);
}

/* ---- opening --------------------------------------------------------------------------------- */

static void
refused(const char *name, const char *keys, int err, const char *says)
{
	assert_int_equal(open_dma(name, keys), err);
	if (strstr(sluice_error(), says) == NULL)
		fail_msg("%s,%s: '%s' does not say '%s'", name, keys, sluice_error(), says);
	assert_int_equal(opens, 0);
}

static void
test_opening(void **state)
{
	struct rte_kvargs *kv = rte_kvargs_parse("index=3", NULL);
	uint32_t stream;

	(void)state;
	assert_int_equal(maker("edu")->stream(&iommu, kv, &stream), 0);
	assert_int_equal(stream, 32);
	assert_int_equal(maker("testdev")->stream(&iommu, NULL, &stream), 0);
	assert_int_equal(stream, 8);
	rte_kvargs_free(kv);
	refused("edu", "index=2", -EINVAL, "StreamID 0x18");
	refused("edu", "index=4", -ENODEV, "no such device");
	refused("edu", "index=-1", -EINVAL, "index=-1");
	refused("edu", "timeout_ms=0", -EINVAL, "timeout_ms=0");
	refused("edu", "colour=red", -EINVAL, "colour");
	put(0, 4, 0x01000000);
	refused("edu", "", -ENODEV, "identification 0x01000000");
	put(0, 4, 0x010000ed);
	put(0x98, 8, 1);
	hung = true;
	refused("edu", "", -EBUSY, "under way");
	dead = true;
	refused("edu", "", -ENODEV, "0xffffffff");
	refused("testdev", "", -ENODEV, "length register");
	regs.ops = &bare_ops;
	refused("edu", "", -ENOTSUP, "PCI");
	iommu.regs = NULL;
	refused("testdev", "", -ENOTSUP, "PCI");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_edu, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_edu_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_edu_hangs_and_dies, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_queue, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_testdev, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_opening, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

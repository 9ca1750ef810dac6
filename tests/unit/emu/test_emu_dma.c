/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The DMA maker "emu": rings, order, statuses, counters, probing, and two threads at once. The
 * engine is not here: what it provides is stood in for below.
 */
#include <pthread.h>
#include <sched.h>
#include <stdio.h>

#include "rig.h"

#include "../../../engine/object/device.h"

static const struct sluice_dma_ops *ops;

void
sluice_dma_maker_register(struct sluice_dma_maker *m)
{
	ops = m->ops;
}

uint32_t
sluice_device_stream(const struct sluice_device *dev, unsigned int i)
{
	return dev->stream[i];
}

struct world {
	struct rig r;
	struct sluice_iommu iommu;
	struct sluice_device dev;
	struct sluice_dma dma;
};

static void
open_dma(struct world *w, const char *args)
{
	struct rte_kvargs *kv = rte_kvargs_parse(args, NULL);

	w->iommu.emu = w->r.e;
	w->dev = (struct sluice_device){ .iommu = &w->iommu, .nb_streams = 2,
					 .stream = { RIG_SID + 1, RIG_SID } };
	w->dma = (struct sluice_dma){ .ops = ops, .iommu = &w->iommu, .dev = &w->dev };
	assert_int_equal(ops->open(&w->dma, kv), 0);
	rte_kvargs_free(kv);
}

static void
world_up(struct world *w, const struct emu_smmuv3_conf *c, const char *args)
{
	rig_new(&w->r, c);
	rig_up(&w->r);
	open_dma(w, args);
}

static void
world_down(struct world *w)
{
	assert_int_equal(ops->close(&w->dma), 0);
	rig_free(&w->r);
}

static int
mistake(struct world *w, const char *args)
{
	struct rte_kvargs *kv = rte_kvargs_parse(args, NULL);
	struct sluice_dma d = w->dma;
	int ret;

	d.priv = NULL;
	ret = ops->open(&d, kv);
	rte_kvargs_free(kv);
	return ret;
}

static void
test_mistakes(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct world w;

	(void)state;
	assert_string_equal(ops->name, "emu");
	world_up(&w, &c, "ring=4");
	assert_int_equal(mistake(&w, "colour=red"), -EINVAL);
	assert_non_null(strstr(sluice_error(), "colour"));
	assert_int_equal(mistake(&w, "ring=3"), -EINVAL);
	assert_int_equal(mistake(&w, "ring=0"), -EINVAL);
	assert_int_equal(mistake(&w, "ring=65536"), -EINVAL);
	assert_int_equal(mistake(&w, "ring=many"), -EINVAL);
	assert_int_equal(mistake(&w, "probe=2"), -EINVAL);
	assert_int_equal(mistake(&w, "stream=2"), -EINVAL);
	assert_non_null(strstr(sluice_error(), "stream=2"));
	w.iommu.emu = NULL;
	assert_int_equal(mistake(&w, "ring=4"), -ENOTSUP);
	world_down(&w);
}

/* Every ring size: fill, refuse more, execute in order, collect in pieces, many times around. */
static void
test_rings(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();

	(void)state;
	for (uint32_t ring = 1; ring <= 64; ring *= 2) {
		struct sluice_dma_desc d[100];
		struct sluice_dma_cpl cpl[100];
		uint64_t cookie = 0, got = 0;
		struct world w;
		char args[40];

		snprintf(args, sizeof(args), "stream=1,ring=%u", ring);
		world_up(&w, &c, args);
		uint64_t pa = rig_page(&w.r, 0);
		uint8_t *host = rig_va(&w.r, pa);

		rig_map(&w.r, 0x1000, pa, RIG_RW);
		assert_int_equal(ops->completed(&w.dma, cpl, 100), 0);
		for (int round = 0; round < 20; round++) {
			uint8_t src[100];

			for (uint32_t i = 0; i < 100; i++) {
				src[i] = (uint8_t)(round + i);
				d[i] = (struct sluice_dma_desc){
					.iova = 0x1000 + i, .dev_mem = &src[i], .len = 1,
					.flags = SLUICE_DMA_TO_HOST, .cookie = cookie + i,
				};
			}
			assert_int_equal(ops->submit(&w.dma, d, 100), ring);
			assert_int_equal(ops->submit(&w.dma, d, 100), 0);
			rig_run(&w.r);
			/* Executed, but not collected: still no room. */
			assert_int_equal(ops->submit(&w.dma, d, 1), 0);
			for (uint32_t n = 0; n < ring;) {
				uint16_t k = ops->completed(&w.dma, cpl, 3);

				assert_true(k >= 1 && k <= 3);
				for (uint16_t i = 0; i < k; i++) {
					assert_int_equal(cpl[i].cookie, got++);
					assert_int_equal(cpl[i].status, 0);
					assert_int_equal(cpl[i].done, 1);
				}
				n += k;
			}
			assert_memory_equal(host, src, ring);
			cookie += ring;
		}
		struct sluice_dma_stats st;

		ops->stats(&w.dma, &st);
		assert_int_equal(st.submitted, 20 * ring);
		assert_int_equal(st.completed, 20 * ring);
		assert_int_equal(st.bytes, 20 * ring);
		assert_int_equal(st.faults | st.probes | st.probe_hits, 0);
		world_down(&w);
	}
}

/* There is room for what was collected, not for what was merely seen to be done. */
static void
test_room_is_what_was_collected(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct sluice_dma_desc d[8] = { { .cookie = 0 } };
	struct sluice_dma_cpl cpl[8];
	struct world w;

	(void)state;
	world_up(&w, &c, "stream=1,ring=8");
	assert_int_equal(ops->submit(&w.dma, d, 8), 8);
	rig_run(&w.r);
	assert_int_equal(ops->completed(&w.dma, cpl, 3), 3);
	assert_int_equal(ops->submit(&w.dma, d, 8), 3);
	rig_run(&w.r);
	assert_int_equal(ops->completed(&w.dma, cpl, 8), 8);
	world_down(&w);
}

/* How a transfer ends is in its completion; those behind it go on. */
static void
test_statuses(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct sluice_dma_stats st;
	struct sluice_dma_cpl cpl[4];
	uint8_t buf[8192] = { 0 };
	struct world w;
	struct sluice_dma_desc d[4] = {
		{ .iova = 0x1800, .dev_mem = buf, .len = 8192, .flags = 1, .cookie = 1 },
		{ .iova = 0x3000, .dev_mem = buf, .len = 16, .flags = 0, .cookie = 2 },
		{ .iova = 0x1000, .dev_mem = buf, .len = 0, .flags = 0, .cookie = 3 },
		{ .iova = 0x1000, .dev_mem = buf, .len = 16, .flags = 0, .cookie = 4 },
	};

	(void)state;
	world_up(&w, &c, "stream=1");
	rig_map(&w.r, 0x1000, rig_page(&w.r, 0x55), RIG_RW);
	rig_map(&w.r, 0x3000, RIG_HOLE, RIG_RW);
	assert_int_equal(ops->submit(&w.dma, d, 4), 4);
	assert_int_equal(ops->close(&w.dma), -EBUSY);
	rig_run(&w.r);
	assert_int_equal(ops->completed(&w.dma, cpl, 4), 4);
	assert_int_equal(cpl[0].status, -EFAULT);
	assert_int_equal(cpl[0].done, 0x800);
	assert_int_equal(cpl[1].status, -EIO);
	assert_int_equal(cpl[1].done, 0);
	assert_int_equal(cpl[2].status, 0);
	assert_int_equal(cpl[3].status, 0);
	assert_int_equal(buf[15], 0x55);
	ops->stats(&w.dma, &st);
	assert_int_equal(st.faults, 1);
	assert_int_equal(st.bytes, 0x800 + 16);
	world_down(&w);
	/* Stream 0 of the device is another StreamID, with no STE that is valid. */
	world_up(&w, &c, "ring=8");
	assert_int_equal(ops->submit(&w.dma, d, 1), 1);
	rig_run(&w.r);
	assert_int_equal(ops->completed(&w.dma, cpl, 4), 1);
	assert_int_equal(cpl[0].status, -EFAULT);
	rig_expect_event(&w.r, rig_ev0(SMMU_EVT_C_BAD_STE, RIG_SID + 1), 0, 0, 0);
	world_down(&w);
}

/* Post one write of one page-piece at @p iova and see it through. */
static int
one(struct world *w, uint64_t iova)
{
	struct sluice_dma_desc d = { .iova = iova, .dev_mem = &w->r.buf, .len = 4, .flags = 1 };
	struct sluice_dma_cpl cpl;

	assert_int_equal(ops->submit(&w->dma, &d, 1), 1);
	for (int i = 0; i < 1000; i++) {
		emu_step(w->r.e, 1);
		if (ops->completed(&w->dma, &cpl, 1) == 1)
			return cpl.status;
	}
	fail_msg("no completion");
	return 0;
}

/* Probing: on request only, of addresses that were used, also when idle; a page that was handed
 * back without an invalidation is caught, one with is not. */
static void
test_probe(void **state)
{
	(void)state;
	for (int right = 0; right < 2; right++) {
		struct emu_smmuv3_conf c = rig_conf();
		struct sluice_dma_stats st;
		uint64_t pa, *pte, rec[4];
		uint8_t owned = 1;
		struct world w;

		world_up(&w, &c, "stream=1");
		pa = rig_page(&w.r, 0);
		pte = rig_map(&w.r, 0x7000, pa, RIG_RW);
		emu_watch(w.r.e, pa, 4096, &owned);
		assert_int_equal(one(&w, 0x7004), 0);
		for (int i = 0; i < 1000; i++)
			emu_step(w.r.e, 1);
		ops->stats(&w.dma, &st);
		assert_int_equal(st.probes, 0);
		ops->probe(&w.dma, true);
		assert_int_equal(one(&w, 0x7004), 0);
		ops->stats(&w.dma, &st);
		assert_true(st.probes >= 1);
		assert_int_equal(st.probes, st.probe_hits);
		*pte = 0;
		if (right)
			rig_cmd(&w.r, rig_tlbi(SMMU_CMD_TLBI_NH_VA, RIG_ASID), 0x7001);
		owned = 0;
		ops->stats(&w.dma, &st);
		uint64_t hits = st.probe_hits, probes = st.probes;

		for (int i = 0; i < 1000; i++)
			emu_step(w.r.e, 1); /* idle: a probe now and then, and no work to report */
		assert_int_equal(emu_step(w.r.e, 1), 0);
		ops->stats(&w.dma, &st);
		assert_in_range(st.probes - probes, 30, 200);
		assert_int_equal(st.probe_hits - hits, right ? 0 : st.probes - probes);
		assert_int_equal(rig_stats(&w.r).core.stale_accesses,
				 right ? 0 : st.probes - probes);
		assert_int_equal(rig_stats(&w.r).core.stale_hits, right ? 0 : st.probes - probes);
		assert_int_equal(rig_event(&w.r, rec), right);
		assert_int_equal(st.faults, 0); /* probes are not the workload */
		ops->probe(&w.dma, false);
		for (int i = 0; i < 100; i++)
			emu_step(w.r.e, 1);
		probes = st.probes;
		ops->stats(&w.dma, &st);
		assert_int_equal(st.probes, probes);
		world_down(&w);
	}
}

/* Transfers and probes do not hold commands up: one command a unit, whatever else is there. */
static void
test_commands_come_first(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct sluice_dma_desc d = { .iova = 0x1000, .len = 64, .flags = 1 };
	struct sluice_dma_cpl cpl[64];
	uint8_t buf[64] = { 0 };
	struct world w;

	(void)state;
	world_up(&w, &c, "stream=1,probe=1,ring=64");
	rig_map(&w.r, 0x1000, rig_page(&w.r, 0), RIG_RW);
	d.dev_mem = buf;
	for (int i = 0; i < 64; i++)
		assert_int_equal(ops->submit(&w.dma, &d, 1), 1);
	for (int i = 0; i < 8; i++)
		rig_post(&w.r, SMMU_CMD_TLBI_NH_ALL, 0);
	rig_post(&w.r, SMMU_CMD_SYNC, 0);
	emu_step(w.r.e, 9);
	assert_int_equal(rig_cons(&w.r), w.r.prod);
	/* And the transfers went on beside them. */
	assert_int_equal(rig_stats(&w.r).core.bytes, 9 * 64);
	rig_run(&w.r);
	assert_int_equal(ops->completed(&w.dma, cpl, 64), 64);
	world_down(&w);
}

/* Two channels of one device, at once. */
static void
test_two_channels(void **state)
{
	struct emu_smmuv3_conf c = rig_conf();
	struct world w;
	struct sluice_dma first;

	(void)state;
	world_up(&w, &c, "stream=1");
	rig_map(&w.r, 0x1000, rig_page(&w.r, 0), RIG_RW);
	first = w.dma;
	open_dma(&w, "stream=1,ring=2");
	assert_int_equal(one(&w, 0x1000), 0);
	assert_int_equal(ops->close(&w.dma), 0);
	w.dma = first;
	assert_int_equal(one(&w, 0x1000), 0);
	world_down(&w);
}

/* ---- two threads ----------------------------------------------------------------------------- */

static _Atomic bool stop;

static void *
hardware(void *arg)
{
	struct world *w = arg;

	while (!atomic_load(&stop))
		emu_step(w->r.e, 16);
	return NULL;
}

/* Real bytes through the rings while the hardware runs on its own; each arrives once. */
static void
test_threads(void **state)
{
	enum { N = 20000, RING = 32 };
	struct emu_smmuv3_conf c = rig_conf();
	struct world w;
	uint32_t src[RING], posted = 0, got = 0;
	uint64_t pa;
	pthread_t t;

	(void)state;
	world_up(&w, &c, "stream=1,ring=32,probe=1");
	pa = rig_page(&w.r, 0);
	rig_map(&w.r, 0x1000, pa, RIG_RW);
	uint32_t *host = rig_va(&w.r, pa);

	atomic_store(&stop, false);
	assert_int_equal(pthread_create(&t, NULL, hardware, &w), 0);
	while (got < N) {
		struct sluice_dma_cpl cpl[8];
		uint16_t n;

		while (posted < N && posted - got < RING) {
			struct sluice_dma_desc d = {
				.iova = 0x1000 + (posted % RING) * 64, .len = 4, .cookie = posted,
				.dev_mem = &src[posted % RING], .flags = SLUICE_DMA_TO_HOST,
			};

			src[posted % RING] = posted * 2654435761u;
			if (ops->submit(&w.dma, &d, 1) == 0)
				break;
			posted++;
		}
		n = ops->completed(&w.dma, cpl, 8);
		for (uint16_t i = 0; i < n; i++) {
			assert_int_equal(cpl[i].cookie, got);
			assert_int_equal(cpl[i].status, 0);
			assert_int_equal(host[(got % RING) * 16], got * 2654435761u);
			got++;
		}
		if (n == 0)
			sched_yield();
	}
	atomic_store(&stop, true);
	pthread_join(t, NULL);
	world_down(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
		cmocka_unit_test(test_rings),
		cmocka_unit_test(test_room_is_what_was_collected),
		cmocka_unit_test(test_statuses),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_commands_come_first),
		cmocka_unit_test(test_two_channels),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

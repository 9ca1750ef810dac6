/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The driver on an SMMUv3 that somebody else wrote: the whole library on a QEMU of its own, with
 * edu moving the data. SLUICE_QEMU=PATH names another QEMU than the installed one. Skipped (77)
 * where there is none.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <rte_cycles.h>

#include <sluice/sluice.h>

#include "../eal.h"

#define EDUS 3

static struct sluice_fault faults[16];
static unsigned int nb_faults;

static void
on_fault(const struct sluice_fault *f, unsigned int n, void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < n && nb_faults < 16; i++)
		faults[nb_faults++] = f[i];
}

struct world {
	struct sluice_iommu *iommu;
	struct sluice_engine *eng;
	struct sluice_domain *dom;
	struct sluice_device *dev[EDUS];
	struct sluice_dma *dma[EDUS];
	uint32_t stream[EDUS];
	uint8_t *buf;
	uint64_t pa;
};

static void
world_up(struct world *w, const char *keys)
{
	const char *qemu = getenv("SLUICE_QEMU");
	char args[256];

	snprintf(args, sizeof(args), "smmuv3,regs=qtest%s%s%s", keys, qemu != NULL ? ",qemu=" : "",
		 qemu != NULL ? qemu : "");
	memset(w, 0, sizeof(*w));
	nb_faults = 0;
	w->iommu = sluice_iommu_open(args);
	if (w->iommu == NULL)
		fail_msg("%s: %s", args, sluice_error());
	w->eng = sluice_engine_create();
	assert_non_null(w->eng);
	assert_int_equal(sluice_engine_add_iommu(w->eng, w->iommu), 0);
	sluice_engine_set_fault_cb(w->eng, on_fault, NULL);
	assert_int_equal(sluice_worker_register(w->eng, 0), 0);
	w->dom = sluice_domain_create(w->iommu, NULL);
	assert_non_null(w->dom);
	w->buf = sluice_iommu_mem_alloc(w->iommu, 4 * 4096, 4096, &w->pa);
	assert_non_null(w->buf);
}

static void
add(struct world *w, unsigned int i, const char *args)
{
	assert_int_equal(sluice_dma_stream(w->iommu, args, &w->stream[i]), 0);
	w->dev[i] = sluice_device_add(w->iommu, &w->stream[i], 1);
	assert_non_null(w->dev[i]);
	assert_int_equal(sluice_device_attach(w->dev[i], w->dom), 0);
	w->dma[i] = sluice_dma_open(w->dev[i], args);
	if (w->dma[i] == NULL)
		fail_msg("%s: %s", args, sluice_error());
}

static void
add_edu(struct world *w, unsigned int i)
{
	char args[32];

	snprintf(args, sizeof(args), "edu,index=%u", i);
	add(w, i, args);
}

static void
world_down(struct world *w)
{
	for (unsigned int i = 0; i < EDUS; i++) {
		if (w->dma[i] != NULL)
			assert_int_equal(sluice_dma_close(w->dma[i]), 0);
		assert_int_equal(sluice_device_remove(w->dev[i]), 0);
	}
	assert_int_equal(sluice_domain_destroy(w->dom), 0);
	assert_int_equal(sluice_worker_unregister(w->eng, 0), 0);
	assert_int_equal(sluice_engine_del_iommu(w->eng, w->iommu), 0);
	assert_int_equal(sluice_engine_destroy(w->eng), 0);
	sluice_iommu_mem_free(w->iommu, w->buf, 4 * 4096);
	assert_int_equal(sluice_iommu_close(w->iommu), 0);
}

static void
post(struct world *w, unsigned int i, uint64_t iova, uint32_t len, uint16_t off, bool to_host)
{
	struct sluice_dma_desc d = { .iova = iova, .len = len, .dev_off = off, .cookie = i,
				     .flags = to_host ? SLUICE_DMA_TO_HOST : 0 };

	assert_int_equal(sluice_dma_submit(w->dma[i], &d, 1), 1);
}

static int
collect(struct world *w, unsigned int i)
{
	uint64_t end = rte_rdtsc() + 10 * rte_get_tsc_hz();
	struct sluice_dma_cpl c;

	while (sluice_dma_completed(w->dma[i], &c, 1) == 0) {
		assert_true(rte_rdtsc() < end);
		usleep(1000);
	}
	return c.status;
}

static int
move(struct world *w, unsigned int i, uint64_t iova, uint32_t len, uint16_t off, bool to_host)
{
	post(w, i, iova, len, off, to_host);
	return collect(w, i);
}

static unsigned int
drain(struct world *w)
{
	nb_faults = 0;
	for (int i = 0; i < 16; i++) /* the queue is looked at now and then */
		sluice_engine_poll(w->eng);
	sluice_engine_release(w->eng);
	return nb_faults;
}

/* Read and write through the IOMMU, then neither once it is unmapped, and who tells of it. */
static void
test_edu(void **state)
{
	struct world w;
	uint64_t src, dst;

	(void)state;
	world_up(&w, "");
	add_edu(&w, 0);
	assert_int_equal(sluice_map(w.dom, w.pa, 4096, SLUICE_READ, &src), 0);
	assert_int_equal(sluice_map(w.dom, w.pa + 4096, 4096, SLUICE_RW, &dst), 0);
	for (int i = 0; i < 4096; i++)
		w.buf[i] = (uint8_t)(i * 7);
	assert_int_equal(move(&w, 0, src + 10, 1000, 24, false), 0);
	assert_int_equal(move(&w, 0, dst + 100, 1000, 24, true), 0);
	assert_memory_equal(w.buf + 4096 + 100, w.buf + 10, 1000);
	assert_int_equal(w.buf[4096 + 99] | w.buf[4096 + 1100], 0);
	assert_int_equal(drain(&w), 0);

	/* The read-only page is not written. */
	assert_int_equal(move(&w, 0, src, 16, 24, true), 0);
	assert_int_equal(w.buf[1], 7);
	assert_int_equal(drain(&w), 4); /* QEMU tries a refused access in pieces of four bytes */
	assert_int_equal(faults[0].kind, SLUICE_FAULT_PERMISSION);

	memset(w.buf + 4096, 0, 4096);
	assert_int_equal(sluice_unmap(w.dom, dst, 4096), 0);
	assert_int_equal(move(&w, 0, dst + 8, 4, 24, true), 0); /* it cannot tell */
	for (int i = 0; i < 4096; i++)
		assert_int_equal(w.buf[4096 + i], 0);
	assert_int_equal(drain(&w), 1);
	assert_int_equal(faults[0].kind, SLUICE_FAULT_TRANSLATION);
	assert_int_equal(faults[0].code, 0x10);
	assert_int_equal(faults[0].stream, w.stream[0]);
	assert_int_equal(faults[0].iova, dst + 8);
	assert_true(faults[0].flags & SLUICE_FAULT_WRITE);
	assert_int_equal(sluice_unmap(w.dom, src, 4096), 0);
	world_down(&w);
}

/* Three devices, each behind its own StreamID, at the same time; one device has one user. */
static void
test_parallel(void **state)
{
	struct world w;
	struct sluice_dma_info info;
	uint64_t iova, t0;

	(void)state;
	world_up(&w, ",edu=3,mem_mb=16");
	for (unsigned int i = 0; i < EDUS; i++)
		add_edu(&w, i);
	assert_true(w.stream[0] != w.stream[1] && w.stream[1] != w.stream[2]);
	assert_int_equal(sluice_map(w.dom, w.pa, 4 * 4096, SLUICE_RW, &iova), 0);
	for (unsigned int i = 0; i < EDUS; i++)
		w.buf[i] = (uint8_t)(0x11 * (i + 1));
	t0 = rte_rdtsc();
	for (unsigned int i = 0; i < EDUS; i++) {
		post(&w, i, iova + i, 1, 0, false);
		post(&w, i, iova + 4096 + i, 1, 0, true);
	}
	for (unsigned int i = 0; i < EDUS; i++) {
		assert_int_equal(collect(&w, i), 0);
		assert_int_equal(collect(&w, i), 0);
	}
	/* QEMU's clock jumps over the 100 ms that each of them takes. */
	assert_in_range((rte_rdtsc() - t0) * 1000 / rte_get_tsc_hz(), 0, 500);
	assert_memory_equal(w.buf + 4096, w.buf, EDUS);

	assert_int_equal(sluice_dma_get_info(w.dma[0], &info), 0);
	assert_int_equal(info.flags, SLUICE_DMA_READS);
	assert_int_equal(info.own_len, 4095);
	assert_null(sluice_dma_open(w.dev[0], "edu,index=0"));
	assert_non_null(strstr(sluice_error(), "in use"));
	assert_null(sluice_dma_open(w.dev[0], "edu,index=1"));
	assert_non_null(strstr(sluice_error(), "StreamID"));
	assert_null(sluice_dma_open(w.dev[0], "edu,index=3"));
	assert_non_null(strstr(sluice_error(), "has 3 of them"));
	assert_null(sluice_dma_open(w.dev[0], "edu,colour=red"));
	assert_null(sluice_dma_open(w.dev[0], "testdev"));
	assert_null(sluice_dma_open(w.dev[0], "emu"));
	assert_int_equal(sluice_dma_close(w.dma[0]), 0);
	w.dma[0] = sluice_dma_open(w.dev[0], "edu,index=0");
	assert_non_null(w.dma[0]);
	assert_int_equal(move(&w, 0, iova, 4095, 0, false), 0);
	assert_int_equal(move(&w, 0, iova, 4096, 0, false), -EINVAL);
	assert_int_equal(move(&w, 0, iova, 2, 4094, false), -EINVAL);
	assert_int_equal(move(&w, 0, iova, 0, 0, false), 0);
	assert_int_equal(drain(&w), 0);
	assert_int_equal(sluice_unmap(w.dom, iova, 4 * 4096), 0);
	world_down(&w);
}

/* iommu-testdev tells what edu cannot; QEMU has it from 11 on, and says so. */
static void
test_testdev(void **state)
{
	static const uint8_t pattern[8] = { 0x78, 0x56, 0x34, 0x12, 0x78, 0x56, 0x34, 0x12 };
	const char *qemu = getenv("SLUICE_QEMU");
	struct sluice_iommu_info info;
	struct sluice_dma_info can;
	struct sluice_iommu *iommu;
	char args[256];
	struct world w;
	uint64_t iova;

	(void)state;
	snprintf(args, sizeof(args), "smmuv3,regs=qtest,testdev=1,qemu=%s",
		 qemu != NULL ? qemu : "qemu-system-aarch64");
	iommu = sluice_iommu_open(args);
	if (iommu == NULL) {
		assert_non_null(strstr(sluice_error(), "'iommu-testdev' is not a valid device"));
		print_message("skipped: %s\n", sluice_error());
		skip();
	}
	assert_int_equal(sluice_iommu_get_info(iommu, &info), 0);
	assert_non_null(strstr(info.settings, "version=1")); /* 11 or later */
	assert_int_equal(sluice_iommu_close(iommu), 0);

	world_up(&w, ",edu=0,testdev=1");
	add(&w, 0, "testdev");
	assert_int_equal(sluice_dma_get_info(w.dma[0], &can), 0);
	assert_int_equal(can.flags, SLUICE_DMA_TELLS | SLUICE_DMA_PATTERN);
	assert_int_equal(sluice_map(w.dom, w.pa, 4096, SLUICE_RW, &iova), 0);
	assert_int_equal(move(&w, 0, iova + 256, 8, 0, true), 0);
	assert_memory_equal(w.buf + 256, pattern, 8);
	assert_int_equal(w.buf[255] | w.buf[264], 0);
	assert_int_equal(drain(&w), 0);
	assert_int_equal(sluice_unmap(w.dom, iova, 4096), 0);
	w.buf[256] = 0;
	assert_int_equal(move(&w, 0, iova + 256, 4, 0, true), -EFAULT);
	assert_int_equal(w.buf[256], 0);
	assert_int_equal(drain(&w), 1);
	assert_int_equal(faults[0].kind, SLUICE_FAULT_TRANSLATION);
	assert_int_equal(faults[0].iova, iova + 256);
	assert_int_equal(faults[0].stream, w.stream[0]);
	world_down(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_edu),
		cmocka_unit_test(test_parallel),
		cmocka_unit_test(test_testdev),
	};

	if (getenv("SLUICE_QEMU") == NULL &&
	    system("qemu-system-aarch64 --version >/dev/null 2>&1") != 0) {
		fprintf(stderr, "skipped: no qemu-system-aarch64 here\n");
		return 77;
	}
	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

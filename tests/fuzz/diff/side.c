/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One implementation under comparison, through the library's public face: its memory, its stream
 * table, its command queue, its events, and as many DMA devices as there are.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_errno.h>

#include <sluice/raw.h>

#include "diff.h"

#define READ_OFF   2048u /* of a device's buffer: below, what it writes; above, what it has read */
#define OWN_BYTES  4092u /* edu has 4095 */
#define DEADLINE_S 20.0

double
now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int
failed(const struct side *s, const char *what)
{
	fprintf(stderr, "sluice-diff: %s: %s: %s\n", s->name, what, sluice_error());
	return -1;
}

static void
relax(void *arg)
{
	sluice_iommu_step(arg, 16);
}

static void
settle(struct side *s)
{
	while (!s->qemu && sluice_iommu_step(s->iommu, 256) > 0)
		;
}

/* ---- open and close -------------------------------------------------------------------------- */

static int
open_device(struct side *s, unsigned int i)
{
	struct sluice_dma_info info;
	uint32_t stream;
	char args[48];

	snprintf(args, sizeof(args), "%s,index=%u", s->qemu ? "edu" : "emu", i);
	if (sluice_dma_stream(s->iommu, args, &stream) != 0)
		return failed(s, args);
	if (stream != dev_stream(i)) {
		fprintf(stderr, "sluice-diff: %s: device %u has stream %#x, not %#x\n", s->name, i,
			stream, dev_stream(i));
		return -1;
	}
	s->dev[i] = sluice_device_add(s->iommu, &stream, 1);
	if (s->dev[i] == NULL)
		return failed(s, "device");
	s->dma[i] = sluice_dma_open(s->dev[i], args);
	if (s->dma[i] == NULL || sluice_dma_get_info(s->dma[i], &info) != 0)
		return failed(s, args);
	s->tells = info.flags & SLUICE_DMA_TELLS;
	return 0;
}

/* Fill the devices' buffers with what they are to write, once. */
static int
load_devices(struct side *s)
{
	struct sluice_dma_cpl cpl;
	double end = now_s() + DEADLINE_S;

	for (unsigned int d = 0; d < s->devs; d++) {
		uint32_t *page = (uint32_t *)(void *)(s->arena + OUT_OFF + d * 4096u);
		const uint64_t bypass[STE_WORDS] = {
			SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, SMMU_STE_CONFIG_BYPASS),
			smmu_field_prep(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING) };
		struct sluice_dma_desc t = { .iova = ARENA_PA + OUT_OFF + d * 4096u,
					     .len = OWN_BYTES };

		for (unsigned int i = 0; i < 1024; i++)
			page[i] = own_tag(d, i);
		if (side_ste(s, d, bypass) != 0 ||
		    side_cmd(s, SMMU_CMD_CFGI_STE | (uint64_t)dev_stream(d) << 32, 1) != 0 ||
		    sluice_dma_submit(s->dma[d], &t, 1) != 1)
			return failed(s, "filling a device's buffer");
	}
	for (unsigned int d = 0; d < s->devs; d++) {
		while (sluice_dma_completed(s->dma[d], &cpl, 1) == 0) {
			settle(s);
			if (now_s() > end)
				return failed(s, "filling a device's buffer takes for ever");
		}
		if (cpl.status != 0)
			return failed(s, "filling a device's buffer");
	}
	return 0;
}

static int
open_iommu(struct side *s, const char *args)
{
	struct sluice_iommu_info info;
	const char *v;
	unsigned int major = 0, minor = 0;
	uint64_t pa, idr0 = 0;

	s->iommu = sluice_iommu_open(args);
	if (s->iommu == NULL) {
		/* A machine without QEMU, or with one that is too old. */
		fprintf(stderr, "sluice-diff: %s\n", sluice_error());
		return s->qemu && rte_errno == ENODEV ? 77 : -1;
	}
	sluice_iommu_get_info(s->iommu, &info);
	v = strstr(info.settings, "version=");
	if (s->qemu && v != NULL && sscanf(v, "version=%u.%u", &major, &minor) == 2)
		s->version = major * 100 + minor;
	if (sluice_raw_reg_read(s->iommu, SMMU_IDR0, 4, &idr0) != 0)
		return failed(s, "IDR0");
	s->s2p = (idr0 & SMMU_IDR0_S2P) && (idr0 & SMMU_IDR0_S1P);
	if (!s->qemu)
		sluice_iommu_set_relax(s->iommu, relax, s->iommu);
	s->arena = sluice_iommu_mem_alloc(s->iommu, ARENA_LEN, ARENA_LEN, &pa);
	if (s->arena == NULL || pa != ARENA_PA) {
		fprintf(stderr, "sluice-diff: %s: no memory at %#" PRIx64 "\n", s->name, ARENA_PA);
		return -1;
	}
	return 0;
}

int
side_open(struct side *s, const char *name, const char *args, unsigned int devs)
{
	int rc;

	memset(s, 0, sizeof(*s));
	s->name = name;
	s->qemu = strstr(args, "regs=qtest") != NULL;
	s->devs = devs;
	s->data = malloc(DATA_LEN);
	if (s->data == NULL)
		return -1;
	rc = open_iommu(s, args);
	for (unsigned int i = 0; rc == 0 && i < devs; i++)
		rc = open_device(s, i);
	if (rc == 0)
		rc = load_devices(s);
	/* Now that the driver has made the level-2 table that it points to. */
	if (rc == 0 && sluice_raw_entry_read(s->iommu, SLUICE_RAW_STREAM_L1, dev_stream(0),
					     &s->l1) != 0)
		rc = failed(s, "level-1 descriptor");
	if (rc != 0)
		side_close(s);
	return rc;
}

void
side_close(struct side *s)
{
	for (unsigned int i = 0; i < DEVS_MAX; i++) {
		if (s->dma[i] != NULL)
			sluice_dma_close(s->dma[i]);
		if (s->dev[i] != NULL)
			sluice_device_remove(s->dev[i]);
	}
	if (s->arena != NULL)
		sluice_iommu_mem_free(s->iommu, s->arena, ARENA_LEN);
	if (s->iommu != NULL)
		sluice_iommu_close(s->iommu);
	free(s->data);
	memset(s, 0, sizeof(*s));
}

/* ---- memory, tables, commands ---------------------------------------------------------------- */

void
side_poke(struct side *s, uint64_t off, const void *p, size_t len)
{
	memcpy(s->arena + off, p, len);
	if (off == DATA_OFF && len == DATA_LEN)
		memcpy(s->data, p, len);
}

int
side_ste(struct side *s, unsigned int dev, const uint64_t w[STE_WORDS])
{
	uint64_t words[8] = { w[0], w[1], w[2], w[3] };

	if (dev >= s->devs)
		return 0;
	return sluice_raw_entry_write(s->iommu, SLUICE_RAW_STREAM, dev_stream(dev), words) == 0 ?
		       0 : failed(s, "STE");
}

int
side_l1(struct side *s, unsigned int how)
{
	uint64_t v = how == 0 ? s->l1 : how == 1 ? 0 :
		     HOLE_PA | smmu_field_get(SMMU_L1STD_SPAN, s->l1);

	return sluice_raw_entry_write(s->iommu, SLUICE_RAW_STREAM_L1, dev_stream(0), &v) == 0 ?
		       0 : failed(s, "level-1 descriptor");
}

int
side_cmd(struct side *s, uint64_t w0, uint64_t w1)
{
	const uint64_t w[2] = { w0, w1 };

	return sluice_raw_cmds(s->iommu, w, 1);
}

/* @return how many were there. */
static int
drain(struct side *s, uint64_t *ev, unsigned int max)
{
	int n = sluice_raw_events(s->iommu, ev, NULL, max);

	if (n > 0)
		s->events += (unsigned int)n;
	return n;
}

static int
set_all(struct side *s, unsigned int config)
{
	const uint64_t w[STE_WORDS] = { SMMU_STE_0_V | smmu_field_prep(SMMU_STE_0_CONFIG, config),
				config == SMMU_STE_CONFIG_BYPASS ?
				smmu_field_prep(SMMU_STE_1_SHCFG, SMMU_STE_SHCFG_INCOMING) : 0 };

	uint64_t cmds[2 * (DEVS_MAX + 2)] = {
		SMMU_CMD_TLBI_NSNH_ALL, 0, SMMU_CMD_CFGI_STE_RANGE, SMMU_CFGI_RANGE_ALL,
	};

	/* By name as well: a side that gets the range wrong must not spoil the next case. */
	for (unsigned int d = 0; d < s->devs; d++) {
		if (side_ste(s, d, w) != 0)
			return -1;
		cmds[2 * (d + 2)] = SMMU_CMD_CFGI_STE | (uint64_t)dev_stream(d) << 32;
	}
	return sluice_raw_cmds(s->iommu, cmds, s->devs + 2) == 0 ? 0 : failed(s, "reset");
}

int
side_reset(struct side *s, const struct world *w)
{
	uint64_t ev[4 * 64];
	int n;

	(void)w;
	if (side_l1(s, 0) != 0 || set_all(s, SMMU_STE_CONFIG_ABORT) != 0)
		return -1;
	while ((n = drain(s, ev, 64)) > 0)
		;
	return n == 0 ? 0 : failed(s, "events");
}

/* ---- transfers ------------------------------------------------------------------------------- */

static int
complete(struct side *s, unsigned int dev, int32_t *status)
{
	double end = now_s() + DEADLINE_S;
	struct sluice_dma_cpl cpl;

	while (sluice_dma_completed(s->dma[dev], &cpl, 1) == 0) {
		settle(s);
		if (now_s() > end)
			return failed(s, "a transfer takes for ever");
	}
	*status = cpl.status;
	s->transfers++;
	if (cpl.status != 0 && !s->tells)
		return failed(s, "a device failed");
	return 0;
}

static int
start(struct side *s, const struct xfer *x)
{
	struct sluice_dma_desc t = {
		.iova = x->op->x, .len = x->op->len, .flags = x->op->write ? SLUICE_DMA_TO_HOST : 0,
		.dev_off = (uint16_t)((x->op->write ? 0 : READ_OFF) + x->slot * XFER_MAX),
	};

	return sluice_dma_submit(s->dma[x->op->dev], &t, 1) == 1 ? 0 : failed(s, "submit");
}

/* In which data page did a device's bytes arrive? They are found once, whole, or not at all. */
static void
find_landing(struct side *s, const struct xfer *x, struct seen *seen)
{
	uint64_t off = x->op->x & 4095;
	unsigned int words = x->op->len / 4;
	uint32_t want[XFER_MAX / 4];

	for (unsigned int i = 0; i < words; i++)
		want[i] = own_tag(x->op->dev, x->slot * (XFER_MAX / 4) + i);
	for (unsigned int p = 0; p < DATA_PAGES; p++) {
		size_t at = p * (size_t)4096 + off;

		if (memcmp(s->arena + DATA_OFF + at, want, x->op->len) != 0)
			continue;
		/* It was there before: written earlier from the same place of the buffer. */
		if (memcmp(s->data + at, want, x->op->len) == 0)
			continue;
		seen->landed = true;
		seen->page = (uint16_t)p;
		memcpy(s->data + at, want, x->op->len);
		return;
	}
}

static void
sort_events(struct side *s, unsigned int which, struct xfer *x, unsigned int n, const uint64_t *ev)
{
	uint32_t sid = (uint32_t)smmu_field_get(SMMU_EVT_0_SID, ev[0]);

	(void)s;
	for (unsigned int i = 0; i < n; i++) {
		struct seen *seen = &x[i].seen[which];

		if (dev_stream(x[i].op->dev) != sid)
			continue;
		if (seen->nb_events < 4)
			memcpy(seen->ev[seen->nb_events], ev, 32);
		seen->nb_events++;
		return;
	}
	/* Of a stream that did nothing: put down to the first, whose events it cannot be. */
	x[0].seen[which].nb_events += 100;
	memcpy(x[0].seen[which].ev[3], ev, 32);
}

int
side_round(struct side *s, unsigned int which, struct xfer *x, unsigned int n)
{
	uint64_t ev[4 * 64];
	int got;

	for (unsigned int i = 0; i < n; i++) {
		memset(&x[i].seen[which], 0, sizeof(x[i].seen[which]));
		if (start(s, &x[i]) != 0)
			return -1;
		/* Stepped hardware goes one by one; QEMU's timers fire in the same order. */
		if (!s->qemu && complete(s, x[i].op->dev, &x[i].seen[which].status) != 0)
			return -1;
	}
	for (unsigned int i = 0; s->qemu && i < n; i++)
		if (complete(s, x[i].op->dev, &x[i].seen[which].status) != 0)
			return -1;
	while ((got = drain(s, ev, 64)) > 0)
		for (int i = 0; i < got; i++)
			sort_events(s, which, x, n, &ev[i * 4]);
	if (got < 0)
		return failed(s, "events");
	for (unsigned int i = 0; i < n; i++)
		if (x[i].op->write)
			find_landing(s, &x[i], &x[i].seen[which]);
	return 0;
}

int
side_collect(struct side *s, uint8_t *buf)
{
	struct sluice_dma_desc t = { .len = OWN_BYTES, .flags = SLUICE_DMA_TO_HOST };
	int32_t status;

	if (side_l1(s, 0) != 0 || set_all(s, SMMU_STE_CONFIG_BYPASS) != 0)
		return -1;
	memset(s->arena + OUT_OFF, 0, s->devs * 4096u);
	for (unsigned int d = 0; d < s->devs; d++) {
		t.iova = ARENA_PA + OUT_OFF + d * 4096u;
		if (sluice_dma_submit(s->dma[d], &t, 1) != 1)
			return failed(s, "submit");
	}
	for (unsigned int d = 0; d < s->devs; d++)
		if (complete(s, d, &status) != 0)
			return -1;
	memcpy(buf, s->arena + OUT_OFF, s->devs * 4096u);
	for (unsigned int d = 0; d < s->devs; d++) {
		uint32_t w;

		memcpy(&w, buf + d * 4096u + 4, 4);
		if (w != own_tag(d, 1)) {
			fprintf(stderr, "sluice-diff: %s: the buffer of device %u did not come home\n",
				s->name, d);
			return -1;
		}
	}
	return 0;
}

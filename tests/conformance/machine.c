/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The machine under test: opening it with what a case asks for, finding out what it is, devices.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_lcore.h>

#include "conf.h"

#define STEP_US 50u

uint64_t
conf_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
conf_step(struct conf *c)
{
	/* Real time passes by itself: leave the processor to whoever needs it. */
	if (sluice_iommu_step(c->iommu, 64) < 0)
		usleep(STEP_US);
}

static void
relax(void *c)
{
	conf_step(c);
}

uint64_t
conf_counter(struct conf *c, const char *name)
{
	struct sluice_xstat xs[160];
	unsigned int n = sluice_iommu_xstats(c->iommu, xs, CONF_DIM(xs));

	for (unsigned int i = 0; i < n && i < CONF_DIM(xs); i++)
		if (strcmp(xs[i].name, name) == 0)
			return xs[i].value;
	conf_fail(c, __FILE__, __LINE__, "no counter %s", name);
}

/* ---- device strings -------------------------------------------------------------------------- */

static const char *
key_find(const char *s, const char *key, size_t n)
{
	for (s = strchr(s, ','); s != NULL; s = strchr(s + 1, ','))
		if (strncmp(s + 1, key, n) == 0 && s[1 + n] == '=')
			return s;
	return NULL;
}

/* The user's device string with the keys of @p args, which win. */
static int
merge(char *out, size_t size, const char *dev, const char *args)
{
	if ((size_t)snprintf(out, size, "%s", dev) >= size)
		return -1;
	while (args != NULL && *args != '\0') {
		size_t item = strcspn(args, ","), len;
		char *old = (char *)(uintptr_t)key_find(out, args, strcspn(args, "="));

		if (old != NULL) {
			char *next = strchr(old + 1, ',');

			memmove(old, next != NULL ? next : old + strlen(old),
				next != NULL ? strlen(next) + 1 : 1);
		}
		len = strlen(out);
		if ((size_t)snprintf(out + len, size - len, ",%.*s", (int)item, args) >= size - len)
			return -1;
		args += item + (args[item] == ',');
	}
	return 0;
}

/* ---- what it is ------------------------------------------------------------------------------ */

static uint32_t
reg(struct conf *c, uint32_t off)
{
	uint64_t v = 0;

	sluice_raw_reg_read(c->iommu, off, 4, &v);
	return (uint32_t)v;
}

/* QEMU's model by its identification registers at 0xFD0: peripheral 84 B4 F0 and no IIDR. */
static bool
is_qemu(struct conf *c)
{
	static const uint8_t pidr[3] = { 0x84, 0xb4, 0xf0 };

	for (unsigned int i = 0; i < 3; i++)
		if (reg(c, 0xfe0 + 4 * i) != pidr[i])
			return false;
	return reg(c, SMMU_IIDR) == 0;
}

static void
identify(struct conf *c)
{
	struct conf_hw *h = &c->hw;
	const char *version;

	memset(h, 0, sizeof(*h));
	h->idr0 = reg(c, SMMU_IDR0);
	h->idr1 = reg(c, SMMU_IDR1);
	h->idr3 = reg(c, SMMU_IDR3);
	h->idr5 = reg(c, SMMU_IDR5);
	h->aidr = reg(c, SMMU_AIDR);
	h->qemu = is_qemu(c);
	h->qemu_s1 = h->qemu && (h->idr0 & SMMU_IDR0_S2P) == 0;
	/* No register tells; the source does, if it started that QEMU. */
	version = strstr(c->info.settings, "version=");
	h->qemu_10 = h->qemu_s1 || (h->qemu && (version == NULL || atoi(version + 8) < 11));
	h->emu = c->info.caps & SLUICE_CAP_EMULATED;
	h->tlb = h->qemu || (h->emu && strstr(c->info.settings, "iotlb=0,") == NULL);
	h->cfg = h->qemu || (h->emu && strstr(c->info.settings, "cfg_cache=0,") == NULL);
	h->oas = c->info.oas;
	h->sid_bits = (unsigned int)smmu_field_get(SMMU_IDR1_SIDSIZE, h->idr1);
}

static void
set(struct conf *c, uint64_t need, bool met)
{
	if (met)
		c->has |= need;
}

static void
capabilities(struct conf *c)
{
	const struct conf_hw *h = &c->hw;
	uint32_t r0 = h->idr0, dma = c->nb_devs != 0 ? c->dev[0].info.flags : 0;
	uint64_t stall = smmu_field_get(SMMU_IDR0_STALL_MODEL, r0);
	uint64_t fmt = smmu_field_get(SMMU_STRTAB_CFG_FMT, reg(c, SMMU_STRTAB_BASE_CFG));

	c->has = 0;
	set(c, CONF_NEED_S1, r0 & SMMU_IDR0_S1P);
	set(c, CONF_NEED_S2, r0 & SMMU_IDR0_S2P);
	set(c, CONF_NEED_NESTED, (r0 & SMMU_IDR0_S1P) && (r0 & SMMU_IDR0_S2P));
	set(c, CONF_NEED_NO_S2, !(r0 & SMMU_IDR0_S2P));
	set(c, CONF_NEED_2LVL, fmt == SMMU_STRTAB_FMT_2LVL);
	/* QEMU keeps STRTAB_BASE_CFG.FMT=1 until reset (smmu_writel, SMMU_FEATURE_2LVL_STE): a QEMU
	 * of our own is reset by starting it, registers of somebody else's machine are not. */
	set(c, CONF_NEED_LINEAR, !h->qemu || strcmp(c->info.regs, "qtest") == 0);
	set(c, CONF_NEED_RIL, h->idr3 & SMMU_IDR3_RIL);
	set(c, CONF_NEED_MSI, r0 & SMMU_IDR0_MSI);
	set(c, CONF_NEED_MSI_SYNC, c->info.caps & SLUICE_CAP_SYNC_MSI);
	set(c, CONF_NEED_16K, h->idr5 & SMMU_IDR5_GRAN16K);
	set(c, CONF_NEED_64K, h->idr5 & SMMU_IDR5_GRAN64K);
	set(c, CONF_NEED_DEV2, c->nb_devs >= 2);
	set(c, CONF_NEED_READS, dma & SLUICE_DMA_READS);
	set(c, CONF_NEED_TELLS, dma & SLUICE_DMA_TELLS);
	set(c, CONF_NEED_MODEL, h->qemu || h->emu);
	set(c, CONF_NEED_NO_SSID, smmu_field_get(SMMU_IDR1_SSIDSIZE, h->idr1) == 0);
	set(c, CONF_NEED_NO_STALL, stall == SMMU_STALL_MODEL_TERMINATE);
	set(c, CONF_NEED_NO_HTTU, smmu_field_get(SMMU_IDR0_HTTU, r0) == 0);
	set(c, CONF_NEED_HYP, r0 & SMMU_IDR0_HYP);
	set(c, CONF_NEED_NO_HYP, !(r0 & SMMU_IDR0_HYP));
	set(c, CONF_NEED_V32, smmu_field_get(SMMU_AIDR_ARCHMINOR, h->aidr) >= 2);
	set(c, CONF_NEED_ATS, (c->info.caps & SLUICE_CAP_ATS) && strcmp(c->opt.dma, "emu") == 0);
	set(c, CONF_NEED_NO_ATS, !(r0 & SMMU_IDR0_ATS));
	set(c, CONF_NEED_NO_PRI, !(r0 & SMMU_IDR0_PRI));
	set(c, CONF_NEED_RAZWI, !(r0 & SMMU_IDR0_TERM_MODEL));
	set(c, CONF_NEED_TERM, r0 & SMMU_IDR0_TERM_MODEL);
	set(c, CONF_NEED_ASID16, r0 & SMMU_IDR0_ASID16);
	set(c, CONF_NEED_ATTR_OVR, h->idr1 & SMMU_IDR1_ATTR_PERMS_OVR);
}

/* ---- devices --------------------------------------------------------------------------------- */

static int
device_open(struct conf *c, unsigned int i)
{
	struct conf_dev *d = &c->dev[i];
	char args[64];

	/* With ATS off, as it is until a case wants it, such a device is like any other. */
	snprintf(args, sizeof(args), "%s,index=%u%s", c->opt.dma, i,
		 strcmp(c->opt.dma, "emu") == 0 && (c->info.caps & SLUICE_CAP_ATS) ? ",ats=1" : "");
	if (sluice_dma_stream(c->iommu, args, &d->sid) != 0)
		return -1;
	d->dev = sluice_device_add(c->iommu, &d->sid, 1);
	if (d->dev == NULL)
		return -1;
	d->dma = sluice_dma_open(d->dev, args);
	if (d->dma == NULL) {
		sluice_device_remove(d->dev);
		d->dev = NULL;
		return -1;
	}
	d->turn = 0;
	d->loaded = false;
	sluice_dma_get_info(d->dma, &d->info);
	return 0;
}

int
conf_machine_open(struct conf *c, const char *args)
{
	/* For a QEMU of our own: three devices, and patience on a machine that is busy. What the
	 * user says wins, and what the case says wins over that. */
	static const char *const own[] = { "edu=3", "timeout_ms=30000" };
	char dev[512], user[512];

	snprintf(dev, sizeof(dev), "%s", c->opt.dev);
	for (size_t i = 0; i < CONF_DIM(own) && strstr(dev, "regs=qtest") != NULL; i++) {
		snprintf(user, sizeof(user), "%s", dev);
		if (key_find(dev, own[i], strcspn(own[i], "=")) == NULL &&
		    merge(dev, sizeof(dev), user, own[i]) != 0)
			return -E2BIG;
	}
	snprintf(user, sizeof(user), "%s", dev);
	if (merge(dev, sizeof(dev), user, args) != 0)
		return -E2BIG;
	c->args = args;
	c->iommu = sluice_iommu_open(dev);
	if (c->iommu == NULL)
		return -ENODEV;
	sluice_iommu_get_info(c->iommu, &c->info);
	if (c->info.caps & SLUICE_CAP_EMULATED)
		sluice_iommu_set_relax(c->iommu, relax, c);
	identify(c);
	c->engine = sluice_engine_create();
	if (c->engine == NULL || sluice_engine_add_iommu(c->engine, c->iommu) != 0 ||
	    sluice_worker_register(c->engine, rte_lcore_id()) != 0)
		return -ENOMEM;
	c->scratch = sluice_iommu_mem_alloc(c->iommu, 4096, 4096, &c->scratch_pa);
	if (c->scratch == NULL)
		return -ENOMEM;
	for (c->nb_devs = 0; c->nb_devs < CONF_DEVS; c->nb_devs++)
		if (device_open(c, c->nb_devs) != 0)
			break;
	if (c->nb_devs == 0)
		return -ENODEV;
	capabilities(c);
	snprintf(c->line, sizeof(c->line),
		 "%s, regs %s, IDR0 %#x IDR1 %#x IDR3 %#x IDR5 %#x AIDR %#x%s, %u %s device%s",
		 c->info.backend, c->info.regs, c->hw.idr0, c->hw.idr1, c->hw.idr3, c->hw.idr5,
		 c->hw.aidr, c->hw.qemu ? " (QEMU)" : "", c->nb_devs, c->opt.dma,
		 c->nb_devs == 1 ? "" : "s");
	return 0;
}

void
conf_machine_close(struct conf *c)
{
	if (c->iommu == NULL)
		return;
	for (unsigned int i = 0; i < c->nb_devs; i++) {
		sluice_dma_close(c->dev[i].dma);
		sluice_device_remove(c->dev[i].dev);
	}
	c->nb_devs = 0;
	if (c->engine != NULL) {
		sluice_worker_unregister(c->engine, rte_lcore_id());
		sluice_engine_del_iommu(c->engine, c->iommu);
		sluice_engine_destroy(c->engine);
	}
	sluice_iommu_mem_free(c->iommu, c->scratch, 4096);
	sluice_iommu_close(c->iommu);
	c->engine = NULL;
	c->iommu = NULL;
	c->scratch = NULL;
}

/* ---- what cases take ------------------------------------------------------------------------- */

void *
conf_mem(struct conf *c, size_t size, size_t align, uint64_t *pa)
{
	void *va;

	CONF_CHECK(c, c->nb_mem < CONF_MEMS, "the case takes too many pieces of memory");
	va = sluice_iommu_mem_alloc(c->iommu, size, align, pa);
	CONF_CHECK(c, va != NULL, "no memory: %zu bytes", size);
	c->mem[c->nb_mem].va = va;
	c->mem[c->nb_mem++].size = size;
	return va;
}

struct sluice_domain *
conf_domain(struct conf *c, enum sluice_domain_type type, const char *policy)
{
	struct sluice_domain_conf conf = { .type = type, .policy = policy };
	struct sluice_domain *dom;

	CONF_CHECK(c, c->nb_dom < CONF_DOMAINS, "the case takes too many domains");
	dom = sluice_domain_create(c->iommu, &conf);
	CONF_CHECK(c, dom != NULL, "no domain: %s", sluice_error());
	c->dom[c->nb_dom++] = dom;
	return dom;
}

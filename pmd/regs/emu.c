/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The register source "emu": an emulated SMMUv3 with its register page and its memory, made as the
 * keys of a device string say (emu_conf.h).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/queue.h>

#include <rte_errno.h>
#include <rte_memzone.h>

#include "../smmuv3/smmuv3_hw.h"
#include "emu_conf.h"

/* Physical addresses differ from those of the process, so that using the wrong kind is noticed
 * at once. */
#define PA_BASE   UINT64_C(0x40000000)
#define MEM_ALIGN (UINT64_C(2) << 20)

/* Memory with a name. All instances that are opened with the name share it, as in one machine.
 * Used on the control path only. */
struct emu_ram {
	TAILQ_ENTRY(emu_ram) next;
	unsigned int users;
	struct sluice_mem *mem;
	void *va;
	size_t len;
	const struct rte_memzone *mz;
	char name[32];
};
static TAILQ_HEAD(, emu_ram) rams = TAILQ_HEAD_INITIALIZER(rams);

struct emu_regs {
	struct emu *emu;
	struct emu_ram *ram; /* shared memory; NULL: this instance has its own */
	void *page;
	void *va;
	size_t len;
	const struct rte_memzone *mz; /* NULL: mmap'ed */
};

/* ---- memory ---------------------------------------------------------------------------------- */

/* Memory from EAL's pool, which has huge pages, if there is room; else from mmap(). */
static int
mem_take(struct emu_regs *s, size_t len)
{
	static _Atomic uint32_t serial;
	char name[RTE_MEMZONE_NAMESIZE];
	void *p;

	s->len = len;
	snprintf(name, sizeof(name), "sluice_emu_%u",
		 atomic_fetch_add_explicit(&serial, 1, memory_order_relaxed));
	s->mz = rte_memzone_reserve_aligned(name, len, SOCKET_ID_ANY, 0, MEM_ALIGN);
	if (s->mz != NULL) {
		s->va = s->mz->addr;
		memset(s->va, 0, len);
		return 0;
	}
	p = mmap(NULL, len + MEM_ALIGN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p == MAP_FAILED)
		return sluice_fail(ENOMEM, "mem_mb=%zu: there is not that much memory", len >> 20);
	s->va = RTE_PTR_ALIGN_CEIL(p, MEM_ALIGN);
	if (s->va != p)
		munmap(p, (size_t)((uint8_t *)s->va - (uint8_t *)p));
	munmap((uint8_t *)s->va + len, MEM_ALIGN - (size_t)((uint8_t *)s->va - (uint8_t *)p));
	(void)madvise(s->va, len, MADV_HUGEPAGE); /* may fail */
	return 0;
}

static void
mem_give(struct emu_regs *s)
{
	if (s->mz != NULL)
		rte_memzone_free(s->mz);
	else if (s->va != NULL)
		munmap(s->va, s->len);
}

/* ---- the source ------------------------------------------------------------------------------ */

/* Get the memory of that name; the first instance makes it. @return 0 or -errno. */
static int
ram_take(struct sluice_regs *regs, struct emu_regs *s, const char *name, size_t len)
{
	struct emu_ram *r = NULL;
	int ret;

	if (name != NULL) {
		TAILQ_FOREACH(r, &rams, next)
			if (strcmp(r->name, name) == 0)
				break;
		if (strlen(name) >= sizeof(r->name))
			return sluice_fail(EINVAL, "mem=%s: a shorter name is wanted", name);
	}
	if (r != NULL) {
		if (r->len != len)
			return sluice_fail(EINVAL, "mem=%s: that memory has %zu MiB", name,
					   r->len >> 20);
		s->va = r->va;
		s->len = r->len;
		regs->mem = r->mem;
	} else {
		ret = mem_take(s, len);
		if (ret != 0)
			return ret;
		regs->mem = sluice_mem_create(s->va, PA_BASE, s->len);
		if (regs->mem == NULL)
			return -rte_errno;
		if (name == NULL)
			return 0;
		r = calloc(1, sizeof(*r));
		if (r == NULL)
			return sluice_fail(ENOMEM, "no memory for the name of memory");
		r->mem = regs->mem;
		r->va = s->va;
		r->len = s->len;
		r->mz = s->mz;
		snprintf(r->name, sizeof(r->name), "%s", name);
		TAILQ_INSERT_TAIL(&rams, r, next);
	}
	r->users++;
	s->ram = r;
	return 0;
}

static void
ram_give(struct sluice_regs *regs, struct emu_regs *s)
{
	if (s->ram != NULL) {
		if (--s->ram->users != 0)
			return;
		s->mz = s->ram->mz;
		TAILQ_REMOVE(&rams, s->ram, next);
		free(s->ram);
	}
	sluice_mem_destroy(regs->mem);
	mem_give(s);
}

static void
emu_close(struct sluice_regs *regs)
{
	struct emu_regs *s = regs->priv;

	if (s == NULL)
		return;
	emu_destroy(s->emu);
	ram_give(regs, s);
	free(s->page);
	free(s);
	regs->priv = NULL;
}

static int
emu_open(struct sluice_regs *regs, struct rte_kvargs *kv)
{
	struct emu_smmuv3_conf c;
	struct emu_regs *s;
	uint64_t mem_mb;
	int ret = emu_conf_parse(kv, &c, &mem_mb);

	if (ret != 0)
		return ret;
	if ((PA_BASE + (mem_mb << 20) - 1) >> c.oas != 0)
		return sluice_fail(EINVAL, "mem_mb=%" PRIu64 " does not fit below %u address bits",
				   mem_mb, c.oas);
	s = calloc(1, sizeof(*s));
	regs->priv = s;
	if (s == NULL || (s->page = aligned_alloc(SMMU_PAGE1, SMMU_REGS_SIZE)) == NULL) {
		ret = sluice_fail(ENOMEM, "no memory for the emulated registers");
		goto fail;
	}
	memset(s->page, 0, SMMU_REGS_SIZE);
	ret = ram_take(regs, s, rte_kvargs_get(kv, "mem"), mem_mb << 20);
	if (ret != 0)
		goto fail;
	s->emu = emu_smmuv3_create(&c, s->page, sluice_mem_span(regs->mem));
	if (s->emu == NULL) {
		ret = sluice_fail(rte_errno, "the emulated SMMUv3 could not be made: %s",
				  rte_errno == ENOMEM ? "no memory" : "start EAL first");
		goto fail;
	}
	regs->base = s->page;
	regs->emu = s->emu;
	regs->clock.virt = emu_virtual_clock(s->emu);
	regs->clock.hz = c.step ? 1000000000u : rte_get_tsc_hz();
	emu_conf_say(regs, &c, mem_mb);
	return 0;
fail:
	emu_close(regs);
	return ret;
}

static int
emu_source_step(struct sluice_regs *regs, unsigned int budget)
{
	return emu_step(regs->emu, budget);
}

static int
emu_source_watch(struct sluice_regs *regs, uint64_t pa, uint64_t len, const uint8_t *owned)
{
	return emu_watch(regs->emu, pa, len, owned);
}

/* The ATS Control register of an emulated endpoint. There is no bus, so this cannot fail. */
static int
emu_source_ats(struct sluice_regs *regs, uint32_t stream, bool on)
{
	return emu_ats_enable(regs->emu, stream, on);
}

static unsigned int
emu_source_xstats(struct sluice_regs *regs, struct sluice_xstat *xs, unsigned int n)
{
#define CORE(field)        { #field, offsetof(struct emu_smmuv3_stats, core.field) }
#define WALK(level)        { "walk_reads_l" #level, \
			     offsetof(struct emu_smmuv3_stats, core.walk_reads) + 8 * (level) }
#define OWN(field)         { #field, offsetof(struct emu_smmuv3_stats, field) }
#define WIRED(name, line)  { "wired_" #name, offsetof(struct emu_smmuv3_stats, wired) + 8 * (line) }
	static const struct {
		const char *name;
		size_t off;
	} counters[] = {
		CORE(steps), CORE(idle_steps), OWN(cmds), OWN(syncs), OWN(tlbis), OWN(cfgis),
		OWN(cerrors), CORE(accesses), CORE(bytes), CORE(faults), CORE(probe_faults),
		CORE(probes), CORE(probe_hits), CORE(iotlb_hits), CORE(iotlb_misses), WALK(0),
		WALK(1), WALK(2), WALK(3), OWN(ste_reads), OWN(cd_reads), CORE(stale_accesses),
		CORE(stale_hits), OWN(events), OWN(events_dropped), OWN(guarded_writes),
		OWN(reserved_writes), CORE(mem_aborts), CORE(atc_hits), CORE(atc_fills),
		OWN(atc_invs), OWN(atc_timeouts), CORE(shadow_accesses), OWN(msis),
		WIRED(eventq, EMU_LINE_EVENTQ), WIRED(gerror, EMU_LINE_GERROR),
		WIRED(sync, EMU_LINE_SYNC),
	};
	struct emu_smmuv3_stats st;

	_Static_assert(sizeof(st) == RTE_DIM(counters) * sizeof(uint64_t), "a name for each");
	emu_smmuv3_get_stats(regs->emu, &st);
	for (unsigned int i = 0; i < RTE_DIM(counters) && i < n; i++) {
		snprintf(xs[i].name, sizeof(xs[i].name), "emu_%s", counters[i].name);
		memcpy(&xs[i].value, (const uint8_t *)&st + counters[i].off, sizeof(uint64_t));
	}
	return RTE_DIM(counters);
}

static const struct sluice_regs_ops emu_source_ops = {
	.name = "emu",
	.keys = emu_key_names,
	.open = emu_open,
	.close = emu_close,
	.step = emu_source_step,
	.watch = emu_source_watch,
	.xstats = emu_source_xstats,
	.ats = emu_source_ats,
};

SLUICE_REGISTER_REGS(emu, &emu_source_ops)

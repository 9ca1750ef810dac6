/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The register source "emu": an emulated SMMUv3 with its register page and its memory, made as the
 * keys of a device string say.
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
#include <rte_string_fns.h>

#include "../emu/smmuv3/emu_smmuv3.h"
#include "../smmuv3/smmuv3_hw.h"
#include "sources.h"

/* Physical addresses differ from those of the process, so that using the wrong kind is noticed
 * at once. */
#define PA_BASE    UINT64_C(0x40000000)
#define MEM_ALIGN  (UINT64_C(2) << 20)
#define MEM_MB     48u
#define MEM_MB_MAX 16384u

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

/* ---- keys ------------------------------------------------------------------------------------ */

enum key_type { T_U8, T_U32, T_U64, T_BOOL, T_BIT };

#define KEY(field, t, lo, hi) { #field, offsetof(struct emu_smmuv3_conf, field), t, lo, hi, 0 }
#define BIT(key, field, mask) { #key, offsetof(struct emu_smmuv3_conf, field), T_BIT, 0, 1, mask }

static const struct {
	const char *name;
	size_t off;
	enum key_type type;
	uint64_t min, max;
	uint8_t bit; /* T_BIT: the bit in a mask of 8 bits */
} conf_keys[] = {
	KEY(sync_ns, T_U32, 0, 1000000000),
	KEY(tlbi_ns, T_U32, 0, 1000000000),
	KEY(ril, T_BOOL, 0, 1),
	KEY(msi, T_BOOL, 0, 1),
	KEY(wired, T_BOOL, 0, 1),
	KEY(two_level, T_BOOL, 0, 1),
	KEY(s1, T_BOOL, 0, 1),
	KEY(s2, T_BOOL, 0, 1),
	KEY(vmid16, T_BOOL, 0, 1),
	KEY(hyp, T_BOOL, 0, 1),
	KEY(ats, T_BOOL, 0, 1),
	KEY(cohacc, T_BOOL, 0, 1),
	KEY(atc_timeout_ns, T_U32, 1, 1000000000),
	BIT(gran16k, gran, EMU_GRAN_16K),
	BIT(gran64k, gran, EMU_GRAN_64K),
	KEY(sid_bits, T_U8, 0, 32),
	KEY(oas, T_U8, 32, 48),
	KEY(iotlb, T_U32, 0, 1u << 24),
	KEY(walk_cache, T_U32, 0, 1u << 24),
	KEY(cfg_cache, T_U32, 0, 1u << 24),
	KEY(cmdq_max_log2, T_U8, 0, SMMU_QS_MAX),
	KEY(evtq_max_log2, T_U8, 0, SMMU_QS_MAX),
	KEY(ack_delay, T_U32, 0, 1000000),
	KEY(cons_lag, T_U32, 0, 1u << SMMU_QS_MAX),
	KEY(shuffle, T_BOOL, 0, 1),
	KEY(sync_early, T_BOOL, 0, 1),
	KEY(tlbi_racy, T_BOOL, 0, 1),
	KEY(step, T_BOOL, 0, 1),
	KEY(step_ns, T_U32, 1, 1000000),
	KEY(seed, T_U64, 0, UINT64_MAX),
};

static const char *const key_names[] = {
	"sync_ns", "tlbi_ns", "ril", "msi", "wired", "two_level", "s1", "s2", "vmid16", "hyp",
	"ats", "cohacc", "atc_timeout_ns", "gran16k", "gran64k", "sid_bits", "oas", "iotlb",
	"walk_cache", "cfg_cache", "cmdq_max_log2", "evtq_max_log2", "ack_delay", "cons_lag",
	"shuffle", "sync_early", "tlbi_racy", "step", "step_ns", "seed", "mem_mb", "mem", NULL,
};
_Static_assert(RTE_DIM(key_names) == RTE_DIM(conf_keys) + 3, "the same keys, mem_mb and mem");

static int
parse_u64(const char *key, const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || *out < min || *out > max)
		return sluice_fail(EINVAL, "%s=%s: give a number from %" PRIu64 " to %" PRIu64, key,
				   text, min, max);
	return 0;
}

static int
check_conf(const struct emu_smmuv3_conf *c)
{
	static const uint8_t oas[] = { 32, 36, 40, 42, 44, 48 };
	const struct {
		const char *name;
		uint32_t v, min;
	} caches[] = { { "iotlb", c->iotlb, 4 },
		       { "walk_cache", c->walk_cache, 1 },
		       { "cfg_cache", c->cfg_cache, 1 } };

	for (size_t i = 0; i < RTE_DIM(caches); i++)
		if (caches[i].v != 0 &&
		    (caches[i].v < caches[i].min || !rte_is_power_of_2(caches[i].v)))
			return sluice_fail(EINVAL, "%s=%u: give 0 or a power of two from %u",
					   caches[i].name, caches[i].v, caches[i].min);
	if (!c->msi && !c->wired)
		return sluice_fail(EINVAL, "msi=0,wired=0: an SMMU has one kind of interrupt, "
				   "or both");
	if (!c->two_level && c->sid_bits > 6)
		return sluice_fail(EINVAL, "two_level=0,sid_bits=%u: an SMMU with more than 6 "
				   "StreamID bits has two-level stream tables", c->sid_bits);
	if (!c->s1 && !c->s2)
		return sluice_fail(EINVAL, "s1=0,s2=0: an SMMU has one stage at least");
	if (!c->hyp && c->s1 && c->s2 && c->ril)
		return sluice_fail(EINVAL, "hyp=0: an SMMU with both stages and range invalidation "
				   "has EL2's streams; give s2=0 or ril=0 too");
	for (size_t i = 0; i < RTE_DIM(oas); i++)
		if (c->oas == oas[i])
			return 0;
	return sluice_fail(EINVAL, "oas=%u: give 32, 36, 40, 42, 44 or 48", c->oas);
}

static int
parse_conf(const struct rte_kvargs *kv, struct emu_smmuv3_conf *c, uint64_t *mem_mb)
{
	const char *text = rte_kvargs_get(kv, "mem_mb");
	int ret;

	emu_smmuv3_conf_default(c);
	*mem_mb = MEM_MB;
	if (text != NULL && (ret = parse_u64("mem_mb", text, 1, MEM_MB_MAX, mem_mb)) != 0)
		return ret;
	for (size_t i = 0; i < RTE_DIM(conf_keys); i++) {
		uint8_t *field = (uint8_t *)c + conf_keys[i].off;
		uint64_t v;

		text = rte_kvargs_get(kv, conf_keys[i].name);
		if (text == NULL)
			continue;
		ret = parse_u64(conf_keys[i].name, text, conf_keys[i].min, conf_keys[i].max, &v);
		if (ret != 0)
			return ret;
		switch (conf_keys[i].type) {
		case T_U8:
			*field = (uint8_t)v;
			break;
		case T_U32:
			*(uint32_t *)(void *)field = (uint32_t)v;
			break;
		case T_U64:
			*(uint64_t *)(void *)field = v;
			break;
		case T_BOOL:
			*(bool *)(void *)field = v != 0;
			break;
		case T_BIT:
			*field = (uint8_t)((*field & ~conf_keys[i].bit) |
					   (v != 0 ? conf_keys[i].bit : 0));
			break;
		}
	}
	return check_conf(c);
}

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

/* What the keys came to: the usual ones, and of the others those that are not as they begin. */
static void
say_settings(struct sluice_regs *regs, const struct emu_smmuv3_conf *c, uint64_t mem_mb)
{
	const char *const others[] = {
		c->ats ? ",ats=1" : "", c->s1 ? "" : ",s1=0", c->s2 ? "" : ",s2=0",
		c->vmid16 ? "" : ",vmid16=0", c->hyp ? "" : ",hyp=0", c->wired ? "" : ",wired=0",
		c->sync_early ? ",sync_early=1" : "", c->tlbi_racy ? ",tlbi_racy=1" : "",
	};

	snprintf(regs->settings, sizeof(regs->settings),
		 "sync_ns=%u,tlbi_ns=%u,ril=%d,msi=%d,two_level=%d,iotlb=%u,walk_cache=%u,"
		 "cfg_cache=%u,shuffle=%d,step=%d,seed=%" PRIu64 ",mem_mb=%" PRIu64,
		 c->sync_ns, c->tlbi_ns, c->ril, c->msi, c->two_level, c->iotlb, c->walk_cache,
		 c->cfg_cache, c->shuffle, c->step, c->seed, mem_mb);
	for (size_t i = 0; i < RTE_DIM(others); i++)
		rte_strlcat(regs->settings, others[i], sizeof(regs->settings));
}

static int
emu_open(struct sluice_regs *regs, struct rte_kvargs *kv)
{
	struct emu_smmuv3_conf c;
	struct emu_regs *s;
	uint64_t mem_mb;
	int ret = parse_conf(kv, &c, &mem_mb);

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
	say_settings(regs, &c, mem_mb);
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
	.keys = key_names,
	.open = emu_open,
	.close = emu_close,
	.step = emu_source_step,
	.watch = emu_source_watch,
	.xstats = emu_source_xstats,
	.ats = emu_source_ats,
};

SLUICE_REGISTER_REGS(emu, &emu_source_ops)

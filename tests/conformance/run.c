/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Running a case: what it needs, a known state before, everything cleared away behind it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "conf.h"

static void
say(struct conf_result *r, const char *fmt, va_list ap)
{
	size_t n = strlen(r->text);

	if (n != 0)
		n += (size_t)snprintf(r->text + n, sizeof(r->text) - n, "; ");
	if (n < sizeof(r->text))
		vsnprintf(r->text + n, sizeof(r->text) - n, fmt, ap);
}

void
conf_fail(struct conf *c, const char *file, int line, const char *fmt, ...)
{
	const char *base = strrchr(file, '/');
	size_t n;
	va_list ap;

	if (c->res->verdict != CONF_FAIL)
		c->res->text[0] = '\0';
	c->res->verdict = CONF_FAIL;
	va_start(ap, fmt);
	say(c->res, fmt, ap);
	va_end(ap);
	n = strlen(c->res->text);
	snprintf(c->res->text + n, sizeof(c->res->text) - n, " (%s:%d)", base ? base + 1 : file,
		 line);
	longjmp(c->out, 1);
}

void
conf_skip(struct conf *c, const char *fmt, ...)
{
	va_list ap;

	c->res->text[0] = '\0';
	c->res->verdict = CONF_SKIP;
	va_start(ap, fmt);
	say(c->res, fmt, ap);
	va_end(ap);
	longjmp(c->out, 1);
}

void
conf_note(struct conf *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(c->res, fmt, ap);
	va_end(ap);
}

void
conf_stale(struct conf *c, bool known, bool stale, const char *what)
{
	if (known)
		CONF_CHECK(c, stale, "%s: not cached, on a model that is known to cache it", what);
	else
		conf_note(c, "%s: %s", what, stale ? "still served" : "not cached");
}

uint32_t
conf_random(struct conf *c)
{
	c->rng ^= c->rng << 13;
	c->rng ^= c->rng >> 7;
	c->rng ^= c->rng << 17;
	return (uint32_t)(c->rng >> 32);
}

/* ---- before and after ------------------------------------------------------------------------ */

/* Every stream aborts, nothing is cached, no event waits. May fail, as any check. */
static void
known_state(struct conf *c)
{
	uint64_t w[8];

	conf_ste_abort(w);
	for (unsigned int d = 0; d < c->nb_devs; d++)
		conf_ste_set(c, d, w);
	conf_tlbi_all(c);
	conf_events(c);
	c->nb_ev = 0;
}

static void
clear_away(struct conf *c)
{
	for (unsigned int d = 0; d < c->nb_devs; d++)
		if (c->info.caps & SLUICE_CAP_ATS)
			CONF_OK(c, sluice_device_ats(c->dev[d].dev, false));
	for (unsigned int d = 0; d < c->nb_devs; d++)
		if (sluice_device_domain(c->dev[d].dev) != NULL)
			CONF_OK(c, sluice_device_detach(c->dev[d].dev));
	known_state(c);
	while (c->nb_dom > 0)
		CONF_OK(c, sluice_domain_destroy(c->dom[--c->nb_dom]));
	if (!c->quiet)
		CONF_CHECK(c, conf_reg(c, SMMU_GERROR) == conf_reg(c, SMMU_GERRORN),
			   "GERROR %#x is left active (GERRORN %#x)", conf_reg(c, SMMU_GERROR),
			   conf_reg(c, SMMU_GERRORN));
}

/* @return whether it went through. */
static bool
guarded(struct conf *c, void (*fn)(struct conf *))
{
	if (setjmp(c->out) != 0)
		return false;
	fn(c);
	return true;
}

/* After a failure, or when registers were changed: a new machine. */
static void
throw_away(struct conf *c)
{
	for (unsigned int d = 0; d < c->nb_devs; d++)
		(void)sluice_device_detach(c->dev[d].dev);
	while (c->nb_dom > 0)
		(void)sluice_domain_destroy(c->dom[--c->nb_dom]);
	while (c->nb_mem > 0) {
		c->nb_mem--;
		sluice_iommu_mem_free(c->iommu, c->mem[c->nb_mem].va, c->mem[c->nb_mem].size);
	}
	conf_machine_close(c);
}

static const char *
unmet(uint64_t missing)
{
	static const char *const text[CONF_NEEDS] = {
		"no stage 1", "no stage 2", "stage 2 is there", "the stream table is linear",
		"no range invalidation", "no MSI", "no 16 KiB granule", "no 64 KiB granule",
		"only one device makes DMA", "the device cannot read host memory",
		"the device is not told of faults", "not a model: an access to nowhere may do harm",
		"SubstreamIDs are there", "stalls are there", "hardware updates AF and dirty state",
		"EL2 is there", "older than SMMUv3.2", "ATS is there", "PRI is there",
		"terminated accesses always abort", "8-bit ASIDs", "SYNCs do not write memory",
		"termination may be RAZ/WI", "no override of privilege", "not both stages",
		"QEMU keeps STRTAB_BASE_CFG.FMT=1 until reset",
		"no ATS, by IDR0 or because devices have none (emu: ats=1)",
		"no EL2",
	};

	return text[__builtin_ctzll(missing)];
}

static bool
same_args(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
ready(struct conf *c, const struct conf_case *k)
{
	if (c->iommu != NULL && (k->fresh || !same_args(c->args, k->args)))
		throw_away(c);
	if (c->iommu == NULL && conf_machine_open(c, k->args) != 0) {
		c->res->verdict = CONF_FAIL;
		snprintf(c->res->text, sizeof(c->res->text),
			 "the machine does not open with %s: %s",
			 k->args != NULL ? k->args : "no more keys", sluice_error());
		throw_away(c);
		return false;
	}
	if ((k->needs & ~c->has) != 0) {
		c->res->verdict = CONF_SKIP;
		snprintf(c->res->text, sizeof(c->res->text), "%s", unmet(k->needs & ~c->has));
		return false;
	}
	return true;
}

void
conf_run(struct conf *c, const struct conf_case *k, struct conf_result *r)
{
	uint64_t start = conf_ms();
	bool ok;

	*r = (struct conf_result){ .verdict = CONF_PASS };
	c->res = r;
	/* The same numbers for a case whatever ran before it. */
	c->rng = (c->opt.seed + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
	c->renew = c->quiet = false;
	c->nb_ev = 0;
	if (ready(c, k)) {
		ok = (k->fresh || guarded(c, known_state)) && guarded(c, k->run);
		ok = (ok || r->verdict == CONF_SKIP) && !c->renew && guarded(c, clear_away);
		if (!ok) {
			throw_away(c);
		} else {
			while (c->nb_mem > 0) {
				c->nb_mem--;
				sluice_iommu_mem_free(c->iommu, c->mem[c->nb_mem].va,
						      c->mem[c->nb_mem].size);
			}
		}
	}
	r->ms = (uint32_t)(conf_ms() - start);
}

struct conf *
conf_open(const struct conf_options *o)
{
	struct conf *c = calloc(1, sizeof(*c));

	if (c == NULL)
		return NULL;
	c->opt = *o;
	if (c->opt.dma == NULL)
		c->opt.dma = strstr(o->dev, "regs=emu") != NULL ? "emu" : "edu";
	if (conf_machine_open(c, NULL) != 0) {
		conf_machine_close(c);
		free(c);
		return NULL;
	}
	return c;
}

void
conf_close(struct conf *c)
{
	if (c == NULL)
		return;
	throw_away(c);
	free(c);
}

const char *
conf_machine(const struct conf *c)
{
	return c->line;
}

const char *
conf_deviation(const struct conf *c, const struct conf_case *k)
{
	if (k->qemu7_deviates != NULL && c->hw.qemu_s1)
		return k->qemu7_deviates;
	if (k->qemu10_deviates != NULL && c->hw.qemu_10)
		return k->qemu10_deviates;
	return c->hw.qemu ? k->qemu_deviates : NULL;
}

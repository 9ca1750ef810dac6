/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A count of instructions is free of caches, waits and neighbours. Under -icount the TSC counts
 * executed instructions; it is read before and after chunks of pairs. A tick of the OS falls into
 * some of the chunks, so the median over the chunks is taken.
 */
#include <string.h>

#include <rte_cycles.h>
#include <rte_errno.h>

#include "insns.h"
#include "median.h"
#include "msg.h"
#include "run.h"

#define CHUNK      1024u /* pairs: four full flush queues */
#define CHUNKS     41u
#define WARM       4u    /* chunks that are not counted */
#define KNOWN      2500000u
#define TOLERANCE  0.05  /* for ticks of the OS */

/* Execute 2 * n instructions. On other machines the compiler's loop has to do: about as many. */
static void
spin(uint64_t n)
{
#if defined(RTE_ARCH_ARM64)
	__asm__ volatile("1: subs %0, %0, #1\n\tb.ne 1b" : "+r"(n) : : "cc");
#elif defined(RTE_ARCH_X86_64)
	__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(n) : : "cc");
#else
	for (; n != 0; n--)
		__asm__ volatile("" : "+r"(n));
#endif
}

static double
insns_since(uint64_t t0)
{
	return (double)(rte_rdtsc() - t0) * 1e9 / (double)rte_get_tsc_hz();
}

int
perf_insns_check(void)
{
	uint64_t t0 = rte_rdtsc();
	double ns;

	spin(KNOWN);
	ns = insns_since(t0);
	if (ns > 2.0 * KNOWN * (1 - TOLERANCE) && ns < 2.0 * KNOWN * (1 + TOLERANCE))
		return 0;
	return perf_usage_error("--insns: the clock does not count instructions here (%u took %.0f "
				"ns); run it in a guest under qemu -icount shift=0", 2 * KNOWN, ns);
}

/* Does the policy give memory back with cookies? Then sluice_unmap_async() is what is measured. */
static bool
has_cookies(const struct perf_run *r)
{
	return r->worker[0].measured.cookies_due != 0;
}

/* pairs() for a policy with cookies, which are taken once per burst. */
static int
pairs_async(struct perf_run *r, double *insns)
{
	struct sluice_domain *dom = r->dom;
	struct sluice_engine *engine = r->b->engine;
	uint64_t start = r->b->pool_pa, end = start + PERF_BURST * PERF_PAGE, iova;
	uint64_t cookie[PERF_BURST], t0 = rte_rdtsc();
	int rc = 0;

	for (uint32_t i = 0; i < CHUNK && rc >= 0; i += PERF_BURST) {
		for (uint64_t pa = start; pa != end && rc >= 0; pa += PERF_PAGE) {
			rc = sluice_map(dom, pa, PERF_PAGE, SLUICE_RW, &iova);
			if (rc == 0)
				rc = sluice_unmap_async(dom, iova, PERF_PAGE, pa);
		}
		sluice_unmap_completed(dom, cookie, PERF_BURST);
		sluice_engine_poll(engine);
	}
	*insns = insns_since(t0) / CHUNK;
	return RTE_MIN(rc, 0);
}

/* One chunk of pairs, with a poll of the engine per burst. @return 0 or -errno. */
static int
pairs(struct perf_run *r, double *insns)
{
	struct sluice_domain *dom = r->dom;
	struct sluice_engine *engine = r->b->engine;
	uint64_t start = r->b->pool_pa, end = start + PERF_BURST * PERF_PAGE, iova;
	uint64_t t0 = rte_rdtsc();
	int rc = 0;

	for (uint32_t i = 0; i < CHUNK && rc == 0; i += PERF_BURST) {
		for (uint64_t pa = start; pa != end && rc == 0; pa += PERF_PAGE) {
			rc = sluice_map(dom, pa, PERF_PAGE, SLUICE_RW, &iova);
			if (rc == 0)
				rc = sluice_unmap(dom, iova, PERF_PAGE);
		}
		sluice_engine_poll(engine);
	}
	*insns = insns_since(t0) / CHUNK;
	return rc;
}

/* The unmaps of one burst, one after the other. @return 0 or -errno. */
static int
unmaps(struct perf_run *r, const uint64_t *iova, bool async)
{
	uint64_t cookie[PERF_BURST];
	int rc = 0;

	if (!async) {
		for (uint32_t k = 0; k < PERF_BURST && rc == 0; k++)
			rc = sluice_unmap(r->dom, iova[k], PERF_PAGE);
		return rc;
	}
	for (uint32_t k = 0; k < PERF_BURST && rc >= 0; k++)
		rc = sluice_unmap_async(r->dom, iova[k], PERF_PAGE, k);
	sluice_unmap_completed(r->dom, cookie, PERF_BURST);
	return RTE_MIN(rc, 0);
}

/* One chunk in bursts: map and unmap are counted apart, and the engine's work is not counted. */
static int
bursts(struct perf_run *r, double *map, double *unmap)
{
	struct perf_bench *b = r->b;
	uint64_t iova[PERF_BURST], t;
	bool async = has_cookies(r);
	int rc = 0;

	*map = *unmap = 0;
	for (uint32_t i = 0; i < CHUNK && rc == 0; i += PERF_BURST) {
		t = rte_rdtsc();
		for (uint32_t k = 0; k < PERF_BURST && rc == 0; k++)
			rc = sluice_map(r->dom, b->pool_pa + k * PERF_PAGE, PERF_PAGE, SLUICE_RW,
					&iova[k]);
		*map += insns_since(t) / CHUNK;
		t = rte_rdtsc();
		if (rc == 0)
			rc = unmaps(r, iova, async);
		*unmap += insns_since(t) / CHUNK;
		sluice_engine_poll(b->engine);
	}
	return rc;
}

int
perf_insns_measure(struct perf_run *r)
{
	double pair[CHUNKS], map[CHUNKS], unmap[CHUNKS];
	uint64_t cookie[PERF_BURST];
	int rc = 0;

	for (unsigned int i = 0; i < WARM + CHUNKS && rc == 0; i++) {
		unsigned int at = i < WARM ? 0 : i - WARM;

		rc = has_cookies(r) ? pairs_async(r, &pair[at]) : pairs(r, &pair[at]);
		if (rc == 0)
			rc = bursts(r, &map[at], &unmap[at]);
	}
	if (rc == 0)
		rc = sluice_domain_drain(r->dom);
	while (rc == 0 && sluice_unmap_completed(r->dom, cookie, PERF_BURST) != 0)
		; /* after the drain all are ready, so this ends with the ring's last burst */
	if (rc != 0)
		return perf_failed("policy %s: counting instructions failed: %s", r->policy,
				   rte_strerror(-rc));
	r->insns = (struct perf_insns){
		.map = perf_median(map, CHUNKS),
		.unmap = perf_median(unmap, CHUNKS),
		.pair = perf_median(pair, CHUNKS),
	};
	return 0;
}

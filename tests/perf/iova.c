/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * IOVA allocation: alloc + free beside the object pools of DPDK and Concurrency Kit, at one order
 * and at mixed ones, in an empty space and in one that is 90 % full, means and tails.
 */
#include <string.h>

#include <rte_common.h>
#include <rte_cycles.h>
#include <rte_errno.h>

#include <sluice/hist.h>

#include "bench.h"
#include "iova_peers.h"

#define BURST   1024u /* more than a lcore keeps for itself, so that the shared part is seen */
#define CHUNKS  256u /* 512 MiB of IOVAs */
#define PAGES   (CHUNKS * IOVA_CHUNK_PAGES)
#define MIXED   8192u /* objects of each order above 0 that a pool has */
#define RANDOMS 4096u
#define OUT     0xff  /* order of a live one that is not */

/* One allocator in one state. */
struct iova_case {
	struct iova_bench *b;
	union iova_object *live; /* [nb_live] */
	uint8_t *order;          /* [nb_live], of each live one */
	uint32_t nb_live;
	unsigned int nb_orders;  /* orders 0 … nb_orders-1 */
	uint32_t at, shift;      /* in random[]; added to what is found there */
	uint32_t random[RANDOMS];
	uint64_t overhead;       /* cycles between two looks at the clock with nothing between */
};

struct allocator {
	const char *name, *what;
	int (*get)(struct iova_bench *b, unsigned int order, union iova_object *o);
	void (*put)(struct iova_bench *b, unsigned int order, union iova_object o);
	bool (*burst)(void *arg, uint64_t n, double *out);
	bool (*churn)(void *arg, uint64_t n, double *out);
	bool (*tail)(void *arg, uint64_t n, double *out);
};

static void
tail_out(const struct sluice_hist *h, double *out)
{
	out[0] = bench_ns(sluice_hist_quantile(h, 0.5));
	out[1] = bench_ns(sluice_hist_quantile(h, 0.99));
	out[2] = bench_ns(sluice_hist_quantile(h, 0.999));
	out[3] = bench_ns(h->max);
}

/* Any live one that is not out already. Drawn beforehand, so that no allocator waits for a random
 * number. */
static inline uint32_t
victim(struct iova_case *c)
{
	uint32_t i = (c->random[c->at] >> 3) + c->shift;

	if (__builtin_expect(++c->at == RANDOMS, 0)) {
		/* The same sequence again, elsewhere: over time every live one has its turn. */
		c->at = 0;
		c->shift = c->shift + 1 < c->nb_live ? c->shift + 1 : 0;
	}
	i = i < c->nb_live ? i : i - c->nb_live;
	while (__builtin_expect(c->order[i] == OUT, 0))
		i = i + 1 < c->nb_live ? i + 1 : 0;
	return i;
}

/* The order of the next allocation. */
static inline unsigned int
next_order(const struct iova_case *c, unsigned int i)
{
	return c->random[(c->at + i) % RANDOMS] & 7;
}

/* The loops, for each allocator. burst: 1024 out, then the same in. churn: as many of the live ones
 * are freed, whichever they are, then others allocated, so that what a lcore keeps for itself
 * runs full and runs dry; BEFORE and AFTER are around each single call. */
#define CHURN(id, name, BEFORE, AFTER)                                                             \
	static int id##_##name(struct iova_case *c, uint64_t n, struct sluice_hist *h)             \
	{                                                                                          \
		uint32_t slot[BURST];                                                              \
		uint64_t t = 0;                                                                    \
		int bad = 0;                                                                       \
                                                                                                   \
		(void)h, (void)t;                                                                  \
		for (uint64_t k = 0; k < n; k += BURST) {                                          \
			for (unsigned int j = 0; j < BURST; j++) {                                 \
				uint32_t i = slot[j] = victim(c);                                  \
				unsigned int o = c->order[i];                                      \
                                                                                                   \
				c->order[i] = OUT;                                                 \
				BEFORE;                                                            \
				id##_put(c->b, o, c->live[i]);                                     \
				AFTER;                                                             \
			}                                                                          \
			for (unsigned int j = 0; j < BURST; j++) {                                 \
				unsigned int o = next_order(c, j);                                 \
				uint32_t i = slot[j];                                              \
                                                                                                   \
				c->order[i] = (uint8_t)o;                                          \
				BEFORE;                                                            \
				bad |= id##_get(c->b, o, &c->live[i]);                             \
				AFTER;                                                             \
			}                                                                          \
		}                                                                                  \
		return bad;                                                                        \
	}

#define CLOCK t = rte_rdtsc_precise()
#define TICK                                                                                       \
	do {                                                                                       \
		t = rte_rdtsc_precise() - t;                                                       \
		sluice_hist_add(h, t > c->overhead ? t - c->overhead : 1);                         \
	} while (0)

#define IOVA_LOOPS(id)                                                                             \
	CHURN(id, any, (void)0, (void)0)                                                           \
	CHURN(id, timed, CLOCK, TICK)                                                              \
                                                                                                   \
	static bool id##_burst(void *arg, uint64_t n, double *out)                                 \
	{                                                                                          \
		struct iova_case *c = arg;                                                         \
		union iova_object o[BURST];                                                        \
		uint64_t turns = (n + BURST - 1) / BURST;                                          \
		int bad = 0;                                                                       \
		uint64_t start = rte_rdtsc_precise();                                              \
                                                                                                   \
		for (uint64_t k = 0; k < turns; k++) {                                             \
			for (unsigned int i = 0; i < BURST; i++)                                   \
				bad |= id##_get(c->b, 0, &o[i]);                                   \
			for (unsigned int i = 0; i < BURST; i++)                                   \
				id##_put(c->b, 0, o[i]);                                           \
		}                                                                                  \
		out[0] = bench_ns(rte_rdtsc_precise() - start) / (double)(turns * BURST);          \
		return bench_check(bad == 0, #id ": an allocation failed");                        \
	}                                                                                          \
                                                                                                   \
	static bool id##_churn(void *arg, uint64_t n, double *out)                                 \
	{                                                                                          \
		n = RTE_ALIGN_CEIL(n, BURST);                                                      \
		uint64_t start = rte_rdtsc_precise();                                              \
		int bad = id##_any(arg, n, NULL);                                                  \
                                                                                                   \
		out[0] = bench_ns(rte_rdtsc_precise() - start) / (double)n;                        \
		return bench_check(bad == 0, #id ": an allocation failed");                        \
	}                                                                                          \
                                                                                                   \
	static bool id##_tail(void *arg, uint64_t n, double *out)                                  \
	{                                                                                          \
		static struct sluice_hist h;                                                       \
                                                                                                   \
		sluice_hist_reset(&h);                                                             \
		int bad = id##_timed(arg, n, &h);                                                  \
                                                                                                   \
		tail_out(&h, out);                                                                 \
		return bench_check(bad == 0, #id ": an allocation failed");                        \
	}

IOVA_LOOPS(sluice)
IOVA_LOOPS(mempool)
IOVA_LOOPS(stack)
IOVA_LOOPS(ring)
#if HAVE_CK
IOVA_LOOPS(ck)
#endif

#define ALLOCATOR(id, name, what)                                                                  \
	{ name, what, id##_get, id##_put, id##_burst, id##_churn, id##_tail }

static const struct allocator allocators[] = {
	ALLOCATOR(sluice, "sluice", "magazine of 512 over lock-free chunk bitmaps"),
	ALLOCATOR(mempool, "rte_mempool", "per-lcore cache of 512 over a ring"),
	ALLOCATOR(stack, "rte_stack (lf)", "lock-free stack, 128-bit compare-and-exchange"),
#if HAVE_CK
	ALLOCATOR(ck, "ck_stack mpmc", "Treiber stack, 128-bit compare-and-exchange"),
#endif
	ALLOCATOR(ring, "rte_ring mp/mc", "ring of free objects"),
};

/* Ask for @p nb_live objects, or, if 0, fill @p percent of the space. */
static bool
fill(struct iova_case *c, const struct allocator *a, struct iova_bench *b, uint32_t nb_live,
     unsigned int percent, unsigned int nb_orders)
{
	uint64_t seed = 88172645463325252u, pages = 0, want = (uint64_t)PAGES * percent / 100;

	*c = (struct iova_case){ .b = b, .nb_orders = nb_orders, .overhead = UINT64_MAX };
	c->live = calloc(PAGES, sizeof(c->live[0]));
	c->order = calloc(PAGES, 1);
	if (c->live == NULL || c->order == NULL)
		return false;
	while (nb_live != 0 ? c->nb_live < nb_live : pages < want) {
		unsigned int o = (unsigned int)(bench_rand(&seed) >> 20) % nb_orders;

		if (a->get(b, o, &c->live[c->nb_live]) != 0)
			return bench_check(false, "%s: no object of order %u", a->name, o);
		c->order[c->nb_live++] = (uint8_t)o;
		pages += UINT64_C(1) << o;
	}
	for (unsigned int i = 0; i < RANDOMS; i++)
		c->random[i] = (uint32_t)(bench_rand(&seed) >> 20) % c->nb_live << 3 |
			       (uint32_t)(bench_rand(&seed) >> 20) % nb_orders;
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t t = rte_rdtsc_precise();

		t = rte_rdtsc_precise() - t;
		c->overhead = RTE_MIN(c->overhead, t);
	}
	return true;
}

/* No two live objects of the subject may share a page; everything must go back. */
static bool
check_unique(const struct iova_case *c)
{
	uint8_t *seen = calloc(PAGES, 1);
	bool ok = seen != NULL;

	for (uint32_t i = 0; i < c->nb_live && ok; i++) {
		uint32_t pfn = c->live[i].pfn, n = 1u << c->order[i];

		ok = pfn % n == 0 && pfn + n <= PAGES;
		for (uint32_t p = pfn; p < pfn + n && ok; p++)
			ok = seen[p]++ == 0;
	}
	free(seen);
	return bench_check(ok, "iova: two live objects share a page");
}

static int
prepare(void *arg, uint32_t chunk)
{
	(void)arg, (void)chunk;
	return 0;
}

static void
bench_free(struct iova_bench *b)
{
	for (unsigned int o = 0; o < PEER_ORDERS; o++) {
		rte_mempool_free(b->pool[o]);
		rte_stack_free(b->stack[o]);
		rte_ring_free(b->ring[o]);
	}
#if HAVE_CK
	free(b->ck_entries);
#endif
	iova_space_fini(&b->space);
	free(b);
}

/* All allocators, holding everything. */
static struct iova_bench *
bench_new(unsigned int nb_orders)
{
	struct iova_bench *b = NULL;
	char name[32];
	bool ok;

	if (posix_memalign((void **)&b, 64, sizeof(*b)) != 0)
		return NULL;
	memset(b, 0, sizeof(*b));
	ok = iova_space_init(&b->space, CHUNKS, prepare, NULL) == 0;
	for (unsigned int o = 0; o < IOVA_ORDERS; o++)
		iova_mag_init(&b->mag[o]);
#if HAVE_CK
	b->ck_entries = calloc(PAGES + PEER_ORDERS * MIXED, sizeof(*b->ck_entries));
	ok = ok && b->ck_entries != NULL;
#endif
	for (unsigned int o = 0; o < nb_orders && ok; o++) {
		uint32_t n = o == 0 ? PAGES : MIXED;

		snprintf(name, sizeof(name), "bench_iova_%u", o);
		b->pool[o] = rte_mempool_create(name, n - 1, 8, RTE_MEMPOOL_CACHE_MAX_SIZE, 0, NULL,
						NULL, NULL, NULL, SOCKET_ID_ANY, 0);
		b->stack[o] = rte_stack_create(name, n, SOCKET_ID_ANY, RTE_STACK_F_LF);
		b->ring[o] = rte_ring_create(name, 2 * n, SOCKET_ID_ANY, 0);
		ok = b->pool[o] != NULL && b->stack[o] != NULL && b->ring[o] != NULL;
		for (uintptr_t i = 1; i <= n && ok; i++) {
			void *obj = (void *)i;

			rte_stack_push(b->stack[o], &obj, 1);
			rte_ring_enqueue(b->ring[o], obj);
#if HAVE_CK
			ck_stack_push_mpmc(&b->ck[o].stack,
					   &b->ck_entries[(o == 0 ? 0 : PAGES + o * MIXED) + i - 1]);
#endif
		}
	}
	if (!bench_check(ok, "iova: pools could not be made: %s", rte_strerror(rte_errno))) {
		bench_free(b);
		return NULL;
	}
	return b;
}

/* One state of the space: what is measured is churn and its tail, in an empty one bursts too. */
static bool
state(const char *name, uint32_t nb_live, unsigned int percent, unsigned int nb_orders)
{
	struct bench_variant v[RTE_DIM(allocators)];
	struct iova_case c[RTE_DIM(allocators)] = { 0 };
	struct iova_bench *b = bench_new(nb_orders);
	struct bench_case bc = { .bench = "iova", .layout = "thread 0" };
	char label[72];
	double out[BENCH_MAX_METRICS];
	bool ok = b != NULL;

	for (unsigned int i = 0; i < RTE_DIM(allocators) && ok; i++) {
		const struct allocator *a = &allocators[i];

		v[i] = (struct bench_variant){ a->name, a->what, a->burst, &c[i] };
		ok = fill(&c[i], a, b, nb_live, percent, nb_orders);
		/* Until free and live ones are well mixed. */
		ok = ok && a->churn(&c[i], 2 * c[i].nb_live, out);
	}
	bc.name = label;
	if (ok && nb_live != 0 && nb_orders == 1) {
		snprintf(label, sizeof(label), "%s: 1024 out, 1024 in", name);
		bc.metric[0] = "alloc+free";
		bc.goal = "G2 >= 4x rcache";
		ok = bench_compare(&bc, v, RTE_DIM(v));
	}
	for (unsigned int i = 0; i < RTE_DIM(allocators); i++)
		v[i].run = allocators[i].churn;
	snprintf(label, sizeof(label), "%s: 1024 of any in, 1024 out", name);
	bc.metric[0] = "alloc+free";
	bc.goal = "G2 >= 4x rcache";
	ok = ok && bench_compare(&bc, v, RTE_DIM(v));
	for (unsigned int i = 0; i < RTE_DIM(allocators); i++)
		v[i].run = allocators[i].tail;
	snprintf(label, sizeof(label), "%s: 1024 of any in, 1024 out, tail", name);
	bc = (struct bench_case){ .bench = "iova", .name = label, .layout = "thread 0",
				  .goal = "G2 p99.9 <= 20x p50",
				  .metric = { "p50", "p99", "p99.9", "max" } };
	ok = ok && bench_compare(&bc, v, RTE_DIM(v));
	if (ok) {
		ok = check_unique(&c[0]);
		for (uint32_t i = 0; i < c[0].nb_live; i++)
			iova_put(&b->space, &b->mag[c[0].order[i]], c[0].order[i], c[0].live[i].pfn);
		for (unsigned int o = 0; o < IOVA_ORDERS; o++)
			iova_mag_flush(&b->space, &b->mag[o], o);
		ok = bench_check(iova_space_free_pages(&b->space) == PAGES, "iova: pages were lost") &&
		     ok;
	}
	for (unsigned int i = 0; i < RTE_DIM(allocators); i++) {
		free(c[i].live);
		free(c[i].order);
	}
	if (b != NULL)
		bench_free(b);
	return ok;
}

bool
bench_iova(void)
{
	bool ok = state("order 0, empty space", 4096, 0, 1);

	ok = state("order 0, 90 % full", 0, 90, 1) && ok;
	ok = state("orders 0-5, empty space", 4096, 0, PEER_ORDERS) && ok;
	ok = state("orders 0-5, 90 % full", 0, 90, PEER_ORDERS) && ok;
	return ok;
}

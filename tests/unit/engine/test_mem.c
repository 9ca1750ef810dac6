/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * mem.c: alignment of physical addresses, zeroing, merging, the two borders that meet, the page
 * stack; random use against a map of who has each cache line.
 */
#include "engine/base/mem.h"
#include "rig.h"

#define SPAN_PAGES 64u
#define PA_BASE    UINT64_C(0x12345000) /* page aligned and no better */

struct mem_rig {
	uint8_t *va;
	struct sluice_mem *m;
};

static int
up(void **state)
{
	struct mem_rig *r = calloc(1, sizeof(*r));

	r->va = sluice_host_alloc(SPAN_PAGES * 4096);
	memset(r->va, 0xa5, SPAN_PAGES * 4096);
	r->m = sluice_mem_create(r->va, PA_BASE, SPAN_PAGES * 4096);
	*state = r;
	return r->m == NULL;
}

static int
down(void **state)
{
	struct mem_rig *r = *state;

	sluice_mem_destroy(r->m);
	sluice_host_free(r->va, SPAN_PAGES * 4096);
	free(r);
	return 0;
}

static bool
all_zero(const uint8_t *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] != 0)
			return false;
	return true;
}

static void
create_refuses_nonsense(void **state)
{
	struct mem_rig *r = *state;

	assert_null(sluice_mem_create(NULL, PA_BASE, 4096));
	assert_int_equal(rte_errno, EINVAL);
	assert_null(sluice_mem_create(r->va, PA_BASE, 4095));
	assert_null(sluice_mem_create(r->va + 1, PA_BASE, 4096));
	assert_null(sluice_mem_create(r->va, PA_BASE + 8, 4096));
	assert_null(sluice_mem_create(r->va, PA_BASE, SIZE_MAX));
	assert_true(sluice_error()[0] != '\0');
	sluice_mem_destroy(NULL);
}

static void
span_translates(void **state)
{
	struct mem_rig *r = *state;
	struct sluice_mem_span s = sluice_mem_span(r->m);

	assert_ptr_equal(s.va, r->va);
	assert_int_equal(s.pa, PA_BASE);
	assert_int_equal(s.len, SPAN_PAGES * 4096);
	assert_ptr_equal(sluice_span_va(&s, PA_BASE, s.len), r->va);
	assert_null(sluice_span_va(&s, PA_BASE, s.len + 1));
	assert_null(sluice_span_va(&s, PA_BASE - 1, 1));
	assert_null(sluice_span_va(&s, PA_BASE + s.len, 0));
	assert_null(sluice_span_va(&s, PA_BASE + 4096, UINT64_MAX));
	assert_ptr_equal(sluice_span_va(&s, PA_BASE + s.len - 1, 1), r->va + s.len - 1);
	assert_int_equal(sluice_span_pa(&s, r->va + 100), PA_BASE + 100);
}

static void
alloc_aligns_physical_addresses_and_zeroes(void **state)
{
	struct mem_rig *r = *state;

	for (size_t align = 1; align <= 8 * 4096; align *= 2) {
		uint64_t pa = 1;
		uint8_t *p = sluice_mem_alloc(r->m, 300, align, &pa);

		assert_non_null(p);
		assert_int_equal(pa % align, 0);
		assert_int_equal(pa - PA_BASE, (uint64_t)(p - r->va));
		assert_true(all_zero(p, 300));
		memset(p, 0xff, 300);
	}
	uint64_t pa = 1;

	assert_non_null(sluice_mem_alloc(r->m, 1, 0, &pa));
	assert_int_equal(pa % RTE_CACHE_LINE_SIZE, 0);
	assert_non_null(sluice_mem_alloc(r->m, 1, 0, NULL));
}

static void
alloc_errors(void **state)
{
	struct mem_rig *r = *state;

	rte_errno = 0;
	assert_null(sluice_mem_alloc(r->m, 0, 64, NULL));
	assert_int_equal(rte_errno, EINVAL);
	rte_errno = 0;
	assert_null(sluice_mem_alloc(r->m, 64, 48, NULL));
	assert_int_equal(rte_errno, EINVAL);
	rte_errno = 0;
	assert_null(sluice_mem_alloc(r->m, SIZE_MAX, 64, NULL));
	assert_int_equal(rte_errno, EINVAL);
	rte_errno = 0;
	assert_null(sluice_mem_alloc(r->m, 64, (size_t)1 << 31, NULL));
	assert_int_equal(rte_errno, ENOMEM);
	assert_int_equal(sluice_mem_used(r->m), 0);
	sluice_mem_free(r->m, NULL, 64);
	/* The whole span is to be had, and after that nothing. */
	void *all = sluice_mem_alloc(r->m, SPAN_PAGES * 4096, 4096, NULL);

	assert_non_null(all);
	rte_errno = 0;
	assert_null(sluice_mem_alloc(r->m, 1, 64, NULL));
	assert_int_equal(rte_errno, ENOMEM);
	assert_null(sluice_mem_page_get(r->m, NULL));
	sluice_mem_free(r->m, all, SPAN_PAGES * 4096);
	assert_int_equal(sluice_mem_used(r->m), 0);
}

static void
freed_neighbours_merge(void **state)
{
	static const unsigned int order[][4] = { { 0, 1, 2, 3 }, { 3, 2, 1, 0 }, { 0, 2, 1, 3 },
						 { 1, 3, 0, 2 }, { 2, 0, 3, 1 } };
	struct mem_rig *r = *state;
	const size_t piece = SPAN_PAGES / 4 * 4096;

	for (unsigned int k = 0; k < RTE_DIM(order); k++) {
		void *p[4];

		for (unsigned int i = 0; i < 4; i++) {
			p[i] = sluice_mem_alloc(r->m, piece, 4096, NULL);
			assert_non_null(p[i]);
		}
		assert_int_equal(sluice_mem_used(r->m), 4 * piece);
		for (unsigned int i = 0; i < 4; i++)
			sluice_mem_free(r->m, p[order[k][i]], piece);
		assert_int_equal(sluice_mem_used(r->m), 0);
		/* Only if all four merged does the whole span fit again. */
		p[0] = sluice_mem_alloc(r->m, 4 * piece, 4096, NULL);
		assert_non_null(p[0]);
		sluice_mem_free(r->m, p[0], 4 * piece);
	}
}

static void
the_borders_meet_and_do_not_cross(void **state)
{
	struct mem_rig *r = *state;
	uint8_t *bottom_end = r->va;
	unsigned int n = 0;
	void *page[SPAN_PAGES];
	uint64_t pa;

	/* Alternately from both ends, until nothing is left for either. */
	for (;;) {
		void *p = sluice_mem_alloc(r->m, 4096, 4096, NULL);

		if (p != NULL)
			bottom_end = (uint8_t *)p + 4096;
		void *q = sluice_mem_page_get(r->m, &pa);

		if (q == NULL) {
			assert_null(sluice_mem_alloc(r->m, 1, 1, NULL));
			break;
		}
		assert_int_equal(pa - PA_BASE, (uint64_t)((uint8_t *)q - r->va));
		assert_true((uint8_t *)q >= bottom_end);
		assert_true(all_zero(q, 4096));
		memset(q, 0xee, 4096);
		page[n++] = q;
		assert_true(n <= SPAN_PAGES);
	}
	assert_int_equal(n, SPAN_PAGES / 2);
	assert_int_equal(sluice_mem_pages_used(r->m), n);
	assert_int_equal(sluice_mem_used(r->m), SPAN_PAGES * 4096);
	/* Pages come back through the stack, zeroed, each once. */
	for (unsigned int i = 0; i < n; i++)
		sluice_mem_page_put(r->m, page[i]);
	assert_int_equal(sluice_mem_pages_used(r->m), 0);
	for (unsigned int i = 0; i < n; i++) {
		uint8_t *q = sluice_mem_page_get(r->m, NULL);

		assert_non_null(q);
		assert_true(q >= bottom_end);
		assert_true(all_zero(q, 4096));
		q[0] = 1; /* a page handed out twice would not be zero */
	}
	assert_null(sluice_mem_page_get(r->m, NULL));
}

/* Links are kept beside the pages: what hardware scribbles into a freed page harms nobody. */
static void
scribbling_into_freed_pages_is_harmless(void **state)
{
	struct mem_rig *r = *state;
	uint8_t *p[8];

	for (unsigned int i = 0; i < 8; i++)
		p[i] = sluice_mem_page_get(r->m, NULL);
	for (unsigned int i = 0; i < 8; i++) {
		sluice_mem_page_put(r->m, p[i]);
		memset(p[i], 0x5a, 4096);
	}
	for (unsigned int i = 0; i < 8; i++) {
		uint8_t *q = sluice_mem_page_get(r->m, NULL);

		assert_true(q >= p[7] && q <= p[0] && (q - p[7]) % 4096 == 0);
		assert_true(all_zero(q, 4096));
	}
}

enum { LINES = SPAN_PAGES * 4096 / 64, LIVE = 40 };

/* What random_against_a_model() knows of the memory: which lines are used, by which pieces. */
static struct {
	uint8_t owner[LINES];
	struct {
		uint8_t *p;
		size_t size;
		bool page;
	} live[LIVE];
	size_t used;
	unsigned int got;
} model;

static void
model_put(struct mem_rig *r, unsigned int k)
{
	uint8_t *p = model.live[k].p;
	size_t size = model.live[k].size, lines = RTE_ALIGN_CEIL(size, 64) / 64;

	for (size_t i = 0; i < size; i++)
		assert_int_equal(p[i], k + 1); /* nobody else wrote here */
	memset(&model.owner[(p - r->va) / 64], 0, lines);
	model.used -= lines * 64;
	if (model.live[k].page)
		sluice_mem_page_put(r->m, p);
	else
		sluice_mem_free(r->m, p, size);
	model.live[k].p = NULL;
}

static void
model_get(struct mem_rig *r, unsigned int k, size_t size, size_t align)
{
	/* Few pages: those never go back to the bottom. */
	bool page = k < 4;
	uint8_t *p = page ? sluice_mem_page_get(r->m, NULL)
			  : sluice_mem_alloc(r->m, size, align, NULL);

	if (p == NULL)
		return;
	size = page ? 4096 : size;
	size_t first = (size_t)(p - r->va) / 64, lines = (size + 63) / 64;

	assert_true(p >= r->va && first + lines <= LINES);
	for (size_t i = 0; i < lines; i++) {
		assert_int_equal(model.owner[first + i], 0);
		model.owner[first + i] = 1;
	}
	assert_true(all_zero(p, size));
	memset(p, (int)(k + 1), size);
	model.live[k].p = p;
	model.live[k].size = size;
	model.live[k].page = page;
	model.used += lines * 64;
	model.got++;
}

/* Random use against a map of lines: nothing overlaps, nothing is lost. */
static void
random_against_a_model(void **state)
{
	struct mem_rig *r = *state;
	uint64_t seed = 42;

	memset(&model, 0, sizeof(model));
	for (unsigned int step = 0; step < 20000; step++) {
		unsigned int k = (unsigned int)(rnd(&seed) % LIVE);

		if (model.live[k].p != NULL) {
			model_put(r, k);
		} else {
			size_t size = 1 + rnd(&seed) % (step % 3 ? 3000 : 20000);

			model_get(r, k, size, (size_t)64 << rnd(&seed) % 8);
		}
		assert_int_equal(sluice_mem_used(r->m), model.used);
	}
	assert_true(model.got > 5000);
	for (unsigned int k = 0; k < LIVE; k++) {
		if (model.live[k].p != NULL)
			model_put(r, k);
		else
			sluice_mem_free(r->m, NULL, 64);
	}
	assert_int_equal(sluice_mem_used(r->m), 0);
}

static void
host_memory_is_zeroed(void **state)
{
	(void)state;
	uint8_t *p = sluice_host_alloc(3 << 20);

	assert_non_null(p);
	assert_true(all_zero(p, 3 << 20));
	sluice_host_free(p, 3 << 20);
	sluice_host_free(NULL, 1);
	assert_null(sluice_host_alloc((size_t)1 << 62));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(create_refuses_nonsense, up, down),
		cmocka_unit_test_setup_teardown(span_translates, up, down),
		cmocka_unit_test_setup_teardown(alloc_aligns_physical_addresses_and_zeroes, up, down),
		cmocka_unit_test_setup_teardown(alloc_errors, up, down),
		cmocka_unit_test_setup_teardown(freed_neighbours_merge, up, down),
		cmocka_unit_test_setup_teardown(the_borders_meet_and_do_not_cross, up, down),
		cmocka_unit_test_setup_teardown(scribbling_into_freed_pages_is_harmless, up, down),
		cmocka_unit_test_setup_teardown(random_against_a_model, up, down),
		cmocka_unit_test(host_memory_is_zeroed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

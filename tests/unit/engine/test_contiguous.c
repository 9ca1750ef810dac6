/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * policy/contiguous.c: a burst is neighbours for the device, and goes away as a whole: one range,
 * one SYNC.
 */
#include "fixture.h"

#define PA UINT64_C(0x300000000)

static const struct sluice_domain_conf conf = { .policy = "contiguous", .iova_size = 16 << 20 };

static struct sluice_seg seg[8];

static void
segments(void)
{
	/* Anywhere in memory, at any offset, of any length. */
	for (unsigned int i = 0; i < RTE_DIM(seg); i++)
		seg[i] = (struct sluice_seg){ .pa = PA + 0x100000 * (7 - i) + 100 * i,
					      .len = 1500 + 2048 * i, .prot = SLUICE_RW };
}

static const struct plan plan = { &conf, .begin = segments };

static unsigned int
pages_of(const struct sluice_seg *s)
{
	return (unsigned int)(((s->pa & 4095) + s->len + 4095) / 4096);
}

static void
neighbours_whatever_the_memory(void **state)
{
	unsigned int pages = 0;
	uint64_t pa;

	(void)state;
	assert_int_equal(sluice_map_burst(r.d, seg, 8), 8);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(seg[i].iova & ~UINT64_C(4095),
				 (seg[0].iova & ~UINT64_C(4095)) + pages * 4096);
		for (uint32_t at = 0; at < seg[i].len; at += 999) {
			assert_int_equal(sluice_iova_to_pa(r.d, seg[i].iova + at, &pa), 0);
			assert_int_equal(pa, seg[i].pa + at);
		}
		pages += pages_of(&seg[i]);
	}
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.maps, 1); /* it is one mapping */
	assert_int_equal(st.map_pages, pages);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 8), 8);
	assert_int_equal(r.f->submitted, 1);
	assert_int_equal(fake_sub(r.f, 1)->n, 1);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].op, SLUICE_INV_RANGE);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].flags, SLUICE_INV_LEAF);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].pages, pages);
	assert_int_equal(fake_sub(r.f, 1)->inv[0].iova, seg[0].iova & ~UINT64_C(4095));
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(sluice_iova_to_pa(r.d, seg[i].iova, &pa), -ENOENT);
	st = stats_of(r.d);
	assert_int_equal(st.live, 0);
	assert_int_equal(st.unmap_pages, pages);
	assert_int_equal(st.syncs, 1);
}

/* Every burst but the whole one, in order, is refused; nothing has changed. */
static void
a17_parts_and_disorder_are_refused(void **state)
{
	struct sluice_seg odd[8];
	uint64_t pa;

	(void)state;
	assert_int_equal(sluice_map_burst(r.d, seg, 8), 8);
	for (unsigned int from = 0; from < 8; from++) {
		for (unsigned int n = 1; from + n <= 8; n++) {
			if (n == 8)
				continue;
			assert_int_equal(sluice_unmap_burst(r.d, seg + from, n), 0);
			assert_true(rte_errno == EINVAL);
		}
		assert_int_equal(sluice_unmap(r.d, seg[from].iova, seg[from].len), -EINVAL);
	}
	memcpy(odd, seg, sizeof(odd));
	odd[2] = seg[3];
	odd[3] = seg[2];
	assert_int_equal(sluice_unmap_burst(r.d, odd, 8), 0);
	assert_int_equal(rte_errno, EINVAL);
	memcpy(odd, seg, sizeof(odd));
	odd[7].len += 4096; /* one page too much */
	assert_int_equal(sluice_unmap_burst(r.d, odd, 8), 0);
	odd[7].len = 0;
	assert_int_equal(sluice_unmap_burst(r.d, odd, 8), 0);
	assert_int_equal(r.f->submitted, 0);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(sluice_iova_to_pa(r.d, seg[i].iova, &pa), 0);
		assert_int_equal(pa, seg[i].pa);
	}
	assert_int_equal(stats_of(r.d).live, 1);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 8), 8);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 8), 0); /* twice */
	assert_int_equal(rte_errno, ENOENT);
}

/* Cut in another way than it was mapped it is not what was mapped, and the counters add up. */
static void
a17_the_whole_in_one_piece(void **state)
{
	uint64_t start;
	size_t len = 0;

	(void)state;
	assert_int_equal(sluice_map_burst(r.d, seg, 8), 8);
	start = seg[0].iova & ~UINT64_C(4095);
	for (unsigned int i = 0; i < 8; i++)
		len += pages_of(&seg[i]) * 4096u;
	assert_int_equal(sluice_unmap(r.d, start, len), -EINVAL);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 8), 8);
	struct sluice_domain_stats st = stats_of(r.d);

	assert_int_equal(st.live, 0);
	assert_int_equal(st.map_pages, st.unmap_pages);
}

static void
a_burst_of_one_and_of_many_chunks(void **state)
{
	struct sluice_seg big[3] = { { .pa = PA, .len = 3 << 20, .prot = SLUICE_READ },
				     { .pa = PA + (64 << 20), .len = 4096, .prot = SLUICE_RW },
				     { .pa = PA + (32 << 20), .len = 1 << 20, .prot = SLUICE_RW } };
	uint64_t pa;

	(void)state;
	assert_int_equal(sluice_map_burst(r.d, seg, 1), 1);
	assert_int_equal(sluice_unmap_burst(r.d, seg, 1), 1);
	assert_int_equal(sluice_map_burst(r.d, seg, 1), 1);
	assert_int_equal(sluice_unmap(r.d, seg[0].iova, seg[0].len), 0);
	assert_int_equal(sluice_map_burst(r.d, big, 3), 3);
	for (unsigned int i = 0; i < 3; i++)
		for (uint32_t at = 0; at < big[i].len; at += 4096) {
			assert_int_equal(sluice_iova_to_pa(r.d, big[i].iova + at, &pa), 0);
			assert_int_equal(pa, big[i].pa + at);
		}
	assert_int_equal(sluice_unmap_burst(r.d, big, 2), 0);
	assert_int_equal(sluice_unmap_burst(r.d, big, 3), 3);
	assert_int_equal(fake_sub(r.f, r.f->submitted)->inv[0].pages, 768 + 1 + 256);
	assert_int_equal(sluice_map_burst(r.d, big, 0), 0);
	assert_int_equal(sluice_unmap_burst(r.d, big, 0), 0);
	assert_int_equal(sluice_worker_unregister(r.e, 0), 0);
	assert_int_equal(iova_space_free_pages(&r.d->iova), 8 * 512);
	assert_int_equal(sluice_worker_register(r.e, 0), 0);
}

/* A wrong piece ends the burst: those before it are mapped, as with every other policy, and are one
 * mapping. */
static void
the_pieces_before_a_wrong_one(void **state)
{
	static const struct sluice_seg bad[] = {
		{ .pa = PA, .len = 0, .prot = SLUICE_RW },
		{ .pa = PA, .len = 4096, .prot = SLUICE_WRITE }, /* there is no such protection */
		{ .pa = PA, .len = 4096, .prot = 4 },
		{ .pa = UINT64_C(1) << 48, .len = 4096, .prot = SLUICE_RW },
		{ .pa = (UINT64_C(1) << 48) - 1, .len = 4096, .prot = SLUICE_RW },
		{ .pa = PA, .len = UINT32_C(1) << 31 | 1, .prot = SLUICE_RW },
		{ .pa = PA + 1, .len = UINT32_C(1) << 31, .prot = SLUICE_RW }, /* a page too many */
	};
	struct sluice_seg odd[8];
	unsigned int errors = 0, maps = 0;
	uint64_t pa;

	(void)state;
	for (unsigned int b = 0; b < RTE_DIM(bad); b++) {
		for (unsigned int at = 0; at < 8; at++) {
			memcpy(odd, seg, sizeof(odd));
			odd[at] = bad[b];
			rte_errno = 0;
			assert_int_equal(sluice_map_burst(r.d, odd, 8), at);
			/* The last one is wrong by itself only when it is the first. */
			assert_int_equal(rte_errno, at > 0 && b >= 5 && bad[b].len == 1u << 31 ? E2BIG :
					 EINVAL);
			assert_int_equal(stats_of(r.d).map_errors, ++errors);
			assert_int_equal(stats_of(r.d).maps, maps += at != 0);
			for (unsigned int i = 0; i < at; i++) {
				assert_int_equal(sluice_iova_to_pa(r.d, odd[i].iova, &pa), 0);
				assert_int_equal(pa, seg[i].pa);
			}
			assert_int_equal(sluice_unmap_burst(r.d, odd, at), at);
			assert_int_equal(stats_of(r.d).live, 0);
		}
	}
}

/* 2 GiB in all, to the page; the piece that is too much is the next burst's. */
static void
two_gib_in_all(void **state)
{
	const struct sluice_domain_conf large = { .policy = "contiguous", .iova_size = UINT64_C(4) << 30 };
	struct sluice_domain *d = sluice_domain_create(r.iommu, &large);
	struct sluice_seg s[3];

	(void)state;
	assert_non_null(d);
	for (unsigned int over = 0; over < 2; over++) {
		for (unsigned int i = 0; i < 3; i++)
			s[i] = (struct sluice_seg){ .pa = PA, .len = UINT32_C(1) << 30,
						    .prot = SLUICE_READ };
		s[1].len -= 4096;
		s[2].len = 4096 + over;
		rte_errno = 0;
		assert_int_equal(sluice_map_burst(d, s, 3), 3 - over);
		assert_int_equal(rte_errno, over ? E2BIG : 0);
		assert_int_equal(sluice_unmap_burst(d, s, 3 - over), 3 - over);
		assert_int_equal(stats_of(d).live, 0);
	}
	assert_int_equal(sluice_map_burst(d, &s[2], 1), 1);
	assert_int_equal(sluice_unmap_burst(d, &s[2], 1), 1);
	/* No unmap can be of more. */
	s[1].iova = s[0].iova + s[0].len;
	s[1].len = s[0].len;
	s[2].iova = s[1].iova + s[1].len;
	assert_int_equal(sluice_unmap_burst(d, s, 3), 0);
	assert_int_equal(rte_errno, EINVAL);
	assert_int_equal(sluice_domain_destroy(d), 0);
}

/* There is no place for all of them together: it is all, or none. */
static void
no_place_for_all(void **state)
{
	struct sluice_seg ok[3];
	uint64_t used = stats_of(r.d).table_bytes;

	(void)state;
	memcpy(ok, seg, sizeof(ok));
	ok[2].len = 64 << 20; /* more than the window */
	assert_int_equal(sluice_map_burst(r.d, ok, 3), 0);
	assert_int_equal(rte_errno, ENOSPC);
	assert_int_equal(stats_of(r.d).map_errors, 1);
	assert_int_equal(stats_of(r.d).maps, 0);
	assert_int_equal(stats_of(r.d).table_bytes, used);
}

static void
a12_a_failed_burst_keeps_its_iovas(void **state)
{
	struct sluice_seg again[8];

	(void)state;
	assert_int_equal(sluice_map_burst(r.d, seg, 8), 8);
	r.f->bad_from = 1;
	r.f->bad_upto = 2;
	assert_int_equal(sluice_unmap_burst(r.d, seg, 8), 0);
	assert_int_equal(rte_errno, EIO);
	assert_int_equal(stats_of(r.d).unmaps, 0);
	assert_int_equal(stats_of(r.d).live, 1);
	for (unsigned int i = 0; i < 8; i++)
		again[i] = seg[i];
	assert_int_equal(sluice_map_burst(r.d, again, 8), 8);
	assert_int_not_equal(again[0].iova, seg[0].iova);
	assert_int_equal(sluice_unmap_burst(r.d, again, 8), 8);
	r.f->immediate = false;
	assert_int_equal(sluice_map_burst(r.d, again, 8), 8);
	assert_int_equal(sluice_unmap_burst(r.d, again, 8), 0);
	assert_int_equal(rte_errno, ETIMEDOUT);
}

#define T(f) cmocka_unit_test_setup_teardown(f, up, down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(neighbours_whatever_the_memory),
		T(a17_parts_and_disorder_are_refused),
		T(a17_the_whole_in_one_piece),
		T(a_burst_of_one_and_of_many_chunks),
		T(the_pieces_before_a_wrong_one),
		T(two_gib_in_all),
		T(no_place_for_all),
		T(a12_a_failed_burst_keeps_its_iovas),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

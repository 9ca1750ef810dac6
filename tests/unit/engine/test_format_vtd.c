/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * VT-d second stage, against the walk of vtd_walk.h. No VT-d hardware walks these tables yet, real
 * or emulated: the fake backend offers the format.
 */
#include "engine/pgtable/format.h"
#include "vtd_walk.h"

#define PHYS UINT64_C(0x2000000000) /* aligned for every block, within 40 bits */
/* formats: 0xc0 both, 0x40 the snooping one alone, 0x80 the other. pages: 4 KiB, 2 MiB, 1 GiB. */
#define VTD  "formats=0xc0,oas=40,mem=64,caps=0x11,pages=0x40201000"

static const struct unit full = { 40, 4, true, true, true };

static void
up(struct rig *r, const char *settings, const char *format, const char *policy)
{
	const struct sluice_domain_conf c = { .format = format, .policy = policy };

	rig_up(r, settings, &c);
}

/* Each word of the walk, by hand. */
static void
entries_by_the_text(void **state)
{
	static const struct {
		uint64_t size, rw, ro; /* the leaf without its address: SNP, PS, W, R */
		unsigned int level;
	} c[] = { { K4, 0x803, 0x801, 1 }, { M2, 0x883, 0x881, 2 }, { G1, 0x883, 0x881, 3 } };

	(void)state;
	for (unsigned int snoop = 0; snoop < 2; snoop++) {
		struct rig r;

		up(&r, VTD, snoop ? "vtd-s2-4k-snp" : "vtd-s2-4k", "strict");
		for (unsigned int i = 0; i < 2 * RTE_DIM(c); i++) {
			uint64_t at = UINT64_C(0x7f0000000000) + i * G1;
			uint64_t leaf = i & 1 ? c[i / 2].ro : c[i / 2].rw;
			struct seen s;

			assert_int_equal(sluice_map_fixed(r.d, at, PHYS, c[i / 2].size,
							  i & 1 ? SLUICE_READ : SLUICE_RW), 0);
			s = walk(r.d, &full, at);
			assert_int_equal(s.entry, PHYS | (leaf & ~(snoop ? 0 : SNP)));
			assert_int_equal(s.size, c[i / 2].size);
			assert_int_equal(s.snoop, snoop);
			assert_int_equal(s.write, (i & 1) == 0);
			for (unsigned int l = 4; l > c[i / 2].level; l--)
				assert_int_equal(s.word[l] & 0xfff0000000000fff, 3);
			assert_int_equal(sluice_unmap_fixed(r.d, at, c[i / 2].size), 0);
			assert_int_equal(walk(r.d, &full, at).entry, 0);
		}
		assert_int_equal(acceptable(r.iommu, &full, r.d->hw.ttb, 4), 0);
		rig_down(&r);
	}
}

/* AGAW: 39 bits are three levels, 48 four. There is nothing below three, and 57 are not used. */
static void
three_levels_and_four(void **state)
{
	static const struct {
		const char *settings;
		unsigned int haw, levels, ias;
	} c[] = {
		{ "formats=0x80,oas=40,ias=48,mem=64,caps=0x11", 40, 4, 48 },
		{ "formats=0x80,oas=40,ias=57,mem=64,caps=0x11", 40, 4, 48 },
		{ "formats=0x80,oas=40,ias=40,mem=64,caps=0x11", 40, 4, 40 },
		{ "formats=0x80,oas=40,ias=39,mem=64,caps=0x11", 40, 3, 39 },
		{ "formats=0x80,oas=36,ias=39,mem=64,caps=0x11", 36, 3, 39 },
		{ "formats=0x80,oas=40,ias=30,mem=64,caps=0x11", 40, 3, 30 },
		{ "formats=0x80,oas=40,ias=29,mem=64,caps=0x11", 40, 3, 29 },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(c); i++) {
		const struct unit u = { c[i].haw, c[i].levels, false, true, true };
		const struct sluice_domain_conf conf = { .iova_size = 64 * M2 };
		uint64_t last = (UINT64_C(1) << c[i].ias) - K4, mapped;
		struct rig r;

		rig_up(&r, c[i].settings, &conf);
		assert_int_equal(r.d->hw.ias, c[i].ias);
		assert_int_equal(r.d->hw.start, 4 - c[i].levels);
		assert_int_equal(r.d->hw.ttb & 0xfff, 0);
		assert_int_equal(sluice_map_fixed(r.d, last, 0x5000, K4, SLUICE_RW), 0);
		assert_int_equal(walk(r.d, &u, last + 9).pa, 0x5009);
		assert_int_equal(walk(r.d, &u, last).tables, c[i].levels);
		assert_int_equal(walk(r.d, &u, last - K4).pa, NONE);
		assert_int_equal(sluice_map_fixed(r.d, last + K4, 0, K4, SLUICE_RW), -EINVAL);
		mapped = map_prot(&r, 0x7000, 100, SLUICE_RW);
		assert_int_equal(walk(r.d, &u, mapped).pa, 0x7000);
		assert_int_equal(sluice_unmap(r.d, mapped, 100), 0);
		assert_int_equal(sluice_unmap_fixed(r.d, last, K4), 0);
		rig_down(&r);
	}
}

/* 51:12 are the address. */
static void
all_bits_of_an_address(void **state)
{
	const struct unit u = { 52, 4, false, true, true };
	const uint64_t pa = UINT64_C(0xf123456789000);
	uint64_t iova, got;
	struct rig r;

	(void)state;
	up(&r, "formats=0x80,oas=52,mem=64,caps=0x11", NULL, "persistent");
	iova = map_prot(&r, pa, K4, SLUICE_RW);
	assert_int_equal(walk(r.d, &u, iova + 7).pa, pa + 7);
	assert_int_equal(sluice_iova_to_pa(r.d, iova + 7, &got), 0);
	assert_int_equal(got, pa + 7);
	/* It is kept by its address, too. */
	assert_int_equal(sluice_unmap(r.d, iova, K4), 0);
	assert_int_equal(map_prot(&r, pa, K4, SLUICE_RW), iova);
	assert_int_not_equal(map_prot(&r, pa ^ UINT64_C(1) << 51, K4, SLUICE_RW), iova);
	assert_int_equal(sluice_unmap(r.d, iova, K4), 0);
	assert_int_equal(sluice_domain_drain(r.d), 0);
	rig_down(&r);
}

/* CAP.SSLPS: no block that the hardware does not have. The pool of hugepool wants some, too. */
static void
blocks_that_there_are(void **state)
{
	static const struct {
		const char *settings;
		struct unit u;
		uint64_t size; /* of the largest */
	} c[] = {
		{ VTD, { 40, 4, true, true, true }, G1 },
		{ "formats=0x40,oas=40,mem=64,caps=0x11,pages=0x201000",
		  { 40, 4, true, true, false }, M2 },
		{ "formats=0x40,oas=40,mem=64,caps=0x11,pages=0x1000",
		  { 40, 4, true, false, false }, K4 },
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(c); i++) {
		uint64_t pa, iova;
		struct rig r;
		void *buf;

		up(&r, c[i].settings, NULL, "hugepool");
		assert_int_equal(sluice_map_fixed(r.d, G1, PHYS, G1, SLUICE_RW), 0);
		assert_int_equal(walk(r.d, &c[i].u, 2 * G1 - 1).pa, PHYS + G1 - 1);
		assert_int_equal(walk(r.d, &c[i].u, G1).size, c[i].size);
		buf = sluice_iommu_mem_alloc(r.iommu, 4 * M2, M2, &pa);
		assert_non_null(buf);
		assert_int_equal(sluice_domain_pool(r.d, pa, 4 * M2), 0);
		iova = map_prot(&r, pa + M2 + 24, 5000, SLUICE_RW);
		assert_int_equal(walk(r.d, &c[i].u, iova).pa, pa + M2 + 24);
		assert_int_equal(walk(r.d, &c[i].u, iova).size, RTE_MIN(c[i].size, M2));
		assert_true(acceptable(r.iommu, &c[i].u, r.d->hw.ttb, 4) > 0);
		assert_int_equal(sluice_unmap(r.d, iova, 5000), 0);
		assert_int_equal(sluice_unmap_fixed(r.d, G1, G1), 0);
		sluice_iommu_mem_free(r.iommu, buf, 4 * M2);
		rig_down(&r);
	}
}

/* What is not wholly one's own is not unmapped, and nothing of it changes. */
static void
parts_stay(void **state)
{
	struct rig r;
	uint64_t a;

	(void)state;
	up(&r, VTD, NULL, "strict");
	a = map_prot(&r, PHYS + 5, 3 * K4, SLUICE_READ); /* four pages */
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(sluice_unmap(r.d, a + i * K4, K4), -EINVAL);
		assert_int_equal(walk(r.d, &full, a + i * K4).pa, PHYS + 5 + i * K4);
		assert_false(walk(r.d, &full, a + i * K4).write);
	}
	assert_int_equal(sluice_unmap(r.d, a, 3 * K4), 0);
	assert_int_equal(sluice_map_fixed(r.d, G1, PHYS, G1 + 2 * M2, SLUICE_RW), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, G1, M2), -ERANGE);
	assert_int_equal(sluice_unmap_fixed(r.d, 2 * G1, K4), -ERANGE);
	assert_int_equal(sluice_map_fixed(r.d, 2 * G1 + M2, PHYS, K4, SLUICE_RW), -EEXIST);
	assert_int_equal(sluice_unmap_fixed(r.d, 2 * G1, 3 * M2), -ENOENT);
	assert_int_equal(walk(r.d, &full, G1).size, G1);
	assert_int_equal(walk(r.d, &full, 2 * G1 + M2).pa, PHYS + G1 + M2);
	/* A block of several, then the rest. */
	assert_int_equal(sluice_unmap_fixed(r.d, 2 * G1, M2), 0);
	assert_int_equal(walk(r.d, &full, 2 * G1).pa, NONE);
	assert_int_equal(walk(r.d, &full, 2 * G1 - 1).pa, PHYS + G1 - 1);
	assert_int_equal(walk(r.d, &full, 2 * G1 + M2).size, M2);
	assert_int_equal(sluice_unmap_fixed(r.d, 2 * G1 + M2, M2), 0);
	assert_int_equal(sluice_unmap_fixed(r.d, G1, G1), 0);
	rig_down(&r);
}

/* Ranges of every alignment, in turns, beside a list of what should be mapped. */
static void
whatever_is_mapped(void **state)
{
	struct { uint64_t iova, pa, size; } at[8] = { { 0 } };
	uint64_t s = 11;
	struct rig r;

	(void)state;
	up(&r, VTD, NULL, "strict");
	for (unsigned int turn = 0; turn < 400; turn++) {
		unsigned int i = (unsigned int)(rnd(&s) % RTE_DIM(at));
		const uint64_t unit = (const uint64_t[]){ K4, M2, G1 }[rnd(&s) % 3];

		if (at[i].size != 0) {
			assert_int_equal(sluice_unmap_fixed(r.d, at[i].iova, at[i].size), 0);
			assert_int_equal(walk(r.d, &full, at[i].iova).pa, NONE);
			assert_int_equal(walk(r.d, &full, at[i].iova + at[i].size - 1).pa, NONE);
		}
		/* Each has 8 GiB of its own, above the window. */
		at[i].iova = UINT64_C(0x10000000000) + i * 8 * G1 + rnd(&s) % 3 * unit;
		at[i].pa = PHYS + rnd(&s) % 2 * M2 + rnd(&s) % 2 * K4;
		at[i].size = (1 + rnd(&s) % 3) * unit + rnd(&s) % 2 * M2 + rnd(&s) % 3 * K4;
		assert_int_equal(sluice_map_fixed(r.d, at[i].iova, at[i].pa, at[i].size, SLUICE_RW),
				 0);
		for (unsigned int k = 0; k < 64; k++) {
			unsigned int j = k % RTE_DIM(at);
			uint64_t iova = at[j].iova, size = at[j].size;
			uint64_t off = k < 8 ? 0 : k < 16 ? size - 1 : rnd(&s) % (size + 1);

			if (off < size)
				assert_int_equal(walk(r.d, &full, iova + off).pa, at[j].pa + off);
			assert_int_equal(walk(r.d, &full, iova + size).pa, NONE);
		}
	}
	assert_true(acceptable(r.iommu, &full, r.d->hw.ttb, 4) > 0);
	for (unsigned int i = 0; i < RTE_DIM(at); i++)
		if (at[i].size != 0)
			assert_int_equal(sluice_unmap_fixed(r.d, at[i].iova, at[i].size), 0);
	assert_int_equal(acceptable(r.iommu, &full, r.d->hw.ttb, 4), 0);
	rig_down(&r);
}

/* Each policy's pages, as the hardware sees them: whole, permitted as asked, and gone when they have
 * to be; and nothing that a policy writes is anything that hardware refuses. */
static void
one_policy(const char *settings, const struct unit *u, const char *policy)
{
	static const size_t len[] = { 1, K4, K4 + 1, 3 * K4, 600 * K4 };
	bool keeps = strcmp(policy, "persistent") == 0 || strcmp(policy, "static") == 0 ||
		     strcmp(policy, "hugepool") == 0, copies = strcmp(policy, "copy") == 0 ||
		     strcmp(policy, "hybrid") == 0;
	const uint64_t pa = FAKE_PA + (UINT64_C(32) << 20) + 5;
	struct rig r;

	up(&r, settings, NULL, policy);
	for (unsigned int i = 0; i < 2 * RTE_DIM(len); i++) {
		bool write = (i & 1) == 0;
		uint64_t n = len[i / 2];
		uint64_t iova = map_prot(&r, pa, n, write ? SLUICE_RW : SLUICE_READ);

		for (uint64_t off = 0; off < n; off += RTE_MIN(K4, n - off)) {
			struct seen s = walk(r.d, u, iova + off);

			assert_int_not_equal(s.pa, NONE);
			assert_true(copies || s.pa == pa + off);
			assert_int_equal(s.write, write);
			assert_int_equal(s.snoop, u->sc);
		}
		assert_true(acceptable(r.iommu, u, r.d->hw.ttb, u->levels) > 0);
		assert_int_equal(sluice_unmap(r.d, iova, n + K4), -EINVAL);
		assert_int_equal(sluice_unmap(r.d, iova, n), 0);
		assert_int_equal(sluice_domain_drain(r.d), 0);
		if (!keeps && !copies)
			for (uint64_t off = 0; off < n; off += RTE_MIN(K4, n - off))
				assert_int_equal(walk(r.d, u, iova + off).entry, 0);
	}
	acceptable(r.iommu, u, r.d->hw.ttb, u->levels);
	rig_down(&r);
}

static void
every_policy(void **state)
{
	static const struct unit three = { 40, 3, false, true, true };
	unsigned int n = 0;

	(void)state;
	for (unsigned int i = 0; sluice_policy_name(i) != NULL; i++) {
		if (strcmp(sluice_policy_name(i), "passthrough") == 0)
			continue;
		one_policy(VTD, &full, sluice_policy_name(i));
		one_policy("formats=0x80,oas=40,ias=39,mem=64,caps=0x11", &three,
			   sluice_policy_name(i));
		n++;
	}
	assert_true(n > 10);
}

/* What a domain gets, and what is refused: SNP without ECAP.SC is a reserved bit. */
static void
snooping_where_hardware_can(void **state)
{
	struct sluice_domain_conf c = { .format = "vtd-s2-4k-snp" };
	struct rig r;

	(void)state;
	rig_up(&r, "formats=0x80,oas=40,mem=64,caps=0x11", NULL);
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, ENOTSUP);
	c.format = "lpae-s2-4k";
	assert_null(sluice_domain_create(r.iommu, &c));
	assert_int_equal(rte_errno, ENOTSUP);
	rig_down(&r);
	rig_up(&r, VTD, NULL);
	assert_string_equal(sluice_iommu_format(r.iommu, 0), "vtd-s2-4k-snp");
	assert_string_equal(sluice_iommu_format(r.iommu, 1), "vtd-s2-4k");
	assert_null(sluice_iommu_format(r.iommu, 2));
	r.d = sluice_domain_create(r.iommu, NULL);
	assert_non_null(r.d);
	assert_int_equal(r.d->hw.format, SLUICE_FORMAT_VTD_S2_4K_SNP);
	rig_down(&r);
}

/* Marks are in what hardware ignores in every entry (9.8): 61:52, 63, 10; an empty entry is 0. */
static void
marks_where_hardware_does_not_look(void **state)
{
	uint64_t a, kept;
	struct rig r;

	(void)state;
	up(&r, VTD, NULL, "persistent");
	a = map_prot(&r, PHYS, 3 * K4, SLUICE_RW);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(walk(r.d, &full, a + i * K4).entry & ~IGN,
				 (PHYS + i * K4) | R | W | SNP);
	/* The first, one between, the last: three that differ. */
	assert_int_not_equal(walk(r.d, &full, a).entry & IGN, 0);
	assert_int_equal(walk(r.d, &full, a + K4).entry & IGN, 0);
	assert_int_not_equal(walk(r.d, &full, a + 2 * K4).entry & IGN, 0);
	assert_int_not_equal(walk(r.d, &full, a + 2 * K4).entry & IGN,
			     walk(r.d, &full, a).entry & IGN);
	assert_int_equal(sluice_unmap(r.d, a, 3 * K4), 0);
	kept = walk(r.d, &full, a).entry; /* marked, and still what the hardware saw */
	assert_int_equal(kept & ~IGN, PHYS | R | W | SNP);
	assert_int_equal(map_prot(&r, PHYS, 3 * K4, SLUICE_RW), a);
	assert_int_not_equal(walk(r.d, &full, a).entry, kept);
	assert_int_equal(sluice_unmap(r.d, a, 3 * K4), 0);
	rig_down(&r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(entries_by_the_text),
		cmocka_unit_test(three_levels_and_four),
		cmocka_unit_test(all_bits_of_an_address),
		cmocka_unit_test(blocks_that_there_are),
		cmocka_unit_test(parts_stay),
		cmocka_unit_test(whatever_is_mapped),
		cmocka_unit_test(every_policy),
		cmocka_unit_test(snooping_where_hardware_can),
		cmocka_unit_test(marks_where_hardware_does_not_look),
	};

	test_eal_init("0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}

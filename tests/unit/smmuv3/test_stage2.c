/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 2, and stage 1 over it: tags, what each attach writes, what is told and when, and who must
 * go before whom.
 */
#include "control.h"

/* IDR0: S2P beside what there is; 4, 16 and 64 KiB; 44 address bits. */
static void
open_both(void)
{
	fake_wr(f, 0x00, fake_rd(f, 0x00) | 1);
	fake_wr(f, 0x14, 4 | 7u << 4);
	assert_int_equal(open_with("regs=fake,cmdq_log2=6"), 0);
	assert_int_equal(iommu.formats, 0x3f);
}

static void
attach_and_fini(void **state)
{
	struct sluice_hwdom a = { 0x40012000, SLUICE_FORMAT_LPAE_S2_4K, 40, 1 };
	struct sluice_hwdom b = { 0x40020000, SLUICE_FORMAT_LPAE_S1_64K, 42, 2 };

	(void)state;
	open_both();
	assert_int_equal(ops->hwdom_init(&iommu, &a), 0);
	assert_int_equal(ops->hwdom_init(&iommu, &b), 0);
	assert_int_not_equal(a.tag, 0); /* VMID 0 is stage 1's own */
	assert_int_equal(ops->attach_paging(&iommu, 9, &a), 0);
	assert_int_equal(ste(9)[0], 0xd);
	assert_int_equal(ste(9)[2], UINT64_C(0x044c355800000000) | a.tag);
	assert_int_equal(ste(9)[3], 0x40012000);
	assert_int_equal(ops->hwdom_fini(&iommu, &a), -EBUSY);
	/* Replaced by a stage 1, whose VMID is 0: a is nobody's, b is. */
	f->nlog = 0;
	assert_int_equal(ops->attach_paging(&iommu, 9, &b), 0);
	assert_int_equal(f->nlog, 6); /* CFGI_STE and SYNC, three times */
	assert_int_equal(ste(9)[2], 0);
	assert_int_equal(ops->hwdom_fini(&iommu, &b), -EBUSY);
	f->nlog = 0;
	assert_int_equal(ops->hwdom_fini(&iommu, &a), 0);
	assert_int_equal(f->log[0].w[0], (uint64_t)a.tag << 32 | 0x28);
	assert_int_equal(ops->attach_blocked(&iommu, 9), 0);
	assert_int_equal(ops->hwdom_fini(&iommu, &b), 0);
	shut();
}

static void
nested(void **state)
{
	struct sluice_hwdom s2 = { 0x40012000, SLUICE_FORMAT_LPAE_S2_4K, 40, 1 };
	struct sluice_hwdom s1 = { .ttb = 0x40020000, .ias = 48, .parent = &s2 };
	struct sluice_hwdom bad = { .ttb = 0x40030000, .ias = 48 };
	struct sluice_inv inv = { { { SLUICE_INV_RANGE } }, { 1 }, 0x7000 };

	(void)state;
	open_both();
	assert_int_equal(ops->hwdom_init(&iommu, &s2), 0);
	assert_int_equal(ops->hwdom_init(&iommu, &s1), 0);
	assert_int_equal(ops->attach_paging(&iommu, 9, &s1), 0);
	assert_int_equal(ste(9)[0] & 0xf, 0xf);
	assert_int_equal(ste(9)[2], UINT64_C(0x044c355800000000) | s2.tag);
	assert_int_equal(ste(9)[3], 0x40012000);
	/* The ASID's invalidations carry the parent's VMID, on the fast path's own shape as well. */
	inv.tag = s1.tag;
	inv.flags = sluice_inv_flags(&s1) | SLUICE_INV_LEAF;
	f->nlog = 0;
	assert_int_equal(sluice_inv_sync(&iommu, &inv, 1), 0);
	assert_int_equal(f->log[0].w[0], (uint64_t)s1.tag << 48 | (uint64_t)s2.tag << 32 | 0x12);
	inv.tag = s2.tag;
	inv.flags = sluice_inv_flags(&s2) | SLUICE_INV_LEAF;
	f->nlog = 0;
	assert_int_equal(sluice_inv_sync(&iommu, &inv, 1), 0);
	assert_int_equal(f->nlog, 4);
	assert_int_equal(f->log[0].w[0], (uint64_t)s2.tag << 32 | 0x2a);
	assert_int_equal(f->log[2].w[0], (uint64_t)s2.tag << 32 | 0x10);
	/* The parent outlives its children. */
	assert_int_equal(ops->hwdom_fini(&iommu, &s2), -EBUSY);
	assert_int_equal(ops->hwdom_fini(&iommu, &s1), -EBUSY);
	assert_int_equal(ops->attach_identity(&iommu, 9), 0);
	f->nlog = 0;
	assert_int_equal(ops->hwdom_fini(&iommu, &s1), 0);
	assert_int_equal(f->log[0].w[0], (uint64_t)s1.tag << 48 | (uint64_t)s2.tag << 32 | 0x11);
	/* Without children: nothing but the IPA. */
	f->nlog = 0;
	assert_int_equal(sluice_inv_sync(&iommu, &inv, 1), 0);
	assert_int_equal(f->nlog, 2);
	/* A stage 1 is no parent, and a stage 2 no child. */
	assert_int_equal(ops->hwdom_init(&iommu, &bad), 0);
	s1.parent = &bad;
	assert_int_equal(ops->hwdom_init(&iommu, &s1), -EINVAL);
	assert_int_equal(ops->hwdom_fini(&iommu, &bad), 0);
	bad = (struct sluice_hwdom){ 0x40012000, SLUICE_FORMAT_LPAE_S2_4K, 40, 1, .parent = &s2 };
	assert_int_equal(ops->hwdom_init(&iommu, &bad), -EINVAL);
	assert_int_equal(ops->hwdom_fini(&iommu, &s2), 0);
	shut();
}

/* All VMIDs of eight bits, then one too many; those left over are freed with the SMMU. */
static void
vmids_run_out(void **state)
{
	static struct sluice_hwdom hd[256];

	(void)state;
	open_both();
	for (unsigned int i = 0; i < 256; i++) {
		hd[i] = (struct sluice_hwdom){ 0x40012000, SLUICE_FORMAT_LPAE_S2_4K, 40, 1 };
		assert_int_equal(ops->hwdom_init(&iommu, &hd[i]), i < 255 ? 0 : -ENOSPC);
	}
	assert_non_null(strstr(sluice_error(), "255 VMIDs"));
	shut();
}

/* No stage 1 at all. */
static void
stage_2_alone(void **state)
{
	struct sluice_hwdom a = { 0x40012000, SLUICE_FORMAT_LPAE_S2_4K, 40, 1 };
	struct sluice_hwdom b = { .ttb = 0x40020000, .ias = 48 };

	(void)state;
	fake_wr(f, 0x00, (fake_rd(f, 0x00) & ~2u) | 1);
	assert_int_equal(open_with("regs=fake"), 0);
	assert_int_equal(iommu.formats, 1u << SLUICE_FORMAT_LPAE_S2_4K);
	assert_int_equal(ops->hwdom_init(&iommu, &b), -EINVAL);
	assert_non_null(strstr(sluice_error(), "format"));
	assert_int_equal(ops->hwdom_init(&iommu, &a), 0);
	assert_int_equal(ops->attach_paging(&iommu, 9, &a), 0);
	assert_int_equal(ops->attach_blocked(&iommu, 9), 0);
	assert_int_equal(ops->hwdom_fini(&iommu, &a), 0);
	shut();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(attach_and_fini, setup, teardown),
		cmocka_unit_test_setup_teardown(nested, setup, teardown),
		cmocka_unit_test_setup_teardown(vmids_run_out, setup, teardown),
		cmocka_unit_test_setup_teardown(stage_2_alone, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

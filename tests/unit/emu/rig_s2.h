/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The bench with stage 2: numbers from the text (IHI 0070 §5.2, §7.3; DDI 0487 D8.3), no encodings
 * of the driver's.
 */
#ifndef RIG_S2_H
#define RIG_S2_H

#include "rig.h"

#define S2_ONLY   UINT64_C(6) /* STE.Config */
#define S2_NESTED UINT64_C(7)
#define S2_VMID   9u
#define S2_RD     (UINT64_C(1) << 35) /* word 1 of an event: RnW */
#define S2_EV(cls) (UINT64_C(1) << 39 | (uint64_t)(cls) << 40)
#define S2_CD     0u
#define S2_TTD    1u
#define S2_IN     2u

/* Bits of word 2 of an STE. */
#define S2_T0SZ(v) ((uint64_t)(v) << 32)
#define S2_SL0(v)  ((uint64_t)(v) << 38)
#define S2_TG(v)   ((uint64_t)(v) << 46)
#define S2_PS(v)   ((uint64_t)(v) << 48)
#define S2_AA64    (UINT64_C(1) << 51)
#define S2_ENDI    (UINT64_C(1) << 52)
#define S2_AFFD    (UINT64_C(1) << 53)
#define S2_PTW     (UINT64_C(1) << 54)
#define S2_HD      (UINT64_C(1) << 55)
#define S2_HA      (UINT64_C(1) << 56)
#define S2_S       (UINT64_C(1) << 57)
#define S2_R       (UINT64_C(1) << 58)

/* 39 bits of 4 KiB pages from level 1, faults recorded. */
#define S2_WORD2(vmid) ((vmid) | S2_T0SZ(25) | S2_SL0(1) | S2_PS(4) | S2_AA64 | S2_R)

/* A leaf: write-back, read and write, AF. */
#define S2_LEAF 0x4fcu

/* A command of one VMID. */
#define S2_CMD(op, vmid) ((uint64_t)(op) | (uint64_t)(vmid) << 32)

struct s2 {
	struct rig r;
	uint64_t ttb; /* of stage 2: room for 16 tables of 64 KiB */
};

/* Words 2 and 3 of an STE, and its Config. */
static inline void
s2_ste(struct s2 *s, uint64_t *ste, uint64_t config, uint64_t w2)
{
	ste[2] = w2;
	ste[3] = s->ttb;
	ste[0] = (ste[0] & ~UINT64_C(0xe)) | config << 1;
}

/** RIG_SID with stage 2 of VMID S2_VMID, whose tables are empty. */
static inline void
s2_up(struct s2 *s, const struct emu_smmuv3_conf *c, uint64_t config)
{
	rig_new(&s->r, c);
	rig_up(&s->r);
	s->ttb = rig_alloc(&s->r, 1u << 20, 1u << 20);
	s2_ste(s, s->r.ste, config, S2_WORD2(S2_VMID));
}

/* The STE as it is now counts; so does what its fields were cached with. */
static inline void
s2_again(struct s2 *s)
{
	rig_cmd(&s->r, rig_sid(0x03, RIG_SID), 1);
	rig_cmd(&s->r, 0x30, 0);
}

/** Map at stage 2. @return the descriptor. */
static inline uint64_t *
s2_map(struct s2 *s, uint64_t ipa, unsigned int level, uint64_t desc)
{
	return rig_map_at(&s->r, s->ttb, 1, ipa, level, desc | (level == 3 ? 3 : 1));
}

/* An access that faults, and one record of it. */
static inline void
s2_fails(struct s2 *s, bool write, uint64_t iova, unsigned int id, uint64_t w1, uint64_t w3)
{
	assert_int_equal(write ? rig_write(&s->r, iova, 1) : rig_read(&s->r, iova), EMU_FAULT);
	if (!write) /* not read as zero either: stage 2 aborts */
		assert_int_equal(s->r.buf, 0xdeadbeef);
	rig_expect_event(&s->r, rig_ev0(id, RIG_SID), w1 | (write ? 0 : S2_RD), iova, w3);
}

/* Sees the page that @p fill is in, or faults (0); events are taken away. */
static inline unsigned int
s2_sees(struct s2 *s, uint32_t sid, uint64_t iova)
{
	uint64_t rec[4];
	uint32_t v = 0;
	bool ok = emu_dma(s->r.e, sid, iova, &v, 4, false, NULL) == EMU_OK;

	while (rig_event(&s->r, rec))
		;
	return ok ? v & 0xff : 0;
}

/* ---- both stages ----------------------------------------------------------------------------- */

/* All memory is at these IPAs, in a block of 1 GiB. What tests map at stage 2 is elsewhere. */
#define IPA_OF(pa) ((pa) - UINT64_C(0x40000000))
#define VA  UINT64_C(0x1234567000)
#define IPA UINT64_C(0x2345767000)
#define AT  0x128u

struct nested {
	struct s2 s;
	uint64_t *s1, *s2; /* leaves of VA and IPA */
	uint64_t old, new; /* 2 MiB each, full of 1 and of 2 */
};

/* The tables of stage 1 from @p at on, at IPAs. */
static inline void
nested_tables(struct rig *r, uint64_t at, unsigned int level)
{
	uint64_t *t = rig_va(r, at);

	for (unsigned int i = 0; level < 3 && i < 512; i++)
		if ((t[i] & 3) == 3) {
			nested_tables(r, t[i] & ~UINT64_C(0xfff), level + 1);
			t[i] = IPA_OF(t[i]);
		}
}

/* VA at stage 1 is IPA, by a leaf of @p level1; that is a page or block of @p level2 at stage 2. */
static inline void
nested_up(struct nested *n, const struct emu_smmuv3_conf *c, unsigned int level1,
	  unsigned int level2)
{
	unsigned int sh = 39 - 9 * level1;
	struct rig *r = &n->s.r;

	s2_up(&n->s, c, S2_NESTED);
	s2_map(&n->s, IPA_OF(RIG_PA), 1, RIG_PA | S2_LEAF);
	n->old = rig_alloc(r, 1u << 21, 1u << 21);
	n->new = rig_alloc(r, 1u << 21, 1u << 21);
	memset(rig_va(r, n->old), 1, 1u << 21);
	memset(rig_va(r, n->new), 2, 1u << 21);
	n->s1 = rig_map_at(r, r->ttb, 0, VA, level1,
			   IPA >> sh << sh | RIG_RW | (level1 == 3 ? 3 : 1));
	n->s2 = s2_map(&n->s, IPA, level2, n->old | S2_LEAF);
	nested_tables(r, r->ttb, 0);
	r->cd[1] = IPA_OF(r->ttb);
	r->ste[0] = IPA_OF(r->cd_pa) | 1 | S2_NESTED << 1;
}

#endif

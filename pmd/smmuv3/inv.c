/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The fast row: turns invalidations into commands (IHI 0070 §4.4) and puts them into the queue.
 *
 * A submission is always one burst that ends in one SYNC. If exact commands do not fit into a
 * burst, fewer and wider ones are used; it is always right to invalidate more than was asked for:
 *   1. exact: ranges are split (RIL), or go page by page up to PAGE_LIMIT pages, else all of the
 *      address space;
 *   2. one command for each invalidation: the smallest range that covers it, or all of the space;
 *   3. everything: one TLBI_NSNH_ALL (queues of a few entries only).
 */
#include <string.h>

#include <rte_branch_prediction.h>

#include "smmuv3.h"

/* Without RIL, a range of more pages of the granule than this, which is what one burst holds,
 * becomes one command for the whole address space. */
#define PAGE_LIMIT SLUICE_INV_BURST

/* The first word of struct sluice_inv, without its tag, for one page of a 4 KiB stage 1 without a
 * parent, leaf or not. The mask is one run of bits, so it is an immediate on Arm. */
#define PLAIN_MASK UINT64_C(0xffffffff00007fff)
#define PLAIN      UINT64_C(0x0000000100000000)
_Static_assert(SLUICE_INV_RANGE == 0 && SLUICE_FORMAT_LPAE_S1_4K == 0 && SLUICE_INV_LEAF == 0x80 &&
	       __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "PLAIN is written for these");

/* The commands of one invalidation; its pages are in units of the granule, rounded outwards. */
struct target {
	struct smmu_cmd page; /* invalidates its first page, by address */
	struct smmu_cmd all;  /* invalidates the address space */
	uint64_t pages;
	unsigned int shift, tg;
};

static struct target
target_of(const struct smmu *s, const struct sluice_inv *inv)
{
	const struct smmu_format *f = &smmu_formats[sluice_inv_format(inv->flags)];
	bool leaf = (inv->flags & SLUICE_INV_LEAF) != 0;
	uint64_t first = inv->iova >> f->shift << f->shift;
	uint64_t end = inv->iova + ((uint64_t)inv->pages << 12) + (UINT64_C(1) << f->shift) - 1;
	uint16_t vmid = 0;

	/* Relaxed: the control thread wrote it before the address space was used. */
	if (!f->s2 && s->vmid_of != NULL)
		vmid = atomic_load_explicit(&s->vmid_of[inv->tag], memory_order_relaxed);
	return (struct target){
		.page = f->s2 ? cmd_tlbi_ipa(inv->tag, first, leaf) :
				cmd_tlbi_va(vmid, inv->tag, first, leaf),
		.all = f->s2 ? cmd_tlbi_vmall(inv->tag) : cmd_tlbi_asid(vmid, inv->tag),
		.pages = inv->pages == 0 ? 0 : (end - first) >> f->shift,
		.shift = f->shift,
		.tg = f->tlbi_tg,
	};
}

/* The smallest single range command that covers pages. */
static struct smmu_cmd
cover(const struct target *t)
{
	unsigned int bits = 64 - (unsigned int)__builtin_clzll(t->pages);
	unsigned int scale = bits > 5 ? bits - 5 : 0;
	uint64_t num = (t->pages + (UINT64_C(1) << scale) - 1) >> scale;

	/* 33 … 63 pages have 6 bits: 2^1 pages a unit, up to 32 units, and so on. */
	return cmd_tlbi_range(t->page, (unsigned int)num, scale, t->tg);
}

/* Level 1. @return commands written to c, or room + 1 if they do not fit. */
static unsigned int
exact(const struct smmu *s, const struct sluice_inv *inv, struct smmu_cmd *c, unsigned int room)
{
	struct target t;
	uint64_t left;
	unsigned int n = 0;

	/* What a flush of many pages submits, in the format that most domains have. */
	if (likely(inv->op == SLUICE_INV_DOMAIN && (inv->flags & ~SLUICE_INV_LEAF) == 0)) {
		if (room != 0)
			c[0] = cmd_tlbi_asid(0, inv->tag);
		return 1;
	}
	t = target_of(s, inv);
	left = t.pages;
	if (inv->op != SLUICE_INV_RANGE || (!s->idr.ril && left > PAGE_LIMIT)) {
		if (room != 0)
			c[0] = t.all;
		return 1;
	}
	while (left != 0 && n < room) {
		unsigned int scale = s->idr.ril ? (unsigned int)__builtin_ctzll(left) : 0;
		unsigned int num = s->idr.ril ? (left >> scale) & 31 : 1;

		c[n++] = cmd_tlbi_range(t.page, num, scale, t.tg);
		t.page.w[1] += (uint64_t)num << (scale + t.shift);
		left -= (uint64_t)num << scale;
	}
	return left != 0 ? room + 1 : n;
}

/* Is this a range of a stage 2 with a stage 1 on top? */
static bool
has_children(const struct smmu *s, const struct sluice_inv *inv)
{
	return inv->op == SLUICE_INV_RANGE && smmu_formats[sluice_inv_format(inv->flags)].s2 &&
	       s->children != NULL &&
	       atomic_load_explicit(&s->children[inv->tag], memory_order_relaxed) != 0;
}

/*
 * TLBI_S2_IPA does not drop entries that combine both stages (§4.4.5); TLBI_NH_ALL does. The latter
 * may begin only when the former is complete, hence the SYNC between: otherwise a walk of stage 1
 * could combine entries of stage 2 that are still cached. @return commands written to c, or room +
 * 1.
 */
static unsigned int
tell_children(struct smmu *s, const struct sluice_inv *inv, unsigned int n, struct smmu_cmd *c,
	      unsigned int room)
{
	const struct sluice_inv *last = NULL;
	unsigned int cmds = 0;

	/* Pairs with add_s1() (ctx.c): cleared entries are visible before the counts are read. */
	atomic_thread_fence(memory_order_seq_cst);
	for (unsigned int i = 0; i < n; i++) {
		if (!has_children(s, &inv[i]) || (last != NULL && last->tag == inv[i].tag))
			continue;
		if (cmds + 2 > room)
			return room + 1;
		if (cmds == 0)
			c[cmds++] = cmd_sync_silent();
		c[cmds++] = cmd_tlbi_nh_all(inv[i].tag);
		last = &inv[i];
	}
	if (cmds != 0)
		atomic_fetch_add_explicit(&s->mid_syncs, 1, memory_order_relaxed);
	return cmds;
}

static unsigned int
build(struct smmu *s, const struct sluice_inv *inv, unsigned int n, struct smmu_cmd *c,
      unsigned int room)
{
	unsigned int cmds = 0;

	for (unsigned int i = 0; i < n && cmds <= room; i++)
		cmds += exact(s, &inv[i], &c[cmds], room - cmds);
	if (s->children != NULL && cmds <= room)
		cmds += tell_children(s, inv, n, &c[cmds], room - cmds);
	if (likely(cmds <= room))
		return cmds;
	if (n > room) {
		c[0] = cmd_tlbi_nsnh_all();
		return 1;
	}
	cmds = 0;
	for (unsigned int i = 0; i < n; i++) {
		struct target t = target_of(s, &inv[i]);
		bool range = inv[i].op == SLUICE_INV_RANGE;

		if (range && t.pages == 0)
			continue;
		range = range && s->idr.ril && !has_children(s, &inv[i]);
		c[cmds++] = range ? cover(&t) : t.all;
	}
	return cmds;
}

/* All that is not plain. Not inline, so that the fast path needs no stack frame for it. */
static __rte_noinline uint64_t
submit_slow(struct smmu *s, const struct sluice_inv *inv, unsigned int n)
{
	struct smmu_cmd c[SLUICE_INV_BURST];

	if (n != 0 && inv->op == SLUICE_INV_ATC) {
		uint64_t seq;

		n = smmu_atc_build(inv, n, c, s->cmdq.max_cmds);
		seq = n != 0 ? cmdq_submit(&s->cmdq, c, n) : 0;
		smmu_atc_count(s, seq, n);
		return seq;
	}
	return cmdq_submit(&s->cmdq, c, build(s, inv, n, c, s->cmdq.max_cmds));
}

/* op, flags, tag and pages in one word: one comparison instead of three. */
static inline uint64_t
first_word(const struct sluice_inv *inv)
{
	uint64_t w;

	memcpy(&w, inv, sizeof(w));
	return w;
}

uint64_t
smmu_inv_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	struct smmu *s = queue;
	unsigned int id = rte_lcore_id();
	struct cmdq_lcore *lc;
	uint64_t start;

	/* One page and a SYNC, from an lcore: a strict unmap submits this. */
	if (unlikely(n != 1 || (first_word(inv) & PLAIN_MASK) != PLAIN || id >= RTE_MAX_LCORE))
		return submit_slow(s, inv, n);
	lc = &s->cmdq.lcore[id];
	if (unlikely(!cmdq_reserve_fast(&s->cmdq, lc, 2, &start)))
		return submit_slow(s, inv, n);
	cmdq_put(&s->cmdq, start, cmd_tlbi_va(0, inv->tag, inv->iova,
					      (inv->flags & SLUICE_INV_LEAF) != 0));
	return cmdq_commit(&s->cmdq, lc, start, start + 2);
}

uint64_t
smmu_inv_try(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	struct smmu_cmd c[SLUICE_INV_BURST];
	struct smmu *s = queue;
	unsigned int room = s->cmdq.max_cmds;
	bool atc = n != 0 && inv->op == SLUICE_INV_ATC;
	uint64_t seq;

	n = atc ? smmu_atc_build(inv, n, c, room) : build(s, inv, n, c, room);
	if (atc && n == 0)
		return 0;
	seq = cmdq_try(&s->cmdq, c, n);
	if (atc)
		smmu_atc_count(s, seq, n);
	return seq;
}

uint64_t
smmu_inv_done(void *queue)
{
	return cmdq_done(&((struct smmu *)queue)->cmdq);
}

int
smmu_inv_result(void *queue, uint64_t seq)
{
	return cmdq_result(&((struct smmu *)queue)->cmdq, seq);
}

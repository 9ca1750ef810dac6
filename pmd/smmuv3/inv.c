/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The fast row: invalidations to commands (IHI 0070 §4.4), and into the queue.
 *
 * A submission is always one burst that ends in one SYNC. When exact commands would not fit into
 * a burst, fewer and wider ones are taken; to invalidate more than was asked for is always right:
 *   1. exact: ranges split (RIL), or page by page up to PAGE_LIMIT pages, else the whole ASID;
 *   2. one command for each invalidation: the smallest range that covers it, or the whole ASID;
 *   3. everything: one TLBI_NSNH_ALL (queues of a few entries only).
 */
#include <rte_branch_prediction.h>

#include "smmuv3.h"

/* Without RIL: longer ranges become TLBI_NH_ASID. As many as one burst holds. */
#define PAGE_LIMIT SLUICE_INV_BURST

/* The smallest single range command that covers pages. */
static struct smmu_cmd
cover(const struct sluice_inv *inv)
{
	unsigned int bits = 32 - (unsigned int)__builtin_clz(inv->pages);
	unsigned int scale = bits > 5 ? bits - 5 : 0;
	uint64_t num = ((uint64_t)inv->pages + (UINT64_C(1) << scale) - 1) >> scale;

	/* 33 … 63 pages have 6 bits: 2^1 pages a unit, up to 32 units, and so on. */
	return cmd_tlbi_range(inv->tag, inv->iova, (unsigned int)num, scale,
			      inv->flags & SLUICE_INV_LEAF);
}

/* Level 1. @return commands written to c, or room + 1 when they do not fit. */
static unsigned int
exact(const struct smmu *s, const struct sluice_inv *inv, struct smmu_cmd *c, unsigned int room)
{
	bool leaf = inv->flags & SLUICE_INV_LEAF;
	uint64_t iova = inv->iova, left = inv->pages;
	unsigned int n = 0;

	if (inv->op != SLUICE_INV_RANGE || (!s->idr.ril && left > PAGE_LIMIT)) {
		if (room != 0)
			c[0] = cmd_tlbi_asid(inv->tag);
		return 1;
	}
	while (left != 0 && n < room) {
		unsigned int scale = s->idr.ril ? (unsigned int)__builtin_ctzll(left) : 0;
		unsigned int num = s->idr.ril ? (left >> scale) & 31 : 1;

		c[n++] = cmd_tlbi_range(inv->tag, iova, num, scale, leaf);
		iova += (uint64_t)num << (scale + 12);
		left -= (uint64_t)num << scale;
	}
	return left != 0 ? room + 1 : n;
}

static unsigned int
build(const struct smmu *s, const struct sluice_inv *inv, unsigned int n, struct smmu_cmd *c,
      unsigned int room)
{
	unsigned int cmds = 0;

	for (unsigned int i = 0; i < n && cmds <= room; i++)
		cmds += exact(s, &inv[i], &c[cmds], room - cmds);
	if (likely(cmds <= room))
		return cmds;
	if (n > room) {
		c[0] = cmd_tlbi_nsnh_all();
		return 1;
	}
	cmds = 0;
	for (unsigned int i = 0; i < n; i++) {
		if (inv[i].op == SLUICE_INV_RANGE && inv[i].pages == 0)
			continue;
		c[cmds++] = inv[i].op == SLUICE_INV_RANGE && s->idr.ril ?
			    cover(&inv[i]) : cmd_tlbi_asid(inv[i].tag);
	}
	return cmds;
}

/* Whatever is not plain. Not inline: the fast path is to have no frame for it. */
static __rte_noinline uint64_t
submit_slow(struct smmu *s, const struct sluice_inv *inv, unsigned int n)
{
	struct smmu_cmd c[SLUICE_INV_BURST];

	if (n != 0 && inv->op == SLUICE_INV_ATC) {
		uint64_t seq;

		n = smmu_atc_build(inv, n, c, s->cmdq.max_burst - 1);
		seq = n != 0 ? cmdq_submit(&s->cmdq, c, n) : 0;
		smmu_atc_count(s, seq, n);
		return seq;
	}
	return cmdq_submit(&s->cmdq, c, build(s, inv, n, c, s->cmdq.max_burst - 1));
}

uint64_t
smmu_inv_submit(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	struct smmu *s = queue;
	unsigned int id = rte_lcore_id();
	struct cmdq_lcore *lc;
	uint64_t start;

	/* One page and a SYNC, from an lcore: what a strict unmap submits. */
	if (unlikely(n != 1 || inv->op != SLUICE_INV_RANGE || inv->pages != 1 ||
		     id >= RTE_MAX_LCORE))
		return submit_slow(s, inv, n);
	lc = &s->cmdq.lcore[id];
	if (unlikely(!cmdq_reserve_fast(&s->cmdq, lc, 2, &start)))
		return submit_slow(s, inv, n);
	cmdq_put(&s->cmdq, start, cmd_tlbi_va(inv->tag, inv->iova,
					      inv->flags & SLUICE_INV_LEAF));
	return cmdq_commit(&s->cmdq, lc, start, start + 2);
}

uint64_t
smmu_inv_try(void *queue, const struct sluice_inv *inv, unsigned int n)
{
	struct smmu_cmd c[SLUICE_INV_BURST];
	struct smmu *s = queue;
	unsigned int room = s->cmdq.max_burst - 1;
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

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The stream table (IHI 0070 §3.3.1, §5.1): linear, or two-level. A level-2 table is made when one
 * of its streams is first attached. A stream that was never attached is blocked.
 */
#include <errno.h>
#include <stdlib.h>

#include <rte_atomic.h>

#include "smmuv3.h"

static void
fill_abort(_Atomic uint64_t *stes, size_t n)
{
	uint64_t ste[ENTRY_WORDS];

	ste_abort(ste);
	for (size_t i = 0; i < n; i++)
		entry_fill(stes + i * ENTRY_WORDS, ste);
}

int
smmu_strtab_init(struct smmu *s, const struct smmu_cfg *cfg)
{
	struct smmu_strtab *t = &s->strtab;

	t->two_level = s->idr.two_level && !cfg->want_linear;
	if (cfg->want_2lvl && !s->idr.two_level)
		return sluice_fail(EINVAL, "strtab=2lvl: this SMMU has linear tables only");
	t->log2size = RTE_MIN(s->idr.sid_bits,
			      (uint8_t)(t->two_level ? STRTAB_2LVL_MAX : STRTAB_LINEAR_MAX));
	if (t->two_level && t->log2size <= STRTAB_SPLIT)
		t->two_level = cfg->want_2lvl && t->log2size == STRTAB_SPLIT;
	if (t->two_level) {
		size_t n = (size_t)1 << (t->log2size - STRTAB_SPLIT);

		t->bytes = n * SMMU_L1STD_BYTES;
		t->l2 = calloc(n, sizeof(*t->l2));
		if (t->l2 == NULL)
			return sluice_fail(ENOMEM, "smmuv3: no memory for the stream table");
	} else {
		t->bytes = (size_t)SMMU_STE_BYTES << t->log2size;
	}
	/* Aligned to its size, at least 64 bytes. */
	t->l1 = sluice_mem_alloc(s->iommu->mem, t->bytes, RTE_MAX(t->bytes, (size_t)64), &t->pa);
	if (t->l1 == NULL) {
		smmu_strtab_free(s);
		return sluice_fail(ENOMEM, "smmuv3: no memory for a stream table of 2^%u streams",
				   t->log2size);
	}
	if (!t->two_level)
		fill_abort(t->l1, (size_t)1 << t->log2size);
	return 0;
}

void
smmu_strtab_free(struct smmu *s)
{
	struct smmu_strtab *t = &s->strtab;

	for (size_t i = 0; t->l2 != NULL && i < t->bytes / SMMU_L1STD_BYTES; i++)
		if (t->l2[i] != NULL)
			sluice_mem_free(s->iommu->mem, (void *)t->l2[i],
					SMMU_STE_BYTES << STRTAB_SPLIT);
	free(t->l2);
	t->l2 = NULL;
	if (t->l1 != NULL)
		sluice_mem_free(s->iommu->mem, (void *)t->l1, t->bytes);
	t->l1 = NULL;
}

/* Make a level-2 table for the group of sid: build it, link it, then invalidate. §3.3.1.2 */
static int
add_l2(struct smmu *s, uint32_t sid)
{
	struct smmu_strtab *t = &s->strtab;
	size_t bytes = SMMU_STE_BYTES << STRTAB_SPLIT;
	struct smmu_cmd cmd = cmd_cfgi_ste(sid, false);
	_Atomic uint64_t *l2;
	uint64_t pa;

	l2 = sluice_mem_alloc(s->iommu->mem, bytes, bytes, &pa);
	if (l2 == NULL)
		return sluice_fail(ENOMEM, "smmuv3: no memory for the stream table of 0x%x", sid);
	fill_abort(l2, (size_t)1 << STRTAB_SPLIT);
	rte_io_wmb();
	atomic_store_explicit(&t->l1[sid >> STRTAB_SPLIT],
			      (pa & SMMU_L1STD_L2PTR) | (STRTAB_SPLIT + 1), memory_order_release);
	/* Kept even if the invalidation fails: the hardware may have seen it. */
	t->l2[sid >> STRTAB_SPLIT] = l2;
	return smmu_sync_cmds(s, &cmd, 1);
}

int
smmu_strtab_known(struct smmu *s, uint32_t sid, _Atomic uint64_t **ste)
{
	struct smmu_strtab *t = &s->strtab;
	_Atomic uint64_t *table = t->l1;
	uint32_t i = sid;

	if ((uint64_t)sid >> t->log2size != 0)
		return -ENOENT;
	if (t->two_level) {
		table = t->l2[sid >> STRTAB_SPLIT];
		i = sid & ((1u << STRTAB_SPLIT) - 1);
	}
	if (table == NULL)
		return -ENOENT;
	*ste = table + (size_t)i * ENTRY_WORDS;
	return 0;
}

int
smmu_strtab_ste(struct smmu *s, uint32_t sid, _Atomic uint64_t **ste)
{
	struct smmu_strtab *t = &s->strtab;

	if ((uint64_t)sid >> t->log2size != 0)
		return sluice_fail(EINVAL, "stream 0x%x: this SMMU knows streams below 2^%u", sid,
				   t->log2size);
	if (t->two_level && t->l2[sid >> STRTAB_SPLIT] == NULL) {
		int rc = add_l2(s, sid);

		if (rc != 0)
			return rc;
	}
	return smmu_strtab_known(s, sid, ste);
}

struct write_arg {
	struct smmu *s;
	uint32_t sid;
};

/* §4.3.1: leaf, since the level-1 entry did not change. This drops the CDs of the stream too. */
static int
sync_ste(void *arg)
{
	struct write_arg *a = arg;
	struct smmu_cmd cmd = cmd_cfgi_ste(a->sid, true);

	return smmu_sync_cmds(a->s, &cmd, 1);
}

int
smmu_strtab_settle(struct smmu *s)
{
	struct smmu_cmd cmd = cmd_cfgi_all();
	int rc;

	if (!s->unsure)
		return 0;
	rc = smmu_sync_cmds(s, &cmd, 1);
	s->unsure = rc != 0;
	return rc;
}

int
smmu_strtab_write(struct smmu *s, uint32_t sid, _Atomic uint64_t *ste,
		  const uint64_t target[ENTRY_WORDS])
{
	struct write_arg arg = { s, sid };
	struct entry_ops ops = { ste_used, sync_ste, SMMU_STE_0_V, &arg };
	uint64_t old[ENTRY_WORDS];
	int rc = smmu_strtab_settle(s);

	if (rc != 0)
		return rc;
	for (unsigned int i = 0; i < ENTRY_WORDS; i++)
		old[i] = atomic_load_explicit(&ste[i], memory_order_relaxed);
	rc = entry_write(ste, target, &ops);
	/* The queue does not answer, so nothing can be invalidated: restore the old STE in
	 * memory. The hardware may have fetched another one meanwhile. */
	if (rc != 0) {
		entry_fill(ste, old);
		rte_io_wmb();
		s->unsure = true;
	}
	return rc;
}

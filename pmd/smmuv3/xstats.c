/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Counters by name. The fast path has no shared counters: they are summed here over the producers,
 * or derived from positions.
 */
#include <stdio.h>

#include "smmuv3.h"

struct list {
	struct sluice_xstat *xs;
	unsigned int n, room;
};

static void
add(struct list *l, const char *name, uint64_t value)
{
	if (l->n < l->room) {
		snprintf(l->xs[l->n].name, sizeof(l->xs[l->n].name), "%s", name);
		l->xs[l->n].value = value;
	}
	l->n++;
}

static uint64_t
get(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed);
}

static void
add_cmdq(struct list *l, const struct smmu *s)
{
	const struct cmdq *cq = &s->cmdq;
	uint64_t cfgis = get(&s->cfgis), atc = get(&s->atc_invs), errors = 0, others;
	struct cmdq_stats st;

	cmdq_get_stats(cq, &st);
	for (unsigned int i = 0; i < RTE_DIM(cq->err.cerror); i++)
		errors += get(&cq->err.cerror[i]);
	add(l, "cmdq_cmds", st.cmds);
	add(l, "cmdq_submissions", st.subs);
	add(l, "cmdq_syncs", st.syncs);
	add(l, "cmdq_syncs_shared", st.shared);
	/* All commands that are neither a SYNC, nor a filler for one, nor any of the others. */
	others = st.subs + cfgis + atc + get(&s->mid_syncs) + get(&s->responses) + get(&cq->repeats);
	add(l, "cmdq_tlbis", st.cmds > others ? st.cmds - others : 0);
	add(l, "cmdq_cfgis", cfgis);
	add(l, "cmdq_atc_invs", atc);
	add(l, "cmdq_responses", get(&s->responses));
	add(l, "cmdq_repeats", get(&cq->repeats));
	add(l, "cmdq_doorbells", st.doorbells);
	add(l, "cmdq_full_waits", st.full_waits);
	add(l, "cmdq_full_timeouts", st.full_timeouts);
	add(l, "cmdq_cons_fallbacks", get(&cq->cons_fallbacks));
	add(l, "cmdq_bad_cons", get(&cq->bad_cons));
	add(l, "cmdq_errors", errors);
	add(l, "cmdq_errors_ill", get(&cq->err.cerror[SMMU_CERROR_ILL]));
	add(l, "cmdq_errors_abt", get(&cq->err.cerror[SMMU_CERROR_ABT]));
	add(l, "cmdq_errors_atc_sync", get(&cq->err.cerror[SMMU_CERROR_ATC_INV_SYNC]));
	add(l, "cmdq_repaired", get(&cq->err.repaired));
	add(l, "cmdq_dead", cmdq_is_dead(cq));
}

unsigned int
smmu_xstats(struct sluice_iommu *iommu, struct sluice_xstat *xs, unsigned int n)
{
	static const char *const gerror_names[] = {
		"gerror_cmdq", NULL, "gerror_evtq_abt", "gerror_priq_abt", "gerror_msi_cmdq_abt",
		"gerror_msi_evtq_abt", "gerror_msi_priq_abt", "gerror_msi_gerror_abt",
		"gerror_sfm", "gerror_cmdqp",
	};
	struct smmu *s = iommu->priv;
	struct list l = { xs, 0, n };

	_Static_assert(RTE_DIM(gerror_names) == RTE_DIM(((struct smmu *)0)->gerr.count),
		       "a name for each bit");
	add_cmdq(&l, s);
	for (unsigned int i = 0; i < RTE_DIM(gerror_names); i++)
		if (gerror_names[i] != NULL)
			add(&l, gerror_names[i], get(&s->gerr.count[i]));
	add(&l, "resets", get(&s->resets));
	add(&l, "gerror_handled", get(&s->gerr.handled));
	add(&l, "evtq_events", get(&s->evtq.events));
	add(&l, "evtq_overflows", get(&s->evtq.overflows));
	add(&l, "evtq_unknown", get(&s->evtq.unknown));
	add(&l, "evtq_bad_prod", get(&s->evtq.bad_prod));
	if (s->regs.ops->xstats != NULL)
		l.n += s->regs.ops->xstats(&s->regs, l.n < n ? xs + l.n : NULL,
					   l.n < n ? n - l.n : 0);
	return l.n;
}

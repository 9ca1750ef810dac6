/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Stage 1 over stage 2. Hardware that walks the child's tables translates their addresses by the
 * parent's, and so those of the context that the backend keeps for the child. All of that lies in
 * the IOMMU's memory, which is mapped one to one in the parent when its first child is made, and
 * stays mapped.
 */
#include <errno.h>
#include <inttypes.h>

#include <sluice/map.h>

#include "nest.h"

int
nest_check(const struct sluice_iommu *iommu, const struct pt_format *f,
	   const struct sluice_domain *parent)
{
	if (parent == NULL)
		return 0;
	if (parent->type != SLUICE_DOMAIN_PAGING || parent->pt.fmt->stage != 2)
		return sluice_fail(EINVAL, "a parent is a paging domain of a stage 2 format");
	if (f->stage == 2)
		return sluice_fail(EINVAL, "%s: only stage 1 has a parent", f->name);
	if (parent->iommu != iommu)
		return sluice_fail(EINVAL, "the parent is behind another iommu");
	if (atomic_load_explicit(&parent->multi, memory_order_relaxed) != NULL)
		return sluice_fail(EINVAL, "the parent is behind several iommus");
	return 0;
}

/* The parent's first child: one to one, what hardware reads for all of them. */
static int
map_memory(struct sluice_domain *parent)
{
	struct sluice_mem_span span = sluice_mem_span(parent->iommu->mem);
	uint64_t page = UINT64_C(1) << parent->page_shift;
	uint64_t from = span.pa & ~(page - 1), upto = RTE_ALIGN_CEIL(span.pa + span.len, page);

	return sluice_map_fixed(parent, from, from, upto - from, SLUICE_RW);
}

static void
count(struct sluice_domain *parent, int n)
{
	pthread_mutex_lock(&parent->lock);
	parent->nb_children += (unsigned int)n;
	pthread_mutex_unlock(&parent->lock);
}

int
nest_begin(struct sluice_domain *d)
{
	struct sluice_domain *parent = d->conf.parent;
	int ret = 0;

	if (parent == NULL)
		return 0;
	/* Domains of one parent are made one at a time, as <sluice/domain.h> says. */
	if (!parent->spanned)
		ret = map_memory(parent);
	if (ret != 0)
		return ret;
	parent->spanned = true;
	count(parent, 1);
	d->hw.parent = &parent->hw;
	return 0;
}

void
nest_end(struct sluice_domain *d)
{
	if (d->hw.parent == NULL)
		return;
	d->hw.parent = NULL;
	count(d->conf.parent, -1);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * hybrid: short buffers are copied (copy.c), long ones are mapped and unmapped strictly. Either way
 * no device reaches memory that its owner has back; copy.c says what copying does not protect.
 * There are two thresholds, because SLUICE_RW is copied in and out, SLUICE_READ in only.
 */
#include "copypool.h"
#include "../window/window.h"
#include "policy.h"

static int
hybrid_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova,
	   struct dom_lcore *dl)
{
	uint32_t max = prot == SLUICE_READ ? DOM_CONF(d, copy_max_read) : DOM_CONF(d, copy_max);

	return len > max ? window_map(d, pa, len, prot, iova, dl) :
			   copy_map(d, pa, len, prot, iova, dl);
}

static int
hybrid_init(struct sluice_domain *d)
{
	struct sluice_domain_conf *c = &d->conf;
	uint32_t both, read;
	int ret = copypool_init_mapped(d);

	if (ret != 0)
		return ret;
	if (c->copy_max != 0) {
		read = RTE_MIN(2 * c->copy_max, COPYPOOL_MAX_LEN);
	} else {
		crossover_guess(d, &both, &read);
		c->copy_max = both;
	}
	c->copy_max_read = c->copy_max_read != 0 ? c->copy_max_read : read;
	return 0;
}

const struct policy_ops policy_hybrid = {
	.name = "hybrid",
	.type = SLUICE_DOMAIN_PAGING,
	.copies = true,
	.map = hybrid_map,
	.unmap = copy_unmap,
	.init = hybrid_init,
	.fini = copypool_fini,
	.worker_init = copypool_worker_init,
	.worker_fini = copypool_worker_fini,
	.stats = copypool_stats,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Control calls on a domain that exists: settings, and taking it down.
 */
#include <errno.h>

#include <rte_errno.h>

#include "../inval/multi.h"
#include "../policy/policy.h"
#include "../window/trim.h"
#include "conf.h"
#include "engine.h"

int
sluice_domain_destroy(struct sluice_domain *d)
{
	struct sluice_iommu *iommu;
	int ret;

	if (d == NULL)
		return 0;
	iommu = d->iommu;
	if (d->nb_devices != 0)
		return sluice_fail(EBUSY, "%u device(s) are attached to the domain", d->nb_devices);
	if (d->nb_children != 0)
		return sluice_fail(EBUSY, "%u domain(s) have it for their parent", d->nb_children);
	if (tables_leave(d) != 0)
		return sluice_fail(EAGAIN, "a callback of the engine cannot wait for a trim of the domain");
	ret = sluice_domain_drain(d);
	/* Out of the engine last: while this can fail the domain is one like any other. */
	if (ret == 0)
		ret = multi_unplug(d);
	if (ret == 0 && d->type == SLUICE_DOMAIN_PAGING && !d->unplugged)
		ret = iommu->ops->hwdom_fini(iommu, &d->hw);
	d->unplugged |= ret == 0;
	if (ret == 0)
		ret = engine_domain_del(iommu->engine, d);
	if (ret != 0)
		tables_stay(d);
	if (ret == -ENOTSUP)
		return epoch_refused();
	if (ret != 0)
		return sluice_fail(-ret, "the domain's invalidation failed: its memory is kept");
	domain_free(d);
	iommu_count_domain(iommu, -1);
	return 0;
}

const char *
sluice_domain_policy(const struct sluice_domain *d)
{
	if (d == NULL) {
		(void)sluice_null("a domain");
		return NULL;
	}
	return domain_policy(d)->name;
}

/* Put the batch and the deadline of d->conf in force. */
static void
pace_set(struct sluice_domain *d, uint32_t batch, uint32_t deadline_us)
{
	__atomic_store_n(&d->conf.batch, batch, __ATOMIC_RELAXED);
	__atomic_store_n(&d->conf.deadline_us, deadline_us, __ATOMIC_RELAXED);
	deadline_set(d, deadline_us);
	pthread_mutex_lock(&d->iommu->engine->lock);
	for (unsigned int i = 0; i < RTE_MAX_LCORE; i++)
		if (d->lc[i] != NULL) {
			RELAXED_SET(d->lc[i]->ring.batch, batch);
			/* Look closer once: flush_ring_room() sees it. */
			RELAXED_SET(d->lc[i]->ring.room_end, 0);
		}
	pthread_mutex_unlock(&d->iommu->engine->lock);
}

void
domain_defaults(struct sluice_domain *d, const struct policy_ops *p)
{
	/* A ring that was made small takes no larger batch. */
	pace_set(d, d->own_batch ? d->conf.batch : RTE_MIN(batch_of(p), d->conf.ring),
		 d->own_deadline ? d->conf.deadline_us : deadline_of(p));
}

int
sluice_domain_tune(struct sluice_domain *d, const struct sluice_domain_conf *conf)
{
	if (d == NULL || conf == NULL)
		return sluice_null("a domain, or its settings,");
	struct sluice_domain_conf c;
	int ret;

	pthread_mutex_lock(&d->lock);
	c = d->conf;
	conf_tuned(&c, conf);
	ret = conf_check(&c, domain_policy(d), d->iommu, d->pt.fmt);
	if (ret == 0) {
		d->own_batch |= conf->batch != 0;
		d->own_deadline |= conf->deadline_us != 0;
		conf_tuned(&d->conf, &c);
		pace_set(d, c.batch, c.deadline_us);
	}
	pthread_mutex_unlock(&d->lock);
	return ret;
}

int
sluice_domain_get_conf(struct sluice_domain *d, struct sluice_domain_conf *conf)
{
	if (d == NULL || conf == NULL)
		return sluice_null("a domain, or room for its settings,");
	pthread_mutex_lock(&d->lock);
	*conf = d->conf;
	pthread_mutex_unlock(&d->lock);
	conf->policy = sluice_domain_policy(d);
	conf->type = d->type;
	return 0;
}

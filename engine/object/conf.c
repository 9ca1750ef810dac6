/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A domain's settings: defaults in, nonsense out.
 */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>

#include "conf.h"
#include "../inval/mirror.h"
#include "../policy/policy.h"

/* Look at the rings this often, within 1 … 4 µs (ring.h, 7): often enough for the stale window
 * to be known to a few microseconds, seldom enough not to disturb the worker's cache line. */
#define LOOK_MIN_NS 1000u
#define LOOK_MAX_NS 4000u

#define RING_MAX     (1u << 20)
#define RING_DEFAULT (4 * SLUICE_BATCH_DEFAULT) /* at least: larger batches may follow */

/* A policy's defaults. */
uint32_t
batch_of(const struct policy_ops *p)
{
	return p->batch != 0 ? p->batch : SLUICE_BATCH_DEFAULT;
}

uint32_t
deadline_of(const struct policy_ops *p)
{
	return p->deadline_us != 0 ? p->deadline_us : SLUICE_DEADLINE_US_DEFAULT;
}

/* The numbers of struct sluice_domain_conf, in one table for creation, tuning and errors. The
 * window is not among them: aperture_fit() knows what the hardware leaves of it. */
static const struct setting {
	const char *name;
	uint16_t offset;
	uint8_t size;
	bool tuned;       /* sluice_domain_tune() changes it */
	bool power_of_two;
	uint64_t multiple; /* 0: of anything */
	uint64_t dflt;     /* 0: none, or another one for each policy */
	uint64_t max;
	const char *wanted;
} settings[] = {
#define FIELD(f) #f, offsetof(struct sluice_domain_conf, f), sizeof(((struct sluice_domain_conf *)0)->f)
	{ FIELD(batch), .tuned = true, .power_of_two = true, .max = RING_MAX / 4,
	  .wanted = "a power of two" },
	{ FIELD(ring), .power_of_two = true, .max = RING_MAX, .wanted = "a power of two" },
	{ FIELD(deadline_us), .tuned = true, .max = UINT32_MAX },
	{ FIELD(range_max), .tuned = true, .dflt = SLUICE_RANGE_MAX_DEFAULT, .max = UINT32_MAX },
	{ FIELD(copy_pool), .multiple = 4096, .dflt = SLUICE_COPY_POOL_DEFAULT, .max = UINT64_C(1) << 30,
	  .wanted = "a multiple of 4096" },
	{ FIELD(copy_max), .tuned = true, .max = SLUICE_COPY_MAX, .wanted = "a length" },
	{ FIELD(copy_max_read), .tuned = true, .max = SLUICE_COPY_MAX, .wanted = "a length" },
	{ FIELD(keep_max), .tuned = true, .dflt = SLUICE_KEEP_MAX_DEFAULT, .max = SLUICE_KEEP_MAX,
	  .wanted = "a number" },
#undef FIELD
};

static uint64_t
setting_get(const struct sluice_domain_conf *c, const struct setting *s)
{
	const uint8_t *at = (const uint8_t *)c + s->offset;

	return s->size == sizeof(uint64_t) ? *(const uint64_t *)(const void *)at :
					     *(const uint32_t *)(const void *)at;
}

static void
setting_set(struct sluice_domain_conf *c, const struct setting *s, uint64_t v)
{
	uint8_t *at = (uint8_t *)c + s->offset;

	/* Relaxed: workers read what is tuned (DOM_CONF). */
	if (s->size == sizeof(uint64_t))
		__atomic_store_n((uint64_t *)(void *)at, v, __ATOMIC_RELAXED);
	else
		__atomic_store_n((uint32_t *)(void *)at, (uint32_t)v, __ATOMIC_RELAXED);
}

static int
window_check(const struct sluice_domain_conf *c, const struct sluice_iommu *iommu,
	     const struct pt_format *f)
{
	const uint64_t reach = pt_format_reach(f);
	const uint64_t most = (uint64_t)BITSET_MAX * IOVA_CHUNK_PAGES << f->page_shift;
	unsigned int ias = pt_format_ias(f, iommu);

	if (c->iova_base % reach != 0 || c->iova_size % reach != 0 || c->iova_size > most ||
	    c->iova_base >> ias != 0 || (c->iova_base + c->iova_size - 1) >> ias != 0)
		return sluice_fail(EINVAL,
				   "IOVA window %#" PRIx64 "+%#" PRIx64 ": multiples of %" PRIu64
				   " MiB, at most %" PRIu64 " GiB, within %u bits",
				   c->iova_base, c->iova_size, reach >> 20, most >> 30, ias);
	return 0;
}

int
conf_check(struct sluice_domain_conf *c, const struct policy_ops *p,
	   const struct sluice_iommu *iommu, const struct pt_format *f)
{
	if (aperture_fit(c, iommu, f) != 0)
		return -EINVAL;
	c->batch = c->batch != 0 ? c->batch : batch_of(p);
	c->ring = c->ring != 0 ? c->ring : RTE_MAX(4 * c->batch, RING_DEFAULT);
	c->deadline_us = c->deadline_us != 0 ? c->deadline_us : deadline_of(p);
	for (unsigned int i = 0; i < RTE_DIM(settings); i++) {
		const struct setting *s = &settings[i];
		uint64_t v = setting_get(c, s);

		if (v == 0)
			setting_set(c, s, v = s->dflt);
		if (v > s->max || (s->power_of_two && !rte_is_power_of_2(v)) ||
		    (s->multiple != 0 && v % s->multiple != 0))
			return sluice_fail(EINVAL, "%s %" PRIu64 ": %s up to %" PRIu64, s->name, v,
					   s->wanted, s->max);
	}
	if (c->ring < c->batch)
		return sluice_fail(EINVAL, "ring %u: a batch (%u) at least", c->ring, c->batch);
	return window_check(c, iommu, f);
}

void
conf_tuned(struct sluice_domain_conf *to, const struct sluice_domain_conf *from)
{
	for (unsigned int i = 0; i < RTE_DIM(settings); i++)
		if (settings[i].tuned && setting_get(from, &settings[i]) != 0)
			setting_set(to, &settings[i], setting_get(from, &settings[i]));
}

void
deadline_set(struct sluice_domain *d, uint32_t us)
{
	uint64_t look_ns = RTE_MAX(us * UINT64_C(1000) / 16, LOOK_MIN_NS);

	look_ns = RTE_MIN(look_ns, LOOK_MAX_NS);
	atomic_store_explicit(&d->flush.look_every, sluice_clock_from_ns(&d->iommu->clock, look_ns),
			      memory_order_relaxed);
	atomic_store_explicit(&d->flush.deadline,
			      sluice_clock_from_ns(&d->iommu->clock, us * UINT64_C(1000)),
			      memory_order_relaxed);
}

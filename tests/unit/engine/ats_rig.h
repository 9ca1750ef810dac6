/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the tests of ats.c share: a domain, devices with ATS, and what they were told.
 */
#ifndef ATS_RIG_H
#define ATS_RIG_H

#include <sluice/device.h>

#include "engine/inval/ats.h"
#include "rig.h"

#define PA       UINT64_C(0x200000000)
#define ATS_CAPS "caps=0x111" /* DEFERRED, BYPASS, ATS */
#define MAX_DEVS 24u

static const struct sluice_domain_conf strict __rte_unused = { .policy = "strict",
								       .iova_size = 2 << 20 };
static const struct sluice_domain_conf deferred __rte_unused = { .policy = "deferred", .iova_size = 2 << 20,
						    .batch = 4 };

static struct sluice_device *dev[MAX_DEVS];
static unsigned int nb_devs;

static inline struct sluice_device *
join(struct rig *r, uint32_t stream, unsigned int streams)
{
	uint32_t s[8];
	struct sluice_device *one;

	for (unsigned int i = 0; i < streams; i++)
		s[i] = stream + i;
	one = sluice_device_add(r->iommu, s, streams);
	assert_non_null(one);
	assert_int_equal(sluice_device_attach(one, r->d), 0);
	assert_int_equal(sluice_device_ats(one, true), 0);
	return dev[nb_devs++] = one;
}

/* Devices of one stream each: 8, 16, 24, … */
static inline void
up(struct rig *r, const struct sluice_domain_conf *conf, unsigned int devs)
{
	rig_up(r, ATS_CAPS, conf);
	nb_devs = 0;
	while (nb_devs < devs)
		join(r, (nb_devs + 1) * 8, 1);
	r->f->nb_calls = 0;
}

static inline void
down(struct rig *r)
{
	r->f->immediate = true;
	r->f->nb_dead = 0;
	r->f->on_call = NULL;
	r->f->fail_at = 0;
	for (unsigned int i = 0; i < nb_devs; i++)
		assert_int_equal(sluice_device_remove(dev[i]), 0);
	rig_down(r);
}

/* How often stream @p s was told of exactly [iova, +2^log2 pages) by submissions (from, upto]. */
static inline unsigned int
told(const struct fake *f, uint64_t from, uint64_t upto, uint32_t s, uint64_t iova, uint8_t log2)
{
	unsigned int n = 0;

	for (uint64_t seq = from + 1; seq <= upto; seq++)
		for (unsigned int i = 0; i < fake_sub(f, seq)->n; i++) {
			const struct sluice_inv *v = &fake_sub(f, seq)->inv[i];

			n += v->op == SLUICE_INV_ATC && v->stream == s && v->iova == iova &&
			     v->flags == log2;
		}
	return n;
}

static inline unsigned int
atc_invs(const struct fake *f, uint64_t from)
{
	unsigned int n = 0;

	for (uint64_t seq = from + 1; seq <= f->submitted; seq++)
		for (unsigned int i = 0; i < fake_sub(f, seq)->n; i++)
			n += fake_sub(f, seq)->inv[i].op == SLUICE_INV_ATC;
	return n;
}

static inline bool
was_blocked(const struct fake *f, uint32_t stream)
{
	bool yes = false;

	for (unsigned int i = 0; i < f->nb_calls; i++)
		if (f->call[i].id == stream && f->call[i].op <= FAKE_PAGING)
			yes = f->call[i].op == FAKE_BLOCKED && f->call[i].ret == 0;
	return yes;
}

static inline bool
in_list(const struct sluice_domain *d, uint32_t stream)
{
	const struct ats_list *l = d->ats_list;

	for (uint32_t i = 0; l != NULL && i < l->n; i++)
		if (l->ent[i].stream == stream)
			return true;
	return false;
}

#endif

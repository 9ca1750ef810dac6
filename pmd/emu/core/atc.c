/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The endpoint's side of PCIe ATS: its ATS Control register, its address translation cache (ATC),
 * and how it answers invalidations. A cached translation is used without a look at tables or IOTLB,
 * however stale it is, until an invalidation covers it.
 *
 * A dead endpoint (EMU_INJECT_ATC_DEAD) answers no invalidation, drops nothing, and goes on using
 * its cache even after its ATS was turned off.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <rte_errno.h>

#include "core.h"

#define ENTRIES_MAX (1u << 16)

/* Tag: the first byte's IOVA | log2 of the size | VALID. Value: physical address | R, W. */
#define TAG_SHIFT (EMU_BIT(6) - 1)
#define TAG_VALID EMU_BIT(6)
#define VAL_R     EMU_BIT(0)
#define VAL_W     EMU_BIT(1)
#define VAL_PA    (~UINT64_C(0xfff))

struct atc_entry {
	uint64_t tag, val;
};

struct emu_atc {
	TAILQ_ENTRY(emu_atc) next;
	struct emu_ep *ep;
	uint32_t mask;
	uint64_t shifts; /* bit n: entries of 2^n bytes may be cached */
	struct atc_entry ent[];
};

/* ---- endpoints ------------------------------------------------------------------------------- */

static struct emu_ep *
ep_find(const struct emu *e, uint32_t sid)
{
	struct emu_ep *ep;

	TAILQ_FOREACH(ep, &e->eps, next)
		if (ep->sid == sid)
			return ep;
	return NULL;
}

/* Find the endpoint, or make it. The step lock is held. */
static struct emu_ep *
ep_get(struct emu *e, uint32_t sid)
{
	struct emu_ep *ep = ep_find(e, sid);

	if (ep != NULL || (ep = calloc(1, sizeof(*ep))) == NULL)
		return ep;
	ep->sid = sid;
	TAILQ_INIT(&ep->atcs);
	TAILQ_INSERT_TAIL(&e->eps, ep, next);
	return ep;
}

static void
atc_clear(struct emu_atc *a)
{
	memset(a->ent, 0, ((size_t)a->mask + 1) * sizeof(a->ent[0]));
	a->shifts = 0;
}

void
emu_atc_fini(struct emu *e)
{
	struct emu_ep *ep;

	while ((ep = TAILQ_FIRST(&e->eps)) != NULL) {
		TAILQ_REMOVE(&e->eps, ep, next);
		free(ep);
	}
}

int
emu_ats_enable(struct emu *e, uint32_t sid, bool on)
{
	struct emu_atc *a;
	struct emu_ep *ep;
	int ret = 0;

	emu_lock(e);
	ep = ep_get(e, sid);
	if (ep == NULL) {
		ret = -ENOMEM;
	} else if (on) {
		/* PCIe: an ATC is empty when ATS is enabled, whatever it held before. */
		if (!ep->dead)
			TAILQ_FOREACH(a, &ep->atcs, next)
				atc_clear(a);
		ep->on = true;
	} else if (!ep->dead) {
		ep->on = false;
	}
	emu_unlock(e);
	return ret;
}

void
emu_atc_inject(struct emu *e, enum emu_inject what, uint64_t arg)
{
	struct emu_ep *ep;

	emu_lock(e);
	ep = ep_get(e, (uint32_t)arg);
	if (ep != NULL && what == EMU_INJECT_ATC_DEAD)
		ep->dead = arg >> 32 != 0;
	else if (ep != NULL)
		ep->late_ns = (uint32_t)(arg >> 32);
	emu_unlock(e);
}

struct emu_atc *
emu_atc_create(struct emu *e, uint32_t sid, uint32_t entries)
{
	struct emu_atc *a;

	if (!rte_is_power_of_2(entries) || entries > ENTRIES_MAX) {
		rte_errno = EINVAL;
		return NULL;
	}
	a = calloc(1, sizeof(*a) + entries * sizeof(a->ent[0]));
	if (a == NULL) {
		rte_errno = ENOMEM;
		return NULL;
	}
	a->mask = entries - 1;
	emu_lock(e);
	a->ep = ep_get(e, sid);
	if (a->ep != NULL)
		TAILQ_INSERT_TAIL(&a->ep->atcs, a, next);
	emu_unlock(e);
	if (a->ep == NULL) {
		free(a);
		rte_errno = ENOMEM;
		return NULL;
	}
	return a;
}

void
emu_atc_destroy(struct emu *e, struct emu_atc *a)
{
	if (a == NULL)
		return;
	emu_lock(e);
	TAILQ_REMOVE(&a->ep->atcs, a, next);
	emu_unlock(e);
	free(a);
}

/* ---- invalidation ---------------------------------------------------------------------------- */

uint64_t
emu_atc_answers(const struct emu *e, uint32_t sid, uint32_t timeout_ns, bool *lost)
{
	const struct emu_ep *ep = ep_find(e, sid);

	*lost = false;
	if (ep == NULL || !(ep->on || ep->dead)) /* Unsupported Request: ends quietly */
		return 0;
	*lost = ep->dead || ep->late_ns >= timeout_ns;
	return *lost ? timeout_ns : ep->late_ns;
}

void
emu_atc_inv(struct emu *e, uint32_t sid, uint64_t first, uint64_t mask)
{
	struct emu_ep *ep = ep_find(e, sid);
	struct emu_atc *a;

	if (ep == NULL)
		return;
	TAILQ_FOREACH(a, &ep->atcs, next)
		for (uint32_t i = 0; i <= a->mask; i++) {
			uint64_t tag = a->ent[i].tag;
			uint64_t leaf = ~emu_offset_mask(tag & TAG_SHIFT);

			/* Two aligned powers of two overlap when the larger one's bits agree. */
			if (((tag ^ first) & mask & leaf) == 0)
				a->ent[i].tag = 0;
		}
}

/* ---- accesses -------------------------------------------------------------------------------- */

static struct atc_entry *
place(struct emu_atc *a, uint64_t iova, unsigned int shift)
{
	return &a->ent[(iova >> shift) & a->mask];
}

static struct atc_entry *
lookup(struct emu_atc *a, uint64_t iova)
{
	for (uint64_t left = a->shifts; left != 0; left &= left - 1) {
		unsigned int shift = (unsigned int)__builtin_ctzll(left);
		struct atc_entry *t = place(a, iova, shift);

		if (t->tag == ((iova & ~emu_offset_mask(shift)) | shift | TAG_VALID))
			return t;
	}
	return NULL;
}

static void
fill(struct emu *e, struct emu_atc *a, uint64_t iova, const struct emu_treq_cpl *c, bool probe)
{
	struct atc_entry *t = place(a, iova, c->shift);

	t->tag = (iova & ~emu_offset_mask(c->shift)) | c->shift | TAG_VALID;
	t->val = (c->pa & VAL_PA) | (c->r ? VAL_R : 0) | (c->w ? VAL_W : 0);
	a->shifts |= UINT64_C(1) << c->shift;
	if (!probe)
		emu_count(&e->st.atc_fills, 1);
}

/* The result of asking the ATC, and the IOMMU if the ATC has no entry. */
enum found { FOUND, UNTRANSLATED, REFUSED };

static enum found
find(struct emu *e, struct emu_atc *a, uint64_t iova, bool write, bool probe, uint64_t *pa)
{
	uint64_t want = write ? VAL_W : VAL_R;
	struct atc_entry *t = NULL;
	struct emu_treq_cpl c;

	if (!a->ep->on) /* ATS is off: no request is made, and the cache is not used */
		return UNTRANSLATED;
	t = lookup(a, iova);
	if (t != NULL && (t->val & want) != 0) {
		*pa = (t->val & VAL_PA) | (iova & emu_offset_mask(t->tag & TAG_SHIFT));
		if (probe)
			e->ops->ats_check_stale(e, a->ep->sid, iova, *pa, write);
		else
			emu_count(&e->st.atc_hits, 1);
		return FOUND;
	}
	switch (e->ops->ats_request(e, a->ep->sid, iova, probe, &c)) {
	case EMU_TREQ_UR: /* no ATS for this stream: go on as without an ATC */
		return UNTRANSLATED;
	case EMU_TREQ_CA:
		return REFUSED;
	default:
		break;
	}
	if (!(write ? c.w : c.r)) /* the endpoint knows that it must not even try */
		return REFUSED;
	fill(e, a, iova, &c, probe);
	*pa = c.pa | (iova & emu_offset_mask(c.shift));
	return FOUND;
}

/* One piece within a page. */
static enum emu_access
piece(struct emu *e, struct emu_atc *a, uint64_t iova, uint8_t *dev, uint32_t n, bool write)
{
	uint64_t pa = 0;
	uint8_t *host;

	switch (find(e, a, iova, write, false, &pa)) {
	case UNTRANSLATED:
		return emu_dma(e, a->ep->sid, iova, dev, n, write, NULL);
	case REFUSED:
		emu_count(&e->st.accesses, 1);
		emu_count(&e->st.faults, 1);
		return EMU_FAULT;
	default:
		break;
	}
	emu_count(&e->st.accesses, 1);
	if (!e->ops->ats_translated(e, a->ep->sid, pa, write)) {
		emu_count(&e->st.faults, 1);
		return EMU_FAULT;
	}
	host = emu_pa(e, pa, n);
	if (host == NULL) {
		emu_count(&e->st.mem_aborts, 1);
		return EMU_ABORT;
	}
	emu_check_owner(e, pa);
	if (write)
		memcpy(host, dev, n);
	else
		memcpy(dev, host, n);
	emu_count(&e->st.bytes, n);
	return EMU_OK;
}

enum emu_access
emu_atc_dma(struct emu *e, struct emu_atc *a, uint64_t iova, void *dev_mem, uint32_t len,
	    bool write_host, uint32_t *done)
{
	enum emu_access res = EMU_OK;
	uint8_t *dev = dev_mem;
	uint32_t left = len;

	while (left != 0) {
		uint32_t n = EMU_PAGE - (uint32_t)(iova & (EMU_PAGE - 1));

		n = n < left ? n : left;
		res = piece(e, a, iova, dev, n, write_host);
		if (res != EMU_OK)
			break;
		iova += n;
		dev += n;
		left -= n;
	}
	if (done != NULL)
		*done = len - left;
	return res;
}

enum emu_access
emu_atc_probe(struct emu *e, struct emu_atc *a, uint64_t iova)
{
	uint64_t pa = 0;
	void *host;

	iova &= ~UINT64_C(7);
	switch (find(e, a, iova, false, true, &pa)) {
	case UNTRANSLATED:
		return emu_probe(e, a->ep->sid, iova);
	case REFUSED:
		goto refused;
	default:
		break;
	}
	if (!e->ops->ats_translated(e, a->ep->sid, pa, false))
		goto refused;
	emu_count(&e->st.probes, 1);
	host = emu_pa(e, pa, 8);
	if (host == NULL) {
		emu_count(&e->st.mem_aborts, 1);
		return EMU_ABORT;
	}
	emu_check_owner(e, pa);
	emu_peek(host);
	emu_count(&e->st.probe_hits, 1);
	return EMU_OK;
refused:
	emu_count(&e->st.probes, 1);
	emu_count(&e->st.probe_faults, 1);
	return EMU_FAULT;
}

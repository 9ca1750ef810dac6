/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The public calls: map and unmap, bursts, asynchronous unmaps. A policy without a function of its
 * own for one of them gets the default here. Each call reads the domain's policy once.
 */
#include <errno.h>

#include <rte_errno.h>

#include "../object/domain.h"
#include "../policy/policy.h"

int
sluice_map(struct sluice_domain *d, uint64_t pa, size_t len, unsigned int prot, uint64_t *iova)
{
	struct dom_lcore *dl = domain_mine(d);

	return __builtin_expect(dl != NULL, 1) ? DOM_LOAD(d->map)(d, pa, len, prot, iova, dl) : -ENXIO;
}

int
sluice_unmap(struct sluice_domain *d, uint64_t iova, size_t len)
{
	struct dom_lcore *dl = domain_mine(d);

	return __builtin_expect(dl != NULL, 1) ? DOM_LOAD(d->unmap)(d, iova, len, dl) : -ENXIO;
}

static unsigned int
no_worker(void)
{
	rte_errno = ENXIO;
	return 0;
}

unsigned int
sluice_map_burst(struct sluice_domain *d, struct sluice_seg *seg, unsigned int n)
{
	const struct policy_ops *p = domain_policy(d);
	struct dom_lcore *dl = domain_mine(d);
	unsigned int i;
	int ret;

	if (dl == NULL)
		return no_worker();
	if (p->map_burst != NULL)
		return p->map_burst(d, seg, n, dl);
	for (i = 0; i < n; i++) {
		ret = p->map(d, seg[i].pa, seg[i].len, seg[i].prot, &seg[i].iova, dl);
		if (ret != 0) {
			rte_errno = -ret;
			break;
		}
	}
	return i;
}

static unsigned int
unmap_each(struct sluice_domain *d, const struct policy_ops *p, const struct sluice_seg *seg,
	   unsigned int n, struct dom_lcore *dl)
{
	unsigned int i;
	int ret;

	if (p->unmap_burst != NULL)
		return p->unmap_burst(d, seg, n, dl);
	for (i = 0; i < n; i++) {
		ret = p->unmap(d, seg[i].iova, seg[i].len, dl);
		if (ret != 0) {
			rte_errno = -ret;
			break;
		}
	}
	return i;
}

unsigned int
sluice_unmap_burst(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n)
{
	struct dom_lcore *dl = domain_mine(d);

	return dl == NULL ? no_worker() : unmap_each(d, domain_policy(d), seg, n, dl);
}

int
sluice_unmap_async(struct sluice_domain *d, uint64_t iova, size_t len, uint64_t cookie)
{
	const struct policy_ops *p = domain_policy(d);
	struct dom_lcore *dl = domain_mine(d);

	if (__builtin_expect(dl == NULL, 0))
		return -ENXIO;
	return p->unmap_async != NULL ? p->unmap_async(d, iova, len, cookie, dl) :
					p->unmap(d, iova, len, dl);
}

unsigned int
sluice_unmap_async_burst(struct sluice_domain *d, const struct sluice_seg *seg, unsigned int n,
			 unsigned int *later)
{
	const struct policy_ops *p = domain_policy(d);
	struct dom_lcore *dl = domain_mine(d);

	*later = 0;
	if (dl == NULL)
		return no_worker();
	return p->unmap_async_burst != NULL ? p->unmap_async_burst(d, seg, n, later, dl) :
					      unmap_each(d, p, seg, n, dl);
}

/* Nothing has completed. That needs a look at the engine only if this worker waits for it. */
static __rte_noinline unsigned int
none_completed(struct sluice_domain *d, struct dom_lcore *dl)
{
	int ret = dl->ring.released_seen != dl->ring.tail ? d->wait->watch(d, &dl->watch) : 0;

	rte_errno = -ret;
	return 0;
}

unsigned int
sluice_unmap_completed(struct sluice_domain *d, uint64_t *cookie, unsigned int n)
{
	struct dom_lcore *dl = domain_mine(d);

	/* Nothing was ever put in, so the ring may not exist yet, or may be in the making. */
	if (dl == NULL || dl->ring.tail == 0)
		return 0;
	n = flush_ring_completed(&dl->ring, cookie, n);
	return n != 0 ? n : none_completed(d, dl);
}

unsigned int
sluice_unmap_dispatch(struct sluice_domain *d, sluice_release_cb cb, void *arg)
{
	unsigned int n, total = 0;
	uint64_t cookie[32];

	do {
		n = sluice_unmap_completed(d, cookie, RTE_DIM(cookie));
		if (n != 0)
			cb(cookie, n, arg);
		total += n;
	} while (n == RTE_DIM(cookie));
	return total;
}

void
sluice_unmap_kick(struct sluice_domain *d)
{
	struct dom_lcore *dl = domain_mine(d);

	if (dl == NULL || dl->ring.tail == 0)
		return;
	flush_ring_kick(&dl->ring, dl->ring.tail);
	d->wait->stand_in(d);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Finds the length up to which copying a buffer is cheaper than mapping it strictly, on this
 * machine, with this IOMMU, now. With a worker it is measured with whole maps and unmaps on the
 * worker's lcore; before there is a worker it is estimated from the time of a bare SYNC. Control
 * path. Times are read from the TSC, because what is compared is CPU time.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/wait.h"
#include "copypool.h"
#include "set.h"

#define MIN_LEN   64u
#define SIZES     11u /* 64 B … 64 KiB */
#define ROUNDS    9u  /* the median of so many rounds; the two ways take turns */
#define PAIRS     8u  /* pairs of map and unmap timed together */
#define BUFFERS   16u /* of 64 KiB each: more than the first caches of a CPU hold */
#define GUESS_NS  1000000u /* a bare SYNC that takes longer is ignored */

_Static_assert(MIN_LEN << (SIZES - 1) == COPYPOOL_MAX_LEN, "up to the longest");

static int
cmp(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t
median(uint64_t *v, unsigned int n)
{
	qsort(v, n, sizeof(v[0]), cmp);
	return v[n / 2];
}

/* The length at which the two curves cross. One size at which copying lost is noise, unless it
 * loses at the next size too. The result is never 0, which sluice_domain_tune() takes for
 * something else. */
static uint32_t
cross(const uint64_t *copy, const uint64_t *strict, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		if (copy[i] > strict[i] && (i + 1 == n || copy[i + 1] > strict[i + 1]))
			break;
	if (i == n || i == 0)
		return MIN_LEN << (i == 0 ? 0 : n - 1);
	uint64_t lo = MIN_LEN << (i - 1);
	uint64_t won = strict[i - 1] > copy[i - 1] ? strict[i - 1] - copy[i - 1] : 0;
	uint64_t lost = copy[i] - strict[i];

	return (uint32_t)(lo + lo * won / (won + lost)) & ~(MIN_LEN - 1);
}

/* Time PAIRS pairs of @p len bytes, by copying or strictly, one buffer after the other.
 * @return 0 with *ticks set, or -errno. */
static int
pairs(struct sluice_domain *d, struct dom_lcore *dl, uint64_t pa, uint32_t len, unsigned int prot,
      unsigned int round, bool copy, uint64_t *ticks)
{
	uint64_t iova, t = rte_rdtsc();
	int ret;

	for (unsigned int i = 0; i < PAIRS; i++) {
		uint64_t at = pa + (uint64_t)((round * PAIRS + i) % BUFFERS) * COPYPOOL_MAX_LEN;

		ret = (copy ? d->set->copy : d->set->strict)->map(d, at, len, prot, &iova, dl);
		if (ret == 0)
			ret = d->set->copy->unmap(d, iova, len, dl);
		if (ret != 0)
			return ret;
	}
	*ticks = rte_rdtsc() - t;
	return 0;
}

/* Measure one size, both ways. */
static int
measure(struct sluice_domain *d, struct dom_lcore *dl, uint64_t pa, uint32_t len,
	unsigned int prot, uint64_t *copy, uint64_t *strict)
{
	uint64_t t[2][ROUNDS];

	for (unsigned int r = 0; r < ROUNDS; r++) {
		for (unsigned int way = 0; way < 2; way++) {
			int ret = pairs(d, dl, pa, len, prot, r, way == 0, &t[way][r]);

			if (ret != 0)
				return ret;
		}
	}
	*copy = median(t[0], ROUNDS);
	*strict = median(t[1], ROUNDS);
	return 0;
}

int
sluice_domain_find_crossover(struct sluice_domain *d, unsigned int prot, uint32_t *bytes)
{
	if (d == NULL || bytes == NULL)
		return sluice_null("a domain, or room for a length,");
	const size_t size = BUFFERS * COPYPOOL_MAX_LEN;
	struct dom_lcore *dl = domain_mine(d);
	uint64_t copy[SIZES], strict[SIZES], pa, empty;
	const struct copypool *s;
	unsigned int n;
	void *buf;
	int ret = 0;

	if (!domain_policy(d)->copies)
		return sluice_fail(ENOTSUP, "%s does not copy", sluice_domain_policy(d));
	if (prot != SLUICE_READ && prot != SLUICE_RW)
		return sluice_fail(EINVAL, "protection %u: SLUICE_READ or SLUICE_RW", prot);
	if (dl == NULL)
		return sluice_fail(ENXIO, "this lcore is not a worker");
	buf = sluice_iommu_mem_alloc(d->iommu, size, 4096, &pa);
	if (buf == NULL)
		return -ENOMEM;
	s = dl->priv;
	for (n = 0; n < SIZES; n++) {
		empty = s->empty;
		ret = measure(d, dl, pa, MIN_LEN << n, prot, &copy[n], &strict[n]);
		/* The pool has no such slot, so what was measured was not a copy. */
		if (ret != 0 || s->empty != empty)
			break;
	}
	if (ret == -ETIMEDOUT || ret == -EIO) /* a device may still reach it */
		return sluice_fail(-ret, "an invalidation failed");
	sluice_mem_free(d->iommu->mem, buf, size);
	if (ret != 0)
		return sluice_fail(-ret, "mapping for a measurement failed");
	if (n == 0)
		return sluice_fail(ENOMEM, "no shadow memory is free on this lcore");
	*bytes = cross(copy, strict, n);
	return 0;
}

/* Time a bare SYNC, up to @p end. @return ticks; 0: it did not complete. */
static uint64_t
sync_ticks(struct sluice_iommu *iommu, uint64_t end)
{
	uint64_t t0 = rte_rdtsc(), now = t0;
	uint64_t seq = iommu->fast.inv_submit(iommu->fast.queue, NULL, 0);

	if (seq == 0)
		return 0;
	for (unsigned int turn = 1; iommu->fast.inv_done(iommu->fast.queue) < seq; turn++) {
		sluice_wait_turn(iommu, turn);
		if (rte_rdtsc() > end)
			return 0;
	}
	now = rte_rdtsc();
	return now > t0 ? now - t0 : 1;
}

/* Copy each size several times, and compare with a strict unmap that takes @p sync. */
static uint32_t
guess(uint8_t *buf, unsigned int times, uint64_t sync)
{
	uint64_t copy[SIZES], strict[SIZES], t[ROUNDS];

	for (unsigned int i = 0; i < SIZES; i++) {
		size_t len = MIN_LEN << i;

		for (unsigned int r = 0; r < ROUNDS; r++) {
			uint8_t *at = buf + (1 + r % (BUFFERS - 1)) * COPYPOOL_MAX_LEN;
			uint64_t t0 = rte_rdtsc();

			memcpy(buf, at, len);
			rte_compiler_barrier();
			if (times == 2)
				memcpy(at, buf, len);
			rte_compiler_barrier();
			t[r] = rte_rdtsc() - t0;
		}
		copy[i] = median(t, ROUNDS);
		strict[i] = sync;
	}
	return cross(copy, strict, SIZES);
}

void
crossover_guess(struct sluice_domain *d, uint32_t *both, uint32_t *read)
{
	const size_t size = BUFFERS * COPYPOOL_MAX_LEN;
	uint64_t t[ROUNDS];
	uint64_t end = rte_rdtsc() + rte_get_tsc_hz() / (1000000000u / GUESS_NS);
	uint8_t *buf;

	*both = *read = SLUICE_COPY_MAX_DEFAULT;
	/* Hardware with a clock of its own takes no CPU time. */
	if (d->iommu->clock.virt != NULL)
		return;
	for (unsigned int r = 0; r < ROUNDS; r++)
		if ((t[r] = sync_ticks(d->iommu, end)) == 0)
			return;
	buf = sluice_mem_alloc(d->iommu->mem, size, 4096, NULL);
	if (buf == NULL)
		return;
	*both = guess(buf, 2, median(t, ROUNDS));
	*read = guess(buf, 1, median(t, ROUNDS));
	sluice_mem_free(d->iommu->mem, buf, size);
}

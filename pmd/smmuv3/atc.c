/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * PCIe ATS (IHI 0070 §3.9.1, §3.9.2): turning it on and off for a stream, and the invalidation of
 * what the device behind it cached.
 *
 * A burst of ATC_INVs ends in two SYNCs: one of its own, which signals nothing, and the one in the
 * last slot, which a later burst's may replace (cmdq.h, 4). If a device does not answer, the queue
 * stops at the first of the two (CERROR_ATC_INV_SYNC). So it is known which submission has failed,
 * and that no other has.
 */
#include <errno.h>

#include "smmuv3.h"

/* The largest burst of ATC_INVs, with their SYNC and the last slot, fits. */
#define ATC_BURST_SLOTS (SLUICE_ATC_BURST + 2u)

bool
smmu_ats_possible(const struct smmu *s)
{
	return s->idr.ats && s->regs.ops->ats != NULL && s->cmdq.max_burst >= ATC_BURST_SLOTS;
}

unsigned int
smmu_atc_build(const struct sluice_inv *inv, unsigned int n, struct smmu_cmd *c, unsigned int room)
{
	if (n + 1 > room)
		return 0;
	for (unsigned int i = 0; i < n; i++) {
		if (inv[i].op != SLUICE_INV_ATC || inv[i].flags > SLUICE_ATC_ALL)
			return 0;
		c[i] = cmd_atc_inv(inv[i].stream, inv[i].iova, inv[i].flags);
	}
	c[n] = cmd_sync_silent();
	return n + 1;
}

void
smmu_atc_count(struct smmu *s, uint64_t seq, unsigned int cmds)
{
	if (seq == 0 || seq == SLUICE_INV_FULL)
		return;
	atomic_fetch_add_explicit(&s->atc_invs, cmds - 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->mid_syncs, 1, memory_order_relaxed);
}

/* Empty the device's cache. @return 0; -EREMOTEIO: no answer; else the queue does not work. */
static int
forget_all(struct smmu *s, uint32_t sid)
{
	struct sluice_inv all = { .op = SLUICE_INV_ATC, .flags = SLUICE_ATC_ALL, .stream = sid };
	struct smmu_cmd c[2];

	atomic_fetch_add_explicit(&s->atc_invs, 1, memory_order_relaxed);
	atomic_fetch_add_explicit(&s->mid_syncs, 1, memory_order_relaxed);
	return smmu_sync_cmds(s, c, smmu_atc_build(&all, 1, c, RTE_DIM(c)));
}

static int
set_eats(struct smmu *s, uint32_t sid, _Atomic uint64_t *ste, bool on)
{
	uint64_t target[ENTRY_WORDS];

	for (unsigned int i = 0; i < ENTRY_WORDS; i++)
		target[i] = atomic_load_explicit(&ste[i], memory_order_relaxed);
	ste_eats(target, on);
	return smmu_strtab_write(s, sid, ste, target);
}

/* §3.9.2: set EATS, invalidate the STE, then switch the endpoint on. Until then the endpoint is
 * off, so it cannot ask again for what it is made to forget. */
static int
turn_on(struct smmu *s, uint32_t sid, _Atomic uint64_t *ste)
{
	uint64_t w = atomic_load_explicit(&ste[0], memory_order_relaxed);
	int rc, back;

	if (!ste_translates(w))
		return sluice_fail(EINVAL, "smmuv3: stream 0x%x has no page table: no ATS", sid);
	rc = forget_all(s, sid);
	if (rc == 0)
		rc = set_eats(s, sid, ste, true);
	if (rc != 0)
		return rc;
	rc = s->regs.ops->ats(&s->regs, sid, true);
	if (rc == 0)
		return 0;
	back = set_eats(s, sid, ste, false);
	return back != 0 ? back : sluice_fail(-rc, "smmuv3: the device's ATS cannot be enabled");
}

/* §3.9.2: switch the endpoint off, ATC_INV, SYNC, then clear EATS and invalidate the STE. A
 * device that does not answer keeps its translations, but with ATSCHK its translated accesses
 * abort. */
static int
turn_off(struct smmu *s, uint32_t sid, _Atomic uint64_t *ste)
{
	int rc = s->regs.ops->ats(&s->regs, sid, false), told = 0;
	uint64_t w0 = atomic_load_explicit(&ste[0], memory_order_relaxed);
	uint64_t w1 = atomic_load_explicit(&ste[1], memory_order_relaxed);

	if (ste_translates(w0) &&
	    smmu_field_get(SMMU_STE_1_EATS, w1) != SMMU_STE_EATS_OFF) {
		told = forget_all(s, sid);
		if (rc == 0)
			rc = told;
		told = set_eats(s, sid, ste, false);
	}
	if (told != 0)
		return told;
	return rc != 0 ? -EREMOTEIO : 0;
}

int
smmu_ats(struct sluice_iommu *iommu, uint32_t sid, bool on)
{
	struct smmu *s = iommu->priv;
	_Atomic uint64_t *ste;
	int rc;

	if (!s->ats)
		return sluice_fail(ENOTSUP, "smmuv3: no ATS");
	pthread_mutex_lock(&s->lock);
	rc = smmu_strtab_ste(s, sid, &ste);
	if (rc == 0)
		rc = on ? turn_on(s, sid, ste) : turn_off(s, sid, ste);
	pthread_mutex_unlock(&s->lock);
	return rc;
}

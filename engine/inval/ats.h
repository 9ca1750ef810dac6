/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Devices that cache translations (PCIe ATS): invalidation reaches them too, and a device that does
 * not answer is found and blocked.
 *
 * What callers get. When ats_inv_sync() or a flush is complete, no device of the domain can use the
 * old translation: it has forgotten it, or it is in quarantine. One silent device does not hold up
 * the others. A domain without such devices pays one load. Devices come and go while workers unmap
 * and the engine flushes. What cannot be made safe is reported (-ETIMEDOUT), and nothing is
 * reclaimed.
 *
 * 1. Order (A2). When the IOMMU's own caches are done with a range (TLBI, SYNC), the devices of the
 *    domain are told (ATC_INV, SYNC): a device that asks in between must not get the old
 *    translation again. Only then is an unmap or a flush complete.
 * 2. What is sent (A16). A range goes out in aligned powers of two, each as large as possible,
 *    because that is what the command can express: never one larger piece around it. When that
 *    makes more than 4 x range_max pieces for each device, the device is told to forget everything.
 * 3. Which devices: a list of the domain's streams, replaced as a whole, never changed (A11).
 *    Workers on any lcore and the engine read it; attach, detach, ATS on and off replace it:
 *      a. A reader goes online (rte_rcu_qsbr), loads the list with acquire, takes one step (5: no
 *         wait) and goes offline. A list has a version: when another version is there at the next
 *         step, everything is sent anew. So a grace period never waits for hardware, and the
 *         polling thread itself may make a control call.
 *      b. The writer stores the new list with release (pairs with a), waits for a grace
 *         period, and frees the old one. A device is freed after the list it was in.
 *      c. On: the list first, then the hardware (EATS, endpoint). An unmap that did not see the
 *         device in the list had loaded the list after its own TLBI was complete, and the device
 *         could ask for nothing before: the list's store came before the commands that let the
 *         device ask, and a thread that saw the completion of a SYNC behind those commands sees the
 *         list as well.
 *      d. Off: the hardware first (its cache is empty then), then the list.
 * 4. No answer (A12). The hardware says that a SYNC's ATC_INVs timed out, but not which device was
 *    silent. So the devices of that submission are told to forget everything once more, in halves
 *    with a SYNC of their own, and those that fail again are halved again, down to one device. That
 *    one is quarantined: blocked (its StreamIDs abort, whatever it has cached; SLUICE_CAP_ATS
 *    promises that), ATS off, marked, counted and reported. The others have been told by then. The
 *    unmap or flush is complete: no device that could still hold the translation can use it. When a
 *    silent device cannot be blocked, or a SYNC is lost, it is not complete: -ETIMEDOUT, nothing is
 *    reclaimed.
 * 5. One state machine (struct ats_run) does 2 and 4 in steps that wait for nothing. The engine
 *    takes a step a turn; a thread that must wait takes steps in a loop. A submission that finds no
 *    room in the command queue is made by a later step. Blocking a stream is begun (ops->block),
 *    and completed by later steps like any other submission, or begun later when a control call is
 *    under way.
 */
#ifndef ENGINE_ATS_H
#define ENGINE_ATS_H

#include "../object/device.h"
#include "../object/domain.h"

/* Readers of the list beside the lcores: threads without an lcore id, and the engine's flushes. */
#define ATS_READER_OTHER  RTE_MAX_LCORE
#define ATS_READER_ENGINE (RTE_MAX_LCORE + 1u)
#define ATS_READERS       (RTE_MAX_LCORE + 2u)

#define ATS_DEPTH 16u /* halves of a submission of SLUICE_ATC_BURST, waiting to be tried */

/** The streams of all devices that are told, those of one device together. */
struct ats_list {
	uint64_t version; /* never the same twice in a process; never 0 */
	uint32_t n;
	struct ats_entry {
		struct sluice_device *dev;
		uint32_t stream;
	} ent[];
};

/** One invalidation on its way to all devices (5). Belongs to the thread that takes the steps. */
struct ats_run {
	const struct sluice_inv *inv; /* what the IOMMU was told: RANGE or DOMAIN */
	uint32_t n;
	bool engine;       /* the engine takes the steps; else a thread that waits */
	bool everything;   /* 2: too many pieces, or a whole domain */
	enum ats_state { ATS_SEND, ATS_WAIT, ATS_PROBE, ATS_BLOCK } state;
	uint64_t version;  /* of the list; 0: not begun */
	uint64_t seq;      /* waited for; blocking: 0, the next stream is to be begun */
	uint32_t stream;   /* blocking the device at lo: this one of its streams */
	uint32_t at;       /* entry, … */
	uint32_t range;    /* … range and … */
	uint64_t page;     /* … page of it that are to be sent next */
	uint32_t lo, hi;   /* entries in the submission that is waited for */
	uint32_t depth;
	struct {
		uint32_t lo, hi;
	} half[ATS_DEPTH];
};

/** What a domain has for ATS beside the list; made with its first such device, kept for life. */
struct ats_dom {
	struct rte_rcu_qsbr *qs; /* of readers of sluice_domain.ats_list */
	_Atomic uint64_t invs, syncs, timeouts, quarantines; /* written by all that take steps */
	/* The engine's: the oldest flush. */
	bool active;      /* begun, of … */
	bool late;        /* counted as lost already */
	uint32_t flush;   /* … this flush */
	uint64_t began; /* ticks */
	struct ats_run run;
	struct sluice_inv inv[SLUICE_INV_BURST];
};

/**
 * ats_inv_sync() (domain.h) for the oldest flush of the domain, whose IOMMU part is complete: one
 * step. Engine.
 * @param slot where in struct flush_state. @return whether it is complete, said once. What fails is
 *   counted as a flush that failed, and begun anew by the next call.
 */
bool ats_flush(struct sluice_domain *d, uint32_t slot);

static inline void
ats_count(_Atomic uint64_t *c, uint64_t n)
{
	atomic_fetch_add_explicit(c, n, memory_order_relaxed);
}

static inline bool
ats_quarantined(const struct sluice_device *dev)
{
	/* Acquire: pairs with the release in ats_quarantine(): it is blocked. */
	return atomic_load_explicit(&dev->quarantined, memory_order_acquire);
}

/** Begin, and take one step (5). @return 1 complete; 0 wait and go on; -errno failed. */
void ats_run_begin(struct sluice_domain *d, struct ats_run *r, const struct sluice_inv *inv,
		   unsigned int n);
int ats_run_step(struct sluice_domain *d, struct ats_run *r, unsigned int reader);

/** Put a device's streams into the domain's list (3c), take them out (3d; again: no harm). Control
 * path. @return 0 or -ENOMEM. */
int ats_join(struct sluice_domain *d, struct sluice_device *dev);
int ats_leave(struct sluice_domain *d, const struct sluice_device *dev);

/** Free what the domain has for ATS. No thread uses it any more. */
void ats_fini(struct sluice_domain *d);

/**
 * Block a device for good (4). Waits for the hardware: control calls only.
 * @return 0 it is blocked; -errno it could not be.
 */
int ats_quarantine(struct sluice_domain *d, struct sluice_device *dev);

/** All streams of a device are blocked: mark it, count it, have it reported, once. Any thread. */
void ats_blocked(struct sluice_domain *d, struct sluice_device *dev);

/** Devices that were quarantined since the last call, as faults for the callback. Engine. */
unsigned int ats_news(struct sluice_iommu *iommu, struct sluice_fault *f, unsigned int n);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The polled loop: one turn for all iommus and domains of an engine.
 *
 * What callers get. A turn waits for nothing, takes no lock and allocates nothing. It never runs
 * inside itself, whatever a callback does (A19). It costs what there is to do, not what exists: of
 * many domains only those are looked at in which something happens. At any moment at most one
 * thread is in a turn of an engine. If no thread polls, one waiting thread polls in its place.
 *
 * 1. The thread that is in a turn has marked it (`in_turn`), and is the poller. The only code of
 *    the application that is called from a turn is the fault callback. Nothing else in a turn may
 *    wait, so no relax hook is called, and a flush without room is put off (domain_inv_try()).
 * 2. A turn that is asked for within a turn does nothing and returns at once. A wait within a turn
 *    that only a turn could end is refused with -EAGAIN.
 * 3. Faults are handed out when the turn is over but for its mark: outside the epoch (epoch.h). So
 *    a control call in the callback, which waits for the end of polls, does not wait for itself.
 * 4. Faults are handed out by sluice_engine_poll() alone, outside of any wait. A waiting thread may
 *    make turns (here, or in a relax hook), and would otherwise run the callback in the middle of a
 *    map or unmap. Until then faults stay in the hardware's queue.
 *
 *     sluice_engine_poll(): in_turn | epoch: domains, emulated hardware, errors | faults | not
 *     in_turn a waiting thread: in_turn | epoch: domains, emulated hardware, errors | | not in_turn
 */
#include <errno.h>
#include <string.h>

#include "../inval/ats.h"
#include "engine.h"
#include "../base/wait.h"
#include "../flush/flush.h"
#include "../policy/policy.h"

#define FAULT_BURST   32u
/* Domains that have their turn in one turn of the loop, whatever happened: as many as a small
 * system has. Where there are more, they are polled when they were kicked, while a flush of theirs
 * is in flight, and while they are awake (ring.h, 11); these few of all others look after what was
 * overlooked. So a turn costs what there is to do, not what exists. */
#define TURN_DOMAINS  4u
/* Turns between those few of all, where there are more: memory that was not touched for long is
 * slow to come. */
#define SLOW_TURNS    8u
/* Of those that are awake so many have their turn in one turn of the loop. This, and that each
 * flush is a submission with a SYNC of its own, is how many domains one engine can serve in time:
 * when so many are busy within one deadline that going round takes longer, it is missed, and
 * counted. */
#define TURN_AWAKE    64u
/* Turns between looks at the hardware's error state; a register read can cost a microsecond. */
#define SERVICE_TURNS 256u
/* Turns between looks at the event queue while it is empty, for the same reason. */
#define EVENT_TURNS   8u

/* Anything whose address differs from thread to thread identifies the thread. The address is even;
 * the odd number after it means: this thread makes one turn in place of a poller
 * (engine_stand_in()). */
static _Thread_local uint64_t myself;

/* 3. The epoch is left for the callback, which may change the view: it is loaded anew. */
static __rte_noinline unsigned int
poll_faults(struct sluice_engine *e)
{
	const struct engine_view *v = atomic_load_explicit(&e->view, memory_order_acquire);
	struct sluice_fault f[FAULT_BURST];
	unsigned int total = 0, n;

	for (uint32_t at = 0; at < v->nb_iommus; at++) {
		struct sluice_iommu *iommu = v->iommu[at];

		n = iommu->fast.fault_burst(iommu->fast.queue, f, FAULT_BURST);
		n += ats_news(iommu, f + n, FAULT_BURST - n);
		if (n == 0)
			continue;
		total += n;
		for (unsigned int i = 0; i < n; i++)
			STAT_ADD(e->faults[f[i].kind], 1);
		STAT_ADD(e->fault_received, n);
		if (e->fault_cb == NULL)
			continue;
		epoch_leave(&e->epoch);
		e->fault_cb(f, n, e->fault_arg);
		epoch_enter(&e->epoch);
		v = atomic_load_explicit(&e->view, memory_order_acquire);
	}
	return total;
}

/* The time of a turn: domains of one iommu share a look at the clock. */
struct turn {
	uint32_t nb;
	bool many; /* more domains than have their turn each time */
	uint64_t now;
	const struct sluice_iommu *clock_of;
};

/* Remember a domain for the next turn. When there is no room, it goes into the set of those due. */
static __rte_noinline void
remember(struct sluice_engine *e, uint32_t *list_of, uint32_t *n, uint32_t slot)
{
	if (*n < ENGINE_MAX_BUSY)
		list_of[(*n)++] = slot;
	else
		bitset_set(&e->due, slot);
}

/* Look at this domain all the time from now on. There is room for each slot once: see `listed`. */
static __rte_noinline void
list(struct sluice_engine *e, struct sluice_domain *d)
{
	const struct policy_ops *p = domain_policy(d);
	struct flush_state *f = &d->flush;

	if (p->poll != NULL && p->rest == NULL)
		return;
	if (f->sleep != FLUSH_AWAKE)
		flush_awake(f);
	if (!f->listed && e->nb_awake < ENGINE_MAX_SLOTS)
		e->awake[e->nb_awake++] = d->slot;
	f->listed = true;
}

/* One domain, once in a turn. */
static unsigned int
poll_domain(struct sluice_engine *e, struct sluice_domain *d, struct turn *t)
{
	const struct policy_ops *p = domain_policy(d);
	struct flush_state *f = &d->flush;
	unsigned int work;
	uint64_t since;
	bool look;

	if (f->turn == t->nb)
		return 0;
	f->turn = t->nb;
	if (d->iommu != t->clock_of) {
		t->clock_of = d->iommu;
		t->now = sluice_clock_ticks(&d->iommu->clock);
	}
	since = t->now - f->looked;
	look = since >= f->look_every;
	if (look)
		f->looked = t->now;
	work = p->poll != NULL ? p->poll(d, t->now, look) : flush_poll(d, t->now, look);
	if (__builtin_expect(f->put_off, 0))
		remember(e, e->late, &e->nb_late, d->slot);
	if (__builtin_expect(!t->many, 1))
		return work;
	e->visits++;
	if (!f->put_off && flush_in_flight(f))
		remember(e, e->busy, &e->nb_busy, d->slot);
	/* Of one that slept the time since says nothing. */
	if (look)
		f->gap = f->sleep == FLUSH_ASLEEP ? 0 : since;
	if (look && p->poll == NULL)
		flush_rest(d, t->now);
	else if (look && p->rest != NULL)
		p->rest(d, t->now);
	if (f->sleep == FLUSH_AWAKE)
		list(e, d);
	return work;
}

/* Slots, not pointers, are what busy and due remember: what left the view is not found. */
static struct sluice_domain *
slot_domain(const struct engine_view *v, uint32_t slot)
{
	return slot < v->nb_slots ? v->slot[slot] : NULL;
}

/* The domains that the last turn remembered; what this turn remembers is for the next one. */
static __rte_noinline unsigned int
poll_remembered(struct sluice_engine *e, const struct engine_view *v, struct turn *t)
{
	uint32_t n = e->nb_late, slot[2 * ENGINE_MAX_BUSY];
	struct sluice_domain *d;
	unsigned int work = 0;

	/* Domains that were put off come first, in the order in which that happened: so each has
	 * its turn, and one that is busy all the time does not take all the room there is. */
	memcpy(slot, e->late, n * sizeof(slot[0]));
	memcpy(slot + n, e->busy, e->nb_busy * sizeof(slot[0]));
	n += e->nb_busy;
	e->nb_late = e->nb_busy = 0;
	for (uint32_t i = 0; i < n; i++)
		if ((d = slot_domain(v, slot[i])) != NULL)
			work += poll_domain(e, d, t);
	return work;
}

/* Some of the domains that are awake, in turns; one that has fallen asleep leaves the list. */
static __rte_noinline unsigned int
poll_awake(struct sluice_engine *e, const struct engine_view *v, struct turn *t)
{
	struct sluice_domain *d;
	unsigned int work = 0;

	for (uint32_t i = RTE_MIN(e->nb_awake, TURN_AWAKE); i > 0 && e->nb_awake > 0; i--) {
		uint32_t at = e->awake_at < e->nb_awake ? e->awake_at : 0;

		d = slot_domain(v, e->awake[at]);
		if (d != NULL && d->flush.listed) {
			work += poll_domain(e, d, t);
			if (d->flush.sleep != FLUSH_ASLEEP) {
				e->awake_at = at + 1;
				continue;
			}
			d->flush.listed = false;
		}
		/* Asleep, gone, or gone and another in its slot: the last one takes its place. */
		e->awake[at] = e->awake[--e->nb_awake];
		e->awake_at = at;
	}
	return work;
}

/* The domains that were kicked, or have woken. */
static __rte_noinline unsigned int
poll_due(struct sluice_engine *e, const struct engine_view *v, struct turn *t)
{
	struct sluice_domain *d;
	unsigned int work = 0;
	uint32_t slot;

	for (uint32_t i = 0; i < ENGINE_MAX_BUSY; i++) {
		slot = bitset_take(&e->due, e->due_at);
		if (slot == BITSET_NONE)
			break;
		e->due_at = slot + 1 < ENGINE_MAX_SLOTS ? slot + 1 : 0;
		if ((d = slot_domain(v, slot)) == NULL)
			continue;
		work += poll_domain(e, d, t);
		list(e, d);
	}
	return work;
}

static unsigned int
poll_domains(struct sluice_engine *e, const struct engine_view *v, uint32_t turn)
{
	struct turn t = { .nb = turn, .many = v->nb_domains > TURN_DOMAINS };
	unsigned int work = 0;
	uint32_t n = v->nb_domains;

	if (__builtin_expect((e->nb_late | e->nb_busy) != 0, 0))
		work += poll_remembered(e, v, &t);
	if (__builtin_expect(t.many, 0)) {
		n = turn % SLOW_TURNS == 0 ? TURN_DOMAINS : 0;
		work += poll_due(e, v, &t);
		work += poll_awake(e, v, &t);
	}
	for (uint32_t i = 0; i < n; i++) {
		e->look_at = e->look_at + 1 < v->nb_domains ? e->look_at + 1 : 0;
		work += poll_domain(e, v->domain[e->look_at], &t);
	}
	return work;
}

static inline unsigned int
poll_turn(struct sluice_engine *e, bool tell)
{
	unsigned int work = 0;
	uint64_t polls = engine_turns(e) + 1;
	uint32_t turn = (uint32_t)polls;

	STAT_SET(e->polls, polls);
	e->in_turn = true; /* 1 */
	epoch_enter(&e->epoch);
	const struct engine_view *v = atomic_load_explicit(&e->view, memory_order_acquire); /* acq-array */

	work += poll_domains(e, v, turn);
	for (uint32_t i = 0; turn % EVENT_TURNS == 0 && i < v->nb_iommus; i++)
		sluice_drive(v->iommu[i]);
	for (uint32_t i = 0; turn % SERVICE_TURNS == 0 && i < v->nb_iommus; i++) {
		unsigned int mended = v->iommu[i]->ops->service(v->iommu[i]);

		STAT_ADD(e->recoveries, mended);
		work += mended;
	}
	/* 4. Those that are merely counted can be so at any time. */
	if (turn % EVENT_TURNS == 0 && (e->fault_cb == NULL || (tell && !sluice_relaxing())))
		work += poll_faults(e);
	epoch_leave(&e->epoch);
	e->in_turn = false;
	STAT_ADD(e->empty_polls, work == 0);
	return work;
}

/* Become the poller. Acquire: pairs with the release of the poller before.
 * @return false: another thread is in the middle of a turn that it makes in place of a poller. */
static __rte_noinline bool
poller_become(struct sluice_engine *e, uintptr_t old, uintptr_t me)
{
	return (old & 1) == 0 &&
	       atomic_compare_exchange_strong_explicit(&e->poller, &old, me, memory_order_acquire,
						       memory_order_relaxed);
}

/* Is this thread in a turn of the engine, its own or one in a poller's place? in_turn is the
 * poller's own: no other thread looks at it. */
static bool
turning(const struct sluice_engine *e, uintptr_t poller)
{
	return poller == ((uintptr_t)&myself | 1) || (poller == (uintptr_t)&myself && e->in_turn);
}

bool
engine_in_turn(const struct sluice_engine *e)
{
	return turning(e, atomic_load_explicit(&e->poller, memory_order_relaxed));
}

unsigned int
sluice_engine_poll(struct sluice_engine *e)
{
	uintptr_t poller = atomic_load_explicit(&e->poller, memory_order_relaxed);
	unsigned int work;

	if (__builtin_expect(poller != (uintptr_t)&myself, 0) &&
	    !poller_become(e, poller, (uintptr_t)&myself))
		return 0;
	if (__builtin_expect(e->in_turn, 0))
		return 0; /* 2 */
	work = poll_turn(e, true);
	if (__builtin_expect(e->leaving, 0)) {
		e->leaving = false;
		sluice_engine_release(e);
	}
	return work;
}

void
sluice_engine_release(struct sluice_engine *e)
{
	if (e == NULL) {
		(void)sluice_null("an engine");
		return;
	}
	uintptr_t me = (uintptr_t)&myself;

	/* Asked for in a callback: when the turn is over. */
	if (engine_in_turn(e)) {
		e->leaving = true;
		return;
	}
	/* Only this thread's mark is taken off: another thread may be in the middle of a turn. */
	atomic_compare_exchange_strong_explicit(&e->poller, &me, 0, memory_order_release,
						memory_order_relaxed);
}

bool
engine_unpolled(struct sluice_engine *e)
{
	if (atomic_load_explicit(&e->poller, memory_order_relaxed) == (uintptr_t)&myself)
		return true;
	/* Be the poller for a moment: the turns of pollers before have ended (acquire), and the
	 * next one sees what this thread did (release), for each becomes poller by an exchange. */
	if (!poller_become(e, 0, (uintptr_t)&myself | 1))
		return false;
	atomic_store_explicit(&e->poller, 0, memory_order_release);
	return true;
}

void
engine_stand_in(struct sluice_engine *e)
{
	/* One at a time: several threads may wait, and each sees another one's turn by what it
	 * released. */
	if (atomic_load_explicit(&e->poller, memory_order_relaxed) != 0 ||
	    !poller_become(e, 0, (uintptr_t)&myself | 1))
		return;
	poll_turn(e, false);
	atomic_store_explicit(&e->poller, 0, memory_order_release);
}

int
engine_wait_turn(struct sluice_domain *d, unsigned int turn)
{
	struct sluice_engine *e = d->iommu->engine;
	uintptr_t poller = atomic_load_explicit(&e->poller, memory_order_relaxed);

	if (turning(e, poller))
		return -EAGAIN; /* 2 */
	/* If no thread polls, this one does, in place of a poller. */
	if (poller == (uintptr_t)&myself)
		poll_turn(e, false);
	else
		engine_stand_in(e);
	sluice_wait_turn(d->iommu, turn);
	return 0;
}

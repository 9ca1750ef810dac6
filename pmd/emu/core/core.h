/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What an emulated IOMMU is made of, seen by its own source files: the state that all of them
 * share, and the table of what each kind does in its own way. A kind has a struct of its own that
 * begins with struct emu. Everything here belongs to the thread that holds the step lock, except
 * where it says otherwise.
 */
#ifndef EMU_CORE_H
#define EMU_CORE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>
#include <rte_cycles.h>

#include "emu.h"

#define EMU_BIT(n) (UINT64_C(1) << (n))
#define EMU_PAGE   4096u

/* ---- one access ------------------------------------------------------------------------------ */

/** A transaction on its way through the IOMMU. */
struct emu_req {
	uint64_t iova;
	uint32_t sid;
	bool write;
	bool probe;
	/* for the IOMMU: nobody else sets or reads them */
	bool pnu, ind; /**< privileged; instruction fetch */
	bool quiet;    /**< of ATS: what is wrong is told in the answer, not recorded */
	/* the answer */
	bool zero;     /**< a read that faulted is to see zeroes */
	uint64_t pa;
};

/* Who may do what: unprivileged and privileged read, write, execute. */
#define EMU_PERM_UR 0x01u
#define EMU_PERM_UW 0x02u
#define EMU_PERM_UX 0x04u
#define EMU_PERM_PR 0x08u
#define EMU_PERM_PW 0x10u
#define EMU_PERM_PX 0x20u

static inline uint8_t
emu_perm_needed(const struct emu_req *r)
{
	if (r->write)
		return r->pnu ? EMU_PERM_PW : EMU_PERM_UW;
	if (r->ind)
		return r->pnu ? EMU_PERM_PX : EMU_PERM_UX;
	return r->pnu ? EMU_PERM_PR : EMU_PERM_UR;
}

/** How a Translation Request of ATS ended. */
enum emu_treq {
	EMU_TREQ_SUCCESS,
	EMU_TREQ_UR, /**< Unsupported Request: no ATS here */
	EMU_TREQ_CA, /**< Completer Abort */
};

/** What a Success carries. */
struct emu_treq_cpl {
	uint64_t pa;        /**< of the first byte */
	unsigned int shift; /**< log2 of the bytes it is good for */
	bool r, w;
};

/* ---- the table ------------------------------------------------------------------------------- */

/** What a kind of IOMMU does in its own way. On emu_step()'s thread, but for destroy. */
struct emu_ops {
	void (*destroy)(struct emu *e);
	/** One unit: registers, commands. @return whether there was, or is, something to do. */
	bool (*work)(struct emu *e);
	/** Fill in the answer of @p r, or record what is wrong. @return EMU_OK or EMU_FAULT. */
	enum emu_access (*translate)(struct emu *e, struct emu_req *r);
	/** An endpoint asks for a translation. */
	enum emu_treq (*ats_request)(struct emu *e, uint32_t sid, uint64_t iova, bool probe,
				     struct emu_treq_cpl *c);
	/** A Translated transaction: may it go to that physical address? Records what says no. */
	bool (*ats_translated)(struct emu *e, uint32_t sid, uint64_t pa, bool write);
	/** An ATC's answer to a probe: count it when the tables, read afresh, contradict. */
	void (*ats_check_stale)(struct emu *e, uint32_t sid, uint64_t iova, uint64_t pa,
				bool write);
};

/* ---- the state ------------------------------------------------------------------------------- */

/** Time, real or virtual, and the seeded source of every choice. */
struct emu_clock {
	bool step;
	uint32_t step_ns; /**< of virtual time, a unit */
	uint64_t hz;
	uint64_t rng;
};

/** Who owns host memory; see sluice_iommu_watch(). */
struct emu_owner {
	uint64_t pa, len;
	const uint8_t *owned; /**< by page */
};

/** An endpoint, as far as ATS is concerned. */
struct emu_ep {
	TAILQ_ENTRY(emu_ep) next;
	TAILQ_HEAD(, emu_atc) atcs;
	uint32_t sid;
	uint32_t late_ns; /**< it answers an invalidation after so long */
	bool on;          /**< ATS Control, Enable */
	bool dead;        /**< see EMU_INJECT_ATC_DEAD */
};

struct emu {
	const struct emu_ops *ops;
	TAILQ_HEAD(, emu_master) masters;
	TAILQ_HEAD(, emu_ep) eps;
	struct sluice_mem_span mem;
	struct emu_clock clock;
	struct emu_owner owner;
	struct emu_stats st; /**< one writer, any reader: relaxed atomics */

	/* written by other threads */
	_Alignas(64) _Atomic uint32_t lock; /**< held by emu_step() and by its changers */
	_Atomic uint32_t want;              /**< how many others want the lock: emu_step() yields */
	_Atomic uint64_t inject[EMU_INJECTIONS]; /**< faults on request */
	_Alignas(64) _Atomic uint64_t vclock; /**< virtual nanoseconds; emu_step() writes it */
};

/* loop.c */
/** Begin: no masters, no endpoints, nobody watches. @p e is zeroed. */
void emu_core_init(struct emu *e, const struct emu_ops *ops, struct sluice_mem_span mem,
		   const struct emu_clock *clock);
/** Hold off emu_step(). */
void emu_lock(struct emu *e);
void emu_unlock(struct emu *e);

/* access.c */
/** Read 8 bytes that others may be writing. */
uint64_t emu_peek(void *host);

/* atc.c */
void emu_atc_fini(struct emu *e);
void emu_atc_inject(struct emu *e, enum emu_inject what, uint64_t arg);
/** Drop what overlaps @p first with the bits of @p mask significant, in all of an endpoint's. */
void emu_atc_inv(struct emu *e, uint32_t sid, uint64_t first, uint64_t mask);
/**
 * How long the endpoint takes to answer an invalidation, ns, if asked for no longer than
 * @p timeout_ns. @param lost it will not at all.
 */
uint64_t emu_atc_answers(const struct emu *e, uint32_t sid, uint32_t timeout_ns, bool *lost);

/* ---- helpers --------------------------------------------------------------------------------- */

static inline uint64_t
emu_offset_mask(unsigned int bits)
{
	return EMU_BIT(bits) - 1;
}

/* Shared memory: structures and descriptors are naturally aligned 64-bit words that the driver
 * may rewrite at any moment, so each is one relaxed load; what orders them is the acquire of the
 * register that told of them. */
static inline uint64_t
emu_ld64(void *p)
{
	return atomic_load_explicit((_Atomic uint64_t *)p, memory_order_relaxed);
}

/** Read @p n counters that one thread writes. */
void emu_read_counters(uint64_t *to, const uint64_t *from, size_t n);

/** Add to a counter that one thread writes and any thread reads. */
static inline void
emu_count(uint64_t *c, uint64_t n)
{
	_Atomic uint64_t *a = (_Atomic uint64_t *)(void *)c;

	atomic_store_explicit(a, atomic_load_explicit(a, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

static inline uint64_t
emu_now(struct emu *e)
{
	return e->clock.step ? atomic_load_explicit(&e->vclock, memory_order_relaxed) : rte_rdtsc();
}

static inline uint64_t
emu_ticks(const struct emu_clock *c, uint64_t ns)
{
	return (uint64_t)((unsigned __int128)ns * c->hz / 1000000000u);
}

/** xorshift64*. */
static inline uint32_t
emu_random(struct emu_clock *c)
{
	c->rng ^= c->rng >> 12;
	c->rng ^= c->rng << 25;
	c->rng ^= c->rng >> 27;
	return (uint32_t)((c->rng * UINT64_C(0x2545f4914f6cdd1d)) >> 32);
}

/** The memory of [pa, pa + len), NULL where nothing answers. */
static inline void *
emu_pa(const struct emu *e, uint64_t pa, uint64_t len)
{
	return sluice_span_va(&e->mem, pa, len);
}

/** An access to @p pa: was the page handed back to its owner, or does it stand in for nobody's? */
static inline void
emu_check_owner(struct emu *e, uint64_t pa)
{
	uint64_t off = pa - e->owner.pa;
	uint8_t whose;

	if (off >= e->owner.len)
		return;
	whose = atomic_load_explicit(
		(_Atomic uint8_t *)(uintptr_t)&e->owner.owned[off / EMU_PAGE],
		memory_order_relaxed);
	if (unlikely(whose != SLUICE_WATCH_DEVICE))
		emu_count(whose == SLUICE_WATCH_SHADOW ? &e->st.shadow_accesses :
							 &e->st.stale_accesses, 1);
}

/** Faults on request: what was asked for, 0 when nothing. */
static inline uint64_t
emu_injected(struct emu *e, enum emu_inject what)
{
	return atomic_load_explicit(&e->inject[what], memory_order_relaxed);
}

/** Is the next one to fail? Once. */
static inline bool
emu_inject_once(struct emu *e, enum emu_inject what)
{
	return unlikely(emu_injected(e, what) != 0) &&
	       atomic_exchange_explicit(&e->inject[what], 0, memory_order_relaxed) != 0;
}

/** Count down to the one that is to fail. */
static inline bool
emu_inject_nth(struct emu *e, enum emu_inject what)
{
	uint64_t n = emu_injected(e, what);

	/* The exchange loses against a new request at the same moment: that one stays. */
	return unlikely(n != 0) &&
	       atomic_compare_exchange_strong_explicit(&e->inject[what], &n, n - 1,
						       memory_order_relaxed,
						       memory_order_relaxed) &&
	       n == 1;
}

#endif

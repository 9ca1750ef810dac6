/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The inside of an emulated IOMMU, for its own source files: the state that all kinds share, and
 * the table of functions that each kind implements. A kind has a struct of its own that begins with
 * struct emu. All of it belongs to the thread that holds the step lock, unless a comment says
 * otherwise.
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
	/* only the IOMMU sets and reads these */
	bool pnu, ind; /**< privileged; instruction fetch */
	bool quiet;    /**< for ATS: a fault is reported in the answer, not recorded */
	/* the answer */
	bool zero;     /**< a read that faulted is to see zeroes */
	uint64_t pa;
};

/* Permissions: unprivileged and privileged read, write, execute. */
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

/** The contents of a Success. */
struct emu_treq_cpl {
	uint64_t pa;        /**< of the first byte */
	unsigned int shift; /**< log2 of the bytes that it covers */
	bool r, w;
};

/* ---- the table ------------------------------------------------------------------------------- */

/** What a kind of IOMMU implements. Called on emu_step()'s thread, except destroy. */
struct emu_ops {
	void (*destroy)(struct emu *e);
	/** One unit of work: registers, commands. @return whether something was done or is
	 * pending. */
	bool (*work)(struct emu *e);
	/** Fill in the answer of @p r, or record a fault. @return EMU_OK or EMU_FAULT. */
	enum emu_access (*translate)(struct emu *e, struct emu_req *r);
	/** An endpoint asks for a translation. */
	enum emu_treq (*ats_request)(struct emu *e, uint32_t sid, uint64_t iova, bool probe,
				     struct emu_treq_cpl *c);
	/** May a Translated transaction go to that physical address? If not, a fault is
	 * recorded. */
	bool (*ats_translated)(struct emu *e, uint32_t sid, uint64_t pa, bool write);
	/** Check an ATC's answer to a probe: count it if the tables, read again, contradict it. */
	void (*ats_check_stale)(struct emu *e, uint32_t sid, uint64_t iova, uint64_t pa,
				bool write);
};

/* ---- the state ------------------------------------------------------------------------------- */

/** Time, real or virtual, and the seeded random source of every choice. */
struct emu_clock {
	bool step;
	uint32_t step_ns; /**< virtual time of one unit */
	uint64_t hz;
	uint64_t rng;
};

/** The ownership of host memory; see sluice_iommu_watch(). */
struct emu_owner {
	uint64_t pa, len;
	const uint8_t *owned; /**< by page */
};

/** The ATS side of an endpoint. */
struct emu_ep {
	TAILQ_ENTRY(emu_ep) next;
	TAILQ_HEAD(, emu_atc) atcs;
	uint32_t sid;
	uint32_t late_ns; /**< the time that it takes to answer an invalidation */
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
	_Alignas(64) _Atomic uint32_t lock; /**< held by emu_step() and by changes from outside */
	_Atomic uint32_t want;              /**< threads that want it: emu_step() yields to them */
	_Atomic uint64_t inject[EMU_INJECTIONS]; /**< faults on request */
	_Alignas(64) _Atomic uint64_t vclock; /**< virtual nanoseconds; emu_step() writes it */
};

/* loop.c */
/** Initialise @p e, which is zeroed: no masters, no endpoints, no ownership map. */
void emu_core_init(struct emu *e, const struct emu_ops *ops, struct sluice_mem_span mem,
		   const struct emu_clock *clock);
/** Hold off emu_step(). */
void emu_lock(struct emu *e);
void emu_unlock(struct emu *e);

/* access.c */
/** Read 8 bytes that other threads may be writing. */
uint64_t emu_peek(void *host);

/* atc.c */
void emu_atc_fini(struct emu *e);
void emu_atc_inject(struct emu *e, enum emu_inject what, uint64_t arg);
/** Drop an endpoint's entries that overlap @p first, where the bits of @p mask count. */
void emu_atc_inv(struct emu *e, uint32_t sid, uint64_t first, uint64_t mask);
/**
 * How long the endpoint takes to answer an invalidation, ns, at most @p timeout_ns.
 * @param lost set if it does not answer at all.
 */
uint64_t emu_atc_answers(const struct emu *e, uint32_t sid, uint32_t timeout_ns, bool *lost);

/* ---- helpers --------------------------------------------------------------------------------- */

static inline uint64_t
emu_offset_mask(unsigned int bits)
{
	return EMU_BIT(bits) - 1;
}

/* Shared memory: structures and descriptors are naturally aligned 64-bit words that the driver
 * may rewrite at any moment, so each is one relaxed load. The acquire of the register that
 * announced them orders these loads. */
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

/** The memory of [pa, pa + len); NULL: nothing answers there. */
static inline void *
emu_pa(const struct emu *e, uint64_t pa, uint64_t len)
{
	return sluice_span_va(&e->mem, pa, len);
}

/** Count an access to @p pa whose page was handed back to its owner, or is idle shadow memory. */
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
		emu_count(whose == SLUICE_WATCH_COPYPOOL ? &e->st.shadow_accesses :
							 &e->st.stale_accesses, 1);
}

/** Faults on request: the argument of the request; 0: none. */
static inline uint64_t
emu_injected(struct emu *e, enum emu_inject what)
{
	return atomic_load_explicit(&e->inject[what], memory_order_relaxed);
}

/** Is the next one to fail? This clears the request. */
static inline bool
emu_inject_once(struct emu *e, enum emu_inject what)
{
	return unlikely(emu_injected(e, what) != 0) &&
	       atomic_exchange_explicit(&e->inject[what], 0, memory_order_relaxed) != 0;
}

/** Count down to the one that shall fail. */
static inline bool
emu_inject_nth(struct emu *e, enum emu_inject what)
{
	uint64_t n = emu_injected(e, what);

	/* If a new request comes at the same moment, the exchange fails and the request stays. */
	return unlikely(n != 0) &&
	       atomic_compare_exchange_strong_explicit(&e->inject[what], &n, n - 1,
						       memory_order_relaxed,
						       memory_order_relaxed) &&
	       n == 1;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A backend without hardware: it records what the engine asks for, and completes it when the test
 * says so. Its clock is virtual and moves only when the test (or its relax hook) moves it.
 *
 * Invalidations complete in order, as the contract of inv_done() has it. A completed one may be
 * declared refused: inv_result() then says -EIO. One that tells a dead device's cache times out.
 */
#ifndef FAKE_IOMMU_H
#define FAKE_IOMMU_H

#include "engine/driver.h"

#define FAKE_LOG     4096u /* submissions remembered */
#define FAKE_CONTROL 256u  /* control calls remembered */
#define FAKE_PA      UINT64_C(0x40000000)
#define FAKE_TIMEOUT UINT64_C(1000000) /* ns of virtual time until a SYNC is lost */

/* One inv_submit(). */
struct fake_sub {
	uint64_t at; /* virtual ns */
	unsigned int n;
	struct sluice_inv inv[SLUICE_INV_BURST];
};

enum fake_op {
	FAKE_BLOCKED, FAKE_IDENTITY, FAKE_PAGING, FAKE_INIT, FAKE_FINI, FAKE_ATS_ON, FAKE_ATS_OFF,
};

/* One control call; stream of an attach, tag of a hwdom call. */
struct fake_call {
	enum fake_op op;
	uint32_t id;
	int ret;
};

struct fake {
	struct sluice_iommu *iommu;
	void *mem; /* the span's memory */
	size_t mem_len;
	bool mate;               /* it is another one's */
	_Atomic uint64_t now;    /* virtual ns */
	uint64_t relax_ns;       /* how far fake_relax() moves the clock */
	void (*on_relax)(void *arg);
	void *on_relax_arg;
	/* Invalidations. */
	bool immediate;          /* complete what is submitted at once */
	bool log;                /* keep records; off when several threads submit */
	unsigned int refuse;     /* so many submissions are turned down (UINT32_MAX: all) */
	/* So many tries find no room (UINT32_MAX: all), after so many that do. */
	_Atomic unsigned int full, room;
	_Atomic uint64_t tries;
	unsigned int block_busy; /* so many times block() cannot be begun */
	bool block_later;        /* it is complete with a submission of its own */
	uint64_t bad_from, bad_upto; /* results of sequence numbers [from, upto) are -EIO */
	uint32_t dead[8];        /* streams that answer no SLUICE_INV_ATC: results are -ETIMEDOUT */
	unsigned int nb_dead;
	_Atomic bool lost[FAKE_LOG]; /* of such submissions */
	_Atomic uint64_t submitted;  /* the last sequence number given out */
	_Atomic uint64_t done;
	struct fake_sub sub[FAKE_LOG];
	/* Control calls; fail_at: the Nth from now fails (1: the next), with fail_err. */
	struct fake_call call[FAKE_CONTROL];
	unsigned int nb_calls;
	unsigned int fail_at, fail_run; /* fail_run: so many in a row */
	int fail_err;
	uint16_t next_tag;
	unsigned int hwdoms;     /* initialised and not finished */
	void (*on_call)(struct fake *f, enum fake_op op, uint32_t id); /* before it is recorded */
	/* Faults. */
	struct sluice_fault fault[256];
	unsigned int nb_faults, fault_at;
	uint64_t fault_bursts, overflows;
	_Atomic unsigned int services, errors; /* calls of service(); errors it is to find */
	unsigned int stepped;
	const uint8_t *watched;
	bool closed;
};

/**
 * Open the backend "fake" with these settings ("" for none; "mem=MiB,caps=hex,ias=,oas=,sid=,
 * pages=hex,mate=1,clock=tsc"; mate: with the memory of the last one, which outlives it). Default: 32 MiB, SLUICE_CAP_DEFERRED | SLUICE_CAP_BYPASS, 48/48 bits, 16 bits.
 */
struct fake *fake_open(const char *settings);

/** Close and free what fake_open() made. The iommu must be free of users. */
void fake_close(struct fake *f);

static inline struct fake *
fake_of(const struct sluice_iommu *iommu)
{
	return iommu->priv;
}

/** Relax hook: moves the clock by relax_ns and calls on_relax. Installed by fake_open(). */
void fake_relax(void *fake);

/** Move the virtual clock. */
void fake_tick(struct fake *f, uint64_t ns);

/** Complete the @p n oldest submissions that are not complete. */
void fake_complete(struct fake *f, uint64_t n);
void fake_complete_all(struct fake *f);

/** Submission @p seq, of which the log still knows. */
const struct fake_sub *fake_sub(const struct fake *f, uint64_t seq);

/** Is [iova, +pages) of @p tag covered wholly by one invalidation of submissions [from, upto]? */
bool fake_covered(const struct fake *f, uint64_t from, uint64_t upto, uint16_t tag, uint64_t iova,
		  uint64_t pages);

/** Report @p n faults to the next fault_burst() calls. */
void fake_fault(struct fake *f, const struct sluice_fault *fault, unsigned int n);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Many workers on one SMMU, in virtual time: what a point of a curve is, and who makes it.
 */
#ifndef SCALE_H
#define SCALE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../rt/line.h"

#define SCALE_WORKERS 64u
#define SCALE_BURST   64u

/** What is measured. */
struct scale_subject {
	const char *name;    /**< as printed */
	const char *policy;  /**< the engine's; NULL: not the engine */
	enum { SUBJECT_SYNC, SUBJECT_ASYNC, SUBJECT_NONE, SUBJECT_KERNEL } kind;
	unsigned int kernel; /**< SUBJECT_KERNEL: enum kernel_kind */
	unsigned int burst;  /**< pages a call, unless --burst says something else */
	unsigned int ops;    /**< pairs a worker that are measured */
	unsigned int least;  /**< … and all together, at least */
};

extern const struct scale_subject scale_subjects[];
extern const unsigned int scale_nb_subjects;

struct scale_conf {
	const struct scale_subject *subject;
	unsigned int workers, burst;
	uint32_t sync_ns, batch, ring;
	bool domain_each, quick;
	struct line_conf line;
	unsigned int lines; /**< print so many lines and places */
};

/** One point. Times in virtual ns; the rest a pair. */
struct scale_result {
	uint64_t pairs, ns, steps, hash;
	double per_us;                     /**< pairs a µs, all workers */
	double fair;                       /**< pairs of the slowest worker, as a part of the mean */
	double transfers, fetches, most;   /**< cache lines; of the busiest line */
	double wait;                       /**< ns that the worker waited for lines */
	double engine_wait;                /**< … and the engine, as a part of its time */
	double syncs, cmds, doorbells, reads;
	double ringer;                     /**< part of the doorbells that one worker alone wrote */
	uint64_t unmap_p50, unmap_p99;     /**< of a call */
	uint64_t release_p50, release_p99; /**< until memory is back; asynchronous unmaps only */
};

/** Make a point. It ends the process if something goes wrong. */
struct scale_result scale_run(const struct scale_conf *conf);

/* ---- the inside ------------------------------------------------------------------------------ */

struct sluice_domain;
struct sluice_iommu;
struct sluice_engine;
struct kernel;

struct scale_worker {
	unsigned int id;
	uint64_t pairs, pairs_begin, pairs_end; /**< so far; when measuring began and ended */
	struct sluice_domain *d;
	uint64_t pa;             /**< SCALE_BURST pages */
	uint64_t sent, back;     /**< cookies */
	uint64_t *sent_at;       /**< ring of SCALE_SENT: when */
	uint32_t *unmap, *release; /**< latencies */
	uint64_t nb_unmap, nb_release, cap;
};

#define SCALE_SENT 65536u

struct scale {
	struct scale_conf conf;
	struct sluice_iommu *iommu;
	struct sluice_engine *engine;
	struct sluice_domain *domain[SCALE_WORKERS];
	struct kernel *kernel;
	struct scale_worker worker[SCALE_WORKERS];
	unsigned int nb_domains, nb_done;
	uint64_t each;           /**< pairs a worker before measuring begins */
	uint64_t total, begin, n; /**< pairs: so far; when measuring began; to be measured */
	unsigned int nb_warm;    /**< workers that have made so many */
	enum { SCALE_WARM, SCALE_MEASURE, SCALE_STOP } phase;
	bool engine_left;
	uint64_t begin_ns, end_ns;
	uint64_t syncs, cmds, waited, engine_waited;
	struct line_counts lines;
	uint64_t most, ringer;
};
extern struct scale scale;

/** rig.c: make and unmake what is measured. */
void scale_up(void);
void scale_down(void);
/** work.c: the fibers. */
void scale_worker_main(void *arg);
void scale_engine_main(void *arg);
void scale_hw_main(void *arg);

/** none.c, instrumented: unmaps of @p d invalidate nothing. Unsafe on purpose. */
void scale_none(struct sluice_domain *d);
void scale_names(struct sluice_domain *d);

/** Registers and queue of the SMMU: probe.c, which knows the driver's inside. */
struct scale_queue {
	void *cmds;
	uint64_t pa, mask, head;
	volatile uint32_t *prod, *cons;
	uint8_t *regs, *ram;
	size_t ram_len;
};
struct scale_queue scale_queue(struct sluice_iommu *iommu);
/** One unit of the hardware's work. */
void scale_hw_step(struct sluice_iommu *iommu);
void scale_hw_counts(struct sluice_iommu *iommu, uint64_t *syncs, uint64_t *cmds);

#endif

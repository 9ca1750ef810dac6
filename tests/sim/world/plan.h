/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a run consists of: every size, setting and fault of it, as numbers that a seed gives and a
 * user, or the shrinker, may replace.
 */
#ifndef SIM_PLAN_H
#define SIM_PLAN_H

#include <stdbool.h>
#include <stdint.h>

/* Name, least value, and what it is. */
#define PLAN_FIELDS(X)                                                                             \
	X(workers, 1, "lcores that map and unmap")                                                 \
	X(ops, 1, "calls of each worker")                                                          \
	X(domains, 1, "domains")                                                                   \
	X(policy, 0, "the policy of the first domain, by its place in the list; others follow")     \
	X(pages, 4, "pages of each worker")                                                        \
	X(live, 1, "mappings of each worker at once")                                              \
	X(window, 2, "IOVA window, MiB")                                                           \
	X(batch, 0, "flush batch; 0: the policy's")                                                \
	X(deadline_us, 0, "flush deadline; 0: the policy's")                                       \
	X(ram_mb, 2, "memory of the machine, MiB")                                                 \
	X(cmdq_log2, 2, "command queue entries")                                                   \
	X(sync_ns, 0, "time of a SYNC")                                                            \
	X(tlbi_ns, 0, "time of an invalidation")                                                   \
	X(cons_lag, 1, "commands between publications of CONS")                                    \
	X(by_cons, 0, "SYNCs are seen by CONS, not by a write")                                    \
	X(ril, 0, "range invalidation")                                                            \
	X(shuffle, 0, "invalidations out of order")                                                \
	X(iotlb, 4, "entries of the IOTLB, log2")                                                  \
	X(timeout_us, 1, "deadline of a SYNC")                                                     \
	X(devices, 0, "devices")                                                                   \
	X(ats, 0, "of these, devices with an address translation cache")                           \
	X(control, 0, "control calls: switches, drains, trims, attaches, fixed maps, workers")     \
	X(faults, 0, "mask of kinds of faults, see world.h")                                       \
	X(strikes, 0, "faults at most")                                                            \
	X(racy, 0, "an invalidation may leave what traffic uses, and the driver issues each twice")   \
	X(sched, 0, "0 random, 1 priorities, 2 one starves")                                       \
	X(stick, 1, "a switch is considered at one point of so many")                              \
	X(depth, 0, "changes of priority")                                                         \
	X(buffer, 0, "stores that a fiber keeps to itself")                                        \
	X(drain, 1, "one switch of so many makes some of them visible")                            \
	X(peer, 0, "a second IOMMU, behind which domains are too; faults are the first one's")       \
	X(callback, 0, "the engine's fault callback polls and drains")                              \
	X(large, 0, "one call of so many maps up to 4 MiB that no device uses; 0: none")

enum plan_field {
#define X(name, least, text) PLAN_##name,
	PLAN_FIELDS(X)
#undef X
	PLAN_NB,
};

struct plan {
	uint64_t seed;     /* of the world: what is done */
	uint64_t schedule; /* of the scheduler: in which order; the same unless replaced */
	uint32_t v[PLAN_NB];
};

/** The plan that a seed gives. */
void plan_make(struct plan *p, uint64_t seed);
/** Replace fields: "workers=2,ops=5". @return NULL, or what is wrong with it. */
const char *plan_set(struct plan *p, const char *text);
/** Print the plan as plan_set() takes it; only what differs from @p from, if that is not NULL. */
void plan_print(const struct plan *p, const struct plan *from, char *text, unsigned int size);
const char *plan_name(enum plan_field f);
const char *plan_text(enum plan_field f);
uint32_t plan_least(enum plan_field f);

#endif

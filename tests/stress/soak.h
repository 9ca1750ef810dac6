/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The soak: everything that may happen to an engine, at random, on emulated hardware that counts
 * every access of a device to memory that its owner has back.
 *
 * Each worker has pages of its own. A page is owned (soak.owned, which the hardware looks at) from
 * before it is mapped until the policy has promised that no device reaches it: the return of an
 * unmap on a domain that waits, a cookie, a drain. What failed stays owned until its domain is
 * gone. So one stale access is one broken promise.
 */
#ifndef SOAK_H
#define SOAK_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sluice/sluice.h>

#define SOAK_WORKERS 3u
#define SOAK_DOMAINS 3u
#define SOAK_DEVICES 3u
#define SOAK_PAGES   64u  /* of each worker */
#define SOAK_RECENT  16u

enum page_state { PAGE_FREE, PAGE_MAPPED, PAGE_ASYNC, PAGE_LIMBO };

/* What a page is in, and how it gets out. Its worker's, who holds the domain's lock to read; who holds
 * it to write frees the pages of that domain. slot is set before state. */
struct page {
	_Atomic unsigned int state; /* enum page_state */
	_Atomic unsigned int slot;
	uint64_t iova;
	uint64_t order;      /* async: the number of its cookie */
};

struct domain {
	struct sluice_domain *d; /* NULL: none; under `lock`, as the counters below */
	pthread_rwlock_t lock;   /* workers read; who makes and destroys writes */
	_Atomic uint64_t changes;  /* odd: its policy is being changed */
	_Atomic uint64_t maps, unmaps, errors, cookies_given, cookies_taken, cookies_void;
	_Atomic uint64_t uncertain; /* unmaps that failed: counted or not */
};

struct worker {
	unsigned int id;   /* lcore, from 1 */
	uint64_t rng;
	bool here;         /* registered */
	struct page page[SOAK_PAGES];
	uint64_t order[SOAK_DOMAINS];  /* cookies given in each domain since it came */
	uint64_t taken[SOAK_DOMAINS];
	pthread_t thread;
	_Atomic bool stop;
	uint64_t ops;
};

struct soak {
	struct sluice_iommu *iommu;
	struct sluice_engine *e;
	struct domain dom[SOAK_DOMAINS];
	struct worker w[SOAK_WORKERS];
	struct {
		struct sluice_device *dev;
		struct sluice_dma *dma;
		int slot; /* -1: detached */
	} dev[SOAK_DEVICES];
	uint64_t pa;
	void *mem;
	uint8_t owned[SOAK_WORKERS * SOAK_PAGES];
	_Atomic uint64_t recent[SOAK_WORKERS][SOAK_RECENT]; /* IOVAs, for devices that misbehave */
	uint64_t rng;
	bool hang, free_running;
	uint64_t switches, injected, churned, attaches, failed;
	size_t mem_used;
};

extern struct soak soak;
extern _Atomic unsigned int soak_failures;

/** xorshift64*. */
static inline uint64_t
soak_rnd(uint64_t *s)
{
	*s ^= *s >> 12;
	*s ^= *s << 25;
	*s ^= *s >> 27;
	return *s * UINT64_C(0x2545f4914f6cdd1d);
}

void soak_fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#define SOAK_CHECK(cond, ...)                                                                      \
	do {                                                                                       \
		if (!(cond))                                                                       \
			soak_fail(#cond ": " __VA_ARGS__);                                         \
	} while (0)

/** One thing that a worker may do, as its lcore. */
void worker_op(struct worker *w);
/** Everything of domain @p slot that a drain has released, or (slot gone) its destruction. */
void worker_released(struct worker *w, unsigned int slot, bool gone);

/** Set up; then, with the hardware running, begin; take down with every check there is. */
void soak_up(uint64_t seed, bool free_running);
void soak_begin(void);
void soak_down(void);
/** One thing that the controlling thread may do. */
void control_op(void);

/** The controlling thread's random number below @p below. */
uint64_t control_rnd(uint64_t below);
/** Did it succeed? What fails while SYNCs hang, or because one command was refused, is no fault. */
bool control_ok(int ret, const char *what);

/** Add device @p i; move bytes with it; attach it to a domain. */
void device_make(unsigned int i);
void device_use(unsigned int i);
void device_attach(unsigned int i);
/** Remove device @p i. @return false: that was not possible, and it stays. */
bool device_end(unsigned int i);

#endif

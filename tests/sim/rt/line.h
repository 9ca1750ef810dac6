/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What memory accesses cost when every fiber has a processor (SIM_TIME with conf.costs): a model of
 * who owns each cache line.
 *
 * 1. A line of 64 bytes is held by nobody, by one core that has written it, or by a set of cores that
 *    have read it. An access that the holder makes again costs nothing but its instruction.
 * 2. A *transfer* is a read of a line that another core has written, or a write (or an atomic
 *    read-modify-write) of a line that others hold. It costs `transfer` ns. Transfers of one line are
 *    served one after the other. Who has it keeps it for `hold` ns at least: a compare-and-exchange
 *    that failed is tried again before the next one gets the line.
 * 3. A *fetch* is a read of a line that only readers hold: it comes from a shared cache, costs `fetch`
 *    ns, and waits for a transfer that is under way, not for other fetches.
 * 4. A plain or releasing store is posted: the core goes on, and the line is on its way. Whoever wants
 *    it next waits until it has arrived; the core itself at its next atomic read-modify-write or full
 *    fence, as on x86. With `stores_wait` the core waits at each store.
 * 5. Hardware (line_device()) has no cache. What it reads is left where it is; what it writes to the
 *    memory that it shares with cores is held by no core afterwards, and the next reader pays a
 *    transfer. Its own inside is free.
 * 6. Registers (line_mmio()) are no memory: a write is a doorbell, and the core waits for it as long as
 *    it takes (a hypervisor's trap; 0: posted); so is a read.
 *
 * Not modelled: the size of caches, prefetching, the distance between cores, overlap of loads. A core
 * executes in order, and an access costs `access_16th` / 16 ns.
 */
#ifndef SIM_LINE_H
#define SIM_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct line_conf {
	uint32_t transfer, fetch, hold; /* ns */
	uint32_t access_16th;     /* 1/16 ns */
	uint32_t pause, clock;    /* ns: a pause, a look at the clock */
	uint32_t doorbell, reg_read; /* ns */
	uint32_t ahead;           /* ns that one fiber may be ahead of the others, at most */
	bool stores_wait;
};

struct line_counts {
	uint64_t transfers, fetches, doorbells, reg_reads, device_writes;
};

/** After sim_begin(): no line is held by anybody. */
void line_begin(const struct line_conf *conf);
void line_mmio(const volatile void *base, size_t len);
/** The running fiber is hardware, and shares [ram, ram+len) with cores. */
void line_device(const void *ram, size_t len);
/** The running fiber computes for so long. */
void line_work(uint64_t ns);

/** Count from now on. */
void line_count(void);
struct line_counts line_counts(void);
/** ns that one fiber, by number, waited for lines since then. */
uint64_t line_waited(unsigned int fiber);
/** … and doorbells that it wrote. */
uint64_t line_doorbells(unsigned int fiber);
/** Print the @p n places in the code, and as many lines, with the most transfers since then, as counts
 * per @p ops operations. */
void line_print(unsigned int n, double ops);
/** The most transfers of any one line since then. */
uint64_t line_most(void);
/** Give memory a name for line_print(). */
void line_name(const volatile void *p, size_t len, const char *name);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Command insertion under fire: producer threads against one consumer that believes nothing.
 *
 *   stress_cmdq [-p producers] [-q log2 entries] [-s seconds] [-b largest burst]
 *               [-m msi|cons] [-r faa|cas] [-x share|own] [-S first position]
 *
 * The consumer checks that PROD never goes back nor passes what the queue holds; that every
 * slot was filled since it was last consumed (it poisons what it consumed); that each
 * producer's commands arrive exactly once and in order; that a command finds what its producer
 * wrote before submitting it; that each SYNC names its own position. TLBIs count as executed only
 * when a SYNC comes: a producer told of completion earlier than that, finds out.
 */
#include <errno.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_per_lcore.h>

#include "../../pmd/smmuv3/wait.h"
#include "../unit/smmuv3/fake.h"

#define MAX_PRODUCERS 16u
#define RUN_AHEAD     8u /* submissions that may be in flight */

static struct {
	unsigned int producers, log2, seconds, burst;
	bool msi, faa, share;
	uint64_t start;
} conf = { 2, 8, 2, 65, true, true, true, 0 };

struct producer {
	pthread_t thread;
	unsigned int id;
	uint64_t cmds, subs, checks, waits;
	uint64_t *written;         /* plain: [cmd % ring] = cmd, before it is submitted */
	_Atomic uint64_t executed; /* by the consumer: commands covered by a SYNC */
	uint64_t seen;             /* the consumer's */
} __rte_cache_aligned;

#define WRITTEN_RING (1u << 20)

static struct fake *f;
static struct producer prod[MAX_PRODUCERS];
static _Atomic bool stop_producers, stop_consumer;
static _Atomic unsigned int errors;
static uint64_t consumed, max_batch, doorbells;

static void
fail(const char *what, uint64_t a, uint64_t b)
{
	if (atomic_fetch_add(&errors, 1) < 20)
		fprintf(stderr, "stress_cmdq: %s (0x%jx, 0x%jx)\n", what, (uintmax_t)a,
			(uintmax_t)b);
}

static void
consume(struct smmu_cmd *slot, uint64_t pos, _Atomic uint32_t *msi)
{
	struct smmu_cmd c = *slot;
	struct producer *p;
	uint64_t n;

	slot->w[0] = slot->w[1] = UINT64_C(0xdeaddeaddeadde00);
	switch (c.w[0] & 0xff) {
	case 0x12:
		p = &prod[c.w[0] >> 48 & (MAX_PRODUCERS - 1)];
		n = c.w[1] >> 12;
		if (n != p->seen + 1)
			fail("command lost, doubled or out of order", n, p->seen + 1);
		if (p->written[n % WRITTEN_RING] != n)
			fail("a write before the submission is not visible", n,
			     p->written[n % WRITTEN_RING]);
		p->seen = n;
		break;
	case 0x46:
		if (msi != NULL && (uint32_t)(c.w[0] >> 32) != (uint32_t)(pos + 1))
			fail("a SYNC that names another position", c.w[0] >> 32, pos + 1);
		for (unsigned int i = 0; i < conf.producers; i++)
			atomic_store_explicit(&prod[i].executed, prod[i].seen,
					      memory_order_relaxed);
		if (msi != NULL)
			atomic_store_explicit(msi, (uint32_t)(c.w[0] >> 32),
					      memory_order_release);
		break;
	case 0x01:
		if (c.w[0] >> 32 != UINT32_MAX || !conf.share)
			fail("a filler where none belongs", c.w[0], pos);
		break;
	default:
		fail("a slot was published that nobody filled", c.w[0], pos);
	}
}

static void *
consumer(void *arg)
{
	struct cmdq *cq = &f->s.cmdq;
	uint64_t size = cq->mask + 1, pos = conf.start;
	unsigned int idle = 0, lag = 0;

	(void)arg;
	while (!atomic_load_explicit(&stop_consumer, memory_order_acquire)) {
		uint32_t p = fake_rd(f, SMMU_CMDQ_PROD);
		uint64_t n = (p - pos) & (2 * size - 1);

		if (n == 0) {
			if (++idle % 64 == 0)
				sched_yield();
			continue;
		}
		idle = 0;
		doorbells++;
		if (n > size) {
			fail("PROD went back, or passed the queue's size", p, pos);
			break;
		}
		if (n > max_batch)
			max_batch = n;
		for (uint64_t i = 0; i < n; i++) {
			consume(&cq->cmds[pos & cq->mask], pos, cq->msi);
			pos++;
			/* CONS comes late now and then. */
			if (++lag % 7 == 0)
				fake_wr(f, SMMU_CMDQ_CONS, (uint32_t)(pos & (2 * size - 1)));
		}
		fake_wr(f, SMMU_CMDQ_CONS, (uint32_t)(pos & (2 * size - 1)));
	}
	consumed = pos - conf.start;
	return NULL;
}

static void
wait_for(struct producer *p, uint64_t seq, uint64_t cmds)
{
	struct deadline end = deadline_begin(&f->iommu.clock, f->iommu.sync_timeout);

	p->waits++;
	for (unsigned int turn = 1; cmdq_done(&f->s.cmdq) < seq; turn++) {
		if (deadline_passed(&end)) {
			fail("a SYNC did not complete", seq, cmdq_done(&f->s.cmdq));
			return;
		}
		smmu_wait_turn(&f->iommu, turn);
	}
	p->checks++;
	if (atomic_load_explicit(&p->executed, memory_order_relaxed) < cmds)
		fail("complete before it was executed", seq, cmds);
}

/* cmdq_submit() by one who loses the processor between reservation and publication. */
static uint64_t
slow_submit(struct cmdq *cq, const struct smmu_cmd *c, unsigned int n)
{
	struct cmdq_lcore *lc = cmdq_self(cq);
	uint64_t pos = cmdq_reserve(cq, lc, n + 1);

	if (pos == CMDQ_NONE)
		return 0;
	for (unsigned int i = 0; i < n; i++)
		cmdq_put(cq, pos + i, c[i]);
	for (unsigned int i = 0; i < 200; i++)
		rte_pause();
	sched_yield();
	return cmdq_commit(cq, lc, pos, pos + n + 1);
}

/* By one who may not wait: an engine in one turn after the other. */
static uint64_t
try_submit(struct cmdq *cq, const struct smmu_cmd *c, unsigned int n)
{
	uint64_t seq;

	while ((seq = cmdq_try(cq, c, n)) == SLUICE_INV_FULL)
		sched_yield();
	return seq;
}

static void *
producer(void *arg)
{
	struct producer *p = arg;
	struct cmdq *cq = &f->s.cmdq;
	uint64_t rnd = 88172645463325252u + p->id, last = 0;
	uint64_t seq[RUN_AHEAD], upto[RUN_AHEAD];
	struct smmu_cmd c[CMDQ_MAX_BURST];
	unsigned int limit = RTE_MIN(conf.burst, cq->max_burst);

	RTE_PER_LCORE(_lcore_id) = p->id;
	while (!atomic_load_explicit(&stop_producers, memory_order_relaxed)) {
		unsigned int slot = p->subs % RUN_AHEAD, n;
		bool big;

		rnd ^= rnd << 13;
		rnd ^= rnd >> 7;
		rnd ^= rnd << 17;
		big = rnd % 16 == 0;
		n = (unsigned int)((rnd >> 8) % (big ? limit : RTE_MIN(limit, 4u)));
		if (p->subs >= RUN_AHEAD && (rnd >> 40) % 4 == 0)
			wait_for(p, seq[slot], upto[slot]);
		for (unsigned int i = 0; i < n; i++) {
			p->cmds++;
			p->written[p->cmds % WRITTEN_RING] = p->cmds;
			c[i] = cmd_tlbi_va((uint16_t)p->id, p->cmds << 12, true);
		}
		/* Each mixes the ways, and one of them mostly tries. */
		seq[slot] = rnd >> 56 == 0 ? slow_submit(cq, c, n) :
			    (rnd >> 50) % 8 < (p->id == 0 ? 7 : 1) ? try_submit(cq, c, n) :
								     cmdq_submit(cq, c, n);
		upto[slot] = p->cmds;
		if (seq[slot] == 0) {
			fail("the queue stayed full", p->id, p->subs);
			break;
		}
		if (seq[slot] <= last)
			fail("sequence numbers do not grow", seq[slot], last);
		last = seq[slot];
		p->subs++;
		if ((rnd >> 48) % 4 == 0)
			wait_for(p, last, p->cmds);
	}
	if (last != 0)
		wait_for(p, last, p->cmds);
	return NULL;
}

static void
parse(int argc, char **argv)
{
	int o;

	while ((o = getopt(argc, argv, "p:q:s:b:m:r:x:S:")) != -1) {
		switch (o) {
		case 'p': conf.producers = (unsigned int)atoi(optarg); break;
		case 'q': conf.log2 = (unsigned int)atoi(optarg); break;
		case 's': conf.seconds = (unsigned int)atoi(optarg); break;
		case 'b': conf.burst = (unsigned int)atoi(optarg); break;
		case 'm': conf.msi = strcmp(optarg, "msi") == 0; break;
		case 'r': conf.faa = strcmp(optarg, "faa") == 0; break;
		case 'x': conf.share = strcmp(optarg, "share") == 0; break;
		case 'S': conf.start = strtoull(optarg, NULL, 0); break;
		default: exit(2);
		}
	}
	if (conf.producers < 1 || conf.producers > MAX_PRODUCERS || conf.log2 < 1 ||
	    conf.log2 > 16 || conf.burst < 1 || conf.burst > CMDQ_MAX_BURST ||
	    conf.start % (UINT64_C(2) << conf.log2) != 0) {
		fprintf(stderr, "stress_cmdq: an option is out of range\n");
		exit(2);
	}
}

static double
seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	struct cmdq_stats st;
	pthread_t hw;
	uint64_t cmds = 0, subs = 0, checks = 0;
	double t0, t1;

	parse(argc, argv);
	f = fake_create();
	f->iommu.relax = NULL;
	f->iommu.ops = NULL;
	/* TSC, taken as 1 GHz or faster: 30 s at most, generous for a loaded machine. */
	f->iommu.clock = (struct sluice_clock){ NULL, 1000000000 };
	f->iommu.sync_timeout = UINT64_C(20000000000);
	fake_cmdq(f, conf.log2, conf.msi, conf.share, conf.faa ? conf.producers : 0, conf.start);
	t0 = seconds();
	for (unsigned int i = 0; i < conf.producers; i++) {
		prod[i].id = i;
		prod[i].written = calloc(WRITTEN_RING, sizeof(uint64_t));
		if (prod[i].written == NULL)
			return 99;
		pthread_create(&prod[i].thread, NULL, producer, &prod[i]);
	}
	pthread_create(&hw, NULL, consumer, NULL);
	while (seconds() - t0 < conf.seconds && atomic_load(&errors) == 0)
		nanosleep(&(struct timespec){ 0, 20000000 }, NULL);
	atomic_store(&stop_producers, true);
	for (unsigned int i = 0; i < conf.producers; i++)
		pthread_join(prod[i].thread, NULL);
	t1 = seconds();
	atomic_store_explicit(&stop_consumer, true, memory_order_release);
	pthread_join(hw, NULL);

	cmdq_get_stats(&f->s.cmdq, &st);
	for (unsigned int i = 0; i < conf.producers; i++) {
		cmds += prod[i].cmds;
		subs += prod[i].subs;
		checks += prod[i].checks;
		if (prod[i].seen != prod[i].cmds)
			fail("commands are missing at the end", prod[i].seen, prod[i].cmds);
		free(prod[i].written);
	}
	if (st.cmds != cmds + subs || st.subs != subs || consumed != st.cmds)
		fail("counters do not add up", st.cmds, cmds + subs);
	printf("producers %u entries %u %s %s %s: %ju submissions, %ju commands, %ju checked, "
	       "SYNCs shared %ju, doorbells %ju, full waits %ju, largest batch %ju, "
	       "%.0f ns/sub, %u errors\n",
	       conf.producers, 1u << conf.log2, conf.faa ? "faa" : "cas", conf.msi ? "msi" : "cons",
	       conf.share ? "share" : "own", (uintmax_t)subs, (uintmax_t)cmds, (uintmax_t)checks,
	       (uintmax_t)st.shared, (uintmax_t)st.doorbells, (uintmax_t)st.full_waits,
	       (uintmax_t)max_batch, subs != 0 ? (t1 - t0) * 1e9 / (double)subs : 0.0, errors);
	cmdq_free(&f->s.cmdq);
	fake_destroy(f);
	return errors != 0 || checks == 0;
}

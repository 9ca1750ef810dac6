/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The smallest hardware that a queue can talk to: it answers handshakes, consumes commands in
 * order, completes SYNCs, and goes wrong on request. It decodes with literal numbers, not with the
 * driver's masks, so that a wrong mask shows.
 */
#ifndef FAKE_H
#define FAKE_H

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../../../pmd/smmuv3/smmuv3.h"

#define FAKE_RAM    (16u << 20)
#define FAKE_RAM_PA UINT64_C(0x40000000)
#define FAKE_LOG    4096u

struct fake {
	struct smmu s;
	struct sluice_iommu iommu;
	struct sluice_iommu_ops ops;
	struct sluice_regs_ops regs_ops;
	uint8_t *page;  /* registers */
	uint8_t *ram;
	_Atomic uint64_t now; /* virtual ns: one a step */
	/* What goes wrong. */
	bool hang_ack, hang_sync, stop, no_msi_write;
	uint32_t hang_ack_with; /* hang_ack as soon as one of these is in CR0ACK */
	unsigned int ill_in;  /* the n-th command from here is refused (1: the next) */
	unsigned int ill_keep; /* refuse at that slot so many times more */
	unsigned int abt;     /* so many fetches abort */
	uint64_t ill_pos;
	/* What was seen. */
	struct smmu_cmd log[FAKE_LOG];
	unsigned int nlog, syncs, order_errors;
	uint32_t last_prod;
};

static inline uint32_t
fake_rd(struct fake *f, uint32_t off)
{
	return atomic_load_explicit((_Atomic uint32_t *)(void *)(f->page + off),
				    memory_order_acquire);
}

static inline void
fake_wr(struct fake *f, uint32_t off, uint32_t v)
{
	atomic_store_explicit((_Atomic uint32_t *)(void *)(f->page + off), v,
			      memory_order_release);
}

/* One command; false: the queue stopped or is empty. */
static inline bool
fake_consume(struct fake *f)
{
	uint64_t base = *(uint64_t *)(void *)(f->page + 0x90);
	uint32_t log2 = base & 31, mask = (2u << log2) - 1;
	uint32_t prod = fake_rd(f, 0x98) & mask, cons = fake_rd(f, 0x9c) & mask;
	const struct smmu_cmd *q;
	struct smmu_cmd c;
	unsigned int err = 0;

	if (prod == cons || f->stop || ((fake_rd(f, 0x60) ^ fake_rd(f, 0x64)) & 1) != 0)
		return false;
	q = (void *)(f->ram + ((base & 0xfffffffffffe0) - FAKE_RAM_PA));
	c = q[cons & (mask >> 1)];
	if (f->abt != 0) {
		f->abt--;
		err = 2;
	} else if (f->ill_in != 0 && --f->ill_in == 0) {
		err = 1;
		f->ill_pos = cons;
	} else if (f->ill_keep != 0 && cons == f->ill_pos) {
		f->ill_keep--;
		err = 1;
	}
	if (err != 0) {
		fake_wr(f, 0x9c, cons | err << 24);
		fake_wr(f, 0x60, fake_rd(f, 0x60) ^ 1);
		return false;
	}
	if ((c.w[0] & 0xff) == 0x46) {
		if (f->hang_sync)
			return false;
		f->syncs++;
		if ((c.w[0] >> 12 & 3) == 1 && !f->no_msi_write)
			atomic_store_explicit((_Atomic uint32_t *)(void *)
						      (f->ram + ((c.w[1] & 0xffffffffffffc) -
								 FAKE_RAM_PA)),
					      (uint32_t)(c.w[0] >> 32), memory_order_release);
	}
	f->log[f->nlog++ % FAKE_LOG] = c;
	fake_wr(f, 0x9c, (cons + 1) & mask);
	return true;
}

/* @return units done. */
static inline int
fake_step(struct sluice_regs *regs, unsigned int budget)
{
	struct fake *f = regs->priv;
	int done = 0;

	atomic_fetch_add(&f->now, f->hang_ack ? 1000 : 1);
	if ((fake_rd(f, 0x24) & f->hang_ack_with) != 0)
		f->hang_ack = true;
	if (!f->hang_ack) {
		fake_wr(f, 0x24, fake_rd(f, 0x20));
		fake_wr(f, 0x54, fake_rd(f, 0x50));
		fake_wr(f, 0x44, fake_rd(f, 0x44) & 0x7fffffff);
	}
	while (budget-- != 0 && (fake_rd(f, 0x24) & 8) != 0 && fake_consume(f))
		done++;
	return done;
}

static inline void
fake_relax(void *arg)
{
	fake_step(&((struct fake *)arg)->s.regs, 16);
}

/* Identification of an ordinary SMMUv3.2: S1, AArch64, COHACC, ASID16, MSI, 2-level, RIL. */
static inline void
fake_idrs(struct fake *f)
{
	fake_wr(f, 0x00, 0x2 | 2u << 2 | 1u << 4 | 1u << 12 | 1u << 13 | 2u << 21 | 1u << 24 |
				 1u << 27);
	fake_wr(f, 0x04, 16 | 10u << 16 | 10u << 21);
	fake_wr(f, 0x0c, 1u << 10);
	fake_wr(f, 0x14, 4 | 1u << 4);
	fake_wr(f, 0x1c, 2);
}

/* Registers and memory; the smmu is not brought up. Virtual clock: one step is one ns. */
static inline struct fake *
fake_create(void)
{
	struct fake *f = aligned_alloc(64, (sizeof(*f) + 63) & ~(size_t)63);

	memset((void *)f, 0, sizeof(*f));
	f->page = aligned_alloc(65536, SMMU_REGS_SIZE);
	f->ram = aligned_alloc(FAKE_RAM, FAKE_RAM);
	memset(f->page, 0, SMMU_REGS_SIZE);
	memset(f->ram, 0, FAKE_RAM);
	fake_idrs(f);
	f->regs_ops = (struct sluice_regs_ops){ .name = "fake", .step = fake_step };
	f->s.regs = (struct sluice_regs){ .base = f->page, .ops = &f->regs_ops, .priv = f,
					  .clock = { &f->now, 1000000000 } };
	f->s.regs.mem = sluice_mem_create(f->ram, FAKE_RAM_PA, FAKE_RAM);
	assert(f->s.regs.mem != NULL);
	f->s.iommu = &f->iommu;
	atomic_flag_clear(&f->s.servicing);
	pthread_mutex_init(&f->s.lock, NULL);
	f->ops = (struct sluice_iommu_ops){ .name = "fake", .service = smmu_service };
	f->iommu = (struct sluice_iommu){ .clock = f->s.regs.clock, .mem = f->s.regs.mem,
					  .priv = &f->s, .ops = &f->ops, .sync_timeout = 10000,
					  .relax = fake_relax, .relax_arg = f };
	return f;
}

static inline void
fake_destroy(struct fake *f)
{
	sluice_mem_destroy(f->s.regs.mem);
	pthread_mutex_destroy(&f->s.lock);
	free(f->page);
	free(f->ram);
	free(f);
}

/* Only the command queue, up and running. lcores: how many may use fetch_add (ids from 0). */
static inline struct cmdq *
fake_cmdq(struct fake *f, unsigned int log2size, bool msi, bool share, unsigned int lcores,
	  uint64_t start)
{
	struct cmdq *cq = &f->s.cmdq;
	bool on[RTE_MAX_LCORE] = { false };
	struct cmdq_conf conf = { .iommu = &f->iommu, .regs = &f->s.regs,
				  .log2size = (uint8_t)log2size, .msi = msi, .share = share,
				  .lcores = on, .start = start };

	for (unsigned int i = 0; i < lcores; i++)
		on[i] = true;
	assert(cmdq_init(cq, &conf) == 0);
	*(uint64_t *)(void *)(f->page + 0x90) = cq->pa | log2size;
	fake_wr(f, 0x98, (uint32_t)(start & (2 * cq->mask + 1)));
	fake_wr(f, 0x9c, (uint32_t)(start & (2 * cq->mask + 1)));
	fake_wr(f, 0x20, 8);
	fake_wr(f, 0x24, 8);
	return cq;
}

#endif

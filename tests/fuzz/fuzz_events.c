/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: hardware that puts anything into the event queue, and any producer index (IHI 0070
 * §7.2, §7.3).
 */
#include "../../pmd/smmuv3/evtq.h"
#include "../../pmd/smmuv3/smmuv3_hw.h"
#include "fuzz.h"

#define MAX_LOG2 4u
#define BURST    16u

static void
check(const struct sluice_fault *f)
{
	FUZZ_REQUIRE(f->kind < SLUICE_FAULT_KINDS);
	FUZZ_REQUIRE((f->flags & ~(SLUICE_FAULT_WRITE | SLUICE_FAULT_PASID | SLUICE_FAULT_STALL |
				   SLUICE_FAULT_EXEC | SLUICE_FAULT_PRIV)) == 0);
	FUZZ_REQUIRE(f->token == 0 || (f->flags & SLUICE_FAULT_STALL) != 0);
	FUZZ_REQUIRE(f->pasid < 1u << 20 &&
		     (f->pasid == 0 || (f->flags & SLUICE_FAULT_PASID) != 0));
}

/* One turn: the hardware writes some records and PROD, the driver drains. */
static void
turn(struct fuzz_in *in, struct evtq *q, uint64_t *recs, uint8_t *page)
{
	struct sluice_fault *f = malloc(BURST * sizeof(*f));
	unsigned int n = (unsigned int)fuzz_take(in, 1) % (BURST + 1), got;
	uint32_t prod = (uint32_t)fuzz_take(in, 1), cons;

	FUZZ_REQUIRE(f != NULL);
	prod |= (prod & 0x80u) << 24; /* OVFLG */
	if ((prod & 0x40u) != 0)
		prod ^= (uint32_t)fuzz_take(in, 4);
	for (unsigned int k = (unsigned int)fuzz_take(in, 1) & 3; k > 0; k--) {
		unsigned int at = (unsigned int)fuzz_take(in, 1) & q->mask;

		for (unsigned int i = 0; i < 4; i++)
			recs[4 * at + i] = fuzz_take(in, 8);
	}
	atomic_store_explicit((_Atomic uint32_t *)(void *)(page + SMMU_EVENTQ_PROD), prod,
			      memory_order_release); /* pairs with the acquire in regs_read32() */
	got = evtq_burst(q, f, n);
	FUZZ_REQUIRE(got <= n && got <= q->mask + 1);
	for (unsigned int i = 0; i < got; i++)
		check(&f[i]);
	cons = atomic_load_explicit((_Atomic uint32_t *)(void *)(page + SMMU_EVENTQ_CONS),
				    memory_order_relaxed);
	FUZZ_REQUIRE((cons & ~(2 * q->mask + 1) & 0xfffff) == 0);
	FUZZ_REQUIRE(((prod - q->cons) & (2 * q->mask + 1)) <= q->mask + 1);
	free(f);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	uint8_t *page = calloc(1, SMMU_REGS_SIZE), log2 = (uint8_t)(fuzz_take(&in, 1) % MAX_LOG2);
	uint64_t *recs = calloc(4u << log2, sizeof(*recs));
	struct sluice_regs regs = { .base = page };
	struct evtq q = { .recs = recs, .regs = &regs, .mask = (1u << log2) - 1, .log2size = log2 };

	FUZZ_REQUIRE(page != NULL && recs != NULL);
	/* A queue that is off is left alone: the hardware was reset. */
	*(uint32_t *)(void *)(page + SMMU_CR0ACK) = (uint32_t)SMMU_CR0_EVENTQEN;
	while (in.left > 0)
		turn(&in, &q, recs, page);
	FUZZ_REQUIRE(q.unknown <= q.events);
	free(recs);
	free(page);
	return 0;
}

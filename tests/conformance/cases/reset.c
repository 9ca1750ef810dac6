/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Bring-up, from a clean state and from every kind of dirty one, and what the global controls do.
 */
#include "../conf.h"

#define ALL_EN ((uint32_t)(SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN | SMMU_CR0_CMDQEN))

/* The SMMU works: it translates, it invalidates, it reports. */
static void
works(struct conf *c)
{
	struct conf_space s;
	uint64_t pa, other_pa;
	void *page = conf_space_page(c, &s, 0x5000, CONF_ASID, &pa);
	void *other = conf_mem(c, 4096, 4096, &other_pa);

	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, 0x5000, page), "a mapped page is not reached");
	conf_no_event(c);
	conf_space_map(c, &s, 0x5000, other_pa, 3);
	conf_tlbi_all(c);
	CONF_CHECK(c, conf_write(c, 0, 0x5000, other), "an invalidation had no effect");
	CONF_CHECK(c, !conf_write(c, 0, 0x6000, page), "an unmapped page is reached");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, 0x6000, false, 0);
}

static void
reset(struct conf *c)
{
	CONF_OK(c, sluice_raw_reset(c->iommu));
	conf_events(c);
	c->nb_ev = 0;
}

static void
enables(struct conf *c)
{
	uint32_t cr0 = conf_reg(c, SMMU_CR0);

	CONF_EQ(c, cr0 & ALL_EN, ALL_EN, "CR0 after bring-up");
	CONF_EQ(c, conf_reg(c, SMMU_CR0ACK), cr0 & (uint32_t)SMMU_CR0_MASK, "CR0ACK");
	CONF_EQ(c, conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN), 0, "active errors");
	CONF_EQ(c, conf_reg(c, SMMU_IRQ_CTRL), 0, "IRQ_CTRL of a polled driver");
	CONF_EQ(c, conf_reg(c, SMMU_IRQ_CTRLACK), 0, "IRQ_CTRLACK");
}

static void
queues(struct conf *c)
{
	uint64_t cmdq = conf_reg64(c, SMMU_CMDQ_BASE), evtq = conf_reg64(c, SMMU_EVENTQ_BASE);
	uint64_t n = UINT64_C(1) << smmu_field_get(SMMU_Q_BASE_LOG2SIZE, cmdq);
	uint64_t m = UINT64_C(1) << smmu_field_get(SMMU_Q_BASE_LOG2SIZE, evtq);

	CONF_EQ(c, n, c->info.cmdq_entries, "entries by CMDQ_BASE");
	CONF_EQ(c, m, c->info.evtq_entries, "entries by EVENTQ_BASE");
	CONF_EQ(c, (cmdq & SMMU_Q_BASE_ADDR) & (n * SMMU_CMD_BYTES - 1), 0, "CMDQ_BASE alignment");
	CONF_EQ(c, (evtq & SMMU_Q_BASE_ADDR) & (m * SMMU_EVT_BYTES - 1), 0,
		"EVENTQ_BASE alignment");
	CONF_OK(c, sluice_iommu_sync(c->iommu));
	CONF_CHECK(c,
		   conf_poll(c, SMMU_CMDQ_CONS, 2 * (uint32_t)n - 1, conf_reg(c, SMMU_CMDQ_PROD)),
		   "an idle command queue: PROD %#x, CONS %#x", conf_reg(c, SMMU_CMDQ_PROD),
		   conf_reg(c, SMMU_CMDQ_CONS));
}

static void
table(struct conf *c)
{
	uint64_t base = conf_reg64(c, SMMU_STRTAB_BASE) & SMMU_STRTAB_BASE_ADDR;
	uint32_t cfg = conf_reg(c, SMMU_STRTAB_BASE_CFG);
	uint64_t log2 = smmu_field_get(SMMU_STRTAB_CFG_LOG2SIZE, cfg);
	uint64_t split = smmu_field_get(SMMU_STRTAB_CFG_SPLIT, cfg), bytes;

	CONF_EQ(c, log2, c->info.sid_bits, "STRTAB_BASE_CFG.LOG2SIZE");
	if (smmu_field_get(SMMU_STRTAB_CFG_FMT, cfg) == SMMU_STRTAB_FMT_2LVL) {
		CONF_CHECK(c, split == 6 || split == 8 || split == 10, "SPLIT is %" PRIu64, split);
		bytes = log2 > split ? UINT64_C(8) << (log2 - split) : 8;
	} else {
		bytes = UINT64_C(64) << log2;
	}
	CONF_EQ(c, base & ((bytes < 64 ? 64 : bytes) - 1), 0, "STRTAB_BASE alignment");
	CONF_CHECK(c, sluice_raw_mem(c->iommu, base, bytes) != NULL, "STRTAB_BASE is not memory");
}

static void
works_at_once(struct conf *c)
{
	works(c);
}

static void
from_running(struct conf *c)
{
	works(c);
	reset(c);
	works(c);
	enables(c);
}

static void
from_registers(struct conf *c)
{
	c->renew = true;
	conf_cr0(c, 0);
	conf_set_reg64(c, SMMU_STRTAB_BASE, 0x00000fffffff0040);
	conf_set_reg(c, SMMU_STRTAB_BASE_CFG, 0x3f);
	conf_set_reg64(c, SMMU_CMDQ_BASE, 0x00000fffffff0013);
	conf_set_reg(c, SMMU_CMDQ_PROD, 0x12345);
	conf_set_reg(c, SMMU_CMDQ_CONS, 0x54321);
	conf_set_reg64(c, SMMU_EVENTQ_BASE, 0x00000fffffff0013);
	conf_set_reg(c, SMMU_EVENTQ_PROD, 0x80000777);
	conf_set_reg(c, SMMU_EVENTQ_CONS, 0x00000111);
	conf_set_reg(c, SMMU_CR1, 0xfff);
	conf_set_reg(c, SMMU_CR2, 0xf);
	conf_set_reg(c, SMMU_IRQ_CTRL, 0x5);
	reset(c);
	works(c);
	enables(c);
	queues(c);
	table(c);
}

/* Somebody left errors active, and the queue stopped at his bad command. */
static void
from_error(struct conf *c)
{
	uint64_t pa, errors = conf_counter(c, "cmdq_errors");
	uint64_t *q = conf_mem(c, 4096, 4096, &pa);

	c->renew = true;
	conf_cr0(c, 0);
	q[0] = 0xff; /* reserved: CERROR_ILL (§7.1) */
	conf_set_reg64(c, SMMU_CMDQ_BASE, pa | 2);
	conf_set_reg(c, SMMU_CMDQ_PROD, 0);
	conf_set_reg(c, SMMU_CMDQ_CONS, 0);
	conf_cr0(c, (uint32_t)SMMU_CR0_CMDQEN);
	conf_set_reg(c, SMMU_CMDQ_PROD, 2);
	CONF_CHECK(c, conf_poll(c, SMMU_CMDQ_CONS, (uint32_t)SMMU_CMDQ_CONS_ERR,
				(uint32_t)smmu_field_prep(SMMU_CMDQ_CONS_ERR, SMMU_CERROR_ILL)),
		   "an illegal command: CMDQ_CONS is %#x", conf_reg(c, SMMU_CMDQ_CONS));
	CONF_EQ(c, (conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN)) & SMMU_GERROR_CMDQ_ERR,
		SMMU_GERROR_CMDQ_ERR, "GERROR.CMDQ_ERR");
	reset(c);
	CONF_EQ(c, conf_counter(c, "cmdq_errors"), errors, "errors counted, of somebody else");
	works(c);
	enables(c);
}

static void
from_stale_caches(struct conf *c)
{
	struct conf_space s;
	uint64_t pa, other_pa;
	void *place[2];

	place[0] = conf_space_page(c, &s, 0x5000, CONF_ASID, &pa);
	place[1] = conf_mem(c, 4096, 4096, &other_pa);
	conf_space_attach(c, &s, 0);
	CONF_CHECK(c, conf_write(c, 0, 0x5000, place[0]), "a mapped page is not reached");
	conf_space_map(c, &s, 0x5000, other_pa, 3);
	conf_stale(c, c->hw.tlb, conf_land(c, 0, 0x5000, place, 2) == 0, "before the reset");
	reset(c);
	CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), 1, "where a write lands after the reset");
}

static void
cr0_reserved(struct conf *c)
{
	uint32_t cr0 = conf_reg(c, SMMU_CR0);

	c->renew = true;
	conf_set_reg(c, SMMU_CR0, cr0 | 0xfff80000);
	CONF_CHECK(c, conf_poll(c, SMMU_CR0ACK, 0xfffffe00, 0), "CR0ACK %#x echoes RES0 bits",
		   conf_reg(c, SMMU_CR0ACK));
}

static void
irq_ack(struct conf *c)
{
	uint32_t v = (uint32_t)(SMMU_IRQ_CTRL_GERROR_IRQEN | SMMU_IRQ_CTRL_EVENTQ_IRQEN);

	c->renew = true;
	conf_set_reg(c, SMMU_IRQ_CTRL, v);
	CONF_CHECK(c, conf_poll(c, SMMU_IRQ_CTRLACK, 7, v), "IRQ_CTRLACK is %#x",
		   conf_reg(c, SMMU_IRQ_CTRLACK));
	conf_set_reg(c, SMMU_IRQ_CTRL, 0);
	CONF_CHECK(c, conf_poll(c, SMMU_IRQ_CTRLACK, 7, 0), "IRQ_CTRLACK is %#x",
		   conf_reg(c, SMMU_IRQ_CTRLACK));
}

static void
gbpa(struct conf *c, bool abort_all)
{
	uint32_t v = conf_reg(c, SMMU_GBPA) & ~(uint32_t)SMMU_GBPA_ABORT;

	v |= (uint32_t)SMMU_GBPA_UPDATE | (abort_all ? (uint32_t)SMMU_GBPA_ABORT : 0);
	conf_set_reg(c, SMMU_GBPA, v);
	CONF_CHECK(c, conf_poll(c, SMMU_GBPA, (uint32_t)SMMU_GBPA_UPDATE, 0),
		   "GBPA.Update stays set: %#x", conf_reg(c, SMMU_GBPA));
}

static void
disabled_aborts(struct conf *c)
{
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	c->renew = true;
	conf_dma_load(c, 0);
	gbpa(c, true);
	if (c->hw.qemu_s1 && (conf_reg(c, SMMU_GBPA) & SMMU_GBPA_ABORT) == 0) {
		conf_cr0(c, (uint32_t)(SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN));
		CONF_CHECK(c, conf_write(c, 0, pa, page), "QEMU without GBPA blocks a stream");
		return;
	}
	CONF_CHECK(c, conf_reg(c, SMMU_GBPA) & SMMU_GBPA_ABORT, "GBPA does not keep ABORT");
	conf_cr0(c, (uint32_t)(SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN));
	CONF_CHECK(c, !conf_write(c, 0, pa, page), "SMMUEN=0 and GBPA.ABORT=1 let a write through");
	conf_no_event(c);
}

static void
disabled_bypasses(struct conf *c)
{
	uint64_t pa;
	void *page = conf_mem(c, 4096, 4096, &pa);

	c->renew = true;
	conf_dma_load(c, 0);
	gbpa(c, false);
	conf_cr0(c, (uint32_t)(SMMU_CR0_CMDQEN | SMMU_CR0_EVENTQEN));
	CONF_CHECK(c, conf_write(c, 0, pa, page), "SMMUEN=0 and GBPA.ABORT=0 stop a write");
	conf_no_event(c);
	/* The stream's own STE, which aborts, counts again. */
	conf_cr0(c, ALL_EN);
	CONF_CHECK(c, !conf_write(c, 0, pa, page), "SMMUEN=1 lets an aborting stream through");
}

static void
gbpa_update(struct conf *c)
{
	uint32_t v = conf_reg(c, SMMU_GBPA);

	c->renew = true;
	conf_set_reg(c, SMMU_GBPA, (v ^ (uint32_t)SMMU_GBPA_ABORT) & ~(uint32_t)SMMU_GBPA_UPDATE);
	CONF_EQ(c, conf_reg(c, SMMU_GBPA), v, "GBPA after a store without Update");
}

static void
cmdq_off(struct conf *c)
{
	uint32_t n = c->info.cmdq_entries, prod = conf_reg(c, SMMU_CMDQ_PROD);
	uint64_t pa = conf_reg64(c, SMMU_CMDQ_BASE) & SMMU_Q_BASE_ADDR;
	uint64_t *q = sluice_raw_mem(c->iommu, pa, (size_t)n * SMMU_CMD_BYTES);
	uint32_t next = (prod + 1) & (2 * n - 1);

	c->renew = true;
	CONF_CHECK(c, q != NULL, "CMDQ_BASE is not memory");
	CONF_CHECK(c, conf_poll(c, SMMU_CMDQ_CONS, 2 * n - 1, prod), "the queue is not idle");
	conf_cr0(c, (uint32_t)(SMMU_CR0_SMMUEN | SMMU_CR0_EVENTQEN));
	q[2 * (prod & (n - 1))] = SMMU_CMD_SYNC;
	q[2 * (prod & (n - 1)) + 1] = 0;
	conf_set_reg(c, SMMU_CMDQ_PROD, next);
	CONF_EQ(c, conf_reg(c, SMMU_CMDQ_CONS) & (2 * n - 1), prod, "CONS while CMDQEN is 0");
	conf_cr0(c, ALL_EN);
	CONF_CHECK(c, conf_poll(c, SMMU_CMDQ_CONS, 2 * n - 1, next),
		   "CONS stays %#x when CMDQEN comes back, PROD %#x",
		   conf_reg(c, SMMU_CMDQ_CONS), next);
}

static void
evtq_off(struct conf *c)
{
	struct conf_space s;
	void *page = conf_space_page(c, &s, 0x5000, CONF_ASID, NULL);
	uint32_t prod;

	c->renew = true;
	conf_space_attach(c, &s, 0);
	prod = conf_reg(c, SMMU_EVENTQ_PROD);
	conf_cr0(c, (uint32_t)(SMMU_CR0_SMMUEN | SMMU_CR0_CMDQEN));
	CONF_CHECK(c, !conf_write(c, 0, 0x6000, page), "an unmapped page is reached");
	CONF_EQ(c, conf_reg(c, SMMU_EVENTQ_PROD), prod, "EVENTQ_PROD while EVENTQEN is 0");
	CONF_EQ(c, conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN), 0,
		"errors, for an event that is not wanted");
	conf_cr0(c, ALL_EN);
	CONF_CHECK(c, !conf_write(c, 0, 0x6000, page), "an unmapped page is reached");
	conf_fault_event(c, SMMU_EVT_F_TRANSLATION, 0, 0x6000, false, 0);
}

static void
guarded_registers(struct conf *c)
{
	static const struct {
		uint32_t off;
		unsigned int size;
		const char *name;
	} regs[] = {
		{ SMMU_STRTAB_BASE, 8, "STRTAB_BASE" },
		{ SMMU_STRTAB_BASE_CFG, 4, "STRTAB_BASE_CFG" },
		{ SMMU_CMDQ_BASE, 8, "CMDQ_BASE" },
		{ SMMU_EVENTQ_BASE, 8, "EVENTQ_BASE" },
		{ SMMU_CR2, 4, "CR2" },
	};

	c->renew = true;
	for (unsigned int i = 0; i < CONF_DIM(regs); i++) {
		bool wide = regs[i].size == 8;
		uint64_t v = wide ? conf_reg64(c, regs[i].off) : conf_reg(c, regs[i].off);

		if (wide)
			conf_set_reg64(c, regs[i].off, v ^ 0x40001);
		else
			conf_set_reg(c, regs[i].off, (uint32_t)v ^ 1);
		CONF_EQ(c, wide ? conf_reg64(c, regs[i].off) : conf_reg(c, regs[i].off), v,
			regs[i].name);
	}
}

/* Ones into a register, and then what it held: @p zero bits must have read as 0 in between. */
static void
res0(struct conf *c, uint32_t off, uint32_t zero, const char *name)
{
	uint32_t was = conf_reg(c, off);

	conf_set_reg(c, off, UINT32_MAX);
	CONF_CHECK(c, conf_poll(c, off, zero, 0), "%s (%#x) keeps RES0 bits: %#x, of them %#x",
		   name, off, conf_reg(c, off), conf_reg(c, off) & zero);
	conf_set_reg(c, off, was & ~zero);
}

/* Bits that the architecture knows, but this SMMU's identification denies; and those above. */
static void
reserved_bits(struct conf *c)
{
	uint32_t r = c->hw.idr0;
	uint32_t pri = r >> 16 & 1, msi = r >> 13 & 1, prod;

	c->renew = true;
	conf_cr0(c, 0);
	if (c->hw.qemu) {
		conf_set_reg(c, SMMU_CR2, 0xfffffff0);
		CONF_EQ(c, conf_reg(c, SMMU_CR2), 0xfffffff0, "CR2 of QEMU");
		conf_set_reg(c, SMMU_CR2, 0);
		return;
	}
	res0(c, 0x02c, 0xfffffff0 | !(r >> 9 & 1) | !(r >> 5 & 1) << 2 | !(r >> 23 & 1) << 3,
	     "CR2"); /* Hyp: E2H; BTM: PTM; ATSRECERR: REC_CFG_ATS */
	res0(c, 0x050, 0xfffffff8 | !pri << 1, "IRQ_CTRL");
	res0(c, 0x064, 0xfffff802 | !pri << 3 | !msi << 4 | !msi << 5 | !(pri && msi) << 6 |
		       !msi << 7 | !(c->hw.idr1 >> 31) << 9 | !(c->hw.idr3 >> 15 & 1) << 10,
	     "GERRORN");
	res0(c, 0x028, 0xfffff000, "CR1");
	res0(c, 0x074, msi ? 0xffffffc0 : UINT32_MAX, "GERROR_IRQ_CFG2");
	res0(c, 0x0bc, msi ? 0xffffffc0 : UINT32_MAX, "EVENTQ_IRQ_CFG2");
	/* An empty queue stays one: only bits above the wrap bit differ. */
	prod = conf_reg(c, 0x098);
	conf_set_reg(c, 0x098, prod | 0xfff00000);
	CONF_CHECK(c, conf_poll(c, 0x098, UINT32_MAX, prod), "CMDQ_PROD keeps RES0 bits: %#x",
		   conf_reg(c, 0x098));
}

/* Registers of what is not there, and of the Secure side; locations without a name. */
static void
reserved_registers(struct conf *c)
{
	static const struct {
		uint32_t off;
		uint8_t bit; /* of IDR0, without which it is RES0; 32: always is */
		const char *name;
	} t[] = {
		{ 0x034, 32, "0x34" }, { 0x040, 8, "STATUSR" }, { 0x0c0, 16, "PRIQ_BASE" },
		{ 0x0c4, 16, "PRIQ_BASE, high" }, { 0x0d0, 16, "PRIQ_IRQ_CFG0" },
		{ 0x0dc, 16, "PRIQ_IRQ_CFG2" }, { 0x100c8, 16, "PRIQ_PROD" },
		{ 0x100cc, 16, "PRIQ_CONS" }, { 0x100, 15, "GATOS_CTRL" },
		{ 0x108, 15, "GATOS_SID" }, { 0x110, 15, "GATOS_ADDR" }, { 0x118, 15, "GATOS_PAR" },
		{ 0x180, 20, "VATOS_SEL" }, { 0x3f0, 32, "0x3f0" }, { 0x8000, 32, "S_IDR0" },
		{ 0x8020, 32, "S_CR0" }, { 0x803c, 32, "S_INIT" }, { 0x8090, 32, "S_CMDQ_BASE" },
		{ 0x80a8, 32, "S_EVENTQ_PROD" },
	};

	c->renew = true;
	conf_cr0(c, 0);
	for (unsigned int i = 0; i < CONF_DIM(t); i++)
		if (t[i].bit == 32 || !(c->hw.idr0 >> t[i].bit & 1))
			res0(c, t[i].off, UINT32_MAX, t[i].name);
	if (!(c->hw.idr1 >> 31))
		res0(c, 0x190, UINT32_MAX, "IDR6 without ECMDQ");
	/* In page 0 these alias page 1's, or are RAZ/WI (§6.2.1). */
	CONF_CHECK(c, conf_reg(c, 0xa8) == 0 || conf_reg(c, 0xa8) == conf_reg(c, 0x100a8),
		   "page 0, 0xa8: %#x", conf_reg(c, 0xa8));
}

static const struct conf_case cases[] = {
	{ "reset.enables",
	  "after bring-up SMMUEN, EVENTQEN and CMDQEN are set and acknowledged, no "
	  "error is active, interrupts are off (§6.3.9)",
	  .run = enables },
	{ "reset.queues",
	  "queue bases are aligned to the queues' sizes and an idle command queue has "
	  "CONS = PROD (§6.3.26, §3.5.1)",
	  .run = queues },
	{ "reset.stream-table",
	  "STRTAB_BASE is memory, aligned to the table's size, and covers what "
	  "the driver says (§6.3.24)",
	  .run = table },
	{ "reset.works", "after bring-up it translates, invalidates, and reports a fault",
	  .run = works_at_once },
	{ "reset.from-running",
	  "bring-up of an SMMU that runs already leads to the same state "
	  "(§6.3.9.6)",
	  .run = from_running },
	{ "reset.from-registers", "bring-up overcomes garbage in every register that it depends on",
	  .run = from_registers },
	{ "reset.from-error",
	  "bring-up overcomes a command queue that stopped with an active error "
	  "(§7.1, §7.5)",
	  .run = from_error },
	{ "reset.from-stale-caches",
	  "bring-up invalidates what caches held: SMMUEN does not "
	  "(§6.3.9.6)",
	  .run = from_stale_caches },
	{ "reset.cr0-reserved", "RES0 bits of CR0 do not appear in CR0ACK (§6.3.10)",
	  .run = cr0_reserved },
	{ "reset.reserved-bits",
	  "RES0 bits of registers, and of features that IDR0 denies, read 0 whatever is stored "
	  "(§6.2)",
	  .qemu_deviates = "they are kept", .run = reserved_bits },
	{ "reset.reserved-registers",
	  "registers of absent features and of the Secure side, and unnamed locations, read 0 "
	  "whatever is stored (§6.2)",
	  .needs = CONF_NEED_MODEL, .run = reserved_registers },
	{ "reset.irq-ctrl", "IRQ_CTRL is acknowledged both ways (§6.3.16)", .run = irq_ack },
	{ "reset.disabled-aborts",
	  "with SMMUEN=0 and GBPA.ABORT=1 accesses abort, and no event is "
	  "recorded (§6.3.14)",
	  .qemu7_deviates = "before 8.0 there is no GBPA: with SMMUEN=0 everything bypasses",
	  .run = disabled_aborts },
	{ "reset.disabled-bypasses",
	  "with SMMUEN=0 and GBPA.ABORT=0 accesses bypass; with SMMUEN=1 "
	  "the STE counts again (§6.3.14)",
	  .run = disabled_bypasses },
	{ "reset.gbpa-update", "a store to GBPA without Update is ignored (§6.3.14, version 3.2)",
	  .needs = CONF_NEED_V32, .run = gbpa_update },
	{ "reset.cmdq-off",
	  "with CMDQEN=0 no command is consumed, and with CMDQEN=1 it is (§6.3.9.4)",
	  .run = cmdq_off },
	{ "reset.evtq-off", "with EVENTQEN=0 events vanish without an error (§7.2)",
	  .run = evtq_off },
	{ "reset.guarded",
	  "while their enables are set, guarded registers ignore writes (§6.2, "
	  "version 3.2)",
	  .needs = CONF_NEED_V32, .run = guarded_registers },
};

CONF_GROUP(reset);

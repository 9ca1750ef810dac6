/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The command queue (§3.5, §4, §7.1): wrap at every size, a full queue, errors of each kind and
 * that the queue goes on after them.
 */
#include <errno.h>

#include "../conf.h"

/* A command that does something that can be seen, through every slot and both values of wrap. */
static void
wrap(struct conf *c)
{
	uint32_t n = c->info.cmdq_entries, laps = 0, last;
	struct conf_space s;
	uint64_t pa[2];
	void *place[2];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	conf_space_make(c, &s, 12, 48, CONF_ASID);
	conf_space_map(c, &s, 0x5000, pa[0], 3);
	conf_space_attach(c, &s, 0);
	last = conf_reg(c, SMMU_CMDQ_PROD);
	for (unsigned int i = 0; i < 3 * n || laps < 5; i++) {
		uint32_t prod;

		CONF_CHECK(c, i < 16 * n + 16, "PROD does not go round: %#x", last);
		conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ASID | smmu_field_prep(SMMU_TLBI_0_ASID, CONF_ASID),
			    0);
		prod = conf_reg(c, SMMU_CMDQ_PROD);
		CONF_CHECK(c, prod < 2 * n, "PROD %#x of %u entries", prod, n);
		CONF_CHECK(c, conf_poll(c, SMMU_CMDQ_CONS, 2 * n - 1, prod),
			   "PROD %#x, CONS %#x after a SYNC", prod, conf_reg(c, SMMU_CMDQ_CONS));
		laps += prod < last || ((prod ^ last) & n) != 0;
		last = prod;
	}
	CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), 0, "where a write lands");
	conf_space_map(c, &s, 0x5000, pa[1], 3);
	conf_cmd_ok(c, SMMU_CMD_TLBI_NH_ASID | smmu_field_prep(SMMU_TLBI_0_ASID, CONF_ASID), 0);
	CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), 1,
		"where a write lands after laps and a TLBI");
	CONF_EQ(c, conf_counter(c, "cmdq_dead"), 0, "the queue is dead");
	CONF_EQ(c, conf_counter(c, "cmdq_bad_cons"), 0, "impossible values of CONS");
	CONF_EQ(c, conf_counter(c, "cmdq_errors"), 0, "command errors");
}

/* Bursts of all lengths, each of which must have been executed. */
static void
bursts(struct conf *c)
{
	struct sluice_raw_info info;
	uint64_t w[64 * 2];
	struct conf_space s;
	uint64_t pa[2];
	void *place[2];
	unsigned int now = 0;

	CONF_OK(c, sluice_raw_get_info(c->iommu, &info));
	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	conf_space_make(c, &s, 12, 48, CONF_ASID);
	conf_space_map(c, &s, 0x5000, pa[0], 3);
	conf_space_attach(c, &s, 0);
	CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), 0, "where a write lands");
	for (unsigned int n = 1; n <= info.max_cmds && n <= 64; n += n < 8 ? 1 : 14) {
		/* Only the last one, then only the first one, counts. */
		for (unsigned int end = 0; end < 2; end++) {
			for (unsigned int i = 0; i < n; i++) {
				bool it = end ? i == 0 : i == n - 1;

				w[2 * i] = it ? SMMU_CMD_TLBI_NH_ASID |
						 smmu_field_prep(SMMU_TLBI_0_ASID, CONF_ASID) :
						SMMU_CMD_PREFETCH_CONFIG |
						 smmu_field_prep(SMMU_CMD_0_SID, UINT32_MAX);
				w[2 * i + 1] = 0;
			}
			now ^= 1;
			conf_space_map(c, &s, 0x5000, pa[now], 3);
			CONF_OK(c, sluice_raw_cmds(c->iommu, w, n));
			if (end == 1 || n < 3 || n + 14 > info.max_cmds)
				CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), now,
					"where a write lands after a burst");
		}
	}
	CONF_CHECK(c, sluice_raw_cmds(c->iommu, w, info.max_cmds + 1u) == -EINVAL,
		   "a burst beyond the queue is accepted");
}

/* More submissions than the queue holds, none of which is waited for before the end. */
static void
full(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, "deferred");
	uint64_t pa, iova[96];
	uint8_t *mem = conf_mem(c, CONF_DIM(iova) * 4096, 4096, &pa);
	struct sluice_domain_stats st;

	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	for (unsigned int i = 0; i < CONF_DIM(iova); i++)
		CONF_OK(c, sluice_map(dom, pa + i * 4096u, 4096, SLUICE_RW, &iova[i]));
	CONF_CHECK(c, conf_write(c, 0, iova[95], mem + 95 * 4096), "a mapped page is not reached");
	for (unsigned int i = 0; i < CONF_DIM(iova); i++)
		CONF_OK(c, sluice_unmap(dom, iova[i], 4096));
	CONF_OK(c, sluice_domain_drain(dom));
	sluice_engine_release(c->engine);
	CONF_CHECK(c, !conf_write(c, 0, iova[95], mem + 95 * 4096), "reached after the drain");
	sluice_domain_get_stats(dom, &st);
	CONF_EQ(c, st.pending, 0, "unmaps still waiting");
	CONF_EQ(c, conf_counter(c, "cmdq_full_timeouts"), 0, "submissions given up");
	conf_events(c);
	c->nb_ev = 0;
}

/* ---- errors --------------------------------------------------------------------------------- */

/* Refused with CERROR_ILL; counted; the queue goes on. */
static void
illegal(struct conf *c, uint64_t w0, uint64_t w1)
{
	uint64_t ill = conf_counter(c, "cmdq_errors_ill");
	int rc = conf_cmd(c, w0, w1);

	CONF_CHECK(c, rc == -EIO, "command %#" PRIx64 " %#" PRIx64 ": %d, expected -EIO", w0, w1,
		   rc);
	CONF_EQ(c, conf_counter(c, "cmdq_errors_ill") - ill, 1, "CERROR_ILL counted");
	CONF_EQ(c, conf_reg(c, SMMU_GERROR), conf_reg(c, SMMU_GERRORN), "GERROR after the repair");
	conf_cmd_ok(c, SMMU_CMD_TLBI_NSNH_ALL, 0);
	CONF_EQ(c, conf_counter(c, "cmdq_dead"), 0, "the queue is dead");
}

static void
accepted(struct conf *c, uint64_t w0, uint64_t w1)
{
	uint64_t ill = conf_counter(c, "cmdq_errors_ill");

	conf_cmd_ok(c, w0, w1);
	CONF_EQ(c, conf_counter(c, "cmdq_errors_ill"), ill, "CERROR_ILL counted");
}

/* What QEMU accepts in silence. */
static void
illegal_but_qemu(struct conf *c, uint64_t w0, uint64_t w1)
{
	if (c->hw.qemu)
		accepted(c, w0, w1);
	else
		illegal(c, w0, w1);
}

static void
ill_reserved(struct conf *c)
{
	static const uint8_t op[] = { 0x00, 0x08, 0x0f, 0x14, 0x31, 0x47, 0x4f, 0x7f };

	for (unsigned int i = 0; i < CONF_DIM(op); i++)
		illegal(c, op[i], 0);
}

static void
ill_ssec(struct conf *c)
{
	illegal(c, SMMU_CMD_CFGI_STE | SMMU_CMD_0_SSEC, 0);
	illegal(c, SMMU_CMD_CFGI_STE_RANGE | SMMU_CMD_0_SSEC, SMMU_CFGI_RANGE_ALL);
	illegal(c, SMMU_CMD_CFGI_CD | SMMU_CMD_0_SSEC, 0);
}

static void
ill_sync_cs(struct conf *c)
{
	illegal_but_qemu(c, SMMU_CMD_SYNC | smmu_field_prep(SMMU_SYNC_0_CS, 3), 0);
}

static void
ill_stage2(struct conf *c)
{
	illegal_but_qemu(c, SMMU_CMD_TLBI_S12_VMALL, 0);
	illegal_but_qemu(c, SMMU_CMD_TLBI_S2_IPA, 0);
}

static void
ill_el2(struct conf *c)
{
	illegal_but_qemu(c, SMMU_CMD_TLBI_EL2_ALL, 0);
	illegal_but_qemu(c, SMMU_CMD_TLBI_EL2_ASID, 0);
	illegal_but_qemu(c, SMMU_CMD_TLBI_EL2_VA, 0);
	illegal_but_qemu(c, SMMU_CMD_TLBI_EL2_VAA, 0);
}

static void
el2(struct conf *c)
{
	static const uint64_t op[] = { 0x20, 0x21, 0x22, 0x23 }; /* ALL, ASID, VA, VAA */

	for (unsigned int i = 0; i < CONF_DIM(op); i++)
		conf_cmd_ok(c, op[i], 0);
}

static void ill_atc(struct conf *c) { illegal_but_qemu(c, SMMU_CMD_ATC_INV, 0); }
static void ill_pri(struct conf *c) { illegal_but_qemu(c, SMMU_CMD_PRI_RESP, 0); }

static void
ill_stall(struct conf *c)
{
	illegal_but_qemu(c, SMMU_CMD_RESUME, 0);
	illegal_but_qemu(c, SMMU_CMD_STALL_TERM, 0);
}

static void
ill_range(struct conf *c)
{
	illegal_but_qemu(c, SMMU_CMD_TLBI_NH_VA, 0x5000 |
			 smmu_field_prep(SMMU_TLBI_1_TG, SMMU_TLBI_TG_4K));
}

/* TG (75:74) = 16 KiB, TTL (73:72) = 1: without 52-bit descriptors a level that has no leaves. */
static void
ill_range_16k(struct conf *c)
{
	if (c->hw.idr5 & SMMU_IDR5_DS)
		conf_skip(c, "IDR5.DS: 16 KiB tables have blocks at level 1");
	illegal_but_qemu(c, SMMU_CMD_TLBI_NH_VA, 0x4000 | 2u << 10 | 1u << 8);
}

static void
err_in_burst(struct conf *c)
{
	struct conf_space s;
	uint64_t pa[2], w[5 * 2] = { 0 };
	void *place[2];

	for (unsigned int i = 0; i < 2; i++)
		place[i] = conf_mem(c, 4096, 4096, &pa[i]);
	conf_space_make(c, &s, 12, 48, CONF_ASID);
	conf_space_map(c, &s, 0x5000, pa[0], 3);
	conf_space_attach(c, &s, 0);
	CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), 0, "where a write lands");
	conf_space_map(c, &s, 0x5000, pa[1], 3);
	for (unsigned int i = 0; i < 4; i++)
		w[2 * i] = i == 2 ? 0xff : SMMU_CMD_PREFETCH_CONFIG |
				    smmu_field_prep(SMMU_CMD_0_SID, UINT32_MAX);
	/* Behind the bad one, in the same burst, comes one whose effect can be seen. */
	w[8] = SMMU_CMD_TLBI_NH_ASID | smmu_field_prep(SMMU_TLBI_0_ASID, CONF_ASID);
	CONF_EQ(c, sluice_raw_cmds(c->iommu, w, 5), -EIO, "a burst with a bad command");
	CONF_EQ(c, conf_land(c, 0, 0x5000, place, 2), 1,
		"where a write lands: the rest was executed");
}

static void
err_again(struct conf *c)
{
	for (unsigned int i = 0; i < 20; i++)
		illegal(c, 0xff, 0);
	CONF_OK(c, sluice_iommu_sync(c->iommu));
	/* A strict unmap after all that. */
	CONF_EQ(c, conf_counter(c, "cmdq_repaired"), conf_counter(c, "cmdq_errors"), "repairs");
}

/* By hand, as §7.1 tells it: what the registers say when a command cannot be fetched. */
static void
err_abort(struct conf *c)
{
	uint64_t nowhere = UINT64_C(1) << (c->hw.oas - 1);
	uint32_t cr0 = conf_reg(c, SMMU_CR0);

	c->renew = c->quiet = true;
	conf_cr0(c, cr0 & ~(uint32_t)SMMU_CR0_CMDQEN);
	conf_set_reg64(c, SMMU_CMDQ_BASE, nowhere | 4);
	conf_set_reg(c, SMMU_CMDQ_PROD, 0);
	conf_set_reg(c, SMMU_CMDQ_CONS, 0);
	conf_cr0(c, cr0);
	conf_set_reg(c, SMMU_CMDQ_PROD, 1);
	CONF_CHECK(c, conf_poll(c, SMMU_CMDQ_CONS,
				(uint32_t)(SMMU_CMDQ_CONS_ERR | SMMU_CMDQ_CONS_RD),
				(uint32_t)smmu_field_prep(SMMU_CMDQ_CONS_ERR, SMMU_CERROR_ABT)),
		   "CMDQ_CONS %#x, expected CERROR_ABT at 0", conf_reg(c, SMMU_CMDQ_CONS));
	CONF_EQ(c, (conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN)) & SMMU_GERROR_CMDQ_ERR,
		SMMU_GERROR_CMDQ_ERR, "GERROR.CMDQ_ERR");
}

/* By hand: an illegal command, acknowledged without mending it, and mended. */
static void
err_by_hand(struct conf *c)
{
	uint32_t cr0 = conf_reg(c, SMMU_CR0), err = (uint32_t)SMMU_GERROR_CMDQ_ERR;
	uint64_t pa, *q = conf_mem(c, 4096, 4096, &pa);

	c->renew = c->quiet = true;
	conf_cr0(c, cr0 & ~(uint32_t)SMMU_CR0_CMDQEN);
	q[0] = SMMU_CMD_TLBI_NSNH_ALL;
	q[2] = 0xff;
	q[4] = SMMU_CMD_SYNC;
	conf_set_reg64(c, SMMU_CMDQ_BASE, pa | 3);
	conf_set_reg(c, SMMU_CMDQ_PROD, 0);
	conf_set_reg(c, SMMU_CMDQ_CONS, 0);
	conf_cr0(c, cr0);
	conf_set_reg(c, SMMU_CMDQ_PROD, 3);
	for (unsigned int i = 0; i < 2; i++) {
		CONF_CHECK(c, conf_poll(c, SMMU_CMDQ_CONS,
					(uint32_t)(SMMU_CMDQ_CONS_ERR | SMMU_CMDQ_CONS_RD),
					1 | (uint32_t)smmu_field_prep(SMMU_CMDQ_CONS_ERR,
								      SMMU_CERROR_ILL)),
			   "CMDQ_CONS %#x, expected CERROR_ILL at 1", conf_reg(c, SMMU_CMDQ_CONS));
		CONF_EQ(c, (conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN)) & err, err,
			"GERROR.CMDQ_ERR");
		/* Only acknowledged: it is fetched again, and refused again. */
		if (i == 0)
			conf_set_reg(c, SMMU_GERRORN, conf_reg(c, SMMU_GERRORN) ^ err);
	}
	__atomic_store_n(&q[2], SMMU_CMD_SYNC, __ATOMIC_RELEASE);
	conf_set_reg(c, SMMU_GERRORN, conf_reg(c, SMMU_GERRORN) ^ err);
	CONF_CHECK(c, conf_poll(c, SMMU_CMDQ_CONS, (uint32_t)SMMU_CMDQ_CONS_RD, 3),
		   "CMDQ_CONS %#x after the repair, expected 3", conf_reg(c, SMMU_CMDQ_CONS));
	CONF_EQ(c, conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN), 0, "GERROR");
}

static void
msi(struct conf *c)
{
	uint64_t pa;
	uint32_t *word = conf_mem(c, 64, 64, &pa);

	conf_cmd_ok(c, SMMU_CMD_SYNC | smmu_field_prep(SMMU_SYNC_0_CS, SMMU_SYNC_CS_IRQ) |
			       smmu_field_prep(SMMU_SYNC_0_MSH, SMMU_SH_ISH) |
			       smmu_field_prep(SMMU_SYNC_0_MSIATTR, SMMU_MEMATTR_WB) |
			       smmu_field_prep(SMMU_SYNC_0_MSIDATA, 0xcafe1234), pa + 8);
	CONF_EQ(c, __atomic_load_n(&word[2], __ATOMIC_ACQUIRE), 0xcafe1234,
		"the word that SYNC writes");
	CONF_EQ(c, word[1] | word[3], 0, "the words beside it");
}

/* The wired output cannot be seen by software, but where an emulated one counts its edges. */
static void
sync_wired(struct conf *c)
{
	uint64_t before;

	if (!c->hw.emu || strstr(c->info.settings, "wired=0") != NULL)
		conf_skip(c, "nobody here sees a wired interrupt");
	before = conf_counter(c, "emu_wired_sync");
	conf_cmd_ok(c, SMMU_CMD_SYNC, 0);
	CONF_EQ(c, conf_counter(c, "emu_wired_sync") - before,
		c->info.caps & SLUICE_CAP_SYNC_MSI ? 1 : 0, "edges of the driver's own SYNC");
	before = conf_counter(c, "emu_wired_sync");
	conf_cmd_ok(c, SMMU_CMD_SYNC | smmu_field_prep(SMMU_SYNC_0_CS, SMMU_SYNC_CS_IRQ), 0);
	CONF_EQ(c, conf_counter(c, "emu_wired_sync") - before,
		c->info.caps & SLUICE_CAP_SYNC_MSI ? 2 : 1, "edges of one more with CS=1");
}

static void
sync_cons(struct conf *c)
{
	uint64_t syncs = conf_counter(c, "cmdq_syncs");

	CONF_CHECK(c, !(c->info.caps & SLUICE_CAP_SYNC_MSI), "sync=cons, and SYNCs write memory");
	for (unsigned int i = 0; i < 10; i++)
		CONF_OK(c, sluice_iommu_sync(c->iommu));
	CONF_EQ(c, conf_counter(c, "cmdq_syncs") - syncs, 10, "SYNCs");
}

#define WRAP(n)                                                                         \
	{                                                                               \
		"cmdq.wrap-" #n,                                                        \
			"a queue of 2^" #n " commands wraps, and each one is executed " \
			"(§3.5.1)",                                                     \
			.args = "cmdq_log2=" #n, .run = wrap                            \
	}

static const struct conf_case cases[] = {
	{ "cmdq.bursts",
	  "of a burst of any length every command is executed before its SYNC is complete "
	  "(§4.7.3)",
	  .run = bursts },
	{ "cmdq.illegal-reserved",
	  "reserved commands are CERROR_ILL; the driver repairs the queue "
	  "(§7.1)",
	  .run = ill_reserved },
	{ "cmdq.illegal-ssec", "SSec=1 on the Non-secure queue is CERROR_ILL (§4.1.6)",
	  .run = ill_ssec },
	{ "cmdq.illegal-sync", "SYNC with CS=3 is CERROR_ILL (§4.7.3)",
	  .qemu_deviates = "CS=3 is accepted (smmuv3_cmdq_consume)", .run = ill_sync_cs },
	{ "cmdq.illegal-stage2", "stage 2 invalidations without stage 2 are CERROR_ILL (§4.4)",
	  .qemu_deviates = "they are accepted, and do nothing", .needs = CONF_NEED_NO_S2,
	  .run = ill_stage2 },
	{ "cmdq.illegal-el2", "EL2 invalidations without IDR0.Hyp are CERROR_ILL (§4.4)",
	  .qemu_deviates = "they are accepted, and do nothing", .needs = CONF_NEED_NO_HYP,
	  .run = ill_el2 },
	{ "cmdq.el2", "with IDR0.Hyp EL2 invalidations are legal (§4.4.2)",
	  .needs = CONF_NEED_HYP, .run = el2 },
	{ "cmdq.illegal-atc", "ATC_INV without ATS is CERROR_ILL (§4.5.1)",
	  .qemu_deviates = "it is accepted, and does nothing", .needs = CONF_NEED_NO_ATS,
	  .run = ill_atc },
	{ "cmdq.illegal-pri", "PRI_RESP without PRI is CERROR_ILL (§4.5.2)",
	  .qemu_deviates = "it is accepted, and does nothing", .needs = CONF_NEED_NO_PRI,
	  .run = ill_pri },
	{ "cmdq.illegal-stall", "RESUME and STALL_TERM without stalls are CERROR_ILL (§4.6)",
	  .qemu_deviates = "they are accepted, and do nothing", .needs = CONF_NEED_NO_STALL,
	  .run = ill_stall },
	{ "cmdq.illegal-range", "a range with NUM = SCALE = TTL = 0 is CERROR_ILL (§4.4.1.1)",
	  .qemu_deviates = "it is accepted: one page", .needs = CONF_NEED_RIL, .run = ill_range },
	{ "cmdq.illegal-range-16k",
	  "TTL=1 of 16 KiB tables is as TTL=0 without IDR5.DS: with NUM = SCALE = 0 it is "
	  "CERROR_ILL (§4.4.1.1)",
	  .qemu_deviates = "it is accepted: one page", .needs = CONF_NEED_RIL,
	  .run = ill_range_16k },
	{ "cmdq.error-in-burst",
	  "behind an illegal command the rest of the burst is executed, and the "
	  "submitter learns of the error (§7.1)",
	  .run = err_in_burst },
	{ "cmdq.error-again", "the queue goes on after every one of many errors (§7.1)",
	  .run = err_again },
	{ "cmdq.error-abort", "a command that cannot be fetched is CERROR_ABT (§7.1)",
	  .needs = CONF_NEED_MODEL, .run = err_abort },
	{ "cmdq.error-by-hand",
	  "CMDQ_ERR acknowledged without a repair comes again; repaired, the queue "
	  "goes on from CONS (§7.1, §7.5)",
	  .run = err_by_hand },
	{ "cmdq.sync-msi", "SYNC with CS=1 writes MSIData to MSIAddress (§4.7.3)",
	  .needs = CONF_NEED_MSI, .run = msi },
	{ "cmdq.sync-wired", "SYNC with CS=1 is an edge on the wired interrupt (§4.7.3, §3.18)",
	  .run = sync_wired },
	{ "cmdq.sync-cons", "the driver does without MSIs (§4.7.3)", .args = "sync=cons",
	  .run = sync_cons },
	{ "cmdq.full",
	  "a queue that is too small for what is submitted fills up, and nothing is lost "
	  "(§3.5.1)",
	  .args = "cmdq_log2=3", .run = full },
	WRAP(1),
	WRAP(2),
	WRAP(3),
	WRAP(4),
	WRAP(5),
	WRAP(6),
	WRAP(7),
	WRAP(8),
};

CONF_GROUP(cmdq);

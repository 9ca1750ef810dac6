/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Opening, attaching and closing against the fake: the order of bring-up, hung handshakes, stream
 * tables of both kinds, what each attach writes and how often it tells the hardware.
 * ops.c and config.c are compiled in, with the register source replaced by the fake.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "control.h"
#include "../xstat.h"

static void
bring_up(void **state)
{
	(void)state;
	/* Somebody left it on, with errors. */
	fake_wr(f, 0x20, 0xf);
	fake_wr(f, 0x24, 0xf);
	fake_wr(f, 0x60, 0x84);
	assert_int_equal(open_with("regs=fake,cmdq_log2=6,evtq_log2=5"), 0);
	assert_int_equal(fake_rd(f, 0x20), 0xd);  /* SMMUEN, EVENTQEN, CMDQEN */
	assert_int_equal(fake_rd(f, 0x24), 0xd);
	assert_int_equal(fake_rd(f, 0x28), 0xd75); /* WB, inner shareable, twice */
	assert_int_equal(fake_rd(f, 0x2c), 0x6);
	assert_int_equal(fake_rd(f, 0x44) & 1u << 20, 1u << 20); /* GBPA.ABORT */
	assert_int_equal(fake_rd(f, 0x64), 0x84); /* old errors dropped */
	assert_int_equal(fake_rd(f, 0x88), 16 | 8u << 6 | 1u << 16);
	assert_int_equal(reg64(0x90) & 31, 6);
	assert_int_equal(reg64(0xa0) & 31, 5);
	assert_int_equal(reg64(0x80) >> 62, 1);
	/* CFGI_ALL, SYNC, TLBI_NSNH_ALL, SYNC. */
	assert_int_equal(f->nlog, 4);
	assert_int_equal(f->log[0].w[0], 0x04);
	assert_int_equal(f->log[0].w[1], 31);
	assert_int_equal(f->log[2].w[0], 0x30);
	assert_string_equal(iommu.info.backend, "smmuv3");
	assert_string_equal(iommu.info.regs, "fake");
	assert_int_equal(iommu.info.ias, 48);
	assert_int_equal(iommu.info.oas, 44);
	assert_int_equal(iommu.info.sid_bits, 16);
	assert_int_equal(iommu.info.cmdq_entries, 64);
	assert_int_equal(iommu.info.evtq_entries, 32);
	assert_int_equal(iommu.caps, SLUICE_CAP_DEFERRED | SLUICE_CAP_RANGE_INV |
			 SLUICE_CAP_COHERENT | SLUICE_CAP_SYNC_MSI | SLUICE_CAP_BYPASS |
			 SLUICE_CAP_EMULATED);
	shut();
	assert_int_equal(fake_rd(f, 0x20), 0);
}

/* EL2 caches are emptied where there are any; sizes are capped by IDR1; CONS when asked. */
static void
variants(void **state)
{
	(void)state;
	fake_wr(f, 0x00, fake_rd(f, 0x00) | 1u << 9);
	assert_int_equal(open_with("regs=fake,sync=cons,strtab=linear"), 0);
	assert_int_equal(f->nlog, 6);
	assert_int_equal(f->log[4].w[0], 0x20);
	assert_int_equal(f->log[5].w[0], 0x46);
	assert_int_equal(iommu.info.cmdq_entries, 1024);
	assert_int_equal(iommu.caps & SLUICE_CAP_SYNC_MSI, 0);
	assert_int_equal(fake_rd(f, 0x88), 16);
	/* Linear: every stream is blocked by an entry of its own. */
	for (unsigned int i = 0; i < 65536; i += 4095)
		assert_int_equal(((uint64_t *)at(reg64(0x80) & 0xfffffffffffc0))[i * 8], 1);
	shut();
	/* Two entries are enough. */
	assert_int_equal(open_with("regs=fake,cmdq_log2=1"), 0);
	shut();
}

static void
wrong_values(void **state)
{
	static const char *const args[] = {
		"regs=fake,cmdq_log2=0", "regs=fake,cmdq_log2=20", "regs=fake,cmdq_log2=x",
		"regs=fake,cmdq_log2=-1", "regs=fake,evtq_log2=1k", "regs=fake,sync=irq",
		"regs=fake,strtab=3lvl", "regs=fake,sync_timeout_us=0",
	};

	(void)state;
	for (unsigned int i = 0; i < RTE_DIM(args); i++) {
		const char *key = args[i] + strlen("regs=fake,");

		assert_int_equal(open_with(args[i]), -EINVAL);
		assert_int_equal(strncmp(sluice_error(), key, strlen(key)), 0);
	}
	fake_wr(f, 0x00, fake_rd(f, 0x00) & ~(1u << 13 | 1u << 27));
	assert_int_equal(open_with("regs=fake,sync=msi"), -EINVAL);
	assert_int_equal(open_with("regs=fake,strtab=2lvl"), -EINVAL);
	assert_int_equal(open_with("regs=fake"), 0);
	assert_int_equal(iommu.caps & SLUICE_CAP_SYNC_MSI, 0);
	shut();
}

/* Memory that the hardware cannot say the addresses of is not given to it. */
static void
memory_out_of_reach(void **state)
{
	struct sluice_mem *mem = f->s.regs.mem;

	(void)state;
	fake_wr(f, 0x14, 0 | 1u << 4); /* OAS: 32 bits */
	f->s.regs.mem = sluice_mem_create(f->ram, (UINT64_C(1) << 32) - FAKE_RAM / 2, FAKE_RAM);
	assert_non_null(f->s.regs.mem);
	assert_int_equal(open_with("regs=fake"), -ENODEV);
	assert_non_null(strstr(sluice_error(), "OAS"));
	assert_int_equal(f->nlog, 0);
	sluice_mem_destroy(f->s.regs.mem);
	f->s.regs.mem = mem;
	assert_int_equal(open_with("regs=fake"), 0);
	shut();
}

static void
hung_hardware(void **state)
{
	size_t used;

	(void)state;
	f->hang_ack = true;
	fake_wr(f, 0x24, 1);
	assert_int_equal(open_with("regs=fake"), -ETIMEDOUT);
	assert_non_null(strstr(sluice_error(), "GBPA"));
	fake_wr(f, 0x44, 0);
	f->hang_ack = false;
	f->hang_sync = true;
	assert_int_equal(open_with("regs=fake,sync_timeout_us=1000"), -ETIMEDOUT);
	assert_non_null(strstr(sluice_error(), "SYNC"));
	f->hang_sync = false;
	assert_int_equal(open_with("regs=fake"), 0);
	/* What does not stop is not freed: the hardware may be using it. */
	f->hang_ack = true;
	used = sluice_mem_used(f->s.regs.mem);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(ops->stop(&iommu), -ETIMEDOUT);
		assert_non_null(strstr(sluice_error(), "kept"));
	}
	assert_int_equal(sluice_mem_used(f->s.regs.mem), used);
	f->hang_ack = false;
	shut();
}

/* Opening fails when the hardware knows of its queue already, and then it cannot be stopped. */
static void
hung_half_way(void **state)
{
	size_t used;

	(void)state;
	f->hang_sync = true;
	f->hang_ack_with = 8; /* from CMDQEN on */
	assert_int_equal(open_with("regs=fake,sync_timeout_us=1000"), -ETIMEDOUT);
	assert_non_null(strstr(sluice_error(), "SYNC"));
	assert_non_null(strstr(sluice_error(), "kept"));
	assert_int_equal(fake_rd(f, 0x24) & 8, 8);
	used = sluice_mem_used(f->s.regs.mem);
	assert_in_range(used, 4096, FAKE_RAM);
	/* Queue and stream table are still what they were. */
	assert_int_equal(((struct smmu_cmd *)at(reg64(0x90) & 0xfffffffffffe0))->w[0] & 0xff, 0x04);
}

static int
teardown_kept(void **state)
{
	(void)state;
	fake_destroy(f);
	return 0;
}

static void
attaching(void **state)
{
	struct sluice_hwdom a = { .ttb = 0x40010000, .ias = 48 };
	struct sluice_hwdom b = { .ttb = 0x40020000, .ias = 48 };
	uint64_t cd;

	(void)state;
	assert_int_equal(open_with("regs=fake,cmdq_log2=6"), 0);
	assert_null(ste(0x1234));
	assert_int_equal(ops->hwdom_init(&iommu, &a), 0);
	assert_int_equal(ops->hwdom_init(&iommu, &b), 0);
	assert_int_not_equal(a.tag, b.tag);

	/* First stream of its 256: the new level-1 entry, attributes, Config. */
	f->nlog = 0;
	assert_int_equal(ops->attach_paging(&iommu, 0x1234, &a), 0);
	assert_int_equal(f->nlog, 6);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0000123400000003));
	assert_int_equal(f->log[0].w[1], 0); /* not leaf */
	assert_int_equal(f->log[2].w[1], 1);
	assert_int_equal(f->log[4].w[1], 1);
	assert_int_equal(ste(0x1234)[0] & 0xf, 0xb);
	cd = ste(0x1234)[0] & 0xfffffffffffc0;
	assert_int_equal(((uint64_t *)at(cd))[1], 0x40010000);
	assert_int_equal(((uint64_t *)at(cd))[0] >> 48, a.tag);
	assert_int_equal(ste(0x1235)[0], 1); /* its neighbour is blocked */

	/* Paging to paging: one SYNC. */
	f->nlog = 0;
	assert_int_equal(ops->attach_paging(&iommu, 0x1234, &b), 0);
	assert_int_equal(f->nlog, 2);
	cd = ste(0x1234)[0] & 0xfffffffffffc0;
	assert_int_equal(((uint64_t *)at(cd))[1], 0x40020000);

	assert_int_equal(ops->hwdom_fini(&iommu, &b), -EBUSY);
	f->nlog = 0;
	assert_int_equal(ops->hwdom_fini(&iommu, &a), 0);
	assert_int_equal(f->log[0].w[0], (uint64_t)a.tag << 48 | 0x11);

	assert_int_equal(ops->attach_identity(&iommu, 0x1234), 0);
	assert_int_equal(ste(0x1234)[0], 9);
	assert_int_equal(ops->attach_identity(&iommu, 0x12ff), 0);
	assert_int_equal(ops->attach_blocked(&iommu, 0x1234), 0);
	assert_int_equal(ste(0x1234)[0], 1);
	assert_int_equal(ops->hwdom_fini(&iommu, &b), 0);
	assert_int_equal(ops->attach_blocked(&iommu, 0x10000), -EINVAL);
	shut();
}

/* Blocking without a wait: told and done when its number is complete; not at all while a control call
 * has the tables, or without room. */
static void
blocking_waits_for_nothing(void **state)
{
	struct sluice_hwdom a = { .ttb = 0x40010000, .ias = 48 };
	uint64_t seq = 0, w0, t0;

	(void)state;
	assert_int_equal(open_with("regs=fake,cmdq_log2=3,sync_timeout_us=100"), 0);
	assert_int_equal(ops->hwdom_init(&iommu, &a), 0);
	assert_int_equal(ops->attach_paging(&iommu, 0x1234, &a), 0);
	assert_int_equal(ops->block(&iommu, 0x4321, &seq), -ENOENT); /* no table there, and none made */
	assert_int_equal(ops->block(&iommu, 0x10000, &seq), -ENOENT);
	w0 = ste(0x1234)[0];
	t0 = f->now;
	pthread_mutex_lock(&smmu()->lock);
	assert_int_equal(ops->block(&iommu, 0x1234, &seq), -EAGAIN);
	pthread_mutex_unlock(&smmu()->lock);
	while (iommu.fast.inv_try(iommu.fast.queue, NULL, 0) != SLUICE_INV_FULL)
		;
	assert_int_equal(ops->block(&iommu, 0x1234, &seq), -EAGAIN);
	assert_int_equal(ste(0x1234)[0], w0);
	assert_int_equal(f->now, t0);
	assert_int_equal(ops->hwdom_fini(&iommu, &a), -EBUSY); /* attached still */
	while (fake_step(&smmu()->regs, 64) != 0)
		;
	f->nlog = 0;
	t0 = f->now;
	assert_int_equal(ops->block(&iommu, 0x1234, &seq), 0);
	assert_int_equal(f->now, t0);
	assert_int_equal(ste(0x1234)[0], 1); /* valid, aborts */
	assert_true(iommu.fast.inv_done(iommu.fast.queue) < seq);
	while (fake_step(&smmu()->regs, 64) != 0)
		;
	assert_true(iommu.fast.inv_done(iommu.fast.queue) >= seq);
	assert_int_equal(f->log[0].w[0], UINT64_C(0x0000123400000003)); /* CFGI_STE, leaf */
	assert_int_equal(f->log[0].w[1], 1);
	/* Whoever changes it next tells the hardware of everything, since nobody waited for that. */
	f->nlog = 0;
	assert_int_equal(ops->attach_blocked(&iommu, 0x1234), 0);
	assert_int_equal(f->log[0].w[0] & 0xff, 4); /* CFGI_ALL */
	assert_int_equal(ops->hwdom_fini(&iommu, &a), 0); /* nobody is attached */
	cmdq_kill(&smmu()->cmdq, "killed", true);
	assert_int_equal(ops->block(&iommu, 0x1234, &seq), -EIO);
	ops->close(&iommu);
}

/* Each TLBI and CFGI, and its SYNC, twice; the SYNC between signals nothing. ATC_INV once. A stretch
 * that a SYNC ends is repeated before what relies on it. */
static void
quirk_repeats(void **state)
{
	static const uint8_t want[][9] = {
		{ 0x12, 0x46, 0x12, 0x46 },             /* TLBI_NH_VA, SYNC, … */
		{ 0x03, 0x46, 0x03, 0x46 },             /* CFGI_STE */
		{ 0x40, 0x46 },                         /* ATC_INV */
		{ 0x2a, 0x46, 0x2a, 0x46, 0x10, 0x46, 0x10, 0x46 }, /* S2_IPA; NH_ALL */
	};
	const struct smmu_cmd sync = { { 0x46, 0 } };
	struct sluice_inv page = { { { SLUICE_INV_RANGE, SLUICE_INV_LEAF, 7 } }, { 1 }, 0x5000 };
	struct smmu_cmd c[4];

	(void)state;
	assert_int_equal(open_with("regs=fake,cmdq_log2=1,quirk=repeat-tlbi-cfgi"), -EINVAL);
	assert_non_null(strstr(sluice_error(), "cmdq_log2=2"));
	assert_int_equal(open_with("regs=fake,quirk=twice"), -EINVAL);
	assert_int_equal(open_with("regs=fake,cmdq_log2=6,quirk=repeat-tlbi-cfgi"), 0);
	for (unsigned int i = 0; i < RTE_DIM(want); i++) {
		unsigned int n = i == 3 ? 3 : 1, k;

		f->nlog = 0;
		c[0].w[0] = want[i][0];
		c[0].w[1] = 0;
		c[1] = sync;
		c[2] = (struct smmu_cmd){ { 0x10, 0 } };
		if (i == 0)
			assert_int_not_equal(iommu.fast.inv_submit(iommu.fast.queue, &page, 1), 0);
		else
			assert_int_not_equal(cmdq_submit(&smmu()->cmdq, c, n), 0);
		while (fake_step(&smmu()->regs, 64) != 0)
			;
		for (k = 0; k < 8 && want[i][k] != 0; k++)
			assert_int_equal(f->log[k].w[0] & 0xff, want[i][k]);
		assert_int_equal(f->nlog, k);
		/* Only the last SYNC signals (CS). */
		for (unsigned int m = 0; m + 1 < k; m++)
			if (want[i][m] == 0x46)
				assert_int_equal(f->log[m].w[0] >> 12 & 3, 0);
		assert_int_equal(iommu.fast.inv_done(iommu.fast.queue),
				 atomic_load(&smmu()->cmdq.head));
	}
	ops->close(&iommu);
}

static void
attach_fails_and_nothing_changed(void **state)
{
	struct sluice_hwdom a = { .ttb = 0x40010000, .ias = 48 };
	struct sluice_hwdom bad = { .ttb = 0x40010800, .ias = 48 };
	uint64_t old;

	(void)state;
	assert_int_equal(open_with("regs=fake,cmdq_log2=6,sync_timeout_us=100"), 0);
	assert_int_equal(ops->hwdom_init(&iommu, &bad), -EINVAL);
	bad.ttb = UINT64_C(1) << 44;
	assert_int_equal(ops->hwdom_init(&iommu, &bad), -EINVAL);
	bad = (struct sluice_hwdom){ .ttb = 0x40010000, .ias = 52 };
	assert_int_equal(ops->hwdom_init(&iommu, &bad), -EINVAL);
	assert_int_equal(ops->hwdom_init(&iommu, &a), 0);
	assert_int_equal(ops->attach_identity(&iommu, 7), 0);
	old = ste(7)[0];
	f->hang_sync = true;
	assert_int_equal(ops->attach_paging(&iommu, 7, &a), -ETIMEDOUT);
	assert_int_equal(ste(7)[0], old);
	assert_int_equal(ste(7)[1], UINT64_C(1) << 44);
	assert_int_equal(ops->hwdom_fini(&iommu, &a), -ETIMEDOUT);
	f->hang_sync = false;
	assert_int_equal(ops->hwdom_fini(&iommu, &a), 0);
	shut();
}

/* All ASIDs, then one too many. */
static void
asids_run_out(void **state)
{
	static struct sluice_hwdom hd[256];

	(void)state;
	fake_wr(f, 0x00, fake_rd(f, 0x00) & ~(1u << 12));
	assert_int_equal(open_with("regs=fake"), 0);
	for (unsigned int i = 0; i < 255; i++) {
		hd[i] = (struct sluice_hwdom){ .ttb = 0x40010000, .ias = 48 };
		assert_int_equal(ops->hwdom_init(&iommu, &hd[i]), 0);
	}
	hd[255] = hd[0];
	assert_int_equal(ops->hwdom_init(&iommu, &hd[255]), -ENOSPC);
	assert_int_equal(ops->hwdom_fini(&iommu, &hd[9]), 0);
	assert_int_equal(ops->hwdom_init(&iommu, &hd[255]), 0);
	assert_int_equal(hd[255].tag, 10);
	shut(); /* frees the others */
}

static void
gerrors(void **state)
{
	struct sluice_inv inv = { { { SLUICE_INV_DOMAIN, 0, 1 } }, { 0 }, 0 };

	(void)state;
	assert_int_equal(open_with("regs=fake"), 0);
	f->s.iommu = &iommu;
	assert_int_equal(ops->service(&iommu), 0);
	/* Two at a time; acknowledged; inactive ones left alone. */
	fake_wr(f, 0x60, fake_rd(f, 0x60) ^ 0x84);
	assert_int_equal(ops->service(&iommu), 2);
	assert_int_equal(fake_rd(f, 0x60), fake_rd(f, 0x64));
	assert_int_equal(ops->service(&iommu), 0);
	/* Somebody else is at it: nobody waits. */
	atomic_flag_test_and_set(&smmu()->servicing);
	fake_wr(f, 0x60, fake_rd(f, 0x60) ^ 0x4);
	assert_int_equal(ops->service(&iommu), 0);
	atomic_flag_clear(&smmu()->servicing);
	assert_int_equal(ops->service(&iommu), 1);
	/* Service-failure mode: the end. */
	fake_wr(f, 0x60, fake_rd(f, 0x60) ^ 0x100);
	assert_int_equal(ops->service(&iommu), 1);
	assert_int_equal(iommu.fast.inv_submit(iommu.fast.queue, &inv, 1), 0);
	shut();
}

static uint64_t
counter(const char *name)
{
	struct sluice_xstat xs[XSTAT_MAX];

	return xstat_value(xs, ops->xstats(&iommu, xs, XSTAT_MAX), name);
}

static unsigned int
fake_xstats(struct sluice_regs *regs, struct sluice_xstat *xs, unsigned int n)
{
	(void)regs;
	for (unsigned int i = 0; i < RTE_MIN(n, 2u); i++) {
		snprintf(xs[i].name, sizeof(xs[i].name), "fake_%u", i);
		xs[i].value = i + 100;
	}
	return 2;
}

static void
xstats(void **state)
{
	struct sluice_inv inv[2] = { { { { SLUICE_INV_RANGE, SLUICE_INV_LEAF, 1 } }, { 1 }, 0x1000 },
				     { { { SLUICE_INV_DOMAIN, 0, 1 } }, { 0 }, 0 } };
	struct sluice_xstat xs[128];
	unsigned int n;

	(void)state;
	f->regs_ops.xstats = fake_xstats;
	assert_int_equal(open_with("regs=fake"), 0);
	iommu.fast.inv_submit(iommu.fast.queue, inv, 1);
	iommu.fast.inv_submit(iommu.fast.queue, inv, 2);
	iommu.fast.inv_submit(iommu.fast.queue, NULL, 0);
	/* Bring-up: CFGI_ALL, TLBI, two SYNCs. */
	assert_int_equal(counter("cmdq_cmds"), 4 + 2 + 3 + 1);
	assert_int_equal(counter("cmdq_syncs"), 2 + 3);
	assert_int_equal(counter("cmdq_tlbis"), 1 + 3);
	assert_int_equal(counter("cmdq_cfgis"), 1);
	assert_int_equal(counter("cmdq_syncs_shared"), 0);
	assert_int_equal(counter("fake_1"), 101);
	/* Counted, not written, beyond what there is room for. */
	n = ops->xstats(&iommu, NULL, 0);
	memset(xs, 0x5a, sizeof(xs));
	assert_int_equal(ops->xstats(&iommu, xs, n - 1), n);
	assert_string_equal(xs[n - 2].name, "fake_0");
	assert_int_equal((uint8_t)xs[n - 1].name[0], 0x5a);
	for (unsigned int i = 0; i < n - 1; i++)
		for (const char *c = xs[i].name; *c != '\0'; c++)
			assert_true((*c >= 'a' && *c <= 'z') || (*c >= '0' && *c <= '9') ||
				    *c == '_');
	shut();
}

/* The nth allocation fails, for each n: an error, and nothing is left behind (teardown looks). */
static void
out_of_memory(void **state)
{
	struct sluice_mem *m = f->s.regs.mem;
	bool failed = false;

	(void)state;
	for (size_t left = 0; left <= (512u << 10); left += 16u << 10) {
		size_t take = FAKE_RAM - left;
		void *hold = take != 0 ? sluice_mem_alloc(m, take - 4096, 64, NULL) : NULL;
		int rc = open_with("regs=fake,cmdq_log2=10,evtq_log2=10");

		assert_true(rc == 0 || rc == -ENOMEM);
		failed |= rc != 0;
		if (rc == 0)
			shut();
		if (hold != NULL)
			sluice_mem_free(m, hold, take - 4096);
	}
	assert_true(failed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(bring_up, setup, teardown),
		cmocka_unit_test_setup_teardown(variants, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_values, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_out_of_reach, setup, teardown),
		cmocka_unit_test_setup_teardown(hung_hardware, setup, teardown),
		cmocka_unit_test_setup_teardown(hung_half_way, setup, teardown_kept),
		cmocka_unit_test_setup_teardown(attaching, setup, teardown),
		cmocka_unit_test_setup_teardown(blocking_waits_for_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(quirk_repeats, setup, teardown),
		cmocka_unit_test_setup_teardown(attach_fails_and_nothing_changed, setup, teardown),
		cmocka_unit_test_setup_teardown(asids_run_out, setup, teardown),
		cmocka_unit_test_setup_teardown(gerrors, setup, teardown),
		cmocka_unit_test_setup_teardown(xstats, setup, teardown),
		cmocka_unit_test_setup_teardown(out_of_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

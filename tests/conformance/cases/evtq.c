/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The event queue (§7.2, §7.4): order, wrap at several sizes, overflow, a queue that cannot be
 * written.
 */
#include "../conf.h"

#define IOVA UINT64_C(0x600000)

static void
make(struct conf *c, struct conf_space *s, void **page)
{
	*page = conf_space_page(c, s, 0x5000, CONF_ASID, NULL);
	conf_space_attach(c, s, 0);
}

static void
fault(struct conf *c, unsigned int i, void *page)
{
	CONF_CHECK(c, !conf_write(c, 0, IOVA + i * 4096u, page), "an unmapped page is reached");
}

/* Events of addresses first, first + 1, …, and nothing else. */
static void
in_order(struct conf *c, unsigned int first, unsigned int n)
{
	CONF_EQ(c, conf_events(c), n, "events");
	for (unsigned int i = 0; i < n; i++) {
		CONF_EQ(c, c->ev[i].f.code, SMMU_EVT_F_TRANSLATION, "the event's number");
		CONF_EQ(c, c->ev[i].f.iova, IOVA + (first + i) * 4096u, "the event's address");
	}
	c->nb_ev = 0;
}

static void
consumed(struct conf *c)
{
	uint32_t n = c->info.evtq_entries;

	CONF_EQ(c, conf_reg(c, SMMU_EVENTQ_CONS) & (2 * n - 1),
		conf_reg(c, SMMU_EVENTQ_PROD) & (2 * n - 1), "CONS of a drained queue");
}

static void
wrap(struct conf *c)
{
	uint32_t n = c->info.evtq_entries;
	unsigned int done = 0;
	struct conf_space s;
	void *page;

	make(c, &s, &page);
	/* Two laps and a half, by as many as fit at once. */
	while (done < 2 * n + (n + 1) / 2) {
		for (unsigned int i = 0; i < n; i++)
			fault(c, done + i, page);
		in_order(c, done, n);
		consumed(c);
		done += n;
		if (n > 1) { /* out of step with the laps */
			fault(c, done, page);
			in_order(c, done++, 1);
		}
	}
	CONF_EQ(c, conf_counter(c, "evtq_overflows"), 0, "overflows");
	CONF_EQ(c, conf_counter(c, "evtq_bad_prod"), 0, "impossible values of PROD");
	CONF_EQ(c, conf_counter(c, "evtq_unknown"), 0, "unknown events");
}

static void
order(struct conf *c)
{
	struct conf_space s;
	void *page;

	make(c, &s, &page);
	for (unsigned int i = 0; i < 10; i++)
		fault(c, i * 7 % 10, page);
	CONF_EQ(c, conf_events(c), 10, "events");
	for (unsigned int i = 0; i < 10; i++)
		CONF_EQ(c, c->ev[i].f.iova, IOVA + i * 7 % 10 * 4096u, "the event's address");
	c->nb_ev = 0;
	consumed(c);
}

static void
overflow(struct conf *c)
{
	uint32_t n = c->info.evtq_entries, prod;
	struct conf_space s;
	void *page;

	c->quiet = c->hw.qemu;
	c->renew = true;
	make(c, &s, &page);
	for (unsigned int i = 0; i < n; i++)
		fault(c, i, page);
	prod = conf_reg(c, SMMU_EVENTQ_PROD);
	CONF_EQ(c, prod & SMMU_EVENTQ_OVFLG, 0, "OVFLG of a queue that is just full");
	for (unsigned int i = n; i < n + 3; i++)
		fault(c, i, page);
	if (c->hw.qemu) {
		CONF_EQ(c, conf_reg(c, SMMU_EVENTQ_PROD), prod, "EVENTQ_PROD on QEMU");
		CONF_EQ(c, (conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN)) &
				SMMU_GERROR_EVENTQ_ABT_ERR, SMMU_GERROR_EVENTQ_ABT_ERR,
			"GERROR.EVENTQ_ABT_ERR on QEMU");
	} else {
		CONF_EQ(c, conf_reg(c, SMMU_EVENTQ_PROD) ^ prod, SMMU_EVENTQ_OVFLG,
			"what three lost events change in EVENTQ_PROD: OVFLG, once");
		CONF_EQ(c, conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN), 0,
			"errors: overflow is none");
	}
	in_order(c, 0, n);
	if (!c->hw.qemu) {
		CONF_EQ(c, (conf_reg(c, SMMU_EVENTQ_CONS) ^ conf_reg(c, SMMU_EVENTQ_PROD)) &
				SMMU_EVENTQ_OVFLG, 0, "OVACKFLG after the drain");
		CONF_EQ(c, conf_counter(c, "evtq_overflows"), 1,
			"overflows that the driver counted");
	} else {
		/* Acknowledged, or the model records nothing more. */
		conf_set_reg(c, SMMU_GERRORN, conf_reg(c, SMMU_GERROR));
	}
	/* It goes on; and a second overflow is told as well. */
	fault(c, 100, page);
	in_order(c, 100, 1);
	if (c->hw.qemu)
		return;
	for (unsigned int i = 0; i <= n; i++)
		fault(c, i, page);
	in_order(c, 0, n);
	CONF_EQ(c, conf_counter(c, "evtq_overflows"), 2, "overflows that the driver counted");
}

static void
aborts(struct conf *c)
{
	uint64_t nowhere = UINT64_C(1) << (c->hw.oas - 1);
	uint32_t cr0 = conf_reg(c, SMMU_CR0), prod;
	struct conf_space s;
	void *page;

	c->renew = c->quiet = true;
	make(c, &s, &page);
	conf_cr0(c, cr0 & ~(uint32_t)SMMU_CR0_EVENTQEN);
	conf_set_reg64(c, SMMU_EVENTQ_BASE, nowhere | 4);
	conf_set_reg(c, SMMU_EVENTQ_PROD, 0);
	conf_set_reg(c, SMMU_EVENTQ_CONS, 0);
	conf_cr0(c, cr0);
	prod = conf_reg(c, SMMU_EVENTQ_PROD);
	fault(c, 0, page);
	CONF_EQ(c, (conf_reg(c, SMMU_GERROR) ^ conf_reg(c, SMMU_GERRORN)) &
			SMMU_GERROR_EVENTQ_ABT_ERR, SMMU_GERROR_EVENTQ_ABT_ERR,
		"GERROR.EVENTQ_ABT_ERR");
	CONF_EQ(c, conf_reg(c, SMMU_EVENTQ_PROD), prod, "EVENTQ_PROD");
	/* The stream itself goes on. */
	CONF_CHECK(c, conf_write(c, 0, 0x5000, page), "a mapped page is not reached");
}

static struct sluice_fault seen[8];
static unsigned int nb_seen;

static void
on_fault(const struct sluice_fault *f, unsigned int n, void *arg)
{
	(void)arg;
	for (unsigned int i = 0; i < n && nb_seen < CONF_DIM(seen); i++)
		seen[nb_seen++] = f[i];
}

static void
by_engine(struct conf *c)
{
	struct sluice_domain *dom = conf_domain(c, SLUICE_DOMAIN_PAGING, NULL);
	struct sluice_engine_stats st;
	uint64_t pa, iova;
	void *page = conf_mem(c, 4096, 4096, &pa);

	nb_seen = 0;
	CONF_OK(c, sluice_device_attach(c->dev[0].dev, dom));
	CONF_OK(c, sluice_map(dom, pa, 4096, SLUICE_READ, &iova));
	sluice_engine_set_fault_cb(c->engine, on_fault, NULL);
	CONF_CHECK(c, !conf_write(c, 0, iova, page), "a read-only page is written");
	CONF_CHECK(c, !conf_write(c, 0, iova + 0x10000000, page), "an unmapped page is reached");
	for (unsigned int i = 0; i < 100; i++)
		sluice_engine_poll(c->engine);
	sluice_engine_release(c->engine);
	sluice_engine_set_fault_cb(c->engine, NULL, NULL);
	CONF_EQ(c, nb_seen, 2, "faults given to the handler");
	CONF_EQ(c, seen[0].kind, SLUICE_FAULT_PERMISSION, "the first fault's kind");
	CONF_EQ(c, seen[0].iova, iova, "the first fault's address");
	CONF_EQ(c, seen[0].stream, c->dev[0].sid, "the first fault's stream");
	CONF_EQ(c, seen[0].flags, SLUICE_FAULT_WRITE, "the first fault's flags");
	CONF_EQ(c, seen[1].kind, SLUICE_FAULT_TRANSLATION, "the second fault's kind");
	CONF_EQ(c, seen[1].iova, iova + 0x10000000, "the second fault's address");
	sluice_engine_get_stats(c->engine, &st);
	CONF_CHECK(c, st.faults[SLUICE_FAULT_PERMISSION] >= 1 && st.fault_received >= 2,
		   "the engine counted %" PRIu64 " faults", st.fault_received);
	CONF_OK(c, sluice_unmap(dom, iova, 4096));
}

#define WRAP(n)                                                                            \
	{                                                                                  \
		"evtq.wrap-" #n,                                                           \
			"a queue of 2^" #n " events wraps, nothing is lost, the order is " \
			"kept (§3.5.1)",                                                   \
			.args = "evtq_log2=" #n, .run = wrap                               \
	}

static const struct conf_case cases[] = {
	{ "evtq.order", "events come in the order of their causes, and CONS follows (§7.2)",
	  .run = order },
	{ "evtq.engine", "the engine's poll hands each fault to the handler, decoded",
	  .run = by_engine },
	{ "evtq.aborts",
	  "a queue where nothing answers is EVENTQ_ABT_ERR, and accesses go on (§7.2)",
	  .needs = CONF_NEED_MODEL, .run = aborts },
	{ "evtq.overflow",
	  "events that find the queue full are lost, OVFLG toggles once, recording "
	  "goes on as soon as there is room (§7.4)",
	  .qemu_deviates =
		  "OVFLG does not exist; GERROR.EVENTQ_ABT_ERR is set (smmuv3_write_eventq)",
	  .args = "evtq_log2=2", .run = overflow },
	WRAP(0),
	WRAP(1),
	WRAP(2),
	WRAP(3),
	WRAP(4),
};

CONF_GROUP(evtq);

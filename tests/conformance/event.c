/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Event records (IHI 0070 §7.3): drained through the driver, compared bit by bit with what the
 * architecture says, and with what the driver made of them.
 */
#include "conf.h"

unsigned int
conf_events(struct conf *c)
{
	uint64_t w[16 * 4];
	struct sluice_fault f[16];
	int n;

	do {
		unsigned int room = CONF_EVENTS - c->nb_ev;

		n = sluice_raw_events(c->iommu, w, f, room < 16 ? room : 16);
		CONF_CHECK(c, n >= 0, "events cannot be read: %s", sluice_error());
		for (int i = 0; i < n; i++) {
			memcpy(c->ev[c->nb_ev].w, &w[i * 4], sizeof(c->ev[0].w));
			c->ev[c->nb_ev++].f = f[i];
		}
	} while (n > 0);
	return c->nb_ev;
}

void
conf_no_event(struct conf *c)
{
	unsigned int n = conf_events(c);

	CONF_CHECK(c, n == 0,
		   "%u events, none expected; the first: %#" PRIx64 " %#" PRIx64 " %#" PRIx64
		   " %#" PRIx64, n, c->ev[0].w[0], c->ev[0].w[1], c->ev[0].w[2], c->ev[0].w[3]);
}

/* What the driver tells its user must follow from the record. */
static void
check_decoded(struct conf *c, const struct conf_event *e)
{
	uint8_t id = (uint8_t)(e->w[0] & SMMU_EVT_0_ID);
	bool has_input = id >= SMMU_EVT_F_WALK_EABT && id <= SMMU_EVT_F_PERMISSION;

	CONF_EQ(c, e->f.code, id, "the driver's code of the event");
	CONF_EQ(c, e->f.stream, e->w[0] >> 32, "the driver's stream");
	if (!has_input)
		return;
	CONF_EQ(c, e->f.iova, e->w[2], "the driver's address");
	CONF_EQ(c, !(e->f.flags & SLUICE_FAULT_WRITE), !!(e->w[1] & SMMU_EVT_1_RNW),
		"the driver's direction (1: read)");
}

void
conf_one_event(struct conf *c, const uint64_t want[4], const uint64_t ignore[4])
{
	unsigned int n = conf_events(c);

	CONF_CHECK(c, n == 1, "%u events, expected one, %#x", n,
		   (unsigned int)(want[0] & SMMU_EVT_0_ID));
	for (unsigned int i = 0; i < 4; i++)
		CONF_CHECK(c, ((c->ev[0].w[i] ^ want[i]) & ~ignore[i]) == 0,
			   "event record %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64
			   ", expected %#" PRIx64 " %#" PRIx64 " %#" PRIx64 " %#" PRIx64
			   " (word %u)", c->ev[0].w[0], c->ev[0].w[1], c->ev[0].w[2],
			   c->ev[0].w[3], want[0], want[1], want[2], want[3], i);
	check_decoded(c, &c->ev[0]);
	c->nb_ev = 0;
}

static uint64_t
word0(struct conf *c, uint8_t id, unsigned int d)
{
	return smmu_field_prep(SMMU_EVT_0_ID, id) |
	       smmu_field_prep(SMMU_EVT_0_SID, c->dev[d].sid);
}

void
conf_config_event(struct conf *c, uint8_t id, unsigned int d)
{
	const uint64_t want[4] = { word0(c, id, d) }, none[4] = { 0 };

	conf_one_event(c, want, none);
}

void
conf_fetch_event(struct conf *c, uint8_t id, unsigned int d, uint64_t addr)
{
	uint64_t want[4] = { word0(c, id, d), 0, 0, addr & SMMU_EVT_3_FETCHADDR };
	const uint64_t ignore[4] = { 0, SMMU_EVT_1_REASON };

	/* QEMU puts the address of a CD where the input address of other events is. */
	if (id == SMMU_EVT_F_CD_FETCH && c->hw.qemu) {
		want[2] = want[3];
		want[3] = 0;
	}
	conf_one_event(c, want, ignore);
}

void
conf_fault_event(struct conf *c, uint8_t id, unsigned int d, uint64_t iova, bool read,
		 uint64_t fetch)
{
	uint64_t cls = id == SMMU_EVT_F_WALK_EABT ? SMMU_EVT_CLASS_TTD : SMMU_EVT_CLASS_IN;
	uint64_t want[4] = { word0(c, id, d), read ? SMMU_EVT_1_RNW : 0, iova, 0 };
	/* A stage 1 fault's IPA is UNKNOWN (§7.3.12). */
	uint64_t ignore[4] = { 0, 0, 0, SMMU_EVT_3_IPA };

	/* The address space in front of 7.2's model ends there: the bus aborts. */
	if (c->hw.qemu_s1 && iova >> 48 != 0) {
		conf_no_event(c);
		return;
	}
	if (id == SMMU_EVT_F_WALK_EABT) {
		want[3] = fetch & SMMU_EVT_3_FETCHADDR;
		ignore[1] = SMMU_EVT_1_REASON;
		ignore[3] = 0;
	} else if (c->hw.qemu_s1) {
		cls = 0; /* 7.2 leaves CLASS 0 in translation faults */
	}
	want[1] |= smmu_field_prep(SMMU_EVT_1_CLASS, cls);
	conf_one_event(c, want, ignore);
}

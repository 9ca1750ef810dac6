/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The devices: between two turns of the hardware one of them makes an access, at an address that is
 * mapped, that was mapped, or that a worker is just about to map or unmap.
 */
#include <inttypes.h>
#include <string.h>

#include "pmd/emu/core/emu.h"
#include "world.h"

/* Look whether the hardware counted what no device may do. */
static void
check_stale(const struct device *dev, uint64_t iova)
{
	struct emu_stats st;

	emu_get_stats(dev->emu, &st);
	SIM_CHECK(st.stale_accesses == world.stale,
		  "device %u reached a page at IOVA %#" PRIx64 " that its owner has back", dev->stream,
		  iova);
}

/* One access of 8 bytes to a mapping, live at the moment or not. */
static void
use(struct device *dev, struct worker *w, struct map *m)
{
	unsigned int i = m->n > 1 ? sim_rnd(m->n) : 0;
	struct sluice_seg seg = m->seg[i];
	unsigned int page = sim_rnd(m->pages[i] != 0 ? m->pages[i] : 1);
	uint64_t iova = ((seg.iova >> 12) + page) << 12, got = 0, tag;
	uint32_t gen = m->gen, changes = dev->changes;
	int attached = dev->domain;
	bool was = m->live && attached == m->domain;
	enum emu_access res;

	if (seg.iova == 0 || m->pages[i] == 0)
		return;
	/* Of a piece that begins within its page the first bytes are none of the device's: any
	 * address in the page will do for the hardware, which knows pages. */
	tag = w->page[m->page[i] + page].tag;
	world.access = (struct access){ dev->stream, iova, w->id, m->live, m->domain };
	res = dev->atc != NULL ? emu_atc_dma(dev->emu, dev->atc, iova, &got, 8, false, NULL) :
				 emu_dma(dev->emu, dev->stream, iova, &got, 8, false, NULL);
	check_stale(dev, iova);
	if (res == EMU_OK && w->page[m->page[i] + page].state == PAGE_EXPOSED)
		sometimes(device_probe_exposed);
	if (res == EMU_OK)
		sometimes(device_hit);
	else
		sometimes(device_fault);
	if (!was || !m->live || m->gen != gen || dev->changes != changes)
		return;
	/* Whatever happened meanwhile, this mapping was there all the time. */
	SIM_CHECK(res == EMU_OK || dev->dead || world.broken,
		  "device %u cannot reach IOVA %#" PRIx64 ", mapped by worker %u", dev->stream, iova,
		  w->id);
	if (res != EMU_OK || page * 4096 < (seg.pa & 4095))
		return;
	SIM_CHECK(got == tag, "device %u reads %#" PRIx64 " at IOVA %#" PRIx64 ", which worker %u "
		  "mapped to %#" PRIx64, dev->stream, got, iova, w->id, tag);
}

/* The same with what the control thread maps at fixed addresses, and with the pages before it. */
static void
use_fixed(struct device *dev)
{
	const struct fixed *f = &world.fixed;
	unsigned int page = sim_rnd(f->pages + 4);
	uint64_t iova = f->iova + page * 4096ul - 4 * 4096ul, got = 0;
	uint32_t gen = f->gen, changes = dev->changes;
	bool live = f->live && dev->domain == (int)f->domain;
	enum emu_access res;

	world.access = (struct access){ dev->stream, iova, UINT32_MAX, f->live, f->domain };
	res = dev->atc != NULL ? emu_atc_dma(dev->emu, dev->atc, iova, &got, 8, false, NULL) :
				 emu_dma(dev->emu, dev->stream, iova, &got, 8, false, NULL);
	check_stale(dev, iova);
	if (!live || f->gen != gen || dev->changes != changes || page < 4)
		return;
	SIM_CHECK(res == EMU_OK || dev->dead || world.broken,
		  "device %u cannot reach %#" PRIx64 ", which is mapped there", dev->stream, iova);
	SIM_CHECK(res != EMU_OK || got == f->tag, "device %u reads %#" PRIx64 " at %#" PRIx64,
		  dev->stream, got, iova);
	sometimes(fixed_hit);
}

void
device_turn(void)
{
	struct device *dev = &world.device[sim_rnd(world.plan.v[PLAN_devices])];
	struct worker *w = &world.worker[sim_rnd(world.plan.v[PLAN_workers])];
	struct map *m;

	if (world.reset || world.plan.v[PLAN_devices] == 0 || dev->dev == NULL)
		return;
	if (world.fixed.pages != 0 && sim_one_in(world.fixed.live ? 2 : 8)) {
		use_fixed(dev);
		return;
	}
	m = &w->map[sim_rnd(world.plan.v[PLAN_live])];
	if (m->n != 0 || m->seg[0].iova != 0)
		use(dev, w, m);
}

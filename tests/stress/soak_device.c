/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The soak's devices: they come, are attached, move bytes, try addresses that are none of theirs,
 * and go.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>

#include "engine/driver.h"
#include "pmd/emu/core/emu.h"
#include "soak.h"

void
device_make(unsigned int i)
{
	uint32_t stream = (i + 1) * 8;
	char args[64];

	snprintf(args, sizeof(args), "emu,probe=1,ring=64,seed=%u", i + 1);
	soak.dev[i].slot = -1;
	soak.dev[i].dev = sluice_device_add(soak.iommu, &stream, 1);
	SOAK_CHECK(soak.dev[i].dev != NULL || rte_errno == ETIMEDOUT || rte_errno == EIO,
		   "device_add: %s", sluice_error());
	if (soak.dev[i].dev == NULL)
		return;
	soak.dev[i].dma = sluice_dma_open(soak.dev[i].dev, args);
	SOAK_CHECK(soak.dev[i].dma != NULL, "dma_open: %s", sluice_error());
}

/* Transfers to what workers use, or used. */
void
device_use(unsigned int i)
{
	struct sluice_dma_desc d[4];
	struct sluice_dma_cpl c[16];

	for (unsigned int k = 0; k < RTE_DIM(d); k++)
		d[k] = (struct sluice_dma_desc){
			.iova = atomic_load(&soak.recent[control_rnd(SOAK_WORKERS)][control_rnd(SOAK_RECENT)]),
			.len = 64, .flags = control_rnd(2) ? SLUICE_DMA_TO_HOST : 0 };
	(void)sluice_dma_submit(soak.dev[i].dma, d, RTE_DIM(d));
	(void)sluice_dma_completed(soak.dev[i].dma, c, RTE_DIM(c));
}

void
device_attach(unsigned int i)
{
	unsigned int slot = (unsigned int)control_rnd(SOAK_DOMAINS);
	struct domain *dom = &soak.dom[slot];

	if (dom->d == NULL)
		return;
	soak.attaches++;
	(void)control_ok(sluice_device_attach(soak.dev[i].dev, dom->d), "attach");
}

static void
dma_quiet(unsigned int i)
{
	struct sluice_dma_cpl c[16];
	struct sluice_dma_stats st;

	do {
		(void)sluice_dma_completed(soak.dev[i].dma, c, RTE_DIM(c));
		sluice_dma_get_stats(soak.dev[i].dma, &st);
		if (!soak.free_running)
			sluice_iommu_step(soak.iommu, 64);
	} while (st.submitted != st.completed);
}

bool
device_end(unsigned int i)
{
	if (soak.dev[i].dev == NULL)
		return true;
	if (soak.dev[i].dma != NULL) {
		dma_quiet(i);
		SOAK_CHECK(sluice_dma_close(soak.dev[i].dma) == 0, "%s", sluice_error());
		soak.dev[i].dma = NULL;
	}
	if (!control_ok(sluice_device_remove(soak.dev[i].dev), "device_remove")) {
		char args[64];

		snprintf(args, sizeof(args), "emu,probe=1,ring=64,seed=%u", i + 1);
		soak.dev[i].dma = sluice_dma_open(soak.dev[i].dev, args);
		return false;
	}
	soak.dev[i].dev = NULL;
	return true;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The inside of a device.
 */
#ifndef ENGINE_DEVICE_H
#define ENGINE_DEVICE_H

#include <sluice/device.h>

#include "../driver.h"

#define SLUICE_DEVICE_STREAMS 8u

struct sluice_device {
	TAILQ_ENTRY(sluice_device) next;
	struct sluice_iommu *iommu;
	struct sluice_domain *dom; /* NULL: blocked */
	unsigned int nb_streams;
	uint32_t stream[SLUICE_DEVICE_STREAMS];
	bool ats;    /* wanted: on whenever it is attached to a page table */
	bool ats_on; /* it is on, and the device in its domain's list */
	bool untrusted;     /* it gets domains made so, only (E5) */
	const char *policy; /* its default, or NULL; defaults.c */
	_Atomic bool quarantined; /* written once, by ats_quarantine(); any thread reads it */
};

#endif

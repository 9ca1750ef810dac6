/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the calls that nulls.py writes find.
 */
#ifndef NULLS_H
#define NULLS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sluice/raw.h>
#include <sluice/sluice.h>

extern struct nulls {
	struct sluice_iommu *iommu;
	struct sluice_engine *engine;
	struct sluice_domain *dom;
	struct sluice_device *dev;
	struct sluice_dma *dma;
	_Alignas(64) uint8_t room[16384];
	const char *doing; /* what a crash was in */
} nulls;

#define NULLS_SAY(what) (nulls.doing = (what))

/** The last call set rte_errno, and a line for people. */
void nulls_told(void);

/** All of them. @return how many. */
unsigned int nulls_call(void);

#endif

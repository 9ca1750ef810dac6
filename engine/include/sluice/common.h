/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The basis of every public header of sluice: export marks, opaque handles, errors.
 */
#ifndef SLUICE_COMMON_H
#define SLUICE_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Marks a symbol that the shared library exports; everything else is hidden. */
#define SLUICE_API __attribute__((visibility("default")))

struct sluice_iommu;  /**< one IOMMU instance, driven by one backend */
struct sluice_device; /**< a DMA master behind an iommu */
struct sluice_domain; /**< an address space: page table + IOVA space + unmap policy */
struct sluice_engine; /**< the polled loop that serves one or more iommus */
struct sluice_dma;    /**< one channel of something that makes DMA */

/** One named counter from sluice_iommu_xstats(). */
struct sluice_xstat {
	char name[40];
	uint64_t value;
};

/**
 * The last error of this thread, as one line for people: it names the wrong value and what would be
 * right. Every control call that fails sets it. The fast path (map, unmap, poll) sets it only if
 * one of its waits ended by the SYNC timeout; then it says what was waited for.
 * @return a string valid until the next failing call of this thread; "" if there was none.
 */
SLUICE_API const char *sluice_error(void);

/** The version of the library, "MAJOR.MINOR.PATCH". */
SLUICE_API const char *sluice_version(void);

#ifdef __cplusplus
}
#endif
#endif

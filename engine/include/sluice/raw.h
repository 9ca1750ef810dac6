/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * For conformance tests and debugging: the hardware past the driver's own decisions. Registers,
 * commands, table entries and event records are given as the architecture lays them out; nothing
 * is checked, and a driver whose tables were changed behind its back may misbehave until
 * sluice_raw_reset(). Not for applications.
 *
 * Control path, one thread, while nothing else uses the iommu. Every call returns -ENOTSUP where
 * the backend has no such thing; words are 64-bit, in the machine's byte order.
 */
#ifndef SLUICE_RAW_H
#define SLUICE_RAW_H

#include <sluice/common.h>
#include <sluice/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the hardware looks up for a stream. */
enum sluice_raw_entry {
	SLUICE_RAW_STREAM,    /**< the stream's own entry (SMMUv3: STE; VT-d: root/context entry) */
	SLUICE_RAW_STREAM_L1, /**< the upper-level entry that leads to it (SMMUv3: L1STD) */
	SLUICE_RAW_CONTEXT, /**< the address space that it points to (SMMUv3: CD of no substream) */
	SLUICE_RAW_ENTRIES,
};

/** Sizes of the architecture's structures. */
struct sluice_raw_info {
	char arch[16];                           /**< "smmuv3" */
	uint32_t regs_bytes;                     /**< of the register space */
	uint8_t cmd_words;                       /**< 64-bit words of one command */
	uint8_t event_words;                     /**< … of one event record */
	uint8_t entry_words[SLUICE_RAW_ENTRIES]; /**< … of each kind of entry */
	uint8_t max_cmds;                        /**< commands in one sluice_raw_cmds() */
};

/** Fill @p info. @return 0; -ENOTSUP; -EINVAL. */
SLUICE_API int sluice_raw_get_info(struct sluice_iommu *iommu, struct sluice_raw_info *info);

/**
 * Read or write a register. Emulated hardware sees a write when it is stepped next.
 * @param off byte offset. @param size 4 or 8. @return 0; -EINVAL beyond the registers, or not
 *   aligned.
 */
SLUICE_API int sluice_raw_reg_read(struct sluice_iommu *iommu, uint32_t off, unsigned int size,
				   uint64_t *v);
SLUICE_API int sluice_raw_reg_write(struct sluice_iommu *iommu, uint32_t off, unsigned int size,
				    uint64_t v);

/**
 * Have @p n commands executed: through the driver's own queue, followed by the driver's own SYNC,
 * for which this waits. @param words n * cmd_words. @param n 0 … max_cmds.
 * @return 0; -EIO the hardware refused one of them (the driver repaired the queue); -ETIMEDOUT;
 *   -EINVAL too many.
 */
SLUICE_API int sluice_raw_cmds(struct sluice_iommu *iommu, const uint64_t *words, unsigned int n);

/**
 * Read an entry as it is in memory. @param words entry_words[kind] of them.
 * @return 0; -ENOENT there is none (linear table, no context); -EINVAL no such stream; -ENOMEM.
 */
SLUICE_API int sluice_raw_entry_read(struct sluice_iommu *iommu, enum sluice_raw_entry kind,
				     uint32_t stream, uint64_t *words);

/**
 * Store an entry as given, word by word from the last to the first, and tell the hardware
 * nothing. (A level-2 table that is missing is made, which the hardware is told.)
 * @return as sluice_raw_entry_read().
 */
SLUICE_API int sluice_raw_entry_write(struct sluice_iommu *iommu, enum sluice_raw_entry kind,
				      uint32_t stream, const uint64_t *words);

/**
 * Change an entry (SLUICE_RAW_STREAM, SLUICE_RAW_CONTEXT) the way the driver does: without a moment
 * in which the hardware could see a mixture, telling it after each step.
 * @return as sluice_raw_entry_read(); -ETIMEDOUT; -EIO.
 */
SLUICE_API int sluice_raw_entry_change(struct sluice_iommu *iommu, enum sluice_raw_entry kind,
				       uint32_t stream, const uint64_t *words);

/**
 * Drain up to @p n event records through the driver: as the hardware wrote them, and as the driver
 * understands them. No engine may poll meanwhile.
 * @param words n * event_words, or NULL. @param f n, or NULL. @return how many.
 */
SLUICE_API int sluice_raw_events(struct sluice_iommu *iommu, uint64_t *words,
				 struct sluice_fault *f, unsigned int n);

/**
 * Reset and bring up again, from whatever state the registers are in, with the tables that are in
 * memory. Nothing may be in flight. @return 0; -ETIMEDOUT; -EIO.
 */
SLUICE_API int sluice_raw_reset(struct sluice_iommu *iommu);

/** Where memory of this iommu is in the process. @return NULL when not all of it is its memory. */
SLUICE_API void *sluice_raw_mem(struct sluice_iommu *iommu, uint64_t pa, size_t len);

#ifdef __cplusplus
}
#endif
#endif

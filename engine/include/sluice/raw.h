/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Direct access to the hardware, for conformance tests and debugging, not for applications.
 * Registers, commands, table entries and event records have the architecture's layout. Nothing is
 * checked, and a driver whose tables were changed without its knowledge may misbehave until
 * sluice_raw_reset().
 *
 * Control path, one thread, while nothing else uses the iommu. A call returns -ENOTSUP if the
 * backend does not support it. Words are 64-bit, in the machine's byte order.
 */
#ifndef SLUICE_RAW_H
#define SLUICE_RAW_H

#include <sluice/common.h>
#include <sluice/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

/** The structures that the hardware looks up for a stream. */
enum sluice_raw_entry {
	SLUICE_RAW_STREAM,    /**< the stream's own entry (SMMUv3: STE; VT-d: root/context entry) */
	SLUICE_RAW_STREAM_L1, /**< the upper-level entry that leads to it (SMMUv3: L1STD) */
	SLUICE_RAW_CONTEXT, /**< its address space (SMMUv3: the CD without a substream) */
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
 * Read or write a register. Emulated hardware sees a write when it is next stepped.
 * @param off byte offset. @param size 4 or 8. @return 0; -EINVAL beyond the registers, or not
 *   aligned.
 */
SLUICE_API int sluice_raw_reg_read(struct sluice_iommu *iommu, uint32_t off, unsigned int size,
				   uint64_t *v);
SLUICE_API int sluice_raw_reg_write(struct sluice_iommu *iommu, uint32_t off, unsigned int size,
				    uint64_t v);

/**
 * Execute @p n commands through the driver's own queue, followed by the driver's own SYNC, and wait
 * for it. @param words n * cmd_words. @param n 0 … max_cmds.
 * @return 0; -EIO the hardware refused one of them (the driver repaired the queue); -ETIMEDOUT;
 *   -EINVAL too many.
 */
SLUICE_API int sluice_raw_cmds(struct sluice_iommu *iommu, const uint64_t *words, unsigned int n);

/**
 * Read an entry from memory. @param words entry_words[kind] of them.
 * @return 0; -ENOENT the stream has none (linear table, no context); -EINVAL no such stream;
 * -ENOMEM.
 */
SLUICE_API int sluice_raw_entry_read(struct sluice_iommu *iommu, enum sluice_raw_entry kind,
				     uint32_t stream, uint64_t *words);

/**
 * Store an entry as given, word by word from the last to the first, without an invalidation. (A
 * missing level-2 table is made, with an invalidation.)
 * @return as sluice_raw_entry_read().
 */
SLUICE_API int sluice_raw_entry_write(struct sluice_iommu *iommu, enum sluice_raw_entry kind,
				      uint32_t stream, const uint64_t *words);

/**
 * Change an entry (SLUICE_RAW_STREAM, SLUICE_RAW_CONTEXT) as the driver does: with an invalidation
 * after each step, so that the hardware never sees a mixture.
 * @return as sluice_raw_entry_read(); -ETIMEDOUT; -EIO.
 */
SLUICE_API int sluice_raw_entry_change(struct sluice_iommu *iommu, enum sluice_raw_entry kind,
				       uint32_t stream, const uint64_t *words);

/**
 * Drain up to @p n event records through the driver, as the hardware wrote them and as the driver
 * decodes them. No engine may poll meanwhile.
 * @param words n * event_words, or NULL. @param f n, or NULL. @return how many.
 */
SLUICE_API int sluice_raw_events(struct sluice_iommu *iommu, uint64_t *words,
				 struct sluice_fault *f, unsigned int n);

/**
 * Reset the hardware and bring it up again, from any state of the registers, with the tables in
 * memory. Nothing may be in flight. @return 0; -ETIMEDOUT; -EIO.
 */
SLUICE_API int sluice_raw_reset(struct sluice_iommu *iommu);

/** The address in the process of memory of this iommu. @return NULL: part of it is other memory. */
SLUICE_API void *sluice_raw_mem(struct sluice_iommu *iommu, uint64_t pa, size_t len);

#ifdef __cplusplus
}
#endif
#endif

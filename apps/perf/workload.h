/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A workload is what the devices transfer: packets of a capture file, or generated ones.
 */
#ifndef PERF_WORKLOAD_H
#define PERF_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

/** A record with a longer on-wire length is taken as damaged. */
#define PERF_MAX_ITEM (16u << 20)

/** One transfer. Bytes from cap to len were not captured: perf_pattern_fill() makes them. */
struct perf_item {
	const uint8_t *data; /**< the first cap bytes */
	uint32_t cap;        /**< captured bytes, <= len */
	uint32_t len;        /**< on-wire bytes, 1 … PERF_MAX_ITEM */
	uint32_t index;      /**< seeds the pattern of the missing bytes */
	bool to_host;        /**< the device writes host memory; otherwise it reads it */
};

struct perf_workload {
	char name[128];      /**< "net:imix", "blk:4k" or the file's name without its folders */
	char note[256];      /**< what a reader of the result must know, or "" */
	struct perf_item *item;
	uint32_t nb_items;
	uint32_t max_len;    /**< the longest item */
	uint64_t bytes;      /**< on-wire bytes of one pass */
	bool has_tails;      /**< an item has cap < len */
	bool has_reads;      /**< an item has !to_host */
	uint8_t *arena;      /**< what item[].data points into */
};

/**
 * Load what --workload names.
 * @return 0, or an exit status with an error line printed.
 */
int perf_workload_load(struct perf_workload *w, const char *what, uint64_t seed);
void perf_workload_free(struct perf_workload *w);

/**
 * Read a capture file, plain or packed.
 * @param max_bytes a capture that needs more memory, for its packets and an item for each, is
 *                  refused; 0: half of the machine's memory.
 * @return as perf_workload_load().
 */
int perf_pcap_load(struct perf_workload *w, const char *path, uint64_t max_bytes);

/** Make packets of 64, 594 and 1518 bytes, 7:4:1 ("net:imix"). @return 0, or -1: no memory. */
int perf_gen_imix(struct perf_workload *w, uint64_t seed);
/** Make 4 KiB blocks, half of them read by the device ("blk:4k"). @return 0, or -1. */
int perf_gen_blk(struct perf_workload *w, uint64_t seed);

/** Write the missing bytes [from, to) of packet @p index to dst[0 … to - from). */
void perf_pattern_fill(uint8_t *dst, uint32_t index, uint32_t from, uint32_t to);
/** The byte at offset @p at of packet @p index. */
uint8_t perf_pattern_byte(uint32_t index, uint32_t at);
/** Are buf[0 … to - from) the missing bytes [from, to) of packet @p index? */
bool perf_pattern_check(const uint8_t *buf, uint32_t index, uint32_t from, uint32_t to);

/** Write the whole item to @p dst. */
void perf_item_copy(const struct perf_item *it, uint8_t *dst);
/** Does @p buf hold the whole item? */
bool perf_item_check(const struct perf_item *it, const uint8_t *buf);
/** Make sure that @p buf does not hold the item: one byte of each cache line and the last byte
 * are made wrong, so that a transfer that does not happen, or only in part, is found. */
void perf_item_spoil(const struct perf_item *it, uint8_t *buf);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Packets of a pcapng file, whatever its interfaces: libpcap's reader gives up where two of them
 * differ in link type, snapshot length or clock, which does not matter to who wants the bytes.
 */
#ifndef PERF_PCAPNG_H
#define PERF_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** A captured packet. cap may exceed len in strange files. */
struct perf_packet {
	const uint8_t *data; /**< the first cap bytes, until the next one is read */
	uint32_t cap, len;   /**< captured bytes; bytes on the wire */
};

struct perf_pcapng {
	FILE *f;
	bool swap;          /**< the section is of the other byte order */
	uint32_t nb_ifaces; /**< of the section so far */
	uint32_t snaplen;   /**< of its first interface, the one of Simple Packet Blocks; 0: none */
	uint8_t *data;      /**< the last packet's bytes, room for size */
	size_t size;
	char why[128];      /**< after -1 */
};

/** @p magic, the first bytes of a file: are they those of a pcapng file? */
bool perf_pcapng_is(const uint8_t magic[4]);

/** Read @p f, which stays the caller's, from its beginning. */
void perf_pcapng_begin(struct perf_pcapng *p, FILE *f);
void perf_pcapng_end(struct perf_pcapng *p);

/** @return 1: a packet; 0: the end; -1: the file is broken here, see why. */
int perf_pcapng_next(struct perf_pcapng *p, struct perf_packet *pkt);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Packets of a pcapng file with any interfaces. libpcap's reader gives up where two interfaces
 * differ in link type, snapshot length or clock, which does not matter where only bytes are wanted.
 *
 */
#ifndef PERF_PCAPNG_H
#define PERF_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** A captured packet. cap may exceed len in strange files. */
struct perf_packet {
	const uint8_t *data; /**< the first cap bytes; valid until the next packet is read */
	uint32_t cap, len;   /**< captured bytes; bytes on the wire */
};

struct perf_pcapng {
	FILE *f;
	bool swap;          /**< the section has the other byte order */
	uint32_t nb_ifaces; /**< interfaces of the section so far */
	uint32_t snaplen;   /**< of its first interface, to which Simple Packet Blocks belong; 0:
				no limit */
	uint8_t *data;      /**< the last packet's bytes; there is room for size */
	size_t size;
	char why[128];      /**< the reason, after -1 */
};

/** Do these first bytes of a file belong to a pcapng file? */
bool perf_pcapng_is(const uint8_t magic[4]);

/** Read @p f from its beginning. The caller closes it. */
void perf_pcapng_begin(struct perf_pcapng *p, FILE *f);
void perf_pcapng_end(struct perf_pcapng *p);

/** @return 1 with a packet, 0 at the end, -1 where the file is broken: see why. */
int perf_pcapng_next(struct perf_pcapng *p, struct perf_packet *pkt);

#endif

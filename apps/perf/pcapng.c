/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * pcapng by draft-ietf-opsawg-pcapng, whose sections § below names: sections of both byte orders,
 * packets in all three kinds of block, any number of interfaces. All other blocks are skipped. No
 * length in the file is trusted: memory is allocated only for one that a packet can have.
 */
#include <byteswap.h>
#include <stdlib.h>
#include <string.h>

#include "pcapng.h"
#include "workload.h"

/* §4: Block Type. */
#define BLOCK_SHB 0x0a0d0d0au /* Section Header, a palindrome: §4.1 */
#define BLOCK_IDB 1u          /* Interface Description: §4.2 */
#define BLOCK_PB  2u          /* Packet, obsolete: appendix A */
#define BLOCK_SPB 3u          /* Simple Packet: §4.4 */
#define BLOCK_EPB 6u          /* Enhanced Packet: §4.3 */

#define BYTE_ORDER_MAGIC 0x1a2b3c4du
#define FRAME_BYTES      12u /* of every block: type, length, length again: §3.1 */

/* The block that is being read. */
struct block {
	uint32_t type, total; /* as the file has them */
	uint64_t left;        /* bytes of the body and its padding that were not read yet */
};

bool
perf_pcapng_is(const uint8_t magic[4])
{
	uint32_t v;

	memcpy(&v, magic, sizeof(v));
	return v == BLOCK_SHB;
}

void
perf_pcapng_begin(struct perf_pcapng *p, FILE *f)
{
	*p = (struct perf_pcapng){ .f = f };
}

void
perf_pcapng_end(struct perf_pcapng *p)
{
	free(p->data);
	p->data = NULL;
}

static int
broken(struct perf_pcapng *p, const char *why)
{
	snprintf(p->why, sizeof(p->why), "%s", why);
	return -1;
}

static int
get(struct perf_pcapng *p, void *dst, size_t n)
{
	return fread(dst, 1, n, p->f) == n ? 0 : broken(p, "the file ends within a block");
}

static uint32_t
u32(const struct perf_pcapng *p, uint32_t v)
{
	return p->swap ? bswap_32(v) : v;
}

static uint16_t
u16(const struct perf_pcapng *p, uint16_t v)
{
	return p->swap ? bswap_16(v) : v;
}

/* Read @p n bytes of the body. */
static int
get_body(struct perf_pcapng *p, struct block *b, void *dst, size_t n)
{
	if (n > b->left)
		return broken(p, "a block is too short for what it holds");
	b->left -= n;
	return get(p, dst, n);
}

/* Skip the rest of the body, and check the length at the end. */
static int
leave(struct perf_pcapng *p, struct block *b)
{
	uint8_t waste[4096];
	uint32_t again;

	while (b->left > 0)
		if (get_body(p, b, waste, b->left < sizeof(waste) ? b->left : sizeof(waste)) != 0)
			return -1;
	if (get(p, &again, sizeof(again)) != 0)
		return -1;
	return u32(p, again) == b->total ? 0 : broken(p, "a block's two lengths differ");
}

/* A total that is no multiple of 4 does not count the padding: some writers do that. */
static int
measure(struct perf_pcapng *p, struct block *b, uint32_t total, unsigned int had)
{
	b->total = u32(p, total);
	if (b->total < FRAME_BYTES + had)
		return broken(p, "a block is shorter than its own frame");
	b->left = (((uint64_t)b->total + 3) & ~UINT64_C(3)) - FRAME_BYTES - had;
	return 0;
}

/* A new section has a byte order of its own, and no interface yet. */
static int
section(struct perf_pcapng *p, struct block *b, uint32_t total)
{
	uint32_t magic;
	uint16_t version[2];

	if (get(p, &magic, sizeof(magic)) != 0)
		return -1;
	p->swap = magic == bswap_32(BYTE_ORDER_MAGIC);
	if (!p->swap && magic != BYTE_ORDER_MAGIC)
		return broken(p, "a section without a byte order");
	if (measure(p, b, total, sizeof(magic)) != 0 || get_body(p, b, version, sizeof(version)))
		return -1;
	if (u16(p, version[0]) != 1)
		return broken(p, "a section of an unknown version");
	p->nb_ifaces = 0;
	return 0;
}

static int
interface(struct perf_pcapng *p, struct block *b)
{
	struct {
		uint16_t linktype, reserved;
		uint32_t snaplen;
	} h;

	if (get_body(p, b, &h, sizeof(h)) != 0)
		return -1;
	if (p->nb_ifaces++ == 0)
		p->snaplen = u32(p, h.snaplen);
	return 0;
}

/* Read the packet's lengths, at the start of the block's body. @return 0 or -1. */
static int
lengths(struct perf_pcapng *p, struct block *b, struct perf_packet *pkt)
{
	union {
		struct {
			uint32_t iface, ts[2], cap, len;
		} e;
		struct {
			uint16_t iface, drops;
			uint32_t ts[2], cap, len;
		} o;
		struct {
			uint32_t len;
		} s;
	} h;
	uint32_t iface = 0;
	size_t n = b->type == BLOCK_SPB ? sizeof(h.s) : sizeof(h.e);

	_Static_assert(sizeof(h.e) == 20 && sizeof(h.o) == 20, "no holes");
	if (get_body(p, b, &h, n) != 0)
		return -1;
	if (b->type == BLOCK_SPB) {
		pkt->len = pkt->cap = u32(p, h.s.len);
		if (p->snaplen != 0 && pkt->cap > p->snaplen)
			pkt->cap = p->snaplen;
	} else {
		iface = b->type == BLOCK_EPB ? u32(p, h.e.iface) : u16(p, h.o.iface);
		pkt->cap = u32(p, h.e.cap);
		pkt->len = u32(p, h.e.len);
	}
	if (iface >= p->nb_ifaces)
		return broken(p, "a packet of an interface that was not described");
	if (pkt->cap > b->left)
		return broken(p, "a packet is longer than its block");
	return pkt->cap <= PERF_MAX_ITEM ? 0 : broken(p, "impossible packet length");
}

static int
packet(struct perf_pcapng *p, struct block *b, struct perf_packet *pkt)
{
	if (lengths(p, b, pkt) != 0)
		return -1;
	if (pkt->cap > p->size) {
		size_t size = pkt->cap + (1u << 16);
		uint8_t *data = realloc(p->data, size);

		if (data == NULL)
			return broken(p, "out of memory");
		p->data = data;
		p->size = size;
	}
	pkt->data = p->data;
	return pkt->cap > 0 ? get_body(p, b, p->data, pkt->cap) : 0;
}

int
perf_pcapng_next(struct perf_pcapng *p, struct perf_packet *pkt)
{
	for (;;) {
		uint32_t h[2];
		size_t n = fread(h, 1, sizeof(h), p->f);
		struct block b = { 0 };
		int rc;

		if (n == 0 && !ferror(p->f))
			return 0;
		if (n != sizeof(h))
			return broken(p, "the file ends within a block");
		b.type = u32(p, h[0]);
		rc = b.type == BLOCK_SHB ? section(p, &b, h[1]) : measure(p, &b, h[1], 0);
		if (rc == 0 && b.type == BLOCK_IDB)
			rc = interface(p, &b);
		if (rc == 0 && (b.type == BLOCK_EPB || b.type == BLOCK_SPB || b.type == BLOCK_PB)) {
			if (packet(p, &b, pkt) != 0 || leave(p, &b) != 0)
				return -1;
			return 1;
		}
		if (rc != 0 || leave(p, &b) != 0)
			return -1;
	}
}

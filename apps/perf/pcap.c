/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Capture files as workloads: all packets, with their on-wire lengths. libpcap reads pcap files.
 * pcapng files are read by pcapng.c, because libpcap's reader gives up on some of them. Both read
 * through unpack.c.
 */
#include <errno.h>
#include <pcap/pcap.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "msg.h"
#include "pcapng.h"
#include "unpack.h"
#include "workload.h"

/* The file that packets are read from. */
struct source {
	const char *path;
	struct perf_unpack *u;
	FILE *f;               /* libpcap closes it with p */
	pcap_t *p;             /* NULL: pcapng */
	struct perf_pcapng ng;
};

/* Both arrays grow by half, because a capture does not say how many packets it has. */
struct loader {
	struct perf_workload *w;
	size_t arena_used, arena_size;
	uint64_t max_bytes;
	uint32_t item_size;
	uint64_t empty, over; /* packets without a length; packets longer than their length says */
};

static int
reserve(struct loader *l, size_t bytes)
{
	if (l->w->nb_items == l->item_size) {
		uint32_t n = l->item_size + l->item_size / 2 + 1024;
		struct perf_item *it = realloc(l->w->item, n * sizeof(*it));

		if (it == NULL)
			return -1;
		l->w->item = it;
		l->item_size = n;
	}
	if (l->arena_size - l->arena_used < bytes || l->w->arena == NULL) {
		size_t n = l->arena_size + l->arena_size / 2 + bytes + (1u << 16);
		uint8_t *a = realloc(l->w->arena, n);

		if (a == NULL)
			return -1;
		l->w->arena = a;
		l->arena_size = n;
	}
	return 0;
}

/* What became of a packet. Any value but the first ends the reading. */
enum taken { TAKEN, TAKEN_NOT, TAKEN_TOO_MUCH, TAKEN_NO_MEMORY };

static enum taken
take(struct loader *l, const struct perf_packet *pkt)
{
	uint32_t len = pkt->len > pkt->cap ? pkt->len : pkt->cap;
	struct perf_item *it;

	if (len > PERF_MAX_ITEM || l->w->nb_items == UINT32_MAX)
		return TAKEN_NOT;
	if (len == 0) { /* nothing to transfer */
		l->empty++;
		return TAKEN;
	}
	if (l->arena_used + pkt->cap + (l->w->nb_items + UINT64_C(1)) * sizeof(*it) > l->max_bytes)
		return TAKEN_TOO_MUCH;
	if (reserve(l, pkt->cap) != 0)
		return TAKEN_NO_MEMORY;
	if (pkt->len < pkt->cap)
		l->over++;
	it = &l->w->item[l->w->nb_items];
	it->cap = pkt->cap;
	it->len = len;
	it->index = l->w->nb_items++;
	it->to_host = true;
	if (pkt->cap > 0)
		memcpy(l->w->arena + l->arena_used, pkt->data, pkt->cap);
	l->arena_used += pkt->cap;
	return TAKEN;
}

/* Point the items at their bytes, now that the arena does not move any more. */
static void
settle(struct perf_workload *w)
{
	size_t at = 0;

	for (uint32_t i = 0; i < w->nb_items; i++) {
		w->item[i].data = w->arena + at;
		at += w->item[i].cap;
	}
}

/* ---- the file -------------------------------------------------------------------------------- */

/* @return 1 with a packet, 0 at the end, -1 where the file is broken: see source_why(). */
static int
source_next(struct source *s, struct perf_packet *pkt)
{
	struct pcap_pkthdr *h;
	int rc;

	if (s->p == NULL)
		return perf_pcapng_next(&s->ng, pkt);
	rc = pcap_next_ex(s->p, &h, &pkt->data);
	if (rc == 1) {
		pkt->cap = h->caplen;
		pkt->len = h->len;
		return 1;
	}
	return rc == PCAP_ERROR_BREAK ? 0 : -1; /* libpcap returns PCAP_ERROR_BREAK at the end */
}

static const char *
source_why(struct source *s)
{
	const char *why = perf_unpack_why(s->u);

	if (why != NULL)
		return why;
	return s->p != NULL ? pcap_geterr(s->p) : s->ng.why;
}

static void
source_close(struct source *s)
{
	perf_pcapng_end(&s->ng);
	if (s->p != NULL)
		pcap_close(s->p);
	else if (s->f != NULL)
		fclose(s->f);
	if (s->u != NULL)
		perf_unpack_close(s->u);
}

static int
source_refused(const struct source *s, const char *why)
{
	return perf_usage_error("--workload %s: %s; give a pcap or pcapng file (plain, gzip or "
				"zstd), net:imix or blk:4k", s->path, why);
}

static int
source_open(struct source *s)
{
	char err[PCAP_ERRBUF_SIZE];
	uint8_t magic[PERF_MAGIC_BYTES];
	unsigned int n;

	s->u = perf_unpack_open(s->path);
	if (s->u == NULL)
		return source_refused(s, strerror(errno));
	n = perf_unpack_magic(s->u, magic);
	if (n < sizeof(magic) && perf_unpack_why(s->u) != NULL)
		return source_refused(s, perf_unpack_why(s->u));
	if (n == 0)
		return source_refused(s, "the file is empty");
	s->f = perf_unpack_stream(s->u);
	if (s->f == NULL)
		return perf_failed("--workload %s: %s", s->path, strerror(errno));
	if (n == sizeof(magic) && perf_pcapng_is(magic)) {
		perf_pcapng_begin(&s->ng, s->f);
		return 0;
	}
	s->p = pcap_fopen_offline(s->f, err);
	if (s->p == NULL)
		return source_refused(s, perf_unpack_why(s->u) != NULL ? perf_unpack_why(s->u) :
					 err);
	return 0;
}

/* ---- all of it ------------------------------------------------------------------------------- */

__attribute__((format(printf, 2, 3))) static void
note(struct perf_workload *w, const char *fmt, ...)
{
	size_t n = strlen(w->note);
	va_list ap;

	if (n > 0)
		n += (size_t)snprintf(w->note + n, sizeof(w->note) - n, "; ");
	if (n >= sizeof(w->note))
		return;
	va_start(ap, fmt);
	vsnprintf(w->note + n, sizeof(w->note) - n, fmt, ap);
	va_end(ap);
}

static int
read_all(struct loader *l, struct source *s)
{
	struct perf_workload *w = l->w;
	struct perf_packet pkt;
	enum taken t = TAKEN;
	const char *why;
	int rc;

	while ((rc = source_next(s, &pkt)) == 1 && (t = take(l, &pkt)) == TAKEN)
		;
	if (t == TAKEN_NO_MEMORY)
		return perf_failed("--workload %s: out of memory", s->path);
	if (t == TAKEN_TOO_MUCH)
		return perf_usage_error("--workload %s: unpacked, more than %llu MiB of packets, "
					"half of this machine's memory; give a part of it", s->path,
					(unsigned long long)(l->max_bytes >> 20));
	why = t == TAKEN_NOT ? "impossible packet length" : rc < 0 ? source_why(s) : NULL;
	if (w->nb_items == 0 && why != NULL)
		return perf_usage_error("--workload %s: broken before the first packet: %s",
					s->path, why);
	if (w->nb_items == 0)
		return perf_usage_error("--workload %s: holds no packets; give a capture with at "
					"least one, net:imix or blk:4k", s->path);
	if (why != NULL)
		note(w, "broken after packet %u, played up to there: %s", w->nb_items, why);
	if (l->empty > 0)
		note(w, "%llu packets of zero length skipped", (unsigned long long)l->empty);
	if (l->over > 0)
		note(w, "%llu packets whose length is below what was captured of them: the "
		     "captured length counts", (unsigned long long)l->over);
	return 0;
}

int
perf_pcap_load(struct perf_workload *w, const char *path, uint64_t max_bytes)
{
	struct source s = { .path = path };
	struct loader l = { .w = w, .max_bytes = max_bytes };
	int rc = source_open(&s);

	if (max_bytes == 0)
		l.max_bytes = (uint64_t)sysconf(_SC_PHYS_PAGES) / 2 *
			      (uint64_t)sysconf(_SC_PAGESIZE);
	if (rc == 0)
		rc = read_all(&l, &s);
	source_close(&s);
	if (rc == 0)
		settle(w);
	return rc;
}

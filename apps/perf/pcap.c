/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Capture files as workloads: whatever libpcap reads, every packet, on-wire lengths.
 */
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "msg.h"
#include "workload.h"

/* Both arrays grow by half: a capture has no length field to size them by. */
struct loader {
	struct perf_workload *w;
	size_t arena_used, arena_size;
	uint32_t item_size;
	uint64_t empty;
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

/* @return 0; 1: the record cannot be one; -1: no memory. */
static int
take(struct loader *l, const struct pcap_pkthdr *h, const uint8_t *data)
{
	uint32_t len = h->len > h->caplen ? h->len : h->caplen;
	struct perf_item *it;

	if (len > PERF_MAX_ITEM || l->w->nb_items == UINT32_MAX)
		return 1;
	if (len == 0) { /* nothing to transfer */
		l->empty++;
		return 0;
	}
	if (reserve(l, h->caplen) != 0)
		return -1;
	it = &l->w->item[l->w->nb_items];
	it->cap = h->caplen;
	it->len = len;
	it->index = l->w->nb_items++;
	it->to_host = true;
	memcpy(l->w->arena + l->arena_used, data, h->caplen);
	l->arena_used += h->caplen;
	return 0;
}

/* The arena has stopped moving. */
static void
settle(struct perf_workload *w)
{
	size_t at = 0;

	for (uint32_t i = 0; i < w->nb_items; i++) {
		w->item[i].data = w->arena + at;
		at += w->item[i].cap;
	}
}

/* libpcap puts the path in front of some of its messages, and an empty file in its own words. */
static const char *
reason(const char *err, const char *path)
{
	size_t n = strlen(path);

	if (strstr(err, "file header bytes, only got 0") != NULL)
		return "the file is empty";
	if (strncmp(err, path, n) == 0 && err[n] == ':')
		return err + n + 1 + strspn(err + n + 1, " ");
	return err;
}

static int
read_all(struct loader *l, pcap_t *p, const char *path)
{
	struct perf_workload *w = l->w;
	struct pcap_pkthdr *h;
	const uint8_t *data;
	int rc, bad = 0;

	while ((rc = pcap_next_ex(p, &h, &data)) == 1) {
		bad = take(l, h, data);
		if (bad != 0)
			break;
	}
	if (bad < 0)
		return perf_failed("--workload %s: out of memory", path);
	if (w->nb_items == 0 && (bad > 0 || rc == PCAP_ERROR))
		return perf_usage_error("--workload %s: broken before the first packet: %s", path,
					bad > 0 ? "impossible packet length" :
					reason(pcap_geterr(p), path));
	if (w->nb_items == 0)
		return perf_usage_error("--workload %s: holds no packets; give a capture with at "
					"least one, net:imix or blk:4k", path);
	if (bad > 0 || rc == PCAP_ERROR)
		snprintf(w->note, sizeof(w->note), "broken after packet %u, played up to there: %s",
			 w->nb_items, bad > 0 ? "impossible packet length" :
			 reason(pcap_geterr(p), path));
	else if (l->empty > 0)
		snprintf(w->note, sizeof(w->note), "%llu packets of zero length skipped",
			 (unsigned long long)l->empty);
	return 0;
}

int
perf_pcap_load(struct perf_workload *w, const char *path)
{
	struct loader l = { .w = w };
	char err[PCAP_ERRBUF_SIZE];
	pcap_t *p;
	int rc;

	p = pcap_open_offline(path, err);
	if (p == NULL)
		return perf_usage_error("--workload %s: %s; give a pcap or pcapng file, net:imix "
					"or blk:4k", path, reason(err, path));
	rc = read_all(&l, p, path);
	pcap_close(p);
	if (rc == 0)
		settle(w);
	return rc;
}

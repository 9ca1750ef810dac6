/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Capture files: pcap written with libpcap, pcapng by hand, both packed with gzip and zstd; read
 * back, then cut and damaged at every single byte.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <pcap/pcap.h>
#include <zlib.h>
#include <zstd.h>

#include "workload.h"

#define PACKETS 5u

static char path[] = "/tmp/sluice-test-pcap-XXXXXX";

static uint32_t
cap_of(unsigned int i)
{
	return 20 + i * 11;
}

static uint32_t
len_of(unsigned int i)
{
	return i % 2 ? cap_of(i) + 1000 : cap_of(i);
}

/* @return the file's size after each packet in end[]; end[0]: the file header. */
static void
write_capture(int linktype, long end[PACKETS + 1])
{
	pcap_t *p = pcap_open_dead(linktype, 65535);
	pcap_dumper_t *d;
	uint8_t data[256];

	assert_non_null(p);
	d = pcap_dump_open(p, path);
	assert_non_null(d);
	end[0] = pcap_dump_ftell(d);
	for (unsigned int i = 0; i < PACKETS; i++) {
		struct pcap_pkthdr h = { .caplen = cap_of(i), .len = len_of(i) };

		memset(data, (int)i + 1, sizeof(data));
		pcap_dump((u_char *)d, &h, data);
		end[i + 1] = pcap_dump_ftell(d);
	}
	pcap_dump_close(d);
	pcap_close(p);
}

/* Error lines are expected by the hundred; cmocka's own must still be seen. */
static int
load(struct perf_workload *w)
{
	int keep = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY), rc;

	dup2(null, STDERR_FILENO);
	rc = perf_workload_load(w, path, 1);
	dup2(keep, STDERR_FILENO);
	close(keep);
	close(null);
	return rc;
}

static void
check(const struct perf_workload *w, unsigned int n)
{
	assert_int_equal(w->nb_items, n);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(w->item[i].cap, cap_of(i));
		assert_int_equal(w->item[i].len, len_of(i));
		assert_int_equal(w->item[i].index, i);
		assert_true(w->item[i].to_host);
		for (unsigned int k = 0; k < cap_of(i); k++)
			assert_int_equal(w->item[i].data[k], i + 1);
	}
}

static void
any_link_type_is_read(void **state)
{
	static const int types[] = { DLT_EN10MB, DLT_RAW, DLT_USER0, DLT_IEEE802_11_RADIO };
	struct perf_workload w;
	long end[PACKETS + 1];

	(void)state;
	for (unsigned int i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		write_capture(types[i], end);
		assert_int_equal(load(&w), 0);
		check(&w, PACKETS);
		assert_true(w.has_tails);
		assert_int_equal(w.max_len, len_of(3));
		assert_string_equal(w.note, "");
		perf_workload_free(&w);
	}
}

static void
cut_anywhere(void **state)
{
	struct perf_workload w;
	long end[PACKETS + 1];

	(void)state;
	write_capture(DLT_EN10MB, end);
	for (long size = end[PACKETS]; size >= 0; size--) {
		unsigned int whole = 0;
		int rc;

		while (whole < PACKETS && end[whole + 1] <= size)
			whole++;
		assert_int_equal(truncate(path, size), 0);
		rc = load(&w);
		assert_int_equal(rc, whole == 0 ? 2 : 0);
		if (rc != 0)
			continue;
		check(&w, whole);
		/* At a packet's end nothing shows that there was more. */
		assert_int_equal(w.note[0] == '\0', size == end[whole]);
		perf_workload_free(&w);
	}
}

/* ---- pcapng ---------------------------------------------------------------------------------- */

struct bytes {
	uint8_t b[4096];
	size_t n;
};

static void
put(struct bytes *o, const void *p, size_t n)
{
	assert_true(o->n + n <= sizeof(o->b));
	memcpy(o->b + o->n, p, n);
	o->n += n;
}

static void
put32(struct bytes *o, uint32_t v)
{
	put(o, &v, sizeof(v));
}

static void
put_block(struct bytes *o, uint32_t type, const uint32_t *head, size_t words, const void *data,
	  uint32_t n)
{
	uint32_t total = 12 + 4 * (uint32_t)words + ((n + 3) & ~3u);

	put32(o, type);
	put32(o, total);
	put(o, head, 4 * words);
	put(o, data, n);
	put(o, "\0\0\0", -n & 3u);
	put32(o, total);
}

/* Interfaces of two link types and snapshot lengths; a block of a kind that nobody knows. */
static void
make_pcapng(struct bytes *o, size_t end[PACKETS + 1])
{
	uint8_t data[256];

	o->n = 0;
	put_block(o, 0x0a0d0d0a, (uint32_t[]){ 0x1a2b3c4d, 1, ~0u, ~0u }, 4, "", 0);
	put_block(o, 1, (uint32_t[]){ 1, 256 }, 2, "", 0);
	put_block(o, 1, (uint32_t[]){ 113, 0 }, 2, "", 0);
	put_block(o, 0x77777777, &(uint32_t){ 7 }, 1, "unknown", 7);
	end[0] = o->n;
	for (uint32_t i = 0; i < PACKETS; i++) {
		memset(data, (int)i + 1, sizeof(data));
		put_block(o, 6, (uint32_t[]){ i % 2, 0, i, cap_of(i), len_of(i) }, 5, data,
			  cap_of(i));
		end[i + 1] = o->n;
	}
}

static void
put_file(const void *p, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
pcapng_cut_anywhere(void **state)
{
	size_t end[PACKETS + 1], size;
	struct perf_workload w;
	struct bytes o;

	(void)state;
	make_pcapng(&o, end);
	for (size = o.n; size > 0; size--) {
		unsigned int whole = 0;

		while (whole < PACKETS && end[whole + 1] <= size)
			whole++;
		put_file(o.b, size);
		assert_int_equal(load(&w), whole == 0 ? 2 : 0);
		if (whole == 0)
			continue;
		check(&w, whole);
		assert_int_equal(w.note[0] == '\0', size == end[whole]);
		perf_workload_free(&w);
	}
}

/* ---- packed files ---------------------------------------------------------------------------- */

static void
pack_gzip(const struct bytes *in, struct bytes *out)
{
	z_stream z = { .next_in = (uint8_t *)(uintptr_t)in->b, .avail_in = (uInt)in->n,
		       .next_out = out->b, .avail_out = sizeof(out->b) };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->n = z.total_out;
	deflateEnd(&z);
}

/* With a checksum, so that damage shows. */
static void
pack_zstd(const struct bytes *in, struct bytes *out)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();

	assert_non_null(c);
	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	out->n = ZSTD_compress2(c, out->b, sizeof(out->b), in->b, in->n);
	assert_false(ZSTD_isError(out->n));
	ZSTD_freeCCtx(c);
}

static void (*const pack[])(const struct bytes *in, struct bytes *out) = { pack_gzip, pack_zstd };

static void
make(struct bytes *o, bool ng)
{
	size_t end[PACKETS + 1];
	long pcap_end[PACKETS + 1];
	FILE *f;

	if (ng) {
		make_pcapng(o, end);
		return;
	}
	write_capture(DLT_EN10MB, pcap_end);
	f = fopen(path, "rb");
	assert_non_null(f);
	o->n = fread(o->b, 1, sizeof(o->b), f);
	fclose(f);
}

/* Each of the four, whole; in two parts; and cut at every byte: some packets and a note, or none
 * and an error, the packets being right. */
static void
packed_cut_anywhere(void **state)
{
	struct bytes plain, packed, twice;
	struct perf_workload w;

	(void)state;
	for (unsigned int k = 0; k < 4; k++) {
		make(&plain, k & 1);
		pack[k >> 1](&plain, &packed);
		put_file(packed.b, packed.n);
		assert_int_equal(load(&w), 0);
		check(&w, PACKETS);
		assert_string_equal(w.note, "");
		perf_workload_free(&w);
		for (size_t size = packed.n - 1; size > 0; size--) {
			put_file(packed.b, size);
			if (load(&w) != 0)
				continue;
			assert_in_range(w.nb_items, 1, PACKETS);
			check(&w, w.nb_items);
			assert_string_not_equal(w.note, "");
			perf_workload_free(&w);
		}
		/* Two parts, each packed on its own, are one file. */
		memmove(plain.b, plain.b + 100, plain.n - 100);
		plain.n -= 100;
		pack[k >> 1](&plain, &packed);
		make(&plain, k & 1);
		plain.n = 100;
		pack[k >> 1](&plain, &twice);
		put(&twice, packed.b, packed.n);
		put_file(twice.b, twice.n);
		assert_int_equal(load(&w), 0);
		check(&w, PACKETS);
		assert_string_equal(w.note, "");
		perf_workload_free(&w);
	}
}

/* ---- damage ---------------------------------------------------------------------------------- */

/* Any single damaged byte: an error or packets within bounds, never a crash. */
static void
damage(const struct bytes *o)
{
	struct perf_workload w;
	struct bytes bad = *o;

	for (size_t at = 0; at < o->n; at++) {
		bad.b[at] ^= 0xff;
		put_file(bad.b, bad.n);
		bad.b[at] ^= 0xff;
		if (load(&w) != 0)
			continue;
		for (uint32_t i = 0; i < w.nb_items; i++) {
			assert_in_range(w.item[i].len, 1, PERF_MAX_ITEM);
			assert_true(w.item[i].cap <= w.item[i].len);
		}
		perf_workload_free(&w);
	}
}

static void
damaged_anywhere(void **state)
{
	struct bytes plain, packed;

	(void)state;
	for (unsigned int k = 0; k < 4; k++) {
		make(&plain, k & 1);
		damage(&plain);
		pack[k >> 1](&plain, &packed);
		damage(&packed);
	}
}

/* ---- oddities -------------------------------------------------------------------------------- */

/* A length below what was captured: what was captured is played, and that is said. */
static void
captured_beyond_the_wire(void **state)
{
	struct perf_workload w;
	struct bytes o = { .n = 0 };

	(void)state;
	put_block(&o, 0x0a0d0d0a, (uint32_t[]){ 0x1a2b3c4d, 1, ~0u, ~0u }, 4, "", 0);
	put_block(&o, 1, (uint32_t[]){ 1, 0 }, 2, "", 0);
	put_block(&o, 6, (uint32_t[]){ 0, 0, 0, 8, 3 }, 5, "captured", 8);
	put_block(&o, 6, (uint32_t[]){ 0, 0, 0, 8, 0 }, 5, "captured", 8);
	put_block(&o, 6, (uint32_t[]){ 0, 0, 0, 0, 0 }, 5, "", 0);
	put_file(o.b, o.n);
	assert_int_equal(load(&w), 0);
	assert_int_equal(w.nb_items, 2);
	assert_int_equal(w.bytes, 16);
	assert_false(w.has_tails);
	assert_non_null(strstr(w.note, "1 packets of zero length skipped"));
	assert_non_null(strstr(w.note, "2 packets whose length is below"));
	perf_workload_free(&w);
}

/* A small file that unpacks to much more than it may: refused before it takes the memory. */
static void
bombs_are_bounded(void **state)
{
	static const uint32_t head[] = { 0xa1b2c3d4, 4u << 16 | 2, 0, 0, 65535, 1 };
	static const uint32_t record[] = { 0, 0, 60000, 60000 };
	static uint8_t zeros[60000];
	struct perf_workload w;
	gzFile g = gzopen(path, "wb9");

	(void)state;
	assert_non_null(g);
	gzwrite(g, head, sizeof(head));
	for (unsigned int i = 0; i < 2000; i++) { /* 120 MB */
		gzwrite(g, record, sizeof(record));
		gzwrite(g, zeros, sizeof(zeros));
	}
	assert_int_equal(gzclose(g), Z_OK);
	for (uint64_t max = 1u << 20; max < 64u << 20; max <<= 1) {
		memset(&w, 0, sizeof(w));
		assert_int_equal(perf_pcap_load(&w, path, max), 2);
		assert_true(w.nb_items <= max / 60000);
		perf_workload_free(&w);
	}
	memset(&w, 0, sizeof(w));
	assert_int_equal(perf_pcap_load(&w, path, 130u << 20), 0);
	assert_int_equal(w.nb_items, 2000);
	perf_workload_free(&w);
}

static int
set_up(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int
tear_down(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_link_type_is_read),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(pcapng_cut_anywhere),
		cmocka_unit_test(packed_cut_anywhere),
		cmocka_unit_test(damaged_anywhere),
		cmocka_unit_test(captured_beyond_the_wire),
		cmocka_unit_test(bombs_are_bounded),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

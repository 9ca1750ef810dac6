/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Capture files: written with libpcap here, read back, and then cut at every single byte.
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

/* Any single damaged byte: an error or packets within bounds, never a crash. */
static void
damaged_anywhere(void **state)
{
	struct perf_workload w;
	long end[PACKETS + 1];

	(void)state;
	write_capture(DLT_EN10MB, end);
	for (long at = 0; at < end[PACKETS]; at++) {
		FILE *f = fopen(path, "r+");
		int old;

		assert_non_null(f);
		fseek(f, at, SEEK_SET);
		old = fgetc(f);
		fseek(f, at, SEEK_SET);
		fputc(old ^ 0xff, f);
		fclose(f);
		if (load(&w) == 0) {
			for (uint32_t i = 0; i < w.nb_items; i++) {
				assert_in_range(w.item[i].len, 1, PERF_MAX_ITEM);
				assert_true(w.item[i].cap <= w.item[i].len);
			}
			perf_workload_free(&w);
		}
		f = fopen(path, "r+");
		assert_non_null(f);
		fseek(f, at, SEEK_SET);
		fputc(old, f);
		fclose(f);
	}
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
		cmocka_unit_test(damaged_anywhere),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

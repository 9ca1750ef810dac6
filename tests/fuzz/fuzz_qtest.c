/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: a QEMU that answers anything. Each question comes back, and a link that is given up
 * says why in one clean line.
 */
#include <ctype.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/socket.h>

#include "../../pmd/regs/qtest/link.h"
#include "fuzz.h"

#define QUESTIONS 40u
#define ANSWER_MS 1000u

static void
check_lost(struct qtest_link *l)
{
	const char *why = qtest_link_lost(l);

	FUZZ_REQUIRE(why != NULL && why[0] != '\0' && strlen(why) < sizeof(l->why));
	for (; *why != '\0'; why++)
		FUZZ_REQUIRE(!iscntrl((unsigned char)*why));
	FUZZ_REQUIRE(qtest_link_ask(l, "readl 0x%x", 0) == UINT64_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct qtest_link l;
	char line[64];
	int pair[2];

	FUZZ_REQUIRE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	/* All of it fits into the socket's buffer; its end is the end of the other side. */
	FUZZ_REQUIRE(size == 0 || send(pair[1], data, size, MSG_DONTWAIT) == (ssize_t)size);
	FUZZ_REQUIRE(shutdown(pair[1], SHUT_WR) == 0);
	memset((void *)&l, 0, sizeof(l));
	l.sock = pair[0];
	l.errfd = -1;
	l.timeout_ms = ANSWER_MS;
	pthread_mutex_init(&l.lock, NULL);
	for (unsigned int i = 0; i < QUESTIONS && qtest_link_lost(&l) == NULL; i++) {
		if (i % 8 == 7 && qtest_link_line(&l, line, sizeof(line)))
			FUZZ_REQUIRE(memchr(line, '\0', sizeof(line)) != NULL);
		else
			(void)qtest_link_ask(&l, "writeq 0x%x 0x%x", i, i);
		FUZZ_REQUIRE(l.in_len <= sizeof(l.in));
	}
	if (qtest_link_lost(&l) != NULL)
		check_lost(&l);
	qtest_link_stop(&l); /* closes its end; there is no process */
	close(pair[1]);
	return 0;
}

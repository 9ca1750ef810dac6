/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A QEMU process of our own, and the line protocol (qtest) that drives it.
 */
#ifndef REGS_QTEST_LINK_H
#define REGS_QTEST_LINK_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** What is known of the other end. */
struct qtest_link {
	pthread_mutex_t lock; /* one question at a time */
	pid_t pid;
	int sock;             /* lines go both ways */
	int errfd;            /* what QEMU printed on stderr */
	uint64_t timeout_ms;  /* of one answer */
	bool dead;            /* it died, hung or answered nonsense: nothing is asked any more */
	char why[160];        /* … and why, one line */
	char in[512];         /* bytes received beyond the last line */
	size_t in_len;
	uint64_t asked;       /* questions, for statistics */
};

/**
 * Start a process with its standard input and output tied to the link. It dies with us.
 * @param argv NULL-terminated. @param keep_fd a descriptor it inherits under the same number.
 * @return 0, or -errno with sluice_fail() called.
 */
int qtest_link_start(struct qtest_link *l, char *const argv[], int keep_fd, uint64_t timeout_ms);

/** Kill it if need be, wait for it, close everything. */
void qtest_link_stop(struct qtest_link *l);

/**
 * Ask one question, wait (bounded) for "OK [value]". @return the value, or all ones when the link is
 * or becomes dead, as a bus without a device answers.
 */
uint64_t qtest_link_ask(struct qtest_link *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** First line of what the process printed on stderr, "" if none. */
void qtest_link_stderr(struct qtest_link *l, char *buf, size_t len);

#endif

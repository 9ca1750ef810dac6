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
	pthread_mutex_t lock;  /* one question at a time */
	pid_t pid;             /* and its process group; 0 or less: none */
	pid_t keeper;          /* kills that group when we are gone; 0 or less: none */
	int life;              /* the keeper reads until this is closed: by us, or with us */
	int sock;              /* its standard input and output: lines go both ways */
	int errfd;             /* what it printed on stderr */
	uint64_t timeout_ms;   /* of one answer */
	_Atomic bool dead;     /* it died, hung or answered nonsense: nothing is asked any more */
	char why[200];         /* … and why, one line; constant once dead (release/acquire) */
	char in[512];          /* bytes received beyond the last line */
	size_t in_len;
	_Atomic uint64_t asked; /* questions, for statistics */
};

/**
 * Start a process with its standard input and output tied to the link, in a process group of its
 * own. It is killed with the thread that started it, which must therefore live as long; what it
 * started in its turn (QEMU, when it is a script) with this process.
 * @param argv NULL-terminated. @param keep_fd a descriptor it inherits under the same number, -1.
 * @return 0, or -errno with sluice_fail() called: nothing is left to stop.
 */
int qtest_link_start(struct qtest_link *l, char *const argv[], int keep_fd, uint64_t timeout_ms);

/** Kill it and its children if need be, reap it, close everything. */
void qtest_link_stop(struct qtest_link *l);

/**
 * Ask one question, wait (bounded) for "OK [value]". @return the value, or all ones when the link
 * is or becomes dead, as a bus without a device answers.
 */
uint64_t qtest_link_ask(struct qtest_link *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** Wait (bounded) for one line that nobody asked for. @return whether it came. */
bool qtest_link_line(struct qtest_link *l, char *line, size_t len);

/** @return NULL while the link lives, else why it is dead. */
const char *qtest_link_lost(const struct qtest_link *l);

#endif

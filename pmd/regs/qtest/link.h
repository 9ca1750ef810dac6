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

/** The process at the other end, and the connection to it. */
struct qtest_link {
	pthread_mutex_t lock;  /* so that there is one question at a time */
	pid_t pid;             /* the process, and its process group; 0 or less: none */
	pid_t keeper;          /* kills that group if this process ends; 0 or less: none */
	int life;              /* the keeper reads until this is closed, by us or by our end */
	int sock;              /* the process's standard input and output */
	int errfd;             /* the process's stderr */
	uint64_t timeout_ms;   /* the longest wait for an answer */
	_Atomic bool dead;     /* it died, hung or answered nonsense, and is asked no more */
	char why[200];         /* the reason, one line; constant once dead (release/acquire) */
	char in[512];          /* bytes received beyond the last line */
	size_t in_len;
	_Atomic uint64_t asked; /* questions, for statistics */
};

/**
 * Start a process with its standard input and output connected to the link, in a process group of
 * its own. It is killed when the thread that started it ends, so that thread must live as long.
 * Processes that it has started (QEMU, if it is a script) are killed when this process ends.
 * @param argv NULL-terminated.
 * @param keep_fd a descriptor that it inherits under the same number; -1: none.
 * @return 0, or -errno with sluice_fail() called, and nothing is left to stop.
 */
int qtest_link_start(struct qtest_link *l, char *const argv[], int keep_fd, uint64_t timeout_ms);

/** End the process and its children, by killing them if need be, and close everything. */
void qtest_link_stop(struct qtest_link *l);

/**
 * Ask one question, and wait for "OK [value]" until the deadline. @return the value; all ones if
 * the link is or becomes dead, which is what a bus without a device returns.
 */
uint64_t qtest_link_ask(struct qtest_link *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/** Wait for one line that is no answer, until the deadline. @return whether it came. */
bool qtest_link_line(struct qtest_link *l, char *line, size_t len);

/** @return NULL while the link lives, else why it is dead. */
const char *qtest_link_lost(const struct qtest_link *l);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The QEMU process and its line protocol. Whatever the other end does, we wait no longer than the
 * deadline, and no process or file of it is left behind: it is tied to us by a socket pair, its
 * RAM is an unnamed file, and the system kills it when we die.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../engine/driver.h"
#include "link.h"

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* In the child: only calls that are safe between fork and exec. */
static void
child(char *const argv[], int sock, int keep_fd, int errfd, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* we died before the call above */
		_exit(126);
	if (dup2(sock, 0) < 0 || dup2(sock, 1) < 0 || dup2(errfd, 2) < 0 ||
	    fcntl(keep_fd, F_SETFD, 0) < 0)
		_exit(126);
	execvp(argv[0], argv);
	_exit(127);
}

int
qtest_link_start(struct qtest_link *l, char *const argv[], int keep_fd, uint64_t timeout_ms)
{
	pid_t parent = getpid();
	int pair[2];

	*l = (struct qtest_link){ .pid = -1, .sock = -1, .timeout_ms = timeout_ms };
	l->errfd = memfd_create("qtest-stderr", MFD_CLOEXEC);
	if (l->errfd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		int err = errno;

		if (l->errfd >= 0)
			close(l->errfd);
		return sluice_fail(err, "no socket for %s: %s", argv[0], strerror(err));
	}
	pthread_mutex_init(&l->lock, NULL);
	l->sock = pair[0];
	l->pid = fork();
	if (l->pid == 0)
		child(argv, pair[1], keep_fd, l->errfd, parent);
	close(pair[1]);
	if (l->pid < 0) {
		int err = errno;

		qtest_link_stop(l);
		return sluice_fail(err, "%s cannot be started: %s", argv[0], strerror(err));
	}
	return 0;
}

void
qtest_link_stop(struct qtest_link *l)
{
	if (l->sock >= 0)
		close(l->sock);
	if (l->pid > 0) {
		kill(l->pid, SIGKILL);
		while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (l->errfd >= 0)
		close(l->errfd);
	l->sock = -1;
	l->pid = -1;
	l->errfd = -1;
	pthread_mutex_destroy(&l->lock);
}

void
qtest_link_stderr(struct qtest_link *l, char *buf, size_t len)
{
	ssize_t n = pread(l->errfd, buf, len - 1, 0);

	buf[n > 0 ? n : 0] = '\0';
	buf[strcspn(buf, "\n")] = '\0';
}

static void
die(struct qtest_link *l, const char *why)
{
	char err[100];

	qtest_link_stderr(l, err, sizeof(err));
	snprintf(l->why, sizeof(l->why), "%s%s%s", why, err[0] ? ": " : "", err);
	l->dead = true;
}

/* One line, without its end. @return whether there was one in time. */
static bool
get_line(struct qtest_link *l, char *line, size_t len, uint64_t until)
{
	for (;;) {
		char *nl = memchr(l->in, '\n', l->in_len);
		struct pollfd p = { .fd = l->sock, .events = POLLIN };
		uint64_t now = now_ms();
		ssize_t n;

		if (nl != NULL) {
			size_t got = (size_t)(nl - l->in);

			snprintf(line, len, "%.*s", (int)got, l->in);
			l->in_len -= got + 1;
			memmove(l->in, nl + 1, l->in_len);
			return true;
		}
		if (l->in_len == sizeof(l->in)) {
			die(l, "QEMU's qtest socket answers garbage");
			return false;
		}
		if (now >= until || poll(&p, 1, (int)(until - now)) == 0) {
			die(l, "QEMU does not answer");
			return false;
		}
		n = read(l->sock, l->in + l->in_len, sizeof(l->in) - l->in_len);
		if (n == 0 || (n < 0 && errno != EINTR)) {
			die(l, "QEMU is gone");
			return false;
		}
		if (n > 0)
			l->in_len += (size_t)n;
	}
}

/* "OK" or "OK value"; lines that tell of interrupts may come in between. */
static uint64_t
get_answer(struct qtest_link *l)
{
	uint64_t until = now_ms() + l->timeout_ms, v = 0;
	char line[128], *end;

	do {
		if (!get_line(l, line, sizeof(line), until))
			return UINT64_MAX;
	} while (strncmp(line, "IRQ ", 4) == 0);
	if (strcmp(line, "OK") == 0)
		return 0;
	if (strncmp(line, "OK ", 3) == 0) {
		v = strtoull(line + 3, &end, 0);
		if (end != line + 3 && *end == '\0')
			return v;
	}
	die(l, "QEMU's qtest socket answers garbage");
	return UINT64_MAX;
}

uint64_t
qtest_link_ask(struct qtest_link *l, const char *fmt, ...)
{
	uint64_t v = UINT64_MAX;
	char line[128];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line) - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	pthread_mutex_lock(&l->lock);
	if (!l->dead) {
		l->asked++;
		/* The socket's buffer is far larger than a line, and one line is under way at most. */
		if (send(l->sock, line, (size_t)n, MSG_NOSIGNAL) == n)
			v = get_answer(l);
		else
			die(l, "QEMU is gone");
	}
	pthread_mutex_unlock(&l->lock);
	return v;
}

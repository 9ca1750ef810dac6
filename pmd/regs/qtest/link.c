/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The QEMU process and its line protocol. Whatever QEMU does, a wait ends with its deadline, and no
 * process or file is left behind. QEMU is connected by a socket pair, and its stderr is an unnamed
 * file. When this process dies, the system kills QEMU, and a keeper kills the processes that QEMU,
 * or a script in its place, has started.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../../engine/driver.h"
#include "link.h"

#define STDERR_MAX (1u << 20)

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

/* ---- the process ----------------------------------------------------------------------------- */

struct start {
	char *const *argv;
	int sock, keep_fd, errfd;
	int life; /* tells the keeper the process group; -1: there is no keeper */
	int status; /* a successful exec closes it; a failed one writes errno to it */
	pid_t parent;
};

/* In the child: write "PID\n" to the keeper, so that it knows the group before exec. */
static void
tell_keeper(int fd)
{
	char line[24], *at = line + sizeof(line);

	*--at = '\n';
	for (pid_t pid = getpid(); pid != 0; pid /= 10)
		*--at = (char)('0' + pid % 10);
	if (write(fd, at, (size_t)(line + sizeof(line) - at)) < 0)
		_exit(126);
}

/* In the child: makes only calls that are safe between fork and exec. */
static void
child(const struct start *s)
{
	struct rlimit core = { 1, 1 }, file = { STDERR_MAX, STDERR_MAX };
	sigset_t none;
	int err;

	/* A group of its own: Ctrl-C does not reach it, and all of the group can be killed. */
	setpgid(0, 0);
	tell_keeper(s->life);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != s->parent) /* the parent died before the call above */
		_exit(126);
	/* No core file (a limit of 1 also prevents one through a pipe), no endless stderr. */
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_FSIZE, &file);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
#ifdef CLOSE_RANGE_CLOEXEC
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
#endif
	if (dup2(s->sock, 0) >= 0 && dup2(s->sock, 1) >= 0 && dup2(s->errfd, 2) >= 0 &&
	    (s->keep_fd < 0 || fcntl(s->keep_fd, F_SETFD, 0) >= 0))
		execvp(s->argv[0], s->argv);
	err = errno;
	_exit(write(s->status, &err, sizeof(err)) == (ssize_t)sizeof(err) ? 127 : 126);
}

/* The keeper is a shell, because a fork of ours would hold our memory. It reads the process
 * group, then waits until the other end is closed, which the end of this process does as well,
 * and kills the group. */
static void
keep(int from)
{
	static char name[] = "sh", c[] = "-c",
		    script[] = "read -r g || exit 0; read -r x; kill -s KILL -- \"-$g\"";
	char *argv[] = { name, c, script, NULL };
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP };

	setsid(); /* so that signals of the terminal, or to our group, do not reach it */
	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
#ifdef CLOSE_RANGE_CLOEXEC
	close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
#endif
	if (dup2(from, 0) >= 0)
		execv("/bin/sh", argv);
	_exit(126);
}

/* @return 0 or an errno. */
static int
keeper_start(struct qtest_link *l)
{
	int life[2], null, err = 0;

	if (pipe2(life, O_CLOEXEC) < 0)
		return errno;
	l->life = life[1];
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	l->keeper = fork();
	if (l->keeper == 0) {
		dup2(null, 1);
		dup2(null, 2);
		keep(life[0]);
	}
	if (l->keeper < 0)
		err = errno;
	if (null >= 0)
		close(null);
	close(life[0]);
	return err;
}

static void
keeper_stop(struct qtest_link *l)
{
	if (l->keeper > 0) {
		kill(l->keeper, SIGKILL);
		while (waitpid(l->keeper, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (l->life >= 0)
		close(l->life);
	l->keeper = 0;
	l->life = -1;
}

/* @return 0 if exec succeeded, or an errno. */
static int
exec_result(int fd, uint64_t timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	uint64_t now = now_ms(), until = now + timeout_ms;
	int err = 0, n;

	do {
		n = poll(&p, 1, (int)(until - now));
		now = now_ms();
	} while (n < 0 && errno == EINTR && now < until);
	if (n <= 0)
		return ETIMEDOUT;
	return read(fd, &err, sizeof(err)) == (ssize_t)sizeof(err) ? err : 0;
}

int
qtest_link_start(struct qtest_link *l, char *const argv[], int keep_fd, uint64_t timeout_ms)
{
	struct start s = { .argv = argv, .keep_fd = keep_fd, .parent = getpid() };
	int pair[2] = { -1, -1 }, status[2] = { -1, -1 }, err = 0;

	memset(l, 0, sizeof(*l));
	l->sock = l->life = -1;
	l->timeout_ms = timeout_ms;
	pthread_mutex_init(&l->lock, NULL);
	l->errfd = memfd_create("qtest-stderr", MFD_CLOEXEC);
	if (l->errfd < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
	    pipe2(status, O_CLOEXEC) < 0) {
		err = errno;
	} else {
		err = keeper_start(l);
	}
	if (err == 0) {
		s.sock = pair[1];
		s.errfd = l->errfd;
		s.status = status[1];
		s.life = l->life;
		l->pid = fork();
		if (l->pid == 0)
			child(&s);
		err = l->pid < 0 ? errno : 0;
	}
	l->sock = pair[0];
	if (pair[1] >= 0)
		close(pair[1]);
	if (status[1] >= 0)
		close(status[1]);
	if (err == 0)
		err = exec_result(status[0], timeout_ms);
	if (status[0] >= 0)
		close(status[0]);
	if (err != 0) {
		qtest_link_stop(l);
		return sluice_fail(err == ENOMEM ? ENOMEM : ENODEV, "qemu=%s cannot be started: %s",
				   argv[0], strerror(err));
	}
	return 0;
}

void
qtest_link_stop(struct qtest_link *l)
{
	if (l->sock >= 0)
		close(l->sock);
	keeper_stop(l); /* first: once the group is reaped, its number may be given to another */
	if (l->pid > 0) {
		kill(-l->pid, SIGKILL);
		kill(l->pid, SIGKILL);
		while (waitpid(l->pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	if (l->errfd >= 0)
		close(l->errfd);
	l->sock = -1;
	l->pid = 0;
	l->errfd = -1;
	pthread_mutex_destroy(&l->lock);
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* The last line that QEMU printed is the best reason. */
static void
die(struct qtest_link *l, const char *why)
{
	char err[120];
	ssize_t n = pread(l->errfd, err, sizeof(err) - 1, 0);

	err[n > 0 ? n : 0] = '\0';
	err[strcspn(err, "\r\n")] = '\0';
	snprintf(l->why, sizeof(l->why), "%s%s%s", why, err[0] != '\0' ? ": " : "", err);
	for (char *c = l->why; *c != '\0'; c++)
		if (iscntrl((unsigned char)*c))
			*c = '?';
	/* Release: pairs with the acquire in qtest_link_lost(). */
	atomic_store_explicit(&l->dead, true, memory_order_release);
}

/* Get one line, without its end. @return whether it came in time. */
static bool
get_line(struct qtest_link *l, char *line, size_t len, uint64_t until)
{
	for (;;) {
		char *nl = memchr(l->in, '\n', l->in_len);
		struct pollfd p = { .fd = l->sock, .events = POLLIN };
		uint64_t now;
		ssize_t n;

		if (nl != NULL) {
			size_t got = (size_t)(nl - l->in);

			snprintf(line, len, "%.*s", (int)got, l->in);
			l->in_len -= got + 1;
			memmove(l->in, nl + 1, l->in_len);
			return true;
		}
		if (l->in_len == sizeof(l->in)) {
			die(l, "QEMU answers garbage (a line without an end)");
			return false;
		}
		now = now_ms();
		if (now >= until) {
			die(l, "QEMU does not answer");
			return false;
		}
		if (poll(&p, 1, (int)(until - now)) <= 0)
			continue;
		n = recv(l->sock, l->in + l->in_len, sizeof(l->in) - l->in_len, MSG_DONTWAIT);
		if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN)) {
			die(l, "QEMU is gone");
			return false;
		}
		if (n > 0)
			l->in_len += (size_t)n;
	}
}

/* The answer is "OK" or "OK value". Lines about interrupts may come before it, and are skipped. */
static uint64_t
get_answer(struct qtest_link *l)
{
	uint64_t until = now_ms() + l->timeout_ms, v = 0;
	char line[128], why[80], *end;

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
	snprintf(why, sizeof(why), "QEMU answers garbage ('%.40s')", line);
	die(l, why);
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
	if (n < 0 || (size_t)n >= sizeof(line) - 1)
		return UINT64_MAX;
	line[n++] = '\n';
	pthread_mutex_lock(&l->lock);
	if (!atomic_load_explicit(&l->dead, memory_order_relaxed)) {
		atomic_fetch_add_explicit(&l->asked, 1, memory_order_relaxed);
		/* This does not block: the socket's buffer is much longer than a line. */
		if (send(l->sock, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) == n)
			v = get_answer(l);
		else
			die(l, "QEMU is gone");
	}
	pthread_mutex_unlock(&l->lock);
	return v;
}

bool
qtest_link_line(struct qtest_link *l, char *line, size_t len)
{
	bool got;

	pthread_mutex_lock(&l->lock);
	got = !atomic_load_explicit(&l->dead, memory_order_relaxed) &&
	      get_line(l, line, len, now_ms() + l->timeout_ms);
	pthread_mutex_unlock(&l->lock);
	return got;
}

const char *
qtest_link_lost(const struct qtest_link *l)
{
	/* Acquire: pairs with the release in die(), before which the reason was written. */
	return atomic_load_explicit(&l->dead, memory_order_acquire) ? l->why : NULL;
}

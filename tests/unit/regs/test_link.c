/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The line protocol and the process behind it, with shell scripts in QEMU's place: whatever the
 * other end does, an answer or its absence comes in time, with one line that says why, and
 * nothing is left behind.
 */
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../../engine/driver.h"
#include "../../../pmd/regs/qtest/link.h"

#define TIMEOUT 300u

static uint64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static unsigned int
nb_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	assert_non_null(d);
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

static void
start(struct qtest_link *l, const char *script)
{
	char *argv[] = { (char *)(uintptr_t)"/bin/sh", (char *)(uintptr_t)"-c",
			 (char *)(uintptr_t)script, NULL };

	assert_int_equal(qtest_link_start(l, argv, -1, TIMEOUT), 0);
	assert_null(qtest_link_lost(l));
}

/* Stopped, reaped: no child is there to be waited for. */
static void
stop_link(struct qtest_link *l)
{
	qtest_link_stop(l);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

static void
test_talk(void **state)
{
	struct qtest_link l;
	char line[64];

	(void)state;
	/* What it is asked, it repeats on stderr, which nobody reads while it lives. */
	start(&l, "echo hello; read a; echo OK; read a; echo 'OK 0x10'; read a; "
		  "echo 'IRQ raise 5'; echo 'IRQ lower 5'; echo 'OK 0xffffffffffffffff'; "
		  "read a b; [ \"$a $b\" = 'readl 0x1234' ] && echo 'OK 7'; sleep 100");
	assert_true(qtest_link_line(&l, line, sizeof(line)));
	assert_string_equal(line, "hello");
	assert_int_equal(qtest_link_ask(&l, "one"), 0);
	assert_int_equal(qtest_link_ask(&l, "two"), 0x10);
	assert_true(qtest_link_ask(&l, "three") == UINT64_MAX);
	assert_null(qtest_link_lost(&l)); /* that was its answer */
	assert_int_equal(qtest_link_ask(&l, "readl %#x", 0x1234), 7);
	assert_int_equal(l.asked, 4);
	stop_link(&l);
}

/* Each way to misbehave: all ones, dead, in time, and why. */
static void
test_bad_peers(void **state)
{
	static const struct {
		const char *script, *why, *also;
		uint64_t least, most; /* ms */
	} t[] = {
		{ "exit 3", "gone", "", 0, 250 },
		{ "echo 'no such device' >&2; echo 'more' >&2; exit 1", "gone",
		  "no such device", 0, 250 },
		{ "sleep 100", "does not answer", "", TIMEOUT, 1000 },
		{ "read a; echo HELLO; sleep 100", "garbage", "HELLO", 0, 250 },
		{ "read a; echo OK 0xzz; sleep 100", "garbage", "0xzz", 0, 250 },
		{ "read a; echo 'OK 1 2'; sleep 100", "garbage", "OK 1 2", 0, 250 },
		{ "read a; echo OKAY; sleep 100", "garbage", "OKAY", 0, 250 },
		{ "read a; printf 'OK 0x1'; sleep 100", "does not answer", "", TIMEOUT, 1000 },
		{ "read a; printf 'x\\033[31my\\n'; sleep 100", "garbage", "x?[31my", 0, 250 },
		{ "yes 'IRQ raise 0'", "does not answer", "", TIMEOUT, 1000 },
		{ "yes '' | tr '\\n' x", "without an end", "", 0, 1000 },
		{ "exec <&- >&-; sleep 100", "gone", "", 0, 250 },
		{ "yes noise >&2", "gone", "noise", 0, 1000 },
		{ "kill -9 $$", "gone", "", 0, 250 },
	};
	unsigned int fds = nb_fds();

	(void)state;
	for (size_t i = 0; i < RTE_DIM(t); i++) {
		struct qtest_link l;
		uint64_t t0, ms;

		start(&l, t[i].script);
		t0 = now_ms();
		assert_true(qtest_link_ask(&l, "readl 0x0") == UINT64_MAX);
		ms = now_ms() - t0;
		if (ms < t[i].least || ms > t[i].most + 2000)
			fail_msg("'%s' took %ju ms", t[i].script, (uintmax_t)ms);
		assert_non_null(qtest_link_lost(&l));
		if (strstr(qtest_link_lost(&l), t[i].why) == NULL ||
		    strstr(qtest_link_lost(&l), t[i].also) == NULL)
			fail_msg("'%s': '%s'", t[i].script, qtest_link_lost(&l));
		assert_null(strpbrk(qtest_link_lost(&l), "\n\r\033"));
		/* Dead is dead: nothing is asked, nothing is waited for. */
		t0 = now_ms();
		for (int k = 0; k < 1000; k++)
			assert_true(qtest_link_ask(&l, "readl 0x0") == UINT64_MAX);
		assert_in_range(now_ms() - t0, 0, 100);
		assert_int_equal(l.asked, 1);
		stop_link(&l);
	}
	assert_int_equal(nb_fds(), fds);
}

static void
test_cannot_start(void **state)
{
	char *argv[] = { (char *)(uintptr_t)"/nonexistent/qemu", NULL };
	unsigned int fds = nb_fds();
	struct qtest_link l;

	(void)state;
	assert_int_equal(qtest_link_start(&l, argv, -1, TIMEOUT), -ENODEV);
	assert_non_null(strstr(sluice_error(), "/nonexistent/qemu"));
	assert_non_null(strstr(sluice_error(), "No such file"));
	argv[0] = (char *)(uintptr_t)"/etc/passwd";
	assert_int_equal(qtest_link_start(&l, argv, -1, TIMEOUT), -ENODEV);
	assert_non_null(strstr(sluice_error(), "Permission denied"));
	/* A descriptor that is not there cannot be kept. */
	argv[0] = (char *)(uintptr_t)"/bin/true";
	assert_int_equal(qtest_link_start(&l, argv, 9999, TIMEOUT), -ENODEV);
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(nb_fds(), fds);
}

/* What it started is gone with it, and what is open here is not open there. */
static void
test_nothing_left(void **state)
{
	struct qtest_link l;
	char line[64];
	int secret[2];
	pid_t grandchild;

	(void)state;
	assert_int_equal(pipe(secret), 0); /* not close-on-exec */
	start(&l, "ls /proc/self/fd | tr '\\n' ' '; echo; sleep 100 & echo $!; ulimit -c; wait");
	assert_true(qtest_link_line(&l, line, sizeof(line)));
	assert_string_equal(line, "0 1 2 3 "); /* 3: ls itself reads the folder */
	assert_true(qtest_link_line(&l, line, sizeof(line)));
	grandchild = (pid_t)atoi(line);
	assert_int_equal(kill(grandchild, 0), 0);
	assert_int_equal(getpgid(grandchild), l.pid);
	assert_true(getpgid(grandchild) != getpgid(0)); /* Ctrl-C does not reach it */
	assert_true(qtest_link_line(&l, line, sizeof(line)));
	assert_string_equal(line, "0"); /* blocks: a limit of one byte is no core file */
	stop_link(&l);
	for (int i = 0; i < 100; i++) {
		char path[64], stat[128] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/stat", (int)grandchild);
		f = fopen(path, "re");
		if (f == NULL)
			break;
		if (fgets(stat, sizeof(stat), f) != NULL && strstr(stat, ") Z") != NULL)
			i = 1000; /* dead, whoever inherited it has not looked yet */
		fclose(f);
		if (i == 99)
			fail_msg("a child of the child lives on");
		usleep(10000);
	}
	close(secret[0]);
	close(secret[1]);
}

static void *
asker(void *arg)
{
	struct qtest_link *l = arg;

	for (int i = 0; i < 300; i++)
		if (qtest_link_ask(l, "x %d", i) != (uint64_t)i)
			return l;
	return NULL;
}

/* Two threads: each gets its own answers; both learn of the end. */
static void
test_threads(void **state)
{
	struct qtest_link l;
	pthread_t t[2];
	void *bad;

	(void)state;
	start(&l, "while read a b; do echo IRQ lower 1; echo OK $b; done");
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, asker, &l), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], &bad);
		assert_null(bad);
	}
	assert_int_equal(l.asked, 600);
	kill(l.pid, SIGKILL);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&t[i], NULL, asker, &l), 0);
	for (int i = 0; i < 2; i++) {
		pthread_join(t[i], &bad);
		assert_non_null(bad);
	}
	assert_non_null(qtest_link_lost(&l));
	stop_link(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_talk),	     cmocka_unit_test(test_bad_peers),
		cmocka_unit_test(test_cannot_start), cmocka_unit_test(test_nothing_left),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

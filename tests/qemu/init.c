/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The guest's only user-space program besides those under test: process 1. Prepares what EAL and
 * /dev/mem need, runs the lines of /commands one by one, says on the console how each ended, and
 * powers off. Nothing here may wait for ever: the host sees only the console.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_ARGS  64
#define MAX_LINE  4096
#define HUGE      (2u << 20)
#define LIMIT_S   3000 /* guest time; the host has a deadline of its own */

static int
fail(const char *what)
{
	printf("@init cannot %s: %s\n", what, strerror(errno));
	return -1;
}

static int
write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n < 0 ? fail(path) : 0;
}

struct page {
	uint64_t frame;
	void *va;
};

/* Highest frame first. */
static int
cmp_page(const void *a, const void *b)
{
	uint64_t x = ((const struct page *)a)->frame, y = ((const struct page *)b)->frame;

	return (x < y) - (x > y);
}

/* The kernel hands out the huge page that it got back last, and fills its pool from the top: EAL
 * would hardly find two that follow one another. All are taken once and given back from the
 * highest to the lowest, so that the pool then ascends. Fails harmlessly. */
static void
sort_huge_pages(unsigned int n)
{
	struct page *page = calloc(n, sizeof(*page));
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	unsigned int got = 0;

	for (; page != NULL && fd >= 0 && got < n; got++) {
		struct page *p = &page[got];

		p->va = mmap(NULL, HUGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS |
			     MAP_HUGETLB | MAP_POPULATE, -1, 0);
		if (p->va == MAP_FAILED || pread(fd, &p->frame, sizeof(p->frame),
						 (off_t)((uintptr_t)p->va / 4096 * 8)) != 8)
			break;
	}
	if (got > 0)
		qsort(page, got, sizeof(*page), cmp_page);
	for (unsigned int i = 0; i < got; i++)
		munmap(page[i].va, HUGE);
	if (fd >= 0)
		close(fd);
	free(page);
}

/* @return 0 or -1, said. */
static int
prepare(const char *huge_pages)
{
	static const struct {
		const char *type, *path;
	} fs[] = { { "devtmpfs", "/dev" }, { "proc", "/proc" }, { "sysfs", "/sys" } };
	int fd;

	for (unsigned int i = 0; i < sizeof(fs) / sizeof(fs[0]); i++) {
		mkdir(fs[i].path, 0755);
		if (mount(fs[i].type, fs[i].path, fs[i].type, 0, NULL) != 0 && errno != EBUSY)
			return fail(fs[i].path);
	}
	/* The kernel opened no console when the initrd had no /dev/console. */
	fd = open("/dev/console", O_RDWR);
	if (fd >= 0) {
		dup2(fd, STDIN_FILENO);
		dup2(fd, STDOUT_FILENO);
		dup2(fd, STDERR_FILENO);
		if (fd > STDERR_FILENO)
			close(fd);
	}
	mkdir("/tmp", 0777);
	mkdir("/var", 0755);
	mkdir("/var/run", 0755);
	if (write_to("/proc/sys/vm/nr_hugepages", huge_pages) != 0)
		return -1;
	sort_huge_pages((unsigned int)atoi(huge_pages));
	return 0;
}

/* Guest time: there is no other here. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* Words at blanks; no quoting, the lines are our own. */
static int
split(char *line, char **argv)
{
	int argc = 0;

	for (char *w = strtok(line, " \t\n"); w != NULL && argc < MAX_ARGS - 1;
	     w = strtok(NULL, " \t\n"))
		argv[argc++] = w;
	argv[argc] = NULL;
	return argc;
}

/* @return its exit status, 128 + a signal's number. */
static int
run(char **argv)
{
	struct timespec tick = { .tv_nsec = 10000000 };
	double end = now() + LIMIT_S;
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid < 0)
		return fail("fork"), 126;
	if (pid == 0) {
		execv(argv[0], argv);
		fprintf(stderr, "cannot run %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (now() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			break;
		}
		nanosleep(&tick, NULL);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void
run_all(void)
{
	FILE *f = fopen("/commands", "re");
	char line[MAX_LINE], *argv[MAX_ARGS];
	unsigned int n = 0;
	double start;
	int status;

	if (f == NULL) {
		fail("/commands");
		return;
	}
	while (fgets(line, sizeof(line), f) != NULL) {
		if (split(line, argv) == 0)
			continue;
		printf("@begin %u %s\n", ++n, argv[0]);
		start = now();
		status = run(argv);
		printf("@status %u %d after %.1f s\n", n, status, now() - start);
	}
	fclose(f);
	printf("@end %u\n", n);
}

int
main(int argc, char **argv)
{
	/* The kernel hands on what it does not know from its own command line: huge=N. */
	const char *huge = getenv("huge");

	(void)argc;
	(void)argv;
	if (prepare(huge != NULL ? huge : "128") == 0)
		run_all();
	fflush(stdout);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}

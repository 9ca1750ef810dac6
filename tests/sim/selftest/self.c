/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "self.h"

static int to_parent;

struct sim_conf
self_conf(enum sim_sched sched, uint32_t buffer)
{
	return (struct sim_conf){
		.seed = 1, .sched = sched, .stick = 1, .depth = 3, .length = 16, .buffer = buffer,
		.drain = 3, .jump = 1000, .max_steps = 1000000, .max_ns = UINT64_C(100000000000),
	};
}

static void
tell(const char *why)
{
	if (write(to_parent, why, strlen(why)) < 0)
		_exit(2);
}

static void
say(const char *why)
{
	puts(why);
}

void
self_run(const struct self_prog *p, const struct sim_conf *conf)
{
	sim_on_fail = to_parent != 0 ? tell : say;
	sim_begin(conf);
	if (p->reset != NULL)
		p->reset();
	for (unsigned int i = 0; i < 8 && p->fiber[i] != NULL; i++)
		(void)sim_spawn("fiber", p->fiber[i], (void *)(uintptr_t)i);
	(void)sim_run();
}

unsigned int
self_count(const struct self_prog *p, struct sim_conf conf, unsigned int n)
{
	unsigned int seen = 0;

	for (conf.seed = 1; conf.seed <= n; conf.seed++) {
		self_run(p, &conf);
		seen += p->seen();
	}
	return seen;
}

unsigned int
self_count_all(const struct self_prog *p, uint32_t buffer, unsigned int n)
{
	unsigned int seen = 0;

	for (unsigned int s = SIM_RANDOM; s <= SIM_STARVE; s++)
		seen += self_count(p, self_conf(s, buffer), n);
	return seen;
}

const char *
self_why(void (*fn)(void *))
{
	static char why[512];
	const struct self_prog p = { .fiber = { fn } };
	const struct sim_conf conf = self_conf(SIM_RANDOM, 4);
	int fd[2], status;
	ssize_t n;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		to_parent = fd[1];
		self_run(&p, &conf);
		_exit(0);
	}
	close(fd[1]);
	n = read(fd[0], why, sizeof(why) - 1);
	close(fd[0]);
	why[n > 0 ? n : 0] = '\0';
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		return strsignal(WTERMSIG(status));
	assert_int_equal(WEXITSTATUS(status) != 0, why[0] != '\0');
	return why;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Parent and children share one mapping: the next case, the sums, and for each child a slot that says
 * what it is at. A child that is gone is judged by its slot and by how it ended.
 */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pool.h"

/* A child that waits for something uses no processor: it has so many times longer. */
#define WAITS 20u

struct slot {
	pid_t pid;
	bool hung;
	atomic_bool busy;
	_Atomic uint64_t at, wall, cpu; /* the case, and when it began, ns */
	struct pool_find find;
};

struct shared {
	_Atomic uint64_t next, limit; /* cases from limit on are not begun */
	_Atomic uint64_t runs, steps, ns, hash;
	_Atomic uint64_t events[SOMETIMES_NB], seeds[SOMETIMES_NB];
	struct slot slot[POOL_JOBS];
};

static const struct pool_conf *conf;
static struct shared *shared;
static struct slot *mine; /* in a child */
static uint64_t violations;
static struct pool_find best; /* conf->least: the least so far */

/* The linker leads mmap() to the runtime's arena, where this must not be. */
void *__real_mmap64(void *at, size_t n, int prot, int flags, int fd, off_t off);
int __real_munmap(void *p, size_t n);

static uint64_t
clock_ns(clockid_t id)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* ---- in a child ------------------------------------------------------------------------------ */

/* What happened counts, however the run ended. */
static void
count(void)
{
	for (unsigned int i = 0; i < SOMETIMES_NB; i++) {
		if (sometimes_count[i] == 0)
			continue;
		atomic_fetch_add(&shared->events[i], sometimes_count[i]);
		atomic_fetch_add(&shared->seeds[i], 1);
		sometimes_count[i] = 0;
	}
	atomic_fetch_add(&shared->runs, 1);
	atomic_fetch_add(&shared->steps, sim_steps());
}

static void
on_fail(const char *why)
{
	mine->find.steps = sim_steps();
	snprintf(mine->find.reason, sizeof(mine->find.reason), "%s", why);
	count();
}

static _Noreturn void
child(struct slot *s)
{
	uint64_t at;

	mine = s;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	sim_on_fail = on_fail;
	while ((at = atomic_fetch_add(&shared->next, 1)) < atomic_load(&shared->limit)) {
		s->find.at = at;
		s->find.reason[0] = '\0';
		s->find.steps = 0;
		conf->plan_of(&s->find.plan, at, conf->arg);
		atomic_store(&s->at, at);
		atomic_store(&s->wall, clock_ns(CLOCK_MONOTONIC));
		atomic_store(&s->cpu, clock_ns(CLOCK_PROCESS_CPUTIME_ID));
		atomic_store(&s->busy, true);
		conf->run(&s->find.plan);
		atomic_fetch_add(&shared->hash, sim_hash());
		atomic_fetch_add(&shared->ns, sim_now());
		count();
		atomic_store(&s->busy, false);
	}
	fflush(NULL);
	_exit(0);
}

/* ---- in the parent --------------------------------------------------------------------------- */

static int
start(struct slot *s)
{
	pid_t pid;

	s->hung = false;
	atomic_store(&s->busy, false);
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		child(s);
	s->pid = pid > 0 ? pid : 0;
	return pid < 0 ? -errno : 0;
}

static void
note(struct slot *s, int status)
{
	struct pool_find *f = &s->find;

	if (s->hung)
		snprintf(f->reason, sizeof(f->reason), "it hangs: no end after %u s", conf->hang_s);
	else if (WIFSIGNALED(status))
		snprintf(f->reason, sizeof(f->reason), "killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else if (f->reason[0] == '\0')
		snprintf(f->reason, sizeof(f->reason), "it ended with status %d and gave no reason",
			 WEXITSTATUS(status));
	if (s->hung || WIFSIGNALED(status)) {
		f->steps = UINT64_MAX;
		atomic_fetch_add(&shared->runs, 1);
	}
	if (conf->wanted != NULL && !conf->wanted(f, conf->arg))
		return;
	if (!conf->least) {
		violations++;
		conf->found(f, conf->arg);
		return;
	}
	if (violations == 0 || f->at < best.at)
		best = *f;
	violations = 1;
	if (best.at < atomic_load(&shared->limit))
		atomic_store(&shared->limit, best.at);
}

static void
look_for_hangs(struct slot *s)
{
	uint64_t at = atomic_load(&s->at), cpu, wall, bound = conf->hang_s * UINT64_C(1000000000);
	clockid_t id;

	if (s->pid == 0 || s->hung || !atomic_load(&s->busy) || clock_getcpuclockid(s->pid, &id) != 0)
		return;
	cpu = clock_ns(id) - atomic_load(&s->cpu);
	wall = clock_ns(CLOCK_MONOTONIC) - atomic_load(&s->wall);
	if (cpu > INT64_MAX || wall > INT64_MAX || (cpu <= bound && wall <= WAITS * bound))
		return;
	/* It may have gone on to its next case meanwhile. */
	if (atomic_load(&s->at) != at || !atomic_load(&s->busy))
		return;
	s->hung = true;
	kill(s->pid, SIGKILL);
}

static struct slot *
slot_of(pid_t pid)
{
	for (unsigned int i = 0; i < POOL_JOBS; i++)
		if (shared->slot[i].pid == pid)
			return &shared->slot[i];
	return NULL;
}

/* A child has ended. @return 0, or -errno: nobody takes its place. */
static int
ended(struct slot *s, int status, unsigned int *alive)
{
	int ret = 0;

	s->pid = 0;
	--*alive;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0 && !atomic_load(&s->busy))
		return 0;
	note(s, status);
	if (atomic_load(&shared->next) < atomic_load(&shared->limit)) {
		ret = start(s);
		*alive += ret == 0;
	}
	return ret;
}

static int
watch(unsigned int jobs)
{
	const struct timespec turn = { .tv_nsec = 50000000 };
	unsigned int alive = 0;
	int ret = 0, status;
	sigset_t set, old;
	pid_t pid;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, &old);
	for (unsigned int i = 0; i < jobs && ret == 0; i++) {
		ret = start(&shared->slot[i]);
		alive += ret == 0;
	}
	while (alive != 0) {
		pid = waitpid(-1, &status, WNOHANG);
		if (pid > 0 && slot_of(pid) != NULL) {
			int r = ended(slot_of(pid), status, &alive);

			ret = r != 0 ? r : ret;
			continue;
		}
		for (unsigned int i = 0; i < jobs; i++)
			look_for_hangs(&shared->slot[i]);
		if (conf->progress != NULL)
			conf->progress(atomic_load(&shared->runs), conf->nb, violations, conf->arg);
		(void)sigtimedwait(&set, NULL, &turn);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return ret;
}

int
pool_run(const struct pool_conf *c, struct pool_sum *sum)
{
	unsigned int jobs = c->jobs != 0 ? c->jobs : (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t begin = clock_ns(CLOCK_MONOTONIC);
	int ret;

	if (jobs > POOL_JOBS)
		jobs = POOL_JOBS;
	if (jobs > c->nb)
		jobs = (unsigned int)c->nb;
	conf = c;
	violations = 0;
	shared = __real_mmap64(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return -errno;
	atomic_store(&shared->limit, c->nb);
	ret = watch(jobs);
	if (c->least && violations != 0)
		c->found(&best, c->arg);
	*sum = (struct pool_sum){ .runs = shared->runs, .violations = violations,
				  .steps = shared->steps, .ns = shared->ns, .hash = shared->hash };
	for (unsigned int i = 0; i < SOMETIMES_NB; i++) {
		sum->events[i] = shared->events[i];
		sum->seeds[i] = shared->seeds[i];
	}
	sum->wall_s = (double)(clock_ns(CLOCK_MONOTONIC) - begin) / 1e9;
	(void)__real_munmap(shared, sizeof(*shared));
	return ret;
}

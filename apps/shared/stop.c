/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A signal sets a flag, which the program looks at between its steps. One step can be a long wait
 * for hardware, so a second thread waits beside the program and acts if the flag is not seen in
 * time.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "outfile.h"
#include "stop.h"

#define GRACE_MS 1000

static const int ending[] = {
	SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGVTALRM, SIGPROF, SIGUSR1, SIGUSR2, SIGXCPU,
	SIGIO, SIGPWR, SIGSTKFLT,
};

static atomic_bool *flag;
static void (*hook)(void);
static int wake = -1;
static atomic_bool graceless; /* the next signal ends the program at once */

/* Another signal within the grace is no second request: timeout(1), for example, signals the
 * process and its group, a moment apart. */
static void
on_signal(int sig)
{
	const uint64_t one = 1;
	int err = errno;

	if (atomic_exchange_explicit(flag, true, memory_order_relaxed) &&
	    atomic_load_explicit(&graceless, memory_order_relaxed)) {
		outfile_abandon();
		signal(sig, SIG_DFL);
		raise(sig); /* delivered when this handler returns */
	}
	(void)!write(wake, &one, sizeof(one));
	errno = err;
}

static void *
wait_beside(void *arg)
{
	struct timespec grace = { GRACE_MS / 1000, GRACE_MS % 1000 * 1000000L };
	uint64_t n;

	while (read(wake, &n, sizeof(n)) < 0 && errno == EINTR)
		;
	while (nanosleep(&grace, &grace) != 0 && errno == EINTR)
		;
	atomic_store_explicit(&graceless, true, memory_order_relaxed);
	hook();
	return arg;
}

void
stop_watch(atomic_bool *asked, void (*late)(void))
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = SA_RESTART }, old;
	pthread_attr_t detached;
	bool beside = false;
	pthread_t t;

	flag = asked;
	hook = late;
	wake = eventfd(0, EFD_CLOEXEC);
	sigfillset(&sa.sa_mask);
	for (size_t i = 0; i < sizeof(ending) / sizeof(ending[0]); i++)
		if (sigaction(ending[i], NULL, &old) == 0 && old.sa_handler != SIG_IGN)
			sigaction(ending[i], &sa, NULL);
	sa = (struct sigaction) { .sa_handler = SIG_IGN };
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGXFSZ, &sa, NULL);
	if (wake >= 0 && pthread_attr_init(&detached) == 0) {
		pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
		beside = pthread_create(&t, &detached, wait_beside, NULL) == 0;
		pthread_attr_destroy(&detached);
	}
	if (!beside) /* without the thread, a second signal may end the program at once */
		atomic_store_explicit(&graceless, true, memory_order_relaxed);
}

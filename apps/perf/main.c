/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice-perf: what does safety cost? It runs unmap policies side by side, on traffic that is
 * checked byte by byte. Bad input is refused before EAL starts.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>

#include "../shared/standard.h"
#include "../shared/stop.h"
#include "book.h"
#include "../shared/devargs.h"
#include "eal.h"
#include "msg.h"
#include "options.h"
#include "outputs.h"
#include "sweep.h"
#include "workload.h"

/* Global, so that a second thread can write the results when the main thread is stuck. */
static struct perf_options options;
static struct perf_outputs outputs;
static struct perf_book book = { .lock = PTHREAD_MUTEX_INITIALIZER };
static bool outputs_open; /* book.lock protects this, and the outputs while they are open */

static int
say_interrupted(void)
{
	static atomic_flag said = ATOMIC_FLAG_INIT;

	if (!atomic_flag_test_and_set(&said))
		perf_failed("interrupted: what was complete is kept, the rest is not there");
	return PERF_EXIT_FAILED;
}

/* A second after a signal the main thread may still be waiting, for hardware or for the reader
 * of a pipe. Then this thread writes what there is and ends the program, unless the hardware is
 * real: that must be put in order first. */
static void
late(void)
{
	if (!devargs_ends_with_us(options.dev))
		return;
	pthread_mutex_lock(&book.lock);
	say_interrupted();
	if (outputs_open) {
		perf_outputs_write(&outputs, &book);
		perf_outputs_close(&outputs);
	}
	standard_arrived();
	_exit(PERF_EXIT_FAILED);
}

static void
keep(struct perf_book *bk)
{
	pthread_mutex_lock(&bk->lock);
	perf_outputs_keep(&outputs, bk);
	pthread_mutex_unlock(&bk->lock);
}

/* Check all points for lcores before the first one runs. */
static int
lcores_suffice(const struct perf_options *o, const struct perf_sweep *s)
{
	struct perf_layout l;
	int rc = 0;

	for (unsigned int i = 0; i < s->nb_points && rc == 0; i++)
		rc = perf_layout_plan(&l, o->layout, s->point[i].workers);
	return rc;
}

static int
measure_and_write(const struct perf_workload *wl, const struct perf_sweep *s)
{
	int rc = lcores_suffice(&options, s), written;

	if (rc != 0)
		return rc;
	book.o = &options;
	book.wl = wl;
	book.each_point = keep;
	rc = perf_book_fill(&book, s);
	if (atomic_load_explicit(&perf_interrupted, memory_order_relaxed))
		rc = say_interrupted();
	pthread_mutex_lock(&book.lock);
	written = perf_outputs_write(&outputs, &book);
	pthread_mutex_unlock(&book.lock);
	return rc != 0 ? rc : written;
}

/* Opening a pipe waits for its reader, so the lock is not held meanwhile. */
static int
opened(void)
{
	int rc = perf_outputs_open(&outputs, &options);

	pthread_mutex_lock(&book.lock);
	outputs_open = rc == 0;
	pthread_mutex_unlock(&book.lock);
	return rc;
}

static void
closed(void)
{
	pthread_mutex_lock(&book.lock);
	perf_outputs_close(&outputs);
	outputs_open = false;
	pthread_mutex_unlock(&book.lock);
	perf_book_free(&book);
}

static int
campaign(int eal_argc, char **argv)
{
	struct perf_sweep sweep;
	struct perf_workload wl;
	int rc = perf_sweep_load(&sweep, &options);

	if (rc != 0)
		return rc;
	rc = perf_workload_load(&wl, options.workload, options.seed);
	if (rc != 0)
		goto no_workload;
	rc = opened();
	if (rc != 0)
		goto no_outputs;
	rc = perf_eal_init(eal_argc, argv);
	if (rc == 0) {
		rc = measure_and_write(&wl, &sweep);
		rte_eal_cleanup();
	}
	closed();
no_outputs:
	perf_workload_free(&wl);
no_workload:
	perf_sweep_free(&sweep);
	return rc;
}

int
main(int argc, char **argv)
{
	int eal_argc, rc = PERF_EXIT_OK, err;

	standard_ensure();
	stop_watch(&perf_interrupted, late);
	switch (perf_options_parse(argc, argv, &options, &eal_argc)) {
	case PERF_OPTIONS_DONE:
		break;
	case PERF_OPTIONS_BAD:
		return PERF_EXIT_USAGE;
	case PERF_OPTIONS_RUN:
		rc = campaign(eal_argc, argv);
		break;
	}
	err = standard_arrived();
	if (err != 0 && rc == PERF_EXIT_OK)
		rc = perf_usage_error("standard output: cannot be written: %s", strerror(err));
	return rc;
}

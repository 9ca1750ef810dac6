/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice-perf: what does safety cost? Unmap policies side by side, on traffic that is checked byte
 * by byte. Everything that can be refused is refused before EAL starts.
 */
#include <signal.h>

#include <rte_eal.h>

#include "book.h"
#include "eal.h"
#include "msg.h"
#include "options.h"
#include "outputs.h"
#include "sweep.h"
#include "workload.h"

static void
on_signal(int sig)
{
	(void)sig;
	atomic_store_explicit(&perf_interrupted, true, memory_order_relaxed);
}

static void
catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
}

/* Too few lcores for one of the points: said before the first of them has run. */
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
measure_and_write(const struct perf_options *o, const struct perf_workload *wl,
		  const struct perf_sweep *s, struct perf_outputs *out)
{
	struct perf_book bk = { .o = o, .wl = wl };
	int rc = lcores_suffice(o, s), written = 0;

	if (rc != 0)
		return rc;
	catch_signals();
	rc = perf_book_fill(&bk, s);
	if (bk.nb_results == bk.max_results && bk.nb_results != 0)
		written = perf_outputs_write(out, &bk);
	perf_book_free(&bk);
	return rc != 0 ? rc : written;
}

int
main(int argc, char **argv)
{
	struct perf_options o;
	struct perf_sweep sweep;
	struct perf_workload wl;
	struct perf_outputs out;
	int eal_argc, rc;

	switch (perf_options_parse(argc, argv, &o, &eal_argc)) {
	case PERF_OPTIONS_DONE:
		return PERF_EXIT_OK;
	case PERF_OPTIONS_BAD:
		return PERF_EXIT_USAGE;
	case PERF_OPTIONS_RUN:
		break;
	}
	rc = perf_sweep_load(&sweep, &o);
	if (rc != 0)
		return rc;
	rc = perf_workload_load(&wl, o.workload, o.seed);
	if (rc != 0)
		goto no_workload;
	rc = perf_outputs_open(&out, &o);
	if (rc != 0)
		goto no_outputs;
	rc = perf_eal_init(eal_argc, argv);
	if (rc == 0) {
		rc = measure_and_write(&o, &wl, &sweep, &out);
		rte_eal_cleanup();
	}
	perf_outputs_discard(&out);
no_outputs:
	perf_workload_free(&wl);
no_workload:
	perf_sweep_free(&sweep);
	return rc;
}

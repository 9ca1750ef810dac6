/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One seed once more, and its story if it violates something. The same words each time.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "campaign.h"
#include "world/world.h"

#define NOTES 60u

static const struct options *opt;
static struct plan plan;

static void
tell(const char *why)
{
	char text[800];

	plan_print(&plan, NULL, text, sizeof(text));
	puts("---- notes: step, virtual ns, fiber, what");
	sim_notes(NOTES);
	printf("---- the last %u events, the rounds of waits left out\n", opt->events);
	sim_story(opt->events);
	puts("---- where each fiber is");
	sim_where();
	printf("last access of a device: device %u, IOVA %#" PRIx64 ", of worker %u%s, domain %u\n",
	       world.access.stream, world.access.iova, world.access.worker,
	       world.access.live ? ", mapped" : "", world.access.domain);
	puts("----");
	printf("seed %" PRIu64 ": %s\n  %s\n", plan.seed, why, text);
	fflush(stdout);
}

/* The fiber's stack may be what is wrong, so it is told on another. */
static void
crashed(int sig)
{
	signal(sig, SIG_DFL);
	sim_fail("signal %d (%s)", sig, strsignal(sig));
}

static void
catch_crashes(void)
{
	static uint8_t stack[256 << 10];
	static const int sigs[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	const stack_t alt = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction sa = { .sa_handler = crashed, .sa_flags = SA_ONSTACK };

	(void)sigaltstack(&alt, NULL);
	for (unsigned int i = 0; i < sizeof(sigs) / sizeof(sigs[0]); i++)
		(void)sigaction(sigs[i], &sa, NULL);
}

int
replay(const struct options *o)
{
	char text[800];

	opt = o;
	options_plan(o, o->seed, &plan);
	sim_on_fail = tell;
	sim_trace = o->trace;
	catch_crashes();
	o->run(&plan);
	plan_print(&plan, NULL, text, sizeof(text));
	printf("seed %" PRIu64 ": no violation\n  %s\n%" PRIu64 " steps, %" PRIu64 " ns virtual, hash "
	       "%016" PRIx64 "\n", o->seed, text, sim_steps(), sim_now(), sim_hash());
	return EXIT_OK;
}

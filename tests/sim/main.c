/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The simulator's program. See --help, and README.md beside it.
 */
#include <stdio.h>

#include <rte_log.h>

#include "campaign.h"
#include "world/world.h"

/* What the library logs is part of a run's story, and of nothing else. */
static ssize_t
log_line(void *cookie, const char *text, size_t n)
{
	(void)cookie;
	sim_note("log: %.*s", (int)(n > 0 && text[n - 1] == '\n' ? n - 1 : n), text);
	return (ssize_t)n;
}

static void
log_to_story(void)
{
	static char buffer[512];
	FILE *f = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = log_line });

	if (f == NULL)
		return;
	setvbuf(f, buffer, _IOFBF, sizeof(buffer)); /* rte_log() flushes each message */
	(void)rte_openlog_stream(f);
}

int
main(int argc, char **argv)
{
	struct options o;
	int status;

	if (options_read(&o, argc, argv, &status) != 0)
		return status;
	o.run = world_run;
	log_to_story();
	switch (o.mode) {
	case MODE_CAMPAIGN:
		return campaign(&o);
	case MODE_REPLAY:
		return replay(&o);
	case MODE_SHRINK:
		return shrink(&o);
	default:
		return named(&o);
	}
}

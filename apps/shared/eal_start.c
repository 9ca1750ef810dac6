/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * EAL reports a failed start with a page of usage on stdout and several lines of log. Here stdout
 * is hidden and the log is kept in memory while EAL starts. After a success the log is passed on;
 * after a failure its first line, which names the cause, is all that is said.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "eal_start.h"
#include "text.h"

/* The log's first line, without what EAL puts in front of the cause and the full stop behind it. */
static const char *
cause(char *log)
{
	static const char *const fore[] = { "EAL: ", "FATAL: ", "Error - " };
	size_t n;

	log[strcspn(log, "\n")] = '\0';
	for (unsigned int i = 0; i < RTE_DIM(fore); i++)
		if (strncmp(log, fore[i], strlen(fore[i])) == 0)
			log += strlen(fore[i]);
	n = strlen(log);
	if (n > 0 && log[n - 1] == '.')
		log[n - 1] = '\0';
	return log;
}

/* @return a copy of stdout to restore, or -1. */
static int
stdout_hide(void)
{
	int keep, null;

	fflush(stdout);
	keep = dup(STDOUT_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0 && keep >= 0)
		dup2(null, STDOUT_FILENO);
	if (null >= 0)
		close(null);
	return keep;
}

static void
stdout_show(int keep)
{
	fflush(stdout);
	if (keep < 0)
		return;
	dup2(keep, STDOUT_FILENO);
	close(keep);
}

int
eal_start(int argc, char **argv, char *why, size_t size)
{
	static char quiet[] = "--log-level=lib.eal:error";
	static char quiet_too[] = "--log-level=lib.telemetry:error";
	/* Static: a thread of EAL's may still be writing a line when the stream is replaced. */
	static char *log;
	static size_t len;
	static FILE *f;
	char **av = calloc((size_t)argc + 3, sizeof(*av));
	int rc, keep;

	f = open_memstream(&log, &len);
	if (av == NULL || f == NULL) {
		snprintf(why, size, "out of memory");
		free(av);
		return -1;
	}
	/* In front, so that a --log-level of the user's wins. */
	av[0] = argv[0];
	av[1] = quiet;
	av[2] = quiet_too;
	memcpy(av + 3, argv + 1, (size_t)(argc - 1) * sizeof(*av));
	rte_openlog_stream(f);
	keep = stdout_hide();
	rc = rte_eal_init(argc + 2, av);
	stdout_show(keep);
	rte_openlog_stream(NULL);
	free(av);
	fflush(f);
	if (rc < 0) {
		snprintf(why, size, "%s", log != NULL && log[0] != '\0' && log[0] != '\n' ?
			 cause(log) : rte_strerror(rte_errno));
		return -1;
	}
	if (log != NULL) {
		text_clean(log, "\n");
		fputs(log, stderr);
	}
	return 0;
}

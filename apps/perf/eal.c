/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * EAL's own account of a failed start is a page of usage and several log lines. Here its log is
 * kept aside while it starts: on success it is passed on, on failure its first line, which names
 * the cause, becomes part of the one line that is printed.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "../shared/text.h"
#include "eal.h"
#include "msg.h"

/* What EAL says in front of the cause, and the full stop behind it. */
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

static int
explain(char *log, int argc, char **argv)
{
	const char *why = log != NULL && log[0] != '\0' ? cause(log) : rte_strerror(rte_errno);
	char given[256] = "";
	size_t at = 0;

	for (int i = 1; i < argc && at < sizeof(given); i++)
		at += (size_t)snprintf(given + at, sizeof(given) - at, " %s", argv[i]);
	if (strcasestr(why, "hugepage") != NULL || strcasestr(why, "enough memory") != NULL)
		return perf_usage_error("EAL did not start: %s; without huge pages give "
					"--no-huge -m 512, or reserve some with dpdk-hugepages.py "
					"-p 2M --setup 512M", why);
	return perf_usage_error("EAL did not start: %s; check its arguments, \"%s\" (without huge "
				"pages: --no-huge -m 512)", why, at != 0 ? given + 1 : "");
}

/* The usage page goes to stdout; nobody else writes there yet. */
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
perf_eal_init(int argc, char **argv)
{
	static char quiet[] = "--log-level=lib.eal:error";
	static char quiet_too[] = "--log-level=lib.telemetry:error";
	/* Static: another thread of EAL's may be in the middle of a line when it is replaced. */
	static char *log;
	static size_t len;
	static FILE *f;
	char **av = calloc((size_t)argc + 3, sizeof(*av));
	int rc, keep;

	f = open_memstream(&log, &len);
	if (av == NULL || f == NULL)
		return perf_failed("out of memory");
	/* The user's own --log-level comes later and wins. */
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
	if (rc < 0)
		return explain(log, argc, argv);
	if (log != NULL) {
		text_clean(log, "\n");
		fputs(log, stderr);
	}
	return 0;
}

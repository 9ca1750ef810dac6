/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Starting EAL: as the caller says, or in a way that works anywhere. What it has to say of a failed
 * start becomes one line.
 */
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>

#include "../shared/text.h"
#include "check.h"

#define MAX_ARGS 64

static int
first_cpu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		for (int i = 0; i < CPU_SETSIZE; i++)
			if (CPU_ISSET(i, &set))
				return i;
	return 0;
}

/* EAL's usage page goes to stdout. */
static int
start_quietly(int argc, char **argv)
{
	int keep, null, rc;

	fflush(stdout);
	keep = dup(STDOUT_FILENO);
	null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (null >= 0)
		dup2(null, STDOUT_FILENO);
	rc = rte_eal_init(argc, argv);
	fflush(stdout);
	if (keep >= 0) {
		dup2(keep, STDOUT_FILENO);
		close(keep);
	}
	if (null >= 0)
		close(null);
	return rc;
}

int
check_eal_init(int argc, char **argv, const struct check_options *o)
{
	static char prefix[48], lcores[24];
	static char *log; /* another thread of EAL's may be in the middle of a line */
	static size_t len;
	char *fixed[] = { argv[0], (char *)(uintptr_t)"--log-level=lib.eal:error",
			  (char *)(uintptr_t)"--log-level=lib.telemetry:error" };
	char *alone[] = { (char *)(uintptr_t)"--no-huge", (char *)(uintptr_t)"-m",
			  (char *)(uintptr_t)"128", (char *)(uintptr_t)"--no-pci",
			  (char *)(uintptr_t)"--no-shconf", (char *)(uintptr_t)"--no-telemetry",
			  (char *)(uintptr_t)"--lcores", lcores, prefix };
	char *av[MAX_ARGS + 1];
	static FILE *f;
	int ac = RTE_DIM(fixed), rc;

	(void)argc;
	f = open_memstream(&log, &len);
	snprintf(prefix, sizeof(prefix), "--file-prefix=sluice-check-%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "0@%d", first_cpu());
	memcpy(av, fixed, sizeof(fixed));
	if (o->eal_argc == 0) {
		memcpy(&av[ac], alone, sizeof(alone));
		ac += RTE_DIM(alone);
	} else {
		if (o->eal_argc - 1 + ac > MAX_ARGS)
			return check_usage("more than %d EAL options", MAX_ARGS);
		memcpy(&av[ac], argv + 1, (size_t)(o->eal_argc - 1) * sizeof(*av));
		ac += o->eal_argc - 1;
	}
	av[ac] = NULL;
	if (f != NULL)
		rte_openlog_stream(f);
	rc = start_quietly(ac, av);
	rte_openlog_stream(NULL);
	if (f != NULL)
		fflush(f);
	if (rc >= 0) {
		if (log != NULL) {
			text_clean(log, "\n");
			fputs(log, stderr);
		}
		return 0;
	}
	if (log == NULL || log[0] == '\0' || log[0] == '\n')
		return check_usage("EAL did not start: %s", rte_strerror(rte_errno));
	log[strcspn(log, "\n")] = '\0';
	return check_usage("EAL did not start: %s (without huge pages: --no-huge -m 128, or no EAL "
			   "options at all)", strncmp(log, "EAL: ", 5) == 0 ? log + 5 : log);
}

/* Only what was started with a prefix of its own: nobody else's is there. */
void
check_eal_folder_remove(const struct check_options *o)
{
	if (o->eal_argc == 0 && rte_eal_get_runtime_dir()[0] != '\0')
		rmdir(rte_eal_get_runtime_dir()); /* it is empty: no shared configuration */
}

void
check_eal_end(const struct check_options *o)
{
	rte_eal_cleanup();
	check_eal_folder_remove(o);
}

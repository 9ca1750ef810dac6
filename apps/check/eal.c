/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Starting EAL: with the caller's arguments or, without any, in a way that works on any machine.
 */
#include <sched.h>
#include <unistd.h>

#include <rte_common.h>
#include <rte_eal.h>

#include "../shared/eal_start.h"
#include "check.h"

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

/* No huge pages, no devices, nothing shared, one lcore. */
static int
start_alone(char *tool, char *why, size_t size)
{
	static char no_huge[] = "--no-huge", mem[] = "-m128", no_pci[] = "--no-pci",
		    no_shconf[] = "--no-shconf", no_telemetry[] = "--no-telemetry";
	static char prefix[48], lcores[32];
	char *av[] = { tool, no_huge, mem, no_pci, no_shconf, no_telemetry, lcores, prefix, NULL };

	snprintf(prefix, sizeof(prefix), "--file-prefix=sluice-check-%d", (int)getpid());
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", first_cpu());
	return eal_start((int)RTE_DIM(av) - 1, av, why, size);
}

int
check_eal_init(char **argv, const struct check_options *o)
{
	char why[512];
	int rc;

	if (o->eal_argc == 0)
		rc = start_alone(argv[0], why, sizeof(why));
	else
		rc = eal_start(o->eal_argc, argv, why, sizeof(why));
	if (rc == 0)
		return 0;
	return check_usage("EAL did not start: %s (without huge pages: --no-huge -m 128, or no EAL "
			   "options at all)", why);
}

/* Only a folder of a prefix of our own is removed: no other program uses it. */
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

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice-check runs the conformance list against any register source, to find out whether an IOMMU
 * and its driver are right. Bad input is refused before EAL starts.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../shared/devargs.h"
#include "../shared/standard.h"
#include "../shared/stop.h"
#include "check.h"

atomic_bool check_interrupted;

/* Global, so that a second thread can write the results when the main thread is stuck. */
static struct check_options options;
static struct check_sum sum;
static struct outfile json;
static bool running; /* protected by check_lock() */

static int
conclude(void)
{
	int rc = 0;

	if (sum.interrupted)
		rc = check_failed("interrupted: cases are missing");
	if (json.path != NULL && sum.n != 0 && check_json_write(&options, &sum, &json) != 0)
		rc = CHECK_FAILED;
	return rc;
}

/* A second after a signal the main thread may still be in a case. Then this thread writes what
 * there is and ends the program, unless the hardware is real: that is not left in the middle of
 * a case. */
static void
late(void)
{
	if (!devargs_ends_with_us(options.conf.dev))
		return;
	check_lock();
	sum.interrupted = true;
	if (running)
		conclude();
	check_eal_folder_remove(&options);
	standard_arrived();
	_exit(CHECK_FAILED);
}

static int
run_all(void)
{
	int rc, bad = 0;

	check_lock();
	running = true;
	check_unlock();
	rc = check_run(&options, json.is_stdout ? stderr : stdout, &sum);
	check_lock();
	if (rc != CHECK_USAGE)
		bad = conclude();
	running = false;
	check_unlock();
	return bad != 0 ? bad : rc;
}

int
main(int argc, char **argv)
{
	int rc, err;

	standard_ensure();
	stop_watch(&check_interrupted, late);
	rc = check_options_parse(argc, argv, &options);
	if (rc < 0 && options.list) {
		check_list(&options);
		rc = CHECK_OK;
	}
	if (rc < 0) {
		rc = check_json_open(&options, &json);
		if (rc == 0) {
			rc = check_eal_init(argv, &options);
			if (rc == 0) {
				rc = run_all();
				check_eal_end(&options);
			}
			outfile_close(&json);
		}
	}
	err = standard_arrived();
	if (err != 0 && rc == CHECK_OK)
		rc = check_usage("standard output: cannot be written: %s", strerror(err));
	free(sum.entry);
	return rc;
}

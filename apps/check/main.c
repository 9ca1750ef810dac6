/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * sluice-check: is this IOMMU right, and this driver? The conformance list against any register
 * source. Everything that can be refused is refused before EAL starts.
 */
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>

#include "check.h"

int
main(int argc, char **argv)
{
	struct check_options o;
	struct check_sum sum = { .n = 0 };
	char tmp[4096];
	FILE *json;
	int rc = check_options_parse(argc, argv, &o);

	if (rc >= 0)
		return rc;
	if (o.list) {
		check_list(&o);
		return CHECK_OK;
	}
	rc = check_json_open(&o, &json, tmp);
	if (rc == 0)
		rc = check_eal_init(argc, argv, &o);
	if (rc == 0) {
		rc = check_run(&o, json == stdout ? stderr : stdout, &sum);
		if (rc != CHECK_USAGE && json != NULL) {
			int bad = check_json_write(&o, &sum, json, tmp);

			tmp[0] = '\0';
			rc = bad != 0 ? bad : rc;
		}
		rte_eal_cleanup();
	}
	if (tmp[0] != '\0')
		unlink(tmp);
	free(sum.entry);
	return rc;
}

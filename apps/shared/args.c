/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Options on the wrong side of "--".
 */
#include <string.h>

#include "args.h"

const char *
args_misplaced(int argc, char **argv, const struct option *own)
{
	for (int i = 1; i < argc; i++) {
		size_t len;

		if (strncmp(argv[i], "--", 2) != 0)
			continue;
		len = strcspn(argv[i] + 2, "=");
		for (const struct option *l = own; l->name != NULL; l++)
			if (strlen(l->name) == len && strncmp(l->name, argv[i] + 2, len) == 0)
				return argv[i];
	}
	return NULL;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results for programs, in a file that appears whole or not at all. Keys are a contract: new ones
 * are added, none is renamed.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <sluice/sluice.h>

#include "../shared/json_text.h"
#include "check.h"

int
check_json_open(const struct check_options *o, struct outfile *of)
{
	char why[PLACE_WHY];

	if (outfile_open(of, o->json, why) != 0)
		return check_usage("--json %s: %s", o->json, why);
	if (outfile_is_fd(of, STDOUT_FILENO) || outfile_is_fd(of, STDERR_FILENO)) {
		outfile_close(of);
		return check_usage("--json %s: is where this program prints to, too: give it a "
				   "file of its own", o->json);
	}
	return 0;
}

static json_t *
one(const struct check_entry *e)
{
	static const char *const verdict[] = { "ok", "fail", "skip" };

	return json_pack("{s:o, s:o, s:s, s:o, s:i, s:o}", "name", json_text(e->k->name), "proves",
			 json_text(e->k->proves), "verdict", verdict[e->r.verdict], "text",
			 json_text(e->r.text), "ms", (int)e->r.ms, "qemu_deviates",
			 json_text(e->deviates));
}

int
check_json_write(const struct check_options *o, const struct check_sum *sum, struct outfile *of)
{
	json_t *top, *cases = json_array();
	char why[PLACE_WHY] = "out of memory", *text;
	int rc = -ENOMEM;

	for (unsigned int i = 0; i < sum->n; i++)
		json_array_append_new(cases, one(&sum->entry[i]));
	top = json_pack("{s:s, s:o, s:o, s:I, s:i, s:i, s:i, s:I, s:b, s:o}", "version",
			sluice_version(), "dev", json_text(o->conf.dev), "machine",
			json_text(sum->machine), "seed", (json_int_t)o->conf.seed, "passed",
			(int)sum->count[CONF_PASS], "failed", (int)sum->count[CONF_FAIL],
			"skipped", (int)sum->count[CONF_SKIP], "ms", (json_int_t)sum->ms,
			"interrupted", (int)sum->interrupted, "cases", cases);
	text = top != NULL ? json_dumps(top, JSON_INDENT(1) | JSON_ENSURE_ASCII) : NULL;
	json_decref(top);
	if (text != NULL) {
		size_t len = strlen(text);

		text[len] = '\n'; /* in place of the NUL */
		rc = outfile_put(of, text, len + 1, why);
	}
	free(text);
	if (rc == 0 || (rc == -EPIPE && of->stream >= 0)) /* the reader closed the pipe */
		return 0;
	return check_failed("--json %s: %s", o->json, why);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Results for programs: written beside the target and renamed, so that a reader never sees half
 * a file. Keys are a contract: new ones are added, none is renamed.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <jansson.h>

#include <sluice/sluice.h>

#include "check.h"

int
check_json_open(const struct check_options *o, FILE **f, char tmp[4096])
{
	struct stat st;
	mode_t mask;
	int fd;

	tmp[0] = '\0';
	*f = NULL;
	if (o->json == NULL)
		return 0;
	if (strcmp(o->json, "-") == 0) {
		*f = stdout;
		return 0;
	}
	if (stat(o->json, &st) == 0 && !S_ISREG(st.st_mode)) {
		*f = S_ISDIR(st.st_mode) ? NULL : fopen(o->json, "we");
		return *f != NULL ? 0 : check_usage("--json %s: is no file to write to", o->json);
	}
	if ((size_t)snprintf(tmp, 4096, "%s.XXXXXX", o->json) >= 4096) {
		tmp[0] = '\0';
		return check_usage("--json: the name is too long");
	}
	fd = mkstemp(tmp);
	if (fd < 0) {
		tmp[0] = '\0';
		return check_usage("--json %s: cannot be written: %m", o->json);
	}
	mask = umask(0);
	umask(mask);
	(void)!fchmod(fd, 0666 & ~mask); /* what open() would have given it */
	*f = fdopen(fd, "w");
	return *f != NULL ? 0 : check_failed("--json %s: %m", o->json);
}

static json_t *
one(const struct check_entry *e)
{
	static const char *const verdict[] = { "ok", "fail", "skip" };

	return json_pack("{s:s, s:s, s:s, s:s, s:i, s:s?}", "name", e->k->name, "proves",
			 e->k->proves, "verdict", verdict[e->r.verdict], "text", e->r.text, "ms",
			 (int)e->r.ms, "qemu_deviates", e->deviates);
}

int
check_json_write(const struct check_options *o, const struct check_sum *sum, FILE *f,
		 const char *tmp)
{
	json_t *top, *cases = json_array();
	int bad;

	for (unsigned int i = 0; i < sum->n; i++)
		json_array_append_new(cases, one(&sum->entry[i]));
	top = json_pack("{s:s, s:s, s:s, s:I, s:i, s:i, s:i, s:I, s:o}", "version",
			sluice_version(), "dev", o->conf.dev, "machine", sum->machine, "seed",
			(json_int_t)o->conf.seed, "passed", (int)sum->count[CONF_PASS], "failed",
			(int)sum->count[CONF_FAIL], "skipped", (int)sum->count[CONF_SKIP], "ms",
			(json_int_t)sum->ms, "cases", cases);
	bad = top == NULL || json_dumpf(top, f, JSON_INDENT(1)) != 0 || fputc('\n', f) == EOF;
	json_decref(top);
	if (f == stdout)
		bad |= fflush(f) != 0;
	else
		bad |= fclose(f) != 0;
	if (!bad && tmp[0] != '\0')
		bad = rename(tmp, o->json) != 0;
	return bad ? check_failed("--json %s: cannot be written: %m", o->json) : 0;
}

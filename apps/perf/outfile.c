/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Write beside the target and rename: a reader never sees half a file, and a failed run leaves
 * what was there before.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "msg.h"
#include "outfile.h"

int
perf_outfile_open(struct perf_outfile *of, const char *path, const char *opt)
{
	struct stat st;
	mode_t mask;
	int fd;

	memset(of, 0, sizeof(*of));
	of->path = path;
	if (path == NULL)
		return 0;
	if (strcmp(path, "-") == 0) {
		of->f = stdout;
		return 0;
	}
	if (path[0] == '\0')
		return perf_usage_error("%s: the name is empty; give a file or - for stdout", opt);
	if (stat(path, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return perf_usage_error("%s %s: is a folder; give a file in it", opt, path);
		if (!S_ISREG(st.st_mode)) { /* /dev/null, a pipe: nothing to rename over */
			of->f = fopen(path, "we");
			return of->f != NULL ? 0 : perf_usage_error("%s %s: cannot be written: %m",
								    opt, path);
		}
		if (access(path, W_OK) != 0)
			return perf_usage_error("%s %s: cannot be written: %m", opt, path);
	}
	if ((size_t)snprintf(of->tmp, sizeof(of->tmp), "%s.XXXXXX", path) >= sizeof(of->tmp)) {
		of->tmp[0] = '\0';
		return perf_usage_error("%s: the name is too long", opt);
	}
	fd = mkstemp(of->tmp);
	if (fd < 0) {
		of->tmp[0] = '\0';
		return perf_usage_error("%s %s: cannot be written: %m; give a path in a folder "
					"that exists and is yours", opt, path);
	}
	mask = umask(0);
	umask(mask);
	(void)!fchmod(fd, 0666 & ~mask); /* what open() would have given it */
	of->f = fdopen(fd, "w");
	if (of->f != NULL)
		return 0;
	close(fd);
	perf_outfile_discard(of);
	return perf_failed("%s %s: %m", opt, path);
}

int
perf_outfile_commit(struct perf_outfile *of)
{
	int rc = 0;

	if (of->f == NULL)
		return 0;
	if (of->f == stdout) {
		rc = fflush(stdout);
	} else {
		rc = ferror(of->f) ? -1 : 0;
		rc |= fclose(of->f);
		if (rc == 0 && of->tmp[0] != '\0')
			rc = rename(of->tmp, of->path);
	}
	of->f = NULL;
	if (rc == 0) {
		of->tmp[0] = '\0';
		return 0;
	}
	rc = perf_failed("%s: cannot be written: %m", of->path);
	perf_outfile_discard(of);
	return rc;
}

void
perf_outfile_discard(struct perf_outfile *of)
{
	if (of->f != NULL && of->f != stdout)
		fclose(of->f);
	of->f = NULL;
	if (of->tmp[0] != '\0')
		unlink(of->tmp);
	of->tmp[0] = '\0';
}

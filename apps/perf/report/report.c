/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fills the report folder. The page comes last and whole; without gnuplot it has no plots, and
 * the scripts are there for a machine that has it.
 */
#include <errno.h>
#include <spawn.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../msg.h"
#include "../outfile.h"
#include "report.h"

extern char **environ;

int
perf_report_prepare(const char *dir)
{
	struct stat st;

	if (mkdir(dir, 0777) == 0) {
		rmdir(dir);
		return 0;
	}
	if (errno == EEXIST && stat(dir, &st) == 0) {
		if (!S_ISDIR(st.st_mode))
			return perf_usage_error("--report %s: is not a folder; give a folder's "
						"name", dir);
		if (access(dir, W_OK | X_OK) == 0)
			return 0;
	}
	return perf_usage_error("--report %s: cannot be written: %m; give a folder of yours, or a "
				"new one in a folder that exists", dir);
}

static int
open_in(struct perf_outfile *of, char *path, size_t size, const char *dir, const char *name,
	const char *ext)
{
	if ((size_t)snprintf(path, size, "%s/%s%s", dir, name, ext) >= size)
		return perf_usage_error("--report: the name is too long");
	return perf_outfile_open(of, path, "--report");
}

static int
script_write(const struct perf_book *bk, const struct perf_plot *p, const char *dir)
{
	struct perf_outfile of;
	char path[4096];
	int rc = open_in(&of, path, sizeof(path), dir, p->name, ".gp");

	if (rc != 0)
		return rc;
	fprintf(of.f, "# %s\n# gnuplot %s.gp makes %s.svg and %s.png\n", PERF_HONEST, p->name,
		p->name, p->name);
	fputs("set terminal svg size 860,420 dynamic noenhanced font 'sans-serif,13'\n", of.f);
	fprintf(of.f, "set output '%s.svg'\n", p->name);
	fprintf(of.f, "set title \"%s\" textcolor rgb '" PERF_INK "'\n", p->title);
	fputs("set border 3 linecolor rgb '" PERF_INK "'\n"
	      "set tics nomirror textcolor rgb '" PERF_INK "'\n"
	      "set key outside right top textcolor rgb '" PERF_INK "'\n"
	      "set xlabel textcolor rgb '" PERF_INK "'\n"
	      "set ylabel textcolor rgb '" PERF_INK "'\n"
	      "set grid ytics linecolor rgb '#888888' linewidth 0.4\n"
	      "set linetype 1 linecolor rgb '#3b78b8'\nset linetype 2 linecolor rgb '#d9822b'\n"
	      "set linetype 3 linecolor rgb '#4a9d5b'\nset linetype 4 linecolor rgb '#b5507f'\n"
	      "set linetype 5 linecolor rgb '#7a68b8'\nset linetype 6 linecolor rgb '#8a8a2e'\n",
	      of.f);
	p->script(bk, of.f);
	fprintf(of.f, "set terminal pngcairo size 1290,630 noenhanced font 'sans-serif,15' "
		"background rgb 'white'\nset output '%s.png'\nreplot\nset output\n", p->name);
	return perf_outfile_commit(&of);
}

/* @return 0 when gnuplot was there and content. */
static int
gnuplot(const char *dir, const char *name)
{
	posix_spawn_file_actions_t fa;
	char script[128];
	char *argv[] = { "gnuplot", script, NULL };
	int status = -1, rc;
	pid_t pid;

	snprintf(script, sizeof(script), "%s.gp", name);
	if (posix_spawn_file_actions_init(&fa) != 0)
		return -1;
	rc = posix_spawn_file_actions_addchdir_np(&fa, dir);
	if (rc == 0)
		rc = posix_spawn_file_actions_addopen(&fa, STDIN_FILENO, "/dev/null", 0, 0);
	if (rc == 0)
		rc = posix_spawnp(&pid, argv[0], &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	if (rc != 0)
		return -1;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* A plot of an earlier report that this one does not have. */
static void
stale_plot_remove(const char *dir, const char *name)
{
	static const char *const ext[] = { ".gp", ".svg", ".png" };
	char path[4096];

	for (unsigned int i = 0; i < RTE_DIM(ext); i++) {
		snprintf(path, sizeof(path), "%s/%s%s", dir, name, ext[i]);
		unlink(path);
	}
}

static int
plots_write(const struct perf_book *bk, const char *dir)
{
	bool drawn = true;
	int rc = 0;

	for (unsigned int i = 0; i < perf_nb_plots && rc == 0; i++) {
		stale_plot_remove(dir, perf_plots[i].name);
		if (!perf_plots[i].worthwhile(bk))
			continue;
		rc = script_write(bk, &perf_plots[i], dir);
		if (rc == 0)
			drawn = drawn && gnuplot(dir, perf_plots[i].name) == 0;
	}
	if (rc == 0 && !drawn)
		perf_note("--report %s: gnuplot is missing or failed: no plots; the .gp scripts "
			  "are there", dir);
	return rc;
}

int
perf_report_write(const struct perf_book *bk, const char *dir, FILE *say)
{
	struct perf_outfile of;
	char path[4096];
	int rc;

	if (mkdir(dir, 0777) != 0 && errno != EEXIST)
		return perf_failed("--report %s: cannot be written: %m", dir);
	rc = open_in(&of, path, sizeof(path), dir, "results", ".csv");
	if (rc == 0) {
		perf_csv_write(bk, of.f);
		rc = perf_outfile_commit(&of);
	}
	if (rc == 0)
		rc = plots_write(bk, dir);
	if (rc == 0)
		rc = open_in(&of, path, sizeof(path), dir, "index", ".html");
	if (rc != 0)
		return rc;
	perf_html_write(bk, dir, of.f);
	rc = perf_outfile_commit(&of);
	if (rc == 0)
		fprintf(say, "\nreport    %s/index.html\n", dir);
	return rc;
}

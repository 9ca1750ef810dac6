/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The page is written last. Without gnuplot it has no plots; the scripts can then be run on a
 * machine that has gnuplot.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "../msg.h"
#include "report.h"

#define DATA "results.csv"
#define PAGE "index.html"

static const char *const ext[] = { ".gp", ".svg", ".png" };

static int
bad(const struct perf_report *rp, const char *why)
{
	return perf_failed("--report %s: %s", rp->shown, why);
}

void
perf_report_init(struct perf_report *rp)
{
	memset(rp, 0, sizeof(*rp));
	rp->folder.dir = rp->folder.at.dir = -1;
}

/* The names of all files that a report can have; NULL behind the last one. */
static const char *
file_name(unsigned int i, char *buf, size_t size)
{
	if (i == 0)
		return DATA;
	if (i == 1)
		return PAGE;
	i -= 2;
	if (i >= perf_nb_plots * RTE_DIM(ext))
		return NULL;
	snprintf(buf, size, "%s%s", perf_plots[i / RTE_DIM(ext)].name, ext[i % RTE_DIM(ext)]);
	return buf;
}

int
perf_report_prepare(struct perf_report *rp, const char *path)
{
	char why[PLACE_WHY], buf[64];
	const char *name;
	int rc;

	rc = report_folder_open(&rp->folder, path, why);
	for (unsigned int i = 0; rc == 0 && (name = file_name(i, buf, sizeof(buf))) != NULL; i++)
		rc = report_folder_free(&rp->folder, name, why);
	if (rc != 0)
		return perf_usage_error("--report %s: %s", path, why);
	rp->shown = path;
	return 0;
}

bool
perf_report_has(const struct perf_report *rp, const struct outfile *of)
{
	struct place there = { .dir = rp->folder.dir, .fd = -1 };
	const char *name;
	char buf[64];

	if (rp->shown == NULL || of->path == NULL || fstat(there.dir, &there.dir_st) != 0)
		return false;
	for (unsigned int i = 0; (name = file_name(i, buf, sizeof(buf))) != NULL; i++) {
		snprintf(there.name, sizeof(there.name), "%s", name);
		there.exists = fstatat(there.dir, name, &there.st, AT_SYMLINK_NOFOLLOW) == 0;
		if (place_same(&there, &of->at))
			return true;
	}
	return false;
}

/* A file of the report is made in memory, and then put into the folder. */
struct draft {
	FILE *f;
	char *text;
	size_t len;
};

/* @return whether there is memory for it. */
static bool
draft_begin(struct draft *d)
{
	d->text = NULL;
	d->f = open_memstream(&d->text, &d->len);
	return d->f != NULL;
}

/* @param good whether all of it was written. @return 0, or -1 with @p why filled. */
static int
draft_put(struct draft *d, bool good, struct perf_report *rp, const char *name, char *why)
{
	int rc = -1;

	good &= d->f != NULL && fclose(d->f) == 0;
	if (good)
		rc = report_folder_put(&rp->folder, name, d->text, d->len, why);
	else
		snprintf(why, PLACE_WHY, "out of memory");
	free(d->text);
	return rc;
}

static int
data_put(struct perf_report *rp, const struct perf_book *bk, char *why)
{
	struct draft d;
	bool good = draft_begin(&d) && perf_csv_write(bk, d.f) == 0;

	return draft_put(&d, good, rp, DATA, why);
}

void
perf_report_keep(struct perf_report *rp, const struct perf_book *bk)
{
	char why[PLACE_WHY];

	if (rp->shown != NULL)
		(void)!data_put(rp, bk, why); /* perf_report_write() reports the error */
}

static void
script_head(FILE *f, const struct perf_plot *p)
{
	fprintf(f, "set title \"%s\" textcolor rgb '" PERF_INK "'\n", p->title);
	fputs("set border 3 linecolor rgb '" PERF_INK "'\n"
	      "set tics nomirror textcolor rgb '" PERF_INK "'\n"
	      "set key outside right top textcolor rgb '" PERF_INK "'\n"
	      "set xlabel textcolor rgb '" PERF_INK "'\n"
	      "set ylabel textcolor rgb '" PERF_INK "'\n"
	      "set grid ytics linecolor rgb '#888888' linewidth 0.4\n"
	      "set linetype 1 linecolor rgb '#3b78b8'\nset linetype 2 linecolor rgb '#d9822b'\n"
	      "set linetype 3 linecolor rgb '#4a9d5b'\nset linetype 4 linecolor rgb '#b5507f'\n"
	      "set linetype 5 linecolor rgb '#7a68b8'\nset linetype 6 linecolor rgb '#8a8a2e'\n",
	      f);
}

#define TERM_SVG "set terminal svg size 860,420 dynamic noenhanced font 'sans-serif,13'\n"
#define TERM_PNG "set terminal pngcairo size 1290,630 noenhanced font 'sans-serif,15' " \
		 "background rgb 'white'\n"

/* The script as it is in the folder, where it can be run again. */
static void
script_write(const struct perf_book *bk, const struct perf_plot *p, FILE *f)
{
	fprintf(f, "# %s\n# gnuplot %s.gp makes %s.svg and %s.png\n" TERM_SVG
		"set output '%s.svg'\n", PERF_HONEST, p->name, p->name, p->name, p->name);
	script_head(f, p);
	p->script(bk, f);
	fprintf(f, TERM_PNG "set output '%s.png'\nreplot\nset output\n", p->name);
}

/* Run the script with its picture going to stdout. */
static int
draw(const struct perf_book *bk, const struct perf_plot *p, const char *term, char **out,
     size_t *len)
{
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);
	int rc = -1;

	*out = NULL;
	if (f == NULL)
		return -1;
	fputs(term, f);
	script_head(f, p);
	p->script(bk, f);
	if (fclose(f) == 0)
		rc = perf_gnuplot(text, n, out, len);
	free(text);
	return rc;
}

static int
script_put(struct perf_report *rp, const struct perf_book *bk, const struct perf_plot *p, char *why)
{
	struct draft d;
	bool good = draft_begin(&d);
	char name[64];

	snprintf(name, sizeof(name), "%s.gp", p->name);
	if (good)
		script_write(bk, p, d.f);
	return draft_put(&d, good, rp, name, why);
}

/* @return 0; 1 if gnuplot failed; -1 with @p why filled if a file could not be written. */
static int
plot_put(struct perf_report *rp, const struct perf_book *bk, unsigned int i, struct perf_drawn *d,
	 char *why)
{
	const struct perf_plot *p = &perf_plots[i];
	char name[64], *png = NULL;
	size_t svg_len = 0, png_len = 0;
	int rc, drawn;

	if (!p->worthwhile(bk)) {
		rc = 0;
		for (unsigned int k = 0; k < RTE_DIM(ext); k++) { /* of an earlier report */
			snprintf(name, sizeof(name), "%s%s", p->name, ext[k]);
			rc |= report_folder_remove(&rp->folder, name, why);
		}
		return rc;
	}
	rc = script_put(rp, bk, p, why);
	drawn = draw(bk, p, TERM_SVG, &d->svg[i], &svg_len);
	drawn |= draw(bk, p, TERM_PNG, &png, &png_len);
	snprintf(name, sizeof(name), "%s.svg", p->name);
	if (d->svg[i] != NULL)
		rc |= report_folder_put(&rp->folder, name, d->svg[i], svg_len, why);
	snprintf(name, sizeof(name), "%s.png", p->name);
	if (png != NULL)
		rc |= report_folder_put(&rp->folder, name, png, png_len, why);
	free(png);
	return rc != 0 ? -1 : drawn != 0;
}

static int
page_put(struct perf_report *rp, const struct perf_book *bk, const struct perf_drawn *drawn,
	 char *why)
{
	struct draft d;
	bool good = draft_begin(&d) && perf_html_write(bk, drawn, d.f) == 0;

	return draft_put(&d, good, rp, PAGE, why);
}

int
perf_report_write(struct perf_report *rp, const struct perf_book *bk)
{
	struct perf_drawn d = { .svg = { NULL } };
	char why[PLACE_WHY];
	bool undrawn = false;
	int rc = 0, one;

	_Static_assert(REPORT_FILES_MAX > 2 + PERF_PLOTS_MAX * RTE_DIM(ext), "an entry for each");
	if (rp->shown == NULL)
		return 0;
	if (data_put(rp, bk, why) != 0)
		rc |= bad(rp, why);
	for (unsigned int i = 0; i < perf_nb_plots && i < PERF_PLOTS_MAX; i++) {
		one = plot_put(rp, bk, i, &d, why);
		if (one < 0)
			rc |= bad(rp, why);
		undrawn |= one > 0;
	}
	if (page_put(rp, bk, &d, why) != 0)
		rc |= bad(rp, why);
	else
		rp->written = true;
	for (unsigned int i = 0; i < PERF_PLOTS_MAX; i++)
		free(d.svg[i]);
	if (undrawn)
		perf_note("--report %s: gnuplot is missing or failed: no plots; the .gp scripts "
			  "are there", rp->shown);
	return rc;
}

void
perf_report_close(struct perf_report *rp)
{
	if (rp->shown != NULL)
		report_folder_close(&rp->folder);
	perf_report_init(rp);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The report folder: plots, the scripts and data that they are made from, and a page with all of
 * it.
 */
#ifndef PERF_REPORT_H
#define PERF_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "../../shared/outfile.h"
#include "../book.h"
#include "folder.h"

#define PERF_PLOTS_MAX 8u

struct perf_report {
	struct report_folder folder;
	const char *shown; /**< the folder as the user named it; NULL: no report is wanted */
	bool written;      /**< the page was written */
};

void perf_report_init(struct perf_report *rp);

/** Prepare the folder @p path for a report; it is made if there is none.
 * @return 0, or an exit status with an error line printed. */
int perf_report_prepare(struct perf_report *rp, const char *path);

/** Is @p of a file that this report writes? */
bool perf_report_has(const struct perf_report *rp, const struct outfile *of);

/** Write the data of the results so far, between two points. */
void perf_report_keep(struct perf_report *rp, const struct perf_book *bk);

/** Write the report. @return as perf_report_prepare(). */
int perf_report_write(struct perf_report *rp, const struct perf_book *bk);

/** Close the folder. If this run made it and it is empty, it is removed. */
void perf_report_close(struct perf_report *rp);

/** A plot. NAME.gp makes NAME.svg and NAME.png. */
struct perf_plot {
	const char *name;
	const char *title;
	/** Write the part of the script that is this plot's own. */
	void (*script)(const struct perf_book *bk, FILE *f);
	/** Is there something to show? */
	bool (*worthwhile)(const struct perf_book *bk);
};
extern const struct perf_plot perf_plots[];
extern const unsigned int perf_nb_plots;

/** SVG text that gnuplot made, by the number of the plot; NULL: none. */
struct perf_drawn {
	char *svg[PERF_PLOTS_MAX];
};

/** Run gnuplot on a script that writes to its stdout.
 * @param out, len receive what it wrote, to be freed.
 * @return 0, or -1 if gnuplot is missing or fails. */
int perf_gnuplot(const char *script, size_t script_len, char **out, size_t *len);

/** The colour that scripts use for text and lines; the page replaces it by the reader's own. */
#define PERF_INK "#123456"

/** Write the page with the plots inside. @return 0, or -1 if the stream failed. */
int perf_html_write(const struct perf_book *bk, const struct perf_drawn *drawn, FILE *f);

#endif

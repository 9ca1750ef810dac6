/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The report folder: plots, the scripts and data that made them, one page that holds it all.
 */
#ifndef PERF_REPORT_H
#define PERF_REPORT_H

#include <stdio.h>

#include "../book.h"

/** Can a report be put there? Nothing stays behind.
 * @return 0, or an exit status with an error line printed. */
int perf_report_prepare(const char *dir);

/** Write the report, say on @p say where it is. @return as perf_report_prepare(). */
int perf_report_write(const struct perf_book *bk, const char *dir, FILE *say);

/** A plot: NAME.gp makes NAME.svg and NAME.png. */
struct perf_plot {
	const char *name;
	const char *title;
	/** Write the part of the script that is this plot's own. */
	void (*script)(const struct perf_book *bk, FILE *f);
	/** Is there anything to show? */
	bool (*worthwhile)(const struct perf_book *bk);
};
extern const struct perf_plot perf_plots[];
extern const unsigned int perf_nb_plots;

/** The colour that scripts use for text and lines; pages replace it by the reader's own. */
#define PERF_INK "#123456"

/** Write the page; plots that are in @p dir as SVG are put into it. */
int perf_html_write(const struct perf_book *bk, const char *dir, FILE *f);

#endif

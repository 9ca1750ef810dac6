/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One page that needs no other file. It has the plots inside, and is light or dark as the reader's
 * system is.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../../shared/text.h"
#include "../marks.h"
#include "report.h"

static const char head[] =
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	"<meta name=\"color-scheme\" content=\"light dark\">\n<title>sluice-perf report</title>\n"
	"<style>\n"
	":root{--ink:#1c1f24;--paper:#ffffff;--line:#d4d8de;--soft:#f4f6f8;--mute:#5b6470}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#e4e7eb;--paper:#15181c;--line:#343a42;"
	"--soft:#1d2126;--mute:#9aa4b0}}\n"
	"body{margin:2rem auto;padding:0 1rem;max-width:68rem;color:var(--ink);"
	"background:var(--paper);font:16px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.5rem;margin:0}h2{font-size:1.1rem;margin:2rem 0 .5rem}\n"
	".claim{color:var(--mute);margin:.2rem 0 1.2rem}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;font-size:.9rem}\n"
	"dt{color:var(--mute)}dd{margin:0;overflow-wrap:anywhere}\n"
	".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.9rem;"
	"font-variant-numeric:tabular-nums}\n"
	"th,td{padding:.3rem .7rem;text-align:right;white-space:nowrap;"
	"border-bottom:1px solid var(--line)}\n"
	"th{background:var(--soft)}th:first-child,td:first-child{text-align:left}\n"
	"figure{margin:1rem 0}svg{width:100%;height:auto;color:var(--ink)}\n"
	".mark{margin:.2rem 0;font-size:.85rem;color:var(--mute)}\n"
	"footer{margin-top:2rem;color:var(--mute);font-size:.85rem}\n</style></head><body>\n";

static void
escape(FILE *f, const char *text)
{
	char copy[1024], *s = copy;

	text_utf8(copy, sizeof(copy), text);
	text_clean(copy, "");
	for (; *s != '\0'; s++)
		switch (*s) {
		case '<': fputs("&lt;", f); break;
		case '>': fputs("&gt;", f); break;
		case '&': fputs("&amp;", f); break;
		case '"': fputs("&quot;", f); break;
		default: fputc(*s, f);
		}
}

static void
fact(FILE *f, const char *name, const char *value)
{
	if (value[0] == '\0')
		return;
	fprintf(f, "<dt>%s</dt><dd>", name);
	escape(f, value);
	fputs("</dd>\n", f);
}

static void
facts(const struct perf_book *bk, FILE *f)
{
	const struct perf_result *r = perf_book_first(bk);
	char text[640], huge[64];

	fputs("<dl>\n", f);
	perf_host_huge_text(&bk->host, huge, sizeof(huge));
	snprintf(text, sizeof(text), "%s, %u cores, %s, %s, %s", bk->host.cpu, bk->host.cores,
		 bk->host.kernel, bk->host.dpdk, huge);
	fact(f, "host", text);
	snprintf(text, sizeof(text), "%s, registers %s: %s", bk->info.backend, bk->info.regs,
		 r->settings);
	fact(f, "iommu", text);
	fact(f, "layout", bk->layout_text);
	snprintf(text, sizeof(text), "%s: %u packets, %" PRIu64 " bytes", bk->wl->name,
		 bk->wl->nb_items, bk->wl->bytes);
	fact(f, "workload", text);
	fact(f, "note", bk->wl->note);
	fact(f, "note", r->note);
	snprintf(text, sizeof(text), "%" PRIu64 " pairs, %u rounds, seed %" PRIu64
		 ", stale probes %s%s%s", r->pairs, r->rounds, bk->o->seed,
		 bk->o->probe_stale ? "on" : "off",
		 bk->slowed[0] != '\0' ? ", with hardware made slow: " : "", bk->slowed);
	fact(f, "run", text);
	fputs("</dl>\n", f);
}

/* A figure; n/a for one that was not measured. */
static void
cell(FILE *f, bool known, unsigned int digits, double v)
{
	if (known)
		fprintf(f, "%.*f", (int)digits, v);
	else
		fputs("n/a", f);
}

static void
count(FILE *f, bool known, uint64_t v)
{
	if (known)
		fprintf(f, "%" PRIu64, v);
	else
		fputs("n/a", f);
}

static void
policy(const struct perf_result *r, FILE *f)
{
	char signs[8];

	escape(f, r->policy);
	fputs(perf_marks_signs(r, signs, sizeof(signs)), f);
}

static void
accesses(const struct perf_result *r, FILE *f)
{
	count(f, r->stale_counted, r->stale_accesses);
	if (r->stale_counted && !r->stale_provable)
		fputs(" (not provable)", f);
}

static void
ratio(const struct perf_result *r, FILE *f)
{
	if (r->strict_ratio > 0)
		fprintf(f, "%.2f&times;", r->strict_ratio);
	else
		fputs("&ndash;", f);
}

#define COUNT(name, known, value)                                                                  \
	static void name(const struct perf_result *r, FILE *f) { count(f, known, value); }
#define FIGURE(name, known, digits, value)                                                         \
	static void name(const struct perf_result *r, FILE *f) { cell(f, known, digits, value); }

COUNT(sync_ns, true, r->sync_ns)
COUNT(workers, true, r->workers)
COUNT(batch, true, r->batch)
COUNT(deadline, true, r->deadline_us)
FIGURE(sync_rtt, !r->failed, 0, r->sync_rtt_ns)
FIGURE(map, !r->failed, 1, r->map_ns.mean)
FIGURE(unmap, !r->failed, 1, r->unmap_ns.mean)
FIGURE(pair, !r->failed, 1, r->pair_ns)
FIGURE(unmap_p99, r->unmap_known, 0, r->unmap_ns.p99)
FIGURE(syncs, r->cmds_known, 4, r->syncs_per_unmap)
FIGURE(stale_p50, r->stale_known, 1, r->stale_us.p50)
FIGURE(stale_p99, r->stale_known, 1, r->stale_us.p99)
FIGURE(stale_max, r->stale_known, 1, r->stale_us.max)
COUNT(shadow, r->copies_known, r->shadow_accesses)
FIGURE(release_p50, r->release_known, 1, r->release_us.p50)
FIGURE(release_p99, r->release_known, 1, r->release_us.p99)

static const struct column {
	const char *head;
	void (*cell)(const struct perf_result *r, FILE *f);
} columns[] = {
	{ "policy", policy },
	{ "sync_ns", sync_ns },
	{ "workers", workers },
	{ "batch", batch },
	{ "deadline us", deadline },
	{ "bare SYNC ns", sync_rtt },
	{ "map ns", map },
	{ "unmap ns", unmap },
	{ "pair ns", pair },
	{ "unmap p99 ns", unmap_p99 },
	{ "SYNCs/unmap", syncs },
	{ "stale p50 us", stale_p50 },
	{ "p99 us", stale_p99 },
	{ "max us", stale_max },
	{ "stale accesses", accesses },
	{ "shadow accesses", shadow },
	{ "release p50 us", release_p50 },
	{ "p99 us", release_p99 },
	{ "strict/this", ratio },
};

static void
legend(const struct perf_book *bk, FILE *f)
{
	for (unsigned int m = 0; m < perf_nb_marks; m++) {
		bool any = false;

		for (unsigned int i = 0; i < bk->nb_results; i++)
			any |= perf_marks[m].on(&bk->result[i]);
		if (any)
			fprintf(f, "<p class=\"mark\">%s %s</p>\n", perf_marks[m].sign,
				perf_marks[m].means);
	}
	for (unsigned int i = 0; i < bk->nb_results; i++) {
		if (bk->result[i].error[0] == '\0')
			continue;
		fputs("<p class=\"mark\">", f);
		escape(f, bk->result[i].label);
		fputs(": ", f);
		escape(f, bk->result[i].error);
		fputs("</p>\n", f);
	}
	if (!bk->complete)
		fputs("<p class=\"mark\">The results are not complete.</p>\n", f);
}

static void
table(const struct perf_book *bk, FILE *f)
{
	fputs("<h2>Policies</h2>\n<div class=\"wide\"><table><thead><tr>", f);
	for (unsigned int c = 0; c < RTE_DIM(columns); c++)
		fprintf(f, "<th>%s</th>", columns[c].head);
	fputs("</tr></thead><tbody>\n", f);
	for (unsigned int i = 0; i < bk->nb_results; i++) {
		fputs("<tr>", f);
		for (unsigned int c = 0; c < RTE_DIM(columns); c++) {
			fputs("<td>", f);
			columns[c].cell(&bk->result[i], f);
			fputs("</td>", f);
		}
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
	legend(bk, f);
}

/* Find the first spelling of the ink in @p s. @param len receives its length. */
static const char *
ink_find(const char *s, size_t *len)
{
	static const char *const inks[] = { "rgb( 18,  52,  86)", "rgb(18,52,86)", PERF_INK };
	const char *first = NULL;

	for (unsigned int i = 0; i < RTE_DIM(inks); i++) {
		const char *hit = strstr(s, inks[i]);

		if (hit != NULL && (first == NULL || hit < first)) {
			first = hit;
			*len = strlen(inks[i]);
		}
	}
	return first;
}

/* Write the drawing without its XML prologue, with the page's text colour for the scripts' ink. */
static void
svg_inline(const char *svg, FILE *f)
{
	const char *s = strstr(svg, "<svg"), *hit;
	size_t len = 0;

	if (s == NULL)
		return;
	while ((hit = ink_find(s, &len)) != NULL) {
		fprintf(f, "%.*scurrentColor", (int)(hit - s), s);
		s = hit + len;
	}
	fputs(s, f);
}

static void
plots(const struct perf_drawn *drawn, FILE *f)
{
	for (unsigned int i = 0; i < perf_nb_plots && i < PERF_PLOTS_MAX; i++) {
		if (drawn->svg[i] == NULL)
			continue;
		fprintf(f, "<h2>%s</h2>\n<figure>\n", perf_plots[i].title);
		svg_inline(drawn->svg[i], f);
		fputs("</figure>\n", f);
	}
}

int
perf_html_write(const struct perf_book *bk, const struct perf_drawn *drawn, FILE *f)
{
	fputs(head, f);
	fprintf(f, "<h1>sluice-perf %s</h1>\n<p class=\"claim\">%s</p>\n", sluice_version(),
		PERF_HONEST);
	if (perf_book_first(bk) != NULL) {
		facts(bk, f);
		table(bk, f);
		plots(drawn, f);
	}
	fputs("<footer>Times include one ownership byte a page; the passthrough row is the floor "
	      "of the harness itself. A stale access reached a page that unmap had already handed "
	      "back; n/a: no device probed for them. Not provable: the hardware completes "
	      "invalidations so early that a policy that does not wait is not caught. A shadow "
	      "access reached idle shadow memory. The numbers behind the plots are in results.csv "
	      "and in each .gp script.</footer>\n</body></html>\n", f);
	return ferror(f) ? -1 : 0;
}

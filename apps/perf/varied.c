/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which results there are, and what differs between them, decides on columns and plots.
 */
#include "book.h"

struct perf_varied
perf_book_varied(const struct perf_book *bk)
{
	struct perf_varied v = { false, false, false, false };

	for (unsigned int i = 1; i < bk->nb_results; i++) {
		const struct perf_result *a = &bk->result[0], *b = &bk->result[i];

		v.sync_ns |= a->sync_ns != b->sync_ns;
		v.workers |= a->workers != b->workers;
		v.batch |= a->batch != b->batch;
		v.deadline_us |= a->deadline_us != b->deadline_us;
	}
	return v;
}

const struct perf_result *
perf_book_first(const struct perf_book *bk)
{
	for (unsigned int i = 0; i < bk->nb_results; i++)
		if (!bk->result[i].failed)
			return &bk->result[i];
	return NULL;
}

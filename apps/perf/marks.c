/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The marks, and which results have them.
 */
#include <stdio.h>
#include <string.h>

#include <rte_common.h>

#include "marks.h"

static bool
failed(const struct perf_result *r)
{
	return r->failed;
}

static bool
wrong(const struct perf_result *r)
{
	return !r->failed && r->error[0] != '\0';
}

static bool
clamped(const struct perf_result *r)
{
	return !r->failed && strcmp(r->policy, r->in_force) != 0;
}

static bool
unstable(const struct perf_result *r)
{
	return r->unstable;
}

static bool
unprovable(const struct perf_result *r)
{
	return r->stale_counted && !r->stale_provable;
}

static bool
preempted(const struct perf_result *r)
{
	return r->preempted != 0;
}

const struct perf_mark perf_marks[] = {
	{ "#", "failed", "failed: there are no figures.", failed },
	{ "^", "wrong", "wrong: a check of this run failed; its figures are not to be trusted.",
	  wrong },
	{ "!", "clamped", "the hardware cannot do this; a stricter policy was in force.", clamped },
	{ "~", "unstable", "unstable: the bare SYNC moved by more than 20 % during the run.",
	  unstable },
	{ "?", "unprovable", "not provable on this hardware: it completes invalidations so early "
	  "that a policy that does not wait is not caught (a control run with completions that "
	  "came too early saw nothing). Give it a longer tlbi_ns.", unprovable },
	{ "*", "preempted", "preempted: the OS took an lcore away in every round. Means, maxima "
	  "and ratios include that, p50 does not. Trust them on a quiet machine only.",
	  preempted },
};
const unsigned int perf_nb_marks = RTE_DIM(perf_marks);

const char *
perf_marks_signs(const struct perf_result *r, char *buf, size_t size)
{
	size_t at = 0;

	buf[0] = '\0';
	for (unsigned int i = 0; i < RTE_DIM(perf_marks) && at < size; i++)
		if (perf_marks[i].on(r))
			at += (size_t)snprintf(buf + at, size - at, "%s", perf_marks[i].sign);
	return buf;
}

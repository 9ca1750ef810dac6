/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What makes a result less than it looks: the same marks in every output.
 */
#ifndef PERF_MARKS_H
#define PERF_MARKS_H

#include "result.h"

struct perf_mark {
	const char *sign;  /**< behind a policy's name */
	const char *name;  /**< for programs */
	const char *means; /**< a sentence for people */
	bool (*on)(const struct perf_result *r);
};

/** All marks there are, the gravest first. */
extern const struct perf_mark perf_marks[];
extern const unsigned int perf_nb_marks;

/** The signs of a result, one behind the other; "" for one that can be trusted. @return @p buf. */
const char *perf_marks_signs(const struct perf_result *r, char *buf, size_t size);

#endif

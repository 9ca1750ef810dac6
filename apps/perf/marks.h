/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Marks tell the reader why a result is worth less than it looks. Every output has the same ones.
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

/** All marks, the gravest first. */
extern const struct perf_mark perf_marks[];
extern const unsigned int perf_nb_marks;

/** Write the signs of a result side by side; "" for one that can be trusted. @return @p buf. */
const char *perf_marks_signs(const struct perf_result *r, char *buf, size_t size);

#endif

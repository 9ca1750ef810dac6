/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a result is made of, for programs: each key with where its value is, and when the value is
 * known. JSON and CSV are both made from this list, so that a key means the same in each.
 */
#ifndef PERF_FIELDS_H
#define PERF_FIELDS_H

#include "book.h"

enum perf_kind {
	PERF_U32,
	PERF_U64,
	PERF_REAL,
	PERF_FLAG,
	PERF_WORD,     /**< text that needs no quotes */
	PERF_TEXT,
	PERF_CALLS,    /**< struct perf_dist of calls, whose mean may be known alone */
	PERF_WINDOW,   /**< struct perf_dist of a time span; CSV leaves its mean out */
	PERF_MARKS,
	PERF_ROUNDS,   /**< these and the next ones: of several parts, named by the writers */
	PERF_FLUSHES,
	PERF_WALK_READS,
	PERF_COUNTERS,
};

/** When a value is known. Else it is null in JSON and an empty field in CSV, never 0. */
enum perf_known {
	PERF_KNOWN_ALWAYS,
	PERF_KNOWN_RAN,  /**< the run did not fail */
	PERF_KNOWN_REAL, /**< … and took real time, not the model's */
	PERF_KNOWN_SET,  /**< it is not 0, not empty */
	PERF_KNOWN_IF,   /**< a flag of the result says so */
};

struct perf_field {
	const char *key;
	enum perf_kind kind;
	size_t at;           /**< of the value, in struct perf_result */
	enum perf_known known;
	size_t flag;         /**< PERF_KNOWN_IF: of the bool, in struct perf_result */
	unsigned int digits; /**< PERF_REAL: decimals in CSV */
	/** In place of @c at, for what is the same in all results. */
	const char *(*text)(const struct perf_book *bk);
	uint64_t (*count)(const struct perf_book *bk);
};

/** In JSON's order. Keys are a contract: new ones are added, none is renamed. */
extern const struct perf_field perf_fields[];
extern const unsigned int perf_nb_fields;

/** The field of that key; there must be one. */
const struct perf_field *perf_field_find(const char *key);

bool perf_field_known(const struct perf_field *f, const struct perf_result *r);

/** The value of a field of the kind that the function is named for; known or not. */
uint64_t perf_field_count(const struct perf_field *f, const struct perf_book *bk,
			  const struct perf_result *r);
double perf_field_real(const struct perf_field *f, const struct perf_result *r);
bool perf_field_flag(const struct perf_field *f, const struct perf_result *r);
const char *perf_field_text(const struct perf_field *f, const struct perf_book *bk,
			    const struct perf_result *r);
const struct perf_dist *perf_field_dist(const struct perf_field *f, const struct perf_result *r);

#endif

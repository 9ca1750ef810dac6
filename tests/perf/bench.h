/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What a micro-benchmark is made of: variants that are measured in turns, and rows that come out.
 */
#ifndef BENCH_H
#define BENCH_H

#include <stdbool.h>
#include <stdint.h>

#define BENCH_MAX_VARIANTS 8u
#define BENCH_MAX_METRICS  4u
#define BENCH_MAX_ROUNDS   101u

/** What the command line asked for. */
struct bench_opts {
	unsigned int rounds;   /* odd, so that the median was measured */
	unsigned int round_us; /* time of one variant in one round */
	uint64_t max_live;     /* largest number of live mappings of the scaling benchmark */
	uint32_t max_domains;  /* largest number of domains of it */
	bool smoke;            /* counts so small that the times mean nothing */
};
extern struct bench_opts bench_opts;

/**
 * One way to do the thing. Runs @p n operations and puts one figure for each metric into @p out,
 * in nanoseconds (for an operation, unless the metric's name says otherwise).
 * @return false: it went wrong (a check has been noted).
 */
struct bench_variant {
	const char *name;
	const char *what; /* one line for who does not know the name */
	bool (*run)(void *arg, uint64_t n, double *out);
	void *arg;
};

/** What is compared. Variant 0 is the subject; ratios of the others are to it. */
struct bench_case {
	const char *bench, *name;
	const char *goal;   /* "G1", or NULL */
	const char *layout; /* who runs where */
	const char *metric[BENCH_MAX_METRICS + 1];
	uint64_t fixed_n;   /* operations in a round; 0: as many as fit */
};

/** A result: one metric of one variant. */
struct bench_row {
	char bench[24], name[72], metric[24], variant[32], goal[48];
	char what[128], layout[96];
	uint64_t n;
	unsigned int rounds;
	double round[BENCH_MAX_ROUNDS];
	double median, q1, q3, min, max;
	double ratio; /* median over rounds of this variant / the subject in the same round; 1 */
	bool first;   /* starts a case */
};

/** Measure all variants, interleaved, in a rotating order, after a warm-up. @return success. */
bool bench_compare(const struct bench_case *c, const struct bench_variant *v, unsigned int nb);

/** Note whether something that must hold did. @return ok. */
bool bench_check(bool ok, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/** A line under the table, as printf. */
void bench_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/** What came out so far. */
struct bench_results {
	struct bench_row *row;
	unsigned int nb_rows;
	char (*note)[256];
	unsigned int nb_notes;
	uint64_t checks, failed;
};
extern struct bench_results bench_results;
void bench_results_free(void);

/** Nanoseconds in @p cycles of the TSC. */
double bench_ns(uint64_t cycles);

/** A fast random number, never 0. */
static inline uint64_t
bench_rand(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return *state = x;
}

/** The benchmarks. @return false: something failed. */
bool bench_pair(void);
bool bench_run(void);
bool bench_scale(void);
bool bench_iova(void);
bool bench_ring(void);
bool bench_policies(void);
bool bench_copies(void);
bool bench_reads(void);

#endif

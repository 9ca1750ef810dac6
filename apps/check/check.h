/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the parts of sluice-check share: options, messages, results.
 */
#ifndef CHECK_H
#define CHECK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>

#include "../../tests/conformance/conformance.h"
#include "../shared/outfile.h"

#define CHECK_GLOBS 32u

enum check_exit { CHECK_OK = 0, CHECK_FAILED = 1, CHECK_USAGE = 2 };

struct check_options {
	struct conf_options conf;
	const char *glob[CHECK_GLOBS];
	unsigned int nb_globs;
	const char *json; /* NULL: none; "-": stdout */
	bool list;
	int eal_argc;     /* arguments in front of "--"; 0: there is no "--" */
};

struct check_entry {
	const struct conf_case *k;
	struct conf_result r;
	const char *deviates; /* an expected deviation of QEMU; or NULL */
};

struct check_sum {
	struct check_entry *entry;
	unsigned int n;
	unsigned int count[3]; /* by enum conf_verdict */
	char machine[512];
	uint64_t ms;
	bool interrupted; /* cases are missing */
};

/* main.c: a signal has come, and the program is to end */
extern atomic_bool check_interrupted;

/* msg.c: one line on stderr, "sluice-check: …"; returns the exit status */
int check_usage(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
int check_failed(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* options.c: @return -1 to go on, else the exit status */
int check_options_parse(int argc, char **argv, struct check_options *o);
bool check_wanted(const struct check_options *o, const struct conf_case *k);

/* eal.c: @return 0 or the exit status */
int check_eal_init(char **argv, const struct check_options *o);
/* End EAL, and remove the folder that it leaves behind. */
void check_eal_end(const struct check_options *o);
/* Remove that folder alone, when the program ends in the middle. */
void check_eal_folder_remove(const struct check_options *o);

/* run.c; sum is changed with check_lock() held */
int check_run(const struct check_options *o, FILE *out, struct check_sum *sum);
void check_list(const struct check_options *o);
void check_lock(void);
void check_unlock(void);

/* json.c: @return 0 or the exit status */
int check_json_open(const struct check_options *o, struct outfile *of);
int check_json_write(const struct check_options *o, const struct check_sum *sum,
		     struct outfile *of);

#endif

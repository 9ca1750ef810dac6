/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Running the list, with a line for each case; and printing what is in it.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <sluice/sluice.h>

#include "../shared/text.h"
#include "check.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void
check_lock(void)
{
	pthread_mutex_lock(&lock);
}

void
check_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

static void
print(FILE *out, struct check_entry *e)
{
	static const char *const word[] = { "ok  ", "FAIL", "skip" };

	text_clean(e->r.text, "");

	fprintf(out, "%s %-26s", word[e->r.verdict], e->k->name);
	if (e->deviates != NULL && e->r.verdict == CONF_PASS)
		fprintf(out, " QEMU deviates: %s%s", e->deviates,
			e->r.text[0] != '\0' ? ";" : "");
	if (e->r.text[0] != '\0')
		fprintf(out, " %s", e->r.text);
	fputc('\n', out);
	fflush(out);
}

int
check_run(const struct check_options *o, FILE *out, struct check_sum *sum)
{
	const struct conf_case *k;
	struct conf *c;
	unsigned int n = 0;

	while (conf_case_get(n) != NULL)
		n++;
	sum->entry = calloc(n, sizeof(*sum->entry));
	if (sum->entry == NULL)
		return check_failed("out of memory");
	c = conf_open(&o->conf);
	if (c == NULL)
		return check_usage("--dev %s: %s", o->conf.dev, sluice_error());
	snprintf(sum->machine, sizeof(sum->machine), "%s", conf_machine(c));
	text_clean(sum->machine, "");
	fprintf(out, "# %s\n", sum->machine);
	for (unsigned int i = 0; (k = conf_case_get(i)) != NULL; i++) {
		struct check_entry *e = &sum->entry[sum->n];

		if (!check_wanted(o, k))
			continue;
		if (atomic_load_explicit(&check_interrupted, memory_order_relaxed)) {
			sum->interrupted = true;
			break;
		}
		e->k = k;
		conf_run(c, k, &e->r);
		check_lock();
		e->deviates = conf_deviation(c, k);
		sum->count[e->r.verdict]++;
		sum->ms += e->r.ms;
		sum->n++;
		print(out, e);
		check_unlock();
	}
	conf_close(c);
	fprintf(out, "%u passed, %u failed, %u skipped\n", sum->count[CONF_PASS],
		sum->count[CONF_FAIL], sum->count[CONF_SKIP]);
	return sum->count[CONF_FAIL] != 0 ? CHECK_FAILED : CHECK_OK;
}

void
check_list(const struct check_options *o)
{
	const struct conf_case *k;

	for (unsigned int i = 0; (k = conf_case_get(i)) != NULL; i++) {
		if (!check_wanted(o, k))
			continue;
		printf("%-26s %s\n", k->name, k->proves);
		if (k->qemu_deviates != NULL)
			printf("%-26s   QEMU deviates: %s\n", "", k->qemu_deviates);
		if (k->qemu10_deviates != NULL)
			printf("%-26s   QEMU deviates: %s\n", "", k->qemu10_deviates);
		if (k->qemu7_deviates != NULL)
			printf("%-26s   QEMU deviates: %s\n", "", k->qemu7_deviates);
	}
}

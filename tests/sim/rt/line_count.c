/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The account of transfers: of which line, and from which place in the code.
 */
#include <stdio.h>
#include <stdlib.h>

#include "line.h"
#include "rt.h"

/* Where transfers come from: a line and a place in the code. */
struct cause {
	uintptr_t line, pc;
	uint64_t n, wait;
};

#define CAUSES (1u << 17)
#define NAMES  256u

static struct cause causes[CAUSES];
static unsigned int nb_causes;
static struct {
	uintptr_t at;
	size_t len;
	const char *name;
} names[NAMES];
static unsigned int nb_names;

void
line_name(const volatile void *p, size_t len, const char *name)
{
	if (nb_names == NAMES)
		return;
	names[nb_names].at = (uintptr_t)p;
	names[nb_names].len = len;
	names[nb_names++].name = name;
}

void
rt_line_unname(void)
{
	nb_names = 0;
}

void
rt_line_account(void)
{
	rt_fill(causes, 0, sizeof(causes));
	nb_causes = 0;
}

void
rt_line_note(uintptr_t line, uintptr_t pc, uint64_t wait)
{
	size_t i = (line * UINT64_C(0x9e3779b97f4a7c15) ^ pc * UINT64_C(0xc2b2ae3d27d4eb4f)) >> 47;

	while (causes[i].n != 0 && (causes[i].line != line || causes[i].pc != pc))
		i = (i + 1) % CAUSES;
	if (causes[i].n == 0 && ++nb_causes == CAUSES - 1)
		sim_fail("more lines than the table of causes holds");
	causes[i].line = line;
	causes[i].pc = pc;
	causes[i].n++;
	causes[i].wait += wait;
}

static int
by_key(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	return x->line != y->line ? (x->line < y->line ? -1 : 1) : 0;
}

static int
by_n(const void *a, const void *b)
{
	const struct cause *x = a, *y = b;

	if (x->n != y->n)
		return x->n > y->n ? -1 : 1;
	return by_key(a, b);
}

/* All causes summed by line (pc 0) or by place (line 0), the largest first. */
static struct cause *
sums(bool by_line, unsigned int *n)
{
	static struct cause sum[CAUSES];
	unsigned int k = 0;

	for (size_t i = 0; i < CAUSES; i++) {
		if (causes[i].n == 0)
			continue;
		sum[k] = causes[i];
		sum[k].line = by_line ? causes[i].line : causes[i].pc;
		sum[k++].pc = 0;
	}
	qsort(sum, k, sizeof(*sum), by_key);
	*n = 0;
	for (unsigned int i = 0; i < k; i++) {
		if (i != 0 && sum[*n - 1].line == sum[i].line) {
			sum[*n - 1].n += sum[i].n;
			sum[*n - 1].wait += sum[i].wait;
		} else {
			sum[(*n)++] = sum[i];
		}
	}
	qsort(sum, *n, sizeof(*sum), by_n);
	return sum;
}

uint64_t
line_most(void)
{
	unsigned int n;
	const struct cause *c = sums(true, &n);

	return n != 0 ? c[0].n : 0;
}

static const char *
name_of(uintptr_t line, char *text, size_t len)
{
	uintptr_t at = line * RT_LINE;

	for (unsigned int i = 0; i < nb_names; i++)
		if (at + RT_LINE > names[i].at && at < names[i].at + names[i].len) {
			snprintf(text, len, "%s+%#zx", names[i].name,
				 (size_t)(at > names[i].at ? at - names[i].at : 0));
			return text;
		}
	snprintf(text, len, "%s+%#zx", at - rt_arena_base < RT_ARENA_SIZE ? "memory" : "static",
		 (size_t)(at - rt_arena_base < RT_ARENA_SIZE ? at - rt_arena_base : at));
	return text;
}

void
line_print(unsigned int n, double ops)
{
	unsigned int k;
	const struct cause *c = sums(false, &k);
	char text[64];

	printf("  transfers/op  ns/op waited  place\n");
	for (unsigned int i = 0; i < k && i < n; i++)
		printf("  %12.4f %13.1f  %s\n", (double)c[i].n / ops, (double)c[i].wait / 16 / ops,
		       rt_place(c[i].line));
	c = sums(true, &k);
	printf("  transfers/op  ns/op waited  line\n");
	for (unsigned int i = 0; i < k && i < n; i++)
		printf("  %12.4f %13.1f  %s\n", (double)c[i].n / ops, (double)c[i].wait / 16 / ops,
		       name_of(c[i].line, text, sizeof(text)));
}

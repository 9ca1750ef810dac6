/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Delta debugging: leave out pieces of a case, large ones first, as long as what is left still
 * shows a disagreement of the same side (Zeller's ddmin, complements only).
 */
#include <stdlib.h>
#include <string.h>

#include "diff.h"

struct shrinking {
	struct runner *r;
	struct diff_case *best, *try;
	struct verdict *v;
	unsigned int side, runs;
	double end;
};

/* Does the case that is left still fail? Then it is the best so far. */
static bool
still_fails(struct shrinking *s)
{
	struct verdict v;

	s->runs++;
	if (run_case(s->r, s->try, &v) != 0 || !v.bad || v.side != s->side)
		return false;
	/* A wrong answer where one was right says more than one where several were. */
	if (v.open_ended && !s->v->open_ended)
		return false;
	/* Nothing after the operation that showed it matters. A read shows at the end, but the
	 * rest of its round is still needed only if it is before it. */
	if (v.op + 1 < s->try->nb_ops)
		s->try->nb_ops = v.op + 1;
	memcpy(s->best, s->try, sizeof(*s->best));
	*s->v = v;
	return true;
}

/* Leave out [from, from + n). */
static bool
without(struct shrinking *s, unsigned int from, unsigned int n)
{
	memcpy(s->try, s->best, sizeof(*s->try));
	if (from + n > s->try->nb_ops)
		n = s->try->nb_ops - from;
	memmove(&s->try->op[from], &s->try->op[from + n],
		(s->try->nb_ops - from - n) * sizeof(struct op));
	s->try->nb_ops -= n;
	return still_fails(s);
}

unsigned int
shrink(struct runner *r, struct diff_case *c, struct verdict *v, double seconds)
{
	struct shrinking s = { .r = r, .best = c, .v = v, .side = v->side,
			       .end = now_s() + seconds };
	unsigned int n;

	s.try = malloc(sizeof(*s.try));
	if (s.try == NULL)
		return 0;
	if (v->op + 1 < c->nb_ops)
		c->nb_ops = v->op + 1;
	for (n = c->nb_ops / 2; n >= 1; n /= 2) {
		bool again;

		do {
			again = false;
			/* From the end: what was there last is most likely to be needed least. */
			for (unsigned int from = c->nb_ops; from > 0 && now_s() < s.end; ) {
				from = from > n ? from - n : 0;
				if (from < c->nb_ops && without(&s, from, n))
					again = true;
			}
		} while (again && n == 1 && now_s() < s.end);
	}
	free(s.try);
	return s.runs;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * SIM_TIME: every fiber has a processor and a clock of its own, and the one furthest behind goes on.
 * What steps and pauses cost is for line.c to say (without costs, a nanosecond a step). A fiber goes
 * on as long as it is no further ahead than rt_line_ahead: that is how exact the order is.
 */
#include "rt.h"

/* Does @p a go on before @p b? */
static inline bool
is_behind(const struct sim_fiber *a, const struct sim_fiber *b)
{
	return a->time < b->time || (a->time == b->time && a->id < b->id);
}

static void
heap_push(struct sim_fiber *f)
{
	unsigned int i = rt.nb_behind++;

	for (; i > 0 && is_behind(f, rt.behind[(i - 1) / 2]); i = (i - 1) / 2)
		rt.behind[i] = rt.behind[(i - 1) / 2];
	rt.behind[i] = f;
}

static struct sim_fiber *
heap_pop(void)
{
	struct sim_fiber *top = rt.behind[0], *last;
	unsigned int i = 0, k;

	if (rt.nb_behind == 0)
		return NULL;
	last = rt.behind[--rt.nb_behind];
	while ((k = 2 * i + 1) < rt.nb_behind) {
		if (k + 1 < rt.nb_behind && is_behind(rt.behind[k + 1], rt.behind[k]))
			k++;
		if (!is_behind(rt.behind[k], last))
			break;
		rt.behind[i] = rt.behind[k];
		i = k;
	}
	rt.behind[i] = last;
	return top;
}

void
rt_time_point(struct sim_fiber *f)
{
	struct sim_fiber *next;

	rt.step++;
	if (!rt.conf.costs)
		f->time += 16;
	if (f->time / 16 > rt.now)
		rt.now = f->time / 16;
	if (__builtin_expect(rt.step >= rt.conf.max_steps || rt.now >= rt.conf.max_ns, 0))
		sim_fail("stuck: %ju steps, %ju ns, and it has not ended", (uintmax_t)rt.step,
			 (uintmax_t)rt.now);
	if (!f->done && (rt.nb_behind == 0 || f->time <= rt.behind[0]->time + rt_line_ahead))
		return;
	rt.hash = (rt.hash ^ f->id ^ f->time << 8) * UINT64_C(0x100000001b3);
	if (!f->done)
		heap_push(f);
	next = heap_pop();
	if (next != f)
		rt_fiber_switch(next);
}

void
rt_time_run(void)
{
	for (unsigned int i = 0; i < rt.nb; i++)
		heap_push(&rt.fiber[i]);
	rt_fiber_switch(heap_pop());
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Teams of lcores.
 */
#include <stdatomic.h>
#include <stdio.h>

#include <rte_common.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_pause.h>

#include "par.h"

struct team;

struct member {
	struct team *team;
	unsigned int i;
	uint64_t cycles;
} __rte_cache_aligned;

struct team {
	par_fn fn;
	void *arg;
	unsigned int nb;
	_Atomic unsigned int here, through;
	struct member member[PAR_MAX];
};

unsigned int
par_lcores(void)
{
	return RTE_MIN(rte_lcore_count(), PAR_MAX);
}

unsigned int
par_lcore(unsigned int i)
{
	unsigned int lcore = rte_get_main_lcore();

	if (i == 0)
		return lcore;
	RTE_LCORE_FOREACH_WORKER(lcore)
		if (--i == 0)
			break;
	return lcore;
}

static int
work(void *arg)
{
	struct member *m = arg;
	struct team *t = m->team;

	/* acq_rel, acquire: what was set up before is seen, and nobody starts before all are here. */
	atomic_fetch_add_explicit(&t->here, 1, memory_order_acq_rel);
	while (atomic_load_explicit(&t->here, memory_order_acquire) != t->nb)
		rte_pause();
	m->cycles = t->fn(t->arg, m->i);
	/* release: pairs with the acquire in par_run(). */
	atomic_fetch_add_explicit(&t->through, 1, memory_order_release);
	return 0;
}

uint64_t
par_run(par_fn fn, void *arg, unsigned int nb, uint64_t *cycles)
{
	struct team t = { .fn = fn, .arg = arg, .nb = nb };
	uint64_t max = 0;

	for (unsigned int i = 0; i < nb; i++) {
		t.member[i].team = &t;
		t.member[i].i = i;
	}
	for (unsigned int i = 1; i < nb; i++)
		rte_eal_remote_launch(work, &t.member[i], par_lcore(i));
	work(&t.member[0]);
	for (unsigned int i = 1; i < nb; i++)
		rte_eal_wait_lcore(par_lcore(i));
	/* They are through; this makes what they wrote ours without having to know how EAL waits. */
	while (atomic_load_explicit(&t.through, memory_order_acquire) != nb)
		rte_pause();
	for (unsigned int i = 0; i < nb; i++) {
		max = RTE_MAX(max, t.member[i].cycles);
		if (cycles != NULL)
			cycles[i] = t.member[i].cycles;
	}
	return max;
}

const char *
par_cpus(unsigned int i)
{
	static char text[64];
	rte_cpuset_t set = rte_lcore_cpuset(par_lcore(i));
	size_t len = 0;

	text[0] = '\0';
	for (int cpu = 0; cpu < CPU_SETSIZE && len < sizeof(text) - 8; cpu++)
		if (CPU_ISSET(cpu, &set))
			len += (size_t)snprintf(text + len, sizeof(text) - len, "%s%d",
						len != 0 ? "," : "", cpu);
	return text;
}

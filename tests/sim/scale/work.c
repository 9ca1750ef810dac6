/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What runs on each virtual processor: workers that map and unmap, the engine, the hardware.
 */
#include <errno.h>
#include <string.h>

#include <sluice/sluice.h>

#include "../rt/sim.h"
#include "../rt/tls.h"
#include "kernel_like.h"
#include "scale.h"

/* A unit of the hardware's work, and a look at its queue, ns. */
#define HW_NS    10u
#define PATIENCE 3u
/* A worker asks for cookies once in so many pairs. */
#define ASK_EACH 32u

/* ---- measuring ------------------------------------------------------------------------------- */

static void
begin(void)
{
	scale.phase = SCALE_MEASURE;
	scale.begin = scale.total;
	scale.begin_ns = sim_now();
	for (unsigned int i = 0; i < scale.conf.workers; i++)
		scale.worker[i].pairs_begin = scale.worker[i].pairs;
	scale_hw_counts(scale.iommu, &scale.syncs, &scale.cmds);
	line_count();
}

static void
end(void)
{
	uint64_t syncs, cmds;

	scale.phase = SCALE_STOP;
	scale.end_ns = sim_now();
	scale.n = scale.total - scale.begin;
	scale_hw_counts(scale.iommu, &syncs, &cmds);
	scale.syncs = syncs - scale.syncs;
	scale.cmds = cmds - scale.cmds;
	scale.lines = line_counts();
	for (unsigned int i = 0; i < scale.conf.workers; i++) {
		scale.waited += line_waited(i);
		if (line_doorbells(i) > scale.ringer)
			scale.ringer = line_doorbells(i);
		scale.worker[i].pairs_end = scale.worker[i].pairs;
	}
	scale.engine_waited = line_waited(scale.conf.workers + 1);
	scale.most = line_most();
	if (scale.conf.lines != 0)
		line_print(scale.conf.lines, (double)scale.n);
}

/* The pairs of a call are done. Measuring begins when every worker has warmed up, or all together have
 * done so much that one of them must be starving. */
static void
did(struct scale_worker *w, unsigned int n)
{
	scale.total += n;
	if (w->pairs < scale.each && w->pairs + n >= scale.each)
		scale.nb_warm++;
	w->pairs += n;
	if (scale.phase == SCALE_WARM &&
	    (scale.nb_warm == scale.conf.workers || scale.total > PATIENCE * scale.n))
		begin();
	else if (scale.phase == SCALE_MEASURE && scale.total - scale.begin >= scale.n)
		end();
}

static void
note_unmap(struct scale_worker *w, uint64_t ns)
{
	if (scale.phase == SCALE_MEASURE && w->nb_unmap < w->cap)
		w->unmap[w->nb_unmap++] = (uint32_t)ns;
}

/* ---- a worker -------------------------------------------------------------------------------- */

static unsigned int
cookies(struct scale_worker *w)
{
	uint64_t cookie[64], now;
	unsigned int n = sluice_unmap_completed(w->d, cookie, 64);

	now = sim_now();
	for (unsigned int i = 0; i < n; i++) {
		SIM_CHECK(cookie[i] == w->back, "cookie %ju came, %ju was due", (uintmax_t)cookie[i],
			  (uintmax_t)w->back);
		if (scale.phase == SCALE_MEASURE && w->nb_release < w->cap)
			w->release[w->nb_release++] = (uint32_t)(now - w->sent_at[w->back % SCALE_SENT]);
		w->back++;
	}
	return n;
}

static void
one_async(struct scale_worker *w, uint64_t iova)
{
	uint64_t from = sim_now();
	int ret;

	w->sent_at[w->sent % SCALE_SENT] = from;
	while ((ret = sluice_unmap_async(w->d, iova, 4096, w->sent)) == -EAGAIN)
		if (cookies(w) == 0)
			sim_pause();
	SIM_CHECK(ret == 1, "unmap_async: %d, %s", ret, sluice_error());
	note_unmap(w, sim_now() - from);
	if (++w->sent % ASK_EACH == 0)
		(void)cookies(w);
}

static void
one(struct scale_worker *w, uint64_t pa)
{
	uint64_t iova, from;
	int ret = sluice_map(w->d, pa, 4096, SLUICE_RW, &iova);

	SIM_CHECK(ret == 0, "map: %d, %s", ret, sluice_error());
	if (scale.conf.subject->kind == SUBJECT_ASYNC) {
		one_async(w, iova);
		return;
	}
	from = sim_now();
	ret = sluice_unmap(w->d, iova, 4096);
	SIM_CHECK(ret == 0, "unmap: %d, %s", ret, sluice_error());
	note_unmap(w, sim_now() - from);
}

static void
burst_async(struct scale_worker *w, struct sluice_seg *seg, unsigned int n)
{
	uint64_t from = sim_now();
	unsigned int done = 0, later;

	for (unsigned int i = 0; i < n; i++) {
		seg[i].cookie = w->sent + i;
		w->sent_at[(w->sent + i) % SCALE_SENT] = from;
	}
	while (done < n) {
		later = 0;
		done += sluice_unmap_async_burst(w->d, seg + done, n - done, &later);
		SIM_CHECK(done == n || sim_errno() == EAGAIN, "unmap_async_burst: %s", sluice_error());
		if (done < n && cookies(w) == 0)
			sim_pause();
	}
	w->sent += n;
	note_unmap(w, sim_now() - from);
	(void)cookies(w);
}

static void
burst(struct scale_worker *w, unsigned int n)
{
	struct sluice_seg seg[SCALE_BURST];
	uint64_t from;
	unsigned int k;

	memset(seg, 0, sizeof(seg));
	for (unsigned int i = 0; i < n; i++) {
		seg[i].pa = w->pa + (uint64_t)i * 4096;
		seg[i].len = 4096;
		seg[i].prot = SLUICE_RW;
	}
	k = sluice_map_burst(w->d, seg, n);
	SIM_CHECK(k == n, "map_burst: %u of %u, %s", k, n, sluice_error());
	if (scale.conf.subject->kind == SUBJECT_ASYNC) {
		burst_async(w, seg, n);
		return;
	}
	from = sim_now();
	/* The bound has no burst of its own: that of its domain invalidates. */
	for (k = 0; scale.conf.subject->kind == SUBJECT_NONE && k < n; k++)
		if (sluice_unmap(w->d, seg[k].iova, seg[k].len) != 0)
			break;
	if (scale.conf.subject->kind != SUBJECT_NONE)
		k = sluice_unmap_burst(w->d, seg, n);
	SIM_CHECK(k == n, "unmap_burst: %u of %u, %s", k, n, sluice_error());
	note_unmap(w, sim_now() - from);
}

static void
kernel_one(struct scale_worker *w, uint64_t pa, unsigned int pages)
{
	uint64_t iova = kernel_map(scale.kernel, w->id, pa, pages), from = sim_now();

	kernel_unmap(scale.kernel, w->id, iova, pages);
	note_unmap(w, sim_now() - from);
}

void
scale_worker_main(void *arg)
{
	struct scale_worker *w = arg;
	unsigned int n = scale.conf.burst;

	sim_lcore_set(sim_self());
	for (uint64_t i = 0; scale.phase != SCALE_STOP; i++) {
		uint64_t pa = w->pa + i % SCALE_BURST * 4096;

		if (scale.kernel != NULL)
			kernel_one(w, n == 1 ? pa : w->pa, n);
		else if (n == 1)
			one(w, pa);
		else
			burst(w, n);
		did(w, n);
	}
	if (w->back != w->sent)
		sluice_unmap_kick(w->d);
	while (w->back != w->sent)
		if (cookies(w) == 0)
			sim_pause();
	scale.nb_done++;
}

/* ---- engine and hardware --------------------------------------------------------------------- */

void
scale_engine_main(void *arg)
{
	(void)arg;
	sim_lcore_set(sim_self());
	while (scale.nb_done < scale.conf.workers)
		if (sluice_engine_poll(scale.engine) == 0)
			sim_step();
	sluice_engine_release(scale.engine);
	scale.engine_left = true;
}

/* The emulated SMMU itself, whose work takes the time that is said here and nothing else. */
void
scale_hw_main(void *arg)
{
	struct scale_queue q = scale_queue(scale.iommu);

	(void)arg;
	sim_lcore_set(sim_self());
	line_device(q.ram, q.ram_len);
	while (scale.nb_done < scale.conf.workers ||
	       (scale.kernel == NULL && !scale.engine_left)) {
		if (*q.prod != *q.cons)
			scale_hw_step(scale.iommu);
		sim_sleep(HW_NS);
	}
}

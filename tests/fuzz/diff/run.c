/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Runs a case: operations to everybody's memory and to the model, transfers on all sides, every
 * answer held against what the model allows, and where that is one thing against each other.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "diff.h"

#define READ_OFF 2048u

/* A read whose data comes home at the end of the case. */
struct pending {
	unsigned int op, slot;
	unsigned int n;
	struct outcome out[OUTCOMES_MAX];
	uint32_t expect[2][OUTCOMES_MAX]; /* first word, by side and outcome */
	struct seen seen[2];
};

struct run {
	struct runner *r;
	const struct diff_case *c;
	struct verdict *v;
	unsigned int slots[DEVS_MAX][2]; /* used, for reads and for writes */
	struct pending *reads;
	unsigned int nb_reads;
	struct outcome (*out)[OUTCOMES_MAX]; /* of the transfers of a round */
	unsigned int nb_out[DEVS_MAX];
};

int
runner_init(struct runner *r, struct side *const *side, unsigned int n, struct totals *t)
{
	memset(r, 0, sizeof(*r));
	r->totals = t;
	r->world.nb_sides = n;
	for (unsigned int i = 0; i < n; i++)
		r->world.side[i] = side[i];
	r->world.mem = calloc(1, ARENA_LEN);
	r->home = malloc(DEVS_MAX * 4096);
	r->model = model_create(&r->world);
	if (r->world.mem == NULL || r->home == NULL || r->model == NULL) {
		runner_fini(r);
		fputs("sluice-diff: no memory\n", stderr);
		return -1;
	}
	return 0;
}

void
runner_fini(struct runner *r)
{
	model_destroy(r->model);
	free(r->home);
	free(r->world.mem);
	memset(r, 0, sizeof(*r));
}

/* ---- telling --------------------------------------------------------------------------------- */

static void __attribute__((format(printf, 2, 3)))
tell(struct verdict *v, const char *fmt, ...)
{
	size_t at = strlen(v->text);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->text + at, sizeof(v->text) - at, fmt, ap);
	va_end(ap);
}

static void
tell_outcome(struct verdict *v, const struct outcome *o)
{
	if (o->end == END_OK)
		tell(v, "data page %d", (int)((o->pa - ARENA_PA - DATA_OFF) / 4096));
	else if (o->end == END_ABORT)
		tell(v, "passes, nothing answers at %#" PRIx64, o->pa);
	else if (!o->event)
		tell(v, "refused, no event");
	else
		tell(v, "event %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64, o->ev[0],
		     o->ev[1], o->ev[2], o->ev[3]);
}

static void
tell_seen(struct verdict *v, const struct side *s, const struct op *o, const struct seen *seen)
{
	if (seen->landed)
		tell(v, "data page %u", seen->page);
	else if (!o->write && seen->value != 0)
		tell(v, "read %#x", seen->value);
	else
		tell(v, "no data");
	if (s->tells)
		tell(v, ", status %d", seen->status);
	for (unsigned int i = 0; i < seen->nb_events && i < 4; i++)
		tell(v, ", event %016" PRIx64 " %016" PRIx64 " %016" PRIx64 " %016" PRIx64,
		     seen->ev[i][0], seen->ev[i][1], seen->ev[i][2], seen->ev[i][3]);
	if (seen->nb_events > 4)
		tell(v, ", %u events in all%s", seen->nb_events % 100,
		     seen->nb_events >= 100 ? " and one of another stream" : "");
}

static void
disagree(struct run *u, unsigned int op, unsigned int side, const struct outcome *out,
	 unsigned int n, const struct seen *seen)
{
	struct verdict *v = u->v;
	const struct world *w = &u->r->world;

	v->bad = true;
	v->op = op;
	v->side = side;
	v->open_ended = n != 1;
	v->text[0] = '\0';
	tell(v, "operation %u: %s differs from what the architecture allows (%s)\n", op,
	     w->side[side]->name, n != 1 ? "may be stale" : out[0].end == END_FAULT ?
	     "must fault" : "must be fresh");
	for (unsigned int i = 0; i < w->nb_sides; i++) {
		tell(v, "  %-6s ", w->side[i]->name);
		tell_seen(v, w->side[i], &u->c->op[op], &seen[i]);
		tell(v, "\n");
	}
	for (unsigned int i = 0; i < n && i < 4; i++) {
		tell(v, "  %s ", i == 0 ? "allowed" : "or     ");
		tell_outcome(v, &out[i]);
		tell(v, "\n");
	}
	if (n > 4)
		tell(v, "  or one of %u more\n", n - 4);
}

/* ---- judging --------------------------------------------------------------------------------- */

/* All records of a transfer are one, but for the address: a device's bus may have made several
 * transactions of it. */
static bool
events_match(const struct op *op, const struct outcome *o, const struct seen *seen)
{
	if (!o->event || (o->lost && seen->nb_events == 0))
		return seen->nb_events == 0;
	if (seen->nb_events == 0 || seen->nb_events > op->len / 4u)
		return false;
	for (unsigned int i = 0; i < seen->nb_events && i < 4; i++)
		for (unsigned int k = 0; k < 4; k++) {
			uint64_t d = (seen->ev[i][k] ^ o->ev[k]) & o->evmask[k];

			if (k == 2 && i > 0 && seen->ev[i][2] - op->x < op->len)
				continue;
			if (d != 0)
				return false;
		}
	return true;
}

static bool
matches(const struct side *s, const struct op *op, const struct outcome *allowed,
	const struct seen *seen)
{
	struct outcome o = *allowed;

	deviate(s, &o);
	if (!events_match(op, &o, seen))
		return false;
	if (o.end == END_OK)
		return seen->landed && (!s->tells || seen->status == 0) &&
		       seen->page == (o.pa - ARENA_PA - DATA_OFF) / 4096;
	if (seen->landed)
		return false;
	return !s->tells || seen->status == (o.end == END_FAULT ? -EFAULT : -EIO);
}

/* @return false: it is told in the verdict. */
static bool
judge(struct run *u, unsigned int op, const struct outcome *out, unsigned int n,
      const struct seen *seen)
{
	for (unsigned int i = 0; i < u->r->world.nb_sides; i++) {
		unsigned int k = 0;

		while (k < n && !matches(u->r->world.side[i], &u->c->op[op], &out[k], &seen[i]))
			k++;
		if (k == n) {
			disagree(u, op, i, out, n, seen);
			return false;
		}
		u->r->totals->faults += i == 0 && out[k].end == END_FAULT;
		if (i == 0 && out[k].event) {
			u->r->totals->events++;
			u->r->totals->by_event[smmu_field_get(SMMU_EVT_0_ID, out[k].ev[0])]++;
			if (out[k].ev[1] & SMMU_EVT_1_S2)
				u->r->totals->s2_class[smmu_field_get(SMMU_EVT_1_CLASS,
								      out[k].ev[1])]++;
		}
	}
	if (n != 1)
		u->r->totals->may_be_stale++;
	else if (out[0].end == END_FAULT)
		u->r->totals->must_fault++;
	else
		u->r->totals->must_pass++;
	return true;
}

/* Nothing but the transfers' own bytes changed, in data or in tables. */
static bool
untouched(struct run *u, unsigned int op)
{
	struct world *w = &u->r->world;

	for (unsigned int i = 0; i < w->nb_sides; i++) {
		const struct side *s = w->side[i];
		const char *what = NULL;

		if (memcmp(s->arena + DATA_OFF, s->data, DATA_LEN) != 0)
			what = "data that no transfer of this round was to write";
		else if (memcmp(s->arena + TAB_OFF, w->mem + TAB_OFF, w->tabs * TAB_SIZE) != 0 ||
			 memcmp(s->arena + CD_OFF, w->mem + CD_OFF, CD_SLOTS * 64) != 0)
			what = "tables";
		if (what == NULL)
			continue;
		u->v->bad = true;
		u->v->op = op;
		u->v->side = i;
		u->v->text[0] = '\0';
		tell(u->v, "operation %u: %s changed: %s\n", op, s->name, what);
		return false;
	}
	return true;
}

/* ---- a round --------------------------------------------------------------------------------- */

/* What read @p x will find in each way that is allowed, as this side's memory is now. */
static void
remember_read(struct run *u, const struct xfer *x, unsigned int op, const struct outcome *out,
	      unsigned int n)
{
	struct pending *p = &u->reads[u->nb_reads++];

	p->op = op;
	p->slot = x->slot;
	p->n = n;
	memcpy(p->out, out, n * sizeof(*out));
	memcpy(p->seen, x->seen, sizeof(p->seen));
	for (unsigned int i = 0; i < u->r->world.nb_sides; i++)
		for (unsigned int k = 0; k < n; k++)
			if (out[k].end == END_OK)
				memcpy(&p->expect[i][k], u->r->world.side[i]->data +
				       (out[k].pa - ARENA_PA - DATA_OFF), 4);
}

/* Would it be right for all sides to do this? Not when it may reach what is not data. */
static bool
harmless(const struct outcome *out, unsigned int n)
{
	for (unsigned int k = 0; k < n; k++)
		if (out[k].end == END_OK && out[k].pa - ARENA_PA - DATA_OFF >= DATA_LEN)
			return false;
	return n != 0;
}

static int
do_round(struct run *u, struct xfer *x, unsigned int n, const unsigned int *op)
{
	struct world *w = &u->r->world;

	for (unsigned int i = 0; i < w->nb_sides; i++)
		if (side_round(w->side[i], i, x, n) != 0)
			return -1;
	u->r->totals->rounds++;
	u->r->totals->transfers += n;
	for (unsigned int i = 0; i < n; i++) {
		if (!x[i].op->write) {
			remember_read(u, &x[i], op[i], u->out[i], u->nb_out[i]);
			continue;
		}
		if (!judge(u, op[i], u->out[i], u->nb_out[i], x[i].seen))
			return 0;
	}
	untouched(u, op[n - 1]);
	return 0;
}

/* Gather transfers from @p first as long as each is another device's. @return how many. */
static unsigned int
gather(struct run *u, unsigned int first, struct xfer *x, unsigned int *op, unsigned int *nb)
{
	unsigned int i = first, n = 0;
	bool busy[DEVS_MAX] = { false };

	for (; i < u->c->nb_ops; i++) {
		const struct op *o = &u->c->op[i];

		if (o->kind != OP_DMA || busy[o->dev])
			break;
		if (u->slots[o->dev][o->write] == XFERS_MAX)
			continue;
		u->nb_out[n] = model_access(u->r->model, o, u->out[n]);
		u->r->totals->cut += u->nb_out[n] == 0;
		if (!harmless(u->out[n], u->nb_out[n]))
			continue;
		busy[o->dev] = true;
		x[n].op = o;
		x[n].slot = u->slots[o->dev][o->write]++;
		op[n++] = i;
	}
	*nb = n;
	return i - first;
}

/* ---- a case ---------------------------------------------------------------------------------- */

/* Every side must take the command, or refuse it, as the architecture says (§4.1.3). */
static void
do_cmd(struct run *u, unsigned int op)
{
	const struct op *o = &u->c->op[op];
	struct world *w = &u->r->world;
	bool legal = model_legal(o->x, o->y, w->s2p);

	for (unsigned int i = 0; i < w->nb_sides; i++) {
		int rc = side_cmd(w->side[i], o->x, o->y);

		if (rc == (legal ? 0 : -EIO) || u->v->bad)
			continue;
		u->v->bad = true;
		u->v->op = op;
		u->v->side = i;
		u->v->text[0] = '\0';
		tell(u->v, "operation %u: %s: the command came back with %d (%s)\n", op,
		     w->side[i]->name, rc, legal ? "it is legal" : "it is illegal");
	}
	if (legal)
		model_cmd(u->r->model, o->x, o->y);
}

static int
do_ops(struct run *u)
{
	struct xfer x[DEVS_MAX];
	unsigned int op[DEVS_MAX], n;

	for (unsigned int i = 0; i < u->c->nb_ops && !u->v->bad; ) {
		const struct op *o = &u->c->op[i];

		u->r->totals->ops++;
		if (o->kind == OP_DMA) {
			i += gather(u, i, x, op, &n);
			if (n != 0 && do_round(u, x, n, op) != 0)
				return -1;
			continue;
		}
		if (o->kind == OP_CMD)
			do_cmd(u, i);
		else if (world_apply(&u->r->world, o) < 0)
			return -1;
		else
			model_changed(u->r->model);
		i++;
	}
	return 0;
}

/* What reads found. A word that no way explains is what it is; 0 is no data. */
static int
do_reads(struct run *u)
{
	struct world *w = &u->r->world;

	for (unsigned int i = 0; i < w->nb_sides; i++) {
		if (side_collect(w->side[i], u->r->home) != 0)
			return -1;
		for (unsigned int k = 0; k < u->nb_reads; k++) {
			struct pending *p = &u->reads[k];
			const struct op *o = &u->c->op[p->op];
			const uint8_t *at = u->r->home + o->dev * 4096u + READ_OFF +
					    p->slot * XFER_MAX;

			memcpy(&p->seen[i].value, at, 4);
			for (unsigned int j = 0; j < p->n; j++)
				if (p->out[j].end == END_OK &&
				    p->expect[i][j] == p->seen[i].value) {
					p->seen[i].landed = true;
					p->seen[i].page = (uint16_t)
						((p->out[j].pa - ARENA_PA - DATA_OFF) / 4096);
				}
			/* Refused, and yet something of this case's data: it was read. */
			if (!p->seen[i].landed && (p->seen[i].value & ~UINT32_C(0x7ffff)) ==
			    (data_tag(w, 0, 0))) {
				p->seen[i].landed = true;
				p->seen[i].page = (p->seen[i].value >> 10) & 511;
			}
		}
	}
	for (unsigned int k = 0; k < u->nb_reads && !u->v->bad; k++)
		judge(u, u->reads[k].op, u->reads[k].out, u->reads[k].n, u->reads[k].seen);
	return 0;
}

int
run_case(struct runner *r, const struct diff_case *c, struct verdict *v)
{
	struct run u = { .r = r, .c = c, .v = v };
	int rc = -1;

	memset(v, 0, sizeof(*v));
	r->world.s2p = r->world.side[0]->s2p && r->world.side[r->world.nb_sides - 1]->s2p;
	u.reads = malloc(sizeof(*u.reads) * OPS_MAX);
	u.out = malloc(sizeof(*u.out) * DEVS_MAX);
	if (u.reads == NULL || u.out == NULL) {
		fputs("sluice-diff: no memory\n", stderr);
	} else if (world_reset(&r->world, c) == 0) {
		model_reset(r->model, c);
		r->totals->cases++;
		rc = do_ops(&u);
		if (rc == 0 && !v->bad && u.nb_reads != 0)
			rc = do_reads(&u);
	}
	free(u.reads);
	free(u.out);
	return rc;
}

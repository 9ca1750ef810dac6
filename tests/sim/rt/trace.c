/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The story of a run: its last steps and notes, and a hash of all of them.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rt.h"

#define EVENTS 65536u
#define NOTES  512u
#define LINE   160u
#define PLACE  48u
#define ROUND  24u

struct event {
	uint64_t step, now, val;
	uintptr_t addr, pc;
	uint32_t note;
	uint8_t fiber, op;
};

static struct event ring[EVENTS];
static uint64_t nb;
static char notes[NOTES][LINE];
static uint32_t nb_notes;
bool sim_trace;

static void print(const struct event *e, const char *where);

void
rt_trace_reset(void)
{
	nb = 0;
	nb_notes = 0;
}

void
rt_trace(enum rt_op op, uintptr_t addr, uint64_t val, uintptr_t pc)
{
	struct event *e = &ring[nb++ % EVENTS];

	*e = (struct event){ .step = rt.step, .now = rt.now, .addr = addr, .val = val, .pc = pc,
			     .op = (uint8_t)op, .fiber = (uint8_t)(rt.cur ? rt.cur->id : 255) };
	/* Addresses of code and of static data are where the program was loaded: only those of the
	 * arena are the same in each process. */
	rt.hash = (rt.hash ^ e->fiber ^ (uint64_t)op << 8 ^ rt.now << 16 ^
		   (addr - rt_arena_base < RT_ARENA_SIZE ? addr : 0)) * UINT64_C(0x100000001b3);
}

void
sim_note(const char *fmt, ...)
{
	char *line = notes[nb_notes % NOTES];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, LINE, fmt, ap);
	va_end(ap);
	rt_trace(RT_NOTE, 0, 0, 0);
	ring[(nb - 1) % EVENTS].note = nb_notes++;
	if (sim_trace)
		print(&ring[(nb - 1) % EVENTS], "");
}

/* ---- printing -------------------------------------------------------------------------------- */

/* Where addresses of code are: "file.c:line", by addr2line, for all at once. */
static void
places(const uintptr_t *pc, unsigned int n, char (*where)[PLACE])
{
	extern const char __executable_start;
	char cmd[128], line[512], path[] = "/tmp/sim-XXXXXX";
	int fd = mkstemp(path);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (f == NULL)
		return;
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "%#" PRIxPTR "\n",
			pc[i] == 0 ? 0 : pc[i] - (uintptr_t)&__executable_start - 1);
	fclose(f);
	snprintf(cmd, sizeof(cmd), "addr2line -s -e /proc/%d/exe < %s 2>/dev/null", (int)getpid(), path);
	f = popen(cmd, "r");
	for (unsigned int i = 0; f != NULL && i < n && fgets(line, sizeof(line), f) != NULL; i++) {
		line[strcspn(line, "\n (")] = '\0';
		snprintf(where[i], PLACE, "%.*s", (int)PLACE - 1, line[0] == '?' ? "" : line);
	}
	if (f != NULL)
		pclose(f);
	unlink(path);
}

const char *
rt_place(uintptr_t pc)
{
	static char where[1][PLACE];

	places(&pc, 1, where);
	return where[0];
}

static const char *const op_names[RT_OPS] = { "load", "store", "rmw", "fence", "get", "set", "pause",
					      "idle", "lock", "note", "step", "visible" };

/* Is this event one of a wait that goes round: the same place and address a moment ago? */
static bool
goes_round(const struct event *e)
{
	static struct {
		uintptr_t pc, addr;
	} last[256][ROUND];
	static unsigned int at[256];
	bool known = false;

	if (e->op == RT_NOTE)
		return false;
	for (unsigned int i = 0; i < ROUND; i++)
		known |= last[e->fiber][i].pc == e->pc && last[e->fiber][i].addr == e->addr;
	last[e->fiber][at[e->fiber]].pc = e->pc;
	last[e->fiber][at[e->fiber]].addr = e->addr;
	at[e->fiber] = (at[e->fiber] + 1) % ROUND;
	return known;
}

static void
print(const struct event *e, const char *where)
{
	printf("%9" PRIu64 " %10" PRIu64 " %-10s ", e->step, e->now,
	       e->fiber < rt.nb ? rt.fiber[e->fiber].name : "-");
	if (e->op == RT_NOTE) {
		printf("      %s\n", nb_notes - e->note <= NOTES ? notes[e->note % NOTES] : "…");
		return;
	}
	printf("%-6s", op_names[e->op]);
	if (e->addr - rt_arena_base < RT_ARENA_SIZE)
		printf("+%08" PRIxPTR, e->addr - rt_arena_base);
	else
		printf("%9s", "");
	if (e->op == RT_STORE || e->op == RT_RMW)
		printf(" %#18" PRIx64, e->val);
	else
		printf(" %18s", "");
	printf(" %s\n", where);
}

void
sim_story(unsigned int n)
{
	static const struct event *told[EVENTS];
	static char where[EVENTS][PLACE];
	static uintptr_t pc[EVENTS];
	uint64_t first = nb > EVENTS ? nb - EVENTS : 0;
	unsigned int k = 0, from;

	for (uint64_t i = first; i < nb; i++)
		if (!goes_round(&ring[i % EVENTS]))
			told[k++] = &ring[i % EVENTS];
	from = k > n ? k - n : 0;
	for (unsigned int i = from; i < k; i++)
		pc[i - from] = told[i]->pc;
	places(pc, k - from, where);
	for (unsigned int i = from; i < k; i++)
		print(told[i], where[i - from]);
	fflush(stdout);
}

void
sim_notes(unsigned int n)
{
	uint64_t first = nb > EVENTS ? nb - EVENTS : 0;

	for (uint64_t i = first; i < nb; i++)
		if (ring[i % EVENTS].op == RT_NOTE && nb_notes - ring[i % EVENTS].note <= n)
			print(&ring[i % EVENTS], "");
	fflush(stdout);
}

void
sim_where(void)
{
	for (unsigned int f = 0; f < rt.nb; f++)
		for (uint64_t i = nb; i-- > 0 && nb - i < EVENTS;)
			if (ring[i % EVENTS].fiber == f && ring[i % EVENTS].op != RT_NOTE) {
				print(&ring[i % EVENTS], rt.fiber[f].done ? "(ended)" :
							 rt_place(ring[i % EVENTS].pc));
				break;
			}
}

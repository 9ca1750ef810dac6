/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "world/world.h"
static struct plan plan;
static bool story;
static void
fail(const char *why)
{
	char text[600];
	plan_print(&plan, NULL, text, sizeof(text));
	if (story) {
		sim_notes(60);
		puts("--");
		sim_story(getenv("N") ? atoi(getenv("N")) : 200);
		sim_where();
		printf("last access: device %u, iova %#jx, worker %u, live %d, domain %u\n", world.access.stream, (uintmax_t)world.access.iova, world.access.worker, world.access.live, world.access.domain);
	}
	printf("seed %ju: %s\n  %s\n", (uintmax_t)plan.seed, why, text);
	fflush(stdout);
}
int
main(int argc, char **argv)
{
	uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 0) : 1, n = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
	sim_on_fail = fail;
	story = getenv("STORY") != NULL;
	uint64_t steps = 0;
	for (uint64_t s = first; s < first + n; s++) {
		plan_make(&plan, s);
		if (argc > 3) { const char *w = plan_set(&plan, argv[3]); if (w) { puts(w); return 2; } }
		world_run(&plan);
		steps += sim_steps();
		if (n == 1) { char t[600]; plan_print(&plan, NULL, t, sizeof(t)); printf("%s\n", t); }
	}
	printf("%ju seeds, %ju steps, hash %jx\n", (uintmax_t)n, (uintmax_t)steps, (uintmax_t)sim_hash());
	for (unsigned i = 0; i < SOMETIMES_NB; i++) printf("%s=%ju ", sometimes_name[i], (uintmax_t)sometimes_count[i]);
	puts("");
	return 0;
}

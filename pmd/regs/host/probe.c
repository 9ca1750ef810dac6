/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The first look at mapped registers. Where no device answers, the bus may abort the access, and
 * the kernel then sends SIGBUS. The signal is caught during this look, so that a wrong address is
 * an error and does not end the process.
 */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>

#include "host.h"

static _Thread_local sigjmp_buf back;
static _Thread_local volatile sig_atomic_t looking;

static void
on_sigbus(int sig)
{
	if (looking)
		siglongjmp(back, 1);
	/* This SIGBUS has another cause. The access is made again, now with the handler of
	 * before. */
	signal(sig, SIG_DFL);
}

int
host_probe(const void *regs, const char *name)
{
	struct sluice_regs r = { .base = (uint8_t *)(uintptr_t)regs };
	struct sigaction act = { .sa_handler = on_sigbus }, old;
	volatile uint32_t v[2] = { UINT32_MAX, UINT32_MAX };
	volatile bool aborted = true;

	sigemptyset(&act.sa_mask);
	if (sigaction(SIGBUS, &act, &old) != 0)
		return sluice_fail(errno, "%s: no signal handler: %s", name, strerror(errno));
	if (sigsetjmp(back, 1) == 0) {
		looking = 1;
		v[0] = regs_read32(&r, 0);
		v[1] = regs_read32(&r, 4);
		aborted = false;
	}
	looking = 0;
	sigaction(SIGBUS, &old, NULL);
	if (aborted)
		return sluice_fail(ENODEV, "%s: nothing answers there (the access aborted)", name);
	if ((v[0] == 0 && v[1] == 0) || v[0] == UINT32_MAX)
		return sluice_fail(ENODEV, "%s: no SMMUv3 there (its first registers read 0x%08x, "
				   "0x%08x)", name, v[0], v[1]);
	return 0;
}

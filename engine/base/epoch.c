/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The waiting side of epoch.h.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../driver.h"
#include "epoch.h"

int
epoch_barrier(void)
{
	/* Registering is idempotent and cheap; GLOBAL is for kernels without the private kind. */
	if ((syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0 ||
	     syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) &&
	    syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) != 0)
		return -ENOTSUP;
	atomic_thread_fence(memory_order_seq_cst);
	return 0;
}

int
epoch_refused(void)
{
	return sluice_fail(ENOTSUP, "this system refuses membarrier(2) now, without which nothing that "
			   "is polled can be changed safely");
}

void
epoch_array_free(struct epoch_array *a)
{
	struct epoch_array *next;

	for (; a != NULL; a = next) {
		next = a->retired;
		free(a);
	}
}

int
epoch_wait(struct epoch *e)
{
	int ret = epoch_barrier(); /* all-epoch */
	uint64_t m;

	if (ret != 0)
		return ret;
	m = atomic_load_explicit(&e->mark, memory_order_acquire); /* acq-leave */
	while ((m & 1) != 0 && atomic_load_explicit(&e->mark, memory_order_acquire) == m)
		sched_yield();
	return 0;
}

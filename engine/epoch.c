/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The waiting side of epoch.h.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "epoch.h"

int
epoch_check(void)
{
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0 &&
	    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) == 0)
		return 0;
	return syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) == 0 ? 0 : -ENOTSUP;
}

void
epoch_barrier(void)
{
	/* Registering is idempotent and cheap; GLOBAL is for kernels without the private kind. */
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) != 0 ||
	    syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
		(void)syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
	atomic_thread_fence(memory_order_seq_cst);
}

void
epoch_wait(struct epoch *e)
{
	uint64_t m;

	epoch_barrier();
	m = atomic_load_explicit(&e->mark, memory_order_acquire);
	if ((m & 1) == 0)
		return;
	while (atomic_load_explicit(&e->mark, memory_order_acquire) == m)
		sched_yield();
}

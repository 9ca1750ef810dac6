/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which QEMU is started, and as which machine.
 */
#ifndef REGS_QTEST_QEMU_H
#define REGS_QTEST_QEMU_H

#include "link.h"

/* The machine "virt", all of it below 4 GiB. */
#define QEMU_SMMU_BASE UINT64_C(0x09050000)
#define QEMU_RAM_BASE  UINT64_C(0x40000000)
#define QEMU_ECAM_BASE UINT64_C(0x3f000000)
#define QEMU_MMIO_BASE UINT64_C(0x10000000) /* PCIe memory window, 750 MiB */
/* RAM that is not ours: QEMU puts a device tree into the first MiB at reset, and the code of the
 * sleeping processor is in the second. */
#define QEMU_RAM_RESERVED UINT64_C(0x00200000)
#define QEMU_CPU_PC       UINT64_C(0x00180000) /* from QEMU_RAM_BASE */

#define QEMU_EDU_MAX 24u

struct qemu_conf {
	const char *path;
	uint64_t mem_mb, edu, testdev, timeout_ms;
	int ram_fd;       /**< the machine's RAM, mem_mb MiB */
	char version[32]; /**< set by the call */
};

/**
 * Ask a QEMU for its version and refuse one that is too old; then start the machine, and wait until
 * it answers. @return 0, or -errno with sluice_fail() called, and nothing is left behind.
 */
int qemu_start(struct qtest_link *l, struct qemu_conf *c);

#endif

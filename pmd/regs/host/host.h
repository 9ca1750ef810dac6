/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the sources devmem and uio share: finding an SMMUv3 on this machine, making sure that it
 * is nobody else's, memory for it, PCI devices beside it. All of it control path.
 */
#ifndef REGS_HOST_H
#define REGS_HOST_H

#include "../pci.h"

/** Bytes of an SMMUv3's registers: two pages of 64 KiB (IHI 0070 §6.1). */
#define HOST_REGS_LEN UINT64_C(0x20000)

/** What /proc, /sys and /dev are looked for under: "" but in tests. */
extern const char *host_root;

#define HOST_PATH 512u

/** host_root and a path into @p buf of HOST_PATH bytes. @return buf. */
const char *host_path(char *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** A whole file of up to @p len bytes. @return how many, or -errno. */
ssize_t host_read(const char *path, void *buf, size_t len);
/** A number in a one-line file. @return 0 or -errno. */
int host_read_u64(const char *path, uint64_t *v);

/* ---- which (find_dt.c, find_iort.c) ---------------------------------------------------------- */

/** Registers of every "arm,smmu-v3" of the device tree. @return how many; @p max are written. */
unsigned int host_find_dt(uint64_t *base, unsigned int max);
/** The same of ACPI's IORT. */
unsigned int host_find_iort(uint64_t *base, unsigned int max);

/* ---- whose (owner.c) ------------------------------------------------------------------------- */

/** Does anybody else use registers at @p base? @return 0, or -EBUSY with sluice_fail() called. */
int host_check_free(uint64_t base);

/* ---- what (probe.c) -------------------------------------------------------------------------- */

/**
 * Does anything answer at mapped registers? An external abort, which comes as SIGBUS, counts as
 * no. @param name how the user calls them. @return 0, or -ENODEV with sluice_fail() called.
 */
int host_probe(const void *regs, const char *name);

/* ---- memory (hugemem.c, hugepages.c) --------------------------------------------------------- */

struct rte_memzone;

struct host_mem {
	struct sluice_mem *mem;
	const struct rte_memzone *mz; /* NULL: not EAL's */
	void *va;
	size_t len;
	uint64_t pa;
};

/**
 * Physically contiguous, zeroed memory that devices reach: @p mb MiB, or, when that is 0, as
 * much as there is up to a default. @return 0, or -errno with sluice_fail() called.
 */
int host_mem_take(uint64_t mb, struct host_mem *m);
/** Nothing to give is fine. */
void host_mem_give(struct host_mem *m);
/** @p least to @p most bytes, as huge pages come. Sets va, len, pa. @return 0; -EPERM; -ENOMEM. */
int host_hugepages_take(size_t least, size_t most, struct host_mem *m);
void host_hugepages_give(struct host_mem *m);

/* ---- PCI (pci_sysfs.c): struct sluice_regs_ops ----------------------------------------------- */

int host_pci_open(struct sluice_regs *regs, uint16_t vendor, uint16_t device, unsigned int nth,
		  struct sluice_pci *p, uint32_t *stream);
void host_pci_close(struct sluice_pci *p);

#endif

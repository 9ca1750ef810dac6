/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the sources devmem and uio share: finding an SMMUv3 on this machine, making sure that it is
 * not in use, memory for it, and PCI devices beside it. All of it is control path.
 */
#ifndef REGS_HOST_H
#define REGS_HOST_H

#include "../pci.h"

/** Bytes of an SMMUv3's registers: two pages of 64 KiB (IHI 0070 §6.1). */
#define HOST_REGS_LEN UINT64_C(0x20000)

/** The folder in front of /proc, /sys and /dev: "" except in tests. */
extern const char *host_root;

#define HOST_PATH 512u

/** Write host_root and a path into @p buf, HOST_PATH bytes. @return buf. */
const char *host_path(char *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Read a whole file, up to @p len bytes. @return how many bytes, or -errno. */
ssize_t host_read(const char *path, void *buf, size_t len);
/** Read the number in a one-line file. @return 0 or -errno. */
int host_read_u64(const char *path, uint64_t *v);

/* ---- which (find_dt.c, find_iort.c) ---------------------------------------------------------- */

/** Get the register addresses of each "arm,smmu-v3" of the device tree.
 * @return how many there are; at most @p max are written. */
unsigned int host_find_dt(uint64_t *base, unsigned int max);
/** The same from ACPI's IORT. */
unsigned int host_find_iort(uint64_t *base, unsigned int max);

/* ---- whose (owner.c) ------------------------------------------------------------------------- */

/** Check that the registers at @p base are not in use. @return 0, or -EBUSY with sluice_fail()
 * called. */
int host_check_free(uint64_t base);

/* ---- what (probe.c) -------------------------------------------------------------------------- */

/**
 * Check that mapped registers answer. An external abort, which arrives as SIGBUS, means that they
 * do not. @param name the user's name for them. @return 0, or -ENODEV with sluice_fail() called.
 */
int host_probe(const void *regs, const char *name);

/* ---- memory (hugemem.c, hugepages.c) --------------------------------------------------------- */

struct rte_memzone;

struct host_mem {
	struct sluice_mem *mem;
	const struct rte_memzone *mz; /* NULL: the memory is not EAL's */
	void *va;
	size_t len;
	uint64_t pa;
};

/**
 * Get physically contiguous, zeroed memory that devices reach: @p mb MiB or, for 0, as much as
 * there is up to a default. @return 0, or -errno with sluice_fail() called.
 */
int host_mem_take(uint64_t mb, struct host_mem *m);
/** Give the memory back, if there is any. */
void host_mem_give(struct host_mem *m);
/** Get @p least to @p most contiguous bytes of huge pages. Sets va, len and pa.
 * @return 0, -EPERM or -ENOMEM. */
int host_hugepages_take(size_t least, size_t most, struct host_mem *m);
void host_hugepages_give(struct host_mem *m);

/* ---- PCI (pci_sysfs.c): struct sluice_regs_ops ----------------------------------------------- */

int host_pci_open(struct sluice_regs *regs, uint16_t vendor, uint16_t device, unsigned int nth,
		  struct sluice_pci *p, uint32_t *stream);
void host_pci_close(struct sluice_pci *p);

#endif

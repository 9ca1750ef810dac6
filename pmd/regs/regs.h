/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Register sources: where a backend's registers come from. All sources have the same accessors.
 * Where registers can be addressed directly (emu, devmem, uio), an access is one load or store.
 */
#ifndef SLUICE_REGS_H
#define SLUICE_REGS_H

#include <stdatomic.h>

#include "../../engine/driver.h"

struct sluice_regs;
struct sluice_pci;

struct sluice_regs_ops {
	const char *name; /**< "emu" */
	/** NULL-terminated keys that this source takes from the device string. */
	const char *const *keys;
	/**
	 * Open the source. Sets regs->base unless accesses go through ops, regs->mem, regs->clock,
	 * regs->emu and regs->settings. @return 0 or -errno with sluice_fail() called.
	 */
	int (*open)(struct sluice_regs *regs, struct rte_kvargs *kv);
	void (*close)(struct sluice_regs *regs);
	/** Used only if regs->base is NULL. */
	uint32_t (*read32)(struct sluice_regs *regs, uint32_t off);
	uint64_t (*read64)(struct sluice_regs *regs, uint32_t off);
	void (*write32)(struct sluice_regs *regs, uint32_t off, uint32_t v);
	void (*write64)(struct sluice_regs *regs, uint32_t off, uint64_t v);
	/** For emulated hardware, else NULL. See sluice_iommu_step(), _watch(), _xstats(). */
	int (*step)(struct sluice_regs *regs, unsigned int budget);
	int (*watch)(struct sluice_regs *regs, uint64_t pa, uint64_t len, const uint8_t *owned);
	unsigned int (*xstats)(struct sluice_regs *regs, struct sluice_xstat *xs, unsigned int n);
	/**
	 * Turn ATS on or off at the endpoint behind a stream (PCIe: Enable in its ATS Control
	 * register). NULL: endpoints are out of reach, and there is no ATS. @return 0 or -errno.
	 */
	int (*ats)(struct sluice_regs *regs, uint32_t stream, bool on);
	/**
	 * Open a PCI device (pci.h); NULL if the source has none. The device is the @p nth function
	 * with these ids, from 0. If @p p is NULL only its StreamID is found, and the device is not
	 * touched. Else its first BAR is mapped, it may master the bus, and no one else can open it
	 * until pci_close(). @return 0, or -ENODEV, -EBUSY or other errors with sluice_fail()
	 * called.
	 */
	int (*pci_open)(struct sluice_regs *regs, uint16_t vendor, uint16_t device,
			unsigned int nth, struct sluice_pci *p, uint32_t *stream);
	void (*pci_close)(struct sluice_pci *p);
	/** Access any address on the machine's bus, for BARs that cannot be mapped. @p size is 1,
	 * 2, 4 or 8. */
	uint64_t (*bus_read)(struct sluice_regs *regs, uint64_t pa, unsigned int size);
	void (*bus_write)(struct sluice_regs *regs, uint64_t pa, unsigned int size, uint64_t v);
	/**
	 * Has the hardware behind the registers gone away? NULL: it cannot. @return NULL while it
	 * is there; else one line with the reason, and registers read as all ones.
	 */
	const char *(*lost)(const struct sluice_regs *regs);
};

struct sluice_regs {
	uint8_t *base; /**< directly addressable registers, or NULL */
	const struct sluice_regs_ops *ops;
	void *priv;
	struct sluice_mem *mem;
	struct sluice_clock clock;
	void *emu; /**< emulated hardware (struct emu), or NULL */
	bool warps; /**< the machine's clock jumps over waits, so delays of devices take no time */
	char settings[160];
};

/**
 * Open the source that "regs" in @p kv names. A key that is neither the source's nor in
 * @p backend_keys (NULL-terminated) is an error.
 * @return 0 or -errno with sluice_fail() called.
 */
int sluice_regs_open(struct sluice_regs *regs, struct rte_kvargs *kv,
		     const char *const *backend_keys);
void sluice_regs_close(struct sluice_regs *regs);

/** @return NULL, or why the hardware behind the registers has gone away. */
static inline const char *
sluice_regs_lost(const struct sluice_regs *r)
{
	return r->ops != NULL && r->ops->lost != NULL ? r->ops->lost(r) : NULL;
}

/* Accessors. Registers are little-endian and naturally aligned. A write orders nothing by
 * itself: the caller puts rte_io_wmb() between the memory that the hardware will read and the
 * doorbell. The accesses are atomics with release and acquire, which an emulated register page
 * needs; on x86, and for Device memory on Arm, that costs nothing extra. */
static inline uint32_t
regs_read32(struct sluice_regs *r, uint32_t off)
{
	if (__builtin_expect(r->base != NULL, 1))
		return atomic_load_explicit((_Atomic uint32_t *)(void *)(r->base + off),
					    memory_order_acquire);
	return r->ops->read32(r, off);
}

static inline uint64_t
regs_read64(struct sluice_regs *r, uint32_t off)
{
	if (__builtin_expect(r->base != NULL, 1))
		return atomic_load_explicit((_Atomic uint64_t *)(void *)(r->base + off),
					    memory_order_acquire);
	return r->ops->read64(r, off);
}

static inline void
regs_write32(struct sluice_regs *r, uint32_t off, uint32_t v)
{
	if (__builtin_expect(r->base != NULL, 1))
		atomic_store_explicit((_Atomic uint32_t *)(void *)(r->base + off), v,
				      memory_order_release);
	else
		r->ops->write32(r, off, v);
}

static inline void
regs_write64(struct sluice_regs *r, uint32_t off, uint64_t v)
{
	if (__builtin_expect(r->base != NULL, 1))
		atomic_store_explicit((_Atomic uint64_t *)(void *)(r->base + off), v,
				      memory_order_release);
	else
		r->ops->write64(r, off, v);
}

#endif

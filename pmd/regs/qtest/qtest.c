/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The register source "qtest": a QEMU of our own, whose SMMUv3 this process drives. A register
 * access is a line of text and its answer, 20 to 50 µs. QEMU's RAM is shared memory, so that
 * driver, page tables and checks run natively, in a debugger or under sanitizers.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_errno.h>

#include "../number.h"
#include "../pci.h"
#include "../sources.h"
#include "qemu.h"

#define RAM_MB     64u
#define RAM_MB_MAX 512u
#define TIMEOUT_MS 5000u
#define PCI_SLOTS  32u
#define BAR_SHIFT  21u /* each slot has 2 MiB of the PCIe memory window */

/* The processor sleeps (wfi; b .-4). It is needed only to keep the clock running. */
static const uint32_t cpu_code[2] = { 0xd503207f, 0x17ffffff };

struct qtest {
	struct qtest_link link;
	bool up;                 /* the link was started, and must be stopped */
	int ram_fd;
	uint8_t *ram;
	size_t ram_len;
	_Atomic uint32_t in_use; /* PCI slots that are open */
};

/* ---- accesses -------------------------------------------------------------------------------- */

static uint32_t
read32(struct sluice_regs *regs, uint32_t off)
{
	struct qtest *q = regs->priv;

	return (uint32_t)qtest_link_ask(&q->link, "readl %#" PRIx64, QEMU_SMMU_BASE + off);
}

static uint64_t
read64(struct sluice_regs *regs, uint32_t off)
{
	struct qtest *q = regs->priv;

	return qtest_link_ask(&q->link, "readq %#" PRIx64, QEMU_SMMU_BASE + off);
}

static void
write32(struct sluice_regs *regs, uint32_t off, uint32_t v)
{
	struct qtest *q = regs->priv;

	qtest_link_ask(&q->link, "writel %#" PRIx64 " %#x", QEMU_SMMU_BASE + off, v);
}

static void
write64(struct sluice_regs *regs, uint32_t off, uint64_t v)
{
	struct qtest *q = regs->priv;

	qtest_link_ask(&q->link, "writeq %#" PRIx64 " %#" PRIx64, QEMU_SMMU_BASE + off, v);
}

static char
size_letter(unsigned int size)
{
	return size == 8 ? 'q' : size == 4 ? 'l' : size == 2 ? 'w' : 'b';
}

static uint64_t
bus_read(struct sluice_regs *regs, uint64_t pa, unsigned int size)
{
	struct qtest *q = regs->priv;

	return qtest_link_ask(&q->link, "read%c %#" PRIx64, size_letter(size), pa);
}

static void
bus_write(struct sluice_regs *regs, uint64_t pa, unsigned int size, uint64_t v)
{
	struct qtest *q = regs->priv;

	qtest_link_ask(&q->link, "write%c %#" PRIx64 " %#" PRIx64, size_letter(size), pa, v);
}

/* ---- PCI ------------------------------------------------------------------------------------- */

/* Give the BAR an address: there is no firmware that has done so. Each slot has an address of
 * its own.
 * @return bytes of the BAR, or 0. */
static uint64_t
map_bar(struct sluice_regs *regs, uint64_t cfg, uint64_t at)
{
	uint64_t size;

	bus_write(regs, cfg + 0x10, 4, UINT32_MAX);
	size = bus_read(regs, cfg + 0x10, 4);
	if (size & 1 || size == UINT32_MAX) /* I/O ports, or no device */
		return 0;
	size = (~(size & ~UINT64_C(0xf)) & UINT32_MAX) + 1;
	if (size < 16 || size > UINT64_C(1) << BAR_SHIFT)
		return 0;
	bus_write(regs, cfg + 0x10, 4, at);
	bus_write(regs, cfg + 0x04, 2, 6); /* memory space, bus master */
	return size;
}

static int
pci_open(struct sluice_regs *regs, uint16_t vendor, uint16_t device, unsigned int nth,
	 struct sluice_pci *p, uint32_t *stream)
{
	struct qtest *q = regs->priv;
	uint32_t slot, found = 0, bit;
	uint64_t at, size;

	for (slot = 1; slot < PCI_SLOTS; slot++)
		if (bus_read(regs, QEMU_ECAM_BASE + (slot << 15), 4) ==
		    ((uint32_t)device << 16 | vendor) && found++ == nth)
			break;
	if (qtest_link_lost(&q->link) != NULL)
		return sluice_fail(ENODEV, "%s", qtest_link_lost(&q->link));
	if (slot == PCI_SLOTS)
		return sluice_fail(ENODEV, "no PCI device %04x:%04x number %u: this QEMU has %u "
				   "of them", vendor, device, nth, found);
	if (stream != NULL)
		*stream = slot << 3;
	if (p == NULL)
		return 0;
	bit = UINT32_C(1) << slot;
	/* Acquire: pairs with the release in pci_close() of the user before this one. */
	if (atomic_fetch_or_explicit(&q->in_use, bit, memory_order_acquire) & bit)
		return sluice_fail(EBUSY, "PCI device %04x:%04x number %u is in use", vendor,
				   device, nth);
	at = QEMU_MMIO_BASE + ((uint64_t)slot << BAR_SHIFT);
	size = map_bar(regs, QEMU_ECAM_BASE + (slot << 15), at);
	if (size == 0) {
		atomic_fetch_and_explicit(&q->in_use, ~bit, memory_order_release);
		return sluice_fail(ENODEV, "PCI device %04x:%04x has no memory BAR to map", vendor,
				   device);
	}
	*p = (struct sluice_pci){ .regs = regs, .bar_pa = at, .bar_len = size, .stream = slot << 3,
				  .fd = -1, .cfg_fd = -1 };
	return 0;
}

static void
pci_close(struct sluice_pci *p)
{
	struct qtest *q = p->regs->priv;

	/* Release: pairs with the acquire in pci_open(). */
	atomic_fetch_and_explicit(&q->in_use, ~(UINT32_C(1) << (p->stream >> 3)),
				  memory_order_release);
}

/* ---- open and close -------------------------------------------------------------------------- */

/* RAM is a file without a name, so that nothing can be left behind. */
static int
ram_open(struct qtest *q, size_t len)
{
	void *p = MAP_FAILED;

	q->ram_fd = memfd_create("qtest-ram", MFD_CLOEXEC);
	if (q->ram_fd >= 0 && ftruncate(q->ram_fd, (off_t)len) == 0)
		p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, q->ram_fd, 0);
	if (p == MAP_FAILED)
		return sluice_fail(ENOMEM, "no shared memory of %zu bytes: %s", len,
				   strerror(errno));
	q->ram = p;
	q->ram_len = len;
	memcpy(q->ram + QEMU_CPU_PC, cpu_code, sizeof(cpu_code));
	return 0;
}

static void
qtest_close(struct sluice_regs *regs)
{
	struct qtest *q = regs->priv;

	sluice_mem_destroy(regs->mem);
	if (q->up)
		qtest_link_stop(&q->link);
	if (q->ram != NULL)
		munmap(q->ram, q->ram_len);
	if (q->ram_fd >= 0)
		close(q->ram_fd);
	free(q);
}

static int
bring_up(struct sluice_regs *regs, struct qtest *q, struct qemu_conf *c)
{
	int ret = ram_open(q, (size_t)c->mem_mb << 20);

	if (ret != 0)
		return ret;
	c->ram_fd = q->ram_fd;
	ret = qemu_start(&q->link, c);
	if (ret != 0)
		return ret;
	q->up = true;
	regs->mem = sluice_mem_create(q->ram + QEMU_RAM_RESERVED, QEMU_RAM_BASE + QEMU_RAM_RESERVED,
				      q->ram_len - QEMU_RAM_RESERVED);
	return regs->mem != NULL ? 0 : -rte_errno;
}

static int
qtest_open(struct sluice_regs *regs, struct rte_kvargs *kv)
{
	struct qemu_conf c = { .path = rte_kvargs_get(kv, "qemu") };
	struct qtest *q;
	int ret;

	if (c.path == NULL)
		c.path = "qemu-system-aarch64";
	if ((ret = kv_number(kv, "mem_mb", RAM_MB, 8, RAM_MB_MAX, &c.mem_mb)) != 0 ||
	    (ret = kv_number(kv, "edu", 1, 0, QEMU_EDU_MAX, &c.edu)) != 0 ||
	    (ret = kv_number(kv, "testdev", 0, 0, 1, &c.testdev)) != 0 ||
	    (ret = kv_number(kv, "timeout_ms", TIMEOUT_MS, 1, 600000, &c.timeout_ms)) != 0)
		return ret;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return sluice_fail(ENOMEM, "no memory for a register source");
	q->ram_fd = -1;
	regs->priv = q;
	ret = bring_up(regs, q, &c);
	if (ret != 0) {
		qtest_close(regs);
		return ret;
	}
	regs->clock = (struct sluice_clock){ .hz = rte_get_tsc_hz() };
	regs->warps = true; /* because of -icount (qemu.c) */
	snprintf(regs->settings, sizeof(regs->settings),
		 "version=%s,mem_mb=%" PRIu64 ",edu=%" PRIu64 ",testdev=%" PRIu64 ",qemu=%s",
		 c.version, c.mem_mb, c.edu, c.testdev, c.path);
	return 0;
}

static const char *
qtest_lost(const struct sluice_regs *regs)
{
	const struct qtest *q = regs->priv;

	return qtest_link_lost(&q->link);
}

static unsigned int
qtest_xstats(struct sluice_regs *regs, struct sluice_xstat *xs, unsigned int n)
{
	struct qtest *q = regs->priv;

	if (n > 0)
		xs[0] = (struct sluice_xstat){
			"qtest_accesses", atomic_load_explicit(&q->link.asked, memory_order_relaxed)
		};
	if (n > 1)
		xs[1] = (struct sluice_xstat){ "qtest_lost", qtest_link_lost(&q->link) != NULL };
	return 2;
}

static const char *const qtest_keys[] = { "qemu", "mem_mb", "edu", "testdev", "timeout_ms", NULL };

static const struct sluice_regs_ops qtest_ops = {
	.name = "qtest",
	.keys = qtest_keys,
	.open = qtest_open,
	.close = qtest_close,
	.read32 = read32,
	.read64 = read64,
	.write32 = write32,
	.write64 = write64,
	.xstats = qtest_xstats,
	.pci_open = pci_open,
	.pci_close = pci_close,
	.bus_read = bus_read,
	.bus_write = bus_write,
	.lost = qtest_lost,
};

SLUICE_REGISTER_REGS(qtest, &qtest_ops)

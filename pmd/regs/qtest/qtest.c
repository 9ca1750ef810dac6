/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The register source "qtest": a QEMU of our own whose SMMUv3 we drive from this process. Its
 * registers are asked for line by line (about 50 µs each); its RAM is shared memory, so that
 * driver, page tables and checks run natively, in a debugger or under sanitizers.
 *
 * The machine: virt, below 4 GiB. RAM at 0x40000000: QEMU puts a device tree into its first
 * MiB at reset, the processor waits for interrupts in the second, the rest is ours.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <rte_errno.h>

#include "../pci.h"
#include "../sources.h"
#include "link.h"

#define SMMU_BASE    UINT64_C(0x09050000)
#define RAM_BASE     UINT64_C(0x40000000)
#define RAM_RESERVED UINT64_C(0x00200000)
#define CPU_PC       UINT64_C(0x00180000) /* from RAM_BASE */
#define ECAM_BASE    UINT64_C(0x3f000000)
#define MMIO_BASE    UINT64_C(0x10000000) /* PCIe memory window */
#define MMIO_END     UINT64_C(0x3eff0000)
#define RAM_MB       64u
#define RAM_MB_MAX   1024u
#define TIMEOUT_MS   5000u
#define MAX_ARGS     64u
#define MAX_EDU      24u

/* The processor sleeps: wfi; b .-4. A running clock is all that we want of it. */
static const uint32_t cpu_code[2] = { 0xd503207f, 0x17ffffff };

struct qtest {
	struct qtest_link link;
	int ram_fd;
	uint8_t *ram;
	size_t ram_len;
	uint64_t next_bar;
};

static uint32_t
read32(struct sluice_regs *regs, uint32_t off)
{
	struct qtest *q = regs->priv;

	return (uint32_t)qtest_link_ask(&q->link, "readl %#" PRIx64, SMMU_BASE + off);
}

static uint64_t
read64(struct sluice_regs *regs, uint32_t off)
{
	struct qtest *q = regs->priv;

	return qtest_link_ask(&q->link, "readq %#" PRIx64, SMMU_BASE + off);
}

static void
write32(struct sluice_regs *regs, uint32_t off, uint32_t v)
{
	struct qtest *q = regs->priv;

	qtest_link_ask(&q->link, "writel %#" PRIx64 " %#x", SMMU_BASE + off, v);
}

static void
write64(struct sluice_regs *regs, uint32_t off, uint64_t v)
{
	struct qtest *q = regs->priv;

	qtest_link_ask(&q->link, "writeq %#" PRIx64 " %#" PRIx64, SMMU_BASE + off, v);
}

/* ---- everything else on the bus ------------------------------------------------------------------- */

static uint64_t
bus_read(struct sluice_regs *regs, uint64_t pa, unsigned int size)
{
	struct qtest *q = regs->priv;

	return qtest_link_ask(&q->link, "read%c %#" PRIx64,
			      size == 8 ? 'q' : size == 4 ? 'l' : size == 2 ? 'w' : 'b', pa);
}

static void
bus_write(struct sluice_regs *regs, uint64_t pa, unsigned int size, uint64_t v)
{
	struct qtest *q = regs->priv;

	qtest_link_ask(&q->link, "write%c %#" PRIx64 " %#" PRIx64,
		       size == 8 ? 'q' : size == 4 ? 'l' : size == 2 ? 'w' : 'b', pa, v);
}

/* Find the nth function of a kind on bus 0, give it an address, let it master the bus. */
static int
pci_open(struct sluice_regs *regs, uint16_t vendor, uint16_t device, unsigned int nth,
	 struct sluice_pci *p)
{
	struct qtest *q = regs->priv;

	for (uint32_t dev = 1; dev < 32 && !q->link.dead; dev++) {
		uint64_t cfg = ECAM_BASE + (dev << 15), size;

		if (bus_read(regs, cfg, 4) != ((uint32_t)device << 16 | vendor) || nth-- != 0)
			continue;
		bus_write(regs, cfg + 0x10, 4, UINT32_MAX);
		size = ~(bus_read(regs, cfg + 0x10, 4) & ~UINT64_C(0xf)) & UINT32_MAX;
		size++;
		q->next_bar = RTE_ALIGN_CEIL(q->next_bar, size);
		if (size < 4096 || q->next_bar + size > MMIO_END)
			return sluice_fail(ENODEV, "PCI device %04x:%04x has no memory BAR to map",
					   vendor, device);
		bus_write(regs, cfg + 0x10, 4, q->next_bar);
		bus_write(regs, cfg + 0x04, 2, 6); /* memory space, bus master */
		*p = (struct sluice_pci){ .regs = regs, .bar_pa = q->next_bar, .bar_len = size,
					  .stream = dev << 3, .fd = -1 };
		q->next_bar += size;
		return 0;
	}
	return sluice_fail(ENODEV, "no PCI device %04x:%04x number %u in this QEMU", vendor, device, nth);
}

static void
pci_close(struct sluice_pci *p)
{
	(void)p;
}

/* ---- open and close --------------------------------------------------------------------------------- */

static int
get_number(struct rte_kvargs *kv, const char *key, uint64_t def, uint64_t min, uint64_t max,
	   uint64_t *v)
{
	const char *text = rte_kvargs_get(kv, key);
	char *end;

	*v = def;
	if (text == NULL)
		return 0;
	errno = 0;
	*v = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || *v < min || *v > max)
		return sluice_fail(EINVAL, "%s=%s: give a number from %" PRIu64 " to %" PRIu64, key, text,
				   min, max);
	return 0;
}

/* RAM without a name in any file system, so that nothing can be left behind. */
static int
ram_open(struct qtest *q, size_t len)
{
	q->ram_fd = memfd_create("qtest-ram", MFD_CLOEXEC);
	if (q->ram_fd < 0 || ftruncate(q->ram_fd, (off_t)len) != 0)
		return sluice_fail(ENOMEM, "no shared memory of %zu bytes: %s", len, strerror(errno));
	q->ram = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, q->ram_fd, 0);
	if (q->ram == MAP_FAILED) {
		q->ram = NULL;
		return sluice_fail(ENOMEM, "no shared memory of %zu bytes: %s", len, strerror(errno));
	}
	q->ram_len = len;
	memcpy(q->ram + CPU_PC, cpu_code, sizeof(cpu_code));
	return 0;
}

static int
qemu_start(struct qtest *q, const char *qemu, uint64_t mb, uint64_t edu, bool testdev, uint64_t ms)
{
	char ram[160], mem[16], loader[64];
	char *argv[MAX_ARGS];
	const char *fixed[] = { qemu, "-M", "virt,iommu=smmuv3,highmem=off,gic-version=3",
				"-machine", "memory-backend=ram", "-cpu", "max", "-accel", "tcg", "-m",
				mem, "-object", ram, "-device", loader, "-qtest", "stdio", "-qtest-log",
				"none", "-display", "none", "-serial", "none", "-monitor", "none",
				"-nodefaults" };
	unsigned int n = RTE_DIM(fixed);

	snprintf(mem, sizeof(mem), "%" PRIu64, mb);
	snprintf(ram, sizeof(ram),
		 "memory-backend-file,id=ram,size=%" PRIu64 "M,mem-path=/proc/self/fd/%d,share=on", mb,
		 q->ram_fd);
	snprintf(loader, sizeof(loader), "loader,addr=%#" PRIx64 ",cpu-num=0", RAM_BASE + CPU_PC);
	for (unsigned int i = 0; i < n; i++)
		argv[i] = (char *)(uintptr_t)fixed[i];
	for (uint64_t i = 0; i < edu; i++) {
		argv[n++] = (char *)(uintptr_t)"-device";
		argv[n++] = (char *)(uintptr_t)"edu,dma_mask=0xffffffffffffffff";
	}
	if (testdev) {
		argv[n++] = (char *)(uintptr_t)"-device";
		argv[n++] = (char *)(uintptr_t)"iommu-testdev";
	}
	argv[n] = NULL;
	return qtest_link_start(&q->link, argv, q->ram_fd, ms);
}

static void
qtest_close(struct sluice_regs *regs)
{
	struct qtest *q = regs->priv;

	sluice_mem_destroy(regs->mem);
	if (q->link.pid != 0)
		qtest_link_stop(&q->link);
	if (q->ram != NULL)
		munmap(q->ram, q->ram_len);
	if (q->ram_fd >= 0)
		close(q->ram_fd);
	free(q);
}

static int
qtest_open(struct sluice_regs *regs, struct rte_kvargs *kv)
{
	const char *qemu = rte_kvargs_get(kv, "qemu");
	uint64_t mb, edu, testdev, ms;
	struct qtest *q;
	int ret;

	qemu = qemu != NULL ? qemu : "qemu-system-aarch64";
	if ((ret = get_number(kv, "mem_mb", RAM_MB, 8, RAM_MB_MAX, &mb)) != 0 ||
	    (ret = get_number(kv, "edu", 1, 0, MAX_EDU, &edu)) != 0 ||
	    (ret = get_number(kv, "testdev", 0, 0, 1, &testdev)) != 0 ||
	    (ret = get_number(kv, "timeout_ms", TIMEOUT_MS, 1, 600000, &ms)) != 0)
		return ret;
	q = calloc(1, sizeof(*q));
	if (q == NULL)
		return sluice_fail(ENOMEM, "no memory for a register source");
	q->ram_fd = -1;
	q->next_bar = MMIO_BASE;
	regs->priv = q;
	ret = ram_open(q, mb << 20);
	if (ret == 0)
		ret = qemu_start(q, qemu, mb, edu, testdev != 0, ms);
	/* The first answer comes when QEMU is up. */
	if (ret == 0) {
		(void)read32(regs, 0);
		if (q->link.dead)
			ret = sluice_fail(ENODEV, "qemu=%s: %s", qemu, q->link.why);
	}
	if (ret == 0) {
		regs->mem = sluice_mem_create(q->ram + RAM_RESERVED, RAM_BASE + RAM_RESERVED,
					      q->ram_len - RAM_RESERVED);
		ret = regs->mem != NULL ? 0 : -rte_errno;
	}
	if (ret != 0) {
		qtest_close(regs);
		return ret;
	}
	regs->clock = (struct sluice_clock){ .hz = rte_get_tsc_hz() };
	snprintf(regs->settings, sizeof(regs->settings),
		 "qemu=%s,mem_mb=%" PRIu64 ",edu=%" PRIu64 ",testdev=%" PRIu64, qemu, mb, edu, testdev);
	return 0;
}

static unsigned int
qtest_xstats(struct sluice_regs *regs, struct sluice_xstat *xs, unsigned int n)
{
	struct qtest *q = regs->priv;

	if (n > 0)
		xs[0] = (struct sluice_xstat){ "qtest_accesses", q->link.asked };
	if (n > 1)
		xs[1] = (struct sluice_xstat){ "qtest_dead", q->link.dead };
	return 2;
}

static const char *const qtest_keys[] = { "qemu", "mem_mb", "edu", "testdev", "timeout_ms", NULL };

const struct sluice_regs_ops sluice_regs_qtest = {
	.name = "qtest",
	.keys = qtest_keys,
	.open = qtest_open,
	.close = qtest_close,
	.read32 = read32,
	.read64 = read64,
	.write32 = write32,
	.write64 = write64,
	.bus_read = bus_read,
	.bus_write = bus_write,
	.pci_open = pci_open,
	.pci_close = pci_close,
	.xstats = qtest_xstats,
};

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The sources "devmem" and "uio" and the PCI devices beside them, in a made-up /proc, /sys and
 * /dev: a plain file stands in for the registers. Memory is a stand-in too (test_hugemem.c has the
 * real one).
 */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <rte_errno.h>

#include "tree.h"

#define BASE    UINT64_C(0x90000)
#define MEM_LEN (1u << 20)

static _Alignas(4096) uint8_t ram[MEM_LEN];
static uint64_t asked_mb;
static int mem_error;
static unsigned int taken;

int
host_mem_take(uint64_t mb, struct host_mem *m)
{
	asked_mb = mb;
	if (mem_error != 0)
		return sluice_fail(mem_error, "no memory today");
	m->mem = sluice_mem_create(ram, 0x80000000, sizeof(ram));
	taken++;
	return 0;
}

void
host_mem_give(struct host_mem *m)
{
	if (m->mem != NULL)
		taken--;
	sluice_mem_destroy(m->mem);
}

static int
try(struct sluice_regs *r, const char *args)
{
	struct rte_kvargs *kv = rte_kvargs_parse(args, NULL);
	int ret;

	assert_non_null(kv);
	ret = sluice_regs_open(r, kv, NULL);
	rte_kvargs_free(kv);
	return ret;
}

static void
refused(const char *args, int err, const char *says)
{
	struct sluice_regs r;

	assert_int_equal(try(&r, args), err);
	if (strstr(sluice_error(), says) == NULL || strchr(sluice_error(), '\n') != NULL)
		fail_msg("%s: '%s' does not say '%s'", args, sluice_error(), says);
	assert_int_equal(taken, 0);
	sluice_regs_close(&r);
}

static void
put_file_at(const char *path, uint64_t off, const void *data, size_t len)
{
	int fd = open(tree_path(path), O_RDWR);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, data, len, (off_t)off), len);
	close(fd);
}

static uint32_t
file_u32(const char *path, uint64_t off)
{
	int fd = open(tree_path(path), O_RDONLY);
	uint32_t v = 0;

	assert_int_equal(pread(fd, &v, 4, (off_t)off), 4);
	close(fd);
	return v;
}

static const uint32_t idr[2] = { 0x0d40101a, 0x02730010 };

static int
set_up(void **state)
{
	(void)state;
	tree_new();
	mem_error = 0;
	tree_text("/dev/mem", "x");
	assert_int_equal(truncate(tree_path("/dev/mem"), BASE + 0x20000), 0);
	put_file_at("/dev/mem", BASE, idr, sizeof(idr));
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	tree_remove();
	assert_int_equal(taken, 0);
	return 0;
}

static void
put_dt(const char *node, uint32_t base)
{
	const uint8_t two[4] = { 0, 0, 0, 2 };
	uint8_t reg[16] = { 0 };
	char path[128];

	for (int k = 0; k < 4; k++)
		reg[4 + k] = (uint8_t)(base >> (24 - 8 * k));
	reg[13] = 2;
	tree_put("/proc/device-tree/#address-cells", two, 4);
	tree_put("/proc/device-tree/#size-cells", two, 4);
	snprintf(path, sizeof(path), "/proc/device-tree/%s/compatible", node);
	tree_put(path, "arm,smmu-v3", 12);
	snprintf(path, sizeof(path), "/proc/device-tree/%s/reg", node);
	tree_put(path, reg, 16);
}

static void
test_devmem(void **state)
{
	struct sluice_regs r;

	(void)state;
	for (int found = 0; found < 2; found++) {
		if (found)
			put_dt("smmu", (uint32_t)BASE);
		assert_int_equal(try(&r, found ? "regs=devmem" :
						 "regs=devmem,base=0x90000,mem_mb=16"), 0);
		assert_int_equal(asked_mb, found ? 0 : 16);
		assert_int_equal(regs_read32(&r, 0), idr[0]);
		assert_int_equal(regs_read32(&r, 4), idr[1]);
		regs_write32(&r, 0x20, 0x1234);
		regs_write64(&r, 0x100a8, 0x5678); /* the second page */
		assert_int_equal(file_u32("/dev/mem", BASE + 0x20), 0x1234);
		assert_int_equal(file_u32("/dev/mem", BASE + 0x100a8), 0x5678);
		assert_non_null(strstr(r.settings, "base=0x90000,mem_mb=1"));
		assert_null(r.clock.virt);
		assert_null(sluice_regs_lost(&r));
		assert_int_equal(sluice_mem_span(r.mem).pa, 0x80000000);
		sluice_regs_close(&r);
	}
}

static void
test_devmem_refusals(void **state)
{
	static const uint32_t zeros[2], ones[2] = { UINT32_MAX, UINT32_MAX };

	(void)state;
	refused("regs=devmem", -ENODEV, "give base=");
	put_dt("one", (uint32_t)BASE);
	put_dt("two", 0xb0000);
	refused("regs=devmem", -EINVAL, "2 SMMUv3");
	refused("regs=devmem", -EINVAL, "0xb0000");
	refused("regs=devmem,base=zero", -EINVAL, "base=zero");
	refused("regs=devmem,base=-1", -EINVAL, "base=-1");
	refused("regs=devmem,base=0xffffffffffff0000", -EINVAL, "base=");
	refused("regs=devmem,base=0x91000", -EINVAL, "64 KiB");
	refused("regs=devmem,base=0x90000,mem_mb=1", -EINVAL, "mem_mb=1");
	refused("regs=devmem,base=0x90000,dev=x", -EINVAL, "dev");
	put_file_at("/dev/mem", BASE, zeros, 8);
	refused("regs=devmem,base=0x90000", -ENODEV, "base=0x90000: no SMMUv3 there");
	put_file_at("/dev/mem", BASE, ones, 8);
	refused("regs=devmem,base=0x90000", -ENODEV, "0xffffffff");
	/* Beyond the end of the file the kernel answers with SIGBUS, as a bus abort does. */
	refused("regs=devmem,base=0x200000", -ENODEV, "base=0x200000: nothing answers");
	put_file_at("/dev/mem", BASE, idr, 8);
	mem_error = ENOMEM;
	refused("regs=devmem,base=0x90000", -ENOMEM, "no memory today");
	mem_error = 0;
	tree_text("/proc/iomem", "00090000-000affff : 90000.smmu\n");
	tree_link("/sys/bus/platform/devices/90000.smmu/driver", "../../drivers/arm-smmu-v3");
	refused("regs=devmem,base=0x90000", -EBUSY, "arm-smmu-v3");
	unlink(tree_path("/proc/iomem"));
	unlink(tree_path("/dev/mem"));
	refused("regs=devmem,base=0x90000", -ENOENT, "/dev/mem: No such file");
}

/* Somebody's own SIGBUS handler is back in place, and ours does not swallow other SIGBUSes. */
static void
on_bus(int sig)
{
	(void)sig;
}

static void
test_probe_handler(void **state)
{
	struct sigaction act = { .sa_handler = on_bus }, now;
	void *p;

	(void)state;
	assert_int_equal(sigaction(SIGBUS, &act, NULL), 0);
	p = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_int_equal(host_probe(ram, "here"), -ENODEV);
	assert_non_null(strstr(sluice_error(), "here: no SMMUv3"));
	assert_int_equal(sigaction(SIGBUS, NULL, &now), 0);
	assert_ptr_equal(now.sa_handler, on_bus);
	munmap(p, 4096);
	signal(SIGBUS, SIG_DFL);
}

static void
test_uio(void **state)
{
	struct sluice_regs r;
	static const char *const names[] = { "/dev/uio3", "uio3", "3" };

	(void)state;
	refused("regs=uio", -EINVAL, "dev=/dev/uioN");
	refused("regs=uio,dev=/dev/mem", -EINVAL, "dev=/dev/mem");
	refused("regs=uio,dev=uio", -EINVAL, "dev=uio");
	refused("regs=uio,dev=uio-1", -EINVAL, "dev=uio-1");
	refused("regs=uio,dev=uio999999", -EINVAL, "uio999999");
	refused("regs=uio,dev=uio3", -ENODEV, "/dev/uio3: no such UIO device");
	tree_text("/sys/class/uio/uio3/maps/map0/size", "0x0000000000010000\n");
	refused("regs=uio,dev=uio3", -ENODEV, "0x10000 bytes");
	tree_text("/sys/class/uio/uio3/maps/map0/size", "0x0000000000020000\n");
	tree_text("/sys/class/uio/uio3/maps/map0/offset", "0x100\n");
	refused("regs=uio,dev=uio3", -ENODEV, "offset 0x100");
	tree_text("/sys/class/uio/uio3/maps/map0/offset", "0x0\n");
	refused("regs=uio,dev=uio3", -ENOENT, "/dev/uio3: No such file");
	tree_put("/dev/uio3", "", 1);
	assert_int_equal(truncate(tree_path("/dev/uio3"), 0x20000), 0);
	refused("regs=uio,dev=uio3", -ENODEV, "/dev/uio3: no SMMUv3");
	put_file_at("/dev/uio3", 0, idr, 8);
	for (unsigned int i = 0; i < RTE_DIM(names); i++) {
		char args[64];

		snprintf(args, sizeof(args), "regs=uio,mem_mb=4,dev=%s", names[i]);
		assert_int_equal(try(&r, args), 0);
		assert_int_equal(asked_mb, 4);
		regs_write32(&r, 0x100a8, 7);
		assert_int_equal(file_u32("/dev/uio3", 0x100a8), 7);
		assert_non_null(strstr(r.settings, "dev=/dev/uio3,mem_mb=1"));
		sluice_regs_close(&r);
	}
}

/* ---- PCI ------------------------------------------------------------------------------------- */

static void
put_pci(const char *name, const char *vendor, const char *device)
{
	char path[128];
	uint8_t cfg[64] = { 0 };

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vendor", name);
	tree_text(path, vendor);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/device", name);
	tree_text(path, device);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", name);
	cfg[4] = 0x40;
	tree_put(path, cfg, sizeof(cfg));
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource0", name);
	tree_text(path, "x");
	assert_int_equal(truncate(tree_path(path), 4096), 0);
}

static void
test_pci(void **state)
{
	struct sluice_regs r = { .base = ram };
	struct sluice_pci p, q;
	uint32_t stream = 0;

	(void)state;
	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 0, &p, NULL), -ENODEV);
	put_pci("0000:00:02.0", "0x1234\n", "0x11e8\n");
	put_pci("0000:00:01.0", "0x1b36\n", "0x0005\n");
	put_pci("0000:03:1f.7", "0x1234\n", "0x11e8\n");
	tree_text("/sys/bus/pci/devices/0000:00:04.0/vendor", "nonsense\n");
	tree_put("/sys/bus/pci/devices/somebody", NULL, 0);
	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 2, &p, NULL), -ENODEV);
	assert_non_null(strstr(sluice_error(), "1234:11e8 number 2: this machine has 2"));
	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 0, NULL, &stream), 0);
	assert_int_equal(stream, 0x10);
	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 1, NULL, &stream), 0);
	assert_int_equal(stream, 0x3ff);

	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 1, &p, NULL), 0);
	assert_int_equal(p.stream, 0x3ff);
	assert_int_equal(p.bar_len, 4096);
	pci_write(&p, 0x80, 8, UINT64_C(0x123456789));
	pci_write(&p, 0x88, 4, 0x55);
	assert_int_equal(pci_read(&p, 0x88, 4), 0x55);
	assert_true(pci_read(&p, 0x80, 8) == UINT64_C(0x123456789));
	assert_int_equal(file_u32("/sys/bus/pci/devices/0000:03:1f.7/resource0", 0x80), 0x23456789);
	assert_int_equal(file_u32("/sys/bus/pci/devices/0000:03:1f.7/config", 4), 0x46);
	/* One user at a time; another device is free. */
	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 1, &q, NULL), -EBUSY);
	assert_non_null(strstr(sluice_error(), "0000:03:1f.7 is in use"));
	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 0, &q, NULL), 0);
	host_pci_close(&q);
	host_pci_close(&p);
	assert_int_equal(file_u32("/sys/bus/pci/devices/0000:03:1f.7/config", 4), 0x42);
	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 1, &p, NULL), 0);
	host_pci_close(&p);

	tree_link("/sys/bus/pci/devices/0000:00:02.0/driver", "../../../bus/pci/drivers/nvme");
	assert_int_equal(host_pci_open(&r, 0x1234, 0x11e8, 0, &p, NULL), -EBUSY);
	assert_non_null(strstr(sluice_error(), "driver nvme"));
	unlink(tree_path("/sys/bus/pci/devices/0000:00:01.0/resource0"));
	assert_int_equal(host_pci_open(&r, 0x1b36, 5, 0, &p, NULL), -ENOENT);
	tree_text("/sys/bus/pci/devices/0000:00:01.0/resource0", "x");
	assert_int_equal(truncate(tree_path("/sys/bus/pci/devices/0000:00:01.0/resource0"), 0), 0);
	assert_int_equal(host_pci_open(&r, 0x1b36, 5, 0, &p, NULL), -ENODEV);
	assert_non_null(strstr(sluice_error(), "no memory BAR"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_devmem, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_devmem_refusals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_probe_handler, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_uio, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pci, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The register source "devmem": a real SMMUv3 whose registers are mapped from /dev/mem. Their
 * address comes from base= or, without that, from the firmware's tables.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../number.h"
#include "../sources.h"
#include "host.h"

#define FOUND_MAX 8u

struct devmem {
	struct host_mem mem;
};

/* Find the SMMUv3 that the firmware's tables name. */
static int
find_base(uint64_t *base)
{
	uint64_t at[FOUND_MAX];
	unsigned int n = host_find_dt(at, FOUND_MAX);
	char list[FOUND_MAX * 20] = "";

	if (n == 0)
		n = host_find_iort(at, FOUND_MAX);
	if (n == 0)
		return sluice_fail(ENODEV, "no SMMUv3 in the device tree (arm,smmu-v3) nor in "
				   "ACPI's IORT: give base=ADDRESS if there is one");
	*base = at[0];
	if (n == 1)
		return 0;
	for (unsigned int i = 0; i < n && i < FOUND_MAX; i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%#" PRIx64,
			 i != 0 ? ", " : "", at[i]);
	return sluice_fail(EINVAL, "this machine has %u SMMUv3: choose with base=, one of: %s", n,
			   list);
}

static int
map(uint64_t base, uint8_t **regs)
{
	char path[HOST_PATH];
	int fd = open(host_path(path, "/dev/mem"), O_RDWR | O_SYNC | O_CLOEXEC), err;
	void *va = MAP_FAILED;

	if (fd >= 0)
		va = mmap(NULL, HOST_REGS_LEN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)base);
	err = errno;
	if (fd >= 0)
		close(fd);
	if (va != MAP_FAILED) {
		*regs = va;
		return 0;
	}
	if (err == EPERM)
		return sluice_fail(EPERM, "base=%#" PRIx64 ": the kernel refuses it to /dev/mem: a "
				   "driver has it, or the kernel is locked down", base);
	if (err == EACCES)
		return sluice_fail(EACCES, "/dev/mem: only root may");
	return sluice_fail(err, "base=%#" PRIx64 ": /dev/mem: %s", base, strerror(err));
}

static void
devmem_close(struct sluice_regs *regs)
{
	struct devmem *d = regs->priv;

	host_mem_give(&d->mem);
	if (regs->base != NULL)
		munmap(regs->base, HOST_REGS_LEN);
	free(d);
}

static int
bring_up(struct sluice_regs *regs, struct devmem *d, uint64_t base, uint64_t mb)
{
	char name[32];
	int ret = host_check_free(base);

	if (ret == 0)
		ret = map(base, &regs->base);
	snprintf(name, sizeof(name), "base=%#" PRIx64, base);
	if (ret == 0)
		ret = host_probe(regs->base, name);
	if (ret == 0)
		ret = host_mem_take(mb, &d->mem);
	regs->mem = d->mem.mem;
	return ret;
}

static int
devmem_open(struct sluice_regs *regs, struct rte_kvargs *kv)
{
	uint64_t base = 0, mb;
	struct devmem *d;
	int ret;

	if ((ret = kv_number(kv, "mem_mb", 0, 2, 65536, &mb)) != 0)
		return ret;
	if (rte_kvargs_get(kv, "base") == NULL)
		ret = find_base(&base);
	else
		ret = kv_number(kv, "base", 0, 0, UINT64_MAX - HOST_REGS_LEN, &base);
	if (ret != 0)
		return ret;
	if (base % 0x10000 != 0)
		return sluice_fail(EINVAL, "base=%#" PRIx64 ": an SMMUv3 begins at a multiple of "
				   "64 KiB", base);
	d = calloc(1, sizeof(*d));
	if (d == NULL)
		return sluice_fail(ENOMEM, "no memory for a register source");
	regs->priv = d;
	ret = bring_up(regs, d, base, mb);
	if (ret != 0) {
		devmem_close(regs);
		return ret;
	}
	regs->clock = (struct sluice_clock){ .hz = rte_get_tsc_hz() };
	snprintf(regs->settings, sizeof(regs->settings), "base=%#" PRIx64 ",mem_mb=%" PRIu64, base,
		 sluice_mem_span(regs->mem).len >> 20);
	return 0;
}

static const char *const devmem_keys[] = { "base", "mem_mb", NULL };

static const struct sluice_regs_ops devmem_ops = {
	.name = "devmem",
	.keys = devmem_keys,
	.open = devmem_open,
	.close = devmem_close,
	.pci_open = host_pci_open,
	.pci_close = host_pci_close,
};

SLUICE_REGISTER_REGS(devmem, &devmem_ops)

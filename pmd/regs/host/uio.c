/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The register source "uio": a real SMMUv3 that the kernel's uio_pdrv_genirq gives to user space.
 * Its registers are mapped from /dev/uioN, which, unlike /dev/mem, needs no right to all of memory.
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

struct uio {
	int fd; /* kept open: the device is ours for so long */
	uint64_t len;
	struct host_mem mem;
};

/* "3", "uio3" and "/dev/uio3" name the same device. */
static int
parse_dev(const char *text, unsigned int *n)
{
	const char *digits = text;
	char *end;

	if (text == NULL)
		return sluice_fail(EINVAL, "regs=uio: which? Add dev=/dev/uioN");
	if (strncmp(digits, "/dev/", 5) == 0)
		digits += 5;
	if (strncmp(digits, "uio", 3) == 0)
		digits += 3;
	*n = (unsigned int)strtoul(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end != '\0' || end - digits > 5)
		return sluice_fail(EINVAL, "dev=%s: give /dev/uioN", text);
	return 0;
}

/* The first map must be the registers, both pages of them. */
static int
map(struct sluice_regs *regs, struct uio *u, unsigned int n)
{
	char path[HOST_PATH];
	uint64_t offset = 0;
	void *va;

	if (host_read_u64(host_path(path, "/sys/class/uio/uio%u/maps/map0/size", n), &u->len) != 0)
		return sluice_fail(ENODEV, "dev=/dev/uio%u: no such UIO device with a map", n);
	(void)host_read_u64(host_path(path, "/sys/class/uio/uio%u/maps/map0/offset", n), &offset);
	if (u->len < HOST_REGS_LEN || offset != 0)
		return sluice_fail(ENODEV, "dev=/dev/uio%u: its first map is %#" PRIx64 " bytes at "
				   "offset %#" PRIx64 ": an SMMUv3 has %#" PRIx64 " at 0", n,
				   u->len, offset, HOST_REGS_LEN);
	u->fd = open(host_path(path, "/dev/uio%u", n), O_RDWR | O_SYNC | O_CLOEXEC);
	if (u->fd < 0)
		return sluice_fail(errno, "dev=/dev/uio%u: %s", n, strerror(errno));
	va = mmap(NULL, u->len, PROT_READ | PROT_WRITE, MAP_SHARED, u->fd, 0);
	if (va == MAP_FAILED)
		return sluice_fail(errno, "dev=/dev/uio%u cannot be mapped: %s", n,
				   strerror(errno));
	regs->base = va;
	return 0;
}

static void
uio_close(struct sluice_regs *regs)
{
	struct uio *u = regs->priv;

	host_mem_give(&u->mem);
	if (regs->base != NULL)
		munmap(regs->base, u->len);
	if (u->fd >= 0)
		close(u->fd);
	free(u);
}

static int
uio_open(struct sluice_regs *regs, struct rte_kvargs *kv)
{
	unsigned int n = 0;
	char name[32];
	struct uio *u;
	uint64_t mb;
	int ret;

	if ((ret = kv_number(kv, "mem_mb", 0, 2, 65536, &mb)) != 0 ||
	    (ret = parse_dev(rte_kvargs_get(kv, "dev"), &n)) != 0)
		return ret;
	u = calloc(1, sizeof(*u));
	if (u == NULL)
		return sluice_fail(ENOMEM, "no memory for a register source");
	u->fd = -1;
	regs->priv = u;
	snprintf(name, sizeof(name), "dev=/dev/uio%u", n);
	if ((ret = map(regs, u, n)) != 0 || (ret = host_probe(regs->base, name)) != 0 ||
	    (ret = host_mem_take(mb, &u->mem)) != 0) {
		uio_close(regs);
		return ret;
	}
	regs->mem = u->mem.mem;
	regs->clock = (struct sluice_clock){ .hz = rte_get_tsc_hz() };
	snprintf(regs->settings, sizeof(regs->settings), "%s,mem_mb=%" PRIu64, name,
		 sluice_mem_span(regs->mem).len >> 20);
	return 0;
}

static const char *const uio_keys[] = { "dev", "mem_mb", NULL };

static const struct sluice_regs_ops uio_ops = {
	.name = "uio",
	.keys = uio_keys,
	.open = uio_open,
	.close = uio_close,
	.pci_open = host_pci_open,
	.pci_close = host_pci_close,
};

SLUICE_REGISTER_REGS(uio, &uio_ops)

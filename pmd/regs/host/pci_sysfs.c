/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * PCI devices of this machine through /sys/bus/pci. A device that a kernel driver has is refused.
 * The StreamID is taken to be the requester id: firmware maps the two one to one unless it says
 * otherwise, as on QEMU's virt machine.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#define DEVICES     "/sys/bus/pci/devices"
#define PCI_COMMAND 4
#define COMMAND_MEM 2u
#define COMMAND_BUS_MASTER 4u

struct where {
	char name[32]; /* 0000:00:01.0 */
	uint32_t stream;
	unsigned int found;
};

static bool
matches(const char *name, uint16_t vendor, uint16_t device)
{
	char path[HOST_PATH];
	uint64_t v = 0, d = 0;

	return host_read_u64(host_path(path, DEVICES "/%s/vendor", name), &v) == 0 &&
	       host_read_u64(host_path(path, DEVICES "/%s/device", name), &d) == 0 &&
	       v == vendor && d == device;
}

/* Functions count in the order of their addresses. @return whether there are so many. */
static bool
find(uint16_t vendor, uint16_t device, unsigned int nth, struct where *w)
{
	char path[HOST_PATH];
	struct dirent **list;
	int n = scandir(host_path(path, DEVICES), &list, NULL, alphasort);

	w->name[0] = '\0';
	w->found = 0;
	for (int i = 0; i < n; i++) {
		unsigned int dom, bus, dev, fn;

		if (sscanf(list[i]->d_name, "%x:%x:%x.%x", &dom, &bus, &dev, &fn) == 4 &&
		    strlen(list[i]->d_name) < sizeof(w->name) &&
		    matches(list[i]->d_name, vendor, device) && w->found++ == nth) {
			snprintf(w->name, sizeof(w->name), "%.31s", list[i]->d_name);
			w->stream = (bus & 0xff) << 8 | (dev & 0x1f) << 3 | (fn & 7);
		}
		free(list[i]);
	}
	if (n >= 0)
		free(list);
	return w->name[0] != '\0';
}

static int
command(struct sluice_pci *p, uint16_t set, uint16_t clear)
{
	uint16_t v;

	if (pread(p->cfg_fd, &v, sizeof(v), PCI_COMMAND) != (ssize_t)sizeof(v))
		return -EIO;
	v = (uint16_t)((v & ~clear) | set);
	return pwrite(p->cfg_fd, &v, sizeof(v), PCI_COMMAND) == (ssize_t)sizeof(v) ? 0 : -EIO;
}

/* Let the kernel power the device up and give its BARs addresses, unless it has done so. */
static void
enable(const char *name)
{
	char path[HOST_PATH];
	int fd = open(host_path(path, DEVICES "/%s/enable", name), O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, "1", 1) != 1)
		errno = 0; /* so that a BAR that does not answer is noticed */
	close(fd);
}

static int
map(struct sluice_pci *p, const char *name)
{
	char path[HOST_PATH];
	struct stat st;
	void *va;

	p->fd = open(host_path(path, DEVICES "/%s/resource0", name), O_RDWR | O_SYNC | O_CLOEXEC);
	p->cfg_fd = open(host_path(path, DEVICES "/%s/config", name), O_RDWR | O_CLOEXEC);
	if (p->fd < 0 || p->cfg_fd < 0)
		return sluice_fail(errno, "PCI device %s cannot be opened: %s", name,
				   strerror(errno));
	if (flock(p->fd, LOCK_EX | LOCK_NB) != 0)
		return sluice_fail(EBUSY, "PCI device %s is in use", name);
	if (fstat(p->fd, &st) != 0 || st.st_size <= 0)
		return sluice_fail(ENODEV, "PCI device %s has no memory BAR to map", name);
	enable(name);
	va = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	if (va == MAP_FAILED)
		return sluice_fail(errno, "PCI device %s: its BAR cannot be mapped: %s", name,
				   strerror(errno));
	p->bar = va;
	p->bar_len = (size_t)st.st_size;
	return command(p, COMMAND_MEM | COMMAND_BUS_MASTER, 0) == 0 ? 0 :
	       sluice_fail(EIO, "PCI device %s: its command register cannot be written", name);
}

static void
unmap(struct sluice_pci *p)
{
	if (p->bar != NULL)
		munmap(p->bar, p->bar_len);
	if (p->cfg_fd >= 0)
		close(p->cfg_fd);
	if (p->fd >= 0)
		close(p->fd);
}

int
host_pci_open(struct sluice_regs *regs, uint16_t vendor, uint16_t device, unsigned int nth,
	      struct sluice_pci *p, uint32_t *stream)
{
	char path[HOST_PATH], driver[256];
	struct where w;
	ssize_t n;
	int ret;

	if (!find(vendor, device, nth, &w))
		return sluice_fail(ENODEV, "no PCI device %04x:%04x number %u: this machine has "
				   "%u of them", vendor, device, nth, w.found);
	if (stream != NULL)
		*stream = w.stream;
	if (p == NULL)
		return 0;
	n = readlink(host_path(path, DEVICES "/%s/driver", w.name), driver, sizeof(driver) - 1);
	if (n > 0) {
		driver[n] = '\0';
		return sluice_fail(EBUSY, "PCI device %s belongs to the kernel's driver %s", w.name,
				   strrchr(driver, '/') != NULL ? strrchr(driver, '/') + 1 :
								  driver);
	}
	*p = (struct sluice_pci){ .regs = regs, .stream = w.stream, .fd = -1, .cfg_fd = -1 };
	ret = map(p, w.name);
	if (ret != 0)
		unmap(p);
	return ret;
}

void
host_pci_close(struct sluice_pci *p)
{
	command(p, 0, COMMAND_BUS_MASTER); /* no DMA when it is not ours any more */
	unmap(p);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which QEMU is started, and as which machine. A QEMU that is too old is refused by its version,
 * before it can fail in some way.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../../../engine/driver.h"
#include "qemu.h"

#define VERSION_MIN_MAJOR 7u /* the conformance list was run with 7.2 and later */
#define MAX_ARGS          96u

struct args {
	char *v[MAX_ARGS];
	unsigned int n;
};

static void
add(struct args *a, const char *option, const char *value)
{
	a->v[a->n++] = (char *)(uintptr_t)option;
	if (value != NULL)
		a->v[a->n++] = (char *)(uintptr_t)value;
	a->v[a->n] = NULL;
}

static int
read_version(struct qemu_conf *c)
{
	char *argv[] = { (char *)(uintptr_t)c->path, (char *)(uintptr_t)"--version", NULL };
	unsigned int major, minor;
	struct qtest_link l;
	char line[128];
	int ret;

	ret = qtest_link_start(&l, argv, -1, c->timeout_ms);
	if (ret != 0)
		return ret;
	if (!qtest_link_line(&l, line, sizeof(line)))
		ret = sluice_fail(ENODEV, "qemu=%s does not tell its version: %s", c->path,
				  qtest_link_lost(&l));
	else if (sscanf(line, "QEMU emulator version %31[0-9.]", c->version) != 1 ||
		 sscanf(c->version, "%u.%u", &major, &minor) != 2)
		ret = sluice_fail(ENODEV, "qemu=%s is no QEMU: it calls itself '%.40s'", c->path,
				  line);
	else if (major < VERSION_MIN_MAJOR)
		ret = sluice_fail(ENODEV, "qemu=%s is version %s, too old: %u.0 or later is wanted",
				  c->path, c->version, VERSION_MIN_MAJOR);
	qtest_link_stop(&l);
	return ret;
}

/* Transfers of edu need a running clock, and so a running processor, which sleeps. While it
 * sleeps, the clock of counted instructions jumps to the next event, so that the 100 ms of a
 * transfer take no time. Without edu the processor does not run. */
static void
add_processor(struct args *a, const struct qemu_conf *c, const char *loader)
{
	add(a, "-cpu", "max");
	add(a, "-accel", "tcg");
	if (c->edu != 0) {
		add(a, "-device", loader);
		add(a, "-icount", "shift=0,sleep=off");
	} else {
		add(a, "-S", NULL);
	}
}

int
qemu_start(struct qtest_link *l, struct qemu_conf *c)
{
	char ram[120], mem[24], loader[64];
	struct args a = { .n = 0 };
	int ret = read_version(c);

	if (ret != 0)
		return ret;
	snprintf(mem, sizeof(mem), "%" PRIu64, c->mem_mb);
	snprintf(ram, sizeof(ram),
		 "memory-backend-file,id=ram,size=%" PRIu64 "M,mem-path=/proc/self/fd/%d,share=on",
		 c->mem_mb, c->ram_fd);
	snprintf(loader, sizeof(loader), "loader,addr=%#" PRIx64 ",cpu-num=0",
		 QEMU_RAM_BASE + QEMU_CPU_PC);
	add(&a, c->path, NULL);
	add(&a, "-M", "virt,iommu=smmuv3,highmem=off,gic-version=3,memory-backend=ram");
	add(&a, "-m", mem);
	add(&a, "-object", ram);
	add_processor(&a, c, loader);
	for (uint64_t i = 0; i < c->edu; i++)
		add(&a, "-device", "edu,dma_mask=0xffffffffffffffff");
	if (c->testdev != 0)
		add(&a, "-device", "iommu-testdev");
	add(&a, "-qtest", "stdio");
	add(&a, "-qtest-log", "none");
	add(&a, "-display", "none");
	add(&a, "-serial", "none");
	add(&a, "-monitor", "none");
	add(&a, "-nodefaults", NULL);
	add(&a, "-no-user-config", NULL);
	ret = qtest_link_start(l, a.v, c->ram_fd, c->timeout_ms);
	if (ret != 0)
		return ret;
	/* The first answer comes when QEMU has started. */
	(void)qtest_link_ask(l, "readl %#" PRIx64, QEMU_SMMU_BASE);
	if (qtest_link_lost(l) != NULL) {
		ret = sluice_fail(ENODEV, "qemu=%s: %s", c->path, qtest_link_lost(l));
		qtest_link_stop(l);
	}
	return ret;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * SMMUv3s in the device tree that the kernel shows: nodes compatible with "arm,smmu-v3". Their
 * addresses are translated through each bus above them (Devicetree Specification 0.4 §2.3).
 */
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_byteorder.h>

#include "host.h"

#define DEPTH_MAX  16
#define PROP_MAX   1024u
#define COMPATIBLE "arm,smmu-v3"

/* A node with children: how their addresses are encoded, and how they map to the parent's. */
struct bus {
	const struct bus *up;    /* NULL: the root, whose addresses are the processor's */
	uint32_t acells, scells; /* 32-bit words of an address and of a size below it */
	ssize_t ranges_len;      /* bytes; negative: the parent cannot reach its addresses */
	uint8_t ranges[PROP_MAX];
};

struct found {
	uint64_t *base;
	unsigned int max, n;
};

static ssize_t
prop(const char *node, const char *name, void *buf, size_t len)
{
	char path[HOST_PATH];

	if (snprintf(path, sizeof(path), "%s/%s", node, name) >= (int)sizeof(path))
		return -1;
	return host_read(path, buf, len);
}

static uint32_t
prop_u32(const char *node, const char *name, uint32_t def)
{
	rte_be32_t v;

	return prop(node, name, &v, sizeof(v)) == (ssize_t)sizeof(v) ? rte_be_to_cpu_32(v) : def;
}

/* Read @p cells big-endian words; bits beyond 64 are cut off. */
static uint64_t
number(const uint8_t *p, uint32_t cells)
{
	uint64_t v = 0;

	for (uint32_t i = 0; i < 4 * cells; i++)
		v = v << 8 | p[i];
	return v;
}

/* Translate an address below @p bus to the processor's. @return false if the processor cannot
 * reach it. */
static bool
translate(const struct bus *bus, uint64_t *addr)
{
	for (; bus->up != NULL; bus = bus->up) {
		uint32_t pc = bus->up->acells, entry = 4 * (bus->acells + pc + bus->scells);
		ssize_t at = 0;

		if (bus->ranges_len == 0) /* the same addresses */
			continue;
		if (entry == 0) /* addresses of no words cannot be translated */
			return false;
		for (; at + (ssize_t)entry <= bus->ranges_len; at += entry) {
			const uint8_t *r = bus->ranges + at;
			uint64_t child = number(r, bus->acells);
			uint64_t parent = number(r + 4 * bus->acells, pc);
			uint64_t size = number(r + 4 * (bus->acells + pc), bus->scells);

			if (*addr - child < size) {
				*addr = *addr - child + parent;
				break;
			}
		}
		if (at + (ssize_t)entry > bus->ranges_len)
			return false;
	}
	return true;
}

static bool
is_smmu(const char *node)
{
	char text[256];
	ssize_t n = prop(node, "compatible", text, sizeof(text) - 1);
	bool yes = false;

	if (n <= 0)
		return false;
	text[n] = '\0';
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(text + i) + 1)
		yes |= strcmp(text + i, COMPATIBLE) == 0;
	n = prop(node, "status", text, sizeof(text) - 1);
	text[n > 0 ? n : 0] = '\0';
	return yes && (n <= 0 || strcmp(text, "okay") == 0 || strcmp(text, "ok") == 0);
}

static void
take(const char *node, const struct bus *parent, struct found *f)
{
	uint8_t reg[64];
	ssize_t n = prop(node, "reg", reg, sizeof(reg));
	uint64_t addr;

	if (n < 4 * (ssize_t)(parent->acells + parent->scells))
		return;
	addr = number(reg, parent->acells);
	if (!translate(parent, &addr))
		return;
	if (f->n < f->max)
		f->base[f->n] = addr;
	f->n++;
}

static void
walk(const char *node, const struct bus *up, int depth, struct found *f)
{
	struct bus bus = { .up = up };
	char path[HOST_PATH];
	struct dirent *e;
	DIR *dir;

	bus.acells = prop_u32(node, "#address-cells", 2);
	bus.scells = prop_u32(node, "#size-cells", 1);
	bus.ranges_len = prop(node, "ranges", bus.ranges, sizeof(bus.ranges));
	if (bus.acells > 4 || bus.scells > 4)
		return; /* the node cannot be read */
	dir = opendir(node);
	if (dir == NULL)
		return;
	while ((e = readdir(dir)) != NULL) {
		if (e->d_name[0] == '.' || e->d_type == DT_REG ||
		    snprintf(path, sizeof(path), "%s/%s", node, e->d_name) >= (int)sizeof(path))
			continue;
		if (is_smmu(path))
			take(path, &bus, f);
		else if (depth < DEPTH_MAX)
			walk(path, &bus, depth + 1, f);
	}
	closedir(dir);
}

unsigned int
host_find_dt(uint64_t *base, unsigned int max)
{
	static const char *const roots[] = { "/proc/device-tree", "/sys/firmware/devicetree/base" };
	struct found f = { .base = base, .max = max };
	char path[HOST_PATH];

	for (unsigned int i = 0; i < RTE_DIM(roots) && f.n == 0; i++)
		walk(host_path(path, "%s", roots[i]), NULL, 0, &f);
	return f.n;
}

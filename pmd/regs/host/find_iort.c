/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * SMMUv3s in ACPI's I/O Remapping Table (DEN 0049 §3, IORT nodes of type 4). The table comes from
 * firmware, and no length in it is trusted.
 */
#include <string.h>

#include "host.h"

#define IORT_MAX      65536u
#define IORT_HDR      48u /* ACPI header of 36 bytes, node count, node offset, reserved */
#define NODE_HDR      16u
#define NODE_SMMUV3   4u
#define NODE_BASE_END 24u /* type … mappings, base address */

static uint16_t
get16(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t
get32(const uint8_t *p)
{
	return get16(p) | (uint32_t)get16(p + 2) << 16;
}

static unsigned int
scan(const uint8_t *t, size_t len, uint64_t *base, unsigned int max)
{
	uint32_t nodes = get32(t + 36), at = get32(t + 40);
	unsigned int n = 0;

	for (; nodes > 0 && at >= IORT_HDR && at <= len && len - at >= NODE_HDR; nodes--) {
		const uint8_t *node = t + at;
		uint16_t node_len = get16(node + 1);

		if (node_len < NODE_HDR || node_len > len - at)
			break;
		if (node[0] == NODE_SMMUV3 && node_len >= NODE_BASE_END) {
			if (n < max)
				base[n] = get32(node + 16) | (uint64_t)get32(node + 20) << 32;
			n++;
		}
		at += node_len;
	}
	return n;
}

unsigned int
host_find_iort(uint64_t *base, unsigned int max)
{
	static uint8_t table[IORT_MAX]; /* control path: one caller at a time */
	char path[HOST_PATH];
	uint8_t sum = 0;
	uint32_t len;
	ssize_t n;

	n = host_read(host_path(path, "/sys/firmware/acpi/tables/IORT"), table, sizeof(table));
	if (n < (ssize_t)IORT_HDR || memcmp(table, "IORT", 4) != 0)
		return 0;
	len = get32(table + 4);
	if (len < IORT_HDR || len > (size_t)n)
		return 0;
	for (uint32_t i = 0; i < len; i++)
		sum = (uint8_t)(sum + table[i]);
	return sum == 0 ? scan(table, len, base, max) : 0;
}

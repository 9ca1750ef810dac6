/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Fuzz target: any text as a device string. It opens, and closes again; or it fails with one line.
 * Only emulated registers are linked in: nothing else may be opened with random settings.
 */
#include <errno.h>

#include <rte_errno.h>

#include <sluice/iommu.h>

#include "../unit/eal.h"
#include "fuzz.h"

#define BIG      UINT64_C(65536)
#define SLOW_NS  UINT64_C(1000000)
#define SMALL_MB "mem_mb=4,"

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	test_eal_init("0");
	return 0;
}

/* Settings that are in order, but take memory or time that a fuzzer has better use for. */
static int
dear(const char *s)
{
	static const struct {
		const char *key;
		uint64_t from, to;
	} t[] = {
		{ "iotlb=", BIG, 1u << 24 },	     { "walk_cache=", BIG, 1u << 24 },
		{ "cfg_cache=", BIG, 1u << 24 },     { "mem_mb=", 65, 16384 },
		{ "sync_ns=", SLOW_NS, 1000000000 }, { "tlbi_ns=", SLOW_NS, 1000000000 },
		{ "ack_delay=", BIG, 1000000 },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++)
		for (const char *p = s; (p = strstr(p, t[i].key)) != NULL;) {
			uint64_t v;

			p += strlen(t[i].key);
			v = strtoull(p, NULL, 0);
			if (v >= t[i].from && v <= t[i].to)
				return 1;
		}
	return 0;
}

/* Most strings do not care how much memory there is; clearing it takes longest. */
static char *
with_little_memory(char *s)
{
	char *comma = strchr(s, ','), *out;
	size_t head;

	if (comma == NULL || strstr(s, "mem_mb") != NULL)
		return s;
	head = (size_t)(comma + 1 - s);
	out = malloc(strlen(s) + sizeof(SMALL_MB));
	FUZZ_REQUIRE(out != NULL);
	memcpy(out, s, head);
	memcpy(out + head, SMALL_MB, sizeof(SMALL_MB) - 1);
	strcpy(out + head + sizeof(SMALL_MB) - 1, s + head);
	free(s);
	return out;
}

static void
step(void *iommu)
{
	sluice_iommu_step(iommu, 16);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char none[] = "none yet";
	char *s = fuzz_string(data, size);
	struct sluice_iommu_info info;
	struct sluice_iommu *iommu;

	if (dear(s)) {
		free(s);
		return 0;
	}
	s = with_little_memory(s);
	/* Something else as the last error, so that a failure without a line of its own shows. */
	FUZZ_REQUIRE(sluice_iommu_open(none) == NULL);
	rte_errno = 0;
	iommu = sluice_iommu_open(s);
	if (iommu != NULL) {
		FUZZ_REQUIRE(sluice_iommu_get_info(iommu, &info) == 0);
		sluice_iommu_set_relax(iommu, step, iommu);
		(void)sluice_iommu_sync(iommu); /* a short timeout of its own may pass */
		FUZZ_REQUIRE(sluice_iommu_close(iommu) == 0);
	} else {
		FUZZ_REQUIRE(rte_errno > 0);
		FUZZ_REQUIRE(sluice_error()[0] != '\0' && strchr(sluice_error(), '\n') == NULL);
		FUZZ_REQUIRE(strstr(sluice_error(), none) == NULL || strstr(s, none) != NULL);
	}
	free(s);
	return 0;
}

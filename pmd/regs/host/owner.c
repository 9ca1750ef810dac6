/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Are these registers in use? Two drivers of one SMMU corrupt each other's work silently. So
 * everything that the kernel tells about the range is looked at before the registers are touched.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host.h"

#define DRIVER "arm-smmu-v3"

static int
taken(uint64_t base, const char *who)
{
	return sluice_fail(EBUSY, "base=%#" PRIx64 " belongs to %s%s", base, who,
			   strstr(who, DRIVER) != NULL ?
				   ": unbind it, or start the kernel with "
				   "initcall_blacklist=arm_smmu_driver_init" : "");
}

/* A device that the driver bound is named after its address: 9050000.smmuv3. */
static int
check_driver(uint64_t base)
{
	char path[HOST_PATH];
	struct dirent *e;
	DIR *dir = opendir(host_path(path, "/sys/bus/platform/drivers/" DRIVER));
	int ret = 0;

	if (dir == NULL)
		return 0;
	while (ret == 0 && (e = readdir(dir)) != NULL) {
		char *end;
		uint64_t at = strtoull(e->d_name, &end, 16);

		if (end != e->d_name && *end == '.' && at == base)
			ret = taken(base, "the kernel's driver " DRIVER);
	}
	closedir(dir);
	return ret;
}

/*
 * Judge one overlapping line of /proc/iomem. The line of a platform device without a driver only
 * says where the device is; any other line means that the range is in use.
 */
static int
check_line(uint64_t base, const char *name)
{
	char path[HOST_PATH], target[256], who[384], dev[64];
	ssize_t n;

	snprintf(dev, sizeof(dev), "%.*s", (int)strcspn(name, " "), name);
	n = readlink(host_path(path, "/sys/bus/platform/devices/%s/driver", dev), target,
		     sizeof(target) - 1);
	if (n > 0) {
		target[n] = '\0';
		snprintf(who, sizeof(who), "the kernel's driver %s (device %s)",
			 strrchr(target, '/') != NULL ? strrchr(target, '/') + 1 : target, dev);
		return taken(base, who);
	}
	if (access(host_path(path, "/sys/bus/platform/devices/%s", dev), F_OK) == 0)
		return 0;
	if (strcmp(name, "System RAM") == 0 || strncmp(name, "Kernel ", 7) == 0)
		return sluice_fail(EBUSY, "base=%#" PRIx64 " is %s, not registers", base, name);
	snprintf(who, sizeof(who), "'%s' (/proc/iomem)", name);
	return taken(base, who);
}

int
host_check_free(uint64_t base)
{
	char path[HOST_PATH], line[256];
	int ret = check_driver(base);
	FILE *f;

	if (ret != 0)
		return ret;
	f = fopen(host_path(path, "/proc/iomem"), "re");
	if (f == NULL)
		return 0; /* without /proc/iomem, the driver's list has to do */
	while (ret == 0 && fgets(line, sizeof(line), f) != NULL) {
		uint64_t first, last;
		char name[128];

		/* Without privilege the kernel shows zeros; they overlap nothing. */
		if (sscanf(line, " %" SCNx64 "-%" SCNx64 " : %127[^\n]", &first, &last,
			   name) == 3 &&
		    last != 0 && first < base + HOST_REGS_LEN && last >= base)
			ret = check_line(base, name);
	}
	fclose(f);
	return ret;
}

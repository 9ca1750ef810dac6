/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * EAL for tests: no huge pages, no devices, nothing shared, so that it runs anywhere.
 */
#ifndef TEST_EAL_H
#define TEST_EAL_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>

/** Start EAL on @p cores ("0", "0,1", "(0-2)@(0-1)" for --lcores). Exits 99 when it cannot. */
static inline void
test_eal_init_mb(const char *lcores, const char *mb)
{
	char prefix[48];

	snprintf(prefix, sizeof(prefix), "--file-prefix=sluice-test-%d", (int)getpid());
	char *argv[] = { (char *)(uintptr_t)"test", (char *)(uintptr_t)"--lcores",
			 (char *)(uintptr_t)lcores, (char *)(uintptr_t)"--no-huge",
			 (char *)(uintptr_t)"-m", (char *)(uintptr_t)mb,
			 (char *)(uintptr_t)"--no-pci", (char *)(uintptr_t)"--no-shconf",
			 (char *)(uintptr_t)"--no-telemetry",
			 (char *)(uintptr_t)"--log-level=4", prefix };

	if (rte_eal_init((int)(sizeof(argv) / sizeof(argv[0])), argv) < 0)
		exit(99);
}

static inline void
test_eal_init(const char *lcores)
{
	test_eal_init_mb(lcores, "64");
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The last error of each thread: a line for people beside rte_errno for programs.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <rte_errno.h>

#include "../driver.h"

static _Thread_local char last_error[512];

int
sluice_fail(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(last_error, sizeof(last_error), fmt, ap);
	va_end(ap);
	/* A line, whatever the texts it quotes hold. */
	for (char *c = last_error; *c != '\0'; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	rte_errno = err;
	return -err;
}

int
sluice_null(const char *what)
{
	return sluice_fail(EINVAL, "%s is wanted, not NULL", what);
}

const char *
sluice_unstepped(const struct sluice_iommu *iommu, uint64_t steps)
{
	if ((iommu->caps & SLUICE_CAP_EMULATED) == 0 ||
	    atomic_load_explicit(&iommu->steps, memory_order_relaxed) != steps)
		return "";
	return " (emulated hardware works only while it is stepped, and nobody did: call "
	       "sluice_iommu_step() over and over on an lcore, or give sluice_iommu_set_relax() a hook "
	       "that does)";
}

const char *
sluice_error(void)
{
	return last_error;
}

const char *
sluice_version(void)
{
	return SLUICE_VERSION;
}

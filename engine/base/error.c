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
	char line[sizeof(last_error)]; /* an argument may be the last error: it is read to the end first */
	size_t at = 0;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(last_error), fmt, ap);
	va_end(ap);
	/* A line, whatever the texts it quotes hold. */
	do {
		unsigned char c = (unsigned char)line[at];

		last_error[at] = (char)(c != '\0' && (c < ' ' || c == 0x7f) ? '?' : c);
	} while (line[at++] != '\0');
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

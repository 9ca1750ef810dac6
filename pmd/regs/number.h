/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Reading a number from a device string, for all register sources and DMA makers.
 */
#ifndef REGS_NUMBER_H
#define REGS_NUMBER_H

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../../engine/driver.h"

/** Put the number of @p key, within [min, max], into @p v; @p def if the key is not there.
 * @return 0 or -EINVAL. */
static inline int
kv_number(const struct rte_kvargs *kv, const char *key, uint64_t def, uint64_t min, uint64_t max,
	  uint64_t *v)
{
	const char *text = kv != NULL ? rte_kvargs_get(kv, key) : NULL;
	char *end;

	*v = def;
	if (text == NULL)
		return 0;
	errno = 0;
	*v = strtoull(text, &end, 0);
	if (errno != 0 || end == text || *end != '\0' || *text == '-' || *v < min || *v > max)
		return sluice_fail(EINVAL, "%s=%s: give a number from %" PRIu64 " to %" PRIu64, key,
				   text, min, max);
	return 0;
}

#endif

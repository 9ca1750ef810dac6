/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A number out of a device string, for every source and maker alike.
 */
#ifndef REGS_NUMBER_H
#define REGS_NUMBER_H

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "../../engine/driver.h"

/** @p key's number within [min, max] to @p v, @p def when the key is not there. 0 or -EINVAL. */
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

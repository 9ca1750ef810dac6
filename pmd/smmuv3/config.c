/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The backend's part of a device string: "smmuv3,…,cmdq_log2=N,strtab=linear".
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "smmuv3.h"

#define KEY_CMDQ    "cmdq_log2"
#define KEY_EVTQ    "evtq_log2"
#define KEY_STRTAB  "strtab"
#define KEY_SYNC    "sync"
#define KEY_TIMEOUT "sync_timeout_us"
#define KEY_QUIRK   "quirk"
#define REPEAT      "repeat-tlbi-cfgi"

const char *const smmu_keys[] = {
	KEY_CMDQ, KEY_EVTQ, KEY_STRTAB, KEY_SYNC, KEY_TIMEOUT, KEY_QUIRK, NULL,
};

static int
number(struct rte_kvargs *kv, const char *key, uint64_t min, uint64_t max, uint64_t *v)
{
	const char *text = rte_kvargs_get(kv, key);
	char *end;

	if (text == NULL)
		return 0;
	errno = 0;
	*v = strtoull(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || text[0] == '-' || *v < min || *v > max)
		return sluice_fail(EINVAL, "%s=%s: a number from %ju to %ju is expected", key, text,
				   (uintmax_t)min, (uintmax_t)max);
	return 0;
}

/* Set *a or *b if the key is given. */
static int
choice(struct rte_kvargs *kv, const char *key, const char *name_a, bool *a, const char *name_b,
       bool *b)
{
	const char *text = rte_kvargs_get(kv, key);

	if (text == NULL)
		return 0;
	*a = strcmp(text, name_a) == 0;
	*b = strcmp(text, name_b) == 0;
	if (!*a && !*b)
		return sluice_fail(EINVAL, "%s=%s: %s or %s is expected", key, text, name_a,
				   name_b);
	return 0;
}

int
smmu_parse(struct smmu_cfg *cfg, struct rte_kvargs *kv)
{
	uint64_t cmdq = 12, evtq = 12, timeout = 1000000;
	bool none;
	int rc;

	memset(cfg, 0, sizeof(*cfg));
	rc = number(kv, KEY_CMDQ, 1, SMMU_QS_MAX, &cmdq);
	if (rc == 0)
		rc = number(kv, KEY_EVTQ, 0, SMMU_QS_MAX, &evtq);
	if (rc == 0)
		rc = number(kv, KEY_TIMEOUT, 1, UINT64_C(3600000000), &timeout);
	if (rc == 0)
		rc = choice(kv, KEY_STRTAB, "2lvl", &cfg->want_2lvl, "linear", &cfg->want_linear);
	if (rc == 0)
		rc = choice(kv, KEY_SYNC, "msi", &cfg->want_msi, "cons", &cfg->want_cons);
	if (rc == 0)
		rc = choice(kv, KEY_QUIRK, REPEAT, &cfg->repeat, "none", &none);
	if (rc == 0 && cfg->repeat && cmdq < 2)
		rc = sluice_fail(EINVAL, KEY_CMDQ "=%ju: " KEY_QUIRK "=" REPEAT " needs a queue of 4 "
				 "commands at least, " KEY_CMDQ "=2", (uintmax_t)cmdq);
	cfg->cmdq_log2 = (uint8_t)cmdq;
	cfg->evtq_log2 = (uint8_t)evtq;
	cfg->sync_timeout_us = timeout;
	return rc;
}

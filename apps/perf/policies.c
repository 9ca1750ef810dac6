/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Lists of policies as they are typed. Which policies there are, only the library says. What the
 * checks of a run must know of one stands in a single table here; a name in it that the library
 * does not have does no harm, and a policy without a row promises nothing.
 */
#include <stdio.h>
#include <string.h>

#include <rte_bitops.h> /* rte_is_power_of_2(), since DPDK 24.07 */
#include <rte_common.h>

#include <sluice/sluice.h>

#include "msg.h"
#include "options.h"
#include "policies.h"

static const struct traits {
	const char *name;
	bool strict; /* no device reaches memory that was handed back */
	bool shares; /* the calls of a burst share their work */
	bool copies; /* some buffers are copied, and the copy is mapped */
} traits[] = {
	{ .name = "strict", .strict = true },
	{ .name = "strict-batched", .strict = true, .shares = true },
	{ .name = "strict-async", .strict = true },
	{ .name = "contiguous", .strict = true, .shares = true },
	{ .name = "copy", .strict = true, .copies = true },
	{ .name = "hybrid", .strict = true, .copies = true },
};

static const struct traits *
traits_of(const char *name)
{
	static const struct traits none;

	for (unsigned int i = 0; i < RTE_DIM(traits); i++)
		if (strcmp(traits[i].name, name) == 0)
			return &traits[i];
	return &none;
}

bool
perf_policy_is_strict(const char *name)
{
	return traits_of(name)->strict;
}

bool
perf_policy_shares(const char *name)
{
	return traits_of(name)->shares;
}

bool
perf_policy_copies(const char *name)
{
	return traits_of(name)->copies;
}

bool
perf_policy_equal(const struct perf_policy *a, const struct perf_policy *b)
{
	return strcmp(a->name, b->name) == 0 && a->batch == b->batch &&
	       a->deadline_us == b->deadline_us && a->copy_max == b->copy_max;
}

static const char *
policy_find(const char *name, size_t len)
{
	for (unsigned int i = 0; sluice_policy_name(i) != NULL; i++)
		if (strlen(sluice_policy_name(i)) == len &&
		    strncmp(sluice_policy_name(i), name, len) == 0)
			return sluice_policy_name(i);
	return NULL;
}

/* @return 0, or -1 with an error line printed if there are too many. */
static int
policy_add(struct perf_options *o, const char *name, const struct perf_policy *set,
	   const char *where)
{
	struct perf_policy p = *set;

	p.name = name;
	for (unsigned int i = 0; i < o->nb_policies; i++)
		if (perf_policy_equal(&o->policy[i], &p))
			return 0;
	if (o->nb_policies == PERF_MAX_POLICIES) {
		perf_usage_error("%s: more than %u policies", where, PERF_MAX_POLICIES);
		return -1;
	}
	o->policy[o->nb_policies++] = p;
	return 0;
}

static int
unknown_policy(const char *where, const char *name, size_t len)
{
	char known[512] = "";
	size_t at = 0;

	for (unsigned int i = 0; sluice_policy_name(i) != NULL && at < sizeof(known); i++)
		at += (size_t)snprintf(known + at, sizeof(known) - at, "%s%s", i ? ", " : "",
				       sluice_policy_name(i));
	perf_usage_error("%s: unknown policy \"%.*s\"; known are %s, or all", where,
			 (int)RTE_MIN(len, (size_t)64), name, known);
	return -1;
}

/* One "key=value". */
static int
setting_take(const char *s, size_t len, const char *where, struct perf_policy *set)
{
	char copy[32];
	uint64_t v;

	snprintf(copy, sizeof(copy), "%.*s", (int)RTE_MIN(len, sizeof(copy)), s);
	if (len >= sizeof(copy))
		goto bad;
	if (strncmp(copy, "batch=", 6) == 0) {
		if (perf_number_parse(copy + 6, 1, PERF_BATCH_MAX, &v) != 0 ||
		    !rte_is_power_of_2((uint32_t)v))
			goto bad;
		set->batch = (uint32_t)v;
		return 0;
	}
	if (strncmp(copy, "deadline_us=", 12) == 0) {
		if (perf_number_parse(copy + 12, 1, PERF_DEADLINE_US_MAX, &v) != 0)
			goto bad;
		set->deadline_us = (uint32_t)v;
		return 0;
	}
	if (strncmp(copy, "copy_max=", 9) == 0) {
		if (perf_number_parse(copy + 9, 1, SLUICE_COPY_MAX, &v) != 0)
			goto bad;
		set->copy_max = (uint32_t)v;
		return 0;
	}
bad:
	perf_usage_error("%s: \"%s\" is no setting of a policy; known are batch=N, a power of two "
			 "up to %u, deadline_us=N, and copy_max=N up to %u", where, copy,
			 PERF_BATCH_MAX, SLUICE_COPY_MAX);
	return -1;
}

/* "NAME[:key=value…]", @p len characters. */
static int
entry_take(const char *s, size_t len, const char *where, struct perf_options *o)
{
	struct perf_policy set = { .name = NULL };
	size_t name_len = strcspn(s, ":"), n;
	const char *name;

	name_len = RTE_MIN(name_len, len);
	for (size_t at = name_len; at < len; at += 1 + n) {
		n = strcspn(s + at + 1, ":");
		n = RTE_MIN(n, len - at - 1);
		if (setting_take(s + at + 1, n, where, &set) != 0)
			return -1;
	}
	if (name_len == 3 && strncmp(s, "all", 3) == 0) {
		for (unsigned int i = 0; sluice_policy_name(i) != NULL; i++)
			if (policy_add(o, sluice_policy_name(i), &set, where) != 0)
				return -1;
		return 0;
	}
	name = policy_find(s, name_len);
	if (name == NULL)
		return unknown_policy(where, s, name_len);
	return policy_add(o, name, &set, where);
}

int
perf_policies_parse(const char *list, const char *where, struct perf_options *o)
{
	const char *p = list;
	size_t len;

	o->nb_policies = 0;
	do {
		p += strspn(p, " \t");
		len = strcspn(p, ", \t");
		if (entry_take(p, len, where, o) != 0)
			return -1;
		p += len;
		p += strspn(p, " \t");
	} while (*p == ',' && *p++ != '\0');
	if (*p == '\0')
		return 0;
	perf_usage_error("%s: \"%s\" is not a comma list of policies", where, list);
	return -1;
}

const char *
perf_policy_label(const struct perf_policy *p, char *buf, size_t size)
{
	size_t at = (size_t)snprintf(buf, size, "%s", p->name);

	if (p->batch != 0 && at < size)
		at += (size_t)snprintf(buf + at, size - at, ":batch=%u", p->batch);
	if (p->deadline_us != 0 && at < size)
		at += (size_t)snprintf(buf + at, size - at, ":deadline_us=%u", p->deadline_us);
	if (p->copy_max != 0 && at < size)
		snprintf(buf + at, size - at, ":copy_max=%u", p->copy_max);
	return buf;
}

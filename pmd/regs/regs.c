/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Opening a register source by name. A key of the device string that neither the source nor the
 * backend knows is an error, never ignored.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "sources.h"

static TAILQ_HEAD(, sluice_regs_source) sources = TAILQ_HEAD_INITIALIZER(sources);

/* Sorted by name, so that lists do not depend on the linker. */
void
sluice_regs_register(struct sluice_regs_source *s)
{
	struct sluice_regs_source *at;

	TAILQ_FOREACH(at, &sources, next)
		if (strcmp(s->ops->name, at->ops->name) < 0) {
			TAILQ_INSERT_BEFORE(at, s, next);
			return;
		}
	TAILQ_INSERT_TAIL(&sources, s, next);
}

/* ---- lists of names, for error lines --------------------------------------------------------- */

struct line {
	char text[400];
	size_t len;
};

static void
line_add(struct line *l, const char *name)
{
	int n = snprintf(l->text + l->len, sizeof(l->text) - l->len, "%s%s", l->len ? ", " : "",
			 name);

	if (n > 0)
		l->len += (size_t)n < sizeof(l->text) - l->len ? (size_t)n :
								 sizeof(l->text) - l->len - 1;
}

static bool
known(const char *const *keys, const char *key)
{
	for (; keys != NULL && *keys != NULL; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

static int
check_keys(const struct rte_kvargs *kv, const char *const *a, const char *const *b)
{
	for (unsigned int i = 0; i < kv->count; i++) {
		const char *key = kv->pairs[i].key;

		if (strcmp(key, "regs") != 0 && !known(a, key) && !known(b, key)) {
			struct line l = { .len = 0 };

			for (; a != NULL && *a != NULL; a++)
				line_add(&l, *a);
			for (; b != NULL && *b != NULL; b++)
				line_add(&l, *b);
			return sluice_fail(EINVAL, "unknown key '%s': use regs, %s", key, l.text);
		}
		if (rte_kvargs_count(kv, key) > 1)
			return sluice_fail(EINVAL, "key '%s' is given twice: once is enough", key);
		if (kv->pairs[i].value == NULL || kv->pairs[i].value[0] == '\0')
			return sluice_fail(EINVAL, "key '%s' has no value: write %s=VALUE", key,
					   key);
	}
	return 0;
}

/* ---- open and close -------------------------------------------------------------------------- */

int
sluice_regs_open(struct sluice_regs *regs, struct rte_kvargs *kv, const char *const *backend_keys)
{
	const char *name = kv != NULL ? rte_kvargs_get(kv, "regs") : NULL;
	const struct sluice_regs_source *s;
	struct line l = { .len = 0 };
	int ret;

	memset(regs, 0, sizeof(*regs));
	TAILQ_FOREACH(s, &sources, next) {
		line_add(&l, s->ops->name);
		if (name != NULL && strcmp(name, s->ops->name) == 0)
			regs->ops = s->ops;
	}
	if (name == NULL)
		return sluice_fail(EINVAL, "no register source: add regs=NAME, one of: %s", l.text);
	if (regs->ops == NULL)
		return sluice_fail(EINVAL, "unknown register source '%s': use one of: %s", name,
				   l.text);
	ret = check_keys(kv, regs->ops->keys, backend_keys);
	if (ret == 0)
		ret = regs->ops->open(regs, kv);
	if (ret != 0)
		regs->ops = NULL;
	return ret;
}

void
sluice_regs_close(struct sluice_regs *regs)
{
	if (regs == NULL || regs->ops == NULL)
		return;
	regs->ops->close(regs);
	memset(regs, 0, sizeof(*regs));
}

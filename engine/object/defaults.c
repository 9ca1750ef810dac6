/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Which policy a device gets by default (E5): requested > the device's > the engine's >
 * what the backend recommends > strict. An untrusted device is always strict.
 */
#include <errno.h>

#include "device.h"
#include "engine.h"
#include "../policy/set.h"

/* The names are the same for every page-table format. */
static const struct policy_set *
any_set(void)
{
	return policy_set_of(pt_format_get(SLUICE_FORMAT_LPAE_S1_4K));
}

/* Names come from callers and may go away: keep the policy's own. @return 0 or -EINVAL. */
static int
find(const char *policy, const char **name)
{
	const struct policy_ops *p = policy == NULL ? NULL : policy_find(any_set(), policy);

	if (policy != NULL && p == NULL)
		return sluice_fail(EINVAL, "unknown policy '%s'", policy);
	*name = p == NULL ? NULL : p->name;
	return 0;
}

int
sluice_device_set_default(struct sluice_device *dev, const char *policy)
{
	if (dev == NULL)
		return sluice_null("a device");
	return find(policy, &dev->policy);
}

int
sluice_engine_set_default(struct sluice_engine *e, const char *policy)
{
	if (e == NULL)
		return sluice_null("an engine");
	return find(policy, &e->policy);
}

const char *
sluice_device_default_policy(const struct sluice_device *dev, const char *requested)
{
	if (dev == NULL) {
		(void)sluice_null("a device");
		return NULL;
	}
	const struct sluice_iommu *iommu = dev->iommu;
	const char *name = requested;

	if (dev->untrusted)
		return any_set()->strict->name;
	if (name == NULL)
		name = dev->policy;
	if (name == NULL && iommu->engine != NULL)
		name = iommu->engine->policy;
	if (name == NULL && iommu->info.recommended[0] != '\0')
		name = iommu->info.recommended;
	return name != NULL ? name : any_set()->strict->name;
}

int
sluice_device_set_untrusted(struct sluice_device *dev, bool untrusted)
{
	if (dev == NULL)
		return sluice_null("a device");
	const struct sluice_domain *d = dev->dom;

	if (untrusted && d != NULL && d->type != SLUICE_DOMAIN_BLOCKED && !d->conf.untrusted)
		return sluice_fail(EBUSY, "stream %#x: in a domain that trusts it: detach it first",
				   dev->stream[0]);
	dev->untrusted = untrusted;
	return 0;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Devices and their streams: which domain each stream is attached to. Control path.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "../inval/ats.h"
#include "device.h"
#include "../inval/multi.h"

static pthread_mutex_t devices_lock = PTHREAD_MUTEX_INITIALIZER;
static TAILQ_HEAD(, sluice_device) devices = TAILQ_HEAD_INITIALIZER(devices);

static bool
stream_taken(const struct sluice_iommu *iommu, uint32_t stream)
{
	const struct sluice_device *dev;

	TAILQ_FOREACH(dev, &devices, next)
		for (unsigned int i = 0; dev->iommu == iommu && i < dev->nb_streams; i++)
			if (dev->stream[i] == stream)
				return true;
	return false;
}

static int
device_check(const struct sluice_iommu *iommu, const uint32_t *streams, unsigned int n)
{
	if (n == 0 || n > SLUICE_DEVICE_STREAMS)
		return sluice_fail(EINVAL, "a device has 1 … %u streams, not %u", SLUICE_DEVICE_STREAMS, n);
	for (unsigned int i = 0; i < n; i++) {
		if (iommu->info.sid_bits < 32 && streams[i] >> iommu->info.sid_bits != 0)
			return sluice_fail(EINVAL, "StreamID %#x: this iommu has %u bits of it", streams[i],
					   iommu->info.sid_bits);
		for (unsigned int k = 0; k < i; k++)
			if (streams[k] == streams[i])
				return sluice_fail(EINVAL, "StreamID %#x is given twice", streams[i]);
		if (stream_taken(iommu, streams[i]))
			return sluice_fail(EEXIST, "StreamID %#x belongs to a device already", streams[i]);
	}
	return 0;
}

struct sluice_device *
sluice_device_add(struct sluice_iommu *iommu, const uint32_t *streams, unsigned int n)
{
	if (iommu == NULL || streams == NULL) {
		(void)sluice_null("an iommu, or its streams");
		return NULL;
	}
	struct sluice_device *dev = NULL;

	pthread_mutex_lock(&devices_lock);
	if (device_check(iommu, streams, n) == 0) {
		dev = calloc(1, sizeof(*dev));
		if (dev == NULL) {
			sluice_fail(ENOMEM, "no memory for a device");
		} else {
			dev->iommu = iommu;
			dev->nb_streams = n;
			for (unsigned int i = 0; i < n; i++)
				dev->stream[i] = streams[i];
			TAILQ_INSERT_TAIL(&devices, dev, next);
			iommu->nb_devices++;
		}
	}
	pthread_mutex_unlock(&devices_lock);
	return dev;
}

/* Point one stream at a domain, NULL: blocked. */
static int
stream_attach(struct sluice_device *dev, uint32_t stream, struct sluice_domain *dom)
{
	const struct sluice_iommu_ops *ops = dev->iommu->ops;

	if (dom == NULL || dom->type == SLUICE_DOMAIN_BLOCKED)
		return ops->attach_blocked(dev->iommu, stream);
	if (dom->type == SLUICE_DOMAIN_IDENTITY)
		return ops->attach_identity(dev->iommu, stream);
	return ops->attach_paging(dev->iommu, stream, multi_hw(dom, dev->iommu));
}

/* The device did not answer: quarantine it. @return -EREMOTEIO, or why it could not be blocked. */
static int
no_answer(struct sluice_device *dev)
{
	int ret = ats_quarantine(dev->dom, dev);

	return ret != 0 ? ret :
	       sluice_fail(EREMOTEIO, "stream %#x: the device did not answer and is quarantined",
			   dev->stream[0]);
}

/* Turn ATS off (ats.h, 3d), for a device in quarantine, too. */
static int
device_ats_off(struct sluice_device *dev)
{
	const struct sluice_iommu_ops *ops = dev->iommu->ops;
	int ret = 0, r;

	if (!dev->ats_on)
		return 0;
	for (unsigned int i = 0; i < dev->nb_streams; i++) {
		r = ops->ats(dev->iommu, dev->stream[i], false);
		if (r != 0 && (ret == 0 || ret == -EREMOTEIO))
			ret = r;
	}
	if (ret != 0 && ret != -EREMOTEIO)
		return ret;
	if (ret == -EREMOTEIO)
		ret = no_answer(dev);
	if (ats_leave(dev->dom, dev) != 0)
		return sluice_fail(ENOMEM, "no memory for a shorter list of devices");
	dev->ats_on = false;
	return ret;
}

/* Turn ATS on (ats.h, 3c). If that fails, it is off. */
static int
device_ats_on(struct sluice_device *dev)
{
	const struct sluice_iommu_ops *ops = dev->iommu->ops;
	int ret;

	if (dev->dom == NULL || dev->dom->type != SLUICE_DOMAIN_PAGING || dev->ats_on)
		return 0;
	if (dev->iommu != dev->dom->iommu)
		return sluice_fail(ENOTSUP, "stream %#x: ATS only behind the domain's first iommu",
				   dev->stream[0]);
	if (ats_join(dev->dom, dev) != 0)
		return sluice_fail(ENOMEM, "no memory for a list of devices");
	dev->ats_on = true;
	for (unsigned int i = 0; i < dev->nb_streams; i++) {
		ret = ops->ats(dev->iommu, dev->stream[i], true);
		if (ret == 0)
			continue;
		if (ret == -EREMOTEIO)
			ret = no_answer(dev);
		(void)device_ats_off(dev);
		return ret;
	}
	return 0;
}

/* Point all streams at @p dom; on failure back to what was, or blocked when even that fails. */
static int
device_switch(struct sluice_device *dev, struct sluice_domain *dom)
{
	bool blocks = dom == NULL || dom->type == SLUICE_DOMAIN_BLOCKED;
	unsigned int i;
	int ret;

	/* The device forgets the old address space first, and never sees two (3.9.2 of the SMMU's
	 * specification, and PCIe's, for any hardware). */
	ret = device_ats_off(dev);
	if (ats_quarantined(dev) && !blocks)
		return sluice_fail(ret != 0 ? -ret : EPERM, "stream %#x: in quarantine: remove the "
				   "device, and add it when it is well", dev->stream[0]);
	if (ret != 0 && ret != -EREMOTEIO)
		return ret;
	ret = 0;
	for (i = 0; i < dev->nb_streams && ret == 0; i++)
		ret = stream_attach(dev, dev->stream[i], dom);
	if (ret == 0) {
		if (dev->dom != NULL)
			dev->dom->nb_devices--;
		if (dom != NULL)
			dom->nb_devices++;
		dev->dom = dom;
		return dev->ats ? device_ats_on(dev) : 0;
	}
	while (i-- > 0)
		if (stream_attach(dev, dev->stream[i], dev->dom) != 0)
			(void)stream_attach(dev, dev->stream[i], NULL);
	if (dev->ats && !ats_quarantined(dev))
		(void)device_ats_on(dev);
	return ret;
}

int
sluice_device_attach(struct sluice_device *dev, struct sluice_domain *dom)
{
	if (dev == NULL)
		return sluice_null("a device");
	int ret;

	/* The hardware knows nothing any more of a domain that is half-way destroyed. */
	if (dom == NULL || dom->unplugged || (dom->iommu != dev->iommu && multi_hw(dom, dev->iommu) == NULL))
		return sluice_fail(EINVAL, "the domain is not behind this device's iommu");
	if (dev->untrusted && dom->type != SLUICE_DOMAIN_BLOCKED && !dom->conf.untrusted)
		return sluice_fail(EPERM, "stream %#x is not trusted: its domain is to be made so",
				   dev->stream[0]);
	pthread_mutex_lock(&devices_lock);
	ret = device_switch(dev, dom);
	pthread_mutex_unlock(&devices_lock);
	return ret;
}

int
sluice_device_detach(struct sluice_device *dev)
{
	if (dev == NULL)
		return sluice_null("a device");
	int ret;

	pthread_mutex_lock(&devices_lock);
	ret = device_switch(dev, NULL);
	pthread_mutex_unlock(&devices_lock);
	return ret;
}

int
sluice_device_remove(struct sluice_device *dev)
{
	int ret;

	if (dev == NULL)
		return 0;
	pthread_mutex_lock(&devices_lock);
	ret = device_switch(dev, NULL);
	if (ret == 0) {
		TAILQ_REMOVE(&devices, dev, next);
		dev->iommu->nb_devices--;
		free(dev);
	}
	pthread_mutex_unlock(&devices_lock);
	return ret;
}

int
sluice_device_ats(struct sluice_device *dev, bool on)
{
	if (dev == NULL)
		return sluice_null("a device");
	int ret;

	if ((dev->iommu->caps & SLUICE_CAP_ATS) == 0 || dev->iommu->ops->ats == NULL)
		return sluice_fail(ENOTSUP, "this iommu, or what is behind it, has no ATS");
	pthread_mutex_lock(&devices_lock);
	if (ats_quarantined(dev)) {
		ret = sluice_fail(EPERM, "stream %#x: in quarantine", dev->stream[0]);
	} else {
		ret = on ? device_ats_on(dev) : device_ats_off(dev);
		dev->ats = on && ret == 0;
	}
	pthread_mutex_unlock(&devices_lock);
	return ret;
}

bool
sluice_device_quarantined(const struct sluice_device *dev)
{
	if (dev == NULL) {
		(void)sluice_null("a device");
		return false;
	}
	return ats_quarantined(dev);
}

struct sluice_domain *
sluice_device_domain(const struct sluice_device *dev)
{
	if (dev == NULL) {
		(void)sluice_null("a device");
		return NULL;
	}
	return dev->dom;
}

uint32_t
sluice_device_stream(const struct sluice_device *dev, unsigned int i)
{
	if (dev == NULL || i >= dev->nb_streams) {
		(void)sluice_null("a device, or a stream of it,");
		return 0;
	}
	return dev->stream[i];
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A device's access, from its address to memory: the IOMMU translates, then bytes move. The
 * ownership map shows whether the access is stale.
 */
#include <errno.h>
#include <string.h>

#include <rte_errno.h>

#include "core.h"

enum emu_access
emu_dma(struct emu *e, uint32_t sid, uint64_t iova, void *dev_mem, uint32_t len, bool write_host,
	uint32_t *done)
{
	uint8_t *dev = dev_mem;
	enum emu_access res = EMU_OK;
	uint32_t left = len;

	while (left != 0) {
		struct emu_req r = { .iova = iova, .sid = sid, .write = write_host };
		uint32_t n = EMU_PAGE - (uint32_t)(iova & (EMU_PAGE - 1));
		uint8_t *host;

		if (n > left)
			n = left;
		emu_count(&e->st.accesses, 1);
		res = e->ops->translate(e, &r);
		if (unlikely(res != EMU_OK)) {
			if (r.zero && !write_host)
				memset(dev, 0, n);
			emu_count(&e->st.faults, 1);
			break;
		}
		host = emu_pa(e, r.pa, n);
		if (unlikely(host == NULL)) {
			emu_count(&e->st.mem_aborts, 1);
			res = EMU_ABORT;
			break;
		}
		emu_check_owner(e, r.pa);
		if (write_host)
			memcpy(host, dev, n);
		else
			memcpy(dev, host, n);
		emu_count(&e->st.bytes, n);
		iova += n;
		dev += n;
		left -= n;
	}
	if (done != NULL)
		*done = len - left;
	return res;
}

/* A probe reads memory that the CPU may be writing; this race is intended. */
__attribute__((no_sanitize("thread"))) uint64_t
emu_peek(void *host)
{
	return emu_ld64(host);
}

enum emu_access
emu_probe(struct emu *e, uint32_t sid, uint64_t iova)
{
	struct emu_req r = { .iova = iova & ~UINT64_C(7), .sid = sid, .probe = true };
	enum emu_access res;
	void *host;

	emu_count(&e->st.probes, 1);
	res = e->ops->translate(e, &r);
	if (res != EMU_OK) {
		emu_count(&e->st.probe_faults, 1);
		return res;
	}
	host = emu_pa(e, r.pa, 8);
	if (host == NULL) {
		emu_count(&e->st.mem_aborts, 1);
		return EMU_ABORT;
	}
	emu_check_owner(e, r.pa);
	emu_peek(host);
	emu_count(&e->st.probe_hits, 1);
	return EMU_OK;
}

int
emu_watch(struct emu *e, uint64_t pa, uint64_t len, const uint8_t *owned)
{
	if ((pa | len) & (EMU_PAGE - 1) || (owned == NULL && len != 0)) {
		rte_errno = EINVAL;
		return -EINVAL;
	}
	emu_lock(e);
	e->owner = (struct emu_owner){ .pa = pa, .len = len, .owned = owned };
	emu_unlock(e);
	return 0;
}

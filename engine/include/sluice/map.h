/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The fast path: mapping and unmapping for DMA. NULL is not looked for here, but by map_fixed,
 * unmap_fixed and iova_to_pa; and a signal handler may call none of it.
 */
#ifndef SLUICE_MAP_H
#define SLUICE_MAP_H

#include <sluice/common.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What the device may do with a mapping. Write implies read (VMSAv8-64 stage 1). */
#define SLUICE_READ  (1u << 0)
#define SLUICE_WRITE (1u << 1)
#define SLUICE_RW    (SLUICE_READ | SLUICE_WRITE)

/**
 * Map [pa, pa+len) for the device. No lock, no allocation, no system call. The mapping is
 * visible to the device once the caller's doorbell, with its usual write barrier, is.
 * @param pa physical address, any alignment. @param len bytes, 1 … 2 GiB.
 * @param prot SLUICE_READ or SLUICE_RW.
 * @param iova receives the address for the device; same offset in the page as @p pa.
 * @return 0; -ENXIO this lcore did not register as a worker; -EINVAL len, prot, an address
 *   beyond the hardware's, or a blocked domain; -ENOSPC no IOVA; -ENOMEM no page-table page, or
 *   no room in a mirror's copy. In all of these no device can reach the memory. -ETIMEDOUT,
 *   -EIO: a mirror did not take the mapping, and may have kept part of it: the memory may
 *   not be used.
 */
SLUICE_API int sluice_map(struct sluice_domain *dom, uint64_t pa, size_t len, unsigned int prot,
			  uint64_t *iova);

/**
 * Undo one sluice_map(), with the same @p len. Any other length, or address, is -EINVAL or -ENOENT, be
 * it wrong by one byte. One exception: "static" and "hugepool" map the same memory any number of
 * times at the same address, and where several mappings begin in one page they know of each that it
 * is there, not how long it is within the page.
 *
 * No two lcores may unmap the same mapping at once: that is the caller's error, as freeing memory
 * twice is. Both may then succeed, and the address be given out twice. "static" and "hugepool",
 * and a library that was built with -Dchecks=true, let one succeed; the other gets -ENOENT. One
 * after the other is an error always: -ENOENT, unless the address has been given out again.
 *
 * When the device can no longer reach the memory depends on the domain's policy; strict: when this
 * returns 0. All or nothing: on -ENXIO, -EINVAL, -ENOENT and -EAGAIN nothing changed.
 * @return 0; -ENXIO this lcore is not a worker; -EINVAL @p iova or @p len is outside the window
 *   or does not agree with one whole mapping; -ENOENT nothing is mapped there; -EAGAIN (deferred)
 *   the flush ring stayed full for the SYNC timeout, or is full and this is a callback of the engine's; -ETIMEDOUT or -EIO
 *   the invalidation failed: the translation is gone from the table but a device may still hold
 *   it, so neither the IOVA nor the memory may be used again.
 */
SLUICE_API int sluice_unmap(struct sluice_domain *dom, uint64_t iova, size_t len);

/** One piece of a burst. */
struct sluice_seg {
	uint64_t pa;     /**< map: physical address */
	uint64_t iova;   /**< map: receives the address for the device; unmap: that address */
	uint64_t cookie; /**< unmap_async: what the completion is to name */
	uint32_t len;    /**< bytes, 1 … 2 GiB */
	uint32_t prot;   /**< map: SLUICE_READ or SLUICE_RW */
};

/**
 * Map several pieces at once. Most policies map one after the other; "contiguous" gives the
 * whole burst neighbouring IOVAs (all of a descriptor), which are then unmapped together: as many
 * pieces as this call mapped. All pages of such a burst together are at most 2 GiB.
 * @param n pieces. @return how many were mapped, from the front; when fewer than @p n, rte_errno
 *   says what sluice_map() would have returned for the next. With "contiguous" also E2BIG: the next
 *   would make it more than 2 GiB, and begins a burst of its own; and without IOVAs (ENOSPC) or table
 *   pages (ENOMEM) for all of them together none is mapped.
 */
SLUICE_API unsigned int sluice_map_burst(struct sluice_domain *dom, struct sluice_seg *seg,
					 unsigned int n);

/**
 * Unmap several pieces at once; what holds for each when this returns is what holds after
 * sluice_unmap(). "strict-batched" pays one SYNC for the burst, "contiguous" one range and one SYNC:
 * there the pieces must be all that one burst mapped, in order, or none is unmapped (EINVAL), each as
 * sluice_unmap() says of a mapping.
 * @return how many were unmapped, from the front; when fewer than @p n, rte_errno says why, as
 *   sluice_unmap(). After ETIMEDOUT or EIO the memory of none of the others may be used again.
 */
SLUICE_API unsigned int sluice_unmap_burst(struct sluice_domain *dom, const struct sluice_seg *seg,
					   unsigned int n);

/**
 * Unmap without waiting: the IOVA *and the memory* come back to the caller when the invalidation
 * is complete, and then @p cookie comes out of sluice_unmap_completed() on this lcore, once, in
 * the order of the calls. (When IOVAs run out, the address may be given out again before its
 * cookie was taken, never before the invalidation is complete: tell unmaps apart by the cookie.) That
 * is strict's safety without strict's waiting, on a domain whose policy
 * is "strict-async". On every other one this is sluice_unmap().
 * @return 1: released later, a cookie will come; 0: released already, as that policy understands it,
 *   no cookie comes; else as sluice_unmap(), -EAGAIN also when the flush ring is full of
 *   completions that nobody took.
 */
SLUICE_API int sluice_unmap_async(struct sluice_domain *dom, uint64_t iova, size_t len,
				  uint64_t cookie);

/**
 * The same for several pieces. @param later receives how many of them, from the front, come
 * back by a cookie; the others are released already. @return how many were unmapped, as sluice_unmap_burst().
 */
SLUICE_API unsigned int sluice_unmap_async_burst(struct sluice_domain *dom,
						 const struct sluice_seg *seg, unsigned int n,
						 unsigned int *later);

/**
 * Take cookies of unmaps of this lcore that are complete: their memory is the caller's again.
 * Poll it; nothing waits. Where nobody polls the engine, this makes a turn of it.
 * @return how many of @p cookie, at most @p n, were written; 0 with rte_errno: 0 none is complete, or
 *   none is due; ETIMEDOUT some are due and the engine, which a thread has begun to poll, has made no
 *   turn for the SYNC timeout: see sluice_error(). They come when it is polled again.
 */
SLUICE_API unsigned int sluice_unmap_completed(struct sluice_domain *dom, uint64_t *cookie,
					       unsigned int n);

/** Called with cookies of completed unmaps, on the lcore that unmapped. Must not block. */
typedef void (*sluice_release_cb)(const uint64_t *cookie, unsigned int n, void *arg);

/** sluice_unmap_completed() for those who prefer to be called. @return how many were handed over. */
SLUICE_API unsigned int sluice_unmap_dispatch(struct sluice_domain *dom, sluice_release_cb cb,
					      void *arg);

/**
 * Call for a flush of what this lcore has queued in @p dom, however little: for a caller that has
 * nothing more to unmap and waits for completions. Where nobody polls the engine, this makes a turn.
 */
SLUICE_API void sluice_unmap_kick(struct sluice_domain *dom);

/**
 * Map at a fixed IOVA outside the window that sluice_map() uses, with the largest blocks that fit
 * (4 KiB, 2 MiB, 1 GiB), whatever was mapped there before. All or nothing: on -EINVAL, -EEXIST and
 * -ENOMEM no device could reach any of it at any time. Control path: takes a lock, allocates.
 * @param iova, pa, size multiples of 4096.
 * @return 0; -EINVAL; -EEXIST something is mapped there; -ENOMEM no memory for tables, or no room
 *   in a mirror's copy; -ETIMEDOUT, -EIO as sluice_map().
 */
SLUICE_API int sluice_map_fixed(struct sluice_domain *dom, uint64_t iova, uint64_t pa,
				uint64_t size, unsigned int prot);

/**
 * Unmap what sluice_map_fixed() mapped, all of it or whole pages and blocks, and wait until no
 * device can reach it, whatever the policy. Blocks are not split. Page tables that have become
 * empty are given back, unless the window's addresses are translated through them. Of two that
 * unmap the same at once one gets -ENOENT. Control path: takes a lock while it waits.
 * @return 0; -EINVAL; -ENOENT a page of it is not mapped; -ERANGE it cuts a block: nothing was
 *   unmapped; -ETIMEDOUT, -EIO as sluice_unmap().
 */
SLUICE_API int sluice_unmap_fixed(struct sluice_domain *dom, uint64_t iova, uint64_t size);

/**
 * What the page table says of an address. Control path.
 * @return 0 with *pa set; -ENOENT.
 */
SLUICE_API int sluice_iova_to_pa(struct sluice_domain *dom, uint64_t iova, uint64_t *pa);

#ifdef __cplusplus
}
#endif
#endif

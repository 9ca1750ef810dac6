/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The fast path: mapping and unmapping for DMA. NULL is not checked here, except by map_fixed,
 * unmap_fixed and iova_to_pa. A signal handler may call none of these functions.
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
 * Map [pa, pa+len) for the device, without a lock, an allocation or a system call. A device
 * that sees the caller's doorbell, written after the usual write barrier, sees the mapping too.
 * @param pa physical address, any alignment. @param len bytes, 1 … 2 GiB.
 * @param prot SLUICE_READ or SLUICE_RW.
 * @param iova receives the address for the device; same offset in the page as @p pa.
 * @return 0; -ENXIO this lcore is not registered as a worker; -EINVAL len, prot, an address that
 *   the hardware cannot reach, or a blocked domain; -ENOSPC no IOVA; -ENOMEM no page-table page, or
 *   no room in a mirror's copy. After any of these no device can reach the memory. -ETIMEDOUT,
 *   -EIO: a mirror did not take the mapping and may have kept part of it, so the memory must not be
 *   used.
 */
SLUICE_API int sluice_map(struct sluice_domain *dom, uint64_t pa, size_t len, unsigned int prot,
			  uint64_t *iova);

/**
 * Undo one sluice_map(), with the same @p len. An address or a length that is wrong, even by one
 * byte, is -EINVAL or -ENOENT. There is one exception: "static" and "hugepool" map the same memory
 * any number of times at the same address. Where several mappings begin in one page, these policies
 * know how many there are, but not the length of each within the page.
 *
 * No two lcores may unmap the same mapping at once: this is the caller's error, like freeing memory
 * twice. Both may then succeed, and the address may be handed out twice. "static" and "hugepool",
 * and a library that was built with -Dchecks=true, let one succeed; the other gets -ENOENT. A
 * second unmap after the first is always an error: -ENOENT, unless the address has been handed out
 * again.
 *
 * The domain's policy decides when the device can no longer reach the memory; with strict this is
 * when the call returns 0. All or nothing: on -ENXIO, -EINVAL, -ENOENT and -EAGAIN nothing has
 * changed.
 * @return 0; -ENXIO this lcore is not a worker; -EINVAL @p iova or @p len is outside the window or
 *   does not match one whole mapping; -ENOENT nothing is mapped there; -EAGAIN (deferred) the flush
 *   ring stayed full for the SYNC timeout, or is full and this is a callback of the engine;
 *   -ETIMEDOUT or -EIO the invalidation failed: the translation is gone from the table, but a
 *   device may still hold it, so neither the IOVA nor the memory may be used again.
 */
SLUICE_API int sluice_unmap(struct sluice_domain *dom, uint64_t iova, size_t len);

/** One piece of a burst. */
struct sluice_seg {
	uint64_t pa;     /**< map: physical address */
	uint64_t iova;   /**< map: receives the address for the device; unmap: that address */
	uint64_t cookie; /**< unmap_async: comes back with the completion */
	uint32_t len;    /**< bytes, 1 … 2 GiB */
	uint32_t prot;   /**< map: SLUICE_READ or SLUICE_RW */
};

/**
 * Map several pieces at once. Most policies map one after the other. "contiguous" gives the whole
 * burst contiguous IOVAs (for one descriptor); the pieces that one call mapped are then unmapped
 * together. All pages of such a burst together are at most 2 GiB.
 * @param n pieces.
 * @return how many were mapped, from the first on. If fewer than @p n, rte_errno says what
 *   sluice_map() would have returned for the next one. With "contiguous" also E2BIG: the next one
 *   would exceed 2 GiB and must begin a burst of its own; and if IOVAs (ENOSPC) or table pages
 *   (ENOMEM) do not suffice for all together, none is mapped.
 */
SLUICE_API unsigned int sluice_map_burst(struct sluice_domain *dom, struct sluice_seg *seg,
					 unsigned int n);

/**
 * Unmap several pieces at once, each with the guarantees of sluice_unmap(). "strict-batched" pays
 * one SYNC for the burst, "contiguous" one range and one SYNC. With "contiguous" the pieces must be
 * exactly those that one burst mapped, in order and to the byte, or none is unmapped (EINVAL).
 * @return how many were unmapped, from the first on. If fewer than @p n, rte_errno says why, as for
 *   sluice_unmap(). After ETIMEDOUT or EIO the memory of none of the others may be used again.
 */
SLUICE_API unsigned int sluice_unmap_burst(struct sluice_domain *dom, const struct sluice_seg *seg,
					   unsigned int n);

/**
 * Unmap without waiting: the IOVA *and the memory* are the caller's again when the invalidation is
 * complete. Then @p cookie comes out of sluice_unmap_completed() on this lcore, once, in the order
 * of the calls. (If IOVAs run out, the address may be handed out again before its cookie was taken,
 * but never before the invalidation is complete: tell unmaps apart by the cookie.) This is as safe
 * as strict without the wait, on a domain with policy "strict-async". On every other domain it is
 * sluice_unmap().
 * @return 1: released later, and a cookie will come; 0: released already, as the policy in force
 *   defines it, and no cookie comes; else as sluice_unmap(), with -EAGAIN also if the flush ring is
 *   full of completions whose cookies were not taken.
 */
SLUICE_API int sluice_unmap_async(struct sluice_domain *dom, uint64_t iova, size_t len,
				  uint64_t cookie);

/**
 * The same for several pieces.
 * @param later receives how many of them, from the first on, come back by a cookie; the others are
 *   released already.
 * @return how many were unmapped, as sluice_unmap_burst().
 */
SLUICE_API unsigned int sluice_unmap_async_burst(struct sluice_domain *dom,
						 const struct sluice_seg *seg, unsigned int n,
						 unsigned int *later);

/**
 * Take the cookies of this lcore's completed unmaps: their memory is the caller's again. The call
 * does not wait, so poll it. If no thread polls the engine, it makes one turn of the engine.
 * @return how many of @p cookie, at most @p n, were written. 0 with rte_errno: 0: none is complete,
 *   or none is due; ETIMEDOUT: some are due, but the engine, which a thread has begun to poll, has
 *   made no turn for the SYNC timeout, see sluice_error(). They come when it is polled again.
 */
SLUICE_API unsigned int sluice_unmap_completed(struct sluice_domain *dom, uint64_t *cookie,
					       unsigned int n);

/** Receives the cookies of completed unmaps, on the lcore that unmapped. It must not block. */
typedef void (*sluice_release_cb)(const uint64_t *cookie, unsigned int n, void *arg);

/** sluice_unmap_completed() with a callback. @return how many cookies @p cb received. */
SLUICE_API unsigned int sluice_unmap_dispatch(struct sluice_domain *dom, sluice_release_cb cb,
					      void *arg);

/**
 * Ask for a flush of what this lcore has queued in @p dom, however little. This is for a caller
 * that has nothing more to unmap and waits for completions. If no thread polls the engine, it makes
 * a turn.
 */
SLUICE_API void sluice_unmap_kick(struct sluice_domain *dom);

/**
 * Map at a fixed IOVA outside the window that sluice_map() uses, with the largest blocks that fit
 * (4 KiB, 2 MiB, 1 GiB), also if the address was used before. All or nothing: on -EINVAL, -EEXIST
 * and -ENOMEM no device could reach any of it at any time. Control path: it takes a lock and
 * allocates.
 * @param iova, pa, size multiples of 4096.
 * @return 0; -EINVAL; -EEXIST something is mapped there; -ENOMEM no memory for tables, or no room
 *   in a mirror's copy; -ETIMEDOUT, -EIO as sluice_map().
 */
SLUICE_API int sluice_map_fixed(struct sluice_domain *dom, uint64_t iova, uint64_t pa,
				uint64_t size, unsigned int prot);

/**
 * Unmap what sluice_map_fixed() mapped, all of it or whole pages and blocks, and wait until no
 * device can reach it, with any policy. Blocks are not split. Page tables that become empty are
 * freed, unless they translate addresses of the window. If two threads unmap the same at once, one
 * gets -ENOENT. Control path: it holds a lock while it waits.
 * @return 0; -EINVAL; -ENOENT a page of it is not mapped; -ERANGE it cuts a block: nothing was
 *   unmapped; -ETIMEDOUT, -EIO as sluice_unmap().
 */
SLUICE_API int sluice_unmap_fixed(struct sluice_domain *dom, uint64_t iova, uint64_t size);

/**
 * Translate an address by the page table. Control path.
 * @return 0 with *pa set; -ENOENT.
 */
SLUICE_API int sluice_iova_to_pa(struct sluice_domain *dom, uint64_t iova, uint64_t *pa);

#ifdef __cplusplus
}
#endif
#endif

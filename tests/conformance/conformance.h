/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The conformance list as a program sees it: what cases there are, and running them one by one
 * against an IOMMU. The cases themselves see conf.h.
 */
#ifndef CONFORMANCE_H
#define CONFORMANCE_H

#include <stdint.h>

struct conf;

/** One case: a sentence about IOMMU and driver that is true, or not. */
struct conf_case {
	const char *name;   /**< "group.what": unique */
	const char *proves; /**< one sentence, with the section of IHI 0070 it comes from */
	/** Where QEMU's model leaves the architecture, and what it does instead: expected there. */
	const char *qemu_deviates;
	const char *qemu10_deviates; /**< … and only versions before 11 do */
	const char *qemu7_deviates; /**< … and only version 7.2's does, which has no stage 2 */
	const char *args;   /**< added to the device string, "key=value,…"; or NULL */
	uint64_t needs;     /**< CONF_NEED_*: else it is skipped */
	int fresh;          /**< wants a machine on which nothing was done */
	void (*run)(struct conf *c);
};

/** What a case may need of the machine; names for people from conf_need_text(). */
#define CONF_NEED_S1       (UINT64_C(1) << 0)
#define CONF_NEED_S2       (UINT64_C(1) << 1)  /**< stage 2 */
#define CONF_NEED_NO_S2    (UINT64_C(1) << 2)  /**< … its absence */
#define CONF_NEED_2LVL     (UINT64_C(1) << 3)  /**< two-level stream table in use */
#define CONF_NEED_RIL      (UINT64_C(1) << 4)  /**< range invalidation */
#define CONF_NEED_MSI      (UINT64_C(1) << 5)
#define CONF_NEED_16K      (UINT64_C(1) << 6)
#define CONF_NEED_64K      (UINT64_C(1) << 7)
#define CONF_NEED_DEV2     (UINT64_C(1) << 8)  /**< two devices that make DMA */
#define CONF_NEED_READS    (UINT64_C(1) << 9)  /**< a device that can read host memory */
#define CONF_NEED_TELLS    (UINT64_C(1) << 10) /**< a device that is told of faults */
#define CONF_NEED_MODEL    (UINT64_C(1) << 11) /**< a model: an access to nowhere breaks nothing */
#define CONF_NEED_NO_SSID  (UINT64_C(1) << 12) /**< no SubstreamIDs */
#define CONF_NEED_NO_STALL (UINT64_C(1) << 13) /**< faults are terminated only */
#define CONF_NEED_NO_HTTU  (UINT64_C(1) << 14) /**< no hardware update of AF and dirty state */
#define CONF_NEED_NO_HYP   (UINT64_C(1) << 15)
#define CONF_NEED_V32      (UINT64_C(1) << 16) /**< AIDR says SMMUv3.2 or later */
#define CONF_NEED_NO_ATS   (UINT64_C(1) << 17)
#define CONF_NEED_NO_PRI   (UINT64_C(1) << 18)
#define CONF_NEED_RAZWI    (UINT64_C(1) << 19) /**< TERM_MODEL 0: termination may be RAZ/WI */
#define CONF_NEED_ASID16   (UINT64_C(1) << 20)
#define CONF_NEED_MSI_SYNC (UINT64_C(1) << 21) /**< SYNCs of this device string write memory */
#define CONF_NEED_TERM     (UINT64_C(1) << 22) /**< TERM_MODEL 1: a terminated access is aborted */
#define CONF_NEED_ATTR_OVR (UINT64_C(1) << 23) /**< IDR1.ATTR_PERMS_OVR */
#define CONF_NEED_NESTED   (UINT64_C(1) << 24) /**< both stages */
#define CONF_NEED_LINEAR   (UINT64_C(1) << 25) /**< a linear stream table is taken as one */
#define CONF_NEED_ATS      (UINT64_C(1) << 26) /**< IDR0.ATS, and devices that use it */
#define CONF_NEED_HYP      (UINT64_C(1) << 27) /**< IDR0.Hyp */
#define CONF_NEEDS         28u

enum conf_verdict { CONF_PASS, CONF_FAIL, CONF_SKIP };

struct conf_result {
	enum conf_verdict verdict;
	uint32_t ms;      /**< how long it took */
	char text[512];   /**< FAIL: what was seen; SKIP: why; PASS: a remark, or "" */
};

struct conf_options {
	const char *dev;  /**< device string */
	const char *dma; /**< who makes DMA: "emu", "edu", …; NULL: what fits the register source */
	uint64_t seed;    /**< of everything random */
};

/** The i-th case; NULL after the last. */
const struct conf_case *conf_case_get(unsigned int i);

/**
 * Open the machine. EAL is up; the calling lcore will be the worker.
 * @return NULL with sluice_error() set.
 */
struct conf *conf_open(const struct conf_options *o);
void conf_close(struct conf *c);

/** Run one case. Whatever it leaves behind is cleared away. */
void conf_run(struct conf *c, const struct conf_case *k, struct conf_result *r);

/** What the machine is, one line. */
const char *conf_machine(const struct conf *c);

/** The deviation that the case expects here, or NULL. */
const char *conf_deviation(const struct conf *c, const struct conf_case *k);

#endif

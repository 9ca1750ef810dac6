/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * One SMMUv3 as its driver sees it: its parts, and the functions that each part offers the others.
 */
#ifndef SMMUV3_H
#define SMMUV3_H

#include <pthread.h>

#include "cmdq.h"
#include "entry.h"
#include "evtq.h"
#include "idr.h"

/* Stream table limits: how much of a larger SIDSIZE is covered. */
#define STRTAB_SPLIT          8u  /* StreamIDs of one level-2 table: 2^8 */
#define STRTAB_LINEAR_MAX     16u /* log2 StreamIDs: 4 MiB of STEs */
#define STRTAB_2LVL_MAX       25u /* log2 StreamIDs: 1 MiB of level-1 entries */

/** Stream table (§3.3.1); control path, under smmu.lock. */
struct smmu_strtab {
	bool two_level;
	uint8_t log2size;     /* StreamIDs covered */
	_Atomic uint64_t *l1; /* two-level: descriptors; linear: the STEs */
	uint64_t pa;
	size_t bytes;
	_Atomic uint64_t **l2; /* two-level: the STEs behind each descriptor, or NULL */
};

/** ASIDs or VMIDs; control path, under smmu.lock. */
struct smmu_ids {
	uint64_t *used; /* one bit for each */
	uint32_t count; /* 256 or 65536 */
	uint32_t next;  /* the search begins here, so a freed one is reused late */
};

/** Errors that GERROR reported (§7.5), by bit; written under the service lock. */
struct smmu_gerrors {
	_Atomic uint64_t count[10];
	_Atomic uint64_t handled;
};

/** The codes of a page-table format. */
struct smmu_format {
	bool s2;
	uint8_t shift;   /* log2 of the granule */
	uint8_t tg;      /* CD.TG0, STE.S2TG */
	uint8_t tlbi_tg; /* TG of TLBI commands by range */
};

/** A paging domain's context. */
struct smmu_ctx {
	_Atomic uint64_t *cd; /* stage 1; NULL: stage 2 */
	uint64_t cd_pa;
	uint64_t s2[2];       /* stage 2: words 2 and 3 of its STEs */
	struct smmu_ctx *parent; /* stage 1: the stage 2 under it, or NULL */
	uint16_t asid;        /* stage 1 */
	uint16_t vmid;        /* its own, or its parent's; 0: there is no stage 2 */
	unsigned int users;   /* streams attached; contexts that this one is the parent of */
};

struct smmu {
	struct cmdq cmdq; /* hot, first: the fast row's queue pointer is this struct */
	struct evtq evtq;
	struct sluice_regs regs;
	struct sluice_iommu *iommu;
	struct smmu_idr idr;
	bool ats; /* IDR0.ATS, and endpoints can be switched; constant after open */
	struct smmu_gerrors gerr;
	/* The bits of CR0 that are acknowledged and stay so until this driver changes them, and above
	 * them how often it did; written by write_cr0() and raw writes, read by smmu_service(). */
	_Atomic uint64_t cr0;
	_Atomic uint64_t resets; /* 1: the hardware was reset underneath */
	atomic_flag servicing; /* try-lock of smmu_service() */
	pthread_mutex_t lock;  /* protects everything below */
	struct smmu_strtab strtab;
	bool given;   /* the hardware was given memory */
	bool stopped; /* and no longer uses it: smmu_reset_shutdown() */
	struct smmu *kept; /* the next SMMU that could not be stopped and is not freed */
	bool unsure; /* a change of an STE failed: the hardware may hold the old or the new one */
	struct smmu_ids asids, vmids;
	struct smmu_ctx **ctxs;    /* of stage 1, by ASID */
	struct smmu_ctx **s2_ctxs; /* of stage 2, by VMID */
	/* Invalidations read these without the lock; written under it. NULL: no nesting. */
	_Atomic uint16_t *vmid_of;  /* by ASID: the VMID of its TLB entries */
	_Atomic uint32_t *children; /* by VMID: stage-1 contexts over it */
	_Atomic uint64_t cfgis;  /* commands other than TLBI; read by xstats */
	_Atomic uint64_t atc_invs, mid_syncs; /* ATC_INVs; SYNCs within bursts */
	_Atomic uint64_t responses; /* CMD_RESUME, CMD_PRI_RESP */
};

struct smmu_cfg {
	uint8_t cmdq_log2, evtq_log2;
	bool want_2lvl, want_linear, want_msi, want_cons;
	bool repeat; /* TLBI and CFGI are issued twice; cmdq.h, 6 */
	uint64_t sync_timeout_us;
};

/* config.c */
extern const char *const smmu_keys[];
int smmu_parse(struct smmu_cfg *cfg, struct rte_kvargs *kv);

/* reset.c: §6.3.9 handshakes; every wait bounded */
int smmu_reset_quiesce(struct smmu *s);
int smmu_reset_bring_up(struct smmu *s);
/** @return 0: the hardware no longer uses the memory it was given; -ETIMEDOUT: it may. */
int smmu_reset_shutdown(struct smmu *s);
/**
 * Note that CR0 is about to change, or has changed: until the next note @p keep is what must stay
 * acknowledged.
 */
void smmu_cr0_expect(struct smmu *s, uint32_t keep);
/** Submit commands and a SYNC, and wait; if stopped, do nothing. @return 0, -EIO, -ETIMEDOUT. */
int smmu_sync_cmds(struct smmu *s, const struct smmu_cmd *cmds, unsigned int n);

/* strtab.c */
int smmu_strtab_init(struct smmu *s, const struct smmu_cfg *cfg);
void smmu_strtab_free(struct smmu *s);
/** The STE of a stream; its level-2 table is made if needed. @return 0, -EINVAL, -ENOMEM, … */
int smmu_strtab_ste(struct smmu *s, uint32_t sid, _Atomic uint64_t **ste);
/** The same, but nothing is made and no error message set. @return 0, -ENOENT. */
int smmu_strtab_known(struct smmu *s, uint32_t sid, _Atomic uint64_t **ste);
/** If a change of an STE failed before, invalidate all cached STEs. @return 0 or -errno. */
int smmu_strtab_settle(struct smmu *s);
/** Change one STE, with as many invalidations as the change needs. */
int smmu_strtab_write(struct smmu *s, uint32_t sid, _Atomic uint64_t *ste,
		      const uint64_t target[ENTRY_WORDS]);

/* ste.c */
void ste_abort(uint64_t ste[ENTRY_WORDS]);
void ste_bypass(uint64_t ste[ENTRY_WORDS]);
void ste_s1(uint64_t ste[ENTRY_WORDS], uint64_t cd_pa);
/** Words 2 and 3 of the STEs of a stage-2 address space. @param ps code of the output size. */
void ste_s2_words(uint64_t s2[2], const struct sluice_hwdom *hd, uint64_t ps, uint16_t vmid);
void ste_s2(uint64_t ste[ENTRY_WORDS], const uint64_t s2[2]);
void ste_nested(uint64_t ste[ENTRY_WORDS], uint64_t cd_ipa, const uint64_t s2[2]);
/** Does an STE with this first word walk page tables? */
static inline bool
ste_translates(uint64_t w0)
{
	return (w0 & SMMU_STE_0_V) != 0 &&
	       smmu_field_get(SMMU_STE_0_CONFIG, w0) > SMMU_STE_CONFIG_BYPASS;
}
/** EATS of an STE that translates, full ATS or none (§5.2). */
void ste_eats(uint64_t ste[ENTRY_WORDS], bool on);
void ste_used(const uint64_t ste[ENTRY_WORDS], uint64_t used[ENTRY_WORDS]);

/* cd.c */
void cd_s1(uint64_t cd[ENTRY_WORDS], uint64_t ttb, unsigned int ias, uint64_t tg, uint64_t ips,
	   uint16_t asid);
void cd_used(const uint64_t cd[ENTRY_WORDS], uint64_t used[ENTRY_WORDS]);

/* ids.c */
int smmu_ids_init(struct smmu_ids *a, bool wide);
void smmu_ids_free(struct smmu_ids *a);
/** @return an ASID or VMID (never 0), or -ENOSPC. */
int smmu_id_get(struct smmu_ids *a);
void smmu_id_put(struct smmu_ids *a, uint16_t id);

/* format.c */
extern const struct smmu_format smmu_formats[SLUICE_FORMATS];
/** Can this SMMU walk this format, size, start level and root table? @return 0 or -EINVAL. */
int smmu_format_check(const struct smmu *s, const struct sluice_hwdom *hd);
/** STE.S2SL0 for a start level that passed smmu_format_check(). */
uint64_t smmu_s2_sl0(const struct sluice_hwdom *hd);

/* ctx.c */
int smmu_ctxs_init(struct smmu *s);
/** Free all contexts, also those that are left over. */
void smmu_ctxs_free(struct smmu *s);
int smmu_hwdom_init(struct sluice_iommu *iommu, struct sluice_hwdom *hd);
int smmu_hwdom_fini(struct sluice_iommu *iommu, struct sluice_hwdom *hd);
/** The context of an STE, of the stage that translates IOVAs, or NULL. Under smmu.lock. */
struct smmu_ctx *smmu_ctx_of(struct smmu *s, const _Atomic uint64_t *ste);

/* attach.c */
int smmu_attach_paging(struct sluice_iommu *iommu, uint32_t sid, struct sluice_hwdom *hd);
int smmu_attach_identity(struct sluice_iommu *iommu, uint32_t sid);
int smmu_attach_blocked(struct sluice_iommu *iommu, uint32_t sid);
int smmu_block(struct sluice_iommu *iommu, uint32_t sid, uint64_t *seq);

/* inv.c */
uint64_t smmu_inv_submit(void *queue, const struct sluice_inv *inv, unsigned int n);
uint64_t smmu_inv_try(void *queue, const struct sluice_inv *inv, unsigned int n);
uint64_t smmu_inv_done(void *queue);
int smmu_inv_result(void *queue, uint64_t seq);

/* atc.c: ATS (§3.9.1) */
bool smmu_ats_possible(const struct smmu *s);
int smmu_ats(struct sluice_iommu *iommu, uint32_t sid, bool on);
/**
 * Build the commands of a submission of SLUICE_INV_ATC. @param c receives them.
 * @return how many; 0: they do not fit into a burst, or one of them is another kind.
 */
unsigned int smmu_atc_build(const struct sluice_inv *inv, unsigned int n, struct smmu_cmd *c,
			    unsigned int room);
/** Count the commands of such a submission; its sequence number may be 0 (none). */
void smmu_atc_count(struct smmu *s, uint64_t seq, unsigned int cmds);

/* gerror.c */
unsigned int smmu_service(struct sluice_iommu *iommu);

/* evtq.c */
unsigned int smmu_fault_burst(void *queue, struct sluice_fault *f, unsigned int n);

/* respond.c */
unsigned int smmu_respond_burst(void *queue, const struct sluice_response *r, unsigned int n);

/* raw.c */
extern const struct sluice_raw_ops smmu_raw_ops;

/* xstats.c */
unsigned int smmu_xstats(struct sluice_iommu *iommu, struct sluice_xstat *xs, unsigned int n);

#endif

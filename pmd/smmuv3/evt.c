/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Event records (IHI 0070 §7.3): decoding 32 bytes into a struct sluice_fault.
 */
#include <string.h>

#include "evtq.h"
#include "smmuv3_hw.h"

/* The fields of a type of record, beside its number and StreamID. */
#define HAS_INPUT (1u << 0) /* InputAddr, RnW */
#define HAS_FETCH (1u << 1) /* FetchAddr in word 3 */
#define HAS_IPA   (1u << 2) /* IPA in word 3, when S2 */
#define HAS_STALL (1u << 3)
#define HAS_SSID  (1u << 4) /* SSID valid without SSV */
#define KNOWN     (1u << 7)

struct evt_type {
	uint8_t kind; /* enum sluice_fault_kind */
	uint8_t has;
};

static const struct evt_type types[] = {
	[SMMU_EVT_F_UUT] = { SLUICE_FAULT_OTHER, KNOWN | HAS_INPUT },
	[SMMU_EVT_C_BAD_STREAMID] = { SLUICE_FAULT_CONFIG, KNOWN },
	[SMMU_EVT_F_STE_FETCH] = { SLUICE_FAULT_ABORT, KNOWN | HAS_FETCH },
	[SMMU_EVT_C_BAD_STE] = { SLUICE_FAULT_CONFIG, KNOWN },
	[SMMU_EVT_F_BAD_ATS_TREQ] = { SLUICE_FAULT_CONFIG, KNOWN },
	[SMMU_EVT_F_STREAM_DISABLED] = { SLUICE_FAULT_CONFIG, KNOWN },
	[SMMU_EVT_F_TRANSL_FORBIDDEN] = { SLUICE_FAULT_CONFIG, KNOWN | HAS_INPUT },
	[SMMU_EVT_C_BAD_SUBSTREAMID] = { SLUICE_FAULT_CONFIG, KNOWN | HAS_SSID },
	[SMMU_EVT_F_CD_FETCH] = { SLUICE_FAULT_ABORT, KNOWN | HAS_FETCH },
	[SMMU_EVT_C_BAD_CD] = { SLUICE_FAULT_CONFIG, KNOWN },
	[SMMU_EVT_F_WALK_EABT] = { SLUICE_FAULT_ABORT, KNOWN | HAS_INPUT | HAS_FETCH },
	[SMMU_EVT_F_TRANSLATION] = { SLUICE_FAULT_TRANSLATION,
				     KNOWN | HAS_INPUT | HAS_IPA | HAS_STALL },
	[SMMU_EVT_F_ADDR_SIZE] = { SLUICE_FAULT_ADDR_SIZE,
				   KNOWN | HAS_INPUT | HAS_IPA | HAS_STALL },
	[SMMU_EVT_F_ACCESS] = { SLUICE_FAULT_ACCESS, KNOWN | HAS_INPUT | HAS_IPA | HAS_STALL },
	[SMMU_EVT_F_PERMISSION] = { SLUICE_FAULT_PERMISSION,
				    KNOWN | HAS_INPUT | HAS_IPA | HAS_STALL },
	[SMMU_EVT_F_TLB_CONFLICT] = { SLUICE_FAULT_OTHER, KNOWN | HAS_INPUT | HAS_IPA },
	[SMMU_EVT_F_CFG_CONFLICT] = { SLUICE_FAULT_CONFIG, KNOWN },
	[SMMU_EVT_E_PAGE_REQUEST] = { SLUICE_FAULT_OTHER, KNOWN },
	[SMMU_EVT_F_VMS_FETCH] = { SLUICE_FAULT_ABORT, KNOWN | HAS_FETCH },
};

bool
evt_decode(const uint64_t rec[4], struct sluice_fault *f)
{
	uint8_t code = (uint8_t)(rec[0] & SMMU_EVT_0_ID);
	struct evt_type t = { 0 };

	/* A number from a later version or an implementation is harmless (§7.3). */
	if (code < RTE_DIM(types))
		t = types[code];
	memset(f, 0, sizeof(*f));
	f->code = code;
	f->kind = t.kind;
	f->stream = (uint32_t)(rec[0] >> 32);
	if ((rec[0] & SMMU_EVT_0_SSV) != 0 || (t.has & HAS_SSID) != 0) {
		f->pasid = (uint32_t)smmu_field_get(SMMU_EVT_0_SSID, rec[0]);
		f->flags |= SLUICE_FAULT_PASID;
	}
	if ((t.has & HAS_INPUT) != 0) {
		f->iova = rec[2];
		if ((rec[1] & SMMU_EVT_1_RNW) == 0)
			f->flags |= SLUICE_FAULT_WRITE;
		f->flags |= (rec[1] & SMMU_EVT_1_IND) != 0 ? SLUICE_FAULT_EXEC : 0;
		f->flags |= (rec[1] & SMMU_EVT_1_PNU) != 0 ? SLUICE_FAULT_PRIV : 0;
	}
	if ((t.has & HAS_STALL) != 0 && (rec[1] & SMMU_EVT_1_STALL) != 0) {
		f->flags |= SLUICE_FAULT_STALL;
		f->token = (uint16_t)smmu_field_get(SMMU_EVT_1_STAG, rec[1]);
	}
	if ((t.has & HAS_FETCH) != 0)
		f->addr = rec[3] & SMMU_EVT_3_FETCHADDR;
	else if ((t.has & HAS_IPA) != 0 && (rec[1] & SMMU_EVT_1_S2) != 0)
		f->addr = rec[3] & SMMU_EVT_3_IPA;
	return (t.has & KNOWN) != 0;
}

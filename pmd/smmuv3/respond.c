/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Answers to stalled transactions and to page requests (IHI 0070 §3.12.2, §4.5.2, §4.6.1, §8).
 */
#include "smmuv3.h"

/* @return whether the hardware has what is to be answered. */
static bool
build(const struct smmu *s, const struct sluice_response *r, struct smmu_cmd *c)
{
	static const uint8_t resp[] = {
		[SLUICE_ANSWER_SUCCESS] = SMMU_PRI_RESP_SUCCESS,
		[SLUICE_ANSWER_INVALID] = SMMU_PRI_RESP_INVALID,
		[SLUICE_ANSWER_FAILURE] = SMMU_PRI_RESP_FAILURE,
	};

	if ((r->flags & SLUICE_FAULT_STALL) != 0 && s->idr.stall) {
		*c = cmd_resume(r->stream, r->token, r->answer == SLUICE_ANSWER_SUCCESS);
		return true;
	}
	if ((r->flags & SLUICE_FAULT_PAGE_REQUEST) == 0 || !s->idr.pri ||
	    r->answer >= RTE_DIM(resp))
		return false;
	*c = cmd_pri_resp(r->stream, (r->flags & SLUICE_FAULT_PASID) != 0, r->pasid, r->token,
			  resp[r->answer]);
	return true;
}

unsigned int
smmu_respond_burst(void *queue, const struct sluice_response *r, unsigned int n)
{
	struct smmu_cmd c[SLUICE_INV_BURST];
	struct smmu *s = queue;
	unsigned int done = 0, k, room = s->cmdq.max_cmds;
	uint64_t seq;

	while (done < n) {
		for (k = 0; k < room && done + k < n && build(s, &r[done + k], &c[k]); )
			k++;
		seq = k != 0 ? cmdq_try(&s->cmdq, c, k) : 0;
		if (seq == 0 || seq == SLUICE_INV_FULL)
			break;
		done += k;
	}
	if (done != 0)
		atomic_fetch_add_explicit(&s->responses, done, memory_order_relaxed);
	return done;
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The list: all groups in the order in which they run, from what everything else rests on.
 */
#include "conf.h"

static const struct conf_group *const groups[] = {
	&conf_group_ident,  &conf_group_reset, &conf_group_strtab, &conf_group_ste,
	&conf_group_cd,     &conf_group_walk,  &conf_group_fault,  &conf_group_tlbi,
	&conf_group_cfgi,   &conf_group_hitless, &conf_group_stage2, &conf_group_s2walk,
	&conf_group_nested, &conf_group_api,   &conf_group_format,
	&conf_group_cmdq,   &conf_group_evtq,  &conf_group_ats,
	&conf_group_policy,
};

const struct conf_case *
conf_case_get(unsigned int i)
{
	for (size_t g = 0; g < CONF_DIM(groups); g++) {
		if (i < groups[g]->n)
			return &groups[g]->cases[i];
		i -= groups[g]->n;
	}
	return NULL;
}

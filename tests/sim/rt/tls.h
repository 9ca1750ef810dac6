/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The lcore id and the rte_errno of the running fiber, as the code under test sees them.
 */
#ifndef SIM_TLS_H
#define SIM_TLS_H

void sim_lcore_set(unsigned int id);
int sim_errno(void);
void sim_errno_set(int v);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Faults on request: any thread sets a flag, the emulator acts when it comes past.
 */
#include "emu_priv.h"

void
emu_inject(struct emu_smmu *e, enum emu_inject what, uint64_t arg)
{
	switch (what) {
	case EMU_INJECT_CERROR_ILL:
		atomic_store_explicit(&e->inj_ill, arg, memory_order_relaxed);
		break;
	case EMU_INJECT_CERROR_ABT:
		atomic_store_explicit(&e->inj_abt, true, memory_order_relaxed);
		break;
	case EMU_INJECT_SYNC_HANG:
		atomic_store_explicit(&e->inj_sync_hang, arg != 0, memory_order_relaxed);
		break;
	case EMU_INJECT_EVTQ_ABT:
		atomic_store_explicit(&e->inj_evtq_abt, true, memory_order_relaxed);
		break;
	case EMU_INJECT_ACK_HANG:
		atomic_store_explicit(&e->inj_ack_hang, arg != 0, memory_order_relaxed);
		break;
	case EMU_INJECT_ATC_DEAD:
	case EMU_INJECT_ATC_LATE:
		emu_atc_inject(e, what, arg);
		break;
	}
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Faults on request: any thread sets a flag, and the emulator acts when it next checks the flag.
 */
#include "core.h"

void
emu_inject(struct emu *e, enum emu_inject what, uint64_t arg)
{
	switch (what) {
	case EMU_INJECT_CERROR_ABT:
	case EMU_INJECT_EVTQ_ABT:
	case EMU_INJECT_RESET:
		arg = 1;
		/* fall through */
	case EMU_INJECT_CERROR_ILL:
	case EMU_INJECT_SYNC_HANG:
	case EMU_INJECT_SYNC_LOST:
	case EMU_INJECT_CONS_HOLD:
	case EMU_INJECT_ACK_HANG:
		atomic_store_explicit(&e->inject[what], arg, memory_order_relaxed);
		break;
	case EMU_INJECT_ATC_DEAD:
	case EMU_INJECT_ATC_LATE:
		emu_atc_inject(e, what, arg);
		break;
	case EMU_INJECTIONS:
		break;
	}
}

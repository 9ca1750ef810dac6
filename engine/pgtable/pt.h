/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The page-table format that a file is compiled for. window/ and policy/ are compiled once for each
 * (engine/meson.build): the format's numbers are constants there, and every function and table that
 * such a file exports has the format's name at its end (symbols.h). What is compiled once for all
 * formats never includes this.
 */
#ifndef PGTABLE_PT_H
#define PGTABLE_PT_H

#ifndef PT_FORMAT_H
#error "this is compiled once for each page-table format, with PT_FORMAT_H naming its header"
#endif

#include <stddef.h>
#include <stdint.h>

#include PT_FORMAT_H
#include "symbols.h"

/** One page, the offset in one, and the pages of the window that one last-level table part maps. */
#define PT_PAGE        (UINT64_C(1) << PT_SHIFT)
#define PT_OFFSET      (PT_PAGE - 1)
#define PT_CHUNK_SHIFT (PT_SHIFT + 9) /* IOVA_CHUNK_PAGES of them */

/** No mapping is longer than this, bytes; whatever the page. */
#define PT_MAX_LEN ((size_t)1 << 31)

/** So many pages in the 4 KiB pages of struct sluice_inv. */
#define PT_INV_PAGES(pages) ((pages) << (PT_SHIFT - 12))

/** Pages that hold some of [addr, addr+len). */
static inline uint64_t
pt_pages(uint64_t addr, uint64_t len)
{
	return ((addr & PT_OFFSET) + len + PT_OFFSET) >> PT_SHIFT;
}

#endif

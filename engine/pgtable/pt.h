/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The page-table format that a file is compiled for. window/ and policy/ are compiled once for each
 * format (engine/meson.build): there the format's numbers are constants, and the name of every
 * exported function and table ends with the format's name (symbols.h). Files that are compiled once
 * for all formats never include this.
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
#define PT_CHUNK_SHIFT (PT_SHIFT + 9) /* IOVA_CHUNK_PAGES pages */

/** The longest mapping, bytes, with any page size. */
#define PT_MAX_LEN ((size_t)1 << 31)

/** Converts pages to the 4 KiB pages of struct sluice_inv. */
#define PT_INV_PAGES(pages) ((pages) << (PT_SHIFT - 12))

/** How many pages [addr, addr+len) touches. */
static inline uint64_t
pt_pages(uint64_t addr, uint64_t len)
{
	return ((addr & PT_OFFSET) + len + PT_OFFSET) >> PT_SHIFT;
}

#endif

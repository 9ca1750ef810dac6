/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * IOVAs that idle workers have, for who finds none (A20).
 */
#ifndef ENGINE_STOCK_H
#define ENGINE_STOCK_H

#include <stdbool.h>

struct sluice_domain;
struct dom_lcore;

/**
 * Bring to the shared space what other workers than @p me have in stock: their magazines, and
 * what is released in their rings. For a map that has found nothing anywhere, and for control
 * calls (@p me NULL: of all workers). A system call when there is something to take. Bounded.
 * @return whether another look is worth it.
 */
bool stock_take(struct sluice_domain *d, const struct dom_lcore *me);

/** Nobody looks at the stocks of the domain's workers between these: while a worker comes or goes.
 * Bounded by one stock_take(). */
void stock_close(struct sluice_domain *d);
void stock_open(struct sluice_domain *d);

/** All that idle workers have, so that chunks of which nothing is used are whole (A20). Control. */
void stock_take_all(struct sluice_domain *d);

#endif

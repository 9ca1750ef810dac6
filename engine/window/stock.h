/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * IOVAs that idle workers have, for a map that finds none (A20).
 */
#ifndef ENGINE_STOCK_H
#define ENGINE_STOCK_H

#include <stdbool.h>

struct sluice_domain;
struct dom_lcore;

/**
 * Bring what idle workers other than @p me have in stock to the shared space: their magazines, and
 * what is released in their rings. This is for a map that has found nothing anywhere, and for
 * control calls (@p me NULL: all workers). It makes system calls if there is something to take, and
 * its time is bounded.
 * @return whether another look is worth it.
 */
bool stock_take(struct sluice_domain *d, const struct dom_lcore *me);

/** Between these two calls no thread looks at the stocks of the domain's workers. A worker joins or
 * leaves between them. The wait is bounded by one stock_take(). */
void stock_close(struct sluice_domain *d);
void stock_open(struct sluice_domain *d);

/** Take all that idle workers have, so that unused chunks become whole again (A20). Control. */
void stock_take_all(struct sluice_domain *d);

#endif

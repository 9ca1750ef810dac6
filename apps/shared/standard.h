/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The three descriptors that every program is given, or is not.
 */
#ifndef SHARED_STANDARD_H
#define SHARED_STANDARD_H

/** Put /dev/null where a standard descriptor is closed, or the next file opened would take its
 * number and get what is printed. Before anything else is opened. */
void standard_ensure(void);

/**
 * Has all that was printed on stdout arrived? A reader that went away (a pipe into head) is no
 * error: it has what it wanted.
 * @return 0, or the errno of what went wrong.
 */
int standard_arrived(void);

#endif

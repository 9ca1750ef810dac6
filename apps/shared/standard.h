/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The three standard descriptors, with which a program need not have been started.
 */
#ifndef SHARED_STANDARD_H
#define SHARED_STANDARD_H

/** Open /dev/null for each standard descriptor that is closed. Else the next file that is opened
 * would get its number, and what is printed. To be called before any file is opened. */
void standard_ensure(void);

/**
 * Check that all that was printed on stdout was written. A reader that closed the pipe, such as
 * head, is no error.
 * @return 0, or the errno of the failure.
 */
int standard_arrived(void);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Starting EAL so that a failure has a cause in one line.
 */
#ifndef SHARED_EAL_START_H
#define SHARED_EAL_START_H

#include <stddef.h>

/**
 * Start EAL with @p argc arguments, the program's name first. EAL's log goes to stderr when it has
 * started; its page of usage is never printed.
 * @param why receives the cause of a failure, one line.
 * @return 0, or -1 with @p why filled.
 */
int eal_start(int argc, char **argv, char *why, size_t size);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Command lines of the form "EAL options -- our options".
 */
#ifndef SHARED_ARGS_H
#define SHARED_ARGS_H

#include <getopt.h>

/**
 * Find one of our own options among EAL's, where a "--" in front of it is missing. EAL would answer
 * it with a page of its own usage.
 * @param argc arguments in front of the "--", the program's name included.
 * @param own our options, as getopt_long() takes them.
 * @return the argument, or NULL: there is none.
 */
const char *args_misplaced(int argc, char **argv, const struct option *own);

#endif

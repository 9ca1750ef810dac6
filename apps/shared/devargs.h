/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Device strings with a key put in or replaced.
 */
#ifndef SHARED_DEVARGS_H
#define SHARED_DEVARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Does the string name this key? */
bool devargs_has(const char *s, const char *key);

/** The number behind a key of "…,key=value,…". @return 0, or -1: no such key, or no number. */
int devargs_get(const char *s, const char *key, uint64_t *v);

/** Set @p key in the string in @p buf, replacing what was there. @return 0, or -1: too long. */
int devargs_set(char *buf, size_t size, const char *key, uint64_t v);

/** Are the registers those of emulated hardware, which is also the default? */
bool devargs_emulated(const char *s);

/** Does the hardware end with this process (emulated, or a QEMU of our own)? Then nothing has to be
 * put in order before it does. NULL: there is none yet. */
bool devargs_ends_with_us(const char *s);

#endif

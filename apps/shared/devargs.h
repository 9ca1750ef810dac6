/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Device strings: reading a key, and adding or replacing one.
 */
#ifndef SHARED_DEVARGS_H
#define SHARED_DEVARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Does the string name this key? */
bool devargs_has(const char *s, const char *key);

/** Get the number behind a key of "…,key=value,…".
 * @return 0, or -1 if there is no such key or no number behind it. */
int devargs_get(const char *s, const char *key, uint64_t *v);

/** Set @p key in the string in @p buf, replacing its value. @return 0, or -1 if it is too long. */
int devargs_set(char *buf, size_t size, const char *key, uint64_t v);

/** Are the registers those of emulated hardware, which is also the default? */
bool devargs_emulated(const char *s);

/** Does the hardware end with this process, being emulated or a QEMU of our own? Then it need not
 * be put in order first. True for NULL: there is no hardware yet. */
bool devargs_ends_with_us(const char *s);

#endif

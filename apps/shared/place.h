/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Where a path leads: a folder that is held open, and a name in it.
 */
#ifndef SHARED_PLACE_H
#define SHARED_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define PLACE_WHY 512u

struct place {
	int dir;                  /**< the folder (O_PATH), -1: it is a descriptor of ours */
	int fd;                   /**< that descriptor's number (/dev/stdout, /dev/fd/N), or -1 */
	bool exists;
	bool folder;              /**< the path ended in '/' */
	char name[NAME_MAX + 1];  /**< in dir; no link */
	struct stat dir_st;
	struct stat st;           /**< of what is there, if it exists */
};

/**
 * Follow @p path, a component at a time and by descriptors, so that nothing that is renamed
 * meanwhile changes where it leads. Symbolic links are followed if they are this user's or the
 * system's (root's), whatever folder they are in; anybody else's are refused.
 * @param why receives one line when it cannot be done, PLACE_WHY bytes.
 * @return 0 and @p p to be closed; or -1.
 */
int place_find(struct place *p, const char *path, char *why);
void place_close(struct place *p);

/** Are the two the same file, or will they be once they are made? */
bool place_same(const struct place *a, const struct place *b);

/**
 * May what exists at @p p be replaced, or written to? Not if it is another user's and others can
 * put files into the folder. @return 0; or -1, @p why filled.
 */
int place_ours(const struct place *p, char *why);

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A place is where a path leads: an open folder, and a name in it.
 */
#ifndef SHARED_PLACE_H
#define SHARED_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/stat.h>

#define PLACE_WHY 512u

struct place {
	int dir;                  /**< the folder (O_PATH); -1: the path names our descriptor */
	int fd;                   /**< the number of that descriptor (/dev/stdout, /dev/fd/N); -1 */
	bool exists;
	bool folder;              /**< the path ended in '/' */
	char name[NAME_MAX + 1];  /**< in dir; never that of a link */
	struct stat dir_st;
	struct stat st;           /**< of the file, if it exists */
};

/**
 * Follow @p path, one component at a time and by descriptors, so that a rename meanwhile does not
 * change where it leads. A symbolic link is followed if it belongs to this user or to root, in any
 * folder; links of other users are refused.
 * @param why receives one line on a failure, PLACE_WHY bytes.
 * @return 0, and @p p is to be closed; or -1.
 */
int place_find(struct place *p, const char *path, char *why);
void place_close(struct place *p);

/** Are the two the same file, or will they be once they are made? */
bool place_same(const struct place *a, const struct place *b);

/**
 * May the file that exists at @p p be replaced, or written to? Not if it belongs to another user in
 * a folder that others can put files into. @return 0; or -1, @p why filled.
 */
int place_ours(const struct place *p, char *why);

#endif

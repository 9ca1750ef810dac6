/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A folder with the files that this program put there, and perhaps with files of other people,
 * which are never replaced.
 */
#ifndef PERF_REPORT_FOLDER_H
#define PERF_REPORT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../shared/place.h"

#define REPORT_FILES_MAX 48u

/** A file that was put there. Its name, size and content tell whether a file is still this one,
 * or was changed or replaced since. */
struct report_entry {
	char name[32];
	uint64_t size, hash;
};

struct report_folder {
	struct place at; /**< the folder, in its parent */
	int dir;         /**< the folder itself, -1: none */
	bool made;       /**< this run made the folder */
	struct report_entry entry[REPORT_FILES_MAX];
	unsigned int n;
};

/**
 * Open the folder @p path, or make it. A folder that exists must be this user's, must not be
 * writable by everybody, and must be empty or hold the list of what was put there.
 * @param why PLACE_WHY bytes. @return 0; or -1, @p why filled.
 */
int report_folder_open(struct report_folder *f, const char *path, char *why);

/** Check that @p name may be written: there is no such file, or it was put there and is unchanged.
 * @return 0; or -1, @p why filled. */
int report_folder_free(const struct report_folder *f, const char *name, char *why);

/** Put a file there. @return 0; or -1, @p why filled, and nothing was changed. */
int report_folder_put(struct report_folder *f, const char *name, const void *data, size_t len,
		      char *why);

/** Remove a file that was put there, if there is one. @return like report_folder_put(). */
int report_folder_remove(struct report_folder *f, const char *name, char *why);

/** Close the folder. If this run made it and it is empty, it is removed. */
void report_folder_close(struct report_folder *f);

#endif

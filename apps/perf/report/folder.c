/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * All files are reached through the folder's descriptor, so that renaming the folder does not
 * change where they go. A list in the folder says which of its files are ours. An entry is in the
 * list before its file is there, so that a run that is killed leaves no file without an entry.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../shared/outfile.h"
#include "folder.h"

#define LIST      ".sluice-perf"
#define LIST_HEAD "files that sluice-perf --report put here, and may replace: name, size, hash\n"
#define LIST_MAX  (REPORT_FILES_MAX * 96u)

/* FNV-1a. It finds mistakes and need not resist malice: other users cannot write here. */
static uint64_t
hash_add(uint64_t h, const uint8_t *data, size_t len)
{
	while (len-- != 0)
		h = (h ^ *data++) * UINT64_C(0x100000001b3);
	return h;
}

#define HASH_START UINT64_C(0xcbf29ce484222325)

/* @return true for a regular file that could be read. */
static bool
file_hash(int dir, const char *name, uint64_t *size, uint64_t *hash)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	uint8_t buf[4096];
	ssize_t n = -1;

	if (fd < 0)
		return false;
	*size = 0;
	*hash = HASH_START;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		while ((n = read(fd, buf, sizeof(buf))) > 0) {
			*hash = hash_add(*hash, buf, (size_t)n);
			*size += (uint64_t)n;
		}
	close(fd);
	return n == 0;
}

static void
list_read(struct report_folder *f)
{
	int fd = openat(f->dir, LIST, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	FILE *in = fd >= 0 ? fdopen(fd, "r") : NULL;
	char line[128];

	if (in == NULL) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (f->n < REPORT_FILES_MAX && fgets(line, sizeof(line), in) != NULL) {
		struct report_entry *e = &f->entry[f->n];

		if (sscanf(line, "%31s %" SCNu64 " %" SCNx64, e->name, &e->size, &e->hash) == 3)
			f->n++;
	}
	fclose(in);
}

static int
put_raw(struct report_folder *f, const char *name, const void *data, size_t len, char *why)
{
	struct outfile of;
	char more[PLACE_WHY];
	int rc = outfile_open_in(&of, f->dir, name, more);

	if (rc == 0) {
		rc = outfile_put(&of, data, len, more);
		outfile_close(&of);
	}
	if (rc != 0)
		snprintf(why, PLACE_WHY, "%.31s: %.400s", name, more);
	return rc == 0 ? 0 : -1;
}

static int
list_write(struct report_folder *f, char *why)
{
	char text[LIST_MAX + sizeof(LIST_HEAD)];
	int at = snprintf(text, sizeof(text), "%s", LIST_HEAD);

	for (unsigned int i = 0; i < f->n; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at,
			       "%s %" PRIu64 " %016" PRIx64 "\n", f->entry[i].name,
			       f->entry[i].size, f->entry[i].hash);
	return put_raw(f, LIST, text, (size_t)at, why);
}

/* @return 0 if the folder is empty or has a list; or -1 with @p why filled. */
static int
holds_only_ours(struct report_folder *f, char *why)
{
	int fd = openat(f->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc = 0;
	DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *e;

	if (d == NULL) {
		snprintf(why, PLACE_WHY, "cannot be read: %s", strerror(errno));
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (faccessat(f->dir, LIST, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		while (rc == 0 && (e = readdir(d)) != NULL)
			if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
				snprintf(why, PLACE_WHY, "holds %.200s, and no report of this "
					 "program: give a new folder, or an empty one", e->d_name);
				rc = -1;
			}
	closedir(d);
	return rc;
}

static int
existing_check(struct report_folder *f, char *why)
{
	struct stat st;

	if (fstat(f->dir, &st) != 0 || st.st_uid != geteuid() || (st.st_mode & S_IWOTH) != 0) {
		snprintf(why, PLACE_WHY, "is another user's, or everybody may write to it: give a "
			 "folder of yours, or a new one");
		return -1;
	}
	if (faccessat(f->dir, ".", W_OK | X_OK, AT_EACCESS) != 0) {
		snprintf(why, PLACE_WHY, "cannot be written: %s", strerror(errno));
		return -1;
	}
	list_read(f);
	return holds_only_ours(f, why);
}

int
report_folder_open(struct report_folder *f, const char *path, char *why)
{
	char more[PLACE_WHY];
	int rc = 0;

	memset(f, 0, sizeof(*f));
	f->dir = f->at.dir = -1;
	if (place_find(&f->at, path, more) != 0) {
		snprintf(why, PLACE_WHY, "cannot be written: %.400s", more);
		return -1;
	}
	if (f->at.fd >= 0 || (f->at.exists && !S_ISDIR(f->at.st.st_mode))) {
		snprintf(why, PLACE_WHY, "is not a folder; give a folder's name");
		rc = -1;
	} else if (!f->at.exists && mkdirat(f->at.dir, f->at.name, 0755) == 0) {
		f->made = true;
	} else if (!f->at.exists) {
		snprintf(why, PLACE_WHY, "cannot be written: %s; give a folder of yours, or a new "
			 "one in a folder that exists", strerror(errno));
		rc = -1;
	}
	if (rc == 0) {
		f->dir = openat(f->at.dir, f->at.name,
				O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (f->dir < 0) {
			snprintf(why, PLACE_WHY, "cannot be opened: %s", strerror(errno));
			rc = -1;
		}
	}
	if (rc == 0)
		rc = existing_check(f, why);
	if (rc != 0)
		report_folder_close(f);
	return rc;
}

int
report_folder_free(const struct report_folder *f, const char *name, char *why)
{
	uint64_t size, hash;
	struct stat st;

	if (fstatat(f->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
		return 0;
	if (file_hash(f->dir, name, &size, &hash))
		for (unsigned int i = 0; i < f->n; i++)
			if (strcmp(f->entry[i].name, name) == 0 && f->entry[i].size == size &&
			    f->entry[i].hash == hash)
				return 0;
	snprintf(why, PLACE_WHY, "holds %s, which is not of a report of this program, or was "
		 "changed: it stays as it is; give another folder, or move it away", name);
	return -1;
}

/* Drop all entries of a name; the last one stays if @p keep. */
static void
entries_drop(struct report_folder *f, const char *name, bool keep)
{
	unsigned int to = 0, last = f->n;

	for (unsigned int i = 0; i < f->n; i++)
		if (strcmp(f->entry[i].name, name) == 0)
			last = i;
	for (unsigned int i = 0; i < f->n; i++)
		if (strcmp(f->entry[i].name, name) != 0 || (keep && i == last))
			f->entry[to++] = f->entry[i];
	f->n = to;
}

int
report_folder_put(struct report_folder *f, const char *name, const void *data, size_t len,
		  char *why)
{
	struct report_entry *e;

	if (report_folder_free(f, name, why) != 0)
		return -1;
	if (f->n == REPORT_FILES_MAX)
		entries_drop(f, name, false);
	if (f->n == REPORT_FILES_MAX) {
		snprintf(why, PLACE_WHY, "%s: too many files", name);
		return -1;
	}
	e = &f->entry[f->n++];
	snprintf(e->name, sizeof(e->name), "%s", name);
	e->size = len;
	e->hash = hash_add(HASH_START, data, len);
	if (list_write(f, why) != 0 || put_raw(f, name, data, len, why) != 0)
		return -1;
	entries_drop(f, name, true);
	return list_write(f, why);
}

int
report_folder_remove(struct report_folder *f, const char *name, char *why)
{
	if (report_folder_free(f, name, why) != 0)
		return -1;
	if (unlinkat(f->dir, name, 0) != 0)
		return 0; /* it was not there */
	entries_drop(f, name, false);
	return list_write(f, why);
}

void
report_folder_close(struct report_folder *f)
{
	struct stat mine, now;

	/* Another folder may have been given this name meanwhile; that one stays. */
	if (f->made && f->dir >= 0 && fstat(f->dir, &mine) == 0 &&
	    fstatat(f->at.dir, f->at.name, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	    mine.st_dev == now.st_dev && mine.st_ino == now.st_ino)
		unlinkat(f->at.dir, f->at.name, AT_REMOVEDIR); /* fails unless it is empty */
	if (f->dir >= 0)
		close(f->dir);
	f->dir = -1;
	place_close(&f->at);
}

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * The kernel follows links of all users, and a program that runs as root would write to wherever
 * another user's link points. Here each link is checked before it is followed.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "place.h"

#define LINKS_MAX 40u /* as many as the kernel follows */

static int
no(char *why, const char *what, const char *name)
{
	snprintf(why, PLACE_WHY, "%.200s: %s", name, what);
	return -1;
}

static int
enter(struct place *p, const char *name, char *why)
{
	int dir = openat(p->dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);

	if (dir < 0)
		return no(why, strerror(errno), name);
	if (p->dir >= 0)
		close(p->dir);
	p->dir = dir;
	return 0;
}

static bool
same_inode(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A link of /proc leads to an open file, not to its name. Only those to our own descriptors are
 * taken. */
static int
proc_link(struct place *p, const char *name, bool last, bool *is, char *why)
{
	struct statfs fs;
	struct stat own, dir;
	char *end;
	long n;

	*is = false;
	if (fstatfs(p->dir, &fs) != 0 || fs.f_type != PROC_SUPER_MAGIC)
		return 0;
	/* These links of /proc do lead to names. */
	if (strcmp(name, "self") == 0 || strcmp(name, "thread-self") == 0 ||
	    strcmp(name, "mounts") == 0 || strcmp(name, "net") == 0)
		return 0;
	*is = true;
	n = strtol(name, &end, 10);
	if (!last || *end != '\0' || n < 0 || n > INT_MAX || stat("/proc/self/fd", &own) != 0 ||
	    fstat(p->dir, &dir) != 0 || !same_inode(&own, &dir))
		return no(why, "is a link into another process or place", name);
	p->fd = (int)n;
	return 0;
}

/* Put the link's text in front of the rest of the path. */
static int
link_splice(struct place *p, const char *name, char rest[PATH_MAX], char *why)
{
	char text[PATH_MAX], all[2 * PATH_MAX];
	ssize_t n = readlinkat(p->dir, name, text, sizeof(text) - 1);

	if (n < 0)
		return no(why, strerror(errno), name);
	text[n] = '\0';
	if ((size_t)snprintf(all, sizeof(all), "%s%s%s", text, rest[0] != '\0' ? "/" : "", rest) >=
	    PATH_MAX)
		return no(why, strerror(ENAMETOOLONG), name);
	memcpy(rest, all, strlen(all) + 1);
	return all[0] == '/' ? enter(p, "/", why) : 0;
}

/* Follow one component. @return 0 to go on, 1 at the end, -1 with @p why filled. */
static int
step(struct place *p, char rest[PATH_MAX], unsigned int *links, char *why)
{
	char name[NAME_MAX + 1];
	size_t slashes = strspn(rest, "/"), n = strcspn(rest + slashes, "/"), more;
	bool is_proc, last;
	struct stat st;

	if (n > NAME_MAX)
		return no(why, strerror(ENAMETOOLONG), rest);
	memcpy(name, rest + slashes, n);
	name[n] = '\0';
	more = slashes + n + strspn(rest + slashes + n, "/");
	last = rest[more] == '\0';
	p->folder = last && more != slashes + n;
	memmove(rest, rest + more, strlen(rest + more) + 1);
	if (n == 0)
		return no(why, strerror(EISDIR), "/");
	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return last ? no(why, "is a folder", name) : enter(p, name, why);
	if (fstatat(p->dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT || !last)
			return no(why, strerror(errno), name);
	} else if (S_ISLNK(st.st_mode)) {
		if (proc_link(p, name, last, &is_proc, why) != 0)
			return -1;
		if (is_proc)
			return 1;
		if (st.st_uid != 0 && st.st_uid != geteuid()) {
			snprintf(why, PLACE_WHY, "%.200s is a symbolic link that user %u made: it "
				 "is not followed", name, (unsigned int)st.st_uid);
			return -1;
		}
		if (++*links > LINKS_MAX)
			return no(why, strerror(ELOOP), name);
		if (p->folder)
			strcpy(rest, "/");
		return link_splice(p, name, rest, why);
	} else if (last) {
		p->exists = true;
		p->st = st;
	}
	if (!last)
		return enter(p, name, why);
	memcpy(p->name, name, n + 1);
	return 1;
}

int
place_find(struct place *p, const char *path, char *why)
{
	unsigned int links = 0;
	char rest[PATH_MAX];
	int rc;

	memset(p, 0, sizeof(*p));
	p->dir = AT_FDCWD;
	p->fd = -1;
	if ((size_t)snprintf(rest, sizeof(rest), "%s", path) >= sizeof(rest))
		return no(why, strerror(ENAMETOOLONG), path);
	rc = enter(p, path[0] == '/' ? "/" : ".", why);
	while (rc == 0)
		rc = step(p, rest, &links, why);
	if (rc == 1 && p->fd >= 0) {
		close(p->dir);
		p->dir = -1;
		p->exists = fstat(p->fd, &p->st) == 0;
		if (p->exists)
			return 0;
		return no(why, strerror(errno), path);
	}
	if (rc == 1 && fstat(p->dir, &p->dir_st) == 0)
		return 0;
	place_close(p);
	return -1;
}

void
place_close(struct place *p)
{
	if (p->dir >= 0)
		close(p->dir);
	p->dir = -1;
}

bool
place_same(const struct place *a, const struct place *b)
{
	if (a->exists && b->exists && same_inode(&a->st, &b->st))
		return true;
	return a->dir >= 0 && b->dir >= 0 && same_inode(&a->dir_st, &b->dir_st) &&
	       strcmp(a->name, b->name) == 0;
}

int
place_ours(const struct place *p, char *why)
{
	if (p->st.st_uid == geteuid() || (p->dir_st.st_mode & (S_IWGRP | S_IWOTH)) == 0)
		return 0;
	snprintf(why, PLACE_WHY, "%.200s is another user's (%u) in a folder that others can write "
		 "to", p->name, (unsigned int)p->st.st_uid);
	return -1;
}

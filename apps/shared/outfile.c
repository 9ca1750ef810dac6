/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * A temporary file exists for as long as writing it takes. Its name is random and new (O_EXCL), so
 * that no other user can have prepared it, and its mode lets no other user read it before it is
 * whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "outfile.h"

#define TRIES 16u

/* The file that a signal handler removes. The main thread sets @c armed once the file is there. */
static struct {
	atomic_bool armed;
	int dir;
	char name[32];
} temporary;

static int
whine(char *why, int err)
{
	snprintf(why, PLACE_WHY, "cannot be written: %s", strerror(err));
	return -err;
}

void
outfile_abandon(void)
{
	/* Acquire: pairs with the release in temp_make(), after which name and folder are set. */
	if (atomic_exchange_explicit(&temporary.armed, false, memory_order_acquire))
		unlinkat(temporary.dir, temporary.name, 0);
}

/* Signals are blocked until the file can be removed by a handler. */
static int
temp_make(int dir)
{
	sigset_t all, old;
	uint64_t r;
	int fd = -1;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (unsigned int i = 0; i < TRIES && fd < 0 && (i == 0 || errno == EEXIST); i++) {
		if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
			break;
		snprintf(temporary.name, sizeof(temporary.name), ".sluice-%016" PRIx64, r);
		fd = openat(dir, temporary.name,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	}
	if (fd >= 0) {
		temporary.dir = dir;
		atomic_store_explicit(&temporary.armed, true, memory_order_release);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return fd;
}

static int
write_all(int fd, const char *data, size_t len)
{
	while (len != 0) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* Open a device, a pipe or one of our own descriptors. */
static int
stream_open(struct outfile *of, char *why)
{
	struct stat st;

	if (of->at.fd >= 0) {
		int mode = fcntl(of->at.fd, F_GETFL);

		if (mode < 0 || (mode & O_PATH) != 0 || (mode & O_ACCMODE) == O_RDONLY)
			return whine(why, EBADF);
		of->is_stdout = of->at.fd == STDOUT_FILENO;
		of->stream = fcntl(of->at.fd, F_DUPFD_CLOEXEC, 3);
		return of->stream >= 0 ? 0 : whine(why, errno);
	}
	if (place_ours(&of->at, why) != 0)
		return -1;
	of->stream = openat(of->at.dir, of->at.name, O_WRONLY | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (of->stream < 0)
		return whine(why, errno);
	if (fstat(of->stream, &st) == 0 && st.st_dev == of->at.st.st_dev &&
	    st.st_ino == of->at.st.st_ino && !S_ISREG(st.st_mode))
		return 0;
	return whine(why, ESTALE);
}

static int
file_check(struct outfile *of, char *why)
{
	int fd;

	if (of->at.folder || (of->at.exists && S_ISDIR(of->at.st.st_mode))) {
		snprintf(why, PLACE_WHY, "is a folder; give a file in it");
		return -1;
	}
	if (of->at.exists && place_ours(&of->at, why) != 0)
		return -1;
	if (of->at.exists && faccessat(of->at.dir, of->at.name, W_OK, AT_EACCESS) != 0)
		return whine(why, errno);
	fd = temp_make(of->at.dir);
	if (fd < 0) {
		snprintf(why, PLACE_WHY, "cannot be written: %s; give a path in a folder that "
			 "exists and is yours", strerror(errno));
		return -1;
	}
	close(fd);
	outfile_abandon();
	return 0;
}

int
outfile_open(struct outfile *of, const char *path, char *why)
{
	char more[PLACE_WHY];
	int rc;

	memset(of, 0, sizeof(*of));
	of->path = path;
	of->synced = true;
	of->stream = -1;
	of->at.dir = of->at.fd = -1;
	if (path == NULL)
		return 0;
	if (path[0] == '\0') {
		snprintf(why, PLACE_WHY, "the name is empty; give a file or - for stdout");
		goto bad;
	}
	if (strcmp(path, "-") == 0) {
		of->is_stdout = true;
		of->stream = STDOUT_FILENO;
		of->at.exists = fstat(STDOUT_FILENO, &of->at.st) == 0;
		return 0;
	}
	if (place_find(&of->at, path, more) != 0) {
		snprintf(why, PLACE_WHY, "cannot be written: %.400s", more);
		goto bad;
	}
	if (of->at.fd >= 0 || (of->at.exists && !of->at.folder && !S_ISREG(of->at.st.st_mode) &&
			       !S_ISDIR(of->at.st.st_mode)))
		rc = stream_open(of, why);
	else
		rc = file_check(of, why);
	if (rc == 0)
		return 0;
	outfile_close(of);
bad:
	of->path = NULL;
	return -1;
}

int
outfile_open_in(struct outfile *of, int dir, const char *name, char *why)
{
	memset(of, 0, sizeof(*of));
	of->stream = of->at.fd = -1;
	of->path = name;
	snprintf(of->at.name, sizeof(of->at.name), "%s", name);
	of->at.dir = fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (of->at.dir >= 0 && fstat(of->at.dir, &of->at.dir_st) == 0)
		return 0;
	return whine(why, errno);
}

/* Check the file that is there now: it may have come during the run, and not be ours to replace. */
static int
still_ours(struct outfile *of, char *why)
{
	of->at.exists = fstatat(of->at.dir, of->at.name, &of->at.st, AT_SYMLINK_NOFOLLOW) == 0;
	if (!of->at.exists)
		return 0;
	if (!S_ISREG(of->at.st.st_mode)) {
		snprintf(why, PLACE_WHY, "cannot be written: what is there now is no regular file");
		return -EEXIST;
	}
	return place_ours(&of->at, why) == 0 ? 0 : -EPERM;
}

int
outfile_put(struct outfile *of, const void *data, size_t len, char *why)
{
	mode_t mask;
	int fd, rc;

	if (of->stream >= 0) {
		rc = fflush(stdout) != 0 && of->is_stdout ? -errno : 0;
		if (rc == 0)
			rc = write_all(of->stream, data, len);
		return rc == 0 ? 0 : whine(why, -rc);
	}
	rc = still_ours(of, why);
	if (rc != 0)
		return rc;
	fd = temp_make(of->at.dir);
	if (fd < 0)
		return whine(why, errno);
	rc = write_all(fd, data, len);
	mask = umask(0);
	umask(mask);
	if (rc == 0 && (fchmod(fd, 0666 & ~mask) != 0 || (of->synced && fsync(fd) != 0)))
		rc = -errno;
	if (close(fd) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && renameat(of->at.dir, temporary.name, of->at.dir, of->at.name) != 0)
		rc = -errno;
	if (rc == 0)
		atomic_store_explicit(&temporary.armed, false, memory_order_relaxed);
	outfile_abandon();
	return rc == 0 ? 0 : whine(why, -rc);
}

void
outfile_close(struct outfile *of)
{
	if (of->stream > STDERR_FILENO)
		close(of->stream);
	of->stream = -1;
	place_close(&of->at);
}

bool
outfile_same(const struct outfile *a, const struct outfile *b)
{
	if (a->path == NULL || b->path == NULL)
		return false;
	if (a->is_stdout && b->is_stdout)
		return true;
	if (a->stream >= 0 && b->stream >= 0 && S_ISCHR(a->at.st.st_mode))
		return false;
	return place_same(&a->at, &b->at);
}

bool
outfile_is(const struct outfile *of, const char *path)
{
	struct place other = { .dir = -1, .fd = -1 };

	if (of->path == NULL || path == NULL || stat(path, &other.st) != 0)
		return false;
	other.exists = S_ISREG(other.st.st_mode);
	return place_same(&of->at, &other);
}

bool
outfile_is_fd(const struct outfile *of, int fd)
{
	struct stat st;

	return of->path != NULL && of->stream < 0 && of->at.exists && fstat(fd, &st) == 0 &&
	       S_ISREG(st.st_mode) && st.st_dev == of->at.st.st_dev &&
	       st.st_ino == of->at.st.st_ino;
}

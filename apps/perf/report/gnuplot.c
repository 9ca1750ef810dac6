/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * gnuplot reads its script from stdin and writes the plot to stdout. Both are files without a name,
 * so there is no path at which another user could place another script. gnuplot runs in /, without
 * any start-up files.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report.h"

#define PATIENCE_MS 60000u
#define PLOT_MAX    (64 << 20)

extern char **environ;

/* @return its pid, or -1. */
static pid_t
start(int script, int out)
{
	static char name[] = "gnuplot", plain[] = "-d", from_stdin[] = "-";
	char *argv[] = { name, plain, from_stdin, NULL };
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t dfl;
	pid_t pid = -1;
	int rc;

	if (posix_spawn_file_actions_init(&fa) != 0)
		return -1;
	if (posix_spawnattr_init(&attr) != 0) {
		posix_spawn_file_actions_destroy(&fa);
		return -1;
	}
	sigemptyset(&dfl);
	sigaddset(&dfl, SIGPIPE);
	sigaddset(&dfl, SIGXFSZ);
	rc = posix_spawnattr_setsigdefault(&attr, &dfl);
	rc |= posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	rc |= posix_spawn_file_actions_addchdir_np(&fa, "/");
	rc |= posix_spawn_file_actions_adddup2(&fa, script, STDIN_FILENO);
	rc |= posix_spawn_file_actions_adddup2(&fa, out, STDOUT_FILENO);
	rc |= posix_spawn_file_actions_addopen(&fa, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (rc == 0 && posix_spawnp(&pid, name, &fa, &attr, argv, environ) != 0)
		pid = -1;
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&fa);
	return pid;
}

/* @return true if it ended in time, and with status 0. */
static bool
ended_well(pid_t pid)
{
	const struct timespec tick = { 0, 2000000 };
	int status = -1;
	pid_t got = 0;

	for (unsigned int ms = 0; got == 0 && ms < PATIENCE_MS; ms += 2) {
		got = waitpid(pid, &status, WNOHANG);
		if (got == 0)
			nanosleep(&tick, NULL);
	}
	if (got == 0) {
		kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		return false;
	}
	return got == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static char *
slurp(int fd, size_t *len)
{
	struct stat st;
	char *text;

	if (fstat(fd, &st) != 0 || st.st_size <= 0 || st.st_size > PLOT_MAX)
		return NULL;
	*len = (size_t)st.st_size;
	text = malloc(*len + 1);
	if (text == NULL || pread(fd, text, *len, 0) != (ssize_t)*len) {
		free(text);
		return NULL;
	}
	text[*len] = '\0';
	return text;
}

int
perf_gnuplot(const char *script, size_t script_len, char **out, size_t *len)
{
	int in = memfd_create("script", MFD_CLOEXEC), to = memfd_create("plot", MFD_CLOEXEC);
	pid_t pid;

	*out = NULL;
	if (in >= 0 && to >= 0 && write(in, script, script_len) == (ssize_t)script_len &&
	    lseek(in, 0, SEEK_SET) == 0) {
		pid = start(in, to);
		if (pid > 0 && ended_well(pid))
			*out = slurp(to, len);
	}
	if (in >= 0)
		close(in);
	if (to >= 0)
		close(to);
	return *out != NULL ? 0 : -1;
}

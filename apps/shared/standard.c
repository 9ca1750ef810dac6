/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * stdout is buffered, so that a failed write may show only when the buffer is flushed at the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "standard.h"

void
standard_ensure(void)
{
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0 && errno == EBADF)
			(void)!open("/dev/null", fd == STDIN_FILENO ? O_RDONLY : O_WRONLY);
}

int
standard_arrived(void)
{
	static int first; /* kept, because the stream forgets it */
	bool bad = ferror(stdout) != 0;

	errno = 0;
	if (fflush(stdout) != 0 || bad) {
		if (first == 0)
			first = errno != 0 ? errno : EIO;
	}
	return first == EPIPE ? 0 : first;
}

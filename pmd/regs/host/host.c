/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Small files of /proc and /sys, under a root that tests replace.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "host.h"

const char *host_root = "";

const char *
host_path(char *buf, const char *fmt, ...)
{
	int n = snprintf(buf, HOST_PATH, "%s", host_root);
	va_list ap;

	va_start(ap, fmt);
	if (n >= 0 && (unsigned int)n < HOST_PATH)
		vsnprintf(buf + n, HOST_PATH - (unsigned int)n, fmt, ap);
	va_end(ap);
	return buf;
}

ssize_t
host_read(const char *path, void *buf, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t got = 0;
	ssize_t n = 0;

	if (fd < 0)
		return -errno;
	while (got < len && (n = read(fd, (char *)buf + got, len - got)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		got += (size_t)n;
	}
	n = n < 0 ? -errno : (ssize_t)got;
	close(fd);
	return n;
}

int
host_read_u64(const char *path, uint64_t *v)
{
	char text[32], *end;
	ssize_t n = host_read(path, text, sizeof(text) - 1);

	if (n < 0)
		return (int)n;
	text[n] = '\0';
	errno = 0;
	*v = strtoull(text, &end, 0);
	return errno != 0 || end == text || (*end != '\n' && *end != '\0') ? -EINVAL : 0;
}

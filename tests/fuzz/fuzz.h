/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * What the fuzz targets share: reading the input piece by piece, promises that must hold, and the
 * lines that the code under test prints.
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* libFuzzer calls these. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/** A promise: broken, it is a find like any crash. */
#define FUZZ_REQUIRE(cond)                                                                         \
	do {                                                                                       \
		if (!(cond))                                                                       \
			fuzz_broken(#cond, __FILE__, __LINE__);                                    \
	} while (0)

static inline void
fuzz_broken(const char *what, const char *file, int line)
{
	dprintf(STDERR_FILENO, "%s:%d: broken promise: %s\n", file, line, what);
	abort();
}

/* ---- the input ------------------------------------------------------------------------------- */

struct fuzz_in {
	const uint8_t *p;
	size_t left;
};

/** @p n (at most 8) bytes, little-endian; zeros past the end. */
static inline uint64_t
fuzz_take(struct fuzz_in *in, unsigned int n)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < n && in->left > 0; i++, in->left--)
		v |= (uint64_t)*in->p++ << (8 * i);
	return v;
}

/** The input as a string on the heap, without the line end that text files have. */
static inline char *
fuzz_string(const uint8_t *data, size_t size)
{
	char *s = malloc(size + 1);

	FUZZ_REQUIRE(s != NULL);
	if (size > 0 && data[size - 1] == '\n')
		size--;
	if (size > 0)
		memcpy(s, data, size);
	s[size] = '\0';
	return s;
}

/** The input as a file without a folder. @return its path. */
static inline const char *
fuzz_file(const uint8_t *data, size_t size)
{
	static char path[32];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("fuzz-input", 0);
		FUZZ_REQUIRE(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	FUZZ_REQUIRE(ftruncate(fd, 0) == 0 && pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

/* ---- what is printed ------------------------------------------------------------------------- */

struct fuzz_said {
	FILE *was_out, *was_err, *out, *err;
	char *out_text, *err_text;
	size_t out_len, err_len;
};

/** From here on stdout and stderr go to memory. */
static inline void
fuzz_listen(struct fuzz_said *s)
{
	s->was_out = stdout;
	s->was_err = stderr;
	stdout = s->out = open_memstream(&s->out_text, &s->out_len);
	stderr = s->err = open_memstream(&s->err_text, &s->err_len);
	FUZZ_REQUIRE(s->out != NULL && s->err != NULL);
}

static inline void
fuzz_listened(struct fuzz_said *s)
{
	fclose(s->out);
	fclose(s->err);
	stdout = s->was_out;
	stderr = s->was_err;
}

static inline void
fuzz_said_free(struct fuzz_said *s)
{
	free(s->out_text);
	free(s->err_text);
}

/** Did it print exactly one line on stderr, with the tool's name in front? */
static inline int
fuzz_one_line(const struct fuzz_said *s, const char *tool)
{
	const char *nl = memchr(s->err_text, '\n', s->err_len);

	return nl != NULL && nl == s->err_text + s->err_len - 1 &&
	       strncmp(s->err_text, tool, strlen(tool)) == 0;
}

#endif

/* SPDX-License-Identifier: BSD-3-Clause */
/** @file
 * Physically contiguous memory made of small huge pages. The kernel hands out huge pages in no
 * order, so two of them are rarely neighbours. We take more pages than we need, look up where each
 * is, map the longest run in order, and give the rest back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "host.h"

#define SAMPLE_MAX 64u /* take at most so many times the pages that are wanted */

struct page {
	uint64_t pa;
	off_t off; /* in the file */
};

struct pool {
	int fd;
	size_t page, n;
	struct page *pages; /* by physical address */
};

static int
by_pa(const void *a, const void *b)
{
	const struct page *x = a, *y = b;

	return (x->pa > y->pa) - (x->pa < y->pa);
}

/* /proc/self/pagemap: bits 0-54 of an entry are the page frame number, 0 without privilege. */
static uint64_t
phys(int pagemap, const void *va)
{
	uint64_t e = 0, small = (uint64_t)sysconf(_SC_PAGESIZE);

	if (pread(pagemap, &e, sizeof(e), (off_t)((uintptr_t)va / small * 8)) != (ssize_t)sizeof(e))
		return 0;
	return (e & ((UINT64_C(1) << 55) - 1)) * small;
}

/* Take @p n pages, and note their physical addresses. @return 0 or -errno. */
static int
pool_fill(struct pool *p, size_t n)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC), ret = 0;
	uint8_t *va = MAP_FAILED;

	p->pages = calloc(n, sizeof(*p->pages));
	if (pagemap < 0 || p->pages == NULL)
		ret = pagemap < 0 ? -EPERM : -ENOMEM;
	else if (ftruncate(p->fd, (off_t)(n * p->page)) != 0)
		ret = -errno;
	else {
		/* The mapping reserves its pages, and fails if there are not enough. */
		va = mmap(NULL, n * p->page, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
		ret = va != MAP_FAILED ? 0 : -errno;
	}
	for (size_t i = 0; ret == 0 && i < n; i++) {
		memset(va + i * p->page, 0, 1); /* faults the page in; the kernel has zeroed it */
		p->pages[i] = (struct page){ phys(pagemap, va + i * p->page),
					     (off_t)(i * p->page) };
		if (p->pages[i].pa == 0)
			ret = -EPERM;
	}
	if (va != MAP_FAILED)
		munmap(va, n * p->page);
	if (pagemap >= 0)
		close(pagemap);
	p->n = n;
	if (ret == 0)
		qsort(p->pages, n, sizeof(*p->pages), by_pa);
	return ret;
}

/* Find the longest run, of up to @p most pages. @return its first page. */
static size_t
pool_run(const struct pool *p, size_t most, size_t *len)
{
	size_t best = 0, first = 0;

	*len = 0;
	for (size_t i = 0; i < p->n; i++) {
		if (i != 0 && p->pages[i].pa != p->pages[i - 1].pa + p->page)
			first = i;
		if (i - first + 1 > *len && i - first + 1 <= most) {
			*len = i - first + 1;
			best = first;
		}
	}
	return best;
}

/* Map the run in order, and give all other pages back. */
static void *
pool_map(const struct pool *p, size_t first, size_t len)
{
	size_t bytes = len * p->page;
	uint8_t *room = mmap(NULL, bytes + p->page, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0), *va;

	if (room == MAP_FAILED)
		return NULL;
	va = RTE_PTR_ALIGN_CEIL(room, p->page);
	if (va != room)
		munmap(room, (size_t)(va - room));
	munmap(va + bytes, (size_t)(room + p->page - va));
	for (size_t i = 0; i < p->n; i++) {
		const struct page *pg = &p->pages[i];

		if (i < first || i >= first + len) {
			(void)fallocate(p->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, pg->off,
					(off_t)p->page);
		} else if (mmap(va + (i - first) * p->page, p->page, PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_FIXED, p->fd, pg->off) == MAP_FAILED) {
			munmap(va, bytes);
			return NULL;
		}
	}
	return va;
}

/*
 * Take pages until there is a run of @p most: among few pages hardly any are neighbours. A shorter
 * run will do when there are no more pages, or when it has @p least and eight times as many were
 * taken.
 * @return the length of the run at *first, too short if less than @p least; or -errno.
 */
static ssize_t
search(struct pool *p, size_t least, size_t most, size_t *first)
{
	size_t n = 2 * most, len = 0;
	bool all = false;

	for (;;) {
		int ret = pool_fill(p, n);

		if (ret == -ENOMEM && n > least) {
			n--; /* a refusal takes no time, so try one page less */
			all = true;
		} else if (ret != 0) {
			return ret;
		} else {
			*first = pool_run(p, most, &len);
			if (len >= most || all || n >= SAMPLE_MAX * most ||
			    (len >= least && n >= 8 * most))
				return (ssize_t)len;
			n *= 2;
		}
		free(p->pages);
		p->pages = NULL;
		if (ftruncate(p->fd, 0) != 0)
			return -errno;
	}
}

int
host_hugepages_take(size_t least, size_t most, struct host_mem *m)
{
	struct pool p = { .fd = memfd_create("sluice-dma", MFD_CLOEXEC | MFD_HUGETLB) };
	size_t first = 0;
	struct stat st;
	ssize_t len;

	if (p.fd < 0)
		return -errno;
	len = fstat(p.fd, &st) == 0 ? 0 : -errno;
	if (len == 0) {
		p.page = (size_t)st.st_blksize;
		least = (least + p.page - 1) / p.page;
		most = (most + p.page - 1) / p.page;
		len = search(&p, least, most, &first);
	}
	if (len >= 0 && (size_t)len < least)
		len = -ENOMEM;
	if (len > 0) {
		m->va = pool_map(&p, first, (size_t)len);
		m->len = (size_t)len * p.page;
		m->pa = p.pages[first].pa;
		if (m->va == NULL)
			len = -ENOMEM;
	}
	free(p.pages);
	close(p.fd); /* the mappings keep their pages */
	return len > 0 ? 0 : (int)len;
}

void
host_hugepages_give(struct host_mem *m)
{
	munmap(m->va, m->len);
}

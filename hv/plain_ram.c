// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/plain_ram.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/err.h"

enum {
	PAGE_BYTES = 4096,
	HUGE_PAGE_BYTES = 2 << 20,
};

/* More than any host of today has: keeps the sums below from overflowing. */
static const uint64_t ram_limit_bytes = UINT64_C(1) << 44;

static void *map_pages(size_t bytes)
{
	void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (pages == MAP_FAILED)
		return NULL;
	/* A helper that we fork has no business in guest memory, nor has a core file room for it.
	 */
	madvise(pages, bytes, MADV_DONTFORK);
	madvise(pages, bytes, MADV_DONTDUMP);
	return pages;
}

static bool sizes_are_valid(uint64_t low_bytes, uint64_t high_bytes)
{
	return low_bytes % PAGE_BYTES == 0 && high_bytes % PAGE_BYTES == 0 &&
	       low_bytes < PLAIN_RAM_HIGH_GPA && high_bytes <= ram_limit_bytes;
}

int plain_ram_init(struct plain_ram *ram, uint64_t low_bytes, uint64_t high_bytes, struct err *err)
{
	uint64_t high_offset, bytes;

	memset(ram, 0, sizeof(*ram));
	if (!sizes_are_valid(low_bytes, high_bytes))
		return err_set(err, -EINVAL,
			       "guest RAM must be whole pages of 4096 bytes, less "
			       "than 4 GiB of them below the PCI hole");
	if (low_bytes + high_bytes == 0)
		return 0;
	/* The same offset in a huge page for guest and host lets the nested page tables use huge
	 * pages. */
	high_offset = align_up(low_bytes, HUGE_PAGE_BYTES);
	bytes = high_offset + high_bytes + HUGE_PAGE_BYTES;
	ram->mapping = map_pages(bytes);
	if (!ram->mapping)
		return err_set_errno(err, -errno, "cannot reserve %llu MiB of guest RAM",
				     (unsigned long long)((low_bytes + high_bytes) >> 20));
	ram->mapping_bytes = bytes;
	ram->host = (uint8_t *)align_up((uintptr_t)ram->mapping, HUGE_PAGE_BYTES);
	ram->low_bytes = low_bytes;
	ram->high_bytes = high_bytes;
	ram->high_offset = high_offset;
	madvise(ram->host, high_offset + high_bytes, MADV_HUGEPAGE);
	return 0;
}

void plain_ram_finish(struct plain_ram *ram)
{
	if (ram->mapping)
		munmap(ram->mapping, ram->mapping_bytes);
	memset(ram, 0, sizeof(*ram));
}

void *plain_ram_map(const struct plain_ram *ram, uint64_t gpa, size_t *length)
{
	if (*length == 0)
		return NULL;
	if (gpa < ram->low_bytes) {
		*length = min_size(*length, ram->low_bytes - gpa);
		return ram->host + gpa;
	}
	if (gpa >= PLAIN_RAM_HIGH_GPA && gpa - PLAIN_RAM_HIGH_GPA < ram->high_bytes) {
		uint64_t offset = gpa - PLAIN_RAM_HIGH_GPA;

		*length = min_size(*length, ram->high_bytes - offset);
		return ram->host + ram->high_offset + offset;
	}
	return NULL;
}

void *plain_pages_alloc(size_t bytes, struct err *err)
{
	void *pages = bytes ? map_pages(bytes) : NULL;

	if (!pages)
		err_set(err, -ENOMEM, "cannot reserve %zu KiB of video RAM", bytes >> 10);
	return pages;
}

void plain_pages_free(void *pages, size_t bytes)
{
	if (pages)
		munmap(pages, bytes);
}

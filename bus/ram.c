// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/ram.h"

#include <string.h>

void *ram_map(struct ram *ram, uint64_t gpa, size_t *length, bool write)
{
	return ram->ops->map(ram->opaque, gpa, length, write);
}

void ram_unmap(struct ram *ram, void *host, size_t length, size_t written)
{
	ram->ops->unmap(ram->opaque, host, length, written);
}

/** The bytes from 'gpa' to the end of its page, at most 'length': how far to skip where no RAM is.
 */
static size_t hole_length(uint64_t gpa, size_t length)
{
	size_t to_page_end = 4096 - (size_t)(gpa & 4095);

	return length < to_page_end ? length : to_page_end;
}

bool ram_read(struct ram *ram, uint64_t gpa, void *data, size_t length)
{
	uint8_t *out = data;
	bool all_ram = true;

	while (length) {
		size_t piece = length;
		void *host = ram_map(ram, gpa, &piece, false);

		if (host) {
			memcpy(out, host, piece);
			ram_unmap(ram, host, piece, 0);
		} else {
			piece = hole_length(gpa, length);
			memset(out, 0xff, piece);
			all_ram = false;
		}
		out += piece;
		gpa += piece;
		length -= piece;
	}
	return all_ram;
}

bool ram_write(struct ram *ram, uint64_t gpa, const void *data, size_t length)
{
	const uint8_t *in = data;
	bool all_ram = true;

	while (length) {
		size_t piece = length;
		void *host = ram_map(ram, gpa, &piece, true);

		if (host) {
			memcpy(host, in, piece);
			ram_unmap(ram, host, piece, piece);
		} else {
			piece = hole_length(gpa, length);
			all_ram = false;
		}
		in += piece;
		gpa += piece;
		length -= piece;
	}
	return all_ram;
}

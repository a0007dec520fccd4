// SPDX-License-Identifier: GPL-2.0-or-later
/* The memory of a saved guest from anywhere: records, around which header and checksum are put. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include <zlib.h>

#include "base/bytes.h"
#include "tests/lib/save_guest_bench.h"

enum {
	HEADER_BYTES = 16,
	END_BYTES = 28,
	LONGEST_INPUT = 1 << 16,
};

static struct save_bench bench;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stream[HEADER_BYTES + LONGEST_INPUT + END_BYTES];
	struct save_core core = { 0 };
	struct err err = { 0 };
	size_t length;
	int fd;

	if (!bench.machine) {
		if (!save_bench_init(&bench, "", &err))
			abort();
		save_guest_adopt(&bench);
	}
	if (size < 1 || size > LONGEST_INPUT)
		return 0;
	memset(stream, 0, HEADER_BYTES);
	memcpy(stream, "hvmdmRAM", 8);
	store_le32(stream + 8, 1);
	memcpy(stream + HEADER_BYTES, data + 1, size - 1);
	length = HEADER_BYTES + size - 1;
	memset(stream + length, 0, END_BYTES);
	store_le64(stream + length + 8, data[0]);
	length += END_BYTES - 4;
	store_le32(stream + length, (uint32_t)crc32(0, stream, (uInt)length));
	fd = save_guest_file(stream, length + 4);
	if (save_guest_read(bench.machine, fd, &core, &err) == 0 ? !core.bytes : !*err.text)
		abort();
	free(core.bytes);
	close(fd);
	return 0;
}

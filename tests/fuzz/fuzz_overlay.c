// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A CD image made by somebody hostile, over which a directory is laid, and which is then read from
 * its beginning to its end. Input is a list of pieces: sector (two bytes; the highest bit asks for
 * the checksums of a UDF descriptor to be made right, since nobody hostile would get them wrong),
 * length (two bytes), content.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/err.h"
#include "block/driver.h"
#include "block/media.h"
#include "block/udf.h"
#include "tests/lib/fake_aio.h"

enum {
	IMAGE_SECTORS = 640,
	PIECE_BYTES = 4,
	RIGHT = 0x8000,
	READ_BYTES = 64 << 10,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t image[IMAGE_SECTORS * ISO_SECTOR_BYTES], memory[READ_BYTES];
static char directory[] = "/tmp/fuzz-overlay-XXXXXX";

static void put_file(const char *name, size_t bytes)
{
	char path[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	file = fopen(path, "w");
	assert(file && fwrite(image, 1, bytes, file) == bytes);
	fclose(file);
}

static void put_directory(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	assert(mkdir(path, 0700) == 0);
}

static void remove_directory(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	if (system(command) != 0)
		fprintf(stderr, "%s stays\n", directory);
}

static void make_directory(void)
{
	assert(mkdtemp(directory));
	atexit(remove_directory);
	put_file("a", 100);
	put_file("readme.txt", 0);
	put_file("a file with a name that is longer than what ISO 9660 has room for.text", 20000);
	put_directory("deep");
	put_file("deep/b", 3000);
	put_directory("deep/er");
	put_file("deep/er/c", 1);
}

static void make_image(const uint8_t *data, size_t size)
{
	memset(image, 0, sizeof(image));
	while (size >= PIECE_BYTES) {
		unsigned word = load_le16(data), bytes = load_le16(data + 2) % ISO_SECTOR_BYTES + 1;
		uint8_t *sector = image + (word & (RIGHT - 1)) % IMAGE_SECTORS * ISO_SECTOR_BYTES;

		bytes = bytes < size - PIECE_BYTES ? bytes : (unsigned)size - PIECE_BYTES;
		memcpy(sector, data + PIECE_BYTES, bytes);
		if (word & RIGHT &&
		    load_le16(sector + UDF_TAG_CRC_LENGTH) <= ISO_SECTOR_BYTES - UDF_TAG_BYTES)
			udf_renew_tag(sector);
		data += PIECE_BYTES + bytes;
		size -= PIECE_BYTES + bytes;
	}
}

static void read_all(struct block *block)
{
	uint64_t bytes = block_size_bytes(block);

	for (uint64_t at = 0; at < bytes; at += READ_BYTES)
		assert(block_read_now(
			       block, at, memory,
			       (size_t)(bytes - at < READ_BYTES ? bytes - at : READ_BYTES)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool is_made;
	struct block_options options = { .filename = "image", .is_cdrom = true };
	struct err err = { 0 };
	struct block *block;

	if (!is_made)
		make_directory();
	is_made = true;
	options.overlay = directory;
	make_image(data, size);
	fake_aio_reset(1);
	options.fd = memfd_create("image", MFD_CLOEXEC);
	assert(options.fd >= 0 && write(options.fd, image, sizeof(image)) == sizeof(image));
	block = block_open(&options, NULL, &err);
	assert(block || *err.text);
	if (block)
		read_all(block);
	block_close(block);
	return 0;
}

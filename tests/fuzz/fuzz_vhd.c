// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VHD image made by somebody hostile, and a guest that uses it: the first byte says how many
 * requests there are, four bytes each, and the rest is the image. Checksums are made right, since
 * nobody hostile would get them wrong.
 */
#include <assert.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/bytes.h"
#include "block/driver.h"
#include "block/vpc_format.h"
#include "tests/lib/fake_aio.h"
#include "tests/lib/fuzz_image.h"

enum {
	FILE_BYTES_MAX = 16 << 20,
	IMAGE_BYTES_MAX = 64 << 10,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void make_right(uint8_t *data, size_t bytes, size_t place)
{
	uint32_t sum = 0;

	store_be32(data + place, 0);
	for (size_t i = 0; i < bytes; i++)
		sum += data[i];
	store_be32(data + place, ~sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t image[IMAGE_BYTES_MAX];
	struct rlimit limit = { FILE_BYTES_MAX, FILE_BYTES_MAX };
	size_t count = size ? data[0] % REQUESTS : 0, begin = 1 + count * REQUEST_BYTES;
	int fd;

	if (size < begin + VPC_FOOTER_BYTES + VPC_DYN_BYTES || size - begin > sizeof(image))
		return 0;
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &limit);
	fake_aio_reset(1);
	size -= begin;
	memcpy(image, data + begin, size);
	make_right(image, VPC_FOOTER_BYTES, VPC_CHECKSUM);
	make_right(image + VPC_FOOTER_BYTES, VPC_DYN_BYTES, VPC_DYN_CHECKSUM);
	fd = memfd_create("image", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, image, size) == (ssize_t)size);
	fuzz_image_use(
		&(struct block_options){
			.filename = "image", .fd = fd, .format = "vpc", .discard = true },
		data + 1, count);
	return 0;
}

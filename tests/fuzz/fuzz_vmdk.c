// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A VMDK image made by somebody hostile, and a reader of it: the first byte says how many requests
 * there are, four bytes each, and the rest is the image.
 */
#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lib/fake_aio.h"
#include "tests/lib/fuzz_image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = size ? data[0] % REQUESTS : 0, begin = 1 + count * REQUEST_BYTES;
	int fd;

	if (size <= begin)
		return 0;
	fake_aio_reset(1);
	fd = memfd_create("image", MFD_CLOEXEC);
	assert(fd >= 0 && write(fd, data + begin, size - begin) == (ssize_t)(size - begin));
	fuzz_image_use(
		&(struct block_options){
			.filename = "image", .fd = fd, .format = "vmdk", .read_only = true },
		data + 1, count);
	return 0;
}

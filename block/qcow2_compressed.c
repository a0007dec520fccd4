// SPDX-License-Identifier: GPL-2.0-or-later
/* Compressed clusters: raw deflate streams with a window of 4 KiB, or zstd streams. */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "block/qcow2.h"

enum {
	DEFLATE_WINDOW_BITS = 12,
};

bool qcow2_can_decompress(enum qcow2_compression kind)
{
	return kind == QCOW2_ZLIB || kind == QCOW2_ZSTD;
}

/** The last sector may hold more than the stream; a stream that is longer than its cluster says is
 * cut. */
static int inflate_cluster(const uint8_t *stored, size_t stored_bytes, uint8_t *data, size_t bytes)
{
	z_stream stream = {
		.next_in = (uint8_t *)stored,
		.avail_in = (uInt)stored_bytes,
		.next_out = data,
		.avail_out = (uInt)bytes,
	};
	int result;

	if (inflateInit2(&stream, -DEFLATE_WINDOW_BITS) != Z_OK)
		return -ENOMEM;
	result = inflate(&stream, Z_FINISH);
	inflateEnd(&stream);
	return (result == Z_STREAM_END || result == Z_BUF_ERROR) && stream.avail_out == 0 ? 0
											  : -EIO;
}

static int unzstd_cluster(const uint8_t *stored, size_t stored_bytes, uint8_t *data, size_t bytes)
{
	ZSTD_inBuffer in = { stored, stored_bytes, 0 };
	ZSTD_outBuffer out = { data, bytes, 0 };
	ZSTD_DCtx *context = ZSTD_createDCtx();
	size_t result = 1;

	if (!context)
		return -ENOMEM;
	/* A window larger than a cluster is of no use. */
	ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, QCOW2_CLUSTER_BITS_MAX + 1);
	while (out.pos < out.size) {
		size_t before = out.pos + in.pos;

		result = ZSTD_decompressStream(context, &out, &in);
		if (ZSTD_isError(result) || out.pos + in.pos == before)
			break;
	}
	ZSTD_freeDCtx(context);
	return out.pos == out.size ? 0 : -EIO;
}

int qcow2_decompress(enum qcow2_compression kind, const uint8_t *stored, size_t stored_bytes,
		     uint8_t *data, size_t bytes)
{
	if (kind == QCOW2_ZSTD)
		return unzstd_cluster(stored, stored_bytes, data, bytes);
	return kind == QCOW2_ZLIB ? inflate_cluster(stored, stored_bytes, data, bytes) : -EIO;
}

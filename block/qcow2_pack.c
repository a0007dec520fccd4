// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Making a compressed image from a whole disk, for tools: everything is appended in one go, each L2
 * table behind the clusters that it maps. Refcounts are not kept meanwhile: the image is marked
 * dirty, and the repair that ends the making counts them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/qcow2_offline.h"

enum {
	OUT_BYTES = 1 << 20, /* written at a time */
	DEFLATE_WINDOW_BITS = 12,
	DEFLATE_MEMORY = 9,
};

struct packer {
	struct block *source, *file;
	struct qcow2_header header;
	size_t cluster_bytes;
	uint8_t *cluster, *packed; /* of the disk, as it is and compressed */
	uint8_t *l1, *l2;
	size_t l1_bytes;
	uint8_t *out; /* of the file, before 'end' */
	size_t held;
	uint64_t end;
	z_stream stream;
};

/* Appending */

static int write_out(struct packer *packer)
{
	int result = packer->held == 0 ? 0
				       : block_write_now(packer->file, packer->end - packer->held,
							 packer->out, packer->held);

	packer->held = 0;
	return result;
}

/** NULL: zeros. */
static int append(struct packer *packer, const uint8_t *data, size_t bytes)
{
	int result = 0;

	while (result == 0 && bytes > 0) {
		size_t piece = min_size(bytes, OUT_BYTES - packer->held);

		if (data) {
			memcpy(packer->out + packer->held, data, piece);
			data += piece;
		} else {
			memset(packer->out + packer->held, 0, piece);
		}
		packer->held += piece;
		packer->end += piece;
		bytes -= piece;
		if (packer->held == OUT_BYTES)
			result = write_out(packer);
	}
	return result;
}

/** Appends a whole cluster; *host says where. */
static int append_cluster(struct packer *packer, const uint8_t *data, uint64_t *host)
{
	size_t within = packer->end % packer->cluster_bytes;
	int result = append(packer, NULL, within ? packer->cluster_bytes - within : 0);

	*host = packer->end;
	return result < 0 ? result : append(packer, data, packer->cluster_bytes);
}

/* Clusters */

/** The length that the cluster has in packer->packed; 0: it does not become shorter. */
static size_t compress_cluster(struct packer *packer)
{
	z_stream *stream = &packer->stream;

	deflateReset(stream);
	stream->next_in = packer->cluster;
	stream->avail_in = (uInt)packer->cluster_bytes;
	stream->next_out = packer->packed;
	stream->avail_out = (uInt)packer->cluster_bytes - 1;
	if (deflate(stream, Z_FINISH) != Z_STREAM_END)
		return 0;
	return packer->cluster_bytes - 1 - stream->avail_out;
}

/** "Compressed Clusters Descriptor": the offset below bit x, the sectors beyond its first one from
 * there on. */
static int append_compressed(struct packer *packer, size_t bytes, uint64_t *entry)
{
	unsigned x = 62 - (packer->header.cluster_bits - 8);
	uint64_t host = packer->end;
	uint64_t sectors = (host + bytes - 1) / BLOCK_SECTOR_BYTES - host / BLOCK_SECTOR_BYTES;

	if (host >> x)
		return -EFBIG;
	*entry = QCOW2_COMPRESSED | sectors << x | host;
	return append(packer, packer->packed, bytes);
}

static bool is_zero(const uint8_t *data, size_t bytes)
{
	return data[0] == 0 && memcmp(data, data + 1, bytes - 1) == 0;
}

static int pack_cluster(struct packer *packer, uint64_t offset, uint64_t *entry)
{
	size_t left =
		(size_t)min_u64(packer->cluster_bytes, block_size_bytes(packer->source) - offset);
	int result = block_read_now(packer->source, offset, packer->cluster, left);
	size_t bytes;

	*entry = 0;
	if (result < 0)
		return result;
	memset(packer->cluster + left, 0, packer->cluster_bytes - left);
	if (is_zero(packer->cluster, packer->cluster_bytes))
		return 0;
	bytes = compress_cluster(packer);
	return bytes ? append_compressed(packer, bytes, entry)
		     : append_cluster(packer, packer->cluster, entry);
}

/** The part of the disk that one L2 table maps, from 'offset' on. */
static int pack_table(struct packer *packer, uint64_t offset, uint64_t end,
		      void (*progress)(uint64_t done, uint64_t total))
{
	size_t index = (size_t)(offset / packer->cluster_bytes / (packer->cluster_bytes / 8));
	uint64_t entry, host;
	bool is_used = false;
	int result = 0;

	memset(packer->l2, 0, packer->cluster_bytes);
	for (size_t i = 0; result == 0 && offset < end; i++) {
		result = pack_cluster(packer, offset, &entry);
		store_be64(packer->l2 + i * QCOW2_ENTRY_BYTES, entry);
		is_used |= entry != 0;
		offset += packer->cluster_bytes;
		if (progress && result == 0)
			progress(min_u64(offset, end), block_size_bytes(packer->source));
	}
	if (result < 0 || !is_used)
		return result;
	result = append_cluster(packer, packer->l2, &host);
	store_be64(packer->l1 + index * QCOW2_ENTRY_BYTES, host);
	return result;
}

/* The whole */

static int set_dirty(struct packer *packer)
{
	if (packer->header.version < 3)
		return 0;
	packer->header.incompatible |= QCOW2_DIRTY;
	return qcow2_header_update(packer->file, &packer->header);
}

static int pack_disk(struct packer *packer, void (*progress)(uint64_t done, uint64_t total))
{
	uint64_t span = packer->cluster_bytes * (packer->cluster_bytes / QCOW2_ENTRY_BYTES);
	uint64_t size = block_size_bytes(packer->source);
	int result = set_dirty(packer);

	for (uint64_t at = 0; result == 0 && at < size; at += span)
		result = pack_table(packer, at, min_u64(at + span, size), progress);
	if (result == 0)
		result = write_out(packer);
	if (result == 0)
		result = block_write_now(packer->file, packer->header.l1_offset, packer->l1,
					 packer->l1_bytes);
	return result == 0 ? block_flush_now(packer->file) : result;
}

static int make_memory(struct packer *packer)
{
	packer->l1_bytes = align_up((size_t)packer->header.l1_entries * QCOW2_ENTRY_BYTES,
				    packer->cluster_bytes);
	packer->cluster = malloc(packer->cluster_bytes);
	packer->packed = malloc(packer->cluster_bytes);
	packer->l1 = calloc(1, packer->l1_bytes);
	packer->l2 = malloc(packer->cluster_bytes);
	packer->out = malloc(OUT_BYTES);
	if (!packer->cluster || !packer->packed || !packer->l1 || !packer->l2 || !packer->out)
		return -ENOMEM;
	return deflateInit2(&packer->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED,
			    -DEFLATE_WINDOW_BITS, DEFLATE_MEMORY, Z_DEFAULT_STRATEGY) == Z_OK
		       ? 0
		       : -ENOMEM;
}

static void free_memory(struct packer *packer)
{
	deflateEnd(&packer->stream);
	free(packer->cluster);
	free(packer->packed);
	free(packer->l1);
	free(packer->l2);
	free(packer->out);
}

int qcow2_pack(struct block *file, struct block *source,
	       void (*progress)(uint64_t done, uint64_t total), struct err *err)
{
	struct packer packer = { .source = source, .file = file };
	struct image_check check;
	bool is_file;
	int result = qcow2_read_header(file, &packer.header, err);

	if (result < 0)
		return result;
	packer.cluster_bytes = (size_t)BIT64(packer.header.cluster_bits);
	packer.end = align_up(raw_data_bytes(file, &is_file), packer.cluster_bytes);
	result = make_memory(&packer);
	if (result == 0)
		result = pack_disk(&packer, progress);
	free_memory(&packer);
	if (result < 0)
		return err_set_errno(err, result, "packing '%s' into '%s'", block_filename(source),
				     file->filename);
	result = qcow2_check(file, IMAGE_REPAIR_ALL, &check, err);
	if (result == 0 && check.errors + check.leaks > 0)
		return err_set(err, -EIO, "'%s' does not hold what was written to it",
			       file->filename);
	return result;
}

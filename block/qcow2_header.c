// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/qcow2.h"

static void load_fields(struct qcow2_header *header, const uint8_t *data)
{
	header->version = load_be32(data + QCOW2_VERSION);
	header->cluster_bits = load_be32(data + QCOW2_CLUSTER_BITS);
	header->size_bytes = load_be64(data + QCOW2_SIZE);
	header->l1_entries = load_be32(data + QCOW2_L1_ENTRIES);
	header->l1_offset = load_be64(data + QCOW2_L1_OFFSET);
	header->reftable_offset = load_be64(data + QCOW2_REFTABLE_OFFSET);
	header->reftable_clusters = load_be32(data + QCOW2_REFTABLE_CLUSTERS);
	header->snapshots = load_be32(data + QCOW2_SNAPSHOTS);
	header->snapshots_offset = load_be64(data + QCOW2_SNAPSHOTS_OFFSET);
	header->refcount_order = 4;
	header->header_bytes = QCOW2_HEADER_2_BYTES;
	if (header->version < 3)
		return;
	header->incompatible = load_be64(data + QCOW2_INCOMPATIBLE);
	header->compatible = load_be64(data + QCOW2_COMPATIBLE);
	header->autoclear = load_be64(data + QCOW2_AUTOCLEAR);
	header->refcount_order = load_be32(data + QCOW2_REFCOUNT_ORDER);
	header->header_bytes = load_be32(data + QCOW2_HEADER_BYTES);
	if (header->header_bytes > QCOW2_COMPRESSION)
		header->compression = data[QCOW2_COMPRESSION];
}

/** What we do not do, by its name. */
static int check_features(const struct qcow2_header *header, const uint8_t *data, struct err *err)
{
	const uint64_t known = QCOW2_DIRTY | QCOW2_CORRUPT | QCOW2_EXTERNAL_DATA |
			       QCOW2_COMPRESSION_TYPE | QCOW2_EXTENDED_L2;
	bool has_type = header->incompatible & QCOW2_COMPRESSION_TYPE;

	if (load_be32(data + QCOW2_CRYPT_METHOD) != 0)
		return err_set(err, -ENOTSUP,
			       "the image is encrypted, which is not supported; convert it with "
			       "'qemu-img convert'");
	if (header->incompatible & QCOW2_EXTERNAL_DATA)
		return err_set(err, -ENOTSUP,
			       "the image keeps its data in an external data file, which is not "
			       "supported; convert it with 'qemu-img convert'");
	if (header->incompatible & QCOW2_EXTENDED_L2)
		return err_set(err, -ENOTSUP,
			       "the image has extended L2 entries (subclusters), which are not "
			       "supported; convert it with 'qemu-img convert -O qcow2 -o "
			       "extended_l2=off'");
	if (header->incompatible & ~known)
		return err_set(err, -ENOTSUP,
			       "the image has incompatible features %#" PRIx64
			       " that are not known",
			       header->incompatible & ~known);
	if (has_type != (header->compression != QCOW2_ZLIB))
		return err_set(err, -EINVAL, "the compression type contradicts its feature bit");
	if (!qcow2_can_decompress(header->compression))
		return err_set(err, -ENOTSUP, "its compression of type %u is not supported",
			       header->compression);
	return 0;
}

static bool is_cluster(const struct qcow2_header *header, uint64_t offset)
{
	return offset % BIT64(header->cluster_bits) == 0 && offset < BIT64(56) && offset > 0;
}

static int check_tables(const struct qcow2_header *header, struct err *err)
{
	unsigned l1_shift = 2 * header->cluster_bits - QCOW2_ENTRY_BITS;
	uint64_t needed = header->size_bytes >> l1_shift;
	uint64_t reftable_bytes = (uint64_t)header->reftable_clusters << header->cluster_bits;

	if (header->size_bytes & (BIT64(l1_shift) - 1))
		needed++;
	if (header->size_bytes >= BIT64(62))
		return err_set(err, -EINVAL, "its size of %" PRIu64 " bytes is too large",
			       header->size_bytes);
	if (header->l1_entries < needed ||
	    header->l1_entries > QCOW2_L1_BYTES_MAX / QCOW2_ENTRY_BYTES)
		return err_set(err, -EINVAL, "its L1 table of %u entries does not suit its size",
			       header->l1_entries);
	if (header->l1_entries > 0 && !is_cluster(header, header->l1_offset))
		return err_set(err, -EINVAL, "its L1 table lies at %#" PRIx64, header->l1_offset);
	if (!is_cluster(header, header->reftable_offset) || header->reftable_clusters == 0 ||
	    reftable_bytes > QCOW2_REFTABLE_BYTES_MAX)
		return err_set(err, -EINVAL,
			       "its refcount table of %u clusters at %#" PRIx64 " makes no sense",
			       header->reftable_clusters, header->reftable_offset);
	if (header->snapshots > QCOW2_SNAPSHOTS_MAX ||
	    (header->snapshots > 0 && !is_cluster(header, header->snapshots_offset)))
		return err_set(err, -EINVAL,
			       "its snapshot table of %u at %#" PRIx64 " makes no sense",
			       header->snapshots, header->snapshots_offset);
	return 0;
}

static int load_string(char *string, size_t limit, const uint8_t *data, size_t bytes)
{
	if (bytes > limit || memchr(data, 0, bytes))
		return -EINVAL;
	memcpy(string, data, bytes);
	string[bytes] = '\0';
	return 0;
}

static int load_extensions(struct qcow2_header *header, const uint8_t *data, size_t end,
			   struct err *err)
{
	size_t at = header->header_bytes;

	while (at + QCOW2_EXTENSION_BYTES <= end) {
		uint32_t type = load_be32(data + at), bytes = load_be32(data + at + 4);

		if (type == QCOW2_EXT_END)
			return 0;
		at += QCOW2_EXTENSION_BYTES;
		if (bytes > end - at)
			return err_set(err, -EINVAL, "a header extension is longer than its room");
		if (type == QCOW2_EXT_BACKING_FORMAT &&
		    load_string(header->backing_format, QCOW2_FORMAT_BYTES_MAX, data + at, bytes) <
			    0)
			return err_set(err, -EINVAL, "the backing file's format makes no sense");
		at += align_up(bytes, 8);
	}
	return 0;
}

static int load_backing(struct qcow2_header *header, const uint8_t *data, size_t bytes,
			struct err *err)
{
	uint64_t offset = load_be64(data + QCOW2_BACKING_OFFSET);
	uint32_t length = load_be32(data + QCOW2_BACKING_BYTES);

	if (offset == 0)
		return load_extensions(header, data, bytes, err);
	if (length == 0 || !range_fits(offset, length, bytes) ||
	    load_string(header->backing_file, QCOW2_BACKING_BYTES_MAX, data + offset, length) < 0)
		return err_set(err, -EINVAL, "the name of its backing file makes no sense");
	return load_extensions(header, data, (size_t)offset, err);
}

int qcow2_header_parse(struct qcow2_header *header, const uint8_t *data, size_t bytes,
		       struct err *err)
{
	int result;

	*header = (struct qcow2_header){ 0 };
	if (bytes < QCOW2_HEADER_MAX_BYTES || load_be32(data + QCOW2_MAGIC) != QCOW2_MAGIC_WORD)
		return err_set(err, -EINVAL, "it is not a qcow2 image");
	load_fields(header, data);
	if (header->version < 2 || header->version > 3)
		return err_set(err, -ENOTSUP, "its qcow2 version %u is not known", header->version);
	if (header->cluster_bits < QCOW2_CLUSTER_BITS_MIN ||
	    header->cluster_bits > QCOW2_CLUSTER_BITS_MAX)
		return err_set(err, -EINVAL, "its clusters of 2^%u bytes are not supported",
			       header->cluster_bits);
	bytes = min_size(bytes, (size_t)1 << header->cluster_bits);
	if (header->refcount_order > QCOW2_REFCOUNT_ORDER_MAX || header->header_bytes > bytes ||
	    (header->version == 3 &&
	     (header->header_bytes < QCOW2_HEADER_3_BYTES || header->header_bytes % 8)))
		return err_set(err, -EINVAL, "its header makes no sense");
	result = check_features(header, data, err);
	if (result == 0)
		result = check_tables(header, err);
	return result < 0 ? result : load_backing(header, data, bytes, err);
}

void qcow2_header_store(const struct qcow2_header *header, uint8_t *data)
{
	store_be32(data + QCOW2_MAGIC, QCOW2_MAGIC_WORD);
	store_be32(data + QCOW2_VERSION, header->version);
	store_be32(data + QCOW2_CLUSTER_BITS, header->cluster_bits);
	store_be64(data + QCOW2_SIZE, header->size_bytes);
	store_be32(data + QCOW2_L1_ENTRIES, header->l1_entries);
	store_be64(data + QCOW2_L1_OFFSET, header->l1_offset);
	store_be64(data + QCOW2_REFTABLE_OFFSET, header->reftable_offset);
	store_be32(data + QCOW2_REFTABLE_CLUSTERS, header->reftable_clusters);
	store_be32(data + QCOW2_SNAPSHOTS, header->snapshots);
	store_be64(data + QCOW2_SNAPSHOTS_OFFSET, header->snapshots_offset);
	if (header->version < 3)
		return;
	store_be64(data + QCOW2_INCOMPATIBLE, header->incompatible);
	store_be64(data + QCOW2_COMPATIBLE, header->compatible);
	store_be64(data + QCOW2_AUTOCLEAR, header->autoclear);
	store_be32(data + QCOW2_REFCOUNT_ORDER, header->refcount_order);
	store_be32(data + QCOW2_HEADER_BYTES, header->header_bytes);
	if (header->header_bytes > QCOW2_COMPRESSION)
		data[QCOW2_COMPRESSION] = header->compression;
}

int qcow2_header_update(struct block *file, const struct qcow2_header *header)
{
	uint8_t data[BLOCK_SECTOR_BYTES];
	int result = block_read_now(file, 0, data, sizeof(data));

	if (result < 0)
		return result;
	qcow2_header_store(header, data);
	result = block_write_now(file, 0, data, sizeof(data));
	return result < 0 ? result : block_flush_now(file);
}

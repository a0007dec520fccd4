// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "block/qcow2_census.h"
#include "block/qcow2_offline.h"

enum {
	HEADER_BYTES = 64 << 10,
};

int qcow2_read_header(struct block *file, struct qcow2_header *header, struct err *err)
{
	uint8_t *data = qcow2_read_table(file, 0, HEADER_BYTES);
	int result;

	if (!data)
		return err_set(err, -EIO, "the header of '%s' cannot be read", file->filename);
	result = qcow2_header_parse(header, data, HEADER_BYTES, err);
	if (result < 0)
		err_prefix(err, "'%s'", file->filename);
	free(data);
	return result;
}

static int tables_failed(const struct block *file, int result, struct err *err)
{
	return err_set_errno(err, result, "the tables of '%s' cannot be read or written",
			     file->filename);
}

/** One look, from the first count to the report. */
static int look(struct block *file, const struct qcow2_header *header, struct image_check *check)
{
	struct qcow2_census census;
	int result = qcow2_census_init(&census, file, header);

	*check = (struct image_check){ 0 };
	census.report = check;
	if (result == 0)
		result = qcow2_census_take(&census, header);
	if (result == 0)
		result = qcow2_census_compare(&census, header);
	if (result == 0)
		result = qcow2_census_flags(&census, header, false);
	qcow2_census_finish(&census);
	return result;
}

static int repair_image(struct block *file, struct qcow2_header *header)
{
	struct qcow2_census census;
	int result = qcow2_census_init(&census, file, header);

	if (result == 0)
		result = qcow2_census_take(&census, header);
	if (result == 0)
		result = qcow2_census_store(&census, header);
	if (result == 0)
		result = qcow2_census_flags(&census, header, true);
	if (result == 0)
		result = block_flush_now(file);
	if (result == 0)
		result = qcow2_header_update(file, header);
	qcow2_census_finish(&census);
	return result;
}

int qcow2_check(struct block *file, enum image_repair repair, struct image_check *check,
		struct err *err)
{
	const uint64_t marks = QCOW2_DIRTY | QCOW2_CORRUPT;
	struct qcow2_header header;
	struct image_check after;
	int result = qcow2_read_header(file, &header, err);

	if (result < 0)
		return result;
	result = look(file, &header, check);
	if (result < 0)
		return tables_failed(file, result, err);
	if (repair == IMAGE_REPAIR_NOTHING ||
	    (check->errors + check->leaks == 0 && !(header.incompatible & marks)) ||
	    (repair == IMAGE_REPAIR_LEAKS && check->errors > 0))
		return 0;
	if (header.autoclear & 1)
		return err_set(err, -ENOTSUP,
			       "'%s' has persistent bitmaps, whose clusters are not known here; "
			       "repair it with 'qemu-img check -r'",
			       file->filename);
	result = repair_image(file, &header);
	if (result == 0)
		result = look(file, &header, &after);
	if (result < 0)
		return tables_failed(file, result, err);
	after.repaired = check->errors + check->leaks -
			 min_u64(check->errors + check->leaks, after.errors + after.leaks);
	*check = after;
	if (check->errors > 0 || !(header.incompatible & marks))
		return 0;
	header.incompatible &= ~marks;
	result = qcow2_header_update(file, &header);
	return result < 0 ? tables_failed(file, result, err) : 0;
}

/* Growing */

/** All the disk's clusters taken anew beside what is there, with their tables. */
static uint64_t most_clusters(struct block *file, const struct qcow2_header *header)
{
	uint64_t clusters = header->size_bytes >> header->cluster_bits;
	bool is_file;
	uint64_t most = (raw_data_bytes(file, &is_file) >> header->cluster_bits) + clusters;

	most += (clusters >> (header->cluster_bits - QCOW2_ENTRY_BITS)) + QCOW2_FREED_MAX;
	return most + most / qcow2_refblock_clusters(header) + 16;
}

int qcow2_widen_reftable(struct block *file, struct qcow2_header *header)
{
	uint64_t entries =
		((uint64_t)header->reftable_clusters << header->cluster_bits) / QCOW2_ENTRY_BYTES;
	uint64_t most = most_clusters(file, header);
	struct qcow2_census census;
	int result;

	if (most / qcow2_refblock_clusters(header) < entries ||
	    most / qcow2_refblock_clusters(header) * QCOW2_ENTRY_BYTES >
		    QCOW2_REFTABLE_BYTES_MAX / 2)
		return 0;
	result = qcow2_census_init(&census, file, header);
	census.coverage = most;
	if (result == 0)
		result = qcow2_census_take(&census, header);
	if (result == 0)
		result = qcow2_census_store(&census, header);
	if (result == 0)
		result = qcow2_header_update(file, header);
	qcow2_census_finish(&census);
	return result;
}

static int refuse_size(const struct block *file, uint64_t bytes, struct err *err)
{
	return err_set(err, -EINVAL, "'%s' cannot have a size of %" PRIu64 " bytes", file->filename,
		       bytes);
}

/** Copies an L1 table to a longer one behind the end of the file. */
static int move_l1(struct block *file, struct qcow2_census *census, struct qcow2_header *header,
		   uint32_t entries)
{
	size_t bytes = align_up((size_t)entries * QCOW2_ENTRY_BYTES, census->cluster_bytes);
	size_t old_bytes = (size_t)header->l1_entries * QCOW2_ENTRY_BYTES;
	uint8_t *old = qcow2_read_table(file, header->l1_offset, old_bytes);
	uint8_t *table = old ? calloc(1, bytes) : NULL;
	int result = -ENOMEM;

	if (table) {
		memcpy(table, old, min_size(old_bytes, bytes));
		header->l1_entries = entries;
		header->l1_offset = qcow2_census_append(census, bytes / census->cluster_bytes);
		result = header->l1_offset ? block_write_now(file, header->l1_offset, table, bytes)
					   : -ENOSPC;
	}
	free(table);
	free(old);
	return result;
}

int qcow2_resize(struct block *file, uint64_t size_bytes, struct err *err)
{
	struct qcow2_header old, header;
	struct qcow2_census census;
	uint64_t entries;
	unsigned shift;
	int result = qcow2_read_header(file, &old, err);

	if (result < 0)
		return result;
	if (old.incompatible & (QCOW2_DIRTY | QCOW2_CORRUPT))
		return err_set(err, -EROFS,
			       "'%s' must be repaired first: 'hvm disk check --repair'",
			       file->filename);
	if (size_bytes < old.size_bytes)
		return err_set(err, -ENOTSUP,
			       "'%s' cannot be made smaller; convert it to a new image of the size "
			       "wanted",
			       file->filename);
	header = old;
	header.size_bytes = size_bytes;
	header.autoclear = 0;
	shift = 2 * header.cluster_bits - QCOW2_ENTRY_BITS;
	entries = (size_bytes + BIT64(shift) - 1) >> shift;
	if (size_bytes >= BIT64(62) || entries > QCOW2_L1_BYTES_MAX / QCOW2_ENTRY_BYTES)
		return refuse_size(file, size_bytes, err);
	if (entries <= header.l1_entries) {
		result = qcow2_header_update(file, &header);
		return result < 0 ? tables_failed(file, result, err) : 0;
	}
	result = qcow2_census_init(&census, file, &header);
	if (result == 0)
		result = move_l1(file, &census, &header, (uint32_t)entries);
	if (result == 0)
		result = qcow2_switch(file, &old, &header, &census);
	qcow2_census_finish(&census);
	return result < 0 ? tables_failed(file, result, err) : 0;
}

/* Making: header, refcount table, one refcount block, L1 table, in that order. */

static int write_new_tables(struct block *file, struct qcow2_header *header, uint8_t *data,
			    size_t clusters)
{
	uint64_t cluster_bytes = BIT64(header->cluster_bits);
	int result;

	store_be64(data + cluster_bytes, 2 * cluster_bytes);
	for (size_t i = 0; i < clusters; i++)
		qcow2_refcount_store(data + 2 * cluster_bytes, header->refcount_order, i, 1);
	result = block_write_now(file, 0, data, clusters * cluster_bytes);
	return result < 0 ? result : block_flush_now(file);
}

static size_t store_extension(uint8_t *data, uint32_t type, const char *text)
{
	size_t bytes = strlen(text);

	store_be32(data, type);
	store_be32(data + 4, (uint32_t)bytes);
	memcpy(data + QCOW2_EXTENSION_BYTES, text, bytes);
	return QCOW2_EXTENSION_BYTES + align_up(bytes, 8);
}

static int store_backing(const struct qcow2_header *header, const struct image_create *options,
			 uint8_t *data)
{
	size_t at = header->header_bytes, bytes = strlen(options->backing_file);

	if (bytes > QCOW2_BACKING_BYTES_MAX ||
	    strlen(options->backing_format) > QCOW2_FORMAT_BYTES_MAX ||
	    at + 64 + bytes > BIT64(header->cluster_bits))
		return -ENAMETOOLONG;
	at += store_extension(data + at, QCOW2_EXT_BACKING_FORMAT, options->backing_format);
	at += QCOW2_EXTENSION_BYTES; /* the end of extensions */
	store_be64(data + QCOW2_BACKING_OFFSET, at);
	store_be32(data + QCOW2_BACKING_BYTES, (uint32_t)bytes);
	memcpy(data + at, options->backing_file, bytes);
	return 0;
}

int qcow2_create(struct block *file, const struct image_create *options, struct err *err)
{
	struct qcow2_header header = {
		.version = options->version ? options->version : 3,
		.cluster_bits = options->cluster_bits ? options->cluster_bits : 16,
		.refcount_order = 4,
		.size_bytes = align_up(options->size_bytes, BLOCK_SECTOR_BYTES),
		.reftable_clusters = 1,
	};
	unsigned shift = 2 * header.cluster_bits - QCOW2_ENTRY_BITS;
	uint64_t cluster_bytes = BIT64(header.cluster_bits), entries, clusters;
	uint8_t *data;
	int result = 0;

	entries = (header.size_bytes + BIT64(shift) - 1) >> shift;
	clusters = 3 + (entries * QCOW2_ENTRY_BYTES + cluster_bytes - 1) / cluster_bytes;
	if (header.size_bytes >= BIT64(62) || entries > QCOW2_L1_BYTES_MAX / QCOW2_ENTRY_BYTES ||
	    clusters > qcow2_refblock_clusters(&header))
		return refuse_size(file, options->size_bytes, err);
	header.l1_entries = (uint32_t)entries;
	header.reftable_offset = cluster_bytes;
	header.l1_offset = 3 * cluster_bytes;
	header.header_bytes = header.version < 3 ? QCOW2_HEADER_2_BYTES : QCOW2_HEADER_MAX_BYTES;
	data = calloc(clusters, cluster_bytes);
	if (!data)
		return err_set(err, -ENOMEM, "no memory left to make '%s'", file->filename);
	qcow2_header_store(&header, data);
	if (options->backing_file)
		result = store_backing(&header, options, data);
	if (result < 0)
		err_set_errno(err, result, "the name of the backing file");
	else if ((result = write_new_tables(file, &header, data, clusters)) < 0)
		err_set_errno(err, result, "cannot write '%s'", file->filename);
	free(data);
	return result;
}

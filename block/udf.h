// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The UDF file system of a CD image (the tree that Windows reads from its installation media) and a
 * directory of the host laid over it. One partition as it is on pressed discs; not the metadata
 * partitions of UDF 2.50. Directories' entries keep their place: what changes is their list of
 * names, which goes behind the image's end, as the partition then does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "block/composed.h"
#include "block/host_tree.h"
#include "block/iso_tree.h"
#include "block/udf_format.h"

struct err;

struct udf_volume {
	const struct media_base *base;
	uint32_t sequences[2][2]; /* main and reserve: length, sector */
	uint32_t integrity[2];
	uint32_t start, length; /* of the partition, in sectors */
	uint16_t partition;
	uint16_t version, serial;    /* of descriptors' tags */
	uint32_t root;               /* block of the partition with its entry */
	uint64_t unique_id;          /* the next */
	uint32_t files, directories; /* added */
	struct pool pool;
};

/** 1 and 'volume' if the image has UDF, 0 if not, or -errno and a sentence. */
int udf_find(struct udf_volume *volume, const struct media_base *base, struct err *err);
void udf_finish(struct udf_volume *volume);
/** Lays 'host', whose files have their places, over the tree; '*lba' is moved behind what is added.
 * 0, or -errno and a sentence. */
int udf_merge(struct udf_volume *volume, const struct host_tree *host, struct composed *composed,
	      uint64_t *lba, struct err *err);
/** Lets the volume's descriptors end before '*lba', where another anchor goes. 0, or -errno and a
 * sentence. */
int udf_write_descriptors(struct udf_volume *volume, struct composed *composed, uint64_t *lba,
			  struct err *err);

/* Between udf.c and udf_merge.c. */

/** Reads a sector of the partition and checks that it is 'id' (or 'other'). 0, or -errno and a
 * sentence. */
int udf_read_block(const struct udf_volume *volume, uint32_t block, unsigned id, unsigned other,
		   uint8_t *sector, struct err *err);
/** Fills the tag of what has 'bytes' at 'block', whose other content is complete. */
void udf_set_tag(const struct udf_volume *volume, uint8_t *descriptor, unsigned id, size_t bytes,
		 uint32_t block);
/** Makes checksums right again after a change. */
void udf_renew_tag(uint8_t *descriptor);
int udf_fail(const struct udf_volume *volume, const char *what, struct err *err);

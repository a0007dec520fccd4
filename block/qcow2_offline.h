// SPDX-License-Identifier: GPL-2.0-or-later
/* What image.h offers, for qcow2. 'file' is the image's own, open for reading or writing. */
#pragma once

#include "block/image.h"
#include "block/qcow2.h"

/** Reads the header. 0, or -errno and a sentence. */
int qcow2_read_header(struct block *file, struct qcow2_header *header, struct err *err);
/** The first bytes of a new image: header, and one cluster each for refcount table, refcount block
 * and the start of the L1 table. 0, or -errno and a sentence. */
int qcow2_create(struct block *file, const struct image_create *options, struct err *err);
/** Fills a new image with the compressed content of 'source'. 0, or -errno and a sentence. */
int qcow2_pack(struct block *file, struct block *source,
	       void (*progress)(uint64_t done, uint64_t total), struct err *err);
int qcow2_check(struct block *file, enum image_repair repair, struct image_check *check,
		struct err *err);
/** Sees to it that the refcount table reaches as far as the image can grow, so that it need not
 * while a guest runs. 0 or -errno. */
int qcow2_widen_reftable(struct block *file, struct qcow2_header *header);
int qcow2_list_snapshots(struct block *file, struct image_snapshot **snapshots, struct err *err);
int qcow2_snapshot(struct block *file, enum image_snapshot_verb verb, const char *name,
		   struct err *err);
int qcow2_resize(struct block *file, uint64_t size_bytes, struct err *err);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A census of an image that nobody uses: every cluster that anything points at is counted, and the
 * refcounts on disk are compared with that, or made so. Checking, repairing, snapshots and growing
 * are all done by it. Slow next to requests, and simple: all tables are read.
 *
 * A change goes in three moves, and the power may fail between any two. The tables of the new state
 * are written to clusters that nobody uses; refcounts become the larger of old and new; the header
 * switches to the new state; refcounts become exact. What a failure leaves are leaks, and flags
 * that do not suit their refcounts; the dirty bit says that the image wants repair meanwhile.
 */
#pragma once

#include "block/image.h"
#include "block/qcow2.h"

struct qcow2_census {
	struct block *file;
	uint64_t cluster_bytes;
	uint32_t *counts; /* mapped; of 'clusters' */
	uint64_t clusters;
	uint64_t end; /* clusters of the file, and what has been added behind */
	uint64_t
		coverage; /* clusters that a refcount table that is stored must reach; 0: the end */
	struct image_check *report; /* may be NULL */
	uint8_t *table;             /* room for an L2 table or refcount block */
};

/** Room for counts of what the file has, and some more. 0 or -ENOMEM. */
int qcow2_census_init(struct qcow2_census *census, struct block *file,
		      const struct qcow2_header *header);
void qcow2_census_finish(struct qcow2_census *census);
/** Counts all that 'header' leads to. 0, or -errno if a table cannot be read. What makes no sense
 * is counted in the report, and left out. */
int qcow2_census_take(struct qcow2_census *census, const struct qcow2_header *header);
/** Every count becomes the larger of both. */
void qcow2_census_join(struct qcow2_census *census, const struct qcow2_census *other);
/** 'count' clusters behind the end of everything, counted once; 0 if there is no room for them. */
uint64_t qcow2_census_append(struct qcow2_census *census, uint64_t count);
/** Compares the refcounts on disk with the counts: fills the report. */
int qcow2_census_compare(struct qcow2_census *census, const struct qcow2_header *header);
/** Makes the refcounts on disk as the counts, and the flags of active tables. 'header' gets a new
 * refcount table if the old one does not serve; the caller writes the header. 0 or -errno. */
int qcow2_census_store(struct qcow2_census *census, struct qcow2_header *header);
/** Checks the flags of active tables against the counts, and with 'repair' sets them. */
int qcow2_census_flags(struct qcow2_census *census, const struct qcow2_header *header, bool repair);

/** Switches an image from 'old' to 'new', whose tables have been written. 0 or -errno. */
int qcow2_switch(struct block *file, const struct qcow2_header *old, struct qcow2_header *new,
		 struct qcow2_census *census);
/** 'bytes' of the file at 'offset', allocated; NULL if they cannot be read. */
void *qcow2_read_table(struct block *file, uint64_t offset, size_t bytes);

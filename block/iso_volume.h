// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The volume descriptors of an ISO 9660 image and the trees that they lead to: the primary one,
 * with or without Rock Ridge, and Joliet's. Descriptors that lead to the same root change
 * together; one with a tree of its own that is neither (ISO 9660:1999) keeps it as it was.
 */
#pragma once

#include "block/iso_tree.h"

struct iso_volume {
	struct iso_tree trees[2]; /* by enum iso_kind */
	bool has_tree[2];
	uint8_t *descriptors; /* as found; NULL: all are new */
	unsigned descriptor_count;
	uint64_t sectors; /* the most that one says */
};

/** For a new CD. 0, or -errno and a sentence; finish it in any case. */
int iso_volume_create(struct iso_volume *volume, struct err *err);
/** Finds the descriptors of an image and reads their trees; has_tree says which there are. 0, or
 * -errno and a sentence; finish it in any case. */
int iso_volume_read(struct iso_volume *volume, const struct media_base *base, struct err *err);
void iso_volume_finish(struct iso_volume *volume);

/** Lays 'host' over all trees. 0, or -errno and a sentence. */
int iso_volume_merge(struct iso_volume *volume, const struct host_tree *host, struct err *err);
/** Gives the trees their places from sector '*lba' on, then, when files have theirs, writes them.
 * 0, or -errno and a sentence. */
int iso_volume_place_trees(struct iso_volume *volume, uint64_t *lba, struct err *err);
int iso_volume_write_trees(struct iso_volume *volume, struct composed *composed, struct err *err);
/** Writes the descriptors of a volume of 'sectors'; 'name' is for a new one. 0, or -errno and a
 * sentence. */
int iso_volume_write_descriptors(struct iso_volume *volume, struct composed *composed,
				 uint64_t sectors, const struct host_tree *host, struct err *err);

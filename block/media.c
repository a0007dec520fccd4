// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/media.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "block/driver.h"
#include "block/iso_volume.h"
#include "block/udf.h"

/* Content of files: each in sectors of its own, used by all trees. */

static int place_file(struct composed *composed, struct host_node *node, uint64_t *lba,
		      struct err *err)
{
	uint64_t start = *lba * ISO_SECTOR_BYTES;
	struct composed_file file = {
		.fd = node->fd, .bytes = node->bytes, .modified = node->modified, .is_checked = true
	};
	int result;

	node->lba = (uint32_t)*lba;
	*lba += align_up(node->bytes, ISO_SECTOR_BYTES) / ISO_SECTOR_BYTES;
	if (*lba > UINT32_MAX)
		return err_set(err, -E2BIG, "the files are too large for a CD");
	if (node->fd < 0)
		return composed_add_memory(composed, start, node->data, (size_t)node->bytes, err);
	snprintf(file.name, sizeof(file.name), "%s", node->name);
	result = composed_add_file(composed, start, &file, err);
	if (result == 0)
		node->fd = -1;
	return result;
}

static int place_files(struct composed *composed, struct host_node *node, uint64_t *lba,
		       struct err *err)
{
	int result = 0;

	if (!node->is_directory)
		return place_file(composed, node, lba, err);
	for (size_t i = 0; i < node->child_count && result == 0; i++)
		result = place_files(composed, node->children[i], lba, err);
	return result;
}

/** What is common to new CDs and overlays: from sector 'lba' on is room. 'udf' is NULL, or a file
 * system that is there as well. */
static int make(struct composed *composed, struct iso_volume *volume, struct udf_volume *udf,
		struct host_tree *host, uint64_t lba, struct err *err)
{
	int result = iso_volume_merge(volume, host, err);

	if (result == 0)
		result = iso_volume_place_trees(volume, &lba, err);
	if (result == 0)
		result = place_files(composed, host->root, &lba, err);
	if (result == 0)
		result = iso_volume_write_trees(volume, composed, err);
	if (result == 0 && udf)
		result = udf_merge(udf, host, composed, &lba, err);
	if (result == 0 && udf)
		result = udf_write_descriptors(udf, composed, &lba, err);
	if (result == 0)
		result = iso_volume_write_descriptors(volume, composed, lba, host, err);
	return result == 0 ? composed_seal(composed, lba * ISO_SECTOR_BYTES, err) : result;
}

static int start_composing(struct composed *composed, struct host_tree *host, const char *directory,
			   struct err *err)
{
	int result = host_tree_read(host, directory, err);

	if (result == 0 && composed_init(composed) < 0) {
		result = err_set(err, -ENOMEM, "no memory left for the medium");
		host_tree_finish(host);
	}
	return result;
}

int media_make_cd(struct composed *composed, const char *directory, struct err *err)
{
	struct iso_volume volume;
	struct host_tree host;
	int result = start_composing(composed, &host, directory, err);

	if (result < 0)
		return result;
	result = iso_volume_create(&volume, err);
	if (result == 0)
		result = make(composed, &volume, NULL, &host, volume.sectors, err);
	iso_volume_finish(&volume);
	host_tree_finish(&host);
	if (result < 0)
		composed_finish(composed);
	return result;
}

/* Overlays */

static int measure(struct media_base *base, struct err *err)
{
	struct stat status;

	if (fstat(base->fd, &status) < 0)
		return err_set_errno(err, -errno, "cannot examine '%s'", base->filename);
	base->bytes = (uint64_t)status.st_size;
	if (S_ISBLK(status.st_mode) && ioctl(base->fd, BLKGETSIZE64, &base->bytes) < 0)
		return err_set_errno(err, -errno, "cannot tell the size of '%s'", base->filename);
	if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))
		return err_set(err, -EINVAL, "'%s' is neither a file nor a block device",
			       base->filename);
	return 0;
}

static int check_whole(const struct iso_volume *volume, const struct udf_volume *udf,
		       const struct media_base *base, struct err *err)
{
	uint64_t bytes = max_u64(volume->sectors, (uint64_t)udf->start + udf->length);

	if (bytes * ISO_SECTOR_BYTES <= align_up(base->bytes, ISO_SECTOR_BYTES))
		return 0;
	return err_set(err, -EINVAL, "'%s' ends before its volume does: it is not whole",
		       base->filename);
}

static int lay_over(struct composed *composed, const struct media_base *base,
		    struct host_tree *host, struct err *err)
{
	uint64_t sectors = align_up(base->bytes, ISO_SECTOR_BYTES) / ISO_SECTOR_BYTES;
	struct iso_volume volume;
	struct udf_volume udf = { 0 };
	int has_udf = 0, result = iso_volume_read(&volume, base, err);

	if (result == 0)
		result = has_udf = udf_find(&udf, base, err);
	if (result == 0 && !volume.has_tree[ISO_PRIMARY])
		result = err_set(err, -EINVAL, "'%s' is no image of a CD (ISO 9660 or UDF)",
				 base->filename);
	if (result >= 0)
		result = check_whole(&volume, &udf, base, err);
	if (result == 0)
		result = make(composed, &volume, has_udf ? &udf : NULL, host, sectors, err);
	udf_finish(&udf);
	iso_volume_finish(&volume);
	return result;
}

int media_make_overlay(struct composed *composed, const char *directory, int fd,
		       const char *filename, struct err *err)
{
	struct media_base base = { .fd = fd, .filename = filename };
	struct host_tree host;
	int result = start_composing(composed, &host, directory, err);

	if (result < 0) {
		close(fd);
		return result;
	}
	composed_set_below(composed, fd, 0);
	result = measure(&base, err);
	if (result == 0) {
		composed_set_below(composed, fd, base.bytes);
		result = lay_over(composed, &base, &host, err);
	}
	host_tree_finish(&host);
	if (result < 0)
		composed_finish(composed);
	return result;
}

/* As formats */

/** An image in memory, in which what the guest writes stays until it is taken out. */
static int open_floppy(struct block *block, const struct block_options *options, struct err *err)
{
	struct block_options raw = *options;

	raw.snapshot = false;
	raw.fd = media_make_floppy(block->filename, err);
	if (raw.fd < 0)
		return raw.fd;
	block->is_temporary = true;
	return raw_open(block, &raw, err);
}

int media_open_directory(struct block *block, const struct block_options *options,
			 const struct block_role *role, struct err *err)
{
	struct composed composed;
	int result;

	if (options->is_floppy && options->fd < 0)
		return open_floppy(block, options, err);
	(void)role;
	if (options->fd >= 0) {
		close(options->fd);
		return err_set(err, -EINVAL, "a directory cannot be handed over by a descriptor");
	}
	if (!options->is_cdrom)
		return err_set(err, -EINVAL,
			       "'%s': a directory can be a CD or a floppy disk, not a hard disk",
			       block->filename);
	result = media_make_cd(&composed, block->filename, err);
	return result == 0 ? composed_open(block, &composed, err) : result;
}

int media_open_overlay(struct block *block, const struct block_options *options,
		       const struct block_role *role, struct err *err)
{
	struct composed composed;
	int fd = options->fd, result = 0;

	(void)role;
	if (!options->overlay)
		result = err_set(err, -EINVAL, "'%s': say by overlay=DIRECTORY what lies over it",
				 block->filename);
	else if (!options->is_cdrom)
		result = err_set(err, -EINVAL, "'%s': an overlay makes a CD, not a disk",
				 block->filename);
	else if (fd < 0)
		result = fd = open(block->filename, O_RDONLY | O_CLOEXEC);
	if (result < 0) {
		if (options->fd >= 0)
			close(options->fd);
		return options->overlay && options->is_cdrom
			       ? err_set_errno(err, -errno, "cannot open '%s'", block->filename)
			       : result;
	}
	if (options->fd < 0 && !options->no_lock)
		result = image_lock(fd, block->filename, false, false, err);
	if (result < 0) {
		close(fd);
		return result;
	}
	result = media_make_overlay(&composed, options->overlay, fd, block->filename, err);
	return result == 0 ? composed_open(block, &composed, err) : result;
}

int media_open_composed(struct block *block, const struct block_options *options,
			const struct block_role *role, struct err *err)
{
	struct composed composed;
	int result;

	(void)role;
	if (options->fd < 0)
		return err_set(err, -EINVAL, "a composed medium comes as a descriptor, not as '%s'",
			       block->filename);
	result = composed_receive(&composed, options->fd, err);
	close(options->fd);
	return result == 0 ? composed_open(block, &composed, err) : result;
}

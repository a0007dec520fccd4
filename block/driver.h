// SPDX-License-Identifier: GPL-2.0-or-later
/* Between block.c and the kinds of images. */
#pragma once

#include "block/block.h"

struct block_driver {
	/** The request lies inside the medium and suits it. Ends by block_request_done, never from
	 * within. */
	void (*start)(struct block *block, struct block_request *request);
	/** Nothing is under way. */
	void (*close)(struct block *block);
	/** Gives up what keeps other processes from the image, or claims it again: 0, or -errno and
	 * a sentence. NULL: nothing does. */
	int (*claim)(struct block *block, bool claimed, struct err *err);
	/** Looks whether the medium is still the same; may change block->size_bytes. NULL: it
	 * cannot change. */
	bool (*is_present)(struct block *block);
};

struct block {
	const struct block_driver *driver;
	void *image; /* the driver's */
	struct aio *aio;
	char *filename;
	const char *format;
	uint64_t size_bytes;
	bool read_only, is_cdrom;
	bool is_temporary; /* what is written goes with the process */
	enum block_cache cache;
	enum block_error_action write_error, read_error;
	struct list_node in_flight, held;
	struct block_stats stats;
	void (*stopped)(void *opaque, struct block *block, bool is_write, int error);
	void *stopped_opaque;
};

enum {
	BLOCK_SECTOR_BYTES = 512,
	BLOCK_CD_SECTOR_BYTES = 2048,
};

/** The driver has finished with 'request'. */
void block_request_done(struct block_request *request, int result);

/** An open raw image; the overlay of a snapshot stands on one, too. */
struct raw_image {
	struct aio_file file;
	uint64_t data_bytes; /* what the file holds; the rest of its last sector reads as zeros */
	bool is_host_cdrom;
	bool is_locked; /* against other processes */
	/* With O_DIRECT: writes that must take the page cache have the file to themselves. */
	struct list_node parked;
	unsigned writes_under_way;
	bool is_exclusive, direct_refused;
};

/** Opens 'options' into 'block' (image, driver, sizes, read_only). 0 or -errno with a sentence. */
int raw_open(struct block *block, const struct block_options *options, struct err *err);
void raw_close(struct raw_image *raw);
/** How many of 'bytes' at 'offset' the file holds. */
size_t raw_held_bytes(const struct raw_image *raw, uint64_t offset, size_t bytes);
/** Prepares request->io for 'bytes' at 'offset' of 'file', which stand 'skip' bytes into the
 * request's memory. */
void block_prepare_io(struct block_request *request, const struct aio_file *file,
		      enum aio_kind kind, size_t skip, size_t bytes);
/** Zeros 'bytes' of the request's memory from 'skip' on. */
void block_zero_iov(const struct block_request *request, size_t skip, size_t bytes);

/** Puts an overlay on the raw image in 'block'. */
int cow_open(struct block *block, struct err *err);

/**
 * Claims the image in 'fd' for reading or writing, in the way QEMU and its tools do, so that
 * neither opens it beside us; a 'patient' one waits a moment for a user that is just going. 0 or
 * -errno with a sentence.
 */
int image_lock(int fd, const char *filename, bool writing, bool patient, struct err *err);
void image_unlock(int fd);

/** Whether the host's CD drive in 'fd' holds a readable medium, and its size. */
bool host_cdrom_is_present(int fd, uint64_t *size_bytes);

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
	/** Goes on with requests that wait for nothing but their turn; false if there are none.
	 * NULL: there never are. */
	bool (*advance)(struct block *block);
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
	bool read_only, is_cdrom, discard;
	bool discard_is_vague; /* who discards may read one thing now and another later */
	bool is_temporary;     /* what is written goes with the process */
	bool is_growable;  /* behind its end are zeros, and writing extends it: a file of ours */
	const void *owner; /* the image that the guest sees; what aio_wait waits for */
	enum block_cache cache;
	enum block_error_action write_error, read_error;
	struct list_node in_flight, held;
	const struct block_gate *gate;
	struct block_stats stats;
	struct throttle *throttle; /* NULL: no limits */
	void (*stopped)(void *opaque, struct block *block, bool is_write, int error);
	void *stopped_opaque;
};

enum {
	BLOCK_SECTOR_BYTES = 512,
	BLOCK_CD_SECTOR_BYTES = 2048,
};

/** Starts a request that throttle.c held back. */
void block_start_admitted(struct block *block, struct block_request *request);
/** The driver has finished with 'request'. */
void block_request_done(struct block_request *request, int result);

/** How an image is opened as a part of another. */
struct block_role {
	const struct block *owner; /* NULL: it is nobody's part */
	bool is_growable;
	unsigned depth; /* of backing files above it */
};

/** block_open for parts of an image: their requests belong to role->owner's. */
struct block *block_open_as(const struct block_options *options, const struct block_role *role,
			    struct loop *loop, struct err *err);
/**
 * Starts a request of an image to its part: op, offset, iov, skip, bytes and complete are set. The
 * range is checked by who asks; beyond the end of a growable part are zeros.
 */
void block_start_part(struct block *part, struct block_request *request);

/** Zeros to write from: pieces of one page, together 'ZEROS_BYTES'. */
extern const struct iovec block_zeros[];
enum {
	BLOCK_ZEROS_PIECES = 512,
	BLOCK_ZEROS_BYTES = BLOCK_ZEROS_PIECES * 4096,
};

/** An open raw image, or the file of an image in another format. */
struct raw_image {
	struct aio_file file;
	uint64_t data_bytes; /* what the file holds; the rest of its last sector reads as zeros */
	bool is_host_cdrom, is_device;
	bool is_locked; /* against other processes */
	/* With O_DIRECT: writes that must take the page cache have the file to themselves. */
	struct list_node parked;
	unsigned writes_under_way;
	bool is_exclusive, direct_refused;
};

/** Opens 'options' into 'block' (image, driver, sizes, read_only). 0 or -errno with a sentence. */
int raw_open(struct block *block, const struct block_options *options, struct err *err);
/** The bytes that the file of a raw image holds, and whether it is a file, which can grow. */
uint64_t raw_data_bytes(const struct block *block, bool *is_file);
/** Prepares request->io for 'bytes' at 'offset' of 'file', which stand 'skip' bytes into the
 * request's memory. */
void block_prepare_io(struct block_request *request, const struct aio_file *file,
		      enum aio_kind kind, size_t skip, size_t bytes);
/** Copies 'bytes' at 'data' into the request's memory from 'skip' on. */
void block_fill_iov(const struct block_request *request, size_t skip, const uint8_t *data,
		    size_t bytes);
/** Zeros 'bytes' of the request's memory from 'skip' on. */
void block_zero_iov(const struct block_request *request, size_t skip, size_t bytes);

/** Makes 'block' an overlay of 'base', which is taken over on success. */
int cow_open(struct block *block, struct block *base, struct err *err);
/** Opens 'options' as a qcow2 image; what it consists of belongs to block->owner. */
int qcow2_open(struct block *block, const struct block_options *options,
	       const struct block_role *role, struct err *err);
/** Makes 'block' an image of zeros in memory. 0 or -errno with a sentence. */
int memory_open(struct block *block, uint64_t bytes, struct err *err);
/** The same for VHD. */
int vpc_open(struct block *block, const struct block_options *options,
	     const struct block_role *role, struct err *err);

/**
 * Claims the image in 'fd' for reading or writing, in the way QEMU and its tools do, so that
 * neither opens it beside us; a 'patient' one waits a moment for a user that is just going. 0 or
 * -errno with a sentence.
 */
int image_lock(int fd, const char *filename, bool writing, bool patient, struct err *err);
void image_unlock(int fd);

/** Whether the host's CD drive in 'fd' holds a readable medium, and its size. */
bool host_cdrom_is_present(int fd, uint64_t *size_bytes);

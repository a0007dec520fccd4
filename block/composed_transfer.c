// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Handing an image to another process, which may be able to open nothing: a socket, closed at the
 * other end, in which messages wait that carry descriptors. The first is a table in memory: what
 * files there are, and which parts of the image lie in them. Then those files, in their order.
 * Who receives it takes the table once, and checks all of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "block/composed.h"
#include "block/iso_format.h"

enum {
	TABLE_VERSION = 1,
	FDS_PER_MESSAGE = 200, /* Linux takes 253 */
};

#define MAX_IMAGE_BYTES ((uint64_t)UINT32_MAX * ISO_SECTOR_BYTES)

static const char magic[8] = "hvmdmcd";

struct table_header {
	char magic[8];
	uint32_t version, file_count, extent_count, reserved;
	uint64_t below_bytes, size_bytes;
};

struct table_file {
	uint64_t bytes;
	int64_t seconds, nanoseconds;
	uint32_t is_checked, has_descriptor;
	char name[COMPOSED_NAME_BYTES];
};

/* Sending */

static int send_fds(int socket, const int *fds, size_t count)
{
	char control[CMSG_SPACE(FDS_PER_MESSAGE * sizeof(int))] = { 0 };
	char byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = CMSG_SPACE(count * sizeof(int)),
	};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(header), fds, count * sizeof(int));
	return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

static int write_all(int fd, const void *data, size_t bytes)
{
	return write(fd, data, bytes) == (ssize_t)bytes ? 0 : -EIO;
}

static int write_table(const struct composed *composed, int fd)
{
	struct table_header header = {
		.version = TABLE_VERSION,
		.file_count = composed->file_count,
		.extent_count = composed->extent_count,
		.below_bytes = composed->below_bytes,
		.size_bytes = composed->size_bytes,
	};
	int result;

	memcpy(header.magic, magic, sizeof(magic));
	result = write_all(fd, &header, sizeof(header));
	for (uint32_t i = 0; i < composed->file_count && result == 0; i++) {
		const struct composed_file *file = &composed->files[i];
		struct table_file row = {
			.bytes = file->bytes,
			.seconds = file->modified.tv_sec,
			.nanoseconds = file->modified.tv_nsec,
			.is_checked = file->is_checked,
			.has_descriptor = file->fd >= 0,
		};

		memcpy(row.name, file->name, sizeof(row.name));
		result = write_all(fd, &row, sizeof(row));
	}
	if (result == 0)
		result = write_all(fd, composed->extents,
				   composed->extent_count * sizeof(*composed->extents));
	return result;
}

static int send_all(const struct composed *composed, int socket, int table)
{
	int fds[FDS_PER_MESSAGE], result = write_table(composed, table);
	size_t count = 0;

	if (result == 0)
		result = send_fds(socket, &table, 1);
	for (uint32_t i = 0; i < composed->file_count && result == 0; i++) {
		if (composed->files[i].fd >= 0)
			fds[count++] = composed->files[i].fd;
		if (count == FDS_PER_MESSAGE) {
			result = send_fds(socket, fds, count);
			count = 0;
		}
	}
	return result == 0 && count ? send_fds(socket, fds, count) : result;
}

int composed_send(const struct composed *composed, struct err *err)
{
	int ends[2], result, table = memfd_create("hvmdm-medium-table", MFD_CLOEXEC);

	if (table < 0 || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
		result = err_set_errno(err, -errno, "cannot hand over a medium");
		if (table >= 0)
			close(table);
		return result;
	}
	result = send_all(composed, ends[1], table);
	close(ends[1]);
	close(table);
	if (result == 0)
		return ends[0];
	close(ends[0]);
	return err_set_errno(err, result, "cannot hand over a medium");
}

/* Receiving */

struct receiving {
	int socket;
	int fds[FDS_PER_MESSAGE]; /* of one message */
	size_t count, next;
};

static int receive_fds(struct receiving *receiving)
{
	char control[CMSG_SPACE(sizeof(receiving->fds))];
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr message = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got = recvmsg(receiving->socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	const struct cmsghdr *header = got == 1 ? CMSG_FIRSTHDR(&message) : NULL;

	if (got < 0)
		return -errno;
	if (!header || header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
		return -EPROTO;
	receiving->next = 0;
	receiving->count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(receiving->fds, CMSG_DATA(header), receiving->count * sizeof(int));
	/* Some did not fit: of the message, or of the descriptors that we may have. */
	return message.msg_flags & MSG_CTRUNC ? -EMFILE : 0;
}

/** The next descriptor, or -errno. */
static int take_fd(struct receiving *receiving)
{
	if (receiving->next == receiving->count) {
		int result = receive_fds(receiving);

		if (result < 0)
			return result;
	}
	return receiving->next < receiving->count ? receiving->fds[receiving->next++] : -EPROTO;
}

static void drop_fds(struct receiving *receiving)
{
	while (receiving->next < receiving->count)
		close(receiving->fds[receiving->next++]);
}

static int read_all(int fd, void *data, size_t bytes, uint64_t offset)
{
	return pread(fd, data, bytes, (off_t)offset) == (ssize_t)bytes ? 0 : -EPROTO;
}

/** A file, which reading does not wait for, and not more of it than there is to be. */
static int take_file(struct receiving *receiving, struct composed_file *file,
		     const struct table_file *row)
{
	struct stat status;

	*file = (struct composed_file){
		.fd = -1,
		.bytes = row->bytes,
		.modified = { .tv_sec = row->seconds, .tv_nsec = row->nanoseconds },
		.is_checked = row->is_checked,
	};
	memcpy(file->name, row->name, sizeof(file->name) - 1);
	if (!row->has_descriptor)
		return row->bytes ? -EPROTO : 0;
	file->fd = take_fd(receiving);
	if (file->fd < 0)
		return file->fd;
	if (fstat(file->fd, &status) < 0)
		return -errno;
	return S_ISREG(status.st_mode) || S_ISBLK(status.st_mode) ? 0 : -EPROTO;
}

static bool extents_are_good(const struct composed *composed)
{
	uint64_t end = 0;

	for (uint32_t i = 0; i < composed->extent_count; i++) {
		const struct composed_extent *extent = &composed->extents[i];

		if (extent->bytes == 0 || extent->start < end ||
		    !range_fits(extent->start, extent->bytes, composed->size_bytes) ||
		    extent->file >= composed->file_count || composed->files[extent->file].fd < 0 ||
		    !range_fits(extent->offset, extent->bytes, composed->files[extent->file].bytes))
			return false;
		end = extent->start + extent->bytes;
	}
	return true;
}

static int read_header(struct composed *composed, int table)
{
	struct table_header header;
	int result = read_all(table, &header, sizeof(header), 0);

	if (result < 0)
		return result;
	if (memcmp(header.magic, magic, sizeof(magic)) != 0 || header.version != TABLE_VERSION ||
	    header.file_count < 2 || header.file_count > COMPOSED_MAX_FILES ||
	    header.extent_count > COMPOSED_MAX_EXTENTS || header.size_bytes == 0 ||
	    header.size_bytes % ISO_SECTOR_BYTES || header.size_bytes > MAX_IMAGE_BYTES ||
	    header.below_bytes > header.size_bytes)
		return -EPROTO;
	composed->extent_count = header.extent_count;
	composed->below_bytes = header.below_bytes;
	composed->size_bytes = header.size_bytes;
	return (int)header.file_count;
}

static int read_table(struct composed *composed, struct receiving *receiving, int table)
{
	int files = read_header(composed, table), result = files < 0 ? files : 0;
	uint64_t at = sizeof(struct table_header);

	for (int i = 0; i < files && result == 0; i++) {
		struct table_file row;

		result = read_all(table, &row, sizeof(row), at);
		at += sizeof(row);
		if (result == 0)
			result = take_file(receiving, &composed->files[i], &row);
		composed->file_count = (uint32_t)(i < 2 ? 2 : i + 1);
	}
	if (result < 0)
		return result;
	composed->extents = calloc(composed->extent_count + 1, sizeof(*composed->extents));
	if (!composed->extents)
		return -ENOMEM;
	result = read_all(table, composed->extents,
			  composed->extent_count * sizeof(*composed->extents), at);
	if (result == 0 && (!extents_are_good(composed) ||
			    composed->files[COMPOSED_BELOW].bytes != composed->below_bytes))
		result = -EPROTO;
	return result;
}

int composed_receive(struct composed *composed, int fd, struct err *err)
{
	struct receiving receiving = { .socket = fd };
	int table, result;

	if (composed_init(composed) < 0)
		return err_set(err, -ENOMEM, "no memory left for the medium");
	result = table = take_fd(&receiving);
	if (table >= 0) {
		result = read_table(composed, &receiving, table);
		close(table);
	}
	drop_fds(&receiving);
	if (result >= 0)
		return 0;
	composed_finish(composed);
	if (result == -EMFILE)
		return err_set(err, result, "the medium has more files than this process may open");
	return err_set(err, result, "the descriptor holds no composed medium");
}

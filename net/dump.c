// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"

/* The file: docs/net.md names the layout's source. All numbers little-endian. */
#define PCAP_MAGIC UINT32_C(0xa1b2c3d4) /* times in microseconds */

enum {
	PCAP_VERSION_MAJOR = 2,
	PCAP_VERSION_MINOR = 4,
	PCAP_ETHERNET = 1,
	PCAP_HEADER_BYTES = 24,
	PCAP_RECORD_BYTES = 16,
	MAX_PIECES = 32, /* of a frame; what lies in more is not kept */
};

struct net_dump {
	struct net_observer observer;
	int fd;
	size_t max_bytes;
};

static void give_up(struct net_dump *dump, const char *why)
{
	log_warning("the capture of network frames ends: %s", why);
	list_remove(&dump->observer.node);
}

/** Into the file's cache: that waits for no disk. */
static void write_record(void *opaque, const struct iovec *iov, unsigned count)
{
	struct net_dump *dump = opaque;
	size_t length = net_iov_bytes(iov, count), left = min_size(length, dump->max_bytes);
	uint8_t header[PCAP_RECORD_BYTES];
	struct iovec pieces[MAX_PIECES + 1] = { { header, sizeof(header) } };
	int64_t now_us = clock_wall_ns() / NS_PER_US;
	size_t kept = 0;
	int used = 1;
	ssize_t written;

	for (unsigned i = 0; i < count && left > kept && used <= MAX_PIECES; i++) {
		size_t piece = min_size(iov[i].iov_len, left - kept);

		pieces[used++] = (struct iovec){ iov[i].iov_base, piece };
		kept += piece;
	}
	store_le32(header, (uint32_t)(now_us / 1000000));
	store_le32(header + 4, (uint32_t)(now_us % 1000000));
	store_le32(header + 8, (uint32_t)kept);
	store_le32(header + 12, (uint32_t)length);
	written = writev(dump->fd, pieces, used);
	if (written < 0)
		give_up(dump, strerror(errno));
	else if ((size_t)written < sizeof(header) + kept)
		give_up(dump, "the file is full");
}

struct net_dump *net_dump_start(struct net_port *port, int fd, size_t max_bytes, struct err *err)
{
	struct net_dump *dump = calloc(1, sizeof(*dump));
	uint8_t header[PCAP_HEADER_BYTES] = { 0 };

	store_le32(header, PCAP_MAGIC);
	store_le16(header + 4, PCAP_VERSION_MAJOR);
	store_le16(header + 6, PCAP_VERSION_MINOR);
	store_le32(header + 16, (uint32_t)max_bytes);
	store_le32(header + 20, PCAP_ETHERNET);
	if (!dump || write(fd, header, sizeof(header)) != sizeof(header)) {
		err_set_errno(err, dump ? -errno : -ENOMEM, "cannot write the capture");
		close(fd);
		free(dump);
		return NULL;
	}
	dump->fd = fd;
	dump->max_bytes = max_bytes;
	dump->observer = (struct net_observer){ .opaque = dump, .frame = write_record };
	list_append(&port->observers, &dump->observer.node);
	return dump;
}

void net_dump_stop(struct net_dump *dump)
{
	if (!dump)
		return;
	list_remove(&dump->observer.node);
	close(dump->fd);
	free(dump);
}

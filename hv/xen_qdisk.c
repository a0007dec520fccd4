// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_qdisk.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* These build on the headers above. */
#include <xen/io/blkif.h>
#include <xen/io/protocols.h>
#include <xen/io/xenbus.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"
#include "hv/xen_qdisk_queue.h"

_Static_assert((int)XEN_BLKIF_READ == BLKIF_OP_READ && (int)XEN_BLKIF_WRITE == BLKIF_OP_WRITE &&
		       (int)XEN_BLKIF_WRITE_BARRIER == BLKIF_OP_WRITE_BARRIER &&
		       (int)XEN_BLKIF_FLUSH == BLKIF_OP_FLUSH_DISKCACHE &&
		       (int)XEN_BLKIF_DISCARD == BLKIF_OP_DISCARD &&
		       (int)XEN_BLKIF_INDIRECT == BLKIF_OP_INDIRECT,
	       "blkif.h");
_Static_assert((int)XEN_BLKIF_OKAY == BLKIF_RSP_OKAY && (int)XEN_BLKIF_ERROR == BLKIF_RSP_ERROR &&
		       (int)XEN_BLKIF_NOT_SUPPORTED == BLKIF_RSP_EOPNOTSUPP,
	       "blkif.h");
_Static_assert(sizeof(struct xen_blkif_segment) == sizeof(struct blkif_request_segment) &&
		       offsetof(struct xen_blkif_segment, last_sector) ==
			       offsetof(struct blkif_request_segment, last_sect),
	       "blkif.h");
_Static_assert(sizeof(struct xen_blkif_head) == offsetof(struct blkif_sring, ring) &&
		       offsetof(struct xen_blkif_head, response_event) ==
			       offsetof(struct blkif_sring, rsp_event),
	       "ring.h");
_Static_assert((int)XEN_BLKIF_MAX_ENTRY_BYTES == sizeof(union blkif_sring_entry) &&
		       (int)XEN_BLKIF_DIRECT_SEGMENTS == BLKIF_MAX_SEGMENTS_PER_REQUEST &&
		       (int)XEN_BLKIF_INDIRECT_PAGES == BLKIF_MAX_INDIRECT_PAGES_PER_REQUEST,
	       "blkif.h");

enum {
	MAX_RING_PAGES = 1 << XEN_BLKIF_MAX_RING_ORDER,
	DISCARD_GRANULARITY = 4096,
};

struct xen_qdisk {
	struct xen_backend backend;
	struct xen_qdisk_queue queue;
	bool is_cdrom, discards;
	void *ring;
	unsigned ring_pages;
};

static struct xen_qdisk *from_backend(struct xen_backend *backend)
{
	return container_of(backend, struct xen_qdisk, backend);
}

/* The disk as the toolstack describes it */

/** What the toolstack calls the formats of its configuration (libxl, "params"). */
static const char *translate_format(const char *word)
{
	if (strcmp(word, "aio") == 0 || strcmp(word, "") == 0)
		return "raw";
	return strcmp(word, "vhd") == 0 ? "vpc" : word;
}

static bool is_word(const struct xen_backend *backend, const char *key, const char *word)
{
	char *text = xen_backend_read_text(backend, key);
	bool same = text && strcmp(text, word) == 0;

	free(text);
	return same;
}

static bool is_allowed(const struct xen_backend *backend, const char *key)
{
	uint64_t value = 1;

	return xen_backend_read(backend, key, &value) < 0 || value != 0;
}

/** Opens what 'params', FORMAT:PATH, names. */
static int open_disk(struct xen_qdisk *qdisk, char *params, struct err *err)
{
	const struct xen_backend *backend = &qdisk->backend;
	char *colon = params ? strchr(params, ':') : NULL;
	struct pv_disk_config config = {
		.number = backend->number,
		.read_only = !is_word(backend, "mode", "w") || qdisk->is_cdrom,
		.is_cdrom = qdisk->is_cdrom,
		.discards = qdisk->discards,
	};

	if (!colon)
		return err_set(err, -EINVAL, "the toolstack names no image for this disk");
	*colon = '\0';
	config.format = translate_format(params);
	config.path = colon + 1;
	qdisk->queue.disk = qdisk->queue.host->open(qdisk->queue.host->opaque, &config, err);
	return qdisk->queue.disk ? 0 : -EIO;
}

static int prepare(struct xen_qdisk *qdisk, struct err *err)
{
	struct xen_backend *backend = &qdisk->backend;
	char *params;
	int result;

	if (qdisk->queue.disk)
		return 0;
	if (!backend->bus->host.disks)
		return err_set(err, -ENODEV, "there are no images for paravirtual disks");
	qdisk->queue.host = backend->bus->host.disks;
	qdisk->queue.backend = backend;
	qdisk->is_cdrom = is_word(backend, "device-type", "cdrom");
	qdisk->discards = !qdisk->is_cdrom && is_allowed(backend, "discard-enable");
	params = xen_backend_read_text(backend, "params");
	result = open_disk(qdisk, params, err);
	free(params);
	return result;
}

/* What is agreed in xenstore */

static unsigned describe_kind(const struct xen_qdisk *qdisk, const struct pv_disk_info *info)
{
	return (qdisk->is_cdrom ? VDISK_CDROM | VDISK_REMOVABLE : 0u) |
	       (info->read_only ? VDISK_READONLY : 0u);
}

/** Drivers read these when they have seen us connected, some before. */
static int publish_disk(struct xen_qdisk *qdisk)
{
	struct xen_backend *backend = &qdisk->backend;
	struct pv_disk_info info = { 0 };
	int result;

	qdisk->queue.host->get_info(qdisk->queue.disk, &info);
	result = xen_backend_write(backend, "sectors", info.bytes / XEN_BLKIF_SECTOR_BYTES);
	if (result == 0)
		result = xen_backend_write(backend, "sector-size", XEN_BLKIF_SECTOR_BYTES);
	if (result == 0)
		result = xen_backend_write(backend, "physical-sector-size", XEN_BLKIF_SECTOR_BYTES);
	if (result == 0)
		result = xen_backend_write(backend, "info", describe_kind(qdisk, &info));
	return result;
}

static int publish_features(const struct xen_qdisk *qdisk)
{
	const struct xen_backend *backend = &qdisk->backend;
	const struct {
		const char *key;
		uint64_t value;
		bool is_absent;
	} features[] = {
		{ "max-ring-page-order", XEN_BLKIF_MAX_RING_ORDER, false },
		{ "feature-flush-cache", 1, false },
		{ "feature-persistent", 1, false },
		{ "feature-max-indirect-segments", XEN_BLKIF_MAX_SEGMENTS, false },
		{ "feature-discard", 1, !qdisk->discards },
		{ "discard-granularity", DISCARD_GRANULARITY, !qdisk->discards },
		{ "discard-alignment", 0, !qdisk->discards },
		{ "discard-secure", 0, !qdisk->discards },
	};
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(features) && result == 0; i++)
		if (!features[i].is_absent)
			result = xen_backend_write(backend, features[i].key, features[i].value);
	return result;
}

static int offer(struct xen_backend *backend, struct err *err)
{
	struct xen_qdisk *qdisk = from_backend(backend);
	int result = prepare(qdisk, err);

	if (result < 0)
		return result;
	result = publish_features(qdisk);
	if (result == 0)
		result = publish_disk(qdisk);
	return result < 0 ? err_set_errno(err, result, "cannot be offered to the guest") : 0;
}

/* The driver's ring */

static const struct xen_blkif_layout *read_layout(const struct xen_backend *backend,
						  struct err *err)
{
	char *text = xen_backend_read_frontend_text(backend, "protocol");
	const struct xen_blkif_layout *layout =
		xen_blkif_find_layout(text ? text : XEN_IO_PROTO_ABI_NATIVE);

	if (!layout)
		err_set(err, -EINVAL, "the guest's driver speaks a protocol that is not known");
	free(text);
	return layout;
}

static int read_reference(const struct xen_backend *backend, const char *key, uint32_t *reference)
{
	uint64_t value;
	int result = xen_backend_read_frontend(backend, key, &value);

	if (result < 0 || value > UINT32_MAX)
		return -EINVAL;
	*reference = (uint32_t)value;
	return 0;
}

/** Rings of one page have a word of their own. */
static int read_references(struct xen_qdisk *qdisk, uint32_t *references)
{
	const struct xen_backend *backend = &qdisk->backend;
	uint64_t order = 0;

	xen_backend_read_frontend(backend, "ring-page-order", &order);
	if (order > XEN_BLKIF_MAX_RING_ORDER)
		return -EINVAL;
	qdisk->ring_pages = 1u << order;
	if (order == 0 && read_reference(backend, "ring-ref", references) == 0)
		return 0;
	for (unsigned i = 0; i < qdisk->ring_pages; i++) {
		char key[24];

		snprintf(key, sizeof(key), "ring-ref%u", i);
		if (read_reference(backend, key, &references[i]) < 0)
			return -EINVAL;
	}
	return 0;
}

static int map_ring(struct xen_qdisk *qdisk, struct err *err)
{
	struct xen_bus *bus = qdisk->backend.bus;
	uint32_t references[MAX_RING_PAGES];

	if (!bus->grants)
		return err_set(err, -ENODEV, "this host maps no pages that guests grant");
	if (read_references(qdisk, references) < 0)
		return err_set(err, -EINVAL, "the guest names no ring");
	qdisk->ring = xengnttab_map_domain_grant_refs(bus->grants, qdisk->ring_pages, bus->domid,
						      references, PROT_READ | PROT_WRITE);
	return qdisk->ring ? 0 : err_set(err, -EFAULT, "the guest's ring cannot be mapped");
}

static void unmap_ring(struct xen_qdisk *qdisk)
{
	if (qdisk->ring)
		xengnttab_unmap(qdisk->backend.bus->grants, qdisk->ring, qdisk->ring_pages);
	qdisk->ring = NULL;
}

static bool keeps_grants(const struct xen_backend *backend)
{
	uint64_t value = 0;

	return xen_backend_read_frontend(backend, "feature-persistent", &value) == 0 && value == 1;
}

static int connect(struct xen_backend *backend, struct err *err)
{
	struct xen_qdisk *qdisk = from_backend(backend);
	const struct xen_blkif_layout *layout = read_layout(backend, err);
	struct pv_disk_info info = { 0 };
	int result;

	if (!layout || !qdisk->queue.disk)
		return -EINVAL;
	qdisk->queue.host->get_info(qdisk->queue.disk, &info);
	if (!info.bytes)
		return err_set(err, -ENOMEDIUM, "there is no medium");
	result = map_ring(qdisk, err);
	if (result < 0)
		return result;
	/* A medium may have been changed. */
	result = publish_disk(qdisk);
	if (result == 0)
		result = xen_qdisk_queue_begin(&qdisk->queue, qdisk->ring,
					       qdisk->ring_pages * XEN_BLKIF_PAGE_BYTES, layout,
					       keeps_grants(backend));
	if (result < 0) {
		unmap_ring(qdisk);
		return err_set_errno(err, result, "cannot serve the guest");
	}
	TRACE(xen_qdisk, connect, "%s: %s, %u pages, %s", backend->path, layout->name,
	      qdisk->ring_pages, qdisk->queue.grants.kept ? "persistent" : "mapped each time");
	return 0;
}

/** A driver that is closing waits for its answers; when it has closed, its pages may be something
 * else already. */
static void disconnect(struct xen_backend *backend)
{
	struct xen_qdisk *qdisk = from_backend(backend);
	unsigned state = backend->frontend_state;

	xen_qdisk_queue_end(&qdisk->queue,
			    state >= XenbusStateInitialised && state <= XenbusStateClosing);
	unmap_ring(qdisk);
}

static void notified(struct xen_backend *backend)
{
	xen_qdisk_queue_run(&from_backend(backend)->queue);
}

static void hold(struct xen_backend *backend)
{
	xen_qdisk_queue_hold(&from_backend(backend)->queue);
}

static void release(struct xen_backend *backend)
{
	xen_qdisk_queue_release(&from_backend(backend)->queue);
}

static void give_up(struct xen_backend *backend)
{
	struct xen_qdisk_queue *queue = &from_backend(backend)->queue;

	if (queue->disk)
		queue->host->give_up(queue->disk);
}

static void finish(struct xen_backend *backend)
{
	struct xen_qdisk_queue *queue = &from_backend(backend)->queue;

	if (queue->disk)
		queue->host->close(queue->disk);
}

const struct xen_backend_class xen_qdisk_class = {
	.type = "qdisk",
	.bytes = sizeof(struct xen_qdisk),
	.max = 32,
	.lingers = true,
	.offer = offer,
	.connect = connect,
	.frontend_changed = notified,
	.disconnect = disconnect,
	.notified = notified,
	.hold = hold,
	.release = release,
	.give_up = give_up,
	.finish = finish,
};

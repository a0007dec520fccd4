// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A core without processors: RAM is plain memory, slots are numbers, interrupt levels are
 * remembered.
 */
#include "hv/null.h"

#include <errno.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/err.h"
#include "hv/hv.h"
#include "hv/plain_ram.h"

enum {
	NULL_MAX_SLOTS = 64,
	NULL_MAX_VIDEO_RAMS = 4,
	NULL_IRQ_LINES = 24,
};

struct null_hv {
	struct hv hv;
	struct plain_ram ram;
	bool slot_used[NULL_MAX_SLOTS];
	bool irq_levels[NULL_IRQ_LINES];
	struct {
		void *pages;
		size_t bytes;
	} video_rams[NULL_MAX_VIDEO_RAMS];
	unsigned video_ram_count;
};

static struct null_hv *null_from_hv(struct hv *hv)
{
	return container_of(hv, struct null_hv, hv);
}

static void *null_ram_map(struct hv *hv, uint64_t gpa, size_t *length, bool write)
{
	(void)write;
	return plain_ram_map(&null_from_hv(hv)->ram, gpa, length);
}

static void *null_video_ram_alloc(struct hv *hv, size_t bytes, struct err *err)
{
	struct null_hv *null = null_from_hv(hv);
	void *pages;

	if (null->video_ram_count == NULL_MAX_VIDEO_RAMS) {
		err_set(err, -ENOSPC, "more than %d cards with video RAM", NULL_MAX_VIDEO_RAMS);
		return NULL;
	}
	pages = plain_pages_alloc(bytes, err);
	if (pages) {
		null->video_rams[null->video_ram_count].pages = pages;
		null->video_rams[null->video_ram_count++].bytes = bytes;
	}
	return pages;
}

static int null_slot_add(struct hv *hv, const struct hv_slot *slot)
{
	struct null_hv *null = null_from_hv(hv);

	(void)slot;
	for (int i = 0; i < NULL_MAX_SLOTS; i++)
		if (!null->slot_used[i]) {
			null->slot_used[i] = true;
			return i;
		}
	return -ENOSPC;
}

static void null_slot_remove(struct hv *hv, int slot)
{
	if (slot >= 0 && slot < NULL_MAX_SLOTS)
		null_from_hv(hv)->slot_used[slot] = false;
}

static void null_set_irq(struct hv *hv, unsigned gsi, bool level)
{
	if (gsi < NULL_IRQ_LINES)
		null_from_hv(hv)->irq_levels[gsi] = level;
}

bool hv_null_irq_level(const struct hv *hv, unsigned gsi)
{
	const struct null_hv *null = container_of(hv, const struct null_hv, hv);

	return gsi < NULL_IRQ_LINES && null->irq_levels[gsi];
}

static void null_destroy(struct hv *hv)
{
	struct null_hv *null = null_from_hv(hv);

	for (unsigned i = 0; i < null->video_ram_count; i++)
		plain_pages_free(null->video_rams[i].pages, null->video_rams[i].bytes);
	plain_ram_finish(&null->ram);
	free(null);
}

static const struct hv_ops null_ops = {
	.name = "none",
	.ram_map = null_ram_map,
	.video_ram_alloc = null_video_ram_alloc,
	.slot_add = null_slot_add,
	.slot_remove = null_slot_remove,
	.set_irq = null_set_irq,
	.destroy = null_destroy,
};

struct hv *hv_null_create(const struct hv_config *config, const struct hv_client *client,
			  struct err *err)
{
	struct null_hv *null = calloc(1, sizeof(*null));

	if (!null) {
		err_set(err, -ENOMEM, "out of memory");
		return NULL;
	}
	null->hv.ops = &null_ops;
	null->hv.config = *config;
	null->hv.client = *client;
	if (plain_ram_init(&null->ram, config->low_bytes, config->high_bytes, err) < 0) {
		free(null);
		return NULL;
	}
	return &null->hv;
}

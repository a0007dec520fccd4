// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/replay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"

enum {
	MAX_CPUS = 64,
};

struct replay_core {
	struct hv hv;
	struct hv_replay_config replay;
	struct hv *backing; /* RAM, video RAM and slot numbers */
	bool cpu_is_online[MAX_CPUS];
};

static struct replay_core *from_hv(struct hv *hv)
{
	return container_of(hv, struct replay_core, hv);
}

static void may_deliver(struct hv *hv)
{
	const struct hv_replay_config *replay = &from_hv(hv)->replay;

	replay->may_deliver(replay->opaque);
}

static void *ram_map(struct hv *hv, uint64_t gpa, size_t *length, bool write)
{
	return hv_ram_map(from_hv(hv)->backing, gpa, length, write);
}

static void *video_ram_alloc(struct hv *hv, size_t bytes, struct err *err)
{
	return hv_video_ram_alloc(from_hv(hv)->backing, bytes, err);
}

static int slot_add(struct hv *hv, const struct hv_slot *slot)
{
	may_deliver(hv);
	return hv_slot_add(from_hv(hv)->backing, slot);
}

static void slot_remove(struct hv *hv, int slot)
{
	may_deliver(hv);
	hv_slot_remove(from_hv(hv)->backing, slot);
}

static void range_changes(struct hv *hv, bool is_memory, uint64_t base, uint64_t bytes,
			  bool coalesced)
{
	(void)is_memory;
	(void)base;
	(void)bytes;
	(void)coalesced;
	may_deliver(hv);
}

static int cpu_set_online(struct hv *hv, unsigned cpu, bool online, struct err *err)
{
	(void)err;
	if (cpu < MAX_CPUS)
		from_hv(hv)->cpu_is_online[cpu] = online;
	return 0;
}

static int cpu_info(struct hv *hv, unsigned cpu, struct hv_cpu_info *info)
{
	info->online = cpu < MAX_CPUS && from_hv(hv)->cpu_is_online[cpu];
	return 0;
}

static void destroy(struct hv *hv)
{
	struct replay_core *core = from_hv(hv);

	hv_destroy(core->backing);
	free(core);
}

static const struct hv_ops replay_ops = {
	.name = "replay",
	.ram_map = ram_map,
	.video_ram_alloc = video_ram_alloc,
	.slot_add = slot_add,
	.slot_remove = slot_remove,
	.slots_begin = may_deliver,
	.slots_end = may_deliver,
	.range_add = range_changes,
	.range_remove = range_changes,
	.pause = may_deliver,
	.flush_coalesced = may_deliver,
	.cpu_set_online = cpu_set_online,
	.cpu_info = cpu_info,
	.destroy = destroy,
};

bool hv_replay_set_ram(struct hv *hv, uint64_t gpa, const void *data, size_t length)
{
	const uint8_t *from = data;

	while (length) {
		size_t piece = length;
		void *host = ram_map(hv, gpa, &piece, true);

		if (!host)
			return false;
		memcpy(host, from, piece);
		from += piece;
		gpa += piece;
		length -= piece;
	}
	return true;
}

struct hv *hv_replay_create(const struct hv_config *config, const struct hv_client *client,
			    const struct hv_replay_config *replay, struct err *err)
{
	struct replay_core *core = calloc(1, sizeof(*core));

	if (!core) {
		err_set_errno(err, -ENOMEM, "cannot create the core");
		return NULL;
	}
	core->hv.ops = &replay_ops;
	core->hv.config = *config;
	core->hv.client = *client;
	core->hv.caps = replay->caps;
	core->replay = *replay;
	for (unsigned i = 0; i < config->cpus && i < MAX_CPUS; i++)
		core->cpu_is_online[i] = true;
	core->backing = hv_null_create(config, client, err);
	if (!core->backing) {
		free(core);
		return NULL;
	}
	return &core->hv;
}

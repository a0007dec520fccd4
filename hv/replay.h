// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The core whose processors are a recording: it has the memory and the capabilities that the
 * recorded one had, and nothing that runs. What the recorded processors did is done to the client's
 * hooks by whoever reads the recording (dm/replay.c). Wherever a core may deliver what it has
 * collected, or lets other processors finish what they are at, 'may_deliver' is called.
 */
#pragma once

#include "hv/hv.h"

struct hv_replay_config {
	const char *name; /* of the recorded core; borrowed */
	struct hv_caps caps;
	void *opaque;
	void (*may_deliver)(void *opaque);
};

/** NULL and a sentence. */
struct hv *hv_replay_create(const struct hv_config *config, const struct hv_client *client,
			    const struct hv_replay_config *replay, struct err *err);
/** Guest-physical memory as the recorded devices were about to read it. False if none is there. */
bool hv_replay_set_ram(struct hv *hv, uint64_t gpa, const void *data, size_t length);

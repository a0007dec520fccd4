// SPDX-License-Identifier: GPL-2.0-or-later
/* Inside tapes: the core of it, guest memory, drives, ends. */
#pragma once

#include "base/clock.h"
#include "base/input.h"
#include "block/block.h"
#include "dm/tape.h"
#include "dm/tape_file.h"
#include "hv/hv.h"

enum tape_internal_sizes {
	TAPE_PAGE = 4096,
	TAPE_SHADOWS = 256, /* pages of guest memory whose recorded contents are known */
	TAPE_OPEN_MAX = 512,
	TAPE_SMALL_WRITE = 1024, /* longer writes of devices are not summed: their drive's were */
	TAPE_MEDIA_BLOCK = 2048,
	TAPE_IMAGE_SUM_BYTES = 1 << 16,
	TAPE_NAME_BYTES = 256,
};

/** A page as the replay has it, as far as that is known. */
struct tape_shadow {
	uint64_t page; /* its number plus one; 0: none */
	uint8_t known[TAPE_PAGE / 8];
	uint8_t bytes[TAPE_PAGE];
};

/** A piece of guest memory that a device is about to write. */
struct tape_open_piece {
	const uint8_t *host;
	uint64_t gpa;
	size_t length;
};

struct tape_drive {
	struct tape *tape;
	unsigned number;
	struct block *block;
	const struct medium_slot *slot; /* once a medium was changed */
	struct block_gate gate;
	uint32_t requests;
	bool keeps;    /* what is read from it is on the tape */
	uint8_t *kept; /* one bit for each TAPE_MEDIA_BLOCK that is there */
	uint64_t kept_blocks;
	struct list_node ripe; /* requests that the image has finished with */
	/* From the heads. */
	bool has_image, is_kept, is_read_only;
	uint64_t image_bytes;
	uint32_t image_sum;
	uint8_t first[TAPE_MEDIA_BLOCK]; /* of a kept image: what tells its geometry */
	char name[TAPE_NAME_BYTES];
};

struct tape {
	struct machine *machine;
	struct tape_writer *writer; /* NULL: it is a replay */
	struct tape_reader *reader;
	bool is_live, keeps_media;
	unsigned depth;
	/* Time: the last one on the tape, and whether it is this event's. */
	int64_t time_ns;
	bool is_latched;
	struct clock_tap clock_tap;
	struct hv_tap hv_tap;
	struct input_tap input_tap;
	struct loop_timer *flush;
	bool flush_is_due;
	struct hv_caps caps;
	char core_name[TAPE_NAME_BYTES];
	int64_t start_s, localtime_s;
	/* Guest memory */
	struct tape_shadow *shadows;
	struct tape_open_piece open[TAPE_OPEN_MAX];
	unsigned open_count;
	bool open_is_full; /* some are not in the list */
	/* Ends */
	struct tape_drive drives[TAPE_DRIVES];
	struct list_node chrs, nets;
	unsigned chr_count, net_count;
	/* Replay */
	char *arguments[TAPE_MAX_ARGUMENTS + 1];
	int argument_count;
	struct tape_record next;
	bool has_next, has_ended;
	struct tape_record event; /* that is played, without its bytes */
	uint64_t events;
	struct tape_difference difference;
	void (*play)(void *opaque);
	void *play_opaque;
};

void tape_put(struct tape *tape, const struct tape_record *record);
/** In a replay: the next record is an inner event with 'op'. */
bool tape_inner_is(struct tape *tape, enum tape_op op);
/** Plays it. */
void tape_play_inner(struct tape *tape);
/** Is something to be recorded or compared now? */
bool tape_is_live(const struct tape *tape);

/* tape_ram.c */
void tape_ram_init(struct tape *tape);
void tape_ram_forget(struct tape *tape); /* guest memory has been changed by the machine itself */
bool tape_ram_apply(struct tape *tape, const struct tape_record *record);

/* tape_drives.c */
void tape_drives_init(struct tape *tape);
void tape_drives_finish(struct tape *tape);
bool tape_drives_head(struct tape *tape, const struct tape_record *record);
bool tape_drives_apply(struct tape *tape, const struct tape_record *record);

/* tape_ends.c */
void tape_ends_init(struct tape *tape);
/** What ends were like before the first event is the first events. */
void tape_ends_begin(struct tape *tape);
void tape_ends_finish(struct tape *tape);

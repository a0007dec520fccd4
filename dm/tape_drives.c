// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Drives. A request's start is an effect, its end an event. While a guest is recorded, both pass.
 * In a replay a request is carried out at once, and its drive hears of it where the recorded one
 * did. Whose image is not at hand has one in memory, and the tape tells what was read from it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/err.h"
#include "base/log.h"
#include "block/medium.h"
#include "dm/board_internal.h"
#include "dm/drives.h"
#include "dm/machine.h"
#include "dm/tape_internal.h"

/** Of a request's memory. */
static uint32_t sum_request(const struct block_request *request)
{
	uLong sum = 0;

	for (unsigned i = 0; i < request->iov_count; i++)
		sum = crc32(sum, request->iov[i].iov_base, (uInt)request->iov[i].iov_len);
	return (uint32_t)sum;
}

static uint64_t request_bytes(const struct block_request *request)
{
	uint64_t bytes = 0;

	if (request->op != BLOCK_READ && request->op != BLOCK_WRITE)
		return request->op == BLOCK_FLUSH ? 0 : request->length;
	for (unsigned i = 0; i < request->iov_count; i++)
		bytes += request->iov[i].iov_len;
	return bytes;
}

static void started(void *opaque, struct block_request *request)
{
	struct tape_drive *drive = opaque;
	uint32_t sum = request->op == BLOCK_WRITE ? sum_request(request) : 0;

	request->number = ++drive->requests;
	tape_effect(
		drive->tape,
		&(struct tape_record){ .op = TAPE_DISK_START,
				       .values = { drive->number, request->number, request->op,
						   request->op == BLOCK_FLUSH ? 0 : request->offset,
						   request_bytes(request), sum } });
	if (!drive->tape->writer)
		block_await(request->block);
}

/* --- What is read from images --- */

static bool is_kept(const struct tape_drive *drive, uint64_t number)
{
	return number >= drive->kept_blocks || (drive->kept[number / 8] & BIT(number % 8)) != 0;
}

/** Puts one piece of what a request has read on the tape, as far as it is not there. What it has
 * written, the replay writes. */
static void keep_piece(struct tape_drive *drive, uint64_t offset, const uint8_t *bytes,
		       size_t length, bool is_read)
{
	struct tape_record record = { .op = TAPE_MEDIA,
				      .values = { drive->number, offset },
				      .blob = bytes,
				      .blob_bytes = length };
	uint64_t number = offset / TAPE_MEDIA_BLOCK;

	if (is_kept(drive, number))
		return;
	if (is_read)
		tape_put(drive->tape, &record);
	if (offset % TAPE_MEDIA_BLOCK == 0 && length == TAPE_MEDIA_BLOCK)
		drive->kept[number / 8] |= (uint8_t)BIT(number % 8);
}

static void keep_data(struct tape_drive *drive, const struct block_request *request)
{
	uint64_t offset = request->offset;

	if (request->op != BLOCK_READ && request->op != BLOCK_WRITE)
		return;
	for (unsigned i = 0; i < request->iov_count; i++) {
		const uint8_t *bytes = request->iov[i].iov_base;
		size_t left = request->iov[i].iov_len;

		while (left) {
			size_t piece = min_size(left, TAPE_MEDIA_BLOCK -
							      (size_t)(offset % TAPE_MEDIA_BLOCK));

			keep_piece(drive, offset, bytes, piece, request->op == BLOCK_READ);
			offset += piece;
			bytes += piece;
			left -= piece;
		}
	}
}

/** 0, or -ENOMEM: what is read is to be kept from now on. */
static int keep_from_now(struct tape_drive *drive)
{
	uint64_t blocks = block_size_bytes(drive->block) / TAPE_MEDIA_BLOCK;

	free(drive->kept);
	drive->kept = calloc(1, (size_t)(blocks / 8 + 1));
	drive->kept_blocks = drive->kept ? blocks : 0;
	drive->keeps = drive->kept != NULL;
	return drive->kept ? 0 : -ENOMEM;
}

bool tape_drives_apply(struct tape *tape, const struct tape_record *record)
{
	uint64_t number = record->values[0], offset = record->values[1];
	struct block *block = number < TAPE_DRIVES ? tape->drives[number].block : NULL;
	uint8_t *memory = block ? block_memory(block) : NULL;

	if (!memory || !range_fits(offset, record->blob_bytes, block_size_bytes(block)))
		return false;
	memcpy(memory + offset, record->blob, record->blob_bytes);
	return true;
}

/* --- Ends of requests --- */

static struct tape_record describe_end(const struct tape_drive *drive,
				       const struct block_request *request, int result)
{
	bool has_sum = request->op == BLOCK_READ && result == 0;

	return (struct tape_record){
		.op = TAPE_DISK_DONE,
		.values = { drive->number, request->number, (uint64_t)-result,
			    has_sum ? sum_request(request) : 0 },
	};
}

static void finished(void *opaque, struct block_request *request, int result)
{
	struct tape_drive *drive = opaque;
	struct tape_record end;

	if (!drive->tape->writer) {
		list_append(&drive->ripe, &request->node);
		return;
	}
	end = describe_end(drive, request, result);
	if (drive->tape->is_live && drive->keeps && result == 0)
		keep_data(drive, request);
	tape_begin(drive->tape, &end);
	block_deliver(request, result);
	tape_end(drive->tape);
}

static void held(void *opaque, struct block_request *request)
{
	struct tape_drive *drive = opaque;
	struct tape_record record = { .op = TAPE_DISK_HELD, .values = { drive->number } };

	(void)request;
	tape_begin(drive->tape, &record);
	tape_end(drive->tape);
}

static struct block_request *find_ripe(struct tape_drive *drive, uint64_t number)
{
	struct block_request *request;

	list_for_each(request, &drive->ripe, struct block_request, node)
	{
		if (request->number == number)
			return request;
	}
	return NULL;
}

static void deliver_ripe(struct block_request *request, int result)
{
	list_remove(&request->node);
	if (request->op == BLOCK_READ && result == 0 && block_memory(request->block))
		block_memory_fill(request);
	block_deliver(request, result);
}

/**
 * Somebody waits for all requests of the drive: those that ended at this point do so. If there are
 * others, the replay has gone another way, and they end, too, so that it comes to an end.
 */
static bool settle(void *opaque)
{
	struct tape_drive *drive = opaque;
	struct tape *tape = drive->tape;

	if (tape->writer || list_is_empty(&drive->ripe))
		return false;
	if (tape_inner_is(tape, TAPE_DISK_DONE) && tape->next.values[0] == drive->number) {
		tape_play_inner(tape);
		return true;
	}
	if (tape_is_live(tape) && tape->has_next)
		tape_differs(tape, "a disk request that is waited for");
	deliver_ripe(container_of(drive->ripe.next, struct block_request, node), 0);
	return true;
}

bool tape_play_disk(struct tape *tape, const struct tape_record *event)
{
	struct tape_drive *drive =
		event->values[0] < TAPE_DRIVES ? &tape->drives[event->values[0]] : NULL;
	struct block_request *request = drive ? find_ripe(drive, event->values[1]) : NULL;
	int result = (int)-(int64_t)(event->values[2] & INT32_MAX);

	if (!request)
		return false;
	if (request->op == BLOCK_READ && result == 0) {
		if (block_memory(request->block))
			block_memory_fill(request);
		if (sum_request(request) != event->values[3]) {
			struct tape_record came = describe_end(drive, request, 0);
			char text[TAPE_TEXT_BYTES];

			tape->next = *event;
			tape_record_print(&came, text);
			tape_differs(tape, text);
		}
	}
	tape_begin(tape, event);
	deliver_ripe(request, result);
	tape_end(tape);
	return true;
}

/* --- Images --- */

static void watch(struct tape_drive *drive, struct block *block)
{
	drive->block = block;
	if (block)
		block_set_gate(block, &drive->gate);
}

static uint32_t sum_image(struct block *block)
{
	size_t length = (size_t)min_u64(block_size_bytes(block), TAPE_IMAGE_SUM_BYTES);
	uint8_t *bytes = length ? malloc(length) : NULL;
	uint32_t sum = 0;

	length -= length % 512;
	if (bytes && block_read_now(block, 0, bytes, length) == 0)
		sum = (uint32_t)crc32(0, bytes, (uInt)length);
	free(bytes);
	return sum;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int put_image(struct tape_drive *drive, struct err *err)
{
	struct tape *tape = drive->tape;
	struct block *block = drive->block;
	const char *name = base_name(block_filename(block));

	if (tape->keeps_media && !block_is_empty(block) && keep_from_now(drive) < 0)
		return err_set_errno(err, -ENOMEM, "cannot record what is read from '%s'", name);
	tape_put(tape, &(struct tape_record){
			       .op = TAPE_IMAGE,
			       .values = { drive->number, block_size_bytes(block), sum_image(block),
					   block_is_read_only(block), drive->keeps },
			       .blob = (const uint8_t *)name,
			       .blob_bytes = min_size(strlen(name), TAPE_NAME_BYTES - 1) });
	/* What finding out its geometry reads is read before the first event. */
	if (drive->keeps && block_size_bytes(block) >= TAPE_MEDIA_BLOCK) {
		uint8_t first[TAPE_MEDIA_BLOCK];

		if (block_read_now(block, 0, first, sizeof(first)) == 0)
			keep_piece(drive, 0, first, sizeof(first), true);
	}
	return 0;
}

static struct block *open_recorded(struct tape_drive *drive, const struct drive_plan *plan,
				   struct err *err)
{
	struct block *block;

	if (drive->has_image && drive->image_bytes == 0)
		return block_create_empty(drive->tape->machine->loop);
	if (drive->has_image && drive->is_kept) {
		block = block_create_memory(drive->tape->machine->loop, drive->name,
					    drive->image_bytes, drive->is_read_only, err);
		if (block && drive->image_bytes >= sizeof(drive->first))
			memcpy(block_memory(block), drive->first, sizeof(drive->first));
		return block;
	}
	block = drives_open(plan, drive->tape->machine->loop, &drive->tape->machine->clock, err);
	if (!block || !drive->has_image)
		return block;
	if (block_size_bytes(block) == drive->image_bytes && sum_image(block) == drive->image_sum)
		return block;
	err_set(err, -EINVAL,
		"'%s' is not the image as it was when the recording began (%llu bytes, beginning "
		"with a sum of %08x)",
		block_filename(block), (unsigned long long)drive->image_bytes, drive->image_sum);
	block_close(block);
	return NULL;
}

struct block *tape_open_drive(struct tape *tape, unsigned number, const struct drive_plan *plan,
			      struct err *err)
{
	struct tape_drive *drive = &tape->drives[number];
	struct block *block;

	if (number >= TAPE_DRIVES || tape->is_live) {
		err_set(err, -ENOTSUP, "a machine that is recorded gets no more drives");
		return NULL;
	}
	block = tape->writer ? drives_open(plan, tape->machine->loop, &tape->machine->clock, err)
			     : open_recorded(drive, plan, err);
	watch(drive, block);
	if (block && tape->writer && put_image(drive, err) < 0) {
		block_close(block);
		block = drive->block = NULL;
	}
	return block;
}

bool tape_drives_head(struct tape *tape, const struct tape_record *record)
{
	struct tape_drive *drive;

	if (record->values[0] >= TAPE_DRIVES)
		return false;
	drive = &tape->drives[record->values[0]];
	if (record->op == TAPE_MEDIA) {
		if (record->values[1] != 0 || record->blob_bytes != sizeof(drive->first))
			return false;
		memcpy(drive->first, record->blob, record->blob_bytes);
		return true;
	}
	drive->has_image = true;
	drive->image_bytes = record->values[1];
	drive->image_sum = (uint32_t)record->values[2];
	drive->is_read_only = record->values[3] != 0;
	drive->is_kept = record->values[4] != 0;
	if (record->blob_bytes >= TAPE_NAME_BYTES)
		return false;
	if (record->blob_bytes)
		memcpy(drive->name, record->blob, record->blob_bytes);
	return true;
}

static struct tape_drive *find_drive(struct tape *tape, const struct medium_slot *slot)
{
	for (unsigned i = 0; i < TAPE_DRIVES; i++) {
		struct tape_drive *drive = &tape->drives[i];

		if (drive->slot == slot || (!drive->slot && drive->block == slot->block)) {
			drive->slot = slot;
			return drive;
		}
	}
	return NULL;
}

/** Where a medium comes later, its image is not at hand in a replay. */
struct block *tape_bring_medium(struct tape *tape, const struct medium_slot *slot,
				struct block *block, struct err *err)
{
	struct tape_drive *drive = find_drive(tape, slot);
	struct tape_record record = { .op = TAPE_MEDIUM };

	if (!drive || (!block && (!tape->has_next || tape->next.op != TAPE_MEDIUM))) {
		err_set(err, -EINVAL, "the recording has no medium for '%s'", slot->id);
		if (block)
			block_close(block);
		return NULL;
	}
	record.values[0] = drive->number;
	record.values[1] = block ? block_size_bytes(block) : tape->next.values[1];
	record.values[2] = block ? block_is_read_only(block) : tape->next.values[2];
	if (!block)
		block = record.values[1]
				? block_create_memory(tape->machine->loop, "medium",
						      record.values[1], record.values[2] != 0, err)
				: block_create_empty(tape->machine->loop);
	tape_effect(tape, &record);
	return block;
}

void tape_insert_medium(struct tape *tape, const struct medium_slot *slot)
{
	struct tape_drive *drive = find_drive(tape, slot);

	watch(drive, slot->block);
	if (tape->writer && !block_is_empty(slot->block) && keep_from_now(drive) < 0)
		log_error("what '%s' reads from its new medium is not recorded: no memory",
			  slot->id);
}

void tape_drives_init(struct tape *tape)
{
	for (unsigned i = 0; i < TAPE_DRIVES; i++) {
		struct tape_drive *drive = &tape->drives[i];

		drive->tape = tape;
		drive->number = i;
		drive->gate = (struct block_gate){ drive, started, finished, settle, held };
		list_init(&drive->ripe);
	}
}

void tape_drives_finish(struct tape *tape)
{
	for (unsigned i = 0; i < TAPE_DRIVES; i++)
		free(tape->drives[i].kept);
}

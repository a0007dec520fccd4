// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/save.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/trace.h"
#include "bus/state.h"
#include "dm/board_internal.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/version.h"

/** The stream: a header, records (bus/state.c), a trailer. docs/save-format.md */
enum save_layout {
	HEADER_VERSION = 8,
	HEADER_RELEASE = 12,
	HEADER_RELEASE_BYTES = 32,
	HEADER_LENGTH = 44, /* of the whole stream */
	HEADER_BYTES = SAVE_HEADER_BYTES,
	TRAILER_BYTES = 4, /* CRC-32 of all that is before it */
	FORMAT_VERSION = 1,
};

static const char magic[HEADER_VERSION + 1] = "hvmdmSAV";
static const char description_tag[] = "description/0";

static const struct state_field description_fields[] = {
	STATE_INT(struct save_description, low_ram_bytes),
	STATE_INT(struct save_description, high_ram_bytes),
	STATE_INT(struct save_description, video_ram_bytes),
	STATE_ARRAY(struct save_description, disk_bytes),
	STATE_ARRAY(struct save_description, pci_ids),
	STATE_INT(struct save_description, max_cpus),
	STATE_ARRAY(struct save_description, drives),
};
static STATE_TABLE(description_table, save_description, description_fields);

/* --- The machine described --- */

static unsigned devfn_of(const struct pci_function *function)
{
	return (unsigned)function->slot * PCI_FUNCTION_COUNT + function->function;
}

static void describe_function(struct pci_function *function, void *opaque)
{
	struct save_description *description = opaque;

	description->pci_ids[devfn_of(function)] =
		(uint32_t)function->identity.vendor << 16 | function->identity.device;
}

static void describe_drives(struct board *board, struct save_description *description)
{
	static_assert((int)SAVE_DRIVES == (int)DRIVES, "every drive is described");

	for (unsigned i = 0; i < DRIVES; i++) {
		if (!board->drives[i].present)
			continue;
		description->drives[i] = board->drives[i].is_cdrom ? SAVE_CDROM : SAVE_DISK;
		if (board->disks[i])
			description->disk_bytes[i] = block_size_bytes(board->disks[i]);
	}
}

void save_describe(struct machine *machine)
{
	struct save_description *description = &machine->description;

	*description = (struct save_description){
		.low_ram_bytes = machine->ram.low_bytes,
		.high_ram_bytes = machine->ram.high_bytes,
		.max_cpus = machine->options->max_cpus,
	};
	if (!machine->board)
		return;
	description->video_ram_bytes = machine->board->video_ram.ram.bytes;
	describe_drives(machine->board, description);
	pci_bus_for_each(&machine->pci, describe_function, description);
}

static int compare_memory(const struct save_description *saved, const struct save_description *own,
			  struct err *err)
{
	uint64_t saved_bytes = saved->low_ram_bytes + saved->high_ram_bytes;
	uint64_t own_bytes = own->low_ram_bytes + own->high_ram_bytes;

	if (saved->low_ram_bytes != own->low_ram_bytes ||
	    saved->high_ram_bytes != own->high_ram_bytes)
		return err_set(err, -EINVAL,
			       "the saved guest has %llu MiB of memory, %llu of them below 4 GiB; "
			       "this machine has %llu and %llu: start it with the same -m",
			       (unsigned long long)(saved_bytes >> 20),
			       (unsigned long long)(saved->low_ram_bytes >> 20),
			       (unsigned long long)(own_bytes >> 20),
			       (unsigned long long)(own->low_ram_bytes >> 20));
	if (saved->video_ram_bytes != own->video_ram_bytes)
		return err_set(err, -EINVAL,
			       "the saved guest has %llu MiB of video RAM, this machine %llu: give "
			       "it the same display card",
			       (unsigned long long)(saved->video_ram_bytes >> 20),
			       (unsigned long long)(own->video_ram_bytes >> 20));
	if (saved->max_cpus != own->max_cpus)
		return err_set(err, -EINVAL,
			       "the saved guest has room for %u processors, this machine for %u: "
			       "start it with the same -smp",
			       saved->max_cpus, own->max_cpus);
	return 0;
}

static const char *drive_name(uint8_t kind)
{
	switch (kind) {
	case SAVE_DISK:
		return "a disk";
	case SAVE_CDROM:
		return "a CD-ROM drive";
	default:
		return "nothing";
	}
}

/** How a sentence calls a drive's place. */
static const char *place_of(unsigned index, char *text, size_t bytes)
{
	if (index < IDE_POSITIONS)
		snprintf(text, bytes, "IDE drive %u", index);
	else
		snprintf(text, bytes, "drive of SATA port %u", index - IDE_POSITIONS);
	return text;
}

static int compare_drives(const struct save_description *saved, const struct save_description *own,
			  struct err *err)
{
	char place[32];

	for (unsigned i = 0; i < SAVE_DRIVES; i++) {
		place_of(i, place, sizeof(place));
		if (saved->drives[i] != own->drives[i])
			return err_set(err, -EINVAL,
				       "the saved guest has %s as %s, this machine has %s: start "
				       "it with the same drives",
				       drive_name(saved->drives[i]), place,
				       drive_name(own->drives[i]));
		if (saved->disk_bytes[i] != own->disk_bytes[i])
			return err_set(err, -EINVAL,
				       "the %s of the saved guest has %llu bytes, that of this "
				       "machine %llu: it is another disk, or its size was changed",
				       place, (unsigned long long)saved->disk_bytes[i],
				       (unsigned long long)own->disk_bytes[i]);
	}
	return 0;
}

static int compare_cards(const struct save_description *saved, const struct save_description *own,
			 struct err *err)
{
	for (unsigned i = 0; i < SAVE_PCI_FUNCTIONS; i++)
		if (saved->pci_ids[i] != own->pci_ids[i])
			return err_set(
				err, -EINVAL,
				"at 00:%02x.%x the saved guest has the PCI device %04x:%04x, "
				"this machine %04x:%04x: start it with the same cards in the "
				"same order",
				i / PCI_FUNCTION_COUNT, i % PCI_FUNCTION_COUNT,
				saved->pci_ids[i] >> 16, saved->pci_ids[i] & 0xffff,
				own->pci_ids[i] >> 16, own->pci_ids[i] & 0xffff);
	return 0;
}

static int compare(const struct save_description *saved, const struct save_description *own,
		   struct err *err)
{
	int result = compare_memory(saved, own, err);

	if (result == 0)
		result = compare_cards(saved, own, err);
	if (result == 0)
		result = compare_drives(saved, own, err);
	return result;
}

/* --- Saving --- */

static uint32_t checksum(const uint8_t *bytes, size_t length)
{
	return (uint32_t)crc32(crc32(0, NULL, 0), bytes, (uInt)length);
}

/** Header and trailer around the records; the writer becomes that of the whole. */
static int wrap(struct state_writer *records, struct err *err)
{
	size_t length = HEADER_BYTES + records->length + TRAILER_BYTES;
	uint8_t *stream = records->failed ? NULL : calloc(1, length);

	if (!stream)
		return err_set_errno(err, -ENOMEM, "cannot save the guest's state");
	memcpy(stream, magic, HEADER_VERSION);
	store_le32(stream + HEADER_VERSION, FORMAT_VERSION);
	strncpy((char *)stream + HEADER_RELEASE, HVMDM_VERSION, HEADER_RELEASE_BYTES - 1);
	store_le32(stream + HEADER_LENGTH, (uint32_t)length);
	memcpy(stream + HEADER_BYTES, records->bytes, records->length);
	store_le32(stream + length - TRAILER_BYTES, checksum(stream, length - TRAILER_BYTES));
	free(records->bytes);
	*records = (struct state_writer){ .bytes = stream, .length = length, .capacity = length };
	return 0;
}

int save_machine(struct machine *machine, struct state_writer *out, struct err *err)
{
	state_save(out, description_tag, 1, &description_table, &machine->description);
	device_save_all(&machine->devices, out);
	return wrap(out, err);
}

/* --- The machine as the first of its devices: what belongs to none --- */

static void reset_nothing(void *self)
{
	(void)self;
}

static void machine_before_save(void *self)
{
	struct machine *machine = self;

	machine->saved = (struct save_state){
		.clock_ns = (uint64_t)clock_now_ns(&machine->clock),
		.video_ram_gpa = hv_video_ram_gpa(machine->hv),
		.asleep = machine->status == MACHINE_SUSPENDED,
	};
}

/** The time comes before everything that counts by it. */
static int machine_after_load(void *self, struct err *err)
{
	enum {
		ADDRESS_BITS = 52,
		CLOCK_BITS = 61, /* 73 years */
	};
	struct machine *machine = self;
	const struct save_state *state = &machine->saved;

	if (state->clock_ns >= BIT64(CLOCK_BITS) || state->video_ram_gpa >= BIT64(ADDRESS_BITS) ||
	    state->video_ram_gpa % 4096)
		return err_set(err, -EINVAL, "the saved machine holds values that it cannot have");
	clock_set(&machine->clock, (int64_t)state->clock_ns);
	if (state->video_ram_gpa)
		hv_set_video_ram_gpa(machine->hv, state->video_ram_gpa);
	return 0;
}

static const struct state_field state_fields[] = {
	STATE_INT(struct save_state, clock_ns),
	STATE_INT(struct save_state, video_ram_gpa),
	STATE_INT(struct save_state, asleep),
	STATE_ARRAY(struct save_state, reserved),
};
static STATE_TABLE(state_table, save_state, state_fields);

static const struct device_class machine_class = {
	.name = "machine",
	.reset = reset_nothing,
	.table = &state_table,
	.state_offset = offsetof(struct machine, saved),
	.version = 1,
	.before_save = machine_before_save,
	.after_load = machine_after_load,
};

void save_init(struct machine *machine)
{
	device_init(&machine->device, &machine_class, machine);
	device_add(&machine->devices, &machine->device);
	machine->incoming_fd = -1;
}

/* --- Loading --- */

static bool begins_with(const uint8_t *stream, size_t length, const char *word)
{
	return length >= strlen(word) && memcmp(stream, word, strlen(word)) == 0;
}

/** States and files of others, which people give by mistake. */
static int refuse_foreign(const uint8_t *stream, size_t length, struct err *err)
{
	if (length == 0)
		return err_set(err, -EINVAL, "the saved state is empty");
	if (begins_with(stream, length, "QEVM"))
		return err_set(err, -EINVAL,
			       "this guest was saved by QEMU, and only QEMU can go on with it: "
			       "shut it down there and start it anew with hvmdm");
	if (begins_with(stream, length, "Xen saved domain") ||
	    begins_with(stream, length, "LibxlFmt"))
		return err_set(err, -EINVAL,
			       "this is a file of 'xl save': the toolstack loads it, with 'xl "
			       "restore'");
	return err_set(err, -EINVAL, "this is no saved state of hvmdm");
}

/** Everything about the stream that can be told without looking at the machine. */
static int check_stream(const uint8_t *stream, size_t length, struct err *err)
{
	char release[HEADER_RELEASE_BYTES];

	if (!begins_with(stream, length, magic))
		return refuse_foreign(stream, length, err);
	if (length < HEADER_BYTES + TRAILER_BYTES)
		return err_set(err, -EINVAL, "the saved state is cut short");
	memcpy(release, stream + HEADER_RELEASE, sizeof(release));
	release[sizeof(release) - 1] = '\0';
	if (load_le32(stream + HEADER_VERSION) != FORMAT_VERSION)
		return err_set(err, -EINVAL,
			       "the guest was saved in a format that hvmdm " HVMDM_VERSION
			       " does not know; load it with hvmdm %s",
			       release);
	if (load_le32(stream + HEADER_LENGTH) != length)
		return err_set(err, -EINVAL, "the saved state has %zu bytes instead of %u", length,
			       load_le32(stream + HEADER_LENGTH));
	if (load_le32(stream + length - TRAILER_BYTES) != checksum(stream, length - TRAILER_BYTES))
		return err_set(err, -EINVAL, "the saved state is damaged: its checksum is wrong");
	return 0;
}

size_t save_length(const uint8_t *header)
{
	return begins_with(header, HEADER_BYTES, magic) ? load_le32(header + HEADER_LENGTH) : 0;
}

/** The records of a stream whose header has been checked. */
struct save_records {
	const uint8_t *bytes;
	size_t length;
};

static int load_description(const struct save_records *records, struct save_description *into,
			    struct err *err)
{
	unsigned version;
	int result = state_load(records->bytes, records->length, description_tag,
				&description_table, into, &version, err);

	return result == -ENOENT ? err_set(err, -EINVAL, "the saved state has no description")
				 : result;
}

/** A device that the guest had, and that is not here, would be missed by it. */
static int check_devices(const struct machine *machine, const struct save_records *records,
			 struct err *err)
{
	char tag[STATE_NAME_BYTES];
	size_t position = 0;

	while (state_next(records->bytes, records->length, &position, tag))
		if (strcmp(tag, description_tag) != 0 && !device_is_known(&machine->devices, tag))
			return err_set(err, -EINVAL,
				       "the saved guest has the device '%s', which this machine "
				       "lacks: start it with the same options",
				       tag);
	return 0;
}

int save_load(struct machine *machine, const uint8_t *stream, size_t length, struct err *err)
{
	struct save_description description = machine->description;
	struct save_records records;
	int result = check_stream(stream, length, err);

	if (result < 0)
		return result;
	records.bytes = stream + HEADER_BYTES;
	records.length = length - HEADER_BYTES - TRAILER_BYTES;
	result = state_check(records.bytes, records.length, err);
	if (result == 0)
		result = load_description(&records, &description, err);
	if (result == 0)
		result = compare(&description, &machine->description, err);
	if (result == 0)
		result = check_devices(machine, &records, err);
	if (result == 0)
		result = device_load_all(&machine->devices, records.bytes, records.length, err);
	TRACE(machine, load, "%zu bytes: %d", length, result);
	if (result < 0)
		return result;
	machine->has_arrived = true;
	machine->status = machine->saved.asleep ? MACHINE_SUSPENDED : MACHINE_PAUSED;
	/* Time goes on for one that sleeps: its alarm may wake it. */
	if (machine->saved.asleep)
		clock_start(&machine->clock);
	return 0;
}

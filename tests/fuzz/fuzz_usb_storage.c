// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest at the endpoints of a disk or CD-ROM on USB, with an image that answers when it likes. */
#include <errno.h>

#include "tests/fuzz/isa_fuzz.h"

#include "tests/lib/storage_bench.h"

/** A command as a driver sends it, with lengths and addresses of the fuzzer's. */
static void send_command(struct storage_bench *b, struct fuzz_input *input, uint8_t op)
{
	static const uint8_t opcodes[] = {
		ATAPI_READ_10,  SCSI_WRITE_10, ATAPI_INQUIRY, ATAPI_MODE_SENSE_6,
		SCSI_READ_16,   SCSI_WRITE_16, ATAPI_READ_CD, ATAPI_MODE_SELECT_10,
		ATAPI_READ_12,  SCSI_WRITE_6,  SCSI_READ_6,   ATAPI_SYNCHRONIZE_CACHE,
		ATAPI_READ_TOC, ATAPI_READ_10, SCSI_WRITE_10, ATAPI_START_STOP_UNIT,
	};
	uint8_t cdb[CBW_COMMAND_MAX] = { opcodes[op >> 4] };
	uint32_t length = (uint32_t)fuzz_take(input) << (op & 8 ? 9 : 0);
	uint8_t at = fuzz_take(input), count = (uint8_t)(fuzz_take(input) % CBW_COMMAND_MAX + 1);

	/* A few sectors, or whatever; one byte anywhere. */
	cdb[5] = fuzz_take(input);
	cdb[8] = fuzz_take(input);
	cdb[at % sizeof(cdb)] = fuzz_take(input);
	storage_bench_command(b, cdb, count, length, fuzz_take(input) & 1);
}

static void send_raw(struct storage_bench *b, struct fuzz_input *input)
{
	uint8_t cbw[64];
	unsigned length = fuzz_take(input) % 64;

	for (unsigned i = 0; i < length; i++)
		cbw[i] = fuzz_take(input);
	usb_device_packet(&b->storage.usb, USB_OUT, STORAGE_OUT, cbw, length);
}

static void move_data(struct storage_bench *b, struct fuzz_input *input, uint8_t op)
{
	uint8_t data[STORAGE_HIGH_PACKET] = { 0 };
	unsigned length = op & 16 ? b->packet : fuzz_take(input) * 2u;

	for (unsigned i = 0; i <= op >> 5; i++)
		usb_device_packet(&b->storage.usb, op & 8 ? USB_IN : USB_OUT,
				  op & 8 ? STORAGE_IN : STORAGE_OUT, data, length);
}

static void ask(struct storage_bench *b, struct fuzz_input *input, uint8_t op)
{
	static const uint16_t requests[] = { USB_STORAGE_RESET, USB_ENDPOINT_CLEAR_FEATURE,
					     USB_SET_CONFIGURATION, USB_GET_DESCRIPTOR };
	uint8_t data[UINT8_MAX] = { 0 };
	uint16_t value = fuzz_take(input), index = fuzz_take(input);

	storage_bench_control(b, requests[op >> 3 & 3],
			      op >> 3 == 3 ? (uint16_t)(value << 8) : value, index, data,
			      op & 128 ? fuzz_take(input) : 0);
}

static void change_medium(struct storage_bench *b, uint8_t op)
{
	struct block *old = b->slot.block;

	if (!old)
		return;
	if (op & 8) {
		b->slot.eject_requested(b->slot.opaque, op & 16);
		return;
	}
	b->slot.block = op & 16 ? fake_block_create_empty() : fake_block_create(2048 * 20);
	b->slot.changed(b->slot.opaque);
	block_close(old);
}

static void image_acts(struct storage_bench *b, uint8_t op)
{
	struct block *block = storage_bench_block(b);

	if (op & 8)
		fake_block_fail(block, op & 16 ? -EIO : -ENOSPC, 1);
	fake_block_complete(block);
}

/** Saved and loaded at any moment. */
static void save_and_load(struct storage_bench *b)
{
	struct state_writer writer;
	struct device_list list;

	device_list_init(&list);
	device_add(&list, &b->storage.device);
	device_quiesce_all(&list);
	state_writer_init(&writer);
	device_save_all(&list, &writer);
	if (device_load_all(&list, writer.bytes, writer.length, NULL) < 0)
		abort();
	device_resume_all(&list);
	state_writer_finish(&writer);
	device_remove(&b->storage.device);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	static struct storage_bench b;
	uint8_t kind = fuzz_take(&input);

	storage_bench_init_sized(&b, kind & 1, kind & 2 ? USB_HIGH : USB_FULL, kind & 4, 64 << 10);
	while (input.count > 0) {
		uint8_t op = fuzz_take(&input);

		switch (op & 7) {
		case 0:
			send_command(&b, &input, op);
			break;
		case 1:
			send_raw(&b, &input);
			break;
		case 2:
		case 3:
			move_data(&b, &input, op);
			break;
		case 4:
			image_acts(&b, op);
			break;
		case 5:
			ask(&b, &input, op);
			break;
		case 6:
			change_medium(&b, op);
			break;
		default:
			if (op & 8)
				usb_device_reset(&b.storage.usb, op & 16 ? USB_HIGH : USB_FULL);
			else
				save_and_load(&b);
			break;
		}
	}
	save_and_load(&b);
	storage_bench_finish(&b);
	return 0;
}

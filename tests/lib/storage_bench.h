// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A disk or CD-ROM on USB without a controller, and the host's side of the bulk-only transport,
 * packet by packet. Images are in memory; whoever hears NAK completes one of their requests.
 */
#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "block/medium.h"
#include "hw/ide/atapi_regs.h"
#include "hw/usb/storage.h"
#include "tests/lib/fake_block.h"

enum {
	STORAGE_BENCH_SECTORS = 4096, /* of 512 bytes */
	STORAGE_BENCH_CD_SECTORS = 400,
	STORAGE_BENCH_NAKS = 1000, /* until a host gives up */
};

struct storage_bench {
	struct usb_storage storage;
	struct block *disk;
	struct medium_slot slot;
	struct usb_port port;
	unsigned wakeups;
	uint32_t tag;
	unsigned packet; /* bytes */
	/* The last status wrapper. */
	uint8_t status;
	uint32_t residue;
};

static inline uint8_t storage_bench_byte(size_t position)
{
	return (uint8_t)(position * 7 + position / 512 * 31 + 1);
}

static inline void storage_bench_fill(struct block *block, size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		fake_block_bytes(block)[i] = storage_bench_byte(i);
}

static inline struct block *storage_bench_block(struct storage_bench *b)
{
	return b->disk ? b->disk : b->slot.block;
}

static inline void storage_bench_port_changed(struct usb_port *port)
{
	(void)port;
}

static inline void storage_bench_port_woken(struct usb_port *port)
{
	((struct storage_bench *)port->owner)->wakeups++;
}

static inline int storage_bench_control(struct storage_bench *b, uint16_t request, uint16_t value,
					uint16_t index, uint8_t *data, uint16_t length)
{
	uint8_t setup[8] = { (uint8_t)(request >> 8), (uint8_t)request };
	bool in = request & 0x8000;
	int result = 0;

	store_le16(setup + 2, value);
	store_le16(setup + 4, index);
	store_le16(setup + 6, length);
	if (usb_device_packet(&b->storage.usb, USB_SETUP, 0, setup, 8) != 8)
		return USB_STALL;
	if (length)
		result = usb_device_packet(&b->storage.usb, in ? USB_IN : USB_OUT, 0, data, length);
	if (result < 0)
		return result;
	if (usb_device_packet(&b->storage.usb, in && length ? USB_OUT : USB_IN, 0, setup, 0) < 0)
		return USB_STALL;
	return result;
}

/** Plugged in, reset at 'speed', configured; the image has 'bytes'. */
static inline void storage_bench_init_sized(struct storage_bench *b, bool cdrom,
					    enum usb_speed speed, bool removable, size_t bytes)
{
	static const struct usb_port_ops ops = { .changed = storage_bench_port_changed,
						 .wakeup = storage_bench_port_woken };
	struct usb_storage_config config = { .removable = removable };
	struct block *block = fake_block_create(bytes);

	memset(b, 0, sizeof(*b));
	storage_bench_fill(block, bytes);
	if (cdrom) {
		b->slot.block = block;
		config.slot = &b->slot;
	} else {
		config.block = b->disk = block;
	}
	usb_port_init(&b->port, &ops, b, NULL, 1);
	if (usb_storage_init(&b->storage, &config, NULL) < 0 ||
	    usb_port_attach(&b->port, &b->storage.usb, NULL) < 0)
		abort();
	usb_device_reset(&b->storage.usb, speed);
	b->packet = speed == USB_HIGH ? STORAGE_HIGH_PACKET : STORAGE_FULL_PACKET;
	storage_bench_control(b, USB_SET_CONFIGURATION, 1, 0, NULL, 0);
}

static inline void storage_bench_init(struct storage_bench *b, bool cdrom, enum usb_speed speed,
				      bool removable)
{
	storage_bench_init_sized(b, cdrom, speed, removable,
				 cdrom ? (size_t)STORAGE_BENCH_CD_SECTORS * 2048
				       : (size_t)STORAGE_BENCH_SECTORS * 512);
}

static inline void storage_bench_finish(struct storage_bench *b)
{
	usb_port_detach(&b->port);
	b->storage.device.class->finish(&b->storage);
	block_close(b->disk);
	block_close(b->slot.block);
}

/** One packet, tried again after each NAK when the image has done something. */
static inline int storage_bench_packet(struct storage_bench *b, enum usb_pid pid, uint8_t *data,
				       unsigned length)
{
	int result = USB_NAK;

	for (unsigned i = 0; i < STORAGE_BENCH_NAKS && result == USB_NAK; i++) {
		result = usb_device_packet(&b->storage.usb, pid,
					   pid == USB_IN ? STORAGE_IN : STORAGE_OUT, data, length);
		if (result == USB_NAK && !fake_block_complete(storage_bench_block(b)))
			break;
	}
	return result;
}

static inline int storage_bench_command(struct storage_bench *b, const uint8_t *cdb, size_t count,
					uint32_t length, bool in)
{
	uint8_t cbw[CBW_BYTES] = { 0 };

	store_le32(cbw + CBW_SIGNATURE, STORAGE_CBW_SIGNATURE);
	store_le32(cbw + CBW_TAG, ++b->tag);
	store_le32(cbw + CBW_LENGTH, length);
	cbw[CBW_FLAGS] = in ? CBW_FLAG_IN : 0;
	cbw[CBW_COMMAND_LENGTH] = (uint8_t)count;
	memcpy(cbw + CBW_COMMAND, cdb, count);
	return storage_bench_packet(b, USB_OUT, cbw, sizeof(cbw));
}

/** The data stage: bytes moved, or enum usb_result. */
static inline int storage_bench_data(struct storage_bench *b, uint8_t *data, uint32_t length,
				     bool in)
{
	uint32_t done = 0;

	while (done < length) {
		unsigned part = length - done < b->packet ? length - done : b->packet;
		int result = storage_bench_packet(b, in ? USB_IN : USB_OUT, data + done, part);

		if (result < 0)
			return result;
		done += (uint32_t)result;
		if ((unsigned)result < part)
			break;
	}
	return (int)done;
}

/** Takes the status wrapper. 0, or enum usb_result. */
static inline int storage_bench_status(struct storage_bench *b)
{
	uint8_t csw[STORAGE_HIGH_PACKET];
	int result = storage_bench_packet(b, USB_IN, csw, b->packet);

	if (result < 0)
		return result;
	if (result != CSW_BYTES || load_le32(csw) != STORAGE_CSW_SIGNATURE ||
	    load_le32(csw + CSW_TAG) != b->tag)
		return USB_BABBLE;
	b->status = csw[CSW_STATUS];
	b->residue = load_le32(csw + CSW_RESIDUE);
	return 0;
}

/** A whole command. Bytes moved, or enum usb_result; b->status and b->residue say the rest. */
static inline int storage_bench_run(struct storage_bench *b, const uint8_t *cdb, size_t count,
				    uint8_t *data, uint32_t length, bool in)
{
	int result = storage_bench_command(b, cdb, count, length, in), moved = 0;

	if (result < 0)
		return result;
	if (length)
		moved = storage_bench_data(b, data, length, in);
	if (moved < 0)
		return moved;
	result = storage_bench_status(b);
	return result < 0 ? result : moved;
}

/** Key << 16 | code and qualifier. */
static inline uint32_t storage_bench_sense(struct storage_bench *b)
{
	static const uint8_t cdb[6] = { ATAPI_REQUEST_SENSE, 0, 0, 0, 18 };
	uint8_t sense[18] = { 0 };

	storage_bench_run(b, cdb, sizeof(cdb), sense, sizeof(sense), true);
	return (uint32_t)sense[2] << 16 | load_be16(sense + 12);
}

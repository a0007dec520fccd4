// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The window at a0000 in packed modes: one bank of 64 KiB or two of 32 KiB.
 *
 *   trapped --open_banks, by count_plain--> direct
 *      ^-- close_banks, by cirrus_banks_update --'
 *
 * A change of the map costs as much as a few hundred accesses one by one. So a bank is shown
 * directly when so many have come to it, and a program that goes on to another bank before that
 * changes nothing.
 */
#include <string.h>

#include "base/bits.h"
#include "vga/cirrus.h"
#include "vga/planes.h"

enum {
	BANK_BYTES = 0x8000,
	BANKED_BYTES = 0x10000,
};

static bool has_two_banks(const struct cirrus *card)
{
	return (card->state.gfx[CIRRUS_GFX_EXTENSIONS] & CIRRUS_TWO_BANKS) != 0;
}

uint32_t cirrus_bank_address(const struct cirrus *card, uint32_t offset)
{
	const uint8_t *gfx = card->state.gfx;
	unsigned shift = (gfx[CIRRUS_GFX_EXTENSIONS] & CIRRUS_BANK_16_KIB) ? 14 : 12;

	if (has_two_banks(card) && offset >= BANK_BYTES)
		return ((uint32_t)gfx[CIRRUS_GFX_BANK_1] << shift) + offset - BANK_BYTES;
	return ((uint32_t)gfx[CIRRUS_GFX_BANK_0] << shift) + offset;
}

/* What the window shows. False if the processor may not reach that by itself. */
static bool find_spans(const struct cirrus *card, struct vga_span spans[CIRRUS_BANKS])
{
	bool two = has_two_banks(card), fit = true;

	for (unsigned i = 0; i < CIRRUS_BANKS; i++) {
		struct vga_span span = { .length = two ? BANK_BYTES : BANKED_BYTES };

		if (i > 0 && !two)
			span.length = 0;
		else
			span.offset = cirrus_bank_address(card, i * BANK_BYTES);
		fit = fit && range_fits(span.offset, span.length, CIRRUS_MEMORY_BYTES);
		spans[i] = span;
	}
	return fit && card->vga.vram.in_pieces && cirrus_banks_are_plain(card);
}

/* Nothing fails: there is room in the map, as windows have just left it. */
static void show_trapped(struct cirrus *card)
{
	struct cirrus_banks *banks = &card->banks;

	for (unsigned i = 0; i < CIRRUS_BANKS; i++)
		io_group_switch(&banks->group, CIRRUS_LOW_BANK_0 + i, false);
	io_group_switch(&banks->group, CIRRUS_LOW_TRAPPED, true);
}

static void close_banks(struct cirrus *card)
{
	show_trapped(card);
	card->banks.direct = false;
	/* What was written unseen until now counts as written in the next picture. */
	for (unsigned i = 0; i < CIRRUS_BANKS; i++)
		vga_dirty_close(&card->vga.dirty, i);
}

static int show_span(struct cirrus *card, unsigned i)
{
	static const char *const names[CIRRUS_BANKS] = { "cirrus-bank-0", "cirrus-bank-1" };
	struct cirrus_banks *banks = &card->banks;
	const struct vga_span *span = &banks->spans[i];

	if (span->length == 0)
		return 0;
	io_window_init_direct(&banks->direct_windows[i], names[i],
			      card->vga.vram.host + span->offset, span->length, false);
	return io_group_switch(&banks->group, CIRRUS_LOW_BANK_0 + i, true);
}

/*
 * Writes that the core has collected arrive while the trapped window leaves: they may change the
 * registers. What is to be shown is settled after that.
 */
static void open_banks(struct cirrus *card)
{
	struct cirrus_banks *banks = &card->banks;
	int error = 0;

	banks->plain_accesses = 0;
	banks->opening = true;
	io_group_switch(&banks->group, CIRRUS_LOW_TRAPPED, false);
	banks->opening = false;
	if (!find_spans(card, banks->spans)) {
		show_trapped(card);
		return;
	}
	for (unsigned i = 0; i < CIRRUS_BANKS && error == 0; i++)
		error = show_span(card, i);
	if (error != 0) {
		show_trapped(card);
		return;
	}
	banks->direct = true;
	for (unsigned i = 0; i < CIRRUS_BANKS; i++)
		vga_dirty_open(&card->vga.dirty, i, banks->spans[i]);
}

void cirrus_banks_update(struct cirrus *card)
{
	struct cirrus_banks *banks = &card->banks;
	struct vga_span spans[CIRRUS_BANKS];
	bool plain = find_spans(card, spans);

	if (plain && memcmp(spans, banks->spans, sizeof(spans)) == 0)
		return;
	memcpy(banks->spans, spans, sizeof(spans));
	banks->plain_accesses = 0;
	if (banks->direct)
		close_banks(card);
}

/* An access came that a direct window could have taken. */
static void count_plain(struct cirrus *card)
{
	struct cirrus_banks *banks = &card->banks;
	struct vga_span spans[CIRRUS_BANKS];

	if (banks->opening || banks->direct || !find_spans(card, spans))
		return;
	if (++banks->plain_accesses >= CIRRUS_BANK_ACCESSES)
		open_banks(card);
}

static uint64_t low_read(void *opaque, uint64_t offset, unsigned size)
{
	struct cirrus *card = opaque;
	uint64_t value = vga_memory_ops.read(&card->vga, offset, size);

	count_plain(card);
	return value;
}

static void low_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct cirrus *card = opaque;

	vga_memory_ops.write(&card->vga, offset, value, size);
	count_plain(card);
}

static uint64_t low_peek(void *opaque, uint64_t offset, unsigned size)
{
	struct cirrus *card = opaque;

	return vga_memory_ops.peek(&card->vga, offset, size);
}

static uint64_t high_read(void *opaque, uint64_t offset, unsigned size)
{
	struct cirrus *card = opaque;

	return vga_memory_ops.read(&card->vga, offset + BANKED_BYTES, size);
}

static void high_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct cirrus *card = opaque;

	vga_memory_ops.write(&card->vga, offset + BANKED_BYTES, value, size);
}

static uint64_t high_peek(void *opaque, uint64_t offset, unsigned size)
{
	struct cirrus *card = opaque;

	return vga_memory_ops.peek(&card->vga, offset + BANKED_BYTES, size);
}

static const struct io_ops low_ops = {
	.is_memory = true,
	.read = low_read,
	.write = low_write,
	.peek = low_peek,
	.max_size = 8,
	.coalesced = true,
};
static const struct io_ops high_ops = {
	.is_memory = true,
	.read = high_read,
	.write = high_write,
	.peek = high_peek,
	.max_size = 8,
	.coalesced = true,
};

void cirrus_banks_init(struct cirrus *card)
{
	struct cirrus_banks *banks = &card->banks;
	struct io_part *parts = banks->parts;

	io_window_init(&banks->low, "cirrus-a0000", &low_ops, card, BANKED_BYTES);
	io_window_init(&banks->high, "cirrus-b0000", &high_ops, card,
		       VGA_WINDOW_BYTES - BANKED_BYTES);
	parts[CIRRUS_LOW_TRAPPED] = (struct io_part){ &banks->low, 0, true };
	parts[CIRRUS_LOW_BANK_0] = (struct io_part){ &banks->direct_windows[0], 0, false };
	parts[CIRRUS_LOW_BANK_1] = (struct io_part){ &banks->direct_windows[1], BANK_BYTES, false };
	parts[CIRRUS_LOW_HIGH] = (struct io_part){ &banks->high, BANKED_BYTES, true };
	io_window_init_group(&banks->group, "cirrus-legacy", parts, CIRRUS_LOW_PARTS,
			     VGA_WINDOW_BYTES);
	card->vga.legacy_window = &banks->group;
}

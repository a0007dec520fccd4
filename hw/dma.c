// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/dma.h"

#include <errno.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"
#include "hw/dma_regs.h"

static const struct state_field dma_channel_fields[] = {
	STATE_INT(struct dma_channel_state, base_address),
	STATE_INT(struct dma_channel_state, base_count),
	STATE_INT(struct dma_channel_state, address),
	STATE_INT(struct dma_channel_state, count),
	STATE_INT(struct dma_channel_state, mode),
	STATE_INT(struct dma_channel_state, reserved),
};
static STATE_TABLE(dma_channel_state_table, dma_channel_state, dma_channel_fields);

static const struct state_field dma_chip_fields[] = {
	STATE_STRUCTS(struct dma_chip_state, channels, &dma_channel_state_table),
	STATE_INT(struct dma_chip_state, command),
	STATE_INT(struct dma_chip_state, mask),
	STATE_INT(struct dma_chip_state, terminal),
	STATE_INT(struct dma_chip_state, done),
	STATE_INT(struct dma_chip_state, requests),
	STATE_INT(struct dma_chip_state, flip_flop),
};
static STATE_TABLE(dma_chip_state_table, dma_chip_state, dma_chip_fields);

static const struct state_field dma_fields[] = {
	STATE_STRUCTS(struct dma_state, chips, &dma_chip_state_table),
	STATE_ARRAY(struct dma_state, pages),
};
STATE_TABLE(dma_state_table, dma_state, dma_fields);

/* --- Registers --- */

static uint8_t dma_take_byte(struct dma_chip_state *chip, uint16_t value)
{
	unsigned shift = chip->flip_flop ? 8 : 0;

	chip->flip_flop = !chip->flip_flop;
	return (uint8_t)(value >> shift);
}

static uint16_t dma_put_byte(struct dma_chip_state *chip, uint16_t value, uint8_t byte)
{
	unsigned shift = chip->flip_flop ? 8 : 0;

	chip->flip_flop = !chip->flip_flop;
	return (uint16_t)replace_bits(value, 0xffu << shift, (uint32_t)byte << shift);
}

static uint8_t dma_status(const struct dma_chip_state *chip)
{
	return (uint8_t)(chip->terminal | chip->requests << DMA_STATUS_REQUEST_SHIFT);
}

static uint64_t dma_read(void *opaque, uint64_t offset, unsigned size)
{
	struct dma_chip *chip = opaque;
	struct dma_chip_state *state = chip->state;
	unsigned index = (unsigned)offset >> chip->shift;
	const struct dma_channel_state *channel = &state->channels[index / 2 % DMA_CHIP_CHANNELS];
	uint8_t status = dma_status(state);

	(void)size;
	if (index < DMA_CHANNEL_REGISTERS)
		return dma_take_byte(state, index & 1 ? channel->count : channel->address);
	switch (index) {
	case DMA_STATUS:
		state->terminal = 0;
		return status;
	case DMA_TEMPORARY:
		return 0;
	case DMA_ALL_MASK:
		return state->mask;
	default:
		return ones(1);
	}
}

static uint64_t dma_peek(void *opaque, uint64_t offset, unsigned size)
{
	const struct dma_chip *chip = opaque;
	struct dma_chip_state copy = *chip->state;
	struct dma_chip twin = { .state = &copy, .shift = chip->shift };

	return dma_read(&twin, offset, size);
}

/* Writes go to the base and the current register alike. */
static void dma_write_channel(struct dma_chip_state *chip, unsigned index, uint8_t byte)
{
	struct dma_channel_state *channel = &chip->channels[index / 2];
	uint16_t *base = index & 1 ? &channel->base_count : &channel->base_address;
	uint16_t *current = index & 1 ? &channel->count : &channel->address;

	*base = dma_put_byte(chip, *base, byte);
	*current = *base;
	chip->done &= (uint8_t)~BIT(index / 2);
}

static void dma_master_clear(struct dma_chip_state *chip)
{
	chip->command = chip->terminal = chip->done = 0;
	chip->flip_flop = false;
	chip->mask = DMA_MASK_ALL;
}

static void dma_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct dma_chip *chip = opaque;
	struct dma_chip_state *state = chip->state;
	unsigned index = (unsigned)offset >> chip->shift, selected = value & DMA_SELECT;
	uint8_t byte = (uint8_t)value;

	(void)size;
	if (index < DMA_CHANNEL_REGISTERS) {
		dma_write_channel(state, index, byte);
		return;
	}
	switch (index) {
	case DMA_COMMAND:
		state->command = byte;
		break;
	case DMA_SINGLE_MASK:
		state->mask = (uint8_t)replace_bits(state->mask, BIT(selected),
						    byte & DMA_SELECT_SET ? BIT(selected) : 0);
		break;
	case DMA_MODE:
		state->channels[selected].mode = byte & DMA_MODE_STORED;
		state->done &= (uint8_t)~BIT(selected);
		break;
	case DMA_CLEAR_FLIP_FLOP:
		state->flip_flop = false;
		break;
	case DMA_MASTER_CLEAR:
		dma_master_clear(state);
		break;
	case DMA_CLEAR_MASK:
		state->mask = 0;
		break;
	case DMA_ALL_MASK:
		state->mask = byte & DMA_MASK_ALL;
		break;
	default:
		break;
	}
}

static const struct io_ops dma_ops = {
	.read = dma_read,
	.write = dma_write,
	.peek = dma_peek,
	.max_size = 1,
};

/* --- Page registers --- */

static uint64_t dma_read_page(void *opaque, uint64_t offset, unsigned size)
{
	const struct dma *dma = opaque;

	(void)size;
	return dma->state.pages[offset];
}

static void dma_write_page(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct dma *dma = opaque;

	(void)size;
	dma->state.pages[offset] = (uint8_t)value;
}

static const struct io_ops dma_page_ops = {
	.read = dma_read_page,
	.write = dma_write_page,
	.peek = dma_read_page,
	.max_size = 1,
};

/* Where the board's decoder put the page registers of channels 0 to 7, from port 0x80 on. */
static const uint8_t page_of_channel[] = { 0x7, 0x3, 0x1, 0x2, 0xf, 0xb, 0x9, 0xa };

/* --- Transfers --- */

/* The second controller counts words and drives A1 to A16; its page registers have no A16. */
static uint64_t dma_gpa(const struct dma *dma, unsigned channel, uint16_t address)
{
	uint8_t page = dma->state.pages[page_of_channel[channel]];

	if (channel < DMA_CHIP_CHANNELS)
		return (uint64_t)page << 16 | address;
	return (uint64_t)(page & 0xfe) << 16 | (uint64_t)address << 1;
}

static void dma_copy(struct dma *dma, uint64_t gpa, uint8_t *data, size_t length, uint8_t type)
{
	if (type == DMA_MODE_WRITE)
		ram_write(dma->ram, gpa, data, length);
	else if (type == DMA_MODE_READ)
		ram_read(dma->ram, gpa, data, length);
}

/* Moves 'units' bytes or words, which the count allows, and steps the address; it wraps at 64 Ki.
 */
static void dma_move(struct dma *dma, unsigned number, struct dma_channel_state *channel,
		     uint8_t *data, uint32_t units)
{
	unsigned shift = number < DMA_CHIP_CHANNELS ? 0 : 1;
	uint8_t type = channel->mode & DMA_MODE_TYPE;

	while (units > 0) {
		bool down = (channel->mode & DMA_MODE_DOWN) != 0;
		uint32_t run = down ? 1 : (uint32_t)min_u64(units, 0x10000u - channel->address);

		dma_copy(dma, dma_gpa(dma, number, channel->address), data, (size_t)run << shift,
			 type);
		channel->address =
			(uint16_t)(down ? channel->address - 1u : channel->address + run);
		data += (size_t)run << shift;
		units -= run;
	}
}

/* The count has passed zero. */
static void dma_reach_terminal_count(struct dma_chip_state *chip, unsigned index)
{
	struct dma_channel_state *channel = &chip->channels[index];

	chip->terminal |= (uint8_t)BIT(index);
	chip->done |= (uint8_t)BIT(index);
	if (channel->mode & DMA_MODE_AUTO) {
		channel->address = channel->base_address;
		channel->count = channel->base_count;
	} else {
		chip->mask |= (uint8_t)BIT(index);
	}
}

/* True if a device may move data that way now. Verify goes either way. */
static bool dma_allows(const struct dma_chip_state *chip, unsigned index, bool to_memory)
{
	uint8_t mode = chip->channels[index].mode, type = mode & DMA_MODE_TYPE;

	if ((chip->command & DMA_COMMAND_DISABLE) || (chip->mask & BIT(index)) ||
	    (mode & DMA_MODE_KIND) == DMA_MODE_CASCADE)
		return false;
	return type == DMA_MODE_VERIFY || type == (to_memory ? DMA_MODE_WRITE : DMA_MODE_READ);
}

static size_t dma_transfer(void *opaque, unsigned number, void *data, size_t length, bool to_memory)
{
	struct dma *dma = opaque;
	unsigned which = number / DMA_CHIP_CHANNELS % DMA_CHIPS, index = number % DMA_CHIP_CHANNELS;
	struct dma_chip_state *chip = &dma->state.chips[which];
	struct dma_channel_state *channel = &chip->channels[index];
	uint32_t units = (uint32_t)min_u64(length >> which, channel->count + UINT64_C(1));

	if (!dma_allows(chip, index, to_memory) || units == 0)
		return 0;
	TRACE(dma, transfer, "channel %u units %u address %04x", number, units, channel->address);
	dma_move(dma, number % (DMA_CHIPS * DMA_CHIP_CHANNELS), channel, data, units);
	chip->done &= (uint8_t)~BIT(index);
	channel->count = (uint16_t)(channel->count - units);
	if (channel->count == UINT16_MAX)
		dma_reach_terminal_count(chip, index);
	return (size_t)units << which;
}

static bool dma_is_done(void *opaque, unsigned number)
{
	const struct dma *dma = opaque;
	const struct dma_chip_state *chip =
		&dma->state.chips[number / DMA_CHIP_CHANNELS % DMA_CHIPS];

	return (chip->done & BIT(number % DMA_CHIP_CHANNELS)) != 0;
}

static void dma_set_request(void *opaque, unsigned number, bool level)
{
	struct dma *dma = opaque;
	struct dma_chip_state *chip = &dma->state.chips[number / DMA_CHIP_CHANNELS % DMA_CHIPS];
	uint32_t bit = BIT(number % DMA_CHIP_CHANNELS);

	chip->requests = (uint8_t)replace_bits(chip->requests, bit, level ? bit : 0);
}

struct isa_dma dma_isa_port(struct dma *dma)
{
	return (struct isa_dma){
		.opaque = dma,
		.transfer = dma_transfer,
		.is_done = dma_is_done,
		.set_request = dma_set_request,
	};
}

/* --- Life --- */

static void dma_reset(void *self)
{
	struct dma *dma = self;

	dma->state = (struct dma_state){ 0 };
	for (unsigned i = 0; i < DMA_CHIPS; i++)
		dma_master_clear(&dma->state.chips[i]);
}

static bool dma_chip_is_valid(const struct dma_chip_state *chip)
{
	uint8_t low = chip->mask | chip->terminal | chip->done | chip->requests;
	uint8_t modes = 0;

	for (unsigned i = 0; i < DMA_CHIP_CHANNELS; i++)
		modes |= chip->channels[i].mode;
	return (low & ~DMA_MASK_ALL) == 0 && (modes & ~DMA_MODE_STORED) == 0;
}

static int dma_after_load(void *self, struct err *err)
{
	struct dma *dma = self;

	for (unsigned i = 0; i < DMA_CHIPS; i++)
		if (!dma_chip_is_valid(&dma->state.chips[i]))
			return err_set(err, -EINVAL, "DMA controller %u has reserved bits set",
				       i + 1);
	return 0;
}

static void dma_finish(void *self)
{
	struct dma *dma = self;

	io_unmap(&dma->chips[0].window);
	io_unmap(&dma->chips[1].window);
	io_unmap(&dma->pages);
}

static const struct device_class dma_class = {
	.name = "dma",
	.reset = dma_reset,
	.table = &dma_state_table,
	.state_offset = offsetof(struct dma, state),
	.version = 1,
	.after_load = dma_after_load,
	.finish = dma_finish,
};

int dma_init(struct dma *dma, struct io_space *ports, struct ram *ram, struct err *err)
{
	int rc;

	*dma = (struct dma){ .ram = ram };
	device_init(&dma->device, &dma_class, dma);
	dma_reset(dma);
	for (unsigned i = 0; i < DMA_CHIPS; i++) {
		dma->chips[i].state = &dma->state.chips[i];
		dma->chips[i].shift = i;
	}
	io_window_init(&dma->chips[0].window, "dma1", &dma_ops, &dma->chips[0], DMA1_PORTS);
	io_window_init(&dma->chips[1].window, "dma2", &dma_ops, &dma->chips[1], DMA2_PORTS);
	io_window_init(&dma->pages, "dma-page", &dma_page_ops, dma, DMA_PAGE_PORTS);
	rc = io_map(ports, &dma->chips[0].window, DMA1_PORT);
	if (rc == 0)
		rc = io_map(ports, &dma->chips[1].window, DMA2_PORT);
	if (rc == 0)
		rc = io_map(ports, &dma->pages, DMA_PAGE_PORT);
	if (rc < 0) {
		dma_finish(dma);
		return err_set_errno(err, rc, "cannot map the DMA controllers");
	}
	return 0;
}

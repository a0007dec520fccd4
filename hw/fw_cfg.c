// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/fw_cfg.h"

#include <errno.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"

/** What reads of the DMA address register show: "QEMU CFG". */
static const uint8_t dma_signature[8] = { 'Q', 'E', 'M', 'U', ' ', 'C', 'F', 'G' };

static const uint8_t signature[4] = { 'Q', 'E', 'M', 'U' };
static const uint8_t id[4] = { FW_CFG_ID_TRADITIONAL | FW_CFG_ID_DMA };

static const struct state_field state_fields[] = {
	STATE_INT(struct fw_cfg_state, dma_address),
	STATE_INT(struct fw_cfg_state, offset),
	STATE_INT(struct fw_cfg_state, key),
	STATE_INT(struct fw_cfg_state, reserved),
};
static STATE_TABLE(state_table, fw_cfg_state, state_fields);

static const struct fw_cfg_item *find_item(const struct fw_cfg *fw, uint16_t key)
{
	if (key == FW_CFG_FILE_DIR)
		return &fw->directory_item;
	for (unsigned i = 0; i < fw->key_count; i++) {
		if (fw->keys[i].key == key)
			return &fw->keys[i];
	}
	if (key >= FW_CFG_FILE_FIRST && key - FW_CFG_FILE_FIRST < (int)fw->file_count)
		return &fw->files[key - FW_CFG_FILE_FIRST];
	return NULL;
}

static void select_item(struct fw_cfg *fw, uint16_t selector)
{
	fw->state.key = selector & FW_CFG_KEY_MASK;
	fw->state.offset = 0;
	fw->selected = find_item(fw, fw->state.key);
	TRACE(fw_cfg, select, "key %04x, %u bytes", fw->state.key,
	      fw->selected ? fw->selected->length : 0);
}

/** What is left of the selected item. */
static uint32_t remaining(const struct fw_cfg *fw)
{
	if (!fw->selected || fw->state.offset >= fw->selected->length)
		return 0;
	return fw->selected->length - fw->state.offset;
}

/** Takes 'count' bytes of the item; what it does not have is zeros. */
static void take(struct fw_cfg *fw, uint8_t *bytes, size_t count)
{
	size_t there = min_size(count, remaining(fw));

	if (there)
		memcpy(bytes, fw->selected->data + fw->state.offset, there);
	memset(bytes + there, 0, count - there);
	fw->state.offset += (uint32_t)there;
}

/* DMA */

/** Copies 'length' bytes of the item, and zeros behind its end, to guest memory. False if that is
 * not RAM. */
static bool dma_read(struct fw_cfg *fw, uint64_t gpa, uint32_t length)
{
	static const uint8_t zeros[4096];
	uint32_t there = (uint32_t)min_u64(length, remaining(fw));

	if (there) {
		bool ok = ram_write(fw->ram, gpa, fw->selected->data + fw->state.offset, there);

		fw->state.offset += there;
		if (!ok)
			return false;
	}
	if (length - there > FW_CFG_MAX_FILL)
		return false;
	for (uint64_t at = there; at < length; at += sizeof(zeros)) {
		if (!ram_write(fw->ram, gpa + at, zeros, min_u64(length - at, sizeof(zeros))))
			return false;
	}
	return true;
}

static bool dma_execute(struct fw_cfg *fw, uint32_t control, uint32_t length, uint64_t gpa)
{
	if (control & FW_CFG_DMA_SELECT)
		select_item(fw, (uint16_t)(control >> 16));
	if (control & FW_CFG_DMA_READ)
		return gpa + length >= gpa && dma_read(fw, gpa, length);
	if (control & FW_CFG_DMA_WRITE)
		return false;
	if (control & FW_CFG_DMA_SKIP)
		fw->state.offset += (uint32_t)min_u64(length, remaining(fw));
	return true;
}

static void dma_start(struct fw_cfg *fw)
{
	uint64_t gpa = fw->state.dma_address;
	uint8_t command[FW_CFG_DMA_COMMAND_SIZE], result[4];
	bool ok = false;

	fw->state.dma_address = 0;
	if (ram_read(fw->ram, gpa, command, sizeof(command))) {
		uint32_t control = load_be32(command + FW_CFG_DMA_CONTROL);
		uint32_t length = load_be32(command + FW_CFG_DMA_LENGTH);
		uint64_t address = load_be64(command + FW_CFG_DMA_ADDRESS);

		TRACE(fw_cfg, dma, "control %08x length %u address %llx", control, length,
		      (unsigned long long)address);
		ok = dma_execute(fw, control, length, address);
	}
	store_be32(result, ok ? 0 : FW_CFG_DMA_ERROR);
	ram_write(fw->ram, gpa + FW_CFG_DMA_CONTROL, result, sizeof(result));
}

/* Ports */

static uint64_t read_dma_signature(uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size && offset - FW_CFG_DMA_HIGH + i < sizeof(dma_signature); i++)
		value |= (uint64_t)dma_signature[offset - FW_CFG_DMA_HIGH + i] << (8 * i);
	return value;
}

static uint64_t fw_cfg_read(void *opaque, uint64_t offset, unsigned size)
{
	struct fw_cfg *fw = opaque;
	uint8_t bytes[8];

	if (offset >= FW_CFG_DMA_HIGH)
		return read_dma_signature(offset, size);
	if (offset > FW_CFG_DATA)
		return ones(size);
	/* As on the original, reading the selector's port reads data too. */
	take(fw, bytes, size);
	return load_le(bytes, size);
}

static uint64_t fw_cfg_peek(void *opaque, uint64_t offset, unsigned size)
{
	const struct fw_cfg *fw = opaque;

	if (offset >= FW_CFG_DMA_HIGH)
		return read_dma_signature(offset, size);
	if (offset > FW_CFG_DATA)
		return ones(size);
	return remaining(fw) ? fw->selected->data[fw->state.offset] : 0;
}

static void write_dma_address(struct fw_cfg *fw, uint64_t offset, uint64_t value, unsigned size)
{
	struct fw_cfg_state *state = &fw->state;
	uint32_t half = __builtin_bswap32((uint32_t)value); /* big-endian on a little-endian bus */

	if (size != 4)
		return;
	if (offset == FW_CFG_DMA_HIGH) {
		state->dma_address = (uint64_t)half << 32 | (state->dma_address & UINT32_MAX);
	} else if (offset == FW_CFG_DMA_LOW) {
		state->dma_address = (state->dma_address & ~(uint64_t)UINT32_MAX) | half;
		dma_start(fw);
	}
}

static void fw_cfg_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct fw_cfg *fw = opaque;

	if (offset >= FW_CFG_DMA_HIGH)
		write_dma_address(fw, offset, value, size);
	else if (offset == FW_CFG_SELECTOR && size == 2)
		select_item(fw, (uint16_t)value);
}

static size_t fw_cfg_read_block(void *opaque, uint64_t offset, void *data, unsigned size,
				size_t count)
{
	if (offset > FW_CFG_DATA)
		return 0;
	take(opaque, data, size * count);
	return count;
}

static const struct io_ops fw_cfg_ops = {
	.read = fw_cfg_read,
	.write = fw_cfg_write,
	.peek = fw_cfg_peek,
	.read_block = fw_cfg_read_block,
	.max_size = 4,
};

/* Life */

static void fw_cfg_reset(void *self)
{
	struct fw_cfg *fw = self;

	memset(&fw->state, 0, sizeof(fw->state));
	select_item(fw, FW_CFG_SIGNATURE);
}

/** The items may differ from those of the host that saved: an offset behind the end is legal and
 * reads as zeros. */
static int fw_cfg_after_load(void *self, struct err *err)
{
	struct fw_cfg *fw = self;

	if (fw->state.key & ~FW_CFG_KEY_MASK || fw->state.reserved)
		return err_set(err, -EINVAL, "fw_cfg: key %#x is none", fw->state.key);
	fw->selected = find_item(fw, fw->state.key);
	return 0;
}

static const struct device_class fw_cfg_class = {
	.name = "fw_cfg",
	.reset = fw_cfg_reset,
	.table = &state_table,
	.state_offset = offsetof(struct fw_cfg, state),
	.version = 1,
	.after_load = fw_cfg_after_load,
};

/* Items */

static void set_item(struct fw_cfg *fw, struct fw_cfg_item *item, uint16_t key, const void *data,
		     uint32_t length)
{
	item->key = key;
	item->data = data;
	item->length = length;
	fw->selected = find_item(fw, fw->state.key);
}

int fw_cfg_set_key(struct fw_cfg *fw, uint16_t key, const void *data, uint32_t length)
{
	unsigned i = 0;

	while (i < fw->key_count && fw->keys[i].key != key)
		i++;
	if (i == FW_CFG_MAX_KEYS)
		return -ENOSPC;
	if (i == fw->key_count)
		fw->key_count++;
	set_item(fw, &fw->keys[i], key, data, length);
	return 0;
}

static uint8_t *directory_entry(struct fw_cfg *fw, unsigned number)
{
	return fw->directory + FW_CFG_DIR_COUNT_SIZE + (size_t)number * FW_CFG_DIR_ENTRY_SIZE;
}

static void count_files(struct fw_cfg *fw)
{
	store_be32(fw->directory, fw->file_count);
	fw->directory_item.key = FW_CFG_FILE_DIR;
	fw->directory_item.data = fw->directory;
	fw->directory_item.length = FW_CFG_DIR_COUNT_SIZE + fw->file_count * FW_CFG_DIR_ENTRY_SIZE;
}

int fw_cfg_set_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t length,
		    struct err *err)
{
	uint16_t key;
	uint8_t *entry;
	unsigned i = 0;

	if (strlen(name) >= FW_CFG_DIR_NAME_SIZE)
		return err_set(err, -ENAMETOOLONG, "fw_cfg: '%s' has more than %d characters", name,
			       FW_CFG_DIR_NAME_SIZE - 1);
	while (i < fw->file_count &&
	       strcmp((const char *)directory_entry(fw, i) + FW_CFG_DIR_NAME, name) != 0)
		i++;
	if (i == FW_CFG_MAX_FILES)
		return err_set(err, -ENOSPC, "fw_cfg: no room for '%s', there are %d files", name,
			       FW_CFG_MAX_FILES);
	if (i == fw->file_count)
		fw->file_count++;
	key = (uint16_t)(FW_CFG_FILE_FIRST + i);
	entry = directory_entry(fw, i);
	memset(entry, 0, FW_CFG_DIR_ENTRY_SIZE);
	store_be32(entry + FW_CFG_DIR_SIZE, length);
	store_be16(entry + FW_CFG_DIR_KEY, key);
	memcpy(entry + FW_CFG_DIR_NAME, name, strlen(name));
	count_files(fw);
	set_item(fw, &fw->files[i], key, data, length);
	return 0;
}

int fw_cfg_init(struct fw_cfg *fw, struct io_space *ports, struct ram *ram)
{
	memset(fw, 0, sizeof(*fw));
	fw->ram = ram;
	count_files(fw);
	fw_cfg_set_key(fw, FW_CFG_SIGNATURE, signature, sizeof(signature));
	fw_cfg_set_key(fw, FW_CFG_ID, id, sizeof(id));
	device_init(&fw->device, &fw_cfg_class, fw);
	io_window_init(&fw->window, "fw_cfg", &fw_cfg_ops, fw, FW_CFG_PORT_COUNT);
	fw_cfg_reset(fw);
	return io_map(ports, &fw->window, FW_CFG_PORT);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/regs.h"

#include <assert.h>
#include <string.h>

#include "base/bytes.h"

void regs_define(struct reg_file *file, const struct reg_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct reg_row *row = &rows[i];

		assert(row->offset + row->size <= file->length);
		store_le(file->bytes + row->offset, row->size, row->reset);
		store_le(file->writable + row->offset, row->size, row->writable);
		store_le(file->clear_on_one + row->offset, row->size, row->clear_on_one);
	}
}

void regs_reset(struct reg_file *file, const struct reg_row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		store_le(file->bytes + rows[i].offset, rows[i].size, rows[i].reset);
}

uint64_t regs_read(const struct reg_file *file, size_t offset, unsigned size)
{
	uint8_t bytes[8];

	memset(bytes, 0xff, sizeof(bytes));
	for (unsigned i = 0; i < size && offset + i < file->length; i++)
		bytes[i] = file->bytes[offset + i];
	return load_le(bytes, size);
}

void regs_write(struct reg_file *file, size_t offset, uint64_t value, unsigned size)
{
	for (unsigned i = 0; i < size && offset + i < file->length; i++) {
		uint8_t byte = (uint8_t)(value >> (8 * i));
		uint8_t *reg = &file->bytes[offset + i];
		uint8_t writable = file->writable[offset + i];

		*reg = (uint8_t)((*reg & ~writable) | (byte & writable));
		*reg &= (uint8_t) ~(byte & file->clear_on_one[offset + i]);
	}
}

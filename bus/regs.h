// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Register tables: a register file whose rows say reset value, writable bits and bits cleared by
 * writing one. Used for PCI configuration space and other plain register blocks; side effects are
 * hooks of the owner.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct reg_row {
	const char *name;
	uint16_t offset;
	uint8_t size; /* 1, 2 or 4 */
	uint32_t reset;
	uint32_t writable;     /* bits that keep what is written */
	uint32_t clear_on_one; /* bits that a written one clears */
};

/** A little-endian register file: 'bytes' values, and masks of the same length. All borrowed. */
struct reg_file {
	uint8_t *bytes;
	uint8_t *writable;
	uint8_t *clear_on_one;
	size_t length;
};

/** Lays rows into the masks and reset values. */
void regs_define(struct reg_file *file, const struct reg_row *rows, size_t count);
/** Puts the reset values of 'rows' back. */
void regs_reset(struct reg_file *file, const struct reg_row *rows, size_t count);
/** Reads 1 to 8 bytes; beyond the end all ones. */
uint64_t regs_read(const struct reg_file *file, size_t offset, unsigned size);
/** Writes 1 to 8 bytes by the masks. */
void regs_write(struct reg_file *file, size_t offset, uint64_t value, unsigned size);

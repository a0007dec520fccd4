// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the codes of text modes mean while the font is the BIOS's: code page 437.
 */
#pragma once

#include <stdint.h>

/** The Unicode character that 'code' shows; a blank for 0. */
uint32_t vga_character(uint8_t code);

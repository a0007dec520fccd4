// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor's end of the DDC2B wires: an I2C memory at address 50h that holds the EDID. VESA
 * Enhanced Display Data Channel Standard 1.1, section 3; UM10204 (I2C), section 3.1.
 *
 *            start                  8 bits: address 50h          8 bits, ACK
 *   DDC_IDLE -----> DDC_ADDRESS --write--> DDC_POINTER -------------------> DDC_WRITE
 *      ^  ^             |  `----read----> DDC_READ --NAK--.
 *      |  `-stop (from any)--other address----------------'
 *
 * Not modelled: E-DDC segments, clock stretching. What is written is acknowledged and dropped.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "bus/state.h"

struct err;

enum ddc_phase {
	DDC_IDLE,
	DDC_ADDRESS,
	DDC_POINTER,
	DDC_WRITE,
	DDC_READ,
	DDC_PHASES,
};

struct ddc_state {
	uint8_t phase;
	uint8_t bits;     /* of the byte, 0 to 8; 8: its acknowledge is due */
	uint8_t shift;    /* what came or goes */
	uint8_t pointer;  /* of the next byte that is read */
	bool clock, data; /* as the host drives the wires */
	bool pull;        /* the monitor drives data low */
	bool reading;     /* the address asked for it */
};
extern const struct state_table ddc_state_table;

void ddc_reset(struct ddc_state *ddc);
/** The host drives the wires: true lets them float high. 'edid' are 128 bytes. */
void ddc_write(struct ddc_state *ddc, const uint8_t *edid, bool clock, bool data);
/** What the data wire reads as. */
bool ddc_data(const struct ddc_state *ddc);
/** Refuses what no writes could have brought about. 0 or -EINVAL. */
int ddc_check(const struct ddc_state *ddc, struct err *err);

// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/ddc.h"

#include <errno.h>

#include "base/bits.h"
#include "base/err.h"
#include "vga/edid.h"

enum {
	DDC_EEPROM = 0x50,
	BYTE_BITS = 8,
};

static const struct state_field state_fields[] = {
	STATE_INT(struct ddc_state, phase), STATE_INT(struct ddc_state, bits),
	STATE_INT(struct ddc_state, shift), STATE_INT(struct ddc_state, pointer),
	STATE_INT(struct ddc_state, clock), STATE_INT(struct ddc_state, data),
	STATE_INT(struct ddc_state, pull),  STATE_INT(struct ddc_state, reading),
};
STATE_TABLE(ddc_state_table, ddc_state, state_fields);

void ddc_reset(struct ddc_state *ddc)
{
	*ddc = (struct ddc_state){ .clock = true, .data = true };
}

bool ddc_data(const struct ddc_state *ddc)
{
	return ddc->data && !ddc->pull;
}

static void begin(struct ddc_state *ddc, enum ddc_phase phase)
{
	ddc->phase = (uint8_t)phase;
	ddc->bits = 0;
	ddc->shift = 0;
	ddc->pull = false;
}

/* The monitor's next byte, whose first bit goes to the wire. */
static void begin_read(struct ddc_state *ddc, const uint8_t *edid)
{
	begin(ddc, DDC_READ);
	ddc->shift = edid[ddc->pointer++ % EDID_BYTES];
	ddc->pull = !(ddc->shift & 0x80);
}

/* Clock rises: the host's bit is taken. The ninth is the host's acknowledge of a byte read. */
static void take_bit(struct ddc_state *ddc)
{
	if (ddc->phase == DDC_IDLE)
		return;
	if (ddc->bits < BYTE_BITS) {
		if (ddc->phase != DDC_READ)
			ddc->shift = (uint8_t)(ddc->shift << 1 | ddc->data);
		ddc->bits++;
	} else if (ddc->phase == DDC_READ && ddc->data) {
		begin(ddc, DDC_IDLE);
	} else {
		ddc->bits++;
	}
}

/* A byte has come: its acknowledge, or silence if it was for another. */
static void acknowledge(struct ddc_state *ddc)
{
	ddc->pull = true;
	if (ddc->phase == DDC_ADDRESS) {
		ddc->reading = ddc->shift & 1;
		if (ddc->shift >> 1 != DDC_EEPROM)
			begin(ddc, DDC_IDLE);
	} else if (ddc->phase == DDC_POINTER) {
		ddc->pointer = ddc->shift;
	}
}

/* The acknowledge is over: what the next byte is. */
static void next_byte(struct ddc_state *ddc, const uint8_t *edid)
{
	if (ddc->phase == DDC_READ || (ddc->phase == DDC_ADDRESS && ddc->reading))
		begin_read(ddc, edid);
	else
		begin(ddc, ddc->phase == DDC_ADDRESS ? DDC_POINTER : DDC_WRITE);
}

/* Clock falls: the monitor may change data. */
static void put_bit(struct ddc_state *ddc, const uint8_t *edid)
{
	if (ddc->phase == DDC_IDLE)
		return;
	if (ddc->bits > BYTE_BITS)
		next_byte(ddc, edid);
	else if (ddc->phase != DDC_READ && ddc->bits == BYTE_BITS)
		acknowledge(ddc);
	else if (ddc->phase == DDC_READ)
		ddc->pull = ddc->bits < BYTE_BITS && !(ddc->shift & 0x80 >> ddc->bits);
}

void ddc_write(struct ddc_state *ddc, const uint8_t *edid, bool clock, bool data)
{
	bool rises = clock && !ddc->clock, falls = !clock && ddc->clock;
	bool start = clock && ddc->clock && ddc->data && !data;
	bool stop = clock && ddc->clock && !ddc->data && data;

	ddc->clock = clock;
	ddc->data = data;
	if (start)
		begin(ddc, DDC_ADDRESS);
	else if (stop)
		begin(ddc, DDC_IDLE);
	else if (rises)
		take_bit(ddc);
	else if (falls)
		put_bit(ddc, edid);
}

int ddc_check(const struct ddc_state *ddc, struct err *err)
{
	if (ddc->phase >= DDC_PHASES || ddc->bits > BYTE_BITS + 1)
		return err_set(err, -EINVAL, "DDC: impossible state");
	return 0;
}

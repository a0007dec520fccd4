// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/beam.h"

#include "base/clock.h"
#include "vga/vga.h"

static uint32_t vertical(const uint8_t *crtc, uint8_t index, uint8_t bit_8, uint8_t bit_9)
{
	uint8_t overflow = crtc[VGA_CRTC_OVERFLOW];

	return crtc[index] | ((overflow & bit_8) ? 0x100u : 0) | ((overflow & bit_9) ? 0x200u : 0);
}

struct vga_timing {
	int64_t line_ns;
	int64_t lines, display_lines, retrace_line, retrace_lines;
	int64_t display_share; /* of a line, in 1/256 */
};

/* 640 x 480 at 60 Hz: for registers that no monitor would follow, and while they are unset. */
static const struct vga_timing usual_timing = { 31778, 525, 480, 490, 2, 204 };

static int64_t dot_clock(const struct vga *vga)
{
	uint8_t select = vga->state->misc & VGA_MISC_CLOCK_MASK;
	uint32_t hz = vga->ext.dot_clock ? vga->ext.dot_clock(vga->ext.opaque) : 0;

	if (hz)
		return hz;
	return select == VGA_MISC_CLOCK_28 ? 28322000 : 25175000;
}

/* IBM VGA, CRT controller: horizontal total is in characters less five, vertical total in lines
 * less two. */
static struct vga_timing derive_timing(const struct vga *vga)
{
	const struct vga_state *s = vga->state;
	const uint8_t *crtc = s->crtc;
	int64_t dots = (s->seq[VGA_SEQ_CLOCKING] & VGA_CLOCKING_8_DOTS) ? 8 : 9;
	int64_t hz = dot_clock(vga);
	int64_t characters = crtc[VGA_CRTC_H_TOTAL] + 5;
	struct vga_timing t;

	if (s->seq[VGA_SEQ_CLOCKING] & VGA_CLOCKING_HALF)
		dots *= 2;
	t.line_ns = characters * dots * NS_PER_SECOND / hz;
	t.lines = 2 +
		  vertical(crtc, VGA_CRTC_V_TOTAL, VGA_OVERFLOW_V_TOTAL_8, VGA_OVERFLOW_V_TOTAL_9);
	t.display_lines = 1 + vertical(crtc, VGA_CRTC_V_DISPLAY_END, VGA_OVERFLOW_V_DISPLAY_END_8,
				       VGA_OVERFLOW_V_DISPLAY_END_9);
	t.retrace_line = vertical(crtc, VGA_CRTC_V_RETRACE_START, VGA_OVERFLOW_V_RETRACE_START_8,
				  VGA_OVERFLOW_V_RETRACE_START_9);
	/* The end is given by its low four bits. */
	t.retrace_lines =
		((crtc[VGA_CRTC_V_RETRACE_END] & VGA_V_RETRACE_END_MASK) - t.retrace_line) & 15;
	t.display_share = (crtc[VGA_CRTC_H_DISPLAY_END] + 1) * 256 / characters;
	if (t.line_ns * t.lines < 5 * NS_PER_MS || t.line_ns * t.lines > 50 * NS_PER_MS ||
	    t.display_lines >= t.lines || t.retrace_lines == 0 ||
	    t.retrace_line + t.retrace_lines > t.lines || t.display_share >= 256)
		return usual_timing;
	return t;
}

/*
 * Where the beam is by guest time. Guests poll this register; while time stands still (a stopped or
 * stepped clock) every read moves the beam on by a little, so that no loop lasts for ever.
 */
static int64_t beam_time_ns(struct vga *vga)
{
	int64_t now = clock_now_ns(vga->clock);

	vga->status_lead_ns = now == vga->status_ns ? vga->status_lead_ns + 20 * NS_PER_US : 0;
	vga->status_ns = now;
	return now + vga->status_lead_ns;
}

uint8_t vga_beam_status(struct vga *vga)
{
	struct vga_timing t = derive_timing(vga);
	int64_t now = beam_time_ns(vga);
	int64_t line = now / t.line_ns % t.lines;
	uint8_t status = 0;

	if (line >= t.display_lines || now % t.line_ns * 256 >= t.line_ns * t.display_share)
		status |= VGA_STATUS_1_NO_DISPLAY;
	if (line >= t.retrace_line && line < t.retrace_line + t.retrace_lines)
		status |= VGA_STATUS_1_RETRACE | VGA_STATUS_1_NO_DISPLAY;
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/cirrus_blt.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "vga/cirrus_regs.h"
#include "vga/dirty.h"

static const struct state_field state_fields[] = {
	STATE_INT(struct cirrus_job, destination),
	STATE_INT(struct cirrus_job, source),
	STATE_INT(struct cirrus_job, foreground),
	STATE_INT(struct cirrus_job, background),
	STATE_INT(struct cirrus_job, destination_pitch),
	STATE_INT(struct cirrus_job, source_pitch),
	STATE_INT(struct cirrus_job, bytes),
	STATE_INT(struct cirrus_job, lines),
	STATE_INT(struct cirrus_job, key),
	STATE_INT(struct cirrus_job, line_bytes),
	STATE_INT(struct cirrus_job, have),
	STATE_INT(struct cirrus_job, mode),
	STATE_INT(struct cirrus_job, extension),
	STATE_INT(struct cirrus_job, rop),
	STATE_INT(struct cirrus_job, skip),
	STATE_INT(struct cirrus_job, pattern_line),
	STATE_INT(struct cirrus_job, reserved),
	STATE_ARRAY(struct cirrus_job, data),
};
STATE_TABLE(cirrus_job_table, cirrus_job, state_fields);

/* Memory: nothing else in this file touches it. 'count' is at most CIRRUS_BLT_MAX_BYTES, which is
 * less than the memory has. */

static void cirrus_blt_fetch(const struct cirrus_blt *blt, uint32_t address, uint8_t *to,
			     uint32_t count)
{
	uint32_t first;

	address &= blt->mask;
	first = (uint32_t)min_u64(count, blt->mask + 1 - address);
	memcpy(to, blt->host + address, first);
	memcpy(to + first, blt->host, count - first);
}

static void cirrus_blt_store(const struct cirrus_blt *blt, uint32_t address, const uint8_t *from,
			     uint32_t count)
{
	uint32_t first;

	address &= blt->mask;
	first = (uint32_t)min_u64(count, blt->mask + 1 - address);
	memcpy(blt->host + address, from, first);
	vga_dirty_mark_range(blt->dirty, address, first);
	if (first == count)
		return;
	memcpy(blt->host, from + first, count - first);
	vga_dirty_mark_range(blt->dirty, 0, count - first);
}

/* What a job is. */

static unsigned pixel_bytes(const struct cirrus_job *job)
{
	return ((job->mode & CIRRUS_BLT_PIXEL_BYTES) >> 4) + 1u;
}

static bool is_solid(const struct cirrus_job *job)
{
	uint8_t kind = CIRRUS_BLT_TO_SYSTEM | CIRRUS_BLT_TRANSPARENT | CIRRUS_BLT_PATTERN |
		       CIRRUS_BLT_EXPAND;

	return (job->extension & CIRRUS_BLT_SOLID) &&
	       (job->mode & kind) == (CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND);
}

/* Only copies go backwards: patterns and expansion count upwards whatever the bit says. */
static bool is_backwards(const struct cirrus_job *job)
{
	return (job->mode & (CIRRUS_BLT_BACKWARDS | CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND |
			     CIRRUS_BLT_FROM_SYSTEM)) == CIRRUS_BLT_BACKWARDS;
}

/* Lines of a colour pattern; those of three bytes a pixel are padded. */
static unsigned pattern_pitch(const struct cirrus_job *job)
{
	if (job->mode & CIRRUS_BLT_EXPAND)
		return 1;
	return pixel_bytes(job) == 3 ? 32 : pixel_bytes(job) * CIRRUS_PATTERN_LINES;
}

/* Bits of a line of expansion, in bytes; a pixel that is cut off at the end has one too. */
static unsigned expanded_bytes(const struct cirrus_job *job)
{
	unsigned pixels = (job->bytes + pixel_bytes(job) - 1) / pixel_bytes(job);

	return (pixels + 7) / 8;
}

/* What the processor writes for one line, or for the pattern. */
static unsigned system_bytes(const struct cirrus_job *job)
{
	if (job->mode & CIRRUS_BLT_PATTERN)
		return pattern_pitch(job) * CIRRUS_PATTERN_LINES;
	if (!(job->mode & CIRRUS_BLT_EXPAND))
		return (unsigned)align_up(job->bytes, 4);
	if (job->extension & CIRRUS_BLT_DWORDS)
		return (unsigned)align_up(expanded_bytes(job), 4);
	return expanded_bytes(job);
}

bool cirrus_job_is_valid(const struct cirrus_job *job)
{
	if (job->bytes == 0 || job->bytes > CIRRUS_BLT_MAX_BYTES || job->lines == 0 ||
	    job->lines > CIRRUS_BLT_MAX_LINES || (job->mode & CIRRUS_BLT_TO_SYSTEM))
		return false;
	if (job->pattern_line >= CIRRUS_PATTERN_LINES || job->reserved)
		return false;
	return job->line_bytes == system_bytes(job) && job->line_bytes <= sizeof(job->data) &&
	       job->have < job->line_bytes;
}

/* Making lines. */

static void put_pixel(uint8_t *to, uint32_t colour, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		to[i] = (uint8_t)(colour >> (8 * i));
}

/* Eight pixels make the rest of a pattern's line. */
static void repeat(const struct cirrus_job *job, struct cirrus_line *line)
{
	size_t period = (size_t)pixel_bytes(job) * CIRRUS_PATTERN_LINES;

	for (size_t x = period; x < job->bytes; x += period) {
		size_t count = min_size(period, job->bytes - x);

		memcpy(line->pixels + x, line->pixels, count);
		memcpy(line->keep + x, line->keep, count);
	}
}

/* Transparent, only one of the colours is written: the foreground for ones or, inverted, the
 * background for zeros. */
static void make_expanded(const struct cirrus_job *job, const uint8_t *bits, unsigned pixels,
			  struct cirrus_line *line)
{
	bool transparent = (job->mode & CIRRUS_BLT_TRANSPARENT) != 0;
	bool written = !(job->extension & CIRRUS_BLT_INVERT);
	unsigned size = pixel_bytes(job);

	for (unsigned n = 0; n < pixels; n++) {
		bool bit = (bits[n / 8] & 0x80u >> n % 8) != 0;

		put_pixel(line->pixels + n * size, bit ? job->foreground : job->background, size);
		if (transparent)
			memset(line->keep + n * size, bit == written ? 0 : 0xff, size);
	}
	line->keeps |= transparent;
}

/* Pixels of the key's colour are left out; the key has 16 bits, so that larger ones have none. */
static void apply_key(const struct cirrus_job *job, struct cirrus_line *line)
{
	unsigned size = pixel_bytes(job);
	uint32_t mask = size == 1 ? 0xff : 0xffff;

	if (!(job->mode & CIRRUS_BLT_TRANSPARENT) || size > 2)
		return;
	for (unsigned x = 0; x < job->bytes; x += size) {
		bool same = load_le(line->pixels + x, size) == (job->key & mask);

		memset(line->keep + x, same ? 0xff : 0, size);
	}
	line->keeps = true;
}

static void make_pattern(const struct cirrus_job *job, struct cirrus_line *line)
{
	const uint8_t *pattern = job->data + (size_t)job->pattern_line * pattern_pitch(job);

	if (job->mode & CIRRUS_BLT_EXPAND)
		make_expanded(job, pattern, CIRRUS_PATTERN_LINES, line);
	else
		memcpy(line->pixels, pattern, (size_t)pixel_bytes(job) * CIRRUS_PATTERN_LINES);
	repeat(job, line);
}

static void make_solid(const struct cirrus_job *job, struct cirrus_line *line)
{
	static const uint8_t ones[1] = { 0xff };

	make_expanded(job, ones, CIRRUS_PATTERN_LINES, line);
	repeat(job, line);
}

/* The source of one line; 'source' holds as much as the job's kind needs. */
static void make_line(const struct cirrus_job *job, const uint8_t *source, struct cirrus_line *line)
{
	uint8_t kind = job->mode & (CIRRUS_BLT_PATTERN | CIRRUS_BLT_EXPAND);
	unsigned pixels = (job->bytes + pixel_bytes(job) - 1) / pixel_bytes(job);

	line->keeps = false;
	memset(line->keep, 0, job->bytes + (size_t)CIRRUS_MAX_PIXEL_BYTES);
	if (is_solid(job)) {
		make_solid(job, line);
		return;
	}
	if (kind & CIRRUS_BLT_PATTERN)
		make_pattern(job, line);
	else if (kind)
		make_expanded(job, source, pixels, line);
	else
		memcpy(line->pixels, source, job->bytes);
	if (!(kind & CIRRUS_BLT_EXPAND))
		apply_key(job, line);
	if (kind && job->skip) {
		memset(line->keep, 0xff, min_size(job->skip, job->bytes));
		line->keeps = true;
	}
}

/* Raster operations. A row has a bit for each of S and D, S and not D, not S and D, neither. */

enum rop_cases {
	S_AND_D = 8,
	S_AND_NOT_D = 4,
	NOT_S_AND_D = 2,
	NEITHER = 1,
};

static const struct {
	uint8_t rop, cases;
} rops[] = {
	{ CIRRUS_ROP_ZERO, 0 },
	{ CIRRUS_ROP_S_AND_D, S_AND_D },
	{ CIRRUS_ROP_D, S_AND_D | NOT_S_AND_D },
	{ CIRRUS_ROP_S_AND_NOT_D, S_AND_NOT_D },
	{ CIRRUS_ROP_NOT_D, S_AND_NOT_D | NEITHER },
	{ CIRRUS_ROP_S, S_AND_D | S_AND_NOT_D },
	{ CIRRUS_ROP_ONE, S_AND_D | S_AND_NOT_D | NOT_S_AND_D | NEITHER },
	{ CIRRUS_ROP_NOT_S_AND_D, NOT_S_AND_D },
	{ CIRRUS_ROP_S_XOR_D, S_AND_NOT_D | NOT_S_AND_D },
	{ CIRRUS_ROP_S_OR_D, S_AND_D | S_AND_NOT_D | NOT_S_AND_D },
	{ CIRRUS_ROP_NEITHER, NEITHER },
	{ CIRRUS_ROP_S_EQUALS_D, S_AND_D | NEITHER },
	{ CIRRUS_ROP_S_OR_NOT_D, S_AND_D | S_AND_NOT_D | NEITHER },
	{ CIRRUS_ROP_NOT_S, NOT_S_AND_D | NEITHER },
	{ CIRRUS_ROP_NOT_S_OR_D, S_AND_D | NOT_S_AND_D | NEITHER },
	{ CIRRUS_ROP_NOT_BOTH, S_AND_NOT_D | NOT_S_AND_D | NEITHER },
};

/* An operation that does not exist leaves the memory as it is. */
static unsigned rop_cases(uint8_t rop)
{
	for (unsigned i = 0; i < ARRAY_SIZE(rops); i++) {
		if (rops[i].rop == rop)
			return rops[i].cases;
	}
	return S_AND_D | NOT_S_AND_D;
}

static void combine(struct cirrus_line *line, const uint8_t *memory, unsigned count, unsigned cases)
{
	uint8_t both = (cases & S_AND_D) ? 0xff : 0, only_s = (cases & S_AND_NOT_D) ? 0xff : 0;
	uint8_t only_d = (cases & NOT_S_AND_D) ? 0xff : 0, neither = (cases & NEITHER) ? 0xff : 0;

	for (unsigned x = 0; x < count; x++) {
		uint8_t s = line->pixels[x], d = memory[x], keep = line->keep[x];
		uint8_t result = (uint8_t)((s & d & both) | (s & ~d & only_s) | (~s & d & only_d) |
					   (~s & ~d & neither));

		line->pixels[x] = (uint8_t)((d & keep) | (result & ~keep));
	}
}

static void write_line(struct cirrus_blt *blt, uint32_t address)
{
	unsigned cases = rop_cases(blt->job->rop), count = blt->job->bytes;

	if (blt->line.keeps || cases != (S_AND_D | S_AND_NOT_D)) {
		cirrus_blt_fetch(blt, address, blt->memory, count);
		combine(&blt->line, blt->memory, count, cases);
	}
	cirrus_blt_store(blt, address, blt->line.pixels, count);
}

/* Backwards, the registers point to a line's last byte and the lines go up the screen. */
static void do_line(struct cirrus_blt *blt, const uint8_t *source)
{
	struct cirrus_job *job = blt->job;
	bool backwards = is_backwards(job);

	make_line(job, source, &blt->line);
	write_line(blt, job->destination - (backwards ? job->bytes - 1u : 0));
	job->destination += backwards ? 0u - job->destination_pitch : job->destination_pitch;
	job->pattern_line = (uint8_t)((job->pattern_line + 1) % CIRRUS_PATTERN_LINES);
	job->lines--;
}

/* Lines of bits lie one behind the other, each from a new byte on; those of pixels have a pitch. */
static void do_line_from_memory(struct cirrus_blt *blt)
{
	struct cirrus_job *job = blt->job;

	if (job->mode & CIRRUS_BLT_EXPAND) {
		cirrus_blt_fetch(blt, job->source, blt->source, expanded_bytes(job));
		job->source += expanded_bytes(job);
	} else if (is_backwards(job)) {
		cirrus_blt_fetch(blt, job->source - (job->bytes - 1u), blt->source, job->bytes);
		job->source -= job->source_pitch;
	} else {
		cirrus_blt_fetch(blt, job->source, blt->source, job->bytes);
		job->source += job->source_pitch;
	}
	do_line(blt, blt->source);
}

static void do_pattern(struct cirrus_blt *blt)
{
	while (blt->job->lines)
		do_line(blt, NULL);
}

/* Life of a job. */

static uint32_t register_24(const uint8_t *gfx, unsigned index)
{
	return gfx[index] | (uint32_t)gfx[index + 1] << 8 | (uint32_t)gfx[index + 2] << 16;
}

static uint32_t colour(const uint8_t *gfx, unsigned first, unsigned second)
{
	return gfx[first] | (uint32_t)gfx[second] << 8 | (uint32_t)gfx[second + 2] << 16 |
	       (uint32_t)gfx[second + 4] << 24;
}

static uint8_t skipped_bytes(const struct cirrus_job *job, uint8_t skip)
{
	return (uint8_t)(pixel_bytes(job) == 3 ? skip & 0x1f : (skip & 7) * pixel_bytes(job));
}

static void derive_job(struct cirrus_job *job, const uint8_t *gfx)
{
	memset(job, 0, offsetof(struct cirrus_job, data));
	job->destination = register_24(gfx, CIRRUS_GFX_BLT_DESTINATION);
	job->source = register_24(gfx, CIRRUS_GFX_BLT_SOURCE);
	job->foreground = colour(gfx, CIRRUS_GFX_FOREGROUND, CIRRUS_GFX_FOREGROUND_1);
	job->background = colour(gfx, CIRRUS_GFX_BACKGROUND, CIRRUS_GFX_BACKGROUND_1);
	job->destination_pitch = load_le16(gfx + CIRRUS_GFX_BLT_DESTINATION_PITCH);
	job->source_pitch = load_le16(gfx + CIRRUS_GFX_BLT_SOURCE_PITCH);
	job->bytes = (uint16_t)(load_le16(gfx + CIRRUS_GFX_BLT_WIDTH) + 1);
	job->lines = (uint16_t)(load_le16(gfx + CIRRUS_GFX_BLT_HEIGHT) + 1);
	job->key = load_le16(gfx + CIRRUS_GFX_BLT_KEY);
	job->mode = gfx[CIRRUS_GFX_BLT_MODE];
	job->extension = gfx[CIRRUS_GFX_BLT_EXTENSION];
	job->rop = gfx[CIRRUS_GFX_BLT_ROP];
	job->skip = skipped_bytes(job, gfx[CIRRUS_GFX_BLT_SKIP]);
	job->line_bytes = (uint16_t)system_bytes(job);
	/* Patterns lie at multiples of eight; the low bits are the first line. */
	if (job->mode & CIRRUS_BLT_PATTERN) {
		job->pattern_line = job->source % CIRRUS_PATTERN_LINES;
		job->source -= job->pattern_line;
	}
}

void cirrus_blt_cancel(struct cirrus_blt *blt)
{
	blt->job->lines = 0;
}

void cirrus_blt_start(struct cirrus_blt *blt, const uint8_t *gfx)
{
	struct cirrus_job *job = blt->job;

	derive_job(job, gfx);
	TRACE(cirrus, blt, "mode %02x ext %02x rop %02x %ux%u to %x from %x pitch %u %u", job->mode,
	      job->extension, job->rop, job->bytes, job->lines, job->destination, job->source,
	      job->destination_pitch, job->source_pitch);
	if (!cirrus_job_is_valid(job)) {
		cirrus_blt_cancel(blt);
		return;
	}
	if (is_solid(job)) {
		do_pattern(blt);
	} else if (job->mode & CIRRUS_BLT_FROM_SYSTEM) {
		return;
	} else if (job->mode & CIRRUS_BLT_PATTERN) {
		cirrus_blt_fetch(blt, job->source, job->data, job->line_bytes);
		do_pattern(blt);
	}
	while (job->lines)
		do_line_from_memory(blt);
}

void cirrus_blt_take(struct cirrus_blt *blt, uint64_t value, unsigned size)
{
	struct cirrus_job *job = blt->job;

	for (unsigned i = 0; i < size && job->lines; i++) {
		job->data[job->have++] = (uint8_t)(value >> (8 * i));
		if (job->have < job->line_bytes)
			continue;
		job->have = 0;
		if (job->mode & CIRRUS_BLT_PATTERN)
			do_pattern(blt);
		else
			do_line(blt, job->data);
	}
}

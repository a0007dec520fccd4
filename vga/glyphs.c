// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * In three steps: dots where colours change ("seeds") are sampled all over the picture, and each
 * known letter around one votes for the grids in which it would stand; the grids with most votes
 * are read; the one with most letters wins.
 */
#include "vga/glyphs.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/utf8.h"

enum {
	MAX_SCALE = 2,
	MIN_CONTRAST = 48, /* sum of the three colours' differences: less is one colour */
	TILES_X = 16,
	TILES_Y = 12,
	TILES = TILES_X * TILES_Y,
	TILE_STEP = 35, /* has no divisor in common with TILES: all are asked, far ones first */
	SEEDS_OF_TILE = 4,
	ENOUGH_VOTES = 32,
	CANDIDATES = 3,
	MIN_VOTES = 2,
	MIN_TELLING = 4,
	TELLING_CHANGES = 4, /* from row to row */
	CURSOR_ROWS = 2,
	FIRST_GRAPHIC = 0x2000, /* punctuation, arrows, lines, blocks */
	FIRST_ACCENTED = 0xc0,
	LOW_BAR = 0x2581,
};

/* How glyphs are drawn. */
struct kind {
	uint8_t height, scale;
};

/* A kind in cells of 'width' dots (before scaling). */
struct shape {
	uint8_t kind, width;
};

static const struct kind kinds[] = { { 16, 1 }, { 14, 1 }, { 8, 1 }, { 16, 2 } };
static const struct shape shapes[] = { { 0, 8 }, { 0, 9 }, { 1, 8 }, { 1, 9 }, { 2, 8 }, { 3, 8 } };

enum {
	SHAPES = ARRAY_SIZE(shapes),
	MAX_ORIGINS = MAX_SCALE * GLYPH_WIDTH * MAX_SCALE * GLYPH_MAX_HEIGHT,
};

struct seed {
	unsigned x, y;
};

struct search {
	const struct glyph_set *set;
	const struct display_surface *surface;
	uint32_t paper; /* the commonest colour */
	unsigned most;  /* votes of any origin */
	uint16_t votes[SHAPES][MAX_ORIGINS];
	uint8_t seed_count[TILES_Y][TILES_X];
	struct seed seeds[TILES_Y][TILES_X][SEEDS_OF_TILE];
};

struct candidate {
	unsigned shape, x, y, votes;
};

struct cell {
	uint32_t paper, ink; /* the colour of the first dot, and the one most unlike it */
	uint8_t rows[GLYPH_MAX_HEIGHT];
};

enum cell_state {
	CELL_BLANK,
	CELL_MARKED,
	CELL_OTHER, /* its dots are not those of its scale */
};

/* --- Known glyphs --- */

static uint32_t hash_rows(const uint8_t *rows, unsigned height)
{
	uint32_t hash = UINT32_C(2166136261) + height;

	for (unsigned i = 0; i < height; i++)
		hash = (hash ^ rows[i]) * UINT32_C(16777619);
	return hash ^ hash >> 15;
}

/** Where the dots are, or where they would be added. */
static uint16_t *find_bucket(const struct glyph_set *set, const uint8_t *rows, unsigned height)
{
	uint32_t at = hash_rows(rows, height);

	for (;; at++) {
		const uint16_t *bucket = &set->buckets[at % GLYPH_SET_BUCKETS];
		const struct glyph *glyph = *bucket ? &set->glyphs[*bucket - 1] : NULL;

		if (!glyph || (glyph->height == height && memcmp(glyph->rows, rows, height) == 0))
			return (uint16_t *)(uintptr_t)bucket;
	}
}

static bool is_blank(const uint8_t *rows, unsigned height)
{
	for (unsigned i = 0; i < height; i++)
		if (rows[i])
			return false;
	return true;
}

static bool is_telling(const uint8_t *rows, unsigned height, uint32_t character)
{
	bool is_ascii = (character >= '0' && character <= '9') ||
			((character | 0x20) >= 'a' && (character | 0x20) <= 'z');
	unsigned changes = rows[0] != 0;

	for (unsigned i = 1; i < height; i++)
		changes += rows[i] != rows[i - 1];
	changes += rows[height - 1] != 0;
	return changes >= TELLING_CHANGES &&
	       (is_ascii || (character >= FIRST_ACCENTED && character < FIRST_GRAPHIC));
}

void glyph_set_add(struct glyph_set *set, const uint8_t *rows, unsigned height, uint32_t character)
{
	uint16_t *bucket;
	struct glyph *glyph;

	if (set->count == GLYPH_SET_MAX || is_blank(rows, height))
		return;
	bucket = find_bucket(set, rows, height);
	if (*bucket)
		return;
	glyph = &set->glyphs[set->count++];
	*glyph = (struct glyph){ .character = character,
				 .height = (uint8_t)height,
				 .is_telling = is_telling(rows, height, character) };
	memcpy(glyph->rows, rows, height);
	*bucket = (uint16_t)set->count;
}

const struct glyph *glyph_set_find(const struct glyph_set *set, const uint8_t *rows,
				   unsigned height)
{
	uint16_t index = *find_bucket(set, rows, height);

	return index ? &set->glyphs[index - 1] : NULL;
}

/* --- Cells --- */

static uint32_t pixel(const struct display_surface *surface, unsigned x, unsigned y)
{
	return surface->pixels[(size_t)y * surface->stride + x] & 0xffffff;
}

static unsigned difference(uint32_t a, uint32_t b)
{
	unsigned sum = 0;

	if (a == b)
		return 0;
	for (unsigned shift = 0; shift < 24; shift += 8)
		sum += (unsigned)abs((int)(a >> shift & 0xff) - (int)(b >> shift & 0xff));
	return sum;
}

/** Whether each dot fills scale times scale pixels. */
static bool is_scaled(const struct display_surface *surface, unsigned x, unsigned y, unsigned scale)
{
	uint32_t first = pixel(surface, x, y);

	for (unsigned dy = 0; dy < scale; dy++)
		for (unsigned dx = 0; dx < scale; dx++)
			if (pixel(surface, x + dx, y + dy) != first)
				return false;
	return true;
}

/** The cell at 'x', 'y', which lies within the surface. */
static enum cell_state read_cell(const struct display_surface *surface, unsigned x, unsigned y,
				 const struct kind *kind, struct cell *cell)
{
	uint32_t dots[GLYPH_MAX_HEIGHT][GLYPH_WIDTH];
	unsigned most = 0, contrast;

	cell->paper = cell->ink = pixel(surface, x, y);
	for (unsigned i = 0; i < kind->height; i++) {
		for (unsigned j = 0; j < GLYPH_WIDTH; j++) {
			unsigned dot_x = x + j * kind->scale, dot_y = y + i * kind->scale;

			if (kind->scale > 1 && !is_scaled(surface, dot_x, dot_y, kind->scale))
				return CELL_OTHER;
			dots[i][j] = pixel(surface, dot_x, dot_y);
			contrast = difference(dots[i][j], cell->paper);
			if (contrast > most) {
				most = contrast;
				cell->ink = dots[i][j];
			}
		}
	}
	if (most < MIN_CONTRAST)
		return CELL_BLANK;
	memset(cell->rows, 0, sizeof(cell->rows));
	for (unsigned i = 0; i < kind->height; i++)
		for (unsigned j = 0; j < GLYPH_WIDTH; j++)
			if (difference(dots[i][j], cell->ink) < difference(dots[i][j], cell->paper))
				cell->rows[i] |= (uint8_t)(0x80 >> j);
	return CELL_MARKED;
}

static void invert(uint8_t *rows, unsigned from, unsigned end)
{
	for (unsigned i = from; i < end; i++)
		rows[i] = (uint8_t)~rows[i];
}

static bool is_mostly_ink(const struct cell *cell, unsigned height)
{
	unsigned dots = 0;

	for (unsigned i = 0; i < height; i++)
		dots += (unsigned)__builtin_popcount(cell->rows[i]);
	return 2 * dots > height * GLYPH_WIDTH;
}

/** Which colour is the paper cannot be seen: the picture's commonest if it is one of the two, else
 * the one that has more dots; if that makes no known glyph, the other. */
static const struct glyph *find_glyph(const struct search *search, struct cell *cell,
				      unsigned height)
{
	const struct glyph *glyph;

	if (cell->ink == search->paper ||
	    (cell->paper != search->paper && is_mostly_ink(cell, height)))
		invert(cell->rows, 0, height);
	glyph = glyph_set_find(search->set, cell->rows, height);
	if (glyph)
		return glyph;
	invert(cell->rows, 0, height);
	return glyph_set_find(search->set, cell->rows, height);
}

/* --- Seeds and votes --- */

/** The commonest of a sample of dots, by majority vote. */
static uint32_t find_paper(const struct display_surface *surface)
{
	uint32_t paper = 0;
	unsigned lead = 0;

	for (unsigned y = 0; y < surface->height; y += 7) {
		for (unsigned x = 0; x < surface->width; x += 5) {
			uint32_t dot = pixel(surface, x, y);

			if (lead == 0)
				paper = dot;
			lead += dot == paper ? 1 : -1u;
		}
	}
	return paper;
}

static void find_seeds(struct search *search, unsigned tile_x, unsigned tile_y)
{
	const struct display_surface *surface = search->surface;
	unsigned end_x = (tile_x + 1) * surface->width / TILES_X;
	unsigned end_y = (tile_y + 1) * surface->height / TILES_Y;
	uint8_t *count = &search->seed_count[tile_y][tile_x];

	for (unsigned y = tile_y * surface->height / TILES_Y; y < end_y; y++) {
		bool found = false;

		for (unsigned x = tile_x * surface->width / TILES_X + 1; x < end_x; x++) {
			if (difference(pixel(surface, x, y), pixel(surface, x - 1, y)) <
			    MIN_CONTRAST)
				continue;
			search->seeds[tile_y][tile_x][(*count)++] = (struct seed){ x, y };
			if (*count == SEEDS_OF_TILE)
				return;
			found = true;
			x += GLYPH_WIDTH;
		}
		if (found)
			y += GLYPH_MAX_HEIGHT / 4;
	}
}

static void vote(struct search *search, unsigned kind, unsigned x, unsigned y)
{
	unsigned scale = kinds[kind].scale;

	for (unsigned s = 0; s < SHAPES; s++) {
		unsigned width = shapes[s].width * scale, height = kinds[kind].height * scale;
		uint16_t *votes = &search->votes[s][y % height * width + x % width];

		if (shapes[s].kind != kind)
			continue;
		++*votes; /* at most one for each seed and position */
		if (*votes > search->most)
			search->most = *votes;
	}
}

/** All cells that hold the seed. */
static void ask_kind(struct search *search, struct seed seed, unsigned k)
{
	const struct display_surface *surface = search->surface;
	const struct kind *kind = &kinds[k];
	unsigned width = GLYPH_WIDTH * kind->scale, height = (unsigned)kind->height * kind->scale;
	unsigned first_x = seed.x >= width ? seed.x - width + 1 : 0;
	unsigned first_y = seed.y >= height ? seed.y - height + 1 : 0;

	for (unsigned y = first_y; y <= seed.y && y + height <= surface->height; y++) {
		for (unsigned x = first_x; x <= seed.x && x + width <= surface->width; x++) {
			const struct glyph *glyph;
			struct cell cell;

			if (read_cell(surface, x, y, kind, &cell) != CELL_MARKED)
				continue;
			glyph = find_glyph(search, &cell, kind->height);
			if (glyph && glyph->is_telling)
				vote(search, k, x, y);
		}
	}
}

static void collect_votes(struct search *search)
{
	for (unsigned ty = 0; ty < TILES_Y; ty++)
		for (unsigned tx = 0; tx < TILES_X; tx++)
			find_seeds(search, tx, ty);
	for (unsigned i = 0; i < SEEDS_OF_TILE * TILES && search->most < ENOUGH_VOTES; i++) {
		unsigned round = i / TILES, tile = i * TILE_STEP % TILES;
		unsigned tx = tile % TILES_X, ty = tile / TILES_X;

		for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
			if (round < search->seed_count[ty][tx])
				ask_kind(search, search->seeds[ty][tx][round], k);
	}
}

/* --- Reading --- */

/** The origin with most votes of each shape, most votes first. */
static unsigned choose_candidates(const struct search *search, struct candidate *out)
{
	unsigned count = 0;

	for (unsigned s = 0; s < SHAPES; s++) {
		unsigned width = (unsigned)shapes[s].width * kinds[shapes[s].kind].scale, at;
		struct candidate best = { .shape = s };

		for (unsigned i = 0; i < MAX_ORIGINS; i++)
			if (search->votes[s][i] > best.votes)
				best = (struct candidate){ s, i % width, i / width,
							   search->votes[s][i] };
		if (best.votes < MIN_VOTES)
			continue;
		for (at = count++; at > 0 && out[at - 1].votes < best.votes; at--)
			out[at] = out[at - 1];
		out[at] = best;
	}
	return count;
}

/** The glyph below a cursor that inverts the lowest rows; blank cells count as ' '. 0: none. */
static uint32_t find_under_cursor(const struct search *search, struct cell *cell, unsigned height)
{
	invert(cell->rows, height - CURSOR_ROWS, height);
	for (unsigned i = 0; i < 2; i++) {
		const struct glyph *glyph = glyph_set_find(search->set, cell->rows, height);

		if (is_blank(cell->rows, height))
			return ' ';
		if (glyph)
			return glyph->character;
		invert(cell->rows, 0, height);
	}
	return 0;
}

struct reading {
	const struct search *search;
	struct display_text *text;
	struct glyph_grid grid;
	unsigned telling;
	unsigned low_bars, bar_x, bar_y; /* cells that show LOW_BAR, and the last of them */
};

static void put_cursor(struct display_text *text, unsigned column, unsigned row)
{
	text->cursor_visible = true;
	text->cursor_x = column;
	text->cursor_y = row;
}

static uint32_t read_character(struct reading *reading, const struct kind *kind, unsigned column,
			       unsigned row)
{
	const struct search *search = reading->search;
	struct glyph_grid *grid = &reading->grid;
	unsigned x = grid->x + column * grid->cell_width, y = grid->y + row * grid->cell_height;
	const struct glyph *glyph;
	uint32_t character;
	struct cell cell;
	enum cell_state state = read_cell(search->surface, x, y, kind, &cell);

	if (state == CELL_BLANK)
		return ' ';
	grid->marked++;
	glyph = state == CELL_MARKED ? find_glyph(search, &cell, kind->height) : NULL;
	if (glyph) {
		reading->telling += glyph->is_telling;
		if (glyph->character == LOW_BAR) {
			reading->low_bars++;
			reading->bar_x = column;
			reading->bar_y = row;
		}
		return glyph->character;
	}
	character = state == CELL_MARKED ? find_under_cursor(search, &cell, kind->height) : 0;
	if (character) {
		put_cursor(reading->text, column, row);
		return character;
	}
	grid->unknown++;
	return UTF8_REPLACEMENT;
}

/** A cursor on a blank is a bar, as GRUB's: one alone is no character. */
static void lift_cursor(struct reading *reading)
{
	struct display_text *text = reading->text;

	if (reading->low_bars != 1 || text->cursor_visible)
		return;
	text->cells[reading->bar_y][reading->bar_x].character = ' ';
	put_cursor(text, reading->bar_x, reading->bar_y);
}

static void read_grid(struct reading *reading, const struct candidate *candidate)
{
	const struct display_surface *surface = reading->search->surface;
	const struct shape *shape = &shapes[candidate->shape];
	const struct kind *kind = &kinds[shape->kind];
	struct display_text *text = reading->text;
	struct glyph_grid *grid = &reading->grid;

	*grid = (struct glyph_grid){ .x = candidate->x, .y = candidate->y };
	grid->cell_width = (unsigned)shape->width * kind->scale;
	grid->cell_height = (unsigned)kind->height * kind->scale;
	reading->telling = reading->low_bars = 0;
	text->cursor_visible = false;
	text->cursor_x = text->cursor_y = 0;
	/* The ninth dot of the last column may be missing, not the eighth. */
	text->columns = (surface->width - grid->x + (unsigned)(shape->width - GLYPH_WIDTH)) /
			grid->cell_width;
	text->columns = (unsigned)min_u64(text->columns, DISPLAY_TEXT_MAX_COLUMNS);
	text->rows = (surface->height - grid->y) / grid->cell_height;
	text->rows = (unsigned)min_u64(text->rows, DISPLAY_TEXT_MAX_ROWS);
	for (unsigned row = 0; row < text->rows; row++)
		for (unsigned column = 0; column < text->columns; column++)
			text->cells[row][column] =
				(struct display_cell){ .character = read_character(reading, kind,
										   column, row) };
	lift_cursor(reading);
}

static bool is_text(const struct reading *reading)
{
	return reading->telling >= MIN_TELLING && 2 * reading->grid.unknown <= reading->grid.marked;
}

/** Reads the candidates and keeps the best; the last to be read is the result. */
static bool read_best(struct reading *reading, const struct candidate *candidates, unsigned count)
{
	unsigned best = 0, telling = 0, last = 0;

	for (unsigned i = 0; i < count; i++) {
		read_grid(reading, &candidates[i]);
		last = i;
		if (is_text(reading) && reading->telling > telling) {
			telling = reading->telling;
			best = i;
		}
	}
	if (telling && best != last)
		read_grid(reading, &candidates[best]);
	return telling > 0;
}

bool glyphs_read(const struct glyph_set *set, const struct display_surface *surface,
		 struct display_text *text, struct glyph_grid *grid)
{
	struct candidate candidates[SHAPES];
	struct search *search = calloc(1, sizeof(*search));
	struct reading reading = { .search = search, .text = text };
	bool found;
	unsigned count;

	if (!search)
		return false;
	search->set = set;
	search->surface = surface;
	search->paper = find_paper(surface);
	collect_votes(search);
	count = choose_candidates(search, candidates);
	found = read_best(&reading, candidates, (unsigned)min_u64(count, CANDIDATES));
	*grid = reading.grid;
	free(search);
	return found;
}

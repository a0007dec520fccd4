// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/io.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

void io_space_init(struct io_space *space, const char *name, uint64_t limit)
{
	*space = (struct io_space){ .name = name, .limit = limit };
}

void io_space_finish(struct io_space *space)
{
	free(space->windows);
	*space = (struct io_space){ 0 };
}

void io_space_set_listener(struct io_space *space, const struct io_listener *listener)
{
	space->listener = *listener;
	for (size_t i = 0; i < space->count; i++)
		listener->mapped(listener->opaque, space->windows[i]);
}

void io_window_init(struct io_window *window, const char *name, const struct io_ops *ops,
		    void *opaque, uint64_t size)
{
	*window = (struct io_window){ .name = name, .ops = ops, .opaque = opaque, .size = size };
}

void io_window_init_direct(struct io_window *window, const char *name, void *host, uint64_t size,
			   bool read_only)
{
	*window = (struct io_window){
		.name = name, .host = host, .size = size, .read_only = read_only
	};
}

/** The index of the first window that ends above 'address'. */
static size_t lower_bound(const struct io_space *space, uint64_t address)
{
	size_t low = 0, high = space->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		const struct io_window *window = space->windows[middle];

		if (window->base + (window->size - 1) < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct io_window *io_find(const struct io_space *space, uint64_t address)
{
	size_t index = lower_bound(space, address);

	if (index == space->count || space->windows[index]->base > address)
		return NULL;
	return space->windows[index];
}

static int reserve_window(struct io_space *space)
{
	size_t capacity = space->capacity ? space->capacity * 2 : 32;
	struct io_window **windows;

	if (space->count < space->capacity)
		return 0;
	windows = realloc(space->windows, capacity * sizeof(struct io_window *));
	if (!windows)
		return -ENOMEM;
	space->windows = windows;
	space->capacity = capacity;
	return 0;
}

/** Whether anything is mapped in [base, base + size), which lies inside of the space. */
static bool is_taken(const struct io_space *space, uint64_t base, uint64_t size)
{
	size_t index = lower_bound(space, base);
	const struct io_window *next = index < space->count ? space->windows[index] : NULL;

	return next && (next->base < base || next->base - base < size);
}

/** Maps a window, which is no group, where nothing is. 0 or -ENOMEM. */
static int map_single(struct io_space *space, struct io_window *window, uint64_t base)
{
	size_t index = lower_bound(space, base);
	int result = reserve_window(space);

	if (result < 0)
		return result;
	memmove(&space->windows[index + 1], &space->windows[index],
		(space->count - index) * sizeof(struct io_window *));
	space->windows[index] = window;
	space->count++;
	space->generation++;
	window->base = base;
	window->space = space;
	if (space->listener.mapped)
		space->listener.mapped(space->listener.opaque, window);
	return 0;
}

static int map_parts(struct io_space *space, const struct io_window *group, uint64_t base)
{
	int result = 0;

	for (unsigned i = 0; i < group->part_count && result == 0; i++) {
		const struct io_part *part = &group->parts[i];

		if (part->on)
			result = map_single(space, part->window, base + part->offset);
	}
	for (unsigned i = 0; i < group->part_count && result < 0; i++)
		io_unmap(group->parts[i].window);
	return result;
}

int io_map(struct io_space *space, struct io_window *window, uint64_t base)
{
	int result;

	if (!window->size || !range_fits(base, window->size, space->limit))
		return -ERANGE;
	if (is_taken(space, base, window->size))
		return -EEXIST;
	if (!window->parts)
		return map_single(space, window, base);
	result = map_parts(space, window, base);
	if (result == 0) {
		window->base = base;
		window->space = space;
	}
	return result;
}

void io_unmap(struct io_window *window)
{
	struct io_space *space = window->space;
	size_t index;

	if (!space)
		return;
	for (unsigned i = 0; i < window->part_count; i++)
		io_unmap(window->parts[i].window);
	if (!window->parts) {
		/* The listener may deliver writes that were collected, and they may move others. */
		if (space->listener.unmapped)
			space->listener.unmapped(space->listener.opaque, window);
		index = lower_bound(space, window->base);
		space->count--;
		space->generation++;
		memmove(&space->windows[index], &space->windows[index + 1],
			(space->count - index) * sizeof(struct io_window *));
	}
	window->space = NULL;
}

void io_window_init_group(struct io_window *window, const char *name, struct io_part *parts,
			  unsigned count, uint64_t size)
{
	*window = (struct io_window){
		.name = name, .parts = parts, .part_count = count, .size = size
	};
}

int io_group_switch(struct io_window *group, unsigned number, bool on)
{
	struct io_part *part = &group->parts[number];
	int result = 0;

	if (part->on == on)
		return 0;
	if (!on)
		io_unmap(part->window);
	else if (group->space)
		result = map_single(group->space, part->window, group->base + part->offset);
	part->on = on && result == 0;
	return result;
}

/** How much of an access of 'size' bytes at 'offset' one call of the window's hook can do: a power
 * of two. */
static unsigned piece_size(const struct io_window *window, uint64_t offset, unsigned size)
{
	unsigned limit = window->ops && window->ops->max_size ? window->ops->max_size : 4;
	unsigned piece = 8;

	if (!window->ops)
		limit = 8;
	while (piece > size || piece > limit || piece > window->size - offset)
		piece /= 2;
	return piece;
}

enum access_kind {
	ACCESS_READ,
	ACCESS_PEEK,
};

static uint64_t window_read(const struct io_window *window, uint64_t offset, unsigned size,
			    enum access_kind kind)
{
	if (!window->ops)
		return load_le(window->host + offset, size);
	if (kind == ACCESS_PEEK)
		return window->ops->peek ? window->ops->peek(window->opaque, offset, size)
					 : ones(size);
	return window->ops->read ? window->ops->read(window->opaque, offset, size) : ones(size);
}

/** Where writes to a direct window go, NULL if they are dropped. */
static uint8_t *writable_host(const struct io_window *window)
{
	return window->read_only ? window->shadow : window->host;
}

static void window_write(const struct io_window *window, uint64_t offset, uint64_t value,
			 unsigned size)
{
	if (window->ops) {
		if (window->ops->write)
			window->ops->write(window->opaque, offset, value & ones(size), size);
	} else if (writable_host(window)) {
		store_le(writable_host(window) + offset, size, value);
	}
}

/** Reads piece by piece; each piece looks its window up again, since an access can move windows. */
static uint64_t read_pieces(const struct io_space *space, uint64_t address, unsigned size,
			    enum access_kind kind, bool *unclaimed)
{
	uint64_t value = 0;
	unsigned piece;

	for (unsigned done = 0; done < size; done += piece) {
		const struct io_window *window = io_find(space, address + done);
		uint64_t part = 0xff;

		piece = 1;
		if (window) {
			uint64_t offset = address + done - window->base;

			piece = piece_size(window, offset, size - done);
			part = window_read(window, offset, piece, kind) & ones(piece);
		} else {
			*unclaimed = true;
		}
		value |= part << (8 * done);
	}
	return value;
}

uint64_t io_read(struct io_space *space, uint64_t address, unsigned size)
{
	bool unclaimed = false;
	uint64_t value = read_pieces(space, address, size, ACCESS_READ, &unclaimed);

	space->unclaimed += unclaimed;
	return value;
}

uint64_t io_peek(const struct io_space *space, uint64_t address, unsigned size)
{
	bool unclaimed;

	return read_pieces(space, address, size, ACCESS_PEEK, &unclaimed);
}

void io_write(struct io_space *space, uint64_t address, uint64_t value, unsigned size)
{
	bool unclaimed = false;
	unsigned piece;

	for (unsigned done = 0; done < size; done += piece) {
		const struct io_window *window = io_find(space, address + done);

		piece = 1;
		if (window) {
			uint64_t offset = address + done - window->base;

			piece = piece_size(window, offset, size - done);
			window_write(window, offset, value >> (8 * done), piece);
		} else {
			unclaimed = true;
		}
	}
	space->unclaimed += unclaimed;
}

/** The window that takes a whole access of 'size' bytes, or NULL. */
static const struct io_window *find_whole(const struct io_space *space, uint64_t address,
					  unsigned size)
{
	const struct io_window *window = io_find(space, address);

	if (!window || !window->ops || window->size - (address - window->base) < size)
		return NULL;
	return window;
}

void io_read_block(struct io_space *space, uint64_t address, void *data, unsigned size,
		   size_t count)
{
	const struct io_window *window = find_whole(space, address, size);
	uint8_t *out = data;
	size_t done = 0;

	if (window && window->ops->read_block)
		done = window->ops->read_block(window->opaque, address - window->base, data, size,
					       count);
	for (size_t i = min_size(done, count); i < count; i++)
		store_le(out + i * size, size, io_read(space, address, size));
}

void io_write_block(struct io_space *space, uint64_t address, const void *data, unsigned size,
		    size_t count)
{
	const struct io_window *window = find_whole(space, address, size);
	const uint8_t *in = data;
	size_t done = 0;

	if (window && window->ops->write_block)
		done = window->ops->write_block(window->opaque, address - window->base, data, size,
						count);
	for (size_t i = min_size(done, count); i < count; i++)
		io_write(space, address, load_le(in + i * size, size), size);
}

/** The size of the next access of a byte range: aligned, at most 4; all that is contiguous in
 * direct memory. */
static size_t range_piece(const struct io_window *window, uint64_t address, size_t length)
{
	size_t piece = 4;

	if (window && !window->ops)
		return min_size(length, (size_t)(window->size - (address - window->base)));
	while (piece > length || (address & (piece - 1)))
		piece /= 2;
	return piece;
}

void io_read_bytes(struct io_space *space, uint64_t address, void *data, size_t length)
{
	uint8_t *out = data;

	while (length) {
		const struct io_window *window = io_find(space, address);
		size_t piece = range_piece(window, address, length);

		if (window && !window->ops)
			memcpy(out, window->host + (address - window->base), piece);
		else
			store_le(out, (unsigned)piece, io_read(space, address, (unsigned)piece));
		out += piece;
		address += piece;
		length -= piece;
	}
}

void io_write_bytes(struct io_space *space, uint64_t address, const void *data, size_t length)
{
	const uint8_t *in = data;

	while (length) {
		const struct io_window *window = io_find(space, address);
		size_t piece = range_piece(window, address, length);

		if (!window || window->ops)
			io_write(space, address, load_le(in, (unsigned)piece), (unsigned)piece);
		else if (writable_host(window))
			memcpy(writable_host(window) + (address - window->base), in, piece);
		in += piece;
		address += piece;
		length -= piece;
	}
}

void io_for_each(const struct io_space *space,
		 void (*visit)(const struct io_window *window, void *opaque), void *opaque)
{
	for (size_t i = 0; i < space->count; i++)
		visit(space->windows[i], opaque);
}

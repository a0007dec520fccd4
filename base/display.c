// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/display.h"

#include <assert.h>
#include <errno.h>
#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "base/bits.h"

void display_init(struct display *display)
{
	*display = (struct display){ .surface = { NULL, 640, 480, 640 } };
	list_init(&display->listeners);
}

void display_finish(struct display *display)
{
	assert(list_is_empty(&display->listeners));
	free(display->surface.pixels);
	display->surface.pixels = NULL;
}

void display_set_source(struct display *display, const struct display_source *source)
{
	struct display_source *old = &display->source;

	if (display->watchers && old->watch)
		old->watch(old->opaque, false);
	display->source = *source;
	display->cursor = NULL;
	if (display->watchers && source->watch)
		source->watch(source->opaque, true);
}

void display_add_listener(struct display *display, struct display_listener *listener)
{
	listener->watching = false;
	list_append(&display->listeners, &listener->node);
}

void display_remove_listener(struct display *display, struct display_listener *listener)
{
	display_set_watching(display, listener, false);
	list_remove(&listener->node);
}

static int alloc_pixels(struct display_surface *surface)
{
	surface->pixels = calloc((size_t)surface->stride * surface->height, sizeof(uint32_t));
	return surface->pixels ? 0 : -ENOMEM;
}

static void free_pixels(struct display_surface *surface)
{
	free(surface->pixels);
	surface->pixels = NULL;
}

static void notify_source(struct display *display, bool watched)
{
	if (display->source.watch)
		display->source.watch(display->source.opaque, watched);
}

int display_set_watching(struct display *display, struct display_listener *listener, bool watching)
{
	if (watching == listener->watching)
		return 0;
	if (watching && display->watchers == 0) {
		if (alloc_pixels(&display->surface) != 0)
			return -ENOMEM;
		notify_source(display, true);
	}
	listener->watching = watching;
	display->watchers += watching ? 1 : -1u;
	if (display->watchers == 0) {
		notify_source(display, false);
		free_pixels(&display->surface);
	}
	return 0;
}

void display_refresh(struct display *display, bool full)
{
	if (display->watchers && display->source.refresh)
		display->source.refresh(display->source.opaque, full);
}

static unsigned clamp_size(unsigned size, unsigned maximum)
{
	return (unsigned)clamp_u64(size, 1, maximum);
}

bool display_read_text(struct display *display, struct display_text *text)
{
	return display->source.read_text && display->source.read_text(display->source.opaque, text);
}

bool display_resize(struct display *display, unsigned width, unsigned height)
{
	struct display_surface *surface = &display->surface;
	struct display_listener *listener;

	width = clamp_size(width, DISPLAY_MAX_WIDTH);
	height = clamp_size(height, DISPLAY_MAX_HEIGHT);
	if (width == surface->width && height == surface->height &&
	    (surface->pixels || display->watchers == 0))
		return false;
	free_pixels(surface);
	surface->width = surface->stride = width;
	surface->height = height;
	if (display->watchers)
		alloc_pixels(surface); /* a source draws only if there are pixels */
	list_for_each(listener, &display->listeners, struct display_listener, node)
	{
		if (listener->resized)
			listener->resized(listener->opaque);
	}
	return true;
}

void display_damage(struct display *display, unsigned x, unsigned y, unsigned width,
		    unsigned height)
{
	const struct display_surface *surface = &display->surface;
	struct display_listener *listener;
	struct display_rect rect = { x, y, 0, 0 };

	if (x >= surface->width || y >= surface->height || width == 0 || height == 0)
		return;
	rect.width = (unsigned)min_u64(width, surface->width - x);
	rect.height = (unsigned)min_u64(height, surface->height - y);
	display->changes++;
	list_for_each(listener, &display->listeners, struct display_listener, node)
	{
		if (listener->watching && listener->damaged)
			listener->damaged(listener->opaque, rect);
	}
}

void display_set_cursor(struct display *display, struct display_cursor *cursor, int x, int y)
{
	struct display_listener *listener;

	display->cursor = cursor;
	display->cursor_x = x;
	display->cursor_y = y;
	list_for_each(listener, &display->listeners, struct display_listener, node)
	{
		if (listener->watching && listener->cursor_changed)
			listener->cursor_changed(listener->opaque);
	}
}

/* Where a PNG goes, and how that went. */
struct png_target {
	int fd;
	int error; /* -errno of a write that failed */
};

static void png_write_bytes(png_structp png, png_bytep bytes, size_t length)
{
	struct png_target *target = png_get_io_ptr(png);

	while (length > 0) {
		ssize_t done = write(target->fd, bytes, length);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0) {
			target->error = done < 0 ? -errno : -EIO;
			png_error(png, "write");
		}
		bytes += done;
		length -= (size_t)done;
	}
}

static void png_ignore_flush(png_structp png)
{
	(void)png;
}

/* libpng would print what write() refuses; the caller gets an errno instead. */
static void png_fail(png_structp png, png_const_charp text)
{
	(void)text;
	png_longjmp(png, 1);
}

static void png_ignore_warning(png_structp png, png_const_charp text)
{
	(void)png;
	(void)text;
}

static void write_rows(png_structp png, const struct display_surface *surface)
{
	png_byte row[DISPLAY_MAX_WIDTH * 3];

	for (unsigned y = 0; y < surface->height; y++) {
		const uint32_t *pixels = surface->pixels + (size_t)y * surface->stride;

		for (unsigned x = 0; x < surface->width; x++) {
			row[3 * x] = (png_byte)(pixels[x] >> 16);
			row[3 * x + 1] = (png_byte)(pixels[x] >> 8);
			row[3 * x + 2] = (png_byte)pixels[x];
		}
		png_write_row(png, row);
	}
}

/* True if libpng got to the end; it leaves by longjmp otherwise. */
static bool write_picture(png_structp png, png_infop info, const struct display_surface *surface)
{
	if (setjmp(png_jmpbuf(png)))
		return false;
	png_set_IHDR(png, info, surface->width, surface->height, 8, PNG_COLOR_TYPE_RGB,
		     PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	write_rows(png, surface);
	png_write_end(png, NULL);
	return true;
}

static int write_surface(const struct display_surface *surface, int fd)
{
	struct png_target target = { .fd = fd };
	png_structp png =
		png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, png_fail, png_ignore_warning);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	int result = -ENOMEM;

	if (info) {
		png_set_write_fn(png, &target, png_write_bytes, png_ignore_flush);
		result = write_picture(png, info, surface) ? 0
			 : target.error                    ? target.error
							   : -ENOMEM;
	}
	png_destroy_write_struct(&png, &info);
	return result;
}

int display_write_png(struct display *display, int fd)
{
	struct display_listener listener = { 0 };
	bool was_watched = display->watchers > 0;
	int result;

	display_add_listener(display, &listener);
	result = display_set_watching(display, &listener, true);
	if (result == 0) {
		display_refresh(display, !was_watched);
		result = display->surface.pixels ? write_surface(&display->surface, fd) : -ENOMEM;
	}
	display_remove_listener(display, &listener);
	return result;
}

uint32_t display_sum(const struct display_surface *surface)
{
	uLong sum = crc32(0, NULL, 0);

	for (unsigned y = 0; y < surface->height; y++)
		sum = crc32(sum, (const Bytef *)(surface->pixels + (size_t)y * surface->stride),
			    (uInt)(surface->width * sizeof(uint32_t)));
	return (uint32_t)sum;
}

int display_look(struct display *display,
		 void (*look)(void *opaque, const struct display_surface *surface), void *opaque)
{
	struct display_listener listener = { 0 };
	bool was_watched = display->watchers > 0;
	int result;

	display_add_listener(display, &listener);
	result = display_set_watching(display, &listener, true);
	if (result == 0) {
		display_refresh(display, !was_watched);
		if (display->surface.pixels)
			look(opaque, &display->surface);
		else
			result = -ENOMEM;
	}
	display_remove_listener(display, &listener);
	return result;
}

static void look_at_sum(void *opaque, const struct display_surface *surface)
{
	uint32_t *sum = opaque;

	*sum = display_sum(surface);
}

int display_checksum(struct display *display, uint32_t *sum)
{
	return display_look(display, look_at_sum, sum);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What viewers are shown. Each has a map of the tiles that have changed since it last saw them.
 * When it asks, those tiles are copied out of the surface, and a worker compresses the copy without
 * the machine lock; one picture at a time, and none while an earlier one waits in the socket. So a
 * slow viewer gets fewer pictures, and holds nobody up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "vnc/server.h"

struct update_job {
	struct worker_job job;
	struct viewer *viewer;
	struct pixel_format format;
	enum rfb_encoding encoding;
	unsigned count;
	struct outbuf out;
	uint32_t *pixels;
	struct encode_rect rects[];
};

/* What has changed */

void viewer_mark(struct viewer *viewer, unsigned x, unsigned y, unsigned width, unsigned height)
{
	unsigned right = (unsigned)min_u64((uint64_t)x + width, DISPLAY_MAX_WIDTH);
	unsigned bottom = (unsigned)min_u64((uint64_t)y + height, DISPLAY_MAX_HEIGHT);
	unsigned first = x / TILE_WIDTH, last;
	uint64_t columns;

	if (x >= right || y >= bottom)
		return;
	last = (right - 1) / TILE_WIDTH;
	columns = (BIT64(last - first + 1) - 1) << first;
	for (unsigned row = y / TILE_HEIGHT; row <= (bottom - 1) / TILE_HEIGHT; row++)
		viewer->dirty[row] |= columns;
}

void viewer_mark_all(struct viewer *viewer)
{
	viewer_mark(viewer, 0, 0, DISPLAY_MAX_WIDTH, DISPLAY_MAX_HEIGHT);
}

/* Takes one rectangle of tiles out of the map: the first run of a row, as far down as the rows
 * below have all of it. */
static bool take_rect(uint64_t dirty[TILE_ROWS], unsigned *row, struct display_rect *rect)
{
	unsigned first, count = 0, bottom;
	uint64_t run;

	while (*row < TILE_ROWS && dirty[*row] == 0)
		++*row;
	if (*row == TILE_ROWS)
		return false;
	first = (unsigned)__builtin_ctzll(dirty[*row]);
	while (first + count < 64 && dirty[*row] >> (first + count) & 1)
		count++;
	run = (BIT64(count) - 1) << first;
	for (bottom = *row; bottom < TILE_ROWS && (dirty[bottom] & run) == run; bottom++)
		dirty[bottom] &= ~run;
	*rect = (struct display_rect){ first * TILE_WIDTH, *row * TILE_HEIGHT, count * TILE_WIDTH,
				       (bottom - *row) * TILE_HEIGHT };
	return true;
}

/* Limits the map to what the viewer has. */
static void clip_map(struct viewer *viewer)
{
	unsigned columns = (viewer->width + TILE_WIDTH - 1) / TILE_WIDTH;
	unsigned rows = (viewer->height + TILE_HEIGHT - 1) / TILE_HEIGHT;

	for (unsigned row = 0; row < TILE_ROWS; row++)
		viewer->dirty[row] = row < rows ? viewer->dirty[row] & (BIT64(columns) - 1) : 0;
}

/* The picture */

static void copy_pixels(const struct display_surface *surface, const struct encode_rect *rect,
			uint32_t *pixels)
{
	for (unsigned y = rect->y; y < rect->y + rect->height; y++, pixels += rect->width) {
		unsigned inside = 0;

		/* A viewer that cannot follow a change of size sees black where there is nothing.
		 */
		if (surface->pixels && y < surface->height && rect->x < surface->width)
			inside = (unsigned)min_size(rect->width, surface->width - rect->x);
		if (inside > 0)
			memcpy(pixels, surface->pixels + (size_t)y * surface->stride + rect->x,
			       inside * sizeof(*pixels));
		memset(pixels + inside, 0, (rect->width - inside) * sizeof(*pixels));
	}
}

/* The rectangles and the pixels they need; with 'rects' NULL only counts. */
static unsigned plan(const struct viewer *viewer, struct encode_rect *rects, size_t *pixel_count)
{
	uint64_t dirty[TILE_ROWS];
	struct display_rect tiles;
	unsigned row = 0, count = 0;

	memcpy(dirty, viewer->dirty, sizeof(dirty));
	*pixel_count = 0;
	while (take_rect(dirty, &row, &tiles)) {
		unsigned width = (unsigned)min_size(tiles.width, viewer->width - tiles.x);
		unsigned height = (unsigned)min_size(tiles.height, viewer->height - tiles.y);

		if (rects)
			rects[count] =
				(struct encode_rect){ tiles.x, tiles.y, width, height, NULL };
		*pixel_count += (size_t)width * height;
		count++;
	}
	return count;
}

static void job_free(struct update_job *job)
{
	outbuf_free(&job->out);
	free(job->pixels);
	free(job);
}

static struct update_job *job_create(struct viewer *viewer)
{
	const struct display_surface *surface = &viewer->server->display->surface;
	size_t pixel_count;
	unsigned count = plan(viewer, NULL, &pixel_count);
	struct update_job *job = calloc(1, sizeof(*job) + count * sizeof(job->rects[0]));
	uint32_t *pixels;

	if (!job)
		return NULL;
	pixels = job->pixels = malloc(pixel_count * sizeof(*pixels));
	if (!pixels) {
		free(job);
		return NULL;
	}
	job->viewer = viewer;
	job->format = viewer->format;
	job->encoding = viewer->encoding;
	job->count = plan(viewer, job->rects, &pixel_count);
	for (unsigned i = 0; i < count; i++) {
		job->rects[i].pixels = pixels;
		copy_pixels(surface, &job->rects[i], pixels);
		pixels += (size_t)job->rects[i].width * job->rects[i].height;
	}
	return job;
}

static void job_run(struct worker_job *worker_job)
{
	struct update_job *job = container_of(worker_job, struct update_job, job);

	encode_update(job->viewer->encoder, &job->format, job->encoding, job->rects, job->count,
		      &job->out);
	free(job->pixels);
	job->pixels = NULL;
}

static void job_complete(struct worker_job *worker_job)
{
	struct update_job *job = container_of(worker_job, struct update_job, job);
	struct viewer *viewer = job->viewer;
	struct vnc_server *server = viewer->server;

	viewer->job = NULL;
	if (viewer->is_doomed) { /* it has gone meanwhile */
		viewer_free(viewer);
	} else {
		viewer_send_update(viewer, &job->out);
		if (!viewer_reap(viewer))
			server_arm(server);
	}
	job_free(job);
}

bool viewer_is_waiting(const struct viewer *viewer)
{
	return viewer->state == VIEWER_NORMAL && viewer->wants_update && !viewer->job &&
	       outbuf_length(&viewer->out) == 0;
}

/* True if the viewer has been told of a new size: it asks again then. */
static bool follow_size(struct viewer *viewer)
{
	const struct display_surface *surface = &viewer->server->display->surface;

	if ((viewer->width == surface->width && viewer->height == surface->height) ||
	    (!viewer->has_desktop_size && !viewer->has_extended_size))
		return false;
	viewer->width = surface->width;
	viewer->height = surface->height;
	viewer_mark_all(viewer);
	viewer->wants_update = false;
	viewer_send_size(viewer, RFB_SIZE_BY_SERVER, 0);
	return true;
}

static bool is_clean(const struct viewer *viewer)
{
	for (unsigned row = 0; row < TILE_ROWS; row++) {
		if (viewer->dirty[row])
			return false;
	}
	return true;
}

void viewer_update(struct viewer *viewer)
{
	if (!viewer_is_waiting(viewer) || follow_size(viewer))
		return;
	clip_map(viewer);
	if (is_clean(viewer))
		return;
	if (!viewer->encoder)
		viewer->encoder = encoder_create();
	viewer->job = viewer->encoder ? job_create(viewer) : NULL;
	if (!viewer->job)
		return; /* no memory: perhaps at the next frame */
	memset(viewer->dirty, 0, sizeof(viewer->dirty));
	viewer->wants_update = false;
	viewer->job->job.run = job_run;
	viewer->job->job.complete = job_complete;
	worker_submit(viewer->server->workers, &viewer->job->job);
}

/* Small updates of one rectangle, which go at once */

static void put_small_header(struct outbuf *out, unsigned x, unsigned y, unsigned width,
			     unsigned height, enum rfb_encoding encoding)
{
	outbuf_put_u8(out, RFB_FRAMEBUFFER_UPDATE);
	outbuf_put_u8(out, 0);
	outbuf_put_be16(out, 1);
	outbuf_put_be16(out, x);
	outbuf_put_be16(out, y);
	outbuf_put_be16(out, width);
	outbuf_put_be16(out, height);
	outbuf_put_be32(out, (uint32_t)encoding);
}

static void send_small(struct viewer *viewer, struct outbuf *out)
{
	if (!out->failed)
		viewer_send(viewer, out->bytes, outbuf_length(out));
	outbuf_free(out);
}

void viewer_send_mark(struct viewer *viewer, enum rfb_encoding encoding)
{
	struct outbuf out = { 0 };

	put_small_header(&out, 0, 0, 0, 0, encoding);
	send_small(viewer, &out);
}

void viewer_send_size(struct viewer *viewer, enum rfb_desktop_size reason,
		      enum rfb_desktop_size status)
{
	struct outbuf out = { 0 };

	if (viewer->has_extended_size) {
		put_small_header(&out, reason, status, viewer->width, viewer->height,
				 RFB_ENCODING_EXTENDED_DESKTOP_SIZE);
		outbuf_put_be32(&out, UINT32_C(1) << 24); /* one screen, and padding */
		outbuf_put_be32(&out, 0);                 /* its id */
		outbuf_put_be32(&out, 0);                 /* x, y */
		outbuf_put_be16(&out, viewer->width);
		outbuf_put_be16(&out, viewer->height);
		outbuf_put_be32(&out, 0); /* flags */
	} else {
		put_small_header(&out, 0, 0, viewer->width, viewer->height,
				 RFB_ENCODING_DESKTOP_SIZE);
	}
	send_small(viewer, &out);
}

void viewer_send_motion(struct viewer *viewer, bool always)
{
	bool is_absolute = input_has_absolute(viewer->server->input);
	struct outbuf out = { 0 };

	if (!viewer->has_motion || (!always && viewer->told_absolute == is_absolute))
		return;
	viewer->told_absolute = is_absolute;
	put_small_header(&out, is_absolute, 0, viewer->width, viewer->height,
			 RFB_ENCODING_QEMU_POINTER_MOTION);
	send_small(viewer, &out);
}

void viewer_send_leds(struct viewer *viewer)
{
	struct outbuf out = { 0 };

	if (!viewer->has_leds)
		return;
	put_small_header(&out, 0, 0, 1, 1, RFB_ENCODING_QEMU_LED_STATE);
	outbuf_put_u8(&out, viewer->server->input->leds & 7);
	send_small(viewer, &out);
}

static unsigned clamp_position(int position, unsigned size)
{
	if (position < 0)
		return 0;
	return (unsigned)min_size((size_t)position, size - 1);
}

void viewer_send_position(struct viewer *viewer)
{
	const struct display *display = viewer->server->display;
	struct outbuf out = { 0 };

	if (!viewer->has_position || !display->cursor || viewer->control_bytes > 4096)
		return;
	put_small_header(&out, clamp_position(display->cursor_x, viewer->width),
			 clamp_position(display->cursor_y, viewer->height), 0, 0,
			 RFB_ENCODING_POINTER_POSITION);
	send_small(viewer, &out);
}

/* Opaque pixels, and a bit for each that is to be drawn (RFC 6143 7.8.1). */
static void put_cursor(struct outbuf *out, const struct viewer *viewer,
		       const struct display_cursor *cursor)
{
	const struct pixel_format *format = &viewer->format;
	size_t count = (size_t)cursor->width * cursor->height;

	for (size_t i = 0; i < count; i++) {
		uint32_t rgb = cursor->pixels[i], pixel = 0;
		uint8_t bytes[4];

		for (unsigned c = 0; c < 3; c++)
			pixel |= ((rgb >> (16 - 8 * c) & 255) * format->max[c] + 127) / 255
				 << format->shift[c];
		if (format->big_endian)
			store_be32(bytes, pixel << (32 - 8 * format->bytes));
		else
			store_le32(bytes, pixel);
		outbuf_put(out, bytes, format->bytes);
	}
	for (unsigned y = 0; y < cursor->height; y++) {
		for (unsigned x = 0; x < cursor->width; x += 8) {
			unsigned byte = 0;

			for (unsigned i = x; i < x + 8 && i < cursor->width; i++) {
				if (cursor->pixels[y * cursor->width + i] >> 31)
					byte |= 128u >> (i - x);
			}
			outbuf_put_u8(out, byte);
		}
	}
}

void viewer_send_cursor(struct viewer *viewer)
{
	const struct display_cursor *cursor = viewer->server->display->cursor;
	struct outbuf out = { 0 };

	if (!viewer->has_cursor || !cursor || viewer->control_bytes > 4096)
		return;
	put_small_header(&out, (unsigned)cursor->hot_x, (unsigned)cursor->hot_y, cursor->width,
			 cursor->height, RFB_ENCODING_CURSOR);
	put_cursor(&out, viewer, cursor);
	send_small(viewer, &out);
}

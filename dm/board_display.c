// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The display card of the board and the video RAM that the hypervisor core lends it.
 */
#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/opts.h"
#include "dm/board_internal.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "vga/fonts.h"

#define MIB (UINT64_C(1) << 20)

/* GNU Unifont, of GRUB's and of many installers' screens: they are read without it, too, but not as
 * far. */
static const char text_font[] = "/usr/share/grub/unicode.pf2";

static const char *const stdvga_properties[] = { "driver", "vgamem_mb", "id",   "addr",    "bus",
						 "xres",   "yres",      "edid", "romfile", NULL };
static const char *const cirrus_properties[] = { "driver", "vgamem_mb", "id", "addr",
						 "bus",    "romfile",   NULL };

/** What the board is to have. */
struct display_plan {
	const struct display_kind *kind;
	struct opts *card; /* the words of -device, NULL for the default */
	int slot;
	uint64_t mib;
	uint64_t preferred_x, preferred_y;
	const char *rom;
};

struct display_kind {
	const char *driver; /* of -device */
	const char *name;   /* of -vga */
	const char *rom;
	const char *const *properties;
	uint64_t mib, min_mib, max_mib;
	int (*create)(struct board *board, const struct display_plan *plan, struct err *err);
};

/* Video RAM: the window's slot in the core is numbered from 1. */

static void set_logging(void *opaque, bool on)
{
	struct board_video_ram *video = opaque;

	if (!video->window)
		return;
	video->window->log_dirty = on;
	video->missed = true;
	if (video->window->core_data)
		hv_slot_set_logging(video->machine->hv, (int)video->window->core_data - 1, on);
}

/** What was written before the window came to its present place is not in the log. */
static bool window_has_moved(struct board_video_ram *video)
{
	bool moved = video->missed || video->logged_slot != video->window->core_data ||
		     video->logged_base != video->window->base;

	video->missed = false;
	video->logged_slot = video->window->core_data;
	video->logged_base = video->window->base;
	return moved;
}

static bool fetch_dirty(void *opaque, unsigned long *bitmap)
{
	struct board_video_ram *video = opaque;
	bool complete;

	if (!video->window)
		return false;
	complete = !window_has_moved(video);
	if (!video->window->core_data) {
		memset(bitmap, 0, align_up(video->ram.bytes / 4096, 64) / 8);
		return complete;
	}
	return hv_slot_fetch_dirty(video->machine->hv, (int)video->window->core_data - 1, bitmap) &&
	       complete;
}

static void attach_window(void *opaque, struct io_window *window)
{
	struct board_video_ram *video = opaque;

	video->window = window;
}

static int lend_video_ram(struct board *board, size_t bytes, struct err *err)
{
	struct board_video_ram *video = &board->video_ram;

	video->machine = board->machine;
	video->ram = (struct video_ram){
		.host = hv_video_ram_alloc(board->machine->hv, bytes, err),
		.bytes = bytes,
		.opaque = video,
		.in_pieces = board->machine->hv->caps.maps_pieces,
		.set_logging = set_logging,
		.fetch_dirty = fetch_dirty,
		.attach = attach_window,
	};
	return video->ram.host ? 0 : -ENOMEM;
}

int board_parse_slot(const char *text, int *slot, struct err *err)
{
	uint64_t number;
	char word[8] = "0x";
	size_t length = strcspn(text, ".");

	*slot = -1;
	if (length < 1 || length > 4)
		return err_set(err, -EINVAL, "addr=%s: give a PCI slot such as 03", text);
	if (strncmp(text, "0x", 2) == 0)
		word[0] = '\0';
	strncat(word, text, length);
	if (opts_parse_number(word, &number) < 0 || number >= PCI_SLOT_COUNT)
		return err_set(err, -EINVAL, "addr=%s: there is no such PCI slot", text);
	*slot = (int)number;
	return 0;
}

/** Reads the card's properties over the defaults that 'plan' holds. */
static int read_properties(struct display_plan *plan, struct err *err)
{
	const struct display_kind *kind = plan->kind;
	struct opts *card = plan->card;
	bool edid = true;
	int result;

	if (!card)
		return 0;
	opts_get(card, "driver");
	opts_get(card, "bus");
	opts_get(card, "id");
	result = opts_get_number(card, "vgamem_mb", &plan->mib, kind->min_mib, kind->max_mib, err);
	if (result == 0 && !is_power_of_two(plan->mib))
		result = err_set(err, -EINVAL, "vgamem_mb: give a power of two, %u to %u",
				 (unsigned)kind->min_mib, (unsigned)kind->max_mib);
	if (result == 0 && kind->properties == stdvga_properties)
		result = opts_get_number(card, "xres", &plan->preferred_x, 640, DISPLAY_MAX_WIDTH,
					 err);
	if (result == 0 && kind->properties == stdvga_properties)
		result = opts_get_number(card, "yres", &plan->preferred_y, 480, DISPLAY_MAX_HEIGHT,
					 err);
	if (result == 0 && kind->properties == stdvga_properties)
		result = opts_get_bool(card, "edid", &edid, err);
	if (result == 0 && opts_get(card, "addr"))
		result = board_parse_slot(opts_get(card, "addr"), &plan->slot, err);
	if (opts_get(card, "romfile"))
		plan->rom = opts_get(card, "romfile");
	return result < 0 ? result : opts_check_unused(card, kind->properties, err);
}

/* The images already carry the cards' ids; the windows are read-only. */

static int create_stdvga(struct board *board, const struct display_plan *plan, struct err *err)
{
	struct machine *machine = board->machine;
	const struct stdvga_config config = {
		.slot = plan->slot,
		.rom = (uint8_t *)(uintptr_t)board->vga_rom.bytes,
		.rom_bytes = board->vga_rom.mapped,
		.monitor_name = "hvmdm",
		.preferred_x = (unsigned)plan->preferred_x,
		.preferred_y = (unsigned)plan->preferred_y,
	};
	int result = stdvga_init(&board->stdvga, &machine->pci, &machine->clock, &machine->display,
				 &board->video_ram.ram, &config, err);

	if (result == 0)
		device_add(&machine->devices, &board->stdvga.device);
	board->vga = &board->stdvga.vga;
	return result;
}

static int create_cirrus(struct board *board, const struct display_plan *plan, struct err *err)
{
	struct machine *machine = board->machine;
	const struct cirrus_config config = {
		.slot = plan->slot,
		.rom = (uint8_t *)(uintptr_t)board->vga_rom.bytes,
		.rom_bytes = board->vga_rom.mapped,
		.monitor_name = "hvmdm",
	};
	int result = cirrus_init(&board->cirrus, &machine->pci, &machine->clock, &machine->display,
				 &board->video_ram.ram, &config, err);

	if (result == 0)
		device_add(&machine->devices, &board->cirrus.device);
	board->vga = &board->cirrus.vga;
	return result;
}

static const struct display_kind kinds[] = {
	{ "VGA", "std", "vgabios-stdvga.bin", stdvga_properties, 16, 1, 256, create_stdvga },
	{ "cirrus-vga", "cirrus", "vgabios-cirrus.bin", cirrus_properties, 8, 4, 16,
	  create_cirrus },
};

static const struct display_kind *find_kind(const char *driver, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if ((driver && strcmp(kinds[i].driver, driver) == 0) ||
		    (name && strcmp(kinds[i].name, name) == 0))
			return &kinds[i];
	}
	return NULL;
}

/** The card that the options ask for; plan->kind is NULL if there is to be none. */
static int make_plan(struct display_plan *plan, struct options *options, struct err *err)
{
	*plan = (struct display_plan){ .slot = -1, .kind = find_kind(NULL, options->vga) };
	if (!plan->kind && options->has_default_vga)
		plan->kind = &kinds[0];
	for (size_t i = 0; i < options->devices.count; i++) {
		struct opts *device = &options->devices.items[i];
		const struct display_kind *kind =
			find_kind(opts_get_or(device, "driver", ""), NULL);

		if (!kind)
			continue;
		if (plan->card)
			return err_set(err, -ENOTSUP, "-device %s: there is one display card",
				       kind->driver);
		plan->kind = kind;
		plan->card = device;
	}
	if (!plan->kind)
		return 0;
	plan->mib = plan->kind->mib;
	plan->rom = plan->kind->rom;
	return read_properties(plan, err);
}

int board_display_init(struct board *board, struct err *err)
{
	struct err missing = { 0 };
	struct display_plan plan;
	int result = make_plan(&plan, board->machine->options, err);

	if (result < 0 || !plan.kind)
		return result;
	if (*plan.rom)
		result = payload_map(&board->vga_rom, board->machine->options, plan.rom, err);
	if (result == 0)
		result = lend_video_ram(board, (size_t)(plan.mib * MIB), err);
	if (result == 0)
		result = plan.kind->create(board, &plan, err);
	if (result < 0)
		return result;
	board->has_vga = true;
	payload_map(&board->text_font, board->machine->options, text_font, &missing);
	return 0;
}

void board_add_fonts(const struct board *board, struct glyph_set *set)
{
	if (!board->has_vga)
		return;
	vga_add_fonts(board->vga, set);
	font_add_pff2(set, board->text_font.bytes, board->text_font.length);
}

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

#define MIB (UINT64_C(1) << 20)

static const char default_vga_rom[] = "vgabios-stdvga.bin";

static const char *const vga_properties[] = { "driver", "vgamem_mb", "id",   "addr",    "bus",
					      "xres",   "yres",      "edid", "romfile", NULL };

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

/** Reads the card's properties; 'card' is NULL for the default card. */
static int read_properties(struct opts *card, struct stdvga_config *config, uint64_t *mib,
			   const char **rom, struct err *err)
{
	uint64_t x = 0, y = 0;
	bool edid = true;
	int result;

	if (!card)
		return 0;
	opts_get(card, "driver");
	opts_get(card, "bus");
	opts_get(card, "id");
	result = opts_get_number(card, "vgamem_mb", mib, 1, 256, err);
	if (result == 0 && !is_power_of_two(*mib))
		result = err_set(err, -EINVAL, "vgamem_mb: give a power of two, 1 to 256");
	if (result == 0)
		result = opts_get_number(card, "xres", &x, 640, DISPLAY_MAX_WIDTH, err);
	if (result == 0)
		result = opts_get_number(card, "yres", &y, 480, DISPLAY_MAX_HEIGHT, err);
	if (result == 0)
		result = opts_get_bool(card, "edid", &edid, err);
	if (result == 0 && opts_get(card, "addr"))
		result = board_parse_slot(opts_get(card, "addr"), &config->slot, err);
	if (opts_get(card, "romfile"))
		*rom = opts_get(card, "romfile");
	config->preferred_x = (unsigned)x;
	config->preferred_y = (unsigned)y;
	return result < 0 ? result : opts_check_unused(card, vga_properties, err);
}

/** The words of -device VGA, or NULL; *wanted says whether the board is to have a card at all. */
static struct opts *find_card(struct options *options, bool *wanted)
{
	*wanted = options->has_default_vga || (options->vga && strcmp(options->vga, "std") == 0);
	for (size_t i = 0; i < options->devices.count; i++) {
		struct opts *device = &options->devices.items[i];

		if (strcmp(opts_get_or(device, "driver", ""), "VGA") == 0) {
			*wanted = true;
			return device;
		}
	}
	return NULL;
}

int board_display_init(struct board *board, struct err *err)
{
	struct machine *machine = board->machine;
	struct stdvga_config config = { .slot = -1, .monitor_name = "hvmdm" };
	const char *rom = default_vga_rom;
	uint64_t mib = 16;
	bool wanted;
	struct opts *card = find_card(machine->options, &wanted);
	int result;

	if (!wanted)
		return 0;
	result = read_properties(card, &config, &mib, &rom, err);
	if (result == 0 && *rom)
		result = payload_map(&board->vga_rom, machine->options, rom, err);
	if (result == 0)
		result = lend_video_ram(board, (size_t)(mib * MIB), err);
	if (result < 0)
		return result;
	/* The image already carries this card's ids; the window is read-only. */
	config.rom = (uint8_t *)(uintptr_t)board->vga_rom.bytes;
	config.rom_bytes = board->vga_rom.mapped;
	result = stdvga_init(&board->vga, &machine->pci, &machine->clock, &machine->display,
			     &board->video_ram.ram, &config, err);
	if (result < 0)
		return result;
	board->has_vga = true;
	device_add(&machine->devices, &board->vga.device);
	return 0;
}

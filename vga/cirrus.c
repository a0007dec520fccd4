// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/cirrus.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "bus/pci_bus.h"

static const struct pci_identity identity = {
	.name = "Cirrus VGA",
	.vendor = CIRRUS_VENDOR,
	.device = CIRRUS_DEVICE,
	.class = PCI_CLASS_VGA,
};

static const struct state_field state_fields[] = {
	STATE_STRUCT(struct cirrus_state, job, &cirrus_job_table),
	STATE_STRUCT(struct cirrus_state, vga, &vga_state_table),
	STATE_STRUCT(struct cirrus_state, pci, &pci_state_table),
	STATE_STRUCT(struct cirrus_state, ddc, &ddc_state_table),
	STATE_ARRAY(struct cirrus_state, seq),
	STATE_ARRAY(struct cirrus_state, crtc),
	STATE_ARRAY(struct cirrus_state, gfx),
	STATE_INT(struct cirrus_state, cursor_x_low),
	STATE_INT(struct cirrus_state, cursor_y_low),
	STATE_INT(struct cirrus_state, hidden_dac),
	STATE_INT(struct cirrus_state, hidden_dac_reads),
	STATE_ARRAY(struct cirrus_state, cursor_dac),
	STATE_ARRAY(struct cirrus_state, reserved),
};
static STATE_TABLE(cirrus_state_table, cirrus_state, state_fields);

static void cirrus_reset(void *self)
{
	struct cirrus *card = self;

	pci_function_reset(&card->pci);
	cirrus_registers_reset(card);
	vga_reset(&card->vga);
	cirrus_memory_settle(card);
}

static int cirrus_after_load(void *self, struct err *err)
{
	struct cirrus *card = self;
	int error = cirrus_registers_check(card, err);

	if (error == 0)
		error = vga_after_load(&card->vga, err);
	if (error == 0) {
		cirrus_memory_settle(card);
		pci_function_update(&card->pci);
	}
	return error;
}

static void cirrus_finish(void *self)
{
	struct cirrus *card = self;

	vga_finish(&card->vga);
	pci_bus_unplug(&card->pci);
}

static const struct device_class cirrus_class = {
	.name = "cirrus",
	.reset = cirrus_reset,
	.table = &cirrus_state_table,
	.state_offset = offsetof(struct cirrus, state),
	.version = 1,
	.after_load = cirrus_after_load,
	.finish = cirrus_finish,
};

static void init_bars(struct cirrus *card, const struct video_ram *vram,
		      const struct cirrus_config *config)
{
	cirrus_memory_init(card, vram);
	pci_function_set_bar(&card->pci, CIRRUS_VRAM_BAR, &card->frame_buffer, PCI_BAR_PREFETCH);
	pci_function_set_bar(&card->pci, CIRRUS_MMIO_BAR, &card->mmio, 0);
	if (!config->rom)
		return;
	io_window_init_direct(&card->rom_window, "cirrus-rom", config->rom, config->rom_bytes,
			      true);
	pci_function_set_bar(&card->pci, PCI_ROM_BAR, &card->rom_window, 0);
}

static void init_chip(struct cirrus *card, struct clock *clock, struct display *display,
		      const struct video_ram *vram, const struct cirrus_config *config)
{
	const struct edid_config edid = {
		.name = config->monitor_name ? config->monitor_name : "hvmdm",
		.width = 1024,
		.height = 768,
	};
	struct vga_ext ext = cirrus_ext;

	ext.opaque = card;
	card->blt = (struct cirrus_blt){
		.job = &card->state.job,
		.host = vram->host,
		.mask = CIRRUS_MEMORY_BYTES - 1,
		.dirty = &card->vga.dirty,
	};
	edid_build(&edid, card->edid);
	cirrus_registers_reset(card);
	vga_init(&card->vga, &card->state.vga, clock, display, vram, &ext);
	card->vga.rom = config->rom;
	card->vga.rom_bytes = config->rom ? config->rom_bytes : 0;
	card->vga.vram_mask = CIRRUS_MEMORY_BYTES - 1;
	cirrus_banks_init(card);
}

int cirrus_init(struct cirrus *card, struct pci_bus *bus, struct clock *clock,
		struct display *display, const struct video_ram *vram,
		const struct cirrus_config *config, struct err *err)
{
	int error;

	if (!is_power_of_two(vram->bytes) || vram->bytes < CIRRUS_MEMORY_BYTES ||
	    vram->bytes > CIRRUS_MAX_LENT_BYTES)
		return err_set(err, -EINVAL,
			       "video memory of a Cirrus card must be 4, 8 or 16 MiB");
	*card = (struct cirrus){ 0 };
	device_init(&card->device, &cirrus_class, card);
	pci_function_init(&card->pci, &card->state.pci, &identity, NULL, 0, card);
	init_chip(card, clock, display, vram, config);
	init_bars(card, vram, config);
	/* Windows 2000 takes it for granted that its pattern buffer begins as ones. */
	memset(vram->host, 0xff, CIRRUS_MEMORY_BYTES);
	error = vga_map(&card->vga, bus->ports, bus->memory, err);
	if (error == 0)
		error = pci_bus_plug(bus, &card->pci, config->slot, 0, err);
	if (error != 0)
		vga_finish(&card->vga);
	return error;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "vga/stdvga.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "bus/pci_bus.h"
#include "vga/vbe.h"

enum {
	STDVGA_VENDOR = 0x1234,
	STDVGA_DEVICE = 0x1111,
	STDVGA_REVISION = 2,
	STDVGA_VRAM_BAR = 0,
	STDVGA_MMIO_BAR = 2,
	STDVGA_MIN_VRAM = 1 << 20,
	STDVGA_MAX_VRAM = 256 << 20,
	MIN_ROM_BYTES = 4096,
};

static const struct pci_identity identity = {
	.name = "VGA",
	.vendor = STDVGA_VENDOR,
	.device = STDVGA_DEVICE,
	.class = PCI_CLASS_VGA,
	.revision = STDVGA_REVISION,
};

static const struct state_field state_fields[] = {
	STATE_STRUCT(struct stdvga_state, pci, &pci_state_table),
	STATE_ARRAY(struct stdvga_state, reserved),
	STATE_STRUCT(struct stdvga_state, vga, &vga_state_table),
};
static STATE_TABLE(stdvga_state_table, stdvga_state, state_fields);

/* BAR 2, registers as bytes; what lies between them reads as 0. */

static uint8_t dispi_read_byte(const struct stdvga *card, uint64_t offset)
{
	unsigned index = (unsigned)(offset - STDVGA_MMIO_DISPI);

	return (uint8_t)(vbe_read(&card->vga, index / 2) >> (8 * (index & 1)));
}

static uint8_t ext_read_byte(const struct stdvga *card, uint64_t offset)
{
	uint8_t block[STDVGA_MMIO_EXT_END - STDVGA_MMIO_EXT];

	store_le32(block, sizeof(block));
	store_le32(block + (STDVGA_MMIO_ENDIAN - STDVGA_MMIO_EXT),
		   card->state.vga.big_endian ? STDVGA_BIG_ENDIAN : (uint32_t)STDVGA_LITTLE_ENDIAN);
	return block[offset - STDVGA_MMIO_EXT];
}

static bool is_port(uint64_t offset)
{
	return offset >= STDVGA_MMIO_PORTS && offset < STDVGA_MMIO_PORTS_END;
}

static uint16_t port_of(uint64_t offset)
{
	return (uint16_t)(VGA_ATTRIBUTE_INDEX + (offset - STDVGA_MMIO_PORTS));
}

static uint8_t mmio_peek_byte(const struct stdvga *card, uint64_t offset)
{
	if (offset < EDID_BYTES)
		return card->edid[offset];
	if (is_port(offset))
		return vga_port_peek(&card->vga, port_of(offset));
	if (offset >= STDVGA_MMIO_DISPI && offset < STDVGA_MMIO_DISPI_END)
		return dispi_read_byte(card, offset);
	if (offset >= STDVGA_MMIO_EXT && offset < STDVGA_MMIO_EXT_END)
		return ext_read_byte(card, offset);
	return 0;
}

static uint64_t mmio_peek(void *opaque, uint64_t offset, unsigned size)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)mmio_peek_byte(opaque, offset + i) << (8 * i);
	return value;
}

static uint64_t mmio_read(void *opaque, uint64_t offset, unsigned size)
{
	struct stdvga *card = opaque;
	uint64_t value = 0;

	if (!is_port(offset))
		return mmio_peek(opaque, offset, size);
	for (unsigned i = 0; i < size; i++)
		value |= (uint64_t)vga_port_read(&card->vga, port_of(offset + i)) << (8 * i);
	return value;
}

static void dispi_write_bytes(struct stdvga *card, uint64_t offset, uint64_t value, unsigned size)
{
	unsigned index = (unsigned)(offset - STDVGA_MMIO_DISPI) / 2;

	if (offset & 1 || size < 2) /* the registers are words */
		return;
	for (unsigned i = 0; i < size; i += 2)
		vbe_write(&card->vga, index + i / 2, (uint16_t)(value >> (8 * i)));
}

static void mmio_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct stdvga *card = opaque;

	if (is_port(offset)) {
		for (unsigned i = 0; i < size; i++)
			vga_port_write(&card->vga, port_of(offset + i),
				       (uint8_t)(value >> (8 * i)));
	} else if (offset >= STDVGA_MMIO_DISPI && offset < STDVGA_MMIO_DISPI_END) {
		dispi_write_bytes(card, offset, value, size);
	} else if (offset == STDVGA_MMIO_ENDIAN && size == 4) {
		if (value == STDVGA_BIG_ENDIAN || value == STDVGA_LITTLE_ENDIAN)
			card->state.vga.big_endian = value == STDVGA_BIG_ENDIAN;
	}
}

static const struct io_ops mmio_ops = {
	.read = mmio_read,
	.write = mmio_write,
	.peek = mmio_peek,
	.max_size = 4,
};

/* Life. */

static void stdvga_reset(void *self)
{
	struct stdvga *card = self;

	pci_function_reset(&card->pci);
	vga_reset(&card->vga);
}

static int stdvga_after_load(void *self, struct err *err)
{
	struct stdvga *card = self;
	int error = vga_after_load(&card->vga, err);

	if (error == 0)
		pci_function_update(&card->pci);
	return error;
}

static void stdvga_finish(void *self)
{
	struct stdvga *card = self;

	vga_finish(&card->vga);
	pci_bus_unplug(&card->pci);
}

static const struct device_class stdvga_class = {
	.name = "stdvga",
	.reset = stdvga_reset,
	.table = &stdvga_state_table,
	.state_offset = offsetof(struct stdvga, state),
	.version = 1,
	.after_load = stdvga_after_load,
	.finish = stdvga_finish,
};

static void init_bars(struct stdvga *card, const struct video_ram *vram,
		      const struct stdvga_config *config)
{
	io_window_init_direct(&card->vram_window, "vga-vram", vram->host, vram->bytes, false);
	card->vram_window.log_dirty = true;
	pci_function_set_bar(&card->pci, STDVGA_VRAM_BAR, &card->vram_window, PCI_BAR_PREFETCH);
	io_window_init(&card->mmio_window, "vga-mmio", &mmio_ops, card, STDVGA_MMIO_BYTES);
	pci_function_set_bar(&card->pci, STDVGA_MMIO_BAR, &card->mmio_window, 0);
	if (config->rom) {
		io_window_init_direct(&card->rom_window, "vga-rom", config->rom, config->rom_bytes,
				      true);
		pci_function_set_bar(&card->pci, PCI_ROM_BAR, &card->rom_window, 0);
	}
	if (vram->attach)
		vram->attach(vram->opaque, &card->vram_window);
}

static void init_edid(struct stdvga *card, const struct stdvga_config *config)
{
	struct edid_config edid = {
		.name = config->monitor_name ? config->monitor_name : "hvmdm",
		.width = config->preferred_x ? config->preferred_x : 1280,
		.height = config->preferred_y ? config->preferred_y : 800,
	};

	edid_build(&edid, card->edid);
}

int stdvga_init(struct stdvga *card, struct pci_bus *bus, struct clock *clock,
		struct display *display, const struct video_ram *vram,
		const struct stdvga_config *config, struct err *err)
{
	int error;

	if (!is_power_of_two(vram->bytes) || vram->bytes < STDVGA_MIN_VRAM ||
	    vram->bytes > STDVGA_MAX_VRAM)
		return err_set(err, -EINVAL, "video memory must be 1, 2, 4 ... or 256 MiB");
	*card = (struct stdvga){ 0 };
	device_init(&card->device, &stdvga_class, card);
	pci_function_init(&card->pci, &card->state.pci, &identity, NULL, 0, card);
	vga_init(&card->vga, &card->state.vga, clock, display, vram, NULL);
	card->vga.rom = config->rom;
	card->vga.rom_bytes = config->rom ? config->rom_bytes : 0;
	init_edid(card, config);
	init_bars(card, vram, config);
	error = vga_map(&card->vga, bus->ports, bus->memory, err);
	if (error == 0)
		error = pci_bus_plug(bus, &card->pci, config->slot, 0, err);
	if (error != 0)
		vga_finish(&card->vga);
	return error;
}

/* PCI Firmware Specification 3.0, 5.1: header, PCI data structure ("PCIR"), checksum over the
 * image's length. */
enum rom_layout {
	ROM_SIGNATURE = 0xaa55,
	ROM_LENGTH = 2,     /* in 512 bytes */
	ROM_SPARE_BYTE = 6, /* in the BIOS's own part, free to balance the sum */
	ROM_PCIR_POINTER = 0x18,
	PCIR_VENDOR = 4,
	PCIR_DEVICE = 6,
	PCIR_BYTES = 0x18,
};

size_t stdvga_rom_bytes(size_t length)
{
	size_t bytes = MIN_ROM_BYTES;

	while (bytes < length)
		bytes *= 2;
	return bytes;
}

int stdvga_prepare_rom(uint8_t *rom, size_t bytes, struct err *err)
{
	size_t length, pcir;
	uint8_t sum = 0;

	if (bytes < MIN_ROM_BYTES || load_le16(rom) != ROM_SIGNATURE)
		return err_set(err, -EINVAL, "the VGA BIOS is no option ROM");
	length = rom[ROM_LENGTH] * (size_t)512;
	pcir = load_le16(rom + ROM_PCIR_POINTER);
	if (length == 0 || length > bytes || !range_fits(pcir, PCIR_BYTES, length) ||
	    memcmp(rom + pcir, "PCIR", 4) != 0)
		return err_set(err, -EINVAL, "the VGA BIOS has no PCI data structure");
	if (load_le16(rom + pcir + PCIR_VENDOR) == STDVGA_VENDOR &&
	    load_le16(rom + pcir + PCIR_DEVICE) == STDVGA_DEVICE)
		return 0;
	store_le16(rom + pcir + PCIR_VENDOR, STDVGA_VENDOR);
	store_le16(rom + pcir + PCIR_DEVICE, STDVGA_DEVICE);
	for (size_t i = 0; i < length; i++)
		sum = (uint8_t)(sum + rom[i]);
	rom[ROM_SPARE_BYTE] = (uint8_t)(rom[ROM_SPARE_BYTE] - sum);
	return 0;
}

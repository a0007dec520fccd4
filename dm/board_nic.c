// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Network cards on the board: their properties, their wires, the option ROM from which the BIOS
 * boots over the network.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/log.h"
#include "base/opts.h"
#include "dm/board_internal.h"
#include "dm/cards.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "hw/net/e1000.h"
#include "hw/net/ne2000.h"
#include "hw/net/rtl8139.h"

enum {
	NAME_BYTES = 64,
	BOOT_INDEX_MAX = INT32_MAX,
};

struct nic_model;

/** A card and what it stands on. */
struct board_nic {
	struct board_nic *next;
	const struct nic_model *model;
	struct netdevs_card control;
	char name[NAME_BYTES];
	uint8_t mac[NET_MAC_BYTES];
	int slot;
	int64_t boot_index; /* -1: none */
	struct payload rom;
	struct io_window rom_window;
	struct pci_function *function;
	struct device *device;
	union {
		struct e1000 e1000;
		struct rtl8139 rtl8139;
		struct ne2000 ne2000;
	} chip;
};

struct nic_model {
	const char *name;
	const char *rom; /* iPXE's, as Debian's ipxe-qemu installs it */
	uint16_t vendor, device;
	unsigned variant;
	/** Fills in function, device, control.port and control.mac. 0, or -errno and a sentence. */
	int (*init)(struct board_nic *nic, struct machine *machine, struct err *err);
};

static struct io_window *rom_of(struct board_nic *nic)
{
	return nic->rom.bytes ? &nic->rom_window : NULL;
}

static int init_e1000(struct board_nic *nic, struct machine *machine, struct err *err)
{
	struct e1000 *card = &nic->chip.e1000;
	struct e1000_wires wires = {
		.bus = &machine->pci,
		.clock = &machine->clock,
		.ram = &machine->ram,
		.name = nic->name,
		.model = (enum e1000_model)nic->model->variant,
		.slot = nic->slot,
		.rom = rom_of(nic),
	};

	memcpy(wires.mac, nic->mac, NET_MAC_BYTES);
	nic->function = &card->function;
	nic->device = &card->device;
	nic->control.port = &card->port;
	nic->control.mac = (const uint8_t *)card->state.ra;
	return e1000_init(card, &wires, err);
}

static int init_rtl8139(struct board_nic *nic, struct machine *machine, struct err *err)
{
	struct rtl8139 *card = &nic->chip.rtl8139;
	struct rtl8139_wires wires = {
		.bus = &machine->pci,
		.clock = &machine->clock,
		.ram = &machine->ram,
		.name = nic->name,
		.slot = nic->slot,
		.rom = rom_of(nic),
	};

	memcpy(wires.mac, nic->mac, NET_MAC_BYTES);
	nic->function = &card->function;
	nic->device = &card->device;
	nic->control.port = &card->port;
	nic->control.mac = card->state.regs + RTL8139_IDR;
	return rtl8139_init(card, &wires, err);
}

static int init_ne2000(struct board_nic *nic, struct machine *machine, struct err *err)
{
	struct ne2000 *card = &nic->chip.ne2000;
	struct ne2000_wires wires = {
		.bus = &machine->pci,
		.name = nic->name,
		.slot = nic->slot,
		.rom = rom_of(nic),
	};

	memcpy(wires.mac, nic->mac, NET_MAC_BYTES);
	nic->function = &card->function;
	nic->device = &card->device;
	nic->control.port = &card->port;
	nic->control.mac = nic->mac;
	return ne2000_init(card, &wires, err);
}

static const struct nic_model models[] = {
	{ "rtl8139", "pxe-rtl8139.rom", RTL8139_VENDOR, RTL8139_DEVICE, 0, init_rtl8139 },
	{ "ne2k_pci", "pxe-ne2k_pci.rom", NE2000_VENDOR, NE2000_DEVICE, 0, init_ne2000 },
	{ "e1000", "pxe-e1000.rom", E1000_VENDOR, E1000_82540EM, E1000_MODEL_82540EM, init_e1000 },
	{ "e1000-82544gc", "pxe-e1000.rom", E1000_VENDOR, E1000_82544GC_COPPER, E1000_MODEL_82544GC,
	  init_e1000 },
	{ "e1000-82545em", "pxe-e1000.rom", E1000_VENDOR, E1000_82545EM_COPPER, E1000_MODEL_82545EM,
	  init_e1000 },
};

static const struct nic_model *find_model(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(models); i++)
		if (strcmp(models[i].name, name) == 0)
			return &models[i];
	abort(); /* a row of the table of cards that is none here */
}

/* Option ROM */

/** PCI Firmware Specification 3.0, 5.1: the header of an image and its PCI data structure. */
enum rom_header {
	ROM_SIGNATURE = 0xaa55,
	ROM_SIZE = 2,    /* in 512 bytes */
	ROM_SPARE = 6,   /* a byte that iPXE leaves for the checksum */
	ROM_DATA = 0x18, /* where the data structure is */
	ROM_DATA_VENDOR = 4,
	ROM_DATA_DEVICE = 6,
	ROM_DATA_BYTES = 0x18,
	ROM_HEADER_BYTES = 0x1c,
};

static unsigned sum_of_ids(const uint8_t *data)
{
	unsigned sum = 0;

	for (unsigned i = ROM_DATA_VENDOR; i < ROM_DATA_DEVICE + 2; i++)
		sum += data[i];
	return sum;
}

/**
 * One iPXE image drives all cards of a family, but the BIOS runs it only for the card it names. In
 * our private copy it names this one; the checksum stays what it was.
 */
static int adapt_rom(struct board_nic *nic, struct err *err)
{
	uint8_t *rom = (uint8_t *)(uintptr_t)nic->rom.bytes, *data;
	size_t at, length = nic->rom.length;
	unsigned before, after;

	if (length < ROM_HEADER_BYTES || load_le16(rom) != ROM_SIGNATURE)
		return err_set(err, -EINVAL, "romfile= is no option ROM: 55 aa is missing");
	at = load_le16(rom + ROM_DATA);
	if (!range_fits(at, ROM_DATA_BYTES, length) || memcmp(rom + at, "PCIR", 4) != 0)
		return err_set(err, -EINVAL, "romfile= is no option ROM of a PCI card");
	data = rom + at;
	if (load_le16(data + ROM_DATA_VENDOR) == nic->model->vendor &&
	    load_le16(data + ROM_DATA_DEVICE) == nic->model->device)
		return 0;
	if (mprotect(rom, nic->rom.mapped, PROT_READ | PROT_WRITE) < 0)
		return err_set_errno(err, -errno, "cannot adapt the option ROM");
	before = sum_of_ids(data);
	store_le16(data + ROM_DATA_VENDOR, nic->model->vendor);
	store_le16(data + ROM_DATA_DEVICE, nic->model->device);
	after = sum_of_ids(data);
	rom[ROM_SPARE] = (uint8_t)(rom[ROM_SPARE] + before - after);
	mprotect(rom, nic->rom.mapped, PROT_READ);
	return 0;
}

static bool boots_from_network(const struct options *options, const struct board_nic *nic)
{
	return nic->boot_index >= 0 || (options->boot_order && strchr(options->boot_order, 'n')) ||
	       (options->boot_once && strchr(options->boot_once, 'n'));
}

/** The ROM that was asked for, or the model's if it is installed. */
static int map_rom(struct board_nic *nic, struct machine *machine, const char *file,
		   struct err *err)
{
	const char *name = file ? file : nic->model->rom;
	struct err ignored;
	int result;

	if (!*name)
		return 0;
	result = payload_map(&nic->rom, machine->options, name, file ? err : &ignored);
	if (result < 0 && file)
		return result;
	if (result < 0) {
		if (boots_from_network(machine->options, nic))
			log_warning("%s: there is no %s to boot from the network with (Debian: "
				    "apt install ipxe-qemu)",
				    nic->model->name, name);
		return 0;
	}
	io_window_init_direct(&nic->rom_window, "nic-rom", (void *)(uintptr_t)nic->rom.bytes,
			      nic->rom.mapped, true);
	return adapt_rom(nic, err);
}

/* Properties */

const char *const board_nic_properties[] = { "driver",    "netdev",  "mac", "bus", "addr",
					     "bootindex", "romfile", "id",  NULL };

/** A name for control: the device's id, or one by model and number. */
static void choose_name(struct board_nic *nic, const struct board *board, const char *id)
{
	unsigned number = 0;

	for (const struct board_nic *other = board->nics; other; other = other->next)
		number += other != nic && other->model == nic->model;
	if (id)
		snprintf(nic->name, sizeof(nic->name), "%s", id);
	else
		snprintf(nic->name, sizeof(nic->name), "%s.%u", nic->model->name, number);
}

static int read_properties(struct board_nic *nic, struct machine *machine, struct opts *opts,
			   struct err *err)
{
	const char *bus = opts_get_or(opts, "bus", "pci.0"), *addr = opts_get(opts, "addr");
	uint64_t boot_index = UINT64_MAX;
	int result = 0;

	nic->slot = -1;
	choose_name(nic, machine->board, opts_get(opts, "id"));
	if (strcmp(bus, "pci.0") != 0)
		result = err_set(err, -EINVAL, "bus=%s: the only bus is pci.0", bus);
	if (result == 0 && addr)
		result = board_parse_slot(addr, &nic->slot, err);
	if (result == 0)
		result = opts_get_number(opts, "bootindex", &boot_index, 0, BOOT_INDEX_MAX, err);
	nic->boot_index = boot_index == UINT64_MAX ? -1 : (int64_t)boot_index;
	if (result == 0)
		result = netdevs_choose_mac(machine, opts_get(opts, "mac"), nic->mac, err);
	return result == 0 ? map_rom(nic, machine, opts_get(opts, "romfile"), err) : result;
}

/* Life */

int board_nic_create(struct machine *machine, struct opts *opts, struct err *err)
{
	struct board_nic *nic = cards_alloc(machine, sizeof(*nic), err);
	const char *netdev = opts_get(opts, "netdev");
	int result;

	if (!nic)
		return -ENOMEM;
	nic->model = find_model(opts_get_or(opts, "driver", ""));
	nic->next = machine->board->nics;
	machine->board->nics = nic;
	result = read_properties(nic, machine, opts, err);
	if (result == 0)
		result = nic->model->init(nic, machine, err);
	if (result < 0)
		return result;
	device_add(&machine->devices, nic->device);
	nic->function->id = opts_get(opts, "id");
	nic->control.name = nic->name;
	nic->control.model = nic->model->name;
	netdevs_add_card(machine, &nic->control);
	return netdev ? netdevs_connect(machine, netdev, nic->control.port, err) : 0;
}

void board_nics_add_boot_paths(struct board *board)
{
	for (const struct board_nic *nic = board->nics; nic; nic = nic->next)
		if (nic->boot_index >= 0 && nic->function->bus)
			board_add_boot_path(board, nic->boot_index, "/pci@i0cf8/ethernet@%x",
					    nic->function->slot);
}

void board_nics_finish(struct board *board)
{
	for (struct board_nic *nic = board->nics; nic; nic = nic->next)
		payload_unmap(&nic->rom);
	board->nics = NULL;
}

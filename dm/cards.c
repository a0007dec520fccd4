// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/cards.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "base/trace.h"
#include "dm/board_internal.h"
#include "dm/cards_others.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "hw/isa_debug_exit.h"
#include "hw/pc_testdev.h"

/** What a card is allocated with; freed after all devices have been finished. */
struct card_memory {
	struct list_node node;
	max_align_t card[];
};

void *cards_alloc(struct machine *machine, size_t bytes, struct err *err)
{
	struct card_memory *memory = calloc(1, sizeof(*memory) + bytes);

	if (!memory) {
		err_set_errno(err, -ENOMEM, "cannot create the card");
		return NULL;
	}
	list_append(&machine->cards, &memory->node);
	return memory->card;
}

void cards_free(struct machine *machine)
{
	while (!list_is_empty(&machine->cards)) {
		struct card_memory *memory =
			container_of(machine->cards.next, struct card_memory, node);

		list_remove(&memory->node);
		free(memory);
	}
}

static const char *const debug_exit_properties[] = { "driver", "iobase", "iosize", "id", NULL };

static int create_debug_exit(struct machine *machine, struct opts *opts, struct err *err)
{
	struct isa_debug_exit *card = cards_alloc(machine, sizeof(*card), err);
	uint64_t base = ISA_DEBUG_EXIT_BASE, size = ISA_DEBUG_EXIT_SIZE;
	int result = card ? 0 : -ENOMEM;

	if (result == 0)
		result = opts_get_number(opts, "iobase", &base, 0, 0xffff, err);
	if (result == 0)
		result = opts_get_number(opts, "iosize", &size, 1, 8, err);
	if (result == 0)
		result = isa_debug_exit_init(card, &machine->ports, &machine->power, (uint16_t)base,
					     (unsigned)size, err);
	if (result == 0)
		device_add(&machine->devices, &card->device);
	return result;
}

static const char *const testdev_properties[] = { "driver", "id", NULL };

static int create_testdev(struct machine *machine, struct opts *opts, struct err *err)
{
	struct pc_testdev *card = cards_alloc(machine, sizeof(*card), err);
	struct pc_testdev_wires wires = { .ports = &machine->ports, .memory = &machine->memory };
	int result;

	(void)opts;
	if (!card)
		return -ENOMEM;
	for (unsigned gsi = 0; gsi < PC_TESTDEV_IRQS; gsi++)
		wires.irqs[gsi] = piix3_irq_input(&machine->board->isa, gsi);
	result = pc_testdev_init(card, &wires, err);
	if (result == 0)
		device_add(&machine->devices, &card->device);
	return result;
}

const struct card cards[] = {
	{ "isa-debug-exit", "a port that ends the program with a status (for tests)",
	  debug_exit_properties, create_debug_exit },
	{ "pc-testdev", "ports and memory that tests of processors use", testdev_properties,
	  create_testdev },
	{ "rtl8139", "Realtek RTL8139C+ fast Ethernet card, PCI 10ec:8139", board_nic_properties,
	  board_nic_create },
	{ "e1000", "Intel 82540EM gigabit Ethernet card, PCI 8086:100e", board_nic_properties,
	  board_nic_create },
	{ "e1000-82544gc", "Intel 82544GC gigabit Ethernet card, PCI 8086:100c",
	  board_nic_properties, board_nic_create },
	{ "e1000-82545em", "Intel 82545EM gigabit Ethernet card, PCI 8086:100f",
	  board_nic_properties, board_nic_create },
	{ "ne2k_pci", "NE2000 Ethernet card on PCI (RTL8029AS), PCI 10ec:8029",
	  board_nic_properties, board_nic_create },
	{ "VGA", "standard VGA with Bochs VBE modes, PCI 1234:1111", NULL, NULL },
	{ "cirrus-vga", "Cirrus Logic CL-GD5446, PCI 1013:00b8", NULL, NULL },
	{ "piix3-usb-uhci", "USB controller (UHCI) with two ports, PCI 8086:7020", NULL, NULL },
	{ "usb-ehci", "USB 2 controller (EHCI) with six ports, PCI 8086:24cd", NULL, NULL },
	{ "ich9-usb-ehci1", "USB 2 controller of the ICH9, PCI 8086:293a", NULL, NULL },
	{ "ich9-usb-uhci1",
	  "its first companion (-uhci2, -uhci3: the others), masterbus=, "
	  "firstport=",
	  NULL, NULL },
	{ "ich9-usb-uhci2", "its second companion", NULL, NULL },
	{ "ich9-usb-uhci3", "its third companion", NULL, NULL },
	{ "usb-tablet", "absolute pointer on USB, with its controller", NULL, NULL },
	{ "usb-mouse", "mouse on USB, with its controller", NULL, NULL },
	{ "usb-kbd", "keyboard on USB, with its controller", NULL, NULL },
	{ "usb-hub", "hub with eight ports on USB, full speed", NULL, NULL },
	{ "usb-storage", "disk or CD-ROM on USB: drive=, removable=, bootindex=", NULL, NULL },
	{ "ahci", "SATA adapter (AHCI, ICH9) with six ports, PCI 8086:2922", board_ahci_properties,
	  board_ahci_create },
	{ "ich9-ahci", "the same", board_ahci_properties, board_ahci_create },
	{ "ide-hd", "ATA disk on ide.0 or ide.1, or on a port of ahci (bus=ID.0 to ID.5)", NULL,
	  NULL },
	{ "ide-cd", "ATAPI CD-ROM on the same", NULL, NULL },
	{ "floppy", "floppy drive, with its 82077AA controller", NULL, NULL },
	{ "ide-drive", "ATA disk or ATAPI CD-ROM, by its drive's media=", NULL, NULL },
	{ NULL, NULL, NULL, NULL },
};

const struct card *cards_find(const char *name, struct err *err)
{
	const char *names[64], *nearest;
	size_t count = 0;

	for (const struct card *card = cards; card->name; card++) {
		if (strcmp(card->name, name) == 0)
			return card;
		names[count++] = card->name;
	}
	names[count] = NULL;
	nearest = err_nearest_word(name, names);
	if (cards_advice(name))
		err_set(err, -ENOTSUP, "no device '%s': %s", name, cards_advice(name));
	else if (nearest)
		err_set(err, -EINVAL, "unknown device '%s', did you mean '%s'? (-device help)",
			name, nearest);
	else
		err_set(err, -EINVAL, "unknown device '%s' (-device help)", name);
	return NULL;
}

int cards_check_names(const struct options *options, struct err *err)
{
	for (size_t i = 0; i < options->devices.count; i++)
		if (!cards_find(opts_get_or(&options->devices.items[i], "driver", ""), err))
			return -EINVAL;
	return 0;
}

int cards_create_all(struct machine *machine, struct err *err)
{
	for (size_t i = 0; i < machine->options->devices.count; i++) {
		struct opts *device = &machine->options->devices.items[i];
		const char *name = opts_get_or(device, "driver", "");
		const struct card *card = cards_find(name, err);

		if (!card)
			return -EINVAL;
		if (!card->create)
			continue;
		opts_get(device, "driver");
		opts_get(device, "id");
		if (card->create(machine, device, err) < 0 ||
		    opts_check_unused(device, card->properties, err) < 0) {
			err_prefix(err, "-device %s", name);
			return -EINVAL;
		}
	}
	return 0;
}

void cards_print_help(void)
{
	for (const struct card *card = cards; card->name; card++)
		printf("%-20s %s\n", card->name, card->summary);
}

static void print_point(const struct trace_point *point, void *opaque)
{
	const char **last = opaque;

	if (*last && strcmp(*last, point->name) == 0)
		return;
	puts(point->name);
	*last = point->name;
}

void cards_print_trace_points(void)
{
	const char *last = NULL;

	trace_for_each(print_point, &last);
}

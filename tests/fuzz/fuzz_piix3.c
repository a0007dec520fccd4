// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/piix3.h"
#include "tests/fuzz/chip_fuzz.h"

enum {
	CARDS = 4,
};

struct board {
	struct piix3 bridge;
	struct irq_line *isa;
	struct i440fx_byte_port reset_control;
	struct pci_function cards[CARDS];
	struct pci_state states[CARDS];
};

static const struct chip_ports ports[] = { { 0x4d0, 2 } };

/* A card's or an ISA device's wire, a card's command register, or the reset control register. */
static void drive(void *opaque, struct chip_input *input, uint8_t op)
{
	struct board *board = opaque;
	struct pci_function *card = &board->cards[(op >> 3) % CARDS];

	switch (op & 3) {
	case 0:
		pci_set_intx(card, (op & 4) != 0);
		break;
	case 1:
		irq_set(board->isa, (op & 4) != 0);
		break;
	case 2:
		pci_config_write(card, PCI_COMMAND, chip_take_value(input, 2), 2);
		break;
	default:
		board->reset_control.write(board->reset_control.opaque, chip_take(input));
		break;
	}
}

/* No line may be high without a source, none low with one. */
static void check_lines(const struct board *board, const struct chip_bench *bench)
{
	uint32_t expected = board->isa->level ? BIT(11) : 0;

	for (unsigned i = 0; i < CARDS; i++) {
		const struct pci_function *card = &board->cards[i];
		unsigned sum = card->slot + card->identity.interrupt_pin - 1u;
		unsigned irq = piix3_link_irq(&board->bridge, sum % PIIX3_LINKS);

		if (!board->states[i].intx_level ||
		    (pci_config_peek(card, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE))
			continue;
		expected |= BIT(PIIX3_ISA_IRQS + sum % PIIX3_PCI_GSIS) | (irq ? BIT(irq) : 0);
	}
	if (bench->gsi_levels != expected)
		abort();
}

static void plug_cards(struct board *board, struct chip_bench *bench)
{
	static const uint8_t places[CARDS][3] = {
		{ 3, 0, 1 }, { 3, 1, 1 }, { 7, 0, 2 }, { 31, 7, 4 }
	};

	for (unsigned i = 0; i < CARDS; i++) {
		const struct pci_identity identity = { .name = "card",
						       .interrupt_pin = places[i][2] };

		pci_function_init(&board->cards[i], &board->states[i], &identity, NULL, 0, NULL);
		if (pci_bus_plug(&bench->bus, &board->cards[i], places[i][0], places[i][1], NULL) <
		    0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct board board;
	struct pci_intx_sink sink = piix3_intx_sink(&board.bridge);
	struct chip_bench *bench = bench_create(&sink);
	const struct piix3_wires wires = {
		.bus = &bench->bus,
		.ports = &bench->ports,
		.power = &bench->power,
		.gsis = bench->gsis,
		.has_elcr = true,
	};
	struct chip_fuzz fuzz = {
		bench, &board.bridge.device, ports, ARRAY_SIZE(ports), 1 << 3, drive, &board
	};

	if (piix3_init(&board.bridge, &wires, NULL) < 0)
		abort();
	board.isa = piix3_irq_input(&board.bridge, 11);
	board.reset_control = piix3_reset_control(&board.bridge);
	plug_cards(&board, bench);
	chip_run(&fuzz, data, size);
	check_lines(&board, bench);
	for (unsigned i = 0; i < CARDS; i++)
		pci_bus_unplug(&board.cards[i]);
	board.bridge.device.class->finish(&board.bridge);
	bench_destroy(bench);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel 82371SB (PIIX3) PCI-to-ISA bridge: PCI function 00:01.0, the interrupt router of the board,
 * the edge/level registers and the reset control register. IDE (function 1) and the PIIX4's power
 * management (function 3) are files of their own.
 *
 * Interrupts. Every ISA IRQ is a wire shared by the ISA devices on it (piix3_irq_input gives each
 * its own end) and by the PCI interrupts that the guest routes to it. A PCI interrupt pin (slot,
 * pin) leads
 *   - to PIRQ link (slot + pin + rotation) mod 4, as the board is wired, and from there to the ISA
 * IRQ in its register;
 *   - to global interrupt 16 + (slot + pin) mod 8, for guests that use the I/O APIC.
 *
 * Not modelled: the SMI, DMA-routing and chip-select registers keep their values without effect;
 * the interrupt controllers themselves are the hypervisor core's.
 */
#pragma once

#include "bus/device.h"
#include "bus/pci_bus.h"
#include "bus/power.h"
#include "hw/i440fx.h"

struct err;

enum {
	PIIX3_ISA_IRQS = 16,
	PIIX3_PCI_GSIS = 8,
	PIIX3_GSIS = PIIX3_ISA_IRQS + PIIX3_PCI_GSIS,
	PIIX3_LINKS = 4,
	PIIX3_PINS = 4,        /* INTA to INTD */
	PIIX3_IRQ_INPUTS = 16, /* sharing one wire; the first is the router's */
};

/** What the chip is wired to; all is borrowed, the struct itself is copied. */
struct piix3_wires {
	struct pci_bus *bus; /* the chip plugs itself in as 00:01.0 */
	struct io_space *ports;
	struct power *power;
	struct irq_line *gsis; /* PIIX3_GSIS wires: 16 ISA IRQs, then the PCI ones */
	/**
	 * If the hypervisor core routes PCI interrupts: told of each change of a link's ISA IRQ, 0
	 * for none. The power-on state, no routes, is not told. NULL: the chip routes.
	 */
	void (*set_link)(void *opaque, unsigned link, unsigned isa_irq);
	void *link_opaque;
	/** INTx pin p of slot s is wired to link (s + p + link_rotation) mod 4; 0 to 3. */
	uint8_t link_rotation;
	bool has_elcr; /* ports 0x4d0 and 0x4d1 are not the core's */
};

struct piix3_state {
	struct pci_state pci;
	uint8_t elcr[2];
	uint8_t reset_control;
};
extern const struct state_table piix3_state_table;

struct piix3 {
	struct device device;
	struct piix3_state state;
	struct pci_function function;
	struct io_window elcr;
	struct piix3_wires wires;
	struct irq_share shares[PIIX3_GSIS];
	struct irq_line inputs[PIIX3_GSIS][PIIX3_IRQ_INPUTS];
	uint8_t inputs_used[PIIX3_GSIS];
	uint8_t pins[PCI_SLOT_COUNT];      /* levels on the bus, bit 0 is INTA */
	uint8_t sum_count[PIIX3_PCI_GSIS]; /* asserted pins by (slot + pin) mod 8 */
	uint8_t told_routes[PIIX3_LINKS];  /* what the core knows */
};

/** Power-on state, plugged and mapped. 0, or -errno and a sentence. */
int piix3_init(struct piix3 *bridge, const struct piix3_wires *wires, struct err *err);

/** Where the PCI bus drives INTx to; may be asked for before piix3_init, used only after it. */
struct pci_intx_sink piix3_intx_sink(struct piix3 *bridge);

/**
 * A new end of a wire, for one device: of ISA IRQ 0 to 15, or of global interrupt 16 to 23, which
 * PCI shares. At most 15 a wire.
 */
struct irq_line *piix3_irq_input(struct piix3 *bridge, unsigned gsi);

/** The reset control register, for the host bridge, in whose ports it lies. May be asked for before
 * piix3_init. */
struct i440fx_byte_port piix3_reset_control(struct piix3 *bridge);

/** The ISA IRQ that link 0 to 3 is routed to, 0 if none. */
unsigned piix3_link_irq(const struct piix3 *bridge, unsigned link);

// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/piix3.h"

#include <assert.h>
#include <errno.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"
#include "hw/piix3_regs.h"

static const struct pci_identity piix3_identity = {
	.name = "ISA bridge",
	.vendor = 0x8086,
	.device = 0x7000,
	.class = PCI_CLASS_ISA_BRIDGE,
};

/* Section 2.2: reset value, writable bits, bits cleared by writing one. */
static const struct reg_row piix3_rows[] = {
	{ "PCICMD", PCI_COMMAND, 2, 0x0007, 0x0108, 0 },
	{ "PCISTS", PCI_STATUS, 2, 0x0280, 0, 0x7800 },
	{ "HEDT", PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION, 0, 0 },
	{ "IORT", PIIX3_IORT, 1, 0x4d, 0xff, 0 },
	{ "XBCS", PIIX3_XBCS, 2, 0x0003, 0x01f7, 0 },
	{ "PIRQRC", PIIX3_PIRQRC, 4, 0x80808080, 0x8f8f8f8f, 0 },
	{ "TOM", PIIX3_TOM, 1, 0x02, 0xfe, 0 },
	{ "MSTAT", PIIX3_MSTAT, 2, 0x0000, 0x00d1, 0x8000 },
	{ "MBIRQ0", PIIX3_MBIRQ0, 1, 0x80, 0xef, 0 },
	{ "MBDMA0", PIIX3_MBDMA0, 1, 0x04, 0x87, 0 },
	{ "MBDMA1", PIIX3_MBDMA1, 1, 0x04, 0x87, 0 },
	{ "PCSC", PIIX3_PCSC, 2, 0x0002, 0xffff, 0 },
	{ "APICBASE", PIIX3_APICBASE, 1, 0x00, 0x7f, 0 },
	{ "DLC", PIIX3_DLC, 1, 0x00, 0x0f, 0 },
	{ "SMICNTL", PIIX3_SMICNTL, 1, 0x08, 0x1f, 0 },
	{ "SMIEN", PIIX3_SMIEN, 2, 0x0000, 0x01ff, 0 },
	{ "SEE", PIIX3_SEE, 4, 0, 0xeffffffb, 0 },
	{ "FTMR", PIIX3_FTMR, 1, 0x0f, 0xff, 0 },
	{ "CTLTMRL", PIIX3_CTLTMRL, 1, 0x00, 0xff, 0 },
	{ "CTLTMRH", PIIX3_CTLTMRH, 1, 0x00, 0xff, 0 },
};

static const struct state_field piix3_fields[] = {
	STATE_STRUCT(struct piix3_state, pci, &pci_state_table),
	STATE_ARRAY(struct piix3_state, elcr),
	STATE_INT(struct piix3_state, reset_control),
};
STATE_TABLE(piix3_state_table, piix3_state, piix3_fields);

/* --- Interrupt routing --- */

unsigned piix3_link_irq(const struct piix3 *bridge, unsigned link)
{
	uint8_t route = bridge->state.pci.config[PIIX3_PIRQRC + link % PIIX3_LINKS];
	unsigned irq = route & PIRQRC_IRQ;

	if ((route & PIRQRC_DISABLED) || !(PIRQRC_ROUTABLE_IRQS & BIT(irq)))
		return 0;
	return irq;
}

/* A link gathers the sums that are equal modulo 4. */
static bool piix3_link_level(const struct piix3 *bridge, unsigned link)
{
	unsigned sum = (link + PIIX3_LINKS - bridge->wires.link_rotation) % PIIX3_LINKS;

	return (bridge->sum_count[sum] | bridge->sum_count[sum + PIIX3_LINKS]) != 0;
}

/* Drives the router's end of each ISA IRQ by links and routes. */
static void piix3_drive_isa(struct piix3 *bridge)
{
	uint32_t asserted = 0;

	if (bridge->wires.set_link)
		return;
	for (unsigned link = 0; link < PIIX3_LINKS; link++)
		if (piix3_link_level(bridge, link))
			asserted |= BIT(piix3_link_irq(bridge, link));
	for (unsigned irq = 1; irq < PIIX3_ISA_IRQS; irq++)
		irq_set(&bridge->inputs[irq][0], (asserted & BIT(irq)) != 0);
}

static void piix3_drive_gsis(struct piix3 *bridge)
{
	if (bridge->wires.set_link)
		return;
	for (unsigned i = 0; i < PIIX3_PCI_GSIS; i++)
		irq_set(&bridge->inputs[PIIX3_ISA_IRQS + i][0], bridge->sum_count[i] != 0);
}

/* Functions of a slot may share a pin: it is high while any of them asserts it. */
static bool piix3_pin_level(const struct piix3 *bridge, unsigned slot, unsigned pin)
{
	for (unsigned i = 0; i < PCI_FUNCTION_COUNT; i++) {
		const struct pci_function *function = bridge->wires.bus->functions[slot][i];

		if (function && function->identity.interrupt_pin == pin + 1 &&
		    function->state->intx_level &&
		    !(pci_config_peek(function, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE))
			return true;
	}
	return false;
}

/* True if the level of the pin is not what it was. */
static bool piix3_update_pin(struct piix3 *bridge, unsigned slot, unsigned pin)
{
	bool level = piix3_pin_level(bridge, slot, pin);
	uint8_t *count = &bridge->sum_count[(slot + pin) % PIIX3_PCI_GSIS];

	if (level == ((bridge->pins[slot] & BIT(pin)) != 0))
		return false;
	bridge->pins[slot] ^= (uint8_t)BIT(pin);
	*count = (uint8_t)(level ? *count + 1 : *count - 1);
	return true;
}

static void piix3_set_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	struct piix3 *bridge = opaque;

	TRACE(piix3, intx, "slot %u pin %u level %d", slot, pin, level);
	if (!piix3_update_pin(bridge, slot % PCI_SLOT_COUNT, pin % PIIX3_PINS))
		return;
	piix3_drive_gsis(bridge);
	piix3_drive_isa(bridge);
}

struct pci_intx_sink piix3_intx_sink(struct piix3 *bridge)
{
	return (struct pci_intx_sink){ .opaque = bridge, .set = piix3_set_intx };
}

struct irq_line *piix3_irq_input(struct piix3 *bridge, unsigned gsi)
{
	unsigned input;

	assert(gsi < PIIX3_GSIS && bridge->inputs_used[gsi] < PIIX3_IRQ_INPUTS);
	input = bridge->inputs_used[gsi]++;
	irq_share_connect(&bridge->shares[gsi], &bridge->inputs[gsi][input], input);
	return &bridge->inputs[gsi][input];
}

/* After a change of routes. */
static void piix3_apply_routes(struct piix3 *bridge)
{
	piix3_drive_isa(bridge);
	if (!bridge->wires.set_link)
		return;
	for (unsigned link = 0; link < PIIX3_LINKS; link++) {
		unsigned irq = piix3_link_irq(bridge, link);

		if (bridge->told_routes[link] == irq)
			continue;
		bridge->told_routes[link] = (uint8_t)irq;
		bridge->wires.set_link(bridge->wires.link_opaque, link, irq);
	}
}

static void piix3_config_written(void *opaque, unsigned offset, unsigned size)
{
	(void)offset;
	(void)size;
	piix3_apply_routes(opaque);
}

/* --- Ports --- */

static uint8_t piix3_read_reset_control(void *opaque)
{
	const struct piix3 *bridge = opaque;

	return bridge->state.reset_control;
}

static void piix3_write_reset_control(void *opaque, uint8_t value)
{
	struct piix3 *bridge = opaque;
	bool rises = (value & ~bridge->state.reset_control & RC_RESET_CPU) != 0;

	bridge->state.reset_control = value & RC_WRITABLE;
	if (rises)
		power_request(bridge->wires.power, POWER_RESET, "port-cf9");
}

struct i440fx_byte_port piix3_reset_control(struct piix3 *bridge)
{
	return (struct i440fx_byte_port){
		.opaque = bridge,
		.read = piix3_read_reset_control,
		.write = piix3_write_reset_control,
	};
}

static uint64_t piix3_read_elcr(void *opaque, uint64_t offset, unsigned size)
{
	const struct piix3 *bridge = opaque;

	(void)size;
	return bridge->state.elcr[offset];
}

static void piix3_write_elcr(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct piix3 *bridge = opaque;

	(void)size;
	bridge->state.elcr[offset] =
		(uint8_t)(value & (offset == 0 ? ELCR1_WRITABLE : ELCR2_WRITABLE));
}

static const struct io_ops piix3_elcr_ops = {
	.read = piix3_read_elcr,
	.write = piix3_write_elcr,
	.peek = piix3_read_elcr,
	.max_size = 1,
};

/* --- Life --- */

/* The levels on the bus are the functions', so they stay. */
static void piix3_reset(void *self)
{
	struct piix3 *bridge = self;

	pci_function_reset(&bridge->function);
	bridge->state.elcr[0] = bridge->state.elcr[1] = 0;
	bridge->state.reset_control = 0;
	piix3_apply_routes(bridge);
}

/* The wires are not saved: their levels follow from the states of the functions. */
static void piix3_redrive(struct piix3 *bridge)
{
	for (unsigned slot = 0; slot < PCI_SLOT_COUNT; slot++)
		for (unsigned pin = 0; pin < PIIX3_PINS; pin++)
			piix3_update_pin(bridge, slot, pin);
	piix3_drive_gsis(bridge);
	piix3_apply_routes(bridge);
	for (unsigned i = 0; i < PIIX3_GSIS; i++)
		irq_refresh(&bridge->wires.gsis[i]);
}

static int piix3_after_load(void *self, struct err *err)
{
	struct piix3 *bridge = self;
	const struct piix3_state *state = &bridge->state;

	if ((state->elcr[0] & ~ELCR1_WRITABLE) || (state->elcr[1] & ~ELCR2_WRITABLE) ||
	    (state->reset_control & ~RC_WRITABLE))
		return err_set(err, -EINVAL, "the ISA bridge's registers have reserved bits set");
	pci_function_update(&bridge->function);
	piix3_redrive(bridge);
	return 0;
}

static void piix3_finish(void *self)
{
	struct piix3 *bridge = self;

	io_unmap(&bridge->elcr);
	pci_bus_unplug(&bridge->function);
}

static const struct device_class piix3_class = {
	.name = "piix3",
	.reset = piix3_reset,
	.table = &piix3_state_table,
	.state_offset = offsetof(struct piix3, state),
	.version = 1,
	.after_load = piix3_after_load,
	.finish = piix3_finish,
};

int piix3_init(struct piix3 *bridge, const struct piix3_wires *wires, struct err *err)
{
	int rc;

	*bridge = (struct piix3){ .wires = *wires };
	device_init(&bridge->device, &piix3_class, bridge);
	for (unsigned gsi = 0; gsi < PIIX3_GSIS; gsi++) {
		irq_share_init(&bridge->shares[gsi], &wires->gsis[gsi]);
		(void)piix3_irq_input(bridge, gsi); /* the router's end */
	}
	pci_function_init(&bridge->function, &bridge->state.pci, &piix3_identity, piix3_rows,
			  ARRAY_SIZE(piix3_rows), bridge);
	bridge->function.config_written = piix3_config_written;
	io_window_init(&bridge->elcr, "elcr", &piix3_elcr_ops, bridge, PIIX3_ELCR_COUNT);
	rc = pci_bus_plug(wires->bus, &bridge->function, 1, 0, err);
	if (rc < 0 || !wires->has_elcr)
		return rc;
	rc = io_map(wires->ports, &bridge->elcr, PIIX3_ELCR_PORT);
	if (rc < 0) {
		pci_bus_unplug(&bridge->function);
		return err_set_errno(err, rc, "cannot map the edge/level registers");
	}
	return 0;
}

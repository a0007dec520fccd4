// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/pci.h"

#include <assert.h>
#include <errno.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "bus/pci_bus.h"

static const struct state_field pci_state_fields[] = {
	STATE_ARRAY(struct pci_state, config),
	STATE_INT(struct pci_state, intx_level),
};
STATE_TABLE(pci_state_table, pci_state, pci_state_fields);

/* The header registers that software can change; PCI 2.2, 6.2. */
static const struct reg_row header_rows[] = {
	{ "command", PCI_COMMAND, 2, 0,
	  PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |
		  PCI_COMMAND_SERR | PCI_COMMAND_INTX_DISABLE,
	  0 },
	{ "status", PCI_STATUS, 2, PCI_STATUS_FAST_BACK | PCI_STATUS_DEVSEL_MEDIUM, 0,
	  PCI_STATUS_SIG_TARGET_ABORT | PCI_STATUS_REC_TARGET_ABORT | PCI_STATUS_REC_MASTER_ABORT |
		  PCI_STATUS_SIG_SYSTEM_ERROR | PCI_STATUS_DETECTED_PARITY },
	{ "cache line size", PCI_CACHE_LINE_SIZE, 1, 0, 0xff, 0 },
	{ "latency timer", PCI_LATENCY_TIMER, 1, 0, 0xff, 0 },
	{ "interrupt line", PCI_INTERRUPT_LINE, 1, 0, 0xff, 0 },
};

static const struct pci_identity no_subsystem = { .subsystem_vendor = 0x1af4, .subsystem = 0x1100 };

static unsigned bar_register(unsigned index)
{
	return index == PCI_ROM_BAR ? PCI_ROM_ADDRESS : PCI_BASE_ADDRESS_0 + 4 * index;
}

static void write_identity(struct pci_function *function)
{
	const struct pci_identity *identity = &function->identity;
	uint8_t *config = function->config.bytes;

	store_le16(config + PCI_VENDOR_ID, identity->vendor);
	store_le16(config + PCI_DEVICE_ID, identity->device);
	config[PCI_REVISION_ID] = identity->revision;
	config[PCI_CLASS_PROG] = identity->prog_if;
	store_le16(config + PCI_CLASS_DEVICE, identity->class);
	store_le16(config + PCI_SUBSYSTEM_VENDOR_ID, identity->subsystem_vendor);
	store_le16(config + PCI_SUBSYSTEM_ID, identity->subsystem);
	config[PCI_INTERRUPT_PIN] = identity->interrupt_pin;
}

void pci_function_init(struct pci_function *function, struct pci_state *state,
		       const struct pci_identity *identity, const struct reg_row *rows,
		       size_t row_count, void *opaque)
{
	*function = (struct pci_function){
		.state = state,
		.identity = *identity,
		.rows = rows,
		.row_count = row_count,
		.opaque = opaque,
	};
	*state = (struct pci_state){ 0 };
	if (!identity->subsystem_vendor) {
		function->identity.subsystem_vendor = no_subsystem.subsystem_vendor;
		function->identity.subsystem = no_subsystem.subsystem;
	}
	function->config = (struct reg_file){ state->config, function->writable,
					      function->clear_on_one, PCI_CONFIG_SIZE };
	regs_define(&function->config, header_rows, ARRAY_SIZE(header_rows));
	regs_define(&function->config, rows, row_count);
	write_identity(function);
}

void pci_function_set_bar(struct pci_function *function, unsigned index, struct io_window *window,
			  unsigned flags)
{
	unsigned offset = bar_register(index);

	assert(index <= PCI_ROM_BAR && is_power_of_two(window->size) && window->size >= 16);
	assert(window->size <= BIT(31));
	function->bars[index] = (struct pci_bar){ window, (flags & PCI_BAR_IO) != 0, false };
	store_le32(function->writable + offset,
		   (uint32_t)(0 - window->size) | (index == PCI_ROM_BAR ? PCI_ROM_ENABLE : 0u));
	pci_config_poke(function, offset, flags, 4);
}

/** Where the registers put a BAR; false if it is not decoded. */
static bool bar_is_decoded(const struct pci_function *function, unsigned index, uint64_t *base)
{
	const struct pci_bar *bar = &function->bars[index];
	uint32_t value = load_le32(function->config.bytes + bar_register(index));
	uint16_t command = load_le16(function->config.bytes + PCI_COMMAND);

	*base = value & ~(uint32_t)(bar->window->size - 1);
	if (index == PCI_ROM_BAR && !(value & PCI_ROM_ENABLE))
		return false;
	if (!(command & (bar->is_io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)))
		return false;
	/* Address 0 is what an unassigned BAR holds, the top what one being sized holds. */
	return *base != 0 && *base + bar->window->size <= UINT32_MAX;
}

/** Moves one BAR's window to where the registers say; true if it left a place. */
static bool update_bar(struct pci_function *function, unsigned index)
{
	struct pci_bar *bar = &function->bars[index];
	struct io_space *space = bar->is_io ? function->bus->ports : function->bus->memory;
	bool left = false, decoded;
	uint64_t base;

	decoded = bar_is_decoded(function, index, &base);
	if (bar->window->space && (!decoded || bar->window->base != base)) {
		io_unmap(bar->window);
		left = true;
	}
	bar->waiting = false;
	if (decoded && !bar->window->space) {
		int result = io_map(space, bar->window, base);

		bar->waiting = result == -EEXIST;
		TRACE(pci, map_bar, "%s bar %u at %llx: %d", function->identity.name, index,
		      (unsigned long long)base, result);
	}
	return left;
}

static void drive_intx(struct pci_function *function)
{
	uint16_t command = load_le16(function->config.bytes + PCI_COMMAND);
	bool level = function->state->intx_level && !(command & PCI_COMMAND_INTX_DISABLE);
	struct pci_bus *bus = function->bus;

	if (bus && bus->intx.set && function->identity.interrupt_pin)
		bus->intx.set(bus->intx.opaque, function->slot,
			      function->identity.interrupt_pin - 1u, level);
}

void pci_function_update(struct pci_function *function)
{
	bool left = false;

	if (!function->bus)
		return;
	for (unsigned i = 0; i <= PCI_BAR_COUNT; i++)
		if (function->bars[i].window)
			left |= update_bar(function, i);
	if (left)
		pci_bus_settle(function->bus);
	drive_intx(function);
}

void pci_function_reset(struct pci_function *function)
{
	regs_reset(&function->config, header_rows, ARRAY_SIZE(header_rows));
	regs_reset(&function->config, function->rows, function->row_count);
	write_identity(function);
	for (unsigned i = 0; i <= PCI_BAR_COUNT; i++) {
		unsigned offset = bar_register(i);
		uint32_t value = load_le32(function->config.bytes + offset);

		if (function->bars[i].window)
			store_le32(function->config.bytes + offset,
				   value & ~load_le32(function->writable + offset));
	}
	pci_function_update(function);
	pci_set_intx(function, false);
}

uint32_t pci_config_read(struct pci_function *function, unsigned offset, unsigned size)
{
	return (uint32_t)regs_read(&function->config, offset, size);
}

void pci_config_write(struct pci_function *function, unsigned offset, uint32_t value, unsigned size)
{
	regs_write(&function->config, offset, value, size);
	if (offset < PCI_ROM_ADDRESS + 4)
		pci_function_update(function);
	if (offset <= PCI_COMMAND + 1 && offset + size > PCI_COMMAND)
		drive_intx(function);
	if (function->config_written)
		function->config_written(function->opaque, offset, size);
}

void pci_config_poke(struct pci_function *function, unsigned offset, uint32_t value, unsigned size)
{
	assert(offset + size <= PCI_CONFIG_SIZE);
	store_le(function->config.bytes + offset, size, value);
}

uint32_t pci_config_peek(const struct pci_function *function, unsigned offset, unsigned size)
{
	return (uint32_t)regs_read(&function->config, offset, size);
}

void pci_set_intx(struct pci_function *function, bool level)
{
	uint16_t status = load_le16(function->config.bytes + PCI_STATUS);

	function->state->intx_level = level;
	status = (uint16_t)(level ? status | PCI_STATUS_INTERRUPT : status & ~PCI_STATUS_INTERRUPT);
	store_le16(function->config.bytes + PCI_STATUS, status);
	drive_intx(function);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/i440fx.h"

#include <errno.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"
#include "hw/i440fx_regs.h"

static const struct pci_identity i440fx_identity = {
	.name = "Host bridge",
	.vendor = 0x8086,
	.device = 0x1237,
	.class = PCI_CLASS_HOST_BRIDGE,
	.revision = 2,
};

/* Section 3.2: reset value, writable bits, bits cleared by writing one. The row boundaries depend
 * on the RAM. */
static const struct reg_row i440fx_rows[] = {
	{ "PCICMD", PCI_COMMAND, 2, 0x0006, 0x0142, 0 },
	{ "PCISTS", PCI_STATUS, 2, 0x0280, 0, 0xf900 },
	{ "MLT", PCI_LATENCY_TIMER, 1, 0x00, 0xf8, 0 },
	{ "PMCCFG", I440FX_PMCCFG, 2, 0x0000, 0xc374, 0 },
	{ "DETURBO", I440FX_DETURBO, 1, 0x00, 0xff, 0 },
	{ "DBC", I440FX_DBC, 1, 0x80, 0x00, 0 },
	{ "AXC", I440FX_AXC, 1, 0x00, 0x82, 0 },
	{ "DRT", I440FX_DRT, 2, 0x0000, 0xffff, 0 },
	{ "DRAMC", I440FX_DRAMC, 1, 0x01, 0x77, 0 },
	{ "DRAMT", I440FX_DRAMT, 1, 0x10, 0x7f, 0 },
	{ "PAM0", I440FX_PAM0, 1, 0x00, 0x30, 0 },
	{ "PAM1", 0x5a, 1, 0x00, PAM_WRITABLE, 0 },
	{ "PAM2", 0x5b, 1, 0x00, PAM_WRITABLE, 0 },
	{ "PAM3", 0x5c, 1, 0x00, PAM_WRITABLE, 0 },
	{ "PAM4", 0x5d, 1, 0x00, PAM_WRITABLE, 0 },
	{ "PAM5", 0x5e, 1, 0x00, PAM_WRITABLE, 0 },
	{ "PAM6", 0x5f, 1, 0x00, PAM_WRITABLE, 0 },
	{ "DRB0-3", 0x60, 4, 0, 0xffffffff, 0 },
	{ "DRB4-7", 0x64, 4, 0, 0xffffffff, 0 },
	{ "FDHC", I440FX_FDHC, 1, 0x00, 0xc0, 0 },
	{ "MTT", I440FX_MTT, 1, 0x00, 0xf8, 0 },
	{ "CLT", I440FX_CLT, 1, 0x10, 0x1f, 0 },
	{ "SMRAM", I440FX_SMRAM, 1, SMRAM_C_BASE_SEG, SMRAM_WRITABLE, 0 },
	{ "ERRCMD", I440FX_ERRCMD, 1, 0x00, 0x1b, 0 },
	{ "ERRSTS", I440FX_ERRSTS, 1, 0x00, 0x00, 0x11 },
	{ "TRC", I440FX_TRC, 1, 0x00, 0x0f, 0 },
};

static const struct state_field i440fx_fields[] = {
	STATE_STRUCT(struct i440fx_state, pci, &pci_state_table),
	STATE_ARRAY(struct i440fx_state, reserved),
	STATE_INT(struct i440fx_state, config_address),
};
STATE_TABLE(i440fx_state_table, i440fx_state, i440fx_fields);

/* --- Attribute maps --- */

/* Segment 0 is the high half of PAM0; from PAM1 on, each register has the lower segment in its low
 * half. */
static uint8_t i440fx_pam_field(const struct i440fx *bridge, unsigned segment)
{
	unsigned half = segment + 1;
	uint8_t pam = bridge->state.pci.config[I440FX_PAM0 + half / 2];

	return (pam >> (half % 2 * PAM_FIELD_BITS)) & (PAM_READ_ENABLE | PAM_WRITE_ENABLE);
}

static void i440fx_tell_pam(struct i440fx *bridge)
{
	for (unsigned i = 0; i < I440FX_PAM_SEGMENTS; i++) {
		uint8_t field = i440fx_pam_field(bridge, i);
		uint64_t base = i == 0 ? 0xf0000 : 0xc0000 + 0x4000 * (uint64_t)(i - 1);

		if (field == bridge->pam_told[i])
			continue;
		bridge->pam_told[i] = field;
		TRACE(i440fx, pam, "segment %u base %05llx field %x", i, (unsigned long long)base,
		      field);
		if (bridge->wires.pam_changed)
			bridge->wires.pam_changed(
				bridge->wires.pam_opaque, i, base, i == 0 ? 0x10000 : 0x4000,
				(field & PAM_READ_ENABLE) != 0, (field & PAM_WRITE_ENABLE) != 0);
	}
}

/* --- Configuration space --- */

/* What the firmware would have found out: rows filled from the first on, the last one showing all
 * that is left. */
static void i440fx_show_ram(struct i440fx *bridge)
{
	for (unsigned i = 0; i < I440FX_DRB_COUNT; i++) {
		uint64_t limit = i + 1 < I440FX_DRB_COUNT ? (uint64_t)I440FX_DRB_ROW_BYTES * (i + 1)
							  : UINT64_MAX;
		uint64_t end = min_u64(bridge->wires.ram_bytes, limit) / I440FX_DRB_UNIT_BYTES;

		pci_config_poke(&bridge->function, I440FX_DRB0 + i, (uint32_t)min_u64(end, 0xff),
				1);
	}
}

/* D_LCK freezes the register but for D_CLS, and closes SMRAM. */
static void i440fx_apply_smram_lock(struct i440fx *bridge)
{
	uint8_t *smram = &bridge->state.pci.config[I440FX_SMRAM];
	bool locked = (*smram & SMRAM_D_LOCK) != 0;

	if (locked)
		*smram = (uint8_t)(*smram & ~SMRAM_D_OPEN);
	bridge->function.writable[I440FX_SMRAM] = locked ? SMRAM_D_CLOSED : SMRAM_WRITABLE;
}

static void i440fx_config_written(void *opaque, unsigned offset, unsigned size)
{
	struct i440fx *bridge = opaque;
	uint8_t *config = bridge->state.pci.config;

	(void)offset;
	(void)size;
	i440fx_apply_smram_lock(bridge);
	i440fx_tell_pam(bridge);
	if (config[I440FX_TRC] & TRC_RESET_CPU) {
		config[I440FX_TRC] = (uint8_t)(config[I440FX_TRC] & ~TRC_RESET_CPU);
		power_request(bridge->wires.power, POWER_RESET, "host-bridge");
	}
}

/* --- Ports 0xcf8 to 0xcff --- */

/* True if the latch selects a configuration cycle on this bus. */
static bool i440fx_selects(const struct i440fx *bridge)
{
	uint32_t address = bridge->state.config_address;

	return (address & CONFADD_ENABLE) != 0 &&
	       ((address >> CONFADD_BUS_SHIFT) & CONFADD_BUS_MASK) == 0;
}

static unsigned i440fx_selected_devfn(const struct i440fx *bridge)
{
	return (bridge->state.config_address >> CONFADD_DEVFN_SHIFT) & CONFADD_DEVFN_MASK;
}

/* The register that the data port at 'port' (4 to 7) shows. The silicon knows the byte by the port
 * alone. Programs written for emulators put it into the latch and access 0xcfc (libqos): those get
 * what they mean, as far as it is aligned. */
static unsigned i440fx_selected_offset(const struct i440fx *bridge, uint64_t port, unsigned size)
{
	uint32_t address = bridge->state.config_address;
	unsigned byte = port == I440FX_CONFIG_DATA ? address & CONFADD_BYTE & ~(size - 1)
						   : (unsigned)(port & 3);

	return (address & CONFADD_REGISTER) | byte;
}

static uint64_t i440fx_read(void *opaque, uint64_t port, unsigned size)
{
	struct i440fx *bridge = opaque;
	const struct i440fx_byte_port *reset = &bridge->wires.reset_control;

	if (port >= I440FX_CONFIG_DATA)
		return i440fx_selects(bridge)
			       ? pci_bus_config_read(
					 bridge->wires.bus, i440fx_selected_devfn(bridge),
					 i440fx_selected_offset(bridge, port, size), size)
			       : ones(size);
	if (port == I440FX_CONFIG_ADDRESS && size == 4)
		return bridge->state.config_address & CONFADD_IMPLEMENTED;
	if (port == I440FX_RESET_CONTROL && size == 1 && reset->read)
		return reset->read(reset->opaque);
	return ones(size);
}

static void i440fx_write(void *opaque, uint64_t port, uint64_t value, unsigned size)
{
	struct i440fx *bridge = opaque;
	const struct i440fx_byte_port *reset = &bridge->wires.reset_control;

	if (port >= I440FX_CONFIG_DATA) {
		if (i440fx_selects(bridge))
			pci_bus_config_write(bridge->wires.bus, i440fx_selected_devfn(bridge),
					     i440fx_selected_offset(bridge, port, size),
					     (uint32_t)value, size);
	} else if (port == I440FX_CONFIG_ADDRESS && size == 4) {
		bridge->state.config_address = (uint32_t)value & CONFADD_KEPT;
	} else if (port == I440FX_RESET_CONTROL && size == 1 && reset->write) {
		reset->write(reset->opaque, (uint8_t)value);
	}
}

/* Reading configuration space has no side effect in any function. */
static const struct io_ops i440fx_ports = {
	.read = i440fx_read,
	.write = i440fx_write,
	.peek = i440fx_read,
};

/* --- Life --- */

static void i440fx_set_power_on(struct i440fx *bridge)
{
	pci_function_reset(&bridge->function);
	i440fx_show_ram(bridge);
	i440fx_apply_smram_lock(bridge);
	bridge->state.config_address = 0;
}

static void i440fx_reset(void *self)
{
	struct i440fx *bridge = self;

	i440fx_set_power_on(bridge);
	i440fx_tell_pam(bridge);
}

static int i440fx_after_load(void *self, struct err *err)
{
	struct i440fx *bridge = self;

	if (bridge->state.config_address & ~CONFADD_KEPT)
		return err_set(err, -EINVAL, "the host bridge's CONFADD has reserved bits set");
	pci_function_update(&bridge->function);
	i440fx_apply_smram_lock(bridge);
	i440fx_tell_pam(bridge);
	return 0;
}

static void i440fx_finish(void *self)
{
	struct i440fx *bridge = self;

	io_unmap(&bridge->window);
	pci_bus_unplug(&bridge->function);
}

static const struct device_class i440fx_class = {
	.name = "i440fx",
	.reset = i440fx_reset,
	.table = &i440fx_state_table,
	.state_offset = offsetof(struct i440fx, state),
	.version = 1,
	.after_load = i440fx_after_load,
	.finish = i440fx_finish,
};

int i440fx_init(struct i440fx *bridge, const struct i440fx_wires *wires, struct err *err)
{
	int rc;

	*bridge = (struct i440fx){ .wires = *wires };
	device_init(&bridge->device, &i440fx_class, bridge);
	pci_function_init(&bridge->function, &bridge->state.pci, &i440fx_identity, i440fx_rows,
			  ARRAY_SIZE(i440fx_rows), bridge);
	bridge->function.config_written = i440fx_config_written;
	rc = pci_bus_plug(wires->bus, &bridge->function, 0, 0, err);
	if (rc < 0)
		return rc;
	i440fx_set_power_on(bridge);
	io_window_init(&bridge->window, "pci-config", &i440fx_ports, bridge, I440FX_PORT_COUNT);
	rc = io_map(wires->ports, &bridge->window, I440FX_PORT_BASE);
	if (rc < 0) {
		pci_bus_unplug(&bridge->function);
		return err_set_errno(err, rc, "cannot map the PCI configuration ports");
	}
	return 0;
}

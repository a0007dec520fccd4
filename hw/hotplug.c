// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/hotplug.h"

#include <assert.h>
#include <errno.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "hw/hotplug_regs.h"

static const struct state_field hotplug_fields[] = {
	STATE_INT(struct hotplug_state, status),
	STATE_INT(struct hotplug_state, enable),
	STATE_ARRAY(struct hotplug_state, cpus),
};
STATE_TABLE(hotplug_state_table, hotplug_state, hotplug_fields);

/* Drives the event wire by status and enables. */
static void hotplug_update(struct hotplug *hotplug)
{
	irq_set(hotplug->wires.gpe, (hotplug->state.status & hotplug->state.enable) != 0);
}

bool hotplug_cpu_is_online(const struct hotplug *hotplug, unsigned cpu)
{
	return cpu < hotplug->wires.max_cpus && (hotplug->state.cpus[cpu / 8] & BIT(cpu % 8)) != 0;
}

void hotplug_set_cpu(struct hotplug *hotplug, unsigned cpu, bool online)
{
	if (cpu >= hotplug->wires.max_cpus || online == hotplug_cpu_is_online(hotplug, cpu))
		return;
	hotplug->state.cpus[cpu / 8] ^= (uint8_t)BIT(cpu % 8);
	hotplug->state.status |= GPE_CPU;
	hotplug_update(hotplug);
}

/* --- Event block --- */

static uint64_t hotplug_read_gpe(void *opaque, uint64_t offset, unsigned size)
{
	const struct hotplug *hotplug = opaque;
	uint8_t bytes[HOTPLUG_GPE_BYTES];

	(void)size;
	store_le16(bytes + GPE0_STS, hotplug->state.status);
	store_le16(bytes + GPE0_EN, hotplug->state.enable);
	return bytes[offset];
}

static void hotplug_write_gpe(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct hotplug *hotplug = opaque;
	unsigned shift = 8 * (offset & 1);
	uint16_t bits = (uint16_t)(value << shift), mask = (uint16_t)(0xff << shift);

	(void)size;
	if (offset < GPE0_EN)
		hotplug->state.status = (uint16_t)(hotplug->state.status & ~bits);
	else
		hotplug->state.enable = (uint16_t)replace_bits(hotplug->state.enable, mask, bits);
	hotplug_update(hotplug);
}

static const struct io_ops hotplug_gpe_ops = {
	.read = hotplug_read_gpe,
	.write = hotplug_write_gpe,
	.peek = hotplug_read_gpe,
	.max_size = 1,
};

/* --- Processors and PCI slots --- */

static uint64_t hotplug_read_cpus(void *opaque, uint64_t offset, unsigned size)
{
	const struct hotplug *hotplug = opaque;

	(void)size;
	return hotplug->state.cpus[offset];
}

static void hotplug_ignore_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	(void)opaque;
	(void)offset;
	(void)value;
	(void)size;
}

static const struct io_ops hotplug_cpu_ops = {
	.read = hotplug_read_cpus,
	.write = hotplug_ignore_write,
	.peek = hotplug_read_cpus,
	.max_size = 1,
};

/* Nothing has come, nothing goes, nothing can be removed. */
static uint64_t hotplug_read_pci(void *opaque, uint64_t offset, unsigned size)
{
	(void)opaque;
	(void)offset;
	(void)size;
	return 0;
}

static const struct io_ops hotplug_pci_ops = {
	.read = hotplug_read_pci,
	.write = hotplug_ignore_write,
	.peek = hotplug_read_pci,
};

/* --- Life --- */

/* Processors that have come stay over a reset. */
static void hotplug_reset(void *self)
{
	struct hotplug *hotplug = self;

	hotplug->state.status = hotplug->state.enable = 0;
	hotplug_update(hotplug);
}

static int hotplug_after_load(void *self, struct err *err)
{
	struct hotplug *hotplug = self;

	for (unsigned cpu = hotplug->wires.max_cpus; cpu < HOTPLUG_MAX_CPUS; cpu++)
		if (hotplug->state.cpus[cpu / 8] & BIT(cpu % 8))
			return err_set(err, -EINVAL,
				       "the saved guest has processor %u online, this one has %u",
				       cpu, hotplug->wires.max_cpus);
	hotplug_update(hotplug);
	return 0;
}

static void hotplug_finish(void *self)
{
	struct hotplug *hotplug = self;

	io_unmap(&hotplug->gpe);
	io_unmap(&hotplug->cpus);
	io_unmap(&hotplug->pci);
}

static const struct device_class hotplug_class = {
	.name = "hotplug",
	.reset = hotplug_reset,
	.table = &hotplug_state_table,
	.state_offset = offsetof(struct hotplug, state),
	.version = 1,
	.after_load = hotplug_after_load,
	.finish = hotplug_finish,
};

int hotplug_init(struct hotplug *hotplug, const struct hotplug_wires *wires, struct err *err)
{
	int rc;

	assert(wires->cpus <= wires->max_cpus && wires->max_cpus <= HOTPLUG_MAX_CPUS);
	*hotplug = (struct hotplug){ .wires = *wires };
	device_init(&hotplug->device, &hotplug_class, hotplug);
	for (unsigned cpu = 0; cpu < wires->cpus; cpu++)
		hotplug->state.cpus[cpu / 8] |= (uint8_t)BIT(cpu % 8);
	io_window_init(&hotplug->gpe, "gpe0", &hotplug_gpe_ops, hotplug, HOTPLUG_GPE_BYTES);
	io_window_init(&hotplug->cpus, "cpu-hotplug", &hotplug_cpu_ops, hotplug, HOTPLUG_CPU_BYTES);
	io_window_init(&hotplug->pci, "pci-hotplug", &hotplug_pci_ops, hotplug, HOTPLUG_PCI_BYTES);
	rc = io_map(wires->ports, &hotplug->gpe, HOTPLUG_GPE_PORT);
	if (rc == 0)
		rc = io_map(wires->ports, &hotplug->cpus, HOTPLUG_CPU_PORT);
	if (rc == 0)
		rc = io_map(wires->ports, &hotplug->pci, HOTPLUG_PCI_PORT);
	if (rc < 0) {
		hotplug_finish(hotplug);
		return err_set_errno(err, rc, "cannot map the hotplug ports");
	}
	return 0;
}

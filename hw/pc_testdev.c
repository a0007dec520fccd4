// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/pc_testdev.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"

enum pc_testdev_address {
	TESTDEV_PORT = 0xe0,
	TESTDEV_FLUSH_PORT = 0xe4,
	TESTDEV_BYTE_PORT = 0xe8,
	TESTDEV_IRQ_PORT = 0x2000,
	TESTDEV_PORT_BYTES = 4,
	TESTDEV_FLUSH_BYTES = 4,
	TESTDEV_MAX_ACCESS = 8,
};
#define TESTDEV_MEMORY_BASE UINT64_C(0xff000000)

static const struct state_field pc_testdev_fields[] = {
	STATE_ARRAY(struct pc_testdev_state, port),
	STATE_INT(struct pc_testdev_state, irq_levels),
	STATE_ARRAY(struct pc_testdev_state, memory),
};
STATE_TABLE(pc_testdev_state_table, pc_testdev_state, pc_testdev_fields);

/* --- The register --- */

static uint64_t testdev_read_port(void *opaque, uint64_t offset, unsigned size)
{
	const struct pc_testdev *testdev = opaque;

	return load_le(testdev->state.port + offset, size);
}

static void testdev_write_port(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct pc_testdev *testdev = opaque;

	store_le(testdev->state.port + offset, size, value);
}

static const struct io_ops testdev_port_ops = {
	.read = testdev_read_port,
	.write = testdev_write_port,
	.peek = testdev_read_port,
};

static const struct io_ops testdev_byte_port_ops = {
	.read = testdev_read_port,
	.write = testdev_write_port,
	.peek = testdev_read_port,
	.max_size = 1,
};

/* --- Page flush --- */

static void testdev_write_flush(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct pc_testdev *testdev = opaque;

	if (offset == 0 && size == TESTDEV_FLUSH_BYTES && testdev->wires.flush_page)
		testdev->wires.flush_page(testdev->wires.flush_opaque, align_down(value, 4096));
}

static const struct io_ops testdev_flush_ops = {
	.write = testdev_write_flush,
};

/* --- Interrupts --- */

static void testdev_write_irq(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct pc_testdev *testdev = opaque;
	bool level = value != 0;

	(void)size;
	testdev->state.irq_levels =
		replace_bits(testdev->state.irq_levels, BIT(offset), level ? BIT(offset) : 0);
	irq_set(testdev->wires.irqs[offset], level);
}

static const struct io_ops testdev_irq_ops = {
	.write = testdev_write_irq,
	.max_size = 1,
};

static void testdev_drive_irqs(struct pc_testdev *testdev)
{
	for (unsigned i = 0; i < PC_TESTDEV_IRQS; i++)
		irq_set(testdev->wires.irqs[i], (testdev->state.irq_levels & BIT(i)) != 0);
}

/* --- Memory --- */

static uint64_t testdev_read_memory(void *opaque, uint64_t offset, unsigned size)
{
	const struct pc_testdev *testdev = opaque;

	return load_le(testdev->state.memory + offset, size);
}

static void testdev_write_memory(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct pc_testdev *testdev = opaque;

	store_le(testdev->state.memory + offset, size, value);
}

static const struct io_ops testdev_memory_ops = {
	.read = testdev_read_memory,
	.write = testdev_write_memory,
	.peek = testdev_read_memory,
	.max_size = TESTDEV_MAX_ACCESS,
};

/* --- Life --- */

static void testdev_reset(void *self)
{
	struct pc_testdev *testdev = self;

	memset(&testdev->state, 0, sizeof(testdev->state));
	testdev_drive_irqs(testdev);
}

static int testdev_after_load(void *self, struct err *err)
{
	struct pc_testdev *testdev = self;

	if (testdev->state.irq_levels >= BIT(PC_TESTDEV_IRQS))
		return err_set(err, -EINVAL, "pc-testdev has no such interrupt");
	testdev_drive_irqs(testdev);
	return 0;
}

static void testdev_finish(void *self)
{
	struct pc_testdev *testdev = self;

	io_unmap(&testdev->port);
	io_unmap(&testdev->byte_port);
	io_unmap(&testdev->flush);
	io_unmap(&testdev->irqs);
	io_unmap(&testdev->memory);
}

static const struct device_class testdev_class = {
	.name = "pc-testdev",
	.reset = testdev_reset,
	.table = &pc_testdev_state_table,
	.state_offset = offsetof(struct pc_testdev, state),
	.version = 1,
	.after_load = testdev_after_load,
	.finish = testdev_finish,
};

static int testdev_map(struct pc_testdev *testdev)
{
	struct io_space *ports = testdev->wires.ports;
	int rc = io_map(ports, &testdev->port, TESTDEV_PORT);

	if (rc == 0)
		rc = io_map(ports, &testdev->byte_port, TESTDEV_BYTE_PORT);
	if (rc == 0)
		rc = io_map(ports, &testdev->flush, TESTDEV_FLUSH_PORT);
	if (rc == 0)
		rc = io_map(ports, &testdev->irqs, TESTDEV_IRQ_PORT);
	if (rc == 0)
		rc = io_map(testdev->wires.memory, &testdev->memory, TESTDEV_MEMORY_BASE);
	return rc;
}

int pc_testdev_init(struct pc_testdev *testdev, const struct pc_testdev_wires *wires,
		    struct err *err)
{
	int rc;

	memset(testdev, 0, sizeof(*testdev));
	testdev->wires = *wires;
	device_init(&testdev->device, &testdev_class, testdev);
	io_window_init(&testdev->port, "testdev-port", &testdev_port_ops, testdev,
		       TESTDEV_PORT_BYTES);
	io_window_init(&testdev->byte_port, "testdev-bytes", &testdev_byte_port_ops, testdev,
		       TESTDEV_PORT_BYTES);
	io_window_init(&testdev->flush, "testdev-flush", &testdev_flush_ops, testdev,
		       TESTDEV_FLUSH_BYTES);
	io_window_init(&testdev->irqs, "testdev-irqs", &testdev_irq_ops, testdev, PC_TESTDEV_IRQS);
	io_window_init(&testdev->memory, "testdev-memory", &testdev_memory_ops, testdev,
		       PC_TESTDEV_MEMORY_BYTES);
	rc = testdev_map(testdev);
	if (rc < 0) {
		testdev_finish(testdev);
		return err_set_errno(err, rc, "cannot map pc-testdev");
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/port92.h"

#include <errno.h>

#include "base/bits.h"
#include "base/err.h"

static const struct state_field port92_fields[] = {
	STATE_INT(struct port92_state, value),
};
STATE_TABLE(port92_state_table, port92_state, port92_fields);

static uint64_t port92_read(void *opaque, uint64_t offset, unsigned size)
{
	const struct port92 *port = opaque;

	(void)offset;
	(void)size;
	return port->state.value;
}

static void port92_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct port92 *port = opaque;
	bool rises = (value & ~(uint64_t)port->state.value & PORT92_RESET) != 0;

	(void)offset;
	(void)size;
	port->state.value = value & (PORT92_RESET | PORT92_A20);
	if (rises)
		power_request(port->power, POWER_RESET, "port-92");
}

static const struct io_ops port92_ops = {
	.read = port92_read,
	.write = port92_write,
	.peek = port92_read,
};

static void port92_reset(void *self)
{
	struct port92 *port = self;

	port->state.value = PORT92_A20;
}

static int port92_after_load(void *self, struct err *err)
{
	struct port92 *port = self;

	if (port->state.value & ~(PORT92_RESET | PORT92_A20))
		return err_set(err, -EINVAL, "port 0x92 has reserved bits set");
	return 0;
}

static void port92_finish(void *self)
{
	struct port92 *port = self;

	io_unmap(&port->window);
}

static const struct device_class port92_class = {
	.name = "port92",
	.reset = port92_reset,
	.table = &port92_state_table,
	.state_offset = offsetof(struct port92, state),
	.version = 1,
	.after_load = port92_after_load,
	.finish = port92_finish,
};

int port92_init(struct port92 *port, struct io_space *ports, struct power *power, struct err *err)
{
	int rc;

	*port = (struct port92){ .power = power };
	device_init(&port->device, &port92_class, port);
	port92_reset(port);
	io_window_init(&port->window, "port92", &port92_ops, port, 1);
	rc = io_map(ports, &port->window, PORT92_PORT);
	return rc < 0 ? err_set_errno(err, rc, "cannot map port 0x92") : 0;
}

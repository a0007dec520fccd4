// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/isa_debug_exit.h"

#include <errno.h>

#include "base/bits.h"
#include "base/err.h"

enum {
	MAX_PORTS = 8,
};

static uint64_t exit_read(void *opaque, uint64_t offset, unsigned size)
{
	(void)opaque;
	(void)offset;
	(void)size;
	return 0;
}

static void exit_write(void *opaque, uint64_t offset, uint64_t value, unsigned size)
{
	struct isa_debug_exit *exit_port = opaque;
	struct power *power = exit_port->power;

	(void)offset;
	(void)size;
	power->request(power->opaque, POWER_EXIT, "isa-debug-exit", (uint32_t)value << 1 | 1);
}

static const struct io_ops exit_ops = {
	.read = exit_read,
	.write = exit_write,
	.peek = exit_read,
};

static void exit_reset(void *self)
{
	(void)self;
}

static void exit_finish(void *self)
{
	struct isa_debug_exit *exit_port = self;

	io_unmap(&exit_port->window);
}

static const struct device_class exit_class = {
	.name = "isa-debug-exit",
	.reset = exit_reset,
	.finish = exit_finish,
};

int isa_debug_exit_init(struct isa_debug_exit *exit_port, struct io_space *ports,
			struct power *power, uint16_t base, unsigned size, struct err *err)
{
	int rc;

	if (size < 1 || size > MAX_PORTS)
		return err_set(err, -EINVAL, "isa-debug-exit: iosize is 1 to %d", MAX_PORTS);
	*exit_port = (struct isa_debug_exit){ .power = power };
	device_init(&exit_port->device, &exit_class, exit_port);
	io_window_init(&exit_port->window, "isa-debug-exit", &exit_ops, exit_port, size);
	rc = io_map(ports, &exit_port->window, base);
	return rc < 0 ? err_set_errno(err, rc, "isa-debug-exit: cannot map iobase 0x%x", base) : 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/dispatch.h"

#include <string.h>

#include "base/bytes.h"
#include "base/log.h"
#include "base/trace.h"
#include "dm/machine.h"
#include "dm/tape.h"
#include "hv/hv.h"

/* What is recorded of an access: what came, and, behind what came of it, what was read. */

static void tape_pio(struct tape *tape, uint16_t port, bool is_read, unsigned size,
		     const void *data, uint32_t count)
{
	struct tape_record event = { .values = { port, size } };

	if (count == 1) {
		event.op = is_read ? TAPE_IN : TAPE_OUT;
		event.values[2] = is_read ? 0 : load_le(data, size);
	} else if (is_read) {
		event.op = TAPE_INS;
		event.values[2] = count;
	} else {
		event.op = TAPE_OUTS;
		event.blob = data;
		event.blob_bytes = (size_t)size * count;
	}
	tape_begin(tape, &event);
}

static void tape_pio_end(struct tape *tape, bool is_read, unsigned size, const void *data,
			 uint32_t count)
{
	if (is_read && count == 1)
		tape_value(tape, load_le(data, size), true);
	else if (is_read)
		tape_sum(tape, data, (size_t)size * count, true);
	tape_end(tape);
}

static void access_ports(struct machine *machine, uint16_t port, bool is_read, unsigned size,
			 void *data, uint32_t count)
{
	if (count == 1 && is_read)
		store_le(data, size, io_read(&machine->ports, port, size));
	else if (count == 1)
		io_write(&machine->ports, port, load_le(data, size), size);
	else if (is_read)
		io_read_block(&machine->ports, port, data, size, count);
	else
		io_write_block(&machine->ports, port, data, size, count);
}

static void serve_pio(void *opaque, uint16_t port, bool is_read, unsigned size, void *data,
		      uint32_t count)
{
	struct machine *machine = opaque;

	lock_acquire(&machine->lock);
	if (machine->tape)
		tape_pio(machine->tape, port, is_read, size, data, count);
	access_ports(machine, port, is_read, size, data, count);
	if (machine->tape)
		tape_pio_end(machine->tape, is_read, size, data, count);
	TRACE(dispatch, pio, "%s %04x size %u count %u data %llx", is_read ? "in" : "out", port,
	      size, count, (unsigned long long)load_le(data, size));
	lock_release(&machine->lock);
}

/**
 * Registers, and not video memory: that the processor also writes by itself, wherever a window
 * shows it directly, and no recording knows what.
 */
static bool is_register(const struct machine *machine, uint64_t gpa)
{
	const struct io_window *window = io_find(&machine->memory, gpa);

	return !window || !window->ops || !window->ops->is_memory;
}

/** Memory that a processor reaches without us; only a test program asks us for it. */
static bool is_direct(const struct machine *machine, uint64_t gpa)
{
	const struct io_window *window = io_find(&machine->memory, gpa);

	return window && !window->ops;
}

static void access_memory(struct machine *machine, uint64_t gpa, bool is_read, unsigned size,
			  void *data)
{
	if ((size & (size - 1)) == 0 && is_read)
		store_le(data, size, io_read(&machine->memory, gpa, size));
	else if ((size & (size - 1)) == 0)
		io_write(&machine->memory, gpa, load_le(data, size), size);
	else if (is_read)
		io_read_bytes(&machine->memory, gpa, data, size);
	else
		io_write_bytes(&machine->memory, gpa, data, size);
}

static void serve_mmio(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data)
{
	struct machine *machine = opaque;
	struct tape *tape;
	bool is_certain;

	lock_acquire(&machine->lock);
	tape = is_direct(machine, gpa) ? NULL : machine->tape;
	if (tape)
		tape_begin(tape,
			   &(struct tape_record){
				   .op = is_read ? TAPE_READ : TAPE_WRITE,
				   .values = { gpa, size, is_read ? 0 : load_le(data, size) } });
	is_certain = tape && is_register(machine, gpa);
	access_memory(machine, gpa, is_read, size, data);
	if (tape && is_read)
		tape_value(tape, load_le(data, size), is_certain);
	if (tape)
		tape_end(tape);
	TRACE(dispatch, mmio, "%s %llx size %u data %llx", is_read ? "read" : "write",
	      (unsigned long long)gpa, size, (unsigned long long)load_le(data, size));
	lock_release(&machine->lock);
}

/** A string instruction is one request: it takes the lock once. */
static void serve_mmio_run(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data,
			   uint32_t count)
{
	struct machine *machine = opaque;
	uint8_t *item = data;

	lock_acquire(&machine->lock);
	for (uint32_t i = 0; i < count; i++, gpa += size, item += size) {
		if (is_read)
			store_le(item, size, io_read(&machine->memory, gpa, size));
		else
			io_write(&machine->memory, gpa, load_le(item, size), size);
	}
	TRACE(dispatch, mmio_run, "%s size %u count %u up to %llx", is_read ? "read" : "write",
	      size, count, (unsigned long long)gpa);
	lock_release(&machine->lock);
}

/** The machine lock is held already. */
static void serve_collected(void *opaque, bool is_memory, uint64_t address, unsigned size,
			    const void *data)
{
	struct machine *machine = opaque;

	if (machine->tape)
		tape_begin(machine->tape,
			   &(struct tape_record){
				   .op = TAPE_COLLECTED,
				   .values = { is_memory, address, size, load_le(data, size) } });
	io_write_bytes(is_memory ? &machine->memory : &machine->ports, address, data, size);
	if (machine->tape)
		tape_end(machine->tape);
}

static void access_config(struct machine *machine, uint32_t devfn, unsigned offset, bool is_read,
			  unsigned size, void *data)
{
	if (is_read)
		store_le(data, size, pci_bus_config_read(&machine->pci, devfn, offset, size));
	else
		pci_bus_config_write(&machine->pci, devfn, offset, (uint32_t)load_le(data, size),
				     size);
}

static void serve_pci_config(void *opaque, uint32_t devfn, unsigned offset, bool is_read,
			     unsigned size, void *data)
{
	struct machine *machine = opaque;

	lock_acquire(&machine->lock);
	if (machine->tape)
		tape_begin(
			machine->tape,
			&(struct tape_record){ .op = is_read ? TAPE_CONFIG_READ : TAPE_CONFIG_WRITE,
					       .values = { devfn, offset, size,
							   is_read ? 0 : load_le(data, size) } });
	access_config(machine, devfn, offset, is_read, size, data);
	if (machine->tape && is_read)
		tape_value(machine->tape, load_le(data, size), true);
	if (machine->tape)
		tape_end(machine->tape);
	lock_release(&machine->lock);
}

static void serve_invalidate(void *opaque)
{
	(void)opaque; /* the core's own cache is dropped by the core; devices hold mappings only
			 while they transfer */
}

static void serve_event(void *opaque, enum hv_event event, const char *text)
{
	struct machine *machine = opaque;

	lock_acquire(&machine->lock);
	if (machine->tape)
		tape_begin(machine->tape,
			   &(struct tape_record){ .op = TAPE_CORE_EVENT, .values = { event } });
	switch (event) {
	case HV_TRIPLE_FAULT:
		power_request(&machine->power, POWER_RESET, "triple-fault");
		break;
	case HV_SHUTDOWN:
		power_request(&machine->power, POWER_OFF, "guest-shutdown");
		break;
	case HV_FAILED:
		machine_fail(machine, text);
		break;
	}
	if (machine->tape)
		tape_end(machine->tape);
	lock_release(&machine->lock);
}

/* What only a test program does. */

static void copy_memory(struct machine *machine, uint64_t gpa, bool is_read, void *data,
			size_t length)
{
	if (is_read)
		io_read_bytes(&machine->memory, gpa, data, length);
	else
		io_write_bytes(&machine->memory, gpa, data, length);
}

/** Memory that devices read is recorded then; what reaches registers is, here, in pieces. */
static void copy_memory_taped(struct machine *machine, uint64_t gpa, bool is_read, uint8_t *data,
			      size_t length)
{
	struct tape_record event = { .op = is_read ? TAPE_LOAD : TAPE_STORE, .values = { gpa } };

	while (length) {
		size_t piece = min_size(length, TAPE_MAX_BLOB);

		event.values[0] = gpa;
		event.values[1] = is_read ? piece : 0;
		event.blob = is_read ? NULL : data;
		event.blob_bytes = is_read ? 0 : piece;
		tape_begin(machine->tape, &event);
		copy_memory(machine, gpa, is_read, data, piece);
		if (is_read)
			tape_sum(machine->tape, data, piece, is_register(machine, gpa));
		tape_end(machine->tape);
		gpa += piece;
		data += piece;
		length -= piece;
	}
}

static void serve_memory(void *opaque, uint64_t gpa, bool is_read, void *data, size_t length)
{
	struct machine *machine = opaque;

	lock_acquire(&machine->lock);
	if (machine->tape && !is_direct(machine, gpa))
		copy_memory_taped(machine, gpa, is_read, data, length);
	else
		copy_memory(machine, gpa, is_read, data, length);
	lock_release(&machine->lock);
}

static int64_t move_clock(void *opaque, enum hv_clock_move move, int64_t ns)
{
	struct machine *machine = opaque;
	struct clock *clock = &machine->clock;
	int64_t now, target = ns;

	lock_acquire(&machine->lock);
	now = clock_now_ns(clock);
	if (!clock->manual)
		target = INT64_MAX; /* it runs by itself */
	else if (move == HV_CLOCK_BY)
		target = ns > INT64_MAX - now ? INT64_MAX : now + ns;
	else if (move == HV_CLOCK_TO_NEXT_TIMER)
		target = clock_next_deadline_ns(clock);
	if (target < INT64_MAX)
		clock_step_to(clock, target > now ? target : now);
	now = clock_now_ns(clock);
	lock_release(&machine->lock);
	return now;
}

void dispatch_client(struct machine *machine, struct hv_client *client)
{
	*client = (struct hv_client){
		.opaque = machine,
		.pio = serve_pio,
		.mmio = serve_mmio,
		.mmio_run = serve_mmio_run,
		.collected = serve_collected,
		.pci_config = serve_pci_config,
		.invalidate = serve_invalidate,
		.event = serve_event,
		.memory = serve_memory,
		.move_clock = move_clock,
	};
}

/* The core's slot of a direct window is its number plus one, so that 0 means none. */

static void add_slot(struct machine *machine, struct io_window *window)
{
	struct hv_slot slot = {
		.gpa = window->base,
		.bytes = window->size,
		.host = window->host,
		.read_only = window->read_only,
		.log_dirty = window->log_dirty,
	};
	int number = hv_slot_add(machine->hv, &slot);

	if (number < 0)
		log_guest("%s at %#llx stays unmapped: %s", window->name,
			  (unsigned long long)window->base, strerror(-number));
	else
		window->core_data = (uintptr_t)number + 1;
}

static void memory_mapped(void *opaque, struct io_window *window)
{
	struct machine *machine = opaque;

	window->core_data = 0;
	if (!window->ops)
		add_slot(machine, window);
	else
		hv_range_add(machine->hv, true, window->base, window->size, window->ops->coalesced);
}

static void memory_unmapped(void *opaque, struct io_window *window)
{
	struct machine *machine = opaque;

	if (window->ops)
		hv_range_remove(machine->hv, true, window->base, window->size,
				window->ops->coalesced);
	else if (window->core_data)
		hv_slot_remove(machine->hv, (int)window->core_data - 1);
	window->core_data = 0;
}

static void port_mapped(void *opaque, struct io_window *window)
{
	struct machine *machine = opaque;

	hv_range_add(machine->hv, false, window->base, window->size, window->ops->coalesced);
}

static void port_unmapped(void *opaque, struct io_window *window)
{
	struct machine *machine = opaque;

	hv_range_remove(machine->hv, false, window->base, window->size, window->ops->coalesced);
}

static void function_changed(void *opaque, struct pci_function *function, bool present)
{
	struct machine *machine = opaque;
	unsigned devfn = (unsigned)function->slot * PCI_FUNCTION_COUNT + function->function;

	if (present)
		hv_pci_function_add(machine->hv, devfn);
	else
		hv_pci_function_remove(machine->hv, devfn);
}

void dispatch_attach(struct machine *machine)
{
	const struct io_listener memory = { machine, memory_mapped, memory_unmapped };
	const struct io_listener ports = { machine, port_mapped, port_unmapped };

	io_space_set_listener(&machine->memory, &memory);
	io_space_set_listener(&machine->ports, &ports);
	machine->pci.changed = function_changed;
	machine->pci.changed_opaque = machine;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Requests of Xen, 32 bytes each, and ring slots, 8 bytes each; a first byte says which comes. The
 * client has registers that change the shared pages, as a processor could.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hv/hv.h"
#include "hv/xen_ioreq.h"
#include "hv/xen_ring.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	RAM_BYTES = 0x10000,
	SPOILING_PORT = 0x66, /* writes of it change the shared pages */
};

struct machine {
	struct xen_ioreq_engine engine;
	struct xen_ioreq shared;
	struct xen_ring_page ring;
	uint8_t ram[RAM_BYTES];
	uint64_t sum;
};

static void touch(struct machine *machine, bool is_read, unsigned size, void *data)
{
	if (size > 8)
		abort();
	if (is_read)
		memset(data, (int)machine->sum, size);
	for (unsigned i = 0; i < size; i++)
		machine->sum += ((uint8_t *)data)[i];
}

static void pio(void *opaque, uint16_t port, bool is_read, unsigned size, void *data,
		uint32_t count)
{
	struct machine *machine = opaque;

	if (size > 4 || !count || count > XEN_IOREQ_MAX_COUNT || port + size > 0x10000)
		abort();
	for (uint32_t i = 0; i < count; i++)
		touch(machine, is_read, size, (uint8_t *)data + (size_t)i * size);
	if (port == SPOILING_PORT) {
		memset(&machine->shared, (int)machine->sum, offsetof(struct xen_ioreq, flags));
		machine->ring.write_pointer += (uint32_t)machine->sum;
	}
}

static void mmio(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data)
{
	(void)gpa;
	touch(opaque, is_read, size, data);
}

static void mmio_run(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data,
		     uint32_t count)
{
	(void)gpa;
	if (!count || count > HV_RUN_ITEMS)
		abort();
	for (uint32_t i = 0; i < count; i++)
		touch(opaque, is_read, size, (uint8_t *)data + (size_t)i * size);
}

static void pci_config(void *opaque, uint32_t devfn, unsigned offset, bool is_read, unsigned size,
		       void *data)
{
	if (devfn > UINT8_MAX || size > 4 || offset + size > 256)
		abort();
	touch(opaque, is_read, size, data);
}

static void collected(void *opaque, bool is_memory, uint64_t address, unsigned size,
		      const void *data)
{
	uint64_t copy;

	(void)is_memory;
	(void)address;
	memcpy(&copy, data, sizeof(copy));
	touch(opaque, false, size, &copy);
}

static void read_ram(void *opaque, uint64_t gpa, void *data, size_t length)
{
	const struct machine *machine = opaque;

	memset(data, 0xff, length);
	if (range_fits(gpa, length, RAM_BYTES))
		memcpy(data, machine->ram + gpa, length);
}

static void write_ram(void *opaque, uint64_t gpa, const void *data, size_t length)
{
	struct machine *machine = opaque;

	if (range_fits(gpa, length, RAM_BYTES))
		memcpy(machine->ram + gpa, data, length);
}

static void invalidate(void *opaque)
{
	struct machine *machine = opaque;

	machine->sum++;
}

/** Serves the request in the shared slot, if it is one. */
static void serve(struct machine *machine)
{
	struct xen_ioreq request;

	if (!xen_ioreq_take(&machine->shared, &request)) {
		if ((machine->shared.flags & XEN_IOREQ_STATE) == XEN_IOREQ_READY)
			abort();
		return;
	}
	xen_ioreq_execute(&machine->engine, &request);
	xen_ioreq_answer(&machine->shared, &request);
	if ((machine->shared.flags & XEN_IOREQ_STATE) != XEN_IOREQ_RESPONSE_READY)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct machine machine;
	const struct hv_client client = { .opaque = &machine,
					  .pio = pio,
					  .mmio = mmio,
					  .mmio_run = mmio_run,
					  .pci_config = pci_config,
					  .collected = collected };

	memset(&machine, 0, sizeof(machine));
	machine.engine = (struct xen_ioreq_engine){ .client = &client,
						    .opaque = &machine,
						    .read_ram = read_ram,
						    .write_ram = write_ram,
						    .invalidate = invalidate };
	while (size) {
		bool is_slot = *data & 1;
		void *place = is_slot ? (void *)&machine.ring
						.slots[machine.ring.write_pointer % XEN_RING_SLOTS]
				      : (void *)&machine.shared;
		size_t length = is_slot ? sizeof(uint64_t) : sizeof(machine.shared);

		data++;
		size--;
		if (length > size)
			length = size;
		memcpy(place, data, length);
		data += length;
		size -= length;
		if (is_slot)
			machine.ring.write_pointer++;
		else
			serve(&machine);
		if (xen_ring_drain(&machine.ring, &client) > XEN_RING_SLOTS + 1)
			abort();
	}
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* A guest that has an EHCI controller with a companion, a tablet, and a hub with a keyboard. */
#include "tests/fuzz/isa_fuzz.h"

#include "hw/usb/hid.h"
#include "hw/usb/hub.h"
#include "hw/usb/hub_regs.h"
#include "tests/lib/ehci_bench.h"

struct fuzz_machine {
	struct ehci_bench b;
	struct input input;
	struct hid tablet, keyboard;
	struct usb_hub hub;
};

static uint32_t take_word(struct fuzz_input *input)
{
	uint32_t word = 0;

	for (unsigned i = 0; i < 4; i++)
		word |= (uint32_t)fuzz_take(input) << 8 * i;
	return word;
}

/** The lists' memory: queue heads, descriptors, frames, data. */
static void write_memory(struct ehci_bench *b, struct fuzz_input *input, uint8_t op)
{
	static const uint16_t places[] = { EHCI_BENCH_QH, EHCI_BENCH_TDS, EHCI_BENCH_INTERRUPT_QH,
					   EHCI_BENCH_FRAMES };
	uint32_t gpa = places[op >> 3 & 3] + (uint32_t)fuzz_take(input) % 64 * 4;

	/* Half of them lead to where lists are. */
	ehci_bench_set_word(b, gpa,
			    op & 32 ? take_word(input)
				    : EHCI_BENCH_HEAD + (uint32_t)fuzz_take(input) * 32 +
					      (op >> 6));
}

/** A transfer as a driver makes it, so that the fuzzer gets beyond enumeration. */
static void run_control(struct ehci_bench *b, struct fuzz_input *input, uint8_t op)
{
	static const uint16_t requests[] = { USB_GET_DESCRIPTOR,     USB_SET_ADDRESS,
					     USB_SET_CONFIGURATION,  USB_HID_SET_REPORT,
					     USB_HID_GET_REPORT,     USB_INTERFACE_GET_DESCRIPTOR,
					     USB_DEVICE_SET_FEATURE, USB_ENDPOINT_SET_FEATURE };
	uint16_t value = (uint16_t)(fuzz_take(input) | fuzz_take(input) << 8);

	ehci_bench_control(b, op & 128 ? 5 : 0, requests[op >> 3 & 7], value, 0, fuzz_take(input));
}

/** Requests straight to the hub, which is the companion's. */
static void ask_hub(struct fuzz_machine *m, struct fuzz_input *input, uint8_t op)
{
	static const uint16_t requests[] = { HUB_PORT_SET_FEATURE, HUB_PORT_CLEAR_FEATURE,
					     HUB_PORT_GET_STATUS, USB_SET_CONFIGURATION };
	uint16_t request = requests[op >> 3 & 3];
	uint8_t data[8] = { (uint8_t)(request >> 8),    (uint8_t)request,
			    fuzz_take(input) % 32,      0,
			    fuzz_take(input) % 10,      0,
			    (op >> 3 & 3) == 2 ? 4 : 0, 0 };

	usb_device_packet(&m->hub.usb, USB_SETUP, 0, data, 8);
	usb_device_packet(&m->hub.usb, USB_IN, 0, data, 8);
	usb_device_packet(&m->hub.usb, USB_IN, HUB_ENDPOINT, data, 8);
}

/** Plugged in or out. */
static void move_plug(struct fuzz_machine *m, uint8_t op)
{
	struct usb_device *device = op & 8    ? &m->tablet.usb
				    : op & 16 ? &m->hub.usb
					      : &m->keyboard.usb;
	struct usb_port *port =
		op & 64 ? &m->hub.ports[op >> 5 & 1] : &m->b.ehci.plugs[op >> 5 & 3];

	if (device->port)
		usb_port_detach(device->port);
	else if (port->owner != &m->hub || device != &m->hub.usb)
		usb_port_attach(port, device, NULL);
}

static void start(struct fuzz_machine *m)
{
	ehci_bench_init(&m->b);
	input_init(&m->input);
	hid_init(&m->tablet, HID_TABLET, &m->input);
	hid_init(&m->keyboard, HID_KEYBOARD, &m->input);
	usb_hub_init(&m->hub);
	device_add(&m->b.devices, &m->tablet.device);
	device_add(&m->b.devices, &m->keyboard.device);
	device_add(&m->b.devices, &m->hub.device);
	if (usb_port_attach(&m->b.ehci.plugs[2], &m->tablet.usb, NULL) < 0 ||
	    usb_port_attach(&m->hub.ports[0], &m->keyboard.usb, NULL) < 0 ||
	    usb_port_attach(&m->b.ehci.plugs[0], &m->hub.usb, NULL) < 0)
		abort();
	ehci_bench_start(&m->b);
}

static void save_and_load(struct fuzz_machine *m)
{
	struct state_writer writer;

	state_writer_init(&writer);
	device_save_all(&m->b.devices, &writer);
	if (device_load_all(&m->b.devices, writer.bytes, writer.length, NULL) < 0)
		abort();
	state_writer_finish(&writer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct fuzz_machine *m = calloc(1, sizeof(*m));

	if (!m)
		abort();
	start(m);
	while (input.count > 0) {
		uint8_t op = fuzz_take(&input);
		unsigned reg = EHCI_OPERATIONAL + op / 8 * 4u;

		switch (op & 7) {
		case 0:
			ehci_bench_in(&m->b, reg);
			break;
		case 1:
			ehci_bench_out(&m->b,
				       reg < EHCI_CONFIGFLAG && reg > EHCI_ASYNCLIST ? EHCI_PORTSC
										     : reg,
				       take_word(&input));
			break;
		case 2:
			write_memory(&m->b, &input, op);
			break;
		case 3:
			run_control(&m->b, &input, op);
			break;
		case 4:
			if (op & 8)
				ehci_bench_configure(&m->b, op >> 4 & 3, 5);
			else
				ask_hub(m, &input, op);
			break;
		case 5:
			move_plug(m, op);
			break;
		case 6:
			if (op & 128)
				save_and_load(m);
			else
				input_move_to(&m->input, op, op, 800, 600, 0, op >> 3);
			break;
		default:
			ehci_bench_microframes(&m->b, op >> 3);
			break;
		}
	}
	save_and_load(m);
	ehci_bench_finish(&m->b);
	free(m);
	return 0;
}

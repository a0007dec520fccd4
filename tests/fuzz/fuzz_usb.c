// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/fuzz/isa_fuzz.h"

#include "tests/lib/usb_bench.h"

/** The schedule's memory: queue, descriptors, data. */
static void write_memory(struct usb_bench *b, struct fuzz_input *input, uint8_t op)
{
	static const uint16_t places[] = { USB_BENCH_QH, USB_BENCH_TDS, USB_BENCH_DATA - 16,
					   USB_BENCH_FRAMES };
	uint32_t gpa = places[op >> 3 & 3] + (uint32_t)fuzz_take(input) % 64 * 4;
	uint32_t word = 0;

	for (unsigned i = 0; i < 4; i++)
		word |= (uint32_t)fuzz_take(input) << 8 * i;
	usb_bench_set_word(b, gpa, word);
}

/** A transfer as a driver makes it, so that the fuzzer gets beyond enumeration. */
static void run_control(struct usb_bench *b, struct fuzz_input *input)
{
	static const uint16_t requests[] = { USB_GET_DESCRIPTOR,    USB_SET_ADDRESS,
					     USB_SET_CONFIGURATION, USB_HID_SET_REPORT,
					     USB_HID_GET_REPORT,    USB_INTERFACE_GET_DESCRIPTOR };
	uint8_t which = fuzz_take(input);
	uint16_t value = (uint16_t)(fuzz_take(input) | fuzz_take(input) << 8);

	usb_bench_control(b, which >> 4, requests[(which & 15) % ARRAY_SIZE(requests)], value, 0,
			  fuzz_take(input));
}

static void take_input(struct usb_bench *b, struct fuzz_input *input, uint8_t op)
{
	uint8_t value = fuzz_take(input);

	if (op & 8)
		input_key(&b->input, value, op & 16);
	else
		input_move_to(&b->input, value * 128u, fuzz_take(input) * 128u, 800, 600,
			      (op >> 5) - 3, op >> 3 & 31);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { data, size };
	struct usb_bench *b = calloc(1, sizeof(*b));
	struct state_writer writer;

	if (!b)
		abort();
	usb_bench_init(b);
	usb_bench_start(b);
	while (input.count > 0) {
		uint8_t op = fuzz_take(&input);
		unsigned reg = (unsigned)(op >> 3) % UHCI_IO_BYTES & ~1u;

		switch (op & 7) {
		case 0:
			usb_bench_in(b, reg);
			break;
		case 1:
			usb_bench_out(b, reg,
				      (uint16_t)(fuzz_take(&input) | fuzz_take(&input) << 8));
			break;
		case 2:
			write_memory(b, &input, op);
			break;
		case 3:
			run_control(b, &input);
			break;
		case 4:
			take_input(b, &input, op);
			break;
		case 5:
			usb_bench_go(b);
			break;
		case 6:
			usb_bench_enable(b, op >> 3 & 1);
			break;
		default:
			usb_bench_frames(b, op >> 3);
			break;
		}
	}
	state_writer_init(&writer);
	device_save_all(&b->devices, &writer);
	if (device_load_all(&b->devices, writer.bytes, writer.length, NULL) < 0)
		abort();
	state_writer_finish(&writer);
	usb_bench_finish(b);
	free(b);
	return 0;
}

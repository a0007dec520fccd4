// SPDX-License-Identifier: GPL-2.0-or-later
/* UHCI with a tablet and a keyboard: what drivers do, and what guests do to harm. */
#include <errno.h>
#include <linux/input-event-codes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/lib/usb_bench.h"

enum {
	TABLET = 5,
	KEYBOARD = 6,
};

static struct usb_bench bench;

static int set_up(void **state)
{
	(void)state;
	usb_bench_init(&bench);
	usb_bench_start(&bench);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	usb_bench_finish(&bench);
	return 0;
}

static const uint8_t *data(void)
{
	return bench.bench->bytes + USB_BENCH_DATA;
}

/** Queues an IN of the report endpoint. */
static uint32_t ask_report(unsigned address)
{
	uint32_t td = usb_bench_td(&bench, USB_IN, address, 1, USB_BENCH_DATA, 8,
				   UHCI_TD_INTERRUPT | UHCI_TD_SHORT);

	usb_bench_go(&bench);
	return td;
}

static void is_found_on_the_bus(void **state)
{
	(void)state;
	assert_int_equal(bench_config_read(bench.bench, 1, 2, 0, 4), 0x70208086);
	assert_int_equal(bench_config_read(bench.bench, 1, 2, 8, 4), 0x0c030001);
	assert_int_equal(bench_config_read(bench.bench, 1, 2, 0x3d, 1), 4);
	assert_int_equal(bench_config_read(bench.bench, 1, 2, UHCI_SBRN, 1), 0x10);
	assert_int_equal(usb_bench_in(&bench, UHCI_PORTSC1), 0x93);
	usb_bench_out(&bench, UHCI_PORTSC1, UHCI_PORT_CONNECT_CHANGE);
	assert_int_equal(usb_bench_in(&bench, UHCI_PORTSC1), 0x91);
}

static void is_enumerated(void **state)
{
	(void)state;
	usb_bench_enable(&bench, 0);
	assert_int_equal(usb_bench_control(&bench, 0, USB_GET_DESCRIPTOR, 0x100, 0, 64), 18);
	assert_int_equal(data()[0], 18);
	assert_int_equal(data()[7], 64);
	assert_int_equal(usb_bench_control(&bench, 0, USB_SET_ADDRESS, TABLET, 0, 0), 0);
	assert_int_equal(usb_bench_control(&bench, 0, USB_GET_DESCRIPTOR, 0x100, 0, 8), -1);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x200, 0, 255), 34);
	assert_int_equal(data()[2], 34);
	assert_int_equal(data()[25], 72); /* of the report's descriptor */
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_INTERFACE_GET_DESCRIPTOR, 0x2200, 0,
					   data()[25]),
			 72);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x300, 0, 255), 4);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x302, 0x409, 255),
			 22);
	assert_memory_equal(data() + 2, "U\0S\0B\0", 6);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x309, 0, 255), -1);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_SET_CONFIGURATION, 1, 0, 0), 0);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_CONFIGURATION, 0, 0, 1), 1);
	assert_int_equal(data()[0], 1);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_SET_CONFIGURATION, 2, 0, 0), -1);
}

static void a_pointer_lands_where_it_is_put(void **state)
{
	uint32_t td;

	(void)state;
	assert_false(input_has_absolute(&bench.input));
	usb_bench_configure(&bench, 0, TABLET);
	assert_true(input_has_absolute(&bench.input));
	td = ask_report(TABLET);
	usb_bench_frames(&bench, 40);
	assert_true(usb_bench_word(&bench, td + 4) & UHCI_TD_ACTIVE);
	assert_true(usb_bench_word(&bench, td + 4) & UHCI_TD_NAK);
	assert_false(bench.intx);
	input_move_to(&bench.input, 0x1234, 0x7fff, 800, 600, 0, 0);
	input_move_to(&bench.input, 0x2345, 0x0007, 800, 600, 1, 0);
	usb_bench_frames(&bench, 2);
	assert_false(usb_bench_word(&bench, td + 4) & UHCI_TD_ACTIVE);
	assert_int_equal(usb_bench_moved(&bench, td), 6);
	assert_memory_equal(data(), "\0\x45\x23\x07\0\1", 6);
	assert_true(bench.intx);
	usb_bench_out(&bench, UHCI_USBSTS, UHCI_STS_INT);
	assert_false(bench.intx);
	/* A click is not lost behind a movement. */
	input_move_to(&bench.input, 1, 1, 800, 600, 0, INPUT_BUTTON_LEFT);
	input_move_to(&bench.input, 2, 2, 800, 600, 0, 0);
	input_move_to(&bench.input, 3, 3, 800, 600, 0, 0);
	ask_report(TABLET);
	usb_bench_frames(&bench, 2);
	assert_memory_equal(data(), "\1\1\0\1\0\0", 6);
	ask_report(TABLET);
	usb_bench_frames(&bench, 2);
	assert_memory_equal(data(), "\0\3\0\3\0\0", 6);
}

static void keys_are_told(void **state)
{
	(void)state;
	usb_bench_configure(&bench, 1, KEYBOARD);
	input_key(&bench.input, KEY_LEFTSHIFT, true);
	assert_false(input_has_room(&bench.input));
	ask_report(KEYBOARD);
	usb_bench_frames(&bench, 32);
	assert_memory_equal(data(), "\2\0\0\0\0\0\0\0", 8);
	assert_true(input_has_room(&bench.input));
	input_key(&bench.input, KEY_A, true);
	ask_report(KEYBOARD);
	usb_bench_frames(&bench, 32);
	assert_memory_equal(data(), "\2\0\4\0\0\0\0\0", 8);
	for (unsigned key = KEY_Q; key <= KEY_P; key++)
		input_key(&bench.input, key, true);
	for (unsigned i = 0; i < 10; i++) {
		ask_report(KEYBOARD);
		usb_bench_frames(&bench, 32);
	}
	assert_memory_equal(data() + 2, "\1\1\1\1\1\1", 6);
	/* Num Lock's light */
	bench.bench->bytes[USB_BENCH_DATA] = 1;
	assert_int_equal(usb_bench_control(&bench, KEYBOARD, USB_HID_SET_REPORT, 0x200, 0, 1), 1);
	assert_int_equal(bench.input.leds, 2);
}

static void nobody_at_an_address_times_out(void **state)
{
	uint32_t td;

	(void)state;
	td = usb_bench_td(&bench, USB_IN, 9, 1, USB_BENCH_DATA, 8, 0);
	usb_bench_go(&bench);
	usb_bench_frames(&bench, 32);
	assert_int_equal(usb_bench_word(&bench, td + 4) &
				 (UHCI_TD_ACTIVE | UHCI_TD_STALLED | UHCI_TD_TIMEOUT),
			 UHCI_TD_STALLED | UHCI_TD_TIMEOUT);
	assert_int_equal(usb_bench_in(&bench, UHCI_USBSTS), UHCI_STS_ERROR);
	assert_true(bench.intx);
}

static void frames_are_counted_while_nobody_looks(void **state)
{
	unsigned looks = 0;

	(void)state;
	assert_int_equal(usb_bench_in(&bench, UHCI_FRNUM), 0);
	usb_bench_enable(&bench, 0);
	usb_bench_frames(&bench, 3000);
	assert_int_equal(usb_bench_in(&bench, UHCI_FRNUM), 3000 & 0x7ff);
	/* An idle bus is looked at every 16 frames. */
	for (unsigned i = 0; i < 160; i++) {
		int64_t next = clock_next_deadline_ns(&bench.bench->clock);

		usb_bench_frames(&bench, 1);
		looks += next != clock_next_deadline_ns(&bench.bench->clock);
	}
	assert_in_range(looks, 9, 11);
	usb_bench_out(&bench, UHCI_USBCMD, 0);
	assert_int_equal(usb_bench_in(&bench, UHCI_USBSTS), UHCI_STS_HALTED);
	assert_true(clock_next_deadline_ns(&bench.bench->clock) == INT64_MAX);
	usb_bench_out(&bench, UHCI_USBCMD, UHCI_CMD_RUN | UHCI_CMD_EGSM);
	assert_true(clock_next_deadline_ns(&bench.bench->clock) == INT64_MAX);
}

/** Deadlines that pass in so many frames. */
static unsigned count_looks(unsigned frames)
{
	unsigned looks = 0;

	for (unsigned i = 0; i < frames; i++) {
		int64_t next = clock_next_deadline_ns(&bench.bench->clock);

		usb_bench_frames(&bench, 1);
		looks += next != INT64_MAX && next <= clock_now_ns(&bench.bench->clock);
	}
	return looks;
}

/** The controller runs, as a BIOS leaves it, and no port is enabled. */
static void an_unused_controller_needs_no_timer(void **state)
{
	(void)state;
	usb_bench_frames(&bench, 1000);
	assert_int_equal(count_looks(1000), 0);
	assert_true(clock_next_deadline_ns(&bench.bench->clock) == INT64_MAX);
	assert_int_equal(usb_bench_in(&bench, UHCI_FRNUM), 2000 & 0x7ff);
	/* a driver comes */
	usb_bench_configure(&bench, 0, TABLET);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_CONFIGURATION, 0, 0, 1), 1);
	usb_bench_frames(&bench, 1000);
	assert_in_range(count_looks(1600), 95, 105);
	/* what it held is taken out: a last look at what it had been asked, then none */
	usb_port_detach(&bench.uhci.plugs[0]);
	usb_bench_frames(&bench, 1000);
	assert_int_equal(count_looks(1000), 0);
	assert_int_equal(usb_port_attach(&bench.uhci.plugs[0], &bench.tablet.usb, NULL), 0);
	assert_int_equal(usb_bench_in(&bench, UHCI_PORTSC1) & 0x7, 0x3);
	usb_bench_configure(&bench, 0, TABLET);
	assert_true(input_has_absolute(&bench.input));
}

static void a_device_wakes_a_sleeping_bus_by_being_plugged_in(void **state)
{
	(void)state;
	usb_port_detach(&bench.uhci.plugs[0]);
	usb_bench_out(&bench, UHCI_USBSTS, UHCI_STS_MASK);
	usb_bench_out(&bench, UHCI_USBCMD, UHCI_CMD_EGSM);
	assert_false(bench.intx);
	assert_int_equal(usb_port_attach(&bench.uhci.plugs[0], &bench.tablet.usb, NULL), 0);
	assert_true(usb_bench_in(&bench, UHCI_USBSTS) & UHCI_STS_RESUME);
	assert_true(bench.intx);
	assert_int_equal(usb_port_attach(&bench.uhci.plugs[0], &bench.keyboard.usb, NULL), -EBUSY);
}

static void a_sleeping_bus_is_woken(void **state)
{
	(void)state;
	usb_bench_configure(&bench, 0, TABLET);
	usb_bench_control(&bench, TABLET, USB_DEVICE_SET_FEATURE, USB_FEATURE_REMOTE_WAKEUP, 0, 0);
	usb_bench_out(&bench, UHCI_USBSTS, UHCI_STS_MASK);
	usb_bench_out(&bench, UHCI_USBCMD, UHCI_CMD_EGSM);
	assert_false(bench.intx);
	input_move_to(&bench.input, 1, 1, 800, 600, 0, 0);
	assert_true(bench.intx);
	assert_true(usb_bench_in(&bench, UHCI_USBSTS) & UHCI_STS_RESUME);
	assert_true(usb_bench_in(&bench, UHCI_PORTSC1) & UHCI_PORT_RESUME_DETECT);
}

/* CVE-2020-25625's kind, in UHCI's words: descriptors and queues in rings. */
static void rings_have_an_end(void **state)
{
	(void)state;
	usb_bench_configure(&bench, 0, TABLET);
	/* two queues around each other, as drivers build them for what bandwidth is left */
	usb_bench_set_word(&bench, USB_BENCH_QH, (USB_BENCH_QH + 32) | UHCI_LINK_QUEUE);
	usb_bench_set_word(&bench, USB_BENCH_QH + 32, USB_BENCH_QH | UHCI_LINK_QUEUE);
	usb_bench_set_word(&bench, USB_BENCH_QH + 36, UHCI_LINK_TERMINATE);
	usb_bench_frames(&bench, 100);
	/* a descriptor that links to itself, done again and again */
	usb_bench_td(&bench, USB_SETUP, TABLET, 0, USB_BENCH_DATA, 8, 0);
	usb_bench_set_word(&bench, USB_BENCH_TDS, USB_BENCH_TDS | UHCI_LINK_DEPTH);
	usb_bench_go(&bench);
	usb_bench_frames(&bench, 100);
	/* a frame whose descriptor links to itself */
	for (uint32_t i = 0; i < UHCI_FRAMES; i++)
		usb_bench_set_word(&bench, USB_BENCH_FRAMES + i * 4, USB_BENCH_TDS);
	usb_bench_frames(&bench, 100);
	assert_false(usb_bench_in(&bench, UHCI_USBSTS) & UHCI_STS_HALTED);
}

/* CVE-2020-14364: a length that a control transfer's second stage does not fit into. */
static void a_control_transfer_stays_within_its_buffer(void **state)
{
	(void)state;
	usb_bench_configure(&bench, 0, TABLET);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_HID_SET_REPORT, 0, 0, 0xffff), -1);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x100, 0, 1023), 18);
	/* an IN that goes on behind the data gets nothing */
	usb_bench_td(&bench, USB_IN, TABLET, 0, USB_BENCH_DATA, 64, 0);
	usb_bench_go(&bench);
	usb_bench_frames(&bench, 32);
	assert_int_equal(usb_bench_word(&bench, USB_BENCH_TDS + 4) & UHCI_TD_ACTIVE,
			 UHCI_TD_ACTIVE);
}

static void a_schedule_outside_of_memory_stops_it(void **state)
{
	(void)state;
	usb_bench_out(&bench, UHCI_FLBASEADD + 2, 0xfff0);
	usb_bench_frames(&bench, 32);
	assert_int_equal(usb_bench_in(&bench, UHCI_USBSTS), UHCI_STS_HOST_ERROR | UHCI_STS_HALTED);
	assert_true(bench.intx);
	usb_bench_out(&bench, UHCI_USBCMD, UHCI_CMD_HCRESET);
	assert_int_equal(usb_bench_in(&bench, UHCI_USBSTS), UHCI_STS_HALTED);
	assert_false(bench.intx);
}

static void is_saved_and_loaded(void **state)
{
	struct state_writer writer;

	(void)state;
	usb_bench_configure(&bench, 0, TABLET);
	usb_bench_configure(&bench, 1, KEYBOARD);
	input_move_to(&bench.input, 7, 8, 800, 600, 0, 0);
	input_key(&bench.input, KEY_B, true);
	state_writer_init(&writer);
	device_save_all(&bench.devices, &writer);
	assert_int_equal(state_find_gap(bench.uhci.device.class->table), -1);
	assert_int_equal(state_find_gap(bench.tablet.device.class->table), -1);
	device_reset_all(&bench.devices);
	assert_false(input_has_absolute(&bench.input));
	assert_int_equal(device_load_all(&bench.devices, writer.bytes, writer.length, NULL), 0);
	state_writer_finish(&writer);
	ask_report(TABLET);
	usb_bench_frames(&bench, 32);
	assert_memory_equal(data(), "\0\7\0\10\0\0", 6);
	ask_report(KEYBOARD);
	usb_bench_frames(&bench, 32);
	assert_memory_equal(data(), "\0\0\5\0\0\0\0\0", 8);
	bench.tablet.state.usb.stage = USB_STAGES;
	assert_int_equal(bench.tablet.device.class->after_load(&bench.tablet, NULL), -EINVAL);
	bench.uhci.state.frame_list = 1;
	assert_int_equal(bench.uhci.device.class->after_load(&bench.uhci, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_found_on_the_bus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_enumerated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pointer_lands_where_it_is_put, set_up, tear_down),
		cmocka_unit_test_setup_teardown(keys_are_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_at_an_address_times_out, set_up, tear_down),
		cmocka_unit_test_setup_teardown(frames_are_counted_while_nobody_looks, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_unused_controller_needs_no_timer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_sleeping_bus_is_woken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_device_wakes_a_sleeping_bus_by_being_plugged_in,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(rings_have_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_control_transfer_stays_within_its_buffer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_schedule_outside_of_memory_stops_it, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(is_saved_and_loaded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

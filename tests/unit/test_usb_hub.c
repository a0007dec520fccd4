// SPDX-License-Identifier: GPL-2.0-or-later
/* A hub at a UHCI port, and what is behind it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hw/usb/hub.h"
#include "hw/usb/hub_regs.h"
#include "tests/lib/usb_bench.h"

enum {
	HUB = 3,
	TABLET = 5,
	PORT = 4, /* of the tablet, from 1 */
};

static struct usb_bench bench;
static struct usb_hub hub;

static const uint8_t *data(void)
{
	return bench.bench->bytes + USB_BENCH_DATA;
}

static int ask(uint16_t request, uint16_t value, uint16_t index, uint16_t length)
{
	return usb_bench_control(&bench, HUB, request, value, index, length);
}

/** Status in the low half, changes in the high one. */
static uint32_t port_status(unsigned port)
{
	assert_int_equal(ask(HUB_PORT_GET_STATUS, 0, (uint16_t)port, 4), 4);
	return load_le32(data());
}

static void set_feature(unsigned port, uint16_t feature)
{
	assert_int_equal(ask(HUB_PORT_SET_FEATURE, feature, (uint16_t)port, 0), 0);
}

static void clear_feature(unsigned port, uint16_t feature)
{
	assert_int_equal(ask(HUB_PORT_CLEAR_FEATURE, feature, (uint16_t)port, 0), 0);
}

static int set_up(void **state)
{
	(void)state;
	usb_bench_init(&bench);
	usb_hub_init(&hub);
	device_add(&bench.devices, &hub.device);
	usb_port_detach(&bench.uhci.plugs[0]);
	assert_int_equal(usb_port_attach(&hub.ports[PORT - 1], &bench.tablet.usb, NULL), 0);
	assert_int_equal(usb_port_attach(&bench.uhci.plugs[0], &hub.usb, NULL), 0);
	usb_bench_start(&bench);
	usb_bench_configure(&bench, 0, HUB);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	usb_bench_finish(&bench);
	return 0;
}

/** Resets the tablet's port and gives it its address. */
static void configure_tablet(void)
{
	set_feature(PORT, HUB_PORT_RESET);
	assert_int_equal(usb_bench_control(&bench, 0, USB_SET_ADDRESS, TABLET, 0, 0), 0);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_SET_CONFIGURATION, 1, 0, 0), 0);
}

static void says_what_it_is(void **state)
{
	(void)state;
	assert_int_equal(ask(HUB_GET_DESCRIPTOR, 0x2900, 0, 15), 11);
	assert_int_equal(data()[0], 11);
	assert_int_equal(data()[2], HUB_PORTS);
	assert_int_equal(ask(HUB_GET_STATUS, 0, 0, 4), 4);
	assert_int_equal(load_le32(data()), 0);
	assert_int_equal(port_status(1), HUB_STATUS_POWER);
	assert_int_equal(port_status(PORT), 0x10101);
	assert_int_equal(ask(USB_GET_DESCRIPTOR, 0x600, 0, 10), -1); /* full speed alone */
	/* ports that it has not, requests that it knows not */
	assert_int_equal(ask(HUB_PORT_GET_STATUS, 0, 0, 4), -1);
	assert_int_equal(ask(HUB_PORT_GET_STATUS, 0, HUB_PORTS + 1, 4), -1);
	assert_int_equal(ask(HUB_PORT_SET_FEATURE, HUB_PORT_RESET, 0xff, 0), -1);
	assert_int_equal(ask(HUB_PORT_SET_FEATURE, 99, 1, 0), -1);
	assert_int_equal(ask(HUB_PORT_CLEAR_FEATURE, 31, 1, 0), -1);
	assert_int_equal(ask(HUB_SET_FEATURE, 7, 0, 0), -1);
}

static void a_device_behind_it_is_reached(void **state)
{
	(void)state;
	assert_int_equal(usb_bench_control(&bench, 0, USB_GET_DESCRIPTOR, 0x100, 0, 18), -1);
	configure_tablet();
	assert_int_equal(port_status(PORT), 0x110103);
	clear_feature(PORT, HUB_PORT_C_RESET);
	clear_feature(PORT, HUB_PORT_C_CONNECTION);
	assert_int_equal(port_status(PORT), 0x103);
	assert_true(input_has_absolute(&bench.input));
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x100, 0, 18), 18);
	/* asleep it is not reached */
	set_feature(PORT, HUB_PORT_SUSPEND);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x100, 0, 18), -1);
	clear_feature(PORT, HUB_PORT_SUSPEND);
	assert_int_equal(port_status(PORT), 0x40103);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x100, 0, 18), 18);
	clear_feature(PORT, HUB_PORT_ENABLE);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x100, 0, 18), -1);
}

static void a_sleeping_device_wakes_its_port(void **state)
{
	(void)state;
	configure_tablet();
	usb_bench_control(&bench, TABLET, USB_DEVICE_SET_FEATURE, USB_FEATURE_REMOTE_WAKEUP, 0, 0);
	set_feature(PORT, HUB_PORT_SUSPEND);
	input_move_to(&bench.input, 1, 1, 800, 600, 0, 0);
	assert_int_equal(port_status(PORT) & 0x40004, 0x40000);
}

/** Asks the endpoint that tells of changes. */
static uint32_t ask_changes(void)
{
	uint32_t td = usb_bench_td(&bench, USB_IN, HUB, HUB_ENDPOINT, USB_BENCH_DATA, 2,
				   UHCI_TD_INTERRUPT);

	usb_bench_go(&bench);
	return td;
}

static bool is_active(uint32_t td)
{
	return usb_bench_word(&bench, td + 4) & UHCI_TD_ACTIVE;
}

static void what_comes_and_goes_is_told(void **state)
{
	uint32_t td;

	(void)state;
	td = ask_changes();
	usb_bench_frames(&bench, 32);
	assert_false(is_active(td));
	assert_int_equal(load_le16(data()), BIT(PORT));
	clear_feature(PORT, HUB_PORT_C_CONNECTION);
	td = ask_changes();
	usb_bench_frames(&bench, 300);
	assert_true(is_active(td)); /* NAK, at an idle bus' pace */
	usb_port_detach(&bench.uhci.plugs[1]);
	assert_int_equal(usb_port_attach(&hub.ports[HUB_PORTS - 1], &bench.keyboard.usb, NULL), 0);
	usb_bench_frames(&bench, 2);
	assert_false(is_active(td));
	assert_int_equal(load_le16(data()), BIT(HUB_PORTS));
	assert_int_equal(port_status(HUB_PORTS), 0x10101);
	configure_tablet();
	clear_feature(PORT, HUB_PORT_C_RESET);
	usb_port_detach(&hub.ports[PORT - 1]);
	assert_int_equal(port_status(PORT), 0x30100);
	assert_int_equal(usb_bench_control(&bench, TABLET, USB_GET_DESCRIPTOR, 0x100, 0, 18), -1);
	/* without power nothing is seen */
	clear_feature(PORT, HUB_PORT_POWER);
	assert_int_equal(usb_port_attach(&hub.ports[PORT - 1], &bench.tablet.usb, NULL), 0);
	assert_int_equal(port_status(PORT), 0);
	set_feature(PORT, HUB_PORT_RESET);
	assert_int_equal(port_status(PORT), 0);
	set_feature(PORT, HUB_PORT_POWER);
	assert_int_equal(port_status(PORT), 0x10101);
}

static void hubs_in_a_row_have_an_end(void **state)
{
	struct usb_hub hubs[USB_TIERS + 1];
	struct err err = { .text = "" };
	struct usb_port *port = &hub.ports[0];

	(void)state;
	for (unsigned i = 0; i < USB_TIERS; i++) {
		usb_hub_init(&hubs[i]);
		if (i + 1 < USB_TIERS) {
			assert_int_equal(usb_port_attach(port, &hubs[i].usb, &err), 0);
			port = &hubs[i].ports[7];
		}
	}
	usb_hub_init(&hubs[USB_TIERS]);
	assert_int_equal(usb_port_attach(port, &hubs[USB_TIERS].usb, &err), 0);
	assert_int_equal(usb_port_attach(&hubs[USB_TIERS].ports[0], &hubs[USB_TIERS - 1].usb, &err),
			 -EINVAL);
	assert_string_not_equal(err.text, "");
	usb_port_detach(&hub.ports[0]);
}

static void is_saved_and_loaded(void **state)
{
	struct usb_hub_state good;

	(void)state;
	configure_tablet();
	device_remove(&hub.device);
	assert_true(bench_round_trip(&hub.device));
	device_add(&bench.devices, &hub.device);
	assert_int_equal(port_status(PORT), 0x110103);
	good = hub.state;
	hub.state.status[0] = HUB_STATUS_POWER | HUB_STATUS_ENABLE;
	assert_true(bench_refuses_state(&hub.device));
	hub.state = good;
	hub.state.status[0] = HUB_STATUS_POWER | HUB_STATUS_CONNECTION;
	assert_true(bench_refuses_state(&hub.device));
	hub.state = good;
	hub.state.change[7] = 0x8000;
	assert_true(bench_refuses_state(&hub.device));
	hub.state = good;
	/* what was not there when it was saved is plugged in now */
	hub.state.status[PORT - 1] = HUB_STATUS_POWER;
	assert_int_equal(hub.device.class->after_load(&hub, NULL), 0);
	assert_int_equal(port_status(PORT) & 0x10003, 0x10001);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(says_what_it_is, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_device_behind_it_is_reached, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sleeping_device_wakes_its_port, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(what_comes_and_goes_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(hubs_in_a_row_have_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_saved_and_loaded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

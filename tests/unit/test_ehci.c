// SPDX-License-Identifier: GPL-2.0-or-later
/* EHCI with a companion: a disk and a tablet at high speed, and what guests do to harm. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "hw/usb/hid.h"
#include "hw/usb/hub.h"
#include "tests/lib/ehci_bench.h"
#include "tests/lib/storage_bench.h"

enum {
	DISK = 4,
	TABLET = 5,
	DISK_PORT = 0,
	TABLET_PORT = 2,
};

static struct ehci_bench bench;
static struct storage_bench disk;
static struct hid tablet;
static struct input input;

static void image_works(void *opaque)
{
	(void)opaque;
	fake_block_complete_all(disk.disk);
}

static int set_up(void **state)
{
	(void)state;
	ehci_bench_init(&bench);
	storage_bench_init(&disk, false, USB_FULL, true);
	usb_port_detach(&disk.port);
	input_init(&input);
	hid_init(&tablet, HID_TABLET, &input);
	device_add(&bench.devices, &disk.storage.device);
	device_add(&bench.devices, &tablet.device);
	assert_int_equal(usb_port_attach(&bench.ehci.plugs[DISK_PORT], &disk.storage.usb, NULL), 0);
	assert_int_equal(usb_port_attach(&bench.ehci.plugs[TABLET_PORT], &tablet.usb, NULL), 0);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ehci_bench_finish(&bench);
	block_close(disk.disk);
	return 0;
}

static uint16_t companion_port(unsigned port)
{
	return bench_in16(bench.bench, (uint16_t)(EHCI_BENCH_UHCI + UHCI_PORTSC1 + 2 * port));
}

static bool has_timer(void)
{
	return clock_next_deadline_ns(&bench.bench->clock) != INT64_MAX;
}

static void is_found_on_the_bus(void **state)
{
	(void)state;
	assert_int_equal(bench_config_read(bench.bench, 0x1d, 7, 0, 4), 0x293a8086);
	assert_int_equal(bench_config_read(bench.bench, 0x1d, 7, 8, 4), 0x0c032003);
	assert_int_equal(bench_config_read(bench.bench, 0x1d, 7, 0x60, 2), 0x2020);
	assert_int_equal(bench_config_read(bench.bench, 0x1d, 0, 0, 4), 0x29348086);
	assert_int_equal(bench_config_read(bench.bench, 0x1d, 0, 0x0e, 1), 0x80);
	assert_int_equal(ehci_bench_in(&bench, EHCI_CAPLENGTH), 0x01000020);
	assert_int_equal(ehci_bench_in(&bench, EHCI_HCSPARAMS), 0x1206);
	assert_int_equal(ehci_bench_in(&bench, EHCI_USBSTS), EHCI_STS_HALTED);
	assert_int_equal(ehci_bench_in(&bench, EHCI_USBCMD), EHCI_CMD_RESET);
}

static void ports_are_the_companions_first(void **state)
{
	(void)state;
	assert_int_equal(ehci_bench_port(&bench, DISK_PORT), EHCI_PORT_POWER | EHCI_PORT_OWNER);
	assert_int_equal(companion_port(0) & 3, 3);
	assert_int_equal(companion_port(1) & 3, 0);
	ehci_bench_start(&bench);
	assert_int_equal(companion_port(0) & 3, 2);
	assert_int_equal(ehci_bench_port(&bench, DISK_PORT), EHCI_PORT_POWER | EHCI_PORT_CONNECTED |
								     EHCI_PORT_CONNECT_CHANGE |
								     EHCI_PORT_LINE_J);
	assert_true(ehci_bench_irq(&bench));
	ehci_bench_reset_port(&bench, DISK_PORT);
	assert_int_equal(ehci_bench_port(&bench, DISK_PORT),
			 EHCI_PORT_POWER | EHCI_PORT_CONNECTED | EHCI_PORT_ENABLED);
	assert_int_equal(disk.storage.state.usb.speed, USB_HIGH);
	/* one is given to the companion by hand, and comes back when it is unplugged */
	ehci_bench_set_port(&bench, DISK_PORT, EHCI_PORT_OWNER);
	assert_int_equal(companion_port(0) & 3, 3);
	assert_int_equal(ehci_bench_port(&bench, DISK_PORT) &
				 (EHCI_PORT_OWNER | EHCI_PORT_CONNECTED | EHCI_PORT_ENABLED),
			 EHCI_PORT_OWNER);
	usb_port_detach(&bench.ehci.plugs[DISK_PORT]);
	assert_int_equal(companion_port(0) & 3, 2);
	assert_int_equal(ehci_bench_port(&bench, DISK_PORT) & EHCI_PORT_OWNER, 0);
	assert_int_equal(usb_port_attach(&bench.ehci.plugs[DISK_PORT], &disk.storage.usb, NULL), 0);
	assert_int_equal(ehci_bench_port(&bench, DISK_PORT) & 3, 3);
	/* a reset gives all back */
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_HCRESET);
	assert_int_equal(companion_port(0) & 3, 3);
	assert_int_equal(ehci_bench_port(&bench, DISK_PORT), EHCI_PORT_POWER | EHCI_PORT_OWNER);
}

static void what_is_slow_is_left_to_the_companion(void **state)
{
	struct usb_hub hub;

	(void)state;
	usb_hub_init(&hub);
	ehci_bench_start(&bench);
	/* without one it is not taken at all */
	assert_int_equal(usb_port_attach(&bench.ehci.plugs[5], &hub.usb, NULL), -EINVAL);
	assert_int_equal(usb_port_attach(&bench.ehci.plugs[1], &hub.usb, NULL), 0);
	ehci_bench_reset_port(&bench, 1);
	assert_int_equal(ehci_bench_port(&bench, 1) & (EHCI_PORT_CONNECTED | EHCI_PORT_ENABLED),
			 EHCI_PORT_CONNECTED);
	ehci_bench_set_port(&bench, 1, EHCI_PORT_OWNER);
	assert_int_equal(companion_port(1) & 3, 3);
	usb_port_detach(&bench.ehci.plugs[1]);
	assert_int_equal(companion_port(1) & 1, 0);
	/* a port without a companion cannot be given away */
	ehci_bench_set_port(&bench, TABLET_PORT, EHCI_PORT_OWNER);
	assert_int_equal(ehci_bench_port(&bench, TABLET_PORT) & EHCI_PORT_OWNER, 0);
}

static void is_enumerated(void **state)
{
	const uint8_t *data = bench.bench->bytes + EHCI_BENCH_DATA;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_reset_port(&bench, DISK_PORT);
	assert_int_equal(ehci_bench_control(&bench, 0, USB_GET_DESCRIPTOR, 0x100, 0, 64), 18);
	assert_int_equal(data[0], 18);
	assert_true(ehci_bench_irq(&bench));
	assert_int_equal(ehci_bench_control(&bench, 0, USB_SET_ADDRESS, DISK, 0, 0), 0);
	assert_int_equal(ehci_bench_control(&bench, 0, USB_GET_DESCRIPTOR, 0x100, 0, 8), -1);
	assert_int_equal(ehci_bench_control(&bench, DISK, USB_GET_DESCRIPTOR, 0x200, 0, 255), 32);
	assert_int_equal(load_le16(data + 22), 512);
	assert_int_equal(ehci_bench_control(&bench, DISK, USB_GET_DESCRIPTOR, 0x309, 0, 255), -1);
	assert_true(ehci_bench_word(&bench, EHCI_BENCH_QH + 4 * QH_TOKEN) & TOKEN_HALTED);
	assert_int_equal(ehci_bench_control(&bench, DISK, USB_SET_CONFIGURATION, 1, 0, 0), 0);
}

/** READ(10) of 'sectors' from sector 3: wrapper, data, status, all queued at once. Where the status
 * descriptor lies. */
static uint32_t queue_read(unsigned sectors, uint32_t data)
{
	uint8_t *cbw = bench.bench->bytes + EHCI_BENCH_SETUP;
	uint32_t status;

	memset(cbw, 0, CBW_BYTES);
	store_le32(cbw, STORAGE_CBW_SIGNATURE);
	store_le32(cbw + CBW_LENGTH, sectors * 512);
	cbw[CBW_FLAGS] = CBW_FLAG_IN;
	cbw[CBW_COMMAND_LENGTH] = 10;
	cbw[CBW_COMMAND] = ATAPI_READ_10;
	cbw[CBW_COMMAND + 5] = 3;
	cbw[CBW_COMMAND + 8] = (uint8_t)sectors;
	ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, DISK, STORAGE_OUT,
			 512, 0);
	ehci_bench_td(&bench, EHCI_PID_OUT, EHCI_BENCH_SETUP, CBW_BYTES, 0);
	ehci_bench_go(&bench, EHCI_BENCH_QH);
	ehci_bench_microframes(&bench, 2 * EHCI_IDLE_MICROFRAMES);
	ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, DISK, STORAGE_IN,
			 512, 0);
	for (unsigned done = 0; done < sectors * 512; done += 16384)
		ehci_bench_td(&bench, EHCI_PID_IN, data + done,
			      (unsigned)min_u64(16384, sectors * 512 - done), 0);
	status = ehci_bench_td(&bench, EHCI_PID_IN, EHCI_BENCH_SETUP + 64, CSW_BYTES,
			       TOKEN_INTERRUPT);
	ehci_bench_go(&bench, EHCI_BENCH_QH);
	return status;
}

static void a_disk_is_read(void **state)
{
	const uint8_t *data = bench.bench->bytes + 0x10123;
	uint32_t status;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, DISK_PORT, DISK);
	status = queue_read(200, 0x10123);
	ehci_bench_microframes(&bench, 50);
	assert_true(ehci_bench_token(&bench, status) & TOKEN_ACTIVE);
	/* what comes from the image wakes the controller */
	bench.wait = image_works;
	ehci_bench_microframes(&bench, 20);
	assert_false(ehci_bench_token(&bench, status) & TOKEN_ACTIVE);
	assert_int_equal(ehci_bench_left(&bench, status), 0);
	assert_true(ehci_bench_irq(&bench));
	for (unsigned i = 0; i < 200 * 512; i++)
		assert_int_equal(data[i], storage_bench_byte(3 * 512 + i));
	assert_int_equal(bench.bench->bytes[EHCI_BENCH_SETUP + 64 + CSW_STATUS], 0);
}

static void a_short_packet_goes_the_other_way(void **state)
{
	uint32_t first, other;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, DISK_PORT, DISK);
	ehci_bench_td(&bench, EHCI_PID_SETUP, EHCI_BENCH_SETUP, 8, 0);
	first = ehci_bench_td(&bench, EHCI_PID_IN, EHCI_BENCH_DATA, 64, TOKEN_TOGGLE);
	ehci_bench_td(&bench, EHCI_PID_IN, EHCI_BENCH_DATA, 64, 0);
	other = ehci_bench_td(&bench, EHCI_PID_OUT, 0, 0, TOKEN_TOGGLE | TOKEN_INTERRUPT);
	ehci_bench_set_word(&bench, first + 4 * QTD_ALTERNATE, other);
	memcpy(bench.bench->bytes + EHCI_BENCH_SETUP, "\x80\x06\0\1\0\0\x80\0", 8);
	ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, DISK, 0, 64, 0);
	ehci_bench_go(&bench, EHCI_BENCH_QH);
	ehci_bench_microframes(&bench, 2 * EHCI_IDLE_MICROFRAMES);
	assert_int_equal(ehci_bench_left(&bench, first), 64 - 18);
	assert_false(ehci_bench_token(&bench, other) & TOKEN_ACTIVE);
	assert_true(ehci_bench_token(&bench, other - EHCI_BENCH_TD_BYTES) & TOKEN_ACTIVE);
}

static void a_pointer_is_asked_by_the_periodic_list(void **state)
{
	uint32_t td;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, TABLET_PORT, TABLET);
	assert_true(input_has_absolute(&input));
	ehci_bench_queue(&bench, EHCI_BENCH_INTERRUPT_QH, EHCI_LINK_TERMINATE, TABLET, 1, 8, 1);
	for (uint32_t i = 3; i < EHCI_FRAMES; i += 8) /* every eighth frame */
		ehci_bench_set_word(&bench, EHCI_BENCH_FRAMES + 4 * i,
				    EHCI_BENCH_INTERRUPT_QH | EHCI_LINK_QH);
	td = ehci_bench_td(&bench, EHCI_PID_IN, EHCI_BENCH_DATA, 8, TOKEN_INTERRUPT);
	ehci_bench_go(&bench, EHCI_BENCH_INTERRUPT_QH);
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_RUN | EHCI_CMD_PERIODIC);
	ehci_bench_microframes(&bench, 4000);
	assert_true(ehci_bench_token(&bench, td) & TOKEN_ACTIVE);
	input_move_to(&input, 0x1234, 7, 800, 600, 0, 1);
	ehci_bench_microframes(&bench, 80);
	assert_false(ehci_bench_token(&bench, td) & TOKEN_ACTIVE);
	assert_int_equal(ehci_bench_left(&bench, td), 2);
	assert_memory_equal(bench.bench->bytes + EHCI_BENCH_DATA, "\1\x34\x12\7\0\0", 6);
	assert_true(ehci_bench_irq(&bench));
}

/** Deadlines that pass in so many microframes. */
static unsigned count_looks(unsigned microframes)
{
	unsigned looks = 0;

	for (unsigned i = 0; i < microframes; i++) {
		int64_t next = clock_next_deadline_ns(&bench.bench->clock);

		ehci_bench_microframes(&bench, 1);
		looks += next != INT64_MAX && next <= clock_now_ns(&bench.bench->clock);
	}
	return looks;
}

static void an_idle_controller_needs_no_timer(void **state)
{
	(void)state;
	assert_false(has_timer());
	ehci_bench_start(&bench);
	/* no port is enabled */
	ehci_bench_microframes(&bench, 8000);
	assert_false(has_timer());
	ehci_bench_configure(&bench, DISK_PORT, DISK);
	/* a queue that has nothing, looked at less and less often */
	ehci_bench_microframes(&bench, 8000);
	assert_in_range(count_looks(12800), 95, 105);
	/* drivers disable the lists then */
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_RUN);
	assert_false(has_timer());
	assert_int_equal(ehci_bench_in(&bench, EHCI_USBSTS) & (EHCI_STS_ASYNC | EHCI_STS_HALTED),
			 0);
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_RUN | EHCI_CMD_ASYNC);
	assert_true(has_timer());
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_ASYNC);
	assert_false(has_timer());
	/* who asks for rollovers gets them, one a second */
	ehci_bench_out(&bench, EHCI_USBSTS, EHCI_STS_CAUSES);
	ehci_bench_out(&bench, EHCI_USBINTR, EHCI_STS_ROLLOVER);
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_RUN);
	assert_in_range(count_looks(32768), 3, 5);
	assert_true(ehci_bench_irq(&bench));
}

static void microframes_are_counted(void **state)
{
	uint32_t before;

	(void)state;
	ehci_bench_out(&bench, EHCI_FRINDEX, 0x3ff0);
	assert_int_equal(ehci_bench_in(&bench, EHCI_FRINDEX), 0x3ff0);
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_RUN);
	ehci_bench_out(&bench, EHCI_FRINDEX, 0); /* not while it runs */
	before = ehci_bench_in(&bench, EHCI_USBSTS);
	ehci_bench_microframes(&bench, 0x20);
	assert_int_equal(ehci_bench_in(&bench, EHCI_FRINDEX), 0x10);
	assert_false(before & EHCI_STS_ROLLOVER);
	assert_true(ehci_bench_in(&bench, EHCI_USBSTS) & EHCI_STS_ROLLOVER);
}

static void the_doorbell_is_answered(void **state)
{
	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_out(&bench, EHCI_USBSTS, EHCI_STS_CAUSES);
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_RUN | EHCI_CMD_ASYNC | EHCI_CMD_DOORBELL);
	assert_int_equal(ehci_bench_in(&bench, EHCI_USBSTS) & EHCI_STS_CAUSES, EHCI_STS_ADVANCE);
	assert_int_equal(ehci_bench_in(&bench, EHCI_USBCMD) & EHCI_CMD_DOORBELL, 0);
	assert_true(ehci_bench_irq(&bench));
}

static void a_sleeping_port_is_woken(void **state)
{
	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, TABLET_PORT, TABLET);
	ehci_bench_control(&bench, TABLET, USB_DEVICE_SET_FEATURE, USB_FEATURE_REMOTE_WAKEUP, 0, 0);
	ehci_bench_out(&bench, EHCI_USBSTS, EHCI_STS_CAUSES);
	ehci_bench_set_port(&bench, TABLET_PORT, EHCI_PORT_ENABLED | EHCI_PORT_SUSPEND);
	assert_false(ehci_bench_irq(&bench));
	assert_int_equal(ehci_bench_control(&bench, TABLET, USB_GET_CONFIGURATION, 0, 0, 1), -1);
	ehci_bench_out(&bench, EHCI_USBSTS, EHCI_STS_CAUSES);
	input_move_to(&input, 1, 1, 800, 600, 0, 0);
	assert_true(ehci_bench_port(&bench, TABLET_PORT) & EHCI_PORT_RESUME);
	assert_true(ehci_bench_irq(&bench));
	ehci_bench_set_port(&bench, TABLET_PORT, EHCI_PORT_ENABLED);
	assert_int_equal(ehci_bench_port(&bench, TABLET_PORT) &
				 (EHCI_PORT_SUSPEND | EHCI_PORT_RESUME | EHCI_PORT_ENABLED),
			 EHCI_PORT_ENABLED);
	assert_int_equal(ehci_bench_control(&bench, TABLET, USB_GET_CONFIGURATION, 0, 0, 1), 1);
}

static void what_is_unplugged_fails(void **state)
{
	uint32_t td;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, TABLET_PORT, TABLET);
	ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, TABLET, 1, 8, 0);
	td = ehci_bench_td(&bench, EHCI_PID_IN, EHCI_BENCH_DATA, 8, 0);
	ehci_bench_go(&bench, EHCI_BENCH_QH);
	ehci_bench_microframes(&bench, 1000);
	usb_port_detach(&bench.ehci.plugs[TABLET_PORT]);
	assert_true(ehci_bench_in(&bench, EHCI_USBSTS) & EHCI_STS_PORT_CHANGE);
	assert_int_equal(ehci_bench_port(&bench, TABLET_PORT) &
				 (EHCI_PORT_CONNECTED | EHCI_PORT_ENABLED |
				  EHCI_PORT_CONNECT_CHANGE | EHCI_PORT_ENABLE_CHANGE),
			 EHCI_PORT_CONNECT_CHANGE | EHCI_PORT_ENABLE_CHANGE);
	ehci_bench_microframes(&bench, 2);
	assert_int_equal(ehci_bench_token(&bench, td) & (TOKEN_ACTIVE | TOKEN_HALTED | TOKEN_ERROR),
			 TOKEN_HALTED | TOKEN_ERROR);
	assert_true(ehci_bench_in(&bench, EHCI_USBSTS) & EHCI_STS_ERROR);
}

/* CVE-2015-8558's kind: lists in rings, with and without work in them. */
static void rings_have_an_end(void **state)
{
	uint32_t td;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, TABLET_PORT, TABLET);
	/* a descriptor that links to itself */
	td = ehci_bench_td(&bench, EHCI_PID_SETUP, EHCI_BENCH_SETUP, 8, 0);
	ehci_bench_set_word(&bench, td, td);
	ehci_bench_go(&bench, EHCI_BENCH_QH);
	ehci_bench_microframes(&bench, 1000);
	/* a ring of queue heads that the list does not come back from, all alike */
	ehci_bench_set_word(&bench, EHCI_BENCH_HEAD, EHCI_BENCH_QH | EHCI_LINK_QH);
	ehci_bench_set_word(&bench, EHCI_BENCH_QH, EHCI_BENCH_QH | EHCI_LINK_QH);
	ehci_bench_microframes(&bench, 1000);
	/* an overlay whose packet has no room for a byte, and one of more than there can be */
	for (uint32_t packet = 0; packet < 2; packet++) {
		ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, TABLET, 0,
				 packet ? 0x7ff : 0, 0);
		td = ehci_bench_td(&bench, EHCI_PID_OUT, EHCI_BENCH_DATA, 0x7fff, 0);
		ehci_bench_go(&bench, EHCI_BENCH_QH);
		ehci_bench_microframes(&bench, 300);
		assert_true(ehci_bench_token(&bench, td) & TOKEN_HALTED);
	}
	/* a frame that leads to itself, as an isochronous descriptor and as a queue */
	for (uint32_t type = 0; type < 8; type += 2) {
		for (uint32_t i = 0; i < EHCI_FRAMES; i++)
			ehci_bench_set_word(&bench, EHCI_BENCH_FRAMES + 4 * i,
					    EHCI_BENCH_INTERRUPT_QH | type);
		ehci_bench_queue(&bench, EHCI_BENCH_INTERRUPT_QH, EHCI_BENCH_INTERRUPT_QH | type,
				 TABLET, 1, 8, 0xff);
		ehci_bench_microframes(&bench, 1000);
	}
	assert_false(ehci_bench_in(&bench, EHCI_USBSTS) & EHCI_STS_HALTED);
}

/* A qTD may say 32767 bytes; five pages hold 20480. What is behind them is not read. */
static void lengths_end_with_the_pages(void **state)
{
	uint32_t status, td;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, DISK_PORT, DISK);
	bench.wait = image_works;
	status = queue_read(64, 0x10000);
	td = EHCI_BENCH_TDS;
	ehci_bench_set_word(&bench, td + 8,
			    TOKEN_ACTIVE | EHCI_PID_IN << TOKEN_PID_SHIFT |
				    0x7fffu << TOKEN_LENGTH_SHIFT);
	ehci_bench_microframes(&bench, 1000);
	assert_int_equal(ehci_bench_token(&bench, td) & (TOKEN_ACTIVE | TOKEN_HALTED),
			 TOKEN_HALTED);
	assert_int_equal(ehci_bench_left(&bench, td), 0x7fff - 20480);
	assert_true(ehci_bench_token(&bench, status) & TOKEN_ACTIVE);
	/* a page number beyond the last to begin with */
	ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, DISK, STORAGE_OUT,
			 512, 0);
	td = ehci_bench_td(&bench, EHCI_PID_OUT, EHCI_BENCH_DATA, 31, 7u << TOKEN_PAGE_SHIFT);
	ehci_bench_go(&bench, EHCI_BENCH_QH);
	ehci_bench_microframes(&bench, 300);
	assert_int_equal(ehci_bench_token(&bench, td) & (TOKEN_ACTIVE | TOKEN_HALTED),
			 TOKEN_HALTED);
}

static void speeds_that_it_lacks_fail(void **state)
{
	uint32_t td;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, TABLET_PORT, TABLET);
	for (unsigned speed = 0; speed < 4; speed++) {
		if (speed == 2)
			continue;
		ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, TABLET, 0,
				 64, 0);
		ehci_bench_set_word(&bench, EHCI_BENCH_QH + 4, TABLET | speed << 12 | 64 << 16);
		td = ehci_bench_td(&bench, speed == 3 ? EHCI_PIDS : EHCI_PID_SETUP,
				   EHCI_BENCH_SETUP, 8, 0);
		ehci_bench_go(&bench, EHCI_BENCH_QH);
		ehci_bench_microframes(&bench, 300);
		assert_true(ehci_bench_token(&bench, td) & TOKEN_HALTED);
	}
}

/* Endless NAK costs looks, fewer and fewer, and no more. */
static void endless_nak_is_asked_seldom(void **state)
{
	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, TABLET_PORT, TABLET);
	ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, TABLET, 1, 8, 0);
	ehci_bench_td(&bench, EHCI_PID_IN, EHCI_BENCH_DATA, 8, 0);
	ehci_bench_go(&bench, EHCI_BENCH_QH);
	ehci_bench_microframes(&bench, 8000);
	assert_in_range(count_looks(12800), 95, 105);
}

static void lists_outside_of_memory_stop_it(void **state)
{
	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_out(&bench, EHCI_ASYNCLIST, 0xfffff000);
	ehci_bench_configure(&bench, TABLET_PORT, TABLET);
	ehci_bench_microframes(&bench, 300);
	assert_int_equal(ehci_bench_in(&bench, EHCI_USBSTS) &
				 (EHCI_STS_HALTED | EHCI_STS_ASYNC | EHCI_STS_PERIODIC),
			 EHCI_STS_HALTED);
	assert_false(has_timer());
	ehci_bench_out(&bench, EHCI_USBCMD, EHCI_CMD_HCRESET);
	assert_int_equal(ehci_bench_in(&bench, EHCI_USBSTS), EHCI_STS_HALTED);
	assert_false(ehci_bench_irq(&bench));
}

/* CVE-2021-3750's kind: lists and buffers laid over the controller's own registers. */
static void its_own_registers_are_no_memory(void **state)
{
	uint32_t td;

	(void)state;
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, TABLET_PORT, TABLET);
	ehci_bench_queue(&bench, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, TABLET, 0, 64, 0);
	memcpy(bench.bench->bytes + EHCI_BENCH_SETUP, "\x80\x06\0\1\0\0\x12\0", 8);
	ehci_bench_td(&bench, EHCI_PID_SETUP, EHCI_BENCH_SETUP, 8, 0);
	td = ehci_bench_td(&bench, EHCI_PID_IN, EHCI_BENCH_BASE + EHCI_USBCMD, 18, 0);
	ehci_bench_go(&bench, EHCI_BENCH_QH);
	ehci_bench_microframes(&bench, 300);
	assert_int_equal(ehci_bench_left(&bench, td), 0);
	assert_int_equal(ehci_bench_in(&bench, EHCI_USBCMD),
			 EHCI_CMD_RUN | EHCI_CMD_ASYNC | EHCI_CMD_PERIODIC);
	ehci_bench_out(&bench, EHCI_ASYNCLIST, EHCI_BENCH_BASE);
	ehci_bench_microframes(&bench, 300);
	assert_true(ehci_bench_in(&bench, EHCI_USBSTS) & EHCI_STS_HOST_ERROR);
}

static void is_saved_in_mid_transfer(void **state)
{
	struct state_writer writer;
	uint32_t status;

	(void)state;
	assert_int_equal(state_find_gap(bench.ehci.device.class->table), -1);
	ehci_bench_start(&bench);
	ehci_bench_configure(&bench, DISK_PORT, DISK);
	status = queue_read(200, 0x10000);
	fake_block_complete(disk.disk);
	ehci_bench_microframes(&bench, 2);
	device_quiesce_all(&bench.devices);
	state_writer_init(&writer);
	device_save_all(&bench.devices, &writer);
	device_reset_all(&bench.devices);
	assert_int_equal(companion_port(0) & 1, 1);
	assert_int_equal(device_load_all(&bench.devices, writer.bytes, writer.length, NULL), 0);
	state_writer_finish(&writer);
	device_resume_all(&bench.devices);
	assert_int_equal(companion_port(0) & 1, 0);
	bench.wait = image_works;
	ehci_bench_microframes(&bench, 300);
	assert_int_equal(ehci_bench_left(&bench, status), 0);
	for (unsigned i = 0; i < 200 * 512; i++)
		assert_int_equal(bench.bench->bytes[0x10000 + i], storage_bench_byte(3 * 512 + i));
}

static void impossible_state_is_refused(void **state)
{
	struct ehci_state good;

	(void)state;
	ehci_bench_start(&bench);
	good = bench.ehci.state;
	bench.ehci.state.microframe = EHCI_FRINDEX_MASK + 1;
	assert_true(bench_refuses_state(&bench.ehci.device));
	bench.ehci.state = good;
	bench.ehci.state.periodic_list = 1;
	assert_true(bench_refuses_state(&bench.ehci.device));
	bench.ehci.state = good;
	bench.ehci.state.ports[0] |= 0x80000000;
	assert_true(bench_refuses_state(&bench.ehci.device));
	bench.ehci.state = good;
	bench.ehci.state.ports[5] |= EHCI_PORT_CONNECTED; /* nothing is there */
	assert_true(bench_refuses_state(&bench.ehci.device));
	bench.ehci.state = good;
	bench.ehci.state.command = EHCI_CMD_HCRESET;
	assert_true(bench_refuses_state(&bench.ehci.device));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(is_found_on_the_bus, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ports_are_the_companions_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_slow_is_left_to_the_companion, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(is_enumerated, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_disk_is_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_short_packet_goes_the_other_way, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_pointer_is_asked_by_the_periodic_list, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(an_idle_controller_needs_no_timer, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(microframes_are_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_doorbell_is_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_sleeping_port_is_woken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_unplugged_fails, set_up, tear_down),
		cmocka_unit_test_setup_teardown(rings_have_an_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lengths_end_with_the_pages, set_up, tear_down),
		cmocka_unit_test_setup_teardown(speeds_that_it_lacks_fail, set_up, tear_down),
		cmocka_unit_test_setup_teardown(endless_nak_is_asked_seldom, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lists_outside_of_memory_stop_it, set_up, tear_down),
		cmocka_unit_test_setup_teardown(its_own_registers_are_no_memory, set_up, tear_down),
		cmocka_unit_test_setup_teardown(is_saved_in_mid_transfer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(impossible_state_is_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

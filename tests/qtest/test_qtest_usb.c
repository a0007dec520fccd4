// SPDX-License-Identifier: GPL-2.0-or-later
/* USB devices on the whole board: controllers in their places, a stick plugged in and taken out by
 * control. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	UHCI_BASE = 0xd000,
	PORTSC1 = UHCI_BASE + 0x10,
	PORTSC2 = UHCI_BASE + 0x12,
	CONNECTED = 1,
	CHANGED = 2,
	EHCI_BASE = 0x60000000, /* behind RAM */
	EHCI_CONFIGFLAG = EHCI_BASE + 0x60,
	EHCI_PORTSC = EHCI_BASE + 0x64,
	STICK_BYTES = 1 << 20,
};

static struct qguest guest;

static int tear_down(void **state)
{
	(void)state;
	qguest_stop(&guest);
	return 0;
}

static void start(const char *words)
{
	qguest_init(&guest);
	close(qguest_create_file(&guest, "stick.img", STICK_BYTES));
	close(qguest_create_file(&guest, "disk.img", STICK_BYTES));
	qguest_start(&guest, words, guest.dir, guest.dir);
}

static const char *say(const char *command, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static const char *say(const char *command, const char *format, ...)
{
	char arguments[512], line[1024];
	va_list list;

	va_start(list, format);
	vsnprintf(arguments, sizeof(arguments), format, list);
	va_end(list);
	snprintf(line, sizeof(line), "{\"execute\": \"%s\", \"arguments\": {%s}}", command,
		 arguments);
	return qguest_qmp_try(&guest, line);
}

static void expect_done(const char *answer)
{
	if (!strstr(answer, "\"return\""))
		fail_msg("%s", answer);
}

static void expect_error(const char *answer, const char *sentence)
{
	if (!strstr(answer, "\"error\"") || !strstr(answer, sentence))
		fail_msg("%s", answer);
}

/** False: the machine is being recorded, and gets none. */
static bool add_stick(void)
{
	const char *answer =
		say("blockdev-add",
		    "\"node-name\": \"stick\", \"driver\": \"raw\", \"file\": {\"driver\": "
		    "\"file\", \"filename\": \"%s\"}",
		    qguest_path(&guest, "stick.img"));

	if (getenv("QGUEST_RECORD")) {
		expect_error(answer, "recorded gets no more drives");
		return false;
	}
	expect_done(answer);
	return true;
}

static void a_stick_comes_and_goes(void **state)
{
	(void)state;
	start("-sandbox off -usb -usbdevice tablet -drive "
	      "if=none,id=disk,file=%s/disk.img,format=raw");
	qguest_pci_write(&guest, 1, 2, 0x20, UHCI_BASE);
	qguest_pci_write(&guest, 1, 2, 0x04, 5);
	assert_int_equal(qguest_inw(&guest, PORTSC1) & 3, CONNECTED | CHANGED);
	assert_int_equal(qguest_inw(&guest, PORTSC2) & 3, 0);
	if (!add_stick())
		return;
	expect_error(say("blockdev-add",
			 "\"node-name\": \"stick\", \"driver\": \"file\", "
			 "\"filename\": \"%s\"",
			 qguest_path(&guest, "disk.img")),
		     "Duplicate");
	expect_done(say("device_add", "\"driver\": \"usb-storage\", \"id\": \"s0\", \"drive\": "
				      "\"stick\", \"removable\": true, \"bus\": \"usb-bus.0\", "
				      "\"port\": \"2\""));
	assert_int_equal(qguest_inw(&guest, PORTSC2) & 3, CONNECTED | CHANGED);
	assert_non_null(strstr(qguest_qmp(&guest, "{\"execute\": \"query-block\"}"), "stick.img"));
	expect_error(say("device_add", "\"driver\": \"usb-mouse\", \"id\": \"m\""),
		     "all USB ports are taken");
	expect_error(say("blockdev-del", "\"node-name\": \"stick\""), "busy");
	/* another process would not know of it */
	expect_error(
		say("xen-save-devices-state", "\"filename\": \"%s\"", qguest_path(&guest, "state")),
		"'s0' was plugged in");
	qguest_outw(&guest, PORTSC2, CHANGED);
	expect_error(say("device_del", "\"id\": \"s1\""), "DeviceNotFound");
	{
		static const char line[] =
			"{\"execute\": \"device_del\", \"arguments\": {\"id\": \"s0\"}}";
		const char *event;

		assert_int_equal(write(guest.qmp, line, strlen(line)), strlen(line));
		event = qguest_qmp_event(&guest, "DEVICE_DELETED");
		assert_non_null(strstr(event, "\"device\": \"s0\""));
		assert_non_null(strstr(event, "/machine/peripheral/s0"));
	}
	qguest_qmp(&guest, ""); /* the answer behind the event */
	assert_int_equal(qguest_inw(&guest, PORTSC2) & 3, CHANGED);
	expect_done(say("blockdev-del", "\"node-name\": \"stick\""));
	/* a -drive that no device has yet can be had, once */
	expect_done(say("device_add", "\"driver\": \"usb-storage\", \"id\": \"s0\", \"drive\": "
				      "\"disk\""));
	assert_int_equal(qguest_inw(&guest, PORTSC2) & 3, CONNECTED | CHANGED);
}

static void what_cannot_be_is_refused(void **state)
{
	(void)state;
	start("-sandbox off -usb -device usb-hub,id=hub");
	expect_error(say("device_add", "\"driver\": \"usb-storage\", \"id\": \"s\""), "drive=ID");
	expect_error(say("device_add", "\"driver\": \"usb-storage\", \"id\": \"s\", \"drive\": "
				       "\"none\""),
		     "id=none");
	expect_error(say("device_add", "\"driver\": \"usb-mouse\", \"id\": \"m\", \"bus\": "
				       "\"xenusb-0.0\""),
		     "no USB bus");
	expect_error(say("device_add", "\"driver\": \"usb-mouse\", \"id\": \"m\", \"port\": \"9\""),
		     "no port 9");
	expect_error(say("device_add", "\"driver\": \"usb-mouse\", \"id\": \"m\", \"frob\": 1"),
		     "frob");
	expect_error(say("device_add", "\"driver\": \"usb-mouse\""), "id");
	expect_error(say("device_add", "\"driver\": \"piix3-usb-uhci\", \"id\": \"xenusb-0\""),
		     "from the start");
	expect_error(say("device_add", "\"driver\": \"usb-host\", \"id\": \"xenusb-1-2\", "
				       "\"hostbus\": \"1\", \"hostaddr\": \"2\""),
		     "usb-storage");
	expect_error(say("blockdev-add", "\"node-name\": \"n\", \"driver\": \"raw\", \"file\": {}"),
		     "filename");
	expect_error(say("blockdev-add", "\"node-name\": \"n\", \"driver\": \"file\", "
					 "\"filename\": \"/nonesuch/x\""),
		     "/nonesuch/x");
	expect_error(say("blockdev-del", "\"node-name\": \"n\""), "Failed to find node");
	/* a hub goes when it is empty */
	expect_done(say("device_add", "\"driver\": \"usb-mouse\", \"id\": \"m\", \"port\": "
				      "\"1.8\""));
	expect_error(say("device_add", "\"driver\": \"usb-mouse\", \"id\": \"m\""), "Duplicate");
	expect_error(say("device_del", "\"id\": \"hub\""), "port 8");
	expect_done(say("device_del", "\"id\": \"m\""));
	expect_done(say("device_del", "\"id\": \"hub\""));
	/* many times over: nothing is left behind, which a leak checker sees */
	for (unsigned i = 0; i < 20; i++) {
		if (!add_stick())
			return;
		expect_done(say("device_add", "\"driver\": \"usb-storage\", \"id\": \"s\", "
					      "\"drive\": \"stick\""));
		expect_done(say("device_del", "\"id\": \"s\""));
		expect_done(say("blockdev-del", "\"node-name\": \"stick\""));
	}
}

static void companions_stand_where_the_toolstack_says(void **state)
{
	(void)state;
	start("-sandbox off -device ich9-usb-ehci1,id=usb,addr=0x1d.0x7,multifunction=on "
	      "-device ich9-usb-uhci1,masterbus=usb.0,firstport=0,addr=0x1d.0x0,multifunction=on "
	      "-device ich9-usb-uhci2,masterbus=usb.0,firstport=2,addr=0x1d.0x1,multifunction=on "
	      "-device ich9-usb-uhci3,masterbus=usb.0,firstport=4,addr=0x1d.0x2,multifunction=on "
	      "-drive if=none,id=disk,file=%s/disk.img,format=raw "
	      "-device usb-storage,drive=disk,bus=usb.0,port=3");
	assert_int_equal(qguest_pci_read(&guest, 0x1d, 7, 0), 0x293a8086);
	assert_int_equal(qguest_pci_read(&guest, 0x1d, 0, 0), 0x29348086);
	assert_int_equal(qguest_pci_read(&guest, 0x1d, 1, 0), 0x29358086);
	assert_int_equal(qguest_pci_read(&guest, 0x1d, 2, 0), 0x29368086);
	qguest_pci_write(&guest, 0x1d, 7, 0x10, EHCI_BASE);
	qguest_pci_write(&guest, 0x1d, 7, 0x04, 6);
	qguest_pci_write(&guest, 0x1d, 1, 0x20, UHCI_BASE);
	qguest_pci_write(&guest, 0x1d, 1, 0x04, 5);
	assert_int_equal(qguest_inw(&guest, PORTSC1) & CONNECTED, CONNECTED);
	qguest_writel(&guest, EHCI_CONFIGFLAG, 1);
	assert_int_equal(qguest_inw(&guest, PORTSC1) & CONNECTED, 0);
	assert_int_equal(qguest_readl(&guest, EHCI_PORTSC + 8) & CONNECTED, CONNECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_stick_comes_and_goes, tear_down),
		cmocka_unit_test_teardown(what_cannot_be_is_refused, tear_down),
		cmocka_unit_test_teardown(companions_stand_where_the_toolstack_says, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

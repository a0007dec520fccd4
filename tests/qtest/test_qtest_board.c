// SPDX-License-Identifier: GPL-2.0-or-later
/* The assembled board as a guest's driver would meet it: chips at their places and wires. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	FW_CFG_SELECT = 0x510,
	FW_CFG_DATA = 0x511,
	FW_CFG_KEY_RAM = 3,
	FW_CFG_KEY_CPUS = 5,
	RTC_REGISTER_A = 0x0a,
	RTC_REGISTER_B = 0x0b,
	RTC_REGISTER_C = 0x0c,
	RTC_ALARM_ENABLE = 0x20,
	RTC_24_HOURS = 0x02,
	RTC_WIRE = 8,
	CMOS_BOOT_3 = 0x38,
	CMOS_BOOT_1_2 = 0x3d,
	CMOS_BASE_LOW = 0x15,
	CMOS_EXTENDED_LOW = 0x34, /* memory above 16 MiB in 64 KiB */
	SERIAL_DATA = 0x3f8,
	SERIAL_LCR = 0x3fb,
	SERIAL_MCR = 0x3fc,
	SERIAL_LSR = 0x3fd,
	SERIAL_LOOP = 0x10,
	SERIAL_READY = 0x01,
	PS2_DATA = 0x60,
	PS2_STATUS = 0x64,
	PS2_SELF_TEST = 0xaa,
	PS2_SELF_TEST_PASSED = 0x55,
	PM_FUNCTION = 3,
	PM_BASE_REGISTER = 0x40,
	PM_ENABLE_REGISTER = 0x80,
	PM_BASE = 0xb000,
	PM_TIMER = PM_BASE + 8,
	PM_TIMER_HZ = 3579545,
	RESET_CONTROL = 0xcf9,
	RESET_HARD = 0x06,
	PORT_92 = 0x92,
	VGA_TEXT = 0xb8000,
	VGA_SEQUENCER = 0x3c4,
	VGA_GRAPHICS = 0x3ce,
};

#define NS_PER_SECOND 1000000000LL

static struct qguest guest;

static void start(const char *words)
{
	qguest_init(&guest);
	qguest_start(&guest, "%s", words);
}

static uint32_t fw_cfg_read(unsigned key, unsigned bytes)
{
	uint32_t value = 0;

	qguest_outw(&guest, FW_CFG_SELECT, key);
	for (unsigned i = 0; i < bytes; i++)
		value |= (uint32_t)qguest_inb(&guest, FW_CFG_DATA) << (8 * i);
	return value;
}

static void test_fw_cfg(void **state)
{
	(void)state;
	start("-m 128 -smp 3");
	assert_int_equal(fw_cfg_read(0, 4), 0x554d4551); /* "QEMU", as firmware looks for it */
	assert_int_equal(fw_cfg_read(FW_CFG_KEY_RAM, 4), 128 << 20);
	assert_int_equal(fw_cfg_read(FW_CFG_KEY_CPUS, 2), 3);
	qguest_stop(&guest);
}

static void check_boot_order(const char *words, unsigned first_and_second, unsigned third)
{
	start(words);
	assert_int_equal(qguest_cmos(&guest, CMOS_BOOT_1_2), first_and_second);
	assert_int_equal(qguest_cmos(&guest, CMOS_BOOT_3) & 0xf0, third);
	qguest_stop(&guest);
}

static void test_boot_order(void **state)
{
	(void)state;
	check_boot_order("-nodefaults -boot order=c", 0x02, 0x00);
	check_boot_order("-nodefaults -boot order=dc", 0x23, 0x00);
	check_boot_order("-nodefaults -boot order=acd", 0x21, 0x30);
}

/** What holds once is gone with the first reset. */
static void test_boot_once(void **state)
{
	(void)state;
	start("-nodefaults -boot order=c,once=d");
	assert_int_equal(qguest_cmos(&guest, CMOS_BOOT_1_2), 0x03);
	qguest_qmp(&guest, "{\"execute\":\"system_reset\"}");
	qguest_qmp_event(&guest, "RESET");
	assert_int_equal(qguest_cmos(&guest, CMOS_BOOT_1_2), 0x02);
	qguest_stop(&guest);
}

static void test_memory_sizes_in_cmos(void **state)
{
	(void)state;
	start("-m 64");
	assert_int_equal(qguest_cmos(&guest, CMOS_BASE_LOW) | qguest_cmos(&guest, CMOS_BASE_LOW + 1)
								      << 8,
			 640);
	assert_int_equal(qguest_cmos(&guest, CMOS_EXTENDED_LOW) |
				 qguest_cmos(&guest, CMOS_EXTENDED_LOW + 1) << 8,
			 (64 - 16) << 4);
	qguest_stop(&guest);
}

static void test_pci_ids(void **state)
{
	(void)state;
	start("");
	assert_int_equal(qguest_pci_read(&guest, 0, 0, 0), 0x12378086);
	assert_int_equal(qguest_pci_read(&guest, 1, 0, 0), 0x70008086);
	assert_int_equal(qguest_pci_read(&guest, 1, 1, 0), 0x70108086);
	assert_int_equal(qguest_pci_read(&guest, 1, 3, 0), 0x71138086);
	assert_int_equal(qguest_pci_read(&guest, 1, 2, 0), 0xffffffff);
	assert_int_equal(qguest_pci_read(&guest, 31, 7, 0), 0xffffffff);
	qguest_stop(&guest);
}

static unsigned binary(unsigned bcd)
{
	return (bcd >> 4) * 10 + (bcd & 15);
}

static void test_rtc_alarm(void **state)
{
	unsigned seconds;

	(void)state;
	start("-rtc base=2006-06-17T16:01:21");
	qguest_watch_irqs(&guest);
	assert_int_equal(binary(qguest_cmos(&guest, 4)), 16);
	assert_int_equal(binary(qguest_cmos(&guest, 2)), 1);
	seconds = binary(qguest_cmos(&guest, 0));
	assert_in_range(seconds, 21, 22);
	/* Any hour, minute and second: the alarm comes each second. */
	for (unsigned reg = 1; reg <= 5; reg += 2) {
		qguest_outb(&guest, 0x70, reg);
		qguest_outb(&guest, 0x71, 0xff);
	}
	qguest_outb(&guest, 0x70, RTC_REGISTER_B);
	qguest_outb(&guest, 0x71, RTC_24_HOURS | RTC_ALARM_ENABLE);
	assert_false(guest.levels[RTC_WIRE]);
	qguest_step(&guest, NS_PER_SECOND);
	assert_true(guest.levels[RTC_WIRE]);
	assert_int_equal(qguest_cmos(&guest, RTC_REGISTER_C) & 0xa0, 0xa0);
	assert_false(guest.levels[RTC_WIRE]);
	assert_int_equal(binary(qguest_cmos(&guest, 0)), seconds + 1);
	qguest_stop(&guest);
}

static void test_serial_loop(void **state)
{
	(void)state;
	start("-serial null");
	qguest_outb(&guest, SERIAL_LCR, 0x03);
	qguest_outb(&guest, SERIAL_MCR, SERIAL_LOOP);
	qguest_outb(&guest, SERIAL_DATA, 'x');
	qguest_step(&guest, NS_PER_SECOND / 100);
	assert_int_equal(qguest_inb(&guest, SERIAL_LSR) & SERIAL_READY, SERIAL_READY);
	assert_int_equal(qguest_inb(&guest, SERIAL_DATA), 'x');
	assert_int_equal(qguest_inb(&guest, SERIAL_LSR) & SERIAL_READY, 0);
	qguest_stop(&guest);
}

static void test_keyboard_controller(void **state)
{
	(void)state;
	start("");
	qguest_watch_irqs(&guest);
	qguest_outb(&guest, PS2_STATUS, PS2_SELF_TEST);
	qguest_wait_port(&guest, PS2_STATUS, 1, 1);
	assert_int_equal(qguest_inb(&guest, PS2_DATA), PS2_SELF_TEST_PASSED);
	/* Interrupts on, translation on; then a key from control. */
	qguest_outb(&guest, PS2_STATUS, 0x60);
	qguest_outb(&guest, PS2_DATA, 0x45);
	qguest_qmp(&guest, "{\"execute\":\"send-key\",\"arguments\":{\"keys\":"
			   "[{\"type\":\"qcode\",\"data\":\"a\"}]}}");
	qguest_step(&guest, NS_PER_SECOND / 100);
	assert_int_equal(qguest_inb(&guest, PS2_DATA), 0x1e);
	qguest_step(&guest, NS_PER_SECOND);
	assert_true(guest.raised[1] > 0);
	assert_int_equal(qguest_inb(&guest, PS2_DATA), 0x9e);
	qguest_stop(&guest);
}

/** Text mode by hand: odd/even addressing of planes 0 and 1 at 0xb8000. */
static void test_vga_text_memory(void **state)
{
	static const uint8_t sequencer[] = { 0x03, 0x00, 0x03, 0x00, 0x02 };
	static const uint8_t graphics[] = { 0, 0, 0, 0, 0, 0x10, 0x0e, 0x0f, 0xff };

	(void)state;
	start("-vga std");
	qguest_outb(&guest, 0x3c2, 0x67);
	for (unsigned i = 0; i < sizeof(sequencer); i++)
		qguest_outw(&guest, VGA_SEQUENCER, i | (unsigned)sequencer[i] << 8);
	for (unsigned i = 0; i < sizeof(graphics); i++)
		qguest_outw(&guest, VGA_GRAPHICS, i | (unsigned)graphics[i] << 8);
	qguest_pci_write(&guest, 3, 0, 4, 3);
	qguest_writeb(&guest, VGA_TEXT, 'H');
	qguest_writeb(&guest, VGA_TEXT + 1, 0x1f);
	assert_int_equal(qguest_readb(&guest, VGA_TEXT), 'H');
	assert_int_equal(qguest_readb(&guest, VGA_TEXT + 1), 0x1f);
	qguest_stop(&guest);
}

static void test_pm_timer(void **state)
{
	uint32_t before;

	(void)state;
	start("");
	qguest_pci_write(&guest, 1, PM_FUNCTION, PM_BASE_REGISTER, PM_BASE | 1);
	qguest_pci_write(&guest, 1, PM_FUNCTION, PM_ENABLE_REGISTER, 1);
	before = qguest_inl(&guest, PM_TIMER);
	assert_int_equal(qguest_inl(&guest, PM_TIMER), before);
	qguest_step(&guest, NS_PER_SECOND);
	assert_in_range((qguest_inl(&guest, PM_TIMER) - before) & 0xffffff, PM_TIMER_HZ - 1,
			PM_TIMER_HZ + 1);
	qguest_stop(&guest);
}

static void check_reset(unsigned port, unsigned value)
{
	const char *event;

	start("");
	qguest_pci_write(&guest, 1, PM_FUNCTION, PM_ENABLE_REGISTER, 1);
	qguest_outb(&guest, port, value);
	/* The command behind it meets the machine after the reset. */
	assert_int_equal(qguest_pci_read(&guest, 1, PM_FUNCTION, PM_ENABLE_REGISTER) & 1, 0);
	event = qguest_qmp_event(&guest, "RESET");
	assert_non_null(strstr(event, "\"guest\": true"));
	assert_non_null(strstr(event, "\"reason\": \"guest-reset\""));
	qguest_stop(&guest);
}

static void test_resets(void **state)
{
	(void)state;
	check_reset(RESET_CONTROL, RESET_HARD);
	check_reset(PORT_92, 0x01);
	check_reset(PS2_STATUS, 0xfe);
}

static void test_exit_status_of_debug_exit(void **state)
{
	(void)state;
	start("-device isa-debug-exit,iobase=0x501,iosize=2");
	qguest_try(&guest, "outw 0x501 0x%x", 21);
	assert_int_equal(qguest_wait(&guest), 21 << 1 | 1);
}

static void test_power_button_and_off(void **state)
{
	(void)state;
	start("-no-shutdown");
	qguest_pci_write(&guest, 1, PM_FUNCTION, PM_BASE_REGISTER, PM_BASE | 1);
	qguest_pci_write(&guest, 1, PM_FUNCTION, PM_ENABLE_REGISTER, 1);
	qguest_qmp(&guest, "{\"execute\":\"system_powerdown\"}");
	qguest_qmp_event(&guest, "POWERDOWN");
	assert_int_equal(qguest_inw(&guest, PM_BASE) & 0x100, 0x100);
	qguest_outw(&guest, PM_BASE + 4, 0x2000); /* SLP_EN, type 0: soft off */
	qguest_qmp_event(&guest, "SHUTDOWN");
	assert_non_null(strstr(qguest_qmp(&guest, "{\"execute\":\"query-status\"}"),
			       "\"status\": \"shutdown\""));
	qguest_stop(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fw_cfg),
		cmocka_unit_test(test_boot_order),
		cmocka_unit_test(test_boot_once),
		cmocka_unit_test(test_memory_sizes_in_cmos),
		cmocka_unit_test(test_pci_ids),
		cmocka_unit_test(test_rtc_alarm),
		cmocka_unit_test(test_serial_loop),
		cmocka_unit_test(test_keyboard_controller),
		cmocka_unit_test(test_vga_text_memory),
		cmocka_unit_test(test_pm_timer),
		cmocka_unit_test(test_resets),
		cmocka_unit_test(test_exit_status_of_debug_exit),
		cmocka_unit_test(test_power_button_and_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

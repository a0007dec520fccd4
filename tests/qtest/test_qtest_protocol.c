// SPDX-License-Identifier: GPL-2.0-or-later
/* The words of the qtest port itself: exact replies, refusals, bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "qguest.h"

static struct qguest guest;

static int set_up(void **state)
{
	(void)state;
	qguest_init(&guest);
	qguest_start(&guest, "-nodefaults");
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	qguest_stop(&guest);
	return 0;
}

static void expect(const char *command, const char *reply)
{
	assert_string_equal(qguest_try(&guest, "%s", command), reply);
}

static void test_replies_have_the_known_form(void **state)
{
	(void)state;
	expect("outb 0x80 0x5a", "OK");
	expect("inb 0x1234", "OK 0x00ff");
	expect("inw 0x1234", "OK 0xffff");
	expect("inl 0x1234", "OK 0xffffffff");
	expect("writeq 0x1000 0x1122334455667788", "OK");
	expect("readb 0x1007", "OK 0x0000000000000011");
	expect("readw 0x1000", "OK 0x0000000000007788");
	expect("readl 4096", "OK 0x0000000055667788");
	expect("readq 0x1000", "OK 0x1122334455667788");
	expect("endianness", "OK little");
}

static void test_blocks(void **state)
{
	(void)state;
	expect("write 0x2000 0x4 0xDEADbeef", "OK");
	expect("read 0x2000 0x4", "OK 0xdeadbeef");
	/* Too little data is filled up with zeros, too much is dropped. */
	expect("write 0x2000 0x4 0x01", "OK");
	expect("read 0x2000 0x5", "OK 0x0100000000");
	expect("write 0x2000 0x1 0x020304", "OK");
	expect("read 0x2000 0x2", "OK 0x0200");
	expect("memset 0x2000 0x3 0xab", "OK");
	expect("memset 0x2000 0x0 0xcd", "OK");
	expect("read 0x2000 0x4", "OK 0xababab00");
}

static void test_base64(void **state)
{
	(void)state;
	expect("b64write 0x3000 0x3 AQID", "OK");
	expect("b64read 0x3000 0x3", "OK AQID");
	expect("b64read 0x3000 0x2", "OK AQI=");
	expect("b64read 0x3000 0x1", "OK AQ==");
	expect("b64write 0x3000 0x2 //8=", "OK");
	expect("read 0x3000 0x3", "OK 0xffff03");
	assert_memory_equal(qguest_try(&guest, "b64write 0x3000 0x3 A*ID"), "FAIL", 4);
	assert_memory_equal(qguest_try(&guest, "b64write 0x3000 0x3 AQ=D"), "FAIL", 4);
	expect("read 0x3000 0x3", "OK 0xffff03");
}

static void test_nonsense_is_refused(void **state)
{
	static const char *const commands[] = {
		"inb",
		"inb 0x10000",
		"inb 0x70 0x71",
		"inb seventy",
		"outb 0x70",
		"outb 0x70 -",
		"read 0x1000",
		"read 0x1000 0x0",
		"read 0x1000 0x100000000",
		"write 0x1000 0x4 1234",
		"write 0x1000 0x4 0xzz",
		"write 0x1000 0x4 0x",
		"b64write 0x1000",
		"memset 0 0xffffffffffffffff 0",
		"clock_step soon",
		"clock_set",
		"irq_intercept_in",
		"irq_intercept_in hal9000",
		"set_irq_in ioapic x 99 1",
		"module_load a b",
		"rtas a b c d e",
		"teapot",
		" ",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		assert_memory_equal(qguest_try(&guest, "%s", commands[i]), "FAIL", 4);
	expect("teapot", "FAIL Unknown command 'teapot'");
	expect("readb 0x1000", "OK 0x0000000000000000");
}

static void test_empty_memory_reads_as_ones(void **state)
{
	(void)state;
	expect("readq 0xe0000000", "OK 0xffffffffffffffff");
	expect("read 0xfffffffffffffff0 0x2", "OK 0xffff");
	expect("writeb 0xe0000000 0x1", "OK");
}

static void test_time_moves_by_hand(void **state)
{
	(void)state;
	expect("clock_set 5000", "OK 5000");
	expect("clock_set 100", "OK 5000"); /* never back */
	expect("clock_step 1000", "OK 6000");
	expect("clock_step 0", "OK 6000");
}

static void test_intercept_knows_one_controller(void **state)
{
	(void)state;
	expect("irq_intercept_in ioapic", "OK");
	expect("irq_intercept_in /machine/ioapic", "OK");
	expect("irq_intercept_in i8259", "FAIL IRQ intercept already enabled");
	qguest_command(&guest, "set_irq_in ioapic unnamed-gpio-in 5 1");
	assert_true(guest.levels[5]);
	/* Not a change: not reported again. */
	qguest_command(&guest, "set_irq_in ioapic unnamed-gpio-in 5 1");
	qguest_command(&guest, "set_irq_in ioapic unnamed-gpio-in 5 0");
	assert_false(guest.levels[5]);
	assert_int_equal(guest.raised[5], 1);
}

static void test_long_blocks(void **state)
{
	enum {
		BYTES = 1 << 20,
	};
	char *line = malloc(2 * BYTES + 64);
	int length = sprintf(line, "write 0x100000 0x%x 0x", BYTES);

	(void)state;
	memset(line + length, '5', 2 * BYTES);
	line[length + 2 * BYTES] = '\0';
	expect(line, "OK");
	free(line);
	expect("readb 0x100000", "OK 0x0000000000000055");
	expect("readb 0x1fffff", "OK 0x0000000000000055");
	expect("readb 0x200000", "OK 0x0000000000000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replies_have_the_known_form, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_blocks, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_base64, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nonsense_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_empty_memory_reads_as_ones, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_time_moves_by_hand, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_intercept_knows_one_controller, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_long_blocks, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

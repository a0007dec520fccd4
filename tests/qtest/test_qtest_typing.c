// SPDX-License-Identifier: GPL-2.0-or-later
/* Text typed over QMP arrives at the guest's pace: whole, in order, and with every key up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	DATA = 0x60,
	STATUS = 0x64,
	OUTPUT_FULL = 1,
	STEP_NS = 5000000,
	/* set 1 */
	SHIFT = 0x2a,
	ALTGR = 0x38, /* behind e0 */
	EXTENDED = 0xe0,
	RELEASED = 0x80,
	/* BIOS data area */
	RING_HEAD = 0x41a,
	RING_TAIL = 0x41c,
	RING_START = 0x1e,
	RING_SIZE = 0x20,
};

static struct qguest guest;

static void start(const char *layout)
{
	qguest_init(&guest);
	qguest_start(&guest, "-k %s", layout);
	/* Keys come by interrupt, as set 1. */
	qguest_outb(&guest, STATUS, 0x60);
	qguest_outb(&guest, DATA, 0x45);
}

static int tear_down(void **state)
{
	(void)state;
	qguest_stop(&guest);
	return 0;
}

/** The next code, with time passing up to a second; -1 if none comes. */
static int take(void)
{
	for (unsigned i = 0; i < 200; i++) {
		if (qguest_inb(&guest, STATUS) & OUTPUT_FULL)
			return qguest_inb(&guest, DATA);
		qguest_step(&guest, STEP_NS);
	}
	return -1;
}

static void expect_codes(const uint8_t *codes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_int_equal(take(), codes[i]);
	assert_int_equal(take(), -1);
}

static long typed(void)
{
	const char *reply = qguest_qmp(&guest, "{\"execute\": \"query-typing\"}");
	const char *found = strstr(reply, "\"typed\": ");

	return found ? strtol(found + strlen("\"typed\": "), NULL, 10) : -1;
}

static void letters_and_shift(void **state)
{
	/* "aBc" and Enter: Shift goes down for one letter only. */
	static const uint8_t codes[] = { 0x1e, 0x9e, SHIFT, 0x30, 0xb0, SHIFT | RELEASED,
					 0x2e, 0xae, 0x1c,  0x9c };

	(void)state;
	start("en-us");
	qguest_qmp(&guest, "{\"execute\": \"type-text\", \"arguments\": {\"text\": \"aBc\\n\"}}");
	expect_codes(codes, sizeof(codes));
	assert_non_null(strstr(qguest_qmp_event(&guest, "TYPING_ENDED"), "\"typed\": 4"));
}

static void a_german_keyboard(void **state)
{
	/* 'z' is where Y is, '@' is AltGr and Q, '^' waits for a blank, 'é' is an accent and a
	 * letter. */
	static const uint8_t codes[] = {
		0x15, 0x95, EXTENDED, ALTGR, 0x10, 0x90, EXTENDED, ALTGR | RELEASED,
		0x29, 0xa9, 0x39,     0xb9,  0x0d, 0x8d, 0x12,     0x92,
	};

	(void)state;
	start("de");
	qguest_qmp(&guest,
		   "{\"execute\": \"type-text\", \"arguments\": {\"text\": \"z@^\\u00e9\"}}");
	expect_codes(codes, sizeof(codes));
}

static void what_no_key_writes(void **state)
{
	/* Alt held, 0 8 3 6 4 on the number pad */
	static const uint8_t codes[] = { 0x38, 0x52, 0xd2, 0x48, 0xc8, 0x51,
					 0xd1, 0x4d, 0xcd, 0x4b, 0xcb, 0xb8 };

	(void)state;
	start("en-us");
	assert_non_null(strstr(qguest_qmp_try(&guest, "{\"execute\": \"type-text\", \"arguments\": "
						      "{\"text\": \"ok \\u20ac\"}}"),
			       "character 4"));
	assert_int_equal(take(), -1);
	qguest_qmp(&guest, "{\"execute\": \"type-text\", \"arguments\": {\"text\": \"\\u20ac\", "
			   "\"unicode\": \"alt-numpad\"}}");
	expect_codes(codes, sizeof(codes));
}

static void waits_for_the_guest(void **state)
{
	(void)state;
	start("en-us");
	qguest_qmp(&guest,
		   "{\"execute\": \"type-text\", \"arguments\": {\"text\": \"abcdefghij\"}}");
	qguest_step(&guest, 100 * (int64_t)STEP_NS);
	/* The first byte waits at the port, and so does everything behind it. */
	assert_int_equal(typed(), 1);
	for (long i = 1; i <= 10; i++) {
		take();
		take();
		assert_true(typed() <= i + 1);
	}
	assert_int_equal(take(), -1);
	assert_int_equal(typed(), -1);
}

static void a_keyboard_that_is_off_loses_nothing(void **state)
{
	static const uint8_t codes[] = { 0x1e, 0x9e };

	(void)state;
	start("en-us");
	qguest_outb(&guest, DATA, 0xf5);
	assert_int_equal(take(), 0xfa);
	qguest_qmp(&guest, "{\"execute\": \"type-text\", \"arguments\": {\"text\": \"a\"}}");
	assert_int_equal(take(), -1);
	qguest_outb(&guest, DATA, 0xf4);
	assert_int_equal(take(), 0xfa);
	expect_codes(codes, sizeof(codes));
}

static void set_ring(unsigned head, unsigned tail)
{
	qguest_writel(&guest, RING_HEAD,
		      (RING_START + tail % RING_SIZE) << 16 | (RING_START + head % RING_SIZE));
}

static void the_bios_ring_does_not_run_over(void **state)
{
	unsigned head = 0, tail = 0, held = 0;

	(void)state;
	start("en-us");
	set_ring(head, tail);
	qguest_qmp(&guest, "{\"execute\": \"type-text\", \"arguments\": {\"text\": "
			   "\"abcdefghijklmnopqrstuvwxyz\"}}");
	/* The interrupt handler stores each press; the program that reads them sleeps. */
	for (int code; held < 15 && (code = take()) >= 0;) {
		if (code & RELEASED)
			continue;
		tail += 2;
		held++;
		set_ring(head, tail);
	}
	assert_in_range(held, 8, 10);
	/* It wakes, and takes all that comes. */
	for (int code = 0; code >= 0; code = take()) {
		if (!(code & RELEASED) && code)
			tail += 2;
		head = tail;
		set_ring(head, tail);
	}
	assert_int_equal(tail / 2, 26);
}

static void a_cancelled_text_leaves_no_key_down(void **state)
{
	static const uint8_t up[] = { 0x9e, SHIFT | RELEASED };

	(void)state;
	start("en-us");
	qguest_qmp(&guest, "{\"execute\": \"type-text\", \"arguments\": {\"text\": \"AAAAAAAA\"}}");
	assert_int_equal(take(), SHIFT);
	assert_int_equal(take(), 0x1e);
	qguest_qmp(&guest, "{\"execute\": \"cancel-typing\"}");
	expect_codes(up, sizeof(up));
	assert_int_equal(typed(), -1);
	assert_non_null(strstr(qguest_qmp_try(&guest, "{\"execute\": \"cancel-typing\", "
						      "\"arguments\": {\"id\": 7}}"),
			       "not being typed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(letters_and_shift, tear_down),
		cmocka_unit_test_teardown(a_german_keyboard, tear_down),
		cmocka_unit_test_teardown(what_no_key_writes, tear_down),
		cmocka_unit_test_teardown(waits_for_the_guest, tear_down),
		cmocka_unit_test_teardown(a_keyboard_that_is_off_loses_nothing, tear_down),
		cmocka_unit_test_teardown(the_bios_ring_does_not_run_over, tear_down),
		cmocka_unit_test_teardown(a_cancelled_text_leaves_no_key_down, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Controller, keyboard and mouse, as a guest's drivers talk to them. Keys are Linux positions: 30
 * is A, 42 the left shift.
 */
#include "tests/lib/isa_bench_save.h"

#include <linux/input-event-codes.h>

#include "hw/ps2.h"
#include "hw/ps2_scancodes.h"

struct ps2_bench {
	struct bench bench;
	struct power power;
	struct input input;
	struct ps2 ps2;
	unsigned resets;
	unsigned typed; /* by the hook */
};

static void count_reset(void *opaque, enum power_request request, const char *cause,
			uint32_t argument)
{
	struct ps2_bench *b = opaque;

	(void)argument;
	assert_int_equal(request, POWER_RESET);
	assert_string_equal(cause, "i8042");
	b->resets++;
}

static void start(struct ps2_bench *b)
{
	memset(b, 0, sizeof(*b));
	bench_init(&b->bench);
	input_init(&b->input);
	b->power = (struct power){ b, count_reset };
	ps2_init(&b->ps2, &b->bench.clock, &b->bench.wires[1], &b->bench.wires[12], &b->power,
		 &b->input);
	device_add(&b->bench.devices, &b->ps2.device);
	assert_int_equal(io_map(&b->bench.ports, &b->ps2.data, 0x60), 0);
	assert_int_equal(io_map(&b->bench.ports, &b->ps2.command, 0x64), 0);
}

static uint8_t status(struct ps2_bench *b)
{
	return bench_in(&b->bench, 0x64);
}

/* Waits for a byte, as long as one may take; -1 if none comes. */
static int read_from(struct ps2_bench *b, bool aux)
{
	if (!(status(b) & PS2_STATUS_OBF))
		bench_step(&b->bench, NS_PER_MS);
	if (!(status(b) & PS2_STATUS_OBF))
		return -1;
	assert_int_equal((status(b) & PS2_STATUS_AUX) != 0, aux);
	return bench_in(&b->bench, 0x60);
}

static void expect(struct ps2_bench *b, bool aux, const char *hex)
{
	unsigned byte;
	int used;

	for (; sscanf(hex, "%x%n", &byte, &used) == 1; hex += used)
		assert_int_equal(read_from(b, aux), byte);
}

static void expect_keys(struct ps2_bench *b, const char *hex)
{
	expect(b, false, hex);
	assert_int_equal(read_from(b, false), -1);
}

static void expect_mouse(struct ps2_bench *b, const char *hex)
{
	expect(b, true, hex);
	assert_int_equal(read_from(b, true), -1);
}

static void command(struct ps2_bench *b, uint8_t byte)
{
	bench_out(&b->bench, 0x64, byte);
}

static void set_mode(struct ps2_bench *b, uint8_t mode)
{
	command(b, PS2_WRITE_RAM);
	bench_out(&b->bench, 0x60, mode);
}

/* A byte to the keyboard and its replies. */
static void keyboard(struct ps2_bench *b, uint8_t byte, const char *replies)
{
	bench_out(&b->bench, 0x60, byte);
	expect(b, false, replies);
}

static void mouse(struct ps2_bench *b, uint8_t byte, const char *replies)
{
	command(b, PS2_WRITE_AUX);
	bench_out(&b->bench, 0x60, byte);
	expect(b, true, replies);
}

static void press(struct ps2_bench *b, unsigned key)
{
	input_key(&b->input, key, true);
}

static void release(struct ps2_bench *b, unsigned key)
{
	input_key(&b->input, key, false);
}

static void use_scan_set(struct ps2_bench *b, uint8_t set)
{
	set_mode(b, PS2_MODE_KEYBOARD_IRQ);
	keyboard(b, KEYBOARD_SCAN_SET, "fa");
	keyboard(b, set, "fa");
}

/* --- Controller. --- */

static void answers_controller_commands(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	assert_int_equal(status(&b), PS2_STATUS_UNLOCKED);
	command(&b, PS2_SELF_TEST);
	assert_int_equal(status(&b), PS2_STATUS_UNLOCKED | PS2_STATUS_COMMAND | PS2_STATUS_OBF |
					     PS2_STATUS_SYSTEM);
	expect_keys(&b, "55");
	command(&b, PS2_TEST_KEYBOARD);
	expect_keys(&b, "00");
	command(&b, PS2_TEST_AUX);
	expect_keys(&b, "00");
	command(&b, PS2_TEST_PASSWORD);
	expect_keys(&b, "f1");
	command(&b, PS2_READ_INPUT_PORT);
	expect_keys(&b, "80");
	command(&b, PS2_READ_OUTPUT_PORT);
	expect_keys(&b, "cf");
	command(&b, PS2_DISABLE_A20);
	command(&b, PS2_READ_OUTPUT_PORT);
	expect_keys(&b, "cd");
	command(&b, 0x65);
	bench_out(&b.bench, 0x60, 0x99);
	command(&b, 0x25);
	expect_keys(&b, "99");
	set_mode(&b, 0x47);
	command(&b, PS2_DISABLE_KEYBOARD);
	command(&b, PS2_DISABLE_AUX);
	command(&b, PS2_READ_RAM);
	expect_keys(&b, "77");
	command(&b, PS2_ENABLE_AUX);
	command(&b, PS2_ENABLE_KEYBOARD);
	command(&b, PS2_READ_RAM);
	expect_keys(&b, "47");
	command(&b, PS2_WRITE_AUX_BUFFER); /* how Linux looks for the mouse's port */
	bench_out(&b.bench, 0x60, 0xa5);
	expect_mouse(&b, "a5");
	command(&b, PS2_WRITE_KEYBOARD_BUFFER);
	bench_out(&b.bench, 0x60, 0x5a);
	expect_keys(&b, "5a");
	bench_finish(&b.bench);
}

static void resets_by_pulse(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	command(&b, 0xff);
	assert_int_equal(b.resets, 0);
	command(&b, 0xfe);
	assert_int_equal(b.resets, 1);
	command(&b, PS2_WRITE_OUTPUT_PORT);
	bench_out(&b.bench, 0x60, 0x03);
	assert_int_equal(b.resets, 1);
	command(&b, PS2_WRITE_OUTPUT_PORT);
	bench_out(&b.bench, 0x60, 0x02);
	assert_int_equal(b.resets, 2);
	bench_finish(&b.bench);
}

static void interrupts_once_a_byte(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	set_mode(&b, PS2_MODE_KEYBOARD_IRQ | PS2_MODE_AUX_IRQ | PS2_MODE_TRANSLATE);
	bench_edges(&b.bench, 1);
	press(&b, KEY_HOME);
	assert_true(b.bench.wires[1].level);
	expect_keys(&b, "e0 47");
	assert_int_equal(bench_edges(&b.bench, 1), 2);
	assert_false(b.bench.wires[1].level);
	mouse(&b, MOUSE_ENABLE, "fa");
	bench_edges(&b.bench, 12);
	input_move(&b.input, 1, 0, 0, 0);
	expect_mouse(&b, "08 01 00");
	assert_int_equal(bench_edges(&b.bench, 12), 3);
	set_mode(&b, PS2_MODE_TRANSLATE);
	press(&b, KEY_A);
	assert_int_equal(bench_edges(&b.bench, 1), 0);
	set_mode(&b, PS2_MODE_TRANSLATE | PS2_MODE_KEYBOARD_IRQ); /* what waits interrupts now */
	assert_true(b.bench.wires[1].level);
	bench_finish(&b.bench);
}

/* A game on INT 9 reads the code, then the BIOS behind it. */
static void shows_a_scan_code_twice(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	press(&b, KEY_A);
	press(&b, KEY_S);
	assert_int_equal(bench_in(&b.bench, 0x60), 0x1e);
	assert_int_equal(bench_in(&b.bench, 0x60), 0x1e);
	assert_false(status(&b) & PS2_STATUS_OBF);
	bench_step(&b.bench, NS_PER_MS);
	assert_int_equal(bench_in(&b.bench, 0x60), 0x1f);
	bench_finish(&b.bench);
}

/* Who asks whether there is one has no use for the old one. */
static void holds_nothing_back_from_who_asks(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	press(&b, KEY_A);
	press(&b, KEY_S);
	assert_true(status(&b) & PS2_STATUS_OBF);
	assert_int_equal(bench_in(&b.bench, 0x60), 0x1e);
	assert_true(status(&b) & PS2_STATUS_OBF);
	assert_int_equal(bench_in(&b.bench, 0x60), 0x1f);
	assert_false(status(&b) & PS2_STATUS_OBF);
	/* What was asked before the code was there does not count. */
	press(&b, KEY_D);
	press(&b, KEY_F);
	assert_int_equal(bench_in(&b.bench, 0x60), 0x20);
	assert_int_equal(bench_in(&b.bench, 0x60), 0x20);
	bench_finish(&b.bench);
}

static void holds_bytes_of_a_disabled_port(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	command(&b, PS2_DISABLE_KEYBOARD);
	press(&b, KEY_A);
	assert_int_equal(read_from(&b, false), -1);
	command(&b, PS2_ENABLE_KEYBOARD);
	expect_keys(&b, "1e");
	command(&b, PS2_DISABLE_KEYBOARD);
	keyboard(&b, KEYBOARD_ECHO, "ee"); /* sending enables it */
	bench_finish(&b.bench);
}

/* --- Keyboard. --- */

static void sends_all_three_scan_sets(void **state)
{
	static const struct {
		unsigned key;
		const char *down[3], *up[3];
	} rows[] = {
		{ KEY_A, { "1e", "1c", "1c" }, { "9e", "f0 1c", "" } },
		{ KEY_F7, { "41", "83", "37" }, { "c1", "f0 83", "" } },
		{ KEY_LEFTSHIFT, { "2a", "12", "12" }, { "aa", "f0 12", "f0 12" } },
		{ KEY_RIGHTCTRL, { "e0 1d", "e0 14", "58" }, { "e0 9d", "e0 f0 14", "" } },
		{ KEY_KPENTER, { "e0 1c", "e0 5a", "79" }, { "e0 9c", "e0 f0 5a", "" } },
		{ KEY_LEFTMETA, { "e0 5b", "e0 1f", "8b" }, { "e0 db", "e0 f0 1f", "" } },
		{ KEY_102ND, { "56", "61", "13" }, { "d6", "f0 61", "" } },
		{ KEY_F12, { "58", "07", "5e" }, { "d8", "f0 07", "" } },
		{ KEY_SYSRQ,
		  { "e0 2a e0 37", "e0 12 e0 7c", "57" },
		  { "e0 b7 e0 aa", "e0 f0 7c e0 f0 12", "" } },
		{ KEY_PAUSE,
		  { "e1 1d 45 e1 9d c5", "e1 14 77 e1 f0 14 f0 77", "62" },
		  { "", "", "" } },
		{ KEY_VOLUMEUP, { "e0 30", "e0 32", "32" }, { "e0 b0", "e0 f0 32", "" } },
		{ 200, { "", "", "" }, { "", "", "" } },
	};
	struct ps2_bench b;

	(void)state;
	start(&b);
	for (uint8_t set = 1; set <= 3; set++) {
		use_scan_set(&b, set);
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			press(&b, rows[i].key);
			expect_keys(&b, rows[i].down[set - 1]);
			release(&b, rows[i].key);
			expect_keys(&b, rows[i].up[set - 1]);
		}
	}
	bench_finish(&b.bench);
}

static void translates_into_set_1(void **state)
{
	struct scan_modifiers none = { 0 };

	(void)state;
	for (unsigned key = 0; key < INPUT_KEY_COUNT; key++)
		for (unsigned down = 0; down < 2; down++) {
			uint8_t set1[SCAN_SEQUENCE_MAX], set2[SCAN_SEQUENCE_MAX];
			size_t count1 = scan_encode(1, key, down, false, none, set1);
			size_t count2 = scan_encode(2, key, down, false, none, set2), kept = 0;
			bool released = false;

			for (size_t i = 0; i < count2; i++)
				kept += scan_translate(&released, set2[i], &set2[kept]);
			assert_int_equal(kept, count1);
			assert_memory_equal(set1, set2, count1);
			for (size_t i = 0; i < count1; i++)
				assert_int_not_equal(set1[i] & 0x7f, 0);
			if (key >= 1 && key <= KEY_KPDOT && down) {
				assert_int_equal(count1, 1);
				assert_int_equal(set1[0], key);
			}
		}
}

static void combines_print_and_pause(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	press(&b, KEY_LEFTALT);
	press(&b, KEY_SYSRQ);
	release(&b, KEY_SYSRQ);
	release(&b, KEY_LEFTALT);
	expect_keys(&b, "38 54 d4 b8");
	press(&b, KEY_LEFTCTRL);
	press(&b, KEY_PAUSE);
	release(&b, KEY_PAUSE);
	release(&b, KEY_LEFTCTRL);
	expect_keys(&b, "1d e0 46 e0 c6 9d");
	bench_finish(&b.bench);
}

static void answers_keyboard_commands(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	keyboard(&b, KEYBOARD_ECHO, "ee");
	keyboard(&b, KEYBOARD_SET_LEDS, "fa");
	keyboard(&b, 0x07, "fa");
	assert_int_equal(b.input.leds, 7);
	keyboard(&b, KEYBOARD_SET_TYPEMATIC, "fa");
	keyboard(&b, 0x20, "fa");
	keyboard(&b, KEYBOARD_IDENTIFY, "fa ab 41"); /* translated, as guests know it */
	set_mode(&b, 0);
	keyboard(&b, KEYBOARD_IDENTIFY, "fa ab 83");
	keyboard(&b, KEYBOARD_SCAN_SET, "fa");
	keyboard(&b, 0, "fa 02");
	keyboard(&b, KEYBOARD_SCAN_SET, "fa");
	keyboard(&b, 4, "fe");
	keyboard(&b, 0x01, "fe"); /* no command */
	keyboard(&b, KEYBOARD_IDENTIFY, "fa ab 83");
	keyboard(&b, KEYBOARD_RESEND, "83");
	keyboard(&b, KEYBOARD_SET_LEDS, "fa");
	keyboard(&b, KEYBOARD_RESET, "fa aa"); /* a command in place of the parameter */
	assert_int_equal(b.input.leds, 0);
	keyboard(&b, KEYBOARD_DISABLE, "fa");
	press(&b, KEY_A);
	assert_int_equal(read_from(&b, false), -1);
	keyboard(&b, KEYBOARD_ENABLE, "fa");
	release(&b, KEY_A); /* the guest never saw it pressed */
	press(&b, KEY_S);
	expect_keys(&b, "1b");
	bench_finish(&b.bench);
}

static void lets_set_3_keys_be_chosen(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	use_scan_set(&b, 3);
	press(&b, KEY_A);
	press(&b, KEY_A);
	release(&b, KEY_A);
	expect_keys(&b, "1c 1c");
	keyboard(&b, KEYBOARD_ALL_MAKE_BREAK, "fa");
	press(&b, KEY_A);
	press(&b, KEY_A);
	release(&b, KEY_A);
	expect_keys(&b, "1c f0 1c");
	keyboard(&b, KEYBOARD_KEY_TYPEMATIC, "fa");
	keyboard(&b, 0x1c, "fa");
	keyboard(&b, 0x1b, "fa");
	keyboard(&b, KEYBOARD_ENABLE, "fa");
	press(&b, KEY_A);
	press(&b, KEY_A);
	release(&b, KEY_A);
	press(&b, KEY_D);
	release(&b, KEY_D);
	expect_keys(&b, "1c 1c 23 f0 23");
	bench_finish(&b.bench);
}

static void replies_before_keys(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	press(&b, KEY_A); /* in the output buffer */
	press(&b, KEY_S);
	bench_out(&b.bench, 0x60, KEYBOARD_ECHO);
	expect_keys(&b, "1e ee 1f");
	bench_finish(&b.bench);
}

/* No key that the guest saw pressed stays down, however many come. */
static void overruns_without_stuck_keys(void **state)
{
	struct ps2_bench b;
	uint8_t down[128] = { 0 };
	unsigned overruns = 0, presses = 0;
	int byte;

	(void)state;
	start(&b);
	for (unsigned key = KEY_1; key <= KEY_KPDOT; key++)
		press(&b, key);
	for (unsigned key = KEY_1; key <= KEY_KPDOT; key++)
		release(&b, key);
	while ((byte = read_from(&b, false)) >= 0) {
		if (byte == 0xff) {
			overruns++;
			continue;
		}
		presses += byte < 0x80;
		down[byte & 0x7f] = byte < 0x80;
	}
	assert_int_equal(presses, KEYBOARD_QUEUE_BYTES + 1); /* one was in the output buffer */
	assert_int_equal(overruns, 1);
	for (unsigned key = 0; key < 128; key++)
		assert_int_equal(down[key], 0);
	bench_finish(&b.bench);
}

static void type_next(void *opaque)
{
	struct ps2_bench *b = opaque;

	if (b->typed == 100)
		return;
	assert_true(ps2_keyboard_has_room(&b->ps2.keyboard));
	input_key(&b->input, KEY_A + b->typed / 2 % 9, b->typed % 2 == 0);
	b->typed++;
}

static void types_at_the_guests_pace(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	ps2_keyboard_set_drained(&b.ps2.keyboard, type_next, &b);
	type_next(&b);
	assert_false(ps2_keyboard_has_room(&b.ps2.keyboard));
	for (unsigned i = 0; i < 50; i++) {
		assert_int_equal(read_from(&b, false), KEY_A + i % 9);
		assert_int_equal(read_from(&b, false), (KEY_A + i % 9) | 0x80);
	}
	assert_int_equal(read_from(&b, false), -1);
	assert_true(ps2_keyboard_has_room(&b.ps2.keyboard));
	bench_finish(&b.bench);
}

/* --- Mouse. --- */

static void set_rates(struct ps2_bench *b, uint8_t first, uint8_t second, uint8_t third)
{
	const uint8_t rates[] = { first, second, third };

	for (size_t i = 0; i < 3; i++) {
		mouse(b, MOUSE_SET_RATE, "fa");
		mouse(b, rates[i], "fa");
	}
}

static void answers_mouse_commands(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	mouse(&b, MOUSE_RESET, "fa aa 00");
	mouse(&b, MOUSE_IDENTIFY, "fa 00");
	mouse(&b, MOUSE_STATUS, "fa 00 02 64");
	mouse(&b, MOUSE_SET_RESOLUTION, "fa");
	mouse(&b, 3, "fa");
	mouse(&b, MOUSE_SET_RATE, "fa");
	mouse(&b, 40, "fa");
	mouse(&b, MOUSE_SCALING_2_1, "fa");
	mouse(&b, MOUSE_ENABLE, "fa");
	input_move(&b.input, 0, 0, 0, INPUT_BUTTON_LEFT | INPUT_BUTTON_RIGHT);
	expect_mouse(&b, "0b 00 00");
	mouse(&b, MOUSE_STATUS, "fa 35 03 28");
	mouse(&b, 0x55, "fe");
	mouse(&b, MOUSE_RESEND, "28"); /* RESEND itself is not sent again */
	mouse(&b, MOUSE_WRAP, "fa");
	mouse(&b, 0x12, "12");
	mouse(&b, MOUSE_IDENTIFY, "f2");
	mouse(&b, MOUSE_END_WRAP, "fa");
	mouse(&b, MOUSE_DEFAULTS, "fa");
	mouse(&b, MOUSE_STATUS, "fa 05 02 64");
	bench_finish(&b.bench);
}

static void becomes_a_better_mouse(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	set_rates(&b, 200, 100, 80);
	mouse(&b, MOUSE_IDENTIFY, "fa 03");
	mouse(&b, MOUSE_ENABLE, "fa");
	input_move(&b.input, 1, 2, 1, INPUT_BUTTON_MIDDLE);
	expect_mouse(&b, "2c 01 fe ff"); /* wheel away from the user is negative */
	set_rates(&b, 200, 200, 80);
	mouse(&b, MOUSE_IDENTIFY, "fa 04");
	mouse(&b, MOUSE_ENABLE, "fa");
	input_move(&b.input, 0, 0, -2, INPUT_BUTTON_SIDE | INPUT_BUTTON_EXTRA);
	expect_mouse(&b, "08 00 00 32");
	mouse(&b, MOUSE_RESET, "fa aa 00");
	mouse(&b, MOUSE_IDENTIFY, "fa 00");
	bench_finish(&b.bench);
}

static void loses_no_movement(void **state)
{
	struct ps2_bench b;
	int x = 0, y = 0, left = 0, packets = 0;
	int bytes[3];

	(void)state;
	start(&b);
	mouse(&b, MOUSE_ENABLE, "fa");
	for (unsigned i = 0; i < 100; i++)
		input_move(&b.input, 11, -7, 0, i / 10 % 2 ? INPUT_BUTTON_LEFT : 0);
	while ((bytes[0] = read_from(&b, true)) >= 0) {
		bytes[1] = read_from(&b, true);
		bytes[2] = read_from(&b, true);
		assert_int_equal(bytes[0] & 0xce, MOUSE_PACKET_ONE);
		x += bytes[1] - (bytes[0] & MOUSE_PACKET_X_SIGN ? 256 : 0);
		y += bytes[2] - (bytes[0] & MOUSE_PACKET_Y_SIGN ? 256 : 0);
		left += bytes[0] & MOUSE_PACKET_LEFT;
		packets++;
	}
	assert_int_equal(x, 1100);
	assert_int_equal(y, 700);
	assert_int_equal(left, 5);
	assert_in_range(packets, 10, 12);
	bench_finish(&b.bench);
}

static void splits_far_movement(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	mouse(&b, MOUSE_ENABLE, "fa");
	input_move(&b.input, -300, 256, 0, 0);
	expect_mouse(&b, "38 01 01 38 d3 ff");
	mouse(&b, MOUSE_SCALING_2_1, "fa");
	input_move(&b.input, 5, -130, 0, 0);
	expect_mouse(&b, "08 09 fe 08 00 03");
	input_move(&b.input, INT32_MAX, INT32_MIN, INT32_MAX, 0); /* is clamped */
	bench_finish(&b.bench);
}

static void waits_to_be_asked_in_remote_mode(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	input_move(&b.input, 9, 9, 0, 0); /* not enabled: nobody wants it */
	mouse(&b, MOUSE_REMOTE, "fa");
	input_move(&b.input, 4, 0, 0, 0);
	assert_int_equal(read_from(&b, true), -1);
	mouse(&b, MOUSE_READ, "fa 08 04 00");
	mouse(&b, MOUSE_READ, "fa 08 00 00");
	bench_finish(&b.bench);
}

static void is_saved_whole(void **state)
{
	struct ps2_bench b;

	(void)state;
	start(&b);
	set_mode(&b, 0x47);
	set_rates(&b, 200, 100, 80);
	mouse(&b, MOUSE_ENABLE, "fa");
	keyboard(&b, KEYBOARD_SET_LEDS, "fa");
	keyboard(&b, 2, "fa");
	bench_step(&b.bench, NS_PER_MS);
	press(&b, KEY_HOME);
	input_move(&b.input, 3, 0, 0, 0);
	assert_int_equal(read_from(&b, false), 0xe0);
	bench_save_and_load(&b.bench, 0xff);
	assert_int_equal(b.input.leds, 2);
	expect(&b, false, "47");
	expect_mouse(&b, "08 03 00 00");
	command(&b, PS2_READ_RAM);
	expect(&b, false, "47");
	release(&b, KEY_HOME);
	expect_keys(&b, "e0 c7");
	b.ps2.state.keyboard.key_count = KEYBOARD_RELEASE_BYTES + 1;
	assert_true(b.ps2.device.class->after_load(&b.ps2, NULL) < 0);
	b.ps2.state.keyboard.key_count = 0;
	b.ps2.state.mouse.event_count = MOUSE_EVENTS + 1;
	assert_true(b.ps2.device.class->after_load(&b.ps2, NULL) < 0);
	bench_finish(&b.bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_controller_commands),
		cmocka_unit_test(resets_by_pulse),
		cmocka_unit_test(interrupts_once_a_byte),
		cmocka_unit_test(shows_a_scan_code_twice),
		cmocka_unit_test(holds_nothing_back_from_who_asks),
		cmocka_unit_test(holds_bytes_of_a_disabled_port),
		cmocka_unit_test(sends_all_three_scan_sets),
		cmocka_unit_test(translates_into_set_1),
		cmocka_unit_test(combines_print_and_pause),
		cmocka_unit_test(answers_keyboard_commands),
		cmocka_unit_test(lets_set_3_keys_be_chosen),
		cmocka_unit_test(replies_before_keys),
		cmocka_unit_test(overruns_without_stuck_keys),
		cmocka_unit_test(types_at_the_guests_pace),
		cmocka_unit_test(answers_mouse_commands),
		cmocka_unit_test(becomes_a_better_mouse),
		cmocka_unit_test(loses_no_movement),
		cmocka_unit_test(splits_far_movement),
		cmocka_unit_test(waits_to_be_asked_in_remote_mode),
		cmocka_unit_test(is_saved_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

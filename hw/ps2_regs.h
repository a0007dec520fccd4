// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Keyboard controller, keyboard and mouse. IBM Personal System/2 Hardware Interface Technical
 * Reference, "Keyboard and Auxiliary Device Controller"; IBM "Keyboards (101- and 102-Key)" and
 * "Mouse" technical references; Microsoft IntelliMouse protocol.
 */
#pragma once

/* --- Controller (8042). --- */

enum ps2_command {
	PS2_READ_RAM = 0x20,  /* to 0x3f: byte n & 0x1f; byte 0 is the command byte */
	PS2_WRITE_RAM = 0x60, /* to 0x7f */
	PS2_TEST_PASSWORD = 0xa4,
	PS2_DISABLE_AUX = 0xa7,
	PS2_ENABLE_AUX = 0xa8,
	PS2_TEST_AUX = 0xa9,
	PS2_SELF_TEST = 0xaa,
	PS2_TEST_KEYBOARD = 0xab,
	PS2_DISABLE_KEYBOARD = 0xad,
	PS2_ENABLE_KEYBOARD = 0xae,
	PS2_READ_INPUT_PORT = 0xc0,
	PS2_READ_OUTPUT_PORT = 0xd0,
	PS2_WRITE_OUTPUT_PORT = 0xd1,
	PS2_WRITE_KEYBOARD_BUFFER = 0xd2, /* shows a byte as if the keyboard had sent it */
	PS2_WRITE_AUX_BUFFER = 0xd3,
	PS2_WRITE_AUX = 0xd4, /* sends a byte to the mouse */
	PS2_DISABLE_A20 = 0xdd,
	PS2_ENABLE_A20 = 0xdf,
	PS2_READ_TEST_INPUTS = 0xe0,
	PS2_PULSE = 0xf0,       /* to 0xff: pulses the output port's low bits that are 0 */
	PS2_PULSE_RESET = 0x01, /* not pulsed if set */
};

enum ps2_status {
	PS2_STATUS_OBF = 0x01,     /* a byte waits at the data port */
	PS2_STATUS_SYSTEM = 0x04,  /* self-test passed */
	PS2_STATUS_COMMAND = 0x08, /* the last write went to the command port */
	PS2_STATUS_UNLOCKED = 0x10,
	PS2_STATUS_AUX = 0x20, /* the byte that waits is the mouse's */
};

enum ps2_mode {
	PS2_MODE_KEYBOARD_IRQ = 0x01,
	PS2_MODE_AUX_IRQ = 0x02,
	PS2_MODE_SYSTEM = 0x04,
	PS2_MODE_KEYBOARD_OFF = 0x10,
	PS2_MODE_AUX_OFF = 0x20,
	PS2_MODE_TRANSLATE = 0x40, /* scan set 2 to scan set 1 */
};

enum ps2_output_port {
	PS2_OUTPUT_NO_RESET = 0x01,
	PS2_OUTPUT_A20 = 0x02,
	PS2_OUTPUT_KEYBOARD_IRQ = 0x10,
	PS2_OUTPUT_AUX_IRQ = 0x20,
	PS2_OUTPUT_STABLE = 0xcc, /* clock and data lines, high */
};

enum {
	PS2_SELF_TEST_PASSED = 0x55,
	PS2_PORT_TEST_PASSED = 0x00,
	PS2_NO_PASSWORD = 0xf1,
	PS2_INPUT_PORT = 0x80, /* keyboard not inhibited */
	PS2_RAM_BYTES = 32,
};

/* --- What keyboard and mouse have in common. --- */

enum ps2_reply {
	PS2_ACK = 0xfa,
	PS2_RESEND = 0xfe,
	PS2_BAT_PASSED = 0xaa, /* basic assurance test, after power-on and reset */
};

/* --- Keyboard. --- */

enum keyboard_command {
	KEYBOARD_SET_LEDS = 0xed,
	KEYBOARD_ECHO = 0xee,
	KEYBOARD_SCAN_SET = 0xf0,
	KEYBOARD_IDENTIFY = 0xf2,
	KEYBOARD_SET_TYPEMATIC = 0xf3,
	KEYBOARD_ENABLE = 0xf4,
	KEYBOARD_DISABLE = 0xf5, /* and defaults */
	KEYBOARD_DEFAULTS = 0xf6,
	KEYBOARD_ALL_TYPEMATIC = 0xf7, /* this and the following six: scan set 3 */
	KEYBOARD_ALL_MAKE_BREAK = 0xf8,
	KEYBOARD_ALL_MAKE = 0xf9,
	KEYBOARD_ALL_TYPEMATIC_MAKE_BREAK = 0xfa,
	KEYBOARD_KEY_TYPEMATIC = 0xfb,
	KEYBOARD_KEY_MAKE_BREAK = 0xfc,
	KEYBOARD_KEY_MAKE = 0xfd,
	KEYBOARD_RESEND = 0xfe,
	KEYBOARD_RESET = 0xff,
};

enum {
	KEYBOARD_LEDS = 0x07, /* 1 scroll, 2 num, 4 caps */
	KEYBOARD_ID_0 = 0xab,
	KEYBOARD_ID_1 = 0x83,
	KEYBOARD_TYPEMATIC_DEFAULT = 0x2b, /* 10.9 a second after 500 ms */
	KEYBOARD_OVERRUN = 0x00,           /* in sets 2 and 3; translation makes it 0xff */
	SCAN_BREAK = 0xf0,                 /* before a released key's code in sets 2 and 3 */
	SCAN_EXTENDED = 0xe0,
	SCAN_PAUSE = 0xe1,
	SCAN_SET1_BREAK = 0x80,
};

/* --- Mouse. --- */

enum mouse_command {
	MOUSE_SCALING_1_1 = 0xe6,
	MOUSE_SCALING_2_1 = 0xe7,
	MOUSE_SET_RESOLUTION = 0xe8,
	MOUSE_STATUS = 0xe9,
	MOUSE_STREAM = 0xea,
	MOUSE_READ = 0xeb,
	MOUSE_END_WRAP = 0xec,
	MOUSE_WRAP = 0xee,
	MOUSE_REMOTE = 0xf0,
	MOUSE_IDENTIFY = 0xf2,
	MOUSE_SET_RATE = 0xf3,
	MOUSE_ENABLE = 0xf4,
	MOUSE_DISABLE = 0xf5,
	MOUSE_DEFAULTS = 0xf6,
	MOUSE_RESEND = 0xfe,
	MOUSE_RESET = 0xff,
};

enum mouse_id {
	MOUSE_STANDARD = 0,
	MOUSE_WHEEL = 3,    /* after sample rates 200, 100, 80 */
	MOUSE_FIVE_KEY = 4, /* after sample rates 200, 200, 80 */
};

enum mouse_packet {
	MOUSE_PACKET_LEFT = 0x01,
	MOUSE_PACKET_RIGHT = 0x02,
	MOUSE_PACKET_MIDDLE = 0x04,
	MOUSE_PACKET_ONE = 0x08, /* always set */
	MOUSE_PACKET_X_SIGN = 0x10,
	MOUSE_PACKET_Y_SIGN = 0x20,
	MOUSE_PACKET_SIDE = 0x10,  /* in the fourth byte of a five-key mouse */
	MOUSE_PACKET_EXTRA = 0x20, /* there too */
};

enum mouse_status {
	MOUSE_STATUS_RIGHT = 0x01,
	MOUSE_STATUS_MIDDLE = 0x02,
	MOUSE_STATUS_LEFT = 0x04,
	MOUSE_STATUS_2_1 = 0x10,
	MOUSE_STATUS_ENABLED = 0x20,
	MOUSE_STATUS_REMOTE = 0x40,
};

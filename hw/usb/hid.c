// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/usb/hid.h"

#include <errno.h>
#include <linux/input-event-codes.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"

enum {
	REPORT_ENDPOINT = 1,
	PROTOCOL_REPORT = 1,
	REPORT_INPUT = 1,
	REPORT_OUTPUT = 2,
	FIRST_MODIFIER = 0xe0, /* usage of the left Ctrl key */
	ROLL_OVER = 1,
	WHEEL_MAX = 127,
};

/* --- Descriptors --- */

#define LOW(word)  ((word)&0xff)
#define HIGH(word) ((word) >> 8)

/* Appendix E.10. Five buttons, two absolute axes of 15 bits, a wheel. */
static const uint8_t tablet_report[] = {
	0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, /* desktop, mouse, pointer */
	0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01, /* buttons 1 to 5 */
	0x95, 0x05, 0x75, 0x01, 0x81, 0x02, 0x95, 0x01, 0x75, 0x03, 0x81, 0x01, /* and 3 bits */
	0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x15, 0x00, 0x26, 0xff, 0x7f, 0x35,
	0x00, 0x46, 0xff, 0x7f, 0x75, 0x10, 0x95, 0x02, 0x81, 0x02, /* X and Y, absolute */
	0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x35, 0x00, 0x45, 0x00, 0x75, 0x08,
	0x95, 0x01, 0x81, 0x06, 0xc0, 0xc0, /* wheel, relative */
};

static const uint8_t mouse_report[] = {
	0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00, /* desktop, mouse, pointer */
	0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01, /* buttons 1 to 5 */
	0x95, 0x05, 0x75, 0x01, 0x81, 0x02, 0x95, 0x01, 0x75, 0x03, 0x81, 0x01, /* and 3 bits */
	0x05, 0x01, 0x09, 0x30, 0x09, 0x31, 0x09, 0x38, 0x15, 0x81, 0x25, 0x7f,
	0x75, 0x08, 0x95, 0x03, 0x81, 0x06, 0xc0, 0xc0, /* X, Y and wheel, relative */
};

/* Appendix E.6: the boot protocol's. */
static const uint8_t keyboard_report[] = {
	0x05, 0x01, 0x09, 0x06, 0xa1, 0x01, 0x75, 0x01, 0x95, 0x08, 0x05, 0x07, 0x19,
	0xe0, 0x29, 0xe7, 0x15, 0x00, 0x25, 0x01, 0x81, 0x02, /* modifiers */
	0x95, 0x01, 0x75, 0x08, 0x81, 0x01,                   /* a byte of nothing */
	0x95, 0x05, 0x75, 0x01, 0x05, 0x08, 0x19, 0x01, 0x29, 0x05, 0x91, 0x02, /* LEDs */
	0x95, 0x01, 0x75, 0x03, 0x91, 0x01, 0x95, 0x06, 0x75, 0x08, 0x15, 0x00, 0x26,
	0xff, 0x00, 0x05, 0x07, 0x19, 0x00, 0x2a, 0xff, 0x00, 0x81, 0x00, 0xc0, /* keys */
};

/* 0627:0001 is the number that operating systems know such devices of virtual machines by. */
#define DEVICE(product)                                                                        \
	{                                                                                      \
		18, USB_DESCRIPTOR_DEVICE, 0x00, 0x02, 0, 0, 0, 64, LOW(0x0627), HIGH(0x0627), \
			LOW(0x0001), HIGH(0x0001), 0, 1, 1, 2, 0, 1                            \
	}
#define CONFIGURATION(subclass, protocol, report, packet, interval)                               \
	{                                                                                         \
		9, USB_DESCRIPTOR_CONFIGURATION, 34, 0, 1, 1, 0, 0xa0, 50, /* remote wake-up */   \
			9, USB_DESCRIPTOR_INTERFACE, 0, 0, 1, 3, subclass, protocol, 0, 9,        \
			USB_DESCRIPTOR_HID, 0x11, 0x01, 0, 1, USB_DESCRIPTOR_REPORT,              \
			sizeof(report), 0, 7, USB_DESCRIPTOR_ENDPOINT, 0x80 | REPORT_ENDPOINT, 3, \
			packet, 0, interval                                                       \
	}

static const uint8_t device_descriptor[] = DEVICE(0);
static const uint8_t tablet_configuration[] = CONFIGURATION(0, 0, tablet_report, 8, 4);
static const uint8_t mouse_configuration[] = CONFIGURATION(1, 2, mouse_report, 4, 7);
static const uint8_t keyboard_configuration[] = CONFIGURATION(1, 1, keyboard_report, 8, 7);

/* At high speed the interval is a power of two in microframes: 6 is 4 ms, 7 is 8 ms. */
static const uint8_t tablet_high[] = CONFIGURATION(0, 0, tablet_report, 8, 6);
static const uint8_t mouse_high[] = CONFIGURATION(1, 2, mouse_report, 4, 7);
static const uint8_t keyboard_high[] = CONFIGURATION(1, 1, keyboard_report, 8, 7);

static const char *const tablet_strings[] = { "hvmdm", "USB Tablet", NULL };
static const char *const mouse_strings[] = { "hvmdm", "USB Mouse", NULL };
static const char *const keyboard_strings[] = { "hvmdm", "USB Keyboard", NULL };

enum {
	HID_DESCRIPTOR_AT = 18, /* in the configuration */
	HID_DESCRIPTOR_BYTES = 9,
};

/* --- Reports --- */

static struct hid *hid_of(struct usb_device *device)
{
	return container_of(device, struct hid, usb);
}

static unsigned report_bytes(const struct hid *hid)
{
	static const uint8_t bytes[] = { [HID_TABLET] = 6, [HID_MOUSE] = 4, [HID_KEYBOARD] = 8 };

	return bytes[hid->kind];
}

static bool is_configured(void *opaque)
{
	return ((const struct hid *)opaque)->state.usb.configuration != 0;
}

static uint8_t *report_at(struct hid_state *state, unsigned index)
{
	return state->queue + (size_t)index * HID_REPORT_BYTES;
}

/** Room for one more, which is the caller's to fill; the newest is given up if there is none. */
static uint8_t *append(struct hid *hid)
{
	struct hid_state *state = &hid->state;

	if (state->queue_count < HID_QUEUE)
		state->queue_count++;
	return report_at(state, state->queue_count - 1);
}

static int take_report(struct hid *hid, uint8_t *data, unsigned room)
{
	struct hid_state *state = &hid->state;
	unsigned bytes = (unsigned)min_u64(room, report_bytes(hid));

	if (state->queue_count == 0)
		return USB_NAK;
	memcpy(state->last, state->queue, HID_REPORT_BYTES);
	state->queue_count--;
	memmove(state->queue, report_at(state, 1), (size_t)state->queue_count * HID_REPORT_BYTES);
	memcpy(data, state->last, bytes);
	/* What is relative has been told. */
	if (hid->kind == HID_MOUSE)
		memset(state->last + 1, 0, 3);
	if (hid->kind == HID_TABLET)
		state->last[5] = 0;
	if (state->queue_count == 0 && hid->kind == HID_KEYBOARD)
		input_tell_keys_taken(hid->input);
	return (int)bytes;
}

static int hid_in(struct usb_device *device, unsigned endpoint, uint8_t *data, unsigned room)
{
	return endpoint == REPORT_ENDPOINT ? take_report(hid_of(device), data, room) : USB_STALL;
}

/* --- Input --- */

/** The newest report, if a movement with the same buttons may go into it; else a new one that
 * starts as the state is. */
static uint8_t *movement(struct hid *hid, unsigned buttons)
{
	struct hid_state *state = &hid->state;
	const uint8_t *before =
		state->queue_count ? report_at(state, state->queue_count - 1u) : state->last;
	uint8_t *report;

	if (state->queue_count && before[0] == buttons)
		return report_at(state, state->queue_count - 1u);
	report = append(hid);
	if (report != before)
		memcpy(report, before, HID_REPORT_BYTES);
	report[0] = (uint8_t)buttons;
	if (hid->kind == HID_MOUSE)
		memset(report + 1, 0, 3);
	else
		report[5] = 0;
	return report;
}

static uint8_t add_clamped(uint8_t before, int more)
{
	int sum = (int8_t)before + more;

	return (uint8_t)(sum < -WHEEL_MAX ? -WHEEL_MAX : sum > WHEEL_MAX ? WHEEL_MAX : sum);
}

static void take_move_to(void *opaque, unsigned x, unsigned y, int dz, unsigned buttons)
{
	struct hid *hid = opaque;
	uint8_t *report = movement(hid, buttons & 0x1f);

	store_le16(report + 1, (uint16_t)min_u64(x, INPUT_ABS_MAX));
	store_le16(report + 3, (uint16_t)min_u64(y, INPUT_ABS_MAX));
	report[5] = add_clamped(report[5], dz);
	usb_device_wakeup(&hid->usb);
}

static void take_move(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	struct hid *hid = opaque;
	uint8_t *report = movement(hid, buttons & 0x1f);

	report[1] = add_clamped(report[1], dx);
	report[2] = add_clamped(report[2], dy);
	report[3] = add_clamped(report[3], dz);
	usb_device_wakeup(&hid->usb);
}

/* Usages of the keyboard page by key position: HID Usage Tables, section 10. */
static const uint8_t usages[INPUT_KEY_COUNT] = {
	[KEY_A] = 0x04,
	[KEY_B] = 0x05,
	[KEY_C] = 0x06,
	[KEY_D] = 0x07,
	[KEY_E] = 0x08,
	[KEY_F] = 0x09,
	[KEY_G] = 0x0a,
	[KEY_H] = 0x0b,
	[KEY_I] = 0x0c,
	[KEY_J] = 0x0d,
	[KEY_K] = 0x0e,
	[KEY_L] = 0x0f,
	[KEY_M] = 0x10,
	[KEY_N] = 0x11,
	[KEY_O] = 0x12,
	[KEY_P] = 0x13,
	[KEY_Q] = 0x14,
	[KEY_R] = 0x15,
	[KEY_S] = 0x16,
	[KEY_T] = 0x17,
	[KEY_U] = 0x18,
	[KEY_V] = 0x19,
	[KEY_W] = 0x1a,
	[KEY_X] = 0x1b,
	[KEY_Y] = 0x1c,
	[KEY_Z] = 0x1d,
	[KEY_1] = 0x1e,
	[KEY_2] = 0x1f,
	[KEY_3] = 0x20,
	[KEY_4] = 0x21,
	[KEY_5] = 0x22,
	[KEY_6] = 0x23,
	[KEY_7] = 0x24,
	[KEY_8] = 0x25,
	[KEY_9] = 0x26,
	[KEY_0] = 0x27,
	[KEY_ENTER] = 0x28,
	[KEY_ESC] = 0x29,
	[KEY_BACKSPACE] = 0x2a,
	[KEY_TAB] = 0x2b,
	[KEY_SPACE] = 0x2c,
	[KEY_MINUS] = 0x2d,
	[KEY_EQUAL] = 0x2e,
	[KEY_LEFTBRACE] = 0x2f,
	[KEY_RIGHTBRACE] = 0x30,
	[KEY_BACKSLASH] = 0x31,
	[KEY_SEMICOLON] = 0x33,
	[KEY_APOSTROPHE] = 0x34,
	[KEY_GRAVE] = 0x35,
	[KEY_COMMA] = 0x36,
	[KEY_DOT] = 0x37,
	[KEY_SLASH] = 0x38,
	[KEY_CAPSLOCK] = 0x39,
	[KEY_F1] = 0x3a,
	[KEY_F2] = 0x3b,
	[KEY_F3] = 0x3c,
	[KEY_F4] = 0x3d,
	[KEY_F5] = 0x3e,
	[KEY_F6] = 0x3f,
	[KEY_F7] = 0x40,
	[KEY_F8] = 0x41,
	[KEY_F9] = 0x42,
	[KEY_F10] = 0x43,
	[KEY_F11] = 0x44,
	[KEY_F12] = 0x45,
	[KEY_SYSRQ] = 0x46,
	[KEY_SCROLLLOCK] = 0x47,
	[KEY_PAUSE] = 0x48,
	[KEY_INSERT] = 0x49,
	[KEY_HOME] = 0x4a,
	[KEY_PAGEUP] = 0x4b,
	[KEY_DELETE] = 0x4c,
	[KEY_END] = 0x4d,
	[KEY_PAGEDOWN] = 0x4e,
	[KEY_RIGHT] = 0x4f,
	[KEY_LEFT] = 0x50,
	[KEY_DOWN] = 0x51,
	[KEY_UP] = 0x52,
	[KEY_NUMLOCK] = 0x53,
	[KEY_KPSLASH] = 0x54,
	[KEY_KPASTERISK] = 0x55,
	[KEY_KPMINUS] = 0x56,
	[KEY_KPPLUS] = 0x57,
	[KEY_KPENTER] = 0x58,
	[KEY_KP1] = 0x59,
	[KEY_KP2] = 0x5a,
	[KEY_KP3] = 0x5b,
	[KEY_KP4] = 0x5c,
	[KEY_KP5] = 0x5d,
	[KEY_KP6] = 0x5e,
	[KEY_KP7] = 0x5f,
	[KEY_KP8] = 0x60,
	[KEY_KP9] = 0x61,
	[KEY_KP0] = 0x62,
	[KEY_KPDOT] = 0x63,
	[KEY_102ND] = 0x64,
	[KEY_COMPOSE] = 0x65,
	[KEY_POWER] = 0x66,
	[KEY_KPEQUAL] = 0x67,
	[KEY_RO] = 0x87,
	[KEY_KATAKANAHIRAGANA] = 0x88,
	[KEY_YEN] = 0x89,
	[KEY_HENKAN] = 0x8a,
	[KEY_MUHENKAN] = 0x8b,
	[KEY_HANGEUL] = 0x90,
	[KEY_HANJA] = 0x91,
	[KEY_LEFTCTRL] = 0xe0,
	[KEY_LEFTSHIFT] = 0xe1,
	[KEY_LEFTALT] = 0xe2,
	[KEY_LEFTMETA] = 0xe3,
	[KEY_RIGHTCTRL] = 0xe4,
	[KEY_RIGHTSHIFT] = 0xe5,
	[KEY_RIGHTALT] = 0xe6,
	[KEY_RIGHTMETA] = 0xe7,
};

/** The report of what is pressed; more keys than fit are told as a roll-over. */
static void fill_keys(const struct hid_state *state, uint8_t *report)
{
	unsigned count = 0;

	memset(report, 0, HID_REPORT_BYTES);
	for (unsigned key = 0; key < INPUT_KEY_COUNT; key++) {
		if (!(state->pressed[key / 8] & BIT(key % 8)))
			continue;
		if (usages[key] >= FIRST_MODIFIER)
			report[0] |= (uint8_t)BIT(usages[key] - FIRST_MODIFIER);
		else if (count++ < HID_KEYS)
			report[1 + count] = usages[key];
	}
	if (count > HID_KEYS)
		memset(report + 2, ROLL_OVER, HID_KEYS);
}

static void take_key(void *opaque, unsigned key, bool down)
{
	struct hid *hid = opaque;
	uint8_t mask = (uint8_t)BIT(key % 8), *byte = &hid->state.pressed[key / 8 % 32];

	if (!usages[key % INPUT_KEY_COUNT] || down == ((*byte & mask) != 0))
		return;
	*byte ^= mask;
	fill_keys(&hid->state, append(hid));
	usb_device_wakeup(&hid->usb);
}

static bool has_room(void *opaque)
{
	return ((const struct hid *)opaque)->state.queue_count == 0;
}

/* --- Requests of the class --- */

static int get_report_descriptor(const struct hid *hid, uint8_t *data)
{
	static const struct {
		const uint8_t *bytes;
		uint8_t length;
	} reports[] = {
		[HID_TABLET] = { tablet_report, sizeof(tablet_report) },
		[HID_MOUSE] = { mouse_report, sizeof(mouse_report) },
		[HID_KEYBOARD] = { keyboard_report, sizeof(keyboard_report) },
	};

	memcpy(data, reports[hid->kind].bytes, reports[hid->kind].length);
	return reports[hid->kind].length;
}

static int get_descriptor(struct hid *hid, uint16_t value, uint8_t *data)
{
	switch (value >> 8) {
	case USB_DESCRIPTOR_REPORT:
		return get_report_descriptor(hid, data);
	case USB_DESCRIPTOR_HID:
		memcpy(data, hid->usb.class->configuration[USB_FULL] + HID_DESCRIPTOR_AT,
		       HID_DESCRIPTOR_BYTES);
		return HID_DESCRIPTOR_BYTES;
	default:
		return USB_STALL;
	}
}

static int get_report(struct hid *hid, uint16_t value, uint8_t *data)
{
	if (value >> 8 != REPORT_INPUT)
		return USB_STALL;
	if (hid->kind == HID_KEYBOARD)
		fill_keys(&hid->state, data);
	else
		memcpy(data, hid->state.last, HID_REPORT_BYTES);
	return (int)report_bytes(hid);
}

static int set_report(struct hid *hid, uint16_t value, const uint8_t *data, uint16_t length)
{
	/* HID has Num Lock first, Scroll Lock third; the input port as PS/2 does. */
	unsigned leds = length ? data[0] : 0;

	if (hid->kind != HID_KEYBOARD || value >> 8 != REPORT_OUTPUT)
		return USB_STALL;
	hid->state.leds = leds & 7;
	input_set_leds(hid->input, (leds >> 2 & 1) | (leds & 1) << 1 | (leds >> 1 & 1) << 2);
	return 0;
}

static int hid_request(struct usb_device *device, uint16_t request, uint16_t value, uint16_t index,
		       uint8_t *data, uint16_t length)
{
	struct hid *hid = hid_of(device);

	(void)index;
	switch (request) {
	case USB_INTERFACE_GET_DESCRIPTOR:
		return get_descriptor(hid, value, data);
	case USB_HID_GET_REPORT:
		return get_report(hid, value, data);
	case USB_HID_SET_REPORT:
		return set_report(hid, value, data, length);
	case USB_HID_GET_IDLE:
		data[0] = hid->state.idle;
		return 1;
	case USB_HID_SET_IDLE: /* repeating what has not changed is nothing that a guest misses */
		hid->state.idle = (uint8_t)(value >> 8);
		return 0;
	case USB_HID_GET_PROTOCOL:
		data[0] = hid->state.protocol;
		return 1;
	case USB_HID_SET_PROTOCOL:
		hid->state.protocol = value & 1;
		return 0;
	default:
		return USB_STALL;
	}
}

static void hid_forget(struct usb_device *device)
{
	struct hid_state *state = &hid_of(device)->state;

	state->queue_count = 0;
	memset(state->queue, 0, sizeof(state->queue));
	memset(state->last, 0, sizeof(state->last));
	memset(state->pressed, 0, sizeof(state->pressed));
	state->protocol = PROTOCOL_REPORT;
	state->idle = 0;
}

#define CLASS(name)                                                                                \
	{                                                                                          \
		.device = device_descriptor,                                                       \
		.configuration = { name##_configuration, name##_high }, .strings = name##_strings, \
		.request = hid_request, .in = hid_in, .reset = hid_forget                          \
	}

static const struct usb_class classes[] = {
	[HID_TABLET] = CLASS(tablet),
	[HID_MOUSE] = CLASS(mouse),
	[HID_KEYBOARD] = CLASS(keyboard),
};

/* --- Life --- */

static void hid_reset(void *self)
{
	struct hid *hid = self;

	hid->state.leds = 0;
	usb_device_reset(&hid->usb, USB_FULL);
}

static int hid_after_load(void *self, struct err *err)
{
	struct hid *hid = self;

	if (usb_device_check(&hid->usb) < 0 || hid->state.queue_count > HID_QUEUE ||
	    hid->state.leds > 7)
		return err_set(err, -EINVAL, "the saved %s holds values that it cannot have",
			       hid_name(hid->kind));
	return 0;
}

static void hid_finish(void *self)
{
	struct hid *hid = self;

	input_remove_sink(hid->input, &hid->sink);
}

static const struct state_field hid_fields[] = {
	STATE_STRUCT(struct hid_state, usb, &usb_state_table),
	STATE_ARRAY(struct hid_state, queue),
	STATE_INT(struct hid_state, queue_count),
	STATE_ARRAY(struct hid_state, last),
	STATE_ARRAY(struct hid_state, pressed),
	STATE_INT(struct hid_state, idle),
	STATE_INT(struct hid_state, protocol),
	STATE_INT(struct hid_state, leds),
	STATE_ARRAY(struct hid_state, reserved),
};
static STATE_TABLE(hid_state_table, hid_state, hid_fields);

#define DEVICE_CLASS(device_name)                                                     \
	{                                                                             \
		.name = (device_name), .reset = hid_reset, .table = &hid_state_table, \
		.state_offset = offsetof(struct hid, state), .version = 1,            \
		.after_load = hid_after_load, .finish = hid_finish                    \
	}

static const struct device_class device_classes[] = {
	[HID_TABLET] = DEVICE_CLASS("usb-tablet"),
	[HID_MOUSE] = DEVICE_CLASS("usb-mouse"),
	[HID_KEYBOARD] = DEVICE_CLASS("usb-kbd"),
};

const char *hid_name(enum hid_kind kind)
{
	return device_classes[kind].name;
}

void hid_init(struct hid *hid, enum hid_kind kind, struct input *input)
{
	memset(hid, 0, sizeof(*hid));
	hid->kind = kind;
	hid->input = input;
	hid->sink = (struct input_sink){
		.opaque = hid,
		.name = hid_name(kind),
		.is_ready = is_configured,
		.key = kind == HID_KEYBOARD ? take_key : NULL,
		.has_room = kind == HID_KEYBOARD ? has_room : NULL,
		.move = kind == HID_MOUSE ? take_move : NULL,
		.move_to = kind == HID_TABLET ? take_move_to : NULL,
	};
	device_init(&hid->device, &device_classes[kind], hid);
	usb_device_init(&hid->usb, &classes[kind], &hid->state.usb);
	list_init(&hid->sink.node);
	input_add_sink(input, &hid->sink);
}

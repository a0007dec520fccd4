// SPDX-License-Identifier: GPL-2.0-or-later
/* The guest's screen, keyboard and pointer as programs use them, and the VNC server. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "dm/control_internal.h"
#include "dm/host_files.h"
#include "vnc/vnc.h"

enum {
	DEFAULT_HOLD_MS = 100,
	MAX_HOLD_MS = 60000,
	SCANCODE_EXTENDED = 0x80,  /* set 1 codes behind e0 */
	SCANCODE_PLAIN_END = 0x59, /* below it positions are the codes themselves */
};

/* Pictures */

/** A binary portable pixmap (ppm(5)). */
static bool write_ppm_surface(const struct display_surface *surface, int fd)
{
	uint8_t row[3 * DISPLAY_MAX_WIDTH];

	if (dprintf(fd, "P6\n%u %u\n255\n", surface->width, surface->height) < 0)
		return false;
	for (unsigned y = 0; y < surface->height; y++) {
		const uint32_t *pixels = surface->pixels + (size_t)y * surface->stride;

		for (unsigned x = 0; x < surface->width; x++) {
			row[3 * x] = (uint8_t)(pixels[x] >> 16);
			row[3 * x + 1] = (uint8_t)(pixels[x] >> 8);
			row[3 * x + 2] = (uint8_t)pixels[x];
		}
		if (host_write_all(fd, row, 3 * (size_t)surface->width) < 0)
			return false;
	}
	return true;
}

static int write_ppm(struct display *display, int fd)
{
	struct display_listener listener = { 0 };
	int result;

	display_add_listener(display, &listener);
	result = display_set_watching(display, &listener, true);
	if (result == 0) {
		display_refresh(display, true);
		errno = 0;
		if (!write_ppm_surface(&display->surface, fd))
			result = errno ? -errno : -EIO;
		display_set_watching(display, &listener, false);
	}
	display_remove_listener(display, &listener);
	return result;
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);

	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static int execute_screendump(struct control_call *call)
{
	const char *filename = control_string(call, "filename");
	const char *format = control_string(call, "format");
	bool is_png = format ? strcmp(format, "png") == 0 : ends_in(filename, ".png");
	int fd, result;

	if (format && !is_png && strcmp(format, "ppm") != 0)
		return err_set(&call->err, -EINVAL, "format '%.32s': give png or ppm", format);
	fd = control_open(call->control, filename, O_WRONLY | O_CREAT | O_TRUNC, &call->err);
	if (fd < 0)
		return fd;
	result = is_png ? display_write_png(&call->machine->display, fd)
			: write_ppm(&call->machine->display, fd);
	close(fd);
	if (result < 0)
		return err_set_errno(&call->err, result, "cannot write '%s'", filename);
	return 0;
}

/* Keys */

/** A position by its set 1 code, extended ones with the top bit, or -1. */
static int key_from_scancode(int64_t code)
{
	static const struct {
		uint8_t code, key;
	} extended[] = {
		{ 0x9c, 96 },  { 0x9d, 97 },  { 0xb5, 98 },  { 0xb7, 99 },  { 0xb8, 100 },
		{ 0xc7, 102 }, { 0xc8, 103 }, { 0xc9, 104 }, { 0xcb, 105 }, { 0xcd, 106 },
		{ 0xcf, 107 }, { 0xd0, 108 }, { 0xd1, 109 }, { 0xd2, 110 }, { 0xd3, 111 },
		{ 0xdb, 125 }, { 0xdc, 126 }, { 0xdd, 127 },
	};

	if (code > 0 && code < SCANCODE_PLAIN_END)
		return (int)code;
	for (size_t i = 0; i < ARRAY_SIZE(extended); i++)
		if (extended[i].code == code)
			return extended[i].key;
	return -1;
}

static struct json_object *member(struct json_object *object, const char *key)
{
	struct json_object *value = NULL;

	if (json_object_is_type(object, json_type_object))
		json_object_object_get_ex(object, key, &value);
	return value;
}

static const char *string_member(struct json_object *object, const char *key)
{
	struct json_object *value = member(object, key);

	return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

/** {"type": "qcode", "data": "a"} or {"type": "number", "data": 30}. A position, or -EINVAL. */
static int read_key(struct json_object *value, struct err *err)
{
	const char *type = string_member(value, "type");
	struct json_object *data = member(value, "data");
	int key = -1;

	if (strcmp(type, "number") == 0 && json_object_is_type(data, json_type_int))
		key = key_from_scancode(json_object_get_int64(data));
	else if (strcmp(type, "qcode") == 0 && json_object_is_type(data, json_type_string))
		key = input_key_from_name(json_object_get_string(data));
	if (key < 0)
		return err_set(err, -EINVAL, "there is no key %.64s",
			       data ? json_object_get_string(data) : "without data");
	return key;
}

static int execute_send_key(struct control_call *call)
{
	int64_t hold_ms = control_int(call, "hold-time", DEFAULT_HOLD_MS);
	unsigned keys[CONTROL_MAX_KEYS / 2];
	struct json_object *list = NULL;
	size_t count;

	json_object_object_get_ex(call->arguments, "keys", &list);
	count = json_object_array_length(list);
	if (count > ARRAY_SIZE(keys))
		return err_set(&call->err, -EINVAL, "at most %zu keys at once", ARRAY_SIZE(keys));
	for (size_t i = 0; i < count; i++) {
		int key = read_key(json_object_array_get_idx(list, i), &call->err);

		if (key < 0)
			return key;
		keys[i] = (unsigned)key;
	}
	if (hold_ms < 1 || hold_ms > MAX_HOLD_MS)
		hold_ms = DEFAULT_HOLD_MS;
	return control_press(call->control, keys, count, (uint32_t)hold_ms, &call->err);
}

/* The pointer */

struct pointer {
	bool moves, has_position;
	int dx, dy, dz;
	unsigned x, y, buttons;
};

static int read_button(struct json_object *data, struct pointer *pointer, struct err *err)
{
	static const struct {
		const char *name;
		unsigned bit;
	} buttons[] = {
		{ "left", INPUT_BUTTON_LEFT },   { "middle", INPUT_BUTTON_MIDDLE },
		{ "right", INPUT_BUTTON_RIGHT }, { "side", INPUT_BUTTON_SIDE },
		{ "extra", INPUT_BUTTON_EXTRA },
	};
	const char *name = string_member(data, "button");
	bool down = json_object_get_boolean(member(data, "down"));

	pointer->moves = true;
	if (strcmp(name, "wheel-up") == 0 || strcmp(name, "wheel-down") == 0) {
		pointer->dz += !down ? 0 : name[6] == 'u' ? 1 : -1;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(buttons); i++) {
		if (strcmp(buttons[i].name, name) != 0)
			continue;
		pointer->buttons &= ~buttons[i].bit;
		pointer->buttons |= down ? buttons[i].bit : 0;
		return 0;
	}
	return err_set(err, -EINVAL, "there is no button '%.32s'", name);
}

static int read_movement(struct json_object *data, bool is_absolute, struct pointer *pointer,
			 struct err *err)
{
	const char *axis = string_member(data, "axis");
	int64_t value = json_object_get_int64(member(data, "value"));

	if (strcmp(axis, "x") != 0 && strcmp(axis, "y") != 0)
		return err_set(err, -EINVAL, "there is no axis '%.32s'", axis);
	pointer->moves = true;
	if (is_absolute) {
		pointer->has_position = true;
		*(axis[0] == 'x' ? &pointer->x : &pointer->y) =
			(unsigned)clamp_u64(value < 0 ? 0 : (uint64_t)value, 0, INPUT_ABS_MAX);
	} else {
		int step = value < -INPUT_ABS_MAX  ? -INPUT_ABS_MAX
			   : value > INPUT_ABS_MAX ? INPUT_ABS_MAX
						   : (int)value;

		*(axis[0] == 'x' ? &pointer->dx : &pointer->dy) = step;
	}
	return 0;
}

/** One event; keys act at once if 'act'. */
static int read_event(struct control_call *call, struct json_object *event, struct pointer *pointer,
		      bool act)
{
	const char *type = string_member(event, "type");
	struct json_object *data = member(event, "data");
	int key;

	if (strcmp(type, "btn") == 0)
		return read_button(data, pointer, &call->err);
	if (strcmp(type, "rel") == 0 || strcmp(type, "abs") == 0)
		return read_movement(data, type[0] == 'a', pointer, &call->err);
	if (strcmp(type, "key") != 0)
		return err_set(&call->err, -EINVAL, "there is no event of type '%.32s'", type);
	key = read_key(member(data, "key"), &call->err);
	if (key < 0)
		return key;
	if (act)
		input_key(&call->machine->input, (unsigned)key,
			  json_object_get_boolean(member(data, "down")));
	return 0;
}

static int read_events(struct control_call *call, struct pointer *pointer, bool act)
{
	const struct input *input = &call->machine->input;
	struct json_object *list = NULL;
	int result = 0;

	*pointer = (struct pointer){
		.x = input->abs_x,
		.y = input->abs_y,
		.buttons = input->buttons,
	};
	json_object_object_get_ex(call->arguments, "events", &list);
	for (size_t i = 0; result == 0 && i < json_object_array_length(list); i++)
		result = read_event(call, json_object_array_get_idx(list, i), pointer, act);
	return result;
}

/** All or nothing: looked through before anything is done. */
static int execute_input_event(struct control_call *call)
{
	const struct display_surface *surface = &call->machine->display.surface;
	struct input *input = &call->machine->input;
	struct pointer pointer;
	int result = read_events(call, &pointer, false);

	if (result < 0)
		return result;
	read_events(call, &pointer, true);
	if (pointer.has_position)
		input_move_to(input, pointer.x, pointer.y, surface->width, surface->height,
			      pointer.dz, pointer.buttons);
	else if (pointer.moves)
		input_move(input, pointer.dx, pointer.dy, pointer.dz, pointer.buttons);
	return 0;
}

/** Pointers that the guest has made ready; the first is the one that is used. */
static int execute_query_mice(struct control_call *call)
{
	struct input_sink *sink;
	unsigned index = 0;

	call->result = json_object_new_array();
	list_for_each(sink, &call->machine->input.sinks, struct input_sink, node)
	{
		struct json_object *mouse;

		if ((!sink->move && !sink->move_to) ||
		    (sink->is_ready && !sink->is_ready(sink->opaque)))
			continue;
		mouse = json_add_string(json_object_new_object(), "name", sink->name);
		json_add_int(mouse, "index", index);
		json_add_bool(mouse, "current", index++ == 0);
		json_add_bool(mouse, "absolute", sink->move_to != NULL);
		json_object_array_add(call->result, mouse);
	}
	return 0;
}

/* VNC */

static void add_address(struct json_object *object, const struct vnc_address *address)
{
	json_add_string(object, "family", address->family);
	json_add_string(object, "service", address->service);
	json_add_string(object, "host", address->host);
}

static struct json_object *describe_viewer(const struct vnc_client_info *info)
{
	struct json_object *object = json_object_new_object();

	json_add_bool(object, "websocket", info->is_websocket);
	add_address(object, &info->address);
	return object;
}

static void list_viewer(void *opaque, const struct vnc_client_info *info)
{
	json_object_array_add(opaque, describe_viewer(info));
}

static int execute_query_vnc(struct control_call *call)
{
	const struct vnc_server *server = call->machine->vnc;
	struct json_object *clients;

	call->result = json_add_bool(json_object_new_object(), "enabled", server);
	if (!server)
		return 0;
	clients = json_object_new_array();
	vnc_server_for_each_client(server, list_viewer, clients);
	json_add_string(call->result, "auth", vnc_server_auth(server));
	json_add(call->result, "clients", clients);
	add_address(call->result, vnc_server_address(server));
	return 0;
}

static int execute_query_vnc_servers(struct control_call *call)
{
	const struct vnc_server *server = call->machine->vnc;
	struct json_object *entry, *address, *addresses, *clients;

	call->result = json_object_new_array();
	if (!server)
		return 0;
	entry = json_add_string(json_object_new_object(), "id", "default");
	address = json_add_bool(json_object_new_object(), "websocket", false);
	addresses = json_object_new_array();
	clients = json_object_new_array();
	add_address(address, vnc_server_address(server));
	json_add_string(address, "auth", vnc_server_auth(server));
	json_object_array_add(addresses, address);
	vnc_server_for_each_client(server, list_viewer, clients);
	json_add(entry, "server", addresses);
	json_add(entry, "clients", clients);
	json_add_string(entry, "auth", vnc_server_auth(server));
	json_object_array_add(call->result, entry);
	return 0;
}

static int set_password(struct control_call *call)
{
	if (!call->machine->vnc)
		return err_set(&call->err, -ENODEV, "there is no VNC server: start with -vnc");
	if (strcmp(vnc_server_auth(call->machine->vnc), "none") == 0)
		return err_set(&call->err, -EINVAL,
			       "the VNC server asks for no password: start with -vnc "
			       "...,password=on");
	vnc_server_set_password(call->machine->vnc, control_string(call, "password"));
	return 0;
}

static int execute_set_password(struct control_call *call)
{
	const char *protocol = control_string(call, "protocol");
	const char *connected = control_string(call, "connected");
	int result;

	if (strcmp(protocol, "vnc") != 0)
		return err_set(&call->err, -EINVAL, "protocol '%.32s': only vnc is there",
			       protocol);
	if (connected && strcmp(connected, "keep") != 0 && strcmp(connected, "disconnect") != 0)
		return err_set(&call->err, -EINVAL, "connected '%.32s': give keep or disconnect",
			       connected);
	result = set_password(call);
	if (result == 0 && connected && connected[0] == 'd')
		vnc_server_disconnect_all(call->machine->vnc);
	return result;
}

/** Only what needs no clock: never, and now. */
static int execute_expire_password(struct control_call *call)
{
	const char *time = control_string(call, "time");

	if (strcmp(control_string(call, "protocol"), "vnc") != 0 || !call->machine->vnc)
		return err_set(&call->err, -EINVAL, "there is no such server");
	if (strcmp(time, "never") == 0)
		return 0;
	if (strcmp(time, "now") != 0)
		return err_set(&call->err, -ENOTSUP, "time '%.32s': give now or never", time);
	vnc_server_set_password(call->machine->vnc, NULL);
	return 0;
}

void control_report_viewer(void *opaque, enum vnc_event event, const struct vnc_client_info *client)
{
	static const char *const names[] = {
		[VNC_CONNECTED] = "VNC_CONNECTED",
		[VNC_INITIALIZED] = "VNC_INITIALIZED",
		[VNC_DISCONNECTED] = "VNC_DISCONNECTED",
	};
	struct control *control = opaque;
	const struct vnc_server *vnc = control->machine->vnc;
	struct json_object *server = json_object_new_object();
	struct json_object *data =
		json_add(json_object_new_object(), "client", describe_viewer(client));

	if (vnc) {
		add_address(server, vnc_server_address(vnc));
		json_add_string(server, "auth", vnc_server_auth(vnc));
	}
	control_emit(control, names[event], json_add(data, "server", server));
}

const struct control_command control_screen_commands[] = {
	{ "screendump", "filename:s format?s device?s head?i", execute_screendump },
	{ "send-key", "keys:l hold-time?i", execute_send_key },
	{ "input-send-event", "events:l device?s head?i", execute_input_event },
	{ "query-mice", "", execute_query_mice },
	{ "query-vnc", "", execute_query_vnc },
	{ "query-vnc-servers", "", execute_query_vnc_servers },
	{ "change-vnc-password", "password:s", set_password },
	{ "set_password", "protocol:s password:s connected?s", execute_set_password },
	{ "expire_password", "protocol:s time:s", execute_expire_password },
	{ NULL, "", NULL },
};

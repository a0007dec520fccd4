// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The monitor for people: a prompt, one line a command. Most commands are those of QMP in other
 * words. On a terminal in raw mode the characters are echoed and backspace works; there is no
 * history.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/opts.h"
#include "bus/io.h"
#include "dm/control_internal.h"
#include "dm/version.h"

#define PROMPT "(hvmdm) "

enum {
	CTRL_U = 'U' - '@',
	BACKSPACE = 'H' - '@',
	DELETE = 0x7f,
	MAX_SENDKEYS = 16,
	MAX_DUMP_ITEMS = 4096,
	DUMP_LINE_BYTES = 16,
};

char *monitor_next_word(char **words)
{
	char *word = *words + strspn(*words, " \t\r\n");
	char *end = word + strcspn(word, " \t\r\n");

	*words = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

const struct monitor_command *monitor_find(const struct monitor_command *table, const char *word)
{
	for (; table->name; table++) {
		size_t length = strcspn(table->name, "|");

		/* "name|n": a short form behind the bar. */
		if ((strlen(word) == length && strncmp(table->name, word, length) == 0) ||
		    (table->name[length] && strcmp(table->name + length + 1, word) == 0))
			return table;
	}
	return NULL;
}

/** Runs a command of QMP and shows its error. */
static void run(struct control_call *call, struct json_text *out, const char *name,
		struct json_object *arguments)
{
	if (control_run(call, name, arguments) < 0)
		json_text_printf(out, "Error: %s\r\n", call->err.text);
}

/** The words that are left, as members by 'keys' (ended by NULL); empty ones are left out. */
static struct json_object *words_as(char *words, const char *const *keys)
{
	struct json_object *object = json_object_new_object();

	for (; *keys; keys++) {
		char *word = monitor_next_word(&words);

		if (*word)
			json_add_string(object, *keys, word);
	}
	return object;
}

static void execute_stop(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	run(call, out, "stop", json_object_new_object());
}

static void execute_cont(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	run(call, out, "cont", json_object_new_object());
}

static void execute_quit(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	run(call, out, "quit", json_object_new_object());
}

static void execute_reset(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	run(call, out, "system_reset", json_object_new_object());
}

static void execute_powerdown(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	run(call, out, "system_powerdown", json_object_new_object());
}

static void execute_wakeup(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	run(call, out, "system_wakeup", json_object_new_object());
}

static void execute_nmi(struct control_call *call, char *words, struct json_text *out)
{
	(void)words;
	run(call, out, "inject-nmi", json_object_new_object());
}

static void execute_eject(struct control_call *call, char *words, struct json_text *out)
{
	char *word = monitor_next_word(&words);
	bool force = strcmp(word, "-f") == 0;
	struct json_object *arguments = json_object_new_object();

	if (force)
		word = monitor_next_word(&words);
	json_add_bool(arguments, "force", force);
	if (*word)
		json_add_string(arguments, "device", word);
	run(call, out, "eject", arguments);
}

static void execute_change(struct control_call *call, char *words, struct json_text *out)
{
	static const char *const keys[] = { "device", "target", "arg", NULL };

	run(call, out, "change", words_as(words, keys));
}

static void execute_set_password(struct control_call *call, char *words, struct json_text *out)
{
	static const char *const keys[] = { "protocol", "password", "connected", NULL };

	run(call, out, "set_password", words_as(words, keys));
}

static void execute_set_link(struct control_call *call, char *words, struct json_text *out)
{
	struct json_object *arguments = json_object_new_object();
	bool up = true;

	json_add_string(arguments, "name", monitor_next_word(&words));
	if (opts_parse_bool(monitor_next_word(&words), &up) < 0) {
		json_object_put(arguments);
		json_text_printf(out, "Error: set_link NAME on|off\r\n");
		return;
	}
	run(call, out, "set_link", json_add_bool(arguments, "up", up));
}

static void execute_netdev_add(struct control_call *call, char *words, struct json_text *out)
{
	struct err err = { 0 };
	struct opts opts;
	int result = opts_parse(&opts, monitor_next_word(&words), "type", &err);

	if (result == 0) {
		result = netdevs_add(call->machine, &opts, &err);
		opts_finish(&opts);
	}
	if (result < 0)
		json_text_printf(out, "Error: %s\r\n", err.text);
}

static void execute_netdev_del(struct control_call *call, char *words, struct json_text *out)
{
	static const char *const keys[] = { "id", NULL };

	run(call, out, "netdev_del", words_as(words, keys));
}

static void execute_hostfwd_add(struct control_call *call, char *words, struct json_text *out)
{
	control_forward(call->machine, words, true, out);
}

static void execute_hostfwd_remove(struct control_call *call, char *words, struct json_text *out)
{
	control_forward(call->machine, words, false, out);
}

static void execute_screendump(struct control_call *call, char *words, struct json_text *out)
{
	char *filename = monitor_next_word(&words);
	struct json_object *arguments = json_object_new_object();
	char *format;

	if (strcmp(filename, "-f") == 0) {
		json_add_string(arguments, "format", monitor_next_word(&words));
		filename = monitor_next_word(&words);
	}
	format = monitor_next_word(&words);
	if (strcmp(format, "-f") == 0)
		json_add_string(arguments, "format", monitor_next_word(&words));
	if (*filename)
		json_add_string(arguments, "filename", filename);
	run(call, out, "screendump", arguments);
}

/** "ctrl-alt-delete 100" */
static void execute_sendkey(struct control_call *call, char *words, struct json_text *out)
{
	char *names = monitor_next_word(&words), *hold = monitor_next_word(&words), *rest = NULL;
	uint64_t hold_ms = 100;
	unsigned keys[MAX_SENDKEYS];
	size_t count = 0;

	if (*hold && (opts_parse_number(hold, &hold_ms) < 0 || hold_ms < 1 || hold_ms > 60000)) {
		json_text_printf(out, "Error: '%s' is no time in milliseconds\r\n", hold);
		return;
	}
	for (char *name = strtok_r(names, "-", &rest); name; name = strtok_r(NULL, "-", &rest)) {
		int key = input_key_from_name(name);

		if (key < 0 || count == MAX_SENDKEYS) {
			const char *nearest = err_nearest_word(name, input_key_names());

			json_text_printf(out, "Error: there is no key '%s'%s%s\r\n", name,
					 nearest ? ", did you mean " : "", nearest ? nearest : "");
			return;
		}
		keys[count++] = (unsigned)key;
	}
	if (control_press(call->control, keys, count, (uint32_t)hold_ms, &call->err) < 0)
		json_text_printf(out, "Error: %s\r\n", call->err.text);
}

static void execute_mouse_move(struct control_call *call, char *words, struct json_text *out)
{
	struct input *input = &call->machine->input;
	int dx = atoi(monitor_next_word(&words)), dy = atoi(monitor_next_word(&words));
	int dz = atoi(monitor_next_word(&words));

	(void)out;
	input_move(input, dx, dy, dz, input->buttons);
}

static void execute_mouse_button(struct control_call *call, char *words, struct json_text *out)
{
	(void)out;
	input_move(&call->machine->input, 0, 0, 0, (unsigned)atoi(monitor_next_word(&words)) & 7);
}

/* Memory and ports: "/4xw". */

struct dump_format {
	unsigned count, size;
	char letter;
};

static bool read_format(char *word, struct dump_format *format, struct json_text *out)
{
	char *at = word + 1;

	*format = (struct dump_format){ .count = 1, .size = 4, .letter = 'x' };
	if (isdigit((unsigned char)*at))
		format->count = (unsigned)strtoul(at, &at, 10);
	for (; *at; at++) {
		const char *size = strchr("b h w   g", *at);

		if (size && *at != ' ')
			format->size = *at == 'b' ? 1 : *at == 'h' ? 2 : *at == 'w' ? 4 : 8;
		else if (strchr("xduoc", *at))
			format->letter = *at;
		else
			break;
	}
	if (*at || format->count < 1 || format->count > MAX_DUMP_ITEMS) {
		json_text_printf(out,
				 "Error: bad format '%s': /COUNT, then x, d, u, o or c, then "
				 "b, h, w or g\r\n",
				 word);
		return false;
	}
	return true;
}

static void print_item(const struct dump_format *format, uint64_t value, struct json_text *out)
{
	switch (format->letter) {
	case 'd':
		json_text_printf(out, " %" PRId64,
				 (int64_t)(value << (64 - 8 * format->size)) >>
					 (64 - 8 * format->size));
		break;
	case 'u':
		json_text_printf(out, " %" PRIu64, value);
		break;
	case 'o':
		json_text_printf(out, " %#" PRIo64, value);
		break;
	case 'c':
		json_text_printf(out, " '%c'",
				 isprint((int)(value & 0xff)) ? (int)(value & 0xff) : '.');
		break;
	default:
		json_text_printf(out, " 0x%0*" PRIx64, (int)(2 * format->size), value);
		break;
	}
}

/** A number behind the format, if there is one. */
static bool read_dump_words(char *words, struct dump_format *format, uint64_t *address,
			    struct json_text *out)
{
	char *word = monitor_next_word(&words), none[] = "/";

	if (*word == '/' && !read_format(word, format, out))
		return false;
	if (*word == '/')
		word = monitor_next_word(&words);
	else
		read_format(none, format, out);
	if (opts_parse_number(word, address) == 0)
		return true;
	json_text_printf(out, "Error: '%s' is no address\r\n", word);
	return false;
}

/** Guest-physical memory, read without side effects. */
static void execute_dump(struct control_call *call, char *words, struct json_text *out)
{
	struct dump_format format;
	uint64_t address;
	uint8_t data[8];

	if (!read_dump_words(words, &format, &address, out))
		return;
	for (unsigned i = 0; i < format.count; i++, address += format.size) {
		if (i % (DUMP_LINE_BYTES / format.size) == 0)
			json_text_printf(out, "%s%016" PRIx64 ":", i ? "\r\n" : "", address);
		control_peek_memory(call->machine, address, data, format.size);
		print_item(&format, load_le(data, format.size), out);
	}
	json_text_append(out, "\r\n", 2);
}

/** Reads a port as the guest would, with what that causes. */
static void execute_port_in(struct control_call *call, char *words, struct json_text *out)
{
	struct dump_format format;
	uint64_t port, value;

	if (!read_dump_words(words, &format, &port, out))
		return;
	if (port > 0xffff || format.size > 4) {
		json_text_printf(out, "Error: there is no such port\r\n");
		return;
	}
	value = io_read(&call->machine->ports, port, format.size);
	json_text_printf(out, "port%c[0x%04x] = 0x%0*" PRIx64 "\r\n",
			 format.size == 1   ? 'b'
			 : format.size == 2 ? 'w'
					    : 'l',
			 (unsigned)port, (int)(2 * format.size), value);
}

static void execute_info(struct control_call *call, char *words, struct json_text *out);
static void execute_help(struct control_call *call, char *words, struct json_text *out);

static const struct monitor_command commands[] = {
	{ "help|?", "[COMMAND]", "this text", execute_help },
	{ "info", "TOPIC", "what is asked about ('help info')", execute_info },
	{ "stop|s", "", "stop the guest", execute_stop },
	{ "cont|c", "", "let it run on", execute_cont },
	{ "quit|q", "", "end it at once", execute_quit },
	{ "system_reset", "", "press the reset button", execute_reset },
	{ "system_powerdown", "", "press the power button", execute_powerdown },
	{ "system_wakeup", "", "wake it from sleep", execute_wakeup },
	{ "nmi", "", "interrupt all processors", execute_nmi },
	{ "eject", "[-f] DEVICE", "take the medium out", execute_eject },
	{ "change", "DEVICE FILE [FORMAT]", "put another medium in", execute_change },
	{ "set_password", "vnc PASSWORD", "the password of VNC", execute_set_password },
	{ "screendump", "FILE [-f png|ppm]", "write a picture of the screen", execute_screendump },
	{ "set_link", "NAME on|off", "put the wire of a card or network in or out",
	  execute_set_link },
	{ "netdev_add", "TYPE,id=ID,...", "add a network", execute_netdev_add },
	{ "netdev_del", "ID", "take it away", execute_netdev_del },
	{ "hostfwd_add", "[ID] PROTO:HOST:PORT-GUEST:PORT", "forward a port of the host",
	  execute_hostfwd_add },
	{ "hostfwd_remove", "[ID] PROTO:HOST:PORT", "no longer", execute_hostfwd_remove },
	{ "sendkey", "KEY[-KEY...] [MS]", "press keys together", execute_sendkey },
	{ "mouse_move", "DX DY [DZ]", "move the pointer", execute_mouse_move },
	{ "mouse_button", "SET", "1 left, 2 middle, 4 right", execute_mouse_button },
	{ "xp", "/FORMAT ADDRESS", "dump physical memory", execute_dump },
	{ "x", "/FORMAT ADDRESS", "the same: addresses are physical", execute_dump },
	{ "i", "/FORMAT PORT", "read a port", execute_port_in },
	{ NULL, NULL, NULL, NULL },
};

static void print_help(const struct monitor_command *table, struct json_text *out)
{
	const char *prefix = table == monitor_info_commands ? "info " : "";

	for (; table->name; table++)
		json_text_printf(out, "%s%.*s%s%s -- %s\r\n", prefix,
				 (int)strcspn(table->name, "|"), table->name,
				 *table->arguments ? " " : "", table->arguments, table->help);
}

static void execute_help(struct control_call *call, char *words, struct json_text *out)
{
	char *word = monitor_next_word(&words);

	(void)call;
	print_help(strcmp(word, "info") == 0 ? monitor_info_commands : commands, out);
}

static void execute_info(struct control_call *call, char *words, struct json_text *out)
{
	char *topic = monitor_next_word(&words);
	const struct monitor_command *command = monitor_find(monitor_info_commands, topic);

	if (command)
		command->execute(call, words, out);
	else if (*topic)
		json_text_printf(out, "unknown command: 'info %s'\r\n", topic);
	else
		print_help(monitor_info_commands, out);
}

void monitor_execute(struct control_client *client, const char *line, struct json_text *out)
{
	struct control_call call = {
		.control = client->control,
		.machine = client->control->machine,
		.client = client,
		.error_class = "GenericError",
	};
	const char *start = line + strspn(line, " \t");
	size_t length = strcspn(start, " \t/"); /* "i/b 0x71": the format may follow at once */
	const struct monitor_command *command;
	char *copy, *words, *word;

	if (asprintf(&copy, "%.*s %s", (int)length, start, start + length) < 0)
		return;
	words = copy;
	word = monitor_next_word(&words);
	command = monitor_find(commands, word);
	if (command)
		command->execute(&call, words, out);
	else if (*word)
		json_text_printf(out, "unknown command: '%s'\r\n", word);
	free(copy);
	json_object_put(call.result);
	if (call.then)
		call.then(call.machine);
}

/* A session */

void monitor_greet(struct control_client *client)
{
	static const char text[] = "hvmdm " HVMDM_VERSION " monitor - type 'help' for more "
				   "information\r\n" PROMPT;

	control_send(client, text, sizeof(text) - 1);
}

static void execute_line(struct control_client *client)
{
	struct json_text out = { 0 };

	client->line[client->line_length] = '\0';
	client->line_length = 0;
	json_text_append(&out, "\r\n", 2);
	monitor_execute(client, client->line, &out);
	json_text_append(&out, PROMPT, sizeof(PROMPT) - 1);
	if (out.bytes)
		control_send(client, out.bytes, out.length);
	json_text_finish(&out);
}

static void erase(struct control_client *client)
{
	if (!client->line_length)
		return;
	client->line_length--;
	control_send(client, "\b \b", 3);
}

static void type(struct control_client *client, char character)
{
	switch (character) {
	case '\n':
	case '\r':
		execute_line(client);
		return;
	case DELETE:
	case BACKSPACE:
		erase(client);
		return;
	case CTRL_U:
		while (client->line_length)
			erase(client);
		return;
	default:
		break;
	}
	if ((unsigned char)character < ' ' || client->line_length == CONTROL_MAX_LINE - 1)
		return;
	client->line[client->line_length++] = character;
	control_send(client, &character, 1);
}

void monitor_receive(struct control_client *client, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count && !client->is_doomed; i++) {
		/* The end of a line may be CR, LF or both. */
		if (bytes[i] == '\n' && client->line_length == 0 && client->skips_line) {
			client->skips_line = false;
			continue;
		}
		client->skips_line = bytes[i] == '\r';
		type(client, (char)bytes[i]);
	}
}

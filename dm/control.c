// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connections of control and the wire format of QMP. Messages are found by JSON structure, not by
 * lines; every one that goes out ends with CR LF. A client that does not read is dropped, one that
 * sends nonsense gets an error for each piece of it.
 */
#include "dm/control.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/opts.h"
#include "dm/board_pc.h"
#include "dm/chardevs.h"
#include "dm/control_internal.h"
#include "dm/options.h"
#include "dm/version.h"

enum {
	RECEIVE_CHUNK = 4096,
	/* With so much unread output no further command is taken. */
	QUEUE_ENOUGH = 256 * 1024,
};

/* Output */

static void reap(void *opaque);

/** A client cannot be freed within its own callback: the loop does it. */
static void doom(struct control_client *client)
{
	struct control *control = client->control;

	client->is_doomed = true;
	if (!control->reaping)
		control->reaping = loop_post(control->machine->loop, reap, control) == 0;
}

static void flush(struct control_client *client)
{
	struct json_text *queue = &client->queue;

	while (client->sent < queue->length) {
		size_t done = chr_write(client->chr, queue->bytes + client->sent,
					queue->length - client->sent);

		if (!done)
			return;
		client->sent += done;
	}
	queue->length = client->sent = 0;
}

void control_send(struct control_client *client, const char *bytes, size_t count)
{
	struct json_text *queue = &client->queue;

	if (client->is_doomed)
		return;
	if (client->sent) {
		queue->length -= client->sent;
		memmove(queue->bytes, queue->bytes + client->sent, queue->length);
		client->sent = 0;
	}
	if (count > CONTROL_MAX_QUEUE - queue->length) {
		log_guest("a client of '%s' does not read: dropped", client->chr->label);
		doom(client);
		return;
	}
	json_text_append(queue, bytes, count);
	flush(client);
}

/** Sends 'message', which is taken over. */
static void send_message(struct control_client *client, struct json_object *message)
{
	struct json_text text = { 0 };

	json_text_append_value(&text, message);
	json_text_append(&text, "\r\n", 2);
	if (!text.failed)
		control_send(client, text.bytes, text.length);
	json_text_finish(&text);
	json_object_put(message);
}

static struct json_object *version_object(void)
{
	struct json_object *qemu = json_object_new_object();
	struct json_object *version = json_object_new_object();

	json_add_int(qemu, "micro", QMP_VERSION_MICRO);
	json_add_int(qemu, "minor", QMP_VERSION_MINOR);
	json_add_int(qemu, "major", QMP_VERSION_MAJOR);
	json_add(version, "qemu", qemu);
	return json_add_string(version, "package", "hvmdm " HVMDM_VERSION);
}

static void greet(struct control_client *client)
{
	struct json_object *qmp = json_add(json_object_new_object(), "version", version_object());

	json_add(qmp, "capabilities", json_object_new_array());
	send_message(client, json_add(json_object_new_object(), "QMP", qmp));
}

void control_emit(struct control *control, const char *event, struct json_object *data)
{
	int64_t now_us = clock_wall_ns() / NS_PER_US;
	struct json_object *stamp = json_object_new_object();
	struct json_object *message = json_object_new_object();
	struct control_client *client;

	json_add_int(stamp, "seconds", now_us / 1000000);
	json_add_int(stamp, "microseconds", now_us % 1000000);
	json_add(message, "timestamp", stamp);
	json_add_string(message, "event", event);
	if (data)
		json_add(message, "data", data);
	list_for_each(client, &control->clients, struct control_client, node)
	{
		if (client->mode == CONTROL_QMP && client->is_negotiated)
			send_message(client, json_object_get(message));
	}
	json_object_put(message);
}

/* Commands */

static struct json_object *error_object(const char *class, const char *text)
{
	struct json_object *error = json_object_new_object();

	json_add_string(error, "class", class);
	json_add_string(error, "desc", text);
	return json_add(json_object_new_object(), "error", error);
}

static int refuse_command(struct control_call *call, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int refuse_command(struct control_call *call, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(call->err.text, sizeof(call->err.text), format, list);
	va_end(list);
	call->error_class = "CommandNotFound";
	return -ENOENT;
}

/** qmp_capabilities comes first, and once. */
static int negotiate(struct control_call *call, bool is_capabilities)
{
	struct json_object *enable = NULL;

	if (!is_capabilities)
		return refuse_command(call, "Expecting capabilities negotiation with "
					    "'qmp_capabilities'");
	json_object_object_get_ex(call->arguments, "enable", &enable);
	if (enable &&
	    (!json_object_is_type(enable, json_type_array) || json_object_array_length(enable) > 0))
		return err_set(&call->err, -EINVAL, "there are no capabilities to enable");
	call->client->is_negotiated = true;
	return 0;
}

static int run_command(struct control_call *call, const char *name)
{
	bool is_capabilities = strcmp(name, "qmp_capabilities") == 0;
	const struct control_command *command;
	int result;

	if (!call->client->is_negotiated)
		return negotiate(call, is_capabilities);
	if (is_capabilities)
		return refuse_command(call, "Capabilities negotiation is already complete, "
					    "command ignored");
	command = control_find_command(name);
	if (!command)
		return refuse_command(call, "The command %.128s has not been found", name);
	result = control_check_arguments(command, call->arguments, &call->err);
	return result < 0 ? result : control_execute(call, command);
}

/** The envelope: execute, arguments, id and nothing else. The name, or NULL and a sentence. */
static const char *open_envelope(struct json_object *message, struct json_object **arguments,
				 struct err *err)
{
	const char *name = NULL;

	if (!json_object_is_type(message, json_type_object)) {
		err_set(err, -EINVAL, "QMP input must be a JSON object");
		return NULL;
	}
	json_object_object_foreach(message, key, value)
	{
		if (strcmp(key, "execute") == 0 && json_object_is_type(value, json_type_string)) {
			name = json_object_get_string(value);
		} else if (strcmp(key, "arguments") == 0 &&
			   json_object_is_type(value, json_type_object)) {
			*arguments = value;
		} else if (strcmp(key, "execute") == 0 || strcmp(key, "arguments") == 0) {
			err_set(err, -EINVAL, "QMP input member '%s' must be %s", key,
				key[0] == 'e' ? "a string" : "an object");
			return NULL;
		} else if (strcmp(key, "id") != 0) {
			err_set(err, -EINVAL, "QMP input member '%.64s' is unexpected", key);
			return NULL;
		}
	}
	if (!name)
		err_set(err, -EINVAL, "QMP input lacks member 'execute'");
	return name;
}

static void answer(struct control_call *call, struct json_object *message, int result)
{
	struct json_object *reply, *id;

	if (result < 0)
		reply = error_object(call->error_class, call->err.text);
	else
		reply = json_add(json_object_new_object(), "return",
				 call->result ? json_object_get(call->result)
					      : json_object_new_object());
	if (json_object_is_type(message, json_type_object) &&
	    json_object_object_get_ex(message, "id", &id))
		json_add(reply, "id", json_object_get(id));
	send_message(call->client, reply);
}

static void handle_message(struct control_client *client, struct json_object *message)
{
	struct control_call call = {
		.control = client->control,
		.machine = client->control->machine,
		.client = client,
		.error_class = "GenericError",
	};
	struct json_object *arguments = NULL, *none = json_object_new_object();
	const char *name = open_envelope(message, &arguments, &call.err);
	int result = -EINVAL;

	call.arguments = arguments ? arguments : none;
	if (name)
		result = run_command(&call, name);
	answer(&call, message, result);
	json_object_put(call.result);
	json_object_put(none);
	if (result == 0 && call.then)
		call.then(call.machine);
}

/* Input */

static void restart_message(struct control_client *client)
{
	json_tokener_reset(client->tokener);
	client->message_bytes = 0;
}

static void answer_nonsense(struct control_client *client, const char *what)
{
	struct err err;

	err_set(&err, -EINVAL, "JSON parse error, %s", what);
	send_message(client, error_object("GenericError", err.text));
	restart_message(client);
	client->skips_line = true;
}

/** The rest of a line that could not be understood; returns how much of 'bytes' that is. */
static size_t skip_line(struct control_client *client, const char *bytes, size_t count)
{
	const char *end = memchr(bytes, '\n', count);

	client->skips_line = !end;
	return end ? (size_t)(end - bytes) + 1 : count;
}

/** Takes the next piece of 'bytes' ('count' is not 0); returns its length, at least 1. */
static size_t parse_piece(struct control_client *client, const char *bytes, size_t count)
{
	struct json_object *message;
	enum json_tokener_error error;
	size_t used;

	if (client->skips_line)
		return skip_line(client, bytes, count);
	message = json_tokener_parse_ex(client->tokener, bytes, (int)count);
	error = json_tokener_get_error(client->tokener);
	used = json_tokener_get_parse_end(client->tokener);
	client->message_bytes += used;
	if (error == json_tokener_success) {
		restart_message(client);
		handle_message(client, message);
		json_object_put(message);
	} else if (error != json_tokener_continue || used < count) {
		/* A NUL also ends a piece early. */
		answer_nonsense(client, error == json_tokener_continue
						? "unexpected byte"
						: json_tokener_error_desc(error));
	} else if (client->message_bytes > CONTROL_MAX_MESSAGE) {
		answer_nonsense(client, "the command is too long");
	}
	if (client->skips_line)
		used += skip_line(client, bytes + used, count - used);
	return used;
}

static void parse_pieces(struct control_client *client, const char *bytes, size_t count)
{
	while (count && !client->is_doomed) {
		size_t used = parse_piece(client, bytes, count);

		bytes += used;
		count -= used;
	}
}

/** How many bytes the character that begins with 'first' has. */
static size_t character_bytes(char first)
{
	uint8_t byte = (uint8_t)first;

	return byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
}

/** How many bytes at the end begin a character without finishing it. */
static size_t unfinished_bytes(const char *bytes, size_t count)
{
	for (size_t back = 1; back < UTF8_MAX_BYTES && back <= count; back++)
		if (((uint8_t)bytes[count - back] & 0xc0) != 0x80)
			return character_bytes(bytes[count - back]) > back ? back : 0;
	return 0;
}

/** The tokener checks characters within what it gets at a time: it gets whole ones. */
static void receive_qmp(struct control_client *client, const char *bytes, size_t count)
{
	size_t rest;

	while (client->split_count && count &&
	       client->split_count < character_bytes(client->split[0])) {
		client->split[client->split_count++] = *bytes++;
		count--;
	}
	if (client->split_count && client->split_count < character_bytes(client->split[0]))
		return;
	parse_pieces(client, client->split, client->split_count);
	rest = unfinished_bytes(bytes, count);
	parse_pieces(client, bytes, count - rest);
	memcpy(client->split, bytes + count - rest, rest);
	client->split_count = rest;
}

static size_t can_receive(void *opaque)
{
	const struct control_client *client = opaque;

	if (client->is_doomed || client->queue.length - client->sent > QUEUE_ENOUGH)
		return 0;
	return RECEIVE_CHUNK;
}

static void receive(void *opaque, const uint8_t *bytes, size_t count)
{
	struct control_client *client = opaque;

	if (client->mode == CONTROL_QMP)
		receive_qmp(client, (const char *)bytes, count);
	else
		monitor_receive(client, bytes, count);
}

static void writable(void *opaque)
{
	struct control_client *client = opaque;

	flush(client);
	chr_accept(client->chr);
}

/** The peer of a configured port came or went: the next one starts afresh. */
static void start_session(struct control_client *client)
{
	restart_message(client);
	client->skips_line = false;
	client->is_negotiated = false;
	client->line_length = 0;
	client->queue.length = client->sent = 0;
}

static void peer_changed(void *opaque, enum chr_event event)
{
	struct control_client *client = opaque;

	start_session(client);
	if (event == CHR_CLOSED && client->owns_chr)
		doom(client);
	else if (event == CHR_OPENED && client->mode == CONTROL_QMP)
		greet(client);
	else if (event == CHR_OPENED)
		monitor_greet(client);
}

/* Clients */

static void free_client(struct control_client *client)
{
	list_remove(&client->node);
	client->control->client_count--;
	chr_set_client(client->chr, NULL);
	if (client->owns_chr)
		chr_destroy(client->chr);
	json_tokener_free(client->tokener);
	json_text_finish(&client->queue);
	free(client);
}

static void reap(void *opaque)
{
	struct control *control = opaque;
	struct control_client *client;

	control->reaping = false;
	list_for_each(client, &control->clients, struct control_client, node)
	{
		if (client->is_doomed)
			free_client(client);
	}
}

/** Whoever connects: 'owns_chr' if the port lives as long as the client. 0 or -errno. */
static int add_client(struct control *control, struct chr *chr, enum control_mode mode,
		      bool owns_chr)
{
	struct control_client *client = calloc(1, sizeof(*client));
	const struct chr_client callbacks = {
		.opaque = client,
		.can_receive = can_receive,
		.receive = receive,
		.event = peer_changed,
		.writable = writable,
	};

	if (!client)
		return -ENOMEM;
	client->tokener = json_tokener_new_ex(CONTROL_MAX_DEPTH);
	if (!client->tokener) {
		free(client);
		return -ENOMEM;
	}
	json_tokener_set_flags(client->tokener, JSON_TOKENER_VALIDATE_UTF8);
	client->control = control;
	client->chr = chr;
	client->owns_chr = owns_chr;
	client->mode = mode;
	list_append(&control->clients, &client->node);
	control->client_count++;
	chr_set_client(chr, &callbacks);
	return 0;
}

static void accept_client(struct control *control, struct chr *peer, enum control_mode mode)
{
	if (control->client_count < CONTROL_MAX_CLIENTS &&
	    add_client(control, peer, mode, true) == 0)
		return;
	log_guest("too many clients of '%s': one is turned away", peer->label);
	chr_destroy(peer);
}

static void accept_qmp(void *opaque, struct chr *peer)
{
	accept_client(opaque, peer, CONTROL_QMP);
}

static void accept_monitor(void *opaque, struct chr *peer)
{
	accept_client(opaque, peer, CONTROL_MONITOR);
}

int control_serve(struct control *control, struct chr *chr, enum control_mode mode)
{
	if (chr_set_acceptor(chr, mode == CONTROL_QMP ? accept_qmp : accept_monitor, control) &&
	    !chr->open)
		return 0;
	return add_client(control, chr, mode, false);
}

/* What happens to the machine */

struct drive_search {
	const struct block *block;
	const char *name;
};

static void match_drive(const struct board_drive *drive, void *opaque)
{
	struct drive_search *search = opaque;

	if (drive->block == search->block)
		search->name = control_drive_name(drive);
}

static struct json_object *describe_io_failure(const struct machine *machine)
{
	const struct machine_io_failure *failure = &machine->io_failure;
	struct drive_search search = { failure->block, "" };
	struct json_object *data = json_object_new_object();

	board_for_each_drive(machine->board, match_drive, &search);
	json_add_string(data, "device", search.name);
	json_add_string(data, "operation", failure->is_write ? "write" : "read");
	json_add_string(data, "action", "stop");
	json_add_bool(data, "nospace", failure->error == ENOSPC);
	return json_add_string(data, "reason", strerror(failure->error));
}

static void report_event(void *opaque, enum machine_event event, const char *reason)
{
	static const struct {
		const char *name;
		bool has_reason;
	} rows[] = {
		[MACHINE_EVENT_STOP] = { "STOP", false },
		[MACHINE_EVENT_RESUME] = { "RESUME", false },
		[MACHINE_EVENT_RESET] = { "RESET", true },
		[MACHINE_EVENT_SHUTDOWN] = { "SHUTDOWN", true },
		[MACHINE_EVENT_POWERDOWN] = { "POWERDOWN", false },
		[MACHINE_EVENT_SUSPEND] = { "SUSPEND", false },
		[MACHINE_EVENT_WAKEUP] = { "WAKEUP", false },
		[MACHINE_EVENT_BLOCK_IO_ERROR] = { "BLOCK_IO_ERROR", false },
	};
	struct control *control = opaque;
	struct json_object *data = NULL;

	if (event == MACHINE_EVENT_SHUTDOWN && strcmp(reason, "guest-panic") == 0)
		control_emit(control, "GUEST_PANICKED",
			     json_add_string(json_object_new_object(), "action", "poweroff"));
	if (rows[event].has_reason) {
		data = json_add_bool(json_object_new_object(), "guest",
				     strncmp(reason, "guest-", 6) == 0);
		json_add_string(data, "reason", reason);
		/* The chip by which a guest restarts itself, or the triple fault. */
		if (event == MACHINE_EVENT_RESET && control->machine->request_cause &&
		    strcmp(reason, "guest-reset") == 0)
			json_add_string(data, "cause", control->machine->request_cause);
	}
	if (event == MACHINE_EVENT_BLOCK_IO_ERROR)
		data = describe_io_failure(control->machine);
	control_emit(control, rows[event].name, data);
}

/* Set-up */

static int serve_spec(struct control *control, const char *spec, const char *label,
		      enum control_mode mode, struct err *err)
{
	struct chr *chr = chardevs_take(control->machine, spec, label, err);

	if (!chr)
		return -EINVAL;
	if (control_serve(control, chr, mode) < 0)
		return err_set_errno(err, -ENOMEM, "monitor '%s'", label);
	return 0;
}

static int serve_monitor_option(struct control *control, struct opts *opts, struct err *err)
{
	const char *mode = opts_get_or(opts, "mode", "readline");
	const char *id = opts_get(opts, "chardev");
	bool ignored;
	char spec[256];

	if (!id)
		return err_set(err, -EINVAL, "-mon needs chardev=ID");
	if (strcmp(mode, "control") != 0 && strcmp(mode, "readline") != 0)
		return err_set(err, -EINVAL, "-mon mode=%s: give control or readline", mode);
	if (opts_get_bool(opts, "pretty", &ignored, err) < 0 ||
	    opts_check_unused(opts, NULL, err) < 0)
		return -EINVAL;
	snprintf(spec, sizeof(spec), "chardev:%s", id);
	return serve_spec(control, spec, id, mode[0] == 'c' ? CONTROL_QMP : CONTROL_MONITOR, err);
}

static int serve_words(struct control *control, const struct options_words *words,
		       const char *prefix, enum control_mode mode, struct err *err)
{
	char label[32];

	for (size_t i = 0; i < words->count; i++) {
		if (strcmp(words->items[i], "none") == 0)
			continue;
		snprintf(label, sizeof(label), "%s%zu", prefix, i);
		if (serve_spec(control, words->items[i], label, mode, err) < 0)
			return -EINVAL;
	}
	return 0;
}

static int serve_options(struct control *control, struct err *err)
{
	struct options *options = control->machine->options;

	for (size_t i = 0; i < options->monitors.count; i++)
		if (serve_monitor_option(control, &options->monitors.items[i], err) < 0)
			return -EINVAL;
	if (serve_words(control, &options->qmp_specs, "compat_monitor", CONTROL_QMP, err) < 0)
		return -EINVAL;
	return serve_words(control, &options->monitor_specs, "monitor", CONTROL_MONITOR, err);
}

struct control *control_create(struct machine *machine, struct err *err)
{
	struct control *control = calloc(1, sizeof(*control));

	if (!control) {
		err_set_errno(err, -ENOMEM, "cannot set up control");
		return NULL;
	}
	control->machine = machine;
	list_init(&control->clients);
	list_init(&control->fds);
	control_keys_init(control);
	typist_init(&control->typist, machine, control_report_typing, control_is_pressing, control);
	control->listener = (struct machine_listener){ .opaque = control, .event = report_event };
	machine_add_listener(machine, &control->listener);
	machine->vnc_event = control_report_viewer;
	machine->vnc_event_opaque = control;
	control_watch_trays(control, true);
	control_watch_networks(control, true);
	if (serve_options(control, err) < 0) {
		control_destroy(control);
		return NULL;
	}
	return control;
}

void control_destroy(struct control *control)
{
	struct control_client *client;

	if (!control)
		return;
	loop_unpost(control->machine->loop, reap, control);
	machine_remove_listener(control->machine, &control->listener);
	list_for_each(client, &control->clients, struct control_client, node) free_client(client);
	control->machine->vnc_event = NULL;
	control_watch_trays(control, false);
	control_watch_networks(control, false);
	typist_finish(&control->typist);
	recognizer_finish(&control->recognizer);
	control_keys_finish(control);
	control_close_fds(control);
	free(control);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* How commands are found and their arguments checked; the life of the machine. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "dm/control_internal.h"
#include "dm/tape.h"

const struct control_command *const control_command_tables[] = {
	control_life_commands, control_query_commands,  control_media_commands,
	control_file_commands, control_screen_commands, control_text_commands,
	control_cpu_commands,  control_object_commands, control_net_commands,
	control_usb_commands,  control_state_commands,  NULL,
};

const struct control_command *control_find_command(const char *name)
{
	for (size_t i = 0; control_command_tables[i]; i++)
		for (const struct control_command *row = control_command_tables[i]; row->name;
		     row++)
			if (strcmp(row->name, name) == 0)
				return row;
	return NULL;
}

struct json_object *control_list_commands(void)
{
	struct json_object *list = json_object_new_array();

	json_object_array_add(
		list, json_add_string(json_object_new_object(), "name", "qmp_capabilities"));
	for (size_t i = 0; control_command_tables[i]; i++)
		for (const struct control_command *row = control_command_tables[i]; row->name;
		     row++)
			json_object_array_add(
				list, json_add_string(json_object_new_object(), "name", row->name));
	return list;
}

/* Arguments */

static bool has_type(struct json_object *value, char type)
{
	static const struct {
		char letter;
		enum json_type type;
	} types[] = {
		{ 's', json_type_string }, { 'i', json_type_int },    { 'b', json_type_boolean },
		{ 'l', json_type_array },  { 'o', json_type_object },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i].letter == type)
			return json_object_is_type(value, types[i].type);
	return true;
}

static const char *type_name(char type)
{
	switch (type) {
	case 's':
		return "string";
	case 'i':
		return "integer";
	case 'b':
		return "boolean";
	case 'l':
		return "array";
	default:
		return "object";
	}
}

/** Whether 'spec' allows what it does not name. */
static bool is_open_ended(const char *spec)
{
	size_t length = strlen(spec);

	return length && spec[length - 1] == '*';
}

/** What follows 'key' in its word of 'spec', or NULL. */
static const char *find_spec(const char *spec, const char *key)
{
	size_t length = strlen(key);

	for (; *spec; spec += strcspn(spec, " "), spec += *spec == ' ')
		if (strncmp(spec, key, length) == 0 && strchr("?:", spec[length]) && spec[length])
			return spec + length;
	return NULL;
}

static int check_missing(const char *spec, struct json_object *arguments, struct err *err)
{
	char name[64];

	while (*spec) {
		size_t length = strcspn(spec, "?: ");

		assert(length < sizeof(name));
		memcpy(name, spec, length);
		name[length] = '\0';
		if (spec[length] == ':' && !json_object_object_get_ex(arguments, name, NULL))
			return err_set(err, -EINVAL, "Parameter '%s' is missing", name);
		spec += strcspn(spec, " ");
		spec += *spec == ' ';
	}
	return 0;
}

int control_check_arguments(const struct control_command *command, struct json_object *arguments,
			    struct err *err)
{
	const char *spec = command->arguments;

	json_object_object_foreach(arguments, key, value)
	{
		const char *found = find_spec(spec, key);

		if (!found && !is_open_ended(spec))
			return err_set(err, -EINVAL, "Parameter '%.64s' is unexpected", key);
		if (found && !has_type(value, found[1]))
			return err_set(err, -EINVAL,
				       "Invalid parameter type for '%s', expected: %s", key,
				       type_name(found[1]));
	}
	return check_missing(spec, arguments, err);
}

static struct json_object *find_argument(const struct control_call *call, const char *key)
{
	struct json_object *value = NULL;

	json_object_object_get_ex(call->arguments, key, &value);
	return value;
}

const char *control_string(const struct control_call *call, const char *key)
{
	struct json_object *value = find_argument(call, key);

	return value ? json_object_get_string(value) : NULL;
}

bool control_bool(const struct control_call *call, const char *key, bool otherwise)
{
	struct json_object *value = find_argument(call, key);

	return value ? json_object_get_boolean(value) : otherwise;
}

int64_t control_int(const struct control_call *call, const char *key, int64_t otherwise)
{
	struct json_object *value = find_argument(call, key);

	return value ? json_object_get_int64(value) : otherwise;
}

int control_fail(struct control_call *call, const char *error_class, int code, const char *format,
		 ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(call->err.text, sizeof(call->err.text), format, list);
	va_end(list);
	call->error_class = error_class;
	return code;
}

int control_execute(struct control_call *call, const struct control_command *command)
{
	struct tape *tape = call->machine->tape;
	bool is_taped = tape && tape_command_begins(tape, command->name,
						    json_object_to_json_string(call->arguments));
	int result = command->execute(call);

	if (is_taped)
		tape_end(tape);
	return result;
}

int control_run(struct control_call *call, const char *name, struct json_object *arguments)
{
	const struct control_command *command = control_find_command(name);
	struct json_object *outer = call->arguments;
	int result = -ENOENT;

	call->arguments = arguments;
	if (command)
		result = control_check_arguments(command, arguments, &call->err);
	if (result == 0)
		result = control_execute(call, command);
	call->arguments = outer;
	json_object_put(arguments);
	return result;
}

/* The machine's life. What ends or resets it follows the reply, so that the client learns that it
 * was heard. */

static int execute_stop(struct control_call *call)
{
	machine_stop(call->machine);
	return 0;
}

static int execute_cont(struct control_call *call)
{
	return machine_cont(call->machine, &call->err);
}

static void quit(struct machine *machine)
{
	machine_quit(machine, "host-qmp-quit", 0);
}

static int execute_quit(struct control_call *call)
{
	call->then = quit;
	return 0;
}

static void reset(struct machine *machine)
{
	machine_reset(machine, "host-qmp-system-reset");
}

static int execute_reset(struct control_call *call)
{
	call->then = reset;
	return 0;
}

static int execute_powerdown(struct control_call *call)
{
	call->then = machine_powerdown;
	return 0;
}

static int execute_wakeup(struct control_call *call)
{
	return machine_wakeup(call->machine, &call->err);
}

const struct control_command control_life_commands[] = {
	{ "stop", "", execute_stop },
	{ "cont", "", execute_cont },
	{ "quit", "", execute_quit },
	{ "system_reset", "", execute_reset },
	{ "system_powerdown", "", execute_powerdown },
	{ "system_wakeup", "", execute_wakeup },
	{ NULL, "", NULL },
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * query-qmp-schema: which commands, arguments and events there are, in the words of QEMU's QAPI
 * introspection, so that programs can look before they ask. What commands return is "any", and so
 * are arguments that are objects.
 */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "dm/control_internal.h"

enum {
	MAX_NAME = 96,
};

static const char no_members[] = "0";

static struct json_object *add_entity(struct json_object *list, const char *name, const char *kind)
{
	struct json_object *entity = json_add_string(json_object_new_object(), "name", name);

	json_object_array_add(list, json_add_string(entity, "meta-type", kind));
	return entity;
}

static void add_builtin_types(struct json_object *list)
{
	static const struct {
		const char *name, *json_type;
	} types[] = {
		{ "str", "string" },
		{ "int", "int" },
		{ "bool", "boolean" },
		{ "any", "value" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		json_add_string(add_entity(list, types[i].name, "builtin"), "json-type",
				types[i].json_type);
	json_add_string(add_entity(list, "[any]", "array"), "element-type", "any");
	json_add(add_entity(list, no_members, "object"), "members", json_object_new_array());
}

static const char *type_of(char letter)
{
	switch (letter) {
	case 's':
		return "str";
	case 'i':
		return "int";
	case 'b':
		return "bool";
	case 'l':
		return "[any]";
	default:
		return "any";
	}
}

/** The members that a row's words (control_command.arguments) name. */
static struct json_object *list_members(const char *spec)
{
	struct json_object *members = json_object_new_array();

	while (*spec) {
		size_t length = strcspn(spec, "?: ");
		char name[MAX_NAME];

		if (spec[length] == '?' || spec[length] == ':') {
			struct json_object *member = json_object_new_object();

			snprintf(name, sizeof(name), "%.*s", (int)length, spec);
			json_add_string(member, "name", name);
			json_add_string(member, "type", type_of(spec[length + 1]));
			if (spec[length] == '?')
				json_add(member, "default", NULL);
			json_object_array_add(members, member);
		}
		spec += strcspn(spec, " ");
		spec += *spec == ' ';
	}
	return members;
}

static void add_command(struct json_object *list, const char *name, const char *arguments)
{
	char type[MAX_NAME];
	struct json_object *command;

	snprintf(type, sizeof(type), "%s", no_members);
	if (*arguments) {
		snprintf(type, sizeof(type), "%s-arguments", name);
		json_add(add_entity(list, type, "object"), "members", list_members(arguments));
	}
	command = add_entity(list, name, "command");
	json_add_string(command, "arg-type", type);
	json_add_string(command, "ret-type", "any");
	json_add_bool(command, "allow-oob", false);
}

struct json_object *control_describe_schema(void)
{
	struct json_object *list = json_object_new_array();
	const char *event;

	add_builtin_types(list);
	add_command(list, "qmp_capabilities", "enable?l");
	for (size_t i = 0; control_command_tables[i]; i++)
		for (const struct control_command *row = control_command_tables[i]; row->name;
		     row++)
			add_command(list, row->name, row->arguments);
	for (size_t i = 0; (event = control_event_name(i)) != NULL; i++)
		json_add_string(add_entity(list, event, "event"), "arg-type", no_members);
	return list;
}

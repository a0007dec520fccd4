// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What test programs and management ask about types and objects before they choose devices: the
 * cards that -device knows, and the machine as a flat directory.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus/device.h"
#include "dm/cards.h"
#include "dm/control_internal.h"

enum {
	MAX_PATH = 128,
};

/** Adds a type if it is, or descends from, what the call's "implements" names. */
static void add_type(struct control_call *call, const char *name, const char *parent,
		     bool is_abstract)
{
	const char *implements = control_string(call, "implements");
	struct json_object *type, *abstract = NULL;

	json_object_object_get_ex(call->arguments, "abstract", &abstract);
	if (is_abstract && !json_object_get_boolean(abstract))
		return;
	if (implements && strcmp(implements, "object") != 0 && strcmp(implements, name) != 0 &&
	    (!parent || strcmp(implements, parent) != 0))
		return;
	type = json_add_string(json_object_new_object(), "name", name);
	if (is_abstract)
		json_add_bool(type, "abstract", true);
	if (parent)
		json_add_string(type, "parent", parent);
	json_object_array_add(call->result, type);
}

static int execute_list_types(struct control_call *call)
{
	call->result = json_object_new_array();
	add_type(call, "object", NULL, true);
	add_type(call, "device", "object", true);
	for (const struct card *card = cards; card->name; card++)
		add_type(call, card->name, "device", false);
	add_type(call, "machine", "object", true);
	add_type(call, "pc-machine", "machine", false);
	add_type(call, "none-machine", "machine", false);
	return 0;
}

static void add_property(struct json_object *list, const char *name, const char *type)
{
	struct json_object *property = json_add_string(json_object_new_object(), "name", name);

	json_object_array_add(list, json_add_string(property, "type", type));
}

static int execute_list_properties(struct control_call *call)
{
	const char *name = control_string(call, "typename");
	const struct card *card = cards;

	while (card->name && strcmp(card->name, name) != 0)
		card++;
	if (!card->name)
		return control_fail(call, "DeviceNotFound", -ENODEV, "Device '%.64s' not found",
				    name);
	call->result = json_object_new_array();
	for (size_t i = 0; card->properties && card->properties[i]; i++)
		add_property(call->result, card->properties[i], "str");
	return 0;
}

/** Finds the device that a path under /machine names: "/machine/mc146818rtc[0]". */
static struct device *find_device(struct machine *machine, const char *path)
{
	struct device *device;
	char name[MAX_PATH];

	list_for_each(device, &machine->devices.head, struct device, node)
	{
		snprintf(name, sizeof(name), "/machine/%s[%u]", device->class->name,
			 device->instance);
		if (strcmp(name, path) == 0)
			return device;
	}
	return NULL;
}

static int refuse_path(struct control_call *call, const char *path)
{
	return control_fail(call, "DeviceNotFound", -ENODEV, "Device '%.64s' not found", path);
}

static int execute_list(struct control_call *call)
{
	const char *path = control_string(call, "path");
	struct device *device;
	char name[MAX_PATH], type[MAX_PATH];

	if (strcmp(path, "/") != 0 && strcmp(path, "/machine") != 0 &&
	    !find_device(call->machine, path))
		return refuse_path(call, path);
	call->result = json_object_new_array();
	add_property(call->result, "type", "string");
	if (strcmp(path, "/") == 0)
		add_property(call->result, "machine", "child<pc-machine>");
	if (strcmp(path, "/machine") != 0)
		return 0;
	list_for_each(device, &call->machine->devices.head, struct device, node)
	{
		snprintf(name, sizeof(name), "%s[%u]", device->class->name, device->instance);
		snprintf(type, sizeof(type), "child<%s>", device->class->name);
		add_property(call->result, name, type);
	}
	return 0;
}

static int execute_get(struct control_call *call)
{
	const char *path = control_string(call, "path");
	struct device *device = find_device(call->machine, path);

	if (!device && strcmp(path, "/machine") != 0)
		return refuse_path(call, path);
	if (strcmp(control_string(call, "property"), "type") != 0)
		return err_set(&call->err, -ENOENT, "Property '%.64s.%.64s' not found", path,
			       control_string(call, "property"));
	call->result = json_object_new_string(device ? device->class->name : "pc-machine");
	return 0;
}

/** A line for people, as the monitor's user would type it. */
static int execute_human(struct control_call *call)
{
	struct json_text text = { 0 };

	monitor_execute(call->client, control_string(call, "command-line"), &text);
	call->result = json_object_new_string(text.length ? text.bytes : "");
	json_text_finish(&text);
	return 0;
}

const struct control_command control_object_commands[] = {
	{ "qom-list-types", "implements?s abstract?b", execute_list_types },
	{ "qom-list", "path:s", execute_list },
	{ "qom-get", "path:s property:s", execute_get },
	{ "device-list-properties", "typename:s", execute_list_properties },
	{ "human-monitor-command", "command-line:s cpu-index?i", execute_human },
	{ NULL, "", NULL },
};

// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks and the wires of cards. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/opts.h"
#include "dm/control_internal.h"
#include "dm/netdevs.h"
#include "net/user.h"

enum {
	MAX_DEPTH = 3, /* "addr.host" is two */
	MAX_FDS = 4,
	KEY_BYTES = 64,
};

/** A command's members as an option string, and descriptors that it names, copied. */
struct words {
	struct control_call *call;
	struct json_text text;
	int fds[MAX_FDS];
	unsigned fd_count;
	struct err *err;
	int result;
};

static void add_word(struct words *words, const char *key, const char *value)
{
	json_text_printf(&words->text, "%s%s=", words->text.length ? "," : "", key);
	for (; *value; value++) {
		json_text_append(&words->text, value, 1);
		if (*value == ',')
			json_text_append(&words->text, ",", 1);
	}
}

/** "/dev/fdset/N" where a descriptor's number belongs. */
static void add_descriptor(struct words *words, const char *key, const char *name)
{
	char number[16];
	int fd;

	if (words->fd_count == MAX_FDS) {
		words->result = err_set(words->err, -EINVAL, "too many descriptors");
		return;
	}
	fd = control_open(words->call->control, name, 0, words->err);
	if (fd < 0) {
		words->result = fd;
		return;
	}
	words->fds[words->fd_count++] = fd;
	snprintf(number, sizeof(number), "%d", fd);
	add_word(words, key, number);
}

static bool is_descriptor(const char *key)
{
	size_t length = strlen(key);

	return strcmp(key, "fd") == 0 || (length > 4 && strcmp(key + length - 4, ".str") == 0);
}

static void add_member(struct words *words, const char *key, struct json_object *value,
		       unsigned depth);

static void add_object(struct words *words, const char *prefix, struct json_object *object,
		       unsigned depth)
{
	json_object_object_foreach(object, key, value)
	{
		char name[KEY_BYTES];

		/* A list of strings has each in an object of its own. */
		if (prefix && strcmp(key, "str") == 0 && depth == MAX_DEPTH)
			snprintf(name, sizeof(name), "%s", prefix);
		else if (snprintf(name, sizeof(name), "%s%s%s", prefix ? prefix : "",
				  prefix ? "." : "", key) >= KEY_BYTES)
			words->result = err_set(words->err, -EINVAL, "'%.32s' is unknown", key);
		if (words->result == 0)
			add_member(words, name, value, depth + 1);
	}
}

static void add_member(struct words *words, const char *key, struct json_object *value,
		       unsigned depth)
{
	const char *text = json_object_get_string(value);

	if (strpbrk(key, ",=") || depth > MAX_DEPTH + 1) {
		words->result = err_set(words->err, -EINVAL, "'%.32s' is unknown", key);
	} else if (json_object_is_type(value, json_type_object)) {
		add_object(words, key, value, depth);
	} else if (json_object_is_type(value, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(value) && words->result == 0; i++)
			add_member(words, key, json_object_array_get_idx(value, i), MAX_DEPTH);
	} else if (json_object_is_type(value, json_type_boolean)) {
		add_word(words, key, json_object_get_boolean(value) ? "on" : "off");
	} else if (text && is_descriptor(key) && control_names_fdset(text)) {
		add_descriptor(words, key, text);
	} else {
		add_word(words, key, text ? text : "");
	}
}

int control_with_options(struct control_call *call,
			 int (*act)(struct control_call *call, struct opts *opts))
{
	struct words words = { .call = call, .err = &call->err };
	struct opts opts = { 0 };
	int result;

	add_object(&words, NULL, call->arguments, 0);
	result = words.result;
	if (result == 0 && words.text.failed)
		result = err_set_errno(&call->err, -ENOMEM, "cannot read the arguments");
	if (result == 0)
		result = opts_parse(&opts, words.text.bytes ? words.text.bytes : "", NULL,
				    &call->err);
	if (result == 0)
		result = act(call, &opts);
	/* A network that was made has them; one that was not may have closed them itself. */
	for (unsigned i = 0; i < words.fd_count && result < 0; i++)
		if (fcntl(words.fds[i], F_GETFD) >= 0)
			close(words.fds[i]);
	opts_finish(&opts);
	json_text_finish(&words.text);
	return result;
}

/* Networks */

static int add_netdev(struct control_call *call, struct opts *opts)
{
	return netdevs_add(call->machine, opts, &call->err);
}

static int execute_netdev_add(struct control_call *call)
{
	return control_with_options(call, add_netdev);
}

static int execute_netdev_del(struct control_call *call)
{
	const char *id = control_string(call, "id");

	if (!netdevs_find(call->machine, id))
		return control_fail(call, "DeviceNotFound", -ENODEV, "Device '%.64s' not found",
				    id);
	return netdevs_remove(call->machine, id, &call->err);
}

static int execute_set_link(struct control_call *call)
{
	const char *name = control_string(call, "name");

	if (netdevs_set_link(call->machine, name, control_bool(call, "up", true), &call->err) == 0)
		return 0;
	return control_fail(call, "DeviceNotFound", -ENODEV, "Device '%.64s' not found", name);
}

static struct json_object *describe_filter(const struct netdevs_card *card)
{
	bool promiscuous = card->promiscuous && *card->promiscuous;
	struct json_object *object = json_add_string(json_object_new_object(), "name", card->name);
	char mac[18];

	net_format_mac(card->mac, mac);
	json_add_string(object, "main-mac", mac);
	json_add_bool(object, "promiscuous", promiscuous);
	json_add_string(object, "multicast", "normal");
	json_add_string(object, "unicast", "normal");
	json_add_string(object, "vlan", "all");
	json_add_bool(object, "broadcast-allowed", true);
	json_add_bool(object, "multicast-overflow", false);
	json_add_bool(object, "unicast-overflow", false);
	json_add(object, "vlan-table", json_object_new_array());
	json_add(object, "unicast-table", json_object_new_array());
	return json_add(object, "multicast-table", json_object_new_array());
}

static int execute_query_filter(struct control_call *call)
{
	const char *name = control_string(call, "name");
	struct netdevs_card *card;

	call->result = json_object_new_array();
	list_for_each(card, &call->machine->netdevs.cards, struct netdevs_card, node)
	{
		if (!name || strcmp(name, card->name) == 0)
			json_object_array_add(call->result, describe_filter(card));
	}
	if (name && json_object_array_length(call->result) == 0)
		return err_set(&call->err, -ENODEV, "there is no network card '%.64s'", name);
	return 0;
}

/* Captures */

static int open_named(void *opaque, const char *path, int flags, struct err *err)
{
	return control_open(opaque, path, flags, err);
}

static int add_capture(struct control_call *call, struct opts *opts)
{
	return netdevs_add_dump(call->machine, opts, open_named, call->control, &call->err);
}

static int execute_object_add(struct control_call *call)
{
	const char *type = control_string(call, "qom-type");

	if (strcmp(type, "filter-dump") != 0)
		return err_set(&call->err, -EINVAL, "invalid object type: %.64s", type);
	return control_with_options(call, add_capture);
}

static int execute_object_del(struct control_call *call)
{
	return netdevs_remove_dump(call->machine, control_string(call, "id"), &call->err);
}

/* Events */

static void report(void *opaque, struct net_backend *backend, enum net_backend_event event,
		   const char *detail)
{
	struct json_object *data =
		json_add_string(json_object_new_object(), "netdev-id", backend->id);

	if (event == NET_BACKEND_CONNECTED)
		control_emit(opaque, "NETDEV_STREAM_CONNECTED",
			     json_add_string(data, "peer", detail));
	else
		control_emit(opaque, "NETDEV_STREAM_DISCONNECTED", data);
}

void control_watch_networks(struct control *control, bool watch)
{
	netdevs_set_listener(control->machine, watch ? report : NULL, control);
}

/* For people */

static void print_port(const char *prefix, const struct net_port *port, struct json_text *out)
{
	json_text_printf(out,
			 "%s  sent %" PRIu64 " frames, %" PRIu64 " bytes; received %" PRIu64
			 " frames, %" PRIu64 " bytes; dropped %" PRIu64 "\r\n",
			 prefix, port->stats.sent_frames, port->stats.sent_bytes,
			 port->stats.received_frames, port->stats.received_bytes,
			 port->stats.dropped_frames);
}

void control_print_networks(struct machine *machine, struct json_text *out)
{
	struct net_backend *backend;
	struct netdevs_card *card;
	char mac[18];

	list_for_each(card, &machine->netdevs.cards, struct netdevs_card, node)
	{
		net_format_mac(card->mac, mac);
		json_text_printf(out, "%s: model=%s,macaddr=%s%s%s\r\n", card->name, card->model,
				 mac, card->port->peer ? ", at " : ", not connected",
				 card->port->peer ? card->port->peer->name : "");
		print_port("", card->port, out);
	}
	list_for_each(backend, &machine->netdevs.backends, struct net_backend, node)
	{
		json_text_printf(out, "%s: type=%s,%s%s%s%s\r\n", backend->id, backend->class->type,
				 backend->info, backend->port.peer ? ", at " : ", not connected",
				 backend->port.peer ? backend->port.peer->name : "",
				 net_link_is_up(&backend->port) ? "" : ", link down");
		print_port("", &backend->port, out);
	}
}

void control_print_user_networks(struct machine *machine, struct json_text *out)
{
	struct net_backend *backend;

	list_for_each(backend, &machine->netdevs.backends, struct net_backend, node)
	{
		char *text = net_is_user(backend) ? net_user_describe(backend) : NULL;

		if (!text)
			continue;
		json_text_printf(out, "%s:\r\n", backend->id);
		for (const char *c = text; *c; c++)
			json_text_append(out, *c == '\n' ? "\r\n" : c, *c == '\n' ? 2 : 1);
		free(text);
	}
}

/** The only user-mode network there is, or the one of this id. */
static struct net_backend *find_user(struct machine *machine, const char *id, struct err *err)
{
	struct net_backend *backend, *found = NULL;

	list_for_each(backend, &machine->netdevs.backends, struct net_backend, node)
	{
		if (!net_is_user(backend) || (id && strcmp(backend->id, id) != 0))
			continue;
		if (found) {
			err_set(err, -EINVAL,
				"there is more than one user-mode network: say which");
			return NULL;
		}
		found = backend;
	}
	if (!found)
		err_set(err, -ENOENT, "there is no user-mode network%s%s", id ? " " : "",
			id ? id : "");
	return found;
}

void control_forward(struct machine *machine, char *words, bool add, struct json_text *out)
{
	char *first = monitor_next_word(&words), *second = monitor_next_word(&words);
	struct err err = { 0 };
	struct net_backend *user = find_user(machine, *second ? first : NULL, &err);
	const char *rule = *second ? second : first;
	int result = user ? 0 : -ENOENT;

	if (user)
		result = add ? net_user_add_forward(user, rule, &err)
			     : net_user_remove_forward(user, rule, &err);
	if (result < 0)
		json_text_printf(out, "Error: %s\r\n", err.text);
	else if (!add)
		json_text_printf(out, "host forwarding rule for %s removed\r\n", rule);
}

const struct control_command control_net_commands[] = {
	{ "netdev_add", "type:s id:s *", execute_netdev_add },
	{ "netdev_del", "id:s", execute_netdev_del },
	{ "set_link", "name:s up:b", execute_set_link },
	{ "query-rx-filter", "name?s", execute_query_filter },
	{ "object-add", "qom-type:s id:s *", execute_object_add },
	{ "object-del", "id:s", execute_object_del },
	{ NULL, "", NULL },
};

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * -netdev, and the short forms -nic and -net, which are written out as -netdev and -device: a
 * network with a card of its own, and networks and cards around one hub.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "dm/options_internal.h"
#include "net/backend.h"

/* The card that is meant where none is named. */
#define DEFAULT_MODEL "e1000"

enum {
	NAME_BYTES = 32,
};

static int check_type(struct opts *netdev, struct err *err)
{
	return net_backend_find_class(opts_get_or(netdev, "type", ""), err) ? 0 : -EINVAL;
}

static int apply_netdev(struct options *options, const char *argument, struct err *err)
{
	struct options_list *list = &options->netdevs;
	int result = options_list_append(list, argument, "type", err);

	return result == 0 ? check_type(&list->items[list->count - 1], err) : result;
}

/** An empty entry at the end of 'list'. NULL and a sentence. */
static struct opts *append_empty(struct options_list *list, struct err *err)
{
	return options_list_append(list, "", NULL, err) < 0 ? NULL : &list->items[list->count - 1];
}

static int set(struct opts *opts, const char *key, const char *value, struct err *err)
{
	if (value && opts_set(opts, key, value) < 0)
		return err_set_errno(err, -ENOMEM, "cannot keep '%s'", value);
	return 0;
}

static bool is_among(const char *word, const char *const *words)
{
	for (; *words; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

/** Copies all pairs but those that 'except' names. */
static int copy_pairs(struct opts *to, const struct opts *from, const char *const *except,
		      struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < from->count && result == 0; i++)
		if (!is_among(from->pairs[i].key, except))
			result = set(to, from->pairs[i].key, from->pairs[i].value, err);
	return result;
}

static int add_card(struct options *options, struct opts *words, const char *mac_key,
		    const char *netdev, struct err *err)
{
	struct opts *device = append_empty(&options->devices, err);
	int result = device ? 0 : -ENOMEM;

	if (result == 0)
		result = set(device, "driver", opts_get_or(words, "model", DEFAULT_MODEL), err);
	if (result == 0)
		result = set(device, "netdev", netdev, err);
	if (result == 0)
		result = set(device, "mac", opts_get(words, mac_key), err);
	if (result == 0)
		result = set(device, "addr", opts_get(words, "addr"), err);
	return result;
}

static int add_network(struct options *options, const struct opts *words, const char *id,
		       const char *const *except, struct err *err)
{
	struct opts *netdev = append_empty(&options->netdevs, err);
	int result = netdev ? copy_pairs(netdev, words, except, err) : -ENOMEM;

	if (result == 0)
		result = check_type(netdev, err);
	return result == 0 ? set(netdev, "id", id, err) : result;
}

/** A port of hub 0, wired to the network 'netdev' unless that is NULL. */
static int add_hub_port(struct options *options, const char *id, const char *netdev,
			struct err *err)
{
	struct opts *port = append_empty(&options->netdevs, err);
	int result = port ? set(port, "type", "hubport", err) : -ENOMEM;

	if (result == 0)
		result = set(port, "id", id, err);
	return result == 0 ? set(port, "netdev", netdev, err) : result;
}

/* -nic: one network and its card */

static int write_out_nic(struct options *options, struct opts *words, struct err *err)
{
	static const char *const of_card[] = { "model", "mac", "addr", "id", NULL };
	const char *given = opts_get(words, "id");
	char id[NAME_BYTES];
	int result;

	snprintf(id, sizeof(id), "nic.net%zu", options->netdevs.count);
	result = add_network(options, words, given ? given : id, of_card, err);
	return result == 0 ? add_card(options, words, "mac", given ? given : id, err) : result;
}

static int apply_nic(struct options *options, const char *argument, struct err *err)
{
	struct opts words;
	int result;

	if (strcmp(argument, "none") == 0) {
		options->net_none = true;
		return 0;
	}
	if (opts_parse(&words, argument, "type", err) < 0)
		return -EINVAL;
	result = write_out_nic(options, &words, err);
	opts_finish(&words);
	return result;
}

/* -net: cards and networks around hub 0 */

static int write_out_net_nic(struct options *options, struct opts *words, struct err *err)
{
	static const char *const known[] = { "type", "model", "macaddr", "netdev",
					     "name", "addr",  "vectors", NULL };
	const char *netdev = opts_get(words, "netdev");
	char id[NAME_BYTES];
	int result = 0;

	opts_get(words, "name");
	opts_get(words, "vectors");
	snprintf(id, sizeof(id), "hub0port%zu", options->netdevs.count);
	if (!netdev)
		result = add_hub_port(options, id, NULL, err);
	if (result == 0)
		result = add_card(options, words, "macaddr", netdev ? netdev : id, err);
	return result == 0 ? opts_check_unused(words, known, err) : result;
}

static int write_out_net(struct options *options, struct opts *words, struct err *err)
{
	static const char *const of_net[] = { "name", "id", NULL };
	const char *name = opts_get(words, "name"), *given = opts_get(words, "id");
	char id[NAME_BYTES], port[NAME_BYTES];
	int result;

	if (strcmp(opts_get_or(words, "type", ""), "nic") == 0)
		return write_out_net_nic(options, words, err);
	given = given ? given : name;
	snprintf(id, sizeof(id), "hub0net%zu", options->netdevs.count);
	result = add_network(options, words, given ? given : id, of_net, err);
	snprintf(port, sizeof(port), "hub0port%zu", options->netdevs.count);
	return result == 0 ? add_hub_port(options, port, given ? given : id, err) : result;
}

static int apply_net(struct options *options, const char *argument, struct err *err)
{
	struct opts words;
	int result;

	if (strcmp(argument, "none") == 0) {
		options->net_none = true;
		return 0;
	}
	if (opts_parse(&words, argument, "type", err) < 0)
		return -EINVAL;
	result = write_out_net(options, &words, err);
	opts_finish(&words);
	return result;
}

const struct option_row option_net_rows[] = {
	{ "netdev", "TYPE,id=ID,...", "a network for a card (-netdev help)", apply_netdev },
	{ "nic", "none|TYPE,model=,mac=", "a network with a card", apply_nic },
	{ "net", "none|nic|TYPE,...", "cards and networks around one hub", apply_net },
	{ NULL, NULL, NULL, NULL },
};

// SPDX-License-Identifier: GPL-2.0-or-later
/* Captures by id: -object filter-dump, object-add. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "dm/host_files.h"
#include "dm/machine.h"
#include "dm/netdevs.h"
#include "dm/options.h"
#include "net/dump.h"

struct netdevs_dump {
	struct list_node node; /* in struct netdevs.dumps */
	char *id;
	struct net_backend *backend;
	struct net_dump *dump;
};

static struct netdevs_dump *find_dump(struct machine *machine, const char *id)
{
	struct netdevs_dump *entry;

	list_for_each(entry, &machine->netdevs.dumps, struct netdevs_dump, node)
	{
		if (strcmp(entry->id, id) == 0)
			return entry;
	}
	return NULL;
}

static void free_dump(struct netdevs_dump *entry)
{
	list_remove(&entry->node);
	net_dump_stop(entry->dump);
	free(entry->id);
	free(entry);
}

static int start(struct machine *machine, const char *id, struct net_backend *backend, int fd,
		 size_t max_bytes, struct err *err)
{
	struct netdevs_dump *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return err_set_errno(err, -ENOMEM, "cannot start a capture");
	list_init(&entry->node);
	entry->backend = backend;
	entry->id = strdup(id);
	if (entry->id)
		entry->dump = net_dump_start(&backend->port, fd, max_bytes, err);
	if (!entry->dump) {
		free_dump(entry);
		return -EIO;
	}
	list_append(&machine->netdevs.dumps, &entry->node);
	return 0;
}

int netdevs_add_dump(struct machine *machine, struct opts *opts,
		     int (*open_file)(void *opaque, const char *path, int flags, struct err *err),
		     void *opaque, struct err *err)
{
	static const char *const known[] = { "qom-type", "id", "netdev", "file", "maxlen", NULL };
	const char *id = opts_get(opts, "id"), *name = opts_get(opts, "netdev");
	const char *file = opts_get(opts, "file");
	struct net_backend *backend = name ? netdevs_find(machine, name) : NULL;
	uint64_t max_bytes = NET_DUMP_DEFAULT_BYTES;
	int fd;

	opts_get(opts, "qom-type");
	if (opts_get_number(opts, "maxlen", &max_bytes, NET_HEADER_BYTES, NET_FRAME_MAX_BYTES,
			    err) < 0 ||
	    opts_check_unused(opts, known, err) < 0)
		return -EINVAL;
	if (!id || !name || !file)
		return err_set(err, -EINVAL, "filter-dump needs id=, netdev= and file=");
	if (find_dump(machine, id))
		return err_set(err, -EEXIST, "there is an object '%s' already", id);
	if (!backend)
		return err_set(err, -ENOENT, "there is no -netdev with id=%s", name);
	fd = open_file(opaque, file, O_WRONLY | O_CREAT | O_TRUNC, err);
	return fd < 0 ? fd : start(machine, id, backend, fd, (size_t)max_bytes, err);
}

int netdevs_remove_dump(struct machine *machine, const char *id, struct err *err)
{
	struct netdevs_dump *entry = find_dump(machine, id);

	if (!entry)
		return err_set(err, -ENOENT, "object '%.64s' not found", id);
	free_dump(entry);
	return 0;
}

void netdevs_stop_dumps(struct machine *machine, const struct net_backend *backend)
{
	struct netdevs_dump *entry;

	list_for_each(entry, &machine->netdevs.dumps, struct netdevs_dump, node)
	{
		if (entry->backend == backend)
			free_dump(entry);
	}
}

static int open_plain(void *opaque, const char *path, int flags, struct err *err)
{
	(void)opaque;
	return host_open(path, flags, 0600, err);
}

int netdevs_open_dumps(struct machine *machine, struct err *err)
{
	struct options *options = machine->options;

	for (size_t i = 0; i < options->dumps.count; i++) {
		if (netdevs_add_dump(machine, &options->dumps.items[i], open_plain, NULL, err) <
		    0) {
			err_prefix(err, "-object filter-dump");
			return -EINVAL;
		}
	}
	return 0;
}

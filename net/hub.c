// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hub: what comes in at one of its ports goes out at all others. It stores nothing. While nobody
 * has room, it has none either, and the sender waits; a frame that only some can take is lost to
 * the others, as on a real network.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/opts.h"
#include "net/kinds.h"

enum {
	HUB_MAX_ID = 255,
};

struct hub {
	struct list_node node; /* in struct net_host.hubs */
	struct list_node ports;
	unsigned id;
};

struct hub_port {
	struct net_backend backend;
	struct list_node node; /* in struct hub.ports */
	struct hub *hub;
};

static bool hub_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct hub_port *from = opaque, *to;
	unsigned listeners = 0, taken = 0;

	list_for_each(to, &from->hub->ports, struct hub_port, node)
	{
		if (to == from || !net_link_is_up(&to->backend.port))
			continue;
		listeners++;
		taken += net_send(&to->backend.port, iov, count);
	}
	return taken > 0 || listeners == 0;
}

/** Somebody has room again: whoever was refused may send. */
static void hub_resume(void *opaque)
{
	struct hub_port *ready = opaque, *other;

	list_for_each(other, &ready->hub->ports, struct hub_port, node)
	{
		if (other != ready)
			net_ready(&other->backend.port);
	}
}

/** Whom all waited for may have gone. */
static void hub_link_changed(void *opaque, bool up)
{
	if (!up)
		hub_resume(opaque);
}

static struct hub *find_hub(struct net_host *host, unsigned id, struct err *err)
{
	struct hub *hub;

	list_for_each(hub, &host->hubs, struct hub, node)
	{
		if (hub->id == id)
			return hub;
	}
	hub = calloc(1, sizeof(*hub));
	if (!hub) {
		err_set_errno(err, -ENOMEM, "cannot make a hub");
		return NULL;
	}
	hub->id = id;
	list_init(&hub->ports);
	list_append(&host->hubs, &hub->node);
	return hub;
}

static void leave_hub(struct hub_port *port)
{
	struct hub *hub = port->hub;

	list_remove(&port->node);
	if (!list_is_empty(&hub->ports))
		return;
	list_remove(&hub->node);
	free(hub);
}

static struct net_backend *hub_create(struct net_host *host, struct opts *opts, struct err *err)
{
	struct hub_port *port;
	uint64_t id = 0;

	if (opts_get_number(opts, "hubid", &id, 0, HUB_MAX_ID, err) < 0)
		return NULL;
	port = calloc(1, sizeof(*port));
	if (!port) {
		err_set_errno(err, -ENOMEM, "cannot make a port of a hub");
		return NULL;
	}
	port->hub = find_hub(host, (unsigned)id, err);
	if (!port->hub) {
		free(port);
		return NULL;
	}
	list_append(&port->hub->ports, &port->node);
	port->backend.has_carrier = true;
	net_backend_set_info(&port->backend, "hub %u", (unsigned)id);
	/* Whom the port is connected to is the machine's matter: dm/netdevs.c. */
	opts_get(opts, "netdev");
	return &port->backend;
}

static void hub_destroy(struct net_backend *backend)
{
	struct hub_port *port = container_of(backend, struct hub_port, backend), *other;

	list_for_each(other, &port->hub->ports, struct hub_port, node)
	{
		if (other != port)
			net_ready(&other->backend.port);
	}
	leave_hub(port);
	free(port);
}

static const struct net_port_ops hub_ops = { hub_receive, hub_resume, hub_link_changed };
static const char *const hub_properties[] = { "type", "id", "hubid", "netdev", NULL };

const struct net_backend_class net_hubport_class = {
	.type = "hubport",
	.summary = "a port of a hub that joins cards and networks",
	.properties = hub_properties,
	.create = hub_create,
	.destroy = hub_destroy,
	.ops = &hub_ops,
};

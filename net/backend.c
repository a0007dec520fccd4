// SPDX-License-Identifier: GPL-2.0-or-later
#include "net/backend.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/opts.h"
#include "net/kinds.h"

const struct net_backend_class *const net_backend_classes[] = {
	&net_user_class,    &net_tap_class, &net_stream_class, &net_dgram_class, &net_socket_class,
	&net_hubport_class, NULL,
};

void net_host_init(struct net_host *host, struct loop *loop, struct clock *clock)
{
	*host = (struct net_host){ .loop = loop, .clock = clock };
	list_init(&host->hubs);
}

const struct net_backend_class *net_backend_find_class(const char *type, struct err *err)
{
	const char *names[16], *nearest;
	size_t count = 0;

	for (; net_backend_classes[count]; count++) {
		if (strcmp(net_backend_classes[count]->type, type) == 0)
			return net_backend_classes[count];
		names[count] = net_backend_classes[count]->type;
	}
	names[count] = NULL;
	nearest = err_nearest_word(type, names);
	if (nearest)
		err_set(err, -EINVAL, "unknown network type '%s', did you mean '%s'?", type,
			nearest);
	else
		err_set(err, -EINVAL, "unknown network type '%s' (-netdev help lists all)", type);
	return NULL;
}

static int give_name(struct net_backend *backend, const char *id, struct err *err)
{
	backend->id = strdup(id);
	if (!backend->id)
		return err_set_errno(err, -ENOMEM, "cannot keep '%s'", id);
	net_port_init(&backend->port, backend->id, backend->class->ops, backend);
	backend->port.link = backend->has_carrier;
	backend->is_enabled = true;
	return 0;
}

struct net_backend *net_backend_create(struct net_host *host, struct opts *opts, struct err *err)
{
	const char *id = opts_get(opts, "id"), *type = opts_get_or(opts, "type", "");
	const struct net_backend_class *class = net_backend_find_class(type, err);
	struct net_backend *backend;

	if (!class)
		return NULL;
	if (!id || !*id) {
		err_set(err, -EINVAL, "a network of type %s needs an id=", type);
		return NULL;
	}
	backend = class->create(host, opts, err);
	if (!backend)
		return NULL;
	if (!backend->class)
		backend->class = class;
	backend->host = host;
	list_init(&backend->node);
	if (opts_check_unused(opts, class->properties, err) < 0 ||
	    give_name(backend, id, err) < 0) {
		net_backend_destroy(backend);
		return NULL;
	}
	if (class->start)
		class->start(backend);
	return backend;
}

void net_backend_destroy(struct net_backend *backend)
{
	char *id = backend->id;

	if (id)
		net_disconnect(&backend->port);
	list_remove(&backend->node);
	backend->class->destroy(backend);
	free(id);
}

static void update_link(struct net_backend *backend)
{
	net_set_link(&backend->port, backend->is_enabled && backend->has_carrier);
}

void net_backend_set_link(struct net_backend *backend, bool up)
{
	backend->is_enabled = up;
	update_link(backend);
}

void net_backend_set_carrier(struct net_backend *backend, bool up, const char *detail)
{
	if (backend->has_carrier == up)
		return;
	backend->has_carrier = up;
	if (!backend->id)
		return; /* being made */
	update_link(backend);
	if (backend->event)
		backend->event(backend->event_opaque, backend,
			       up ? NET_BACKEND_CONNECTED : NET_BACKEND_DISCONNECTED, detail);
}

void net_backend_set_info(struct net_backend *backend, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(backend->info, sizeof(backend->info), format, list);
	va_end(list);
}

size_t net_pad_frame(void *frame, size_t length)
{
	if (length >= NET_FRAME_MIN_BYTES)
		return length;
	memset((uint8_t *)frame + length, 0, NET_FRAME_MIN_BYTES - length);
	return NET_FRAME_MIN_BYTES;
}

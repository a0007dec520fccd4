// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The words of -netdev stream and dgram, and those of the older -netdev socket, which mean the
 * same.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "base/opts.h"
#include "net/kinds.h"
#include "net/stream.h"

enum {
	MAX_RECONNECT_S = 24 * 3600,
};

/** The words of one address: "addr.type", "addr.host" … */
struct address_words {
	const char *type, *host, *port, *path, *descriptor;
};

static void read_address(struct opts *opts, const char *const names[5], struct address_words *words)
{
	words->type = opts_get(opts, names[0]);
	words->host = opts_get(opts, names[1]);
	words->port = opts_get(opts, names[2]);
	words->path = opts_get(opts, names[3]);
	words->descriptor = opts_get(opts, names[4]);
}

static int read_descriptor(const char *text, int type, int *fd, struct err *err)
{
	uint64_t number;

	if (!text || opts_parse_number(text, &number) < 0 || number > INT32_MAX)
		return err_set(err, -EINVAL, "give the number of a descriptor, not '%s'",
			       text ? text : "");
	if (net_socket_take((int)number, type, err) < 0)
		return -EINVAL;
	*fd = (int)number;
	return 0;
}

/** Fills 'address', or 'fd' if that is what the words name. */
static int choose_address(const struct address_words *words, int type, bool listens,
			  struct net_address *address, int *fd, struct err *err)
{
	const char *kind = words->type ? words->type : "";

	if (strcmp(kind, "fd") == 0)
		return read_descriptor(words->descriptor, type, fd, err);
	if (strcmp(kind, "unix") == 0 && words->path)
		return net_address_unix(address, words->path, err);
	if (strcmp(kind, "inet") == 0 && words->port)
		return net_address_inet(address, words->host, words->port, type, listens, err);
	return err_set(err, -EINVAL,
		       "give an address: type=inet with host and port, type=unix with path, or "
		       "type=fd with str");
}

/* stream */

static struct net_backend *stream_create(struct net_host *host, struct opts *opts, struct err *err)
{
	static const char *const names[] = { "addr.type", "addr.host", "addr.port", "addr.path",
					     "addr.str" };
	struct net_stream_plan plan = { .fd = -1 };
	struct address_words words;
	uint64_t seconds = 0, ms = 0;

	read_address(opts, names, &words);
	if (opts_get_bool(opts, "server", &plan.server, err) < 0 ||
	    opts_get_number(opts, "reconnect", &seconds, 0, MAX_RECONNECT_S, err) < 0 ||
	    opts_get_number(opts, "reconnect-ms", &ms, 0, MAX_RECONNECT_S * 1000, err) < 0 ||
	    choose_address(&words, SOCK_STREAM, plan.server, &plan.address, &plan.fd, err) < 0)
		return NULL;
	plan.reconnect_ms = (int64_t)(ms ? ms : seconds * 1000);
	if (plan.reconnect_ms && (plan.server || plan.fd >= 0)) {
		err_set(err, -EINVAL, "reconnect= is for a client with an address");
		return NULL;
	}
	return net_stream_make(host, &plan, err);
}

static const char *const stream_properties[] = {
	"type",      "id",        "server",    "reconnect", "reconnect-ms", "addr.type",
	"addr.host", "addr.port", "addr.path", "addr.str",  NULL,
};

const struct net_backend_class net_stream_class = {
	.type = "stream",
	.summary = "a stream socket, as client or server: addr.type=inet|unix|fd",
	.properties = stream_properties,
	.create = stream_create,
	.destroy = net_stream_destroy,
	.ops = &net_stream_ops,
};

/* dgram */

static struct net_backend *dgram_create(struct net_host *host, struct opts *opts, struct err *err)
{
	static const char *const local_names[] = { "local.type", "local.host", "local.port",
						   "local.path", "local.str" };
	static const char *const remote_names[] = { "remote.type", "remote.host", "remote.port",
						    "remote.path", "remote.str" };
	struct net_address local = { .length = 0 }, remote = { .length = 0 };
	struct address_words words;
	int fd = -1;

	read_address(opts, local_names, &words);
	if (words.type && choose_address(&words, SOCK_DGRAM, true, &local, &fd, err) < 0)
		return NULL;
	read_address(opts, remote_names, &words);
	if (words.descriptor)
		err_set(err, -EINVAL, "a descriptor goes to local.str");
	else if (fd < 0 && !words.type)
		err_set(err, -EINVAL, "remote.type= is missing: to whom shall frames go?");
	else if (fd < 0 && choose_address(&words, SOCK_DGRAM, false, &remote, &fd, err) < 0)
		return NULL;
	else if (fd < 0 && !local.length && !net_address_is_multicast(&remote))
		err_set(err, -EINVAL, "local.type= is missing: where shall frames come in?");
	else
		return net_dgram_make(host, &local, &remote, fd, err);
	return NULL;
}

static const char *const dgram_properties[] = {
	"type",      "id",          "local.type",  "local.host",  "local.port",  "local.path",
	"local.str", "remote.type", "remote.host", "remote.port", "remote.path", NULL,
};

const struct net_backend_class net_dgram_class = {
	.type = "dgram",
	.summary = "datagrams to a peer or multicast group: local.type=, remote.type=",
	.properties = dgram_properties,
	.create = dgram_create,
	.destroy = net_dgram_destroy,
	.ops = &net_dgram_ops,
};

/* socket: the older words */

static struct net_backend *make_from_fd(struct net_host *host, const char *text, struct err *err)
{
	const struct net_address nobody = { .length = 0 };
	struct net_stream_plan plan = { .fd = -1 };
	socklen_t length = sizeof(int);
	int type = 0;

	if (read_descriptor(text, 0, &plan.fd, err) < 0)
		return NULL;
	getsockopt(plan.fd, SOL_SOCKET, SO_TYPE, &type, &length);
	if (type == SOCK_DGRAM)
		return net_dgram_make(host, &nobody, &nobody, plan.fd, err);
	return net_stream_make(host, &plan, err);
}

static struct net_backend *make_stream(struct net_host *host, const char *text, bool server,
				       struct err *err)
{
	struct net_stream_plan plan = { .fd = -1, .server = server };

	if (net_address_parse(&plan.address, text, SOCK_STREAM, server, err) < 0)
		return NULL;
	return net_stream_make(host, &plan, err);
}

/** A group has no local port, only perhaps a local address by which interface it is reached. */
static struct net_backend *make_dgram(struct net_host *host, const char *remote_text,
				      const char *local_text, bool in_group, struct err *err)
{
	struct net_address local = { .length = 0 }, remote = { .length = 0 };
	int result = net_address_parse(&remote, remote_text, SOCK_DGRAM, false, err);

	if (result == 0 && in_group && !net_address_is_multicast(&remote))
		result = err_set(err, -EINVAL, "mcast=%s is not the address of a group",
				 remote_text);
	if (result == 0 && in_group && local_text)
		result = net_address_inet(&local, local_text, "0", SOCK_DGRAM, false, err);
	else if (result == 0 && local_text)
		result = net_address_parse(&local, local_text, SOCK_DGRAM, true, err);
	else if (result == 0 && !in_group)
		result = err_set(err, -EINVAL, "udp= needs localaddr=HOST:PORT");
	return result < 0 ? NULL : net_dgram_make(host, &local, &remote, -1, err);
}

static struct net_backend *socket_create(struct net_host *host, struct opts *opts, struct err *err)
{
	const char *fd = opts_get(opts, "fd"), *server = opts_get(opts, "listen");
	const char *client = opts_get(opts, "connect"), *group = opts_get(opts, "mcast");
	const char *udp = opts_get(opts, "udp"), *local = opts_get(opts, "localaddr");

	if (!!fd + !!server + !!client + !!group + !!udp != 1)
		err_set(err, -EINVAL, "give one of fd=, listen=, connect=, mcast= and udp=");
	else if (local && !group && !udp)
		err_set(err, -EINVAL, "localaddr= goes with mcast= or udp=");
	else if (fd)
		return make_from_fd(host, fd, err);
	else if (server || client)
		return make_stream(host, server ? server : client, server != NULL, err);
	else
		return make_dgram(host, group ? group : udp, local, group != NULL, err);
	return NULL;
}

static const char *const socket_properties[] = { "type",  "id",  "fd",        "listen", "connect",
						 "mcast", "udp", "localaddr", NULL };

const struct net_backend_class net_socket_class = {
	.type = "socket",
	.summary = "the same in older words: listen=, connect=, mcast=, udp=, fd=",
	.properties = socket_properties,
	.create = socket_create,
};

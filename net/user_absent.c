// SPDX-License-Identifier: GPL-2.0-or-later
/* A build without libslirp. */
#include <errno.h>
#include <stddef.h>

#include "base/err.h"
#include "net/kinds.h"
#include "net/user.h"

static struct net_backend *user_create(struct net_host *host, struct opts *opts, struct err *err)
{
	(void)host;
	(void)opts;
	err_set(err, -ENOTSUP, "this build has no user-mode network (libslirp)");
	return NULL;
}

static const char *const user_properties[] = { "type", "id", NULL };

const struct net_backend_class net_user_class = {
	.type = "user",
	.summary = "not in this build",
	.properties = user_properties,
	.create = user_create,
};

bool net_is_user(const struct net_backend *backend)
{
	(void)backend;
	return false;
}

int net_user_add_forward(struct net_backend *backend, const char *text, struct err *err)
{
	(void)backend;
	(void)text;
	return err_set(err, -ENOTSUP, "this build has no user-mode network (libslirp)");
}

int net_user_remove_forward(struct net_backend *backend, const char *text, struct err *err)
{
	return net_user_add_forward(backend, text, err);
}

char *net_user_describe(struct net_backend *backend)
{
	(void)backend;
	return NULL;
}

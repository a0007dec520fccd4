// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stands in for the Xen core where the build leaves it out (-Dxen=disabled, or no Xen headers).
 */
#include <errno.h>

#include "base/err.h"
#include "hv/hv.h"

struct hv *hv_xen_create(const struct hv_config *config, const struct hv_client *client,
			 struct loop *loop, struct err *err)
{
	(void)config;
	(void)client;
	(void)loop;
	err_set(err, -ENOTSUP,
		"this build of hvmdm has no Xen core; build it with -Dxen=enabled (libxen-dev)");
	return NULL;
}

int hv_xen_guard_start(const struct hv_guard *guard, struct err *err)
{
	(void)guard;
	(void)err;
	return 0;
}

void hv_xen_guard_dismiss(void)
{
}

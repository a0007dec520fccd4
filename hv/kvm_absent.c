// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Stands in for the KVM core where the build leaves it out (-Dkvm=disabled, or not Linux on
 * x86-64).
 */
#include <errno.h>

#include "base/err.h"
#include "hv/hv.h"

void hv_kvm_prepare(void)
{
}

struct hv *hv_kvm_create(const struct hv_config *config, const struct hv_client *client,
			 struct loop *loop, struct err *err)
{
	(void)config;
	(void)client;
	(void)loop;
	err_set(err, -ENOTSUP, "this build of hvmdm has no KVM core; build it with -Dkvm=enabled");
	return NULL;
}

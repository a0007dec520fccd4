// SPDX-License-Identifier: GPL-2.0-or-later
/* Stands in for the filter in a build without libseccomp (-Dsandbox=disabled). */
#include <errno.h>

#include "base/err.h"
#include "dm/sandbox_filter.h"

int sandbox_filter_load(const struct sandbox_allowances *allowances, struct err *err)
{
	(void)allowances;
	return err_set(err, -ENOTSUP,
		       "this build has no system call filter; build it with -Dsandbox=enabled");
}

int sandbox_filter_load_helper(struct err *err)
{
	return sandbox_filter_load(NULL, err);
}

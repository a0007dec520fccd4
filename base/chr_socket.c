// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>

#include "base/chr_internal.h"
#include "base/err.h"

struct chr *chr_open_socket(struct loop *loop, struct opts *opts, const char *label,
			    struct err *err)
{
	(void)loop;
	(void)opts;
	err_set(err, -ENOTSUP, "chardev '%s': sockets are not built in yet", label);
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The classes of back ends, for the table in backend.c. */
#pragma once

#include "net/backend.h"

extern const struct net_backend_class net_hubport_class, net_tap_class, net_stream_class,
	net_dgram_class, net_socket_class, net_user_class;

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network of the guest's own, behind which this process talks to the host's as any program does
 * (libslirp): no privileges, no interface. The guest gets an address by DHCP; the host is reached
 * at 10.0.2.2, names are resolved at 10.0.2.3, files come by TFTP.
 */
#pragma once

#include "net/backend.h"

/** Whether 'backend' is one of these. */
bool net_is_user(const struct net_backend *backend);
/**
 * Connections to a port of the host go to one of the guest: "tcp:HOST:PORT-GUEST:PORT", or udp,
 * with empty words for any address and the first that DHCP gives. 0, or -errno and a sentence.
 */
int net_user_add_forward(struct net_backend *backend, const char *text, struct err *err);
/** "tcp:HOST:PORT" no longer does. */
int net_user_remove_forward(struct net_backend *backend, const char *text, struct err *err);
/** A table of its connections, for people; the caller frees it. */
char *net_user_describe(struct net_backend *backend);

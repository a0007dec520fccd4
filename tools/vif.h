// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A network card of a configuration file, in xl's form (xl-network-configuration(5)):
 * "mac=00:16:3e:11:22:33,bridge=xenbr0,model=e1000". What hvm adds are networks without privileges:
 * "type=user,hostfwd=tcp::2222-:22", "type=stream,addr.type=unix,addr.path=/run/passt".
 */
#pragma once

#include <stdbool.h>

#include "tools/words.h"

struct err;

enum {
	VIF_MAX = 8,
	VIF_FIRST_FD = 16, /* of interfaces, in the device model */
	VIF_MAC_BYTES = 18,
};

enum vif_kind {
	VIF_TAP,     /* an interface of the host, which a script puts in its place */
	VIF_NETWORK, /* one of the device model's own networks */
	VIF_NONE,    /* type=vif: only for drivers of Xen */
};

/** Texts are owned; NULL: not given. */
struct vif {
	enum vif_kind kind;
	char mac[VIF_MAC_BYTES];
	char *model;
	char *bridge, *script, *interface, *ip, *mtu;
	char *ignored; /* words that mean something on Xen only */
	char *network; /* "user,hostfwd=...": words of -netdev, but for the id */
};

/**
 * Parses card number 'index' of the guest that 'seed' (its UUID or name) stands for: its address,
 * unless it is given, stays the same as long as these do. 0, or -EINVAL and a sentence; 'vif' then
 * needs no finish.
 */
int vif_parse(struct vif *vif, const char *spec, const char *seed, unsigned index, struct err *err);
void vif_finish(struct vif *vif);

/** The interfaces of a guest that is about to start, each behind a descriptor of its own. */
struct vif_taps {
	const struct vif *vifs;
	unsigned count;
	const char *guest;
	char names[VIF_MAX][16];
};

/**
 * Makes them, at VIF_FIRST_FD plus the card's number, and runs their scripts with "add". 0, or
 * -errno and a sentence; what was made is gone then.
 */
int vif_open_taps(struct vif_taps *taps, struct err *err);
/** Closes this process' descriptors; the device model has its own. */
void vif_close_taps(const struct vif_taps *taps);
/** Runs the scripts with "remove". */
void vif_remove_taps(const struct vif_taps *taps);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Guests that xl has started on this host, a dom0: their device models answer here, too.
 */
#pragma once

struct err;

/**
 * The control socket of a guest that is called by its name or domain number: the second of the two
 * that xl gives it, since its own commands go by the first. The caller frees it. NULL and a
 * sentence.
 */
char *xen_guest_socket(const char *name_or_number, struct err *err);

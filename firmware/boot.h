// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What SeaBIOS asks about booting: the order of devices, its menu, and what to do if nothing boots.
 */
#pragma once

#include <stdint.h>

#include "firmware/arena.h"

struct firmware_board;

/** Appends the file "bootorder": a path a line, "HALT" last if the order is strict, NUL. Nothing if
 * there is no order. */
void boot_order_build(const struct firmware_board *board, struct blob *out);

/** The value of "etc/boot-fail-wait": milliseconds until a reset, or -1 for never. */
int32_t boot_fail_wait(const struct firmware_board *board);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The paravirtual keyboard and pointer (Xen 4.17, public/io/kbdif.h), host's end. A sink of
 * base/input.h that is ready while a driver of the guest is connected; without one, input goes to
 * the PS/2 devices as ever.
 *
 * Modelled: keys, buttons, wheel, relative movement, absolute positions scaled to what the backend
 * announces (feature-abs-pointer, width, height) or raw (feature-raw-pointer). Not modelled:
 * multi-touch, and LEDs, for which the protocol has no word.
 */
#pragma once

#include "hv/xen_backend.h"

extern const struct xen_backend_class xen_vkbd_class;

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Devices that other device models have and Xen's toolstack may ask for: what to do without them.
 */
#pragma once

/** What to say to whoever asks for 'driver', or NULL if nothing is known of it. */
const char *cards_advice(const char *driver);

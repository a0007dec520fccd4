// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What tests may ask the core without processors, beside hv.h: the levels of the interrupt wires.
 */
#pragma once

#include <stdbool.h>

struct hv;

/** The level last driven onto 'gsi' (0 to 23; others are low). 'hv' is from hv_null_create. */
bool hv_null_irq_level(const struct hv *hv, unsigned gsi);

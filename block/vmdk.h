// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * VMDK images of one file, for reading: monolithicSparse and streamOptimized. Others (a descriptor
 * beside extents, images over a parent, ESX's own) are refused by name.
 */
#pragma once

#include "block/driver.h"

/** As vpc_open. */
int vmdk_open(struct block *block, const struct block_options *options,
	      const struct block_role *role, struct err *err);

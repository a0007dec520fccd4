// SPDX-License-Identifier: GPL-2.0-or-later
/* Words for PCI class codes, for people. */
#pragma once

#include <stdint.h>

/** "VGA controller" for base class and sub-class 0x0300; "Unknown device" for what has no word. */
const char *pci_class_name(uint32_t class_code);

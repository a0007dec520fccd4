// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/pci_classes.h"

#include <stddef.h>

#include "base/bits.h"
#include "bus/pci_regs.h"

const char *pci_class_name(uint32_t class_code)
{
	static const struct {
		uint32_t class_code;
		const char *name;
	} names[] = {
		{ PCI_CLASS_IDE, "IDE controller" },
		{ PCI_CLASS_SATA, "SATA controller" },
		{ PCI_CLASS_VGA, "VGA controller" },
		{ PCI_CLASS_HOST_BRIDGE, "Host bridge" },
		{ PCI_CLASS_ISA_BRIDGE, "ISA bridge" },
		{ PCI_CLASS_OTHER_BRIDGE, "Bridge" },
		{ PCI_CLASS_NETWORK, "Ethernet controller" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].class_code == class_code)
			return names[i].name;
	return "Unknown device";
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/cards_others.h"

#include <string.h>
#include <strings.h>

#include "base/bits.h"

#define NO_SCSI  "SCSI disks (vdev sda and so on) are not supported: use hda to hdd"
#define NO_SOUND "sound cards are not supported: leave soundhw out"
#define NO_NET   "this network card is not supported: take another model (-device help)"
#define NO_USB   "USB 3 is not supported: use usbversion=1 or 2"
#define NO_CARD  "this display card is not supported: use vga=\"stdvga\""

const char *cards_advice(const char *driver)
{
	/* By how the name begins, in either case. */
	static const struct {
		const char *prefix, *advice;
	} rows[] = {
		{ "lsi", NO_SCSI },
		{ "scsi-", NO_SCSI },
		{ "qxl", NO_CARD },
		{ "vmware-svga", NO_CARD },
		{ "virtio-vga", NO_CARD },
		{ "virtio-net", NO_NET },
		{ "virtio", "virtio devices are not supported" },
		{ "virtserialport", "virtio devices are not supported" },
		{ "rtl8139", NO_NET },
		{ "e1000", NO_NET },
		{ "ne2k", NO_NET },
		{ "pcnet", NO_NET },
		{ "i825", NO_NET },
		{ "tulip", NO_NET },
		{ "vmxnet3", NO_NET },
		{ "ac97", NO_SOUND },
		{ "adlib", NO_SOUND },
		{ "cs4231a", NO_SOUND },
		{ "es1370", NO_SOUND },
		{ "gus", NO_SOUND },
		{ "sb16", NO_SOUND },
		{ "hda-", NO_SOUND },
		{ "intel-hda", NO_SOUND },
		{ "nec-usb", NO_USB },
		{ "qemu-xhci", NO_USB },
		{ "usb-redir", NO_USB },
		{ "usb-",
		  "of USB there are usb-tablet, usb-mouse, usb-kbd, usb-hub and usb-storage" },
		{ "xen-pvdevice",
		  "Windows' update device is not supported: leave vendor_device out" },
		{ "xen-pci", "devices of the host cannot be passed through: leave pci out" },
		{ "vfio-pci", "devices of the host cannot be passed through" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strncasecmp(driver, rows[i].prefix, strlen(rows[i].prefix)) == 0)
			return rows[i].advice;
	return NULL;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/keys.h"

#include <string.h>

#include "base/bits.h"
#include "base/err.h"

/* clang-format off */
static const struct key_row keys[] = {
	{ "acpi", KEY_USED, NULL },
	{ "acpi_firmware", KEY_LATER, "additional ACPI tables" },
	{ "acpi_laptop_slate", KEY_IGNORED, NULL },
	{ "acpi_s3", KEY_IGNORED, NULL },
	{ "acpi_s4", KEY_IGNORED, NULL },
	{ "altp2m", KEY_IGNORED, NULL },
	{ "altp2mhvm", KEY_IGNORED, NULL },
	{ "apic", KEY_IGNORED, NULL },
	{ "bios", KEY_USED, NULL },
	{ "blkif", KEY_IGNORED, NULL },
	{ "boot", KEY_USED, NULL },
	{ "boot_once", KEY_USED, NULL },
	{ "bootloader", KEY_IGNORED, NULL },
	{ "bootloader_args", KEY_IGNORED, NULL },
	{ "builder", KEY_USED, NULL },
	{ "cap", KEY_IGNORED, NULL },
	{ "cdrom", KEY_USED, NULL },
	{ "channel", KEY_LATER, "channels" },
	{ "claim_mode", KEY_IGNORED, NULL },
	{ "cmdline", KEY_USED, NULL },
	{ "config_version", KEY_IGNORED, NULL },
	{ "cpu", KEY_IGNORED, NULL },
	{ "cpu_weight", KEY_IGNORED, NULL },
	{ "cpuid", KEY_IGNORED, NULL },
	{ "cpus", KEY_IGNORED, NULL },
	{ "cpus_soft", KEY_IGNORED, NULL },
	{ "credit", KEY_IGNORED, NULL },
	{ "device_model", KEY_USED, NULL },
	{ "device_model_args", KEY_USED, NULL },
	{ "device_model_args_hvm", KEY_USED, NULL },
	{ "device_model_args_pv", KEY_IGNORED, NULL },
	{ "device_model_override", KEY_USED, NULL },
	{ "device_model_stubdomain_override", KEY_IGNORED, NULL },
	{ "device_model_stubdomain_seclabel", KEY_IGNORED, NULL },
	{ "device_model_user", KEY_USED, NULL },
	{ "device_model_version", KEY_IGNORED, NULL },
	{ "device_tree", KEY_REFUSED, "device trees are for ARM guests" },
	{ "disk", KEY_USED, NULL },
	{ "disk_limits", KEY_USED, NULL },
	{ "display", KEY_IGNORED, NULL },
	{ "dm_restrict", KEY_IGNORED, NULL },
	{ "driver_domain", KEY_IGNORED, NULL },
	{ "dtdev", KEY_REFUSED, "host devices cannot be passed through" },
	{ "e820_host", KEY_IGNORED, NULL },
	{ "enable_audio", KEY_IGNORED, NULL },
	{ "event_channels", KEY_IGNORED, NULL },
	{ "exclude_vcpus", KEY_IGNORED, NULL },
	{ "extra", KEY_USED, NULL },
	{ "fda", KEY_USED, NULL },
	{ "fdb", KEY_USED, NULL },
	{ "features", KEY_IGNORED, NULL },
	{ "firmware", KEY_USED, NULL },
	{ "firmware_override", KEY_REFUSED, "the firmware is SeaBIOS and cannot be replaced" },
	{ "full_screen", KEY_IGNORED, NULL },
	{ "gateway", KEY_IGNORED, NULL },
	{ "gfx_passthru", KEY_REFUSED, "graphics cards cannot be passed through" },
	{ "hap", KEY_IGNORED, NULL },
	{ "hdtype", KEY_USED, NULL },
	{ "hostname", KEY_IGNORED, NULL },
	{ "hpet", KEY_USED, NULL },
	{ "init_seclabel", KEY_IGNORED, NULL },
	{ "iomem", KEY_IGNORED, NULL },
	{ "ioports", KEY_IGNORED, NULL },
	{ "ip", KEY_IGNORED, NULL },
	{ "irq", KEY_IGNORED, NULL },
	{ "isa", KEY_IGNORED, NULL },
	{ "keep_on_crash", KEY_IGNORED, NULL },
	{ "kernel", KEY_USED, NULL },
	{ "keymap", KEY_USED, NULL },
	{ "loader", KEY_IGNORED, NULL },
	{ "localtime", KEY_USED, NULL },
	{ "max_altp2m", KEY_IGNORED, NULL },
	{ "max_event_channels", KEY_IGNORED, NULL },
	{ "max_grant_frames", KEY_IGNORED, NULL },
	{ "max_grant_version", KEY_IGNORED, NULL },
	{ "max_maptrack_frames", KEY_IGNORED, NULL },
	{ "maxmem", KEY_IGNORED, NULL },
	{ "maxvcpus", KEY_USED, NULL },
	{ "mca_caps", KEY_IGNORED, NULL },
	{ "memory", KEY_USED, NULL },
	{ "mmio_hole", KEY_IGNORED, NULL },
	{ "mmio_hole_memkb", KEY_IGNORED, NULL },
	{ "monitor", KEY_IGNORED, NULL },
	{ "ms_vm_genid", KEY_IGNORED, NULL },
	{ "name", KEY_USED, NULL },
	{ "ne2000", KEY_LATER, "a network card" },
	{ "nestedhvm", KEY_IGNORED, NULL },
	{ "netif", KEY_IGNORED, NULL },
	{ "netmask", KEY_IGNORED, NULL },
	{ "nics", KEY_LATER, "a network card" },
	{ "nodes", KEY_IGNORED, NULL },
	{ "nographic", KEY_USED, NULL },
	{ "nomigrate", KEY_IGNORED, NULL },
	{ "nx", KEY_IGNORED, NULL },
	{ "on_crash", KEY_USED, NULL },
	{ "on_poweroff", KEY_USED, NULL },
	{ "on_reboot", KEY_USED, NULL },
	{ "on_soft_reset", KEY_IGNORED, NULL },
	{ "on_watchdog", KEY_IGNORED, NULL },
	{ "oos", KEY_IGNORED, NULL },
	{ "opengl", KEY_IGNORED, NULL },
	{ "p9", KEY_LATER, "9pfs shares" },
	{ "pae", KEY_IGNORED, NULL },
	{ "passthrough", KEY_IGNORED, NULL },
	{ "pci", KEY_REFUSED, "PCI devices cannot be passed through" },
	{ "pool", KEY_IGNORED, NULL },
	{ "pvcalls", KEY_LATER, "PV calls" },
	{ "pvshim", KEY_IGNORED, NULL },
	{ "pvshim_cmdline", KEY_IGNORED, NULL },
	{ "pvshim_extra", KEY_IGNORED, NULL },
	{ "pvshim_path", KEY_IGNORED, NULL },
	{ "ramdisk", KEY_USED, NULL },
	{ "rdm", KEY_REFUSED, "host devices cannot be passed through" },
	{ "restart", KEY_IGNORED, NULL },
	{ "root", KEY_USED, NULL },
	{ "rtc_timeoffset", KEY_IGNORED, NULL },
	{ "sched", KEY_IGNORED, NULL },
	{ "sdl", KEY_USED, NULL },
	{ "seclabel", KEY_IGNORED, NULL },
	{ "serial", KEY_USED, NULL },
	{ "shadow_memory", KEY_IGNORED, NULL },
	{ "smbios_firmware", KEY_LATER, "additional SMBIOS tables" },
	{ "snapshot", KEY_IGNORED, NULL },
	{ "soundhw", KEY_LATER, "a sound card" },
	{ "spice", KEY_LATER, "SPICE" },
	{ "spice_clipboard_sharing", KEY_LATER, "SPICE" },
	{ "spice_image_compression", KEY_LATER, "SPICE" },
	{ "spice_streaming_video", KEY_LATER, "SPICE" },
	{ "spiceagent_mouse", KEY_LATER, "SPICE" },
	{ "spicedisable_ticketing", KEY_LATER, "SPICE" },
	{ "spicehost", KEY_LATER, "SPICE" },
	{ "spicepasswd", KEY_LATER, "SPICE" },
	{ "spiceport", KEY_LATER, "SPICE" },
	{ "spicetls_port", KEY_LATER, "SPICE" },
	{ "spiceusbredirection", KEY_LATER, "SPICE" },
	{ "spicevdagent", KEY_LATER, "SPICE" },
	{ "stdvga", KEY_USED, NULL },
	{ "system_firmware", KEY_REFUSED, "the firmware is SeaBIOS and cannot be replaced" },
	{ "tee", KEY_REFUSED, "it is for ARM guests" },
	{ "timer_mode", KEY_IGNORED, NULL },
	{ "tpmif", KEY_IGNORED, NULL },
	{ "tsc_mode", KEY_IGNORED, NULL },
	{ "type", KEY_USED, NULL },
	{ "usb", KEY_USED, NULL },
	{ "usbctrl", KEY_LATER, "USB" },
	{ "usbdev", KEY_LATER, "USB" },
	{ "usbdevice", KEY_USED, NULL },
	{ "usbversion", KEY_USED, NULL },
	{ "uuid", KEY_USED, NULL },
	{ "vcpus", KEY_USED, NULL },
	{ "vdispl", KEY_LATER, "a paravirtual display" },
	{ "vendor_device", KEY_LATER, "vendor devices" },
	{ "vfb", KEY_LATER, "a paravirtual display" },
	{ "vga", KEY_USED, NULL },
	{ "videoram", KEY_USED, NULL },
	{ "vif", KEY_USED, NULL },
	{ "viridian", KEY_IGNORED, NULL },
	{ "vkb", KEY_LATER, "a paravirtual keyboard" },
	{ "vmtrace_buf_kb", KEY_IGNORED, NULL },
	{ "vnc", KEY_USED, NULL },
	{ "vncconnect", KEY_IGNORED, NULL },
	{ "vncconsole", KEY_USED, NULL },
	{ "vncdisplay", KEY_USED, NULL },
	{ "vnclisten", KEY_USED, NULL },
	{ "vncpasswd", KEY_USED, NULL },
	{ "vncunused", KEY_USED, NULL },
	{ "vncviewer", KEY_USED, NULL },
	{ "vnuma", KEY_IGNORED, NULL },
	{ "vpmu", KEY_IGNORED, NULL },
	{ "vpt_align", KEY_IGNORED, NULL },
	{ "vscsi", KEY_LATER, "PV SCSI" },
	{ "vsnd", KEY_LATER, "a paravirtual sound card" },
	{ "vtpm", KEY_LATER, "a TPM" },
	{ "weight", KEY_IGNORED, NULL },
	{ "xauthority", KEY_IGNORED, NULL },
	{ "xen_platform_pci", KEY_IGNORED, NULL },
	{ "xend_config_format", KEY_IGNORED, NULL },
};
/* clang-format on */

const struct key_row *key_at(unsigned index)
{
	return index < ARRAY_SIZE(keys) ? &keys[index] : NULL;
}

const struct key_row *key_find(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

static const char *find_nearest(const char *name, bool ignored)
{
	const char *names[ARRAY_SIZE(keys) + 1];
	size_t count = 0;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if ((keys[i].fate == KEY_IGNORED) == ignored)
			names[count++] = keys[i].name;
	names[count] = NULL;
	return err_nearest_word(name, names);
}

const char *key_nearest(const char *name)
{
	const char *nearest = find_nearest(name, false);

	return nearest ? nearest : find_nearest(name, true);
}

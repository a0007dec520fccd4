// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/options_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"

/* Disks and devices */

static int apply_drive(struct options *options, const char *argument, struct err *err)
{
	return options_list_append(&options->drives, argument, NULL, err);
}

/** The newer way to name an image, as far as it means -drive if=none. */
static int apply_blockdev(struct options *options, const char *argument, struct err *err)
{
	const char *driver, *node, *filename, *read_only;
	struct opts opts, *drive;
	int result;

	if (opts_parse(&opts, argument, "driver", err) < 0)
		return -EINVAL;
	driver = opts_get_or(&opts, "driver", "");
	node = opts_get(&opts, "node-name");
	filename = opts_get(&opts, "filename");
	read_only = opts_get_or(&opts, "read-only", "off");
	result = opts_check_unused(&opts, NULL, err);
	if (result == 0 && strcmp(driver, "file") != 0 && strcmp(driver, "host_device") != 0)
		result = err_set(err, -EINVAL, "-blockdev %s: known are file and host_device",
				 driver);
	if (result == 0 && (!node || !filename))
		result = err_set(err, -EINVAL, "-blockdev needs node-name= and filename=");
	if (result == 0)
		result = options_list_append(&options->drives, "if=none,format=raw", NULL, err);
	if (result == 0) {
		drive = &options->drives.items[options->drives.count - 1];
		if (opts_set(drive, "id", node) < 0 || opts_set(drive, "file", filename) < 0 ||
		    opts_set(drive, "readonly", read_only) < 0)
			result = err_set_errno(err, -ENOMEM, "cannot keep '%s'", filename);
	}
	opts_finish(&opts);
	return result;
}

/** A short form: the file name is taken as it is, so commas in it are doubled for -drive's syntax.
 */
static int append_drive_file(struct options *options, const char *words, const char *file,
			     struct err *err)
{
	int result = options_list_append(&options->drives, words, NULL, err);

	if (result == 0 &&
	    opts_set(&options->drives.items[options->drives.count - 1], "file", file) < 0)
		result = err_set_errno(err, -ENOMEM, "cannot keep '%s'", file);
	return result;
}

static int apply_fda(struct options *options, const char *argument, struct err *err)
{
	return append_drive_file(options, "if=floppy,index=0,format=raw", argument, err);
}

static int apply_fdb(struct options *options, const char *argument, struct err *err)
{
	return append_drive_file(options, "if=floppy,index=1,format=raw", argument, err);
}

static int apply_cdrom(struct options *options, const char *argument, struct err *err)
{
	return append_drive_file(options, "if=ide,index=2,media=cdrom,format=raw", argument, err);
}

static int apply_hda(struct options *options, const char *argument, struct err *err)
{
	return append_drive_file(options, "if=ide,index=0,media=disk,format=raw", argument, err);
}

static int apply_hdb(struct options *options, const char *argument, struct err *err)
{
	return append_drive_file(options, "if=ide,index=1,media=disk,format=raw", argument, err);
}

static int apply_hdc(struct options *options, const char *argument, struct err *err)
{
	return append_drive_file(options, "if=ide,index=2,media=disk,format=raw", argument, err);
}

static int apply_hdd(struct options *options, const char *argument, struct err *err)
{
	return append_drive_file(options, "if=ide,index=3,media=disk,format=raw", argument, err);
}

static int apply_device(struct options *options, const char *argument, struct err *err)
{
	return options_list_append(&options->devices, argument, "driver", err);
}

static int apply_global(struct options *options, const char *argument, struct err *err)
{
	const char *dot = strchr(argument, '.'), *equals = strchr(argument, '=');

	if (!dot || !equals || dot > equals)
		return err_set(err, -EINVAL, "-global %s: give DEVICE.PROPERTY=VALUE", argument);
	return options_list_append(&options->globals, argument, NULL, err);
}

static int apply_vga(struct options *options, const char *argument, struct err *err)
{
	static const char *const known[] = { "std", "cirrus", "none", NULL };

	for (size_t i = 0; known[i]; i++) {
		if (strcmp(argument, known[i]) == 0) {
			options->vga = known[i];
			return 0;
		}
	}
	return err_set(err, -EINVAL, "-vga %s: known are std, cirrus and none", argument);
}

static int apply_audio(struct options *options, const char *argument, struct err *err)
{
	size_t length = strcspn(argument, ",");

	(void)options;
	if (length == 4 && strncmp(argument, "none", 4) == 0)
		return 0;
	return err_set(err, -ENOTSUP, "sound is not supported yet: use -audio none");
}

static int apply_usb(struct options *options, const char *argument, struct err *err)
{
	(void)argument;
	(void)err;
	options->usb = true;
	return 0;
}

static int apply_usbdevice(struct options *options, const char *argument, struct err *err)
{
	static const char *const known[] = { "tablet", "mouse", "keyboard", NULL };

	for (size_t i = 0; known[i]; i++)
		if (strcmp(argument, known[i]) == 0)
			return options_words_append(&options->usb_devices, argument, err);
	if (strncmp(argument, "host:", 5) == 0)
		return err_set(err, -ENOTSUP,
			       "-usbdevice %s: USB devices of the host cannot be passed through",
			       argument);
	return err_set(err, -ENOTSUP, "-usbdevice %s: give tablet, mouse or keyboard", argument);
}

/* Character devices and control */

static int apply_chardev(struct options *options, const char *argument, struct err *err)
{
	static const char channel[] = "libxl-channel";
	int result = options_list_append(&options->chardevs, argument, "backend", err);
	const char *id;

	if (result < 0)
		return result;
	id = opts_get_or(&options->chardevs.items[options->chardevs.count - 1], "id", "");
	if (strncmp(id, channel, strlen(channel)) == 0)
		return err_set(err, -ENOTSUP,
			       "paravirtual consoles are not supported: leave channel out of the "
			       "guest's configuration");
	if (result == 0)
		result = options_words_append(&options->chardev_specs, argument, err);
	return result;
}

/** Captures of networks. What Xen's toolstack makes objects for is COLO alone. */
static int apply_object(struct options *options, const char *argument, struct err *err)
{
	if (strncmp(argument, "filter-dump,", strlen("filter-dump,")) == 0)
		return options_list_append(&options->dumps, argument, "qom-type", err);
	return err_set(err, -ENOTSUP, "-object %.*s: objects, and so COLO, are not supported",
		       (int)strcspn(argument, ","), argument);
}

static int apply_mon(struct options *options, const char *argument, struct err *err)
{
	return options_list_append(&options->monitors, argument, "chardev", err);
}

static int apply_serial(struct options *options, const char *argument, struct err *err)
{
	if (options->serials.count == OPTIONS_MAX_SERIALS)
		return err_set(err, -EINVAL, "there are four serial ports at the most");
	return options_words_append(&options->serials, argument, err);
}

static int apply_parallel(struct options *options, const char *argument, struct err *err)
{
	(void)options;
	if (strcmp(argument, "none") == 0 || strcmp(argument, "null") == 0)
		return 0;
	return err_set(err, -ENOTSUP, "parallel ports are not supported: use -parallel none");
}

static int apply_qmp(struct options *options, const char *argument, struct err *err)
{
	return options_words_append(&options->qmp_specs, argument, err);
}

static int apply_monitor(struct options *options, const char *argument, struct err *err)
{
	return options_words_append(&options->monitor_specs, argument, err);
}

static int apply_debugcon(struct options *options, const char *argument, struct err *err)
{
	(void)err;
	options->debugcon = argument;
	return 0;
}

FLAG_OPTION(apply_no_defaults, no_defaults)

const struct option_row option_device_rows[] = {
	{ "drive", "PROP=VALUE,...",
	  "a disk or CD-ROM: file=, if=ide|none, index=, media=, format=raw", apply_drive },
	{ "blockdev", "file,node-name=,filename=", NULL, apply_blockdev },
	{ "hda", "FILE", "a disk as primary master (-hdb, -hdc, -hdd: the others)", apply_hda },
	{ "hdb", "FILE", NULL, apply_hdb },
	{ "hdc", "FILE", NULL, apply_hdc },
	{ "hdd", "FILE", NULL, apply_hdd },
	{ "fda", "FILE", "a floppy disk in the first drive (-fdb: the second)", apply_fda },
	{ "fdb", "FILE", NULL, apply_fdb },
	{ "cdrom", "FILE", "a CD-ROM as secondary master", apply_cdrom },
	{ "device", "NAME[,PROP=VALUE]", "a device (-device help)", apply_device },
	{ "global", "NAME.PROP=VALUE", "a property for every device of a name", apply_global },
	{ "vga", "std|cirrus|none", "the display card", apply_vga },
	{ "audio", "none", NULL, apply_audio },
	{ "audiodev", "none,id=ID", NULL, apply_audio },
	{ "usb", NULL, "a USB controller with two ports", apply_usb },
	{ "usbdevice", "NAME", "tablet, mouse or keyboard on USB", apply_usbdevice },
	{ "serial", "BACKEND", "a serial port: pty, stdio, file:, unix:, tcp:, null",
	  apply_serial },
	{ "parallel", "BACKEND", NULL, apply_parallel },
	{ "chardev", "BACKEND,id=ID,...", "a character backend", apply_chardev },
	{ "object", "filter-dump,id=,...",
	  "a capture of a network: netdev=, file=, maxlen=", apply_object },
	{ "mon", "chardev=ID[,mode=]", "a monitor on a chardev", apply_mon },
	{ "qmp", "BACKEND", "a QMP control socket", apply_qmp },
	{ "monitor", "BACKEND", "a monitor for people", apply_monitor },
	{ "debugcon", "BACKEND", "output of the firmware's debug port 0x402", apply_debugcon },
	{ "nodefaults", NULL, "no device that is not asked for", apply_no_defaults },
	{ "no-user-config", NULL, NULL, options_apply_ignored },
	{ NULL, NULL, NULL, NULL },
};

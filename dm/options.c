// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/options.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "dm/cards.h"
#include "dm/version.h"

/** A word of the command line. A handler gets the argument, or NULL if the word takes none. */
struct option_row {
	const char *name;     /* without its dash */
	const char *argument; /* for the help; NULL: takes none */
	const char *help;     /* NULL: accepted for others' sake, not shown */
	int (*apply)(struct options *options, const char *argument, struct err *err);
};

static int list_append(struct options_list *list, const char *text, const char *implied_key,
		       struct err *err)
{
	struct opts *items = realloc(list->items, (list->count + 1) * sizeof(*items));

	if (!items)
		return err_set_errno(err, -ENOMEM, "cannot keep '%s'", text);
	list->items = items;
	if (opts_parse(&items[list->count], text, implied_key, err) < 0)
		return -EINVAL;
	list->count++;
	return 0;
}

static int words_append(struct options_words *words, const char *word, struct err *err)
{
	const char **items = realloc(words->items, (words->count + 1) * sizeof(char *));

	if (!items)
		return err_set_errno(err, -ENOMEM, "cannot keep '%s'", word);
	items[words->count++] = word;
	words->items = items;
	return 0;
}

/* -machine, -accel */

/** A core that is named takes its place unless one that works has been named before. */
static void offer_accel(struct options *options, enum options_accel accel)
{
	if (options->accel_chosen && options->accel_works)
		return;
	options->accel = accel;
	options->accel_chosen = true;
	options->accel_works = accel != ACCEL_KVM || access("/dev/kvm", R_OK | W_OK) == 0;
}

/** One of "kvm:tcg". Emulators of processors are remembered, for the case that nothing else is
 * named. */
static int offer_accel_name(struct options *options, const char *name, size_t length,
			    struct err *err)
{
	static const struct {
		const char *name;
		enum options_accel accel;
		bool emulates;
	} known[] = {
		{.name = "kvm",    .accel = ACCEL_KVM  },
		{ .name = "xen",   .accel = ACCEL_XEN  },
		{ .name = "qtest", .accel = ACCEL_QTEST},
		{ .name = "tcg",   .emulates = true    },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strlen(known[i].name) != length || strncmp(known[i].name, name, length) != 0)
			continue;
		if (known[i].emulates)
			options->accel_emulation = true;
		else
			offer_accel(options, known[i].accel);
		return 0;
	}
	return err_set(err, -EINVAL, "unknown accelerator '%.*s', known are kvm, xen and qtest",
		       (int)length, name);
}

static int set_accel(struct options *options, const char *names, struct err *err)
{
	int result;

	do {
		size_t length = strcspn(names, ":");

		result = offer_accel_name(options, names, length, err);
		names += length + (names[length] == ':');
	} while (result == 0 && *names);
	return result;
}

static int apply_accel(struct options *options, const char *argument, struct err *err)
{
	struct opts opts;
	int result;

	if (opts_parse(&opts, argument, "accel", err) < 0)
		return -EINVAL;
	result = set_accel(options, opts_get_or(&opts, "accel", ""), err);
	opts_get(&opts, "thread");
	if (result == 0)
		result = opts_check_unused(&opts, NULL, err);
	opts_finish(&opts);
	return result;
}

/** Whatever else is named. */
static void choose_xen(struct options *options)
{
	options->accel = ACCEL_XEN;
	options->accel_chosen = options->accel_works = true;
}

static int set_machine_type(struct options *options, const char *type, struct err *err)
{
	static const char *const known[] = { "pc", "xenfv", "none", "pc-i440fx", "xenpv", NULL };

	if (strcmp(type, "none") == 0) {
		options->board = BOARD_NONE;
		return 0;
	}
	if (strcmp(type, "xenpv") == 0)
		return err_set(
			err, -EINVAL,
			"machine 'xenpv' is for paravirtual guests; hvmdm serves HVM guests");
	if (strcmp(type, "xenfv") == 0) {
		choose_xen(options);
		options->xen_platform = true;
		return 0;
	}
	/* Versioned names of others' boards mean our one board. */
	if (strcmp(type, "pc") == 0 || strncmp(type, "pc-i440fx", strlen("pc-i440fx")) == 0)
		return 0;
	return err_set(err, -EINVAL, "unknown machine '%s', did you mean '%s'? (-machine help)",
		       type, err_nearest_word(type, known) ? err_nearest_word(type, known) : "pc");
}

static int apply_machine_properties(struct options *options, struct opts *opts, struct err *err)
{
	static const char *const known[] = { "type",
					     "accel",
					     "hpet",
					     "acpi",
					     "suppress-vmdesc",
					     "max-ram-below-4g",
					     "usb",
					     "igd-passthru",
					     "graphics",
					     "vmport",
					     "smm",
					     NULL };
	bool ignored = false, igd = false, graphics = true;
	const char *accel = opts_get(opts, "accel");
	int result = set_machine_type(options, opts_get_or(opts, "type", "pc"), err);

	if (result == 0 && accel)
		result = set_accel(options, accel, err);
	if (result == 0)
		result = opts_get_bool(opts, "hpet", &options->hpet, err);
	if (result == 0)
		result = opts_get_bool(opts, "acpi", &options->acpi, err);
	if (result == 0)
		result = opts_get_bool(opts, "suppress-vmdesc", &ignored, err);
	if (result == 0)
		result = opts_get_bool(opts, "igd-passthru", &igd, err);
	if (result == 0)
		result = opts_get_bool(opts, "graphics", &graphics, err);
	if (result == 0)
		result = opts_get_size(opts, "max-ram-below-4g", &options->max_low_bytes, 1, err);
	opts_get(opts, "vmport");
	opts_get(opts, "smm");
	opts_get(opts, "usb");
	if (result == 0 && igd)
		result = err_set(err, -EINVAL, "graphics passthrough is not supported");
	if (result == 0)
		result = opts_check_unused(opts, known, err);
	options->serial_console |= !graphics;
	return result;
}

static int apply_machine(struct options *options, const char *argument, struct err *err)
{
	struct opts opts;
	int result;

	if (opts_parse(&opts, argument, "type", err) < 0)
		return -EINVAL;
	result = apply_machine_properties(options, &opts, err);
	opts_finish(&opts);
	return result;
}

static int apply_enable_kvm(struct options *options, const char *argument, struct err *err)
{
	(void)argument;
	return set_accel(options, "kvm", err);
}

static int apply_no_acpi(struct options *options, const char *argument, struct err *err)
{
	(void)argument;
	(void)err;
	options->acpi = false;
	return 0;
}

static int apply_no_hpet(struct options *options, const char *argument, struct err *err)
{
	(void)argument;
	(void)err;
	options->hpet = false;
	return 0;
}

/* -m, -smp, -name, -uuid */

static int apply_memory(struct options *options, const char *argument, struct err *err)
{
	const uint64_t most = UINT64_C(64) << 30;
	struct opts opts;
	int result;

	if (opts_parse(&opts, argument, "size", err) < 0)
		return -EINVAL;
	result = opts_get_size(&opts, "size", &options->ram_bytes, UINT64_C(1) << 20, err);
	opts_get(&opts, "slots");
	opts_get(&opts, "maxmem");
	if (result == 0)
		result = opts_check_unused(&opts, NULL, err);
	opts_finish(&opts);
	if (result == 0 && (options->ram_bytes < (1 << 20) || options->ram_bytes > most))
		return err_set(err, -EINVAL, "-m %s: give 1 MiB to 64 GiB of memory", argument);
	options->ram_bytes = align_down(options->ram_bytes, 1 << 20);
	return result;
}

static int apply_smp(struct options *options, const char *argument, struct err *err)
{
	uint64_t cpus = 0, max_cpus = 0, ignored = 0;
	struct opts opts;
	int result;

	if (opts_parse(&opts, argument, "cpus", err) < 0)
		return -EINVAL;
	result = opts_get_number(&opts, "cpus", &cpus, 1, OPTIONS_MAX_CPUS, err);
	if (result == 0)
		result = opts_get_number(&opts, "maxcpus", &max_cpus, 1, OPTIONS_MAX_CPUS, err);
	/* Each processor is a socket of its own; other topologies are understood but not built. */
	opts_get_number(&opts, "sockets", &ignored, 1, OPTIONS_MAX_CPUS, NULL);
	opts_get_number(&opts, "cores", &ignored, 1, OPTIONS_MAX_CPUS, NULL);
	opts_get_number(&opts, "threads", &ignored, 1, OPTIONS_MAX_CPUS, NULL);
	if (result == 0)
		result = opts_check_unused(&opts, NULL, err);
	opts_finish(&opts);
	if (result < 0)
		return result;
	options->cpus = (unsigned)(cpus ? cpus : max_cpus ? max_cpus : 1);
	options->max_cpus = (unsigned)(max_cpus ? max_cpus : options->cpus);
	if (options->max_cpus < options->cpus)
		return err_set(err, -EINVAL, "-smp %s: maxcpus is less than cpus", argument);
	return 0;
}

static int apply_name(struct options *options, const char *argument, struct err *err)
{
	(void)err;
	/* "guest=NAME,debug-threads=on" is QEMU's long form; a toolstack's name is taken as it is,
	 * commas included. */
	options->name = strncmp(argument, "guest=", 6) == 0 ? argument + 6 : argument;
	return 0;
}

static int apply_uuid(struct options *options, const char *argument, struct err *err)
{
	unsigned digits = 0;

	for (const char *c = argument; *c; c++) {
		const char *hex = "0123456789abcdef", *digit = strchr(hex, *c | 32);

		if (*c == '-')
			continue;
		if (!digit || digits == 32)
			return err_set(err, -EINVAL, "-uuid %s: not a UUID", argument);
		options->uuid[digits / 2] =
			(uint8_t)(options->uuid[digits / 2] << 4 | (uint8_t)(digit - hex));
		digits++;
	}
	if (digits != 32)
		return err_set(err, -EINVAL, "-uuid %s: not a UUID", argument);
	options->has_uuid = true;
	return 0;
}

/* Disks and devices */

static int apply_drive(struct options *options, const char *argument, struct err *err)
{
	return list_append(&options->drives, argument, NULL, err);
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
		result = list_append(&options->drives, "if=none,format=raw", NULL, err);
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
	int result = list_append(&options->drives, words, NULL, err);

	if (result == 0 &&
	    opts_set(&options->drives.items[options->drives.count - 1], "file", file) < 0)
		result = err_set_errno(err, -ENOMEM, "cannot keep '%s'", file);
	return result;
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
	return list_append(&options->devices, argument, "driver", err);
}

static int apply_global(struct options *options, const char *argument, struct err *err)
{
	const char *dot = strchr(argument, '.'), *equals = strchr(argument, '=');

	if (!dot || !equals || dot > equals)
		return err_set(err, -EINVAL, "-global %s: give DEVICE.PROPERTY=VALUE", argument);
	return list_append(&options->globals, argument, NULL, err);
}

static int apply_vga(struct options *options, const char *argument, struct err *err)
{
	static const char *const known[] = { "std", "none", NULL };

	for (size_t i = 0; known[i]; i++) {
		if (strcmp(argument, known[i]) == 0) {
			options->vga = known[i];
			return 0;
		}
	}
	return err_set(err, -EINVAL, "-vga %s: known are std and none", argument);
}

static int apply_netdev(struct options *options, const char *argument, struct err *err)
{
	return list_append(&options->netdevs, argument, "type", err);
}

static int apply_net(struct options *options, const char *argument, struct err *err)
{
	if (strcmp(argument, "none") == 0) {
		options->net_none = true;
		return 0;
	}
	return err_set(err, -ENOTSUP, "network cards are not supported yet: use -net none");
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
	(void)options;
	(void)argument;
	return err_set(err, -ENOTSUP, "USB is not supported yet: leave -usb out");
}

/* Character devices and control */

static int apply_chardev(struct options *options, const char *argument, struct err *err)
{
	int result = list_append(&options->chardevs, argument, "backend", err);

	if (result == 0)
		result = words_append(&options->chardev_specs, argument, err);
	return result;
}

static int apply_mon(struct options *options, const char *argument, struct err *err)
{
	return list_append(&options->monitors, argument, "chardev", err);
}

static int apply_serial(struct options *options, const char *argument, struct err *err)
{
	if (options->serials.count == OPTIONS_MAX_SERIALS)
		return err_set(err, -EINVAL, "there are four serial ports at the most");
	return words_append(&options->serials, argument, err);
}

static int apply_parallel(struct options *options, const char *argument, struct err *err)
{
	return words_append(&options->parallels, argument, err);
}

static int apply_qmp(struct options *options, const char *argument, struct err *err)
{
	return words_append(&options->qmp_specs, argument, err);
}

static int apply_monitor(struct options *options, const char *argument, struct err *err)
{
	return words_append(&options->monitor_specs, argument, err);
}

static int apply_debugcon(struct options *options, const char *argument, struct err *err)
{
	(void)err;
	options->debugcon = argument;
	return 0;
}

/* Boot */

static int check_boot_letters(const char *letters, struct err *err)
{
	bool seen[256] = { false };

	for (const char *c = letters; *c; c++) {
		if (*c < 'a' || *c > 'p')
			return err_set(
				err, -EINVAL,
				"-boot: '%c' is no device; a floppy, c disk, d CD-ROM, n network",
				*c);
		if (seen[(unsigned char)*c])
			return err_set(err, -EINVAL, "-boot: '%c' is there twice", *c);
		seen[(unsigned char)*c] = true;
	}
	return 0;
}

/** Milliseconds until the firmware tries again after nothing could be booted; -1: never. */
static int read_reboot_timeout(struct opts *opts, int32_t *ms, struct err *err)
{
	const char *text = opts_get(opts, "reboot-timeout");
	uint64_t number = 0;
	int result;

	if (!text || strcmp(text, "-1") == 0) {
		*ms = text ? -1 : *ms;
		return 0;
	}
	result = opts_get_number(opts, "reboot-timeout", &number, 0, 0xffff, err);
	if (result == 0)
		*ms = (int32_t)number;
	return result;
}

/** A letter list of a later -boot replaces that of an earlier one. */
static void replace_letters(const char **letters, const char *text)
{
	if (!text)
		return;
	free((void *)(uintptr_t)*letters);
	*letters = strdup(text);
}

static int apply_boot(struct options *options, const char *argument, struct err *err)
{
	uint64_t wait_ms = options->boot_menu_wait_ms;
	struct opts opts;
	const char *order, *once;
	int result = 0;

	if (opts_parse(&opts, argument, "order", err) < 0)
		return -EINVAL;
	order = opts_get(&opts, "order");
	once = opts_get(&opts, "once");
	if (order)
		result = check_boot_letters(order, err);
	if (result == 0 && once)
		result = check_boot_letters(once, err);
	if (result == 0)
		result = opts_get_bool(&opts, "menu", &options->boot_menu, err);
	if (result == 0)
		result = opts_get_bool(&opts, "strict", &options->boot_strict, err);
	if (result == 0)
		result = opts_get_number(&opts, "splash-time", &wait_ms, 0, 65535, err);
	if (result == 0)
		result = read_reboot_timeout(&opts, &options->boot_retry_ms, err);
	if (result == 0)
		result = opts_check_unused(&opts, NULL, err);
	if (result == 0) {
		options->boot_menu_wait_ms = (unsigned)wait_ms;
		replace_letters(&options->boot_order, order);
		replace_letters(&options->boot_once, once);
	}
	opts_finish(&opts);
	return result;
}

static int apply_bios(struct options *options, const char *argument, struct err *err)
{
	(void)err;
	options->bios = argument;
	return 0;
}

static int apply_firmware_dir(struct options *options, const char *argument, struct err *err)
{
	return words_append(&options->firmware_dirs, argument, err);
}

static int apply_fw_cfg(struct options *options, const char *argument, struct err *err)
{
	return words_append(&options->fw_cfg, argument, err);
}

static int apply_smbios(struct options *options, const char *argument, struct err *err)
{
	static const char *const known[] = { "type",   "manufacturer", "product", "version",
					     "serial", "sku",          "family",  NULL };
	struct opts *opts;

	if (list_append(&options->smbios, argument, NULL, err) < 0)
		return -EINVAL;
	opts = &options->smbios.items[options->smbios.count - 1];
	for (size_t i = 0; known[i]; i++)
		opts_get(opts, known[i]);
	if (strcmp(opts_get_or(opts, "type", "1"), "1") != 0)
		return err_set(err, -ENOTSUP, "-smbios %s: only type=1 has strings to set",
			       argument);
	if (opts_check_unused(opts, known, err) < 0) {
		err_prefix(err, "-smbios");
		return -EINVAL;
	}
	return 0;
}

static int apply_kernel(struct options *options, const char *argument, struct err *err)
{
	(void)options;
	return err_set(err, -ENOTSUP,
		       "direct kernel boot ('%s') is not supported: boot from a disk or CD image",
		       argument);
}

/* Screen */

static int apply_vnc(struct options *options, const char *argument, struct err *err)
{
	(void)err;
	options->vnc = strcmp(argument, "none") == 0 ? NULL : argument;
	return 0;
}

static int apply_keymap(struct options *options, const char *argument, struct err *err)
{
	(void)err;
	options->keymap = argument;
	return 0;
}

static int apply_display(struct options *options, const char *argument, struct err *err)
{
	size_t length = strcspn(argument, ",");

	if (length == 4 && strncmp(argument, "none", 4) == 0)
		return 0;
	if (length == 3 && strncmp(argument, "sdl", 3) == 0) {
		options->sdl = true;
		return 0;
	}
	if (strncmp(argument, "vnc=", 4) == 0)
		return apply_vnc(options, argument + 4, err);
	return err_set(err, -EINVAL, "-display %s: known are none, sdl and vnc=DISPLAY", argument);
}

static int apply_nographic(struct options *options, const char *argument, struct err *err)
{
	(void)argument;
	(void)err;
	options->nographic = options->serial_console = true;
	return 0;
}

/* Life */

#define FLAG_OPTION(function, member)                                                       \
	static int function(struct options *options, const char *argument, struct err *err) \
	{                                                                                   \
		(void)argument;                                                             \
		(void)err;                                                                  \
		options->member = true;                                                     \
		return 0;                                                                   \
	}
FLAG_OPTION(apply_start_paused, start_paused)
FLAG_OPTION(apply_no_floppy_check, no_floppy_check)
FLAG_OPTION(apply_no_reboot, no_reboot)
FLAG_OPTION(apply_no_shutdown, no_shutdown)
FLAG_OPTION(apply_no_defaults, no_defaults)
FLAG_OPTION(apply_daemonize, daemonize)
FLAG_OPTION(apply_domid_restrict, xen_domid_restrict)

#define TEXT_OPTION(function, member)                                                       \
	static int function(struct options *options, const char *argument, struct err *err) \
	{                                                                                   \
		(void)err;                                                                  \
		options->member = argument;                                                 \
		return 0;                                                                   \
	}
TEXT_OPTION(apply_pidfile, pidfile)
TEXT_OPTION(apply_qtest, qtest)
TEXT_OPTION(apply_qtest_log, qtest_log)
TEXT_OPTION(apply_runas, runas)
TEXT_OPTION(apply_chroot, chroot)
TEXT_OPTION(apply_log_file, log_file)
TEXT_OPTION(apply_incoming, incoming)

static int apply_ignored(struct options *options, const char *argument, struct err *err)
{
	(void)options;
	(void)argument;
	(void)err;
	return 0;
}

static int apply_rtc(struct options *options, const char *argument, struct err *err)
{
	struct tm date = { 0 };
	struct opts opts;
	const char *base, *clock_name;
	int result = 0;

	if (opts_parse(&opts, argument, NULL, err) < 0)
		return -EINVAL;
	base = opts_get_or(&opts, "base", "utc");
	clock_name = opts_get_or(&opts, "clock", "host");
	options->rtc_follows_guest = strcmp(clock_name, "vm") == 0;
	opts_get(&opts, "driftfix");
	if (strcmp(base, "localtime") == 0) {
		options->rtc_localtime = true;
	} else if (strcmp(base, "utc") != 0) {
		const char *end = strptime(base, "%Y-%m-%dT%H:%M:%S", &date);

		if (!end)
			end = strptime(base, "%Y-%m-%d", &date);
		if (!end || *end)
			result = err_set(err, -EINVAL,
					 "-rtc base=%s: give utc, localtime or 2026-01-31T12:00:00",
					 base);
		else
			options->rtc_start_s = timegm(&date);
	}
	if (result == 0)
		result = opts_check_unused(&opts, NULL, err);
	opts_finish(&opts);
	return result;
}

static int apply_localtime(struct options *options, const char *argument, struct err *err)
{
	return apply_rtc(options, argument ? argument : "base=localtime", err);
}

static int apply_sandbox(struct options *options, const char *argument, struct err *err)
{
	struct opts opts;
	int result;

	if (opts_parse(&opts, argument, "enable", err) < 0)
		return -EINVAL;
	result = opts_get_bool(&opts, "enable", &options->sandbox, err);
	options->sandbox_chosen = true;
	opts_finish(&opts);
	return result;
}

static int apply_trace(struct options *options, const char *argument, struct err *err)
{
	struct opts opts;
	const char *file;

	if (opts_parse(&opts, argument, "enable", err) < 0)
		return -EINVAL;
	file = opts_get(&opts, "file");
	if (file) {
		free((void *)(uintptr_t)options->trace_file);
		options->trace_file = strdup(file);
	}
	if (opts_get(&opts, "enable"))
		words_append(&options->trace_patterns, strdup(opts_get(&opts, "enable")), err);
	opts_finish(&opts);
	return 0;
}

/* Xen */

static int apply_xen_domid(struct options *options, const char *argument, struct err *err)
{
	uint64_t domid;

	if (opts_parse_number(argument, &domid) < 0 || domid > 0x7ff0)
		return err_set(err, -EINVAL, "-xen-domid %s: not a domain number", argument);
	options->xen_domid = (uint32_t)domid;
	choose_xen(options);
	return 0;
}

static int apply_xen_attach(struct options *options, const char *argument, struct err *err)
{
	(void)options;
	(void)argument;
	return err_set(err, -EINVAL,
		       "-xen-attach is for paravirtual guests; hvmdm serves HVM guests");
}

static int apply_traditional(struct options *options, const char *argument, struct err *err)
{
	(void)options;
	(void)argument;
	return err_set(err, -EINVAL,
		       "this is the command line of the traditional device model: set "
		       "device_model_version=\"qemu-xen\" in the guest's configuration");
}

static int apply_spice(struct options *options, const char *argument, struct err *err)
{
	(void)options;
	(void)argument;
	return err_set(err, -ENOTSUP, "SPICE is not supported: use vnc=1");
}

static const struct option_row option_rows[] = {
	{"machine",             "TYPE[,PROP=VALUE]",         "the board: pc, xenfv or none (-machine help)",
         apply_machine																 },
	{ "M",		  "TYPE",                      NULL,								apply_machine        },
	{ "accel",              "NAME",                      "the hypervisor core: kvm, xen or qtest",                            apply_accel          },
	{ "enable-kvm",         NULL,                        NULL,								apply_enable_kvm     },
	{ "m",		  "SIZE",                      "memory, MiB without a suffix (default 128)",                        apply_memory         },
	{ "smp",                "N[,maxcpus=M]",             "processors",							apply_smp            },
	{ "cpu",                "NAME",                      NULL,								apply_ignored        },
	{ "name",               "NAME",                      "the guest's name",						  apply_name           },
	{ "uuid",               "UUID",                      "the guest's UUID",						  apply_uuid           },
	{ "drive",              "PROP=VALUE,...",
         "a disk or CD-ROM: file=, if=ide|none, index=, media=, format=raw",                                                      apply_drive          },
	{ "blockdev",           "file,node-name=,filename=", NULL,								apply_blockdev       },
	{ "hda",                "FILE",                      "a disk as primary master (-hdb, -hdc, -hdd: the others)",           apply_hda            },
	{ "hdb",                "FILE",                      NULL,								apply_hdb            },
	{ "hdc",                "FILE",                      NULL,								apply_hdc            },
	{ "hdd",                "FILE",                      NULL,								apply_hdd            },
	{ "cdrom",              "FILE",                      "a CD-ROM as secondary master",                                      apply_cdrom          },
	{ "device",             "NAME[,PROP=VALUE]",         "a device (-device help)",                                           apply_device         },
	{ "global",             "NAME.PROP=VALUE",           "a property for every device of a name",                             apply_global         },
	{ "vga",                "std|none",                  "the display card",						  apply_vga            },
	{ "net",                "none",                      "no network",							apply_net            },
	{ "nic",                "none",                      NULL,								apply_net            },
	{ "netdev",             "TYPE,...",                  NULL,								apply_netdev         },
	{ "usb",                NULL,			NULL,								apply_usb            },
	{ "usbdevice",          "NAME",                      NULL,								apply_usb            },
	{ "boot",               "ORDER[,once=,menu=on]",     "boot order: a floppy, c disk, d CD-ROM, n network",
         apply_boot																    },
	{ "bios",               "FILE",                      "firmware image",						    apply_bios           },
	{ "L",		  "DIR",		       "where firmware files are looked for first",                         apply_firmware_dir   },
	{ "fw_cfg",             "name=,file=|string=",       "a file for the guest's firmware",                                   apply_fw_cfg         },
	{ "smbios",             "type=1,PROP=VALUE",         "strings of the SMBIOS tables",                                      apply_smbios         },
	{ "kernel",             "FILE",                      NULL,								apply_kernel         },
	{ "initrd",             "FILE",                      NULL,								apply_kernel         },
	{ "append",             "TEXT",                      NULL,								apply_kernel         },
	{ "serial",             "BACKEND",                   "a serial port: pty, stdio, file:, unix:, tcp:, null",
         apply_serial																  },
	{ "parallel",           "BACKEND",                   "a parallel port",                                                   apply_parallel       },
	{ "chardev",            "BACKEND,id=ID,...",         "a character backend",                                               apply_chardev        },
	{ "mon",                "chardev=ID[,mode=]",        "a monitor on a chardev",                                            apply_mon            },
	{ "qmp",                "BACKEND",                   "a QMP control socket",                                              apply_qmp            },
	{ "monitor",            "BACKEND",                   "a monitor for people",                                              apply_monitor        },
	{ "debugcon",           "BACKEND",                   "output of the firmware's debug port 0x402",                         apply_debugcon       },
	{ "vnc",                "HOST:N|unix:PATH|none",     "a VNC server",                                                      apply_vnc            },
	{ "k",		  "LAYOUT",                    "keyboard layout of the guest: en-us, de, fr ...",                   apply_keymap         },
	{ "display",            "none|sdl",                  "a local window",						    apply_display        },
	{ "nographic",          NULL,                        "no display card's window; serial port and monitor on the terminal",
         apply_nographic															       },
	{ "S",		  NULL,			"do not start the processors until 'cont'",                          apply_start_paused   },
	{ "no-fd-bootchk",      NULL,                        NULL,								apply_no_floppy_check},
	{ "no-reboot",          NULL,                        "end instead of resetting",                                          apply_no_reboot      },
	{ "no-shutdown",        NULL,                        "stay when the guest powers off",                                    apply_no_shutdown    },
	{ "no-acpi",            NULL,                        "a board without ACPI",                                              apply_no_acpi        },
	{ "no-hpet",            NULL,                        "a board without HPET",                                              apply_no_hpet        },
	{ "nodefaults",         NULL,                        "no device that is not asked for",                                   apply_no_defaults    },
	{ "no-user-config",     NULL,                        NULL,								apply_ignored        },
	{ "rtc",                "base=utc|localtime|DATE",   "the clock at power-on",                                             apply_rtc            },
	{ "localtime",          NULL,                        NULL,								apply_localtime      },
	{ "pidfile",            "FILE",                      "write the process id there",                                        apply_pidfile        },
	{ "daemonize",          NULL,                        "go into the background when ready",                                 apply_daemonize      },
	{ "D",		  "FILE",                      "write the log there",					       apply_log_file       },
	{ "trace",              "[enable=]PATTERN[,file=]",  "switch trace points on ('help' lists them)",
         apply_trace																   },
	{ "d",		  "DOMID",                     NULL,								apply_traditional    },
	{ "domain-name",        "NAME",                      NULL,								apply_traditional    },
	{ "sandbox",            "on|off",                    "give up privileges after set-up (default on)",                      apply_sandbox        },
	{ "runas",              "USER|UID:GID",              "the user to become after set-up",                                   apply_runas          },
	{ "chroot",             "DIR",                       "the directory to be confined to after set-up",                      apply_chroot         },
	{ "audio",              "none",                      NULL,								apply_audio          },
	{ "audiodev",           "none,id=ID",                NULL,								apply_audio          },
	{ "qtest",              "BACKEND",                   "the port of a register-level test",                                 apply_qtest          },
	{ "qtest-log",          "FILE",                      "a log of its dialogue",                                             apply_qtest_log      },
	{ "xen-domid",          "N",                         "the Xen domain to serve",                                           apply_xen_domid      },
	{ "xen-domid-restrict", NULL,                        "restrict all Xen handles to that domain",
         apply_domid_restrict															  },
	{ "xen-attach",         NULL,                        NULL,								apply_xen_attach     },
	{ "incoming",           "fd:N",                      "load the machine's state from there",                               apply_incoming       },
	{ "spice",              "ANY",                       NULL,								apply_spice          },
	{ "help",               NULL,			"this text",							 NULL                 },
	{ "h",		  NULL,			NULL,								NULL                 },
	{ "version",            NULL,                        "the version",						       NULL                 },
	{ NULL,		 NULL,			NULL,								NULL                 },
};

static void print_help(struct options *options)
{
	printf("Usage: %s [OPTION]...\n"
	       "Plays the hardware of one virtual machine. See hvmdm(1).\n\n",
	       options->program);
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->help)
			printf("  -%s%s%-*s %s\n", row->name, row->argument ? " " : "",
			       (int)(28 - strlen(row->name) - (row->argument ? 1 : 0)),
			       row->argument ? row->argument : "", row->help);
}

static const struct option_row *find_option(const char *name)
{
	for (const struct option_row *row = option_rows; row->name; row++)
		if (strcmp(row->name, name) == 0)
			return row;
	return NULL;
}

static int refuse_unknown(const char *word, struct err *err)
{
	const char *names[ARRAY_SIZE(option_rows)];
	const char *nearest;
	size_t count = 0;

	if (word[0] != '-')
		return err_set(err, -EINVAL,
			       "'%s' is no option; disk images are given with -hda FILE or -drive",
			       word);
	for (const struct option_row *row = option_rows; row->name; row++)
		if (row->help)
			names[count++] = row->name;
	names[count] = NULL;
	nearest = err_nearest_word(word + 1 + (word[1] == '-'), names);
	if (nearest)
		return err_set(err, -EINVAL, "unknown option '%s', did you mean '-%s'?", word,
			       nearest);
	return err_set(err, -EINVAL, "unknown option '%s' (-help lists all)", word);
}

/** -machine help and the like. */
static bool answer_question(struct options *options, const struct option_row *row,
			    const char *argument)
{
	bool asks = argument && (strcmp(argument, "help") == 0 || strcmp(argument, "?") == 0);

	if (strcmp(row->name, "version") == 0)
		printf("hvmdm %s\n", HVMDM_VERSION);
	else if (strcmp(row->name, "help") == 0 || strcmp(row->name, "h") == 0)
		print_help(options);
	else if (asks && (strcmp(row->name, "machine") == 0 || strcmp(row->name, "M") == 0))
		puts("pc      i440FX board with PIIX3 and PIIX4 (default)\n"
		     "xenfv   the same board for a Xen HVM guest, with the Xen platform device\n"
		     "none    an empty board");
	else if (asks && strcmp(row->name, "accel") == 0)
		puts("kvm\nxen\nqtest");
	else if (asks && strcmp(row->name, "device") == 0)
		cards_print_help();
	else if (asks && strcmp(row->name, "trace") == 0)
		cards_print_trace_points();
	else
		return false;
	return true;
}

static int apply_defaults(struct options *options, struct err *err)
{
	if (!options->no_defaults && !options->vga)
		options->has_default_vga = true;
	if (options->accel_emulation && !options->accel_chosen)
		return err_set(err, -EINVAL,
			       "processors are never emulated: use -accel kvm on a host with VT-x "
			       "or AMD-V");
	if (options->qtest && !options->accel_chosen)
		options->accel = ACCEL_QTEST;
	if (options->accel == ACCEL_XEN && !options->xen_domid)
		return err_set(err, -EINVAL, "machine xenfv needs -xen-domid N");
	if (options->incoming)
		return err_set(err, -ENOTSUP, "-incoming %s: saved guests cannot be loaded yet",
			       options->incoming);
	return 0;
}

/** The value is that of the only pair: "ide-cd.ver=2.0" is parsed as key "ide-cd.ver". */
static int apply_global_to(struct opts *device, const struct opts_pair *global, struct err *err)
{
	const char *driver = opts_get_or(device, "driver", "");
	size_t length = strlen(driver);

	if (strncmp(global->key, driver, length) != 0 || global->key[length] != '.' ||
	    opts_get(device, global->key + length + 1))
		return 0;
	if (opts_set(device, global->key + length + 1, global->value) < 0)
		return err_set_errno(err, -ENOMEM, "-global %s", global->key);
	return 0;
}

static int apply_globals(struct options *options, struct err *err)
{
	for (size_t i = 0; i < options->globals.count; i++) {
		for (size_t j = 0; j < options->devices.count; j++) {
			int result = apply_global_to(&options->devices.items[j],
						     &options->globals.items[i].pairs[0], err);

			if (result < 0)
				return result;
		}
	}
	return 0;
}

enum options_result options_parse(struct options *options, int argc, char **argv, struct err *err)
{
	*options = (struct options){
		.program = argv[0],
		.hpet = true,
		.acpi = true,
		.ram_bytes = UINT64_C(128) << 20,
		.cpus = 1,
		.max_cpus = 1,
		.sandbox = true,
		.rtc_start_s = INT64_MIN,
		.boot_retry_ms = -1,
	};
	for (int i = 1; i < argc; i++) {
		const char *word = argv[i], *argument = NULL;
		const struct option_row *row = NULL;

		if (word[0] == '-')
			row = find_option(word + 1 + (word[1] == '-'));
		if (!row) {
			refuse_unknown(word, err);
			return OPTIONS_BAD;
		}
		if (row->argument && ++i == argc) {
			err_set(err, -EINVAL, "-%s needs an argument: %s", row->name,
				row->argument);
			return OPTIONS_BAD;
		}
		if (row->argument)
			argument = argv[i];
		if (answer_question(options, row, argument))
			return OPTIONS_DONE;
		if (row->apply(options, argument, err) < 0)
			return OPTIONS_BAD;
	}
	if (apply_defaults(options, err) < 0 || apply_globals(options, err) < 0)
		return OPTIONS_BAD;
	return OPTIONS_RUN;
}

static void list_finish(struct options_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		opts_finish(&list->items[i]);
	free(list->items);
}

void options_finish(struct options *options)
{
	list_finish(&options->drives);
	list_finish(&options->devices);
	list_finish(&options->globals);
	list_finish(&options->chardevs);
	list_finish(&options->monitors);
	list_finish(&options->smbios);
	list_finish(&options->netdevs);
	free(options->chardev_specs.items);
	free(options->serials.items);
	free(options->parallels.items);
	free(options->qmp_specs.items);
	free(options->monitor_specs.items);
	free(options->firmware_dirs.items);
	for (size_t i = 0; i < options->trace_patterns.count; i++)
		free((void *)(uintptr_t)options->trace_patterns.items[i]);
	free(options->trace_patterns.items);
	free((void *)(uintptr_t)options->trace_file);
	free(options->fw_cfg.items);
	free((void *)(uintptr_t)options->boot_order);
	free((void *)(uintptr_t)options->boot_once);
}

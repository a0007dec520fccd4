// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/options_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"

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
		{ .name = "kvm", .accel = ACCEL_KVM },
		{ .name = "xen", .accel = ACCEL_XEN },
		{ .name = "qtest", .accel = ACCEL_QTEST },
		{ .name = "tcg", .emulates = true },
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
	if (result == 0)
		result = opts_get_bool(opts, "usb", &options->usb, err);
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
	return options_words_append(&options->firmware_dirs, argument, err);
}

static int apply_fw_cfg(struct options *options, const char *argument, struct err *err)
{
	return options_words_append(&options->fw_cfg, argument, err);
}

static int apply_smbios(struct options *options, const char *argument, struct err *err)
{
	static const char *const known[] = { "type",   "manufacturer", "product", "version",
					     "serial", "sku",          "family",  NULL };
	struct opts *opts;

	if (options_list_append(&options->smbios, argument, NULL, err) < 0)
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

/* Clock */

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

FLAG_OPTION(apply_no_floppy_check, no_floppy_check)
FLAG_OPTION(apply_domid_restrict, xen_domid_restrict)

static int apply_incoming(struct options *options, const char *argument, struct err *err)
{
	if (strncmp(argument, "fd:", 3) != 0 && strncmp(argument, "file:", 5) != 0)
		return err_set(err, -EINVAL,
			       "-incoming %s: saved state comes from fd:N, a descriptor that is "
			       "open, or from file:PATH",
			       argument);
	options->incoming = argument;
	return 0;
}

const struct option_row option_board_rows[] = {
	{ "machine", "TYPE[,PROP=VALUE]", "the board: pc, xenfv or none (-machine help)",
	  apply_machine },
	{ "M", "TYPE", NULL, apply_machine },
	{ "accel", "NAME", "the hypervisor core: kvm, xen or qtest", apply_accel },
	{ "enable-kvm", NULL, NULL, apply_enable_kvm },
	{ "m", "SIZE", "memory, MiB without a suffix (default 128)", apply_memory },
	{ "smp", "N[,maxcpus=M]", "processors", apply_smp },
	{ "cpu", "NAME", NULL, options_apply_ignored },
	{ "name", "NAME", "the guest's name", apply_name },
	{ "uuid", "UUID", "the guest's UUID", apply_uuid },
	{ "boot", "ORDER[,once=,menu=on]", "boot order: a floppy, c disk, d CD-ROM, n network",
	  apply_boot },
	{ "no-fd-bootchk", NULL, NULL, apply_no_floppy_check },
	{ "bios", "FILE", "firmware image", apply_bios },
	{ "L", "DIR", "where firmware files are looked for first", apply_firmware_dir },
	{ "fw_cfg", "name=,file=|string=", "a file for the guest's firmware", apply_fw_cfg },
	{ "smbios", "type=1,PROP=VALUE", "strings of the SMBIOS tables", apply_smbios },
	{ "kernel", "FILE", NULL, apply_kernel },
	{ "initrd", "FILE", NULL, apply_kernel },
	{ "append", "TEXT", NULL, apply_kernel },
	{ "no-acpi", NULL, "a board without ACPI", apply_no_acpi },
	{ "no-hpet", NULL, "a board without HPET", apply_no_hpet },
	{ "rtc", "base=utc|localtime|DATE", "the clock at power-on", apply_rtc },
	{ "localtime", NULL, NULL, apply_localtime },
	{ "xen-domid", "N", "the Xen domain to serve", apply_xen_domid },
	{ "xen-domid-restrict", NULL, "restrict all Xen handles to that domain",
	  apply_domid_restrict },
	{ "xen-attach", NULL, NULL, apply_xen_attach },
	{ "incoming", "fd:N|file:PATH", "load the machine's state from there", apply_incoming },
	{ "d", "DOMID", NULL, apply_traditional },
	{ "domain-name", "NAME", NULL, apply_traditional },
	{ NULL, NULL, NULL, NULL },
};

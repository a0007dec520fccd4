// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line: QEMU's dialect as far as Xen's toolstack, hvm and tests speak it, parsed into
 * one struct. Words that mean nothing here are refused with a sentence; nothing is accepted
 * silently where a user would notice.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/opts.h"

struct err;
struct tape;

enum {
	OPTIONS_MAX_CPUS = 32,
	OPTIONS_MAX_SERIALS = 4,
};

enum options_board {
	BOARD_PC,   /* the PC of docs/ARCHITECTURE.md */
	BOARD_NONE, /* -machine none */
};

enum options_accel {
	ACCEL_KVM,
	ACCEL_XEN,
	ACCEL_QTEST,
};

/** A list of parsed option strings: -drive, -device, -chardev … */
struct options_list {
	struct opts *items;
	size_t count;
};

/** Of simple strings. */
struct options_words {
	const char **items;
	size_t count;
};

struct options {
	const char *program;
	enum options_board board;
	enum options_accel accel;
	bool accel_chosen, accel_works; /* the first named that works is taken */
	bool accel_emulation;           /* an emulator of processors was named */
	bool hpet, acpi, xen_platform;
	uint64_t ram_bytes, max_low_bytes;
	unsigned cpus, max_cpus;
	const char *name;
	uint8_t uuid[16];
	bool has_uuid;

	struct options_list drives;   /* -drive and its short forms, as words of -drive */
	struct options_list devices;  /* "driver" is the implied key */
	struct options_list globals;  /* driver=, property=, value= */
	struct options_list chardevs; /* "backend" is the implied key */
	struct options_list monitors; /* chardev=, mode= */
	struct options_list smbios;
	struct options_words chardev_specs; /* as given, beside 'chardevs' */
	struct options_words serials;
	struct options_words usb_devices; /* -usbdevice */
	bool usb;
	struct options_words qmp_specs,
		monitor_specs;              /* -qmp and -monitor: short forms of a chardev */
	struct options_words firmware_dirs; /* -L, searched first */
	struct options_words trace_patterns;
	struct options_words fw_cfg;

	const char *boot_order, *boot_once;
	bool boot_menu, boot_strict, no_floppy_check;
	int32_t boot_retry_ms; /* -1: never */
	unsigned boot_menu_wait_ms;

	const char *vnc, *keymap;
	bool sdl, nographic, has_default_vga;
	bool serial_console; /* the firmware shows its text on the first serial port, too */
	const char *vga;     /* -vga std|cirrus|none */
	const char *bios;
	bool start_paused, no_reboot, no_shutdown, no_defaults, daemonize;
	const char *pidfile;
	bool rtc_localtime;
	int64_t rtc_start_s; /* -rtc base=2006-06-17T16:01:21; INT64_MIN: now */
	bool rtc_follows_guest;
	const char *qtest, *qtest_log;
	const char *trace_file;
	const char *debugcon;
	bool sandbox, sandbox_chosen; /* -sandbox was given */
	const char *runas, *chroot;
	const char *log_file;

	char **arguments;   /* of main */
	const char *record; /* a file for a recording; owned, as are the next two */
	bool record_media;  /* with what drives read */
	const char *replay, *replay_images;
	bool replay_writes;
	struct tape *tape; /* a replay's machine is made with it */

	uint32_t xen_domid;
	bool xen_domid_restrict;
	const char *incoming;
	struct options_list netdevs;
	struct options_list dumps; /* of -object filter-dump */
	bool net_none;
};

enum options_result {
	OPTIONS_RUN,
	OPTIONS_DONE, /* the question (-help, -version, -device help) has been answered on stdout */
	OPTIONS_BAD,
};

/** Parses the arguments of main. Strings are borrowed from 'argv'. OPTIONS_BAD comes with a
 * sentence. */
enum options_result options_parse(struct options *options, int argc, char **argv, struct err *err);
void options_finish(struct options *options);

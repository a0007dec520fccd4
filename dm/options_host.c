// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/options_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"

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

static int apply_spice(struct options *options, const char *argument, struct err *err)
{
	(void)options;
	(void)argument;
	return err_set(err, -ENOTSUP, "SPICE is not supported: use vnc=1");
}

/* Life */

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
		options_words_append(&options->trace_patterns, strdup(opts_get(&opts, "enable")),
				     err);
	opts_finish(&opts);
	return 0;
}

/* Recording and replay */

/** The value of 'key', to be freed; NULL and a sentence without memory. */
static int copy_word(const struct opts *opts, const char *key, const char **word, struct err *err)
{
	const char *value = opts_get((struct opts *)(uintptr_t)opts, key);

	if (!value)
		return 0;
	free((void *)(uintptr_t)*word);
	*word = strdup(value);
	return *word ? 0 : err_set_errno(err, -ENOMEM, "cannot keep '%s'", value);
}

static int apply_record(struct options *options, const char *argument, struct err *err)
{
	static const char *const known[] = { "file", "media", NULL };
	struct opts opts;
	int result;

	if (opts_parse(&opts, argument, "file", err) < 0)
		return -EINVAL;
	result = copy_word(&opts, "file", &options->record, err);
	if (result == 0)
		result = opts_get_bool(&opts, "media", &options->record_media, err);
	if (result == 0 && !options->record)
		result = err_set(err, -EINVAL, "-record needs a file");
	if (result == 0)
		result = opts_check_unused(&opts, known, err);
	opts_finish(&opts);
	return result;
}

static int apply_replay(struct options *options, const char *argument, struct err *err)
{
	static const char *const known[] = { "file", "images", "write", NULL };
	struct opts opts;
	int result;

	if (opts_parse(&opts, argument, "file", err) < 0)
		return -EINVAL;
	result = copy_word(&opts, "file", &options->replay, err);
	if (result == 0)
		result = copy_word(&opts, "images", &options->replay_images, err);
	if (result == 0)
		result = opts_get_bool(&opts, "write", &options->replay_writes, err);
	if (result == 0 && !options->replay)
		result = err_set(err, -EINVAL, "-replay needs a file");
	if (result == 0)
		result = opts_check_unused(&opts, known, err);
	opts_finish(&opts);
	return result;
}

FLAG_OPTION(apply_start_paused, start_paused)
FLAG_OPTION(apply_no_reboot, no_reboot)
FLAG_OPTION(apply_no_shutdown, no_shutdown)
FLAG_OPTION(apply_daemonize, daemonize)
TEXT_OPTION(apply_pidfile, pidfile)
TEXT_OPTION(apply_qtest, qtest)
TEXT_OPTION(apply_qtest_log, qtest_log)
TEXT_OPTION(apply_runas, runas)
TEXT_OPTION(apply_chroot, chroot)
TEXT_OPTION(apply_log_file, log_file)

const struct option_row option_host_rows[] = {
	{ "vnc", "HOST:N|unix:PATH|none", "a VNC server", apply_vnc },
	{ "k", "LAYOUT", "keyboard layout of the guest: en-us, de, fr ...", apply_keymap },
	{ "display", "none|sdl", "a local window", apply_display },
	{ "nographic", NULL, "no display card's window; serial port and monitor on the terminal",
	  apply_nographic },
	{ "spice", "ANY", NULL, apply_spice },
	{ "S", NULL, "do not start the processors until 'cont'", apply_start_paused },
	{ "no-reboot", NULL, "end instead of resetting", apply_no_reboot },
	{ "no-shutdown", NULL, "stay when the guest powers off", apply_no_shutdown },
	{ "pidfile", "FILE", "write the process id there", apply_pidfile },
	{ "daemonize", NULL, "go into the background when ready", apply_daemonize },
	{ "D", "FILE", "write the log there", apply_log_file },
	{ "trace", "[enable=]PATTERN[,file=]", "switch trace points on ('help' lists them)",
	  apply_trace },
	{ "sandbox", "on|off", "give up privileges after set-up (default on)", apply_sandbox },
	{ "runas", "USER|UID:GID", "the user to become after set-up", apply_runas },
	{ "chroot", "DIR", "the directory to be confined to after set-up", apply_chroot },
	{ "qtest", "BACKEND", "the port of a register-level test", apply_qtest },
	{ "qtest-log", "FILE", "a log of its dialogue", apply_qtest_log },
	{ "record", "FILE[,media=on]", "write down all that reaches the machine", apply_record },
	{ "replay", "FILE[,images=DIR][,write=on]",
	  "play such a file to its machine, without a guest", apply_replay },
	{ NULL, NULL, NULL, NULL },
};

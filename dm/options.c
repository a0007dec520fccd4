// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/options_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "dm/cards.h"
#include "dm/netdevs.h"
#include "dm/version.h"

static const struct option_row question_rows[] = {
	{ "help", NULL, "this text", NULL },
	{ "h", NULL, NULL, NULL },
	{ "version", NULL, "the version", NULL },
	{ NULL, NULL, NULL, NULL },
};

static const struct {
	const char *title;
	const struct option_row *rows;
} groups[] = {
	{ "The board", option_board_rows }, { "Disks, cards, ports", option_device_rows },
	{ "Networks", option_net_rows },    { "The host's side", option_host_rows },
	{ "Questions", question_rows },
};

int options_list_append(struct options_list *list, const char *text, const char *implied_key,
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

int options_words_append(struct options_words *words, const char *word, struct err *err)
{
	const char **items = realloc(words->items, (words->count + 1) * sizeof(char *));

	if (!items)
		return err_set_errno(err, -ENOMEM, "cannot keep '%s'", word);
	items[words->count++] = word;
	words->items = items;
	return 0;
}

int options_apply_ignored(struct options *options, const char *argument, struct err *err)
{
	(void)options;
	(void)argument;
	(void)err;
	return 0;
}

static void print_help(struct options *options)
{
	printf("Usage: %s [OPTION]...\n"
	       "Plays the hardware of one virtual machine. See hvmdm(1).\n",
	       options->program);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
		printf("\n%s:\n", groups[i].title);
		for (const struct option_row *row = groups[i].rows; row->name; row++)
			if (row->help)
				printf("  -%s%s%-*s %s\n", row->name, row->argument ? " " : "",
				       (int)(28 - strlen(row->name) - (row->argument ? 1 : 0)),
				       row->argument ? row->argument : "", row->help);
	}
}

static const struct option_row *find_option(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (const struct option_row *row = groups[i].rows; row->name; row++)
			if (strcmp(row->name, name) == 0)
				return row;
	return NULL;
}

static int refuse_unknown(const char *word, struct err *err)
{
	enum {
		NAMES_MAX = 128,
	};
	const char *names[NAMES_MAX + 1];
	const char *nearest;
	size_t count = 0;

	if (word[0] != '-')
		return err_set(err, -EINVAL,
			       "'%s' is no option; disk images are given with -hda FILE or -drive",
			       word);
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		for (const struct option_row *row = groups[i].rows; row->name; row++)
			if (row->help && count < NAMES_MAX)
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
	else if (asks && strcmp(row->name, "netdev") == 0)
		netdevs_print_help();
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
			       "'tcg' emulates processors, hvmdm never does: use -accel kvm on a "
			       "host with VT-x "
			       "or AMD-V");
	if (options->qtest && !options->accel_chosen)
		options->accel = ACCEL_QTEST;
	if (options->accel == ACCEL_XEN && !options->xen_domid)
		return err_set(err, -EINVAL, "machine xenfv needs -xen-domid N");
	if (options->record && options->incoming)
		return err_set(err, -ENOTSUP,
			       "-record: a guest that comes from elsewhere cannot be recorded");
	if (options->record && options->replay)
		return err_set(err, -EINVAL, "-record and -replay exclude each other");
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
		.arguments = argv,
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
	list_finish(&options->dumps);
	free(options->chardev_specs.items);
	free(options->serials.items);
	free(options->usb_devices.items);
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
	free((void *)(uintptr_t)options->record);
	free((void *)(uintptr_t)options->replay);
	free((void *)(uintptr_t)options->replay_images);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/cards.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "base/trace.h"
#include "dm/machine.h"
#include "dm/options.h"

const struct card cards[] = {
	{"VGA",        "standard VGA with Bochs VBE modes, PCI 1234:1111", NULL, NULL},
	{ "ide-hd",    "ATA disk on ide.0 or ide.1",                       NULL, NULL},
	{ "ide-cd",    "ATAPI CD-ROM on ide.0 or ide.1",                   NULL, NULL},
	{ "ide-drive", "ATA disk or ATAPI CD-ROM, by its drive's media=",  NULL, NULL},
	{ NULL,        NULL,					       NULL, NULL},
};

const struct card *cards_find(const char *name, struct err *err)
{
	const char *names[64], *nearest;
	size_t count = 0;

	for (const struct card *card = cards; card->name; card++) {
		if (strcmp(card->name, name) == 0)
			return card;
		names[count++] = card->name;
	}
	names[count] = NULL;
	nearest = err_nearest_word(name, names);
	if (nearest)
		err_set(err, -EINVAL, "unknown device '%s', did you mean '%s'? (-device help)",
			name, nearest);
	else
		err_set(err, -EINVAL, "unknown device '%s' (-device help)", name);
	return NULL;
}

int cards_create_all(struct machine *machine, struct err *err)
{
	for (size_t i = 0; i < machine->options->devices.count; i++) {
		struct opts *device = &machine->options->devices.items[i];
		const char *name = opts_get_or(device, "driver", "");
		const struct card *card = cards_find(name, err);

		if (!card)
			return -EINVAL;
		if (!card->create)
			continue;
		if (card->create(machine, device, err) < 0 ||
		    opts_check_unused(device, card->properties, err) < 0) {
			err_prefix(err, "-device %s", name);
			return -EINVAL;
		}
	}
	return 0;
}

void cards_print_help(void)
{
	for (const struct card *card = cards; card->name; card++)
		printf("%-20s %s\n", card->name, card->summary);
}

static void print_point(const struct trace_point *point, void *opaque)
{
	const char **last = opaque;

	if (*last && strcmp(*last, point->name) == 0)
		return;
	puts(point->name);
	*last = point->name;
}

void cards_print_trace_points(void)
{
	const char *last = NULL;

	trace_for_each(print_point, &last);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/chardevs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/chr.h"
#include "base/err.h"
#include "dm/machine.h"
#include "dm/options.h"

static struct chardev *add(struct machine *machine, struct chr *chr, struct err *err)
{
	struct chardev *chardev = calloc(1, sizeof(*chardev));

	if (!chardev) {
		chr_destroy(chr);
		err_set_errno(err, -ENOMEM, "chardev");
		return NULL;
	}
	chardev->chr = chr;
	list_append(&machine->chardevs, &chardev->node);
	return chardev;
}

struct chardev *chardevs_find(struct machine *machine, const char *label)
{
	struct chardev *chardev;

	list_for_each(chardev, &machine->chardevs, struct chardev,
		      node) if (strcmp(chardev->chr->label, label) == 0) return chardev;
	return NULL;
}

int chardevs_open(struct machine *machine, struct err *err)
{
	const struct options *options = machine->options;

	for (size_t i = 0; i < options->chardevs.count; i++) {
		const char *id = opts_get(&options->chardevs.items[i], "id");
		struct chr *chr;

		if (!id)
			return err_set(err, -EINVAL, "-chardev %s: needs an id=",
				       options->chardev_specs.items[i]);
		if (chardevs_find(machine, id))
			return err_set(err, -EEXIST, "-chardev: there are two with id=%s", id);
		chr = chr_open(machine->loop, options->chardev_specs.items[i], true, id, err);
		if (!chr || !add(machine, chr, err))
			return -EINVAL;
	}
	return 0;
}

void chardevs_close(struct machine *machine)
{
	while (!list_is_empty(&machine->chardevs)) {
		struct chardev *chardev =
			container_of(machine->chardevs.next, struct chardev, node);

		list_remove(&chardev->node);
		chr_destroy(chardev->chr);
		free(chardev);
	}
}

struct chr *chardevs_take(struct machine *machine, const char *spec, const char *label,
			  struct err *err)
{
	struct chardev *chardev;
	struct chr *chr;

	if (strncmp(spec, "chardev:", 8) == 0) {
		chardev = chardevs_find(machine, spec + 8);
		if (!chardev) {
			err_set(err, -EINVAL, "there is no -chardev with id=%s", spec + 8);
			return NULL;
		}
	} else {
		chr = chr_open(machine->loop, spec, false, label, err);
		chardev = chr ? add(machine, chr, err) : NULL;
		if (!chardev)
			return NULL;
	}
	if (chardev->taken) {
		err_set(err, -EBUSY, "chardev '%s' is in use already", chardev->chr->label);
		return NULL;
	}
	chardev->taken = true;
	return chardev->chr;
}

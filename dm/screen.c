// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/screen.h"

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/opts.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "vnc/sdl.h"
#include "vnc/vnc.h"

static void viewer_event(void *opaque, enum vnc_event event, const struct vnc_client_info *client)
{
	struct machine *machine = opaque;

	if (machine->vnc_event)
		machine->vnc_event(machine->vnc_event_opaque, event, client);
}

/** password[=on], to=N, websocket[=on]: browsers are served on the same port. */
static int read_words(struct opts *opts, struct vnc_options *vnc, struct err *err)
{
	static const char *const known[] = { "password", "to", "websocket", "share", NULL };
	uint64_t to = 0;
	bool websocket = true;
	int result = opts_get_bool(opts, "password", &vnc->password, err);

	if (result == 0)
		result = opts_get_number(opts, "to", &to, 0, 59635, err);
	if (result == 0)
		result = opts_get_bool(opts, "websocket", &websocket, err);
	opts_get(opts, "share");
	vnc->port_tries = (int)to;
	vnc->address = opts_get(opts, "display");
	if (result == 0 && !vnc->address)
		result = err_set(err, -EINVAL, "give HOST:DISPLAY or unix:PATH");
	return result < 0 ? result : opts_check_unused(opts, known, err);
}

static int open_vnc(struct machine *machine, struct err *err)
{
	const struct options *options = machine->options;
	struct vnc_options vnc = {
		.listen_fd = -1,
		.keymap = options->keymap,
		.name = options->name ? options->name : "hvmdm",
		.event = viewer_event,
		.event_opaque = machine,
	};
	struct opts opts;
	int result = opts_parse(&opts, options->vnc, "display", err);

	if (result == 0) {
		result = read_words(&opts, &vnc, err);
		if (result == 0)
			machine->vnc = vnc_server_create(&vnc, machine->loop, &machine->display,
							 &machine->input, err);
		if (result == 0 && !machine->vnc)
			result = -EINVAL;
		opts_finish(&opts);
	}
	if (result < 0)
		err_prefix(err, "-vnc %s", options->vnc);
	return result;
}

static void window_is_closed(void *opaque)
{
	machine_powerdown(opaque);
}

static int open_window(struct machine *machine, struct err *err)
{
	const struct options *options = machine->options;
	const struct sdl_options sdl = {
		.title = options->name ? options->name : "hvmdm",
		.closed = window_is_closed,
		.opaque = machine,
	};

	machine->window =
		sdl_window_create(&sdl, machine->loop, &machine->display, &machine->input, err);
	return machine->window ? 0 : -ENODEV;
}

int screen_open(struct machine *machine, struct err *err)
{
	if (machine->options->vnc && open_vnc(machine, err) < 0)
		return -EINVAL;
	if (machine->options->sdl && open_window(machine, err) < 0)
		return -EINVAL;
	return 0;
}

void screen_close(struct machine *machine)
{
	sdl_window_destroy(machine->window);
	vnc_server_destroy(machine->vnc);
	machine->window = NULL;
	machine->vnc = NULL;
}

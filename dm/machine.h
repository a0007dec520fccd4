// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The machine: one guest's board and what the host lends it, and the life of both: start, stop,
 * reset, power-off, end.
 */
#pragma once

#include "base/clock.h"
#include "base/display.h"
#include "base/input.h"
#include "base/lock.h"
#include "bus/device.h"
#include "bus/io.h"
#include "bus/pci_bus.h"
#include "bus/power.h"
#include "bus/ram.h"
#include "dm/netdevs.h"
#include "dm/save.h"
#include "hv/hv.h"
#include "hv/pv_disk.h"
#include "vnc/vnc.h"

struct err;
struct control;
struct loop;
struct board;
struct options;
struct sdl_window;
struct tape;

/** As query-status names them. */
enum machine_status {
	MACHINE_PRELAUNCH, /* -S, before the first cont */
	MACHINE_RUNNING,
	MACHINE_PAUSED,
	MACHINE_SUSPENDED, /* S3 */
	MACHINE_SHUTDOWN,  /* powered off, kept by -no-shutdown */
	MACHINE_IO_ERROR,  /* stopped by werror or rerror */
	MACHINE_INTERNAL_ERROR,
};

/** What happens to the machine, for control's events. */
enum machine_event {
	MACHINE_EVENT_STOP,
	MACHINE_EVENT_RESUME,
	MACHINE_EVENT_RESET,    /* 'reason' "guest-reset", "host-qmp-system-reset", … */
	MACHINE_EVENT_SHUTDOWN, /* 'reason' "guest-shutdown", "host-qmp-quit", "host-signal", … */
	MACHINE_EVENT_POWERDOWN, /* the power button was pressed */
	MACHINE_EVENT_SUSPEND,
	MACHINE_EVENT_WAKEUP,
	MACHINE_EVENT_BLOCK_IO_ERROR,
};

struct machine_listener {
	struct list_node node;
	void *opaque;
	void (*event)(void *opaque, enum machine_event event, const char *reason);
};

struct block;

/** Why a guest was stopped by a drive: its request is held. */
struct machine_io_failure {
	const struct block *block;
	bool is_write;
	int error; /* errno */
};

struct machine {
	struct options *options;
	struct loop *loop;
	struct lock lock;
	struct clock clock;
	struct loop_timer *clock_alarm;
	struct hv *hv;
	struct pv_disk_host pv_disks; /* what the core may ask of the board's images */
	struct hv *test_port;         /* NULL, or the qtest port beside a core with processors */
	struct io_space ports, memory;
	struct ram ram;
	struct pci_bus pci;
	struct device_list devices;
	struct power power;
	struct display display;
	struct input input;
	struct vnc_server *vnc;    /* NULL: none */
	struct sdl_window *window; /* NULL: none */
	/** Viewers come and go: for control's events. May be NULL. */
	void (*vnc_event)(void *opaque, enum vnc_event event, const struct vnc_client_info *client);
	void *vnc_event_opaque;
	struct control *control;
	struct tape *tape;   /* NULL: nothing is recorded or replayed */
	struct board *board; /* NULL for -machine none */
	enum machine_status status;
	struct device device; /* its own state, saved as the first */
	struct save_state saved;
	struct save_description description; /* as it was built */
	int incoming_fd;                     /* -incoming: its state is read from there; -1 */
	bool has_arrived;                    /* loaded, and has not run yet */
	bool gave_disks_up;                  /* to another process, with the guest's state */
	struct list_node listeners;
	struct list_node chardevs; /* chardevs.h */
	struct netdevs netdevs;
	struct list_node cards; /* memory of -device cards, cards.h */
	/* A request of a chip, carried out on the loop with the processors stopped. */
	bool request_pending;
	enum power_request request;
	const char *request_cause;
	uint32_t request_argument;
	struct machine_io_failure io_failure; /* the last one */
	bool failed;                          /* the core could not go on */
	bool quitting;
	int exit_status;
};

/** Assembles everything that 'options' ask for, opened and in power-on state, not running. NULL and
 * a sentence. */
struct machine *machine_create(struct options *options, struct err *err);
void machine_destroy(struct machine *machine);

/**
 * Holds SIGTERM, SIGINT and SIGHUP back while machines are built and taken apart, so that what was
 * made is also removed. machine_run lets them in. Threads inherit it: before there are any.
 */
void machine_hold_signals(bool hold);
/** Runs until the end; the exit status of the program. */
int machine_run(struct machine *machine);

/* Verbs of control, with the machine lock held (they run on the loop). All are idempotent. */
int machine_cont(struct machine *machine, struct err *err);
void machine_stop(struct machine *machine);
void machine_reset(struct machine *machine, const char *reason);
void machine_powerdown(struct machine *machine); /* presses the power button */
/** A disk request is held by werror=stop or rerror=stop: the guest is stopped. */
void machine_io_error(struct machine *machine, const struct machine_io_failure *failure);
/** The core cannot go on: says so and ends the guest. */
void machine_fail(struct machine *machine, const char *text);
int machine_wakeup(struct machine *machine, struct err *err);
/** A replay comes to where the machine carried out what a chip had asked for. False: none has. */
bool machine_replay_request(struct machine *machine);
/** Ends the program: flushes disks and leaves the loop. 'reason' as in the SHUTDOWN event. */
void machine_quit(struct machine *machine, const char *reason, int status);

const char *machine_status_name(enum machine_status status);
void machine_add_listener(struct machine *machine, struct machine_listener *listener);
void machine_remove_listener(struct machine *machine, struct machine_listener *listener);

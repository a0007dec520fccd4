// SPDX-License-Identifier: GPL-2.0-or-later
/* Inside control: what connections, commands and the people's monitor share. */
#pragma once

#include <stdint.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/list.h"
#include "base/utf8.h"
#include "dm/control.h"
#include "dm/control_json.h"
#include "dm/machine.h"
#include "dm/recognizer.h"
#include "dm/typist.h"

struct block;
struct medium_slot;

enum {
	CONTROL_MAX_CLIENTS = 32,
	CONTROL_MAX_MESSAGE = 1 << 20, /* bytes of one command */
	CONTROL_MAX_DEPTH = 32,
	CONTROL_MAX_LINE = 1024,     /* typed by a person */
	CONTROL_MAX_QUEUE = 4 << 20, /* bytes that a client has not read: it is dropped beyond */
	CONTROL_MAX_FDSETS = 64,
	CONTROL_MAX_KEYS = 128, /* presses and releases that wait */
	CONTROL_MAX_MEMORY_SAVE = 64 << 20,
	CONTROL_UUID_BYTES = 37,
};

struct control_client {
	struct list_node node;
	struct control *control;
	struct chr *chr;
	bool owns_chr; /* a connection, not a configured port */
	bool is_doomed;
	bool is_negotiated; /* qmp_capabilities has been said */
	enum control_mode mode;
	struct json_tokener *tokener;
	char split[UTF8_MAX_BYTES]; /* a character of which the rest has not come yet */
	size_t split_count;
	size_t message_bytes; /* of the command that is coming in */
	bool skips_line;      /* what follows nonsense */
	char line[CONTROL_MAX_LINE];
	size_t line_length;
	struct json_text queue;
	size_t sent; /* of the queue */
};

/** A descriptor that a client handed over: "/dev/fdset/ID". */
struct control_fd {
	struct list_node node;
	int fdset, fd;
	char *opaque; /* the client's words; may be NULL */
};

struct control_key {
	uint16_t key;
	bool down;
	uint32_t delay_ms; /* before it */
};

struct control {
	struct machine *machine;
	struct list_node clients;
	unsigned client_count;
	struct list_node fds;
	unsigned fd_count;
	struct machine_listener listener;
	bool reaping; /* posted */
	/* send-key */
	struct control_key keys[CONTROL_MAX_KEYS];
	unsigned key_head, key_count;
	struct clock_timer key_timer;
	struct typist typist;         /* type-text */
	struct recognizer recognizer; /* query-screen-text */
};

/** Queues bytes and sends what the client takes. */
void control_send(struct control_client *client, const char *bytes, size_t count);

/* One command of QMP. */

struct control_call {
	struct control *control;
	struct machine *machine;
	struct control_client *client;
	struct json_object *arguments; /* checked against the command's; never NULL */
	struct json_object *result;    /* NULL: {} */
	const char *error_class;
	struct err err;
	/** Carried out after the reply has been sent; may be NULL. */
	void (*then)(struct machine *machine);
};

struct control_command {
	const char *name;
	/**
	 * "id?s force?b": name, '?' for an optional one or ':', and its type: s string, i integer,
	 * b boolean, l list, o object, a any. A last word "*" allows any others.
	 */
	const char *arguments;
	/** 0, or -errno and a sentence in call->err. */
	int (*execute)(struct control_call *call);
};

/* Tables, each ended by a row without a name. */
extern const struct control_command control_life_commands[];
extern const struct control_command control_query_commands[];
extern const struct control_command control_media_commands[];
extern const struct control_command control_screen_commands[];
extern const struct control_command control_text_commands[];
extern const struct control_command control_cpu_commands[];
extern const struct control_command control_object_commands[];
extern const struct control_command control_net_commands[];
extern const struct control_command control_state_commands[];

/** As QMP calls the limits of a drive, in the order of enum block_limit. */
extern const char *const control_limit_keys[];

/** All of them; NULL ends the list. */
extern const struct control_command *const control_command_tables[];

const struct control_command *control_find_command(const char *name);
/** Names of all, as query-commands lists them. */
struct json_object *control_list_commands(void);
/** Names of events; NULL beyond the last. */
const char *control_event_name(size_t index);
/** What query-qmp-schema returns. */
struct json_object *control_describe_schema(void);
/** Checks the arguments by the row. 0, or -EINVAL and a sentence. */
int control_check_arguments(const struct control_command *command, struct json_object *arguments,
			    struct err *err);
/** Executes a command whose arguments have been checked. */
int control_execute(struct control_call *call, const struct control_command *command);
/** Calls a command from within, for the monitor: 'arguments' are taken over. */
int control_run(struct control_call *call, const char *name, struct json_object *arguments);

/** An error of another class than GenericError. Returns 'code'. */
int control_fail(struct control_call *call, const char *error_class, int code, const char *format,
		 ...) __attribute__((format(printf, 4, 5)));

/* Arguments that control_check_arguments has seen; missing ones are NULL or the default. */
const char *control_string(const struct control_call *call, const char *key);
bool control_bool(const struct control_call *call, const char *key, bool otherwise);
int64_t control_int(const struct control_call *call, const char *key, int64_t otherwise);

/* control_files.c */
/** Opens "/dev/fdset/N" (a copy) or a path. A descriptor, or -errno and a sentence. */
int control_open(struct control *control, const char *filename, int flags, struct err *err);
/** Is it one of "/dev/fdset/N"? */
bool control_names_fdset(const char *filename);
void control_close_fds(struct control *control);
extern const struct control_command control_file_commands[];

/* commands_media.c */
/** Drives tell, or no longer tell, when the guest moves their tray. */
void control_watch_trays(struct control *control, bool watch);

/* commands_net.c */
/** Runs 'act' with the call's arguments as an option string. */
int control_with_options(struct control_call *call,
			 int (*act)(struct control_call *call, struct opts *opts));
/** Connections of networks come and go: events, or none any more. */
void control_watch_networks(struct control *control, bool watch);
/* "info network", "info usernet", "hostfwd_add" and "hostfwd_remove" */
void control_print_networks(struct machine *machine, struct json_text *out);
void control_print_user_networks(struct machine *machine, struct json_text *out);
void control_forward(struct machine *machine, char *words, bool add, struct json_text *out);

/* commands_usb.c */
extern const struct control_command control_usb_commands[];
/** device_add of what is plugged into USB. */
int control_plug_usb(struct control_call *call);
/** device_del. */
int control_unplug_usb(struct control_call *call);
/* "info usb" */
void control_print_usb(struct machine *machine, struct json_text *out);

/* commands_screen.c */
/** machine->vnc_event; 'opaque' is the control. */
void control_report_viewer(void *opaque, enum vnc_event event,
			   const struct vnc_client_info *client);

/* commands_text.c */
/** struct typist's ended; 'opaque' is the control. */
void control_report_typing(void *opaque, const struct typist_progress *progress);

/* control_keys.c */
void control_keys_init(struct control *control);
void control_keys_finish(struct control *control);
/** Presses all, and releases them after 'hold_ms' of guest time. 0, or -ENOSPC and a sentence. */
int control_press(struct control *control, const unsigned *keys, size_t count, uint32_t hold_ms,
		  struct err *err);
/** Whether keys are down that will be released; 'opaque' is the control. */
bool control_is_pressing(void *opaque);

/* What the monitor shows in its own words. */
struct board_drive;
const char *control_drive_name(const struct board_drive *drive);
void control_format_uuid(const struct machine *machine, char text[CONTROL_UUID_BYTES]);
void control_peek_memory(struct machine *machine, uint64_t gpa, uint8_t *data, size_t count);
/** Is a processor there? */
bool control_cpu_is_online(struct machine *machine, unsigned cpu);

/* monitor.c */
/** Runs one line and appends what it says to 'out', lines ended by CR LF. */
void monitor_execute(struct control_client *client, const char *line, struct json_text *out);
/** Starts or goes on with a person's session: what was typed. */
void monitor_greet(struct control_client *client);
void monitor_receive(struct control_client *client, const uint8_t *bytes, size_t count);

struct monitor_command {
	const char *name;
	const char *arguments; /* for help */
	const char *help;
	void (*execute)(struct control_call *call, char *words, struct json_text *out);
};
extern const struct monitor_command monitor_info_commands[];
/** The first command of 'table' named 'word', or NULL. */
const struct monitor_command *monitor_find(const struct monitor_command *table, const char *word);
/** Cuts the first word off *words; "" if none is left. */
char *monitor_next_word(char **words);

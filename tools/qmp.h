// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client's side of QMP, the control protocol of device models: one command at a time, over a
 * UNIX socket. Every wait has a deadline; what the other side sends is bounded.
 */
#pragma once

#include <json-c/json.h>

struct err;

enum {
	QMP_MAX_REPLY_BYTES = 4 << 20,
	QMP_TIMEOUT_MS = 10000,
};

struct qmp {
	int fd;
	struct json_tokener *tokener;
	char input[4096]; /* received and not yet parsed: [start, end) */
	size_t start, end;
	size_t parsed;   /* of the message being received */
	int timeout_ms;  /* of a command; changed for one that takes long */
	unsigned resets; /* RESET events so far */
	/** Told of each event as it comes; 'message' stays the caller's. May be NULL. */
	void (*event)(void *opaque, struct json_object *message);
	void *event_opaque;
};

/** Connects, reads the greeting and leaves negotiation mode. 0, or -errno and a sentence. */
int qmp_open(struct qmp *qmp, const char *path, int timeout_ms, struct err *err);
void qmp_close(struct qmp *qmp);

/**
 * Runs one command. 'arguments' (may be NULL) is taken over; 'pass_fd' goes along unless it is
 * -1. The answer is stored in *result for the caller to put, if wanted. 0, -EREMOTEIO and the
 * device model's own sentence, or another -errno and a sentence.
 */
int qmp_run(struct qmp *qmp, const char *command, struct json_object *arguments, int pass_fd,
	    struct json_object **result, struct err *err);

/** The next message, an event for instance, for the caller to put. 0, -ETIMEDOUT, or another
 * -errno; and a sentence. */
int qmp_receive(struct qmp *qmp, int timeout_ms, struct json_object **message, struct err *err);

/** A string or number in an object, or the default. */
const char *json_text_or(struct json_object *object, const char *key, const char *otherwise);
int json_number_or(struct json_object *object, const char *key, int otherwise);

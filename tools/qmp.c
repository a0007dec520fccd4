// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/qmp.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"

enum {
	MESSAGE_ID = 1,
};

static int64_t now_ms(void)
{
	return clock_host_ns() / NS_PER_MS;
}

const char *json_text_or(struct json_object *object, const char *key, const char *otherwise)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_string))
		return otherwise;
	return json_object_get_string(value);
}

int json_number_or(struct json_object *object, const char *key, int otherwise)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(object, json_type_object) ||
	    !json_object_object_get_ex(object, key, &value) ||
	    !json_object_is_type(value, json_type_int))
		return otherwise;
	return json_object_get_int(value);
}

/* Receiving */

static int wait_for(struct qmp *qmp, short events, int64_t deadline_ms, struct err *err)
{
	struct pollfd poll_fd = { .fd = qmp->fd, .events = events };
	int64_t left = deadline_ms - now_ms();
	int ready = poll(&poll_fd, 1, left > 0 ? (int)left : 0);

	if (ready < 0 && errno != EINTR)
		return err_set_errno(err, -errno, "cannot wait for the device model");
	if (ready <= 0 && now_ms() >= deadline_ms)
		return err_set(err, -ETIMEDOUT, "the device model does not answer");
	return 0;
}

static int receive_some(struct qmp *qmp, int64_t deadline_ms, struct err *err)
{
	ssize_t got;
	int result = wait_for(qmp, POLLIN, deadline_ms, err);

	if (result < 0)
		return result;
	got = recv(qmp->fd, qmp->input, sizeof(qmp->input), MSG_DONTWAIT);
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return err_set(err, -ECONNRESET, "the device model has ended");
	if (got < 0 && errno != EAGAIN && errno != EINTR)
		return err_set_errno(err, -errno, "cannot read the device model's answer");
	qmp->start = 0;
	qmp->end = got > 0 ? (size_t)got : 0;
	return 0;
}

static void skip_blanks(struct qmp *qmp)
{
	while (qmp->start < qmp->end && strchr(" \t\r\n", qmp->input[qmp->start]))
		qmp->start++;
}

static void note_event(struct qmp *qmp, struct json_object *message)
{
	const char *name = json_text_or(message, "event", "");

	if (strcmp(name, "RESET") == 0)
		qmp->resets++;
	if (*name && qmp->event)
		qmp->event(qmp->event_opaque, message);
}

/** The next message, whole. */
static int receive_message(struct qmp *qmp, int64_t deadline_ms, struct json_object **message,
			   struct err *err)
{
	qmp->parsed = 0;
	json_tokener_reset(qmp->tokener);
	for (;;) {
		if (qmp->parsed == 0)
			skip_blanks(qmp);
		if (qmp->start < qmp->end) {
			*message = json_tokener_parse_ex(qmp->tokener, qmp->input + qmp->start,
							 (int)(qmp->end - qmp->start));
			qmp->start += json_tokener_get_parse_end(qmp->tokener);
			qmp->parsed += json_tokener_get_parse_end(qmp->tokener);
			if (*message) {
				note_event(qmp, *message);
				return 0;
			}
			if (json_tokener_get_error(qmp->tokener) != json_tokener_continue ||
			    qmp->parsed > QMP_MAX_REPLY_BYTES)
				return err_set(err, -EPROTO,
					       "what answers is not a device model's control "
					       "socket");
			continue;
		}
		int result = receive_some(qmp, deadline_ms, err);

		if (result < 0)
			return result;
	}
}

/* Sending */

static ssize_t send_with_fd(int fd, const char *text, size_t length, int pass_fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)text, .iov_len = length };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (pass_fd < 0)
		return send(fd, text, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	message.msg_control = control.bytes;
	message.msg_controllen = sizeof(control.bytes);
	header = CMSG_FIRSTHDR(&message);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &pass_fd, sizeof(int));
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static int send_text(struct qmp *qmp, const char *text, int pass_fd, int64_t deadline_ms,
		     struct err *err)
{
	size_t length = strlen(text);

	while (length > 0) {
		int result = wait_for(qmp, POLLOUT, deadline_ms, err);
		ssize_t sent;

		if (result < 0)
			return result;
		sent = send_with_fd(qmp->fd, text, length, pass_fd);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return err_set(err, -ECONNRESET, "the device model has ended");
		if (sent > 0) {
			text += sent;
			length -= (size_t)sent;
			pass_fd = -1; /* it went with the first bytes */
		}
	}
	return 0;
}

static int send_command(struct qmp *qmp, const char *command, struct json_object *arguments,
			int pass_fd, int64_t deadline_ms, struct err *err)
{
	struct json_object *message = json_object_new_object();
	int result;

	json_object_object_add(message, "execute", json_object_new_string(command));
	if (arguments)
		json_object_object_add(message, "arguments", arguments);
	json_object_object_add(message, "id", json_object_new_int(MESSAGE_ID));
	result = send_text(qmp, json_object_to_json_string_ext(message, JSON_C_TO_STRING_PLAIN),
			   pass_fd, deadline_ms, err);
	json_object_put(message);
	return result < 0 ? result : send_text(qmp, "\r\n", -1, deadline_ms, err);
}

/** 1: it was the answer. 0: something else, an event for instance. */
static int take_answer(struct json_object *message, struct json_object **result, struct err *err)
{
	struct json_object *value = NULL;

	if (!json_object_is_type(message, json_type_object))
		return err_set(err, -EPROTO, "the device model's answer makes no sense");
	if (json_object_object_get_ex(message, "error", &value))
		return err_set(err, -EREMOTEIO, "%.250s",
			       json_text_or(value, "desc", "the device model refuses"));
	if (!json_object_object_get_ex(message, "return", &value))
		return 0;
	if (result)
		*result = json_object_get(value);
	return 1;
}

static int run_until(struct qmp *qmp, const char *command, struct json_object *arguments,
		     int pass_fd, struct json_object **result, int64_t deadline_ms, struct err *err)
{
	int done = send_command(qmp, command, arguments, pass_fd, deadline_ms, err);

	while (done == 0) {
		struct json_object *message = NULL;

		done = receive_message(qmp, deadline_ms, &message, err);
		if (done == 0)
			done = take_answer(message, result, err);
		json_object_put(message);
	}
	return done < 0 ? done : 0;
}

int qmp_run(struct qmp *qmp, const char *command, struct json_object *arguments, int pass_fd,
	    struct json_object **result, struct err *err)
{
	return run_until(qmp, command, arguments, pass_fd, result, now_ms() + qmp->timeout_ms, err);
}

int qmp_receive(struct qmp *qmp, int timeout_ms, struct json_object **message, struct err *err)
{
	return receive_message(qmp, now_ms() + timeout_ms, message, err);
}

/* Connecting */

static int connect_to(const char *path, struct err *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return err_set(err, -ENAMETOOLONG, "'%s' is too long for a socket", path);
	memcpy(address.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return err_set_errno(err, -errno, "cannot make a socket");
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		int result =
			err_set_errno(err, -errno, "cannot reach the device model at '%s'", path);

		close(fd);
		return result;
	}
	return fd;
}

int qmp_open(struct qmp *qmp, const char *path, int timeout_ms, struct err *err)
{
	int64_t deadline_ms = now_ms() + timeout_ms;
	struct json_object *greeting = NULL;
	int result = connect_to(path, err);

	*qmp = (struct qmp){ .fd = result, .timeout_ms = QMP_TIMEOUT_MS };
	if (result < 0)
		return result;
	qmp->tokener = json_tokener_new();
	if (!qmp->tokener)
		result = err_set_errno(err, -ENOMEM, "cannot reach the device model");
	else
		result = receive_message(qmp, deadline_ms, &greeting, err);
	if (result == 0 && (!json_object_is_type(greeting, json_type_object) ||
			    !json_object_object_get_ex(greeting, "QMP", NULL)))
		result = err_set(err, -EPROTO,
				 "what answers is not a device model's control socket");
	json_object_put(greeting);
	if (result == 0)
		result = run_until(qmp, "qmp_capabilities", NULL, -1, NULL, deadline_ms, err);
	if (result < 0)
		qmp_close(qmp);
	return result;
}

void qmp_close(struct qmp *qmp)
{
	if (qmp->tokener)
		json_tokener_free(qmp->tokener);
	if (qmp->fd >= 0)
		close(qmp->fd);
	*qmp = (struct qmp){ .fd = -1 };
}

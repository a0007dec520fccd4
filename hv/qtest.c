// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Connection and lines. A command is executed as soon as its line is there and the replies before
 * it have gone out; while the machine is about to be reset, the next one waits, so that a test
 * program sees the machine after the reset.
 */
#include "hv/qtest.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/chr.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"

enum {
	IN_CHUNK = 4096,
	/* The longest reply and what interrupts may put before it. */
	QTEST_MAX_OUTPUT = QTEST_MAX_LINE + (1 << 20),
	LOG_MAX_LINE = 512, /* longer ones are cut in the log */
};

static struct qtest *qtest_from_hv(struct hv *hv)
{
	return container_of(hv, struct qtest, hv);
}

/* Output */

static void log_line(struct qtest *qtest, char direction, const char *line, size_t length)
{
	if (!qtest->log)
		return;
	fprintf(qtest->log, "[%c +%.6f] %.*s\n", direction,
		(double)(clock_host_ns() - qtest->opened_ns) / 1e9,
		(int)min_size(length, LOG_MAX_LINE), line);
}

/** What the log and the connection get; a reply without memory for it is lost. */
static void queue_line(struct qtest *qtest, const char *line, size_t length)
{
	char *room = qtest_text_extend(&qtest->out, length, QTEST_MAX_OUTPUT);

	if (room)
		memcpy(room, line, length);
	log_line(qtest, 'S', line, length - 1);
}

void qtest_reply(struct qtest *qtest, const char *format, ...)
{
	char line[LOG_MAX_LINE];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	length = (int)min_size((size_t)length, sizeof(line) - 2);
	line[length++] = '\n';
	queue_line(qtest, line, (size_t)length);
}

void qtest_reply_block(struct qtest *qtest, const uint8_t *data, size_t length, bool is_base64)
{
	size_t digits = is_base64 ? qtest_base64_length(length) : 2 * length;
	const char *prefix = is_base64 ? "OK " : "OK 0x";
	size_t total = strlen(prefix) + digits + 1;
	char *room = qtest_text_extend(&qtest->out, total, QTEST_MAX_OUTPUT);

	if (!room) {
		qtest_reply(qtest, "FAIL out of memory");
		return;
	}
	memcpy(room, prefix, strlen(prefix));
	if (is_base64)
		qtest_encode_base64(data, length, room + strlen(prefix));
	else
		qtest_encode_hex(data, length, room + strlen(prefix));
	room[total - 1] = '\n';
	log_line(qtest, 'S', room, total - 1);
}

/** True if everything has gone out. */
static bool send_output(struct qtest *qtest)
{
	struct qtest_text *out = &qtest->out;

	while (qtest->sent < out->length) {
		size_t done =
			chr_write(qtest->chr, out->bytes + qtest->sent, out->length - qtest->sent);

		if (!done)
			return false;
		qtest->sent += done;
	}
	out->length = qtest->sent = 0;
	return true;
}

/* Input */

static void drop_front(struct qtest_text *text, size_t count)
{
	memmove(text->bytes, text->bytes + count, text->length - count);
	text->length -= count;
}

/** The length of the first line with its end, or 0 if it is not complete. */
static size_t find_line(struct qtest *qtest)
{
	const char *end = NULL;

	if (qtest->in.length > qtest->in_scanned)
		end = memchr(qtest->in.bytes + qtest->in_scanned, '\n',
			     qtest->in.length - qtest->in_scanned);
	qtest->in_scanned = end ? 0 : qtest->in.length;
	return end ? (size_t)(end - qtest->in.bytes) + 1 : 0;
}

static void execute_line(struct qtest *qtest, size_t length)
{
	char *line = qtest->in.bytes;

	line[length - 1] = '\0';
	if (qtest->skips_line) {
		qtest->skips_line = false;
		qtest_reply(qtest, "FAIL the line is longer than %d bytes", QTEST_MAX_LINE);
		return;
	}
	log_line(qtest, 'R', line, length - 1);
	qtest_execute(qtest, line);
}

static void execute_lines(struct qtest *qtest)
{
	while (!qtest->is_held && send_output(qtest)) {
		size_t length = find_line(qtest);

		if (!length)
			break;
		execute_line(qtest, length);
		drop_front(&qtest->in, length);
	}
	send_output(qtest);
}

static size_t can_receive(void *opaque)
{
	struct qtest *qtest = opaque;

	return qtest->is_held || qtest->out.length ? 0 : IN_CHUNK;
}

static void receive(void *opaque, const uint8_t *bytes, size_t count)
{
	struct qtest *qtest = opaque;
	char *room = qtest_text_extend(&qtest->in, count, QTEST_MAX_LINE + IN_CHUNK);

	if (!room) {
		/* Forget the line so far; its end will come. */
		qtest->skips_line = true;
		qtest->in.length = qtest->in_scanned = 0;
		room = qtest_text_extend(&qtest->in, count, QTEST_MAX_LINE);
	}
	if (room)
		memcpy(room, bytes, count);
	execute_lines(qtest);
}

static void peer_changed(void *opaque, enum chr_event event)
{
	struct qtest *qtest = opaque;

	(void)event;
	qtest->in.length = qtest->in_scanned = qtest->out.length = qtest->sent = 0;
	qtest->skips_line = false;
	qtest->intercept = QTEST_INTERCEPT_NONE;
	memset(qtest->reported, 0, sizeof(qtest->reported));
	qtest->opened_ns = clock_host_ns();
}

static void go_on(void *opaque)
{
	struct qtest *qtest = opaque;

	execute_lines(qtest);
	chr_accept(qtest->chr);
}

/* The core */

void qtest_set_wire(struct qtest *qtest, unsigned wire, bool level)
{
	unsigned wires = qtest->intercept == QTEST_INTERCEPT_PIC ? QTEST_ISA_WIRES : QTEST_WIRES;

	qtest->levels[wire] = level;
	if (qtest->intercept == QTEST_INTERCEPT_NONE || wire >= wires ||
	    qtest->reported[wire] == level)
		return;
	qtest->reported[wire] = level;
	qtest_reply(qtest, "IRQ %s %u", level ? "raise" : "lower", wire);
}

/** Interrupt 0 is reported as 0, although it is wired to input 2 of an I/O APIC: test programs know
 * it so. */
static void set_irq(struct hv *hv, unsigned gsi, bool level)
{
	struct qtest *qtest = qtest_from_hv(hv);

	if (gsi >= QTEST_WIRES)
		return;
	qtest_set_wire(qtest, gsi, level);
	/* A disk's interrupt comes while no command is under way: it is sent at once. */
	if (qtest->chr && qtest->resume)
		loop_timer_set(qtest->resume, clock_host_ns());
}

static void *ram_map(struct hv *hv, uint64_t gpa, size_t *length, bool write)
{
	return hv_ram_map(qtest_from_hv(hv)->backing, gpa, length, write);
}

static void *video_ram_alloc(struct hv *hv, size_t bytes, struct err *err)
{
	return hv_video_ram_alloc(qtest_from_hv(hv)->backing, bytes, err);
}

static int slot_add(struct hv *hv, const struct hv_slot *slot)
{
	return hv_slot_add(qtest_from_hv(hv)->backing, slot);
}

static void slot_remove(struct hv *hv, int slot)
{
	hv_slot_remove(qtest_from_hv(hv)->backing, slot);
}

static void hold(struct hv *hv)
{
	qtest_from_hv(hv)->is_held = true;
}

static void stop_holding(struct hv *hv)
{
	struct qtest *qtest = qtest_from_hv(hv);

	if (!qtest->is_held)
		return;
	qtest->is_held = false;
	if (qtest->chr)
		loop_timer_set(qtest->resume, clock_host_ns());
}

static int start(struct hv *hv, struct err *err)
{
	(void)err;
	stop_holding(hv);
	return 0;
}

static void destroy(struct hv *hv)
{
	struct qtest *qtest = qtest_from_hv(hv);

	chr_destroy(qtest->chr);
	loop_timer_destroy(qtest->resume);
	if (qtest->log)
		fclose(qtest->log);
	hv_destroy(qtest->backing);
	free(qtest->in.bytes);
	free(qtest->out.bytes);
	free(qtest);
}

static const struct hv_ops qtest_ops = {
	.name = "qtest",
	.ram_map = ram_map,
	.video_ram_alloc = video_ram_alloc,
	.slot_add = slot_add,
	.slot_remove = slot_remove,
	.set_irq = set_irq,
	.start = start,
	.hold = hold,
	.pause = stop_holding,
	.destroy = destroy,
};

static int open_log(struct qtest *qtest, struct err *err)
{
	const char *path = qtest->hv.config.qtest_log;

	if (!path || strcmp(path, "none") == 0)
		return 0;
	qtest->log = fopen(path, "we");
	if (!qtest->log)
		return err_set_errno(err, -errno, "cannot write '%s'", path);
	setvbuf(qtest->log, NULL, _IOLBF, 0);
	return 0;
}

static int connect_test(struct qtest *qtest, struct loop *loop, struct err *err)
{
	const struct chr_client client = {
		.opaque = qtest,
		.can_receive = can_receive,
		.receive = receive,
		.event = peer_changed,
		.writable = go_on,
	};

	if (!qtest->hv.config.qtest_chardev)
		return 0;
	qtest->resume = loop_timer_create(loop, go_on, qtest);
	if (!qtest->resume)
		return err_set_errno(err, -ENOMEM, "cannot set up timers");
	qtest->chr = chr_open(loop, qtest->hv.config.qtest_chardev, false, "qtest", err);
	if (!qtest->chr)
		return -EINVAL;
	qtest->opened_ns = clock_host_ns();
	chr_set_client(qtest->chr, &client);
	return 0;
}

struct hv *hv_qtest_create(const struct hv_config *config, const struct hv_client *client,
			   struct loop *loop, struct err *err)
{
	struct qtest *qtest = calloc(1, sizeof(*qtest));

	if (!qtest) {
		err_set_errno(err, -ENOMEM, "cannot create the qtest core");
		return NULL;
	}
	qtest->hv.ops = &qtest_ops;
	qtest->hv.config = *config;
	qtest->hv.client = *client;
	qtest->hv.caps.maps_pieces = true;
	qtest->backing = hv_null_create(config, client, err);
	if (!qtest->backing || open_log(qtest, err) < 0 || connect_test(qtest, loop, err) < 0) {
		destroy(&qtest->hv);
		return NULL;
	}
	return &qtest->hv;
}

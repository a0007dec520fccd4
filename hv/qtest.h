// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The core whose processor is a test program: one connection, one line a command, one line a reply
 * (docs/qtest.md). Guest time stands still but for clock_step and clock_set. There are no
 * interrupt controllers; the levels of their inputs are reported instead.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hv/hv.h"

struct chr;
struct loop_timer;

enum {
	QTEST_WIRES = 24,
	QTEST_ISA_WIRES = 16,
	/* The longest memory block of one command, and the line that carries it as digits. */
	QTEST_MAX_BLOCK = 16 << 20,
	QTEST_MAX_LINE = 2 * QTEST_MAX_BLOCK + 256,
	QTEST_MAX_WORDS = 8,
};

/** Which controller's inputs are reported. */
enum qtest_intercept {
	QTEST_INTERCEPT_NONE,
	QTEST_INTERCEPT_PIC,
	QTEST_INTERCEPT_IOAPIC,
};

/** Text that grows up to a limit. */
struct qtest_text {
	char *bytes;
	size_t length, capacity;
};

struct qtest {
	struct hv hv;
	struct hv *backing; /* RAM, video RAM and slot numbers */
	struct chr *chr;    /* NULL: nobody asks */
	FILE *log;
	int64_t opened_ns; /* host time, for the log */
	struct qtest_text in, out;
	size_t in_scanned; /* bytes of 'in' known to hold no end of line */
	size_t sent;       /* of 'out' */
	bool skips_line;   /* the line was too long: dropped up to its end */
	bool is_held;      /* the machine is about to be reset or stopped */
	struct loop_timer *resume;
	enum qtest_intercept intercept;
	bool levels[QTEST_WIRES];
	bool reported[QTEST_WIRES]; /* the level that the test program knows */
};

/** Executes one line, which is cut up. */
void qtest_execute(struct qtest *qtest, char *line);

/** Queues one line of output; 'format' without newline. */
void qtest_reply(struct qtest *qtest, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** Queues "OK " with a block of memory: hex digits or base64. */
void qtest_reply_block(struct qtest *qtest, const uint8_t *data, size_t length, bool is_base64);

/** Sets the input of a controller as if its device did. */
void qtest_set_wire(struct qtest *qtest, unsigned wire, bool level);

/** Appends room for 'count' bytes and returns it, or NULL beyond 'limit' or without memory. */
char *qtest_text_extend(struct qtest_text *text, size_t count, size_t limit);

/**
 * Decodes hex digits ("0x" has been taken off) or base64 into 'length' bytes; what is missing is
 * zero, what is too much is dropped. False if 'text' holds anything else.
 */
bool qtest_decode_hex(const char *text, uint8_t *data, size_t length);
bool qtest_decode_base64(const char *text, uint8_t *data, size_t length);
/** Bytes of 'length' as text: without end of string. */
size_t qtest_base64_length(size_t length);
void qtest_encode_hex(const uint8_t *data, size_t length, char *text);
void qtest_encode_base64(const uint8_t *data, size_t length, char *text);

// SPDX-License-Identifier: GPL-2.0-or-later
/* What a test program may ask: a table of words. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/lock.h"
#include "hv/qtest.h"

enum {
	PORTS = 0x10000,
};

struct command {
	const char *name;
	unsigned min_words, max_words; /* behind the name */
	void (*execute)(struct qtest *qtest, const struct command *command, char **words);
	unsigned size; /* of an access */
};

/* The client's hooks take the machine lock, which the event loop's callbacks hold: it is given back
 * around them, as a processor's thread would find it. */

static void leave_loop(struct qtest *qtest)
{
	if (qtest->hv.config.lock)
		lock_release(qtest->hv.config.lock);
}

static void enter_loop(struct qtest *qtest)
{
	if (qtest->hv.config.lock)
		lock_acquire(qtest->hv.config.lock);
}

static void access_port(struct qtest *qtest, uint16_t port, bool is_read, unsigned size, void *data)
{
	leave_loop(qtest);
	qtest->hv.client.pio(qtest->hv.client.opaque, port, is_read, size, data, 1);
	enter_loop(qtest);
}

static void access_memory(struct qtest *qtest, uint64_t gpa, bool is_read, void *data,
			  size_t length)
{
	leave_loop(qtest);
	qtest->hv.client.memory(qtest->hv.client.opaque, gpa, is_read, data, length);
	enter_loop(qtest);
}

/** One access of a register's width. */
static void access_word(struct qtest *qtest, uint64_t gpa, bool is_read, unsigned size, void *data)
{
	leave_loop(qtest);
	qtest->hv.client.mmio(qtest->hv.client.opaque, gpa, is_read, size, data);
	enter_loop(qtest);
}

/** Numbers as C writes them; negative ones wrap, as test programs expect of strtoul. False replies.
 */
static bool read_number(struct qtest *qtest, const char *word, uint64_t *number)
{
	char *end;

	errno = 0;
	*number = strtoull(word, &end, 0);
	if (!errno && end != word && !*end)
		return true;
	qtest_reply(qtest, "FAIL '%.64s' is not a number", word);
	return false;
}

static bool read_port(struct qtest *qtest, const char *word, uint16_t *port)
{
	uint64_t number;

	if (!read_number(qtest, word, &number))
		return false;
	*port = (uint16_t)number;
	if (number < PORTS)
		return true;
	qtest_reply(qtest, "FAIL port %s is above 0xffff", word);
	return false;
}

/** The address and length of a block, and memory for it, which the caller frees. NULL replies. */
static uint8_t *read_block_words(struct qtest *qtest, char **words, uint64_t *gpa, size_t *length)
{
	uint64_t bytes;
	uint8_t *data;

	if (!read_number(qtest, words[0], gpa) || !read_number(qtest, words[1], &bytes))
		return NULL;
	if (bytes > QTEST_MAX_BLOCK) {
		qtest_reply(qtest, "FAIL a block has at most %d bytes", QTEST_MAX_BLOCK);
		return NULL;
	}
	*length = (size_t)bytes;
	data = calloc(1, *length + 1);
	if (!data)
		qtest_reply(qtest, "FAIL out of memory");
	return data;
}

static void execute_in(struct qtest *qtest, const struct command *command, char **words)
{
	uint8_t data[4];
	uint16_t port;

	if (!read_port(qtest, words[0], &port))
		return;
	access_port(qtest, port, true, command->size, data);
	qtest_reply(qtest, "OK 0x%04x", (unsigned)load_le(data, command->size));
}

static void execute_out(struct qtest *qtest, const struct command *command, char **words)
{
	uint64_t value;
	uint8_t data[4];
	uint16_t port;

	if (!read_port(qtest, words[0], &port) || !read_number(qtest, words[1], &value))
		return;
	store_le(data, command->size, value);
	access_port(qtest, port, false, command->size, data);
	qtest_reply(qtest, "OK");
}

static void execute_read_word(struct qtest *qtest, const struct command *command, char **words)
{
	uint8_t data[8];
	uint64_t gpa;

	if (!read_number(qtest, words[0], &gpa))
		return;
	access_word(qtest, gpa, true, command->size, data);
	qtest_reply(qtest, "OK 0x%016llx", (unsigned long long)load_le(data, command->size));
}

static void execute_write_word(struct qtest *qtest, const struct command *command, char **words)
{
	uint64_t gpa, value;
	uint8_t data[8];

	if (!read_number(qtest, words[0], &gpa) || !read_number(qtest, words[1], &value))
		return;
	store_le(data, command->size, value);
	access_word(qtest, gpa, false, command->size, data);
	qtest_reply(qtest, "OK");
}

static void execute_read(struct qtest *qtest, const struct command *command, char **words)
{
	bool is_base64 = command->name[0] == 'b';
	uint64_t gpa;
	size_t length;
	uint8_t *data = read_block_words(qtest, words, &gpa, &length);

	if (!data)
		return;
	if (!length && !is_base64) {
		qtest_reply(qtest, "FAIL nothing to read");
	} else {
		access_memory(qtest, gpa, true, data, length);
		qtest_reply_block(qtest, data, length, is_base64);
	}
	free(data);
}

static void execute_write(struct qtest *qtest, const struct command *command, char **words)
{
	bool is_base64 = command->name[0] == 'b', is_well_formed;
	uint64_t gpa;
	size_t length;
	uint8_t *data = read_block_words(qtest, words, &gpa, &length);

	if (!data)
		return;
	if (is_base64)
		is_well_formed = qtest_decode_base64(words[2], data, length);
	else
		is_well_formed = strncasecmp(words[2], "0x", 2) == 0 && words[2][2] &&
				 qtest_decode_hex(words[2] + 2, data, length);
	if (is_well_formed) {
		access_memory(qtest, gpa, false, data, length);
		qtest_reply(qtest, "OK");
	} else {
		qtest_reply(qtest, "FAIL the data is not %s",
			    is_base64 ? "base64" : "0x and hex digits");
	}
	free(data);
}

static void execute_memset(struct qtest *qtest, const struct command *command, char **words)
{
	uint64_t gpa, value;
	size_t length;
	uint8_t *data = read_block_words(qtest, words, &gpa, &length);

	(void)command;
	if (!data)
		return;
	if (read_number(qtest, words[2], &value)) {
		memset(data, (int)(value & 0xff), length);
		access_memory(qtest, gpa, false, data, length);
		qtest_reply(qtest, "OK");
	}
	free(data);
}

static void execute_endianness(struct qtest *qtest, const struct command *command, char **words)
{
	(void)command;
	(void)words;
	qtest_reply(qtest, "OK little");
}

static void move_clock(struct qtest *qtest, enum hv_clock_move move, uint64_t ns)
{
	int64_t now;

	leave_loop(qtest);
	now = qtest->hv.client.move_clock(qtest->hv.client.opaque, move,
					  (int64_t)min_u64(ns, INT64_MAX));
	enter_loop(qtest);
	qtest_reply(qtest, "OK %lld", (long long)now);
}

static void execute_clock_step(struct qtest *qtest, const struct command *command, char **words)
{
	uint64_t ns = 0;

	(void)command;
	if (!words[0])
		move_clock(qtest, HV_CLOCK_TO_NEXT_TIMER, 0);
	else if (read_number(qtest, words[0], &ns))
		move_clock(qtest, HV_CLOCK_BY, ns);
}

static void execute_clock_set(struct qtest *qtest, const struct command *command, char **words)
{
	uint64_t ns;

	(void)command;
	if (read_number(qtest, words[0], &ns))
		move_clock(qtest, HV_CLOCK_TO, ns);
}

/** Controllers are known by name or by a path that ends in it. */
static enum qtest_intercept find_controller(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	if (strcmp(name, "ioapic") == 0)
		return QTEST_INTERCEPT_IOAPIC;
	if (strcmp(name, "i8259") == 0 || strcmp(name, "isa-i8259") == 0 ||
	    strcmp(name, "pic") == 0)
		return QTEST_INTERCEPT_PIC;
	return QTEST_INTERCEPT_NONE;
}

static void execute_intercept(struct qtest *qtest, const struct command *command, char **words)
{
	enum qtest_intercept controller = find_controller(words[0]);

	(void)command;
	if (controller == QTEST_INTERCEPT_NONE) {
		qtest_reply(qtest, "FAIL Unknown device");
	} else if (qtest->intercept != QTEST_INTERCEPT_NONE && qtest->intercept != controller) {
		qtest_reply(qtest, "FAIL IRQ intercept already enabled");
	} else {
		qtest->intercept = controller;
		qtest_reply(qtest, "OK");
	}
}

static void execute_set_irq(struct qtest *qtest, const struct command *command, char **words)
{
	uint64_t wire, level;

	(void)command;
	if (find_controller(words[0]) == QTEST_INTERCEPT_NONE) {
		qtest_reply(qtest, "FAIL Unknown device");
		return;
	}
	if (!read_number(qtest, words[2], &wire) || !read_number(qtest, words[3], &level))
		return;
	if (wire >= QTEST_WIRES) {
		qtest_reply(qtest, "FAIL there is no input %s", words[2]);
		return;
	}
	qtest_set_wire(qtest, (unsigned)wire, level != 0);
	qtest_reply(qtest, "OK");
}

/** What other machines have. */
static void refuse(struct qtest *qtest, const struct command *command, char **words)
{
	(void)words;
	qtest_reply(qtest, "FAIL %s is not there", command->name);
}

static const struct command commands[] = {
	{ "inb", 1, 1, execute_in, 1 },
	{ "inw", 1, 1, execute_in, 2 },
	{ "inl", 1, 1, execute_in, 4 },
	{ "outb", 2, 2, execute_out, 1 },
	{ "outw", 2, 2, execute_out, 2 },
	{ "outl", 2, 2, execute_out, 4 },
	{ "readb", 1, 1, execute_read_word, 1 },
	{ "readw", 1, 1, execute_read_word, 2 },
	{ "readl", 1, 1, execute_read_word, 4 },
	{ "readq", 1, 1, execute_read_word, 8 },
	{ "writeb", 2, 2, execute_write_word, 1 },
	{ "writew", 2, 2, execute_write_word, 2 },
	{ "writel", 2, 2, execute_write_word, 4 },
	{ "writeq", 2, 2, execute_write_word, 8 },
	{ "read", 2, 2, execute_read, 0 },
	{ "b64read", 2, 2, execute_read, 0 },
	{ "write", 3, 3, execute_write, 0 },
	{ "b64write", 3, 3, execute_write, 0 },
	{ "memset", 3, 3, execute_memset, 0 },
	{ "clock_step", 0, 1, execute_clock_step, 0 },
	{ "clock_set", 1, 1, execute_clock_set, 0 },
	{ "irq_intercept_in", 1, 1, execute_intercept, 0 },
	{ "irq_intercept_out", 1, 1, execute_intercept, 0 },
	{ "set_irq_in", 4, 4, execute_set_irq, 0 },
	{ "endianness", 0, 0, execute_endianness, 0 },
	{ "module_load", 0, 6, refuse, 0 },
	{ "rtas", 0, 6, refuse, 0 },
};

/** Cuts 'line' at blanks; more than QTEST_MAX_WORDS stay in the last. Unused ones are NULL. */
static unsigned split(char *line, char **words)
{
	char *rest = NULL;
	unsigned count = 0;

	for (char *word = strtok_r(line, " \t\r", &rest); word && count < QTEST_MAX_WORDS;
	     word = strtok_r(NULL, " \t\r", &rest))
		words[count++] = word;
	return count;
}

void qtest_execute(struct qtest *qtest, char *line)
{
	char *words[QTEST_MAX_WORDS + 1] = { NULL };
	unsigned count = split(line, words);

	if (count == 0) {
		qtest_reply(qtest, "FAIL a command is missing");
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		const struct command *command = &commands[i];

		if (strcmp(command->name, words[0]) != 0)
			continue;
		if (count - 1 < command->min_words || count - 1 > command->max_words)
			qtest_reply(qtest, "FAIL %s takes other arguments", command->name);
		else
			command->execute(qtest, command, words + 1);
		return;
	}
	qtest_reply(qtest, "FAIL Unknown command '%.64s'", words[0]);
}

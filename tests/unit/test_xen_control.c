// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole machine on a fake of Xen's libraries, spoken to as libxl 4.17 does
 * (tests/vectors/libxl-qmp.txt) by its rules: one try to connect, messages that end with CR LF and
 * have no other line's end, ids that come back as numbers, events at any time, a descriptor with
 * the first byte of a command. Time limits are turns of the loop: nothing else makes an answer.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/loop.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "tests/lib/fake_xen.h"

enum {
	RAM_BYTES = 32 << 20,
	IMAGE_BYTES = 1 << 20,
	INPUT_BYTES = 1 << 20, /* libxl's own limit of what it has not understood */
	TURNS = 4096,
	TURN_MS = 10,
	MAX_WORDS = 64,
	LINE_BYTES = 1024,
};

struct fixture {
	char folder[32], line[1024];
	char *words[MAX_WORDS];
	int count;
	struct options options;
	struct machine *machine;
	/* libxl */
	const char *verb;
	unsigned verbs;
	int socket; /* -1: not connected */
	int passed; /* goes with the next command's first byte; -1: none */
	char *input;
	size_t input_length;
	int64_t id; /* of the command that waits for its answer; -1: none is expected */
	/* Of the last answers that had them. */
	int64_t fdset;
	char type[64];
};

/* Set-up */

static void make_image(struct fixture *f, const char *name)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), IMAGE_BYTES), 0);
	fclose(file);
}

static void make_words(struct fixture *f)
{
	const char *d = f->folder;
	char *rest = NULL;

	snprintf(f->line, sizeof(f->line),
		 "hvmdm -xen-domid %d -no-shutdown "
		 "-chardev socket,id=libxl-cmd,path=%s/libxl,server=on,wait=off "
		 "-mon chardev=libxl-cmd,mode=control "
		 "-chardev socket,id=libxenstat-cmd,path=%s/libxenstat,server=on,wait=off "
		 "-mon chardev=libxenstat-cmd,mode=control -nodefaults -no-user-config -name q "
		 "-vnc 127.0.0.1:0,password=on,to=99 -display none -serial pty "
		 "-device VGA,vgamem_mb=16 -boot order=cda -smp 1,maxcpus=2 -net none "
		 "-machine xenfv,suppress-vmdesc=on -m 32 "
		 "-drive file=%s/a.img,if=ide,index=0,media=disk,format=raw,cache=writeback "
		 "-drive if=none,readonly=on,id=ide-5632,file=%s/cd.iso,format=raw "
		 "-device ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0",
		 FAKE_XEN_DOMID, d, d, d, d);
	for (char *word = strtok_r(f->line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		f->words[f->count++] = word;
}

/** As with -S: the guest waits. */
static int set_up_prelaunch(void **state)
{
	static const char *const images[] = { "a.img", "cd.iso", "cd2.iso" };
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err = { 0 };

	*state = f;
	f->socket = f->passed = -1;
	f->input = malloc(INPUT_BYTES + 1);
	strcpy(f->folder, "/tmp/hvmdm-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	fake_xen_begin(RAM_BYTES);
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		make_image(f, images[i]);
	make_words(f);
	assert_int_equal(options_parse(&f->options, f->count, f->words, &err), OPTIONS_RUN);
	f->machine = machine_create(&f->options, &err);
	if (!f->machine)
		fail_msg("%s", err.text);
	return 0;
}

static int set_up(void **state)
{
	struct err err = { 0 };
	struct fixture *f;

	set_up_prelaunch(state);
	f = *state;
	lock_acquire(&f->machine->lock);
	assert_int_equal(machine_cont(f->machine, &err), 0);
	lock_release(&f->machine->lock);
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[64];

	if (f->socket >= 0)
		close(f->socket);
	machine_destroy(f->machine);
	options_finish(&f->options);
	fake_xen_end();
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f->input);
	free(f);
	return 0;
}

/* libxl's end of the wire */

static _Noreturn void reject(const struct fixture *f, const char *what, const char *text)
{
	fail_msg("%s: %s: %s", f->verb, what, text);
	abort();
}

/** The next message: what stands before CR LF. It has no other line's end and is an object. */
static struct json_object *read_message(struct fixture *f)
{
	struct json_object *message;
	char *end = NULL;

	for (unsigned i = 0; i < TURNS; i++) {
		ssize_t count;

		f->input[f->input_length] = '\0';
		end = strstr(f->input, "\r\n");
		if (end)
			break;
		count = recv(f->socket, f->input + f->input_length, INPUT_BYTES - f->input_length,
			     MSG_DONTWAIT);
		if (count == 0)
			reject(f, "the connection is closed after", f->input);
		else if (count > 0)
			f->input_length += (size_t)count;
		else
			loop_turn(f->machine->loop, TURN_MS);
	}
	if (!end)
		reject(f, "no answer, only", f->input);
	*end = '\0';
	if (strpbrk(f->input, "\r\n"))
		reject(f, "a line's end within", f->input);
	message = json_tokener_parse(f->input);
	if (!message || !json_object_is_type(message, json_type_object))
		reject(f, "no object", f->input);
	f->input_length -= (size_t)(end + 2 - f->input);
	memmove(f->input, end + 2, f->input_length);
	return message;
}

static void connect_once(struct fixture *f, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct json_object *message, *qmp, *version, *qemu, *number;
	static const char *const numbers[] = { "major", "minor", "micro" };

	if (f->socket >= 0)
		close(f->socket);
	f->input_length = 0;
	f->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", f->folder, name);
	if (connect(f->socket, (struct sockaddr *)&address, sizeof(address)) < 0)
		reject(f, "cannot connect at once", strerror(errno));
	if (strcmp(name, "libxl") != 0)
		return; /* the other library does not look at it yet */
	message = read_message(f);
	assert_true(json_object_object_get_ex(message, "QMP", &qmp));
	assert_true(json_object_object_get_ex(qmp, "version", &version));
	assert_true(json_object_object_get_ex(version, "qemu", &qemu));
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_true(json_object_object_get_ex(qemu, numbers[i], &number) &&
			    json_object_is_type(number, json_type_int));
	json_object_put(message);
}

static void send_bytes(struct fixture *f, const char *bytes, size_t count)
{
	assert_int_equal(send(f->socket, bytes, count, 0), (ssize_t)count);
}

/** One byte, and the descriptor beside it. */
static void send_with_fd(struct fixture *f, char byte)
{
	union {
		struct cmsghdr head;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data,
				  .msg_iovlen = 1,
				  .msg_control = control.bytes,
				  .msg_controllen = sizeof(control.bytes) };

	control.head = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)),
					 .cmsg_level = SOL_SOCKET,
					 .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.head), &f->passed, sizeof(int));
	assert_int_equal(sendmsg(f->socket, &message, 0), 1);
	close(f->passed);
	f->passed = -1;
	for (unsigned i = 0; i < 4; i++)
		loop_turn(f->machine->loop, 0);
}

/** Puts what was answered before for "$" and "%". */
static void expand(struct fixture *f, char out[LINE_BYTES], const char *text)
{
	size_t mark = strcspn(text, "$%");

	if (text[mark] == '$')
		snprintf(out, LINE_BYTES, "%.*s%lld%s", (int)mark, text, (long long)f->fdset,
			 text + mark + 1);
	else if (text[mark] == '%')
		snprintf(out, LINE_BYTES, "%.*s%s%s", (int)mark, text, f->type, text + mark + 1);
	else
		snprintf(out, LINE_BYTES, "%s", text);
}

static void say(struct fixture *f, const char *text)
{
	char line[LINE_BYTES];
	struct json_object *command, *id;
	size_t sent = 0;

	expand(f, line, text);
	command = json_tokener_parse(line);
	assert_non_null(command);
	assert_true(json_object_object_get_ex(command, "id", &id));
	f->id = json_object_get_int64(id);
	json_object_put(command);
	strcat(line, "\r\n");
	if (f->passed >= 0) {
		send_with_fd(f, line[0]);
		sent = 1;
	}
	send_bytes(f, line + sent, strlen(line) - sent);
}

/* What libxl needs of an answer */

static bool is_like(struct json_object *want, struct json_object *got);

static bool is_like_text(const char *want, const char *got)
{
	if (strcmp(want, "#") == 0)
		return *got && strspn(got, "0123456789") == strlen(got);
	return strcmp(want, "*") == 0 || strcmp(want, got) == 0;
}

static bool has_one_like(struct json_object *want, struct json_object *array)
{
	for (size_t i = 0; i < json_object_array_length(array); i++)
		if (is_like(want, json_object_array_get_idx(array, i)))
			return true;
	return false;
}

static bool has_members_like(struct json_object *want, struct json_object *got)
{
	struct json_object_iterator at = json_object_iter_begin(want);
	struct json_object_iterator end = json_object_iter_end(want);

	for (; !json_object_iter_equal(&at, &end); json_object_iter_next(&at)) {
		struct json_object *other;

		if (!json_object_object_get_ex(got, json_object_iter_peek_name(&at), &other) ||
		    !is_like(json_object_iter_peek_value(&at), other))
			return false;
	}
	return true;
}

static bool is_like(struct json_object *want, struct json_object *got)
{
	if (json_object_get_type(want) != json_object_get_type(got))
		return false;
	if (json_object_is_type(want, json_type_string))
		return is_like_text(json_object_get_string(want), json_object_get_string(got));
	if (json_object_is_type(want, json_type_boolean))
		return json_object_get_boolean(want) == json_object_get_boolean(got);
	if (json_object_is_type(want, json_type_array)) {
		for (size_t i = 0; i < json_object_array_length(want); i++)
			if (!has_one_like(json_object_array_get_idx(want, i), got))
				return false;
	} else if (json_object_is_type(want, json_type_object)) {
		return has_members_like(want, got);
	}
	return true;
}

static bool has(struct json_object *object, const char *key)
{
	return json_object_object_get_ex(object, key, NULL);
}

/** Of another id, or of one that is no number, libxl takes no answer; of a library that gives none
 * there must be none. */
static void check_id(struct fixture *f, struct json_object *answer)
{
	struct json_object *id = NULL;
	bool is_there = json_object_object_get_ex(answer, "id", &id);

	if (f->id < 0
		    ? is_there
		    : !json_object_is_type(id, json_type_int) || json_object_get_int64(id) != f->id)
		reject(f, "the id", json_object_to_json_string(answer));
}

static void remember(struct fixture *f, struct json_object *answer)
{
	struct json_object *back = NULL, *value;

	json_object_object_get_ex(answer, "return", &back);
	if (json_object_is_type(back, json_type_object) &&
	    json_object_object_get_ex(back, "fdset-id", &value))
		f->fdset = json_object_get_int64(value);
	if (json_object_is_type(back, json_type_array) && json_object_array_length(back) > 0 &&
	    json_object_object_get_ex(json_object_array_get_idx(back, 0), "type", &value))
		snprintf(f->type, sizeof(f->type), "%s", json_object_get_string(value));
}

static void hear(struct fixture *f, const char *text)
{
	struct json_object *want = json_tokener_parse(text), *answer;

	assert_non_null(want);
	for (;;) {
		answer = read_message(f);
		if (!has(answer, "event") && !has(answer, "QMP"))
			break;
		json_object_put(answer);
	}
	if (has(answer, "return") == has(answer, "error"))
		reject(f, "neither or both", json_object_to_json_string(answer));
	if (!is_like(want, answer))
		reject(f, text, json_object_to_json_string(answer));
	check_id(f, answer);
	remember(f, answer);
	json_object_put(answer);
	json_object_put(want);
}

/* The recorded dialogues */

static void open_passed(struct fixture *f, char *words)
{
	char *mode = strchr(words, ' '), path[128];

	assert_non_null(mode);
	*mode++ = '\0';
	snprintf(path, sizeof(path), "%s/%s", f->folder, words);
	f->passed = open(path, *mode == 'w' ? O_WRONLY | O_CREAT : O_RDONLY, 0600);
	assert_true(f->passed >= 0);
}

static void obey(struct fixture *f, char *line)
{
	static char verb[32];
	char *rest = line + strcspn(line, " ");

	if (*rest)
		*rest++ = '\0';
	if (strcmp(line, "verb") == 0) {
		snprintf(verb, sizeof(verb), "%s", rest);
		f->verb = verb;
		f->verbs++;
	} else if (strcmp(line, "connect") == 0) {
		connect_once(f, rest);
	} else if (strcmp(line, "fd") == 0) {
		open_passed(f, rest);
	} else if (strcmp(line, "text") == 0) {
		send_bytes(f, rest, strlen(rest));
		f->id = -1;
	} else if (strcmp(line, "->") == 0) {
		say(f, rest);
	} else if (strcmp(line, "<-") == 0) {
		hear(f, rest);
	} else {
		reject(f, "what is", line);
	}
}

static void libxl_gets_what_it_needs_for_every_verb(void **state)
{
	FILE *file = fopen(SOURCE_ROOT "/tests/vectors/libxl-qmp.txt", "r");
	struct fixture *f = *state;
	char line[LINE_BYTES], path[64];
	struct stat saved;

	assert_non_null(file);
	f->verb = "";
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#')
			obey(f, line);
	}
	fclose(file);
	assert_int_equal(f->verbs, 19);
	/* What it did, beside answering. */
	snprintf(path, sizeof(path), "%s/save.state", f->folder);
	assert_int_equal(stat(path, &saved), 0);
	assert_true(saved.st_size > 0 && saved.st_size <= 256 << 10);
	assert_string_equal(machine_status_name(f->machine->status), "running");
}

/** With dm_restrict libxl asks for the status, and accepts only this one. */
static void a_restricted_start_is_told_by_its_status(void **state)
{
	struct fixture *f = *state;

	f->verb = "restricted";
	connect_once(f, "libxl");
	say(f, "{\"execute\":\"qmp_capabilities\",\"id\":2020372737}");
	hear(f, "{\"return\":{}}");
	say(f, "{\"execute\":\"query-status\",\"id\":2020372736}");
	hear(f, "{\"return\":{\"status\":\"prelaunch\",\"running\":false,\"singlestep\":false}}");
	say(f, "{\"execute\":\"cont\",\"id\":2020372738}");
	hear(f, "{\"return\":{}}");
	say(f, "{\"execute\":\"query-status\",\"id\":2020372739}");
	hear(f, "{\"return\":{\"status\":\"running\",\"running\":true,\"singlestep\":false}}");
}

/** Each command in pieces, and several at once: libxl writes as the socket has room. */
static void commands_come_in_any_pieces(void **state)
{
	static const char command[] = "{\"execute\":\"query-name\",\"id\":7}\r\n";
	struct fixture *f = *state;

	f->verb = "pieces";
	connect_once(f, "libxl");
	say(f, "{\"execute\":\"qmp_capabilities\",\"id\":1}");
	hear(f, "{\"return\":{}}");
	f->id = 7;
	for (size_t i = 0; i < sizeof(command) - 1; i++) {
		send_bytes(f, command + i, 1);
		loop_turn(f->machine->loop, 0);
	}
	hear(f, "{\"return\":{\"name\":\"q\"}}");
	for (unsigned i = 0; i < 3; i++)
		send_bytes(f, command, sizeof(command) - 1);
	for (unsigned i = 0; i < 3; i++)
		hear(f, "{\"return\":{\"name\":\"q\"}}");
}

/** A client may go at any time, even with a descriptor under way, and the next is served. */
static void clients_that_leave_leave_nothing(void **state)
{
	struct fixture *f = *state;
	char cd[] = "cd2.iso r";

	f->verb = "leave";
	for (unsigned i = 0; i < 20; i++) {
		connect_once(f, "libxl");
		say(f, "{\"execute\":\"qmp_capabilities\",\"id\":1}");
		strcpy(cd, "cd2.iso r");
		open_passed(f, cd);
		send_with_fd(f, '{');
		close(f->socket);
		f->socket = -1;
		loop_turn(f->machine->loop, 0);
	}
	connect_once(f, "libxl");
	say(f, "{\"execute\":\"qmp_capabilities\",\"id\":1}");
	hear(f, "{\"return\":{}}");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(libxl_gets_what_it_needs_for_every_verb),
		cmocka_unit_test_setup_teardown(a_restricted_start_is_told_by_its_status,
						set_up_prelaunch, tear_down),
		TEST(commands_come_in_any_pieces),
		TEST(clients_that_leave_leave_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The guest's serial console, and the device model's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "tools/verb.h"
#include "tools/words.h"

enum {
	CONSOLE_ESCAPE = 0x1d, /* ^] */
	LOG_STEP_MS = 250,
};

/** The terminal behind "pty:/dev/pts/3" of serial port 'port'; the caller frees it. */
static char *find_terminal(struct json_object *chardevs, unsigned port, struct err *err)
{
	char label[16];

	snprintf(label, sizeof(label), "serial%u", port);
	for (size_t i = 0; json_object_is_type(chardevs, json_type_array) &&
			   i < json_object_array_length(chardevs);
	     i++) {
		struct json_object *chardev = json_object_array_get_idx(chardevs, i);
		const char *name = json_text_or(chardev, "filename", "");

		if (strcmp(json_text_or(chardev, "label", ""), label) != 0)
			continue;
		if (strncmp(name, "pty:", 4) == 0)
			return text_copy(name + 4);
		err_set(err, -ENOTTY,
			"serial port %u is '%s' and no terminal: write serial = \"pty\"", port,
			name);
		return NULL;
	}
	err_set(err, -ENOENT, "the guest has no serial port %u: write serial = \"pty\"", port);
	return NULL;
}

static int open_terminal(const char *guest, unsigned port)
{
	struct json_object *answer = NULL;
	struct err err = { 0 };
	char *path = NULL;
	struct qmp qmp;
	int fd = -1;

	if (!verb_connect(&qmp, guest))
		return -1;
	if (qmp_run(&qmp, "query-chardev", NULL, -1, &answer, &err) == 0)
		path = find_terminal(answer, port, &err);
	json_object_put(answer);
	qmp_close(&qmp);
	if (path) {
		fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			err_set_errno(&err, -errno, "cannot open '%s'", path);
	}
	if (fd < 0)
		verb_fail(&err);
	free(path);
	return fd;
}

static void make_raw(int fd, struct termios *before)
{
	struct termios raw;

	if (tcgetattr(fd, before) < 0)
		return;
	raw = *before;
	cfmakeraw(&raw);
	tcsetattr(fd, TCSANOW, &raw);
}

static bool write_all(int fd, const char *text, size_t length)
{
	while (length > 0) {
		ssize_t wrote = write(fd, text, length);
		struct pollfd poll_fd = { .fd = fd, .events = POLLOUT };

		if (wrote < 0 && errno != EAGAIN && errno != EINTR)
			return false;
		if (wrote < 0)
			poll(&poll_fd, 1, -1);
		else
			text += wrote, length -= (size_t)wrote;
	}
	return true;
}

int console_type(const char *name_or_number, unsigned port, const char *text)
{
	struct termios before;
	int fd = open_terminal(name_or_number, port);
	bool done;

	if (fd < 0)
		return VERB_FAILED;
	make_raw(fd, &before);
	done = write_all(fd, text, strlen(text));
	if (!done)
		fprintf(stderr, "hvm: cannot write to the guest's serial port: %s\n",
			strerror(errno));
	close(fd);
	return done ? VERB_DONE : VERB_FAILED;
}

/**
 * Carries what is typed to the guest. False: the user leaves. A file or pipe that has ended is
 * not looked at again (*input becomes -1): what the guest answers is still wanted.
 */
static bool carry_input(int terminal, int *input)
{
	char text[512], *escape;
	ssize_t got = read(STDIN_FILENO, text, sizeof(text));

	if (got < 0)
		return errno == EINTR;
	if (got == 0) {
		*input = -1;
		return !isatty(STDIN_FILENO);
	}
	escape = memchr(text, CONSOLE_ESCAPE, (size_t)got);
	if (escape)
		got = escape - text;
	return write_all(terminal, text, (size_t)got) && !escape;
}

/** Carries what the guest says to the user. False: the guest has ended. */
static bool carry_output(int terminal)
{
	char text[4096];
	ssize_t got = read(terminal, text, sizeof(text));

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	return got > 0 && write_all(STDOUT_FILENO, text, (size_t)got);
}

static void carry(int terminal)
{
	struct pollfd fds[] = {
		{ .fd = terminal, .events = POLLIN },
		{ .fd = STDIN_FILENO, .events = POLLIN },
	};

	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			return;
		if ((fds[0].revents & (POLLIN | POLLHUP | POLLERR)) && !carry_output(terminal))
			return;
		if ((fds[1].revents & (POLLIN | POLLHUP | POLLERR)) &&
		    !carry_input(terminal, &fds[1].fd))
			return;
	}
}

int console_attach(const char *name_or_number, unsigned port)
{
	int terminal = open_terminal(name_or_number, port);
	struct termios terminal_before, user_before;
	bool interactive = isatty(STDIN_FILENO);

	if (terminal < 0)
		return VERB_FAILED;
	/* Unless it is raw, the terminal would echo the guest's words to the guest. */
	make_raw(terminal, &terminal_before);
	if (interactive) {
		fprintf(stderr, "Console of '%s'. Ctrl-] leaves.\r\n", name_or_number);
		make_raw(STDIN_FILENO, &user_before);
	}
	carry(terminal);
	if (interactive) {
		tcsetattr(STDIN_FILENO, TCSANOW, &user_before);
		fputc('\n', stderr);
	}
	close(terminal);
	return VERB_DONE;
}

static int run_console(const struct verb *verb, int argc, char **argv)
{
	static const struct option long_options[] = { { "num", required_argument, NULL, 'n' },
						      { "type", required_argument, NULL, 't' },
						      { NULL, 0, NULL, 0 } };
	unsigned long port = 0;
	char *end = NULL;
	int letter;

	while ((letter = getopt_long(argc, argv, "n:t:", long_options, NULL)) != -1) {
		if (letter == 'n')
			port = strtoul(optarg, &end, 10);
		if ((letter != 'n' && letter != 't') || (end && *end != '\0') || port > 3)
			return verb_misuse(verb);
	}
	return argc == optind + 1 ? console_attach(argv[optind], (unsigned)port)
				  : verb_misuse(verb);
}

/* log */

static bool copy_rest(FILE *log)
{
	char text[4096];
	size_t got;

	clearerr(log);
	while ((got = fread(text, 1, sizeof(text), log)) > 0)
		fwrite(text, 1, got, stdout);
	return fflush(stdout) == 0;
}

static int run_log(const struct verb *verb, int argc, char **argv)
{
	bool follow = argc > 1 && strcmp(argv[1], "-f") == 0;
	struct instance instance;
	struct err err = { 0 };
	char *path;
	FILE *log;

	if (argc != (follow ? 3 : 2))
		return verb_misuse(verb);
	if (!verb_find(&instance, argv[argc - 1]))
		return VERB_FAILED;
	path = instance_path(&instance, "log");
	log = fopen(path, "re");
	if (!log)
		err_set_errno(&err, -errno, "cannot read '%s'", path);
	else
		copy_rest(log);
	while (log && follow && !instance_wait(&instance, LOG_STEP_MS) && copy_rest(log))
		;
	if (log)
		fclose(log);
	if (instance.state == STATE_CRASHED && instance.ended && log)
		fprintf(stderr, "hvm: how the device model ended: %s\n", instance.ended);
	free(path);
	instance_finish(&instance);
	return log ? VERB_DONE : verb_fail(&err);
}

/* clang-format off */
const struct verb verbs_console[] = {
	{ "console", "[-n PORT] GUEST", "attach to the guest's serial port; Ctrl-] leaves",
	  "  -n, --num  the port, 0 to 3; it must be serial = \"pty\"\n", run_console },
	{ "log", "[-f] GUEST", "print what the device model has said",
	  "  -f  go on until it ends\n", run_log },
	{ "dmesg", "[-f] GUEST", "the same", NULL, run_log },
	{ 0 },
};
/* clang-format on */

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hvm's side of QMP against peers that speak oddly: a process of its own plays the device model
 * from a script, and the client must come to the right end of every command.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/qmp.h"

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define EMPTY    "{\"return\": {}, \"id\": 1}\r\n"

struct peer {
	char directory[32], path[48];
	pid_t pid;
};

/** Says 'greeting' at once and one of 'answers' after each command, then nothing more; 'piece'
 * bytes at a time. */
static void play(int listener, const char *const *answers, size_t piece)
{
	int client = accept(listener, NULL, NULL);
	char text[4096];

	signal(SIGPIPE, SIG_IGN);
	for (; *answers; answers++) {
		for (size_t at = 0, length = strlen(*answers); at < length; at += piece) {
			size_t count = length - at < piece ? length - at : piece;

			if (write(client, *answers + at, count) < 0)
				_exit(0);
		}
		if (read(client, text, sizeof(text)) <= 0)
			break;
	}
	_exit(0);
}

static void start_peer(struct peer *peer, const char *const *answers, size_t piece)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(peer->directory, sizeof(peer->directory), "/tmp/test-qmp-XXXXXX");
	assert_non_null(mkdtemp(peer->directory));
	snprintf(peer->path, sizeof(peer->path), "%s/qmp", peer->directory);
	memcpy(address.sun_path, peer->path, strlen(peer->path));
	assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(listener, 1), 0);
	peer->pid = fork();
	if (peer->pid == 0)
		play(listener, answers, piece);
	close(listener);
}

static void stop_peer(struct peer *peer)
{
	kill(peer->pid, SIGKILL);
	waitpid(peer->pid, NULL, 0);
	unlink(peer->path);
	rmdir(peer->directory);
}

/** What a command comes to if the peer answers 'answer' to it. */
static int run_against(const char *answer, size_t piece, struct json_object **result,
		       struct err *err)
{
	const char *const answers[] = { GREETING, EMPTY, answer, "", NULL };
	struct peer peer;
	struct qmp qmp;
	int status;

	start_peer(&peer, answers, piece);
	status = qmp_open(&qmp, peer.path, 5000, err);
	if (status == 0) {
		status = qmp_run(&qmp, "query-status", NULL, -1, result, err);
		qmp_close(&qmp);
	}
	stop_peer(&peer);
	return status;
}

static void answers_in_pieces(void **state)
{
	static const char answer[] =
		"\r\n {\"event\": \"RESET\", \"data\": {\"return\": 1}}\r\n"
		"{\"timestamp\": {}}{\"return\": {\"status\": \"run}ning\"}, \"id\": 1}\r\n";

	(void)state;
	for (size_t piece = 1; piece < sizeof(answer); piece += 7) {
		struct json_object *result = NULL;
		struct err err = { 0 };

		if (run_against(answer, piece, &result, &err) < 0)
			fail_msg("%zu: %s", piece, err.text);
		assert_string_equal(json_text_or(result, "status", ""), "run}ning");
		json_object_put(result);
	}
}

static void error_is_the_peers_sentence(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(run_against("{\"error\": {\"class\": \"GenericError\", \"desc\": "
				     "\"the tray is locked\"}, \"id\": 1}\r\n",
				     100, NULL, &err),
			 -EREMOTEIO);
	assert_string_equal(err.text, "the tray is locked");
	assert_int_equal(run_against("{\"error\": 5}\r\n", 100, NULL, &err), -EREMOTEIO);
}

static void garbage_ends_the_command(void **state)
{
	static const char *const rows[] = {
		"]\r\n",    "nonsense\r\n",     "[]\r\n",
		"5 \r\n",   "{\"return\"}\r\n", "{\"return\": {}\x01",
		"\"text\"",
	};
	char deep[200] = "";

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err err = { 0 };

		assert_int_equal(run_against(rows[i], 100, NULL, &err), -EPROTO);
		assert_true(err.text[0] != '\0');
	}
	memset(deep, '[', sizeof(deep) - 1);
	assert_int_equal(run_against(deep, 100, NULL, NULL), -EPROTO);
}

static void endless_answer_is_cut_off(void **state)
{
	size_t length = 6 << 20;
	char *text = malloc(length + 1);

	(void)state;
	memset(text, 'a', length);
	text[0] = '"';
	text[length] = '\0';
	assert_int_equal(run_against(text, 65536, NULL, NULL), -EPROTO);
	free(text);
}

static void end_is_noticed(void **state)
{
	const char *const answers[] = { GREETING, EMPTY, NULL };
	struct err err = { 0 };
	struct peer peer;
	struct qmp qmp;

	(void)state;
	start_peer(&peer, answers, 100);
	assert_int_equal(qmp_open(&qmp, peer.path, 5000, &err), 0);
	assert_int_equal(qmp_run(&qmp, "quit", NULL, -1, NULL, &err), -ECONNRESET);
	qmp_close(&qmp);
	stop_peer(&peer);
}

static void strangers_are_told_apart(void **state)
{
	static const char *const greetings[] = { "{}\r\n", "SSH-2.0\r\n", "[1]\r\n" };
	struct err err = { 0 };
	struct qmp qmp;

	(void)state;
	for (size_t i = 0; i < sizeof(greetings) / sizeof(greetings[0]); i++) {
		const char *const answers[] = { greetings[i], "", NULL };
		struct peer peer;

		start_peer(&peer, answers, 100);
		assert_int_equal(qmp_open(&qmp, peer.path, 5000, &err), -EPROTO);
		stop_peer(&peer);
	}
	assert_int_equal(qmp_open(&qmp, "/nowhere/qmp", 100, &err), -ENOENT);
}

static void silence_has_an_end(void **state)
{
	const char *const answers[] = { "", NULL };
	struct err err = { 0 };
	struct peer peer;
	struct qmp qmp;

	(void)state;
	start_peer(&peer, answers, 100);
	assert_int_equal(qmp_open(&qmp, peer.path, 30, &err), -ETIMEDOUT);
	stop_peer(&peer);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_in_pieces),
		cmocka_unit_test(error_is_the_peers_sentence),
		cmocka_unit_test(garbage_ends_the_command),
		cmocka_unit_test(endless_answer_is_cut_off),
		cmocka_unit_test(end_is_noticed),
		cmocka_unit_test(strangers_are_told_apart),
		cmocka_unit_test(silence_has_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

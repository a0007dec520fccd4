// SPDX-License-Identifier: GPL-2.0-or-later
/* The wire format of QMP and the prompt of the monitor, and clients that behave badly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "dm/control_internal.h"
#include "dm/control_json.h"
#include "tests/lib/control_bench.h"

static struct control_bench bench;

static void say(const char *text)
{
	assert_true(control_bench_say(&bench, text, strlen(text), SIZE_MAX));
}

/** Says 'text' and expects exactly this to come back. */
static void expect(const char *text, const char *reply)
{
	control_bench_forget(&bench);
	say(text);
	assert_string_equal(bench.out, reply);
}

static int set_up_raw(void **state)
{
	struct err err = { 0 };

	(void)state;
	if (!control_bench_init(&bench, CONTROL_QMP, &err))
		fail_msg("%s", err.text);
	return 0;
}

static int set_up(void **state)
{
	set_up_raw(state);
	say("{\"execute\":\"qmp_capabilities\"}");
	return 0;
}

static int set_up_monitor(void **state)
{
	struct err err = { 0 };

	(void)state;
	return control_bench_init(&bench, CONTROL_MONITOR, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
	(void)state;
	control_bench_finish(&bench);
	return 0;
}

static void test_greeting_and_negotiation(void **state)
{
	static const char greeting[] = "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 0, "
				       "\"minor\": 2, \"major\": 7}, \"package\": \"hvmdm ";

	(void)state;
	assert_memory_equal(bench.out, greeting, sizeof(greeting) - 1);
	assert_non_null(strstr(bench.out, "\"}, \"capabilities\": []}}\r\n"));
	expect("{\"execute\":\"query-name\",\"id\":1}",
	       "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"Expecting capabilities "
	       "negotiation with 'qmp_capabilities'\"}, \"id\": 1}\r\n");
	expect("{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}",
	       "{\"error\": {\"class\": \"GenericError\", \"desc\": \"there are no capabilities "
	       "to enable\"}}\r\n");
	expect("{\"execute\":\"qmp_capabilities\",\"id\":2020372737}",
	       "{\"return\": {}, \"id\": 2020372737}\r\n");
	expect("{\"execute\":\"qmp_capabilities\"}",
	       "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"Capabilities negotiation "
	       "is already complete, command ignored\"}}\r\n");
}

static void test_ids_come_back_as_they_were(void **state)
{
	static const char *const ids[] = {
		"0",          "-7",   "2020372736", "18446744073709551615", "1.50",
		"\"a/b\\n\"", "null", "true",       "[1, {\"x\": []}]",     "{\"k\": \"v\"}",
	};
	char text[128], reply[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		snprintf(text, sizeof(text), "{\"execute\":\"query-name\",\"id\":%s}", ids[i]);
		snprintf(reply, sizeof(reply),
			 "{\"return\": {\"name\": \"bench\"}, \"id\": %s}\r\n", ids[i]);
		expect(text, reply);
	}
}

static void test_structure_ends_a_message_not_the_line(void **state)
{
	static const char text[] =
		"\r\n {\"execute\"\n:\"query-name\"}{\"execute\":\"query-name\"}";

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		control_bench_forget(&bench);
		assert_true(control_bench_say(&bench, text, sizeof(text) - 1, piece));
		assert_string_equal(bench.out, "{\"return\": {\"name\": \"bench\"}}\r\n"
					       "{\"return\": {\"name\": \"bench\"}}\r\n");
	}
}

static void test_characters_come_in_pieces(void **state)
{
	static const char text[] =
		"{\"execute\":\"query-name\",\"id\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f"
		"\x98\x80z\"}";
	static const char bad[] = "{\"execute\":\"query-name\",\"id\":\"\xe2\x82\"}\n";

	(void)state;
	for (size_t piece = 1; piece < sizeof(text); piece++) {
		control_bench_forget(&bench);
		assert_true(control_bench_say(&bench, text, sizeof(text) - 1, piece));
		assert_string_equal(bench.out, "{\"return\": {\"name\": \"bench\"}, \"id\": "
					       "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80z\"}\r\n");
	}
	for (size_t piece = 1; piece < sizeof(bad); piece++) {
		control_bench_forget(&bench);
		assert_true(control_bench_say(&bench, bad, sizeof(bad) - 1, piece));
		assert_non_null(strstr(bench.out, "utf-8"));
	}
}

static void expect_error(const char *text, const char *class, const char *words)
{
	control_bench_forget(&bench);
	say(text);
	if (!strstr(bench.out, class) || !strstr(bench.out, words))
		fail_msg("%s: %s", text, bench.out);
}

static void test_errors_name_what_is_wrong(void **state)
{
	(void)state;
	expect_error("{\"execute\":\"teapot\"}", "CommandNotFound", "teapot");
	expect_error("{\"execute\":\"eject\"}", "GenericError", "'id' is missing");
	expect_error("{\"execute\":\"eject\",\"arguments\":{\"id\":1}}", "GenericError",
		     "expected: string");
	expect_error("{\"execute\":\"stop\",\"arguments\":{\"now\":1}}", "GenericError",
		     "'now' is unexpected");
	expect_error("{\"execute\":\"stop\",\"arguments\":[]}", "GenericError", "an object");
	expect_error("{\"execute\":7}", "GenericError", "a string");
	expect_error("{\"id\":7}", "GenericError", "lacks member 'execute'");
	expect_error("{\"execute\":\"stop\",\"extra\":0}", "GenericError", "'extra'");
	expect_error("[]", "GenericError", "JSON object");
	expect_error("{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"/none/x\"}}",
		     "GenericError", "/none/x");
	expect_error("{\"execute\":\"eject\",\"arguments\":{\"device\":\"hdc\"}}", "DeviceNotFound",
		     "hdc");
}

static void test_networks_come_and_go(void **state)
{
	static const char done[] = "{\"return\": {}}\r\n";
	char path[] = "/tmp/hvmdm-test-XXXXXX", text[256];
	int fd = mkstemp(path);

	(void)state;
	expect("{\"execute\":\"netdev_add\",\"arguments\":{\"type\":\"hubport\",\"id\":\"a\","
	       "\"hubid\":3}}",
	       done);
	/* Members of members, and booleans. */
	expect("{\"execute\":\"netdev_add\",\"arguments\":{\"type\":\"stream\",\"id\":\"b\","
	       "\"server\":true,\"addr\":{\"type\":\"inet\",\"host\":\"127.0.0.1\","
	       "\"port\":\"0\"}}}",
	       done);
	expect_error("{\"execute\":\"netdev_add\",\"arguments\":{\"type\":\"hubport\","
		     "\"id\":\"a\"}}",
		     "GenericError", "a netdev 'a' already");
	expect_error("{\"execute\":\"netdev_add\",\"arguments\":{\"type\":\"hubport\","
		     "\"id\":\"c\",\"x,y\":{\"z\":[[1]]}}}",
		     "GenericError", "is unknown");
	expect("{\"execute\":\"set_link\",\"arguments\":{\"name\":\"a\",\"up\":false}}", done);
	expect_error("{\"execute\":\"set_link\",\"arguments\":{\"name\":\"z\",\"up\":true}}",
		     "DeviceNotFound", "'z' not found");
	snprintf(text, sizeof(text),
		 "{\"execute\":\"object-add\",\"arguments\":{\"qom-type\":\"filter-dump\","
		 "\"id\":\"d\",\"netdev\":\"a\",\"file\":\"%s\"}}",
		 path);
	expect(text, done);
	assert_int_equal(lseek(fd, 0, SEEK_END), 24); /* the header of a capture */
	expect_error(text, "GenericError", "an object 'd' already");
	expect("{\"execute\":\"netdev_del\",\"arguments\":{\"id\":\"a\"}}", done);
	expect_error("{\"execute\":\"object-del\",\"arguments\":{\"id\":\"d\"}}", "GenericError",
		     "'d' not found");
	expect_error("{\"execute\":\"netdev_del\",\"arguments\":{\"id\":\"a\"}}", "DeviceNotFound",
		     "'a' not found");
	expect("{\"execute\":\"query-rx-filter\"}", "{\"return\": []}\r\n");
	expect_error("{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":"
		     "\"info network\"}}",
		     "return", "b: type=stream,127.0.0.1:0, not connected");
	expect_error("{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":"
		     "\"hostfwd_add tcp::1-:2\"}}",
		     "return", "there is no user-mode network");
	close(fd);
	unlink(path);
}

static void test_nonsense_costs_its_line_only(void **state)
{
	static const char *const nonsense[] = {
		"}\n", "{]\n", "tru\n", "{\"a\" 1}\n", "\xff\xfe\n", "{\"execute\":\"\xc3\x28\"}\n",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(nonsense); i++) {
		expect_error(nonsense[i], "GenericError", "JSON parse error");
		expect("{\"execute\":\"query-name\"}", "{\"return\": {\"name\": \"bench\"}}\r\n");
	}
	/* A byte of zero is not the end of everything. */
	control_bench_forget(&bench);
	assert_true(control_bench_say(&bench, "{\"a\0\n", 5, SIZE_MAX));
	assert_non_null(strstr(bench.out, "JSON parse error"));
	expect("{\"execute\":\"query-name\"}", "{\"return\": {\"name\": \"bench\"}}\r\n");
}

static void test_depth_and_length_are_bounded(void **state)
{
	(void)state;
	control_bench_forget(&bench);
	for (unsigned i = 0; i < 100000; i++)
		assert_true(control_bench_say(&bench, "[", 1, 1));
	assert_non_null(strstr(bench.out, "JSON parse error"));
	control_bench_forget(&bench);
	assert_true(control_bench_say(&bench, "\n\"", 2, 2));
	for (unsigned i = 0; i < 3000; i++)
		say("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aa"
		    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		    "aa");
	assert_non_null(strstr(bench.out, "too long"));
	expect("\n{\"execute\":\"query-name\"}", "{\"return\": {\"name\": \"bench\"}}\r\n");
}

/** Its queue is bounded: it is dropped, and its connection's object goes on the loop. */
static void test_a_client_that_does_not_read_is_dropped(void **state)
{
	unsigned commands = 0;

	(void)state;
	bench.is_stuck = true;
	while (control_bench_say(&bench, "{\"execute\":\"query-commands\"}", 28, 28) &&
	       commands < 100000)
		commands++;
	assert_in_range(commands, 10, 1000);
	for (unsigned i = 0; i < 200000; i++)
		control_emit(bench.machine->control, "STOP", NULL);
	lock_release(&bench.machine->lock);
	loop_turn(bench.machine->loop, 0);
	lock_acquire(&bench.machine->lock);
	assert_null(bench.chr.client.receive);
}

static void test_events(void **state)
{
	(void)state;
	control_bench_forget(&bench);
	say("{\"execute\":\"cont\"}");
	assert_non_null(strstr(bench.out, "{\"timestamp\": {\"seconds\": "));
	assert_non_null(strstr(bench.out, "}, \"event\": \"RESUME\"}\r\n{\"return\": {}}\r\n"));
	expect("{\"execute\":\"cont\"}", "{\"return\": {}}\r\n");
	expect("{\"execute\":\"query-status\"}",
	       "{\"return\": {\"status\": \"running\", \"singlestep\": false, \"running\": "
	       "true}}\r\n");
	control_bench_forget(&bench);
	say("{\"execute\":\"system_reset\"}");
	assert_memory_equal(bench.out, "{\"return\": {}}\r\n", 16);
	assert_non_null(strstr(bench.out, "\"event\": \"RESET\", \"data\": {\"guest\": false, "
					  "\"reason\": \"host-qmp-system-reset\"}}"));
	control_bench_forget(&bench);
	say("{\"execute\":\"quit\"}");
	assert_non_null(strstr(bench.out, "\"reason\": \"host-qmp-quit\""));
	assert_true(bench.machine->quitting);
}

static void test_keys_are_released_after_a_while(void **state)
{
	struct input *input = &bench.machine->input;

	(void)state;
	say("{\"execute\":\"cont\"}");
	expect("{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\",\"data\":"
	       "\"shift\"},{\"type\":\"number\",\"data\":30}],\"hold-time\":50}}",
	       "{\"return\": {}}\r\n");
	assert_true(input_key_is_down(input, 30));
	clock_step_to(&bench.machine->clock, clock_now_ns(&bench.machine->clock) + 49 * NS_PER_MS);
	assert_true(input_key_is_down(input, 30));
	clock_step_to(&bench.machine->clock, clock_now_ns(&bench.machine->clock) + NS_PER_MS);
	assert_false(input_key_is_down(input, 30));
	assert_false(input_key_is_down(input, 42));
	expect_error("{\"execute\":\"send-key\",\"arguments\":{\"keys\":[{\"type\":\"qcode\","
		     "\"data\":\"hyper\"}]}}",
		     "GenericError", "hyper");
	expect_error(
		"{\"execute\":\"input-send-event\",\"arguments\":{\"events\":[{\"type\":"
		"\"key\",\"data\":{\"down\":true,\"key\":{\"type\":\"qcode\",\"data\":\"a\"}}},"
		"{\"type\":\"btn\",\"data\":{\"down\":true,\"button\":\"ninth\"}}]}}",
		"GenericError", "ninth");
	assert_false(input_key_is_down(input, 30)); /* all or nothing */
}

static uint32_t corner; /* the dot that tells pictures apart */

static void draw_corner(void *opaque, bool full)
{
	struct display *display = opaque;

	(void)full;
	display->surface.pixels[0] = corner;
}

static void test_a_picture_is_read_once(void **state)
{
	static const char look[] = "{\"execute\":\"query-screen-text\"}";
	static const char sum[] = "{\"execute\":\"query-screen-text\",\"arguments\":"
				  "{\"recognize\":false}}";
	struct display *display = &bench.machine->display;
	const struct recognizer *recognizer = &bench.machine->control->recognizer;
	const struct display_source source = { .opaque = display, .refresh = draw_corner };

	(void)state;
	display_set_source(display, &source);
	say(sum);
	assert_int_equal(recognizer->recognitions, 0);
	corner = 1;
	/* No font is known, so that nothing is found; what is not found is kept as well. */
	say(look);
	say(look);
	say(sum);
	say(look);
	assert_non_null(strstr(bench.out, "\"mode\": \"graphics\", \"width\": 640"));
	assert_int_equal(recognizer->recognitions, 1);
	corner = 2;
	say(look);
	assert_int_equal(recognizer->recognitions, 2);
	corner = 1;
	say(sum);
	corner = 2;
	say(look);
	assert_int_equal(recognizer->recognitions, 3);
	display_set_source(display, &(const struct display_source){ 0 });
}

static void test_monitor_by_hand(void **state)
{
	(void)state;
	assert_non_null(strstr(bench.out, "\r\n(hvmdm) "));
	expect("info name\n", "info name\r\nbench\r\n(hvmdm) ");
	expect("info xen\n", "info xen\r\nxen support: disabled\r\n(hvmdm) ");
	expect("cx\bon\x7fnt\r\n", "cx\b \bon\b \bnt\r\n(hvmdm) ");
	assert_int_equal(bench.machine->status, MACHINE_RUNNING);
	/* Ctrl-U empties the line; the end of one may be CR LF. */
	expect("quit\x15stop\r\n", "quit\b \b\b \b\b \b\b \bstop\r\n(hvmdm) ");
	assert_int_equal(bench.machine->status, MACHINE_PAUSED);
}

static void test_monitor_commands(void **state)
{
	(void)state;
	expect("teapot\n", "teapot\r\nunknown command: 'teapot'\r\n(hvmdm) ");
	expect("xp /2xb 0x0\r\n", "xp /2xb 0x0\r\n0000000000000000: 0xff 0xff\r\n(hvmdm) ");
	expect("i/b 0x80\n", "i/b 0x80\r\nportb[0x0080] = 0xff\r\n(hvmdm) ");
	expect("x\n", "x\r\nError: '' is no address\r\n(hvmdm) ");
	expect("\n\n", "\r\n(hvmdm) \r\n(hvmdm) ");
	expect("info status\r", "info status\r\nVM status: paused (prelaunch)\r\n(hvmdm) ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_greeting_and_negotiation, set_up_raw,
						tear_down),
		cmocka_unit_test_setup_teardown(test_ids_come_back_as_they_were, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_structure_ends_a_message_not_the_line, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_characters_come_in_pieces, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_errors_name_what_is_wrong, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_networks_come_and_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_nonsense_costs_its_line_only, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_depth_and_length_are_bounded, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_client_that_does_not_read_is_dropped, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_events, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_keys_are_released_after_a_while, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_a_picture_is_read_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_monitor_by_hand, set_up_monitor, tear_down),
		cmocka_unit_test_setup_teardown(test_monitor_commands, set_up_monitor, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

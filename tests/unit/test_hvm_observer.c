// SPDX-License-Identifier: GPL-2.0-or-later
/* What is seen of a guest, made into events: how far it is, and each kind of trouble by its name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "tools/observer.h"
#include "tools/qmp.h"

enum {
	TOLD_MAX = 64,
	LOOK_MS = 500,
	INTERVAL_MS = 5000,
};

static struct observer observer;
static struct json_object *told[TOLD_MAX];
static unsigned told_count;
static struct observer_look now; /* what the next look shows */
static int64_t waits_ns;         /* added at each look of stand_still */

static void keep(void *opaque, struct json_object *event)
{
	(void)opaque;
	assert_true(told_count < TOLD_MAX);
	told[told_count++] = json_object_get(event);
}

static void forget(void)
{
	while (told_count)
		json_object_put(told[--told_count]);
}

static int set_up(void **state)
{
	struct err err = { 0 };

	(void)state;
	now = (struct observer_look){ .cpu_ns = 1 };
	return observer_init(&observer, INTERVAL_MS, keep, NULL, &err);
}

static int tear_down(void **state)
{
	(void)state;
	forget();
	observer_finish(&observer);
	return 0;
}

/** LOOK_MS later. */
static void look(void)
{
	now.ms += LOOK_MS;
	observer_look(&observer, &now);
	now.said = NULL;
}

/** Another screen. */
static void show(const char *screen)
{
	now.screen = screen;
	now.picture++;
	look();
}

static void say(const char *text)
{
	now.said = text;
	look();
}

static void happen(const char *message)
{
	struct json_object *object = json_tokener_parse(message);

	assert_non_null(object);
	observer_event(&observer, now.ms, object);
	json_object_put(object);
}

/** The first event of that name, or NULL. */
static struct json_object *find(const char *name)
{
	for (unsigned i = 0; i < told_count; i++)
		if (strcmp(json_text_or(told[i], "event", ""), name) == 0)
			return told[i];
	return NULL;
}

static void expect_word(const char *name, const char *key, const char *value)
{
	struct json_object *event = find(name);

	if (!event)
		fail_msg("no event '%s'", name);
	assert_string_equal(json_text_or(event, key, ""), value);
}

static void expect_phase(const char *phase)
{
	expect_word("phase", "phase", phase);
	forget();
}

static void phases_come_in_order(void **state)
{
	(void)state;
	show("SeaBIOS (version 1.16.2)\nMachine UUID 1\n");
	expect_phase("firmware");
	show("SeaBIOS (version 1.16.2)\nBooting from DVD/CD...\n");
	expect_word("phase", "evidence", "Booting from DVD/CD...");
	expect_phase("boot-loader");
	/* Back to what was passed is no news. */
	show("SeaBIOS (version 1.16.2)\n");
	assert_int_equal(told_count, 0);
	/* Of the serial port lines come in pieces. */
	say("[    0.000");
	assert_null(find("phase"));
	say("000] Linux version 6.1\r\n");
	expect_word("phase", "evidence", "[    0.000000] Linux version 6.1");
	expect_phase("kernel");
	show("  [!!] Select a language\n");
	expect_phase("installer");
	say("Debian GNU/Linux 12 vm ttyS0\r\n\r\nvm login: ");
	expect_phase("system");
}

static void a_restart_begins_anew(void **state)
{
	(void)state;
	now.disk_written = 5 << 20;
	show("vm login: \n");
	expect_phase("system");
	happen("{\"event\":\"RESET\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\","
	       "\"cause\":\"triple-fault\"}}");
	expect_word("reboot", "reason", "guest-reset");
	expect_word("reboot", "cause", "triple-fault");
	expect_word("reboot", "phase", "system");
	expect_phase("firmware");
	/* The old screen still stands there. */
	look();
	assert_int_equal(told_count, 0);
	show("GNU GRUB  version 2.06\n");
	expect_phase("boot-loader");
}

static void a_panic_is_told_at_once_and_once(void **state)
{
	(void)state;
	say("[    1.200000] Kernel panic - not syncing: VFS: Unable to mount root fs\r\n");
	expect_word("panic", "text",
		    "[    1.200000] Kernel panic - not syncing: VFS: Unable to mount root fs");
	forget();
	say("[    1.300000] Kernel panic - not syncing: again\r\n");
	show("Kernel panic - not syncing: VFS: Unable to mount root fs\n");
	assert_null(find("panic"));
	happen("{\"event\":\"RESET\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\"}}");
	say("Kernel panic - not syncing: another\r\n");
	assert_non_null(find("panic"));
}

static void a_blue_screen_has_its_stop_code(void **state)
{
	(void)state;
	show("A problem has been detected and Windows has been shut down to prevent damage\n"
	     "to your computer.\n\n*** STOP: 0x0000007B (0xF78D2524,0xC0000034)\n");
	expect_word("blue-screen", "stop", "0x0000007B");
	expect_word("blue-screen", "reason", "Windows has stopped with a blue screen");
	forget();
	happen("{\"event\":\"RESET\",\"data\":{\"guest\":true,\"reason\":\"guest-reset\"}}");
	show("Your PC ran into a problem and needs to restart.\nStop code: "
	     "CRITICAL_PROCESS_DIED\n");
	expect_word("blue-screen", "stop", "CRITICAL_PROCESS_DIED");
}

static void nothing_to_boot_from(void **state)
{
	(void)state;
	show("Booting from DVD/CD...\nBoot failed: Could not read from CDROM (code 0003)\n"
	     "No bootable device.\n");
	expect_word("no-medium", "text", "No bootable device.");
	forget();
	happen("{\"event\":\"RESET\",\"data\":{\"guest\":false,\"reason\":\"host-qmp-system-"
	       "reset\"}}");
	show("BOOTMGR is missing\nPress Ctrl+Alt+Del to restart\n");
	expect_word("no-medium", "text", "BOOTMGR is missing");
}

static void restart_after(int64_t written)
{
	now.disk_written += written;
	look();
	happen("{\"event\":\"RESET\",\"data\":{\"guest\":true,\"reason\":\"triple-fault\"}}");
}

static void restarts_that_come_to_nothing_are_a_loop(void **state)
{
	(void)state;
	restart_after(0);
	restart_after(4096);
	assert_null(find("reboot-loop"));
	restart_after(0);
	assert_int_equal(json_number_or(find("reboot-loop"), "restarts", 0),
			 OBSERVER_VAIN_RESTARTS);
	forget();
	/* Told once; and an installation's restarts are none. */
	restart_after(0);
	restart_after(64 << 20);
	restart_after(0);
	restart_after(0);
	assert_null(find("reboot-loop"));
	restart_after(0);
	assert_non_null(find("reboot-loop"));
}

/** As long as it takes to be told, with 'cpu_ns' and 'exits' added at each look. The ms waited. */
static int64_t stand_still(int64_t cpu_ns, int64_t exits)
{
	int64_t from = now.ms;

	for (unsigned i = 0; i < 200 && !find("stalled"); i++) {
		now.cpu_ns += cpu_ns;
		now.waited_ns += waits_ns;
		now.exits += exits;
		look();
	}
	return now.ms - from;
}

static void expect_stall(int64_t cpu_ns, int64_t exits, const char *how)
{
	int64_t waited;

	now.disk_written++;
	look();
	forget();
	waited = stand_still(cpu_ns, exits);
	expect_word("stalled", "how", how);
	assert_int_equal(waited, OBSERVER_STALL_MS);
	now.disk_written++;
	look();
	assert_non_null(find("moves-again"));
}

static void a_hung_guest_is_told_by_what_it_does(void **state)
{
	const int64_t look_ns = LOOK_MS * INT64_C(1000000);

	(void)state;
	look();
	expect_stall(look_ns, 0, "spinning");
	expect_stall(look_ns, 10000, "polling");
	expect_stall(0, 0, "halted");
	expect_stall(look_ns / 50, 3, "idle");
	/* A host that is busy gives it a fifth. */
	waits_ns = look_ns / 5 * 4;
	expect_stall(look_ns / 5, 0, "spinning");
	waits_ns = 0;
	now.cpu_ns = 0;
	expect_stall(0, 0, "unknown");
}

static void a_cursor_blinks_and_a_guest_is_paused(void **state)
{
	(void)state;
	look();
	for (unsigned i = 0; i < 100; i++) {
		now.picture = i % 2;
		now.cpu_ns += 1000000;
		look();
	}
	assert_non_null(find("stalled"));
	forget();
	now.disk_written++;
	look();
	happen("{\"event\":\"STOP\"}");
	forget();
	stand_still(0, 0);
	assert_null(find("stalled"));
	happen("{\"event\":\"RESUME\"}");
	stand_still(0, 0);
	expect_word("stalled", "how", "halted");
}

static void progress_is_told_at_intervals(void **state)
{
	(void)state;
	look();
	for (unsigned i = 0; i < 2 * INTERVAL_MS / LOOK_MS; i++) {
		now.cd_read += 1000;
		now.cpu_ns += LOOK_MS * INT64_C(500000);
		now.picture += i % 2;
		look();
	}
	assert_int_equal(told_count, 2);
	assert_int_equal(json_number_or(told[1], "cd-read", 0), 20000);
	assert_int_equal(json_number_or(told[1], "cpu-percent", 0), 50);
	assert_non_null(
		strstr(json_object_to_json_string(told[1]), "\"screen-changes-per-second\": 1.0"));
	forget();
	for (unsigned i = 0; i < 2 * INTERVAL_MS / LOOK_MS; i++)
		look();
	assert_int_equal(told_count, 0);
}

static void others_are_passed_on(void **state)
{
	(void)state;
	happen("{\"event\":\"BLOCK_IO_ERROR\",\"data\":{\"device\":\"hda\",\"operation\":\"write\","
	       "\"reason\":\"No space left on device\"}}");
	expect_word("disk-error", "device", "hda");
	happen("{\"event\":\"SHUTDOWN\",\"data\":{\"guest\":true,\"reason\":\"guest-shutdown\"}}");
	expect_word("powered-off", "reason", "guest-shutdown");
	happen("{\"event\":\"VNC_CONNECTED\",\"data\":{}}");
	assert_int_equal(told_count, 2);
}

static void an_endless_line_is_bounded(void **state)
{
	static char text[3 * OBSERVER_SAID_MAX];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	say(text);
	say(text);
	assert_int_equal(strlen(observer.said), OBSERVER_SAID_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(phases_come_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_restart_begins_anew, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_panic_is_told_at_once_and_once, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_blue_screen_has_its_stop_code, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_to_boot_from, set_up, tear_down),
		cmocka_unit_test_setup_teardown(restarts_that_come_to_nothing_are_a_loop, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_hung_guest_is_told_by_what_it_does, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_cursor_blinks_and_a_guest_is_paused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(progress_is_told_at_intervals, set_up, tear_down),
		cmocka_unit_test_setup_teardown(others_are_passed_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_endless_line_is_bounded, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line where scripts and test programs lean on its finer points. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "base/opts.h"
#include "dm/drives.h"
#include "dm/options.h"

enum {
	MAX_WORDS = 16,
};

static struct options options;
static struct err err;
static char line[256];

/** Parses 'text', cut at blanks. */
static enum options_result parse(const char *text)
{
	char *argv[MAX_WORDS + 1] = { "hvmdm" }, *rest = NULL;
	int argc = 1;

	options_finish(&options);
	strcpy(line, text);
	for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		argv[argc++] = word;
	return options_parse(&options, argc, argv, &err);
}

static int tear_down(void **state)
{
	(void)state;
	options_finish(&options);
	memset(&options, 0, sizeof(options));
	return 0;
}

static void test_first_core_that_works_is_taken(void **state)
{
	(void)state;
	assert_int_equal(parse("-accel tcg -accel qtest"), OPTIONS_RUN);
	assert_int_equal(options.accel, ACCEL_QTEST);
	assert_int_equal(parse("-accel qtest -accel kvm -accel tcg"), OPTIONS_RUN);
	assert_int_equal(options.accel, ACCEL_QTEST);
	assert_int_equal(parse("-machine pc,accel=tcg:qtest -machine graphics=off"), OPTIONS_RUN);
	assert_int_equal(options.accel, ACCEL_QTEST);
	assert_true(options.serial_console);
	assert_false(options.nographic);
	assert_int_equal(parse("-accel qtest -xen-domid 7"), OPTIONS_RUN);
	assert_int_equal(options.accel, ACCEL_XEN);
	assert_int_equal(parse("-accel tcg"), OPTIONS_BAD);
	assert_non_null(strstr(err.text, "emulates processors"));
	assert_int_equal(parse("-accel kvm:nonsense"), OPTIONS_BAD);
}

static void test_boot_words_add_up(void **state)
{
	(void)state;
	assert_int_equal(parse("-boot once=d -boot order=cn -boot menu=on"), OPTIONS_RUN);
	assert_string_equal(options.boot_order, "cn");
	assert_string_equal(options.boot_once, "d");
	assert_true(options.boot_menu);
	assert_int_equal(options.boot_retry_ms, -1);
	assert_int_equal(parse("-boot reboot-timeout=15,splash-time=12"), OPTIONS_RUN);
	assert_int_equal(options.boot_retry_ms, 15);
	assert_int_equal(options.boot_menu_wait_ms, 12);
	assert_null(options.boot_order);
	assert_int_equal(parse("-boot reboot-timeout=-1"), OPTIONS_RUN);
	assert_int_equal(options.boot_retry_ms, -1);
	assert_int_equal(parse("-boot reboot-timeout=65536"), OPTIONS_BAD);
	assert_int_equal(parse("-boot reboot-timeout=soon"), OPTIONS_BAD);
	assert_int_equal(parse("-boot order="), OPTIONS_RUN);
	assert_string_equal(options.boot_order, "");
}

static void test_globals_reach_short_forms_of_drives(void **state)
{
	struct drive_plan plans[DRIVES];

	(void)state;
	assert_int_equal(
		parse("-hda a.img -drive file=b.img,serial=own -cdrom c.iso "
		      "-global ide-hd.serial=S -global ide-hd.ver=V -global ide-cd.model=M"),
		OPTIONS_RUN);
	assert_int_equal(drives_plan(&options, plans, &err), 0);
	assert_string_equal(plans[0].serial, "S");
	assert_string_equal(plans[0].version, "V");
	assert_null(plans[0].model);
	assert_string_equal(plans[1].serial, "own");
	assert_null(plans[2].serial);
	assert_string_equal(plans[2].model, "M");
}

static void test_blockdev_is_a_drive_for_a_device(void **state)
{
	struct drive_plan plans[DRIVES];

	(void)state;
	assert_int_equal(parse("-blockdev driver=file,node-name=n,filename=a.img "
			       "-device ide-hd,drive=n,bus=ide.1,unit=1,bios-chs-trans=large"),
			 OPTIONS_RUN);
	assert_int_equal(drives_plan(&options, plans, &err), 0);
	assert_true(plans[3].present);
	assert_string_equal(opts_get(plans[3].drive, "file"), "a.img");
	assert_true(plans[3].has_translation);
	assert_int_equal(plans[3].translation, IDE_TRANSLATION_LARGE);
	assert_int_equal(parse("-blockdev qcow2,node-name=n,filename=a"), OPTIONS_BAD);
	assert_int_equal(parse("-blockdev file,node-name=n"), OPTIONS_BAD);
	assert_int_equal(parse("-blockdev file,node-name=n,filename=a,colour=red"), OPTIONS_BAD);
}

static void test_unknown_translation_is_refused(void **state)
{
	struct drive_plan plans[DRIVES];

	(void)state;
	assert_int_equal(
		parse("-drive if=none,id=d,file=a -device ide-hd,drive=d,bios-chs-trans=x"),
		OPTIONS_RUN);
	assert_int_equal(drives_plan(&options, plans, &err), -EINVAL);
	assert_non_null(strstr(err.text, "bios-chs-trans"));
}

static void test_no_sound(void **state)
{
	(void)state;
	assert_int_equal(parse("-audio none -audiodev none,id=a"), OPTIONS_RUN);
	assert_int_equal(parse("-audio pa,model=hda"), OPTIONS_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_first_core_that_works_is_taken, tear_down),
		cmocka_unit_test_teardown(test_boot_words_add_up, tear_down),
		cmocka_unit_test_teardown(test_globals_reach_short_forms_of_drives, tear_down),
		cmocka_unit_test_teardown(test_blockdev_is_a_drive_for_a_device, tear_down),
		cmocka_unit_test_teardown(test_unknown_translation_is_refused, tear_down),
		cmocka_unit_test_teardown(test_no_sound, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

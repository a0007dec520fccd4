// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hvm's readers: disk specifications, the keys of a file, the table of keys, quoting. What becomes
 * of whole configurations is tests/tools/vectors' matter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "tools/config.h"
#include "tools/disk.h"
#include "tools/guest.h"
#include "tools/keys.h"
#include "tools/words.h"

/* Disks */

static void disk_forms(void **state)
{
	static const struct {
		const char *spec, *target, *format;
		unsigned index, devid;
		bool cdrom;
	} rows[] = {
		{ "/a,raw,hda,rw", "/a", "raw", 0, 768, false },
		{ "/a,,hdb,w", "/a", "raw", 1, 832, false },
		{ "/a, raw, hda, w", "/a", "raw", 0, 768, false },
		{ "/a,qcow2,xvda,rw", "/a", "qcow2", 0, 51712, false },
		{ "/a,vhd,xvdd,rw", "/a", "vpc", 3, 51760, false },
		{ "/a,raw,d2p0,rw", "/a", "raw", 2, 51744, false },
		{ "/a,raw,xvdf,rw", "/a", "raw", 5, 51792, false },
		{ "/a,raw,xvde,ro,cdrom", "/a", "raw", 4, 51776, true },
		{ "/a,raw,hdc,ro,cdrom", "/a", "raw", 2, 5632, true },
		{ "/a,raw,hdc:cdrom,r", "/a", "raw", 2, 5632, true },
		{ ",,hdd:cdrom,r", NULL, "raw", 3, 5696, true },
		{ "/a,empty,hdd,r,cdrom", NULL, "raw", 3, 5696, true },
		{ "file:/a,ioemu:hda,w", "/a", "raw", 0, 768, false },
		{ "file:/a,hdc:cdrom,r", "/a", "raw", 2, 5632, true },
		{ "phy:/dev/sdb,ioemu:hdb,w", "/dev/sdb", "raw", 1, 832, false },
		{ "phy:vg/lv,hda,w", "/dev/vg/lv", "raw", 0, 768, false },
		{ "tap:aio:/a,hda,w", "/a", "raw", 0, 768, false },
		{ "tap:qcow2:/a,hda,w", "/a", "qcow2", 0, 768, false },
		{ "vdev=hda,target=/a,b=c,raw,hdb", "/a,b=c,raw,hdb", "raw", 0, 768, false },
		{ "vdev=hdc,devtype=cdrom,access=ro", NULL, "raw", 2, 5632, true },
		{ "/a,raw,hda,w,backendtype=qdisk", "/a", "raw", 0, 768, false },
		{ "/a,raw,hda,w,no-discard", "/a", "raw", 0, 768, false },
		{ "/a=b,raw,hda,w,discard,script=block", "/a=b", "raw", 0, 768, false },
		{ "vdev=hdc,devtype=cdrom,target=overlay:/o,/a", "/a", "overlay", 2, 5632, true },
		{ "vdev=hdc,devtype=cdrom,target=dir:/a,b", "/a,b", "directory", 2, 5632, true },
		{ "dir:/a,hdc,cdrom", "/a", "directory", 2, 5632, true },
		{ "overlay:/o,/a,hdc,cdrom", "/a", "overlay", 2, 5632, true },
		{ "overlay:/o,file:/a,raw,hdc,ro,cdrom", "/a", "overlay", 2, 5632, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };
		struct disk disk;

		if (disk_parse(&disk, rows[i].spec, &err) < 0)
			fail_msg("%s: %s", rows[i].spec, err.text);
		if (rows[i].target)
			assert_string_equal(disk.target, rows[i].target);
		else
			assert_null(disk.target);
		assert_string_equal(disk.format, rows[i].format);
		assert_int_equal(disk.index, rows[i].index);
		assert_int_equal(disk.devid, rows[i].devid);
		assert_int_equal(disk.cdrom, rows[i].cdrom);
		assert_int_equal(disk.discard, strstr(rows[i].spec, ",discard") != NULL);
		assert_int_equal(disk.readonly, rows[i].cdrom);
		disk_finish(&disk);
	}
}

/** Whatever is written, the answer is a drive or a sentence. */
static void disk_of_noise(void **state)
{
	static const char *const pieces[] = {
		",",         "hda",  "=",    "target=", "file:", "phy:",    "raw",
		"hdc:cdrom", "r",    "w",    "ioemu:",  "/a",    ":",       "vdev=",
		"\t",        "\xff", "tap:", "d9p0",    "dir:",  "overlay:"
	};
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		char spec[128] = "";
		struct err err = { 0 };
		struct disk disk;
		int result;

		for (unsigned i = 0; i < 8; i++) {
			random = random * 1664525 + 1013904223;
			strncat(spec, pieces[(random >> 16) % ARRAY_SIZE(pieces)], 15);
		}
		result = disk_parse(&disk, spec, &err);
		if (result < 0) {
			assert_int_equal(result, -EINVAL);
			assert_true(err.text[0] != '\0');
			continue;
		}
		assert_true(disk.index < DISK_DRIVES);
		assert_true(disk.cdrom || disk.target);
		disk_finish(&disk);
	}
}

/* Configurations */

static struct config *read_text(const char *text, const struct words *extra, struct err *err)
{
	char path[] = "/tmp/test-hvm-XXXXXX";
	int fd = mkstemp(path);
	struct config *config;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	config = config_read(path, extra, err);
	unlink(path);
	return config;
}

static void keys_of_a_text(void **state)
{
	static const char text[] = "a = 1; b='c = 2' # d = 3\n"
				   "e = [ 'f = 4', # g = 5\n 'h=6' ]\n"
				   "i = \"it's \\\" j = 7\"\n"
				   "a = 8\nk += [ 'l' ]\n";
	static const char *const wanted[] = { "a", "b", "e", "i", "k" };
	struct err err = { 0 };
	struct config *config = read_text(text, NULL, &err);
	long value = 0;

	(void)state;
	if (!config)
		fail_msg("%s", err.text);
	assert_int_equal(config_keys(config)->count, ARRAY_SIZE(wanted));
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		assert_string_equal(config_keys(config)->items[i], wanted[i]);
		assert_true(config_has(config, wanted[i]));
	}
	assert_false(config_has(config, "d"));
	assert_int_equal(config_get_number(config, "a", 0, 9, &value, &err), 1);
	assert_int_equal(value, 8);
	config_free(config);
}

static void values_by_form(void **state)
{
	struct err err = { 0 };
	struct config *config =
		read_text("n = \"0x10\"; s = 'x'; l = [ 'p', 'q' ]; t = \"yes\"\n", NULL, &err);
	struct words words = { 0 };
	const char *text = "before";
	bool flag = false;
	long number = 7;

	(void)state;
	assert_non_null(config);
	assert_int_equal(config_get_number(config, "n", 0, 99, &number, &err), 1);
	assert_int_equal(number, 16);
	assert_int_equal(config_get_number(config, "n", 0, 15, &number, &err), -EINVAL);
	assert_int_equal(config_get_number(config, "s", 0, 99, &number, &err), -EINVAL);
	assert_int_equal(config_get_number(config, "absent", 0, 99, &number, &err), 0);
	assert_int_equal(number, 16);
	assert_int_equal(config_get_string(config, "l", &text, &err), -EINVAL);
	assert_string_equal(text, "before");
	assert_int_equal(config_get_bool(config, "t", &flag, &err), 1);
	assert_true(flag);
	assert_int_equal(config_get_bool(config, "s", &flag, &err), -EINVAL);
	assert_int_equal(config_get_words(config, "l", &words, &err), 1);
	assert_int_equal(config_get_words(config, "s", &words, &err), 1);
	assert_int_equal(words.count, 3);
	assert_string_equal(words.items[2], "x");
	words_finish(&words);
	config_free(config);
}

static void extra_assignments_win(void **state)
{
	struct words extra = { 0 };
	struct err err = { 0 };
	struct config *config;
	const char *text = NULL;

	(void)state;
	words_add(&extra, "name=a \"b\" \\c");
	words_add(&extra, "memory=7");
	config = read_text("name = 'x'\nmemory = 5", &extra, &err);
	assert_non_null(config);
	assert_int_equal(config_get_string(config, "name", &text, &err), 1);
	assert_string_equal(text, "a \"b\" \\c");
	assert_int_equal(config_get_string(config, "memory", &text, &err), 1);
	assert_string_equal(text, "7");
	config_free(config);
	words_finish(&extra);
}

/* The table of keys */

static void key_table(void **state)
{
	const struct key_row *row, *before = NULL;

	(void)state;
	for (unsigned i = 0; (row = key_at(i)) != NULL; i++) {
		assert_ptr_equal(key_find(row->name), row);
		assert_true(!before || strcmp(before->name, row->name) < 0);
		assert_int_equal(row->text != NULL,
				 row->fate == KEY_LATER || row->fate == KEY_REFUSED);
		before = row;
	}
	assert_null(key_find("memroy"));
	assert_string_equal(key_nearest("memroy"), "memory");
	assert_string_equal(key_nearest("vcpu"), "vcpus");
	assert_null(key_nearest("a_variable_of_the_authors"));
}

static void names_of_guests(void **state)
{
	(void)state;
	assert_int_equal(guest_check_name("Windows XP (2)", NULL), 0);
	assert_int_equal(guest_check_name("7a", NULL), 0);
	assert_int_equal(guest_check_name("..", NULL), -EINVAL);
	assert_int_equal(guest_check_name("a/b", NULL), -EINVAL);
	assert_int_equal(guest_check_name("12", NULL), -EINVAL);
	assert_int_equal(guest_check_name("", NULL), -EINVAL);
}

static void quoting(void **state)
{
	struct words words = { 0 };
	char *line;

	(void)state;
	words_add(&words, "plain,a=b");
	words_add(&words, "%s", "");
	words_add(&words, "it's $HOME");
	line = words_quote(&words);
	assert_string_equal(line, "plain,a=b '' 'it'\\''s $HOME'");
	free(line);
	words_finish(&words);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(disk_forms),
		cmocka_unit_test(disk_of_noise),
		cmocka_unit_test(keys_of_a_text),
		cmocka_unit_test(values_by_form),
		cmocka_unit_test(extra_assignments_win),
		cmocka_unit_test(key_table),
		cmocka_unit_test(names_of_guests),
		cmocka_unit_test(quoting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * USB devices that are plugged into a running guest. As with CDs, the image is opened here and its
 * descriptor handed over.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "tools/verb.h"

enum {
	NAME_BYTES = 32,
	MAX_NAMES = 100, /* that are tried for a device without id= */
};

/** What 'usbdev-attach' is told. */
struct attachment {
	const char *driver;
	const char *file;   /* of usb-storage */
	const char *format; /* NULL: raw */
	bool read_only;
	struct json_object *arguments; /* of device_add */
	char id[NAME_BYTES];
	bool has_id;
};

/** The driver that a word stands for; a file is a stick. */
static const char *find_driver(const char *word)
{
	static const struct {
		const char *word, *driver;
	} rows[] = {
		{ "tablet", "usb-tablet" },
		{ "mouse", "usb-mouse" },
		{ "keyboard", "usb-kbd" },
		{ "hub", "usb-hub" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (strcmp(word, rows[i].word) == 0)
			return rows[i].driver;
	return "usb-storage";
}

static int parse_flag(const char *key, const char *value, bool *flag, struct err *err)
{
	*flag = strcmp(value, "1") == 0 || strcmp(value, "on") == 0;
	if (*flag || strcmp(value, "0") == 0 || strcmp(value, "off") == 0)
		return 0;
	return err_set(err, -EINVAL, "%s=%s: give on or off", key, value);
}

static void add_text(struct json_object *object, const char *key, const char *value)
{
	json_object_object_add(object, key, json_object_new_string(value));
}

/** One KEY=VALUE. 0, or -EINVAL and a sentence. */
static int parse_word(struct attachment *attachment, char *word, struct err *err)
{
	static const char *const passed[] = { "bus", "port", "serial", "model" };
	char *value = strchr(word, '=');
	bool flag = false;
	int result;

	if (!value)
		return err_set(err, -EINVAL, "'%s': give KEY=VALUE", word);
	*value++ = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++) {
		if (strcmp(word, passed[i]) == 0) {
			add_text(attachment->arguments, word, value);
			return 0;
		}
	}
	if (strcmp(word, "id") == 0) {
		attachment->has_id = true;
		if (snprintf(attachment->id, sizeof(attachment->id), "%s", value) >= NAME_BYTES)
			return err_set(err, -EINVAL, "id: %d characters at the most",
				       NAME_BYTES - 1);
		return 0;
	}
	if (strcmp(word, "format") == 0) {
		attachment->format = value;
		return 0;
	}
	if (strcmp(word, "readonly") == 0)
		return parse_flag(word, value, &attachment->read_only, err);
	if (strcmp(word, "removable") != 0)
		return err_set(err, -EINVAL,
			       "'%s' is unknown: there are id, bus, port, removable, readonly, "
			       "format, serial and model",
			       word);
	result = parse_flag(word, value, &flag, err);
	json_object_object_add(attachment->arguments, "removable", json_object_new_boolean(flag));
	return result;
}

/** An id that no device has: a device model says when one is taken, but not which are free. */
static int try_ids(struct qmp *qmp, struct attachment *attachment,
		   int (*act)(struct qmp *qmp, struct attachment *attachment, struct err *err),
		   struct err *err)
{
	int result = -EEXIST;

	if (attachment->has_id)
		return act(qmp, attachment, err);
	for (unsigned i = 0; i < MAX_NAMES && result < 0; i++) {
		snprintf(attachment->id, sizeof(attachment->id), "usbdev-%u", i);
		result = act(qmp, attachment, err);
		if (result < 0 && !strstr(err->text, "Duplicate"))
			break;
	}
	return result;
}

static int remove_image(struct qmp *qmp, const char *name, struct err *err)
{
	struct json_object *arguments = json_object_new_object();

	add_text(arguments, "node-name", name);
	return qmp_run(qmp, "blockdev-del", arguments, -1, NULL, err);
}

/** blockdev-add of a descriptor that was handed over as 'set'. */
static int add_image(struct qmp *qmp, const struct attachment *attachment, int set, struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *file = json_object_new_object();
	char name[NAME_BYTES];

	snprintf(name, sizeof(name), "/dev/fdset/%d", set);
	add_text(file, "driver", "file");
	add_text(file, "filename", name);
	add_text(arguments, "node-name", attachment->id);
	add_text(arguments, "driver", attachment->format ? attachment->format : "raw");
	json_object_object_add(arguments, "read-only",
			       json_object_new_boolean(attachment->read_only));
	json_object_object_add(arguments, "file", file);
	return qmp_run(qmp, "blockdev-add", arguments, -1, NULL, err);
}

static int hand_over(struct qmp *qmp, struct attachment *attachment, struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *answer = NULL;
	int fd = open(attachment->file, (attachment->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	int result, set;

	add_text(arguments, "opaque", attachment->file);
	if (fd < 0) {
		json_object_put(arguments);
		return err_set_errno(err, -errno, "cannot open '%s'", attachment->file);
	}
	result = qmp_run(qmp, "add-fd", arguments, fd, &answer, err);
	close(fd);
	if (result < 0)
		return result;
	set = json_number_or(answer, "fdset-id", -1);
	json_object_put(answer);
	result = add_image(qmp, attachment, set, err);
	arguments = json_object_new_object();
	json_object_object_add(arguments, "fdset-id", json_object_new_int(set));
	qmp_run(qmp, "remove-fd", arguments, -1, NULL, NULL);
	return result;
}

static int add_device(struct qmp *qmp, struct attachment *attachment, struct err *err)
{
	struct json_object *arguments = attachment->arguments;

	add_text(arguments, "driver", attachment->driver);
	add_text(arguments, "id", attachment->id);
	if (attachment->file)
		add_text(arguments, "drive", attachment->id);
	return qmp_run(qmp, "device_add", json_object_get(arguments), -1, NULL, err);
}

static int attach(struct qmp *qmp, struct attachment *attachment, struct err *err)
{
	int result;

	if (!attachment->file)
		return try_ids(qmp, attachment, add_device, err);
	/* The image and its device have one name; who has the first has the second. */
	result = try_ids(qmp, attachment, hand_over, err);
	if (result < 0)
		return result;
	result = add_device(qmp, attachment, err);
	if (result < 0)
		remove_image(qmp, attachment->id, NULL);
	return result;
}

static int run_attach(const struct verb *verb, int argc, char **argv)
{
	struct attachment attachment = { 0 };
	struct err err = { 0 };
	struct qmp qmp;
	int result = 0;

	if (argc < 3)
		return verb_misuse(verb);
	attachment.driver = find_driver(argv[2]);
	if (strcmp(attachment.driver, "usb-storage") == 0)
		attachment.file = argv[2];
	attachment.arguments = json_object_new_object();
	for (int i = 3; i < argc && result == 0; i++)
		result = parse_word(&attachment, argv[i], &err);
	if (result < 0) {
		verb_fail(&err);
	} else if (!verb_connect(&qmp, argv[1])) {
		result = -ENOENT;
	} else {
		result = attach(&qmp, &attachment, &err);
		qmp_close(&qmp);
		if (result < 0)
			verb_fail(&err);
		else
			puts(attachment.id);
	}
	json_object_put(attachment.arguments);
	return result < 0 ? VERB_FAILED : VERB_DONE;
}

static int run_detach(const struct verb *verb, int argc, char **argv)
{
	struct json_object *arguments;
	struct err err = { 0 };
	struct qmp qmp;
	int result;

	if (argc != 3)
		return verb_misuse(verb);
	if (!verb_connect(&qmp, argv[1]))
		return VERB_FAILED;
	arguments = json_object_new_object();
	add_text(arguments, "id", argv[2]);
	result = qmp_run(&qmp, "device_del", arguments, -1, NULL, &err);
	/* Only what was attached by this tool has an image of the device's name. */
	if (result == 0)
		remove_image(&qmp, argv[2], NULL);
	qmp_close(&qmp);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

static int run_list(const struct verb *verb, int argc, char **argv)
{
	struct json_object *arguments, *answer = NULL;
	struct err err = { 0 };
	struct qmp qmp;
	int result;

	if (argc != 2)
		return verb_misuse(verb);
	if (!verb_connect(&qmp, argv[1]))
		return VERB_FAILED;
	arguments = json_object_new_object();
	add_text(arguments, "command-line", "info usb");
	result = qmp_run(&qmp, "human-monitor-command", arguments, -1, &answer, &err);
	qmp_close(&qmp);
	if (result < 0)
		return verb_fail(&err);
	for (const char *c = json_object_get_string(answer); c && *c; c++)
		if (*c != '\r')
			putchar(*c);
	json_object_put(answer);
	return VERB_DONE;
}

/* clang-format off */
const struct verb verbs_usb[] = {
	{ "usbdev-attach", "GUEST FILE|tablet|mouse|keyboard|hub [KEY=VALUE]...",
	  "plug a USB device into a running guest",
	  "FILE is the image of a stick. Keys: id=, bus=, port=, removable=on, readonly=on, format=raw|qcow2, serial=, model=.\n"
	  "The device's id is printed.\n", run_attach },
	{ "usbdev-detach", "GUEST ID", "take a USB device out", NULL, run_detach },
	{ "usb-list", "GUEST", "USB devices of a guest, and their ports", NULL, run_list },
	{ 0 },
};
/* clang-format on */

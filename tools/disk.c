// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/disk.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/opts.h"
#include "tools/medium.h"
#include "tools/words.h"

/* Xen's numbers of virtual devices: major number of Linux' block device, then drive and partition
 * (xen-vbd-interface(7)). */
enum {
	VDEV_IDE0 = 3 << 8,
	VDEV_IDE1 = 22 << 8,
	VDEV_IDE_DRIVE = 64,
	VDEV_SCSI = 8 << 8,
	VDEV_XVD = 202 << 8,
	VDEV_DRIVE = 16,
};

/** What has been read of a specification so far. */
struct disk_words {
	char *target, *overlay, *format, *vdev, *access;
	bool cdrom, is_directory, discard;
	unsigned position; /* of the next word without a key */
};

/* The virtual device */

static int refuse_vdev(const char *vdev, struct err *err)
{
	return err_set(err, -EINVAL,
		       "'%s' is not a drive that an HVM guest can have: use hda, hdb, hdc or hdd",
		       vdev);
}

/** The number of the drive behind 'prefix': "a" is 0. */
static bool parse_letter(const char *vdev, const char *prefix, unsigned *drive)
{
	size_t length = strlen(prefix);

	if (strncmp(vdev, prefix, length) != 0 || !islower((unsigned char)vdev[length]) ||
	    vdev[length + 1] != '\0')
		return false;
	*drive = (unsigned)(vdev[length] - 'a');
	return true;
}

int disk_parse_vdev(const char *vdev, unsigned *index, unsigned *devid, struct err *err)
{
	unsigned drive = DISK_DRIVES, limit = DISK_DRIVES, number = 0;
	int end = 0;

	if (parse_letter(vdev, "hd", &drive) || parse_letter(vdev, "ioemu:hd", &drive)) {
		limit = DISK_IDE_DRIVES;
		number = (drive < 2 ? VDEV_IDE0 : VDEV_IDE1) + drive % 2 * VDEV_IDE_DRIVE;
	} else if (parse_letter(vdev, "xvd", &drive) ||
		   (sscanf(vdev, "d%2up0%n", &drive, &end) == 1 && end > 0 && vdev[end] == '\0')) {
		number = VDEV_XVD + drive * VDEV_DRIVE;
	} else if (parse_letter(vdev, "sd", &drive)) {
		return err_set(err, -EINVAL,
			       "'%s': there is no SCSI controller: use hda, hdb, hdc or hdd", vdev);
	}
	if (drive >= limit)
		return refuse_vdev(vdev, err);
	*index = drive;
	*devid = number;
	return 0;
}

/* Words of a specification */

static void set_word(char **word, const char *text)
{
	free(*word);
	*word = text_copy(text);
}

static int set_devtype(struct disk_words *words, const char *type, struct err *err)
{
	if (strcmp(type, "cdrom") != 0 && strcmp(type, "disk") != 0)
		return err_set(err, -EINVAL, "devtype=%s: known are cdrom and disk", type);
	words->cdrom = strcmp(type, "cdrom") == 0;
	return 0;
}

/** "hdc:cdrom", "ioemu:hda": the type may stand with the device. */
static int set_vdev(struct disk_words *words, const char *text, struct err *err)
{
	char *colon;

	if (strncmp(text, "ioemu:", 6) == 0)
		text += 6;
	set_word(&words->vdev, text);
	colon = strchr(words->vdev, ':');
	if (!colon)
		return 0;
	*colon = '\0';
	return set_devtype(words, colon + 1, err);
}

/** Words that say something about Xen's back ends, which a KVM host does not have. */
static bool is_backend_word(const char *word)
{
	static const char *const names[] = { "backend=",       "backendtype=",   "script=",
					     "specification=", "direct-io-safe", "trusted=",
					     "untrusted",      "trusted",        NULL };

	for (size_t i = 0; names[i]; i++) {
		size_t length = strlen(names[i]);

		if (names[i][length - 1] == '=' ? strncmp(word, names[i], length) == 0
						: strcmp(word, names[i]) == 0)
			return true;
	}
	return false;
}

static int apply_key(struct disk_words *words, const char *key, const char *value, struct err *err)
{
	static const char *const known[] = { "target",  "format",      "vdev",   "access",
					     "devtype", "backendtype", "script", "backend",
					     "discard", NULL };
	const char *near = err_nearest_word(key, known);

	if (strcmp(key, "format") == 0)
		set_word(&words->format, value);
	else if (strcmp(key, "access") == 0)
		set_word(&words->access, value);
	else if (strcmp(key, "vdev") == 0)
		return set_vdev(words, value, err);
	else if (strcmp(key, "devtype") == 0)
		return set_devtype(words, value, err);
	else
		return err_set(err, -EINVAL, "unknown word '%s'%s%s%s", key,
			       near ? ", did you mean '" : "", near ? near : "", near ? "'" : "");
	return 0;
}

/** "overlay:DIRECTORY" stands before the image; "dir:DIRECTORY" in its place. */
static void apply_target(struct disk_words *words, const char *text)
{
	if (strncmp(text, "overlay:", 8) == 0 && !words->overlay) {
		set_word(&words->overlay, text + 8);
		words->position--;
		return;
	}
	words->is_directory = strncmp(text, "dir:", 4) == 0;
	set_word(&words->target, words->is_directory ? text + 4 : text);
}

static int apply_positional(struct disk_words *words, const char *text, struct err *err)
{
	switch (words->position++) {
	case 0:
		apply_target(words, text);
		return 0;
	case 1:
		/* xm's order is target, device, access. */
		if (strncmp(text, "ioemu:", 6) == 0 || strncmp(text, "hd", 2) == 0 ||
		    strncmp(text, "xvd", 3) == 0 || strncmp(text, "sd", 2) == 0) {
			words->position++;
			return set_vdev(words, text, err);
		}
		set_word(&words->format, text);
		return 0;
	case 2:
		return set_vdev(words, text, err);
	case 3:
		set_word(&words->access, text);
		return 0;
	default:
		return err_set(err, -EINVAL, "too many words, the first is '%s'", text);
	}
}

static int apply_word(struct disk_words *words, char *word, struct err *err)
{
	char *equals = strchr(word, '=');

	if (is_backend_word(word))
		return 0;
	if (strcmp(word, "discard") == 0 || strcmp(word, "no-discard") == 0) {
		words->discard = *word == 'd';
		return 0;
	}
	if (strcmp(word, "cdrom") == 0 || strcmp(word, "devtype=cdrom") == 0)
		return set_devtype(words, "cdrom", err);
	/* An '=' may also stand in a path. */
	if (equals && strchr(word, '/') && strchr(word, '/') < equals)
		equals = NULL;
	if (!equals)
		return apply_positional(words, word, err);
	*equals = '\0';
	return apply_key(words, word, equals + 1, err);
}

/** As apply_target, for the rest of a specification. */
static void apply_last_target(struct disk_words *words, char *text)
{
	char *comma = strncmp(text, "overlay:", 8) == 0 ? strchr(text, ',') : NULL;

	if (comma) {
		*comma = '\0';
		set_word(&words->overlay, text + 8);
		text = comma + 1;
	}
	words->is_directory = strncmp(text, "dir:", 4) == 0;
	set_word(&words->target, words->is_directory ? text + 4 : text);
}

static int split_words(struct disk_words *words, char *spec, struct err *err)
{
	int result = 0;

	while (spec && result == 0) {
		char *comma;

		spec += strspn(spec, " \t");
		/* target= is the last word: what is behind it is the path, commas included. */
		if (strncmp(spec, "target=", 7) == 0) {
			apply_last_target(words, spec + 7);
			return 0;
		}
		comma = strchr(spec, ',');
		if (comma)
			*comma = '\0';
		spec[strcspn(spec, "\t\r\n")] = '\0';
		result = apply_word(words, spec, err);
		spec = comma ? comma + 1 : NULL;
	}
	return result;
}

/* What the words mean */

/** A path without the prefixes of old, absolute: what reads it may run in another directory. */
static char *find_target(struct disk_words *words)
{
	static const char *const formats[] = { "raw", "qcow2", "qcow", "vhd", "qed", NULL };
	char *path = words->target;
	bool device = false, again = true;

	while (again) {
		again = false;
		if (strncmp(path, "phy:", 4) == 0) {
			device = true;
			path += 4;
			again = true;
		} else if (strncmp(path, "file:", 5) == 0 || strncmp(path, "tap2:", 5) == 0) {
			path += 5;
			again = true;
		} else if (strncmp(path, "tap:", 4) == 0 || strncmp(path, "aio:", 4) == 0) {
			path += 4;
			again = true;
		}
		for (size_t i = 0; formats[i] && !again; i++) {
			size_t length = strlen(formats[i]);

			if (strncmp(path, formats[i], length) == 0 && path[length] == ':') {
				set_word(&words->format, formats[i]);
				path += length + 1;
				again = true;
			}
		}
	}
	if (*path == '\0')
		return NULL;
	if (*path == '/')
		return text_copy(path);
	return device ? text_format("/dev/%s", path) : medium_absolute(path);
}

static int find_format(struct disk *disk, const char *format, struct err *err)
{
	static const struct {
		const char *word, *name;
	} known[] = {
		{ "", "raw" },    { "raw", "raw" }, { "qcow2", "qcow2" }, { "qcow", "qcow" },
		{ "vhd", "vpc" }, { "qed", "qed" }, { "empty", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(format ? format : "", known[i].word) != 0)
			continue;
		if (!known[i].name) {
			free(disk->target);
			disk->target = NULL;
		}
		disk->format = text_copy(known[i].name ? known[i].name : "raw");
		return 0;
	}
	return err_set(err, -EINVAL,
		       "unknown image format '%s', known are raw, qcow2, qcow, vhd and qed",
		       format);
}

/** A CD made on the fly: 'format' is what the words say of one. */
static int make_medium(struct disk *disk, const struct disk_words *words, struct err *err)
{
	const char *format = words->format ? words->format : "";

	if (!words->is_directory && !words->overlay)
		return 0;
	if (!words->cdrom)
		return err_set(err, -EINVAL, "dir: and overlay: make CDs: add cdrom");
	if (!disk->target || (words->overlay && !*words->overlay) ||
	    (words->overlay && words->is_directory))
		return err_set(
			err, -EINVAL,
			"write dir:DIRECTORY,hdc,cdrom or overlay:DIRECTORY,IMAGE,hdc,cdrom");
	if (*format && strcmp(format, "raw") != 0)
		return err_set(err, -EINVAL, "dir: and overlay: take no format '%s'", format);
	disk->overlay = words->overlay ? medium_absolute(words->overlay) : NULL;
	free(disk->format);
	disk->format = text_copy(words->overlay ? "overlay" : "directory");
	return 0;
}

static int find_access(struct disk *disk, const char *access, struct err *err)
{
	static const char *const reading[] = { "r", "ro", NULL };
	static const char *const writing[] = { "w", "rw", "w!", "", NULL };

	disk->readonly = disk->cdrom;
	for (size_t i = 0; access && reading[i]; i++) {
		if (strcmp(access, reading[i]) == 0) {
			disk->readonly = true;
			return 0;
		}
	}
	for (size_t i = 0; access && writing[i]; i++)
		if (strcmp(access, writing[i]) == 0)
			return 0;
	return access ? err_set(err, -EINVAL, "unknown access '%s', known are r and w", access) : 0;
}

static int interpret(struct disk *disk, struct disk_words *words, struct err *err)
{
	int result =
		words->vdev && *words->vdev
			? disk_parse_vdev(words->vdev, &disk->index, &disk->devid, err)
			: err_set(err, -EINVAL, "says no virtual device (hda, hdb, hdc or hdd)");

	if (result < 0)
		return result;
	disk->vdev = text_copy(words->vdev);
	disk->cdrom = words->cdrom;
	disk->discard = words->discard;
	disk->target = words->target ? find_target(words) : NULL;
	result = find_format(disk, words->format, err);
	if (result == 0)
		result = make_medium(disk, words, err);
	if (result == 0)
		result = find_access(disk, words->access, err);
	if (result == 0 && !disk->cdrom && !disk->target)
		return err_set(err, -EINVAL, "only a CD-ROM drive can be without an image");
	if (result == 0 && !disk->cdrom && disk->readonly)
		return err_set(err, -EINVAL,
			       "an IDE disk cannot be read-only: say w, or devtype=cdrom");
	return result;
}

int disk_parse(struct disk *disk, const char *spec, struct err *err)
{
	struct disk_words words = { 0 };
	char *copy = text_copy(spec);
	int result = split_words(&words, copy, err);

	*disk = (struct disk){ 0 };
	if (result == 0)
		result = interpret(disk, &words, err);
	if (result < 0) {
		err_prefix(err, "disk '%s'", spec);
		disk_finish(disk);
	}
	free(words.target);
	free(words.overlay);
	free(words.format);
	free(words.vdev);
	free(words.access);
	free(copy);
	return result;
}

/** Whether hvmdm's -drive has throttling.NAME. */
static bool is_limit(const char *name, size_t length)
{
	static const char *const names[] = { "bps-total",  "bps-read",  "bps-write",
					     "iops-total", "iops-read", "iops-write" };
	static const char *const ends[] = { "", "-max", "-max-length" };
	char known[32];

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(ends); j++) {
			snprintf(known, sizeof(known), "%s%s", names[i], ends[j]);
			if (strlen(known) == length && strncmp(known, name, length) == 0)
				return true;
		}
	}
	return length == strlen("iops-size") && strncmp(name, "iops-size", length) == 0;
}

int disk_set_limits(struct disk *disk, const char *limits, struct err *err)
{
	char *text = text_copy("");

	while (*limits) {
		size_t length = strcspn(limits, ",");
		size_t name = strcspn(limits, "=,");
		char *word = text_format("%.*s", (int)length, limits), *longer;
		uint64_t number;

		if (name == length || !is_limit(word, name) ||
		    opts_parse_size(word + name + 1, 1, &number) < 0) {
			err_set(err, -EINVAL,
				"disk_limits: '%s' is none: say for instance iops-total=200 or "
				"bps-write=10M",
				word);
			free(word);
			free(text);
			return -EINVAL;
		}
		longer = text_format("%s,throttling.%s", text, word);
		free(text);
		free(word);
		text = longer;
		limits += length + (limits[length] == ',');
	}
	free(disk->limits);
	disk->limits = text;
	return 0;
}

void disk_finish(struct disk *disk)
{
	free(disk->target);
	free(disk->overlay);
	free(disk->vdev);
	free(disk->format);
	free(disk->limits);
	*disk = (struct disk){ 0 };
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CD-ROMs. The image is opened here and its descriptor handed over: a device model in its sandbox
 * cannot open anything, and need not be allowed to read what the user may.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tools/disk.h"
#include "tools/verb.h"

static bool find_drive(const char *vdev, char *id, size_t size)
{
	struct err err = { 0 };
	unsigned index, devid;

	if (disk_parse_vdev(vdev, &index, &devid, &err) < 0) {
		verb_fail(&err);
		return false;
	}
	snprintf(id, size, "ide-%u", devid);
	return true;
}

static struct json_object *name_drive(const char *id)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "id", json_object_new_string(id));
	return arguments;
}

static int insert(struct qmp *qmp, const char *id, int fd, const char *path, bool read_only,
		  struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *answer = NULL;
	char name[64];
	int result;

	json_object_object_add(arguments, "opaque", json_object_new_string(path));
	result = qmp_run(qmp, "add-fd", arguments, fd, &answer, err);
	if (result < 0)
		return result;
	snprintf(name, sizeof(name), "/dev/fdset/%d", json_number_or(answer, "fdset-id", -1));
	json_object_put(answer);
	arguments = name_drive(id);
	json_object_object_add(arguments, "filename", json_object_new_string(name));
	json_object_object_add(arguments, "format", json_object_new_string("raw"));
	if (read_only)
		json_object_object_add(arguments, "read-only-mode",
				       json_object_new_string("read-only"));
	return qmp_run(qmp, "blockdev-change-medium", arguments, -1, NULL, err);
}

/** Opens the file here and hands it over; 'flags' as of open(). */
static int insert_file(const char *guest, const char *vdev, const char *id, const char *file,
		       int flags)
{
	const char *path = strncmp(file, "file:", 5) == 0 ? file + 5 : file;
	int fd = open(path, flags | O_CLOEXEC), result;
	struct err err = { 0 };
	struct qmp qmp;

	if (fd < 0) {
		err_set_errno(&err, -errno, "cannot read '%s'", path);
		return verb_fail(&err);
	}
	if (!verb_connect(&qmp, guest)) {
		close(fd);
		return VERB_FAILED;
	}
	result = insert(&qmp, id, fd, path, (flags & O_ACCMODE) == O_RDONLY, &err);
	qmp_close(&qmp);
	close(fd);
	if (result < 0)
		err_prefix(&err, "%s", vdev);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

static int run_insert(const struct verb *verb, int argc, char **argv)
{
	char id[32];

	if (argc != 4)
		return verb_misuse(verb);
	if (!find_drive(argv[2], id, sizeof(id)))
		return VERB_FAILED;
	return insert_file(argv[1], argv[2], id, argv[3], O_RDONLY);
}

static int run_eject(const struct verb *verb, int argc, char **argv)
{
	char id[32];

	if (argc != 3)
		return verb_misuse(verb);
	if (!find_drive(argv[2], id, sizeof(id)))
		return VERB_FAILED;
	return verb_command(argv[1], "eject", name_drive(id));
}

/** "fda" or "fdb" as the device model calls it; NULL if it is neither. */
static const char *find_floppy(const char *vdev)
{
	if (strcmp(vdev, "fda") == 0 || strcmp(vdev, "fd0") == 0)
		return "floppy0";
	if (strcmp(vdev, "fdb") == 0 || strcmp(vdev, "fd1") == 0)
		return "floppy1";
	fprintf(stderr, "hvm: '%s' is no floppy drive: give fda or fdb\n", vdev);
	return NULL;
}

/** Write-protected if the file is. */
static int run_floppy_insert(const struct verb *verb, int argc, char **argv)
{
	const char *id;

	if (argc != 4)
		return verb_misuse(verb);
	id = find_floppy(argv[2]);
	if (!id)
		return VERB_FAILED;
	return insert_file(argv[1], argv[2], id, argv[3],
			   access(argv[3], W_OK) == 0 ? O_RDWR : O_RDONLY);
}

static int run_floppy_eject(const struct verb *verb, int argc, char **argv)
{
	const char *id = argc == 3 ? find_floppy(argv[2]) : NULL;

	if (argc != 3)
		return verb_misuse(verb);
	return id ? verb_command(argv[1], "eject", name_drive(id)) : VERB_FAILED;
}

/* clang-format off */
const struct verb verbs_media[] = {
	{ "cd-insert", "GUEST VDEV FILE", "put an image or a host's drive into a CD-ROM drive",
	  "VDEV is the drive's name in the configuration: hdc, for instance.\n", run_insert },
	{ "cd-eject", "GUEST VDEV", "take the disc out", NULL, run_eject },
	{ "floppy-insert", "GUEST VDEV FILE", "put an image into a floppy drive",
	  "VDEV is fda or fdb. The disk is write-protected if FILE is.\n", run_floppy_insert },
	{ "floppy-eject", "GUEST VDEV", "take the floppy disk out", NULL, run_floppy_eject },
	{ 0 },
};
/* clang-format on */

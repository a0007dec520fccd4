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

static int insert(struct qmp *qmp, const char *id, int fd, const char *path, struct err *err)
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
	return qmp_run(qmp, "blockdev-change-medium", arguments, -1, NULL, err);
}

static int run_insert(const struct verb *verb, int argc, char **argv)
{
	const char *path;
	struct err err = { 0 };
	struct qmp qmp;
	char id[32];
	int fd, result;

	if (argc != 4)
		return verb_misuse(verb);
	if (!find_drive(argv[2], id, sizeof(id)))
		return VERB_FAILED;
	path = strncmp(argv[3], "file:", 5) == 0 ? argv[3] + 5 : argv[3];
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_set_errno(&err, -errno, "cannot read '%s'", path);
		return verb_fail(&err);
	}
	if (!verb_connect(&qmp, argv[1])) {
		close(fd);
		return VERB_FAILED;
	}
	result = insert(&qmp, id, fd, path, &err);
	qmp_close(&qmp);
	close(fd);
	if (result < 0)
		err_prefix(&err, "%s", argv[2]);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
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

/* clang-format off */
const struct verb verbs_media[] = {
	{ "cd-insert", "GUEST VDEV FILE", "put an image or a host's drive into a CD-ROM drive",
	  "VDEV is the drive's name in the configuration: hdc, for instance.\n", run_insert },
	{ "cd-eject", "GUEST VDEV", "take the disc out", NULL, run_eject },
	{ 0 },
};
/* clang-format on */

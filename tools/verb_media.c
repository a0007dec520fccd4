// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CD-ROMs and floppy disks. The image is opened, or made of a directory, here, and its descriptor
 * handed over: a device model in its sandbox cannot open anything, and need not be allowed to read
 * what the user may.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "block/media.h"
#include "tools/disk.h"
#include "tools/medium.h"
#include "tools/verb.h"

/** What is put into a drive. */
struct insertion {
	const char *guest, *vdev, *id, *path;
	const char *format;
	bool read_only;
	int fd;
};

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

/** The drive has a copy of the descriptor, or has refused it. */
static void remove_set(struct qmp *qmp, int set)
{
	struct json_object *arguments = json_object_new_object();

	json_object_object_add(arguments, "fdset-id", json_object_new_int(set));
	qmp_run(qmp, "remove-fd", arguments, -1, NULL, NULL);
}

static int insert(struct qmp *qmp, const struct insertion *insertion, struct err *err)
{
	struct json_object *arguments = json_object_new_object(), *answer = NULL;
	char name[64];
	int result, set;

	json_object_object_add(arguments, "opaque", json_object_new_string(insertion->path));
	result = qmp_run(qmp, "add-fd", arguments, insertion->fd, &answer, err);
	if (result < 0)
		return result;
	set = json_number_or(answer, "fdset-id", -1);
	snprintf(name, sizeof(name), "/dev/fdset/%d", set);
	json_object_put(answer);
	arguments = name_drive(insertion->id);
	json_object_object_add(arguments, "filename", json_object_new_string(name));
	json_object_object_add(arguments, "format", json_object_new_string(insertion->format));
	if (insertion->read_only)
		json_object_object_add(arguments, "read-only-mode",
				       json_object_new_string("read-only"));
	result = qmp_run(qmp, "blockdev-change-medium", arguments, -1, NULL, err);
	remove_set(qmp, set);
	return result;
}

/** Takes insertion->fd. */
static int hand_over(const struct insertion *insertion)
{
	struct err err = { 0 };
	struct qmp qmp;
	int result;

	if (!verb_connect(&qmp, insertion->guest)) {
		close(insertion->fd);
		return VERB_FAILED;
	}
	result = insert(&qmp, insertion, &err);
	qmp_close(&qmp);
	close(insertion->fd);
	if (result < 0)
		err_prefix(&err, "%s", insertion->vdev);
	return result < 0 ? verb_fail(&err) : VERB_DONE;
}

/** Opens 'path' as open() does with 'flags'. A descriptor, or -errno and a sentence. */
static int open_image(const char *path, int flags, struct err *err)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? err_set_errno(err, -errno, "cannot read '%s'", path) : fd;
}

/** A CD made on the fly, as a descriptor; or -errno and a sentence. */
static int make_cd(const struct medium *medium, struct err *err)
{
	struct composed composed;
	int fd, result;

	if (medium->is_directory) {
		result = media_make_cd(&composed, medium->path, err);
	} else {
		fd = open_image(medium->path, O_RDONLY, err);
		result = fd < 0 ? fd
				: media_make_overlay(&composed, medium->overlay, fd, medium->path,
						     err);
	}
	if (result < 0)
		return result;
	fd = composed_send(&composed, err);
	composed_finish(&composed);
	return fd;
}

static int run_insert(const struct verb *verb, int argc, char **argv)
{
	char id[32];
	struct insertion insertion = { .id = id, .read_only = true };
	struct err err = { 0 };
	struct medium medium;
	int status;

	if (argc != 4)
		return verb_misuse(verb);
	insertion.guest = argv[1];
	insertion.vdev = argv[2];
	if (!find_drive(argv[2], id, sizeof(id)))
		return VERB_FAILED;
	if (medium_parse(&medium, argv[3], &err) < 0)
		return verb_fail(&err);
	insertion.path = medium.path;
	insertion.format = "raw";
	if (medium.is_floppy) {
		insertion.fd = err_set(&err, -EINVAL, "a CD-ROM drive takes no floppy disk");
	} else if (medium.is_directory || medium.overlay) {
		insertion.format = "composed";
		insertion.fd = make_cd(&medium, &err);
	} else {
		insertion.fd = open_image(medium.path, O_RDONLY, &err);
	}
	status = insertion.fd < 0 ? verb_fail(&err) : hand_over(&insertion);
	medium_finish(&medium);
	return status;
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
	struct insertion insertion = { .format = "raw" };
	struct err err = { 0 };
	struct medium medium;
	int status;

	if (argc != 4)
		return verb_misuse(verb);
	insertion.guest = argv[1];
	insertion.vdev = argv[2];
	insertion.id = find_floppy(argv[2]);
	if (!insertion.id)
		return VERB_FAILED;
	if (medium_parse(&medium, argv[3], &err) < 0)
		return verb_fail(&err);
	insertion.path = medium.path;
	insertion.read_only = !medium.is_directory && access(medium.path, W_OK) < 0;
	if (medium.overlay)
		insertion.fd = err_set(&err, -EINVAL, "nothing can be laid over a floppy disk");
	else if (medium.is_directory)
		insertion.fd = media_make_floppy(medium.path, &err);
	else
		insertion.fd =
			open_image(medium.path, insertion.read_only ? O_RDONLY : O_RDWR, &err);
	status = insertion.fd < 0 ? verb_fail(&err) : hand_over(&insertion);
	medium_finish(&medium);
	return status;
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
	  "VDEV is the drive's name in the configuration: hdc, for instance. FILE may be\n"
	  "dir:DIRECTORY, a CD of what is in it, or overlay:DIRECTORY,FILE, an image with\n"
	  "a directory laid over it.\n", run_insert },
	{ "cd-eject", "GUEST VDEV", "take the disc out", NULL, run_eject },
	{ "floppy-insert", "GUEST VDEV FILE", "put an image into a floppy drive",
	  "VDEV is fda or fdb. The disk is write-protected if FILE is. FILE may be\n"
	  "dir:DIRECTORY: a disk of what is in it; what the guest writes is lost.\n", run_floppy_insert },
	{ "floppy-eject", "GUEST VDEV", "take the floppy disk out", NULL, run_floppy_eject },
	{ 0 },
};
/* clang-format on */

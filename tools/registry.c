// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/registry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/err.h"
#include "tools/guest.h"
#include "tools/words.h"

enum {
	FILE_MAX_BYTES = 1 << 20,
	END_POLITE_MS = 3000,
	END_KILLED_MS = 5000,
};

/* Paths and small files */

char *registry_root(struct err *err)
{
	const char *root = getenv("HVM_RUN_DIR"), *runtime = getenv("XDG_RUNTIME_DIR");

	if (root && *root == '/')
		return text_copy(root);
	if (root && *root) {
		err_set(err, -EINVAL, "HVM_RUN_DIR is '%s': an absolute path is wanted", root);
		return NULL;
	}
	if (geteuid() == 0)
		return text_copy("/run/hvmdm");
	if (runtime && *runtime == '/')
		return text_format("%s/hvmdm", runtime);
	err_set(err, -ENOENT,
		"there is no place for guests' run directories: set HVM_RUN_DIR or "
		"XDG_RUNTIME_DIR");
	return NULL;
}

char *instance_path(const struct instance *instance, const char *file)
{
	return text_format("%s/%s", instance->directory, file);
}

int registry_write(const char *directory, const char *file, const char *text, struct err *err)
{
	char *path = text_format("%s/%s", directory, file);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t length = strlen(text);
	int result = 0;

	if (fd < 0 || write(fd, text, length) != (ssize_t)length)
		result = err_set_errno(err, errno ? -errno : -EIO, "cannot write '%s'", path);
	if (fd >= 0)
		close(fd);
	free(path);
	return result;
}

char *registry_read(const char *directory, const char *file)
{
	char *path = text_format("%s/%s", directory, file), *text = NULL;
	FILE *in = fopen(path, "re");
	size_t length;

	free(path);
	if (!in)
		return NULL;
	text = calloc(1, FILE_MAX_BYTES + 1);
	length = text ? fread(text, 1, FILE_MAX_BYTES, in) : 0;
	while (length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	fclose(in);
	return text;
}

static pid_t read_pid(const char *directory, const char *file)
{
	char *text = registry_read(directory, file);
	long pid = text ? strtol(text, NULL, 10) : 0;

	free(text);
	return pid > 1 && pid <= INT32_MAX ? (pid_t)pid : 0;
}

/* Processes */

/** Says whether a process was started for this directory: its arguments name it. Process numbers
 * are used again; this one may have become a stranger's. */
static bool process_belongs(pid_t pid, const char *mark)
{
	char path[64], *text;
	size_t length, at = 0;
	bool found = false;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/cmdline", (long)pid);
	in = fopen(path, "re");
	if (!in)
		return false;
	text = calloc(1, FILE_MAX_BYTES + 1);
	length = text ? fread(text, 1, FILE_MAX_BYTES, in) : 0;
	fclose(in);
	for (; at < length && !found; at += strlen(text + at) + 1)
		found = strstr(text + at, mark) != NULL;
	free(text);
	return found;
}

static bool device_model_lives(pid_t pid, const char *directory)
{
	char *mark = text_format("%s/qmp-stat", directory);
	bool lives = pid > 0 && process_belongs(pid, mark);

	free(mark);
	return lives;
}

/** A descriptor that means this one process whatever becomes of its number; -1 if it has gone. */
static int open_process(const struct instance *instance)
{
	int fd = instance->pid > 0 ? (int)syscall(SYS_pidfd_open, instance->pid, 0) : -1;

	if (fd >= 0 && !device_model_lives(instance->pid, instance->directory)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool wait_for_process(int fd, int timeout_ms)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	while (poll(&poll_fd, 1, timeout_ms) < 0 && errno == EINTR)
		;
	return (poll_fd.revents & POLLIN) != 0;
}

bool registry_is_kept_by(const char *directory, pid_t pid)
{
	return read_pid(directory, "keeper") == pid;
}

bool instance_wait(const struct instance *instance, int timeout_ms)
{
	int fd = open_process(instance);
	bool gone = fd < 0 || wait_for_process(fd, timeout_ms);

	if (fd >= 0)
		close(fd);
	return gone;
}

void instance_kill(struct instance *instance)
{
	int fd = open_process(instance);

	if (fd < 0)
		return;
	syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0);
	if (!wait_for_process(fd, END_POLITE_MS)) {
		syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0);
		wait_for_process(fd, END_KILLED_MS);
	}
	close(fd);
}

/* Instances */

/** The create that makes it, or its keeper, is at work: the process is one of hvm's own. */
static bool has_keeper(const char *directory)
{
	char path[64], name[32] = "";
	pid_t keeper = read_pid(directory, "keeper");
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%ld/comm", (long)keeper);
	in = keeper > 0 ? fopen(path, "re") : NULL;
	if (!in)
		return false;
	if (!fgets(name, sizeof(name), in))
		name[0] = '\0';
	fclose(in);
	return strncmp(name, "hvm", 3) == 0;
}

static enum instance_state find_state(const struct instance *instance)
{
	if (device_model_lives(instance->pid, instance->directory))
		return STATE_RUNNING;
	if (instance->ended || !has_keeper(instance->directory))
		return STATE_CRASHED;
	return instance->pid > 0 ? STATE_ENDING : STATE_STARTING;
}

static void load(struct instance *instance, const char *root, const char *name)
{
	*instance = (struct instance){ .name = text_copy(name) };
	instance->directory = text_format("%s/%s", root, name);
	instance->pid = read_pid(instance->directory, "pid");
	instance->ended = registry_read(instance->directory, "exit");
	instance->state = find_state(instance);
	if (instance->state != STATE_RUNNING)
		instance->pid = 0;
}

void instance_finish(struct instance *instance)
{
	free(instance->name);
	free(instance->directory);
	free(instance->ended);
	*instance = (struct instance){ 0 };
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct instance *)a)->name, ((const struct instance *)b)->name);
}

static void add_instance(struct instances *instances, const char *root, const char *name)
{
	struct instance *items = realloc(instances->items, (instances->count + 1) * sizeof(*items));

	if (!items)
		return;
	instances->items = items;
	load(&items[instances->count++], root, name);
}

static int list_root(struct instances *instances, const char *root, struct err *err)
{
	DIR *dir = opendir(root);
	struct dirent *entry;

	if (!dir)
		return errno == ENOENT ? 0 : err_set_errno(err, -errno, "cannot read '%s'", root);
	while ((entry = readdir(dir)) != NULL) {
		struct stat status;

		if (guest_check_name(entry->d_name, NULL) == 0 &&
		    fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(status.st_mode))
			add_instance(instances, root, entry->d_name);
	}
	closedir(dir);
	if (instances->count > 1)
		qsort(instances->items, instances->count, sizeof(*instances->items), compare_names);
	return 0;
}

int registry_list(struct instances *instances, struct err *err)
{
	char *root = registry_root(err);
	int result;

	*instances = (struct instances){ 0 };
	if (!root)
		return -ENOENT;
	result = list_root(instances, root, err);
	free(root);
	return result;
}

void registry_list_finish(struct instances *instances)
{
	for (size_t i = 0; i < instances->count; i++)
		instance_finish(&instances->items[i]);
	free(instances->items);
	*instances = (struct instances){ 0 };
}

static int refuse_unknown(const struct instances *instances, const char *name, struct err *err)
{
	const char *names[65] = { NULL }, *near;

	for (size_t i = 0; i < instances->count && i < 64; i++)
		names[i] = instances->items[i].name;
	near = err_nearest_word(name, names);
	return err_set(err, -ESRCH, "there is no guest '%s'%s%s%s", name,
		       near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
}

int registry_find(struct instance *instance, const char *name_or_number, struct err *err)
{
	struct instances instances;
	int result = registry_list(&instances, err);
	char *end = NULL;
	long number = strtol(name_or_number, &end, 10);

	if (result < 0)
		return result;
	for (size_t i = 0; i < instances.count; i++) {
		struct instance *one = &instances.items[i];

		if (strcmp(one->name, name_or_number) == 0 ||
		    (*end == '\0' && number > 1 && one->pid == number)) {
			*instance = *one;
			*one = (struct instance){ 0 };
			registry_list_finish(&instances);
			return 0;
		}
	}
	result = refuse_unknown(&instances, name_or_number, err);
	registry_list_finish(&instances);
	return result;
}

static int make_root(const char *root, struct err *err)
{
	/* /run/hvmdm's parent exists on every host; that of a user's own choice may not. */
	if (mkdir(root, 0755) < 0 && errno != EEXIST)
		return err_set_errno(err, -errno, "cannot make the run directory '%s'", root);
	return 0;
}

static int check_socket_path(const char *directory, struct err *err)
{
	if (strlen(directory) + sizeof("/qmp-stat") <= sizeof(((struct sockaddr_un *)0)->sun_path))
		return 0;
	return err_set(err, -ENAMETOOLONG,
		       "'%s' is too long a path for sockets: choose a shorter name or HVM_RUN_DIR",
		       directory);
}

int registry_make(struct instance *instance, const char *name, struct err *err)
{
	char *root = registry_root(err);
	int result = root ? make_root(root, err) : -ENOENT;

	if (result < 0) {
		free(root);
		return result;
	}
	*instance = (struct instance){ .name = text_copy(name) };
	instance->directory = text_format("%s/%s", root, name);
	free(root);
	result = check_socket_path(instance->directory, err);
	if (result == 0 && mkdir(instance->directory, 0700) < 0)
		result = errno == EEXIST
				 ? err_set(err, -EEXIST, "there is a guest '%s' already", name)
				 : err_set_errno(err, -errno, "cannot make '%s'",
						 instance->directory);
	if (result < 0)
		instance_finish(instance);
	return result;
}

void registry_remove(const char *directory)
{
	DIR *dir = opendir(directory);
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	rmdir(directory);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Descriptors that clients hand over, for a process that can open nothing any more: add-fd puts one
 * into a numbered set, and "/dev/fdset/N" names it wherever a file name is asked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/opts.h"
#include "dm/control_internal.h"
#include "dm/host_files.h"

#define FDSET_PREFIX "/dev/fdset/"

static struct control_fd *find_set(struct control *control, int64_t fdset)
{
	struct control_fd *entry;

	list_for_each(entry, &control->fds, struct control_fd, node)
	{
		if (entry->fdset == fdset)
			return entry;
	}
	return NULL;
}

static void free_fd(struct control *control, struct control_fd *entry)
{
	list_remove(&entry->node);
	control->fd_count--;
	close(entry->fd);
	free(entry->opaque);
	free(entry);
}

void control_close_fds(struct control *control)
{
	struct control_fd *entry;

	list_for_each(entry, &control->fds, struct control_fd, node) free_fd(control, entry);
}

/** The descriptor of a set whose access mode fits 'flags'; any of the set if none does. */
static int choose_fd(struct control *control, int64_t fdset, int flags)
{
	struct control_fd *entry;
	int any = -1;

	list_for_each(entry, &control->fds, struct control_fd, node)
	{
		if (entry->fdset != fdset)
			continue;
		if ((fcntl(entry->fd, F_GETFL) & O_ACCMODE) == (flags & O_ACCMODE))
			return entry->fd;
		any = entry->fd;
	}
	return any;
}

bool control_names_fdset(const char *filename)
{
	return strncmp(filename, FDSET_PREFIX, strlen(FDSET_PREFIX)) == 0;
}

int control_open(struct control *control, const char *filename, int flags, struct err *err)
{
	uint64_t fdset;
	int fd;

	if (!control_names_fdset(filename))
		return host_open(filename, flags, 0644, err);
	if (opts_parse_number(filename + strlen(FDSET_PREFIX), &fdset) < 0 || fdset > INT32_MAX)
		return err_set(err, -EINVAL, "'%s' does not name a set of descriptors", filename);
	fd = choose_fd(control, (int64_t)fdset, flags);
	if (fd < 0)
		return err_set(err, -ENOENT, "there is no descriptor set %u", (unsigned)fdset);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? fd : err_set_errno(err, -errno, "cannot use '%s'", filename);
}

static int free_set_number(struct control *control)
{
	int number = 0;

	while (find_set(control, number))
		number++;
	return number;
}

static int keep_fd(struct control_call *call, int fd, int64_t fdset)
{
	struct control *control = call->control;
	const char *opaque = control_string(call, "opaque");
	struct control_fd *entry = calloc(1, sizeof(*entry));

	if (!entry)
		return err_set_errno(&call->err, -ENOMEM, "add-fd");
	entry->fd = fd;
	entry->fdset = fdset < 0 ? free_set_number(control) : (int)fdset;
	entry->opaque = opaque ? strdup(opaque) : NULL;
	list_append(&control->fds, &entry->node);
	control->fd_count++;
	call->result = json_add_int(json_object_new_object(), "fd", fd);
	json_add_int(call->result, "fdset-id", entry->fdset);
	return 0;
}

static int execute_add_fd(struct control_call *call)
{
	int64_t fdset = control_int(call, "fdset-id", -1);
	int fd = call->client ? chr_take_fd(call->client->chr) : -1;
	int result = 0;

	if (fd < 0)
		return err_set(&call->err, -EINVAL, "No file descriptor supplied via SCM_RIGHTS");
	if (json_object_object_get_ex(call->arguments, "fdset-id", NULL) &&
	    (fdset < 0 || fdset > INT32_MAX))
		result = err_set(&call->err, -EINVAL, "fdset-id must be from 0 to %d", INT32_MAX);
	else if (call->control->fd_count == CONTROL_MAX_FDSETS)
		result = err_set(&call->err, -ENOSPC, "there are %d descriptors already: remove-fd",
				 CONTROL_MAX_FDSETS);
	if (result == 0)
		result = keep_fd(call, fd, fdset);
	if (result < 0)
		close(fd);
	return result;
}

static int execute_remove_fd(struct control_call *call)
{
	int64_t fdset = control_int(call, "fdset-id", -1), fd = control_int(call, "fd", -1);
	struct control_fd *entry;
	bool found = false;

	list_for_each(entry, &call->control->fds, struct control_fd, node)
	{
		if (entry->fdset != fdset || (fd >= 0 && entry->fd != fd))
			continue;
		found = true;
		free_fd(call->control, entry);
	}
	if (!found)
		return err_set(&call->err, -ENOENT,
			       "File descriptor named 'fdset-id:%lld' not found", (long long)fdset);
	return 0;
}

static struct json_object *describe_fd(const struct control_fd *entry)
{
	struct json_object *object = json_add_int(json_object_new_object(), "fd", entry->fd);

	return entry->opaque ? json_add_string(object, "opaque", entry->opaque) : object;
}

static struct json_object *describe_set(struct control *control, int fdset)
{
	struct json_object *fds = json_object_new_array();
	struct control_fd *entry;

	list_for_each(entry, &control->fds, struct control_fd, node)
	{
		if (entry->fdset == fdset)
			json_object_array_add(fds, describe_fd(entry));
	}
	return json_add(json_add_int(json_object_new_object(), "fdset-id", fdset), "fds", fds);
}

static int execute_query_fdsets(struct control_call *call)
{
	struct control_fd *entry;

	call->result = json_object_new_array();
	list_for_each(entry, &call->control->fds, struct control_fd, node)
	{
		if (find_set(call->control, entry->fdset) == entry)
			json_object_array_add(call->result,
					      describe_set(call->control, entry->fdset));
	}
	return 0;
}

const struct control_command control_file_commands[] = {
	{ "add-fd", "fdset-id?i opaque?s", execute_add_fd },
	{ "remove-fd", "fdset-id:i fd?i", execute_remove_fd },
	{ "query-fdsets", "", execute_query_fdsets },
	{ NULL, "", NULL },
};

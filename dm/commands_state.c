// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Xen's toolstack asks when it saves a guest or moves it: to be told of pages that devices
 * write while it copies the guest's memory, and, when the guest stands still, for the devices'
 * state.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "dm/control_internal.h"
#include "dm/save.h"

static int execute_set_dirty_log(struct control_call *call)
{
	struct hv *hv = call->machine->hv;

	if (!hv->caps.saves_guest)
		return err_set(&call->err, -ENOTSUP,
			       "this guest's memory is not copied by a toolstack: there is no log");
	hv_set_dirty_log(hv, control_bool(call, "enable", false));
	return 0;
}

/** "live" says that the guest goes on elsewhere, with the same images. */
static int execute_save(struct control_call *call)
{
	int fd, result;

	if (call->machine->hv->caps.can_run && !call->machine->hv->caps.saves_guest)
		return err_set(&call->err, -ENOTSUP,
			       "a guest's processors and memory cannot be saved under KVM yet");
	fd = control_open(call->control, control_string(call, "filename"), O_WRONLY | O_CREAT,
			  &call->err);
	if (fd < 0)
		return fd;
	result = save_to_fd(call->machine, fd, control_bool(call, "live", true), &call->err);
	if (close(fd) < 0 && result == 0)
		result = err_set_errno(&call->err, -errno, "cannot write the saved state");
	return result;
}

const struct control_command control_state_commands[] = {
	{ "xen-set-global-dirty-log", "enable:b", execute_set_dirty_log },
	{ "xen-save-devices-state", "filename:s live?b", execute_save },
	{ NULL, "", NULL },
};

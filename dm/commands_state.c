// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What Xen's toolstack asks when it saves a guest or moves it: to be told of pages that devices
 * write while it copies the guest's memory, and, when the guest stands still, for the devices'
 * state. And what saves a guest whole, under KVM.
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
static int save(struct control_call *call)
{
	int fd, result;

	fd = control_open(call->control, control_string(call, "filename"), O_WRONLY | O_CREAT,
			  &call->err);
	if (fd < 0)
		return fd;
	result = save_to_fd(call->machine, fd, control_bool(call, "live", true), &call->err);
	if (close(fd) < 0 && result == 0)
		result = err_set_errno(&call->err, -errno, "cannot write the saved state");
	return result;
}

static int execute_save(struct control_call *call)
{
	if (hv_holds_processors(call->machine->hv))
		return err_set(&call->err, -ENOTSUP,
			       "the devices alone are of no use under KVM: save-guest saves all");
	return save(call);
}

/** With memory and processors, for -incoming of another process on this host or another. */
static int execute_save_guest(struct control_call *call)
{
	if (!hv_holds_processors(call->machine->hv))
		return err_set(&call->err, -ENOTSUP,
			       call->machine->hv->caps.saves_guest
				       ? "this guest's memory is Xen's: 'xl save' saves it"
				       : "there are no processors to save");
	return save(call);
}

const struct control_command control_state_commands[] = {
	{ "xen-set-global-dirty-log", "enable:b", execute_set_dirty_log },
	{ "xen-save-devices-state", "filename:s live?b", execute_save },
	{ "save-guest", "filename:s live?b", execute_save_guest },
	{ NULL, "", NULL },
};

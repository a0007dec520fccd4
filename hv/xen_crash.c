// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Xen does not notice when a device model dies: the guest would stand still for ever at its next
 * access. So a fault or a failed assertion ends the guest as crashed first. The call is one ioctl
 * on an open descriptor with its argument on the stack, which a signal handler may do.
 */
#include <signal.h>
#include <stddef.h>

#include "base/bits.h"
#include "hv/xen.h"

static const int fatal_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT };

static struct xen_core *watched;
static struct sigaction earlier[ARRAY_SIZE(fatal_signals)];

static void restore_handlers(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &earlier[i], NULL);
}

/** What was the signal's action before happens when this returns. */
static void end_guest(int signum)
{
	xendevicemodel_shutdown(watched->model, watched->domid, HV_REASON_CRASH);
	restore_handlers();
	raise(signum);
}

void xen_crash_watch(struct xen_core *core)
{
	const struct sigaction action = { .sa_handler = end_guest };

	watched = core;
	for (size_t i = 0; i < ARRAY_SIZE(fatal_signals); i++)
		sigaction(fatal_signals[i], &action, &earlier[i]);
}

void xen_crash_forget(struct xen_core *core)
{
	if (watched != core)
		return;
	restore_handlers();
	watched = NULL;
}

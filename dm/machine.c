// SPDX-License-Identifier: GPL-2.0-or-later
#include "dm/machine.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/trace.h"
#include "dm/board_pc.h"
#include "dm/board_pv_disks.h"
#include "dm/cards.h"
#include "dm/chardevs.h"
#include "dm/control.h"
#include "dm/dispatch.h"
#include "dm/memory.h"
#include "dm/options.h"
#include "dm/save.h"
#include "dm/screen.h"
#include "dm/tape.h"

/* Guest memory for devices: the core's. */

static void *ram_map_core(void *opaque, uint64_t gpa, size_t *length, bool write)
{
	return hv_ram_map(opaque, gpa, length, write);
}

static void ram_unmap_core(void *opaque, void *host, size_t length, size_t written)
{
	hv_ram_unmap(opaque, host, length, written);
}

static const struct ram_ops core_ram_ops = { .map = ram_map_core, .unmap = ram_unmap_core };

/* Guest time. */

static void arm_clock(void *opaque, int64_t host_ns)
{
	struct machine *machine = opaque;

	loop_timer_set(machine->clock_alarm, host_ns);
}

static void clock_is_due(void *opaque)
{
	struct machine *machine = opaque;

	clock_run_timers(&machine->clock);
}

/* Listeners and status. */

const char *machine_status_name(enum machine_status status)
{
	static const char *const names[] = {
		[MACHINE_PRELAUNCH] = "prelaunch",
		[MACHINE_RUNNING] = "running",
		[MACHINE_PAUSED] = "paused",
		[MACHINE_SUSPENDED] = "suspended",
		[MACHINE_SHUTDOWN] = "shutdown",
		[MACHINE_IO_ERROR] = "io-error",
		[MACHINE_INTERNAL_ERROR] = "internal-error",
	};

	return names[status];
}

void machine_add_listener(struct machine *machine, struct machine_listener *listener)
{
	list_append(&machine->listeners, &listener->node);
}

void machine_remove_listener(struct machine *machine, struct machine_listener *listener)
{
	(void)machine;
	list_remove(&listener->node);
}

static void tell(struct machine *machine, enum machine_event event, const char *reason)
{
	struct machine_listener *listener;

	list_for_each(listener, &machine->listeners, struct machine_listener, node)
		listener->event(listener->opaque, event, reason);
}

/* Running and standing still. */

static bool is_running(const struct machine *machine)
{
	return machine->status == MACHINE_RUNNING;
}

/** Stops processors, time and transfers; nothing touches guest memory afterwards. */
static void halt(struct machine *machine, enum machine_status status)
{
	bool was_running = is_running(machine);

	if (was_running) {
		hv_pause(machine->hv);
		hv_flush_coalesced(machine->hv);
		clock_stop(&machine->clock);
		netdevs_hold(machine, true);
		device_quiesce_all(&machine->devices);
	}
	machine->status = status;
	if (was_running)
		tell(machine, MACHINE_EVENT_STOP, machine_status_name(status));
}

/** The end of what tape_verb_begins has begun. */
static void verb_ends(struct machine *machine, bool has_begun)
{
	if (has_begun)
		tape_end(machine->tape);
}

static int run_on(struct machine *machine, struct err *err)
{
	int result;

	switch (machine->status) {
	case MACHINE_RUNNING:
		return 0;
	case MACHINE_SHUTDOWN:
	case MACHINE_INTERNAL_ERROR:
		return err_set(err, -EINVAL, "the guest has ended: reset it first (system_reset)");
	case MACHINE_SUSPENDED:
		return err_set(err, -EINVAL, "the guest sleeps: wake it (system_wakeup)");
	default:
		break;
	}
	result = save_take_back(machine, err);
	if (result == 0)
		result = hv_start(machine->hv, err);
	if (result < 0)
		return result;
	machine->status = MACHINE_RUNNING;
	clock_start(&machine->clock);
	if (machine->board)
		board_retry_disks(machine->board);
	device_resume_all(&machine->devices);
	netdevs_hold(machine, false);
	if (machine->has_arrived)
		netdevs_announce(machine);
	machine->has_arrived = false;
	tell(machine, MACHINE_EVENT_RESUME, "");
	return 0;
}

int machine_cont(struct machine *machine, struct err *err)
{
	bool verb = tape_verb_begins(machine->tape, TAPE_VERB_CONT);
	int result = run_on(machine, err);

	verb_ends(machine, verb);
	return result;
}

void machine_stop(struct machine *machine)
{
	bool verb = tape_verb_begins(machine->tape, TAPE_VERB_STOP);

	if (is_running(machine))
		halt(machine, MACHINE_PAUSED);
	verb_ends(machine, verb);
}

void machine_io_error(struct machine *machine, const struct machine_io_failure *failure)
{
	bool verb;

	if (!is_running(machine))
		return;
	verb = tape_verb_begins(machine->tape, TAPE_VERB_IO_ERROR);
	machine->io_failure = *failure;
	tell(machine, MACHINE_EVENT_BLOCK_IO_ERROR, "");
	halt(machine, MACHINE_IO_ERROR);
	verb_ends(machine, verb);
}

void machine_fail(struct machine *machine, const char *text)
{
	log_error("%s", text);
	machine->failed = true;
	power_request(&machine->power, POWER_OFF, "guest-panic");
}

/** All processors and devices to power-on state. Only while nothing runs. */
static void reset_board(struct machine *machine)
{
	if (machine->board)
		board_before_reset(machine->board);
	device_reset_all(&machine->devices);
	hv_reset(machine->hv);
	if (machine->board)
		board_after_reset(machine->board);
}

/** Resets a machine in any state; it runs on if it ran or had ended by itself. */
static void reset_and_continue(struct machine *machine, const char *reason, bool run)
{
	struct err err = { 0 };

	if (is_running(machine)) {
		hv_pause(machine->hv);
		hv_flush_coalesced(machine->hv);
		device_quiesce_all(&machine->devices);
	}
	reset_board(machine);
	tell(machine, MACHINE_EVENT_RESET, reason);
	if (is_running(machine)) {
		if (hv_start(machine->hv, &err) < 0)
			machine_fail(machine, err.text);
		return;
	}
	if (machine->status != MACHINE_PRELAUNCH)
		machine->status = MACHINE_PAUSED;
	if (run && machine_cont(machine, &err) < 0)
		machine_fail(machine, err.text);
}

void machine_quit(struct machine *machine, const char *reason, int status)
{
	bool verb;

	if (machine->quitting)
		return;
	verb = tape_verb_begins(machine->tape, TAPE_VERB_QUIT);
	machine->quitting = true;
	halt(machine, MACHINE_SHUTDOWN);
	verb_ends(machine, verb);
	machine->exit_status = status;
	tell(machine, MACHINE_EVENT_SHUTDOWN, reason);
	loop_stop(machine->loop);
}

void machine_powerdown(struct machine *machine)
{
	bool verb = tape_verb_begins(machine->tape, TAPE_VERB_POWERDOWN);

	tell(machine, MACHINE_EVENT_POWERDOWN, "");
	if (machine->board)
		board_press_power_button(machine->board);
	verb_ends(machine, verb);
}

static int wake_up(struct machine *machine, struct err *err)
{
	if (machine->status != MACHINE_SUSPENDED)
		return err_set(err, -EINVAL, "the guest does not sleep");
	machine->status = MACHINE_PAUSED;
	reset_board(machine);
	board_set_woken(machine->board);
	tell(machine, MACHINE_EVENT_WAKEUP, "");
	return machine_cont(machine, err);
}

int machine_wakeup(struct machine *machine, struct err *err)
{
	bool verb = tape_verb_begins(machine->tape, TAPE_VERB_WAKEUP);
	int result = wake_up(machine, err);

	verb_ends(machine, verb);
	return result;
}

/* What chips ask for. */

static void power_off(struct machine *machine, const char *reason)
{
	if (!machine->options->no_shutdown) {
		machine_quit(machine, reason, machine->failed ? 1 : 0);
		return;
	}
	halt(machine, machine->failed ? MACHINE_INTERNAL_ERROR : MACHINE_SHUTDOWN);
	tell(machine, MACHINE_EVENT_SHUTDOWN, reason);
}

/** Where a reset is the toolstack's, this machine's part ends with saying so. */
static void hand_over_reset(struct machine *machine, const char *reason)
{
	if (machine->status == MACHINE_SHUTDOWN)
		return;
	hv_report_shutdown(machine->hv, HV_REASON_REBOOT);
	power_off(machine, reason);
}

void machine_reset(struct machine *machine, const char *reason)
{
	bool ended = machine->status == MACHINE_SHUTDOWN || machine->status == MACHINE_SUSPENDED;
	bool verb = tape_verb_begins(machine->tape, TAPE_VERB_RESET);

	if (machine->hv->caps.restarts_guest)
		hand_over_reset(machine, reason);
	else
		reset_and_continue(machine, reason, ended);
	verb_ends(machine, verb);
}

static void suspend(struct machine *machine)
{
	struct err err = { 0 };

	halt(machine, MACHINE_SUSPENDED);
	/* Time goes on while the guest sleeps: the RTC's alarm may wake it. */
	clock_start(&machine->clock);
	board_prepare_wake(machine->board);
	if (hv_suspend(machine->hv, &err) < 0)
		machine_fail(machine, err.text);
	tell(machine, MACHINE_EVENT_SUSPEND, "");
}

/** Carries out the latest request. */
static void carry_out_request(struct machine *machine)
{
	enum power_request request = machine->request;
	bool ran = is_running(machine);

	machine->request_pending = false;
	TRACE(machine, request, "%d by %s", request, machine->request_cause);
	switch (request) {
	case POWER_RESET:
		if (machine->hv->caps.restarts_guest)
			hand_over_reset(machine, "guest-reset");
		else if (machine->options->no_reboot)
			power_off(machine, "guest-reset");
		else
			reset_and_continue(machine, "guest-reset", true);
		break;
	case POWER_OFF:
		hv_report_shutdown(machine->hv,
				   machine->failed ? HV_REASON_CRASH : HV_REASON_POWER_OFF);
		power_off(machine, machine->failed ? "guest-panic" : "guest-shutdown");
		break;
	case POWER_SUSPEND:
		suspend(machine);
		break;
	case POWER_EXIT:
		machine_quit(machine, "guest-shutdown", (int)machine->request_argument);
		break;
	}
	/* The request of one that did not run (a test program plays on) has held it, too. */
	if (!ran && !is_running(machine))
		hv_pause(machine->hv);
}

/** On the loop. */
static void serve_request(void *opaque)
{
	struct machine *machine = opaque;
	const struct tape_record event = { .op = TAPE_REQUEST, .values = { machine->request } };

	/* What a guest asks for while we are being ended is nobody's business any more. */
	if (!machine->request_pending || machine->quitting)
		return;
	if (machine->tape)
		tape_begin(machine->tape, &event);
	carry_out_request(machine);
	if (machine->tape)
		tape_end(machine->tape);
}

bool machine_replay_request(struct machine *machine)
{
	bool pending = machine->request_pending && !machine->quitting;

	serve_request(machine);
	return pending;
}

/** May come from any thread that dispatches, under the lock: no processor runs on from here. */
static void take_request(void *opaque, enum power_request request, const char *cause,
			 uint32_t argument)
{
	struct machine *machine = opaque;

	if (machine->request_pending)
		return;
	machine->request_pending = true;
	machine->request = request;
	machine->request_cause = cause;
	machine->request_argument = argument;
	if (machine->tape)
		tape_power(machine->tape, request);
	hv_hold(machine->hv);
	if (!tape_is_replay(machine->tape))
		loop_post(machine->loop, serve_request, machine);
}

/* Assembling and taking apart. */

/**
 * A toolstack that ends its guest sends SIGHUP. Whoever else ends us leaves a guest behind that
 * nobody serves any more, and that must not go unnoticed.
 */
static void received_signal(void *opaque, int signum)
{
	struct machine *machine = opaque;

	if (signum != SIGHUP && !machine->quitting && machine->status != MACHINE_SHUTDOWN)
		hv_report_shutdown(machine->hv, HV_REASON_CRASH);
	machine_quit(machine, "host-signal", 0);
}

static struct hv *create_core(struct machine *machine, struct err *err)
{
	const struct options *options = machine->options;
	struct hv_config config = {
		.cpus = options->cpus,
		.max_cpus = options->max_cpus,
		.low_bytes = machine->ram.low_bytes,
		.high_bytes = machine->ram.high_bytes,
		.lock = &machine->lock,
		.xen_domid = options->xen_domid,
		.input = &machine->input,
		.disks = &machine->pv_disks,
		.incoming = options->incoming != NULL,
		.qtest_chardev = options->qtest,
		.qtest_log = options->qtest_log,
	};
	struct hv_client client;

	board_pv_disks_describe(machine, &machine->pv_disks);
	dispatch_client(machine, &client);
	if (tape_is_replay(machine->tape))
		return tape_create_core(machine->tape, &config, &client, err);
	if (options->accel == ACCEL_KVM && options->board != BOARD_NONE)
		return hv_kvm_create(&config, &client, machine->loop, err);
	if (options->accel == ACCEL_XEN && options->board != BOARD_NONE)
		return hv_xen_create(&config, &client, machine->loop, err);
	if (options->accel == ACCEL_QTEST)
		return hv_qtest_create(&config, &client, machine->loop, err);
	return hv_null_create(&config, &client, err);
}

/** Beside a core with processors, a test program looks at what they do: its port is that of a core
 * without memory, whose accesses go to the machine as any other's. */
static int create_test_port(struct machine *machine, struct err *err)
{
	const struct hv_config config = {
		.cpus = 1,
		.max_cpus = 1,
		.low_bytes = 1 << 20,
		.lock = &machine->lock,
		.qtest_chardev = machine->options->qtest,
		.qtest_log = machine->options->qtest_log,
	};
	struct hv_client client;

	if (!config.qtest_chardev || machine->options->accel == ACCEL_QTEST ||
	    tape_is_replay(machine->tape))
		return 0;
	dispatch_client(machine, &client);
	machine->test_port = hv_qtest_create(&config, &client, machine->loop, err);
	return machine->test_port ? 0 : -ENODEV;
}

/** Where RAM below 4 GiB ends at most; 0: where the board wants it. On Xen it is there already. */
static uint64_t low_limit(const struct options *options)
{
	if (options->accel == ACCEL_XEN && !options->max_low_bytes)
		return MEMORY_XEN_LOW_LIMIT;
	return options->max_low_bytes;
}

static void init_host_side(struct machine *machine)
{
	const struct options *options = machine->options;
	const struct pci_intx_sink no_sink = { 0 };

	lock_init(&machine->lock);
	loop_set_lock(machine->loop, &machine->lock);
	clock_init(&machine->clock, arm_clock, machine);
	io_space_init(&machine->ports, "I/O", 0x10000);
	io_space_init(&machine->memory, "memory", UINT64_C(1) << 52);
	pci_bus_init(&machine->pci, &machine->ports, &machine->memory, &no_sink);
	device_list_init(&machine->devices);
	save_init(machine);
	display_init(&machine->display);
	input_init(&machine->input);
	list_init(&machine->listeners);
	list_init(&machine->chardevs);
	list_init(&machine->cards);
	net_host_init(&machine->netdevs.host, machine->loop, &machine->clock);
	list_init(&machine->netdevs.backends);
	list_init(&machine->netdevs.cards);
	list_init(&machine->netdevs.dumps);
	machine->power = (struct power){ machine, take_request };
	machine->status = MACHINE_PRELAUNCH;
	machine->ram.low_bytes = memory_low_bytes(options->ram_bytes, low_limit(options));
	machine->ram.high_bytes = options->ram_bytes - machine->ram.low_bytes;
}

static int init_board(struct machine *machine, struct err *err)
{
	if (machine->options->board == BOARD_NONE)
		return 0;
	if (cards_check_names(machine->options, err) < 0)
		return -EINVAL;
	machine->board = board_create(machine, err);
	if (!machine->board)
		return -EINVAL;
	return screen_open(machine, err);
}

/** What is recorded, or replayed. 0, or -errno and a sentence. */
static int init_tape(struct machine *machine, struct err *err)
{
	struct options *options = machine->options;

	machine->tape = options->tape;
	if (machine->tape)
		tape_attach(machine->tape, machine);
	else if (options->record)
		machine->tape = tape_create(machine, err);
	return options->record && !machine->tape ? -EINVAL : 0;
}

static int init_guest_side(struct machine *machine, struct err *err)
{
	if (init_tape(machine, err) < 0)
		return -EINVAL;
	machine->clock_alarm = loop_timer_create(machine->loop, clock_is_due, machine);
	if (!machine->clock_alarm)
		return err_set_errno(err, -ENOMEM, "cannot set up timers");
	if (machine->options->accel == ACCEL_QTEST || tape_is_replay(machine->tape))
		clock_set_manual(&machine->clock);
	machine->hv = create_core(machine, err);
	if (!machine->hv)
		return -ENODEV;
	if (create_test_port(machine, err) < 0)
		return -ENODEV;
	machine->ram.ops = machine->tape ? tape_ram_ops() : &core_ram_ops;
	machine->ram.opaque = machine->tape ? (void *)machine->tape : machine->hv;
	if (machine->tape)
		tape_set_core(machine->tape, machine->hv);
	dispatch_attach(machine);
	if (chardevs_open(machine, err) < 0)
		return -EINVAL;
	if (netdevs_open(machine, err) < 0)
		return -EINVAL;
	if (init_board(machine, err) < 0)
		return -EINVAL;
	if (hv_complete(machine->hv, err) < 0)
		return -ENODEV;
	machine->control = control_create(machine, err);
	if (!machine->control)
		return -EINVAL;
	save_describe(machine);
	if (save_open(machine, err) < 0)
		return -EINVAL;
	return machine->tape ? tape_begin_events(machine->tape, err) : 0;
}

struct machine *machine_create(struct options *options, struct err *err)
{
	struct machine *machine = calloc(1, sizeof(*machine));

	if (!machine) {
		err_set_errno(err, -ENOMEM, "cannot create the machine");
		return NULL;
	}
	machine->options = options;
	machine->loop = loop_create();
	if (!machine->loop) {
		free(machine);
		err_set_errno(err, -ENOMEM, "cannot create the event loop");
		return NULL;
	}
	init_host_side(machine);
	lock_acquire(&machine->lock);
	if (init_guest_side(machine, err) < 0) {
		lock_release(&machine->lock);
		machine_destroy(machine);
		return NULL;
	}
	lock_release(&machine->lock);
	return machine;
}

static const int end_signals[] = { SIGTERM, SIGINT, SIGHUP };

void machine_hold_signals(bool hold)
{
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		sigaddset(&set, end_signals[i]);
	pthread_sigmask(hold ? SIG_BLOCK : SIG_UNBLOCK, &set, NULL);
}

int machine_run(struct machine *machine)
{
	struct err err = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(end_signals); i++)
		loop_on_signal(machine->loop, end_signals[i], received_signal, machine);
	machine_hold_signals(false);
	lock_acquire(&machine->lock);
	if (!machine->options->start_paused && machine->status != MACHINE_SUSPENDED &&
	    machine_cont(machine, &err) < 0) {
		log_error("%s", err.text);
		machine->exit_status = 1;
		machine->quitting = true;
	}
	lock_release(&machine->lock);
	if (!machine->quitting)
		loop_run(machine->loop);
	machine_hold_signals(true); /* what is left to do is done in peace */
	return machine->exit_status;
}

void machine_destroy(struct machine *machine)
{
	if (!machine)
		return;
	lock_acquire(&machine->lock);
	machine->quitting = true;
	if (machine->tape)
		tape_end_events(machine->tape);
	control_destroy(machine->control);
	screen_close(machine);
	if (machine->hv)
		hv_pause(machine->hv);
	netdevs_close(machine);
	if (machine->board)
		board_destroy(machine->board);
	lock_release(&machine->lock);
	if (machine->test_port)
		hv_destroy(machine->test_port);
	if (machine->hv)
		hv_destroy(machine->hv);
	tape_destroy(machine->tape);
	save_close(machine);
	cards_free(machine);
	chardevs_close(machine);
	display_finish(&machine->display);
	io_space_finish(&machine->ports);
	io_space_finish(&machine->memory);
	loop_timer_destroy(machine->clock_alarm);
	loop_destroy(machine->loop);
	free(machine);
}

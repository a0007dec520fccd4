// SPDX-License-Identifier: GPL-2.0-or-later
/* EHCI: registers, ports and their routing, the clock of microframes, life. */
#include "hw/usb/ehci.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/trace.h"

enum {
	MICROFRAME_NS = 125000,
	MICROFRAMES = 8, /* of a frame */
	QUIET_LOOKS = 8, /* before the pace is halved */
	ROLLOVER = EHCI_FRAMES * MICROFRAMES,
};

/* --- Interrupts --- */

static void update_irq(struct ehci *ehci)
{
	const struct ehci_state *state = &ehci->state;

	pci_set_intx(&ehci->function, (state->status & state->interrupts & EHCI_STS_CAUSES) != 0);
}

/* --- The clock of microframes --- */

static bool is_running(const struct ehci *ehci)
{
	return (ehci->state.command & EHCI_CMD_RUN) != 0;
}

static bool has_lists(const struct ehci *ehci)
{
	return is_running(ehci) &&
	       (ehci->state.command & (EHCI_CMD_PERIODIC | EHCI_CMD_ASYNC)) != 0;
}

/** Brings FRINDEX up to the present. */
static void count_microframes(struct ehci *ehci)
{
	int64_t passed = (clock_now_ns(ehci->clock) - ehci->microframe_start_ns) / MICROFRAME_NS;
	uint64_t now;

	if (!is_running(ehci) || passed <= 0)
		return;
	ehci->microframe_start_ns += passed * MICROFRAME_NS;
	now = ehci->state.microframe + (uint64_t)passed;
	if (now / ROLLOVER != ehci->state.microframe / ROLLOVER)
		ehci->state.status |= EHCI_STS_ROLLOVER;
	ehci->state.microframe = (uint32_t)(now & EHCI_FRINDEX_MASK);
}

/** The next look, or the next rollover if the guest wants to hear of it. */
static void schedule(struct ehci *ehci)
{
	const struct ehci_state *state = &ehci->state;
	int64_t deadline = INT64_MAX;
	bool is_periodic = !(state->command & EHCI_CMD_ASYNC);

	if (has_lists(ehci) && !ehci->asleep)
		deadline = ehci->looked_ns + (is_periodic && ehci->pace < MICROFRAMES
						      ? (int64_t)MICROFRAMES
						      : (int64_t)ehci->pace) *
						     MICROFRAME_NS;
	if (is_running(ehci) && (state->interrupts & EHCI_STS_ROLLOVER)) {
		int64_t left = ROLLOVER - state->microframe % ROLLOVER;
		int64_t rollover = ehci->microframe_start_ns + left * MICROFRAME_NS;

		deadline = rollover < deadline ? rollover : deadline;
	}
	if (deadline == INT64_MAX)
		clock_timer_cancel(&ehci->timer);
	else
		clock_timer_set(&ehci->timer, deadline);
}

/** Something may be there to do: the next look is now. */
static void hurry(struct ehci *ehci)
{
	ehci->quiet = 0;
	ehci->pace = 1;
	ehci->asleep = false;
	ehci->looked_ns = clock_now_ns(ehci->clock) - (int64_t)MICROFRAMES * MICROFRAME_NS;
	count_microframes(ehci);
	schedule(ehci);
}

static bool has_enabled_port(const struct ehci *ehci)
{
	for (unsigned i = 0; i < EHCI_PORTS; i++)
		if (ehci->state.ports[i] & EHCI_PORT_ENABLED)
			return true;
	return false;
}

/** More and more seldom while nothing moves; not at all when nobody is there who could. */
static void slow_down(struct ehci *ehci, bool moved)
{
	if (moved) {
		ehci->quiet = 0;
		ehci->pace = 1;
	} else if (++ehci->quiet >= QUIET_LOOKS) {
		ehci->quiet = 0;
		if (ehci->pace < EHCI_IDLE_MICROFRAMES)
			ehci->pace *= 2;
		else
			ehci->asleep = !has_enabled_port(ehci);
	}
}

static void run_periodic(struct ehci *ehci, struct ehci_look *look)
{
	uint32_t now = ehci->state.microframe / MICROFRAMES;
	uint32_t missed = (now - ehci->periodic_frame) & (EHCI_FRINDEX_MASK / MICROFRAMES);

	if (missed > EHCI_MISSED_FRAMES)
		missed = EHCI_MISSED_FRAMES;
	for (; missed > 0 && !look->failed; missed--)
		ehci_run_frame(ehci, now - missed + 1, look);
	ehci->periodic_frame = now;
}

/** The controller cannot read its lists: it stops. */
static void fail_host(struct ehci *ehci)
{
	TRACE(usb, host_error, "microframe %u", ehci->state.microframe);
	ehci->state.command &= ~(uint32_t)EHCI_CMD_RUN;
	ehci->state.status |= EHCI_STS_HOST_ERROR | EHCI_STS_HALTED;
	ehci->state.status &= ~(uint32_t)(EHCI_STS_PERIODIC | EHCI_STS_ASYNC);
}

static void look_at_lists(void *opaque)
{
	struct ehci *ehci = opaque;
	struct ehci_look look = { .links = EHCI_LINK_BUDGET, .packets = EHCI_PACKET_BUDGET };

	count_microframes(ehci);
	if (pci_is_bus_master(&ehci->function) && has_lists(ehci)) {
		if (ehci->state.command & EHCI_CMD_PERIODIC)
			run_periodic(ehci, &look);
		if (!look.failed && (ehci->state.command & EHCI_CMD_ASYNC))
			ehci_run_async(ehci, &look);
	}
	ehci->state.status |= look.causes;
	if (look.failed)
		fail_host(ehci);
	slow_down(ehci, look.moved);
	/* A device that was heard meanwhile has its turn in the next look, not at once. */
	ehci->looked_ns = clock_now_ns(ehci->clock);
	schedule(ehci);
	update_irq(ehci);
}

/* --- Ports --- */

static struct uhci *companion_of(const struct ehci *ehci, unsigned port)
{
	return ehci->companions[port / UHCI_PORTS];
}

static bool is_here(const struct ehci *ehci, unsigned port)
{
	return ehci->state.config_flag && !(ehci->state.ports[port] & EHCI_PORT_OWNER);
}

struct usb_device *ehci_find_device(struct ehci *ehci, unsigned address)
{
	for (unsigned i = 0; i < EHCI_PORTS; i++) {
		struct usb_device *device = ehci->plugs[i].device;

		if (!device || !is_here(ehci, i) || !(ehci->state.ports[i] & EHCI_PORT_ENABLED) ||
		    (ehci->state.ports[i] & EHCI_PORT_SUSPEND))
			continue;
		device = usb_device_find(device, address);
		if (device)
			return device;
	}
	return NULL;
}

/** The guest sees at a port of this controller that a device is there, or is not. */
static void show_port(struct ehci *ehci, unsigned port, bool present)
{
	uint32_t *reg = &ehci->state.ports[port];

	if (!present && !(*reg & EHCI_PORT_CONNECTED))
		return;
	if (*reg & EHCI_PORT_ENABLED)
		*reg |= EHCI_PORT_ENABLE_CHANGE;
	*reg &= ~(uint32_t)EHCI_PORT_DEVICE;
	*reg |= EHCI_PORT_CONNECT_CHANGE;
	if (present)
		*reg |= EHCI_PORT_CONNECTED | EHCI_PORT_LINE_J;
	ehci->state.status |= EHCI_STS_PORT_CHANGE;
	hurry(ehci);
	update_irq(ehci);
}

/** To whom the port leads, by what the registers now say: shows the device there. */
static void route_port(struct ehci *ehci, unsigned port, bool was_here)
{
	struct usb_device *device = ehci->plugs[port].device;
	struct uhci *companion = companion_of(ehci, port);
	bool here = is_here(ehci, port);

	if (here == was_here)
		return;
	if (here && companion && companion->devices[port % UHCI_PORTS])
		uhci_connect(companion, port % UHCI_PORTS, NULL);
	show_port(ehci, port, here && device);
	if (!here && companion && device)
		uhci_connect(companion, port % UHCI_PORTS, device);
}

/** 4.2.2: a port whose device goes comes back to this controller. */
static void plug_changed(struct usb_port *plug)
{
	struct ehci *ehci = plug->owner;
	unsigned port = plug->number - 1;
	struct uhci *companion = companion_of(ehci, port);

	if (is_here(ehci, port)) {
		show_port(ehci, port, plug->device);
		return;
	}
	if (companion)
		uhci_connect(companion, port % UHCI_PORTS, plug->device);
	if (!plug->device && ehci->state.config_flag)
		ehci->state.ports[port] &= ~(uint32_t)EHCI_PORT_OWNER;
}

static void plug_wakes(struct usb_port *plug)
{
	struct ehci *ehci = plug->owner;
	unsigned port = plug->number - 1;
	uint32_t *reg = &ehci->state.ports[port];

	if (!is_here(ehci, port)) {
		if (companion_of(ehci, port))
			uhci_wake(companion_of(ehci, port));
		return;
	}
	if ((*reg & EHCI_PORT_SUSPEND) && plug->device && plug->device->state->remote_wakeup) {
		*reg |= EHCI_PORT_RESUME;
		ehci->state.status |= EHCI_STS_PORT_CHANGE;
		update_irq(ehci);
	}
	hurry(ehci);
}

static const struct usb_port_ops plug_ops = { .changed = plug_changed, .wakeup = plug_wakes };

/** The end of a reset: a device of high speed is enabled, another is left to a companion. */
static void end_reset(struct ehci *ehci, unsigned port)
{
	struct usb_device *device = ehci->plugs[port].device;
	uint32_t *reg = &ehci->state.ports[port];

	if (!device)
		return;
	usb_device_reset(device, USB_HIGH);
	if (device->state->speed == USB_HIGH) {
		*reg |= EHCI_PORT_ENABLED;
		*reg &= ~(uint32_t)EHCI_PORT_LINE_J;
	}
}

static void write_line(struct ehci *ehci, unsigned port, uint32_t value)
{
	uint32_t *reg = &ehci->state.ports[port], before = *reg;

	if (!(value & EHCI_PORT_ENABLED)) /* software can only disable it */
		*reg &= ~(uint32_t)(EHCI_PORT_ENABLED | EHCI_PORT_SUSPEND | EHCI_PORT_RESUME);
	*reg = replace_bits(*reg, EHCI_PORT_RESET, value);
	if (value & ~before & EHCI_PORT_RESET)
		*reg &= ~(uint32_t)(EHCI_PORT_ENABLED | EHCI_PORT_SUSPEND | EHCI_PORT_RESUME);
	if (before & ~value & EHCI_PORT_RESET)
		end_reset(ehci, port);
	if ((value & EHCI_PORT_SUSPEND) && (*reg & EHCI_PORT_ENABLED))
		*reg |= EHCI_PORT_SUSPEND;
	if ((value & EHCI_PORT_RESUME) && (*reg & EHCI_PORT_SUSPEND))
		*reg |= EHCI_PORT_RESUME;
	if ((before & ~value & EHCI_PORT_RESUME))
		*reg &= ~(uint32_t)(EHCI_PORT_SUSPEND | EHCI_PORT_RESUME);
}

static void write_port(struct ehci *ehci, unsigned port, uint32_t value)
{
	uint32_t *reg = &ehci->state.ports[port];
	bool was_here = is_here(ehci, port);

	*reg &= ~(value & EHCI_PORT_CLEARED_BY_ONE);
	*reg = replace_bits(*reg, EHCI_PORT_WAKE, value);
	if (was_here)
		write_line(ehci, port, value);
	if (ehci->state.config_flag && companion_of(ehci, port)) {
		*reg = replace_bits(*reg, EHCI_PORT_OWNER, value);
		route_port(ehci, port, was_here);
	}
	hurry(ehci);
}

/** 4.2: all ports at once. */
static void set_config_flag(struct ehci *ehci, uint32_t flag)
{
	bool was_here[EHCI_PORTS];

	if (flag == ehci->state.config_flag)
		return;
	for (unsigned i = 0; i < EHCI_PORTS; i++)
		was_here[i] = is_here(ehci, i);
	ehci->state.config_flag = flag;
	for (unsigned i = 0; i < EHCI_PORTS; i++) {
		ehci->state.ports[i] = replace_bits(ehci->state.ports[i], EHCI_PORT_OWNER,
						    flag ? 0 : EHCI_PORT_OWNER);
		route_port(ehci, i, was_here[i]);
	}
}

/* --- Registers --- */

static void reset_controller(struct ehci *ehci)
{
	struct ehci_state *state = &ehci->state;

	set_config_flag(ehci, 0);
	state->command = EHCI_CMD_RESET;
	state->status = EHCI_STS_HALTED;
	state->interrupts = state->microframe = 0;
	state->periodic_list = state->async_list = 0;
	for (unsigned i = 0; i < EHCI_PORTS; i++)
		state->ports[i] = EHCI_PORT_POWER | EHCI_PORT_OWNER;
	ehci->pace = 1;
	ehci->quiet = 0;
	ehci->asleep = false;
	clock_timer_cancel(&ehci->timer);
	update_irq(ehci);
}

/** The state bits follow at once. */
static void update_status(struct ehci_state *state)
{
	bool runs = (state->command & EHCI_CMD_RUN) != 0;

	state->status &= ~(uint32_t)(EHCI_STS_HALTED | EHCI_STS_PERIODIC | EHCI_STS_ASYNC);
	if (!runs)
		state->status |= EHCI_STS_HALTED;
	if (runs && (state->command & EHCI_CMD_PERIODIC))
		state->status |= EHCI_STS_PERIODIC;
	if (runs && (state->command & EHCI_CMD_ASYNC))
		state->status |= EHCI_STS_ASYNC;
}

static void write_command(struct ehci *ehci, uint32_t value)
{
	struct ehci_state *state = &ehci->state;
	bool ran = is_running(ehci);

	if (value & EHCI_CMD_HCRESET) {
		reset_controller(ehci);
		return;
	}
	count_microframes(ehci);
	state->command = value & EHCI_CMD_KEPT;
	update_status(state);
	if (!ran && is_running(ehci)) {
		ehci->microframe_start_ns = clock_now_ns(ehci->clock);
		ehci->periodic_frame = state->microframe / MICROFRAMES - 1;
	}
	/* Nothing of a list is kept from one look to the next: what was unlinked is forgotten. */
	if ((value & EHCI_CMD_DOORBELL) && is_running(ehci))
		state->status |= EHCI_STS_ADVANCE;
	hurry(ehci);
}

static uint32_t parameters(const struct ehci *ehci)
{
	uint32_t companions = 0;

	for (unsigned i = 0; i < EHCI_COMPANIONS; i++)
		companions += ehci->companions[i] != NULL;
	if (!companions)
		return EHCI_PORTS;
	return EHCI_PORTS | UHCI_PORTS << EHCI_PORTS_PER_COMPANION_SHIFT |
	       companions << EHCI_COMPANIONS_SHIFT;
}

static uint32_t read_register(struct ehci *ehci, uint64_t offset)
{
	const struct ehci_state *state = &ehci->state;

	switch (offset) {
	case EHCI_CAPLENGTH:
		return EHCI_OPERATIONAL | (uint32_t)EHCI_VERSION_1_0 << 16;
	case EHCI_HCSPARAMS:
		return parameters(ehci);
	case EHCI_USBCMD:
		return state->command;
	case EHCI_USBSTS:
		count_microframes(ehci);
		return state->status;
	case EHCI_USBINTR:
		return state->interrupts;
	case EHCI_FRINDEX:
		count_microframes(ehci);
		return state->microframe;
	case EHCI_PERIODICLIST:
		return state->periodic_list;
	case EHCI_ASYNCLIST:
		return state->async_list;
	case EHCI_CONFIGFLAG:
		return state->config_flag;
	default:
		if (offset >= EHCI_PORTSC && offset < EHCI_PORTSC + 4 * EHCI_PORTS)
			return state->ports[(offset - EHCI_PORTSC) / 4];
		return 0;
	}
}

static uint64_t ehci_read(void *opaque, uint64_t offset, unsigned size)
{
	(void)size;
	return read_register(opaque, offset & ~UINT64_C(3)) >> 8 * (offset & 3);
}

static void ehci_write(void *opaque, uint64_t offset, uint64_t data, unsigned size)
{
	struct ehci *ehci = opaque;
	struct ehci_state *state = &ehci->state;
	uint32_t value = (uint32_t)data;

	if (size != sizeof(uint32_t)) /* 2.3: written as words of 32 bits */
		return;
	switch (offset) {
	case EHCI_USBCMD:
		write_command(ehci, value);
		break;
	case EHCI_USBSTS:
		count_microframes(ehci);
		state->status &= ~(value & EHCI_STS_CAUSES);
		break;
	case EHCI_USBINTR:
		count_microframes(ehci);
		state->interrupts = value & EHCI_STS_CAUSES;
		schedule(ehci);
		break;
	case EHCI_FRINDEX: /* only while it stands */
		if (!is_running(ehci))
			state->microframe = value & EHCI_FRINDEX_MASK;
		break;
	case EHCI_PERIODICLIST:
		state->periodic_list = value & ~(uint32_t)(EHCI_PAGE_BYTES - 1);
		break;
	case EHCI_ASYNCLIST:
		state->async_list = value & EHCI_LINK_ADDRESS;
		break;
	case EHCI_CONFIGFLAG:
		set_config_flag(ehci, value & 1);
		break;
	default:
		if (offset >= EHCI_PORTSC && offset < EHCI_PORTSC + 4 * EHCI_PORTS &&
		    offset % 4 == 0)
			write_port(ehci, (unsigned)(offset - EHCI_PORTSC) / 4, value);
		break;
	}
	update_irq(ehci);
}

static const struct io_ops ehci_ops = {
	.read = ehci_read,
	.write = ehci_write,
	.peek = ehci_read,
	.max_size = 4,
};

/* --- Life --- */

static void ehci_reset(void *self)
{
	struct ehci *ehci = self;

	pci_function_reset(&ehci->function);
	reset_controller(ehci);
}

static void ehci_before_save(void *self)
{
	count_microframes(self);
}

static bool is_valid(const struct ehci_state *state)
{
	for (unsigned i = 0; i < EHCI_PORTS; i++)
		if (state->ports[i] & ~(uint32_t)EHCI_PORT_KNOWN)
			return false;
	return !(state->command & ~(uint32_t)EHCI_CMD_KEPT) &&
	       !(state->status & ~(uint32_t)EHCI_STS_KNOWN) &&
	       !(state->interrupts & ~(uint32_t)EHCI_STS_CAUSES) &&
	       state->microframe <= EHCI_FRINDEX_MASK && state->config_flag <= 1 &&
	       state->periodic_list % EHCI_PAGE_BYTES == 0 &&
	       !(state->async_list & ~EHCI_LINK_ADDRESS);
}

/** What the guest has seen at a port must be there; companions look after theirs when all is
 * loaded. */
static int check_ports(struct ehci *ehci, struct err *err)
{
	for (unsigned i = 0; i < EHCI_PORTS; i++) {
		struct usb_device *device = ehci->plugs[i].device;
		struct uhci *companion = companion_of(ehci, i);
		bool here = is_here(ehci, i);

		if (companion)
			uhci_assume(companion, i % UHCI_PORTS, here ? NULL : device);
		if ((ehci->state.ports[i] & EHCI_PORT_CONNECTED) && (!here || !device))
			return err_set(err, -EINVAL,
				       "the saved guest has a device at USB port %u, this machine "
				       "has none: start it with the same devices",
				       i + 1);
	}
	return 0;
}

static int ehci_after_load(void *self, struct err *err)
{
	struct ehci *ehci = self;

	if (!is_valid(&ehci->state))
		return err_set(err, -EINVAL,
			       "the saved USB controller holds values that it cannot have");
	if (check_ports(ehci, err) < 0)
		return -EINVAL;
	pci_function_update(&ehci->function);
	update_status(&ehci->state);
	ehci->microframe_start_ns = clock_now_ns(ehci->clock);
	ehci->periodic_frame = ehci->state.microframe / MICROFRAMES - 1;
	hurry(ehci);
	update_irq(ehci);
	return 0;
}

/** Devices that the guest has not seen are plugged in now. */
static void ehci_loaded(void *self)
{
	struct ehci *ehci = self;

	for (unsigned i = 0; i < EHCI_PORTS; i++) {
		struct usb_device *device = ehci->plugs[i].device;
		struct uhci *companion = companion_of(ehci, i);
		unsigned port = i % UHCI_PORTS;
		bool seen;

		if (is_here(ehci, i)) {
			if (device && !(ehci->state.ports[i] & EHCI_PORT_CONNECTED))
				show_port(ehci, i, true);
			continue;
		}
		seen = companion && (companion->state.ports[port] & UHCI_PORT_CONNECTED);
		if (companion && seen != (device != NULL))
			uhci_connect(companion, port, device);
	}
}

static void ehci_finish(void *self)
{
	struct ehci *ehci = self;

	clock_timer_cancel(&ehci->timer);
	pci_bus_unplug(&ehci->function);
}

static const struct state_field ehci_fields[] = {
	STATE_STRUCT(struct ehci_state, pci, &pci_state_table),
	STATE_ARRAY(struct ehci_state, reserved),
	STATE_INT(struct ehci_state, command),
	STATE_INT(struct ehci_state, status),
	STATE_INT(struct ehci_state, interrupts),
	STATE_INT(struct ehci_state, microframe),
	STATE_INT(struct ehci_state, periodic_list),
	STATE_INT(struct ehci_state, async_list),
	STATE_INT(struct ehci_state, config_flag),
	STATE_ARRAY(struct ehci_state, ports),
};
static STATE_TABLE(ehci_table, ehci_state, ehci_fields);

#define DEVICE_CLASS(model_name)                                                 \
	{                                                                        \
		.name = (model_name), .reset = ehci_reset, .table = &ehci_table, \
		.state_offset = offsetof(struct ehci, state), .version = 1,      \
		.before_save = ehci_before_save, .after_load = ehci_after_load,  \
		.loaded = ehci_loaded, .finish = ehci_finish                     \
	}

static const struct device_class classes[EHCI_MODELS] = {
	[EHCI_PLAIN] = DEVICE_CLASS("usb-ehci"),
	[EHCI_ICH9] = DEVICE_CLASS("ich9-ehci"),
};

#define IDENTITY(model_name, number, chip_revision)                                          \
	{                                                                                    \
		.name = (model_name), .vendor = 0x8086, .device = (number), .class = 0x0c03, \
		.prog_if = 0x20, .revision = (chip_revision), .interrupt_pin = 4             \
	}

static const struct pci_identity identities[EHCI_MODELS] = {
	[EHCI_PLAIN] = IDENTITY("usb-ehci", 0x24cd, 0x10),
	[EHCI_ICH9] = IDENTITY("ich9-usb-ehci1", 0x293a, 3),
};

static const struct reg_row rows[] = {
	{ "HEDT", PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION, 0, 0 },
	{ "SBRN", EHCI_SBRN, 1, EHCI_SBRN_2_0, 0, 0 },
	{ "FLADJ", EHCI_FLADJ, 1, EHCI_FLADJ_RESET, EHCI_FLADJ_WRITABLE, 0 },
};

const char *ehci_name(enum ehci_model model)
{
	return identities[model].name;
}

int ehci_init(struct ehci *ehci, enum ehci_model model, struct pci_bus *bus, struct clock *clock,
	      struct ram *ram, int slot, unsigned number, struct err *err)
{
	memset(ehci, 0, sizeof(*ehci));
	ehci->clock = clock;
	ehci->ram = ram;
	for (unsigned i = 0; i < EHCI_PORTS; i++) {
		usb_port_init(&ehci->plugs[i], &plug_ops, ehci, NULL, i + 1);
		ehci->plugs[i].lacks_full_speed = true;
	}
	device_init(&ehci->device, &classes[model], ehci);
	clock_timer_init(&ehci->timer, clock, look_at_lists, ehci);
	io_window_init(&ehci->window, "ehci", &ehci_ops, ehci, EHCI_BAR_BYTES);
	/* The ICH9's is one of a device's several functions: the first row says so. */
	pci_function_init(&ehci->function, &ehci->state.pci, &identities[model],
			  model == EHCI_ICH9 ? rows : rows + 1,
			  ARRAY_SIZE(rows) - (model != EHCI_ICH9), ehci);
	pci_function_set_bar(&ehci->function, EHCI_MEMORY_BAR, &ehci->window, 0);
	ehci_reset(ehci);
	return pci_bus_plug(bus, &ehci->function, slot, number, err);
}

int ehci_add_companion(struct ehci *ehci, struct uhci *uhci, unsigned first, struct err *err)
{
	if (first % UHCI_PORTS || first >= EHCI_PORTS)
		return err_set(err, -EINVAL, "firstport=%u: give 0, 2 or 4", first);
	if (companion_of(ehci, first))
		return err_set(err, -EEXIST, "firstport=%u is another companion's", first);
	ehci->companions[first / UHCI_PORTS] = uhci;
	uhci_set_companion(uhci);
	for (unsigned i = first; i < first + UHCI_PORTS; i++)
		ehci->plugs[i].lacks_full_speed = false;
	return 0;
}

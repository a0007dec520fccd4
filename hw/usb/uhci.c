// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/usb/uhci.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"

#define FRAME_NS NS_PER_MS

enum {
	FRAME_MASK = 0x7ff,
	QUIET_LOOKS = 8, /* before the pace is halved */
	TD_WORDS = 4,
	QH_ELEMENT = 4, /* offset of the element link */
	SOF_RESET = 0x40,
};

/* --- Interrupts --- */

static void update_irq(struct uhci *uhci)
{
	const struct uhci_state *state = &uhci->state;
	bool level = (state->status & UHCI_STS_INT && state->causes & state->interrupts) ||
		     (state->status & UHCI_STS_ERROR && state->interrupts & UHCI_INTR_ERROR) ||
		     (state->status & UHCI_STS_RESUME && state->interrupts & UHCI_INTR_RESUME) ||
		     (state->status & (UHCI_STS_HOST_ERROR | UHCI_STS_PROCESS_ERROR));

	pci_set_intx(&uhci->function, level);
}

/* --- The clock of frames --- */

static bool is_running(const struct uhci *uhci)
{
	return (uhci->state.command & UHCI_CMD_RUN) && !(uhci->state.command & UHCI_CMD_EGSM);
}

/** Brings the frame's number up to the present. */
static void count_frames(struct uhci *uhci)
{
	int64_t passed = (clock_now_ns(uhci->clock) - uhci->frame_start_ns) / FRAME_NS;

	if (!is_running(uhci) || passed <= 0)
		return;
	uhci->frame_start_ns += passed * FRAME_NS;
	uhci->state.frame = (uint16_t)((uhci->state.frame + passed) & FRAME_MASK);
}

static void schedule(struct uhci *uhci)
{
	if (is_running(uhci) && !uhci->asleep)
		clock_timer_set(&uhci->timer,
				uhci->frame_start_ns + (int64_t)uhci->pace * FRAME_NS);
	else
		clock_timer_cancel(&uhci->timer);
}

/** At the pace of the bus from now on. */
static void hurry(struct uhci *uhci)
{
	uhci->quiet = 0;
	if (uhci->pace == 1 && !uhci->asleep)
		return;
	uhci->pace = 1;
	uhci->asleep = false;
	count_frames(uhci);
	schedule(uhci);
}

static bool has_enabled_port(const struct uhci *uhci)
{
	for (unsigned i = 0; i < UHCI_PORTS; i++)
		if (uhci->state.ports[i] & UHCI_PORT_ENABLED)
			return true;
	return false;
}

/** More and more seldom while nothing moves; not at all when nobody is there who could. */
static void slow_down(struct uhci *uhci, bool moved)
{
	if (moved) {
		uhci->quiet = 0;
		uhci->pace = 1;
	} else if (++uhci->quiet >= QUIET_LOOKS) {
		uhci->quiet = 0;
		if (uhci->pace < UHCI_IDLE_FRAMES)
			uhci->pace *= 2;
		else
			uhci->asleep = !has_enabled_port(uhci);
	}
}

/* --- Transfers --- */

struct look {
	unsigned budget;
	bool moved;     /* a transfer was done */
	uint8_t causes; /* of an interrupt at the frame's end */
	bool error;
};

static struct usb_device *find_device(struct uhci *uhci, unsigned address)
{
	for (unsigned i = 0; i < UHCI_PORTS; i++) {
		struct usb_device *device = uhci->devices[i];

		if (!device || !(uhci->state.ports[i] & UHCI_PORT_ENABLED) ||
		    (uhci->state.ports[i] & UHCI_PORT_SUSPEND))
			continue;
		device = usb_device_find(device, address);
		if (device)
			return device;
	}
	return NULL;
}

static uint32_t length_field(int bytes)
{
	return (uint32_t)(bytes - 1) & UHCI_TD_LENGTH;
}

/** Moves the packet of 'td'. Bytes, enum usb_result, or INT16_MIN if nobody answers. */
static int run_packet(struct uhci *uhci, const uint32_t td[TD_WORDS])
{
	uint32_t token = td[2];
	unsigned length = ((token >> UHCI_TOKEN_LENGTH_SHIFT) + 1) & UHCI_NO_BYTES;
	unsigned endpoint = token >> UHCI_TOKEN_ENDPOINT_SHIFT & 0x0f;
	enum usb_pid pid = (enum usb_pid)(token & 0xff);
	struct usb_device *device =
		find_device(uhci, token >> UHCI_TOKEN_ADDRESS_SHIFT & USB_ADDRESS_MAX);
	uint8_t data[UHCI_NO_BYTES + 1] = { 0 };
	int result;

	if (!device)
		return INT16_MIN;
	if (pid != USB_IN)
		ram_read(uhci->ram, td[3], data, length);
	result = usb_device_packet(device, pid, endpoint, data, length);
	if (result > (int)length)
		return USB_BABBLE;
	if (pid == USB_IN && result > 0)
		ram_write(uhci->ram, td[3], data, (size_t)result);
	return result;
}

/** What a descriptor's status becomes; true if its queue goes on behind it. */
static bool complete(struct look *look, uint32_t td[TD_WORDS], int result)
{
	unsigned wanted = ((td[2] >> UHCI_TOKEN_LENGTH_SHIFT) + 1) & UHCI_NO_BYTES;
	bool is_short = (td[2] & 0xff) == USB_IN && result >= 0 && (unsigned)result < wanted;

	if (result == USB_NAK && !(td[1] & UHCI_TD_ISOCHRONOUS)) {
		td[1] |= UHCI_TD_NAK;
		return false;
	}
	look->moved = true;
	td[1] &= ~(UHCI_TD_ACTIVE | UHCI_TD_NAK | UHCI_TD_LENGTH);
	td[1] |= length_field(result < 0 ? 0 : result);
	if (td[1] & UHCI_TD_INTERRUPT)
		look->causes |= UHCI_INTR_COMPLETE;
	if (td[1] & UHCI_TD_ISOCHRONOUS)
		return true;
	if (result < 0) {
		td[1] |= UHCI_TD_STALLED;
		td[1] |= result == INT16_MIN    ? UHCI_TD_TIMEOUT
			 : result == USB_BABBLE ? UHCI_TD_BABBLE
						: 0;
		look->error = true;
		return false;
	}
	if (is_short && (td[1] & UHCI_TD_SHORT)) {
		look->causes |= UHCI_INTR_SHORT;
		return false;
	}
	return true;
}

static bool read_words(struct uhci *uhci, uint32_t gpa, uint32_t *words, unsigned count)
{
	uint8_t bytes[4 * TD_WORDS];

	if (!ram_read(uhci->ram, gpa, bytes, count * sizeof(uint32_t)))
		return false;
	for (unsigned i = 0; i < count; i++)
		words[i] = load_le32(bytes + i * sizeof(uint32_t));
	return true;
}

static void write_word(struct uhci *uhci, uint32_t gpa, uint32_t word)
{
	uint8_t bytes[4];

	store_le32(bytes, word);
	ram_write(uhci->ram, gpa, bytes, sizeof(bytes));
}

/** The controller cannot read its schedule: it stops. */
static void fail_host(struct uhci *uhci)
{
	TRACE(usb, host_error, "frame %u", uhci->state.frame);
	uhci->state.status |= UHCI_STS_HOST_ERROR | UHCI_STS_HALTED;
	uhci->state.command &= (uint16_t)~UHCI_CMD_RUN;
}

/** Runs the descriptor at 'link' if it is active. True if its queue may go on; *next is what it
 * links to. */
static bool run_td(struct uhci *uhci, struct look *look, uint32_t link, uint32_t *next)
{
	uint32_t gpa = link & UHCI_LINK_ADDRESS, td[TD_WORDS];
	bool goes_on;

	if (!read_words(uhci, gpa, td, TD_WORDS)) {
		fail_host(uhci);
		return false;
	}
	*next = td[0];
	if (!(td[1] & UHCI_TD_ACTIVE))
		return false;
	goes_on = complete(look, td, run_packet(uhci, td));
	write_word(uhci, gpa + sizeof(uint32_t), td[1]);
	return goes_on;
}

/** Descriptors of a queue, as long as they are done and linked depth first. */
static void run_queue(struct uhci *uhci, struct look *look, uint32_t qh, uint32_t element)
{
	while (!(element & (UHCI_LINK_TERMINATE | UHCI_LINK_QUEUE)) && look->budget) {
		uint32_t next = UHCI_LINK_TERMINATE;

		look->budget--;
		if (!run_td(uhci, look, element, &next))
			return;
		write_word(uhci, qh + QH_ELEMENT, next);
		if (!(next & UHCI_LINK_DEPTH))
			return;
		element = next;
	}
}

/** Section 3.4: the frame's list, breadth first. Queues may be linked in a ring, for what bandwidth
 * is left: once around without a transfer is enough. */
static void run_frame(struct uhci *uhci, struct look *look)
{
	uint32_t gpa = uhci->state.frame_list + uhci->state.frame % UHCI_FRAMES * 4u;
	uint32_t link, first_queue = UHCI_LINK_TERMINATE;
	bool moved_before = false;

	if (!read_words(uhci, gpa, &link, 1)) {
		fail_host(uhci);
		return;
	}
	while (!(link & UHCI_LINK_TERMINATE) && look->budget && is_running(uhci)) {
		uint32_t qh[2];

		look->budget--;
		if (!(link & UHCI_LINK_QUEUE)) {
			uint32_t next = UHCI_LINK_TERMINATE;

			run_td(uhci, look, link, &next);
			link = next;
			continue;
		}
		if ((link & UHCI_LINK_ADDRESS) == first_queue) {
			if (look->moved == moved_before)
				return;
			moved_before = look->moved;
		}
		if (first_queue & UHCI_LINK_TERMINATE)
			first_queue = link & UHCI_LINK_ADDRESS;
		if (!read_words(uhci, link & UHCI_LINK_ADDRESS, qh, 2)) {
			fail_host(uhci);
			return;
		}
		run_queue(uhci, look, link & UHCI_LINK_ADDRESS, qh[1]);
		link = qh[0];
	}
}

static void look_at_frame(void *opaque)
{
	struct uhci *uhci = opaque;
	struct look look = { .budget = UHCI_FRAME_BUDGET };

	count_frames(uhci);
	if (is_running(uhci) && pci_is_bus_master(&uhci->function))
		run_frame(uhci, &look);
	if (look.causes)
		uhci->state.status |= UHCI_STS_INT;
	uhci->state.causes |= look.causes;
	if (look.error)
		uhci->state.status |= UHCI_STS_ERROR;
	slow_down(uhci, look.moved);
	schedule(uhci);
	update_irq(uhci);
}

/* --- Ports --- */

/** As after power-on. */
static void connect_port(struct uhci *uhci, unsigned port)
{
	uhci->state.ports[port] = UHCI_PORT_ALWAYS;
	if (uhci->devices[port])
		uhci->state.ports[port] |=
			UHCI_PORT_CONNECTED | UHCI_PORT_CONNECT_CHANGE | UHCI_PORT_D_PLUS;
}

static void write_port(struct uhci *uhci, unsigned port, uint16_t value)
{
	uint16_t *reg = &uhci->state.ports[port], before = *reg;
	uint16_t clear = value & (UHCI_PORT_CONNECT_CHANGE | UHCI_PORT_ENABLE_CHANGE);

	*reg = (uint16_t)replace_bits(before & ~clear, UHCI_PORT_WRITABLE, value);
	if (!(before & UHCI_PORT_CONNECTED))
		*reg &= (uint16_t)~UHCI_PORT_ENABLED;
	if (value & UHCI_PORT_RESET)
		*reg &= (uint16_t)~UHCI_PORT_ENABLED;
	if ((value & ~before & UHCI_PORT_RESET) && uhci->devices[port])
		usb_device_reset(uhci->devices[port], USB_FULL);
	hurry(uhci);
}

/** A device has something to say: a sleeping bus hears of it, if the guest has allowed that. */
void uhci_wake(struct uhci *uhci)
{
	hurry(uhci);
	for (unsigned i = 0; i < UHCI_PORTS; i++) {
		const struct usb_device *device = uhci->devices[i];

		if (!device || !device->state->remote_wakeup ||
		    !(uhci->state.command & UHCI_CMD_EGSM ||
		      uhci->state.ports[i] & UHCI_PORT_SUSPEND))
			continue;
		uhci->state.ports[i] |= UHCI_PORT_RESUME_DETECT;
		uhci->state.status |= UHCI_STS_RESUME;
	}
	update_irq(uhci);
}

void uhci_assume(struct uhci *uhci, unsigned port, struct usb_device *device)
{
	uhci->devices[port] = device;
}

/** A sleeping bus is woken, too: drivers let it sleep for as long as nothing is plugged in. */
void uhci_connect(struct uhci *uhci, unsigned port, struct usb_device *device)
{
	uint16_t *reg = &uhci->state.ports[port], before = *reg;

	uhci->devices[port] = device;
	*reg &= (uint16_t) ~(UHCI_PORT_CONNECTED | UHCI_PORT_ENABLED | UHCI_PORT_D_PLUS |
			     UHCI_PORT_SUSPEND | UHCI_PORT_RESUME_DETECT);
	*reg |= UHCI_PORT_CONNECT_CHANGE;
	if (device)
		*reg |= UHCI_PORT_CONNECTED | UHCI_PORT_D_PLUS;
	else if (before & UHCI_PORT_ENABLED)
		*reg |= UHCI_PORT_ENABLE_CHANGE;
	if (uhci->state.command & UHCI_CMD_EGSM)
		uhci->state.status |= UHCI_STS_RESUME;
	hurry(uhci);
	update_irq(uhci);
}

static void plug_changed(struct usb_port *port)
{
	uhci_connect(port->owner, port->number - 1, port->device);
}

static void plug_wakes(struct usb_port *port)
{
	uhci_wake(port->owner);
}

static const struct usb_port_ops plug_ops = { .changed = plug_changed, .wakeup = plug_wakes };

/* --- Registers --- */

static void reset_controller(struct uhci *uhci)
{
	struct uhci_state *state = &uhci->state;

	state->command = state->interrupts = state->frame = 0;
	state->status = UHCI_STS_HALTED;
	state->frame_list = 0;
	state->causes = 0;
	state->sof_modify = SOF_RESET;
	uhci->pace = 1;
	uhci->quiet = 0;
	uhci->asleep = false;
	clock_timer_cancel(&uhci->timer);
	for (unsigned i = 0; i < UHCI_PORTS; i++) {
		if (uhci->devices[i])
			usb_device_reset(uhci->devices[i], USB_FULL);
		connect_port(uhci, i);
	}
	update_irq(uhci);
}

static void write_command(struct uhci *uhci, uint16_t value)
{
	struct uhci_state *state = &uhci->state;
	bool ran = is_running(uhci);

	if (value & (UHCI_CMD_HCRESET | UHCI_CMD_GRESET)) {
		reset_controller(uhci);
		state->command = value & UHCI_CMD_GRESET;
		return;
	}
	count_frames(uhci);
	state->command = value & UHCI_CMD_MASK;
	state->status = (uint16_t)replace_bits(state->status, UHCI_STS_HALTED,
					       value & UHCI_CMD_RUN ? 0 : UHCI_STS_HALTED);
	if (!ran && is_running(uhci))
		uhci->frame_start_ns = clock_now_ns(uhci->clock);
	uhci->pace = 1;
	uhci->quiet = 0;
	uhci->asleep = false;
	schedule(uhci);
}

static uint64_t uhci_read(void *opaque, uint64_t offset, unsigned size)
{
	struct uhci *uhci = opaque;
	const struct uhci_state *state = &uhci->state;

	(void)size;
	switch (offset) {
	case UHCI_USBCMD:
		return state->command;
	case UHCI_USBSTS:
		return state->status;
	case UHCI_USBINTR:
		return state->interrupts;
	case UHCI_FRNUM:
		count_frames(uhci);
		return state->frame;
	case UHCI_FLBASEADD:
		return state->frame_list & 0xffff;
	case UHCI_FLBASEADD + 2:
		return state->frame_list >> 16;
	case UHCI_SOFMOD:
		return state->sof_modify;
	case UHCI_PORTSC1:
	case UHCI_PORTSC2:
		return state->ports[(offset - UHCI_PORTSC1) / 2];
	default:
		return 0xffff;
	}
}

static void uhci_write(void *opaque, uint64_t offset, uint64_t data, unsigned size)
{
	struct uhci *uhci = opaque;
	struct uhci_state *state = &uhci->state;
	uint16_t value = (uint16_t)data;

	/* Bytes are for SOFMOD only; elsewhere, software writes words. */
	if (size == 1 && offset != UHCI_SOFMOD)
		return;
	switch (offset) {
	case UHCI_USBCMD:
		write_command(uhci, value);
		break;
	case UHCI_USBSTS:
		state->status &= (uint16_t) ~(value & UHCI_STS_MASK & ~UHCI_STS_HALTED);
		if (value & UHCI_STS_INT)
			state->causes = 0;
		break;
	case UHCI_USBINTR:
		state->interrupts = value & UHCI_INTR_MASK;
		break;
	case UHCI_FRNUM: /* only while it stands */
		if (!(state->command & UHCI_CMD_RUN))
			state->frame = value & FRAME_MASK;
		break;
	case UHCI_FLBASEADD:
		state->frame_list = (state->frame_list & 0xffff0000) | (value & 0xf000);
		break;
	case UHCI_FLBASEADD + 2:
		state->frame_list = (state->frame_list & 0xffff) | (uint32_t)value << 16;
		break;
	case UHCI_SOFMOD:
		state->sof_modify = value & 0x7f;
		break;
	case UHCI_PORTSC1:
	case UHCI_PORTSC2:
		write_port(uhci, (unsigned)(offset - UHCI_PORTSC1) / 2, value);
		break;
	default:
		break;
	}
	update_irq(uhci);
}

static const struct io_ops uhci_ops = {
	.read = uhci_read,
	.write = uhci_write,
	.peek = uhci_read,
	.max_size = 2,
};

/* --- Life --- */

static void uhci_reset(void *self)
{
	struct uhci *uhci = self;

	pci_function_reset(&uhci->function);
	reset_controller(uhci);
}

/** What the guest has seen at a port must be there. A device more is plugged in now. */
static int check_ports(struct uhci *uhci, struct err *err)
{
	for (unsigned i = 0; i < UHCI_PORTS && !uhci->is_companion; i++) {
		bool seen = (uhci->state.ports[i] & UHCI_PORT_CONNECTED) != 0;

		if (seen && !uhci->devices[i])
			return err_set(err, -EINVAL,
				       "the saved guest has a device at USB port %u, this machine "
				       "has none: start it with the same devices",
				       i + 1);
		if (!seen && uhci->devices[i])
			connect_port(uhci, i);
	}
	return 0;
}

static int uhci_after_load(void *self, struct err *err)
{
	struct uhci *uhci = self;
	const struct uhci_state *state = &uhci->state;

	if (state->command & ~UHCI_CMD_MASK || state->status & ~UHCI_STS_MASK ||
	    state->interrupts & ~UHCI_INTR_MASK || state->frame & ~FRAME_MASK ||
	    state->frame_list & 0xfff || state->causes & ~(UHCI_INTR_COMPLETE | UHCI_INTR_SHORT))
		return err_set(err, -EINVAL,
			       "the saved USB controller holds values that it cannot have");
	if (check_ports(uhci, err) < 0)
		return -EINVAL;
	pci_function_update(&uhci->function);
	uhci->frame_start_ns = clock_now_ns(uhci->clock);
	uhci->pace = 1;
	uhci->quiet = 0;
	uhci->asleep = false;
	schedule(uhci);
	update_irq(uhci);
	return 0;
}

static void uhci_before_save(void *self)
{
	count_frames(self);
}

static void uhci_finish(void *self)
{
	struct uhci *uhci = self;

	clock_timer_cancel(&uhci->timer);
	pci_bus_unplug(&uhci->function);
}

static const struct state_field uhci_fields[] = {
	STATE_STRUCT(struct uhci_state, pci, &pci_state_table),
	STATE_INT(struct uhci_state, frame_list),
	STATE_INT(struct uhci_state, command),
	STATE_INT(struct uhci_state, status),
	STATE_INT(struct uhci_state, interrupts),
	STATE_INT(struct uhci_state, frame),
	STATE_ARRAY(struct uhci_state, ports),
	STATE_INT(struct uhci_state, sof_modify),
	STATE_INT(struct uhci_state, causes),
	STATE_ARRAY(struct uhci_state, reserved),
};
static STATE_TABLE(uhci_table, uhci_state, uhci_fields);

#define DEVICE_CLASS(model_name)                                                 \
	{                                                                        \
		.name = (model_name), .reset = uhci_reset, .table = &uhci_table, \
		.state_offset = offsetof(struct uhci, state), .version = 1,      \
		.before_save = uhci_before_save, .after_load = uhci_after_load,  \
		.finish = uhci_finish                                            \
	}

static const struct device_class classes[UHCI_MODELS] = {
	[UHCI_PIIX3] = DEVICE_CLASS("piix3-uhci"),
	[UHCI_ICH9_1] = DEVICE_CLASS("ich9-uhci1"),
	[UHCI_ICH9_2] = DEVICE_CLASS("ich9-uhci2"),
	[UHCI_ICH9_3] = DEVICE_CLASS("ich9-uhci3"),
};

#define IDENTITY(model_name, number, chip_revision, pin)                                     \
	{                                                                                    \
		.name = (model_name), .vendor = 0x8086, .device = (number), .class = 0x0c03, \
		.revision = (chip_revision), .interrupt_pin = (pin)                          \
	}

static const struct pci_identity identities[UHCI_MODELS] = {
	[UHCI_PIIX3] = IDENTITY("piix3-usb-uhci", 0x7020, 1, 4),
	[UHCI_ICH9_1] = IDENTITY("ich9-usb-uhci1", 0x2934, 3, 1),
	[UHCI_ICH9_2] = IDENTITY("ich9-usb-uhci2", 0x2935, 3, 2),
	[UHCI_ICH9_3] = IDENTITY("ich9-usb-uhci3", 0x2936, 3, 3),
};

static const struct reg_row rows[] = {
	{ "HEDT", PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION, 0, 0 },
	{ "SBRN", UHCI_SBRN, 1, UHCI_SBRN_1_0, 0, 0 },
	{ "LEGSUP", UHCI_LEGSUP, 2, UHCI_LEGSUP_RESET, UHCI_LEGSUP_WRITABLE, 0 },
};

const char *uhci_name(enum uhci_model model)
{
	return identities[model].name;
}

int uhci_init(struct uhci *uhci, enum uhci_model model, struct pci_bus *bus, struct clock *clock,
	      struct ram *ram, int slot, unsigned number, struct err *err)
{
	memset(uhci, 0, sizeof(*uhci));
	uhci->clock = clock;
	uhci->ram = ram;
	for (unsigned i = 0; i < UHCI_PORTS; i++)
		usb_port_init(&uhci->plugs[i], &plug_ops, uhci, NULL, i + 1);
	device_init(&uhci->device, &classes[model], uhci);
	clock_timer_init(&uhci->timer, clock, look_at_frame, uhci);
	io_window_init(&uhci->io, "uhci", &uhci_ops, uhci, UHCI_IO_BYTES);
	/* The ICH9's are among a device's several functions, and the first row says so; the PIIX3's
	 * function 0 is another chip's. */
	pci_function_init(&uhci->function, &uhci->state.pci, &identities[model],
			  model == UHCI_PIIX3 ? rows + 1 : rows,
			  ARRAY_SIZE(rows) - (model == UHCI_PIIX3), uhci);
	pci_function_set_bar(&uhci->function, UHCI_IO_BAR, &uhci->io, PCI_BAR_IO);
	uhci_reset(uhci);
	return pci_bus_plug(bus, &uhci->function, slot, number, err);
}

void uhci_set_companion(struct uhci *uhci)
{
	uhci->is_companion = true;
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/usb/usb.h"

#include <errno.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/trace.h"

enum {
	DESCRIPTOR_LENGTH = 0,
	CONFIGURATION_TOTAL = 2,
	CONFIGURATION_VALUE = 5,
	CONFIGURATION_ATTRIBUTES = 7,
	SELF_POWERED = 0x40,
	ENDPOINT_NUMBER = 0x0f,
	ENDPOINT_IN = 0x80,
};

static const uint8_t *configuration(const struct usb_device *device)
{
	return device->class->configuration[device->state->speed];
}

static uint16_t *halted(struct usb_state *state, uint16_t endpoint)
{
	return endpoint & ENDPOINT_IN ? &state->halted_in : &state->halted_out;
}

/* --- Standard requests --- */

static int copy_descriptor(struct usb_state *state, const uint8_t *descriptor, size_t length)
{
	length = min_size(length, USB_CONTROL_BYTES);
	memcpy(state->data, descriptor, length);
	return (int)length;
}

/** String 0 lists languages; the others are UTF-16. */
static int get_string(struct usb_device *device, unsigned index)
{
	uint8_t *data = device->state->data;
	const char *text = NULL;
	size_t length = 2;

	for (unsigned i = 1; index && device->class->strings[i - 1]; i++)
		if (i == index)
			text = device->class->strings[i - 1];
	if (index && !text)
		return USB_STALL;
	if (!index) {
		store_le16(data + length, USB_LANGUAGE);
		length += 2;
	}
	for (; text && *text && length + 2 <= UINT8_MAX; text++, length += 2)
		store_le16(data + length, (uint8_t)*text);
	data[0] = (uint8_t)length;
	data[1] = USB_DESCRIPTOR_STRING;
	return (int)length;
}

/** What differs at the other speed: nothing but the configuration (9.6.2). */
static int get_qualifier(const struct usb_device *device)
{
	enum {
		BYTES = 10,
		COMMON = 8,          /* up to the control endpoint's size, as the device has it */
		CONFIGURATIONS = 17, /* of the device descriptor */
	};
	uint8_t *data = device->state->data;

	if (!device->class->configuration[USB_HIGH])
		return USB_STALL;
	memcpy(data, device->class->device, COMMON);
	data[0] = BYTES;
	data[1] = USB_DESCRIPTOR_DEVICE_QUALIFIER;
	data[8] = device->class->device[CONFIGURATIONS];
	data[9] = 0;
	return BYTES;
}

static int get_configuration(const struct usb_device *device, enum usb_speed speed, uint8_t type)
{
	const uint8_t *bytes = device->class->configuration[speed];
	int result;

	if (!bytes)
		return USB_STALL;
	result = copy_descriptor(device->state, bytes, load_le16(bytes + CONFIGURATION_TOTAL));
	device->state->data[1] = type;
	return result;
}

static int get_descriptor(struct usb_device *device, uint16_t value)
{
	enum usb_speed speed = (enum usb_speed)device->state->speed;
	const struct usb_class *class = device->class;
	unsigned index = value & 0xff;

	switch (value >> 8) {
	case USB_DESCRIPTOR_DEVICE:
		return copy_descriptor(device->state, class->device,
				       class->device[DESCRIPTOR_LENGTH]);
	case USB_DESCRIPTOR_CONFIGURATION:
		return index ? USB_STALL
			     : get_configuration(device, speed, USB_DESCRIPTOR_CONFIGURATION);
	case USB_DESCRIPTOR_DEVICE_QUALIFIER:
		return get_qualifier(device);
	case USB_DESCRIPTOR_OTHER_SPEED:
		return class->configuration[USB_HIGH] && !index
			       ? get_configuration(device, speed == USB_HIGH ? USB_FULL : USB_HIGH,
						   USB_DESCRIPTOR_OTHER_SPEED)
			       : USB_STALL;
	case USB_DESCRIPTOR_STRING:
		return get_string(device, index);
	default:
		return USB_STALL;
	}
}

static int set_configuration(struct usb_device *device, uint16_t value)
{
	if (value && value != configuration(device)[CONFIGURATION_VALUE])
		return USB_STALL;
	device->state->configuration = (uint8_t)value;
	device->state->halted_in = device->state->halted_out = 0;
	if (device->class->reset)
		device->class->reset(device);
	return 0;
}

static int set_halt(struct usb_state *state, uint16_t feature, uint16_t endpoint, bool halt)
{
	uint16_t bit = (uint16_t)BIT(endpoint & ENDPOINT_NUMBER);

	if (feature != USB_FEATURE_HALT)
		return USB_STALL;
	*halted(state, endpoint) =
		(uint16_t)replace_bits(*halted(state, endpoint), bit, halt ? bit : 0);
	return 0;
}

static int set_remote_wakeup(struct usb_state *state, uint16_t feature, bool on)
{
	if (feature != USB_FEATURE_REMOTE_WAKEUP)
		return USB_STALL;
	state->remote_wakeup = on;
	return 0;
}

static int give_word(struct usb_state *state, uint16_t word, int length)
{
	store_le16(state->data, word);
	return length;
}

static uint16_t device_status(const struct usb_device *device)
{
	bool own_power = (configuration(device)[CONFIGURATION_ATTRIBUTES] & SELF_POWERED) != 0;

	return (uint16_t)(own_power | device->state->remote_wakeup << 1);
}

/** Bytes for the host, or USB_STALL. */
static int run_request(struct usb_device *device)
{
	struct usb_state *state = device->state;
	uint16_t request = (uint16_t)(state->setup[0] << 8 | state->setup[1]);
	uint16_t value = load_le16(state->setup + 2), index = load_le16(state->setup + 4);
	uint16_t length = load_le16(state->setup + 6);

	TRACE(usb, request, "%04x value %04x index %04x length %u", request, value, index, length);
	switch (request) {
	case USB_DEVICE_GET_STATUS:
		return give_word(state, device_status(device), 2);
	case USB_INTERFACE_GET_STATUS:
		return give_word(state, 0, 2);
	case USB_ENDPOINT_GET_STATUS:
		return give_word(state, *halted(state, index) >> (index & ENDPOINT_NUMBER) & 1, 2);
	case USB_DEVICE_CLEAR_FEATURE:
		return set_remote_wakeup(state, value, false);
	case USB_DEVICE_SET_FEATURE:
		return set_remote_wakeup(state, value, true);
	case USB_ENDPOINT_CLEAR_FEATURE:
		return set_halt(state, value, index, false);
	case USB_ENDPOINT_SET_FEATURE:
		return set_halt(state, value, index, true);
	case USB_SET_ADDRESS:
		state->new_address = value & USB_ADDRESS_MAX;
		return 0;
	case USB_GET_DESCRIPTOR:
		return get_descriptor(device, value);
	case USB_GET_CONFIGURATION:
		return give_word(state, state->configuration, 1);
	case USB_SET_CONFIGURATION:
		return set_configuration(device, value);
	case USB_GET_INTERFACE:
		return give_word(state, 0, 1);
	case USB_SET_INTERFACE:
		return value ? USB_STALL : 0;
	default:
		return device->class->request(device, request, value, index, state->data,
					      (uint16_t)min_u64(length, USB_CONTROL_BYTES));
	}
}

/* --- The control endpoint --- */

static void stall_control(struct usb_state *state)
{
	state->stage = USB_STAGE_STALLED;
}

static int take_setup(struct usb_device *device, const uint8_t *data, unsigned length)
{
	struct usb_state *state = device->state;
	int result;

	if (length != USB_SETUP_BYTES)
		return USB_STALL;
	memcpy(state->setup, data, USB_SETUP_BYTES);
	state->at = 0;
	state->new_address = state->address;
	state->length = load_le16(state->setup + 6);
	if (!(state->setup[0] & USB_TYPE_IN)) {
		/* Data that the request has come first. */
		if (state->length > USB_CONTROL_BYTES)
			stall_control(state);
		else if (state->length)
			state->stage = USB_STAGE_DATA_OUT;
		else
			state->stage =
				run_request(device) < 0 ? USB_STAGE_STALLED : USB_STAGE_STATUS_IN;
		return (int)length;
	}
	memset(state->data, 0, sizeof(state->data));
	result = run_request(device);
	if (result < 0) {
		stall_control(state);
	} else {
		state->length = (uint16_t)min_u64((unsigned)result, state->length);
		state->stage = USB_STAGE_DATA_IN;
	}
	return (int)length;
}

static int give_control(struct usb_state *state, uint8_t *data, unsigned room)
{
	unsigned length = (unsigned)min_u64(room, state->length - state->at);

	memcpy(data, state->data + state->at, length);
	state->at = (uint16_t)(state->at + length);
	return (int)length;
}

static int take_control(struct usb_device *device, const uint8_t *data, unsigned length)
{
	struct usb_state *state = device->state;

	length = (unsigned)min_u64(length, state->length - state->at);
	memcpy(state->data + state->at, data, length);
	state->at = (uint16_t)(state->at + length);
	if (state->at == state->length)
		state->stage = run_request(device) < 0 ? USB_STAGE_STALLED : USB_STAGE_STATUS_IN;
	return (int)length;
}

/** IN: data, or the status of what the host has sent. An address holds from then on. */
static int control_in(struct usb_device *device, uint8_t *data, unsigned room)
{
	struct usb_state *state = device->state;

	switch (state->stage) {
	case USB_STAGE_DATA_IN:
		return give_control(state, data, room);
	case USB_STAGE_STATUS_IN:
		state->stage = USB_STAGE_IDLE;
		state->address = state->new_address;
		return 0;
	case USB_STAGE_STALLED:
		return USB_STALL;
	default:
		return USB_NAK;
	}
}

/** OUT: data, or the status of what the host has read. */
static int control_out(struct usb_device *device, const uint8_t *data, unsigned length)
{
	struct usb_state *state = device->state;

	switch (state->stage) {
	case USB_STAGE_DATA_OUT:
		return take_control(device, data, length);
	case USB_STAGE_DATA_IN:
		state->stage = USB_STAGE_IDLE;
		return (int)length;
	case USB_STAGE_STALLED:
		return USB_STALL;
	default:
		return USB_NAK;
	}
}

/* --- Packets --- */

static int data_in(struct usb_device *device, unsigned endpoint, uint8_t *data, unsigned room)
{
	if (!device->state->configuration || !device->class->in ||
	    (device->state->halted_in & BIT(endpoint)))
		return USB_STALL;
	return device->class->in(device, endpoint, data, room);
}

static int data_out(struct usb_device *device, unsigned endpoint, const uint8_t *data,
		    unsigned length)
{
	if (!device->state->configuration || !device->class->out ||
	    (device->state->halted_out & BIT(endpoint)))
		return USB_STALL;
	return device->class->out(device, endpoint, data, length);
}

int usb_device_packet(struct usb_device *device, enum usb_pid pid, unsigned endpoint, uint8_t *data,
		      unsigned length)
{
	endpoint &= ENDPOINT_NUMBER;
	switch (pid) {
	case USB_SETUP:
		return endpoint ? USB_STALL : take_setup(device, data, length);
	case USB_IN:
		return endpoint ? data_in(device, endpoint, data, length)
				: control_in(device, data, length);
	case USB_OUT:
		return endpoint ? data_out(device, endpoint, data, length)
				: control_out(device, data, length);
	default:
		return USB_STALL;
	}
}

void usb_device_wakeup(struct usb_device *device)
{
	if (device->port)
		device->port->ops->wakeup(device->port);
}

void usb_device_halt(struct usb_device *device, uint16_t endpoint)
{
	*halted(device->state, endpoint) |= (uint16_t)BIT(endpoint & ENDPOINT_NUMBER);
}

struct usb_device *usb_device_find(struct usb_device *device, unsigned address)
{
	if (device->state->address == address)
		return device;
	return device->class->find ? device->class->find(device, address) : NULL;
}

/* --- Ports --- */

void usb_port_init(struct usb_port *port, const struct usb_port_ops *ops, void *owner,
		   struct usb_device *hub, unsigned number)
{
	*port = (struct usb_port){ .ops = ops, .owner = owner, .hub = hub, .number = number };
}

int usb_port_attach(struct usb_port *port, struct usb_device *device, struct err *err)
{
	unsigned tiers = 0;

	if (port->device)
		return err_set(err, -EBUSY, "USB port %u is taken", port->number);
	if (port->lacks_full_speed && !device->class->configuration[USB_HIGH])
		return err_set(err, -EINVAL,
			       "the device has full speed only, and the controller has it not "
			       "without companions: plug it into another one");
	for (const struct usb_device *hub = port->hub; hub; hub = hub->port ? hub->port->hub : NULL)
		tiers++;
	if (tiers > USB_TIERS)
		return err_set(err, -EINVAL, "there are %d USB hubs in a row at the most",
			       USB_TIERS);
	port->device = device;
	device->port = port;
	port->ops->changed(port);
	return 0;
}

void usb_port_detach(struct usb_port *port)
{
	if (!port->device)
		return;
	port->device->port = NULL;
	port->device = NULL;
	port->ops->changed(port);
}

/* --- Life --- */

void usb_device_reset(struct usb_device *device, enum usb_speed fastest)
{
	memset(device->state, 0, sizeof(*device->state));
	if (fastest == USB_HIGH && device->class->configuration[USB_HIGH])
		device->state->speed = USB_HIGH;
	if (device->class->reset)
		device->class->reset(device);
}

void usb_device_init(struct usb_device *device, const struct usb_class *class,
		     struct usb_state *state)
{
	*device = (struct usb_device){ .class = class, .state = state };
	usb_device_reset(device, USB_FULL);
}

int usb_device_check(const struct usb_device *device)
{
	const struct usb_state *state = device->state;

	if (state->speed >= USB_SPEEDS || !device->class->configuration[state->speed] ||
	    state->address > USB_ADDRESS_MAX || state->new_address > USB_ADDRESS_MAX ||
	    state->stage >= USB_STAGES || state->at > state->length ||
	    (state->stage == USB_STAGE_DATA_IN && state->length > USB_CONTROL_BYTES) ||
	    (state->stage == USB_STAGE_DATA_OUT && state->length > USB_CONTROL_BYTES) ||
	    (state->configuration &&
	     state->configuration != configuration(device)[CONFIGURATION_VALUE]))
		return -EINVAL;
	return 0;
}

static const struct state_field usb_fields[] = {
	STATE_INT(struct usb_state, length),        STATE_INT(struct usb_state, at),
	STATE_INT(struct usb_state, halted_in),     STATE_INT(struct usb_state, halted_out),
	STATE_INT(struct usb_state, address),       STATE_INT(struct usb_state, new_address),
	STATE_INT(struct usb_state, configuration), STATE_INT(struct usb_state, stage),
	STATE_INT(struct usb_state, remote_wakeup), STATE_ARRAY(struct usb_state, setup),
	STATE_ARRAY(struct usb_state, data),        STATE_INT(struct usb_state, speed),
};
STATE_TABLE(usb_state_table, usb_state, usb_fields);

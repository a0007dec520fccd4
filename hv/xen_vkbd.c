// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_vkbd.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>

/* These build on the headers above. */
#include <xen/io/kbdif.h>
#include <xen/io/xenbus.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/input.h"
#include "base/log.h"
#include "base/trace.h"
#include "hv/xen_vkbd_regs.h"
#include "hv/xen_vkbd_ring.h"

_Static_assert(sizeof(struct xen_vkbd_event) == XENKBD_IN_EVENT_SIZE, "kbdif.h");
_Static_assert(offsetof(struct xen_vkbd_event, pressed) == offsetof(struct xenkbd_key, pressed),
	       "kbdif.h");
_Static_assert(offsetof(struct xen_vkbd_event, x) == offsetof(struct xenkbd_key, keycode),
	       "kbdif.h");
_Static_assert(offsetof(struct xen_vkbd_event, z) == offsetof(struct xenkbd_position, rel_z),
	       "kbdif.h");
_Static_assert((int)XEN_VKBD_MOTION == XENKBD_TYPE_MOTION && (int)XEN_VKBD_KEY == XENKBD_TYPE_KEY &&
		       (int)XEN_VKBD_POSITION == XENKBD_TYPE_POS,
	       "kbdif.h");
_Static_assert(sizeof(struct xen_vkbd_page) == sizeof(struct xenkbd_page) &&
		       (int)XEN_VKBD_IN_OFFSET == XENKBD_IN_RING_OFFS &&
		       XEN_VKBD_IN_EVENTS == XENKBD_IN_RING_LEN,
	       "kbdif.h");

struct xen_vkbd {
	struct xen_backend backend;
	struct input *input;
	struct input_sink sink;
	struct xen_vkbd_ring ring;
	void *page;
	bool is_granted; /* the page was mapped as a grant */
	bool is_ready;   /* the guest's driver says that it is connected, too */
	bool was_here;   /* it has been connected, and has gone: it asks anew */
	/* What the toolstack has ruled out. */
	bool no_keyboard, no_pointer;
	uint32_t x_max, y_max; /* the guest's axes */
};

static struct xen_vkbd *from_backend(struct xen_backend *backend)
{
	return container_of(backend, struct xen_vkbd, backend);
}

/* Input */

static void notify_if(struct xen_vkbd *vkbd, bool any)
{
	if (any)
		xen_backend_notify(&vkbd->backend);
}

static bool is_ready(void *opaque)
{
	return ((struct xen_vkbd *)opaque)->is_ready;
}

static void take_key(void *opaque, unsigned key, bool down)
{
	struct xen_vkbd *vkbd = opaque;

	notify_if(vkbd, xen_vkbd_ring_key(&vkbd->ring, key, down));
}

static bool has_room(void *opaque)
{
	return xen_vkbd_ring_is_empty(&((struct xen_vkbd *)opaque)->ring);
}

static void take_move(void *opaque, int dx, int dy, int dz, unsigned buttons)
{
	struct xen_vkbd *vkbd = opaque;

	notify_if(vkbd, xen_vkbd_ring_move(&vkbd->ring, dx, dy, dz, buttons));
}

static int32_t scale(unsigned position, uint32_t max)
{
	return (int32_t)((uint64_t)position * max / INPUT_ABS_MAX);
}

static void take_move_to(void *opaque, unsigned x, unsigned y, int dz, unsigned buttons)
{
	struct xen_vkbd *vkbd = opaque;

	notify_if(vkbd, xen_vkbd_ring_move_to(&vkbd->ring, scale(x, vkbd->x_max),
					      scale(y, vkbd->y_max), dz, buttons));
}

/** Whoever types at the guest's pace waits for another keyboard no longer. */
static void tell_room(struct xen_vkbd *vkbd)
{
	if (input_has_room(vkbd->input))
		input_tell_keys_taken(vkbd->input);
}

/* What is agreed in xenstore */

static bool read_flag(const struct xen_backend *backend, const char *key)
{
	uint64_t value = 0;

	return xen_backend_read(backend, key, &value) == 0 && value != 0;
}

static bool is_requested(const struct xen_backend *backend, const char *key)
{
	uint64_t value = 0;

	return xen_backend_read_frontend(backend, key, &value) == 0 && value != 0;
}

/** The largest position: what the toolstack has set, else that of raw positions, so that a guest
 * which asks for pixels need not be told of each change of resolution. */
static int offer_axis(const struct xen_backend *backend, const char *key)
{
	uint64_t value;

	if (xen_backend_read(backend, key, &value) == 0 && value > 0 && value <= INT32_MAX)
		return 0;
	return xen_backend_write(backend, key, XEN_VKBD_RAW_MAX);
}

static int offer(struct xen_backend *backend, struct err *err)
{
	int result = 0;

	if (!backend->bus->host.input)
		return err_set(err, -ENODEV, "there is no keyboard and no pointer to be had");
	if (read_flag(backend, XENKBD_FIELD_FEAT_MTOUCH)) {
		log_warning("%s: multi-touch is not supported", backend->path);
		result = xen_backend_write(backend, XENKBD_FIELD_FEAT_MTOUCH, 0);
	}
	if (result == 0 && !read_flag(backend, XENKBD_FIELD_FEAT_DSBL_POINTER)) {
		result = offer_axis(backend, XENKBD_FIELD_WIDTH);
		if (result == 0)
			result = offer_axis(backend, XENKBD_FIELD_HEIGHT);
		if (result == 0)
			result = xen_backend_write(backend, XENKBD_FIELD_FEAT_ABS_POINTER, 1);
		if (result == 0)
			result = xen_backend_write(backend, XENKBD_FIELD_FEAT_RAW_POINTER, 1);
	}
	if (result < 0)
		return err_set_errno(err, result, "cannot be offered to the guest");
	return 0;
}

static uint32_t read_axis(const struct xen_backend *backend, const char *key)
{
	uint64_t value = XEN_VKBD_RAW_MAX;

	if (xen_backend_read(backend, key, &value) < 0 || value == 0 || value > INT32_MAX)
		return XEN_VKBD_RAW_MAX;
	return (uint32_t)value;
}

/** Linux since 4.12 asks when its driver is loaded, and not again in a guest that was restored,
 * where the toolstack has made the folder anew. Its pointer ignores movement. */
static bool has_asked(const struct xen_vkbd *vkbd)
{
	return vkbd->backend.bus->is_restored && !vkbd->was_here;
}

/** Older ones ask for absolute positions only after it has seen that we are connected, and then
 * says that it is, too: before that, nothing is known for good. */
static void frontend_changed(struct xen_backend *backend)
{
	struct xen_vkbd *vkbd = from_backend(backend);
	bool absolute = is_requested(backend, XENKBD_FIELD_REQ_ABS_POINTER) || has_asked(vkbd);
	bool raw = is_requested(backend, XENKBD_FIELD_REQ_RAW_POINTER);

	if (vkbd->is_ready || backend->frontend_state != XenbusStateConnected)
		return;
	/* What is pressed on the PS/2 devices would never be let go. */
	input_release_all(vkbd->input);
	vkbd->no_keyboard = read_flag(backend, XENKBD_FIELD_FEAT_DSBL_KEYBRD);
	vkbd->no_pointer = read_flag(backend, XENKBD_FIELD_FEAT_DSBL_POINTER);
	vkbd->x_max = raw ? XEN_VKBD_RAW_MAX : read_axis(backend, XENKBD_FIELD_WIDTH);
	vkbd->y_max = raw ? XEN_VKBD_RAW_MAX : read_axis(backend, XENKBD_FIELD_HEIGHT);
	vkbd->sink.key = vkbd->no_keyboard ? NULL : take_key;
	vkbd->sink.move = vkbd->no_pointer || absolute ? NULL : take_move;
	vkbd->sink.move_to = vkbd->no_pointer || !absolute ? NULL : take_move_to;
	vkbd->is_ready = true;
	tell_room(vkbd);
	TRACE(xen_vkbd, ready, "%s pointer", absolute ? "absolute" : "relative");
}

/* The shared page */

static void *map_granted(struct xen_vkbd *vkbd)
{
	struct xen_bus *bus = vkbd->backend.bus;
	uint64_t reference;

	if (!bus->grants ||
	    xen_backend_read_frontend(&vkbd->backend, XENKBD_FIELD_RING_GREF, &reference) < 0 ||
	    reference > UINT32_MAX)
		return NULL;
	vkbd->is_granted = true;
	return xengnttab_map_grant_ref(bus->grants, bus->domid, (uint32_t)reference,
				       PROT_READ | PROT_WRITE);
}

/** As old drivers have it: the page's number. */
static void *map_by_number(struct xen_vkbd *vkbd)
{
	struct xen_bus *bus = vkbd->backend.bus;
	int failure = 0;
	xen_pfn_t page;
	uint64_t number;
	void *host;

	if (xen_backend_read_frontend(&vkbd->backend, XENKBD_FIELD_RING_REF, &number) < 0)
		return NULL;
	page = (xen_pfn_t)number;
	vkbd->is_granted = false;
	host = xenforeignmemory_map(bus->memory, bus->domid, PROT_READ | PROT_WRITE, 1, &page,
				    &failure);
	if (host && failure) {
		xenforeignmemory_unmap(bus->memory, host, 1);
		host = NULL;
	}
	return host;
}

static void unmap(struct xen_vkbd *vkbd)
{
	struct xen_bus *bus = vkbd->backend.bus;

	if (vkbd->page && vkbd->is_granted)
		xengnttab_unmap(bus->grants, vkbd->page, 1);
	else if (vkbd->page)
		xenforeignmemory_unmap(bus->memory, vkbd->page, 1);
	vkbd->page = NULL;
}

static int connect(struct xen_backend *backend, struct err *err)
{
	struct xen_vkbd *vkbd = from_backend(backend);

	vkbd->page = map_granted(vkbd);
	if (!vkbd->page)
		vkbd->page = map_by_number(vkbd);
	if (!vkbd->page)
		return err_set(err, -EFAULT, "the guest's page cannot be mapped");
	xen_vkbd_ring_attach(&vkbd->ring, vkbd->page);
	vkbd->input = backend->bus->host.input;
	vkbd->sink = (struct input_sink){
		.opaque = vkbd,
		.name = "xen-vkbd",
		.is_ready = is_ready,
		.has_room = has_room,
	};
	list_init(&vkbd->sink.node);
	input_add_sink(vkbd->input, &vkbd->sink);
	return 0;
}

static void disconnect(struct xen_backend *backend)
{
	struct xen_vkbd *vkbd = from_backend(backend);

	/* The page may be something else to the guest by now. What is pressed is forgotten there,
	 * and nobody else is to hear of it. */
	xen_vkbd_ring_detach(&vkbd->ring);
	if (vkbd->is_ready)
		input_release_all(vkbd->input);
	vkbd->is_ready = false;
	vkbd->was_here = true;
	input_remove_sink(vkbd->input, &vkbd->sink);
	tell_room(vkbd);
	unmap(vkbd);
}

static void notified(struct xen_backend *backend)
{
	struct xen_vkbd *vkbd = from_backend(backend);

	xen_vkbd_ring_discard_output(&vkbd->ring);
	notify_if(vkbd, xen_vkbd_ring_flush(&vkbd->ring));
	if (vkbd->is_ready && xen_vkbd_ring_is_empty(&vkbd->ring))
		input_tell_keys_taken(vkbd->input);
}

static void hold(struct xen_backend *backend)
{
	from_backend(backend)->ring.held = true;
}

static void release(struct xen_backend *backend)
{
	struct xen_vkbd *vkbd = from_backend(backend);

	vkbd->ring.held = false;
	notify_if(vkbd, xen_vkbd_ring_flush(&vkbd->ring));
}

static void give_up(struct xen_backend *backend)
{
	log_info("restricted to domain %u: its keyboard and pointer are the PS/2 ones; the "
		 "paravirtual ones need xenstore",
		 backend->bus->domid);
}

const struct xen_backend_class xen_vkbd_class = {
	.type = XENKBD_DRIVER_NAME,
	.bytes = sizeof(struct xen_vkbd),
	.offer = offer,
	.connect = connect,
	.frontend_changed = frontend_changed,
	.disconnect = disconnect,
	.notified = notified,
	.hold = hold,
	.release = release,
	.give_up = give_up,
};

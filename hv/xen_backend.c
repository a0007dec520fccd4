// SPDX-License-Identifier: GPL-2.0-or-later
#include "hv/xen_backend.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Builds on the headers above. */
#include <xen/io/xenbus.h>

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/trace.h"

enum {
	/* A turn of the loop takes so many at most, however many a guest causes. */
	WATCHES_PER_TURN = 64,
	EVENTS_PER_TURN = 64,
	NUMBER_DIGITS = 10,
	TRANSACTION_TRIES = 16,
};

static const char store_token[] = "hvmdm";

/* xenstore */

/** A path of xenstore: folder/key. False if it does not fit. */
static bool join(char path[XEN_BACKEND_PATH_BYTES], const char *folder, const char *key)
{
	int length = snprintf(path, XEN_BACKEND_PATH_BYTES, "%s/%s", folder, key);

	return length > 0 && length < XEN_BACKEND_PATH_BYTES;
}

/** Digits only, and few enough for no overflow: what a guest writes is no number until it is seen
 * to be one. */
static int parse_decimal(const char *text, size_t length, uint64_t *value)
{
	uint64_t number = 0;

	if (length == 0 || length > NUMBER_DIGITS)
		return -EINVAL;
	for (size_t i = 0; i < length; i++) {
		if (text[i] < '0' || text[i] > '9')
			return -EINVAL;
		number = number * 10 + (uint64_t)(text[i] - '0');
	}
	*value = number;
	return 0;
}

static int read_number(struct xs_handle *store, const char *folder, const char *key,
		       uint64_t *value)
{
	char path[XEN_BACKEND_PATH_BYTES];
	unsigned length = 0;
	char *text;
	int result;

	if (!join(path, folder, key))
		return -ENAMETOOLONG;
	text = xs_read(store, XBT_NULL, path, &length);
	if (!text)
		return -ENOENT;
	result = parse_decimal(text, length, value);
	free(text);
	return result;
}

static char *read_text(struct xs_handle *store, const char *folder, const char *key)
{
	char path[XEN_BACKEND_PATH_BYTES];
	unsigned length = 0;

	return join(path, folder, key) ? xs_read(store, XBT_NULL, path, &length) : NULL;
}

char *xen_backend_read_frontend_text(const struct xen_backend *backend, const char *key)
{
	return read_text(backend->bus->store, backend->frontend, key);
}

char *xen_backend_read_text(const struct xen_backend *backend, const char *key)
{
	return read_text(backend->bus->store, backend->path, key);
}

int xen_backend_read_frontend(const struct xen_backend *backend, const char *key, uint64_t *value)
{
	return read_number(backend->bus->store, backend->frontend, key, value);
}

int xen_backend_read(const struct xen_backend *backend, const char *key, uint64_t *value)
{
	return read_number(backend->bus->store, backend->path, key, value);
}

/** Writing into a folder that the toolstack removes meanwhile would make it anew, and nobody would
 * ever take it away: so only if it is there, at once. */
int xen_backend_write(const struct xen_backend *backend, const char *key, uint64_t value)
{
	struct xs_handle *store = backend->bus->store;
	char path[XEN_BACKEND_PATH_BYTES], there[XEN_BACKEND_PATH_BYTES], text[24];
	int length = snprintf(text, sizeof(text), "%llu", (unsigned long long)value);

	if (!join(path, backend->path, key) || !join(there, backend->path, "frontend"))
		return -ENAMETOOLONG;
	for (unsigned i = 0; i < TRANSACTION_TRIES; i++) {
		xs_transaction_t transaction = xs_transaction_start(store);
		bool written = false;
		char *frontend;

		if (transaction == XBT_NULL)
			return -errno;
		frontend = xs_read(store, transaction, there, NULL);
		if (frontend)
			written = xs_write(store, transaction, path, text, (unsigned)length);
		free(frontend);
		if (xs_transaction_end(store, transaction, !written))
			return written ? 0 : -ENOENT;
		if (errno != EAGAIN)
			return -errno;
	}
	return -EAGAIN;
}

static unsigned read_state(struct xs_handle *store, const char *folder)
{
	uint64_t state = XenbusStateUnknown;

	if (read_number(store, folder, "state", &state) < 0 || state > XenbusStateReconfigured)
		return XenbusStateUnknown;
	return (unsigned)state;
}

/** A folder that has gone (a guest is being destroyed) is nothing to speak of. */
static void set_state(struct xen_backend *backend, unsigned state)
{
	if (backend->state == state)
		return;
	TRACE(xen_backend, state, "%s: %u to %u", backend->path, backend->state, state);
	backend->state = state;
	xen_backend_write(backend, "state", state);
}

/* Event channels */

int xen_backend_bind(struct xen_backend *backend, const char *key, struct err *err)
{
	xenevtchn_port_or_error_t port;
	uint64_t remote;

	if (xen_backend_read_frontend(backend, key, &remote) < 0 || remote > UINT32_MAX)
		return err_set(err, -EINVAL, "the guest names no event channel");
	port = xenevtchn_bind_interdomain(backend->bus->events, backend->bus->domid,
					  (evtchn_port_t)remote);
	if (port <= 0)
		return err_set_errno(err, -errno, "the guest's event channel cannot be bound");
	backend->port = (evtchn_port_t)port;
	return 0;
}

void xen_backend_unbind(struct xen_backend *backend)
{
	if (backend->port)
		xenevtchn_unbind(backend->bus->events, backend->port);
	backend->port = 0;
}

void xen_backend_notify(const struct xen_backend *backend)
{
	if (backend->port)
		xenevtchn_notify(backend->bus->events, backend->port);
}

static void serve_port(struct xen_bus *bus, evtchn_port_t port)
{
	struct xen_backend *backend;

	list_for_each(backend, &bus->backends, struct xen_backend, node)
	{
		if (backend->port != port)
			continue;
		xenevtchn_unmask(bus->events, port);
		if (backend->class->notified)
			backend->class->notified(backend);
	}
}

static void events_are_ready(void *opaque, unsigned events)
{
	struct xen_bus *bus = opaque;

	(void)events;
	for (unsigned i = 0; i < EVENTS_PER_TURN; i++) {
		xenevtchn_port_or_error_t port = xenevtchn_pending(bus->events);

		if (port < 0)
			break;
		serve_port(bus, (evtchn_port_t)port);
	}
}

/* The handshake */

static void disconnect(struct xen_backend *backend)
{
	if (!backend->is_connected)
		return;
	backend->is_connected = false;
	if (backend->class->disconnect)
		backend->class->disconnect(backend);
	xen_backend_unbind(backend);
}

static void offer(struct xen_backend *backend)
{
	struct err err = { 0 };

	if (backend->is_refused)
		return;
	if (backend->class->offer && backend->class->offer(backend, &err) < 0) {
		log_warning("%s: %s", backend->path, err.text);
		backend->is_refused = true;
		set_state(backend, XenbusStateClosed);
	} else {
		set_state(backend, XenbusStateInitWait);
	}
}

static void connect(struct xen_backend *backend)
{
	struct err err = { 0 };
	int result = xen_backend_bind(backend, "event-channel", &err);

	if (result == 0)
		result = backend->class->connect(backend, &err);
	if (result < 0) {
		xen_backend_unbind(backend);
		log_guest("%s: %s", backend->path, err.text);
		set_state(backend, XenbusStateClosed);
		return;
	}
	backend->is_connected = true;
	set_state(backend, XenbusStateConnected);
	if (backend->class->frontend_changed)
		backend->class->frontend_changed(backend);
}

static bool is_up(unsigned state)
{
	return state == XenbusStateInitialised || state == XenbusStateConnected;
}

/** The guest's driver has gone, or goes. */
static void follow_down(struct xen_backend *backend)
{
	disconnect(backend);
	set_state(backend, backend->frontend_state == XenbusStateClosing ? XenbusStateClosing
									 : XenbusStateClosed);
}

static void follow_frontend(struct xen_backend *backend, bool has_changed)
{
	bool begins = backend->frontend_state == XenbusStateInitialising;

	switch (backend->state) {
	case XenbusStateInitialising:
		offer(backend);
		break;
	case XenbusStateInitWait:
		if (is_up(backend->frontend_state))
			connect(backend);
		break;
	case XenbusStateConnected:
		if (!is_up(backend->frontend_state))
			follow_down(backend);
		break;
	case XenbusStateClosing:
		if (!is_up(backend->frontend_state))
			follow_down(backend);
		break;
	default:
		break;
	}
	/* A driver that was taken out and comes again, a kernel after kexec, a guest that was
	 * restored. */
	if (backend->state >= XenbusStateClosing && begins)
		offer(backend);
	if (backend->is_connected && has_changed && backend->class->frontend_changed)
		backend->class->frontend_changed(backend);
}

/** The toolstack asks for a device, and the guest's driver has not let go of it. */
static bool is_still_in_use(const struct xen_backend *backend, unsigned own)
{
	return backend->class->lingers && backend->is_connected && own == XenbusStateClosing &&
	       is_up(backend->frontend_state);
}

/** Brings one device forward as far as it will go. */
static void step(struct xen_backend *backend)
{
	unsigned frontend_state = read_state(backend->bus->store, backend->frontend);
	unsigned own = read_state(backend->bus->store, backend->path);
	bool has_changed = frontend_state != backend->frontend_state;
	uint64_t online = 1;

	backend->frontend_state = frontend_state;
	xen_backend_read(backend, "online", &online);
	if (!online && is_still_in_use(backend, own)) {
		backend->state = own;
		return;
	}
	/* The toolstack takes a device out by writing our state, and online. */
	if (own != backend->state && own >= XenbusStateClosing)
		backend->state = own;
	if (!online || own == XenbusStateUnknown) {
		disconnect(backend);
		set_state(backend, XenbusStateClosed);
		return;
	}
	if (backend->state >= XenbusStateClosing)
		disconnect(backend);
	/* Twice: what a driver has published already is taken up at once. */
	follow_frontend(backend, has_changed);
	follow_frontend(backend, false);
}

/* Devices as the toolstack lists them */

static struct xen_backend *find(struct xen_bus *bus, const struct xen_backend_class *class,
				uint64_t number)
{
	struct xen_backend *backend;

	list_for_each(backend, &bus->backends, struct xen_backend,
		      node) if (backend->class == class &&
				backend->number == number) return backend;
	return NULL;
}

/** Where the guest's folder is says the toolstack; it must lie in the guest's part of xenstore. */
static bool read_frontend_path(struct xen_backend *backend)
{
	char path[XEN_BACKEND_PATH_BYTES], home[48];
	unsigned length = 0;
	bool fits;
	char *text;

	if (!join(path, backend->path, "frontend"))
		return false;
	text = xs_read(backend->bus->store, XBT_NULL, path, &length);
	if (!text)
		return false;
	snprintf(home, sizeof(home), "/local/domain/%u/", backend->bus->domid);
	fits = length < sizeof(backend->frontend) && strlen(text) == length &&
	       strncmp(text, home, strlen(home)) == 0;
	if (fits)
		memcpy(backend->frontend, text, length + 1);
	free(text);
	return fits;
}

static void watch_frontend(struct xen_backend *backend, bool on)
{
	char path[XEN_BACKEND_PATH_BYTES];

	if (!backend->bus->store_watch || !join(path, backend->frontend, "state"))
		return;
	if (on)
		xs_watch(backend->bus->store, path, store_token);
	else
		xs_unwatch(backend->bus->store, path, store_token);
}

static struct xen_backend *add(struct xen_bus *bus, const struct xen_backend_class *class,
			       unsigned number, const char *folder, const char *name)
{
	struct xen_backend *backend = calloc(1, class->bytes);

	if (!backend)
		return NULL;
	backend->bus = bus;
	backend->class = class;
	backend->number = number;
	if (!join(backend->path, folder, name) || !read_frontend_path(backend)) {
		free(backend);
		return NULL;
	}
	backend->state = read_state(bus->store, backend->path);
	list_append(&bus->backends, &backend->node);
	if (bus->held && class->hold)
		class->hold(backend);
	watch_frontend(backend, true);
	return backend;
}

static void drop(struct xen_backend *backend)
{
	disconnect(backend);
	watch_frontend(backend, false);
	list_remove(&backend->node);
	if (backend->class->finish)
		backend->class->finish(backend);
	free(backend);
}

static void list_devices(struct xen_bus *bus, const struct xen_backend_class *class)
{
	unsigned count = 0, number_of_class = 0, max = class->max ? class->max : XEN_BACKEND_MAX;
	char folder[XEN_BACKEND_PATH_BYTES];
	struct xen_backend *backend;
	char **names;

	snprintf(folder, sizeof(folder), "backend/%s/%u", class->type, bus->domid);
	names = xs_directory(bus->store, XBT_NULL, folder, &count);
	for (unsigned i = 0; names && i < count && number_of_class < max; i++) {
		uint64_t number;

		if (parse_decimal(names[i], strlen(names[i]), &number) < 0 || number > UINT32_MAX)
			continue;
		backend = find(bus, class, number);
		if (!backend)
			backend = add(bus, class, (unsigned)number, folder, names[i]);
		if (!backend)
			continue;
		backend->is_listed = true;
		number_of_class++;
	}
	free(names);
}

/** Everything is looked at, whatever it was that changed. */
static void look(struct xen_bus *bus)
{
	struct xen_backend *backend;

	list_for_each(backend, &bus->backends, struct xen_backend, node) backend->is_listed = false;
	for (size_t i = 0; bus->classes[i]; i++)
		list_devices(bus, bus->classes[i]);
	list_for_each(backend, &bus->backends, struct xen_backend, node)
	{
		if (backend->is_listed)
			step(backend);
		else
			drop(backend);
	}
}

static void stop_watching(struct xen_bus *bus)
{
	loop_unwatch(bus->store_watch);
	bus->store_watch = NULL;
}

static void take_watches(void *opaque)
{
	struct xen_bus *bus = opaque;
	unsigned taken = 0;
	char **words;

	if (!bus->store_watch)
		return;
	while (taken < WATCHES_PER_TURN && (words = xs_check_watch(bus->store)) != NULL) {
		free(words);
		taken++;
	}
	if (taken < WATCHES_PER_TURN && errno != EAGAIN) {
		log_warning("xenstore is out of reach: paravirtual devices stay as they are");
		stop_watching(bus);
		return;
	}
	if (taken)
		look(bus);
	/* The library need not show its descriptor as readable a second time. */
	if (taken == WATCHES_PER_TURN)
		loop_post(bus->loop, take_watches, bus);
}

static void store_is_ready(void *opaque, unsigned events)
{
	(void)events;
	take_watches(opaque);
}

/* Life */

void xen_bus_init(struct xen_bus *bus, struct loop *loop, domid_t domid, struct xs_handle *store,
		  xenforeignmemory_handle *memory, const struct xen_backend_class *const *classes,
		  const struct xen_bus_host *host)
{
	int fd;

	*bus = (struct xen_bus){ .loop = loop,
				 .domid = domid,
				 .store = store,
				 .memory = memory,
				 .classes = classes,
				 .host = *host,
				 .held = true };
	list_init(&bus->backends);
	bus->events = xenevtchn_open(NULL, 0);
	if (!bus->events) {
		log_warning("no paravirtual devices: Xen's event channels cannot be opened (%s)",
			    strerror(errno));
		return;
	}
	fd = xenevtchn_fd(bus->events);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	bus->events_watch = loop_watch_fd(loop, fd, LOOP_READABLE, events_are_ready, bus);
	bus->grants = xengnttab_open(NULL, 0);
}

void xen_bus_offer(struct xen_bus *bus)
{
	if (bus->events)
		look(bus);
}

void xen_bus_finish(struct xen_bus *bus)
{
	struct xen_backend *backend;

	if (!bus->events)
		return;
	list_for_each(backend, &bus->backends, struct xen_backend, node) drop(backend);
	stop_watching(bus);
	loop_unpost(bus->loop, take_watches, bus);
	loop_unwatch(bus->events_watch);
	if (bus->grants)
		xengnttab_close(bus->grants);
	xenevtchn_close(bus->events);
	bus->events = NULL;
}

void xen_bus_watch(struct xen_bus *bus)
{
	char path[XEN_BACKEND_PATH_BYTES];
	struct xen_backend *backend;
	bool works;

	if (!bus->events || bus->store_watch)
		return;
	bus->store_watch =
		loop_watch_fd(bus->loop, xs_fileno(bus->store), LOOP_READABLE, store_is_ready, bus);
	works = bus->store_watch != NULL;
	for (size_t i = 0; works && bus->classes[i]; i++) {
		snprintf(path, sizeof(path), "backend/%s/%u", bus->classes[i]->type, bus->domid);
		works = xs_watch(bus->store, path, store_token);
	}
	if (!works)
		log_warning("no paravirtual devices: xenstore cannot be watched (%s)",
			    strerror(errno));
	list_for_each(backend, &bus->backends, struct xen_backend, node)
		watch_frontend(backend, true);
}

void xen_bus_close(struct xen_bus *bus)
{
	struct xen_backend *backend;

	if (!bus->events)
		return;
	list_for_each(backend, &bus->backends, struct xen_backend, node)
	{
		disconnect(backend);
		set_state(backend, XenbusStateClosed);
		if (backend->class->give_up)
			backend->class->give_up(backend);
	}
	xen_bus_finish(bus);
}

void xen_bus_set_held(struct xen_bus *bus, bool held)
{
	struct xen_backend *backend;

	if (!bus->events || bus->held == held)
		return;
	bus->held = held;
	list_for_each(backend, &bus->backends, struct xen_backend, node)
	{
		void (*hook)(struct xen_backend *) =
			held ? backend->class->hold : backend->class->release;

		if (hook)
			hook(backend);
	}
}

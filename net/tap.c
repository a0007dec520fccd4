// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A TAP: an interface of the host's kernel whose wire is this process. It is made here and goes
 * with the process, or comes as an open descriptor. Whoever gives it its place (a bridge, an
 * address) does so by its name and may rename it; only the descriptor is used here.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/opts.h"
#include "base/trace.h"
#include "net/kinds.h"

/*
 * Bytes that may wait in the kernel behind a frame that was written. Without a limit the kernel
 * takes all that a guest sends and drops it later, where no one learns of it.
 */
#define TAP_SEND_BUFFER_BYTES (UINT64_C(1) << 20)

struct tap {
	struct net_backend backend;
	int fd;
	struct loop_watch *watch;
	bool is_full;  /* the kernel had no room: a card waits */
	size_t length; /* of a frame that a card refused and that is sent again; 0: none */
	uint8_t frame[NET_FRAME_MAX_BYTES];
};

extern char **environ;

static void watch_what_matters(struct tap *tap)
{
	loop_watch_set_events(tap->watch, (tap->length ? 0u : LOOP_READABLE) |
						  (tap->is_full ? LOOP_WRITABLE : 0u));
}

/* From the host to the card */

/** False if the frame has to wait. */
static bool send_frame(struct tap *tap)
{
	const struct iovec iov = { tap->frame, tap->length };

	if (!net_send(&tap->backend.port, &iov, 1))
		return false;
	tap->length = 0;
	return true;
}

static void read_frames(struct tap *tap)
{
	for (unsigned i = 0; i < NET_BATCH_FRAMES && !tap->length; i++) {
		ssize_t count = read(tap->fd, tap->frame, sizeof(tap->frame));

		if (count <= 0) {
			TRACE(net, tap_empty, "%s: %zd", tap->backend.id, count);
			return;
		}
		tap->length = net_pad_frame(tap->frame, (size_t)count);
		send_frame(tap);
	}
}

static void tap_is_ready(void *opaque, unsigned events)
{
	struct tap *tap = opaque;

	if (tap->is_full && (events & LOOP_WRITABLE)) {
		tap->is_full = false;
		net_ready(&tap->backend.port);
	}
	/* Also with an error: reading finds out that the interface has gone, and goes quiet. */
	if (events & (LOOP_READABLE | LOOP_HANGUP))
		read_frames(tap);
	if (events & LOOP_HANGUP)
		loop_watch_set_events(tap->watch, 0);
	else
		watch_what_matters(tap);
}

static void tap_resume(void *opaque)
{
	struct tap *tap = opaque;

	if (!tap->length || !send_frame(tap))
		return;
	watch_what_matters(tap);
}

/* From the card to the host */

static bool tap_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct tap *tap = opaque;

	if (tap->is_full)
		return false;
	/* What the kernel refuses for another reason (no interface, not up, too short) is lost, as
	 * on a wire that leads nowhere. */
	if (writev(tap->fd, iov, (int)count) >= 0 || (errno != EAGAIN && errno != ENOBUFS))
		return true;
	tap->is_full = true;
	watch_what_matters(tap);
	return false;
}

/* Opening */

static int set_interface(int fd, const char *name, struct ifreq *request, struct err *err)
{
	*request = (struct ifreq){ .ifr_flags = IFF_TAP | IFF_NO_PI };
	if (strlen(name) >= IFNAMSIZ)
		return err_set(err, -EINVAL,
			       "ifname=%s: names of interfaces have at most %d letters", name,
			       IFNAMSIZ - 1);
	strcpy(request->ifr_name, name);
	if (ioctl(fd, TUNSETIFF, request) < 0)
		return err_set_errno(err, -errno, "cannot make the interface '%s'",
				     *name ? name : "tap");
	return 0;
}

/** Makes or takes the interface. A descriptor, or -errno and a sentence. */
static int open_interface(const char *name, struct ifreq *request, struct err *err)
{
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC | O_NONBLOCK), result;

	if (fd < 0)
		return err_set_errno(err, -errno, "cannot open /dev/net/tun");
	result = set_interface(fd, name, request, err);
	if (result < 0)
		close(fd);
	return result < 0 ? result : fd;
}

/** A descriptor that was handed to us must be a TAP without packet information or larger headers
 * before each frame. */
static int take_descriptor(int fd, struct ifreq *request, struct err *err)
{
	const short wrong = IFF_VNET_HDR;

	if (ioctl(fd, TUNGETIFF, request) < 0)
		return err_set_errno(err, -errno, "fd=%d is not a TAP", fd);
	if (!(request->ifr_flags & IFF_TAP) || !(request->ifr_flags & IFF_NO_PI) ||
	    (request->ifr_flags & wrong))
		return err_set(err, -EINVAL,
			       "fd=%d is not a TAP with IFF_NO_PI and without IFF_VNET_HDR", fd);
	if (fcntl(fd, F_SETFD, FD_CLOEXEC) < 0 || fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0)
		return err_set_errno(err, -errno, "fd=%d", fd);
	return fd;
}

/** Before the guest starts, and before the sandbox: "SCRIPT IFNAME", to its end. */
static int run_script(const char *script, char *name, struct err *err)
{
	char *path = strdup(script), *argv[] = { path, name, NULL };
	posix_spawnattr_t attributes;
	int status = 0, error;
	sigset_t none;
	pid_t pid;

	if (!path)
		return err_set_errno(err, -ENOMEM, "script=%s", script);
	/* We hold some signals back; the script is not to. */
	sigemptyset(&none);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	error = posix_spawn(&pid, path, NULL, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	free(path);
	if (error)
		return err_set_errno(err, -error, "cannot run the script '%s'", script);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, -EIO, "the script '%s' failed for '%s'", script, name);
	return 0;
}

struct tap_words {
	const char *name, *script;
	uint64_t fd, send_buffer_bytes;
};

static int read_words(struct opts *opts, struct tap_words *words, struct err *err)
{
	const char *down;
	uint64_t queues = 1;
	bool vhost = false, header = false;
	int result;

	words->name = opts_get(opts, "ifname");
	words->script = opts_get_or(opts, "script", "no");
	down = opts_get_or(opts, "downscript", "no");
	opts_get(opts, "br"); /* the toolstack's script puts it there */
	result = opts_get_number(opts, "fd", &words->fd, 0, INT32_MAX, err);
	if (result == 0)
		result = opts_get_number(opts, "queues", &queues, 1, 1, err);
	if (result == 0)
		result = opts_get_bool(opts, "vhost", &vhost, err);
	if (result == 0)
		result = opts_get_bool(opts, "vnet_hdr", &header, err);
	if (result == 0)
		result = opts_get_size(opts, "sndbuf", &words->send_buffer_bytes, 1, err);
	if (result < 0)
		return result;
	if (vhost)
		return err_set(err, -ENOTSUP, "vhost=on is for virtio, which there is not");
	if (header)
		return err_set(err, -ENOTSUP, "vnet_hdr=on is for virtio, which there is not");
	if (*down && strcmp(down, "no") != 0)
		return err_set(
			err, -ENOTSUP,
			"downscript=%s: nothing can be run behind the sandbox; who starts us "
			"cleans up",
			down);
	if (words->fd != UINT64_MAX && (words->name || strcmp(words->script, "no") != 0))
		return err_set(err, -EINVAL, "fd= comes without ifname= and script=");
	return 0;
}

static int open_tap(struct tap *tap, const struct tap_words *words, struct err *err)
{
	int send_buffer = (int)min_u64(words->send_buffer_bytes, INT32_MAX);
	struct ifreq request = { 0 };

	tap->fd = words->fd != UINT64_MAX
			  ? take_descriptor((int)words->fd, &request, err)
			  : open_interface(words->name ? words->name : "", &request, err);
	if (tap->fd < 0)
		return tap->fd;
	if (send_buffer && ioctl(tap->fd, TUNSETSNDBUF, &send_buffer) < 0)
		log_warning("tap '%s': sndbuf cannot be set (%s)", request.ifr_name,
			    strerror(errno));
	net_backend_set_info(&tap->backend, "ifname=%s", request.ifr_name);
	if (strcmp(words->script, "no") != 0 && *words->script)
		return run_script(words->script, request.ifr_name, err);
	return 0;
}

static void tap_destroy(struct net_backend *backend)
{
	struct tap *tap = container_of(backend, struct tap, backend);

	loop_unwatch(tap->watch);
	if (tap->fd >= 0)
		close(tap->fd);
	free(tap);
}

static struct net_backend *tap_create(struct net_host *host, struct opts *opts, struct err *err)
{
	struct tap_words words = { .fd = UINT64_MAX, .send_buffer_bytes = TAP_SEND_BUFFER_BYTES };
	struct tap *tap;

	if (read_words(opts, &words, err) < 0)
		return NULL;
	tap = calloc(1, sizeof(*tap));
	if (!tap) {
		err_set_errno(err, -ENOMEM, "cannot make a tap");
		return NULL;
	}
	tap->backend.has_carrier = true;
	if (open_tap(tap, &words, err) < 0) {
		tap_destroy(&tap->backend);
		return NULL;
	}
	tap->watch = loop_watch_fd(host->loop, tap->fd, 0, tap_is_ready, tap);
	if (!tap->watch) {
		tap_destroy(&tap->backend);
		err_set_errno(err, -ENOMEM, "cannot watch the tap");
		return NULL;
	}
	return &tap->backend;
}

static void tap_start(struct net_backend *backend)
{
	watch_what_matters(container_of(backend, struct tap, backend));
}

static const struct net_port_ops tap_ops = { .receive = tap_receive, .resume = tap_resume };
static const char *const tap_properties[] = { "type",  "id",       "ifname",     "fd",
					      "br",    "script",   "downscript", "queues",
					      "vhost", "vnet_hdr", "sndbuf",     NULL };

const struct net_backend_class net_tap_class = {
	.type = "tap",
	.summary = "an interface of the host: ifname= or fd=",
	.properties = tap_properties,
	.create = tap_create,
	.destroy = tap_destroy,
	.ops = &tap_ops,
	.start = tap_start,
};

// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/chr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/chr_internal.h"
#include "base/err.h"
#include "base/opts.h"

int chr_init(struct chr *chr, const struct chr_ops *ops, const char *label, const char *filename)
{
	chr->ops = ops;
	chr->label = strdup(label);
	chr->filename = strdup(filename);
	if (chr->label && chr->filename)
		return 0;
	chr_finish(chr);
	return -ENOMEM;
}

void chr_finish(struct chr *chr)
{
	free(chr->label);
	free(chr->filename);
	free(chr->history);
	chr->history = NULL;
	chr->label = chr->filename = NULL;
}

void chr_set_open(struct chr *chr, bool open)
{
	if (chr->open == open)
		return;
	chr->open = open;
	if (chr->client.event)
		chr->client.event(chr->client.opaque, open ? CHR_OPENED : CHR_CLOSED);
}

size_t chr_can_receive(const struct chr *chr)
{
	return chr->client.can_receive ? chr->client.can_receive(chr->client.opaque) : 0;
}

void chr_deliver(struct chr *chr, const uint8_t *bytes, size_t count)
{
	chr->client.receive(chr->client.opaque, bytes, count);
}

void chr_destroy(struct chr *chr)
{
	if (chr)
		chr->ops->destroy(chr);
}

void chr_set_client(struct chr *chr, const struct chr_client *client)
{
	chr->client = client ? *client : (struct chr_client){ 0 };
	if (chr->open && chr->client.event)
		chr->client.event(chr->client.opaque, CHR_OPENED);
	chr_accept(chr);
}

static void remember(struct chr *chr, const uint8_t *bytes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		chr->history[chr->written++ % CHR_HISTORY_BYTES] = bytes[i];
}

size_t chr_write(struct chr *chr, const void *bytes, size_t count)
{
	size_t taken = chr->ops->write(chr, bytes, count);

	if (chr->history)
		remember(chr, bytes, min_size(taken, count));
	return taken;
}

int chr_keep_history(struct chr *chr)
{
	if (!chr->history)
		chr->history = calloc(1, CHR_HISTORY_BYTES);
	return chr->history ? 0 : -ENOMEM;
}

size_t chr_read_history(const struct chr *chr, uint64_t *from, void *data, size_t length)
{
	uint64_t oldest = chr->written > CHR_HISTORY_BYTES ? chr->written - CHR_HISTORY_BYTES : 0;
	uint8_t *out = data;

	*from = clamp_u64(*from, oldest, chr->written);
	length = (size_t)min_u64(length, chr->written - *from);
	for (size_t i = 0; i < length; i++)
		out[i] = chr->history[(*from + i) % CHR_HISTORY_BYTES];
	return length;
}

void chr_accept(struct chr *chr)
{
	if (chr->ops->accept)
		chr->ops->accept(chr);
}

int chr_take_fd(struct chr *chr)
{
	return chr->ops->take_fd ? chr->ops->take_fd(chr) : -1;
}

static size_t null_write(struct chr *chr, const void *bytes, size_t count)
{
	(void)chr;
	(void)bytes;
	return count;
}

static void null_destroy(struct chr *chr)
{
	chr_finish(chr);
	free(chr);
}

static const struct chr_ops null_ops = { .write = null_write, .destroy = null_destroy };

struct chr *chr_open_null(const char *label)
{
	struct chr *chr = calloc(1, sizeof(*chr));

	if (chr && chr_init(chr, &null_ops, label, "null") < 0) {
		free(chr);
		return NULL;
	}
	return chr;
}

/** Opens what -chardev or the words behind a short form describe. */
static struct chr *open_by_opts(struct loop *loop, const char *backend, struct opts *opts,
				bool is_chardev, const char *label, struct err *err)
{
	const char *path = opts_get(opts, "path");
	bool append = false;

	opts_get(opts, "id");
	if (strcmp(backend, "null") == 0)
		return chr_open_null(label);
	if (strcmp(backend, "pty") == 0)
		return chr_open_pty(loop, label, err);
	if (strcmp(backend, "stdio") == 0) {
		opts_get(opts, "signal");
		return chr_open_stdio(loop, label, err);
	}
	if (strcmp(backend, "socket") == 0)
		return chr_open_socket(loop, opts, label, err);
	if (strcmp(backend, "file") == 0) {
		if (opts_get_bool(opts, "append", &append, err) < 0)
			return NULL;
		if (path)
			return chr_open_file(loop, path, append, label, err);
		err_set(err, -EINVAL, "chardev '%s': file needs path=", label);
		return NULL;
	}
	err_set(err, -EINVAL, "chardev '%s': unknown backend '%s', known are %s", label, backend,
		is_chardev ? "pty, stdio, null, file, socket"
			   : "pty, stdio, null, none, file:PATH, unix:PATH, tcp:HOST:PORT and "
			     "/dev/DEVICE");
	return NULL;
}

/** Puts host= and port= for address=HOST:PORT; the host may be empty or in brackets. 0 or -errno.
 */
static int set_host_and_port(struct opts *opts)
{
	char *address = strdup(opts_get_or(opts, "address", ""));
	char *host = address, *port = address ? strrchr(address, ':') : NULL;
	int result = -EINVAL;

	if (port) {
		*port++ = '\0';
		if (*host == '[' && host[strlen(host) - 1] == ']') {
			host[strlen(host) - 1] = '\0';
			host++;
		}
		result = opts_set(opts, "host", *host ? host : "0.0.0.0");
		if (result == 0)
			result = opts_set(opts, "port", port);
	}
	free(address);
	return result;
}

/** The short forms of -serial and -monitor, put into the words of -chardev. */
static const char *expand_short_form(const char *spec, struct opts *opts, struct err *err)
{
	static const struct {
		const char *prefix, *backend, *key;
	} forms[] = {
		{ "file:", "file", "path" },
		{ "unix:", "socket", "path" },
		{ "tcp:", "socket", "address" },
	};
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t length = strlen(forms[i].prefix);

		if (strncmp(spec, forms[i].prefix, length) != 0)
			continue;
		if (opts_parse(opts, spec + length, forms[i].key, err) < 0)
			return NULL;
		if (strcmp(forms[i].key, "address") == 0 && set_host_and_port(opts) < 0) {
			err_set(err, -EINVAL, "'%s': give tcp:HOST:PORT", spec);
			opts_finish(opts);
			return NULL;
		}
		return forms[i].backend;
	}
	if (opts_parse(opts, spec, "backend", err) < 0)
		return NULL;
	return opts_get_or(opts, "backend", "");
}

static struct chr *open_and_check(struct loop *loop, const char *backend, struct opts *opts,
				  bool is_chardev, const char *label, struct err *err)
{
	struct chr *chr = open_by_opts(loop, backend, opts, is_chardev, label, err);

	if (chr && opts_check_unused(opts, NULL, err) < 0) {
		err_prefix(err, "chardev '%s'", label);
		chr_destroy(chr);
		return NULL;
	}
	return chr;
}

struct chr *chr_open(struct loop *loop, const char *spec, bool is_chardev, const char *label,
		     struct err *err)
{
	struct opts opts = { 0 };
	const char *backend;
	struct chr *chr = NULL;

	if (!is_chardev && strncmp(spec, "/dev/", 5) == 0)
		return chr_open_device(loop, spec, label, err);
	if (!is_chardev && strcmp(spec, "none") == 0)
		return chr_open_null(label);
	if (is_chardev) {
		if (opts_parse(&opts, spec, "backend", err) < 0)
			return NULL;
		backend = opts_get_or(&opts, "backend", "");
	} else {
		backend = expand_short_form(spec, &opts, err);
	}
	if (backend)
		chr = open_and_check(loop, backend, &opts, is_chardev, label, err);
	opts_finish(&opts);
	if (!chr && err && !err->text[0])
		err_set(err, -ENOMEM, "chardev '%s': out of memory", label);
	return chr;
}

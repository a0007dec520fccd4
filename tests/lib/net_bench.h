// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A card that keeps what it gets, at the wire of a back end that is made from words as on the
 * command line.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/loop.h"
#include "base/opts.h"
#include "net/backend.h"

enum {
	NET_BENCH_KEPT_BYTES = 2048, /* of the latest frame */
};

struct net_bench {
	struct loop *loop;
	struct clock clock;
	struct net_host host;
	struct net_backend *backend;
	struct net_port card;
	struct err err;
	bool is_full;  /* the card takes nothing */
	unsigned room; /* if it is not full: frames until it is; 0: without limit */
	unsigned frames, resumed;
	uint64_t bytes;
	uint32_t sum; /* over all bytes, by which order and content can be told */
	bool link;
	uint8_t last[NET_BENCH_KEPT_BYTES];
	size_t last_length;
	char event[128]; /* of the back end, the latest */
};

static inline bool net_bench_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct net_bench *bench = opaque;

	if (bench->is_full)
		return false;
	bench->last_length = net_iov_bytes(iov, count);
	net_iov_copy(iov, count, 0, bench->last, sizeof(bench->last));
	for (unsigned i = 0; i < count; i++)
		bench->sum = bench->sum * 31 + net_crc32(iov[i].iov_base, iov[i].iov_len);
	bench->frames++;
	bench->bytes += bench->last_length;
	if (bench->room && --bench->room == 0)
		bench->is_full = true;
	return true;
}

static inline void net_bench_resume(void *opaque)
{
	((struct net_bench *)opaque)->resumed++;
}

static inline void net_bench_link_changed(void *opaque, bool up)
{
	((struct net_bench *)opaque)->link = up;
}

static inline void net_bench_event(void *opaque, struct net_backend *backend,
				   enum net_backend_event event, const char *detail)
{
	struct net_bench *bench = opaque;

	(void)backend;
	snprintf(bench->event, sizeof(bench->event), "%s%s",
		 event == NET_BACKEND_CONNECTED ? "+" : "-", detail);
}

static inline void net_bench_init(struct net_bench *bench)
{
	static const struct net_port_ops ops = { net_bench_receive, net_bench_resume,
						 net_bench_link_changed };

	memset(bench, 0, sizeof(*bench));
	bench->loop = loop_create();
	clock_init(&bench->clock, NULL, NULL);
	net_host_init(&bench->host, bench->loop, &bench->clock);
	net_port_init(&bench->card, "card", &ops, bench);
}

/** Makes the back end of -netdev 'words' and connects the card. False with bench->err. */
static inline bool net_bench_open(struct net_bench *bench, const char *words)
{
	struct opts opts;

	if (opts_parse(&opts, words, "type", &bench->err) < 0)
		return false;
	bench->backend = opts_set(&opts, "id", "net0") == 0
				 ? net_backend_create(&bench->host, &opts, &bench->err)
				 : NULL;
	opts_finish(&opts);
	if (!bench->backend)
		return false;
	bench->backend->event = net_bench_event;
	bench->backend->event_opaque = bench;
	net_connect(&bench->backend->port, &bench->card);
	return true;
}

static inline void net_bench_close(struct net_bench *bench)
{
	if (bench->backend)
		net_backend_destroy(bench->backend);
	bench->backend = NULL;
}

static inline void net_bench_finish(struct net_bench *bench)
{
	net_bench_close(bench);
	loop_destroy(bench->loop);
}

/** Turns the loop until nothing is left to do at once. */
static inline void net_bench_settle(struct net_bench *bench)
{
	for (unsigned i = 0; i < 20; i++)
		loop_turn(bench->loop, 0);
}

/** The card sends 'length' bytes that depend on 'seed'. */
static inline bool net_bench_send(struct net_bench *bench, size_t length, unsigned seed)
{
	static uint8_t frame[NET_FRAME_MAX_BYTES];
	struct iovec iov[2];

	for (size_t i = 0; i < length; i++)
		frame[i] = (uint8_t)(seed + i * 7);
	iov[0] = (struct iovec){ frame, length / 3 };
	iov[1] = (struct iovec){ frame + length / 3, length - length / 3 };
	return net_send(&bench->card, iov, 2);
}

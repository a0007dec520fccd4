// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Character ports and wires of network cards: each gets an end of the tape between itself and the
 * host. What comes in is an event with its bytes, what goes out an effect. In a replay there is
 * nothing behind the end.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/chr.h"
#include "base/err.h"
#include "dm/machine.h"
#include "dm/tape_internal.h"
#include "net/net.h"

/** How much of what went out was taken: on the tape if that is not all. */
static size_t settle_taken(struct tape *tape, size_t offered, size_t taken)
{
	if (!tape_is_live(tape))
		return tape->writer ? taken : offered;
	if (tape->writer) {
		if (taken != offered)
			tape_put(tape,
				 &(struct tape_record){ .op = TAPE_TAKEN, .values = { taken } });
		return taken;
	}
	if (!tape->has_next || tape->next.op != TAPE_TAKEN)
		return offered;
	taken = (size_t)min_u64(tape->next.values[0], offered);
	tape_advance(tape);
	return taken;
}

/* --- Character ports --- */

struct tape_chr {
	struct chr chr; /* the device's side */
	struct list_node node;
	struct tape *tape;
	struct chr *inner; /* NULL in a replay */
	unsigned number;
};

static struct tape_chr *tape_chr_from(struct chr *chr)
{
	return container_of(chr, struct tape_chr, chr);
}

static size_t chr_goes_out(struct chr *chr, const void *bytes, size_t count)
{
	struct tape_chr *end = tape_chr_from(chr);
	struct tape_record record = { .op = TAPE_CHR_OUT,
				      .values = { end->number },
				      .blob = bytes,
				      .blob_bytes = min_size(count, TAPE_MAX_BLOB) };

	tape_effect(end->tape, &record);
	return settle_taken(end->tape, record.blob_bytes,
			    end->inner ? chr_write(end->inner, bytes, record.blob_bytes) : 0);
}

static void chr_accepts(struct chr *chr)
{
	struct tape_chr *end = tape_chr_from(chr);

	if (end->inner)
		chr_accept(end->inner);
	while (!end->tape->writer && tape_inner_is(end->tape, TAPE_CHR_IN) &&
	       end->tape->next.values[0] == end->number)
		tape_play_inner(end->tape);
}

static void chr_ends(struct chr *chr)
{
	(void)chr; /* tape_ends_finish */
}

static const struct chr_ops chr_end_ops = {
	.write = chr_goes_out,
	.accept = chr_accepts,
	.destroy = chr_ends,
};

static size_t chr_can_receive(void *opaque)
{
	struct tape_chr *end = opaque;
	const struct chr_client *client = &end->chr.client;

	return client->can_receive ? min_size(client->can_receive(client->opaque), TAPE_MAX_BLOB)
				   : 0;
}

static void chr_comes_in(void *opaque, const uint8_t *bytes, size_t count)
{
	struct tape_chr *end = opaque;

	tape_begin(end->tape, &(struct tape_record){ .op = TAPE_CHR_IN,
						     .values = { end->number },
						     .blob = bytes,
						     .blob_bytes = count });
	end->chr.client.receive(end->chr.client.opaque, bytes, count);
	tape_end(end->tape);
}

static void chr_peer_changed(void *opaque, enum chr_event event)
{
	struct tape_chr *end = opaque;
	const struct chr_client *client = &end->chr.client;

	end->chr.open = event == CHR_OPENED;
	tape_begin(end->tape,
		   &(struct tape_record){ .op = TAPE_CHR_EVENT, .values = { end->number, event } });
	if (client->event)
		client->event(client->opaque, event);
	tape_end(end->tape);
}

static void chr_has_room(void *opaque)
{
	struct tape_chr *end = opaque;
	const struct chr_client *client = &end->chr.client;

	tape_begin(end->tape,
		   &(struct tape_record){ .op = TAPE_CHR_ROOM, .values = { end->number } });
	if (client->writable)
		client->writable(client->opaque);
	tape_end(end->tape);
}

struct chr *tape_wrap_chr(struct tape *tape, struct chr *inner, struct err *err)
{
	struct tape_chr *end = calloc(1, sizeof(*end));
	const struct chr_client client = {
		.opaque = end,
		.can_receive = chr_can_receive,
		.receive = chr_comes_in,
		.event = chr_peer_changed,
		.writable = chr_has_room,
	};

	if (end) {
		end->chr.ops = &chr_end_ops;
		end->chr.label = strdup(inner->label);
		end->chr.filename = strdup(inner->filename);
	}
	if (!end || !end->chr.label || !end->chr.filename) {
		err_set_errno(err, -ENOMEM, "recording of '%s'", inner->label);
		if (end) {
			free(end->chr.label);
			free(end->chr.filename);
		}
		free(end);
		return NULL;
	}
	end->tape = tape;
	end->number = tape->chr_count++;
	list_append(&tape->chrs, &end->node);
	if (tape->writer) {
		end->inner = inner;
		end->chr.open = inner->open;
		chr_set_client(inner, &client);
	}
	return &end->chr;
}

static struct tape_chr *find_chr(struct tape *tape, uint64_t number)
{
	struct tape_chr *end;

	list_for_each(end, &tape->chrs, struct tape_chr, node)
	{
		if (end->number == number)
			return end;
	}
	return NULL;
}

bool tape_play_chr(struct tape *tape, const struct tape_record *event)
{
	struct tape_chr *end = find_chr(tape, event->values[0]);

	if (!end)
		return false;
	if (event->op == TAPE_CHR_EVENT) {
		chr_peer_changed(end, event->values[1] == CHR_OPENED ? CHR_OPENED : CHR_CLOSED);
	} else if (event->op == TAPE_CHR_ROOM) {
		chr_has_room(end);
	} else {
		/* What the device does not take was not given to it. */
		if (event->blob_bytes > chr_can_receive(end))
			return false;
		chr_comes_in(end, event->blob, event->blob_bytes);
	}
	return true;
}

/* --- Wires of cards --- */

struct tape_net {
	struct list_node node;
	struct tape *tape;
	unsigned number;
	struct net_port inner, outer; /* towards the card, and towards the back end */
};

/** Frames are joined into one piece. False: too long for a card. */
static bool join(const struct iovec *iov, unsigned count, uint8_t *frame, size_t *length)
{
	*length = net_iov_bytes(iov, count);
	if (*length > NET_FRAME_MAX_BYTES)
		return false;
	net_iov_copy(iov, count, 0, frame, *length);
	return true;
}

static bool give_to_card(struct tape_net *net, const uint8_t *frame, size_t length)
{
	const struct iovec iov = { (void *)(uintptr_t)frame, length };
	bool taken;

	tape_begin(net->tape, &(struct tape_record){ .op = TAPE_NET_IN,
						     .values = { net->number },
						     .blob = frame,
						     .blob_bytes = length });
	taken = net_send(&net->inner, &iov, 1);
	tape_value(net->tape, taken, true);
	tape_end(net->tape);
	return taken;
}

/** From the back end. While the card is held, the guest stands still, and nothing reaches it. */
static bool outer_receives(void *opaque, const struct iovec *iov, unsigned count)
{
	struct tape_net *net = opaque;
	uint8_t frame[NET_FRAME_MAX_BYTES];
	size_t length;

	if (net->inner.peer && net->inner.peer->held)
		return net_send(&net->inner, iov, count);
	return !join(iov, count, frame, &length) || give_to_card(net, frame, length);
}

static void outer_resumes(void *opaque)
{
	struct tape_net *net = opaque;

	tape_begin(net->tape,
		   &(struct tape_record){ .op = TAPE_NET_ROOM, .values = { net->number } });
	net_ready(&net->inner);
	tape_end(net->tape);
}

static void outer_link_changed(void *opaque, bool up)
{
	struct tape_net *net = opaque;

	tape_begin(net->tape,
		   &(struct tape_record){ .op = TAPE_NET_LINK, .values = { net->number, up } });
	net_set_link(&net->inner, up);
	tape_end(net->tape);
}

/** Networks may answer at once, or pass a frame on to another card. */
static void play_frames(struct tape *tape)
{
	while (!tape->writer &&
	       (tape_inner_is(tape, TAPE_NET_IN) || tape_inner_is(tape, TAPE_NET_ROOM)))
		tape_play_inner(tape);
}

/** From the card. */
static bool inner_receives(void *opaque, const struct iovec *iov, unsigned count)
{
	struct tape_net *net = opaque;
	uint8_t frame[NET_FRAME_MAX_BYTES];
	size_t length = 0;
	bool fits = join(iov, count, frame, &length);
	bool taken = true;

	tape_effect(net->tape, &(struct tape_record){
				       .op = TAPE_NET_OUT,
				       .values = { net->number, length,
						   fits ? crc32(0, frame, (uInt)length) : 0 } });
	if (net->tape->writer)
		taken = net_send(&net->outer, iov, count);
	else
		play_frames(net->tape);
	return settle_taken(net->tape, 1, taken) > 0;
}

/** The card has room: whoever waits behind the other end sends, within what the guest is doing. */
static void inner_resumes(void *opaque)
{
	struct tape_net *net = opaque;

	net_ready(&net->outer);
	play_frames(net->tape);
}

static const struct net_port_ops outer_ops = { outer_receives, outer_resumes, outer_link_changed };
static const struct net_port_ops inner_ops = { inner_receives, inner_resumes, NULL };

int tape_connect_net(struct tape *tape, struct net_port *card, struct net_port *backend,
		     struct err *err)
{
	struct tape_net *net = calloc(1, sizeof(*net));

	if (!net)
		return err_set_errno(err, -ENOMEM, "recording of '%s'", card->name);
	net->tape = tape;
	net->number = tape->net_count++;
	net_port_init(&net->inner, card->name, &inner_ops, net);
	net_port_init(&net->outer, card->name, &outer_ops, net);
	list_append(&tape->nets, &net->node);
	net_connect(&net->inner, card);
	if (backend)
		net_connect(&net->outer, backend);
	return 0;
}

void tape_net_links(struct tape *tape)
{
	while (!tape->writer && tape_inner_is(tape, TAPE_NET_LINK))
		tape_play_inner(tape);
}

static struct tape_net *find_net(struct tape *tape, uint64_t number)
{
	struct tape_net *net;

	list_for_each(net, &tape->nets, struct tape_net, node)
	{
		if (net->number == number)
			return net;
	}
	return NULL;
}

bool tape_play_net(struct tape *tape, const struct tape_record *event)
{
	struct tape_net *net = find_net(tape, event->values[0]);

	if (!net || event->blob_bytes > NET_FRAME_MAX_BYTES)
		return false;
	if (event->op == TAPE_NET_LINK)
		outer_link_changed(net, event->values[1] != 0);
	else if (event->op == TAPE_NET_ROOM)
		outer_resumes(net);
	else
		give_to_card(net, event->blob, event->blob_bytes);
	return true;
}

/* --- Lifetime --- */

void tape_ends_init(struct tape *tape)
{
	list_init(&tape->chrs);
	list_init(&tape->nets);
}

void tape_ends_begin(struct tape *tape)
{
	struct tape_chr *end;
	struct tape_net *net;

	list_for_each(end, &tape->chrs, struct tape_chr, node)
	{
		if (end->chr.open)
			chr_peer_changed(end, CHR_OPENED);
	}
	list_for_each(net, &tape->nets, struct tape_net, node)
	{
		if (!net_link_is_up(&net->outer))
			outer_link_changed(net, false);
	}
}

void tape_ends_finish(struct tape *tape)
{
	while (!list_is_empty(&tape->chrs)) {
		struct tape_chr *end = container_of(tape->chrs.next, struct tape_chr, node);

		list_remove(&end->node);
		free(end->chr.label);
		free(end->chr.filename);
		free(end->chr.history);
		free(end);
	}
	while (!list_is_empty(&tape->nets)) {
		struct tape_net *net = container_of(tape->nets.next, struct tape_net, node);

		net_disconnect(&net->inner);
		net_disconnect(&net->outer);
		list_remove(&net->node);
		free(net);
	}
}

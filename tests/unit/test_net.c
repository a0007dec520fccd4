// SPDX-License-Identifier: GPL-2.0-or-later
/* The wire between two ports: delivery, refusal and resumption, link state, checksums. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/net.h"

struct end {
	struct net_port port;
	unsigned room; /* frames it still takes */
	unsigned resumed, ups, downs;
	size_t bytes;
};

static bool end_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct end *end = opaque;

	if (end->room == 0)
		return false;
	end->room--;
	end->bytes += net_iov_bytes(iov, count);
	return true;
}

static void end_resume(void *opaque)
{
	((struct end *)opaque)->resumed++;
}

static void end_link_changed(void *opaque, bool up)
{
	struct end *end = opaque;

	if (up)
		end->ups++;
	else
		end->downs++;
}

static const struct net_port_ops end_ops = { end_receive, end_resume, end_link_changed };

static void make_pair(struct end *a, struct end *b)
{
	memset(a, 0, sizeof(*a));
	memset(b, 0, sizeof(*b));
	net_port_init(&a->port, "a", &end_ops, a);
	net_port_init(&b->port, "b", &end_ops, b);
	net_connect(&a->port, &b->port);
}

static bool send_bytes(struct end *end, size_t first, size_t second)
{
	static uint8_t data[128];
	const struct iovec iov[] = { { data, first }, { data, second } };

	return net_send(&end->port, iov, 2);
}

static void a_frame_in_pieces_arrives_and_is_counted(void **state)
{
	struct end a, b;

	(void)state;
	make_pair(&a, &b);
	b.room = 1;
	assert_true(send_bytes(&a, 14, 46));
	assert_int_equal(b.bytes, 60);
	assert_int_equal(a.port.stats.sent_bytes, 60);
	assert_int_equal(b.port.stats.received_frames, 1);
}

static void a_refused_sender_is_resumed_once(void **state)
{
	struct end a, b;

	(void)state;
	make_pair(&a, &b);
	net_ready(&b.port);
	assert_int_equal(a.resumed, 0);
	assert_false(send_bytes(&a, 14, 46));
	assert_int_equal(a.port.stats.sent_frames, 0);
	b.room = 1;
	net_ready(&b.port);
	net_ready(&b.port);
	assert_int_equal(a.resumed, 1);
	assert_true(send_bytes(&a, 14, 46));
}

static void a_link_that_is_down_swallows_frames_and_frees_the_sender(void **state)
{
	struct end a, b;

	(void)state;
	make_pair(&a, &b);
	assert_false(send_bytes(&a, 14, 46));
	net_set_link(&b.port, false);
	assert_int_equal(a.downs, 1);
	assert_int_equal(b.downs, 1);
	assert_int_equal(a.resumed, 1);
	assert_true(send_bytes(&a, 14, 46));
	assert_int_equal(a.port.stats.dropped_frames, 1);
	net_set_link(&a.port, false);
	net_set_link(&b.port, true);
	assert_int_equal(a.ups, 1); /* of net_connect: the link is still down at a */
	net_set_link(&a.port, true);
	assert_int_equal(a.ups, 2);
}

static void taking_the_wire_off_frees_whoever_waits(void **state)
{
	struct end a, b;

	(void)state;
	make_pair(&a, &b);
	assert_false(send_bytes(&b, 14, 46));
	net_disconnect(&a.port);
	assert_int_equal(b.resumed, 1);
	assert_int_equal(b.downs, 1);
	assert_true(send_bytes(&b, 14, 46));
	net_disconnect(&a.port);
	assert_int_equal(b.downs, 1);
}

static void pieces_are_copied_from_any_offset(void **state)
{
	char first[] = "abc", second[] = "defg", out[8] = "";
	const struct iovec iov[] = { { first, 3 }, { second, 4 } };

	(void)state;
	assert_int_equal(net_iov_copy(iov, 2, 2, out, 3), 3);
	assert_memory_equal(out, "cde", 3);
	assert_int_equal(net_iov_copy(iov, 2, 5, out, 8), 2);
	assert_int_equal(net_iov_copy(iov, 2, 7, out, 8), 0);
}

static void checksums_match_known_values(void **state)
{
	/* The header of RFC 1071's kind: the checksum of a header with its checksum is 0. */
	static const uint8_t header[] = { 0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40,
					  0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8,
					  0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7 };

	(void)state;
	assert_int_equal(net_crc32("123456789", 9), 0xcbf43926);
	assert_int_equal(net_checksum_fold(net_checksum_add(0, header, sizeof(header))), 0);
	assert_int_equal(net_checksum_fold(net_checksum_add(0, "\x01", 1)), 0xfeff);
}

static void addresses_are_parsed_strictly(void **state)
{
	uint8_t mac[NET_MAC_BYTES];
	char text[18];

	(void)state;
	assert_int_equal(net_parse_mac("00:16:3E:11:22:fe", mac), 0);
	net_format_mac(mac, text);
	assert_string_equal(text, "00:16:3e:11:22:fe");
	assert_int_equal(net_parse_mac("00:16:3e:11:22", mac), -EINVAL);
	assert_int_equal(net_parse_mac("00:16:3e:11:22:fe:", mac), -EINVAL);
	assert_int_equal(net_parse_mac("00:16:3e: 1:22:fe", mac), -EINVAL);
	assert_int_equal(net_parse_mac("00:16:3e:-1:22:fe", mac), -EINVAL);
	assert_int_equal(net_parse_mac("", mac), -EINVAL);
}

static void nothing_passes_while_the_guest_stands_still(void **state)
{
	struct end card, tap;

	(void)state;
	make_pair(&card, &tap);
	card.room = tap.room = 9;
	net_hold(&card.port, true);
	assert_false(send_bytes(&tap, 60, 0));
	assert_false(send_bytes(&card, 60, 0));
	assert_int_equal(card.room + tap.room, 18);
	/* Neither end's room is news now. */
	net_ready(&tap.port);
	net_ready(&card.port);
	assert_int_equal(card.resumed + tap.resumed, 0);
	net_hold(&card.port, false);
	assert_int_equal(card.resumed, 1);
	assert_int_equal(tap.resumed, 1);
	assert_true(send_bytes(&tap, 60, 0));
	assert_true(send_bytes(&card, 60, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_passes_while_the_guest_stands_still),
		cmocka_unit_test(a_frame_in_pieces_arrives_and_is_counted),
		cmocka_unit_test(a_refused_sender_is_resumed_once),
		cmocka_unit_test(a_link_that_is_down_swallows_frames_and_frees_the_sender),
		cmocka_unit_test(taking_the_wire_off_frees_whoever_waits),
		cmocka_unit_test(pieces_are_copied_from_any_offset),
		cmocka_unit_test(checksums_match_known_values),
		cmocka_unit_test(addresses_are_parsed_strictly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* Networks by id: command line, connecting, hubs, link, addresses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/loop.h"
#include "dm/machine.h"
#include "dm/netdevs.h"
#include "dm/options.h"

enum {
	MAX_WORDS = 16,
};

static struct {
	struct options options;
	struct machine *machine;
	struct err err;
} bench;

/** A machine without a board and with what 'words' (ended by NULL) say. */
static bool start(const char *const *words)
{
	const char *args[MAX_WORDS] = { "hvmdm", "-machine", "none,accel=qtest" };
	int count = 3;

	memset(&bench, 0, sizeof(bench));
	while (*words)
		args[count++] = *words++;
	if (options_parse(&bench.options, count, (char **)(uintptr_t)args, &bench.err) !=
	    OPTIONS_RUN)
		return false;
	bench.machine = machine_create(&bench.options, &bench.err);
	if (bench.machine)
		lock_acquire(&bench.machine->lock);
	return bench.machine != NULL;
}

static void stop(void)
{
	if (bench.machine) {
		lock_release(&bench.machine->lock);
		machine_destroy(bench.machine);
	}
	options_finish(&bench.options);
}

struct card {
	struct net_port port;
	unsigned received, resumed, ups, downs;
	bool is_full;
	uint8_t last[NET_FRAME_MIN_BYTES];
};

static bool card_receive(void *opaque, const struct iovec *iov, unsigned count)
{
	struct card *card = opaque;

	net_iov_copy(iov, count, 0, card->last, sizeof(card->last));
	card->received += !card->is_full;
	return !card->is_full;
}

static void card_resume(void *opaque)
{
	((struct card *)opaque)->resumed++;
}

static void card_link_changed(void *opaque, bool up)
{
	struct card *card = opaque;

	*(up ? &card->ups : &card->downs) += 1;
}

static const struct net_port_ops card_ops = { card_receive, card_resume, card_link_changed };

static void plug(struct card *card, const char *id)
{
	memset(card, 0, sizeof(*card));
	net_port_init(&card->port, "card", &card_ops, card);
	assert_int_equal(netdevs_connect(bench.machine, id, &card->port, &bench.err), 0);
}

static bool send_from(struct card *card)
{
	static uint8_t frame[NET_FRAME_MIN_BYTES];
	const struct iovec iov = { frame, sizeof(frame) };

	return net_send(&card->port, &iov, 1);
}

#define START(...) assert_true(start((const char *const[]){ __VA_ARGS__, NULL }))
#define REFUSED(sentence, ...)                                                   \
	do {                                                                     \
		assert_false(start((const char *const[]){ __VA_ARGS__, NULL })); \
		assert_string_equal(bench.err.text, sentence);                   \
		stop();                                                          \
	} while (0)

static void what_cannot_be_is_refused_with_a_sentence(void **state)
{
	(void)state;
	REFUSED("-netdev hubport: a network of type hubport needs an id=", "-netdev", "hubport");
	REFUSED("unknown network type 'hubprt', did you mean 'hubport'?", "-netdev", "hubprt,id=a");
	REFUSED("-netdev hubport: there is a netdev 'a' already", "-netdev", "hubport,id=a",
		"-netdev", "hubport,id=a");
	REFUSED("-netdev hubport: unknown property 'hubId', did you mean 'hubid'?", "-netdev",
		"hubport,id=a,hubId=1");
	REFUSED("-netdev hubport: netdev 'a' is a port of a hub itself", "-netdev", "hubport,id=a",
		"-netdev", "hubport,id=b,hubid=1,netdev=a");
}

static void a_network_has_one_card(void **state)
{
	struct card card, second;

	(void)state;
	START("-netdev", "hubport,id=a");
	plug(&card, "a");
	net_port_init(&second.port, "second", &card_ops, &second);
	assert_true(netdevs_connect(bench.machine, "a", &second.port, &bench.err) < 0);
	assert_string_equal(bench.err.text, "netdev 'a' belongs to 'card' already");
	assert_true(netdevs_connect(bench.machine, "b", &second.port, &bench.err) < 0);
	assert_string_equal(bench.err.text, "there is no -netdev with id=b");
	stop();
}

static void a_hub_passes_frames_to_all_others(void **state)
{
	struct card a, b, c;

	(void)state;
	START("-netdev", "hubport,id=a", "-netdev", "hubport,id=b", "-netdev",
	      "hubport,id=c,hubid=7");
	plug(&a, "a");
	plug(&b, "b");
	plug(&c, "c");
	assert_true(send_from(&a));
	assert_int_equal(a.received, 0);
	assert_int_equal(b.received, 1);
	assert_int_equal(c.received, 0);
	assert_true(send_from(&c)); /* nobody is there: taken */
	stop();
}

static void a_guest_that_arrives_says_where_it_is(void **state)
{
	static const uint8_t mac[NET_MAC_BYTES] = { 0x52, 0x54, 0, 1, 2, 3 };
	static const uint8_t expected[] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0,
					    1,    2,    3,    0x80, 0x35, 0,    1,    8,    0,
					    6,    4,    0,    3,    0x52, 0x54, 0,    1,    2,
					    3,    0,    0,    0,    0,    0x52, 0x54, 0,    1,
					    2,    3,    0,    0,    0,    0 };
	struct netdevs_card known = { .name = "nic0", .mac = mac };
	struct card a, b;

	(void)state;
	START("-netdev", "hubport,id=a", "-netdev", "hubport,id=b");
	plug(&a, "a");
	plug(&b, "b");
	known.port = &a.port;
	netdevs_add_card(bench.machine, &known);
	bench.machine->has_arrived = true;
	assert_false(send_from(&a)); /* it has not run yet */
	assert_int_equal(machine_cont(bench.machine, &bench.err), 0);
	assert_int_equal(b.received, 1);
	assert_memory_equal(b.last, expected, sizeof(expected));
	machine_stop(bench.machine);
	assert_false(send_from(&a));
	assert_int_equal(machine_cont(bench.machine, &bench.err), 0);
	assert_int_equal(b.received, 1);
	list_remove(&known.node);
	stop();
}

static void a_hub_has_room_while_somebody_has(void **state)
{
	struct card a, b, c;

	(void)state;
	START("-netdev", "hubport,id=a", "-netdev", "hubport,id=b", "-netdev", "hubport,id=c");
	plug(&a, "a");
	plug(&b, "b");
	plug(&c, "c");
	b.is_full = true;
	assert_true(send_from(&a));
	c.is_full = true;
	assert_false(send_from(&a));
	b.is_full = false;
	net_ready(&b.port);
	assert_int_equal(a.resumed, 1);
	assert_true(send_from(&a));
	/* The last one that all waited for goes. */
	b.is_full = true;
	assert_false(send_from(&a));
	a.resumed = 0;
	assert_int_equal(netdevs_remove(bench.machine, "b", &bench.err), 0);
	assert_int_equal(netdevs_remove(bench.machine, "c", &bench.err), 0);
	assert_true(a.resumed > 0);
	assert_true(send_from(&a));
	stop();
}

static void a_wire_is_pulled_out_at_either_end(void **state)
{
	struct card card;
	struct netdevs_card entry = { .name = "nic0", .model = "fake", .port = &card.port };

	(void)state;
	START("-netdev", "hubport,id=a");
	plug(&card, "a");
	netdevs_add_card(bench.machine, &entry);
	assert_int_equal(netdevs_set_link(bench.machine, "a", false, &bench.err), 0);
	assert_int_equal(card.downs, 1);
	assert_int_equal(netdevs_set_link(bench.machine, "nic0", false, &bench.err), 0);
	assert_int_equal(netdevs_set_link(bench.machine, "a", true, &bench.err), 0);
	assert_int_equal(card.ups, 1); /* of the first connection */
	assert_int_equal(netdevs_set_link(bench.machine, "nic0", true, &bench.err), 0);
	assert_int_equal(card.ups, 2);
	assert_true(netdevs_set_link(bench.machine, "b", true, &bench.err) < 0);
	assert_string_equal(bench.err.text, "Device 'b' not found");
	stop();
}

static void unplugged_cards_have_no_network(void **state)
{
	struct card card;

	(void)state;
	START("-netdev", "hubport,id=a");
	plug(&card, "a");
	netdevs_unplug(bench.machine);
	assert_int_equal(card.downs, 1);
	lock_release(&bench.machine->lock);
	loop_turn(bench.machine->loop, 0);
	lock_acquire(&bench.machine->lock);
	assert_null(netdevs_find(bench.machine, "a"));
	stop();
}

static void short_forms_are_written_out(void **state)
{
	static const char *const words[] = {
		"hvmdm",         "-net", "nic,model=rtl8139,macaddr=00:16:3e:00:00:01", "-net",
		"stream,name=x", "-nic", "tap,model=ne2k_pci,mac=00:16:3e:00:00:02"
	};
	struct opts *devices, *netdevs;

	(void)state;
	memset(&bench, 0, sizeof(bench));
	assert_int_equal(options_parse(&bench.options, ARRAY_SIZE(words), (char **)(uintptr_t)words,
				       &bench.err),
			 OPTIONS_RUN);
	devices = bench.options.devices.items;
	netdevs = bench.options.netdevs.items;
	assert_int_equal(bench.options.devices.count, 2);
	assert_string_equal(opts_get(&devices[0], "driver"), "rtl8139");
	assert_string_equal(opts_get(&devices[0], "mac"), "00:16:3e:00:00:01");
	assert_string_equal(opts_get(&devices[0], "netdev"), "hub0port0");
	assert_string_equal(opts_get(&devices[1], "driver"), "ne2k_pci");
	assert_int_equal(bench.options.netdevs.count, 4);
	assert_string_equal(opts_get(&netdevs[1], "id"), "x");
	assert_string_equal(opts_get(&netdevs[2], "netdev"), "x");
	assert_string_equal(opts_get(&netdevs[3], "id"), opts_get(&devices[1], "netdev"));
	assert_null(opts_get(&netdevs[3], "mac"));
	stop();
}

static void addresses_are_checked_or_made(void **state)
{
	uint8_t mac[NET_MAC_BYTES];
	char text[18];

	(void)state;
	START("-net", "none");
	assert_int_equal(netdevs_choose_mac(bench.machine, NULL, mac, &bench.err), 0);
	assert_int_equal(netdevs_choose_mac(bench.machine, NULL, mac, &bench.err), 0);
	net_format_mac(mac, text);
	assert_string_equal(text, "52:54:00:12:34:57");
	assert_true(netdevs_choose_mac(bench.machine, "01:00:5e:00:00:01", mac, &bench.err) < 0);
	assert_true(netdevs_choose_mac(bench.machine, "00:16:3e", mac, &bench.err) < 0);
	assert_int_equal(netdevs_choose_mac(bench.machine, "00:16:3E:0a:0b:0c", mac, &bench.err),
			 0);
	assert_int_equal(mac[3], 0x0a);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_is_refused_with_a_sentence),
		cmocka_unit_test(a_network_has_one_card),
		cmocka_unit_test(a_hub_passes_frames_to_all_others),
		cmocka_unit_test(a_guest_that_arrives_says_where_it_is),
		cmocka_unit_test(a_hub_has_room_while_somebody_has),
		cmocka_unit_test(a_wire_is_pulled_out_at_either_end),
		cmocka_unit_test(unplugged_cards_have_no_network),
		cmocka_unit_test(short_forms_are_written_out),
		cmocka_unit_test(addresses_are_checked_or_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

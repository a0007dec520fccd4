// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The 16550A on a host end that keeps what it gets and has as much room as the test allows.
 */
#include "tests/lib/isa_bench_save.h"

#include "hw/serial.h"

enum {
	BASE = 0x3f8,
	IRQ = 4,
};

struct serial_bench {
	struct bench bench;
	struct serial serial;
	struct chr chr;
	uint8_t written[256];
	size_t length, room;
	const uint8_t *waiting; /* what the peer has typed */
	size_t waiting_count;
};

static size_t chr_fake_write(struct chr *chr, const void *bytes, size_t count)
{
	struct serial_bench *b = container_of(chr, struct serial_bench, chr);
	size_t taken = min_size(min_size(count, b->room), sizeof(b->written) - b->length);

	memcpy(b->written + b->length, bytes, taken);
	b->length += taken;
	b->room -= taken;
	return taken;
}

static void chr_fake_accept(struct chr *chr)
{
	struct serial_bench *b = container_of(chr, struct serial_bench, chr);
	const uint8_t *bytes = b->waiting;
	size_t count;

	if (!chr->client.can_receive)
		return;
	count = min_size(b->waiting_count, chr->client.can_receive(chr->client.opaque));
	if (count == 0)
		return;
	b->waiting += count;
	b->waiting_count -= count;
	chr->client.receive(chr->client.opaque, bytes, count);
}

static const struct chr_ops chr_fake_ops = {
	.write = chr_fake_write,
	.accept = chr_fake_accept,
};

static void start(struct serial_bench *b)
{
	memset(b, 0, sizeof(*b));
	bench_init(&b->bench);
	b->chr.ops = &chr_fake_ops;
	b->room = sizeof(b->written);
	serial_init(&b->serial, &b->bench.clock, &b->bench.wires[IRQ], &b->chr);
	device_add(&b->bench.devices, &b->serial.device);
	assert_int_equal(io_map(&b->bench.ports, &b->serial.window, BASE), 0);
}

static uint8_t in(struct serial_bench *b, unsigned offset)
{
	return bench_in(&b->bench, (uint16_t)(BASE + offset));
}

static void out(struct serial_bench *b, unsigned offset, uint8_t value)
{
	bench_out(&b->bench, (uint16_t)(BASE + offset), value);
}

static void type(struct serial_bench *b, const char *text)
{
	b->waiting = (const uint8_t *)text;
	b->waiting_count = strlen(text);
	chr_accept(&b->chr);
}

static bool line(struct serial_bench *b)
{
	return b->bench.wires[IRQ].level;
}

/* What Linux' 8250 driver looks at to tell a 16550A from its relatives. */
static void passes_for_a_16550a(void **state)
{
	struct serial_bench b;

	(void)state;
	start(&b);
	out(&b, SERIAL_IER, 0);
	assert_int_equal(in(&b, SERIAL_IER), 0);
	out(&b, SERIAL_IER, 0xff);
	assert_int_equal(in(&b, SERIAL_IER), 0x0f);
	out(&b, SERIAL_IER, 0);
	out(&b, SERIAL_MCR, SERIAL_MCR_LOOP | SERIAL_MCR_OUT2 | SERIAL_MCR_RTS);
	assert_int_equal(in(&b, SERIAL_MSR) & SERIAL_MSR_LINES, SERIAL_MSR_DCD | SERIAL_MSR_CTS);
	out(&b, SERIAL_MCR, 0);
	out(&b, SERIAL_FCR, SERIAL_FCR_ENABLE);
	assert_int_equal(in(&b, SERIAL_IIR) >> 6, 3);
	out(&b, SERIAL_LCR, 0xbf); /* an EFR would read as zero here */
	assert_int_not_equal(in(&b, SERIAL_IIR), 0);
	out(&b, SERIAL_LCR, SERIAL_LCR_DLAB);
	out(&b, SERIAL_FCR, SERIAL_FCR_ENABLE | 0x20); /* a 16750 keeps bit 5 */
	assert_int_equal(in(&b, SERIAL_IIR) & 0x20, 0);
	out(&b, SERIAL_DLL, 0x34);
	out(&b, SERIAL_DLM, 0x12);
	assert_int_equal(in(&b, SERIAL_DLL), 0x34);
	assert_int_equal(in(&b, SERIAL_DLM), 0x12);
	out(&b, SERIAL_LCR, 3);
	assert_int_equal(in(&b, SERIAL_IER), 0);
	out(&b, SERIAL_SCR, 0x5a);
	assert_int_equal(in(&b, SERIAL_SCR), 0x5a);
	bench_finish(&b.bench);
}

static void transmits_at_once(void **state)
{
	struct serial_bench b;

	(void)state;
	start(&b);
	assert_int_equal(in(&b, SERIAL_LSR), SERIAL_LSR_THRE | SERIAL_LSR_TEMT);
	out(&b, SERIAL_THR, 'h');
	out(&b, SERIAL_THR, 'i');
	assert_memory_equal(b.written, "hi", 2);
	assert_int_equal(in(&b, SERIAL_LSR), SERIAL_LSR_THRE | SERIAL_LSR_TEMT);
	bench_finish(&b.bench);
}

static void interrupts_when_the_transmitter_is_empty(void **state)
{
	struct serial_bench b;

	(void)state;
	start(&b);
	out(&b, SERIAL_IER, SERIAL_IER_THRI); /* empty already */
	assert_true(line(&b));
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_THRI);
	assert_false(line(&b));
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_NONE);
	bench_edges(&b.bench, IRQ);
	out(&b, SERIAL_THR, 'x');
	out(&b, SERIAL_THR, 'y');
	assert_int_equal(bench_edges(&b.bench, IRQ), 2);
	out(&b, SERIAL_IER, 0);
	assert_false(line(&b));
	in(&b, SERIAL_IIR);
	out(&b, SERIAL_IER, SERIAL_IER_THRI); /* each rise of the enable bit */
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_THRI);
	bench_finish(&b.bench);
}

static void waits_for_the_host(void **state)
{
	struct serial_bench b;

	(void)state;
	start(&b);
	out(&b, SERIAL_FCR, SERIAL_FCR_ENABLE);
	out(&b, SERIAL_IER, SERIAL_IER_THRI);
	in(&b, SERIAL_IIR);
	b.room = 0;
	for (unsigned i = 0; i < 20; i++)
		out(&b, SERIAL_THR, (uint8_t)('a' + i));
	assert_int_equal(in(&b, SERIAL_LSR), 0);
	assert_false(line(&b));
	b.room = 10;
	b.chr.client.writable(b.chr.client.opaque);
	assert_int_equal(in(&b, SERIAL_LSR), 0);
	b.room = 100;
	b.chr.client.writable(b.chr.client.opaque);
	assert_int_equal(b.length, 16);
	assert_memory_equal(b.written, "abcdefghijklmnop", 16);
	assert_true(line(&b));
	bench_finish(&b.bench);
}

static void receives_in_order_without_loss(void **state)
{
	static const char text[] = "the quick brown fox jumps over the lazy dog";
	struct serial_bench b;

	(void)state;
	start(&b);
	for (unsigned fifo = 0; fifo < 2; fifo++) {
		out(&b, SERIAL_FCR, (uint8_t)fifo);
		type(&b, text);
		for (size_t i = 0; i < strlen(text); i++) {
			assert_true(in(&b, SERIAL_LSR) & SERIAL_LSR_DR);
			assert_int_equal(in(&b, SERIAL_RBR), text[i]);
		}
		assert_int_equal(in(&b, SERIAL_LSR), SERIAL_LSR_THRE | SERIAL_LSR_TEMT);
	}
	bench_finish(&b.bench);
}

static void interrupts_at_the_trigger_level(void **state)
{
	static const uint8_t levels[] = { 1, 4, 8, 14 };
	struct serial_bench b;

	(void)state;
	start(&b);
	out(&b, SERIAL_IER, SERIAL_IER_RDI);
	for (unsigned i = 0; i < 4; i++) {
		out(&b, SERIAL_FCR, (uint8_t)(SERIAL_FCR_ENABLE | SERIAL_FCR_CLEAR_RX | i << 6));
		for (unsigned n = 1; n <= levels[i]; n++) {
			assert_false(line(&b));
			type(&b, "z");
		}
		assert_true(line(&b));
		assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_FIFO | SERIAL_IIR_RDI);
		in(&b, SERIAL_RBR);
		assert_false(line(&b));
	}
	bench_finish(&b.bench);
}

/* Ten bits a character at 115200 baud are 86805 ns. */
static void times_out_below_the_trigger_level(void **state)
{
	struct serial_bench b;

	(void)state;
	start(&b);
	out(&b, SERIAL_LCR, SERIAL_LCR_DLAB | 3);
	out(&b, SERIAL_DLL, 1);
	out(&b, SERIAL_DLM, 0);
	out(&b, SERIAL_LCR, 3);
	out(&b, SERIAL_IER, SERIAL_IER_RDI);
	out(&b, SERIAL_FCR, SERIAL_FCR_ENABLE | 0xc0);
	type(&b, "ab");
	bench_step(&b.bench, 4 * 86805 - 1);
	assert_false(line(&b));
	bench_step(&b.bench, 10);
	assert_true(line(&b));
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_FIFO | SERIAL_IIR_CTI);
	in(&b, SERIAL_RBR);
	assert_false(line(&b));
	bench_step(&b.bench, NS_PER_SECOND);
	assert_true(line(&b));
	in(&b, SERIAL_RBR);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_false(line(&b)); /* nothing is left */
	bench_finish(&b.bench);
}

static void loops_back(void **state)
{
	struct serial_bench b;

	(void)state;
	start(&b);
	out(&b, SERIAL_MCR, SERIAL_MCR_LOOP);
	in(&b, SERIAL_MSR);
	type(&b, "q"); /* the peer is not heard */
	out(&b, SERIAL_THR, 0x41);
	assert_int_equal(b.length, 0);
	assert_int_equal(in(&b, SERIAL_LSR), SERIAL_LSR_THRE | SERIAL_LSR_TEMT | SERIAL_LSR_DR);
	out(&b, SERIAL_THR, 0x42);
	assert_true(in(&b, SERIAL_LSR) & SERIAL_LSR_OE);
	assert_false(in(&b, SERIAL_LSR) & SERIAL_LSR_OE); /* reading clears it */
	assert_int_equal(in(&b, SERIAL_RBR), 0x42);
	out(&b, SERIAL_LCR, SERIAL_LCR_BREAK);
	assert_true(in(&b, SERIAL_LSR) & SERIAL_LSR_BI);
	assert_int_equal(in(&b, SERIAL_RBR), 0);
	out(&b, SERIAL_MCR, SERIAL_MCR_LOOP | SERIAL_MCR_OUT1);
	assert_int_equal(in(&b, SERIAL_MSR), SERIAL_MSR_RI);
	out(&b, SERIAL_IER, SERIAL_IER_MSI);
	out(&b, SERIAL_MCR, SERIAL_MCR_LOOP);
	assert_true(line(&b));
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_MSI);
	assert_int_equal(in(&b, SERIAL_MSR), SERIAL_MSR_TERI);
	assert_false(line(&b));
	out(&b, SERIAL_MCR, 0);
	assert_int_equal(in(&b, SERIAL_RBR), 'q');
	bench_finish(&b.bench);
}

static void shows_the_most_urgent_reason(void **state)
{
	struct serial_bench b;

	(void)state;
	start(&b);
	out(&b, SERIAL_IER, 0x0f);
	out(&b, SERIAL_MCR, SERIAL_MCR_LOOP);
	out(&b, SERIAL_THR, 1);
	out(&b, SERIAL_THR, 2);
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_RLSI);
	in(&b, SERIAL_LSR);
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_RDI);
	in(&b, SERIAL_RBR);
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_THRI);
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_MSI);
	in(&b, SERIAL_MSR);
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_NONE);
	bench_finish(&b.bench);
}

static void moves_blocks(void **state)
{
	struct serial_bench b;
	uint8_t data[8];

	(void)state;
	start(&b);
	b.room = 3;
	io_write_block(&b.bench.ports, BASE, "abcdef", 1, 6);
	assert_memory_equal(b.written, "abc", 3);
	assert_int_equal(in(&b, SERIAL_LSR), 0); /* one more waits, the rest found no room */
	b.room = 1;
	b.chr.client.writable(b.chr.client.opaque);
	assert_memory_equal(b.written, "abcd", 4);
	out(&b, SERIAL_FCR, SERIAL_FCR_ENABLE);
	type(&b, "12345678");
	io_read_block(&b.bench.ports, BASE, data, 1, 8);
	assert_memory_equal(data, "12345678", 8);
	bench_finish(&b.bench);
}

static void is_saved_whole(void **state)
{
	struct serial_bench b;

	(void)state;
	start(&b);
	out(&b, SERIAL_FCR, SERIAL_FCR_ENABLE | 0xc0);
	out(&b, SERIAL_IER, SERIAL_IER_RDI);
	out(&b, SERIAL_SCR, 0x77);
	type(&b, "abc");
	b.room = 0;
	out(&b, SERIAL_THR, 'T');
	bench_save_and_load(&b.bench, 0x5a);
	assert_int_equal(in(&b, SERIAL_SCR), 0x77);
	bench_step(&b.bench, NS_PER_SECOND);
	assert_int_equal(in(&b, SERIAL_IIR), SERIAL_IIR_FIFO | SERIAL_IIR_CTI);
	assert_int_equal(in(&b, SERIAL_RBR), 'a');
	b.room = 1;
	b.chr.client.writable(b.chr.client.opaque);
	assert_int_equal(b.written[0], 'T');
	b.serial.state.receive_count = SERIAL_FIFO_BYTES + 1;
	assert_true(b.serial.device.class->after_load(&b.serial, NULL) < 0);
	bench_finish(&b.bench);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(passes_for_a_16550a),
		cmocka_unit_test(transmits_at_once),
		cmocka_unit_test(interrupts_when_the_transmitter_is_empty),
		cmocka_unit_test(waits_for_the_host),
		cmocka_unit_test(receives_in_order_without_loss),
		cmocka_unit_test(interrupts_at_the_trigger_level),
		cmocka_unit_test(times_out_below_the_trigger_level),
		cmocka_unit_test(loops_back),
		cmocka_unit_test(shows_the_most_urgent_reason),
		cmocka_unit_test(moves_blocks),
		cmocka_unit_test(is_saved_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

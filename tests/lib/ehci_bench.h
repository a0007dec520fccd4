// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An EHCI controller with a companion for its first two ports, and the part of a driver that builds
 * lists in the bench's memory: an asynchronous ring of two queue heads, the second of which works.
 */
#pragma once

#include "base/bytes.h"
#include "hw/usb/ehci.h"
#include "tests/lib/chip_bench.h"

enum {
	EHCI_BENCH_BASE = 0x100000, /* of the registers, behind the bench's RAM */
	EHCI_BENCH_UHCI = 0xc000,
	EHCI_BENCH_SLOT = 0x1d,
	EHCI_BENCH_FUNCTION = 7,
	EHCI_BENCH_FRAMES = 0x1000,
	EHCI_BENCH_HEAD = 0x3000, /* of the ring; empty */
	EHCI_BENCH_QH = 0x3080,
	EHCI_BENCH_INTERRUPT_QH = 0x3100,
	EHCI_BENCH_TDS = 0x4000,
	EHCI_BENCH_TD_BYTES = 32,
	EHCI_BENCH_SETUP = 0x7000,
	EHCI_BENCH_DATA = 0x8000,
};

struct ehci_bench {
	struct chip_bench *bench;
	struct ehci ehci;
	struct uhci companion;
	struct device_list devices;
	uint8_t levels; /* of interrupt pins */
	unsigned tds;
	void (*wait)(void *opaque); /* between microframes; may be NULL */
	void *wait_opaque;
};

static inline void ehci_bench_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	struct ehci_bench *b = opaque;

	(void)slot;
	b->levels = (uint8_t)replace_bits(b->levels, BIT(pin), level ? BIT(pin) : 0);
}

/** The controller's own pin, INTD. */
static inline bool ehci_bench_irq(const struct ehci_bench *b)
{
	return b->levels & BIT(3);
}

static inline void ehci_bench_out(struct ehci_bench *b, unsigned reg, uint32_t value)
{
	io_write(&b->bench->memory, EHCI_BENCH_BASE + reg, value, 4);
}

static inline uint32_t ehci_bench_in(struct ehci_bench *b, unsigned reg)
{
	return (uint32_t)io_read(&b->bench->memory, EHCI_BENCH_BASE + reg, 4);
}

static inline uint32_t ehci_bench_port(struct ehci_bench *b, unsigned port)
{
	return ehci_bench_in(b, EHCI_PORTSC + 4 * port);
}

static inline void ehci_bench_set_port(struct ehci_bench *b, unsigned port, uint32_t value)
{
	ehci_bench_out(b, EHCI_PORTSC + 4 * port, value);
}

static inline uint32_t ehci_bench_word(struct ehci_bench *b, uint32_t gpa)
{
	return load_le32(b->bench->bytes + gpa);
}

static inline void ehci_bench_set_word(struct ehci_bench *b, uint32_t gpa, uint32_t word)
{
	store_le32(b->bench->bytes + gpa, word);
}

static inline void ehci_bench_microframes(struct ehci_bench *b, unsigned count)
{
	while (count-- > 0) {
		clock_step_to(&b->bench->clock, clock_now_ns(&b->bench->clock) + 125000);
		if (b->wait)
			b->wait(b->wait_opaque);
	}
}

static inline void ehci_bench_init(struct ehci_bench *b)
{
	const struct pci_intx_sink intx = { b, ehci_bench_intx };

	memset(b, 0, sizeof(*b));
	b->bench = bench_create(&intx);
	clock_start(&b->bench->clock);
	device_list_init(&b->devices);
	if (ehci_init(&b->ehci, EHCI_ICH9, &b->bench->bus, &b->bench->clock, &b->bench->ram,
		      EHCI_BENCH_SLOT, EHCI_BENCH_FUNCTION, NULL) < 0 ||
	    uhci_init(&b->companion, UHCI_ICH9_1, &b->bench->bus, &b->bench->clock, &b->bench->ram,
		      EHCI_BENCH_SLOT, 0, NULL) < 0 ||
	    ehci_add_companion(&b->ehci, &b->companion, 0, NULL) < 0)
		abort();
	device_add(&b->devices, &b->ehci.device);
	device_add(&b->devices, &b->companion.device);
	bench_config_write(b->bench, EHCI_BENCH_SLOT, EHCI_BENCH_FUNCTION, 0x10, EHCI_BENCH_BASE,
			   4);
	bench_config_write(b->bench, EHCI_BENCH_SLOT, EHCI_BENCH_FUNCTION, 0x04, 0x06, 2);
	bench_config_write(b->bench, EHCI_BENCH_SLOT, 0, 0x20, EHCI_BENCH_UHCI, 4);
	bench_config_write(b->bench, EHCI_BENCH_SLOT, 0, 0x04, 0x05, 2);
}

static inline void ehci_bench_finish(struct ehci_bench *b)
{
	device_finish_all(&b->devices);
	bench_destroy(b->bench);
}

/** A queue head for an endpoint, linked to 'next'; 'smask' for an interrupt endpoint. */
static inline void ehci_bench_queue(struct ehci_bench *b, uint32_t gpa, uint32_t next,
				    unsigned address, unsigned endpoint, unsigned packet,
				    uint32_t smask)
{
	memset(b->bench->bytes + gpa, 0, QH_WORDS * 4);
	ehci_bench_set_word(b, gpa, next);
	ehci_bench_set_word(b, gpa + 4,
			    address | endpoint << QH_ENDPOINT_SHIFT | QH_HIGH_SPEED |
				    QH_TOGGLE_CONTROL | packet << QH_PACKET_SHIFT);
	ehci_bench_set_word(b, gpa + 8, smask | 1u << 30);
	ehci_bench_set_word(b, gpa + 16, EHCI_LINK_TERMINATE);
	ehci_bench_set_word(b, gpa + 20, EHCI_LINK_TERMINATE);
}

/** Empty lists, both running, all ports this controller's. */
static inline void ehci_bench_start(struct ehci_bench *b)
{
	for (uint32_t i = 0; i < EHCI_FRAMES; i++)
		ehci_bench_set_word(b, EHCI_BENCH_FRAMES + 4 * i, EHCI_LINK_TERMINATE);
	ehci_bench_queue(b, EHCI_BENCH_HEAD, EHCI_BENCH_QH | EHCI_LINK_QH, 0, 0, 64, 0);
	ehci_bench_queue(b, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, 0, 0, 64, 0);
	ehci_bench_out(b, EHCI_PERIODICLIST, EHCI_BENCH_FRAMES);
	ehci_bench_out(b, EHCI_ASYNCLIST, EHCI_BENCH_HEAD);
	ehci_bench_out(b, EHCI_USBINTR, EHCI_STS_CAUSES & ~EHCI_STS_ROLLOVER);
	ehci_bench_out(b, EHCI_USBCMD, EHCI_CMD_RUN | EHCI_CMD_ASYNC | EHCI_CMD_PERIODIC);
	ehci_bench_out(b, EHCI_CONFIGFLAG, 1);
}

/** As drivers reset a port. */
static inline void ehci_bench_reset_port(struct ehci_bench *b, unsigned port)
{
	ehci_bench_set_port(b, port, EHCI_PORT_CONNECT_CHANGE | EHCI_PORT_RESET);
	ehci_bench_set_port(b, port, 0);
}

/** Appends a descriptor; returns where it lies. The data's pages follow each other. */
static inline uint32_t ehci_bench_td(struct ehci_bench *b, enum ehci_pid pid, uint32_t data,
				     unsigned length, uint32_t token)
{
	uint32_t gpa = EHCI_BENCH_TDS + b->tds * EHCI_BENCH_TD_BYTES;

	ehci_bench_set_word(b, gpa, EHCI_LINK_TERMINATE);
	ehci_bench_set_word(b, gpa + 4, EHCI_LINK_TERMINATE);
	ehci_bench_set_word(b, gpa + 8,
			    TOKEN_ACTIVE | TOKEN_ERRORS_LEFT | (uint32_t)pid << TOKEN_PID_SHIFT |
				    length << TOKEN_LENGTH_SHIFT | token);
	ehci_bench_set_word(b, gpa + 12, data);
	for (uint32_t i = 1; i < EHCI_BUFFERS; i++)
		ehci_bench_set_word(b, gpa + 12 + 4 * i, (data & ~4095u) + 4096 * i);
	if (b->tds)
		ehci_bench_set_word(b, gpa - EHCI_BENCH_TD_BYTES, gpa);
	b->tds++;
	return gpa;
}

/** Gives the descriptors to a queue head. */
static inline void ehci_bench_go(struct ehci_bench *b, uint32_t queue)
{
	ehci_bench_set_word(b, queue + 4 * QH_TOKEN, 0);
	ehci_bench_set_word(b, queue + 4 * QH_ALTERNATE, EHCI_LINK_TERMINATE);
	ehci_bench_set_word(b, queue + 4 * QH_NEXT, EHCI_BENCH_TDS);
	b->tds = 0;
}

static inline uint32_t ehci_bench_token(struct ehci_bench *b, uint32_t td)
{
	return ehci_bench_word(b, td + 4 * QTD_TOKEN);
}

/** Bytes that a descriptor has not moved. */
static inline unsigned ehci_bench_left(struct ehci_bench *b, uint32_t td)
{
	return (ehci_bench_token(b, td) & TOKEN_LENGTH) >> TOKEN_LENGTH_SHIFT;
}

/** A whole control transfer; data at EHCI_BENCH_DATA. Bytes moved, or -1 if it stalls. */
static inline int ehci_bench_control(struct ehci_bench *b, unsigned address, uint16_t request,
				     uint16_t value, uint16_t index, uint16_t length)
{
	uint8_t *setup = b->bench->bytes + EHCI_BENCH_SETUP;
	bool in = request & 0x8000;
	uint32_t td = 0, status;

	setup[0] = (uint8_t)(request >> 8);
	setup[1] = (uint8_t)request;
	store_le16(setup + 2, value);
	store_le16(setup + 4, index);
	store_le16(setup + 6, length);
	ehci_bench_queue(b, EHCI_BENCH_QH, EHCI_BENCH_HEAD | EHCI_LINK_QH, address, 0, 64, 0);
	ehci_bench_td(b, EHCI_PID_SETUP, EHCI_BENCH_SETUP, 8, 0);
	if (length)
		td = ehci_bench_td(b, in ? EHCI_PID_IN : EHCI_PID_OUT, EHCI_BENCH_DATA, length,
				   TOKEN_TOGGLE);
	status = ehci_bench_td(b, in && length ? EHCI_PID_OUT : EHCI_PID_IN, 0, 0,
			       TOKEN_TOGGLE | TOKEN_INTERRUPT);
	ehci_bench_go(b, EHCI_BENCH_QH);
	ehci_bench_microframes(b, 2 * EHCI_IDLE_MICROFRAMES);
	if (ehci_bench_token(b, status) & (TOKEN_ACTIVE | TOKEN_HALTED))
		return -1;
	return td ? (int)(length - ehci_bench_left(b, td)) : 0;
}

/** The device at 'port' of this controller gets an address and is configured. */
static inline void ehci_bench_configure(struct ehci_bench *b, unsigned port, uint16_t address)
{
	ehci_bench_reset_port(b, port);
	ehci_bench_control(b, 0, USB_SET_ADDRESS, address, 0, 0);
	ehci_bench_control(b, address, USB_SET_CONFIGURATION, 1, 0, 0);
	ehci_bench_out(b, EHCI_USBSTS, EHCI_STS_CAUSES);
}

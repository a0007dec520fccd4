// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The KVM core with guests of a few instructions, and those parts of it that need no /dev/kvm.
 * Where there is none that can be used, the guests are skipped with the reason.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/err.h"
#include "base/lock.h"
#include "hv/hv.h"
#include "hv/kvm.h"
#include "kvm_payloads.h"

enum {
	RAM_BYTES = 2 << 20,
	LEGACY_HOLE = 0xa0000, /* RAM is shown to the guest up to here */
	ROM_BYTES = 0x10000,
	MAX_ACCESSES = 128,
	RESULT = 0x500,
	PORT_DONE = 0xf4,
	PORT_HOLD = 0x64,
	PORT_COUNTER = 0x80,
};

#define ROM_GPA UINT64_C(0xffff0000)

enum access_kind {
	PIO,
	MMIO,
	COLLECTED,
	COLLECTED_PIO,
};

struct access {
	enum access_kind kind;
	uint64_t address;
	bool is_read;
	unsigned size;
	uint32_t count;
	uint64_t value; /* of the first item */
};

/** The machine's side: notes what the core calls. All under the lock. */
struct guest {
	struct lock lock;
	pthread_cond_t changed;
	struct hv *hv;
	uint8_t *rom;
	struct access accesses[MAX_ACCESSES];
	unsigned access_count; /* of those kept */
	unsigned done;
	uint32_t counter;
	bool counter_broken;
	unsigned counts;
	uint8_t sent[1024]; /* what came out of port 0x402 */
	size_t sent_bytes;
	uint8_t key; /* what port 0x60 reads as */
	unsigned events;
	enum hv_event event;
	char event_text[256];
};

static bool have_kvm;
static struct err no_kvm;

/* The client. */

static void note(struct guest *guest, enum access_kind kind, uint64_t address, bool is_read,
		 unsigned size, uint32_t count, const void *data)
{
	struct access *access = &guest->accesses[guest->access_count];

	if (guest->access_count == MAX_ACCESSES)
		return;
	guest->access_count++;
	*access = (struct access){ kind, address, is_read, size, count, load_le(data, size) };
}

static void answer(struct guest *guest, uint16_t port, unsigned size, uint8_t *data, uint32_t count)
{
	if (port == PORT_COUNTER)
		store_le(data, size, guest->counter);
	else if (port == 0x60)
		store_le(data, size, guest->key);
	else
		for (uint32_t i = 0; i < count * size; i++)
			data[i] = (uint8_t)(0xa0 + i);
}

static void accept(struct guest *guest, uint16_t port, unsigned size, const uint8_t *data,
		   uint32_t count)
{
	if (port == PORT_DONE)
		guest->done++;
	if (port == PORT_HOLD)
		hv_hold(guest->hv);
	if (port == PORT_COUNTER && size == 4) {
		guest->counter_broken |= load_le32(data) != guest->counter + 1;
		guest->counter = load_le32(data);
	}
	if (port == 0x402 && guest->sent_bytes + count <= sizeof(guest->sent)) {
		memcpy(guest->sent + guest->sent_bytes, data, count);
		guest->sent_bytes += count;
	}
}

static void on_pio(void *opaque, uint16_t port, bool is_read, unsigned size, void *data,
		   uint32_t count)
{
	struct guest *guest = opaque;

	lock_acquire(&guest->lock);
	if (is_read)
		answer(guest, port, size, data, count);
	else
		accept(guest, port, size, data, count);
	if (port == PORT_COUNTER)
		guest->counts++;
	if (port != 0x402)
		note(guest, PIO, port, is_read, size, count, data);
	pthread_cond_broadcast(&guest->changed);
	lock_release(&guest->lock);
}

static void on_mmio(void *opaque, uint64_t gpa, bool is_read, unsigned size, void *data)
{
	struct guest *guest = opaque;

	lock_acquire(&guest->lock);
	if (is_read)
		store_le(data, size, UINT64_C(0x8877665544332211));
	note(guest, MMIO, gpa, is_read, size, 1, data);
	lock_release(&guest->lock);
}

static void on_collected(void *opaque, bool is_memory, uint64_t address, unsigned size,
			 const void *data)
{
	note(opaque, is_memory ? COLLECTED : COLLECTED_PIO, address, false, size, 1, data);
}

static void on_event(void *opaque, enum hv_event event, const char *text)
{
	struct guest *guest = opaque;

	lock_acquire(&guest->lock);
	guest->events++;
	guest->event = event;
	snprintf(guest->event_text, sizeof(guest->event_text), "%s", text);
	pthread_cond_broadcast(&guest->changed);
	lock_release(&guest->lock);
}

/* The board. */

static struct hv_client client_of(struct guest *guest)
{
	return (struct hv_client){
		.opaque = guest,
		.pio = on_pio,
		.mmio = on_mmio,
		.collected = on_collected,
		.event = on_event,
	};
}

/** Its memory map is there, its processors are not. */
static struct guest *guest_begin(const uint8_t *code, size_t bytes, unsigned cpus,
				 unsigned max_cpus)
{
	static const uint8_t reset_vector[] = { 0xe9, 0x0d, 0x00 }; /* fff0: jmp 0 */
	struct guest *guest = calloc(1, sizeof(*guest));
	struct hv_client client = client_of(guest);
	struct hv_config config = {
		.cpus = cpus, .max_cpus = max_cpus, .low_bytes = RAM_BYTES, .lock = &guest->lock
	};
	struct hv_slot ram = { .gpa = 0, .bytes = LEGACY_HOLE };
	struct hv_slot rom = { .gpa = ROM_GPA, .bytes = ROM_BYTES, .read_only = true };
	struct err err = { "" };
	size_t length = LEGACY_HOLE;

	assert_non_null(guest);
	lock_init(&guest->lock);
	pthread_cond_init(&guest->changed, NULL);
	guest->rom =
		mmap(NULL, ROM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(guest->rom, MAP_FAILED);
	memcpy(guest->rom, code, bytes);
	memcpy(guest->rom + 0xfff0, reset_vector, sizeof(reset_vector));
	guest->hv = hv_kvm_create(&config, &client, NULL, &err);
	if (!guest->hv)
		fail_msg("%s", err.text);
	ram.host = hv_ram_map(guest->hv, 0, &length, true);
	rom.host = guest->rom;
	assert_true(hv_slot_add(guest->hv, &ram) >= 0);
	assert_true(hv_slot_add(guest->hv, &rom) >= 0);
	lock_acquire(&guest->lock);
	return guest;
}

static void guest_complete(struct guest *guest)
{
	struct err err = { "" };

	if (hv_complete(guest->hv, &err) < 0)
		fail_msg("%s", err.text);
}

static struct guest *guest_create(const uint8_t *code, size_t bytes, unsigned cpus,
				  unsigned max_cpus)
{
	struct guest *guest = guest_begin(code, bytes, cpus, max_cpus);

	guest_complete(guest);
	return guest;
}

#define GUEST(program) guest_create(program##_code, sizeof(program##_code), 1, 1)

static void guest_destroy(struct guest *guest)
{
	hv_destroy(guest->hv);
	lock_release(&guest->lock);
	munmap(guest->rom, ROM_BYTES);
	pthread_cond_destroy(&guest->changed);
	free(guest);
}

static void start(struct guest *guest)
{
	assert_int_equal(hv_start(guest->hv, NULL), 0);
}

static void wait_change(struct guest *guest)
{
	if (guest->events && guest->event == HV_FAILED)
		fail_msg("%s", guest->event_text);
	pthread_cond_wait(&guest->changed, &guest->lock.mutex);
}

static void wait_done(struct guest *guest, unsigned done)
{
	while (guest->done < done)
		wait_change(guest);
}

static void wait_counts(struct guest *guest, unsigned counts)
{
	while (guest->counts < counts)
		wait_change(guest);
}

static const struct access *wait_port(struct guest *guest, uint16_t port)
{
	for (;;) {
		for (unsigned i = 0; i < guest->access_count; i++)
			if (guest->accesses[i].kind == PIO && guest->accesses[i].address == port)
				return &guest->accesses[i];
		wait_change(guest);
	}
}

static uint8_t *ram_at(struct guest *guest, uint64_t gpa, size_t bytes)
{
	size_t length = bytes;
	uint8_t *host = hv_ram_map(guest->hv, gpa, &length, true);

	assert_non_null(host);
	assert_int_equal(length, bytes);
	return host;
}

static void expect(const struct guest *guest, unsigned at, struct access want)
{
	const struct access *got = &guest->accesses[at];

	assert_true(at < guest->access_count);
	assert_int_equal(got->kind, want.kind);
	assert_int_equal(got->address, want.address);
	assert_int_equal(got->is_read, want.is_read);
	assert_int_equal(got->size, want.size);
	assert_int_equal(got->count, want.count);
	assert_int_equal(got->value, want.value);
}

static void need_kvm(void)
{
	if (have_kvm)
		return;
	print_message("no guest can run here: %s\n", no_kvm.text);
	skip();
}

/* Accesses. */

static void test_ports(void **state)
{
	struct guest *guest;

	(void)state;
	need_kvm();
	guest = GUEST(ports);
	start(guest);
	wait_done(guest, 1);
	expect(guest, 0, (struct access){ PIO, 0x3f8, false, 1, 1, 0x41 });
	expect(guest, 1, (struct access){ PIO, 0x3f8, false, 2, 1, 0x1234 });
	expect(guest, 2, (struct access){ PIO, 0x3f8, false, 4, 1, 0x89abcdef });
	expect(guest, 3, (struct access){ PIO, 0x510, true, 1, 1, 0xa0 });
	expect(guest, 4, (struct access){ PIO, 0x510, true, 2, 1, 0xa1a0 });
	expect(guest, 5, (struct access){ PIO, 0x510, true, 4, 1, 0xa3a2a1a0 });
	assert_int_equal(*ram_at(guest, RESULT, 1), 0xa0);
	assert_int_equal(load_le16(ram_at(guest, RESULT + 2, 2)), 0xa1a0);
	assert_int_equal(load_le32(ram_at(guest, RESULT + 4, 4)), 0xa3a2a1a0);
	guest_destroy(guest);
}

/** 'rep insw' of a sector arrives as one access; 'rep outsb' in whatever pieces, but in order. */
static void test_string_io(void **state)
{
	struct guest *guest;
	const uint8_t *sector;

	(void)state;
	need_kvm();
	guest = GUEST(strings);
	start(guest);
	wait_done(guest, 1);
	expect(guest, 0, (struct access){ PIO, 0x1f0, true, 2, 256, 0xa1a0 });
	sector = ram_at(guest, 0x1000, 512);
	for (unsigned i = 0; i < 512; i++)
		assert_int_equal(sector[i], (uint8_t)(0xa0 + i));
	assert_int_equal(guest->sent_bytes, 512);
	assert_memory_equal(guest->sent, sector, 512);
	guest_destroy(guest);
}

static void test_memory_access(void **state)
{
	struct guest *guest;

	(void)state;
	need_kvm();
	guest = GUEST(memory);
	start(guest);
	wait_done(guest, 1);
	expect(guest, 0, (struct access){ MMIO, 0xd0010, false, 1, 1, 0x11 });
	expect(guest, 1, (struct access){ MMIO, 0xd0020, false, 2, 1, 0x2222 });
	expect(guest, 2, (struct access){ MMIO, 0xd0030, false, 4, 1, 0x33333333 });
	expect(guest, 3, (struct access){ MMIO, 0xd0040, true, 1, 1, 0x11 });
	expect(guest, 4, (struct access){ MMIO, 0xd0050, true, 2, 1, 0x2211 });
	expect(guest, 5, (struct access){ MMIO, 0xd0060, true, 4, 1, 0x44332211 });
	assert_int_equal(load_le32(ram_at(guest, RESULT + 4, 4)), 0x44332211);
	guest_destroy(guest);
}

static void expect_collected_writes(struct guest *guest)
{
	struct hv_stats stats;

	start(guest);
	wait_done(guest, 1);
	hv_pause(guest->hv);
	hv_flush_coalesced(guest->hv);
	expect(guest, 0, (struct access){ COLLECTED, 0xa0000, false, 1, 1, 0x11 });
	expect(guest, 1, (struct access){ COLLECTED, 0xa0002, false, 2, 1, 0x2222 });
	expect(guest, 2, (struct access){ COLLECTED, 0xa0004, false, 4, 1, 0x33333333 });
	assert_int_equal(guest->accesses[3].address, 0x80);
	expect(guest, 4, (struct access){ COLLECTED, 0xa0008, false, 1, 1, 0x44 });
	expect(guest, 5, (struct access){ MMIO, 0xaffff, true, 1, 1, 0x11 });
	expect(guest, 6, (struct access){ COLLECTED, 0xa0009, false, 1, 1, 0x55 });
	assert_int_equal(guest->accesses[7].address, PORT_DONE);
	assert_int_equal(guest->access_count, 8);
	hv_get_stats(guest->hv, &stats);
	assert_int_equal(stats.coalesced, 5);
	assert_int_equal(stats.mmio_exits, 1);
	assert_int_equal(stats.pio_exits, 2);
	hv_range_remove(guest->hv, true, 0xa0000, 0x10000, true);
	guest_destroy(guest);
}

/** Collected writes come before whatever the guest did after them, each once. */
static void test_collected_writes(void **state)
{
	struct guest *guest;

	(void)state;
	need_kvm();
	guest = GUEST(collected);
	hv_range_add(guest->hv, true, 0xa0000, 0x10000, true);
	expect_collected_writes(guest);
}

/** Windows that are there before the processors; one that went again is not among them. */
static void test_early_windows(void **state)
{
	struct guest *guest;

	(void)state;
	need_kvm();
	guest = guest_begin(collected_code, sizeof(collected_code), 1, 1);
	hv_range_add(guest->hv, true, 0xaf000, 0x1000, true);
	hv_range_add(guest->hv, true, 0xa0000, 0x10000, true);
	hv_range_remove(guest->hv, true, 0xaf000, 0x1000, true);
	guest_complete(guest);
	expect_collected_writes(guest);
}

/* Slots. */

static void test_read_only_slot(void **state)
{
	struct guest *guest;
	struct hv_slot slot = { .gpa = 0xc0000, .bytes = 0x1000, .read_only = true };

	(void)state;
	need_kvm();
	guest = GUEST(readonly);
	/* The program looks at 0x20010; show it a ROM there. */
	slot.host = ram_at(guest, 0x100000, 0x1000);
	((uint8_t *)slot.host)[0x10] = 0x5a;
	slot.gpa = 0xb0000;
	memcpy(guest->rom + 1, "\x00\xb0", 2); /* mov ax,0xb000 */
	assert_true(hv_slot_add(guest->hv, &slot) >= 0);
	start(guest);
	wait_done(guest, 1);
	expect(guest, 0, (struct access){ MMIO, 0xb0010, false, 1, 1, 0x99 });
	assert_int_equal(load_le16(ram_at(guest, RESULT, 2)), 0x5a5a);
	assert_int_equal(((uint8_t *)slot.host)[0x10], 0x5a);
	guest_destroy(guest);
}

static void test_dirty_log(void **state)
{
	struct guest *guest;
	struct hv_slot slot = { .gpa = 0xb0000, .bytes = 0x8000, .log_dirty = true };
	unsigned long bitmap[1] = { 0 };
	int number;

	(void)state;
	need_kvm();
	guest = GUEST(dirty);
	slot.host = hv_video_ram_alloc(guest->hv, slot.bytes, NULL);
	assert_non_null(slot.host);
	memcpy(guest->rom + 1, "\x00\xb0", 2); /* mov ax,0xb000 */
	number = hv_slot_add(guest->hv, &slot);
	assert_true(number >= 0);
	start(guest);
	wait_done(guest, 1);
	assert_true(hv_slot_fetch_dirty(guest->hv, number, bitmap));
	assert_int_equal(bitmap[0], BIT(3) | BIT(7));
	assert_true(hv_slot_fetch_dirty(guest->hv, number, bitmap));
	assert_int_equal(bitmap[0], 0);
	guest->key = 1;
	wait_done(guest, 2);
	assert_true(hv_slot_fetch_dirty(guest->hv, number, bitmap));
	assert_int_equal(bitmap[0], BIT(1));
	hv_slot_set_logging(guest->hv, number, false);
	assert_false(hv_slot_fetch_dirty(guest->hv, number, bitmap));
	guest_destroy(guest);
}

static void test_slot_refusals(void **state)
{
	struct guest *guest;
	struct hv_slot slot = { .gpa = 0x200000, .bytes = 0x1000 };
	unsigned long bitmap[1];
	int number;

	(void)state;
	need_kvm();
	guest = GUEST(once);
	slot.host = ram_at(guest, 0x100000, 0x1000);
	number = hv_slot_add(guest->hv, &slot);
	assert_true(number >= 0);
	assert_int_equal(hv_slot_add(guest->hv, &slot), -EEXIST);
	slot.gpa = 0x300001;
	assert_int_equal(hv_slot_add(guest->hv, &slot), -EINVAL);
	slot.gpa = UINT64_MAX - 0xfff;
	assert_int_equal(hv_slot_add(guest->hv, &slot), -EINVAL);
	slot.gpa = 0x300000;
	slot.bytes = 0;
	assert_int_equal(hv_slot_add(guest->hv, &slot), -EINVAL);
	hv_slot_remove(guest->hv, number);
	hv_slot_remove(guest->hv, number);
	hv_slot_remove(guest->hv, -1);
	hv_slot_remove(guest->hv, 100000);
	assert_false(hv_slot_fetch_dirty(guest->hv, -5, bitmap));
	slot.bytes = 0x1000;
	assert_int_equal(hv_slot_add(guest->hv, &slot), number);
	guest_destroy(guest);
}

/** Slots are replaced under a running guest, which never sees the gap. */
static void test_slot_transactions(void **state)
{
	struct guest *guest;
	struct hv_slot slot = { .gpa = 0xb0000, .bytes = 0x1000 };
	int number;

	(void)state;
	need_kvm();
	guest = GUEST(swap);
	slot.host = ram_at(guest, 0x100000, 0x1000);
	memcpy(guest->rom + 1, "\x00\xb0", 2); /* mov ax,0xb000 */
	number = hv_slot_add(guest->hv, &slot);
	assert_true(number >= 0);
	start(guest);
	for (unsigned i = 1; i <= 50; i++) {
		wait_counts(guest, 3 * i);
		hv_slots_begin(guest->hv);
		hv_slot_remove(guest->hv, number);
		number = hv_slot_add(guest->hv, &slot);
		hv_slots_end(guest->hv);
		assert_true(number >= 0);
	}
	hv_pause(guest->hv);
	for (unsigned i = 0; i < guest->access_count; i++)
		assert_int_equal(guest->accesses[i].kind, PIO);
	guest_destroy(guest);
}

/* Stop and go. */

/** No access is lost, doubled or made while paused, however often the guest is stopped. */
static void test_pause_and_resume(void **state)
{
	struct guest *guest;

	(void)state;
	need_kvm();
	guest = GUEST(counter);
	start(guest);
	for (unsigned i = 0; i < 300; i++) {
		unsigned counts;

		if (i % 3 == 0)
			wait_counts(guest, guest->counts + 1);
		hv_pause(guest->hv);
		counts = guest->counts;
		lock_release(&guest->lock);
		sched_yield();
		lock_acquire(&guest->lock);
		assert_int_equal(guest->counts, counts);
		start(guest);
	}
	wait_counts(guest, guest->counts + 2);
	assert_false(guest->counter_broken);
	assert_int_equal(guest->done, 0);
	guest_destroy(guest);
}

/** The access that asks for a hold is the last thing its processor does, and it is complete. */
static void test_hold(void **state)
{
	struct guest *guest;
	struct hv_cpu_info info;

	(void)state;
	need_kvm();
	guest = GUEST(held);
	start(guest);
	wait_port(guest, PORT_HOLD);
	hv_pause(guest->hv);
	assert_int_equal(guest->access_count, 1);
	assert_int_equal(load_le16(ram_at(guest, RESULT, 2)), 0);
	assert_int_equal(hv_cpu_info(guest->hv, 0, &info), 0);
	assert_int_equal(info.rip, 4);
	assert_int_equal(info.gpr[0] & 0xff, 0xfe);
	start(guest);
	wait_port(guest, PORT_COUNTER);
	assert_int_equal(load_le16(ram_at(guest, RESULT, 2)), 0x1234);
	guest_destroy(guest);
}

static void test_reset(void **state)
{
	struct guest *guest;
	struct hv_cpu_info info;

	(void)state;
	need_kvm();
	guest = GUEST(once);
	for (unsigned i = 1; i <= 3; i++) {
		start(guest);
		wait_done(guest, i);
		hv_pause(guest->hv);
		assert_int_equal(hv_cpu_info(guest->hv, 0, &info), 0);
		assert_int_equal(info.gpr[1], 0x12345678);
		assert_true(info.online);
		assert_int_not_equal(info.thread_id, 0);
		hv_reset(guest->hv);
		assert_int_equal(hv_cpu_info(guest->hv, 0, &info), 0);
		assert_int_equal(info.rip, 0xfff0);
		assert_int_equal(info.gpr[1], 0);
		assert_int_equal(info.cs, 0xf000);
		assert_int_equal(info.cs_base, 0xffff0000);
		assert_int_equal(info.cr0, 0x60000010);
		assert_int_equal(info.rflags, 2);
		assert_false(info.halted);
	}
	guest_destroy(guest);
}

static void test_triple_fault(void **state)
{
	struct guest *guest;

	(void)state;
	need_kvm();
	guest = GUEST(fault);
	for (unsigned i = 1; i <= 2; i++) {
		start(guest);
		while (guest->events < i)
			wait_change(guest);
		assert_int_equal(guest->event, HV_TRIPLE_FAULT);
		assert_non_null(strstr(guest->event_text, "processor 0 shut down"));
		hv_pause(guest->hv);
		/* Without a reset it does not run on. */
		start(guest);
		hv_pause(guest->hv);
		assert_int_equal(guest->events, i);
		hv_reset(guest->hv);
	}
	guest_destroy(guest);
}

static void test_interrupt(void **state)
{
	struct guest *guest;

	(void)state;
	need_kvm();
	guest = GUEST(interrupt);
	store_le32(ram_at(guest, 4 * 0x0c, 4), 0x2000); /* vector 0x0c: 0000:2000 */
	memcpy(ram_at(guest, 0x2000, sizeof(handler_code)), handler_code, sizeof(handler_code));
	start(guest);
	wait_done(guest, 1);
	hv_set_irq(guest->hv, 4, true);
	wait_port(guest, 0x82);
	hv_set_irq(guest->hv, 4, false);
	hv_set_irq(guest->hv, 24, true);
	guest_destroy(guest);
}

/* Processors. */

/** What the second processor runs when the first wakes it with INIT and SIPI, through an x2APIC. */
static void place_second(struct guest *guest)
{
	memcpy(ram_at(guest, 0x1000, sizeof(other_code)), other_code, sizeof(other_code));
}

static void test_second_processor(void **state)
{
	struct guest *guest;
	struct hv_cpu_info info;

	(void)state;
	need_kvm();
	guest = guest_create(wake_code, sizeof(wake_code), 2, 2);
	place_second(guest);
	for (unsigned i = 0; i < 2; i++) {
		guest->access_count = 0;
		start(guest);
		wait_port(guest, 0x83);
		hv_pause(guest->hv);
		assert_int_equal(hv_cpu_info(guest->hv, 1, &info), 0);
		assert_true(info.online);
		assert_int_equal(info.cs, 0x100);
		hv_reset(guest->hv);
		assert_int_equal(hv_cpu_info(guest->hv, 1, &info), 0);
		assert_true(info.halted);
	}
	guest_destroy(guest);
}

static void test_hotplug(void **state)
{
	struct guest *guest;
	struct hv_cpu_info info;
	struct err err = { "" };

	(void)state;
	need_kvm();
	guest = guest_create(wake_code, sizeof(wake_code), 1, 3);
	place_second(guest);
	assert_int_equal(hv_cpu_info(guest->hv, 1, &info), 0);
	assert_false(info.online);
	start(guest);
	hv_pause(guest->hv);
	assert_int_equal(guest->access_count, 0);
	hv_reset(guest->hv);
	assert_int_equal(hv_cpu_set_online(guest->hv, 1, true, &err), 0);
	assert_int_equal(hv_cpu_set_online(guest->hv, 1, true, &err), 0);
	assert_int_equal(hv_cpu_info(guest->hv, 1, &info), 0);
	assert_true(info.online);
	start(guest);
	wait_port(guest, 0x83);
	assert_int_equal(hv_cpu_set_online(guest->hv, 1, false, &err), 0);
	hv_pause(guest->hv);
	assert_int_equal(hv_cpu_info(guest->hv, 1, &info), 0);
	assert_false(info.online);
	assert_int_equal(hv_cpu_set_online(guest->hv, 1, true, &err), 0);
	assert_int_equal(hv_cpu_info(guest->hv, 1, &info), 0);
	assert_true(info.halted);
	assert_int_equal(hv_cpu_set_online(guest->hv, 0, false, &err), -EBUSY);
	assert_int_equal(hv_cpu_set_online(guest->hv, 3, true, &err), -EINVAL);
	assert_int_equal(hv_cpu_info(guest->hv, 3, &info), -ENOENT);
	hv_cpu_nmi(guest->hv, 2);
	guest_destroy(guest);
}

/** Registers can be read, and slots replaced, while the guest runs. */
static void test_look_while_running(void **state)
{
	struct guest *guest;
	struct hv_cpu_info info;

	(void)state;
	need_kvm();
	guest = GUEST(counter);
	start(guest);
	for (unsigned i = 1; i <= 30; i++) {
		wait_counts(guest, 2 * i);
		assert_int_equal(hv_cpu_info(guest->hv, 0, &info), 0);
		assert_int_equal(info.cs, 0xf000);
		assert_in_range(info.rip, 6, 0x13);
	}
	hv_pause(guest->hv);
	assert_false(guest->counter_broken);
	guest_destroy(guest);
}

/* Without /dev/kvm. */

/** A processor whose state page we fill ourselves. */
struct bench {
	struct kvm_core core;
	struct kvm_vcpu vcpu;
	struct guest guest;
	union {
		struct kvm_run run;
		uint8_t bytes[2 * KVM_PAGE_BYTES];
	} shared;
};

static struct bench *bench_create(void)
{
	struct bench *bench = calloc(1, sizeof(*bench));

	assert_non_null(bench);
	lock_init(&bench->guest.lock);
	pthread_cond_init(&bench->guest.changed, NULL);
	bench->core.hv.client = client_of(&bench->guest);
	bench->vcpu.core = &bench->core;
	bench->vcpu.fd = -1;
	bench->vcpu.run = &bench->shared.run;
	bench->vcpu.run_bytes = sizeof(bench->shared);
	return bench;
}

static void expect_failure(struct bench *bench)
{
	kvm_vcpu_handle_exit(&bench->vcpu);
	assert_int_equal(bench->guest.access_count, 0);
	assert_int_equal(bench->guest.events, 1);
	assert_int_equal(bench->guest.event, HV_FAILED);
	assert_int_not_equal(bench->guest.event_text[0], 0);
	assert_true(bench->vcpu.dead);
	bench->guest.events = 0;
}

static void test_hostile_exits(void **state)
{
	static const struct {
		uint8_t size;
		uint32_t count;
		uint64_t offset;
	} ports[] = {
		{ 0, 1, 4096 },    { 3, 1, 4096 },       { 8, 1, 4096 },
		{ 1, 0, 4096 },    { 1, 4097, 4096 },    { 4, UINT32_MAX, 4096 },
		{ 4, 1024, 4097 }, { 1, 1, UINT64_MAX }, { 2, 0x80000001, 4096 },
	};
	struct bench *bench = bench_create();
	struct kvm_run *run = &bench->shared.run;

	(void)state;
	run->exit_reason = KVM_EXIT_IO;
	for (size_t i = 0; i < ARRAY_SIZE(ports); i++) {
		run->io.direction = i % 2;
		run->io.size = ports[i].size;
		run->io.count = ports[i].count;
		run->io.data_offset = ports[i].offset;
		expect_failure(bench);
	}
	run->exit_reason = KVM_EXIT_MMIO;
	run->mmio.len = 0;
	expect_failure(bench);
	run->mmio.len = 9;
	expect_failure(bench);
	run->exit_reason = 9999;
	expect_failure(bench);
	run->exit_reason = KVM_EXIT_FAIL_ENTRY;
	expect_failure(bench);
	run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
	run->internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
	run->emulation_failure.ndata = 4;
	run->emulation_failure.flags = KVM_INTERNAL_ERROR_EMULATION_FLAG_INSTRUCTION_BYTES;
	run->emulation_failure.insn_size = 255;
	expect_failure(bench);
	run->emulation_failure.insn_size = 2;
	memcpy(run->emulation_failure.insn_bytes, "\xf3\x90", 2);
	expect_failure(bench);
	assert_non_null(strstr(bench->guest.event_text, "code f3 90"));
	free(bench);
}

/** A full page of data is the most that one access can carry. */
static void test_largest_access(void **state)
{
	struct bench *bench = bench_create();
	struct kvm_run *run = &bench->shared.run;

	(void)state;
	run->exit_reason = KVM_EXIT_IO;
	run->io.direction = KVM_EXIT_IO_IN;
	run->io.port = 0x1f0;
	run->io.size = 4;
	run->io.count = 1024;
	run->io.data_offset = KVM_PAGE_BYTES;
	kvm_vcpu_handle_exit(&bench->vcpu);
	assert_int_equal(bench->guest.access_count, 1);
	assert_int_equal(bench->guest.accesses[0].count, 1024);
	assert_int_equal(bench->shared.bytes[KVM_PAGE_BYTES], 0xa0);
	assert_int_equal(bench->shared.bytes[2 * KVM_PAGE_BYTES - 1], (uint8_t)(0xa0 + 4095));
	assert_true(bench->vcpu.incomplete);
	free(bench);
}

/** The ring is drained in order over its end, each entry once, and bad lengths are passed over. */
static void test_ring(void **state)
{
	struct bench *bench = bench_create();
	struct kvm_coalesced_mmio_ring *ring = calloc(1, KVM_PAGE_BYTES);
	uint32_t capacity = (KVM_PAGE_BYTES - sizeof(*ring)) / sizeof(ring->coalesced_mmio[0]);

	(void)state;
	assert_non_null(ring);
	bench->core.ring = ring;
	ring->first = capacity - 2;
	ring->last = 3;
	for (uint32_t i = 0; i < 5; i++) {
		struct kvm_coalesced_mmio *write =
			&ring->coalesced_mmio[(capacity - 2 + i) % capacity];

		write->phys_addr = i;
		write->len = i == 3 ? 9 : 1;
		write->pio = i == 4;
		write->data[0] = (uint8_t)i;
	}
	kvm_ring_drain(&bench->core.hv);
	kvm_ring_drain(&bench->core.hv);
	assert_int_equal(bench->guest.access_count, 4);
	expect(&bench->guest, 2, (struct access){ COLLECTED, 2, false, 1, 1, 2 });
	expect(&bench->guest, 3, (struct access){ COLLECTED_PIO, 4, false, 1, 1, 4 });
	ring->first = UINT32_MAX;
	ring->last = UINT32_MAX - 1;
	kvm_ring_drain(&bench->core.hv); /* ends */
	free(ring);
	free(bench);
}

static void test_host_sentences(void **state)
{
	static const struct {
		struct kvm_host_facts facts;
		bool at_creation;
		const char *says;
	} cases[] = {
		{ { .code = ENOENT }, false, "no VT-x or AMD-V" },
		{ { .code = ENOENT, .has_vt = true }, false, "modprobe kvm-intel" },
		{ { .code = ENOENT, .has_vt = true, .is_amd = true }, false, "modprobe kvm-amd" },
		{ { .code = ENOENT, .has_kvm = true }, false, "container" },
		{ { .code = EACCES, .device_group = "kvm" }, false, "usermod -aG kvm" },
		{ { .code = EPERM }, false, "setfacl" },
		{ { .code = EMFILE }, false, "cannot open /dev/kvm: " },
		{ { .code = EBUSY }, true, "in use by another hypervisor" },
		{ { .code = EIO, .is_amd = true }, true, "switch it on in the firmware" },
		{ { .code = ENOMEM }, true, "no memory" },
		{ { .code = EINVAL }, true, "cannot create" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = { "" };
		int code = cases[i].at_creation ? kvm_host_explain_create(&cases[i].facts, &err)
						: kvm_host_explain_open(&cases[i].facts, &err);

		assert_int_equal(code, -cases[i].facts.code);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s' does not say '%s'", err.text, cases[i].says);
	}
}

static void test_bad_configurations(void **state)
{
	static const struct {
		unsigned cpus, max_cpus;
		uint64_t low_bytes, high_bytes;
	} rows[] = {
		{ 0, 1, 0, 0 },
		{ 2, 1, 0, 0 },
		{ 1, 33, 0, 0 },
		{ 1, 1, 4095, 0 },
		{ 1, 1, UINT64_C(1) << 32, 0 },
		{ 1, 1, 0, UINT64_MAX - 4095 },
	};
	struct hv_client client = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct hv_config config = { .cpus = rows[i].cpus,
					    .max_cpus = rows[i].max_cpus,
					    .low_bytes = rows[i].low_bytes,
					    .high_bytes = rows[i].high_bytes };
		struct err err = { "" };

		assert_null(hv_kvm_create(&config, &client, NULL, &err));
		assert_int_not_equal(err.text[0], 0);
	}
}

/** An AMD processor (leaf 0: "Auth") with a third-level cache, as the fifth of six cores sees it.
 */
static void test_topology(void **state)
{
	static const struct kvm_cpuid_entry2 entries[] = {
		{ .function = 0, .eax = 0xd, .ebx = 0x68747541 },
		{ .function = 1, .ebx = 0xff100800 },
		{ .function = 4, .eax = 0xffffc163 },
		{ .function = 0xb, .index = 0 },
		{ .function = 0xb, .index = 1 },
		{ .function = 0xb, .index = 2 },
		{ .function = 0x80000001 },
		{ .function = 0x80000008, .ecx = 0xffffffff },
		{ .function = 0x8000001e, .eax = 77 },
	};
	struct kvm_cpuid2 *cpuid = calloc(1, sizeof(*cpuid) + sizeof(entries));
	const struct kvm_cpuid_entry2 *e;

	(void)state;
	assert_non_null(cpuid);
	e = cpuid->entries;
	cpuid->nent = ARRAY_SIZE(entries);
	memcpy(cpuid->entries, entries, sizeof(entries));
	kvm_cpuid_place(cpuid, 4, 6);
	assert_int_equal(e[1].ebx, 0x04080800);
	assert_int_equal(e[1].edx, 1u << 28);
	assert_int_equal(e[2].eax, 7u << 26 | 7u << 14 | 0x163);
	assert_int_equal(e[3].eax, 0);
	assert_int_equal(e[3].ebx, 1);
	assert_int_equal(e[3].ecx, 0x100);
	assert_int_equal(e[3].edx, 4);
	assert_int_equal(e[4].eax, 3);
	assert_int_equal(e[4].ebx, 6);
	assert_int_equal(e[4].ecx, 0x201);
	assert_int_equal(e[5].ebx, 0);
	assert_int_equal(e[5].ecx, 2);
	assert_int_equal(e[6].ecx, 2);
	assert_int_equal(e[7].ecx, 0xffff3f05);
	assert_int_equal(e[8].eax, 4);
	kvm_cpuid_place(cpuid, 0, 1);
	assert_int_equal(e[1].ebx, 0x00010800);
	assert_int_equal(e[1].edx, 0);
	assert_int_equal(e[6].ecx, 0);
	free(cpuid);
}

/** Whether a guest's first instruction can be had at all. */
static int probe(void **state)
{
	struct hv_config config = { .cpus = 1, .max_cpus = 1, .low_bytes = RAM_BYTES };
	struct hv_client client = { 0 };
	struct hv *hv;

	(void)state;
	hv_kvm_prepare(); /* the guests below are created without */
	hv = hv_kvm_create(&config, &client, NULL, &no_kvm);
	have_kvm = hv && hv_complete(hv, &no_kvm) == 0;
	hv_destroy(hv);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hostile_exits),
		cmocka_unit_test(test_largest_access),
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_host_sentences),
		cmocka_unit_test(test_bad_configurations),
		cmocka_unit_test(test_topology),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_string_io),
		cmocka_unit_test(test_memory_access),
		cmocka_unit_test(test_collected_writes),
		cmocka_unit_test(test_early_windows),
		cmocka_unit_test(test_read_only_slot),
		cmocka_unit_test(test_dirty_log),
		cmocka_unit_test(test_slot_refusals),
		cmocka_unit_test(test_slot_transactions),
		cmocka_unit_test(test_pause_and_resume),
		cmocka_unit_test(test_hold),
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_triple_fault),
		cmocka_unit_test(test_interrupt),
		cmocka_unit_test(test_second_processor),
		cmocka_unit_test(test_hotplug),
		cmocka_unit_test(test_look_while_running),
	};

	return cmocka_run_group_tests(tests, probe, NULL);
}

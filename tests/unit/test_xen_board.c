// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The whole machine, started as Xen's toolstack does, on a fake of Xen's libraries. The test plays
 * hvmloader, SeaBIOS and a guest with Xen's drivers: what they ask of the board comes as requests.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/loop.h"
#include "dm/board_internal.h"
#include "dm/board_pc.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "tests/lib/fake_xen.h"

enum {
	RAM_BYTES = 32 << 20,
	ANSWER_MS = 10000,
	PAGE = XEN_PAGE_BYTES,
	VRAM_PAGES = (16 << 20) / PAGE,
	DISK_SECTORS = 2048,
	MAX_WORDS = 64,
};

#define VRAM_BAR UINT64_C(0xf0000000)
#define ROM_BAR  UINT64_C(0xf2000000)
#define FOUR_GIB (UINT64_C(1) << 32)

struct fixture {
	char folder[32], disk[64], line[1024];
	bool is_sata;
	char *words[MAX_WORDS];
	int count;
	char incoming[16];
	struct options options;
	struct machine *machine;
};

/* Set-up */

static void make_disk(struct fixture *f)
{
	FILE *file;

	snprintf(f->disk, sizeof(f->disk), "%s/disk.img", f->folder);
	file = fopen(f->disk, "w");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), DISK_SECTORS * 512), 0);
	fclose(file);
}

/** As libxl 4.17 does for a disk, an empty CD drive, a standard VGA and two processors. */
static void make_words(struct fixture *f, const char *boot_order, const char *processors)
{
	char *rest = NULL, disk[256];

	if (f->is_sata)
		snprintf(disk, sizeof(disk),
			 "-device ahci,id=ahci0 "
			 "-drive file=%s,if=none,id=ahcidisk-1,format=raw,cache=writeback "
			 "-device ide-hd,bus=ahci0.1,unit=0,drive=ahcidisk-1",
			 f->disk);
	else
		snprintf(disk, sizeof(disk),
			 "-drive file=%s,if=ide,index=0,media=disk,format=raw,cache=writeback",
			 f->disk);
	snprintf(f->line, sizeof(f->line),
		 "hvmdm -xen-domid %d -no-shutdown "
		 "-chardev socket,id=libxl-cmd,path=%s/qmp,server=on,wait=off "
		 "-mon chardev=libxl-cmd,mode=control -nodefaults -no-user-config -name board "
		 "-vnc none -display none -serial null -device VGA,vgamem_mb=16 -boot order=%s "
		 "-smp %s -net none -machine xenfv,suppress-vmdesc=on -m 32 "
		 "%s -drive if=none,readonly=on,id=ide-5632 "
		 "-device ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0",
		 FAKE_XEN_DOMID, f->folder, boot_order, processors, disk);
	for (char *word = strtok_r(f->line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		f->words[f->count++] = word;
}

/** Builds what the words say and lets it run. */
static void build(struct fixture *f)
{
	struct err err = { 0 };

	assert_int_equal(options_parse(&f->options, f->count, f->words, &err), OPTIONS_RUN);
	f->machine = machine_create(&f->options, &err);
	if (!f->machine || save_load_incoming(f->machine, &err) < 0)
		fail_msg("%s", err.text);
	lock_acquire(&f->machine->lock);
	assert_int_equal(machine_cont(f->machine, &err), 0);
	lock_release(&f->machine->lock);
}

static void take_apart(struct fixture *f)
{
	machine_destroy(f->machine);
	options_finish(&f->options);
}

static int set_up_with(void **state, const char *boot_order, const char *processors, bool is_sata)
{
	struct fixture *f = calloc(1, sizeof(*f));

	*state = f;
	f->is_sata = is_sata;
	strcpy(f->folder, "/tmp/hvmdm-test-XXXXXX");
	assert_non_null(mkdtemp(f->folder));
	fake_xen_begin(RAM_BYTES);
	make_disk(f);
	make_words(f, boot_order, processors);
	build(f);
	return 0;
}

static int set_up(void **state)
{
	return set_up_with(state, "dc", "2,maxcpus=2", false);
}

static int set_up_sata(void **state)
{
	return set_up_with(state, "dc", "2,maxcpus=2", true);
}

static int set_up_three_devices(void **state)
{
	return set_up_with(state, "ndc", "2,maxcpus=2", false);
}

static int set_up_one_of_two(void **state)
{
	return set_up_with(state, "dc", "1,maxcpus=2", false);
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	char command[64];

	take_apart(f);
	fake_xen_end();
	snprintf(command, sizeof(command), "rm -rf %s", f->folder);
	assert_int_equal(system(command), 0);
	free(f);
	return 0;
}

/* The guest */

static uint64_t ask(unsigned type, uint64_t address, unsigned size, bool is_read, uint64_t value)
{
	const struct xen_ioreq request = { .type = (uint8_t)type,
					   .address = address,
					   .data = value,
					   .count = 1,
					   .size = size,
					   .flags = is_read ? XEN_IOREQ_READ : 0 };
	uint64_t data;

	fake_xen_request(0, &request);
	if (!fake_xen_answered(0, ANSWER_MS, &data))
		fail_msg("no answer from %llx", (unsigned long long)address);
	return data;
}

/** Xen answers itself what no range covers, and does not send it. */
static bool is_covered(bool is_memory, uint64_t address, unsigned size)
{
	for (unsigned i = 0; i < FAKE_XEN_MAX_RANGES; i++) {
		const struct fake_xen_range *range = &fake_xen->ranges[i];

		if (range->used && range->is_memory == is_memory && range->first <= address &&
		    address + size - 1 <= range->last)
			return true;
	}
	return false;
}

static uint32_t in(uint16_t port, unsigned size)
{
	if (!is_covered(false, port, size))
		return (uint32_t)ones(size);
	return (uint32_t)ask(XEN_IOREQ_PIO, port, size, true, 0);
}

static void out(uint16_t port, uint32_t value, unsigned size)
{
	if (is_covered(false, port, size))
		ask(XEN_IOREQ_PIO, port, size, false, value);
}

static uint32_t config(unsigned devfn, unsigned offset, unsigned size)
{
	if (!fake_xen->functions[devfn])
		return (uint32_t)ones(size);
	return (uint32_t)ask(XEN_IOREQ_PCI_CONFIG, (uint64_t)devfn << 32 | offset, size, true, 0);
}

static void set_config(unsigned devfn, unsigned offset, uint32_t value, unsigned size)
{
	if (fake_xen->functions[devfn])
		ask(XEN_IOREQ_PCI_CONFIG, (uint64_t)devfn << 32 | offset, size, false, value);
}

static unsigned devfn(unsigned slot, unsigned function)
{
	return slot << 3 | function;
}

static uint8_t cmos(uint8_t index)
{
	out(0x70, index, 1);
	return (uint8_t)in(0x71, 1);
}

/** The loop's turn, for what a chip has asked of the machine. */
static void turn(struct fixture *f)
{
	loop_turn(f->machine->loop, 100);
}

/* hvmloader: tools/firmware/hvmloader/pci.c, hvmloader.c, util.c */

static void hvmloader_finds_its_board(void **state)
{
	static const struct {
		uint8_t slot, function;
		uint32_t id;
	} expected[] = {
		{ 0, 0, 0x12378086 }, { 1, 0, 0x70008086 }, { 1, 1, 0x70108086 },
		{ 1, 3, 0x71138086 }, { 2, 0, 0x00015853 }, { 3, 0, 0x11111234 },
	};
	unsigned found = 0;

	(void)state;
	for (unsigned i = 0; i < 256; i++)
		found += config(i, 0, 2) != 0xffff;
	assert_int_equal(found, ARRAY_SIZE(expected));
	for (unsigned i = 0; i < ARRAY_SIZE(expected); i++)
		assert_int_equal(config(devfn(expected[i].slot, expected[i].function), 0, 4),
				 expected[i].id);
	/* Of any function of class 0680 it asserts that it is the PIIX4's power management. */
	assert_int_equal(config(devfn(1, 3), 0x0a, 2), 0x0680);
	assert_string_equal(fake_xen_store_read("device-model/7/state"), "running");
}

static void ports_of_xen_stay_xens(void **state)
{
	/* 0x5e and 0x5f: hvmloader's test of emulated string input expects nobody there. */
	static const uint16_t theirs[] = { 0x20, 0x40,  0x43,  0x5e,  0x5f,  0x61,   0xa0,  0xe9,
					   0xed, 0x402, 0x4d0, 0x510, 0x511, 0xb000, 0xb008 };
	static const uint16_t ours[] = { 0x60,  0x64,  0x70,  0x71,  0x92,   0xb2,   0x1f0,
					 0x3d4, 0x3f8, 0xcf8, 0xcf9, 0xae00, 0xaf00, 0xafe0 };

	(void)state;
	for (unsigned i = 0; i < ARRAY_SIZE(theirs); i++)
		if (is_covered(false, theirs[i], 1))
			fail_msg("port %x is claimed", theirs[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(ours); i++)
		if (!is_covered(false, ours[i], 1))
			fail_msg("port %x is not served", ours[i]);
	assert_true(is_covered(true, 0xa0000, 0x20000));
	assert_false(is_covered(true, 0xfed00000, 4));
	/* Xen keeps the address of configuration cycles, but does not answer when it is read. */
	out(0xcf8, 0x80000040, 4);
	assert_int_equal(in(0xcf8, 4), 0x80000040);
}

static void acpi_is_switched_on_and_sees_no_phantoms(void **state)
{
	(void)state;
	set_config(devfn(1, 3), 0x40, 0xb001, 4);
	set_config(devfn(1, 3), 0x80, 1, 1);
	assert_int_equal(in(0xb004, 2) & 1, 0);
	out(0xb2, 0xf1, 1);
	assert_int_equal(in(0xb004, 2) & 1, 1);
	for (uint16_t port = 0xae00; port < 0xae10; port = (uint16_t)(port + 4))
		assert_int_equal(in(port, 4), 0);
	assert_int_equal(in(0xaf00, 1), 3);
	assert_int_equal(in(0xafe0, 2), 0);
}

/** hvmloader asserts that ACPI is on after the first; the registers are asked for in any width. */
static void acpi_is_switched_off_and_on_by_the_command_port(void **state)
{
	(void)state;
	set_config(devfn(1, 3), 0x40, 0xb001, 4);
	set_config(devfn(1, 3), 0x80, 1, 1);
	out(0xb2, 0xf1, 1);
	assert_int_equal(in(0xb2, 1), 0xf1);
	assert_int_equal(in(0xb004, 1) & 1, 1);
	out(0xb2, 0xf0, 1);
	assert_int_equal(in(0xb004, 2) & 1, 0);
	out(0xb2, 0x42, 1); /* nothing that is known */
	assert_int_equal(in(0xb004, 2) & 1, 0);
	out(0xb3, 0x5a, 1);
	assert_int_equal(in(0xb3, 1), 0x5a);
}

/** xl vcpu-set: _E02 of the guest's ACPI reads the bits of the processors that are there. */
static void a_processor_that_comes_is_an_event(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	set_config(devfn(1, 3), 0x40, 0xb001, 4);
	set_config(devfn(1, 3), 0x80, 1, 1);
	out(0xb2, 0xf1, 1);
	out(0xafe2, 1 << 2, 2);
	assert_int_equal(in(0xaf00, 1), 1);
	lock_acquire(&f->machine->lock);
	assert_int_equal(hv_cpu_set_online(f->machine->hv, 1, true, &err), 0);
	board_announce_cpu(f->machine->board, 1, true);
	lock_release(&f->machine->lock);
	assert_int_equal(in(0xaf00, 1), 3);
	assert_int_equal(in(0xafe0, 1), 1 << 2);
	assert_true(fake_xen->isa_levels[9]);
	out(0xaf00, 0, 1); /* read-only */
	assert_int_equal(in(0xaf00, 1), 3);
	out(0xafe0, 1 << 2, 1);
	assert_int_equal(in(0xafe0, 1), 0);
	assert_false(fake_xen->isa_levels[9]);
}

/** A guest's ACPI that wants to eject finds that there is nothing to: no slot comes or goes. */
static void no_slot_can_be_plugged(void **state)
{
	(void)state;
	out(0xae08, UINT32_MAX, 4);
	out(0xae00, UINT32_MAX, 4);
	for (uint16_t port = 0xae00; port < 0xae10; port = (uint16_t)(port + 4))
		assert_int_equal(in(port, 4), 0);
	assert_int_equal(in(0xafe0, 2), 0);
	assert_int_equal(config(devfn(3, 0), 0, 4), 0x11111234);
}

static void seabios_reads_the_boot_order(void **state)
{
	(void)state;
	assert_int_equal(cmos(0x3d), 0x23);
	assert_int_equal(cmos(0x38) & 1, 0);
	assert_int_equal(cmos(0x0f), 0);
}

/** Three devices, and what else the toolstack's firmware reads from 0x0e on. */
static void seabios_reads_the_other_bytes(void **state)
{
	(void)state;
	assert_int_equal(cmos(0x3d), 0x34);
	assert_int_equal(cmos(0x38) >> 4, 2);
	assert_int_equal(cmos(0x10), 0);           /* no floppy drives */
	assert_int_equal(cmos(0x14) & 0xc7, 0x06); /* floating point, a mouse */
	assert_int_equal(cmos(0x32), 0x20);        /* the century, which Xen's clock has not */
	assert_int_equal(cmos(0x5f), 1);           /* processors beside the first */
	/* What hvmloader leaves for later. */
	out(0x70, 0x35, 1);
	out(0x71, 0x12, 1);
	assert_int_equal(cmos(0x35), 0x12);
}

static void pirq_links_are_xens(void **state)
{
	(void)state;
	set_config(devfn(1, 0), 0x60, 0x050a0b0a, 4);
	assert_int_equal(fake_xen->links[0], 10);
	assert_int_equal(fake_xen->links[3], 5);
	set_config(devfn(1, 0), 0x61, 0x80, 1);
	assert_int_equal(fake_xen->links[1], 0);
}

static void video_ram_and_rom_come_where_they_are_put(void **state)
{
	unsigned vga = devfn(3, 0);

	(void)state;
	assert_non_null(fake_xen_page(FOUR_GIB / PAGE));
	set_config(vga, 4, 0, 2);
	set_config(vga, 0x10, UINT32_MAX, 4);
	assert_int_equal(config(vga, 0x10, 4), 0xff000008);
	set_config(vga, 0x10, VRAM_BAR, 4);
	set_config(vga, 0x30, 0xfffffffe, 4);
	assert_int_equal(config(vga, 0x30, 4) & 1, 0);
	set_config(vga, 4, 3, 2);
	assert_null(fake_xen_page(FOUR_GIB / PAGE));
	assert_non_null(fake_xen_page(VRAM_BAR / PAGE));
	assert_non_null(fake_xen_page(VRAM_BAR / PAGE + VRAM_PAGES - 1));
	/* SeaBIOS' map_pcirom: reads the image by accesses. */
	set_config(vga, 0x30, ROM_BAR | 1, 4);
	assert_true(is_covered(true, ROM_BAR, 0x8000));
	assert_int_equal(ask(XEN_IOREQ_COPY, ROM_BAR, 2, true, 0), 0xaa55);
	ask(XEN_IOREQ_COPY, ROM_BAR, 2, false, 0);
	assert_int_equal(ask(XEN_IOREQ_COPY, ROM_BAR, 2, true, 0), 0xaa55);
	set_config(vga, 0x30, 0, 4);
	assert_false(is_covered(true, ROM_BAR, 1));
}

static void buffered_writes_reach_vga_memory(void **state)
{
	(void)state;
	/* Alphanumeric memory, as the VGA BIOS sets it up for mode 3. */
	out(0x3c4, 0x0204, 2);
	out(0x3c4, 0x0704, 2);
	fake_xen_buffer(XEN_IOREQ_COPY | UINT64_C(0xa0123) << XEN_RING_ADDRESS_SHIFT |
			UINT64_C(0x5a) << XEN_RING_DATA_SHIFT);
	out(0x3c4, 0x0f02, 2);
	assert_int_equal(fake_xen_ring()->read_pointer, 1);
	assert_int_equal(ask(XEN_IOREQ_COPY, 0xa0123, 1, true, 0) & ~0xffu, 0);
}

/* A guest */

static void a_disk_transfer_ends_in_the_guests_memory(void **state)
{
	const struct xen_ioreq identify = { .type = XEN_IOREQ_PIO,
					    .address = 0x1f0,
					    .data = 0x2f80,
					    .count = 256,
					    .size = 2,
					    .flags = XEN_IOREQ_READ | XEN_IOREQ_POINTER };

	(void)state;
	out(0x1f6, 0xa0, 1);
	out(0x1f7, 0xec, 1);
	assert_true(fake_xen->isa_levels[14]);
	assert_int_equal(in(0x1f7, 1) & 0x88, 0x08);
	assert_false(fake_xen->isa_levels[14]);
	fake_xen_request(0, &identify);
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
	/* Words 60 and 61: the number of sectors, across a page's end. */
	assert_int_equal(fake_xen_page(2)[0xf80 + 120] | fake_xen_page(2)[0xf80 + 121] << 8,
			 DISK_SECTORS);
	assert_int_equal(in(0x1f7, 1) & 0x88, 0);
}

static void disks_are_unplugged_and_cdroms_are_not(void **state)
{
	(void)state;
	assert_int_equal(in(0x10, 2), 0x49d2);
	assert_int_equal(in(0x12, 1), 1);
	out(0x1f6, 0xa0, 1);
	assert_int_equal(in(0x1f7, 1) & 0x40, 0x40);
	out(0x10, 3, 2);
	out(0x1f6, 0xa0, 1);
	assert_int_equal(in(0x1f7, 1) & 0x40, 0);
	out(0x176, 0xa0, 1);
	out(0x177, 0x08, 1);
	assert_int_equal(in(0x174, 1), 0x14);
	assert_int_equal(config(devfn(1, 1), 0, 4), 0x70108086);
}

static void write_without_answer(uint16_t port, uint32_t value, unsigned size)
{
	const struct xen_ioreq request = {
		.address = port, .data = value, .count = 1, .size = size
	};

	fake_xen_request(0, &request);
	assert_false(fake_xen_answered(0, 30, NULL));
}

static void power_off_is_reported_before_the_guest_runs_on(void **state)
{
	struct fixture *f = *state;

	set_config(devfn(1, 3), 0x40, 0xb001, 4);
	set_config(devfn(1, 3), 0x80, 1, 1);
	write_without_answer(0xb004, 0x2000, 2);
	assert_int_equal(fake_xen->shutdown_reason, -1);
	turn(f);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_POWER_OFF);
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
	assert_int_equal(f->machine->status, MACHINE_SHUTDOWN);
	assert_false(f->machine->quitting);
}

static void a_reset_is_the_toolstacks(void **state)
{
	struct fixture *f = *state;

	write_without_answer(0xcf9, 0x06, 1);
	turn(f);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_REBOOT);
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
	assert_int_equal(f->machine->status, MACHINE_SHUTDOWN);
	assert_false(f->machine->quitting);
}

static void so_is_one_that_control_asks_for(void **state)
{
	struct fixture *f = *state;

	lock_acquire(&f->machine->lock);
	machine_reset(f->machine, "host-qmp-system-reset");
	machine_reset(f->machine, "host-qmp-system-reset");
	lock_release(&f->machine->lock);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_REBOOT);
	assert_int_equal(f->machine->status, MACHINE_SHUTDOWN);
}

static void a_failure_is_a_crash(void **state)
{
	struct fixture *f = *state;

	lock_acquire(&f->machine->lock);
	machine_fail(f->machine, "this failure is a test");
	lock_release(&f->machine->lock);
	turn(f);
	assert_int_equal(fake_xen->shutdown_reason, HV_REASON_CRASH);
	assert_int_equal(f->machine->status, MACHINE_INTERNAL_ERROR);
}

/* Saving: what libxl and libxc do when they save a guest or move it */

enum {
	RAM_PAGES = RAM_BYTES / PAGE,
	COPY_PAGES = RAM_PAGES + VRAM_PAGES,
	BUS_MASTER = 0xc000,
	TABLE_PAGE = 16,
	DMA_PAGE = 32,
	DMA_SECTORS = 20,
};

/** The gfn of each page that is copied: RAM, then the video RAM under its BAR. */
static uint64_t copied_gfn(unsigned index)
{
	return index < RAM_PAGES ? index : VRAM_BAR / PAGE + index - RAM_PAGES;
}

static void copy_page(uint8_t *copy, unsigned index)
{
	const uint8_t *page = fake_xen_page(copied_gfn(index));

	if (page)
		memcpy(copy + (size_t)index * PAGE, page, PAGE);
}

static void copy_reported(uint8_t *copy)
{
	assert_true(fake_xen->modified_count < FAKE_XEN_MAX_REPORTS);
	for (unsigned i = 0; i < fake_xen->modified_count; i++)
		for (unsigned index = 0; index < COPY_PAGES; index++)
			if (copied_gfn(index) - fake_xen->modified[i].first <
			    fake_xen->modified[i].pages)
				copy_page(copy, index);
}

static void set_dirty_log(struct fixture *f, bool on)
{
	lock_acquire(&f->machine->lock);
	hv_set_dirty_log(f->machine->hv, on);
	lock_release(&f->machine->lock);
}

static void stop(struct fixture *f)
{
	lock_acquire(&f->machine->lock);
	machine_stop(f->machine);
	lock_release(&f->machine->lock);
}

static void enable_cards(void)
{
	set_config(devfn(3, 0), 0x10, VRAM_BAR, 4);
	set_config(devfn(3, 0), 4, 3, 2);
	set_config(devfn(1, 1), 0x20, BUS_MASTER, 4);
	set_config(devfn(1, 1), 4, 5, 2);
}

static void fill_disk(const struct fixture *f)
{
	FILE *file = fopen(f->disk, "r+");

	assert_non_null(file);
	for (unsigned i = 0; i < DISK_SECTORS * 512 / 4; i++)
		assert_int_equal(fwrite(&i, sizeof(i), 1, file), 1);
	fclose(file);
}

/** READ DMA of the disk's first sectors, of which nobody waits for the end. */
static void start_disk_read(void)
{
	uint32_t *table = (uint32_t *)(void *)fake_xen_page(TABLE_PAGE);

	table[0] = DMA_PAGE * PAGE + 0x800;
	table[1] = UINT32_C(1) << 31 | DMA_SECTORS * 512;
	out(BUS_MASTER + 4, TABLE_PAGE * PAGE, 4);
	out(BUS_MASTER + 2, 6, 1);
	out(BUS_MASTER, 8, 1);
	out(0x1f6, 0xe0, 1);
	out(0x1f2, DMA_SECTORS, 1);
	out(0x1f3, 0, 1);
	out(0x1f4, 0, 1);
	out(0x1f5, 0, 1);
	out(0x1f7, 0xc8, 1);
	out(BUS_MASTER, 9, 1);
}

static void draw(void)
{
	out(0x3c2, 0x67, 1);
	out(0x3ce, 0xff08, 2);
	out(0x3c4, 0x0604, 2);
	out(0x3c4, 0x0302, 2);
	for (unsigned i = 0; i < 8; i++)
		fake_xen_buffer(XEN_IOREQ_COPY | (uint64_t)(0xa0123 + i) << XEN_RING_ADDRESS_SHIFT |
				(uint64_t)(0x5a + i) << XEN_RING_DATA_SHIFT);
}

/** The guest's memory is copied while it works; what is reported is copied again when it stands
 * still, and then the copy is the guest's memory. */
static void a_copy_of_the_memory_is_whole(void **state)
{
	struct fixture *f = *state;
	const struct xen_ioreq identify = { .type = XEN_IOREQ_PIO,
					    .address = 0x1f0,
					    .data = 0x2f80,
					    .count = 256,
					    .size = 2,
					    .flags = XEN_IOREQ_READ | XEN_IOREQ_POINTER };
	uint8_t *copy = calloc(COPY_PAGES, PAGE);

	fill_disk(f);
	enable_cards();
	set_dirty_log(f, true);
	assert_int_equal(fake_xen->modified_count, 0);
	for (unsigned i = 0; i < COPY_PAGES; i++)
		copy_page(copy, i);
	draw();
	out(0x1f6, 0xa0, 1);
	out(0x1f7, 0xec, 1);
	fake_xen_request(0, &identify);
	assert_true(fake_xen_answered(0, ANSWER_MS, NULL));
	start_disk_read();
	/* What the guest itself writes is Xen's to see. */
	copy_page(copy, TABLE_PAGE);
	stop(f);
	assert_int_equal(fake_xen_page(DMA_PAGE)[0x804], 1);
	assert_memory_not_equal(copy + (size_t)RAM_PAGES * PAGE, fake_xen_page(VRAM_BAR / PAGE),
				PAGE);
	copy_reported(copy);
	for (unsigned i = 0; i < COPY_PAGES; i++)
		if (fake_xen_page(copied_gfn(i)))
			assert_memory_equal(copy + (size_t)i * PAGE, fake_xen_page(copied_gfn(i)),
					    PAGE);
	set_dirty_log(f, false);
	free(copy);
}

static int saved_state(struct fixture *f)
{
	int fd = memfd_create("saved", MFD_CLOEXEC);
	struct err err = { 0 };

	assert_true(fd >= 0);
	lock_acquire(&f->machine->lock);
	if (save_to_fd(f->machine, fd, true, &err) < 0)
		fail_msg("%s", err.text);
	lock_release(&f->machine->lock);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/** Another device model takes over; the guest's memory is there, with its video RAM. */
static void continue_with(struct fixture *f, int fd)
{
	take_apart(f);
	memset(fake_xen->functions, 0, sizeof(fake_xen->functions));
	fake_xen_store_remove("device-model/7/state");
	snprintf(f->incoming, sizeof(f->incoming), "fd:%d", fd);
	f->count = 0;
	make_words(f, "dc", "2,maxcpus=2");
	f->words[f->count++] = "-incoming";
	f->words[f->count++] = f->incoming;
	build(f);
}

static void move_to_another_process(struct fixture *f)
{
	continue_with(f, saved_state(f));
}

static void a_saved_guest_goes_on_with_another_process(void **state)
{
	struct fixture *f = *state;
	uint8_t *video = NULL;

	fill_disk(f);
	enable_cards();
	set_config(devfn(1, 3), 0x40, 0xb001, 4);
	set_config(devfn(1, 3), 0x80, 1, 1);
	out(0xb2, 0xf1, 1);
	out(0x70, 0x51, 1);
	out(0x71, 0xa5, 1);
	out(0x64, 0xd2, 1); /* as if a key had come */
	out(0x60, 0x1c, 1);
	draw();
	start_disk_read();
	stop(f);
	assert_true(fake_xen->isa_levels[14]);
	fake_xen->isa_levels[12] = true; /* one that Xen has and the board does not */
	move_to_another_process(f);
	assert_string_equal(fake_xen_store_read("device-model/7/state"), "running");
	assert_true(fake_xen->isa_levels[14]);
	assert_false(fake_xen->isa_levels[12]);
	video = fake_xen_page(VRAM_BAR / PAGE);
	assert_non_null(video);
	assert_null(fake_xen_page(FOUR_GIB / PAGE));
	assert_int_equal(config(devfn(3, 0), 0x10, 4), VRAM_BAR | 8);
	assert_int_equal(in(0xb004, 2) & 1, 1);
	assert_int_equal(in(0x71, 1), 0xa5);
	assert_int_equal(in(0x60, 1), 0x1c);
	assert_int_equal(in(BUS_MASTER + 2, 1) & 7, 4);
	assert_int_equal(in(0x1f7, 1) & 0x89, 0);
	assert_int_equal(fake_xen_page(DMA_PAGE)[0x804], 1);
	/* What is written from now on is seen in the same pages. */
	video[0x20] = 0;
	out(0x3c4, 0x0102, 2);
	ask(XEN_IOREQ_COPY, 0xa0008, 1, false, 0x77);
	assert_int_equal(ask(XEN_IOREQ_COPY, 0xa0008, 1, true, 0), 0x77);
}

/* libxl's client: a connection for each group of commands, ids and lines as it sends them, a
 * descriptor with the first byte of its command. */

static int qmp_connect(struct fixture *f)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_true(fd >= 0);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/qmp", f->folder);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void qmp_send(int fd, const char *text, int passed)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)text, 1 };
	struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *header;

	if (passed >= 0) {
		message.msg_control = control;
		message.msg_controllen = sizeof(control);
		header = CMSG_FIRSTHDR(&message);
		header->cmsg_level = SOL_SOCKET;
		header->cmsg_type = SCM_RIGHTS;
		header->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(header), &passed, sizeof(int));
		assert_int_equal(sendmsg(fd, &message, 0), 1);
		text++;
	}
	assert_int_equal(send(fd, text, strlen(text), 0), strlen(text));
}

/** Waits for a line with 'words'; events may come before it. */
static void qmp_expect(struct fixture *f, int fd, const char *words)
{
	char text[4096];
	size_t have = 0;

	for (unsigned i = 0; i < 200; i++) {
		ssize_t count = recv(fd, text + have, sizeof(text) - 1 - have, 0);

		have += count > 0 ? (size_t)count : 0;
		text[have] = '\0';
		if (strstr(text, words) && text[have - 1] == '\n')
			return;
		assert_null(strstr(text, "\"error\""));
		loop_turn(f->machine->loop, 50);
	}
	fail_msg("no '%s': %s", words, text);
}

static int qmp_begin(struct fixture *f)
{
	int fd = qmp_connect(f);

	qmp_expect(f, fd, "\"QMP\"");
	qmp_send(fd, "{\"execute\":\"qmp_capabilities\",\"id\":2020372737}\r\n", -1);
	qmp_expect(f, fd, "{\"return\": {}, \"id\": 2020372737}\r\n");
	return fd;
}

static void say(struct fixture *f, const char *command, const char *words)
{
	int fd = qmp_begin(f);

	qmp_send(fd, command, -1);
	qmp_expect(f, fd, words);
	close(fd);
}

static void the_toolstacks_dialogue_of_a_save(void **state)
{
	static const char done[] = "{\"return\": {}, \"id\": 2020372736}\r\n";
	struct fixture *f = *state;
	char path[64];
	int fd, file;

	enable_cards();
	say(f, "{\"execute\":\"query-cpus-fast\",\"id\":2020372736}\r\n", "\"cpu-index\": 1");
	say(f,
	    "{\"execute\":\"xen-set-global-dirty-log\",\"id\":2020372736,\"arguments\":"
	    "{\"enable\":true}}\r\n",
	    done);
	fd = qmp_begin(f);
	qmp_send(fd, "{\"execute\":\"stop\",\"id\":2020372736}\r\n", -1);
	qmp_expect(f, fd, done);
	assert_int_equal(fake_xen->modified_first, VRAM_BAR / PAGE);
	snprintf(path, sizeof(path), "%s/state", f->folder);
	file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(file >= 0);
	qmp_send(fd, "{\"execute\":\"add-fd\",\"id\":2020372738}\r\n", file);
	close(file);
	qmp_expect(f, fd, "\"fdset-id\": 0}, \"id\": 2020372738}\r\n");
	qmp_send(fd,
		 "{\"execute\":\"xen-save-devices-state\",\"id\":2020372739,\"arguments\":"
		 "{\"live\":false,\"filename\":\"/dev/fdset/0\"}}\r\n",
		 -1);
	qmp_expect(f, fd, "{\"return\": {}, \"id\": 2020372739}\r\n");
	close(fd);
	say(f,
	    "{\"execute\":\"xen-set-global-dirty-log\",\"id\":2020372736,\"arguments\":"
	    "{\"enable\":false}}\r\n",
	    done);
	file = open(path, O_RDONLY);
	assert_true(file >= 0);
	continue_with(f, file);
	assert_int_equal(config(devfn(3, 0), 0x10, 4), VRAM_BAR | 8);
}

/** As libxl restores a guest whose card does not show its memory just then. */
static void video_ram_that_no_bar_shows_is_found(void **state)
{
	struct fixture *f = *state;

	enable_cards();
	draw();
	set_config(devfn(3, 0), 4, 0, 2);
	stop(f);
	assert_non_null(fake_xen_page(VRAM_BAR / PAGE));
	move_to_another_process(f);
	assert_non_null(fake_xen_page(VRAM_BAR / PAGE));
	set_config(devfn(3, 0), 0x10, VRAM_BAR + VRAM_PAGES * PAGE, 4);
	set_config(devfn(3, 0), 4, 3, 2);
	assert_null(fake_xen_page(VRAM_BAR / PAGE));
	assert_non_null(fake_xen_page(VRAM_BAR / PAGE + VRAM_PAGES));
}

static void what_was_unplugged_stays_out(void **state)
{
	struct fixture *f = *state;

	out(0x10, 3, 2);
	stop(f);
	move_to_another_process(f);
	out(0x1f6, 0xa0, 1);
	assert_int_equal(in(0x1f7, 1) & 0x40, 0);
	assert_null(f->machine->board->disks[0]);
	assert_int_equal(in(0x10, 2), 0x49d2);
}

/** The link's state at port 1 of the SATA adapter, which is behind the display card. */
static unsigned sata_link(void)
{
	set_config(devfn(4, 0), 0x24, 0xf3000000, 4);
	set_config(devfn(4, 0), 4, 6, 2);
	return (unsigned)ask(XEN_IOREQ_COPY, 0xf3000000 + 0x180 + 0x28, 4, true, 0);
}

static void disks_at_sata_ports_are_unplugged_too(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(config(devfn(4, 0), 0, 4), 0x29228086);
	assert_int_equal(sata_link(), 0x123);
	out(0x10, 3, 2);
	assert_int_equal(sata_link(), 0);
	assert_null(f->machine->board->disks[5]);
	stop(f);
	move_to_another_process(f);
	assert_int_equal(sata_link(), 0);
	assert_null(f->machine->board->disks[5]);
}

static void a_guest_that_sleeps_is_woken_before_it_is_saved(void **state)
{
	struct fixture *f = *state;
	struct err err = { 0 };

	f->machine->status = MACHINE_SUSPENDED;
	assert_int_equal(save_to_fd(f->machine, -1, true, &err), -EINVAL);
	assert_non_null(strstr(err.text, "wake it"));
	f->machine->status = MACHINE_RUNNING;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(hvmloader_finds_its_board),
		TEST(ports_of_xen_stay_xens),
		TEST(acpi_is_switched_on_and_sees_no_phantoms),
		TEST(acpi_is_switched_off_and_on_by_the_command_port),
		cmocka_unit_test_setup_teardown(a_processor_that_comes_is_an_event,
						set_up_one_of_two, tear_down),
		TEST(no_slot_can_be_plugged),
		TEST(seabios_reads_the_boot_order),
		cmocka_unit_test_setup_teardown(seabios_reads_the_other_bytes, set_up_three_devices,
						tear_down),
		TEST(pirq_links_are_xens),
		TEST(video_ram_and_rom_come_where_they_are_put),
		TEST(buffered_writes_reach_vga_memory),
		TEST(a_disk_transfer_ends_in_the_guests_memory),
		TEST(disks_are_unplugged_and_cdroms_are_not),
		cmocka_unit_test_setup_teardown(disks_at_sata_ports_are_unplugged_too, set_up_sata,
						tear_down),
		TEST(power_off_is_reported_before_the_guest_runs_on),
		TEST(a_reset_is_the_toolstacks),
		TEST(so_is_one_that_control_asks_for),
		TEST(a_failure_is_a_crash),
		TEST(a_copy_of_the_memory_is_whole),
		TEST(a_saved_guest_goes_on_with_another_process),
		TEST(the_toolstacks_dialogue_of_a_save),
		TEST(video_ram_that_no_bar_shows_is_found),
		TEST(what_was_unplugged_stays_out),
		TEST(a_guest_that_sleeps_is_woken_before_it_is_saved),
	};

	if (access("/usr/share/seabios/vgabios-stdvga.bin", R_OK) < 0) {
		puts("skipped: the VGA BIOS (package seabios) is not there");
		return 77;
	}
	return cmocka_run_group_tests_name("xen_board", tests, NULL, NULL);
}

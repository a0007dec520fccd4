// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/ssdt.h"

#include <string.h>

#include "base/bits.h"
#include "firmware/aml.h"
#include "firmware/board.h"

enum {
	SLOTS = 32,
	PINS = 4,
	FIRST_SLOT = 1, /* slot 0 is the host bridge */
	ANY_FUNCTION = 0xffff,
	SLP_TYP_S3 = 1,
	SLP_TYP_S4 = 2,
	NOTIFY_ARGUMENTS = 2,
};

/** Resource descriptors, ACPI 2.0c 6.4. */
enum resource {
	RESOURCE_IO = 0x47,
	RESOURCE_IO_DECODE16 = 1,
	RESOURCE_DWORD = 0x87,
	RESOURCE_WORD = 0x88,
	RESOURCE_QWORD = 0x8a,
	RESOURCE_END = 0x79,
	RESOURCE_MEMORY = 0, /* types */
	RESOURCE_PORTS = 1,
	RESOURCE_BUS = 2,
	RESOURCE_FIXED = 0x0c,            /* producer, positive decode, both ends fixed */
	RESOURCE_MEMORY_UNCACHED = 0x01,  /* read-write */
	RESOURCE_MEMORY_CACHEABLE = 0x03, /* read-write */
	RESOURCE_ENTIRE_RANGE = 0x03,
	PCI_CONFIG_PORTS = 0xcf8,
	PCI_CONFIG_PORT_COUNT = 8,
	VGA_WINDOW = 0xa0000,
	VGA_WINDOW_END = 0xbffff,
};

/** The last byte of the 32-bit window: the I/O APIC's page and what follows is the board's. */
static const uint32_t pci_window_end = BOARD_IOAPIC_BASE - 1;

/* The root bridge's windows */

struct template
{
	uint8_t *bytes;
	size_t length;
};

static void put(struct template *out, unsigned size, uint64_t value)
{
	for (unsigned i = 0; i < size; i++)
		out->bytes[out->length++] = (uint8_t)(value >> (8 * i));
}

/** An address space descriptor (6.4.3.5) with fields of 'width' bytes. */
static void put_window(struct template *out, enum resource tag, unsigned width, enum resource type,
		       unsigned type_flags, uint64_t first, uint64_t last)
{
	put(out, 1, tag);
	put(out, 2, 3 + 5 * width);
	put(out, 1, type);
	put(out, 1, RESOURCE_FIXED);
	put(out, 1, type_flags);
	put(out, width, 0); /* granularity */
	put(out, width, first);
	put(out, width, last);
	put(out, width, 0); /* translation */
	put(out, width, last - first + 1);
}

static void put_config_ports(struct template *out)
{
	put(out, 1, RESOURCE_IO);
	put(out, 1, RESOURCE_IO_DECODE16);
	put(out, 2, PCI_CONFIG_PORTS);
	put(out, 2, PCI_CONFIG_PORTS);
	put(out, 1, 1); /* alignment */
	put(out, 1, PCI_CONFIG_PORT_COUNT);
}

static uint32_t pci_window_start(const struct firmware_board *board)
{
	uint64_t start = board->pci_hole_base ? board->pci_hole_base : board->low_bytes;

	/* A page below the end remains if RAM fills everything: an empty window would be malformed.
	 */
	return (uint32_t)min_u64(align_up(start, 4096), pci_window_end & ~UINT32_C(4095));
}

size_t ssdt_put_windows(const struct firmware_board *board, uint8_t windows[SSDT_MAX_WINDOWS])
{
	struct template out = { windows, 0 };

	put_window(&out, RESOURCE_WORD, 2, RESOURCE_BUS, 0, 0, 0xff);
	put_config_ports(&out);
	put_window(&out, RESOURCE_WORD, 2, RESOURCE_PORTS, RESOURCE_ENTIRE_RANGE, 0,
		   PCI_CONFIG_PORTS - 1);
	put_window(&out, RESOURCE_WORD, 2, RESOURCE_PORTS, RESOURCE_ENTIRE_RANGE,
		   PCI_CONFIG_PORTS + PCI_CONFIG_PORT_COUNT, UINT16_MAX);
	put_window(&out, RESOURCE_DWORD, 4, RESOURCE_MEMORY, RESOURCE_MEMORY_CACHEABLE, VGA_WINDOW,
		   VGA_WINDOW_END);
	put_window(&out, RESOURCE_DWORD, 4, RESOURCE_MEMORY, RESOURCE_MEMORY_UNCACHED,
		   pci_window_start(board), pci_window_end);
	if (board->pci64_bytes)
		put_window(&out, RESOURCE_QWORD, 8, RESOURCE_MEMORY, RESOURCE_MEMORY_UNCACHED,
			   board->pci64_base, board->pci64_base + board->pci64_bytes - 1);
	put(&out, 1, RESOURCE_END);
	put(&out, 1, 0); /* no checksum */
	return out.length;
}

/* Interrupt routing */

/** An entry of a routing table: slot, pin, and a link with index 0, or no link and a global
 * interrupt. */
static void put_route(struct blob *out, unsigned slot, unsigned pin, const char *link, unsigned gsi)
{
	struct aml_object entry = aml_begin_package(out, 4);

	aml_integer(out, (uint32_t)slot << 16 | ANY_FUNCTION);
	aml_integer(out, pin);
	if (link)
		aml_path(out, link);
	else
		aml_integer(out, 0);
	aml_integer(out, gsi);
	aml_end(out, entry);
}

static void put_routing(const struct firmware_board *board, struct blob *out, bool apic)
{
	static const char *const links[PINS] = { "LNKA", "LNKB", "LNKC", "LNKD" };
	struct aml_object table;

	aml_name(out, apic ? "PRTA" : "PRTP");
	table = aml_begin_package(out, (SLOTS - FIRST_SLOT) * PINS);
	for (unsigned slot = FIRST_SLOT; slot < SLOTS; slot++) {
		for (unsigned pin = 0; pin < PINS; pin++) {
			unsigned link = (slot + pin + board->pirq_rotation) % PINS;
			unsigned gsi = BOARD_FIRST_PCI_GSI +
				       (slot + pin) % (BOARD_IOAPIC_PINS - BOARD_FIRST_PCI_GSI);

			if (apic)
				put_route(out, slot, pin, NULL, gsi);
			else
				put_route(out, slot, pin, links[link], 0);
		}
	}
	aml_end(out, table);
}

/* The board */

static unsigned board_flags(const struct firmware_board *board)
{
	unsigned flags = 0;

	if (board->hpet)
		flags |= BOARD_FLAG_HPET;
	if (board->floppy_controller)
		flags |= BOARD_FLAG_FLOPPY;
	if (board->parallel)
		flags |= BOARD_FLAG_PARALLEL;
	for (unsigned i = 0; i < BOARD_SERIAL_PORTS; i++) {
		if (board->serial[i])
			flags |= (unsigned)BOARD_FLAG_SERIAL << i;
	}
	return flags;
}

static void put_sleep_state(struct blob *out, const char *name, unsigned slp_typ)
{
	struct aml_object package;

	aml_name(out, name);
	package = aml_begin_package(out, 4);
	aml_integer(out, slp_typ); /* for PM1a_CNT, PM1b_CNT */
	aml_integer(out, slp_typ);
	aml_integer(out, 0);
	aml_integer(out, 0);
	aml_end(out, package);
}

void ssdt_build_board(const struct firmware_board *board, struct blob *out)
{
	uint8_t windows[SSDT_MAX_WINDOWS];
	size_t length = ssdt_put_windows(board, windows);
	struct aml_object scope;

	aml_name(out, "\\BRDF");
	aml_integer(out, board_flags(board));
	if (!board->no_s3)
		put_sleep_state(out, "\\_S3", SLP_TYP_S3);
	if (!board->no_s4)
		put_sleep_state(out, "\\_S4", SLP_TYP_S4);
	scope = aml_begin_scope(out, "\\_SB.PCI0");
	aml_name(out, "_CRS");
	aml_buffer(out, windows, length);
	put_routing(board, out, false);
	put_routing(board, out, true);
	aml_end(out, scope);
}

/* Processors */

static void cpu_name(char name[5], unsigned cpu)
{
	static const char digits[] = "0123456789ABCDEF";

	name[0] = 'P';
	name[1] = 'R';
	name[2] = digits[cpu >> 4 & 15];
	name[3] = digits[cpu & 15];
	name[4] = 0;
}

/** Method (NAME) { Return (HELPER (cpu)) } */
static void put_cpu_method(struct blob *out, const char *name, const char *helper, unsigned cpu)
{
	struct aml_object method = aml_begin_method(out, name, 0);

	aml_opcode(out, AML_RETURN);
	aml_path(out, helper);
	aml_integer(out, cpu);
	aml_end(out, method);
}

static void put_cpu(struct blob *out, unsigned cpu)
{
	struct aml_object processor = aml_begin(out, AML_PROCESSOR);
	char name[5];

	cpu_name(name, cpu);
	aml_path(out, name);
	blob_put_u8(out, (uint8_t)cpu); /* as in the MADT */
	blob_put_le32(out, 0);          /* no P_BLK */
	blob_put_u8(out, 0);
	put_cpu_method(out, "_MAT", "CPMA", cpu);
	put_cpu_method(out, "_STA", "CPST", cpu);
	aml_end(out, processor);
}

static void put_known_cpus(const struct firmware_board *board, struct blob *out)
{
	struct aml_object package;

	aml_name(out, "CPON");
	package = aml_begin_package(out, board->max_cpus);
	for (unsigned i = 0; i < board->max_cpus; i++)
		aml_integer(out, i < board->cpus);
	aml_end(out, package);
}

/** Method (NTFY, 2) { If (Arg0 == 0) { Notify (PR00, Arg1) } … }: Notify takes no computed name. */
static void put_notify(const struct firmware_board *board, struct blob *out)
{
	struct aml_object method = aml_begin_method(out, "NTFY", NOTIFY_ARGUMENTS);

	for (unsigned i = 0; i < board->max_cpus; i++) {
		struct aml_object branch = aml_begin(out, AML_IF);
		char name[5];

		cpu_name(name, i);
		aml_opcode(out, AML_LEQUAL);
		aml_opcode(out, AML_ARG0);
		aml_integer(out, i);
		aml_opcode(out, AML_NOTIFY);
		aml_path(out, name);
		aml_opcode(out, AML_ARG1);
		aml_end(out, branch);
	}
	aml_end(out, method);
}

void ssdt_build_cpus(const struct firmware_board *board, struct blob *out)
{
	struct aml_object scope = aml_begin_scope(out, "\\_SB");

	for (unsigned i = 0; i < board->max_cpus; i++)
		put_cpu(out, i);
	put_known_cpus(board, out);
	put_notify(board, out);
	aml_end(out, scope);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/mptable.h"

#include "base/bits.h"
#include "firmware/board.h"

enum {
	PCI_BUS = 0,
	ISA_BUS = 1,
	IOAPIC_ID = 0,
	ISA_IRQS = 16,
	TIMER_PIN = 2,
	SLOTS = 32,
	PINS = 4,
	PROCESSOR_RESERVED = 8,
};

struct mptable {
	const struct firmware_board *board;
	struct blob *out;
	unsigned entries;
};

static void put_processor(struct mptable *table, unsigned cpu)
{
	unsigned flags = cpu < table->board->cpus ? MP_PROCESSOR_ENABLED : 0;

	blob_put_u8(table->out, MP_PROCESSOR);
	blob_put_u8(table->out, (uint8_t)cpu);
	blob_put_u8(table->out, MP_PROCESSOR_VERSION);
	blob_put_u8(table->out, (uint8_t)(cpu ? flags : flags | MP_PROCESSOR_BOOT));
	blob_put_le32(table->out, table->board->cpuid_1_eax);
	blob_put_le32(table->out, table->board->cpuid_1_edx);
	blob_put(table->out, NULL, PROCESSOR_RESERVED);
	table->entries++;
}

static void put_bus(struct mptable *table, unsigned bus, const char type[6])
{
	blob_put_u8(table->out, MP_BUS);
	blob_put_u8(table->out, (uint8_t)bus);
	blob_put(table->out, type, 6);
	table->entries++;
}

static void put_ioapic(struct mptable *table)
{
	blob_put_u8(table->out, MP_IOAPIC);
	blob_put_u8(table->out, IOAPIC_ID);
	blob_put_u8(table->out, MP_IOAPIC_VERSION);
	blob_put_u8(table->out, MP_IOAPIC_ENABLED);
	blob_put_le32(table->out, BOARD_IOAPIC_BASE);
	table->entries++;
}

static void put_interrupt(struct mptable *table, enum mp_entry entry, enum mp_entry type,
			  enum mp_entry flags, unsigned bus, unsigned source, unsigned apic,
			  unsigned pin)
{
	blob_put_u8(table->out, (uint8_t)entry);
	blob_put_u8(table->out, (uint8_t)type);
	blob_put_le16(table->out, (uint16_t)flags);
	blob_put_u8(table->out, (uint8_t)bus);
	blob_put_u8(table->out, (uint8_t)source);
	blob_put_u8(table->out, (uint8_t)apic);
	blob_put_u8(table->out, (uint8_t)pin);
	table->entries++;
}

/** ISA IRQ 0 arrives at pin 2, so 2, the cascade of the 8259s, is left out. */
static void put_isa_interrupts(struct mptable *table)
{
	static const uint16_t level_irqs = BIT(5) | BIT(BOARD_SCI) | BIT(10) | BIT(11);

	for (unsigned irq = 0; irq < ISA_IRQS; irq++) {
		bool level = level_irqs >> irq & 1;

		if (irq == TIMER_PIN)
			continue;
		put_interrupt(table, MP_IO_INTERRUPT, MP_INT, level ? MP_HIGH_LEVEL : MP_CONFORMS,
			      ISA_BUS, irq, IOAPIC_ID, irq ? irq : TIMER_PIN);
	}
}

static void put_pci_interrupts(struct mptable *table)
{
	for (unsigned slot = 1; slot < SLOTS; slot++) {
		for (unsigned pin = 0; pin < PINS; pin++)
			put_interrupt(table, MP_IO_INTERRUPT, MP_INT, MP_CONFORMS, PCI_BUS,
				      slot << 2 | pin, IOAPIC_ID,
				      BOARD_FIRST_PCI_GSI + (slot + pin) % (BOARD_IOAPIC_PINS -
									    BOARD_FIRST_PCI_GSI));
	}
}

static void put_entries(struct mptable *table)
{
	for (unsigned i = 0; i < table->board->max_cpus; i++)
		put_processor(table, i);
	put_bus(table, PCI_BUS, "PCI   ");
	put_bus(table, ISA_BUS, "ISA   ");
	put_ioapic(table);
	put_pci_interrupts(table);
	put_isa_interrupts(table);
	put_interrupt(table, MP_LOCAL_INTERRUPT, MP_EXTINT, MP_CONFORMS, ISA_BUS, 0, 0, 0);
	put_interrupt(table, MP_LOCAL_INTERRUPT, MP_NMI, MP_CONFORMS, ISA_BUS, 0, MP_ALL_LAPICS, 1);
}

static void put_floating(struct blob *out, uint32_t address)
{
	static const char signature[4] = { '_', 'M', 'P', '_' };
	size_t start = blob_put(out, signature, sizeof(signature));

	blob_put(out, NULL, MP_FLOATING_SIZE - sizeof(signature));
	blob_patch(out, start + MP_FLOATING_ADDRESS, 4, address + MP_FLOATING_SIZE);
	blob_patch(out, start + MP_FLOATING_LENGTH, 1, 1);
	blob_patch(out, start + MP_FLOATING_REVISION, 1, MP_REVISION_1_4);
	if (!out->arena->full)
		blob_patch(out, start + MP_FLOATING_CHECKSUM, 1,
			   (uint8_t)-bytes_sum(out->data + start, MP_FLOATING_SIZE));
}

static size_t put_header(struct blob *out)
{
	size_t start = blob_put(out, "PCMP", 4);

	blob_put(out, NULL, MP_OEM_ID - 4);
	blob_put(out, "HVMDM   ", MP_PRODUCT_ID - MP_OEM_ID);
	blob_put(out, "HVMDMPC     ", 12);
	blob_put(out, NULL, MP_HEADER_SIZE - MP_PRODUCT_ID - 12);
	return start;
}

void mptable_build(const struct firmware_board *board, uint32_t address, struct blob *out)
{
	struct mptable table = { board, out, 0 };
	size_t start, length;

	put_floating(out, address);
	start = put_header(out);
	put_entries(&table);
	length = out->length - start;
	blob_patch(out, start + MP_LENGTH, 2, length);
	blob_patch(out, start + MP_REVISION, 1, MP_REVISION_1_4);
	blob_patch(out, start + MP_ENTRY_COUNT, 2, table.entries);
	blob_patch(out, start + MP_LAPIC_ADDRESS, 4, BOARD_LAPIC_BASE);
	if (!out->arena->full)
		blob_patch(out, start + MP_CHECKSUM, 1,
			   (uint8_t)-bytes_sum(out->data + start, length));
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/acpi.h"

#include <stdbool.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "firmware/acpi_regs.h"
#include "firmware/board.h"
#include "firmware/loader.h"
#include "firmware/ssdt.h"

enum {
	MAX_LISTED = 8, /* tables in the RSDT */
	TABLES_ALIGNMENT = 64,
	RSDP_ALIGNMENT = 16,
	OEM_ID_SIZE = 6,
	OEM_TABLE_ID_SIZE = 8,
	TABLE_ALIGNMENT = 8,
	RSDP_REVISION_2 = 2,
};

static const char oem_id[OEM_ID_SIZE] = "HVMDM";
static const char creator_id[4] = { 'H', 'V', 'M', 'D' };

struct acpi {
	const struct firmware_board *board;
	struct blob *tables;
	uint32_t facs, dsdt, fadt, rsdt, xsdt; /* offsets in tables */
	uint32_t listed[MAX_LISTED];           /* what RSDT and XSDT point to */
	unsigned listed_count;
};

/* Tables in general */

static uint32_t begin_table(struct acpi *acpi, const char *signature, unsigned revision,
			    const char *table_id, size_t size)
{
	struct blob *tables = acpi->tables;
	size_t table;

	blob_align(tables, TABLE_ALIGNMENT);
	table = blob_put(tables, NULL, size);
	for (unsigned i = 0; i < 4; i++) {
		blob_patch(tables, table + ACPI_SIGNATURE + i, 1, (uint8_t)signature[i]);
		blob_patch(tables, table + ACPI_CREATOR_ID + i, 1, (uint8_t)creator_id[i]);
	}
	for (unsigned i = 0; i < OEM_ID_SIZE; i++)
		blob_patch(tables, table + ACPI_OEM_ID + i, 1, (uint8_t)oem_id[i]);
	for (unsigned i = 0; i < OEM_TABLE_ID_SIZE && table_id[i]; i++)
		blob_patch(tables, table + ACPI_OEM_TABLE_ID + i, 1, (uint8_t)table_id[i]);
	blob_patch(tables, table + ACPI_REVISION, 1, revision);
	blob_patch(tables, table + ACPI_OEM_REVISION, 4, 1);
	blob_patch(tables, table + ACPI_CREATOR_REVISION, 4, 1);
	return (uint32_t)table;
}

/** The table ends where the blob does. */
static void end_table(struct acpi *acpi, uint32_t table)
{
	blob_patch(acpi->tables, table + ACPI_LENGTH, 4, acpi->tables->length - table);
}

static void list_table(struct acpi *acpi, uint32_t table)
{
	if (acpi->listed_count < MAX_LISTED)
		acpi->listed[acpi->listed_count++] = table;
}

/* FACS and DSDT */

static void build_facs(struct acpi *acpi)
{
	static const char signature[4] = { 'F', 'A', 'C', 'S' };
	size_t facs = blob_put(acpi->tables, NULL, FACS_SIZE);

	for (unsigned i = 0; i < sizeof(signature); i++)
		blob_patch(acpi->tables, facs + i, 1, (uint8_t)signature[i]);
	blob_patch(acpi->tables, facs + FACS_LENGTH, 4, FACS_SIZE);
	blob_patch(acpi->tables, facs + FACS_VERSION, 1, 1);
	acpi->facs = (uint32_t)facs;
}

static void build_dsdt(struct acpi *acpi)
{
	blob_align(acpi->tables, TABLE_ALIGNMENT);
	acpi->dsdt = (uint32_t)blob_put(acpi->tables, dsdt_aml, dsdt_aml_size);
}

/* FADT */

static void put_gas(struct acpi *acpi, uint32_t at, enum acpi_gas space, unsigned bits,
		    uint64_t address)
{
	blob_patch(acpi->tables, at + GAS_SPACE, 1, (uint64_t)space);
	blob_patch(acpi->tables, at + GAS_BIT_WIDTH, 1, bits);
	blob_patch(acpi->tables, at + GAS_ADDRESS, 8, address);
}

/** A block of registers, in its old and its new form and with its length. */
static void put_block(struct acpi *acpi, uint32_t fadt, unsigned old, unsigned new,
		      unsigned length_at, unsigned port, unsigned length)
{
	blob_patch(acpi->tables, fadt + old, 4, port);
	blob_patch(acpi->tables, fadt + length_at, 1, length);
	put_gas(acpi, fadt + new, GAS_SPACE_IO, 8 * length, port);
}

static void put_fixed_hardware(struct acpi *acpi, uint32_t fadt)
{
	struct blob *tables = acpi->tables;

	put_block(acpi, fadt, FADT_PM1A_EVT_BLK, FADT_X_PM1A_EVT_BLK, FADT_PM1_EVT_LEN,
		  BOARD_PM1_EVENT, 4);
	put_block(acpi, fadt, FADT_PM1A_CNT_BLK, FADT_X_PM1A_CNT_BLK, FADT_PM1_CNT_LEN,
		  BOARD_PM1_CONTROL, 2);
	put_block(acpi, fadt, FADT_PM_TMR_BLK, FADT_X_PM_TMR_BLK, FADT_PM_TMR_LEN, BOARD_PM_TIMER,
		  4);
	put_block(acpi, fadt, FADT_GPE0_BLK, FADT_X_GPE0_BLK, FADT_GPE0_BLK_LEN, BOARD_GPE0, 4);
	blob_patch(tables, fadt + FADT_SCI_INT, 2, BOARD_SCI);
	blob_patch(tables, fadt + FADT_SMI_CMD, 4, BOARD_SMI_COMMAND);
	blob_patch(tables, fadt + FADT_ACPI_ENABLE, 1, BOARD_ACPI_ENABLE);
	blob_patch(tables, fadt + FADT_ACPI_DISABLE, 1, BOARD_ACPI_DISABLE);
	put_gas(acpi, fadt + FADT_RESET_REG, GAS_SPACE_IO, 8, BOARD_RESET_PORT);
	blob_patch(tables, fadt + FADT_RESET_VALUE, 1, BOARD_RESET_VALUE);
}

static void build_fadt(struct acpi *acpi)
{
	struct blob *tables = acpi->tables;
	uint32_t fadt = begin_table(acpi, "FACP", FADT_REVISION, "HVMDMPC", FADT_SIZE);

	blob_patch(tables, fadt + FADT_FIRMWARE_CTRL, 4, acpi->facs);
	blob_patch(tables, fadt + FADT_DSDT, 4, acpi->dsdt);
	blob_patch(tables, fadt + FADT_X_DSDT, 8, acpi->dsdt);
	put_fixed_hardware(acpi, fadt);
	blob_patch(tables, fadt + FADT_P_LVL2_LAT, 2, FADT_NO_C2);
	blob_patch(tables, fadt + FADT_P_LVL3_LAT, 2, FADT_NO_C3);
	blob_patch(tables, fadt + FADT_CENTURY, 1, FADT_CENTURY_INDEX);
	blob_patch(tables, fadt + FADT_IAPC_BOOT_ARCH, 2,
		   BOOT_ARCH_LEGACY_DEVICES | BOOT_ARCH_8042);
	blob_patch(tables, fadt + FADT_FLAGS, 4,
		   FADT_WBINVD | FADT_PROC_C1 | FADT_SLP_BUTTON | FADT_RTC_S4 | FADT_RESET_REG_SUP);
	acpi->fadt = fadt;
	end_table(acpi, fadt);
	list_table(acpi, fadt);
}

/* MADT */

static void put_override(struct blob *tables, unsigned irq, unsigned pin, unsigned flags)
{
	blob_put_u8(tables, MADT_OVERRIDE);
	blob_put_u8(tables, MADT_OVERRIDE_SIZE);
	blob_put_u8(tables, 0); /* ISA */
	blob_put_u8(tables, (uint8_t)irq);
	blob_put_le32(tables, pin);
	blob_put_le16(tables, (uint16_t)flags);
}

static void put_lapic(struct blob *tables, unsigned cpu, bool enabled)
{
	blob_put_u8(tables, MADT_LAPIC);
	blob_put_u8(tables, MADT_LAPIC_SIZE);
	blob_put_u8(tables, (uint8_t)cpu); /* ACPI id, as in the SSDT */
	blob_put_u8(tables, (uint8_t)cpu); /* APIC id */
	blob_put_le32(tables, enabled ? MADT_LAPIC_ENABLED : 0);
}

static void put_ioapic(struct blob *tables)
{
	blob_put_u8(tables, MADT_IOAPIC);
	blob_put_u8(tables, MADT_IOAPIC_SIZE);
	blob_put_u8(tables, 0); /* id */
	blob_put_u8(tables, 0);
	blob_put_le32(tables, BOARD_IOAPIC_BASE);
	blob_put_le32(tables, 0); /* first global interrupt */
}

/** NMI arrives at LINT1 of every processor. */
static void put_nmi(struct blob *tables)
{
	blob_put_u8(tables, MADT_LAPIC_NMI);
	blob_put_u8(tables, MADT_LAPIC_NMI_SIZE);
	blob_put_u8(tables, MADT_ALL_PROCESSORS);
	blob_put_le16(tables, MADT_BUS_DEFAULT);
	blob_put_u8(tables, 1);
}

static void build_madt(struct acpi *acpi)
{
	/** What PCI links may be routed to, and the SCI: these are level-triggered and active high.
	 */
	static const uint8_t level_irqs[] = { 5, BOARD_SCI, 10, 11 };
	struct blob *tables = acpi->tables;
	uint32_t madt = begin_table(acpi, "APIC", 1, "HVMDMPC", MADT_ENTRIES);

	blob_patch(tables, madt + MADT_LAPIC_ADDRESS, 4, BOARD_LAPIC_BASE);
	blob_patch(tables, madt + MADT_FLAGS, 4, MADT_PCAT_COMPAT);
	for (unsigned i = 0; i < acpi->board->max_cpus; i++)
		put_lapic(tables, i, i < acpi->board->cpus);
	put_ioapic(tables);
	put_override(tables, 0, 2, MADT_BUS_DEFAULT);
	for (size_t i = 0; i < ARRAY_SIZE(level_irqs); i++)
		put_override(tables, level_irqs[i], level_irqs[i], MADT_HIGH_LEVEL);
	put_nmi(tables);
	end_table(acpi, madt);
	list_table(acpi, madt);
}

/* Small tables */

static void build_hpet(struct acpi *acpi)
{
	uint32_t hpet = begin_table(acpi, "HPET", 1, "HVMDMPC", HPET_TABLE_SIZE);

	blob_patch(acpi->tables, hpet + HPET_BLOCK_ID, 4, HPET_BLOCK_ID_VALUE);
	put_gas(acpi, hpet + HPET_ADDRESS, GAS_SPACE_MEMORY, 64, BOARD_HPET_BASE);
	end_table(acpi, hpet);
	list_table(acpi, hpet);
}

static void build_waet(struct acpi *acpi)
{
	uint32_t waet = begin_table(acpi, "WAET", 1, "HVMDMPC", WAET_SIZE);

	blob_patch(acpi->tables, waet + WAET_FLAGS, 4, WAET_PM_TIMER_GOOD);
	end_table(acpi, waet);
	list_table(acpi, waet);
}

static void build_ssdt(struct acpi *acpi, const char *table_id,
		       void (*build)(const struct firmware_board *board, struct blob *out))
{
	uint32_t ssdt = begin_table(acpi, "SSDT", 1, table_id, ACPI_HEADER_SIZE);

	build(acpi->board, acpi->tables);
	end_table(acpi, ssdt);
	list_table(acpi, ssdt);
}

/* What points to the others */

/** The RSDT with pointers of 4 bytes, or the XSDT with 8, to all that is listed. */
static uint32_t build_root(struct acpi *acpi, const char *signature, unsigned pointer_size)
{
	unsigned listed = acpi->listed_count;
	uint32_t root = begin_table(acpi, signature, 1, "HVMDMPC",
				    ACPI_HEADER_SIZE + (size_t)listed * pointer_size);

	for (unsigned i = 0; i < listed; i++)
		blob_patch(acpi->tables, root + ACPI_HEADER_SIZE + i * pointer_size, pointer_size,
			   acpi->listed[i]);
	end_table(acpi, root);
	return root;
}

static void build_tables(struct acpi *acpi)
{
	build_facs(acpi);
	build_dsdt(acpi);
	build_fadt(acpi);
	build_madt(acpi);
	if (acpi->board->hpet)
		build_hpet(acpi);
	build_waet(acpi);
	build_ssdt(acpi, "HVMDMBRD", ssdt_build_board);
	build_ssdt(acpi, "HVMDMCPU", ssdt_build_cpus);
	acpi->rsdt = build_root(acpi, "RSDT", 4);
	acpi->xsdt = build_root(acpi, "XSDT", 8);
}

static void build_rsdp(struct acpi *acpi, struct blob *rsdp)
{
	static const char signature[8] = { 'R', 'S', 'D', ' ', 'P', 'T', 'R', ' ' };

	blob_put(rsdp, NULL, RSDP_SIZE);
	for (unsigned i = 0; i < sizeof(signature); i++)
		blob_patch(rsdp, RSDP_SIGNATURE + i, 1, (uint8_t)signature[i]);
	for (unsigned i = 0; i < OEM_ID_SIZE; i++)
		blob_patch(rsdp, RSDP_OEM_ID + i, 1, (uint8_t)oem_id[i]);
	blob_patch(rsdp, RSDP_REVISION, 1, RSDP_REVISION_2);
	blob_patch(rsdp, RSDP_RSDT, 4, acpi->rsdt);
	blob_patch(rsdp, RSDP_LENGTH, 4, RSDP_SIZE);
	blob_patch(rsdp, RSDP_XSDT, 8, acpi->xsdt);
}

/* The script */

static void add_table_pointer(struct blob *loader, uint32_t offset, unsigned size)
{
	loader_add_pointer(loader, ACPI_TABLES_FILE, offset, size, ACPI_TABLES_FILE);
}

static void add_root_pointers(struct acpi *acpi, struct blob *loader, uint32_t root, unsigned size)
{
	for (unsigned i = 0; i < acpi->listed_count; i++)
		add_table_pointer(loader, root + ACPI_HEADER_SIZE + i * size, size);
}

static void add_pointers(struct acpi *acpi, struct blob *loader)
{
	add_table_pointer(loader, acpi->fadt + FADT_FIRMWARE_CTRL, 4);
	add_table_pointer(loader, acpi->fadt + FADT_DSDT, 4);
	add_table_pointer(loader, acpi->fadt + FADT_X_DSDT, 8);
	add_root_pointers(acpi, loader, acpi->rsdt, 4);
	add_root_pointers(acpi, loader, acpi->xsdt, 8);
	loader_add_pointer(loader, ACPI_RSDP_FILE, RSDP_RSDT, 4, ACPI_TABLES_FILE);
	loader_add_pointer(loader, ACPI_RSDP_FILE, RSDP_XSDT, 8, ACPI_TABLES_FILE);
}

static void add_table_checksum(struct acpi *acpi, struct blob *loader, uint32_t table)
{
	if (!acpi->tables->arena->full)
		loader_add_checksum(loader, ACPI_TABLES_FILE, table + ACPI_CHECKSUM, table,
				    load_le32(acpi->tables->data + table + ACPI_LENGTH));
}

static void build_loader(struct acpi *acpi, struct blob *loader)
{
	loader_allocate(loader, ACPI_RSDP_FILE, RSDP_ALIGNMENT, LOADER_ZONE_FSEG);
	loader_allocate(loader, ACPI_TABLES_FILE, TABLES_ALIGNMENT, LOADER_ZONE_HIGH);
	add_pointers(acpi, loader);
	/* The DSDT's is right from the compiler on; the FACS has none. */
	for (unsigned i = 0; i < acpi->listed_count; i++)
		add_table_checksum(acpi, loader, acpi->listed[i]);
	add_table_checksum(acpi, loader, acpi->rsdt);
	add_table_checksum(acpi, loader, acpi->xsdt);
	loader_add_checksum(loader, ACPI_RSDP_FILE, RSDP_CHECKSUM, 0, RSDP_CHECKSUMMED);
	loader_add_checksum(loader, ACPI_RSDP_FILE, RSDP_EXTENDED_CHECKSUM, 0, RSDP_SIZE);
}

void acpi_build(const struct firmware_board *board, struct arena *arena, struct acpi_blobs *out)
{
	struct acpi acpi = { .board = board, .tables = &out->tables };

	blob_open(&out->tables, arena);
	build_tables(&acpi);
	blob_open(&out->rsdp, arena);
	build_rsdp(&acpi, &out->rsdp);
	blob_open(&out->loader, arena);
	build_loader(&acpi, &out->loader);
}

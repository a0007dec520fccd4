// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An AHCI adapter on the chip bench: a disk at port 0, a CD-ROM at port 1, both in memory, and the
 * doings of a driver: lists, tables and frames in guest memory, issuing, looking.
 */
#pragma once

#include "hw/ide/ahci.h"
#include "hw/ide/ahci_regs.h"
#include "tests/lib/ide_bench.h"

enum {
	AHCI_BENCH_SLOT = 5,
	AHCI_BENCH_BASE = 0x40000000,
	AHCI_BENCH_LIST = 0x1000,   /* of port 0, then 1 KiB a port */
	AHCI_BENCH_FRAMES = 0x3000, /* then 256 bytes a port */
	AHCI_BENCH_TABLES = 0x10000,
	AHCI_BENCH_TABLE_BYTES = 0x400, /* of a slot; of a port 32 KiB */
	AHCI_BENCH_DATA = 0x40000,
	DISK = 0,
	CDROM = 1,
	NOTHING = 2,
};

struct ahci_bench {
	struct chip_bench *chip;
	struct ahci *ahci;
	struct block *disk;
	struct medium_slot slot;
	bool intx;
};

static inline void ahci_bench_take_intx(void *opaque, unsigned slot, unsigned pin, bool level)
{
	struct ahci_bench *bench = opaque;

	if (slot == AHCI_BENCH_SLOT && pin == 0)
		bench->intx = level;
}

static inline uint32_t hba_read(struct ahci_bench *bench, unsigned offset)
{
	return (uint32_t)io_read(&bench->chip->memory, AHCI_BENCH_BASE + offset, 4);
}

static inline void hba_write(struct ahci_bench *bench, unsigned offset, uint32_t value)
{
	io_write(&bench->chip->memory, AHCI_BENCH_BASE + offset, value, 4);
}

static inline uint32_t port_read(struct ahci_bench *bench, unsigned port, unsigned offset)
{
	return hba_read(bench, AHCI_PORT_BASE + port * AHCI_PORT_BYTES + offset);
}

static inline void port_write(struct ahci_bench *bench, unsigned port, unsigned offset,
			      uint32_t value)
{
	hba_write(bench, AHCI_PORT_BASE + port * AHCI_PORT_BYTES + offset, value);
}

/** An adapter without drives, its window mapped, bus mastering on. */
static inline struct ahci_bench *ahci_bench_create_empty(void)
{
	struct ahci_bench *bench = calloc(1, sizeof(*bench));
	struct pci_intx_sink intx = { bench, ahci_bench_take_intx };

	if (!bench)
		abort();
	bench->chip = bench_create(&intx);
	bench->ahci = calloc(1, sizeof(*bench->ahci));
	if (!bench->ahci ||
	    ahci_init(bench->ahci, &bench->chip->bus, AHCI_BENCH_SLOT, &bench->chip->ram, NULL) < 0)
		abort();
	return bench;
}

static inline void ahci_bench_map(struct ahci_bench *bench)
{
	bench_config_write(bench->chip, AHCI_BENCH_SLOT, 0, 0x24, AHCI_BENCH_BASE, 4);
	bench_config_write(bench->chip, AHCI_BENCH_SLOT, 0, PCI_COMMAND,
			   PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static inline struct ahci_bench *ahci_bench_create(void)
{
	struct ahci_bench *bench = ahci_bench_create_empty();
	uint8_t *bytes;

	bench->disk = fake_block_create(IDE_BENCH_DISK_SECTORS * 512);
	bytes = fake_block_bytes(bench->disk);
	for (size_t i = 0; i < IDE_BENCH_DISK_SECTORS * 512; i++)
		bytes[i] = ide_bench_disk_byte(i);
	bench->slot.block = fake_block_create(IDE_BENCH_CD_SECTORS * 2048);
	bytes = fake_block_bytes(bench->slot.block);
	for (size_t i = 0; i < IDE_BENCH_CD_SECTORS * 2048; i++)
		bytes[i] = ide_bench_cd_byte(i);
	if (ahci_attach_disk(bench->ahci, DISK, bench->disk, NULL, NULL) < 0 ||
	    ahci_attach_cdrom(bench->ahci, CDROM, &bench->slot, NULL, NULL) < 0)
		abort();
	ahci_bench_map(bench);
	return bench;
}

static inline void ahci_bench_destroy(struct ahci_bench *bench)
{
	ahci_finish(bench->ahci);
	block_close(bench->disk);
	block_close(bench->slot.block);
	bench_destroy(bench->chip);
	free(bench->ahci);
	free(bench);
}

static inline void ahci_bench_settle(struct ahci_bench *bench)
{
	if (bench->disk)
		fake_block_complete_all(bench->disk);
	if (bench->slot.block)
		fake_block_complete_all(bench->slot.block);
}

/* Where things lie in the guest's memory. */

static inline uint8_t *ahci_header(struct ahci_bench *bench, unsigned port, unsigned slot)
{
	return bench->chip->bytes + AHCI_BENCH_LIST + port * 1024 + slot * AHCI_HEADER_BYTES;
}

static inline uint32_t ahci_table_gpa(unsigned port, unsigned slot)
{
	return AHCI_BENCH_TABLES + port * 0x8000 + slot * AHCI_BENCH_TABLE_BYTES;
}

static inline uint8_t *ahci_table(struct ahci_bench *bench, unsigned port, unsigned slot)
{
	return bench->chip->bytes + ahci_table_gpa(port, slot);
}

static inline uint8_t *ahci_frame(struct ahci_bench *bench, unsigned port, unsigned offset)
{
	return bench->chip->bytes + AHCI_BENCH_FRAMES + port * 256 + offset;
}

/** As a driver brings a port up: frames, no old errors, all interrupts, started. */
static inline void ahci_start_port(struct ahci_bench *bench, unsigned port)
{
	port_write(bench, port, AHCI_PXCLB, AHCI_BENCH_LIST + port * 1024);
	port_write(bench, port, AHCI_PXFB, AHCI_BENCH_FRAMES + port * 256);
	port_write(bench, port, AHCI_PXCMD, AHCI_CMD_FRE);
	port_write(bench, port, AHCI_PXSERR, UINT32_MAX);
	port_write(bench, port, AHCI_PXIS, UINT32_MAX);
	port_write(bench, port, AHCI_PXIE, UINT32_MAX);
	port_write(bench, port, AHCI_PXCMD, AHCI_CMD_FRE | AHCI_CMD_ST);
	hba_write(bench, AHCI_IS, UINT32_MAX);
	hba_write(bench, AHCI_GHC, AHCI_GHC_IE | AHCI_GHC_AE);
}

static inline void ahci_put_prd(struct ahci_bench *bench, unsigned port, unsigned slot,
				unsigned index, uint64_t address, uint32_t bytes)
{
	uint8_t *prd = ahci_table(bench, port, slot) + AHCI_TABLE_PRDT + index * AHCI_PRD_BYTES;

	store_le64(prd, address);
	store_le32(prd + 8, 0);
	store_le32(prd + AHCI_PRD_CONTROL, bytes - 1);
}

/** Header and frame of a command; the descriptors are the caller's. */
static inline uint8_t *ahci_prepare(struct ahci_bench *bench, unsigned port, unsigned slot,
				    uint8_t opcode, uint64_t lba, unsigned count, unsigned prds)
{
	uint8_t *header = ahci_header(bench, port, slot), *fis = ahci_table(bench, port, slot);

	memset(header, 0, AHCI_HEADER_BYTES);
	store_le32(header, 5 | prds << AHCI_HEADER_PRDTL_SHIFT);
	store_le64(header + AHCI_HEADER_CTBA, ahci_table_gpa(port, slot));
	memset(fis, 0, AHCI_TABLE_PRDT);
	fis[FIS_TYPE] = FIS_REGISTERS_TO_DRIVE;
	fis[FIS_FLAGS] = FIS_IS_COMMAND;
	fis[FIS_COMMAND] = opcode;
	store_le(fis + FIS_LBA_LOW, 3, lba);
	fis[FIS_DEVICE] = ATA_DEVICE_LBA;
	store_le(fis + FIS_LBA_LOW_EXT, 3, lba >> 24);
	store_le16(fis + FIS_COUNT, (uint16_t)count);
	return fis;
}

/** The same for a queued command. */
static inline uint8_t *ahci_prepare_queued(struct ahci_bench *bench, unsigned slot, bool write,
					   uint64_t lba, unsigned count, unsigned prds)
{
	uint8_t *fis = ahci_prepare(bench, DISK, slot,
				    write ? ATA_CMD_WRITE_FPDMA_QUEUED : ATA_CMD_READ_FPDMA_QUEUED,
				    lba, slot << FIS_TAG_SHIFT, prds);

	fis[FIS_FEATURES] = (uint8_t)count;
	fis[FIS_FEATURES_EXT] = (uint8_t)(count >> 8);
	return fis;
}

static inline void ahci_issue(struct ahci_bench *bench, unsigned port, unsigned slot)
{
	port_write(bench, port, AHCI_PXCI, BIT(slot));
}

static inline void ahci_issue_queued(struct ahci_bench *bench, unsigned slot)
{
	port_write(bench, DISK, AHCI_PXSACT, BIT(slot));
	port_write(bench, DISK, AHCI_PXCI, BIT(slot));
}

/** A packet command to the CD-ROM in slot 0, with one region. */
static inline void ahci_packet(struct ahci_bench *bench, const uint8_t packet[12], bool dma,
			       uint32_t bytes)
{
	uint8_t *fis = ahci_prepare(bench, CDROM, 0, ATA_CMD_PACKET, 0, 0, bytes ? 1 : 0);

	fis[FIS_FEATURES] = dma ? ATAPI_FEATURE_DMA : 0;
	fis[FIS_LBA_MID] = 0;
	fis[FIS_LBA_HIGH] = 0x40; /* at most 16 KiB a block */
	memcpy(fis + AHCI_TABLE_PACKET, packet, 12);
	ahci_header(bench, CDROM, 0)[0] |= AHCI_HEADER_ATAPI;
	if (bytes)
		ahci_put_prd(bench, CDROM, 0, 0, AHCI_BENCH_DATA, bytes);
	ahci_issue(bench, CDROM, 0);
	ahci_bench_settle(bench);
}

/** Reads sectors by a simple command in slot 0, into AHCI_BENCH_DATA. */
static inline void ahci_read(struct ahci_bench *bench, uint8_t opcode, uint64_t lba, unsigned count)
{
	ahci_prepare(bench, DISK, 0, opcode, lba, count, 1);
	ahci_put_prd(bench, DISK, 0, 0, AHCI_BENCH_DATA, count * 512);
	ahci_issue(bench, DISK, 0);
	ahci_bench_settle(bench);
}

static inline bool ahci_holds_disk(struct ahci_bench *bench, uint32_t gpa, size_t position,
				   size_t bytes)
{
	for (size_t i = 0; i < bytes; i++)
		if (bench->chip->bytes[gpa + i] != ide_bench_disk_byte(position + i))
			return false;
	return true;
}

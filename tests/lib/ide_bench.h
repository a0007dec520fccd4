// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An IDE controller on the chip bench: a disk as primary master, a CD-ROM as secondary master, both
 * in memory, and the doings of a driver: selecting, polling, PIO, PRD tables.
 */
#pragma once

#include "base/bytes.h"
#include "block/medium.h"
#include "hw/ide/atapi_regs.h"
#include "hw/ide/piix_ide.h"
#include "tests/lib/chip_bench.h"
#include "tests/lib/fake_block.h"

enum {
	IDE_BENCH_DISK_SECTORS = 4096,
	IDE_BENCH_CD_SECTORS = 400,
	IDE_BENCH_SLOT = 1,
	IDE_BENCH_FUNCTION = 1,
	IDE_BENCH_BMBA = 0xc000,
	PRIMARY = 0x1f0,
	PRIMARY_CONTROL = 0x3f6,
	SECONDARY = 0x170,
	SECONDARY_CONTROL = 0x376,
	PRIMARY_IRQ = 14,
	SECONDARY_IRQ = 15,
	BM_PRIMARY = IDE_BENCH_BMBA,
	BM_SECONDARY = IDE_BENCH_BMBA + BMDMA_REGISTER_COUNT,
	BENCH_PRDT = 0x1000,
	BENCH_DATA = 0x10000,
	PRD_LAST_WORD = 0x8000, /* in the upper half of the count */
};

struct ide_bench {
	struct chip_bench *chip;
	struct piix_ide ide;
	struct block *disk;
	struct medium_slot slot;
};

static inline uint8_t ide_bench_disk_byte(size_t position)
{
	return (uint8_t)(position * 7 + position / 512 * 31 + 1);
}

static inline uint8_t ide_bench_cd_byte(size_t position)
{
	return (uint8_t)(position * 5 + position / 2048 * 17 + 3);
}

/** An empty controller, its bus master at IDE_BENCH_BMBA, bus mastering on. */
static inline struct ide_bench *ide_bench_create_empty(void)
{
	struct ide_bench *bench = calloc(1, sizeof(*bench));
	struct irq_line *irqs[IDE_CHANNELS];

	if (!bench)
		abort();
	bench->chip = bench_create(NULL);
	irqs[0] = &bench->chip->gsis[PRIMARY_IRQ];
	irqs[1] = &bench->chip->gsis[SECONDARY_IRQ];
	if (piix_ide_init(&bench->ide, &bench->chip->bus, IDE_BENCH_SLOT, IDE_BENCH_FUNCTION,
			  &bench->chip->ram, irqs, NULL) < 0)
		abort();
	bench_config_write(bench->chip, IDE_BENCH_SLOT, IDE_BENCH_FUNCTION, 0x20, IDE_BENCH_BMBA,
			   4);
	bench_config_write(bench->chip, IDE_BENCH_SLOT, IDE_BENCH_FUNCTION, PCI_COMMAND,
			   PCI_COMMAND_IO | PCI_COMMAND_MASTER, 2);
	return bench;
}

static inline struct ide_bench *ide_bench_create(void)
{
	struct ide_bench *bench = ide_bench_create_empty();
	uint8_t *bytes;

	bench->disk = fake_block_create(IDE_BENCH_DISK_SECTORS * 512);
	bytes = fake_block_bytes(bench->disk);
	for (size_t i = 0; i < IDE_BENCH_DISK_SECTORS * 512; i++)
		bytes[i] = ide_bench_disk_byte(i);
	bench->slot.block = fake_block_create(IDE_BENCH_CD_SECTORS * 2048);
	bytes = fake_block_bytes(bench->slot.block);
	for (size_t i = 0; i < IDE_BENCH_CD_SECTORS * 2048; i++)
		bytes[i] = ide_bench_cd_byte(i);
	if (piix_ide_attach_disk(&bench->ide, 0, 0, bench->disk, NULL, NULL) < 0 ||
	    piix_ide_attach_cdrom(&bench->ide, 1, 0, &bench->slot, NULL, NULL) < 0)
		abort();
	return bench;
}

static inline void ide_bench_destroy(struct ide_bench *bench)
{
	piix_ide_finish(&bench->ide);
	block_close(bench->disk);
	block_close(bench->slot.block);
	bench_destroy(bench->chip);
	free(bench);
}

static inline uint8_t in8(struct ide_bench *bench, unsigned port)
{
	return bench_in8(bench->chip, (uint16_t)port);
}

static inline uint16_t in16(struct ide_bench *bench, unsigned port)
{
	return bench_in16(bench->chip, (uint16_t)port);
}

static inline void out8(struct ide_bench *bench, unsigned port, unsigned value)
{
	bench_out8(bench->chip, (uint16_t)port, (uint8_t)value);
}

static inline void out16(struct ide_bench *bench, unsigned port, unsigned value)
{
	bench_out16(bench->chip, (uint16_t)port, (uint16_t)value);
}

/** All that the images have to do is done. */
static inline void ide_bench_settle(struct ide_bench *bench)
{
	if (bench->disk)
		fake_block_complete_all(bench->disk);
	if (bench->slot.block)
		fake_block_complete_all(bench->slot.block);
}

static inline bool irq_is_up(const struct ide_bench *bench, unsigned irq)
{
	return (bench->chip->gsi_levels & BIT(irq)) != 0;
}

/** An LBA28 command to drive 0 or 1 of the channel at 'base'. */
static inline void ata_command_28(struct ide_bench *bench, unsigned base, unsigned unit,
				  uint8_t opcode, uint32_t lba, unsigned count)
{
	out8(bench, base + ATA_DEVICE, 0xe0u | unit << 4 | (lba >> 24 & 15));
	out8(bench, base + ATA_SECTOR_COUNT, count);
	out8(bench, base + ATA_LBA_LOW, lba);
	out8(bench, base + ATA_LBA_MID, lba >> 8);
	out8(bench, base + ATA_LBA_HIGH, lba >> 16);
	out8(bench, base + ATA_COMMAND, opcode);
}

static inline void ata_command_48(struct ide_bench *bench, unsigned base, uint8_t opcode,
				  uint64_t lba, unsigned count)
{
	out8(bench, base + ATA_DEVICE, 0x40);
	out8(bench, base + ATA_SECTOR_COUNT, count >> 8);
	out8(bench, base + ATA_LBA_LOW, (unsigned)(lba >> 24));
	out8(bench, base + ATA_LBA_MID, (unsigned)(lba >> 32));
	out8(bench, base + ATA_LBA_HIGH, (unsigned)(lba >> 40));
	out8(bench, base + ATA_SECTOR_COUNT, count);
	out8(bench, base + ATA_LBA_LOW, (unsigned)lba);
	out8(bench, base + ATA_LBA_MID, (unsigned)(lba >> 8));
	out8(bench, base + ATA_LBA_HIGH, (unsigned)(lba >> 16));
	out8(bench, base + ATA_COMMAND, opcode);
}

/** Reads the data port as "rep insw" does. */
static inline void pio_in(struct ide_bench *bench, unsigned base, void *data, size_t bytes)
{
	io_read_block(&bench->chip->ports, base, data, 2, bytes / 2);
}

static inline void pio_out(struct ide_bench *bench, unsigned base, const void *data, size_t bytes)
{
	io_write_block(&bench->chip->ports, base, data, 2, bytes / 2);
}

/** Puts a descriptor into the PRD table; 'count' as the chip counts, 0 for 64 KiB. */
static inline void put_prd(struct ide_bench *bench, unsigned index, uint32_t address,
			   unsigned count, bool last)
{
	uint8_t *prd = bench->chip->bytes + BENCH_PRDT + 8 * index;

	store_le32(prd, address);
	store_le16(prd + 4, (uint16_t)count);
	store_le16(prd + 6, last ? PRD_LAST_WORD : 0);
}

/** Sets the bus master up, not started. */
static inline void bm_prepare(struct ide_bench *bench, unsigned bm)
{
	out8(bench, bm + BMDMA_COMMAND, 0);
	out8(bench, bm + BMDMA_STATUS, BMDMA_ERROR | BMDMA_INTERRUPT);
	bench_out32(bench->chip, (uint16_t)(bm + BMDMA_PRDT), BENCH_PRDT);
}

static inline void bm_start(struct ide_bench *bench, unsigned bm, bool to_memory)
{
	out8(bench, bm + BMDMA_COMMAND, BMDMA_START | (to_memory ? BMDMA_TO_MEMORY : 0));
}

/** PACKET with its twelve bytes; the limit counts for PIO. */
static inline void send_packet(struct ide_bench *bench, const uint8_t packet[12], unsigned limit,
			       bool dma)
{
	out8(bench, SECONDARY + ATA_DEVICE, 0);
	out8(bench, SECONDARY + ATA_FEATURES, dma ? 1 : 0);
	out8(bench, SECONDARY + ATAPI_BYTE_COUNT_LOW, limit);
	out8(bench, SECONDARY + ATAPI_BYTE_COUNT_HIGH, limit >> 8);
	out8(bench, SECONDARY + ATA_COMMAND, ATA_CMD_PACKET);
	pio_out(bench, SECONDARY, packet, 12);
}

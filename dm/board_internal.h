// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The board's parts, for the files that assemble it (board_*.c) and the cards that are plugged into
 * it.
 */
#pragma once

#include "dm/board_pc.h"
#include "dm/board_usb.h"
#include "dm/drives.h"
#include "dm/memory.h"
#include "dm/payload.h"
#include "firmware/board.h"
#include "firmware/firmware.h"
#include "hw/acpi_pm.h"
#include "hw/debug_port.h"
#include "hw/dma.h"
#include "hw/floppy.h"
#include "hw/fw_cfg.h"
#include "hw/hotplug.h"
#include "hw/hpet.h"
#include "hw/i440fx.h"
#include "hw/ide/ahci.h"
#include "hw/ide/piix_ide.h"
#include "hw/piix3.h"
#include "hw/port92.h"
#include "hw/ps2.h"
#include "hw/rtc.h"
#include "hw/serial.h"
#include "hw/xen_platform.h"
#include "vga/cirrus.h"
#include "vga/stdvga.h"

/** Ports and ISA interrupts of chips that do not know their own. */
enum board_resource {
	RTC_PORT = 0x70,
	RTC_IRQ = 8,
	PS2_DATA_PORT = 0x60,
	PS2_COMMAND_PORT = 0x64,
	PS2_KEYBOARD_IRQ = 1,
	PS2_MOUSE_IRQ = 12,
	BOARD_SERIAL0 = 0x3f8,
	IDE_PRIMARY_IRQ = 14,
	IDE_SECONDARY_IRQ = 15,
};

enum {
	BOARD_PAM_REGISTERS = 7,
	BOARD_USER_ITEMS = 16,
	BOARD_SERIALS = 4,
	BOARD_BOOT_PATHS = 32,
	/*
	 * PIRQ link of INTA of slot 0. SeaBIOS writes interrupt lines, its $PIR and its MP table by
	 * link (slot + pin - 1) & 3 (src/fw/pciinit.c piix_pci_slot_get_irq).
	 */
	BOARD_PIRQ_ROTATION = 3,
};

/** A video card's memory as the core lends it. */
struct board_video_ram {
	struct video_ram ram;
	struct machine *machine;
	struct io_window *window; /* that shows it to the processor */
	bool missed;              /* logging has begun or ended since the last fetch */
	/* Where the window was at the last fetch. */
	uintptr_t logged_slot;
	uint64_t logged_base;
};

/** A device to boot from, as SeaBIOS names it. */
struct board_boot_path {
	int64_t index; /* bootindex=: the lowest comes first */
	char path[96];
};

struct board_nic;

/** What the board itself keeps for its guest. */
struct board_state {
	uint8_t wake_event;                        /* enum acpi_pm_event */
	uint8_t sleeping_pam[BOARD_PAM_REGISTERS]; /* of the host bridge, while the guest sleeps */
	bool boot_once_used;
};

/** One of the two floppy drives. */
struct board_floppy_drive {
	bool present;
	struct drive_plan plan;
	enum floppy_kind kind; /* FLOPPY_NONE until it is known */
	struct medium_slot slot;
	char name[16]; /* "floppy0" */
};

struct board {
	struct board_state state;
	struct device device;
	struct machine *machine;
	struct irq_line gsis[PIIX3_GSIS];
	struct payload bios, vga_rom, text_font;
	struct vga *vga; /* the card's core, if has_vga */
	struct memory_map memory;
	struct i440fx host;
	struct piix3 isa;
	struct piix_ide ide;
	struct acpi_pm pm;
	struct hotplug hotplug;
	struct port92 port92;
	struct rtc rtc;
	struct hpet hpet;
	struct dma dma;
	struct floppy floppy;
	struct board_usb usb;
	struct ps2 ps2;
	struct serial serials[BOARD_SERIALS];
	struct debug_port debug_port;
	struct xen_platform xen_platform;
	struct fw_cfg fw_cfg;
	struct board_video_ram video_ram;
	/* One of them, if has_vga. */
	struct stdvga stdvga;
	struct cirrus cirrus;

	struct board_nic *nics; /* the last one first; board_nic.c */

	bool has_acpi, has_hpet, has_vga;
	bool has_serial[BOARD_SERIALS];
	bool has_floppy;
	struct board_floppy_drive floppies[FLOPPY_DRIVES];

	struct drive_plan drives[DRIVES];
	struct ahci *ahci;                /* a card; NULL: there is none */
	struct block *disks[DRIVES];      /* of disks; NULL elsewhere */
	struct medium_slot slots[DRIVES]; /* of CD-ROMs */
	char drive_names[DRIVES][24];     /* "ide1-cd0" */
	bool is_unplugged[DRIVES];        /* the guest's drivers have taken the drive out */
	struct list_node pv_disks;        /* that the core lends to the guest; board_pv_disks.c */

	/* What SeaBIOS is told; rebuilt at each reset. */
	struct firmware_board description;
	struct board_boot_path boot_paths[BOARD_BOOT_PATHS];
	const char *boot_path_list[BOARD_BOOT_PATHS];
	unsigned boot_path_count;
	uint8_t *firmware_arena;
	struct payload user_items[BOARD_USER_ITEMS]; /* files of -fw_cfg */
	unsigned user_item_count;
};

/** SeaBIOS' items, the CMOS contents and the BIOS image. 0, or -errno and a sentence. */
int board_firmware_init(struct board *board, struct err *err);
/** On a core with a firmware of its own: what this firmware too takes from the CMOS, the boot order
 * above all. */
void board_cmos_init(struct board *board);
/** Adds a device to what is tried first, while the board is described. */
void board_add_boot_path(struct board *board, int64_t index, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/** Builds the items anew, with the boot order that now holds. */
void board_firmware_reset(struct board *board);

/** The controller and what is attached to it. 0, or -errno and a sentence. */
int board_ide_init(struct board *board, struct irq_line *primary, struct irq_line *secondary,
		   struct err *err);
void board_ide_finish(struct board *board);
/** Opens what the plan of drive 'index' names and attaches it. 0, or -errno and a sentence. */
int board_ide_open_drive(struct board *board, unsigned index, struct err *err);
/** Takes disks out while the guest runs, the images flushed and closed: all, or all but the first
 * of each controller. CD-ROMs stay. */
void board_ide_unplug_disks(struct board *board, bool keeps_first);
/** The SATA adapter: a row of cards.c. */
extern const char *const board_ahci_properties[];
int board_ahci_create(struct machine *machine, struct opts *opts, struct err *err);
/** The machine stops when a request of 'block' is held by werror=stop or rerror=stop. */
/** Opens a drive's image, by what is recorded or replayed if anything is: 'number' is the tape's.
 * NULL and a sentence. */
struct block *board_open_drive(struct machine *machine, unsigned number,
			       const struct drive_plan *plan, struct err *err);
void board_watch_errors(struct board *board, struct block *block);
/** The floppy controller, if there is to be a drive. 0, or -errno and a sentence. */
int board_floppy_init(struct board *board, struct irq_line *irq, struct err *err);
void board_floppy_finish(struct board *board);
/** As board_find_medium and board_for_each_drive, of the floppy drives. */
struct medium_slot *board_floppy_find(struct board *board, const char *id);
void board_floppy_for_each(struct board *board,
			   void (*visit)(const struct board_drive *drive, void *opaque),
			   void *opaque);
/** The Xen platform device, if it is wanted. 0, or -errno and a sentence. */
int board_xen_init(struct board *board, struct err *err);
/** Paravirtual disks. They end with the core; the images go before. */
void board_pv_disks_init(struct board *board);
void board_pv_disks_finish(struct board *board);
/** What becomes of an emulated disk that the guest takes out, by the place of its image. */
enum board_pv_answer {
	BOARD_PV_NOBODY,  /* another process may be waiting for the image */
	BOARD_PV_SERVES,  /* a paravirtual disk goes on with it */
	BOARD_PV_GAVE_UP, /* nobody could: it has to stay */
};
enum board_pv_answer board_pv_disk_ask(struct board *board, struct block **place);
/** As board_for_each_drive, of images that only paravirtual disks have. */
void board_pv_disks_for_each(struct board *board,
			     void (*visit)(const struct board_drive *drive, void *opaque),
			     void *opaque);
/** The image or medium of a drive by its index, NULL if there is no drive. */
struct block *board_drive_block(struct board *board, unsigned index);

/** The default or asked for display card. 0, or -errno and a sentence. */
int board_display_init(struct board *board, struct err *err);

/** addr=3 or addr=3.0: a slot of the bus. 0, or -EINVAL and a sentence. */
int board_parse_slot(const char *text, int *slot, struct err *err);

/** The network cards: a row of cards.c. */
extern const char *const board_nic_properties[];
int board_nic_create(struct machine *machine, struct opts *opts, struct err *err);
void board_nics_add_boot_paths(struct board *board);
/** Gives the option ROMs back; the cards have been finished. */
void board_nics_finish(struct board *board);

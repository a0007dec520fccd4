// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Realtek RTL8139C+: "RTL8139C(L)+ Advanced Fast Ethernet Controller" data sheet 1.6: registers in
 * chapter 6, the C+ mode's descriptors in chapter 9; the older mode's buffers are those of the
 * RTL8139C(L) data sheet 1.4, chapters 6 and 7.
 */
#pragma once

#include "base/bits.h"

enum rtl8139_id {
	RTL8139_VENDOR = 0x10ec,
	RTL8139_DEVICE = 0x8139,
	RTL8139_REVISION = 0x20, /* by it drivers know a C+ */
};

enum rtl8139_register {
	RTL8139_IDR = 0x00,   /* station address */
	RTL8139_MAR = 0x08,   /* multicast filter */
	RTL8139_DTCCR = 0x10, /* C+: where the tally counters go, 64 bits */
	RTL8139_TSD = 0x10,   /* status of transmit buffers 0 to 3 */
	RTL8139_TSAD = 0x20,  /* their addresses */
	RTL8139_TNPDS = 0x20, /* C+: ring of normal priority, 64 bits */
	RTL8139_THPDS = 0x28, /* C+: of high priority */
	RTL8139_RBSTART = 0x30,
	RTL8139_ERBCR = 0x34,
	RTL8139_ERSR = 0x36,
	RTL8139_CR = 0x37,
	RTL8139_CAPR = 0x38, /* as far as the driver has read, less 16 */
	RTL8139_CBR = 0x3a,  /* as far as was written */
	RTL8139_IMR = 0x3c,
	RTL8139_ISR = 0x3e,
	RTL8139_TCR = 0x40,
	RTL8139_RCR = 0x44,
	RTL8139_TCTR = 0x48,
	RTL8139_MPC = 0x4c, /* missed frames, 24 bits */
	RTL8139_9346CR = 0x50,
	RTL8139_CONFIG0 = 0x51,
	RTL8139_CONFIG1 = 0x52,
	RTL8139_TIMERINT = 0x54,
	RTL8139_MSR = 0x58,
	RTL8139_CONFIG3 = 0x59,
	RTL8139_CONFIG4 = 0x5a,
	RTL8139_MULINT = 0x5c,
	RTL8139_RERID = 0x5e,
	RTL8139_TSAD_ALL = 0x60, /* status of all transmit buffers */
	RTL8139_BMCR = 0x62,
	RTL8139_BMSR = 0x64,
	RTL8139_ANAR = 0x66,
	RTL8139_ANLPAR = 0x68,
	RTL8139_ANER = 0x6a,
	RTL8139_NWAYTR = 0x70,
	RTL8139_CSCR = 0x74,
	RTL8139_PHY1_PARM = 0x78,
	RTL8139_TW_PARM = 0x7c,
	RTL8139_PHY2_PARM = 0x80,
	RTL8139_WAKEUP = 0x84, /* CRCs and patterns, to 0xd3 */
	RTL8139_CONFIG5 = 0xd8,
	RTL8139_TPPOLL = 0xd9,
	RTL8139_CPCR = 0xe0,
	RTL8139_RDSAR = 0xe4, /* C+: receive ring, 64 bits */
	RTL8139_ETTHR = 0xec,
	RTL8139_BYTES = 0x100,
};

enum rtl8139_cr_bits {
	RTL8139_CR_BUFE = BIT(0), /* the receive buffer is empty */
	RTL8139_CR_TE = BIT(2),
	RTL8139_CR_RE = BIT(3),
	RTL8139_CR_RST = BIT(4),
};

/** ISR and IMR. */
enum rtl8139_interrupt {
	RTL8139_ROK = BIT(0),
	RTL8139_TOK = BIT(2),
	RTL8139_TER = BIT(3),
	RTL8139_RXOVW = BIT(4), /* no room; C+: no receive descriptor */
	RTL8139_PUN = BIT(5),   /* also: the link changed */
	RTL8139_TDU = BIT(7),   /* C+: no transmit descriptor */
	RTL8139_SWINT = BIT(8),
	RTL8139_TIMEOUT = BIT(14),
	RTL8139_INTERRUPTS = 0xe1ff,
};

enum rtl8139_tsd_bits {
	RTL8139_TSD_SIZE = 0x1fff,
	RTL8139_TSD_OWN = BIT(13), /* the driver's */
	RTL8139_TSD_TUN = BIT(14),
	RTL8139_TSD_TOK = BIT(15),
	RTL8139_TSD_THRESHOLD = 0x003f0000,
	RTL8139_TSD_BUFFERS = 4,
};
#define RTL8139_TSD_TABT BIT(30)

enum rtl8139_tcr_bits {
	RTL8139_TCR_LOOPBACK = BIT(17) | BIT(18),
	RTL8139_TCR_WRITABLE = 0x030707f1,
	RTL8139_TCR_VERSION = 0x74800000, /* C+ */
};

enum rtl8139_rcr_bits {
	RTL8139_RCR_AAP = BIT(0), /* all unicasts */
	RTL8139_RCR_APM = BIT(1), /* its own address */
	RTL8139_RCR_AM = BIT(2),
	RTL8139_RCR_AB = BIT(3),
	RTL8139_RCR_AR = BIT(4),   /* runts */
	RTL8139_RCR_WRAP = BIT(7), /* frames run on behind the end of the buffer */
	RTL8139_RCR_LENGTH_SHIFT = 11,
	RTL8139_RCR_WRITABLE = 0x0f03ffbf,
};

enum rtl8139_9346_bits {
	RTL8139_EEDO = BIT(0),
	RTL8139_EEDI = BIT(1),
	RTL8139_EESK = BIT(2),
	RTL8139_EECS = BIT(3),
	RTL8139_EEM = 0xc0,
	RTL8139_EEM_AUTOLOAD = 0x40,
	RTL8139_EEM_PROGRAM = 0x80,
	RTL8139_EEM_CONFIG = 0xc0, /* CONFIG registers can be written */
};

enum rtl8139_msr_bits {
	RTL8139_MSR_NO_LINK = BIT(2),
};

enum rtl8139_phy_bits {
	RTL8139_BMCR_RESET = BIT(15),
	RTL8139_BMCR_RESTART = BIT(9),
	RTL8139_BMCR_RESET_VALUE = 0x1100, /* negotiates; full duplex */
	RTL8139_BMSR_LINK = BIT(2),
	RTL8139_BMSR_NEGOTIATED = BIT(5),
	RTL8139_BMSR_ABILITIES = 0x7809,
	RTL8139_ABILITIES = 0x05e1, /* 10 and 100 Mbit/s, both duplexes, pause */
	RTL8139_PARTNER_ACKNOWLEDGE = BIT(14),
};

enum rtl8139_tppoll_bits {
	RTL8139_TPPOLL_FSWINT = BIT(0),
	RTL8139_TPPOLL_NPQ = BIT(6),
	RTL8139_TPPOLL_HPQ = BIT(7),
};

enum rtl8139_cpcr_bits {
	RTL8139_CPCR_TX = BIT(0), /* C+ mode, by direction */
	RTL8139_CPCR_RX = BIT(1),
	RTL8139_CPCR_CHECKSUM = BIT(5),
	RTL8139_CPCR_VLAN = BIT(6),
	RTL8139_CPCR_WRITABLE = 0x027f,
};

enum rtl8139_dtccr_bits {
	RTL8139_DTCCR_DUMP = BIT(3),
	RTL8139_TALLY_BYTES = 64,
};

/** In front of a frame in the receive buffer: status and length with FCS. */
enum rtl8139_rx_header {
	RTL8139_RX_OK = BIT(0),
	RTL8139_RX_RUNT = BIT(4),
	RTL8139_RX_BROADCAST = BIT(13),
	RTL8139_RX_PHYSICAL = BIT(14),
	RTL8139_RX_MULTICAST = BIT(15),
	RTL8139_RX_HEADER_BYTES = 4,
};

/** C+ descriptors: command and status, VLAN, address. */
enum rtl8139_descriptor {
	RTL8139_D_BYTES = 16,
	RTL8139_D_COUNT = 64, /* of a ring at most */
	RTL8139_D_COMMAND = 0,
	RTL8139_D_VLAN = 4,
	RTL8139_D_ADDRESS = 8,
	RTL8139_D_EOR = BIT(30), /* the ring's last */
	RTL8139_D_FS = BIT(29),  /* first of a frame */
	RTL8139_D_LS = BIT(28),
	/* Transmit. */
	RTL8139_TXD_LGSEN = BIT(27),
	RTL8139_TXD_MSS_SHIFT = 16,
	RTL8139_TXD_MSS = 0x7ff,
	RTL8139_TXD_IPCS = BIT(18),
	RTL8139_TXD_UDPCS = BIT(17),
	RTL8139_TXD_TCPCS = BIT(16),
	RTL8139_TXD_SIZE = 0xffff,
	RTL8139_TXD_TAGC = BIT(17), /* of the VLAN word */
	/* Receive: command. */
	RTL8139_RXD_SIZE = 0x1fff,
	/* Receive: status. */
	RTL8139_RXD_MULTICAST = BIT(27),
	RTL8139_RXD_PHYSICAL = BIT(26),
	RTL8139_RXD_BROADCAST = BIT(25),
	RTL8139_RXD_RUNT = BIT(20),
	RTL8139_RXD_IS_IP = BIT(18) | BIT(17),
	RTL8139_RXD_IS_UDP = BIT(18),
	RTL8139_RXD_IS_TCP = BIT(17),
	RTL8139_RXD_IP_BAD = BIT(16),
	RTL8139_RXD_UDP_BAD = BIT(15),
	RTL8139_RXD_TCP_BAD = BIT(14),
	RTL8139_RXD_LENGTH = 0x3fff,
	RTL8139_RXD_TAVA = BIT(16), /* of the VLAN word */
};
#define RTL8139_D_OWN BIT(31) /* the chip's */

enum rtl8139_eeprom_word {
	RTL8139_EEPROM_ID = 0,
	RTL8139_EEPROM_VENDOR = 1,
	RTL8139_EEPROM_DEVICE = 2,
	RTL8139_EEPROM_SUBSYSTEM_VENDOR = 3,
	RTL8139_EEPROM_SUBSYSTEM = 4,
	RTL8139_EEPROM_MAC = 7, /* three words */
	RTL8139_EEPROM_SIGNATURE = 0x8129,
};

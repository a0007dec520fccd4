// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Enhanced Host Controller Interface for USB, revision 1.0: capability and operational registers in
 * section 2, data structures in section 3.
 */
#pragma once

#include <stdint.h>

enum ehci_register {
	EHCI_CAPLENGTH = 0x00, /* and HCIVERSION */
	EHCI_HCSPARAMS = 0x04,
	EHCI_HCCPARAMS = 0x08,
	EHCI_PORTROUTE = 0x0c,
	EHCI_OPERATIONAL = 0x20, /* CAPLENGTH: from here on */
	EHCI_USBCMD = 0x20,
	EHCI_USBSTS = 0x24,
	EHCI_USBINTR = 0x28,
	EHCI_FRINDEX = 0x2c,
	EHCI_SEGMENT = 0x30,
	EHCI_PERIODICLIST = 0x34,
	EHCI_ASYNCLIST = 0x38,
	EHCI_CONFIGFLAG = 0x60,
	EHCI_PORTSC = 0x64,
	EHCI_BAR_BYTES = 0x1000,
};

enum ehci_pci {
	EHCI_SBRN = 0x60,
	EHCI_SBRN_2_0 = 0x20,
	EHCI_FLADJ = 0x61, /* frame length adjustment */
	EHCI_FLADJ_RESET = 0x20,
	EHCI_FLADJ_WRITABLE = 0x3f,
	EHCI_MEMORY_BAR = 0,
};

enum ehci_capabilities {
	EHCI_VERSION_1_0 = 0x0100,
	EHCI_PORTS_PER_COMPANION_SHIFT = 8,
	EHCI_COMPANIONS_SHIFT = 12,
};

enum ehci_usbcmd {
	EHCI_CMD_RUN = 0x01,
	EHCI_CMD_HCRESET = 0x02,
	EHCI_CMD_PERIODIC = 0x10,
	EHCI_CMD_ASYNC = 0x20,
	EHCI_CMD_DOORBELL = 0x40, /* interrupt on async advance */
	EHCI_CMD_RESET = 0x00080000,
	EHCI_CMD_KEPT = 0x00ff0031,
};

enum ehci_usbsts {
	EHCI_STS_INT = 0x01,
	EHCI_STS_ERROR = 0x02,
	EHCI_STS_PORT_CHANGE = 0x04,
	EHCI_STS_ROLLOVER = 0x08,
	EHCI_STS_HOST_ERROR = 0x10,
	EHCI_STS_ADVANCE = 0x20,
	EHCI_STS_CAUSES = 0x3f,
	EHCI_STS_HALTED = 0x1000,
	EHCI_STS_PERIODIC = 0x4000,
	EHCI_STS_ASYNC = 0x8000,
	EHCI_STS_KNOWN = 0xd03f,
};

enum ehci_portsc {
	EHCI_PORT_CONNECTED = 0x00000001,
	EHCI_PORT_CONNECT_CHANGE = 0x00000002,
	EHCI_PORT_ENABLED = 0x00000004,
	EHCI_PORT_ENABLE_CHANGE = 0x00000008,
	EHCI_PORT_OVER_CURRENT_CHANGE = 0x00000020,
	EHCI_PORT_RESUME = 0x00000040,
	EHCI_PORT_SUSPEND = 0x00000080,
	EHCI_PORT_RESET = 0x00000100,
	EHCI_PORT_LINE_J = 0x00000800, /* a device of full or high speed, and nothing said */
	EHCI_PORT_POWER = 0x00001000,
	EHCI_PORT_OWNER = 0x00002000, /* a companion's */
	EHCI_PORT_WAKE = 0x00700000,
	EHCI_PORT_CLEARED_BY_ONE = 0x0000002a,
	EHCI_PORT_DEVICE = 0x000009c5, /* what goes with the device */
	EHCI_PORT_KNOWN = 0x007039ef,
};

/* Link pointers of lists */
enum ehci_link {
	EHCI_LINK_TERMINATE = 0x1,
	EHCI_LINK_TYPE = 0x6,
	EHCI_LINK_QH = 0x2,
};
#define EHCI_LINK_ADDRESS UINT32_C(0xffffffe0)

/** A queue head, in words; from the current descriptor on it is the overlay. */
enum ehci_qh {
	QH_LINK = 0,
	QH_CHARACTERISTICS = 1,
	QH_CAPABILITIES = 2,
	QH_CURRENT = 3,
	QH_NEXT = 4,
	QH_ALTERNATE = 5,
	QH_TOKEN = 6,
	QH_BUFFERS = 7,
	QH_WORDS = 12,
	EHCI_BUFFERS = 5,
};

/** A queue element transfer descriptor, in words. */
enum ehci_qtd {
	QTD_NEXT = 0,
	QTD_ALTERNATE = 1,
	QTD_TOKEN = 2,
	QTD_BUFFERS = 3,
	QTD_WORDS = 8,
};

/* Endpoint characteristics and capabilities */
#define QH_ADDRESS        UINT32_C(0x0000007f)
#define QH_ENDPOINT_SHIFT 8
#define QH_SPEED          UINT32_C(0x00003000)
#define QH_HIGH_SPEED     UINT32_C(0x00002000)
#define QH_TOGGLE_CONTROL UINT32_C(0x00004000)
#define QH_PACKET_SHIFT   16
#define QH_PACKET_MASK    UINT32_C(0x7ff)
#define QH_MICROFRAMES    UINT32_C(0x000000ff) /* in which an interrupt endpoint is asked */

/* Token */
#define TOKEN_HALTED       UINT32_C(0x00000040)
#define TOKEN_ACTIVE       UINT32_C(0x00000080)
#define TOKEN_BUFFER_ERROR UINT32_C(0x00000020)
#define TOKEN_BABBLE       UINT32_C(0x00000010)
#define TOKEN_ERROR        UINT32_C(0x00000008)
#define TOKEN_PID_SHIFT    8
#define TOKEN_ERRORS_LEFT  UINT32_C(0x00000c00)
#define TOKEN_PAGE_SHIFT   12
#define TOKEN_PAGE         UINT32_C(0x00007000)
#define TOKEN_INTERRUPT    UINT32_C(0x00008000) /* on completion */
#define TOKEN_LENGTH_SHIFT 16
#define TOKEN_LENGTH       UINT32_C(0x7fff0000)
#define TOKEN_TOGGLE       UINT32_C(0x80000000)

enum ehci_pid {
	EHCI_PID_OUT,
	EHCI_PID_IN,
	EHCI_PID_SETUP,
	EHCI_PIDS,
};

enum ehci_limits {
	EHCI_PAGE_BYTES = 4096,
	EHCI_PACKET_MAX = 1024,
	EHCI_FRINDEX_MASK = 0x3fff, /* microframes */
	EHCI_FRAMES = 1024,
};

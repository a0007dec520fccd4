// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Intel Universal Host Controller Interface, revision 1.1: registers in section 2.1, data
 * structures in section 3. The PCI function is the PIIX3's, data sheet 290550, section 2.4.
 */
#pragma once

#include <stdint.h>

enum uhci_register {
	UHCI_USBCMD = 0x00,
	UHCI_USBSTS = 0x02,
	UHCI_USBINTR = 0x04,
	UHCI_FRNUM = 0x06,
	UHCI_FLBASEADD = 0x08,
	UHCI_SOFMOD = 0x0c,
	UHCI_PORTSC1 = 0x10,
	UHCI_PORTSC2 = 0x12,
	UHCI_IO_BYTES = 0x20,
};

enum uhci_pci {
	UHCI_SBRN = 0x60, /* serial bus release number */
	UHCI_SBRN_1_0 = 0x10,
	UHCI_LEGSUP = 0xc0, /* legacy support */
	UHCI_LEGSUP_RESET = 0x2000,
	UHCI_LEGSUP_WRITABLE = 0x2fbf,
	UHCI_IO_BAR = 4,
};

enum uhci_usbcmd {
	UHCI_CMD_RUN = 0x01,
	UHCI_CMD_HCRESET = 0x02,
	UHCI_CMD_GRESET = 0x04,
	UHCI_CMD_EGSM = 0x08, /* global suspend */
	UHCI_CMD_FGR = 0x10,  /* force global resume */
	UHCI_CMD_MASK = 0xff,
};

enum uhci_usbsts {
	UHCI_STS_INT = 0x01,
	UHCI_STS_ERROR = 0x02,
	UHCI_STS_RESUME = 0x04,
	UHCI_STS_HOST_ERROR = 0x08,
	UHCI_STS_PROCESS_ERROR = 0x10,
	UHCI_STS_HALTED = 0x20,
	UHCI_STS_MASK = 0x3f,
};

enum uhci_usbintr {
	UHCI_INTR_ERROR = 0x01,
	UHCI_INTR_RESUME = 0x02,
	UHCI_INTR_COMPLETE = 0x04,
	UHCI_INTR_SHORT = 0x08,
	UHCI_INTR_MASK = 0x0f,
};

enum uhci_portsc {
	UHCI_PORT_CONNECTED = 0x0001,
	UHCI_PORT_CONNECT_CHANGE = 0x0002, /* cleared by one */
	UHCI_PORT_ENABLED = 0x0004,
	UHCI_PORT_ENABLE_CHANGE = 0x0008, /* cleared by one */
	UHCI_PORT_D_PLUS = 0x0010,
	UHCI_PORT_RESUME_DETECT = 0x0040,
	UHCI_PORT_ALWAYS = 0x0080,
	UHCI_PORT_RESET = 0x0200,
	UHCI_PORT_SUSPEND = 0x1000,
	UHCI_PORT_WRITABLE = 0x1244, /* suspend, reset, resume detect, enabled */
};

/* Link pointers */
enum uhci_link {
	UHCI_LINK_TERMINATE = 0x1,
	UHCI_LINK_QUEUE = 0x2,
	UHCI_LINK_DEPTH = 0x4, /* the rest of the queue first */
};
#define UHCI_LINK_ADDRESS UINT32_C(0xfffffff0)

/* Control and status word of a transfer descriptor */
#define UHCI_TD_LENGTH       UINT32_C(0x000007ff) /* bytes moved minus one */
#define UHCI_TD_TIMEOUT      UINT32_C(0x00040000)
#define UHCI_TD_NAK          UINT32_C(0x00080000)
#define UHCI_TD_BABBLE       UINT32_C(0x00100000)
#define UHCI_TD_BUFFER_ERROR UINT32_C(0x00200000)
#define UHCI_TD_STALLED      UINT32_C(0x00400000)
#define UHCI_TD_ACTIVE       UINT32_C(0x00800000)
#define UHCI_TD_INTERRUPT    UINT32_C(0x01000000) /* on completion */
#define UHCI_TD_ISOCHRONOUS  UINT32_C(0x02000000)
#define UHCI_TD_SHORT        UINT32_C(0x20000000) /* a short packet stops the queue */

enum uhci_token {
	UHCI_TOKEN_ADDRESS_SHIFT = 8,
	UHCI_TOKEN_ENDPOINT_SHIFT = 15,
	UHCI_TOKEN_LENGTH_SHIFT = 21,
	UHCI_NO_BYTES = 0x7ff, /* a length minus one */
	UHCI_MAX_BYTES = 1280,
};

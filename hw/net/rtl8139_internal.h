// SPDX-License-Identifier: GPL-2.0-or-later
/* Between the layers of the RTL8139: registers and interrupts, receive, transmit. */
#pragma once

#include "hw/net/rtl8139.h"

static inline uint32_t rtl8139_get(const struct rtl8139 *card, unsigned offset, unsigned size)
{
	return (uint32_t)regs_read(&card->file, offset, size);
}

/** A register by the chip itself: no masks. */
void rtl8139_set(struct rtl8139 *card, unsigned offset, unsigned size, uint32_t value);
/** An address of 64 bits in two registers. */
uint64_t rtl8139_address(const struct rtl8139 *card, unsigned offset);
void rtl8139_raise(struct rtl8139 *card, uint16_t interrupts);
bool rtl8139_is_looped(const struct rtl8139 *card);
bool rtl8139_is_cplus(const struct rtl8139 *card, unsigned direction);

/** Bytes of the receive buffer in C mode. */
uint32_t rtl8139_rx_buffer_bytes(const struct rtl8139 *card);
/** Where the driver reads in it. */
uint32_t rtl8139_rx_read_at(const struct rtl8139 *card);
/** net_port_ops.receive. */
bool rtl8139_receive(void *opaque, const struct iovec *iov, unsigned count);
/** As rtl8139_receive, for frames of the card's own transmitter too. */
bool rtl8139_take(struct rtl8139 *card, const struct iovec *iov, unsigned count);
/** The guest may have made room. */
void rtl8139_receive_changed(struct rtl8139 *card);
void rtl8139_look_for_room(void *opaque);

/** Sends whatever is pending. */
void rtl8139_transmit(void *opaque);

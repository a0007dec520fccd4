// SPDX-License-Identifier: GPL-2.0-or-later
/* Between the layers of the e1000: registers and interrupts, EEPROM and PHY, receive, transmit. */
#pragma once

#include "hw/net/e1000.h"

/** How many descriptors a ring has; 0 if it cannot be used as it is programmed. One function for
 * both directions, for register writes and for the rings' walkers. */
unsigned e1000_ring_count(const struct e1000_ring *ring);
uint64_t e1000_ring_gpa(const struct e1000_ring *ring, unsigned index);

/* Registers (e1000.c) */

/** Causes come up now, */
void e1000_raise(struct e1000 *card, uint32_t causes);
/** or when their ring's delay is over. */
void e1000_raise_later(struct e1000 *card, uint32_t causes, const struct e1000_ring *ring);
void e1000_count(struct e1000 *card, enum e1000_statistic statistic);
/** Adds to a statistic of 64 bits. */
void e1000_count_bytes(struct e1000 *card, enum e1000_statistic low, size_t bytes);
/** Counts a frame by its size with FCS; 'first' is the 64-byte class. */
void e1000_count_size(struct e1000 *card, enum e1000_statistic first, size_t bytes);

/* EEPROM and PHY (e1000_phy.c) */

void e1000_eeprom_init(struct e1000 *card, uint16_t device_id);
void e1000_eecd_write(struct e1000 *card, uint32_t value);
uint32_t e1000_eecd_read(struct e1000 *card);
void e1000_eerd_write(struct e1000 *card, uint32_t value);
void e1000_mdic_write(struct e1000 *card, uint32_t value);
void e1000_phy_reset(struct e1000 *card);
/** The PHY's link came or went, or the negotiation is over. */
void e1000_phy_update_link(struct e1000 *card);
void e1000_phy_negotiated(void *opaque);
bool e1000_is_looped(const struct e1000 *card);

/* Frames */

/** net_port_ops.receive. */
bool e1000_receive(void *opaque, const struct iovec *iov, unsigned count);
/** As e1000_receive, for a frame of the card's own transmitter too. */
bool e1000_take(struct e1000 *card, const struct iovec *iov, unsigned count);
/** The guest added descriptors or switched the receiver on or off. */
void e1000_receive_changed(struct e1000 *card);
/** Sends what is in the transmit ring. */
void e1000_transmit(void *opaque);

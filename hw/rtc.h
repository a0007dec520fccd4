// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MC146818 real-time clock with 128 bytes of CMOS memory at ports 0x70 and 0x71, IRQ 8.
 *
 * Modelled: time in BCD or binary, 12 or 24 hours, with century; SET and divider reset; UIP; alarm
 * with bytes that match anything; periodic, alarm and update-ended interrupts. Everything is
 * computed from the clock when it is looked at: a host timer exists only while an enabled interrupt
 * could change the IRQ line. Not modelled: the square wave, daylight saving, time bases other
 * than 32.768 kHz, the 2 ms that an update takes.
 *
 * Time follows the host's wall clock plus an offset, also through a pause; writing the registers
 * changes the offset.
 */
#pragma once

#include "base/clock.h"
#include "bus/device.h"
#include "bus/io.h"
#include "bus/irq.h"
#include "hw/rtc_regs.h"

struct rtc_config {
	int64_t offset_s; /* RTC time minus UTC at power-on: 0 for UTC, rtc_local_offset_s for local
			     time */
	int64_t base_ns;  /* wall time at init, for a clock that follows the guest's; 0: take the
			     host's */
	bool follows_guest;  /* time is base_ns plus guest time; always so with a manual clock */
	bool core_has_clock; /* registers below RTC_RAM are the hypervisor core's (Xen): only memory
				is ours */
	void (*alarm)(
		void *opaque); /* an enabled alarm came: may wake the guest from S3. May be NULL */
	void *alarm_opaque;
};

/** What a guest can observe. */
struct rtc_state {
	int64_t offset_s;  /* RTC seconds minus seconds of the source, phase included */
	int64_t phase_ns;  /* 0 to 999999999: added to the source, so that seconds begin where the
			      guest set them */
	int64_t checked_s; /* RTC second up to which UF and AF have been worked out */
	int64_t periodic_clock; /* guest time of the last periodic tick, in periods of the crystal
				 */
	int64_t source_ns; /* when it was saved; counts if time follows the guest's. 0: never saved
			    */
	uint8_t cmos[RTC_CMOS_BYTES]; /* time registers are valid while the clock is held */
	uint8_t index;
	uint8_t reserved[7]; /* zero */
};

struct rtc {
	struct rtc_state state;
	struct device device;
	struct io_window window; /* RTC_PORT_COUNT ports; to be mapped by the board */
	struct clock_timer timer;
	struct clock *clock;
	struct irq_line *irq;
	struct rtc_config config;
};

/** Puts the chip into its power-on state with memory all zero. 'config' is copied, 'clock' and
 * 'irq' are borrowed. */
void rtc_init(struct rtc *rtc, struct clock *clock, struct irq_line *irq,
	      const struct rtc_config *config);

/** One byte of CMOS memory by the board; indices below RTC_RAM are ignored. A guest's reset keeps
 * it. */
void rtc_set_cmos(struct rtc *rtc, unsigned index, uint8_t value);
uint8_t rtc_get_cmos(const struct rtc *rtc, unsigned index);

/** RTC time in seconds since 1970 and in RTC time's zone, as the guest sees it: for rtc-offset
 * reports. */
int64_t rtc_now_s(const struct rtc *rtc);

/** Local time minus UTC on the host, now. */
int64_t rtc_local_offset_s(void);

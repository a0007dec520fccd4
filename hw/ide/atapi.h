// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The packet command set of a CD/DVD-ROM drive (MMC-5): a table by opcode, sense data, tray, lock
 * and media change.
 *
 * Modelled: data discs with one session and one track, CD-ROM or (beyond 99 minutes) DVD-ROM. Not
 * modelled: audio, writing, copy protection, several sessions.
 *
 *   medium is put in    changed -> UNIT ATTENTION 28h once, event "new media"
 *   medium is taken out changed -> NOT READY 3Ah until another comes, event "media removal"
 *
 * A reset leaves no unit attention: programs that read at once, without TEST UNIT READY, expect to
 * succeed.
 */
#pragma once

#include "hw/ide/atapi_regs.h"
#include "hw/ide/channel.h"

/** Conditions that the next command but INQUIRY and its like reports, once each. */
enum atapi_attention {
	ATAPI_ATTENTION_MEDIUM = 1,
};

/** Power-on state. Nothing for other drives. */
void atapi_power_on(struct ide_drive *drive);
/** After a reset of the drive: sense is cleared, the tray unlocked. */
void atapi_reset(struct ide_drive *drive);

/** Connects a CD-ROM drive to its slot. */
void atapi_attach(struct ide_drive *drive);
void atapi_detach(struct ide_drive *drive);

/** PACKET has been written to the command register. */
void atapi_start_packet(struct ide_drive *drive);
/** The packet is in the transfer's copy. */
void atapi_packet_received(struct ide_drive *drive);
/** 'bytes' of parameter list are in the channel's buffer. */
void atapi_list_received(struct ide_drive *drive, uint32_t bytes);
/** The host (or the bus master) failed the running command with 'result', a negative errno. */
void atapi_disk_failed(struct ide_drive *drive, int result);
/** True if the medium is not the one that the running command began with. */
bool atapi_medium_was_changed(const struct ide_drive *drive);

/* For the files of this command set. */

/** Ends the command with CHECK CONDITION. 'asc' is code << 8 | qualifier. */
void atapi_fail(struct ide_drive *drive, uint8_t key, uint16_t asc);
/** Gives the host 'bytes' of the channel's buffer, at most the 'allocation' it allows. */
void atapi_reply(struct ide_drive *drive, size_t bytes, size_t allocation);
/** The channel's buffer, cleared for a reply of 'bytes'. */
uint8_t *atapi_reply_buffer(struct ide_drive *drive, size_t bytes);
bool atapi_has_medium(const struct ide_drive *drive);
/** 2048-byte sectors of the medium, 0 without one. */
uint32_t atapi_total_sectors(const struct ide_drive *drive);
/** PROFILE_DVD_ROM, PROFILE_CD_ROM or PROFILE_NONE. */
uint16_t atapi_profile(const struct ide_drive *drive);

/* Commands that describe the drive (atapi_drive.c) and the disc (atapi_disc.c). */
void atapi_inquiry(struct ide_drive *drive, const uint8_t *packet);
void atapi_mode_sense_6(struct ide_drive *drive, const uint8_t *packet);
void atapi_mode_sense_10(struct ide_drive *drive, const uint8_t *packet);
void atapi_mode_select_6(struct ide_drive *drive, const uint8_t *packet);
void atapi_mode_select_10(struct ide_drive *drive, const uint8_t *packet);
void atapi_mode_select_data(struct ide_drive *drive, const uint8_t *packet, const uint8_t *list,
			    size_t bytes);
void atapi_get_configuration(struct ide_drive *drive, const uint8_t *packet);
void atapi_get_event_status(struct ide_drive *drive, const uint8_t *packet);
void atapi_mechanism_status(struct ide_drive *drive, const uint8_t *packet);
void atapi_get_performance(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_buffer_capacity(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_format_capacities(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_capacity(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_toc(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_subchannel(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_header(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_disc_information(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_track_information(struct ide_drive *drive, const uint8_t *packet);
void atapi_read_dvd_structure(struct ide_drive *drive, const uint8_t *packet);

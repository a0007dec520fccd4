// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Raw CD sectors made from the 2048 bytes that an image holds: sync pattern, header, EDC and ECC of
 * mode 1. ECMA-130, clause 14 and annex A. Not modelled: audio, mode 2, subchannels.
 */
#pragma once

#include <stdint.h>

/** Bytes of a sector with the parts that READ CD's byte 9 asks for ('fields', enum atapi_read_cd).
 */
uint16_t cd_sector_bytes(uint8_t fields);

/** Builds them at 'out' from the user data of sector 'lba'; returns cd_sector_bytes(fields). */
uint32_t cd_sector_build(uint8_t *out, const uint8_t *data, uint32_t lba, uint8_t fields);

/** Minute, second, frame (binary) of a sector's address, 2 seconds of pregap included. */
void cd_msf_from_lba(uint32_t lba, uint8_t msf[3]);

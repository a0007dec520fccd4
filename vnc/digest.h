// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The two old functions that viewers' protocols prescribe: DES for the VNC password (RFC
 * 6143 7.2.2) and SHA-1 with base64 for the WebSocket handshake (RFC 6455 1.3). Neither protects
 * anything by today's measure.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum {
	SHA1_BYTES = 20,
	BASE64_SHA1_CHARS = 28,
};

/** Encrypts one block of 8 bytes (FIPS 46-3). */
void des_encrypt(const uint8_t key[8], const uint8_t in[8], uint8_t out[8]);
/** What a viewer that knows 'password' answers to 'challenge'. */
void vnc_auth_response(const char *password, const uint8_t challenge[16], uint8_t response[16]);

/** FIPS 180-4 of up to 119 bytes. */
void sha1(const void *data, size_t length, uint8_t digest[SHA1_BYTES]);
/** Writes the base64 of 20 bytes, and a NUL. */
void base64_of_sha1(const uint8_t digest[SHA1_BYTES], char text[BASE64_SHA1_CHARS + 1]);

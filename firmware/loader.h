// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The script "etc/table-loader": tells the firmware into which memory to put files, where to add
 * the addresses of files to pointers, and which checksums to compute. Entries of 128 bytes, as
 * SeaBIOS and OVMF read them.
 */
#pragma once

#include "firmware/arena.h"

enum loader_command {
	LOADER_ALLOCATE = 1,
	LOADER_ADD_POINTER = 2,
	LOADER_ADD_CHECKSUM = 3,
};

enum loader_zone {
	LOADER_ZONE_HIGH = 1, /* anywhere below 4 GiB */
	LOADER_ZONE_FSEG = 2, /* where the RSDP is looked for */
};

enum loader_entry {
	LOADER_COMMAND = 0, /* 32 bits */
	LOADER_FILE = 4,    /* of all commands: the file allocated, or changed */
	LOADER_NAME_SIZE = 56,
	LOADER_ALIGNMENT = 60, /* ALLOCATE: 32 bits */
	LOADER_ZONE = 64,
	LOADER_SOURCE = 60,          /* ADD_POINTER: the file pointed to */
	LOADER_POINTER_OFFSET = 116, /* 32 bits */
	LOADER_POINTER_SIZE = 120,
	LOADER_CHECKSUM_OFFSET = 60, /* ADD_CHECKSUM: 32 bits each */
	LOADER_CHECKSUM_START = 64,
	LOADER_CHECKSUM_LENGTH = 68,
	LOADER_ENTRY_SIZE = 128,
};

void loader_allocate(struct blob *script, const char *file, uint32_t alignment,
		     enum loader_zone zone);
/** Adds the address of 'source' to the 'size' bytes at 'offset' of 'file', which hold an offset
 * into 'source'. */
void loader_add_pointer(struct blob *script, const char *file, uint32_t offset, unsigned size,
			const char *source);
/** Makes the sum of 'length' bytes from 'start' zero by the byte at 'offset', which must be 0. */
void loader_add_checksum(struct blob *script, const char *file, uint32_t offset, uint32_t start,
			 uint32_t length);

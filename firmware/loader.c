// SPDX-License-Identifier: GPL-2.0-or-later
#include "firmware/loader.h"

#include <string.h>

/** The offset of a new entry with its command and file. */
static size_t put_entry(struct blob *script, enum loader_command command, const char *file)
{
	size_t entry = blob_put(script, NULL, LOADER_ENTRY_SIZE);

	blob_patch(script, entry + LOADER_COMMAND, 4, command);
	for (size_t i = 0; file[i] && i < LOADER_NAME_SIZE - 1; i++)
		blob_patch(script, entry + LOADER_FILE + i, 1, (uint8_t)file[i]);
	return entry;
}

void loader_allocate(struct blob *script, const char *file, uint32_t alignment,
		     enum loader_zone zone)
{
	size_t entry = put_entry(script, LOADER_ALLOCATE, file);

	blob_patch(script, entry + LOADER_ALIGNMENT, 4, alignment);
	blob_patch(script, entry + LOADER_ZONE, 1, zone);
}

void loader_add_pointer(struct blob *script, const char *file, uint32_t offset, unsigned size,
			const char *source)
{
	size_t entry = put_entry(script, LOADER_ADD_POINTER, file);

	for (size_t i = 0; source[i] && i < LOADER_NAME_SIZE - 1; i++)
		blob_patch(script, entry + LOADER_SOURCE + i, 1, (uint8_t)source[i]);
	blob_patch(script, entry + LOADER_POINTER_OFFSET, 4, offset);
	blob_patch(script, entry + LOADER_POINTER_SIZE, 1, size);
}

void loader_add_checksum(struct blob *script, const char *file, uint32_t offset, uint32_t start,
			 uint32_t length)
{
	size_t entry = put_entry(script, LOADER_ADD_CHECKSUM, file);

	blob_patch(script, entry + LOADER_CHECKSUM_OFFSET, 4, offset);
	blob_patch(script, entry + LOADER_CHECKSUM_START, 4, start);
	blob_patch(script, entry + LOADER_CHECKSUM_LENGTH, 4, length);
}

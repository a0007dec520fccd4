// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/floppy_media.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"
#include "hw/floppy_regs.h"

enum {
	SECTOR_BYTES = 512,
};

/* The formats of the PC, and those with more sectors or tracks that distributions and Microsoft
 * used (DMF has 21 sectors). */
static const struct floppy_format formats[] = {
	{ 80, 2, 36, FLOPPY_RATE_1M, FLOPPY_2880K },
	{ 80, 2, 18, FLOPPY_RATE_500K, FLOPPY_1440K },
	{ 80, 2, 20, FLOPPY_RATE_500K, FLOPPY_1440K },
	{ 80, 2, 21, FLOPPY_RATE_500K, FLOPPY_1440K },
	{ 82, 2, 21, FLOPPY_RATE_500K, FLOPPY_1440K },
	{ 83, 2, 21, FLOPPY_RATE_500K, FLOPPY_1440K },
	{ 80, 2, 9, FLOPPY_RATE_250K, FLOPPY_720K },
	{ 80, 2, 10, FLOPPY_RATE_250K, FLOPPY_720K },
	{ 80, 2, 15, FLOPPY_RATE_500K, FLOPPY_1200K },
	{ 40, 2, 9, FLOPPY_RATE_250K, FLOPPY_360K },
	{ 40, 2, 8, FLOPPY_RATE_250K, FLOPPY_360K },
	{ 40, 1, 9, FLOPPY_RATE_250K, FLOPPY_360K },
	{ 40, 1, 8, FLOPPY_RATE_250K, FLOPPY_360K },
};

/* 1.44 and 2.88 MB: what an image that was cut short is taken for. */
#define ED_FORMAT (&formats[0])
#define HD_FORMAT (&formats[1])

static const char *const names[] = {
	[FLOPPY_360K] = "360",  [FLOPPY_1200K] = "120", [FLOPPY_720K] = "720",
	[FLOPPY_1440K] = "144", [FLOPPY_2880K] = "288",
};

static uint64_t format_bytes(const struct floppy_format *format)
{
	return (uint64_t)format->tracks * format->heads * format->sectors * SECTOR_BYTES;
}

const struct floppy_format *floppy_format_find(uint64_t bytes)
{
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++)
		if (bytes == format_bytes(&formats[i]))
			return &formats[i];
	if (bytes == 0 || bytes % SECTOR_BYTES)
		return NULL;
	return bytes < format_bytes(HD_FORMAT)   ? HD_FORMAT
	       : bytes < format_bytes(ED_FORMAT) ? ED_FORMAT
						 : NULL;
}

enum floppy_kind floppy_kind_for(uint64_t bytes)
{
	const struct floppy_format *format = floppy_format_find(bytes);

	/* A 720 KB disk is most likely one of several that a 1.44 MB drive is to read. */
	if (!format || format->smallest == FLOPPY_720K)
		return FLOPPY_1440K;
	return (enum floppy_kind)format->smallest;
}

bool floppy_kind_takes(enum floppy_kind kind, const struct floppy_format *format)
{
	bool small_disk = format->smallest >= FLOPPY_720K;

	return format->smallest == (uint8_t)kind || (small_disk && kind >= format->smallest);
}

enum floppy_kind floppy_kind_parse(const char *text)
{
	for (unsigned i = FLOPPY_360K; i < ARRAY_SIZE(names); i++)
		if (strcmp(text, names[i]) == 0)
			return (enum floppy_kind)i;
	return FLOPPY_NONE;
}

const char *floppy_kind_name(enum floppy_kind kind)
{
	return kind < ARRAY_SIZE(names) && names[kind] ? names[kind] : "none";
}

// SPDX-License-Identifier: GPL-2.0-or-later
/* What image.h offers, for VHD. 'file' is the image's own, open for writing. */
#pragma once

#include "block/driver.h"
#include "block/image.h"

/** Of a footer or header of 'bytes', whose checksum is at 'place'. */
uint32_t vpc_checksum(const uint8_t *data, size_t bytes, size_t place);
/** Size, geometry and checksum. */
void vpc_footer_set_size(uint8_t *footer, uint64_t bytes);
/** A dynamic or fixed image, all of zeros. 0, or -errno and a sentence. */
int vpc_create(struct block *file, const struct image_create *options, struct err *err);

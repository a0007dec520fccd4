// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's CD drives: the disc may come and go while the drive is open. */
#include <limits.h>
#include <linux/cdrom.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "block/driver.h"

bool host_cdrom_is_present(int fd, uint64_t *size_bytes)
{
	uint64_t bytes = 0;
	int status = ioctl(fd, CDROM_DRIVE_STATUS, CDSL_CURRENT);

	/* A drive without this call (a loop device, say) always has its medium. */
	if (status >= 0 && status != CDS_DISC_OK && status != CDS_NO_INFO)
		return false;
	if (ioctl(fd, BLKGETSIZE64, &bytes) < 0 || bytes < BLOCK_CD_SECTOR_BYTES)
		return false;
	*size_bytes = bytes;
	return true;
}

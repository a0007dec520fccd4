// SPDX-License-Identifier: GPL-2.0-or-later
/* Formats the disk in /dev/fd0 by Linux's own driver, track by track. */
#include <fcntl.h>
#include <linux/fd.h>
#include <stdio.h>
#include <sys/ioctl.h>

int main(void)
{
	struct floppy_struct geometry;
	int fd = open("/dev/fd0", O_RDWR | O_ACCMODE);

	if (fd < 0 || ioctl(fd, FDGETPRM, &geometry) < 0 || ioctl(fd, FDFMTBEG, NULL) < 0) {
		perror("floppy: FAILED to begin formatting");
		return 1;
	}
	for (unsigned track = 0; track < geometry.track; track++) {
		for (unsigned head = 0; head < geometry.head; head++) {
			struct format_descr where = { .track = track, .head = head };

			if (ioctl(fd, FDFMTTRK, &where) < 0) {
				perror("floppy: FAILED to format a track");
				return 1;
			}
		}
	}
	if (ioctl(fd, FDFMTEND, NULL) < 0)
		perror("floppy: FAILED to end formatting");
	printf("floppy: formatted %u tracks of %u sectors\n", geometry.track * geometry.head,
	       geometry.sect);
	return 0;
}

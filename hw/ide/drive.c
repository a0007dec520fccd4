// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/drive.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "hw/ide/atapi.h"

static const struct ide_drive_config default_config;

static int set_text(char *text, size_t bytes, const char *value, const char *what, struct err *err)
{
	if (strlen(value) >= bytes)
		return err_set(err, -EINVAL,
			       "the %s '%s' of an IDE drive has more than %zu characters", what,
			       value, bytes - 1);
	memcpy(text, value, strlen(value) + 1);
	return 0;
}

static int set_texts(struct ide_drive *drive, const struct ide_drive_config *config,
		     const char *prefix, unsigned position, const char *model, struct err *err)
{
	char serial[IDE_SERIAL_CHARS + 1];
	int result;

	snprintf(serial, sizeof(serial), "%s%05u", prefix, position + 1);
	result = set_text(drive->serial, sizeof(drive->serial),
			  config->serial ? config->serial : serial, "serial number", err);
	if (result == 0)
		result = set_text(drive->version, sizeof(drive->version),
				  config->version ? config->version : "1.0", "firmware version",
				  err);
	if (result == 0)
		result = set_text(drive->model, sizeof(drive->model),
				  config->model ? config->model : model, "model", err);
	return result;
}

int ide_drive_make_disk(struct ide_drive *drive, struct block *block,
			const struct ide_drive_config *config, unsigned position, struct err *err)
{
	const struct ide_geometry *geometry;
	int result;

	if (!config)
		config = &default_config;
	geometry = &config->geometry;
	if (geometry->cylinders == 0 && geometry->heads == 0 && geometry->sectors == 0)
		drive->geometry = ide_geometry_guess(block);
	else if (ide_geometry_is_valid(geometry))
		drive->geometry = *geometry;
	else
		return err_set(err, -EINVAL,
			       "a disk has 1 to 65535 cylinders, 1 to 16 heads, 1 to 255 sectors");
	if (config->has_translation)
		drive->geometry.translation = config->geometry.translation;
	else if (geometry->cylinders)
		drive->geometry.translation = ide_geometry_translation(geometry);
	result = set_texts(drive, config, "HD", position, "HVMDM HARDDISK", err);
	if (result < 0)
		return result;
	drive->wwn = config->wwn;
	drive->block = block;
	drive->kind = IDE_DISK;
	return 0;
}

int ide_drive_make_cdrom(struct ide_drive *drive, struct medium_slot *slot,
			 const struct ide_drive_config *config, unsigned position, struct err *err)
{
	int result;

	if (!config)
		config = &default_config;
	result = set_texts(drive, config, "CD", position, "HVMDM DVD-ROM", err);
	if (result < 0)
		return result;
	drive->slot = slot;
	drive->kind = IDE_CDROM;
	atapi_attach(drive);
	return 0;
}

void ide_drive_remove(struct ide_drive *drive)
{
	if (drive->kind == IDE_CDROM)
		atapi_detach(drive);
	*drive = (struct ide_drive){
		.state = drive->state,
		.channel = drive->channel,
		.unit = drive->unit,
		.sata = drive->sata,
	};
}

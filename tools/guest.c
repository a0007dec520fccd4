// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/guest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"
#include "tools/config.h"
#include "tools/keys.h"

#define CLASSICAL_DEVICE_MODEL "qemu-dm"

/* All keys, known or not */

/** "usb: '1'": what the guest goes without. */
static void note_later(const struct config *config, const struct key_row *row, struct words *notes)
{
	struct words values = { 0 };

	if (config_get_words(config, row->name, &values, NULL) == 1 && values.count == 0)
		return;
	if (values.count == 1 && strcmp(values.items[0], "0") == 0) {
		words_finish(&values);
		return;
	}
	if (values.count == 0)
		words_add(notes, "warning: %s is ignored: this release does not offer %s",
			  row->name, row->text);
	for (size_t i = 0; i < values.count; i++)
		words_add(notes, "warning: %s '%s' is ignored: this release does not offer %s",
			  row->name, values.items[i], row->text);
	words_finish(&values);
}

/** A refused key that asks for nothing ("gfx_passthru = 0", "pci = []") is none. */
static int check_refused(const struct config *config, const struct key_row *row, struct err *err)
{
	struct words values = { 0 };
	int result = config_get_words(config, row->name, &values, NULL);
	bool empty = result == 1 && (values.count == 0 || strcmp(values.items[0], "0") == 0 ||
				     strcmp(values.items[0], "") == 0);

	words_finish(&values);
	if (empty)
		return 0;
	return err_set(err, -EINVAL, "%s: %s", row->name, row->text);
}

static void note_ignored(const struct words *ignored, struct words *notes)
{
	char *list = NULL;
	size_t size = 0;
	FILE *out;

	if (ignored->count == 0)
		return;
	out = open_memstream(&list, &size);
	for (size_t i = 0; out && i < ignored->count; i++)
		fprintf(out, "%s%s", i > 0 ? ", " : "", ignored->items[i]);
	if (out)
		fclose(out);
	words_add(notes, "note: without meaning on a KVM host and ignored: %s", list ? list : "");
	free(list);
}

static int check_keys(const struct config *config, struct words *notes, struct err *err)
{
	const struct words *keys = config_keys(config);
	struct words ignored = { 0 };
	int result = 0;

	for (size_t i = 0; i < keys->count && result == 0; i++) {
		const char *key = keys->items[i];
		const struct key_row *row = key_find(key);

		if (!row && key_nearest(key))
			result = err_set(err, -EINVAL, "unknown key '%s', did you mean '%s'?", key,
					 key_nearest(key));
		else if (!row)
			words_add(notes, "warning: unknown key '%s' is ignored", key);
		else if (row->fate == KEY_IGNORED)
			words_add(&ignored, "%s", key);
		else if (row->fate == KEY_LATER)
			note_later(config, row, notes);
		else if (row->fate == KEY_REFUSED)
			result = check_refused(config, row, err);
	}
	if (result == 0)
		note_ignored(&ignored, notes);
	words_finish(&ignored);
	return result;
}

/* What the guest is */

int guest_check_name(const char *name, struct err *err)
{
	size_t length = strlen(name);

	if (length == 0 || length > GUEST_MAX_NAME)
		return err_set(err, -EINVAL, "name '%.80s': 1 to %d characters are wanted", name,
			       GUEST_MAX_NAME);
	for (const char *c = name; *c; c++)
		if (iscntrl((unsigned char)*c) || *c == '/' || *c == ',')
			return err_set(err, -EINVAL,
				       "name '%s': neither '/' nor ',' nor control characters "
				       "can stand in a name",
				       name);
	if (*name == '.' || *name == '-')
		return err_set(err, -EINVAL, "name '%s': cannot begin with '%c'", name, *name);
	if (name[strspn(name, "0123456789")] == '\0')
		return err_set(err, -EINVAL, "name '%s': a number cannot be a guest's name", name);
	return 0;
}

/** The first of these keys that is set, xl's spelling first. */
static int check_type(const struct config *config, struct words *notes, struct err *err)
{
	const char *type = NULL, *key = "type";
	int result = config_get_string(config, key, &type, err);

	if (result == 0) {
		key = "builder";
		result = config_get_string(config, key, &type, err);
	}
	if (result < 0)
		return result;
	if (!type) {
		words_add(notes, "note: type is not set; taken as type = \"hvm\"");
		return 0;
	}
	if (strcmp(type, "hvm") == 0)
		return 0;
	if (strcmp(type, "pv") == 0 || strcmp(type, "pvh") == 0 || strcmp(type, "linux") == 0 ||
	    strcmp(type, "generic") == 0)
		return err_set(err, -EINVAL,
			       "%s = '%s': paravirtual guests need Xen; this host runs "
			       "type = \"hvm\"",
			       key, type);
	return err_set(err, -EINVAL, "%s = '%s': known is \"hvm\"", key, type);
}

static int check_uuid(const char *uuid, struct err *err)
{
	unsigned digits = 0;

	for (const char *c = uuid; *c; c++) {
		if (isxdigit((unsigned char)*c))
			digits++;
		else if (*c != '-')
			digits = 33;
	}
	return digits == 32 ? 0 : err_set(err, -EINVAL, "uuid = '%s': not a UUID", uuid);
}

static int read_identity(struct guest *guest, const struct config *config, struct words *notes,
			 struct err *err)
{
	int result = check_type(config, notes, err);

	if (result == 0)
		result = config_get_string(config, "name", &guest->name, err);
	if (result < 0)
		return result;
	if (!guest->name)
		return err_set(err, -EINVAL, "the guest has no name: write name = \"...\"");
	result = guest_check_name(guest->name, err);
	if (result == 0)
		result = config_get_string(config, "uuid", &guest->uuid, err);
	return result < 0 || !guest->uuid ? result : check_uuid(guest->uuid, err);
}

/** As config_get_number, for the structure's unsigned members. 0 or -EINVAL. */
static int read_unsigned(const struct config *config, const char *key, long low, long high,
			 unsigned *value, struct err *err)
{
	long number = *value;
	int result = config_get_number(config, key, low, high, &number, err);

	*value = (unsigned)number;
	return result < 0 ? result : 0;
}

static int read_processors(struct guest *guest, const struct config *config, struct words *notes,
			   struct err *err)
{
	int result =
		read_unsigned(config, "memory", 1, GUEST_MAX_MEMORY_MIB, &guest->memory_mib, err);

	if (!config_has(config, "memory"))
		words_add(notes, "note: memory is not set; the guest gets %u MiB",
			  guest->memory_mib);
	if (result == 0)
		result = read_unsigned(config, "vcpus", 1, GUEST_MAX_VCPUS, &guest->vcpus, err);
	guest->max_vcpus = guest->vcpus;
	if (result == 0)
		result = read_unsigned(config, "maxvcpus", 1, GUEST_MAX_VCPUS, &guest->max_vcpus,
				       err);
	if (result == 0 && guest->max_vcpus < guest->vcpus)
		return err_set(err, -EINVAL, "maxvcpus = %u is less than vcpus = %u",
			       guest->max_vcpus, guest->vcpus);
	return result;
}

/* The board */

static int check_boot(const char *boot, struct err *err)
{
	for (const char *c = boot; *c; c++)
		if (!strchr("acdn", *c))
			return err_set(err, -EINVAL,
				       "boot = '%s': known are c (disk), d (CD-ROM), a (floppy), "
				       "n (network)",
				       boot);
	return *boot ? 0 : err_set(err, -EINVAL, "boot: is empty");
}

/** "tablet", or several in a list. */
static int read_usb(struct guest *guest, const struct config *config, struct err *err)
{
	int result = config_get_bool(config, "usb", &guest->usb, err);

	if (result >= 0)
		result = config_get_words(config, "usbdevice", &guest->usb_devices, err);
	if (result >= 0)
		result = config_get_number(config, "usbversion", 1, 2, &guest->usb_version, err);
	for (size_t i = 0; i < guest->usb_devices.count && result >= 0; i++) {
		const char *name = guest->usb_devices.items[i];

		if (strcmp(name, "tablet") != 0 && strcmp(name, "mouse") != 0 &&
		    strcmp(name, "keyboard") != 0)
			result = err_set(err, -EINVAL,
					 "usbdevice '%s': known are tablet, mouse and keyboard",
					 name);
	}
	return result < 0 ? result : 0;
}

/** hvmloader is the firmware of a Xen guest, not a kernel; files of old name it as one. */
static bool is_hvmloader(const char *kernel)
{
	const char *slash = strrchr(kernel, '/');

	return strcmp(slash ? slash + 1 : kernel, "hvmloader") == 0;
}

static int read_hdtype(struct guest *guest, const struct config *config, struct err *err)
{
	const char *word = NULL;
	int result = config_get_string(config, "hdtype", &word, err);

	if (result <= 0)
		return result;
	guest->ahci = strcmp(word, "ahci") == 0;
	if (!guest->ahci && strcmp(word, "ide") != 0)
		return err_set(err, -EINVAL, "hdtype = '%s': known are ide and ahci", word);
	return 0;
}

static int read_word(const struct config *config, const char *key, const char *const *known,
		     struct err *err)
{
	const char *word = NULL;
	int result = config_get_string(config, key, &word, err);

	if (result <= 0)
		return result;
	for (size_t i = 0; known[i]; i++)
		if (strcmp(word, known[i]) == 0)
			return 0;
	return err_set(err, -EINVAL, "%s = '%s': this host offers \"%s\"", key, word, known[0]);
}

static int read_firmware(struct guest *guest, const struct config *config, struct words *notes,
			 struct err *err)
{
	static const char *const bioses[] = { "seabios", "rombios", NULL };
	static const char *const firmwares[] = { "bios", "seabios", NULL };
	int result = config_get_string(config, "kernel", &guest->kernel, err);

	if (result >= 0)
		result = config_get_string(config, "ramdisk", &guest->ramdisk, err);
	if (result >= 0)
		result = config_get_string(config, "cmdline", &guest->cmdline, err);
	if (result == 0)
		result = config_get_string(config, "extra", &guest->cmdline, err);
	if (guest->kernel && is_hvmloader(guest->kernel))
		guest->kernel = NULL;
	if (result >= 0)
		result = read_word(config, "bios", bioses, err);
	if (result >= 0)
		result = read_word(config, "firmware", firmwares, err);
	if (result >= 0)
		result = read_hdtype(guest, config, err);
	if (result >= 0)
		result = config_get_string(config, "boot", &guest->boot, err);
	if (result >= 0)
		result = config_get_string(config, "boot_once", &guest->boot_once, err);
	if (config_has(config, "root"))
		words_add(notes, "note: root is for direct kernel boot and ignored");
	if (result >= 0)
		result = check_boot(guest->boot, err);
	if (result == 0 && guest->boot_once)
		result = check_boot(guest->boot_once, err);
	return result < 0 ? result : 0;
}

static int read_switches(struct guest *guest, const struct config *config, struct err *err)
{
	const struct {
		const char *key;
		bool *value;
	} switches[] = {
		{ "acpi", &guest->acpi },
		{ "hpet", &guest->hpet },
		{ "localtime", &guest->localtime },
		{ "sdl", &guest->sdl },
		{ "nographic", &guest->nographic },
		{ "vnc", &guest->vnc.on },
		{ "vncunused", &guest->vnc.unused },
		{ "vncviewer", &guest->vncviewer },
		{ "vncconsole", &guest->vncviewer },
	};

	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (config_get_bool(config, switches[i].key, switches[i].value, err) < 0)
			return -EINVAL;
	return 0;
}

/* stdvga = 0 means the other card; without either word it is the standard VGA. */
static int read_vga(struct guest *guest, const struct config *config, struct err *err)
{
	const char *vga = NULL;
	bool stdvga = true;
	int result = config_get_string(config, "vga", &vga, err);

	if (result >= 0)
		result = config_get_bool(config, "stdvga", &stdvga, err);
	if (result < 0)
		return result;
	if (!vga)
		vga = stdvga ? "stdvga" : "cirrus";
	if (strcmp(vga, "none") == 0)
		guest->vga = VGA_NONE;
	else if (strcmp(vga, "cirrus") == 0)
		guest->vga = VGA_CIRRUS;
	else if (strcmp(vga, "stdvga") != 0)
		return err_set(err, -EINVAL,
			       "vga = '%s': known are \"stdvga\", \"cirrus\" and \"none\"", vga);
	return read_unsigned(config, "videoram", 1, 256, &guest->video_mib, err);
}

static int read_vnc(struct guest *guest, const struct config *config, struct err *err)
{
	int result = config_get_string(config, "vnclisten", &guest->vnc.listen, err);

	if (result >= 0)
		result = config_get_string(config, "vncpasswd", &guest->vnc.password, err);
	if (result >= 0)
		result = read_unsigned(config, "vncdisplay", 0, 59635, &guest->vnc.display, err);
	return result < 0 ? result : config_get_string(config, "keymap", &guest->keymap, err);
}

static int read_serials(struct guest *guest, const struct config *config, struct err *err)
{
	int result = config_get_words(config, "serial", &guest->serials, err);

	if (result >= 0 && guest->serials.count > GUEST_MAX_SERIALS)
		return err_set(err, -EINVAL, "serial: %d ports at the most", GUEST_MAX_SERIALS);
	return result < 0 ? result : 0;
}

/* Disks */

static int add_disk(struct guest *guest, const char *spec, struct err *err)
{
	struct disk disk;
	int result = disk_parse(&disk, spec, err);

	if (result < 0)
		return result;
	for (unsigned i = 0; i < guest->disk_count; i++) {
		if (guest->disks[i].index != disk.index)
			continue;
		err_set(err, -EINVAL, "disk '%s': %s is the same drive as %s", spec, disk.vdev,
			guest->disks[i].vdev);
		disk_finish(&disk);
		return -EINVAL;
	}
	if (disk.index >= DISK_IDE_DRIVES && !guest->ahci) {
		err_set(err, -EINVAL,
			"disk '%s': IDE has no place for %s; with hdtype = \"ahci\" there are six",
			spec, disk.vdev);
		disk_finish(&disk);
		return -EINVAL;
	}
	guest->disks[guest->disk_count++] = disk;
	return 0;
}

/** "hda,iops-total=200,bps-total=20M": of a disk that 'disk' has. */
static int limit_disk(struct guest *guest, const char *spec, struct err *err)
{
	size_t length = strcspn(spec, ",");

	for (unsigned i = 0; i < guest->disk_count; i++) {
		struct disk *disk = &guest->disks[i];

		if (strlen(disk->vdev) == length && strncmp(disk->vdev, spec, length) == 0)
			return disk_set_limits(disk, spec + length + (spec[length] == ','), err);
	}
	return err_set(err, -EINVAL, "disk_limits '%s': there is no disk %.*s", spec, (int)length,
		       spec);
}

static int read_limits(struct guest *guest, const struct config *config, struct err *err)
{
	struct words specs = { 0 };
	int result = config_get_words(config, "disk_limits", &specs, err);

	for (size_t i = 0; i < specs.count && result >= 0; i++)
		result = limit_disk(guest, specs.items[i], err);
	words_finish(&specs);
	return result;
}

static int read_disks(struct guest *guest, const struct config *config, struct err *err)
{
	struct words specs = { 0 };
	const char *cdrom = NULL;
	int result = config_get_words(config, "disk", &specs, err);

	for (size_t i = 0; i < specs.count && result >= 0; i++)
		result = add_disk(guest, specs.items[i], err);
	words_finish(&specs);
	if (result >= 0)
		result = read_limits(guest, config, err);
	if (result >= 0)
		result = config_get_string(config, "cdrom", &cdrom, err);
	if (result >= 0 && cdrom && *cdrom) {
		words_add(&specs, "format=raw,vdev=hdc,devtype=cdrom,target=%s", cdrom);
		result = add_disk(guest, specs.items[0], err);
		words_finish(&specs);
	}
	if (result >= 0)
		result = config_get_string(config, "fda", &guest->floppies[0], err);
	if (result >= 0)
		result = config_get_string(config, "fdb", &guest->floppies[1], err);
	return result < 0 ? result : 0;
}

static int add_vif(struct guest *guest, const char *spec, struct words *notes, struct err *err)
{
	const char *seed = guest->uuid ? guest->uuid : guest->name;
	struct vif *vif = &guest->vifs[guest->vif_count];

	if (guest->vif_count == VIF_MAX)
		return err_set(err, -EINVAL, "vif: a guest has at most %d network cards", VIF_MAX);
	if (vif_parse(vif, spec, seed, guest->vif_count, err) < 0)
		return -EINVAL;
	guest->vif_count++;
	if (vif->kind == VIF_NONE)
		words_add(notes, "warning: vif '%s' is ignored: it is for drivers of Xen", spec);
	else if (vif->ignored)
		words_add(notes, "warning: vif '%s': without meaning on a KVM host and ignored: %s",
			  spec, vif->ignored + 1);
	return 0;
}

static int read_vifs(struct guest *guest, const struct config *config, struct words *notes,
		     struct err *err)
{
	struct words specs = { 0 };
	int result = config_get_words(config, "vif", &specs, err);

	for (size_t i = 0; i < specs.count && result >= 0; i++)
		result = add_vif(guest, specs.items[i], notes, err);
	words_finish(&specs);
	return result < 0 ? result : 0;
}

/* The device model, and the guest's life */

static int read_device_model(struct guest *guest, const struct config *config, struct words *notes,
			     struct err *err)
{
	const char *path = NULL, *slash;
	int result = config_get_string(config, "device_model", &path, err);

	if (result >= 0)
		result = config_get_string(config, "device_model_override", &path, err);
	if (result >= 0)
		result = config_get_string(config, "device_model_user", &guest->user, err);
	if (result >= 0)
		result = config_get_words(config, "device_model_args", &guest->extra_args, err);
	if (result >= 0)
		result = config_get_words(config, "device_model_args_hvm", &guest->extra_args_hvm,
					  err);
	if (result < 0 || !path || !*path)
		return result < 0 ? result : 0;
	slash = strrchr(path, '/');
	if (access(path, X_OK) == 0) {
		guest->device_model = path;
		return 0;
	}
	if (strcmp(slash ? slash + 1 : path, CLASSICAL_DEVICE_MODEL) == 0) {
		words_add(notes, "note: device_model '%s' is not on this host; hvmdm is used",
			  path);
		return 0;
	}
	return err_set_errno(err, -errno, "device_model '%s' cannot be started", path);
}

static int read_action(const struct config *config, const char *key, enum guest_action *action,
		       struct words *notes, struct err *err)
{
	static const struct {
		const char *word;
		enum guest_action action;
		bool approximate;
	} known[] = {
		{ "destroy", ACTION_DESTROY, false },
		{ "preserve", ACTION_PRESERVE, false },
		{ "restart", ACTION_RESTART, false },
		{ "rename-restart", ACTION_RESTART, true },
		{ "coredump-destroy", ACTION_DESTROY, true },
		{ "coredump-restart", ACTION_RESTART, true },
		{ "soft-reset", ACTION_RESTART, true },
	};
	static const char *const names[] = { "destroy", "preserve", "restart" };
	const char *word = NULL;
	int result = config_get_string(config, key, &word, err);

	if (result <= 0)
		return result;
	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		if (strcmp(word, known[i].word) != 0)
			continue;
		*action = known[i].action;
		if (known[i].approximate)
			words_add(notes, "note: %s = \"%s\" is taken as \"%s\"", key, word,
				  names[*action]);
		return 0;
	}
	return err_set(err, -EINVAL, "%s = '%s': known are destroy, preserve and restart", key,
		       word);
}

static int read_actions(struct guest *guest, const struct config *config, struct words *notes,
			struct err *err)
{
	int result = read_action(config, "on_poweroff", &guest->on_poweroff, notes, err);

	if (result == 0)
		result = read_action(config, "on_reboot", &guest->on_reboot, notes, err);
	if (result == 0)
		result = read_action(config, "on_crash", &guest->on_crash, notes, err);
	if (result == 0 && guest->on_reboot == ACTION_PRESERVE)
		return err_set(err, -EINVAL,
			       "on_reboot = 'preserve': known are destroy and restart");
	return result;
}

static int read_all(struct guest *guest, const struct config *config, struct words *notes,
		    struct err *err)
{
	int result = check_keys(config, notes, err);

	if (result >= 0)
		result = read_identity(guest, config, notes, err);
	if (result >= 0)
		result = read_processors(guest, config, notes, err);
	if (result >= 0)
		result = read_firmware(guest, config, notes, err);
	if (result >= 0)
		result = read_switches(guest, config, err);
	if (result >= 0)
		result = read_vga(guest, config, err);
	if (result >= 0)
		result = read_vnc(guest, config, err);
	if (result >= 0)
		result = read_serials(guest, config, err);
	if (result >= 0)
		result = read_disks(guest, config, err);
	if (result == 0)
		result = read_usb(guest, config, err);
	if (result >= 0)
		result = read_vifs(guest, config, notes, err);
	if (result >= 0)
		result = read_device_model(guest, config, notes, err);
	if (result >= 0)
		result = read_actions(guest, config, notes, err);
	return result < 0 ? result : 0;
}

int guest_read(struct guest *guest, const struct config *config, struct words *notes,
	       struct err *err)
{
	int result;

	*guest = (struct guest){
		.memory_mib = GUEST_DEFAULT_MEMORY_MIB,
		.vcpus = 1,
		.boot = "cda",
		.acpi = true,
		.hpet = true,
		.video_mib = 16,
		.vnc = { .on = true, .unused = true, .listen = "127.0.0.1" },
		.on_reboot = ACTION_RESTART,
	};
	result = read_all(guest, config, notes, err);
	if (result < 0)
		guest_finish(guest);
	return result;
}

void guest_finish(struct guest *guest)
{
	for (unsigned i = 0; i < guest->disk_count; i++)
		disk_finish(&guest->disks[i]);
	for (unsigned i = 0; i < guest->vif_count; i++)
		vif_finish(&guest->vifs[i]);
	words_finish(&guest->serials);
	words_finish(&guest->usb_devices);
	words_finish(&guest->extra_args);
	words_finish(&guest->extra_args_hvm);
	*guest = (struct guest){ 0 };
}

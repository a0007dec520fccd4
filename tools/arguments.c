// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/arguments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/guest.h"
#include "tools/medium.h"
#include "tools/words.h"

static void add_option(struct words *words, const char *option, const char *argument)
{
	words_add(words, "%s", option);
	words_add(words, "%s", argument);
}

/** 'text' for an option string, where a comma is written twice. The caller frees it. */
static char *double_commas(const char *text)
{
	char *doubled = malloc(2 * strlen(text) + 1), *out = doubled;

	if (!doubled)
		return text_copy(text);
	for (; *text; text++) {
		*out++ = *text;
		if (*text == ',')
			*out++ = ',';
	}
	*out = '\0';
	return doubled;
}

/** A control socket. 'list' has one of its own, so that it never waits behind another command. */
static void add_monitor(struct words *words, const char *directory, const char *id,
			const char *socket)
{
	char *quoted = double_commas(directory);

	words_add(words, "-chardev");
	words_add(words, "socket,id=%s,path=%s/%s,server=on,wait=off", id, quoted, socket);
	words_add(words, "-mon");
	words_add(words, "chardev=%s,mode=control", id);
	free(quoted);
}

static void add_vnc(struct words *words, const struct guest_vnc *vnc, const char *directory)
{
	bool password = vnc->password && *vnc->password;

	words_add(words, "-vnc");
	if (!vnc->on)
		words_add(words, "none");
	else if (strcmp(vnc->listen, "unix") == 0)
		words_add(words, "unix:%s/vnc%s", directory, password ? ",password=on" : "");
	else if (strncmp(vnc->listen, "unix:", 5) == 0 || strrchr(vnc->listen, ':'))
		words_add(words, "%s%s%s", vnc->listen, password ? ",password=on" : "",
			  vnc->unused && vnc->listen[0] != 'u' ? ",to=99" : "");
	else
		words_add(words, "%s:%u%s%s", vnc->listen, vnc->display,
			  password ? ",password=on" : "", vnc->unused ? ",to=99" : "");
}

static void add_screen(struct words *words, const struct guest *guest,
		       const struct arguments_place *place)
{
	add_vnc(words, &guest->vnc, place->directory);
	add_option(words, "-display", "none");
	if (guest->sdl)
		add_option(words, "-display", "sdl");
	if (guest->keymap)
		add_option(words, "-k", guest->keymap);
}

static void add_kernel(struct words *words, const struct guest *guest)
{
	if (!guest->kernel)
		return;
	add_option(words, "-kernel", guest->kernel);
	if (guest->ramdisk)
		add_option(words, "-initrd", guest->ramdisk);
	if (guest->cmdline)
		add_option(words, "-append", guest->cmdline);
}

/** As Xen's toolstack has it: usb= and usbdevice= come before usbversion=. */
static void add_usb(struct words *words, const struct guest *guest)
{
	if (guest->usb || guest->usb_devices.count) {
		words_add(words, "-usb");
	} else if (guest->usb_version == 1) {
		add_option(words, "-device", "piix3-usb-uhci,id=usb");
	} else if (guest->usb_version == 2) {
		add_option(words, "-device",
			   "ich9-usb-ehci1,id=usb,addr=0x1d.0x7,multifunction=on");
		for (unsigned i = 1; i <= 3; i++) {
			words_add(words, "-device");
			words_add(words,
				  "ich9-usb-uhci%u,masterbus=usb.0,firstport=%u,addr=0x1d.%#x,"
				  "multifunction=on",
				  i, 2 * (i - 1), i - 1);
		}
	}
}

static void add_board(struct words *words, const struct guest *guest)
{
	for (size_t i = 0; i < guest->serials.count; i++)
		add_option(words, "-serial", guest->serials.items[i]);
	if (guest->nographic && !guest->sdl && !guest->vnc.on)
		words_add(words, "-nographic");
	if (guest->vga == VGA_STD) {
		words_add(words, "-device");
		words_add(words, "VGA,vgamem_mb=%u", guest->video_mib < 16 ? 16 : guest->video_mib);
	} else if (guest->vga == VGA_CIRRUS) {
		words_add(words, "-device");
		words_add(words, "cirrus-vga,vgamem_mb=8"); /* the chip has 4 */
	}
	words_add(words, "-boot");
	words_add(words, "order=%s%s%s", guest->boot, guest->boot_once ? ",once=" : "",
		  guest->boot_once ? guest->boot_once : "");
	add_usb(words, guest);
	for (size_t i = 0; i < guest->usb_devices.count; i++) {
		words_add(words, "-usbdevice");
		words_add(words, "%s", guest->usb_devices.items[i]);
	}
	if (!guest->acpi)
		words_add(words, "-no-acpi");
	if (guest->max_vcpus > 1) {
		words_add(words, "-smp");
		words_add(words, "%u,maxcpus=%u", guest->vcpus, guest->max_vcpus);
	}
	if (guest->localtime)
		add_option(words, "-rtc", "base=localtime");
}

static void add_vif(struct words *words, const struct vif *vif, unsigned index)
{
	words_add(words, "-device");
	words_add(words, "%s,id=nic%u,netdev=net%u,mac=%s", vif->model, index, index, vif->mac);
	words_add(words, "-netdev");
	if (vif->kind == VIF_TAP)
		words_add(words, "type=tap,id=net%u,fd=%u", index, VIF_FIRST_FD + index);
	else
		words_add(words, "%s,id=net%u", vif->network, index);
}

static void add_vifs(struct words *words, const struct guest *guest)
{
	unsigned cards = 0;

	for (unsigned i = 0; i < guest->vif_count; i++) {
		if (guest->vifs[i].kind == VIF_NONE)
			continue;
		add_vif(words, &guest->vifs[i], i);
		cards++;
	}
	if (!cards)
		add_option(words, "-net", "none");
}

static void add_sata_disk(struct words *words, const struct disk *disk, const char *file)
{
	words_add(words, "file=%s,if=none,id=ahcidisk-%u,format=%s,cache=writeback%s%s", file,
		  disk->index, disk->format, disk->discard ? ",discard=unmap" : "",
		  disk->limits ? disk->limits : "");
	words_add(words, "-device");
	words_add(words, "ide-hd,bus=ahci0.%u,unit=0,drive=ahcidisk-%u", disk->index, disk->index);
}

/** IDE's as long as IDE has a place for it, as libxl has it. */
static void add_cdrom_device(struct words *words, const struct disk *disk)
{
	words_add(words, "-device");
	if (disk->index < DISK_IDE_DRIVES)
		words_add(words, "ide-cd,id=ide-%u,drive=ide-%u,bus=ide.%u,unit=%u", disk->devid,
			  disk->devid, disk->index / 2, disk->index % 2);
	else
		words_add(words, "ide-cd,id=ide-%u,drive=ide-%u,bus=ahci0.%u,unit=0", disk->devid,
			  disk->devid, disk->index);
}

static void add_disk(struct words *words, const struct disk *disk, bool ahci)
{
	char *file = disk->target ? double_commas(disk->target) : NULL;
	char *overlay = disk->overlay ? double_commas(disk->overlay) : NULL;
	const char *limits = disk->limits ? disk->limits : "";

	words_add(words, "-drive");
	if (!disk->cdrom && ahci) {
		add_sata_disk(words, disk, file);
	} else if (!disk->cdrom) {
		words_add(words, "file=%s,if=ide,index=%u,media=disk,format=%s,cache=writeback%s%s",
			  file, disk->index, disk->format, disk->discard ? ",discard=unmap" : "",
			  limits);
	} else {
		if (file)
			words_add(words, "if=none,readonly=on,id=ide-%u,file=%s,format=%s%s%s%s",
				  disk->devid, file, disk->format, overlay ? ",overlay=" : "",
				  overlay ? overlay : "", limits);
		else
			words_add(words, "if=none,readonly=on,id=ide-%u%s", disk->devid, limits);
		add_cdrom_device(words, disk);
	}
	free(overlay);
	free(file);
}

/** A disk that the host's user may not write is write-protected. */
static void add_floppy(struct words *words, const char *image, unsigned index)
{
	bool is_directory = strncmp(image, "dir:", 4) == 0;
	char *path = is_directory ? medium_absolute(image + 4) : text_copy(image);
	char *file = double_commas(path);

	words_add(words, "-drive");
	if (is_directory)
		words_add(words, "file=%s,if=floppy,index=%u,format=directory", file, index);
	else if (*file)
		words_add(words, "file=%s,if=floppy,index=%u,format=raw%s", file, index,
			  access(image, R_OK) == 0 && access(image, W_OK) < 0 ? ",readonly=on"
									      : "");
	else
		words_add(words, "if=floppy,index=%u", index);
	free(path);
	free(file);
}

static void add_words(struct words *words, const struct words *more)
{
	for (size_t i = 0; i < more->count; i++)
		words_add(words, "%s", more->items[i]);
}

void arguments_make(struct words *words, const struct guest *guest,
		    const struct arguments_place *place)
{
	words_add(words, "%s", place->program);
	if (guest->on_poweroff == ACTION_PRESERVE)
		words_add(words, "-no-shutdown");
	if (guest->on_reboot == ACTION_DESTROY)
		words_add(words, "-no-reboot");
	add_monitor(words, place->directory, "hvm-cmd", "qmp");
	add_monitor(words, place->directory, "hvm-stat", "qmp-stat");
	words_add(words, "-nodefaults");
	words_add(words, "-no-user-config");
	add_option(words, "-name", guest->name);
	if (guest->uuid)
		add_option(words, "-uuid", guest->uuid);
	add_screen(words, guest, place);
	add_kernel(words, guest);
	add_board(words, guest);
	add_vifs(words, guest);
	if (place->paused)
		words_add(words, "-S");
	add_words(words, &guest->extra_args);
	words_add(words, "-machine");
	words_add(words, "pc,accel=kvm%s", guest->hpet ? "" : ",hpet=off");
	add_words(words, &guest->extra_args_hvm);
	words_add(words, "-m");
	words_add(words, "%u", guest->memory_mib);
	if (guest->ahci)
		add_option(words, "-device", "ahci,id=ahci0");
	for (unsigned i = 0; i < guest->disk_count; i++)
		add_disk(words, &guest->disks[i], guest->ahci);
	for (unsigned i = 0; i < GUEST_FLOPPIES; i++)
		if (guest->floppies[i])
			add_floppy(words, guest->floppies[i], i);
	if (place->user)
		add_option(words, "-runas", place->user);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Every command line that Xen's toolstack was seen to start a device model with
 * (tests/vectors/libxl-arguments.txt), on a fake of Xen's libraries: the whole machine comes up, or
 * one sentence says what to change in the guest's configuration. And single words of that dialect
 * that are refused.
 */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/err.h"
#include "base/lock.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/sandbox.h"
#include "tests/lib/fake_xen.h"

enum {
	MAX_WORDS = 128,
	WORD_BYTES = 256,
	IMAGE_BYTES = 1 << 20,
};

struct command_line {
	char name[32];
	int count;
	char words[MAX_WORDS][WORD_BYTES];
	char *argv[MAX_WORDS + 1];
};

static char folder[32];
static int listening_fd;

/* The recorded lines, with what has to differ here put in their place */

/** Replaces the first 'old' in 'word'. */
static void replace(char *word, const char *old, const char *new)
{
	char *at = strstr(word, old), rest[WORD_BYTES];

	if (!at)
		return;
	strcpy(rest, at + strlen(old));
	snprintf(at, WORD_BYTES - (size_t)(at - word), "%s%s", new, rest);
}

static void adapt(struct command_line *line)
{
	char text[64];

	for (int i = 1; i < line->count; i++) {
		char *word = line->words[i];

		snprintf(text, sizeof(text), "%s/", folder);
		replace(word, "/images/", text);
		replace(word, "/var/run/xen/", text);
		snprintf(text, sizeof(text), ",fd=%d,", listening_fd);
		replace(word, ",fd=14,", text);
		/* Whose display 7 may be in use. */
		replace(word, "0.0.0.0:7", "127.0.0.1:0,to=99");
		if (strcmp(line->words[i - 1], "-xen-domid") == 0)
			snprintf(word, WORD_BYTES, "%d", FAKE_XEN_DOMID);
	}
}

static void add_word(struct command_line *line, const char *word)
{
	assert_true(line->count < MAX_WORDS && strlen(word) < WORD_BYTES);
	strcpy(line->words[line->count], word);
	line->argv[line->count] = line->words[line->count];
	line->argv[++line->count] = NULL;
}

static void begin_line(struct command_line *line, const char *name)
{
	memset(line, 0, sizeof(*line));
	assert_true(strlen(name) < sizeof(line->name));
	strcpy(line->name, name);
	add_word(line, "hvmdm");
}

/** The next of the file; false at its end. */
static bool read_line(FILE *file, struct command_line *line)
{
	char text[WORD_BYTES];
	long before = ftell(file);
	bool found = false;

	while (fgets(text, sizeof(text), file)) {
		text[strcspn(text, "\n")] = '\0';
		if (isalpha((unsigned char)text[0])) {
			if (found)
				break;
			begin_line(line, text);
			found = true;
		} else if (text[0] == '\t') {
			add_word(line, text + 1);
		}
		before = ftell(file);
	}
	fseek(file, before, SEEK_SET);
	return found;
}

/* What comes of them */

static void check_sentence(const char *name, const struct err *err)
{
	size_t length = strlen(err->text);

	if (length < 10 || length >= sizeof(err->text) - 1 || strchr(err->text, '\n') ||
	    err->text[length - 1] == '.')
		fail_msg("%s: no sentence: '%s'", name, err->text);
}

static void cont(struct machine *machine)
{
	struct err err = { 0 };

	lock_acquire(&machine->lock);
	if (machine_cont(machine, &err) < 0)
		fail_msg("%s", err.text);
	lock_release(&machine->lock);
}

/** Starts it as main does, up to the guest's first instruction. 0, or -errno and a sentence. */
static int launch(struct command_line *line, struct err *err)
{
	struct machine *machine = NULL;
	struct sandbox sandbox;
	struct options options;
	int result = -1;

	fake_xen_begin(64 << 20);
	if (options_parse(&options, line->count, line->argv, err) == OPTIONS_RUN)
		result = sandbox_prepare(&sandbox, &options, err);
	if (result == 0) {
		machine = machine_create(&options, err);
		result = machine ? 0 : -1;
	}
	if (machine) {
		assert_int_equal(options.start_paused, strcmp(line->name, "restrict") == 0);
		cont(machine);
		assert_string_equal(fake_xen_store_read("device-model/7/state"), "running");
	}
	machine_destroy(machine);
	options_finish(&options);
	fake_xen_end();
	return result;
}

/** What is refused, by words of which the sentence has one. Those marked 'may_work' are for what is
 * being built: they may come up as well. */
static const struct {
	const char *name, *words[6];
	bool may_work;
} refused[] = {
	{ "minimal", { "vga=\"stdvga\"" }, true },
	{ "typical", { "USB", "soundhw", "network" }, true },
	{ "vncpass", { "vga=\"stdvga\"" }, true },
	{ "emptycd", { "vga=\"stdvga\"" }, true },
	{ "disks", { "hda to hdd", "qcow2", "already a drive" }, true },
	{ "vifs", { "vga=\"stdvga\"", "network", "tun" }, true },
	{ "usbctrl", { "vga=\"stdvga\"" }, true },
	{ "serials", { "vga=\"stdvga\"" }, true },
	{ "kernel", { "direct kernel boot" }, true },
	{ "restrict", { "vga=\"stdvga\"", "only root" }, true },
	{ "dmuser", { "xen-qemuuser-shared" }, true },
	{ "extra", { "unknown option '-foo'" }, false },
	{ "vkb", { "vga=\"stdvga\"" }, true },
	{ "trad", { "device_model_version=\"qemu-xen\"" }, false },
	{ "tradmin", { "device_model_version=\"qemu-xen\"" }, false },
	{ "traddisks", { "device_model_version=\"qemu-xen\"" }, false },
};

static void check_outcome(const struct command_line *line, int result, const struct err *err)
{
	bool may_work = true, is_said = false;

	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		if (strcmp(refused[i].name, line->name) != 0)
			continue;
		may_work = refused[i].may_work;
		for (size_t j = 0; j < ARRAY_SIZE(refused[i].words); j++)
			is_said |= refused[i].words[j] && strstr(err->text, refused[i].words[j]);
	}
	if (result == 0 && !may_work)
		fail_msg("%s came up", line->name);
	if (result < 0 && !is_said)
		fail_msg("%s: %s", line->name, err->text);
	if (result < 0)
		check_sentence(line->name, err);
}

static void every_recorded_command_line_is_answered(void **state)
{
	static struct command_line line;
	FILE *file = fopen(SOURCE_ROOT "/tests/vectors/libxl-arguments.txt", "r");
	unsigned count = 0, up = 0;

	(void)state;
	assert_non_null(file);
	while (read_line(file, &line)) {
		struct err err = { 0 };
		int result;

		adapt(&line);
		result = launch(&line, &err);
		check_outcome(&line, result, &err);
		print_message("%-10s %s\n", line.name, result == 0 ? "comes up" : err.text);
		count++;
		up += result == 0;
	}
	fclose(file);
	assert_int_equal(count, 18);
	assert_true(up >= 1);
}

/** What asks for nothing that is not there has to work with no excuse. */
static void the_usual_ones_come_up(void **state)
{
	static const char *const names[] = { "minimal", "vncpass", "emptycd", "serials",
					     "usbctrl", "vkb",     "vganone", "ahci" };
	static struct command_line line;
	FILE *file = fopen(SOURCE_ROOT "/tests/vectors/libxl-arguments.txt", "r");
	unsigned up = 0;

	(void)state;
	assert_non_null(file);
	while (read_line(file, &line)) {
		struct err err = { 0 };
		bool is_named = false;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			is_named |= strcmp(names[i], line.name) == 0;
		if (!is_named)
			continue;
		adapt(&line);
		if (launch(&line, &err) < 0)
			fail_msg("%s: %s", line.name, err.text);
		up++;
	}
	fclose(file);
	assert_int_equal(up, ARRAY_SIZE(names));
}

/** What the toolstack can pass and nobody is to wonder about. */
static void words_that_are_not_served_say_so(void **state)
{
	static const struct {
		const char *words, *said;
	} rows[] = {
		{ "-xen-attach", "paravirtual guests" },
		{ "-machine xenpv", "paravirtual guests" },
		{ "-machine xenfv,igd-passthru=on", "passthrough" },
		{ "-spice port=0,disable-ticketing=on", "vnc=1" },
		{ "-chardev pty,id=libxl-channel0", "channel" },
		{ "-chardev socket,id=libxl-channel1,path=/none/x,server=on,wait=off", "channel" },
		{ "-chardev spicevmc,id=vdagent,name=vdagent", "spicevmc" },
		{ "-kernel /none/k", "direct kernel boot" },
		{ "-initrd /none/i", "direct kernel boot" },
		{ "-append quiet", "direct kernel boot" },
		{ "-device lsi53c895a", "hda to hdd" },
		{ "-device scsi-hd,drive=scsi0-hd0,scsi-id=0", "hda to hdd" },
		{ "-device qxl-vga,vram_size_mb=8,ram_size_mb=8", "vga=\"stdvga\"" },
		{ "-device virtio-serial", "virtio" },
		{ "-device ich9-usb-uhci1,masterbus=usb.0,firstport=0,addr=0x1d.0x0", "EHCI" },
		{ "-device nec-usb-xhci,id=usb", "USB" },
		{ "-usbdevice host:1234:5678", "USB|host" },
		{ "-device intel-hda -device hda-duplex", "soundhw" },
		{ "-device gus", "soundhw" },
		{ "-device xen-pvdevice,device-id=0xc000", "vendor_device" },
		{ "-device xen-pci-passthrough,hostaddr=0000:00:19.0", "pci" },
		{ "-object filter-mirror,id=m,netdev=net0,queue=tx,outdev=o", "COLO" },
		{ "-drive if=none,driver=quorum,id=x", "driver" },
		{ "-drive file=/none/x,if=ide,index=0,media=disk,format=vdi,cache=writeback",
		  "vdi" },
		{ "-serial vc", "tcp:HOST:PORT" },
		{ "-serial udp:127.0.0.1:9", "udp" },
		{ "-serial telnet:127.0.0.1:0,server,nowait", "telnet" },
		{ "-serial /dev/nonesuch", "/dev/nonesuch" },
		{ "-serial file:/nonesuch/x", "/nonesuch/x" },
		{ "-machine xenfv,max-ram-below-4g=x", "max-ram-below-4g" },
		{ "-m 0", "memory" },
		{ "-smp 2,maxcpus=129", "maxcpus" },
		{ "-incoming fd:987", "fd:987" },
		{ "-chroot /nonesuch -runas", "-runas" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		static struct command_line line;
		char words[256], said[64], *rest = NULL;
		bool is_said = false;
		struct err err = { 0 };

		begin_line(&line, "words");
		for (const char *const *word =
			     (const char *const[]){ "-xen-domid", "7", "-nodefaults", "-m", "32",
						    NULL };
		     *word; word++)
			add_word(&line, *word);
		strcpy(words, rows[i].words);
		for (char *word = strtok_r(words, " ", &rest); word;
		     word = strtok_r(NULL, " ", &rest))
			add_word(&line, word);
		if (launch(&line, &err) == 0)
			fail_msg("%s came up", rows[i].words);
		check_sentence(rows[i].words, &err);
		strcpy(said, rows[i].said);
		rest = NULL;
		for (char *word = strtok_r(said, "|", &rest); word;
		     word = strtok_r(NULL, "|", &rest))
			is_said |= strstr(err.text, word) != NULL;
		if (!is_said)
			fail_msg("%s: %s", rows[i].words, err.text);
	}
}

/** -serial as xl.cfg(5) and QEMU spell it. */
static void serial_ports_open(void **state)
{
	static const char *const forms[] = {
		"pty",
		"none",
		"null",
		"stdio",
		"/dev/null",
		"file:%s/serial",
		"unix:%s/serial.sock,server=on,wait=off",
		"unix:%s/serial2.sock,server,nowait",
		"tcp:127.0.0.1:0,server=on,wait=off",
		"tcp::0,server,nowait",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(forms); i++) {
		static struct command_line line;
		struct err err = { 0 };

		begin_line(&line, "serial");
		add_word(&line, "-xen-domid");
		add_word(&line, "7");
		add_word(&line, "-nodefaults");
		add_word(&line, "-serial");
		add_word(&line, forms[i]);
		replace(line.words[4 + 1], "%s", folder);
		add_word(&line, "-m");
		add_word(&line, "32");
		if (launch(&line, &err) < 0)
			fail_msg("%s: %s", forms[i], err.text);
	}
}

/* Set-up */

static void make_image(const char *name)
{
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(ftruncate(fileno(file), IMAGE_BYTES), 0);
	fclose(file);
}

/** libxl's own socket of a restricted start: it listens already. */
static int listen_for_control(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s/control", folder);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int set_up(void **state)
{
	static const char *const images[] = { "a.img", "b.img", "cd.iso", "k", "i" };

	(void)state;
	strcpy(folder, "/tmp/hvmdm-test-XXXXXX");
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		make_image(images[i]);
	listening_fd = listen_for_control();
	return 0;
}

static int tear_down(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_recorded_command_line_is_answered, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(the_usual_ones_come_up, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_that_are_not_served_say_so, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(serial_ports_open, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

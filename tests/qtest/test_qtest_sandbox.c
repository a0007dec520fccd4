// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The program behind its sandbox: a guest's disc is changed by a passed descriptor, and read; a
 * picture of the screen goes to one; a file named by its path is refused with a sentence; the VNC
 * server takes a password and viewers.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "qguest.h"
#include "vnc/digest.h"

enum {
	/* The second channel of the IDE controller. */
	IDE_DATA = 0x170,
	IDE_COUNT_LOW = 0x174,
	IDE_COUNT_HIGH = 0x175,
	IDE_DRIVE = 0x176,
	IDE_COMMAND = 0x177,
	IDE_STATUS = 0x177,
	STATUS_ERR = 0x01,
	STATUS_DRQ = 0x08,
	STATUS_BSY = 0x80,
	DRIVE_0 = 0xa0,
	COMMAND_PACKET = 0xa0,
	PACKET_BYTES = 12,
	SCSI_REQUEST_SENSE = 0x03,
	SCSI_READ_10 = 0x28,
	SENSE_BYTES = 18,

	SECTOR_BYTES = 2048,
	IMAGE_BYTES = 64 * SECTOR_BYTES,
	/* Unit attentions after a change of the disc. */
	TRIES = 6,
};

static void make_image(const struct qguest *guest, const char *name, const char *text)
{
	int fd = qguest_create_file(guest, name, IMAGE_BYTES);

	assert_int_equal(pwrite(fd, text, strlen(text), SECTOR_BYTES), strlen(text));
	close(fd);
}

static void start(struct qguest *guest)
{
	/* The search for leaks stops all threads by a process of its own: that is refused. */
	setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
	qguest_init(guest);
	make_image(guest, "first.iso", "first");
	make_image(guest, "second.iso", "second");
	qguest_start(guest,
		     "-sandbox on -drive if=ide,index=2,media=cdrom,id=cd,file=%s/first.iso "
		     "-device VGA -vnc unix:%s/vnc,password=on",
		     guest->dir, guest->dir);
}

/** Sends a packet command that reads 'bytes'; false if the drive reports an error. */
static bool packet(struct qguest *guest, const uint8_t *command, void *data, unsigned bytes)
{
	uint8_t *at = data;

	qguest_outb(guest, IDE_DRIVE, DRIVE_0);
	qguest_outb(guest, IDE_COUNT_LOW, bytes & 0xff);
	qguest_outb(guest, IDE_COUNT_HIGH, bytes >> 8);
	qguest_outb(guest, IDE_COMMAND, COMMAND_PACKET);
	qguest_wait_port(guest, IDE_STATUS, STATUS_BSY | STATUS_DRQ, STATUS_DRQ);
	for (unsigned i = 0; i < PACKET_BYTES; i += 2)
		qguest_outw(guest, IDE_DATA, command[i] | (unsigned)command[i + 1] << 8);
	qguest_wait_port(guest, IDE_STATUS, STATUS_BSY, 0);
	if (qguest_inb(guest, IDE_STATUS) & STATUS_ERR)
		return false;
	for (unsigned i = 0; i < bytes; i += 2) {
		uint16_t word = qguest_inw(guest, IDE_DATA);

		memcpy(at + i, &word, sizeof(word));
	}
	return true;
}

/** What the guest finds in the disc's second sector. */
static const char *read_disc(struct qguest *guest)
{
	static char data[SECTOR_BYTES + 1];
	const uint8_t read[PACKET_BYTES] = { SCSI_READ_10, 0, 0, 0, 0, 1, 0, 0, 1 };
	const uint8_t sense[PACKET_BYTES] = { SCSI_REQUEST_SENSE, 0, 0, 0, SENSE_BYTES };
	uint8_t reason[SENSE_BYTES];

	for (int i = 0; i < TRIES; i++) {
		if (packet(guest, read, data, SECTOR_BYTES))
			return data;
		packet(guest, sense, reason, SENSE_BYTES);
	}
	fail_msg("the disc cannot be read: sense %x, %02x %02x", reason[2], reason[12], reason[13]);
	return "";
}

/** The descriptor goes ahead, with a blank, which QMP ignores. */
static void pass_file(struct qguest *guest, const char *name, int flags)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 }, blank = ' ';
	struct iovec iov = { &blank, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int fd = open(qguest_path(guest, name), flags | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	assert_int_equal(sendmsg(guest->qmp, &message, 0), 1);
	close(fd);
	qguest_qmp(guest, "{\"execute\":\"add-fd\",\"arguments\":{\"fdset-id\":7}}");
}

static const char *change_medium(struct qguest *guest, const char *filename)
{
	static char command[512];

	snprintf(command, sizeof(command),
		 "{\"execute\":\"blockdev-change-medium\",\"arguments\":"
		 "{\"device\":\"cd\",\"filename\":\"%s\",\"format\":\"raw\"}}",
		 filename);
	return qguest_qmp_try(guest, command);
}

static void a_disc_is_changed_by_a_passed_descriptor(void **state)
{
	struct qguest guest;

	(void)state;
	start(&guest);
	assert_string_equal(read_disc(&guest), "first");
	pass_file(&guest, "second.iso", O_RDONLY);
	assert_null(strstr(change_medium(&guest, "/dev/fdset/7"), "\"error\""));
	assert_string_equal(read_disc(&guest), "second");
	qguest_stop(&guest);
}

static void a_path_is_refused_and_the_disc_stays(void **state)
{
	struct qguest guest;
	char path[128];
	const char *reply;

	(void)state;
	start(&guest);
	snprintf(path, sizeof(path), "%s", qguest_path(&guest, "second.iso"));
	reply = change_medium(&guest, path);
	assert_non_null(strstr(reply, "\"error\""));
	assert_non_null(strstr(reply, "the sandbox is on"));
	assert_non_null(strstr(reply, "add-fd"));
	assert_string_equal(read_disc(&guest), "first");
	reply = qguest_qmp_try(&guest, "{\"execute\":\"screendump\",\"arguments\":"
				       "{\"filename\":\"/tmp/screen.png\"}}");
	assert_non_null(strstr(reply, "the sandbox is on"));
	qguest_stop(&guest);
}

static void a_picture_goes_to_a_passed_descriptor(void **state)
{
	static const char signature[] = "\x89PNG\r\n";
	char head[sizeof(signature) - 1] = "";
	struct qguest guest;
	int fd;

	(void)state;
	start(&guest);
	pass_file(&guest, "screen.png", O_WRONLY | O_CREAT);
	qguest_qmp(&guest, "{\"execute\":\"screendump\",\"arguments\":"
			   "{\"filename\":\"/dev/fdset/7\",\"format\":\"png\"}}");
	fd = open(qguest_path(&guest, "screen.png"), O_RDONLY | O_CLOEXEC);
	assert_int_equal(read(fd, head, sizeof(head)), sizeof(head));
	assert_memory_equal(head, signature, sizeof(head));
	close(fd);
	qguest_stop(&guest);
}

static void hear(int fd, void *data, size_t bytes)
{
	assert_int_equal(recv(fd, data, bytes, MSG_WAITALL), bytes);
}

static void say(int fd, const void *data, size_t bytes)
{
	assert_int_equal(send(fd, data, bytes, 0), bytes);
}

/** A viewer's way in (RFC 6143, 7.1 and 7.2.2); what the server says of it, 0 for welcome. */
static unsigned log_in(const struct qguest *guest, const char *password)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uint8_t text[16], types[2], challenge[16], response[16], result[4];
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", qguest_path(guest, "vnc"));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	hear(fd, text, 12);
	say(fd, "RFB 003.008\n", 12);
	hear(fd, types, 2);
	assert_int_equal(types[0], 1);
	assert_int_equal(types[1], 2);
	say(fd, &types[1], 1);
	hear(fd, challenge, sizeof(challenge));
	vnc_auth_response(password, challenge, response);
	say(fd, response, sizeof(response));
	hear(fd, result, sizeof(result));
	close(fd);
	return load_be32(result);
}

static void a_password_lets_viewers_in(void **state)
{
	struct qguest guest;

	(void)state;
	start(&guest);
	assert_int_equal(log_in(&guest, ""), 1);
	qguest_qmp(&guest, "{\"execute\":\"change-vnc-password\",\"arguments\":"
			   "{\"password\":\"first\"}}");
	assert_int_equal(log_in(&guest, "other"), 1);
	assert_int_equal(log_in(&guest, "first"), 0);
	qguest_qmp(&guest, "{\"execute\":\"set_password\",\"arguments\":"
			   "{\"protocol\":\"vnc\",\"password\":\"second\"}}");
	assert_int_equal(log_in(&guest, "first"), 1);
	assert_int_equal(log_in(&guest, "second"), 0);
	qguest_stop(&guest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disc_is_changed_by_a_passed_descriptor),
		cmocka_unit_test(a_path_is_refused_and_the_disc_stays),
		cmocka_unit_test(a_picture_goes_to_a_passed_descriptor),
		cmocka_unit_test(a_password_lets_viewers_in),
	};

	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}

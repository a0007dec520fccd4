// SPDX-License-Identifier: GPL-2.0-or-later
/* What Xen's toolstack says: several clients at once, and media handed over as descriptors. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "qguest.h"

enum {
	CLIENTS = 3,
};

static struct qguest guest;

static int set_up(void **state)
{
	(void)state;
	qguest_init(&guest);
	close(qguest_create_file(&guest, "cd.iso", 2 << 20));
	close(qguest_create_file(&guest, "cd2.iso", 4 << 20));
	qguest_start(&guest,
		     "-name g1 -smp 2,maxcpus=2 -chardev "
		     "socket,id=libxl-cmd,path=%s/libxl,server=on,wait=off "
		     "-mon chardev=libxl-cmd,mode=control "
		     "-drive file=%s/cd.iso,if=none,id=ide-5632,media=cdrom,format=raw,"
		     "throttling.bps-read=4M "
		     "-device ide-cd,drive=ide-5632,id=ide-5632,bus=ide.1,unit=0",
		     guest.dir, guest.dir);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	qguest_stop(&guest);
	return 0;
}

static int connect_client(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", qguest_path(&guest, "libxl"));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/** Reads up to CR LF; returns the line without it. */
static const char *next_line(int fd)
{
	static char line[65536];
	size_t length = 0;

	do {
		assert_int_equal(read(fd, line + length, 1), 1);
		length++;
		assert_true(length < sizeof(line));
	} while (length < 2 || memcmp(line + length - 2, "\r\n", 2) != 0);
	line[length - 2] = '\0';
	assert_null(strchr(line, '\n'));
	return line;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/** As the toolstack does: the first byte carries the descriptor, the rest comes plainly. */
static void say_with_fd(int fd, const char *text, int passed)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { (void *)(uintptr_t)text, 1 };
	struct msghdr message = { .msg_iov = &iov,
				  .msg_iovlen = 1,
				  .msg_control = control,
				  .msg_controllen = sizeof(control) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &passed, sizeof(int));
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), 1);
	say(fd, text + 1);
}

static void expect(int fd, const char *words)
{
	const char *line = next_line(fd);

	if (!strstr(line, words))
		fail_msg("'%s' is not in %s", words, line);
}

static int open_session(void)
{
	int fd = connect_client();

	expect(fd, "{\"QMP\": {\"version\": {\"qemu\": {");
	say(fd, "{\"execute\":\"qmp_capabilities\",\"id\":2020372737}\r\n");
	expect(fd, "{\"return\": {}, \"id\": 2020372737}");
	return fd;
}

static void test_clients_at_once(void **state)
{
	int clients[CLIENTS];

	(void)state;
	for (unsigned i = 0; i < CLIENTS; i++)
		clients[i] = open_session();
	say(clients[1], "{\"execute\":\"stop\",\"id\":5}");
	for (unsigned i = 0; i < CLIENTS; i++)
		expect(clients[i], "\"event\": \"STOP\"}");
	expect(clients[1], "{\"return\": {}, \"id\": 5}");
	close(clients[1]);
	say(clients[2], "{\"execute\":\"query-status\"}");
	expect(clients[2], "\"running\": false");
	close(clients[0]);
	close(clients[2]);
	close(open_session());
}

static void test_cd_insert(void **state)
{
	int fd = open_session(), medium = open(qguest_path(&guest, "cd2.iso"), O_RDONLY);

	(void)state;
	say(fd,
	    "{\"execute\":\"eject\",\"id\":2020372738,\"arguments\":{\"id\":\"ide-5632\"}}\r\n");
	expect(fd, "\"event\": \"DEVICE_TRAY_MOVED\", \"data\": {\"device\": \"ide-5632\", "
		   "\"tray-open\": true, \"id\": \"ide-5632\"}}");
	expect(fd, "{\"return\": {}, \"id\": 2020372738}");
	say_with_fd(fd,
		    "{\"execute\":\"add-fd\",\"id\":2020372739,\"arguments\":"
		    "{\"opaque\":\"raw:cd2.iso\"}}\r\n",
		    medium);
	expect(fd, "\"fdset-id\": 0}, \"id\": 2020372739}");
	close(medium);
	say(fd, "{\"execute\":\"blockdev-change-medium\",\"id\":2020372740,\"arguments\":{\"id\":"
		"\"ide-5632\",\"filename\":\"/dev/fdset/0\",\"format\":\"raw\"}}\r\n");
	expect(fd, "\"tray-open\": false");
	expect(fd, "{\"return\": {}, \"id\": 2020372740}");
	say(fd, "{\"execute\":\"query-block\",\"id\":1}\r\n");
	expect(fd, "\"virtual-size\": 4194304");
	close(fd);
}

/** The limits are the drive's, whatever lies in it. */
static void test_limits(void **state)
{
	static const char *const set =
		"{'execute':'block_set_io_throttle','arguments':{'id':'%s','bps':0,'bps_rd':%d,"
		"'bps_wr':0,'iops':0,'iops_rd':0,'iops_wr':0%s}}";
	char text[256];
	int fd;
	const char *reply;

	(void)state;
	reply = qguest_qmp(&guest, "{'execute':'query-block'}");
	assert_non_null(strstr(reply, "\"bps_rd\": 4194304"));
	snprintf(text, sizeof(text), set, "ide-5632", 1000, ",'bps_rd_max':3000");
	assert_non_null(strstr(qguest_qmp(&guest, text), "\"return\": {}"));
	snprintf(text, sizeof(text),
		 "{'execute':'blockdev-change-medium','arguments':{'id':'ide-5632','filename':"
		 "'%s/cd2.iso','format':'raw'}}",
		 guest.dir);
	assert_non_null(strstr(qguest_qmp(&guest, text), "\"return\": {}"));
	reply = qguest_qmp(&guest, "{'execute':'query-block'}");
	assert_non_null(strstr(reply, "\"virtual-size\": 4194304"));
	assert_non_null(strstr(reply, "\"bps_rd\": 1000"));
	assert_non_null(strstr(reply, "\"bps_rd_max\": 3000"));
	assert_non_null(strstr(reply, "\"bps_rd_max_length\": 1"));
	fd = open_session();
	snprintf(text, sizeof(text), set, "ide-5632", -1, "");
	say(fd, text);
	expect(fd, "cannot be negative");
	snprintf(text, sizeof(text), set, "ide-5632", 0, ",'bps_rd_max':3000");
	say(fd, text);
	expect(fd, "which must be said, too");
	snprintf(text, sizeof(text), set, "ide-1", 0, "");
	say(fd, text);
	expect(fd, "DeviceNotFound");
	close(fd);
	snprintf(text, sizeof(text), set, "ide-5632", 0, "");
	assert_non_null(strstr(qguest_qmp(&guest, text), "\"return\": {}"));
	reply = qguest_qmp(&guest, "{'execute':'query-block'}");
	assert_null(strstr(reply, "bps_rd_max"));
}

/* As introspecting test programs ask: ancestors are there, abstract types only on demand. */
static void test_types(void **state)
{
	const char *reply;

	(void)state;
	reply = qguest_qmp(&guest,
			   "{'execute':'qom-list-types','arguments':{'implements':'device'}}");
	assert_non_null(strstr(reply, "\"ide-cd\""));
	assert_null(strstr(reply, "machine"));
	assert_null(strstr(reply, "abstract"));
	reply = qguest_qmp(&guest, "{'execute':'qom-list-types','arguments':{'abstract':true}}");
	assert_non_null(strstr(reply, "\"object\""));
	assert_non_null(strstr(reply, "\"abstract\""));
	assert_non_null(strstr(reply, "pc-machine"));
	reply = qguest_qmp(&guest, "{'execute':'human-monitor-command',"
				   "'arguments':{'command-line':'help info'}}");
	assert_non_null(strstr(reply, "\"info "));
}

static void test_processors(void **state)
{
	int fd = open_session();

	(void)state;
	say(fd, "{\"execute\":\"query-cpus-fast\",\"id\":2020372736}\r\n");
	expect(fd, "\"cpu-index\": 1");
	say(fd, "{\"execute\":\"query-hotpluggable-cpus\",\"id\":2020372738}\r\n");
	expect(fd, "\"type\": \"");
	say(fd, "{\"execute\":\"query-cpus\",\"id\":3}\r\n");
	expect(fd, "CommandNotFound");
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_clients_at_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_cd_insert, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_limits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_types, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_processors, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: GPL-2.0-or-later
#include "qguest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
/* Behind setjmp.h. */
#include <cmocka.h>

enum {
	PATIENCE_MS = 20000, /* a program that says nothing for so long hangs */
	PCI_ADDRESS = 0xcf8,
	PCI_DATA = 0xcfc,
	CMOS_INDEX = 0x70,
	CMOS_DATA = 0x71,
};

/* Start and end */

void qguest_init(struct qguest *guest)
{
	memset(guest, 0, sizeof(*guest));
	snprintf(guest->dir, sizeof(guest->dir), "/tmp/qguest-XXXXXX");
	assert_non_null(mkdtemp(guest->dir));
}

const char *qguest_path(const struct qguest *guest, const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", guest->dir, name);
	return path;
}

int qguest_create_file(const struct qguest *guest, const char *name, size_t bytes)
{
	int fd = open(qguest_path(guest, name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
	return fd;
}

static int listen_at(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(strlen(path) < sizeof(address.sun_path));
	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void wait_readable(struct qguest *guest, int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	(void)guest;
	if (poll(&poll_fd, 1, PATIENCE_MS) != 1)
		fail_msg("the program says nothing");
}

static int accept_at(struct qguest *guest, int listening)
{
	int fd;

	wait_readable(guest, listening);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	close(listening);
	return fd;
}

static void run_program(char **args)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves nothing behind */
	execv(args[0], args);
	fprintf(stderr, "cannot start %s: %s\n", args[0], strerror(errno));
	_exit(127);
}

static const char *read_line(struct qguest *guest, int fd, char *in, size_t capacity, size_t *have);

void qguest_start(struct qguest *guest, const char *words, ...)
{
	char text[4096], *args[QGUEST_ARGS + 1], *rest = NULL;
	size_t count = 0;
	int length, qtest, qmp;
	va_list list;

	assert_non_null(getenv("HVMDM"));
	length = snprintf(text, sizeof(text),
			  "%s -machine pc,accel=qtest -display none -sandbox off"
			  " -qtest unix:%s/qtest -chardev socket,path=%s/qmp,id=qmp"
			  " -mon chardev=qmp,mode=control ",
			  getenv("HVMDM"), guest->dir, guest->dir);
	va_start(list, words);
	vsnprintf(text + length, sizeof(text) - (size_t)length, words, list);
	va_end(list);
	if (getenv("QGUEST_RECORD")) {
		length = (int)strlen(text);
		snprintf(text + length, sizeof(text) - (size_t)length,
			 " -record file=%s/recording,media=on", guest->dir);
	}
	for (char *word = strtok_r(text, " ", &rest); word && count < QGUEST_ARGS;
	     word = strtok_r(NULL, " ", &rest))
		args[count++] = word;
	args[count] = NULL;
	qtest = listen_at(qguest_path(guest, "qtest"));
	qmp = listen_at(qguest_path(guest, "qmp"));
	guest->pid = fork();
	assert_true(guest->pid >= 0);
	if (guest->pid == 0)
		run_program(args);
	guest->qtest = accept_at(guest, qtest);
	guest->qmp = accept_at(guest, qmp);
	read_line(guest, guest->qmp, guest->qmp_in, sizeof(guest->qmp_in), &guest->qmp_have);
	qguest_qmp(guest, "{\"execute\":\"qmp_capabilities\"}");
}

/** What was recorded happens again, without us. */
static void replay(struct qguest *guest)
{
	char command[512];

	if (access(qguest_path(guest, "recording"), F_OK) < 0)
		return;
	snprintf(command, sizeof(command), "%s -sandbox off -replay %s/recording", getenv("HVMDM"),
		 guest->dir);
	assert_int_equal(system(command), 0);
}

int qguest_wait(struct qguest *guest)
{
	char command[128];
	int status;

	assert_int_equal(waitpid(guest->pid, &status, 0), guest->pid);
	close(guest->qtest);
	close(guest->qmp);
	replay(guest);
	snprintf(command, sizeof(command), "rm -r %s", guest->dir);
	assert_int_equal(system(command), 0);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void qguest_stop(struct qguest *guest)
{
	kill(guest->pid, SIGTERM);
	assert_int_equal(qguest_wait(guest), 0);
}

/* Lines */

/** The next line, which stays valid until the next call on the same connection. */
static const char *read_line(struct qguest *guest, int fd, char *in, size_t capacity, size_t *have)
{
	static char line[65536];

	for (;;) {
		char *end = memchr(in, '\n', *have);
		ssize_t count;

		if (end) {
			size_t length = (size_t)(end - in);

			memcpy(line, in, length);
			line[length] = '\0';
			*have -= length + 1;
			memmove(in, end + 1, *have);
			return line;
		}
		assert_true(*have < capacity);
		wait_readable(guest, fd);
		count = read(fd, in + *have, capacity - *have);
		if (count <= 0)
			fail_msg("the program has ended");
		*have += (size_t)count;
	}
}

static void send_text(int fd, const char *text, size_t length)
{
	while (length) {
		ssize_t count = send(fd, text, length, MSG_NOSIGNAL);

		assert_true(count > 0);
		text += count;
		length -= (size_t)count;
	}
}

static void note_irq(struct qguest *guest, const char *line)
{
	bool level = strncmp(line, "IRQ raise ", 10) == 0;
	unsigned wire = (unsigned)strtoul(line + 10, NULL, 10);

	assert_true(wire < QGUEST_WIRES);
	/* Only changes are reported. */
	assert_int_not_equal(guest->levels[wire], level);
	guest->levels[wire] = level;
	guest->raised[wire] += level;
}

static const char *exchange(struct qguest *guest, const char *format, va_list list)
{
	char *text = NULL;
	int length = vasprintf(&text, format, list);
	const char *line;

	assert_true(length >= 0);
	text[length] = '\n'; /* in place of the end of string */
	send_text(guest->qtest, text, (size_t)length + 1);
	free(text);
	do {
		line = read_line(guest, guest->qtest, guest->qtest_in, sizeof(guest->qtest_in),
				 &guest->qtest_have);
		if (strncmp(line, "IRQ ", 4) == 0)
			note_irq(guest, line);
	} while (strncmp(line, "IRQ ", 4) == 0);
	return line;
}

const char *qguest_try(struct qguest *guest, const char *format, ...)
{
	const char *line;
	va_list list;

	va_start(list, format);
	line = exchange(guest, format, list);
	va_end(list);
	return line;
}

const char *qguest_command(struct qguest *guest, const char *format, ...)
{
	const char *line;
	va_list list;

	va_start(list, format);
	line = exchange(guest, format, list);
	va_end(list);
	if (strncmp(line, "OK", 2) != 0)
		fail_msg("%s: %s", format, line);
	return line + 2 + (line[2] == ' ');
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 0);
}

uint8_t qguest_inb(struct qguest *guest, unsigned port)
{
	return (uint8_t)number(qguest_command(guest, "inb 0x%x", port));
}

uint16_t qguest_inw(struct qguest *guest, unsigned port)
{
	return (uint16_t)number(qguest_command(guest, "inw 0x%x", port));
}

uint32_t qguest_inl(struct qguest *guest, unsigned port)
{
	return (uint32_t)number(qguest_command(guest, "inl 0x%x", port));
}

void qguest_outb(struct qguest *guest, unsigned port, unsigned value)
{
	qguest_command(guest, "outb 0x%x 0x%x", port, value);
}

void qguest_outw(struct qguest *guest, unsigned port, unsigned value)
{
	qguest_command(guest, "outw 0x%x 0x%x", port, value);
}

void qguest_outl(struct qguest *guest, unsigned port, uint32_t value)
{
	qguest_command(guest, "outl 0x%x 0x%x", port, value);
}

uint8_t qguest_readb(struct qguest *guest, uint64_t gpa)
{
	return (uint8_t)number(qguest_command(guest, "readb 0x%llx", (unsigned long long)gpa));
}

uint32_t qguest_readl(struct qguest *guest, uint64_t gpa)
{
	return (uint32_t)number(qguest_command(guest, "readl 0x%llx", (unsigned long long)gpa));
}

void qguest_writeb(struct qguest *guest, uint64_t gpa, unsigned value)
{
	qguest_command(guest, "writeb 0x%llx 0x%x", (unsigned long long)gpa, value);
}

void qguest_writel(struct qguest *guest, uint64_t gpa, uint32_t value)
{
	qguest_command(guest, "writel 0x%llx 0x%x", (unsigned long long)gpa, value);
}

void qguest_read(struct qguest *guest, uint64_t gpa, void *data, size_t bytes)
{
	const char *text =
		qguest_command(guest, "read 0x%llx 0x%zx", (unsigned long long)gpa, bytes);
	uint8_t *out = data;

	assert_int_equal(strlen(text), 2 + 2 * bytes);
	for (size_t i = 0; i < bytes; i++) {
		const char digits[3] = { text[2 + 2 * i], text[3 + 2 * i], '\0' };

		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
}

void qguest_write(struct qguest *guest, uint64_t gpa, const void *data, size_t bytes)
{
	char *text = malloc(2 * bytes + 1);
	const uint8_t *in = data;

	assert_non_null(text);
	text[0] = '\0';
	for (size_t i = 0; i < bytes; i++)
		snprintf(text + 2 * i, 3, "%02x", in[i]);
	qguest_command(guest, "write 0x%llx 0x%zx 0x%s", (unsigned long long)gpa, bytes, text);
	free(text);
}

static uint32_t pci_address(unsigned slot, unsigned function, unsigned offset)
{
	return UINT32_C(1) << 31 | slot << 11 | function << 8 | (offset & ~3u);
}

uint32_t qguest_pci_read(struct qguest *guest, unsigned slot, unsigned function, unsigned offset)
{
	qguest_outl(guest, PCI_ADDRESS, pci_address(slot, function, offset));
	return qguest_inl(guest, PCI_DATA);
}

void qguest_pci_write(struct qguest *guest, unsigned slot, unsigned function, unsigned offset,
		      uint32_t value)
{
	qguest_outl(guest, PCI_ADDRESS, pci_address(slot, function, offset));
	qguest_outl(guest, PCI_DATA, value);
}

uint8_t qguest_cmos(struct qguest *guest, unsigned index)
{
	qguest_outb(guest, CMOS_INDEX, index);
	return qguest_inb(guest, CMOS_DATA);
}

int64_t qguest_step(struct qguest *guest, int64_t ns)
{
	return (int64_t)number(qguest_command(guest, "clock_step %lld", (long long)ns));
}

void qguest_watch_irqs(struct qguest *guest)
{
	qguest_command(guest, "irq_intercept_in ioapic");
}

void qguest_wait_port(struct qguest *guest, unsigned port, unsigned mask, unsigned value)
{
	for (unsigned tries = 0; tries < 1000000; tries++)
		if ((qguest_inb(guest, port) & mask) == value)
			return;
	fail_msg("port %x does not become %x", port, value);
}

/* QMP */

static const char *next_message(struct qguest *guest)
{
	return read_line(guest, guest->qmp, guest->qmp_in, sizeof(guest->qmp_in), &guest->qmp_have);
}

const char *qguest_qmp_try(struct qguest *guest, const char *command)
{
	const char *line;

	send_text(guest->qmp, command, strlen(command));
	do
		line = next_message(guest);
	while (strstr(line, "\"event\""));
	return line;
}

const char *qguest_qmp(struct qguest *guest, const char *command)
{
	const char *line = qguest_qmp_try(guest, command);

	if (!strstr(line, "\"return\""))
		fail_msg("%s: %s", command, line);
	return line;
}

const char *qguest_qmp_event(struct qguest *guest, const char *name)
{
	char wanted[64];
	const char *line;

	snprintf(wanted, sizeof(wanted), "\"event\": \"%s\"", name);
	do
		line = next_message(guest);
	while (!strstr(line, wanted));
	return line;
}

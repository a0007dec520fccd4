// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Plays a guest on hvmdm's board over the qtest port: starts the program that the environment
 * variable HVMDM names, moves its clock, reads and writes its ports and memory, watches interrupts,
 * and speaks QMP beside it. Whatever goes wrong fails the running cmocka test.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
	QGUEST_WIRES = 24,
	QGUEST_ARGS = 64,
};

struct qguest {
	pid_t pid;
	char dir[64]; /* of its sockets; files may be put there too */
	int qtest, qmp;
	char qtest_in[8192], qmp_in[65536];
	size_t qtest_have, qmp_have;
	bool levels[QGUEST_WIRES];
	unsigned raised[QGUEST_WIRES]; /* how often */
};

/** Makes the directory, so that images can be put into it before the start. */
void qguest_init(struct qguest *guest);
/** The path of a file in the directory; static until the next call. */
const char *qguest_path(const struct qguest *guest, const char *name);
/** Makes a file of 'bytes' zeros and returns a descriptor, open for writing. */
int qguest_create_file(const struct qguest *guest, const char *name, size_t bytes);

/** Starts -machine pc,accel=qtest with further words, separated by blanks. */
void qguest_start(struct qguest *guest, const char *words, ...)
	__attribute__((format(printf, 2, 3)));
/** Ends it by SIGTERM, expects exit status 0, and removes the directory. */
void qguest_stop(struct qguest *guest);
/** Waits for its own end; returns the exit status. Removes the directory. */
int qguest_wait(struct qguest *guest);

/** One command line; returns what stands behind "OK". Fails unless it is OK. */
const char *qguest_command(struct qguest *guest, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** As qguest_command, returning the whole reply, which may be FAIL. */
const char *qguest_try(struct qguest *guest, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

uint8_t qguest_inb(struct qguest *guest, unsigned port);
uint16_t qguest_inw(struct qguest *guest, unsigned port);
uint32_t qguest_inl(struct qguest *guest, unsigned port);
void qguest_outb(struct qguest *guest, unsigned port, unsigned value);
void qguest_outw(struct qguest *guest, unsigned port, unsigned value);
void qguest_outl(struct qguest *guest, unsigned port, uint32_t value);
uint8_t qguest_readb(struct qguest *guest, uint64_t gpa);
uint32_t qguest_readl(struct qguest *guest, uint64_t gpa);
void qguest_writeb(struct qguest *guest, uint64_t gpa, unsigned value);
void qguest_writel(struct qguest *guest, uint64_t gpa, uint32_t value);
void qguest_read(struct qguest *guest, uint64_t gpa, void *data, size_t bytes);
void qguest_write(struct qguest *guest, uint64_t gpa, const void *data, size_t bytes);
uint32_t qguest_pci_read(struct qguest *guest, unsigned slot, unsigned function, unsigned offset);
void qguest_pci_write(struct qguest *guest, unsigned slot, unsigned function, unsigned offset,
		      uint32_t value);
uint8_t qguest_cmos(struct qguest *guest, unsigned index);

/** Moves guest time; returns what it is then. */
int64_t qguest_step(struct qguest *guest, int64_t ns);
/** Reports interrupts from now on. */
void qguest_watch_irqs(struct qguest *guest);
/** Waits until 'port' has the bits of 'mask' as 'value': disks work in real time. */
void qguest_wait_port(struct qguest *guest, unsigned port, unsigned mask, unsigned value);

/** Sends a QMP command and returns the reply, with events before it dropped. Fails on errors. */
const char *qguest_qmp(struct qguest *guest, const char *command);
/** As qguest_qmp; the reply may be an error. */
const char *qguest_qmp_try(struct qguest *guest, const char *command);
/** Waits for an event and returns it. */
const char *qguest_qmp_event(struct qguest *guest, const char *name);

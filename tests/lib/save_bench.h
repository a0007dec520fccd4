// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whole machines without processors, with an image in a file of its own, for tests of saved state:
 * the words of the command line, and the guest's accesses to ports.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "bus/state.h"
#include "dm/board_internal.h"
#include "dm/machine.h"
#include "dm/options.h"
#include "dm/save.h"

enum {
	SAVE_BENCH_WORDS = 64,
	SAVE_BENCH_DISK_BYTES = 1 << 20,
};

struct save_bench {
	char disk[32], line[1024];
	char *words[SAVE_BENCH_WORDS];
	int count;
	struct options options;
	struct machine *machine;
};

/** Words that every machine gets; '%s' is the image. */
static const char save_bench_words[] =
	"hvmdm -machine pc,accel=qtest -nodefaults -display none -m 32 -smp 1,maxcpus=4 "
	"-serial null -device VGA,vgamem_mb=16 -boot order=c,once=d "
	"-rtc base=2020-02-20T20:20:20 -drive file=%s,if=ide,index=0,media=disk,format=raw "
	"-drive if=none,readonly=on,id=ide-5632 "
	"-device ide-cd,id=ide-5632,drive=ide-5632,bus=ide.1,unit=0 %s";

static inline bool save_bench_build(struct save_bench *bench, const char *words, struct err *err)
{
	char *rest = NULL;

	bench->count = 0;
	snprintf(bench->line, sizeof(bench->line), save_bench_words, bench->disk, words);
	for (char *word = strtok_r(bench->line, " ", &rest); word;
	     word = strtok_r(NULL, " ", &rest))
		bench->words[bench->count++] = word;
	if (options_parse(&bench->options, bench->count, bench->words, err) != OPTIONS_RUN)
		return false;
	bench->machine = machine_create(&bench->options, err);
	if (bench->machine)
		lock_acquire(&bench->machine->lock);
	return bench->machine != NULL;
}

/** A machine with further words; it has not run. The machine lock is held. False and a sentence. */
static inline bool save_bench_init(struct save_bench *bench, const char *words, struct err *err)
{
	int fd;

	memset(bench, 0, sizeof(*bench));
	strcpy(bench->disk, "/tmp/hvmdm-save-XXXXXX");
	fd = mkstemp(bench->disk);
	if (fd < 0 || ftruncate(fd, SAVE_BENCH_DISK_BYTES) < 0)
		abort();
	close(fd);
	return save_bench_build(bench, words, err);
}

static inline void save_bench_finish(struct save_bench *bench)
{
	if (bench->machine)
		lock_release(&bench->machine->lock);
	machine_destroy(bench->machine);
	options_finish(&bench->options);
	unlink(bench->disk);
}

static inline void save_bench_out(struct save_bench *bench, uint16_t port, uint64_t value,
				  unsigned size)
{
	io_write(&bench->machine->ports, port, value, size);
}

static inline uint32_t save_bench_in(struct save_bench *bench, uint16_t port, unsigned size)
{
	return (uint32_t)io_read(&bench->machine->ports, port, size);
}

static inline void save_bench_set_config(struct save_bench *bench, unsigned devfn, unsigned offset,
					 uint32_t value, unsigned size)
{
	pci_bus_config_write(&bench->machine->pci, devfn, offset, value, size);
}

/** All devices' states in one row; the caller frees it. */
static inline uint8_t *save_bench_snapshot(const struct save_bench *bench, size_t *length)
{
	struct device *device;
	uint8_t *bytes = NULL;

	*length = 0;
	list_for_each(device, &bench->machine->devices.head, struct device, node)
	{
		const struct device_class *class = device->class;

		if (!class->table)
			continue;
		bytes = realloc(bytes, *length + class->table->struct_size);
		if (!bytes)
			abort();
		memcpy(bytes + *length, (char *)device->self + class->state_offset,
		       class->table->struct_size);
		*length += class->table->struct_size;
	}
	return bytes;
}

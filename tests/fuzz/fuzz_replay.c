// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recordings from anywhere, played to a machine with every kind of end: the heads are ours, so that
 * no file of the host is named, all that follows is the input's.
 */
#include <stdint.h>

#include "base/log.h"
#include "tests/lib/replay_bench.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
	LONGEST_INPUT = 1 << 18,
	DISK_BYTES = 1 << 20,
};

static struct replay_bench_bytes heads;

static void add_words(const char *words)
{
	char text[1024], *rest = NULL;

	snprintf(text, sizeof(text), "%s", words);
	for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
		replay_bench_add(&heads, &(struct tape_record){ .op = TAPE_ARGUMENT,
								.blob = (const uint8_t *)word,
								.blob_bytes = strlen(word) });
}

static void add_image(unsigned drive, bool read_only)
{
	replay_bench_add(&heads,
			 &(struct tape_record){ .op = TAPE_IMAGE,
						.values = { drive, DISK_BYTES, 0, read_only, 1 },
						.blob = (const uint8_t *)"image",
						.blob_bytes = 5 });
}

static void set_up(void)
{
	if (heads.bytes)
		return;
	add_words("-machine pc,accel=qtest -nodefaults -m 16 -serial null -device VGA,vgamem_mb=1 "
		  "-device e1000,netdev=n -device rtl8139,netdev=n -usb -usbdevice tablet "
		  "-drive file=image,format=raw -drive file=image,format=raw,index=2,media=cdrom");
	replay_bench_add(&heads, &(struct tape_record){ .op = TAPE_CORE });
	replay_bench_add(&heads, &(struct tape_record){ .op = TAPE_OPTIONS });
	add_image(0, false);
	add_image(2, true);
	replay_bench_add(&heads, &(struct tape_record){ .op = TAPE_BEGIN });
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct replay_bench bench;
	struct err err = { 0 };
	uint8_t *all;

	if (size > LONGEST_INPUT)
		return 0;
	set_up();
	all = malloc(heads.length + size);
	if (!all)
		abort();
	memcpy(all, heads.bytes, heads.length);
	if (size)
		memcpy(all + heads.length, data, size);
	if (!replay_bench_build(&bench, tape_reader_open_bytes(all, heads.length + size), &err)) {
		fprintf(stderr, "%s\n", err.text);
		abort();
	}
	replay_run(bench.machine);
	replay_bench_finish(&bench);
	free(all);
	return 0;
}

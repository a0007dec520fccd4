// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client of control that says anything. The first byte chooses QMP (negotiated or not) or the
 * monitor, and how the bytes are cut into pieces. No file can be opened meanwhile: file names are
 * part of what is fuzzed.
 */
#include <assert.h>
#include <sys/resource.h>

#include "tests/lib/control_bench.h"

enum {
	CHOICE_MONITOR = 0x01,
	CHOICE_RAW = 0x02, /* not negotiated */
	CHOICE_STUCK = 0x04,
	CHOICE_PIECE_SHIFT = 4, /* the upper half: length of a piece, 0 all at once */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct control_bench bench;

static void allow_files(bool allow)
{
	struct rlimit limit;

	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = allow ? limit.rlim_max : 0;
	setrlimit(RLIMIT_NOFILE, &limit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char negotiate[] = "{\"execute\":\"qmp_capabilities\"}";
	struct err err = { 0 };
	size_t piece;

	if (size < 1)
		return 0;
	if (!control_bench_init(&bench, data[0] & CHOICE_MONITOR ? CONTROL_MONITOR : CONTROL_QMP,
				&err))
		assert(0 && "no machine");
	if (!(data[0] & (CHOICE_MONITOR | CHOICE_RAW)))
		control_bench_say(&bench, negotiate, sizeof(negotiate) - 1, SIZE_MAX);
	bench.is_stuck = data[0] & CHOICE_STUCK;
	piece = data[0] >> CHOICE_PIECE_SHIFT;
	allow_files(false);
	control_bench_say(&bench, (const char *)data + 1, size - 1, piece ? piece : SIZE_MAX);
	allow_files(true);
	control_bench_finish(&bench);
	return 0;
}

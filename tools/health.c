// SPDX-License-Identifier: GPL-2.0-or-later
#include "tools/health.h"

#include "base/bits.h"

static const struct health_sign signs[] = {
	{ HEALTH_PANIC, "Kernel panic - not syncing", false, "the guest's kernel has panicked" },
	{ HEALTH_PANIC, "Kernel panic - not syncing", true, "the guest's kernel has panicked" },
	{ HEALTH_BLUE_SCREEN,
	  "A problem has been detected and Windows has been shut down|STOP: 0x[0-9A-F]{8}", false,
	  "Windows has stopped with a blue screen" },
	{ HEALTH_BLUE_SCREEN, "Your PC ran into a problem|Your device ran into a problem", false,
	  "Windows has stopped with a blue screen" },
	{ HEALTH_NO_MEDIUM, "No bootable device", false,
	  "there is nothing to boot from: is the medium there and whole?" },
	{ HEALTH_NO_MEDIUM,
	  "(BOOTMGR|NTLDR) is missing|Missing operating system|Operating System not found|"
	  "Non-System disk or disk error",
	  false, "the disk has no system that starts" },
};

unsigned health_sign_count(void)
{
	return ARRAY_SIZE(signs);
}

const struct health_sign *health_sign(unsigned index)
{
	return &signs[index];
}

int health_add_signs(struct patterns *patterns, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < ARRAY_SIZE(signs) && result == 0; i++)
		result = patterns_add(patterns, signs[i].pattern, signs[i].serial, err);
	return result;
}

int64_t health_bytes_moved(struct json_object *activity, bool removable, const char *key)
{
	struct json_object *drives = NULL, *flag = NULL;
	int64_t bytes = 0;

	json_object_object_get_ex(activity, "drives", &drives);
	for (size_t i = 0; drives && i < json_object_array_length(drives); i++) {
		struct json_object *drive = json_object_array_get_idx(drives, i);

		json_object_object_get_ex(drive, "removable", &flag);
		if ((json_object_get_boolean(flag) != 0) == removable)
			bytes += waiting_number(drive, key);
	}
	return bytes;
}

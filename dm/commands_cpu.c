// SPDX-License-Identifier: GPL-2.0-or-later
/* Processors: which are there, plugging more in, interrupting them; guest memory for debugging. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dm/board_pc.h"
#include "dm/board_usb.h"
#include "dm/control_internal.h"
#include "dm/options.h"

#define CPU_TYPE "hvmdm-x86_64-cpu"

bool control_cpu_is_online(struct machine *machine, unsigned cpu)
{
	struct hv_cpu_info info;

	if (hv_cpu_info(machine->hv, cpu, &info) == 0)
		return info.online;
	return cpu < machine->options->cpus;
}

/** Each processor is a socket of its own. */
static struct json_object *describe_place(unsigned cpu)
{
	struct json_object *props = json_add_int(json_object_new_object(), "core-id", 0);

	json_add_int(props, "thread-id", 0);
	return json_add_int(props, "socket-id", cpu);
}

static void add_path(struct json_object *object, unsigned cpu)
{
	char path[32];

	snprintf(path, sizeof(path), "/machine/cpu[%u]", cpu);
	json_add_string(object, "qom-path", path);
}

static int execute_query_cpus(struct control_call *call)
{
	struct hv_cpu_info info;

	call->result = json_object_new_array();
	for (unsigned cpu = 0; cpu < call->machine->options->max_cpus; cpu++) {
		struct json_object *entry;

		if (!control_cpu_is_online(call->machine, cpu))
			continue;
		hv_cpu_info(call->machine->hv, cpu, &info);
		entry = json_add_int(json_object_new_object(), "thread-id", info.thread_id);
		json_add(entry, "props", describe_place(cpu));
		add_path(entry, cpu);
		json_add_int(entry, "cpu-index", cpu);
		json_object_array_add(call->result, json_add_string(entry, "target", "x86_64"));
	}
	return 0;
}

static int execute_query_hotpluggable(struct control_call *call)
{
	call->result = json_object_new_array();
	for (unsigned cpu = call->machine->options->max_cpus; cpu-- > 0;) {
		struct json_object *entry =
			json_add(json_object_new_object(), "props", describe_place(cpu));

		json_add_int(entry, "vcpus-count", 1);
		if (control_cpu_is_online(call->machine, cpu))
			add_path(entry, cpu);
		json_object_array_add(call->result, json_add_string(entry, "type", CPU_TYPE));
	}
	return 0;
}

static int plug_cpu(struct control_call *call, int64_t cpu)
{
	struct machine *machine = call->machine;
	int result;

	if (cpu < 0 || cpu >= machine->options->max_cpus)
		return err_set(&call->err, -EINVAL,
			       "Invalid CPU socket-id: %lld must be in range 0:%u", (long long)cpu,
			       machine->options->max_cpus - 1);
	if (control_cpu_is_online(machine, (unsigned)cpu))
		return err_set(&call->err, -EEXIST, "CPU[%lld] exists", (long long)cpu);
	result = hv_cpu_set_online(machine->hv, (unsigned)cpu, true, &call->err);
	if (result == 0 && machine->board)
		board_announce_cpu(machine->board, (unsigned)cpu, true);
	return result;
}

static int execute_device_add(struct control_call *call)
{
	const char *driver = control_string(call, "driver");

	if (board_usb_is_device(driver))
		return control_plug_usb(call);
	if (strcmp(driver, CPU_TYPE) != 0 && strstr(driver, "usb-"))
		return err_set(&call->err, -ENOTSUP,
			       "'%.64s' cannot be plugged into a running guest: controllers are "
			       "there from the start (usb=1, usbversion=2), and of devices there "
			       "are usb-storage, usb-tablet, usb-mouse, usb-kbd and usb-hub",
			       driver);
	if (strcmp(driver, CPU_TYPE) != 0)
		return err_set(&call->err, -ENOTSUP,
			       "'%.64s' cannot be plugged into a running guest", driver);
	if (control_int(call, "core-id", 0) != 0 || control_int(call, "thread-id", 0) != 0)
		return err_set(&call->err, -EINVAL,
			       "each processor is a socket: core-id and thread-id are 0");
	return plug_cpu(call, control_int(call, "socket-id", -1));
}

static int execute_device_del(struct control_call *call)
{
	return control_unplug_usb(call);
}

static int execute_cpu_add(struct control_call *call)
{
	return plug_cpu(call, control_int(call, "id", -1));
}

static int execute_nmi(struct control_call *call)
{
	for (unsigned cpu = 0; cpu < call->machine->options->max_cpus; cpu++)
		if (control_cpu_is_online(call->machine, cpu))
			hv_cpu_nmi(call->machine->hv, cpu);
	return 0;
}

/** Physical memory as the processor would read it, without side effects. */
void control_peek_memory(struct machine *machine, uint64_t gpa, uint8_t *data, size_t count)
{
	for (size_t i = 0; i < count; i++)
		data[i] = (uint8_t)io_peek(&machine->memory, gpa + i, 1);
}

static int execute_pmemsave(struct control_call *call)
{
	int64_t gpa = control_int(call, "val", 0), left = control_int(call, "size", 0);
	const char *filename = control_string(call, "filename");
	uint8_t chunk[4096];
	int fd, result = 0;

	if (gpa < 0 || left < 0 || left > CONTROL_MAX_MEMORY_SAVE)
		return err_set(&call->err, -EINVAL, "at most %d MiB can be saved at once",
			       CONTROL_MAX_MEMORY_SAVE >> 20);
	fd = control_open(call->control, filename, O_WRONLY | O_CREAT | O_TRUNC, &call->err);
	if (fd < 0)
		return fd;
	while (left > 0 && result == 0) {
		size_t count = min_size(sizeof(chunk), (size_t)left);

		control_peek_memory(call->machine, (uint64_t)gpa, chunk, count);
		if (write(fd, chunk, count) != (ssize_t)count)
			result = err_set_errno(&call->err, -EIO, "cannot write '%s'", filename);
		gpa += (int64_t)count;
		left -= (int64_t)count;
	}
	close(fd);
	return result;
}

const struct control_command control_cpu_commands[] = {
	{ "query-cpus-fast", "", execute_query_cpus },
	{ "query-hotpluggable-cpus", "", execute_query_hotpluggable },
	{ "device_add", "driver:s id?s bus?s socket-id?i core-id?i thread-id?i *",
	  execute_device_add },
	{ "device_del", "id:s", execute_device_del },
	{ "cpu-add", "id:i", execute_cpu_add },
	{ "inject-nmi", "", execute_nmi },
	{ "pmemsave", "val:i size:i filename:s", execute_pmemsave },
	{ NULL, "", NULL },
};

// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/device.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"

void device_list_init(struct device_list *list)
{
	list_init(&list->head);
}

void device_init(struct device *device, const struct device_class *class, void *self)
{
	*device = (struct device){ .class = class, .self = self };
	list_init(&device->node);
}

static bool instance_is_taken(const struct device_list *list, const struct device *device)
{
	struct device *other;

	list_for_each(other, &list->head, struct device, node)
	{
		if (other->class == device->class && other->instance == device->instance)
			return true;
	}
	return false;
}

void device_add(struct device_list *list, struct device *device)
{
	/* The lowest free number: one may have been taken out. */
	for (device->instance = 0; instance_is_taken(list, device);)
		device->instance++;
	list_append(&list->head, &device->node);
}

void device_remove(struct device *device)
{
	list_remove(&device->node);
}

void device_reset_all(struct device_list *list)
{
	struct device *device;

	list_for_each(device, &list->head, struct device, node) device->class->reset(device->self);
}

void device_quiesce_all(struct device_list *list)
{
	struct device *device;

	list_for_each(device, &list->head, struct device, node) if (device->class->quiesce)
		device->class->quiesce(device->self);
}

void device_resume_all(struct device_list *list)
{
	struct device *device;

	list_for_each(device, &list->head, struct device, node) if (device->class->resume)
		device->class->resume(device->self);
}

void device_finish_all(struct device_list *list)
{
	while (!list_is_empty(&list->head)) {
		struct device *device = container_of(list->head.prev, struct device, node);

		list_remove(&device->node);
		if (device->class->finish)
			device->class->finish(device->self);
	}
}

enum {
	TAG_BYTES = 64, /* "class/instance" */
};

static void device_tag(const struct device *device, char *tag)
{
	snprintf(tag, TAG_BYTES, "%s/%u", device->class->name, device->instance);
}

static void *device_state(const struct device *device)
{
	return (char *)device->self + device->class->state_offset;
}

bool device_is_known(const struct device_list *list, const char *tag)
{
	char own[TAG_BYTES];
	struct device *device;

	list_for_each(device, &list->head, struct device, node)
	{
		device_tag(device, own);
		if (device->class->table && strcmp(own, tag) == 0)
			return true;
	}
	return false;
}

void device_save_all(struct device_list *list, struct state_writer *writer)
{
	struct device *device;

	list_for_each(device, &list->head, struct device, node)
	{
		char tag[TAG_BYTES];

		if (!device->class->table)
			continue;
		if (device->class->before_save)
			device->class->before_save(device->self);
		device_tag(device, tag);
		state_save(writer, tag, device->class->version, device->class->table,
			   device_state(device));
	}
}

/** Loads one device from the stream, or leaves its present state if the stream does not know it. */
static int device_load(struct device *device, const void *stream, size_t length, struct err *err)
{
	char tag[TAG_BYTES];
	unsigned version;
	int result;

	if (!device->class->table)
		return 0;
	device_tag(device, tag);
	result = state_load(stream, length, tag, device->class->table, device_state(device),
			    &version, err);
	if (result == -ENOENT)
		return 0;
	if (result == 0 && version > device->class->version)
		result = err_set(err, -EINVAL, "%s was saved by a newer version", tag);
	if (result == 0 && device->class->after_load)
		result = device->class->after_load(device->self, err);
	return result;
}

static int load_each(struct device_list *list, const void *stream, size_t length, struct err *err)
{
	struct device *device;

	list_for_each(device, &list->head, struct device, node)
	{
		int result = device_load(device, stream, length, err);

		if (result < 0)
			return result;
	}
	return 0;
}

static void commit_all(struct device_list *list)
{
	struct device *device;

	list_for_each(device, &list->head, struct device, node) if (device->class->loaded)
		device->class->loaded(device->self);
}

int device_load_all(struct device_list *list, const void *stream, size_t length, struct err *err)
{
	struct state_writer before;
	int result = state_check(stream, length, err);

	if (result < 0)
		return result;
	state_writer_init(&before);
	device_save_all(list, &before);
	if (before.failed) {
		state_writer_finish(&before);
		return err_set_errno(err, -ENOMEM, "cannot load");
	}
	result = load_each(list, stream, length, err);
	if (result < 0)
		load_each(list, before.bytes, before.length, NULL);
	else
		commit_all(list);
	state_writer_finish(&before);
	return result;
}

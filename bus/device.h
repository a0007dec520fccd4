// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lifecycle that all devices share: power-on reset, saving, quiescing. A device is embedded in
 * its chip's struct; the board keeps the list.
 */
#pragma once

#include "base/list.h"
#include "bus/state.h"

struct device;

struct device_class {
	const char *name; /* "piix3-ide" */
	/** Power-on state. Also on every system reset. */
	void (*reset)(void *self);
	/** Finishes what is under way; afterwards no guest memory is touched until the guest runs
	 * on. May be NULL. */
	void (*quiesce)(void *self);
	/** All a guest can observe; NULL: nothing. 'state_offset' is where the state lies in the
	 * chip's struct. */
	const struct state_table *table;
	size_t state_offset;
	unsigned version;
	/** Brings the state struct up to date before it is saved. May be NULL. */
	void (*before_save)(void *self);
	/**
	 * The struct now holds loaded values: derive the rest, re-arm timers, drive lines. Must
	 * refuse what a register write could not have produced. 0 or -EINVAL. May be NULL.
	 */
	int (*after_load)(void *self, struct err *err);
	/** The whole machine has been loaded: what could not be taken back. May be NULL. */
	void (*loaded)(void *self);
	/** The guest runs on, after quiesce or a load: what had to wait goes on. May be NULL. */
	void (*resume)(void *self);
	void (*finish)(void *self); /* releases what init took. May be NULL. */
};

struct device {
	struct list_node node;
	const struct device_class *class;
	void *self;
	unsigned instance; /* 0, 1 … of devices of one class; set by device_add */
};

struct device_list {
	struct list_node head;
};

void device_list_init(struct device_list *list);
void device_init(struct device *device, const struct device_class *class, void *self);
/** Devices are reset and saved in the order in which they were added. */
void device_add(struct device_list *list, struct device *device);
void device_remove(struct device *device);
void device_reset_all(struct device_list *list);
void device_quiesce_all(struct device_list *list);
void device_resume_all(struct device_list *list);
/** Finishes in reverse order. */
void device_finish_all(struct device_list *list);
void device_save_all(struct device_list *list, struct state_writer *writer);
/** Is there a device whose record is called 'tag'? */
bool device_is_known(const struct device_list *list, const char *tag);
/** All or nothing: a bad stream leaves every device as it was. 0 or -errno. */
int device_load_all(struct device_list *list, const void *stream, size_t length, struct err *err);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An address space (I/O ports or memory) and the windows in it. A window is either registers of a
 * device, reached by callbacks, or direct: host memory that the processor reaches without us (RAM,
 * ROM, video RAM). A device sees offsets into its window, never its address. Windows do not
 * overlap. Empty addresses read as all ones and swallow writes. All calls under the machine lock.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct io_space;

/** What a window of registers does. Sizes are 1, 2, 4 or 8 bytes; data is little-endian in the low
 * bytes. */
struct io_ops {
	uint64_t (*read)(void *opaque, uint64_t offset, unsigned size);
	void (*write)(void *opaque, uint64_t offset, uint64_t value, unsigned size);
	/** Reads without any side effect, for monitors; NULL: reads as all ones. */
	uint64_t (*peek)(void *opaque, uint64_t offset, unsigned size);
	/**
	 * String I/O: 'count' items of 'size' bytes from one register into 'data' (or the other
	 * way). Returns the items done before single accesses must go on, 0 to decline. NULL:
	 * always single accesses.
	 */
	size_t (*read_block)(void *opaque, uint64_t offset, void *data, unsigned size,
			     size_t count);
	size_t (*write_block)(void *opaque, uint64_t offset, const void *data, unsigned size,
			      size_t count);
	uint8_t max_size; /* wider accesses are split into this size, low offset first; 0 means 4 */
	/** Writes may be collected by the hypervisor core and delivered late, in order, before any
	 * other access. */
	bool coalesced;
	/** Memory of a card, which the processor may also reach directly, by another window. */
	bool is_memory;
};

/** A window that answers in a part of a group's range. */
struct io_part {
	struct io_window *window;
	uint64_t offset; /* within the group */
	bool on;
};

struct io_window {
	const char *name;         /* for monitors; kept */
	const struct io_ops *ops; /* NULL: direct */
	void *opaque;
	uint8_t *host;         /* direct: the memory, page-aligned, borrowed */
	bool read_only;        /* direct: writes are dropped */
	bool log_dirty;        /* direct: the core keeps a dirty log of it */
	uint8_t *shadow;       /* direct and read-only: writes land here instead; may be NULL */
	struct io_part *parts; /* group: what answers in its range; NULL: not a group */
	unsigned part_count;
	uint64_t size;
	/* The rest belongs to the space. */
	uint64_t base;
	struct io_space *space; /* NULL while unmapped */
	uintptr_t core_data;    /* for the listener: the memory slot, for instance */
};

/** Who follows the map: dispatch, which tells the hypervisor core. */
struct io_listener {
	void *opaque;
	void (*mapped)(void *opaque, struct io_window *window);
	void (*unmapped)(void *opaque, struct io_window *window);
};

struct io_space {
	const char *name;
	uint64_t limit;             /* addresses are below this */
	struct io_window **windows; /* by base */
	size_t count, capacity;
	struct io_listener listener;
	uint64_t unclaimed;  /* accesses that met no window */
	uint64_t generation; /* counts changes of the map */
};

void io_space_init(struct io_space *space, const char *name, uint64_t limit);
/** The windows must have been unmapped. */
void io_space_finish(struct io_space *space);
/** Is told of every later change, and at once of what is mapped. */
void io_space_set_listener(struct io_space *space, const struct io_listener *listener);

/** A window of registers, not mapped yet. 'name' and 'ops' are kept. */
void io_window_init(struct io_window *window, const char *name, const struct io_ops *ops,
		    void *opaque, uint64_t size);
/** A direct window, not mapped yet. */
void io_window_init_direct(struct io_window *window, const char *name, void *host, uint64_t size,
			   bool read_only);

/**
 * A group: a window of 'size' bytes that maps others in its range and nothing itself, such as a BAR
 * with memory and registers in it. Those that are on do not overlap and lie inside. 'parts' is
 * kept.
 */
void io_window_init_group(struct io_window *window, const char *name, struct io_part *parts,
			  unsigned count, uint64_t size);
/** Puts part 'number' of a group into the map or takes it out: now if the group is mapped, else
 * when it is. What it would overlap must be off. 0 or -ENOMEM, with the part off. */
int io_group_switch(struct io_window *group, unsigned number, bool on);

/** Maps 'window' at 'base'. 0; -EEXIST if something else is there; -ERANGE outside of the space;
 * -ENOMEM. */
int io_map(struct io_space *space, struct io_window *window, uint64_t base);
/** Nothing happens if it is not mapped. */
void io_unmap(struct io_window *window);

/** The window at 'address', or NULL. */
struct io_window *io_find(const struct io_space *space, uint64_t address);

/** An access of 'size' 1, 2, 4 or 8 bytes; it may lie across windows. */
uint64_t io_read(struct io_space *space, uint64_t address, unsigned size);
void io_write(struct io_space *space, uint64_t address, uint64_t value, unsigned size);
/** Reads without side effects. */
uint64_t io_peek(const struct io_space *space, uint64_t address, unsigned size);

/** String I/O at one address: 'count' items of 'size' bytes. */
void io_read_block(struct io_space *space, uint64_t address, void *data, unsigned size,
		   size_t count);
void io_write_block(struct io_space *space, uint64_t address, const void *data, unsigned size,
		    size_t count);

/** Memory copied through the space's map, byte ranges of any length. */
void io_read_bytes(struct io_space *space, uint64_t address, void *data, size_t length);
void io_write_bytes(struct io_space *space, uint64_t address, const void *data, size_t length);

/** Calls 'visit' for each window, by address: "info mtree". */
void io_for_each(const struct io_space *space,
		 void (*visit)(const struct io_window *window, void *opaque), void *opaque);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory of the host, read and opened once, from which a medium is made. Everything is opened
 * when it is read: a process in its sandbox opens nothing later. Small files are read at once;
 * larger ones keep a descriptor, and their content is read when the guest reads it. Symbolic links
 * are followed as long as they stay inside the directory. Entries stand in the order of their
 * names' bytes, so that the same directory always makes the same medium.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "block/pool.h"

struct err;

enum {
	HOST_SMALL_FILE_BYTES = 16 << 10,
	HOST_SMALL_FILES_BYTES = 8 << 20, /* together; further ones keep descriptors */
	HOST_MAX_DESCRIPTORS = 512,
	HOST_MAX_ENTRIES = 16384,
	HOST_MAX_DEPTH = 32,
};

struct host_node {
	struct host_node *parent;
	struct host_node **children;
	size_t child_count;
	const char *name; /* as the host has it: bytes, UTF-8 if people are sensible */
	bool is_directory, is_executable;
	struct timespec modified;
	uint64_t bytes;
	uint8_t *data; /* content of a small file */
	int fd;        /* of a larger one; -1: none */
	uint32_t lba;  /* where a medium has the content, in sectors of 2048 bytes */
};

struct host_tree {
	struct host_node *root;
	const char *path; /* as it was named */
	struct pool pool;
	size_t entries, descriptors;
	uint64_t small_bytes;
};

/** 0, or -errno and a sentence, and then there is nothing to finish. */
int host_tree_read(struct host_tree *tree, const char *path, struct err *err);
/** Closes the descriptors that nobody took (fd set to -1). */
void host_tree_finish(struct host_tree *tree);
/** The path of 'node' within its tree, for sentences; cut to 'size'. Returns 'text'. */
const char *host_node_path(const struct host_node *node, char *text, size_t size);

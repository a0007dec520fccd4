// SPDX-License-Identifier: GPL-2.0-or-later
#include "block/host_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/err.h"

enum {
	POOL_BYTES = 64 << 20,
};

/** Directories from the root to the one being read, by which a link back to one is seen. */
struct ancestor {
	const struct ancestor *above;
	dev_t device;
	ino_t inode;
};

/** The length that the path has, as far as it fits 'text'. */
static size_t compose_path(const struct host_node *node, char *text, size_t size)
{
	const struct host_node *steps[HOST_MAX_DEPTH + 1];
	size_t count = 0, at = 0;

	for (; node && node->parent && count < ARRAY_SIZE(steps); node = node->parent)
		steps[count++] = node;
	text[0] = '\0';
	while (count-- > 0 && at < size) {
		int length = snprintf(text + at, size - at, "%s%s", steps[count]->name,
				      count ? "/" : "");

		at += length < 0 ? size : (size_t)length;
	}
	return at;
}

const char *host_node_path(const struct host_node *node, char *text, size_t size)
{
	size_t at = size - 1;

	if (compose_path(node, text, size) < size)
		return text;
	/* No part of a character at the end. */
	while (at > 0 && (text[at - 1] & 0xc0) == 0x80)
		at--;
	if (at > 0 && (text[at - 1] & 0x80))
		at--;
	text[at] = '\0';
	return text;
}

static int fail(const struct host_tree *tree, const struct host_node *node, int code,
		const char *what, struct err *err)
{
	char path[160];

	return err_set(err, code, "'%s' of '%s' %s", host_node_path(node, path, sizeof(path)),
		       tree->path, what);
}

static int fail_errno(const struct host_tree *tree, const struct host_node *node, int code,
		      struct err *err)
{
	char path[160];

	host_node_path(node, path, sizeof(path));
	if (code == -EXDEV)
		return err_set(err, code, "'%s' is a link that leads out of '%s'", path,
			       tree->path);
	if (code == -ELOOP)
		return err_set(err, code, "'%s' of '%s' is a link that leads nowhere", path,
			       tree->path);
	if (code == -EMFILE || code == -ENFILE)
		return err_set(err, code,
			       "'%s' has more files than this process may open (ulimit -n): put "
			       "them on an ISO image, or into an archive",
			       tree->path);
	return err_set_errno(err, code, "cannot read '%s' of '%s'", path, tree->path);
}

/** Opens what lies at 'node' below 'root', links included, but nothing outside. */
static int open_below(int root, const struct host_node *node)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
	};
	char path[PATH_MAX];
	long fd;

	if (compose_path(node, path, sizeof(path)) >= sizeof(path))
		return -ENAMETOOLONG;
	fd = syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof(how));
	return fd < 0 ? -errno : (int)fd;
}

/* Files */

static int read_small(struct host_tree *tree, struct host_node *node, int fd, struct err *err)
{
	uint64_t done = 0;

	node->data = pool_take(&tree->pool, (size_t)node->bytes);
	if (!node->data)
		return fail(tree, node, -ENOMEM, "finds no memory", err);
	while (done < node->bytes) {
		ssize_t got =
			pread(fd, node->data + done, (size_t)(node->bytes - done), (off_t)done);

		if (got <= 0)
			return got < 0 ? fail_errno(tree, node, -errno, err)
				       : fail(tree, node, -EAGAIN, "is being changed", err);
		done += (uint64_t)got;
	}
	tree->small_bytes += node->bytes;
	return 0;
}

static int keep_descriptor(struct host_tree *tree, struct host_node *node, int fd, struct err *err)
{
	if (tree->descriptors == HOST_MAX_DESCRIPTORS)
		return err_set(err, -EMFILE,
			       "'%s' has more than %d files above %d KiB: put them on an ISO "
			       "image, or into an archive",
			       tree->path, HOST_MAX_DESCRIPTORS, HOST_SMALL_FILE_BYTES >> 10);
	tree->descriptors++;
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	node->fd = fd;
	return 1;
}

/** 1: 'fd' was taken. */
static int take_file(struct host_tree *tree, struct host_node *node, int fd, struct err *err)
{
	if (node->bytes <= HOST_SMALL_FILE_BYTES &&
	    tree->small_bytes + node->bytes <= HOST_SMALL_FILES_BYTES)
		return read_small(tree, node, fd, err);
	return keep_descriptor(tree, node, fd, err);
}

/* Directories */

static int compare_names(const void *a, const void *b)
{
	const struct host_node *const *left = a, *const *right = b;

	return strcmp((*left)->name, (*right)->name);
}

static int add_child(struct host_tree *tree, struct host_node *node, const char *name,
		     size_t *capacity, struct err *err)
{
	struct host_node *child = pool_take(&tree->pool, sizeof(*child));

	if (tree->entries++ == HOST_MAX_ENTRIES)
		return err_set(err, -E2BIG, "'%s' has more than %d entries", tree->path,
			       HOST_MAX_ENTRIES);
	if (node->child_count == *capacity) {
		size_t more = *capacity ? 2 * *capacity : 16;
		struct host_node **children = pool_take(&tree->pool, more * sizeof(*children));

		if (!children)
			return fail(tree, node, -ENOMEM, "finds no memory", err);
		if (node->child_count)
			memcpy(children, node->children, node->child_count * sizeof(*children));
		node->children = children;
		*capacity = more;
	}
	if (child)
		child->name = pool_copy(&tree->pool, name, strlen(name));
	if (!child || !child->name)
		return fail(tree, node, -ENOMEM, "finds no memory", err);
	child->parent = node;
	child->fd = -1;
	node->children[node->child_count++] = child;
	return 0;
}

/** Takes 'fd'. */
static int list_directory(struct host_tree *tree, struct host_node *node, int fd, struct err *err)
{
	DIR *directory = fdopendir(fd);
	const struct dirent *entry;
	size_t capacity = 0;
	int result = 0;

	if (!directory) {
		close(fd);
		return fail_errno(tree, node, -ENOMEM, err);
	}
	while (result == 0 && (errno = 0, entry = readdir(directory)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			result = add_child(tree, node, entry->d_name, &capacity, err);
	if (result == 0 && errno)
		result = fail_errno(tree, node, -errno, err);
	closedir(directory);
	if (result == 0 && node->child_count)
		qsort(node->children, node->child_count, sizeof(*node->children), compare_names);
	return result;
}

static int read_node(struct host_tree *tree, struct host_node *node, int root,
		     const struct ancestor *above, unsigned depth, struct err *err);

/** Takes 'fd'. */
static int read_directory(struct host_tree *tree, struct host_node *node, int fd, int root,
			  const struct ancestor *self, unsigned depth, struct err *err)
{
	int result;

	for (const struct ancestor *above = self->above; above; above = above->above) {
		if (above->device != self->device || above->inode != self->inode)
			continue;
		close(fd);
		return fail(tree, node, -ELOOP, "is a link to a directory that it lies in", err);
	}
	if (depth == HOST_MAX_DEPTH) {
		close(fd);
		return fail(tree, node, -E2BIG, "lies too deep", err);
	}
	result = list_directory(tree, node, fd, err);
	for (size_t i = 0; i < node->child_count && result == 0; i++)
		result = read_node(tree, node->children[i], root, self, depth + 1, err);
	return result;
}

static int read_node(struct host_tree *tree, struct host_node *node, int root,
		     const struct ancestor *above, unsigned depth, struct err *err)
{
	int fd = open_below(root, node), result;
	struct ancestor self = { .above = above };
	struct stat status;

	if (fd == -ENXIO)
		return fail(tree, node, fd, "is neither a file nor a directory", err);
	if (fd < 0)
		return fail_errno(tree, node, fd, err);
	if (fstat(fd, &status) < 0) {
		result = fail_errno(tree, node, -errno, err);
		close(fd);
		return result;
	}
	node->modified = status.st_mtim;
	node->is_directory = S_ISDIR(status.st_mode);
	node->is_executable = (status.st_mode & 0111) != 0;
	self.device = status.st_dev;
	self.inode = status.st_ino;
	if (node->is_directory)
		return read_directory(tree, node, fd, root, &self, depth, err);
	node->bytes = (uint64_t)status.st_size;
	result = S_ISREG(status.st_mode)
			 ? take_file(tree, node, fd, err)
			 : fail(tree, node, -EINVAL, "is neither a file nor a directory", err);
	if (result != 1)
		close(fd);
	return result < 0 ? result : 0;
}

int host_tree_read(struct host_tree *tree, const char *path, struct err *err)
{
	int root = open(path, O_RDONLY | O_CLOEXEC | O_DIRECTORY), result;

	*tree = (struct host_tree){ .path = path };
	if (root < 0)
		return err_set_errno(err, -errno, "cannot read directory '%s'", path);
	pool_init(&tree->pool, POOL_BYTES);
	tree->root = pool_take(&tree->pool, sizeof(*tree->root));
	if (tree->root) {
		tree->root->fd = -1;
		tree->root->name = "";
		result = read_node(tree, tree->root, root, NULL, 0, err);
	} else {
		result = err_set(err, -ENOMEM, "no memory left to read '%s'", path);
	}
	close(root);
	if (result < 0)
		host_tree_finish(tree);
	return result;
}

static void close_files(struct host_node *node)
{
	if (node->fd >= 0)
		close(node->fd);
	for (size_t i = 0; i < node->child_count; i++)
		close_files(node->children[i]);
}

void host_tree_finish(struct host_tree *tree)
{
	if (tree->root)
		close_files(tree->root);
	pool_finish(&tree->pool);
	*tree = (struct host_tree){ 0 };
}

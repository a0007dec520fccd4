// SPDX-License-Identifier: GPL-2.0-or-later
/* A directory of the host laid over a tree: new names are added, files of the same name replaced.
 */
#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "block/iso_tree.h"

enum {
	PATH_TEXT_BYTES = 160, /* in sentences */
};

/** By its name; exactly, or else but for the case of letters, as Windows compares. */
static struct iso_node *find_node(const struct iso_node *directory, const char *name)
{
	struct iso_node *node;

	for (node = directory->first; node; node = node->next)
		if (!node->is_special && strcmp(node->name, name) == 0)
			return node;
	for (node = directory->first; node; node = node->next)
		if (!node->is_special && iso_names_match(node->name, name))
			return node;
	return NULL;
}

static int fail(const struct host_tree *host, const struct host_node *child, int code,
		const char *what, struct err *err)
{
	char path[PATH_TEXT_BYTES];

	return err_set(err, code, "'%s' of '%s' %s", host_node_path(child, path, sizeof(path)),
		       host->path, what);
}

/** Before the first that comes behind it, so that what was there keeps its order. */
static void insert(const struct iso_tree *tree, struct iso_node *directory, struct iso_node *node)
{
	struct iso_node *before = NULL, *after = directory->first;

	node->parent = directory;
	/* Names come in order: most often it is the last. */
	if (directory->last && iso_compare_ids(tree, directory->last, node) < 0) {
		before = directory->last;
		after = NULL;
	}
	for (; after && iso_compare_ids(tree, after, node) < 0; after = after->next)
		before = after;
	node->next = after;
	if (before)
		before->next = node;
	else
		directory->first = node;
	if (!after)
		directory->last = node;
}

static int add_node(struct iso_tree *tree, struct iso_node *directory, const struct host_tree *host,
		    const struct host_node *child, struct iso_node **added, struct err *err)
{
	struct iso_node *node = pool_take(&tree->pool, sizeof(*node));

	if (!node)
		return fail(host, child, -ENOMEM, "finds no memory", err);
	node->name = child->name;
	node->host = child;
	node->is_directory = child->is_directory;
	if (node->is_directory && tree->directory_count++ == ISO_MAX_DIRECTORIES)
		return fail(host, child, -E2BIG, "is one directory more than a CD can have", err);
	if (iso_make_id(tree, directory, node) < 0)
		return fail(host, child, -EEXIST, "finds no name on the CD", err);
	insert(tree, directory, node);
	*added = node;
	return 0;
}

static int merge(struct iso_tree *tree, struct iso_node *directory, const struct host_tree *host,
		 const struct host_node *from, struct err *err)
{
	int result = 0;

	for (size_t i = 0; i < from->child_count && result == 0; i++) {
		const struct host_node *child = from->children[i];
		struct iso_node *node = find_node(directory, child->name);

		if (!node)
			result = add_node(tree, directory, host, child, &node, err);
		else if (node->is_directory != child->is_directory)
			return fail(host, child, -EEXIST,
				    node->is_directory ? "is a file, but a directory on the CD"
						       : "is a directory, but a file on the CD",
				    err);
		else if (!node->is_directory && node->host)
			return fail(host, child, -EEXIST,
				    "has the name of another file but for the case of letters",
				    err);
		else if (!node->is_directory)
			node->host = child;
		if (result == 0 && child->is_directory)
			result = merge(tree, node, host, child, err);
	}
	return result;
}

int iso_tree_merge(struct iso_tree *tree, const struct host_tree *host, struct err *err)
{
	if (!tree->root->self)
		tree->root->host = host->root;
	return merge(tree, tree->root, host, host->root, err);
}

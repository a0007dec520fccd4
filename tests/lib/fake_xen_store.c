// SPDX-License-Identifier: GPL-2.0-or-later
/* The part of fake_xen.h that is xenstore: nodes, watches, transactions that may fail. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xenstore.h>

#include "base/bits.h"
#include "tests/lib/fake_xen.h"

enum {
	MAX_NODES = 256,
	MAX_WATCHES = 16,
	MAX_PENDING = 256,
	PATH_BYTES = 160,
	TRANSACTION = 1,
};

struct node {
	char path[PATH_BYTES];
	char *value; /* NULL: free */
	unsigned length;
};

static struct {
	struct node nodes[MAX_NODES];
	char watches[MAX_WATCHES][PATH_BYTES]; /* empty: free */
	unsigned pending[MAX_PENDING];         /* numbers of watches */
	unsigned pending_count;
	int pipe[2];
	bool is_ready; /* a byte is in the pipe */
} store;

static char handle;

static _Noreturn void fail(const char *text)
{
	fprintf(stderr, "fake xenstore: %s\n", text);
	abort();
}

/** Paths that do not begin at the root begin at dom0's home. */
static void absolute(char out[PATH_BYTES], const char *path)
{
	if (snprintf(out, PATH_BYTES, "%s%s", path[0] == '/' ? "" : "/local/domain/0/", path) >=
	    PATH_BYTES)
		fail("a path is too long");
}

static bool is_below(const char *path, const char *folder)
{
	size_t length = strlen(folder);

	return strncmp(path, folder, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static void set_ready(bool ready)
{
	char byte = 0;

	if (ready == store.is_ready)
		return;
	store.is_ready = ready;
	if (ready ? write(store.pipe[1], &byte, 1) != 1 : read(store.pipe[0], &byte, 1) != 1)
		fail("the pipe");
}

static void trigger(unsigned watch)
{
	if (store.pending_count == MAX_PENDING)
		return; /* the same watch is among them */
	store.pending[store.pending_count++] = watch;
	set_ready(true);
}

static void fire(const char *path)
{
	for (unsigned i = 0; i < MAX_WATCHES; i++)
		if (store.watches[i][0] && is_below(path, store.watches[i]))
			trigger(i);
}

static struct node *find(const char *path)
{
	for (unsigned i = 0; i < MAX_NODES; i++)
		if (store.nodes[i].value && strcmp(store.nodes[i].path, path) == 0)
			return &store.nodes[i];
	return NULL;
}

static struct node *add(const char *path)
{
	for (unsigned i = 0; i < MAX_NODES; i++) {
		if (store.nodes[i].value)
			continue;
		strcpy(store.nodes[i].path, path);
		return &store.nodes[i];
	}
	fail("too many nodes");
}

/* The test's side */

void fake_xen_store_begin(void)
{
	memset(&store, 0, sizeof(store));
	if (pipe(store.pipe) < 0)
		fail("no pipe");
}

void fake_xen_store_end(void)
{
	fake_xen_store_remove("/");
	close(store.pipe[0]);
	close(store.pipe[1]);
}

void fake_xen_store_write_bytes(const char *path, const void *bytes, unsigned length)
{
	char full[PATH_BYTES];
	struct node *node;

	absolute(full, path);
	node = find(full);
	if (!node)
		node = add(full);
	free(node->value);
	node->value = malloc(length + 1);
	if (!node->value)
		fail("no memory");
	if (length)
		memcpy(node->value, bytes, length);
	node->value[length] = '\0';
	node->length = length;
	fire(full);
}

void fake_xen_store_write(const char *path, const char *text)
{
	fake_xen_store_write_bytes(path, text, (unsigned)strlen(text));
}

const char *fake_xen_store_read(const char *path)
{
	char full[PATH_BYTES];
	const struct node *node;

	absolute(full, path);
	node = find(full);
	return node ? node->value : NULL;
}

void fake_xen_store_remove(const char *path)
{
	char full[PATH_BYTES];

	absolute(full, path);
	if (strcmp(full, "/") == 0)
		full[0] = '\0';
	for (unsigned i = 0; i < MAX_NODES; i++) {
		if (!store.nodes[i].value || !is_below(store.nodes[i].path, full))
			continue;
		free(store.nodes[i].value);
		store.nodes[i].value = NULL;
	}
	fire(full);
}

/* libxenstore */

struct xs_handle *xs_open(unsigned long flags)
{
	(void)flags;
	fake_xen->opened++;
	return (void *)&handle;
}

void xs_close(struct xs_handle *h)
{
	(void)h;
	memset(store.watches, 0, sizeof(store.watches));
	store.pending_count = 0;
	set_ready(false);
	fake_xen->opened--;
}

void *xs_read(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *len)
{
	char full[PATH_BYTES];
	const struct node *node;
	char *copy;

	(void)h;
	(void)t;
	absolute(full, path);
	node = find(full);
	if (!node) {
		errno = ENOENT;
		return NULL;
	}
	copy = malloc(node->length + 1);
	if (!copy)
		return NULL;
	memcpy(copy, node->value, node->length + 1);
	if (len)
		*len = node->length;
	return copy;
}

bool xs_write(struct xs_handle *h, xs_transaction_t t, const char *path, const void *data,
	      unsigned int len)
{
	(void)h;
	(void)t;
	if (strcmp(path, "device-model/7/state") == 0)
		fake_xen->state_writes++;
	fake_xen_store_write_bytes(path, data, len);
	return true;
}

/** The names of what lies directly below. */
char **xs_directory(struct xs_handle *h, xs_transaction_t t, const char *path, unsigned int *num)
{
	const size_t table = MAX_NODES * sizeof(char *);
	char *block = malloc(table + (size_t)MAX_NODES * PATH_BYTES);
	char *text = block + table, full[PATH_BYTES];
	char **names = (void *)block;

	(void)h;
	(void)t;
	absolute(full, path);
	*num = 0;
	for (unsigned i = 0; block && i < MAX_NODES; i++) {
		const char *below = store.nodes[i].path + strlen(full) + 1;
		bool known = false;
		size_t length;

		if (!store.nodes[i].value || !is_below(store.nodes[i].path, full) ||
		    strcmp(store.nodes[i].path, full) == 0)
			continue;
		length = strcspn(below, "/");
		for (unsigned j = 0; j < *num; j++)
			known |= strncmp(names[j], below, length) == 0 && names[j][length] == '\0';
		if (known)
			continue;
		memcpy(text, below, length);
		text[length] = '\0';
		names[(*num)++] = text;
		text += length + 1;
	}
	return names;
}

bool xs_watch(struct xs_handle *h, const char *path, const char *token)
{
	(void)h;
	(void)token;
	for (unsigned i = 0; i < MAX_WATCHES; i++) {
		if (store.watches[i][0])
			continue;
		absolute(store.watches[i], path);
		trigger(i); /* xenstore does so, too */
		return true;
	}
	fail("too many watches");
}

bool xs_unwatch(struct xs_handle *h, const char *path, const char *token)
{
	char full[PATH_BYTES];

	(void)h;
	(void)token;
	absolute(full, path);
	for (unsigned i = 0; i < MAX_WATCHES; i++) {
		if (strcmp(store.watches[i], full) != 0)
			continue;
		store.watches[i][0] = '\0';
		return true;
	}
	errno = ENOENT;
	return false;
}

int xs_fileno(struct xs_handle *h)
{
	(void)h;
	return store.pipe[0];
}

char **xs_check_watch(struct xs_handle *h)
{
	char **words;

	(void)h;
	if (fake_xen->store_is_dead) {
		errno = EINVAL;
		return NULL;
	}
	if (!store.pending_count) {
		errno = EAGAIN;
		return NULL;
	}
	words = calloc(2, sizeof(char *));
	store.pending_count--;
	/* As the library may do it: not readable any more, though there is more. */
	set_ready(false);
	return words;
}

xs_transaction_t xs_transaction_start(struct xs_handle *h)
{
	(void)h;
	return TRANSACTION;
}

bool xs_transaction_end(struct xs_handle *h, xs_transaction_t t, bool abort)
{
	(void)h;
	(void)t;
	(void)abort;
	if (!fake_xen->transactions_to_fail)
		return true;
	fake_xen->transactions_to_fail--;
	errno = EAGAIN;
	return false;
}

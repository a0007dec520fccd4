// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * An intrusive, circular, doubly linked list. The head is a node of its own; a node that is in no
 * list points to itself.
 */
#pragma once

#include "base/bits.h"

struct list_node {
	struct list_node *prev, *next;
};

static inline void list_init(struct list_node *node)
{
	node->prev = node->next = node;
}

static inline bool list_is_empty(const struct list_node *head)
{
	return head->next == head;
}

/** Inserts 'node' before 'position'; before the head means at the end. */
static inline void list_insert_before(struct list_node *position, struct list_node *node)
{
	node->prev = position->prev;
	node->next = position;
	position->prev->next = node;
	position->prev = node;
}

static inline void list_append(struct list_node *head, struct list_node *node)
{
	list_insert_before(head, node);
}

/** Takes 'node' out of its list, if it is in one; it may be removed again without harm. */
static inline void list_remove(struct list_node *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/** Visits each entry of type 'type'; the body must not remove another entry than the present one.
 */
#define list_for_each(entry, head, type, member)                                  \
	for (struct list_node *node_ = (head)->next, *next_ = node_->next;        \
	     node_ != (head) && ((entry) = container_of(node_, type, member), 1); \
	     node_ = next_, next_ = node_->next)

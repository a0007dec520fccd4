// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Wires. A device drives its end with irq_set; what hangs at the other end (interrupt controller,
 * router) gets every change of level, and only changes.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct irq_line {
	void (*set)(void *opaque, unsigned number, bool level); /* NULL: not connected */
	void *opaque;
	unsigned number;
	bool level;
};

void irq_init(struct irq_line *line, void (*set)(void *opaque, unsigned number, bool level),
	      void *opaque, unsigned number);

/** NULL is a wire that leads nowhere. */
void irq_set(struct irq_line *line, bool level);

/** High and low again: an edge. */
void irq_pulse(struct irq_line *line);

/** Drives the far end even if the level is what it was: after a load. */
void irq_refresh(struct irq_line *line);

/** Up to 32 wires that share one: the output is high while any input is. */
struct irq_share {
	struct irq_line *output;
	uint32_t asserted;
};

void irq_share_init(struct irq_share *share, struct irq_line *output);
/** Makes 'line' the share's input 'number' (0 to 31). */
void irq_share_connect(struct irq_share *share, struct irq_line *line, unsigned number);

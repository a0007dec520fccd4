// SPDX-License-Identifier: GPL-2.0-or-later
#include "bus/irq.h"

#include <assert.h>

#include "base/bits.h"

void irq_init(struct irq_line *line, void (*set)(void *opaque, unsigned number, bool level),
	      void *opaque, unsigned number)
{
	*line = (struct irq_line){ .set = set, .opaque = opaque, .number = number };
}

void irq_set(struct irq_line *line, bool level)
{
	if (!line || line->level == level)
		return;
	line->level = level;
	irq_refresh(line);
}

void irq_pulse(struct irq_line *line)
{
	irq_set(line, true);
	irq_set(line, false);
}

void irq_refresh(struct irq_line *line)
{
	if (line && line->set)
		line->set(line->opaque, line->number, line->level);
}

void irq_share_init(struct irq_share *share, struct irq_line *output)
{
	*share = (struct irq_share){ .output = output };
}

static void share_set(void *opaque, unsigned number, bool level)
{
	struct irq_share *share = opaque;

	if (level)
		share->asserted |= BIT(number);
	else
		share->asserted &= ~BIT(number);
	irq_set(share->output, share->asserted != 0);
}

void irq_share_connect(struct irq_share *share, struct irq_line *line, unsigned number)
{
	assert(number < 32);
	irq_init(line, share_set, share, number);
}

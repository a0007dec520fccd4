// SPDX-License-Identifier: GPL-2.0-or-later
/* send-key: keys are pressed at once and released after a time that the guest can notice. */
#include <errno.h>

#include "dm/control_internal.h"

static void schedule(struct control *control)
{
	int64_t now = clock_now_ns(&control->machine->clock);

	if (control->key_count && !clock_timer_is_pending(&control->key_timer))
		clock_timer_set(&control->key_timer,
				now + control->keys[control->key_head].delay_ms * NS_PER_MS);
}

/** Sends the first and those behind it that need no delay. */
static void send_due(void *opaque)
{
	struct control *control = opaque;

	if (!control->key_count)
		return;
	do {
		const struct control_key *key = &control->keys[control->key_head];

		input_key(&control->machine->input, key->key, key->down);
		control->key_head = (control->key_head + 1) % CONTROL_MAX_KEYS;
		control->key_count--;
	} while (control->key_count && control->keys[control->key_head].delay_ms == 0);
	schedule(control);
}

void control_keys_init(struct control *control)
{
	clock_timer_init(&control->key_timer, &control->machine->clock, send_due, control);
	control->key_timer.is_host = true;
}

void control_keys_finish(struct control *control)
{
	clock_timer_cancel(&control->key_timer);
}

bool control_is_pressing(void *opaque)
{
	return ((const struct control *)opaque)->key_count > 0;
}

static void queue_key(struct control *control, unsigned key, bool down, uint32_t delay_ms)
{
	control->keys[(control->key_head + control->key_count++) % CONTROL_MAX_KEYS] =
		(struct control_key){ (uint16_t)key, down, delay_ms };
}

int control_press(struct control *control, const unsigned *keys, size_t count, uint32_t hold_ms,
		  struct err *err)
{
	bool was_idle = control->key_count == 0;

	if (count > (CONTROL_MAX_KEYS - control->key_count) / 2)
		return err_set(err, -ENOSPC, "more keys than can wait: %d at most",
			       CONTROL_MAX_KEYS / 2);
	for (size_t i = 0; i < count; i++)
		queue_key(control, keys[i], true, was_idle || i ? 0 : hold_ms);
	for (size_t i = count; i-- > 0;)
		queue_key(control, keys[i], false, i + 1 == count ? hold_ms : 0);
	if (was_idle)
		send_due(control);
	return 0;
}

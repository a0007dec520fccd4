// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The lists of EHCI: queue heads, their overlays, transfer descriptors (sections 4.6 to 4.10). A
 * descriptor is copied once and only the copy is used; what changes is written back, the token
 * last.
 *
 *     overlay not active -> advance: next or alternate descriptor, if active, becomes the overlay
 *     overlay active     -> packets, until NAK (stays), end (written back, advance) or error
 * (halted)
 */
#include <stdatomic.h>
#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"
#include "base/trace.h"
#include "hw/usb/ehci.h"

enum {
	NOBODY = INT16_MIN, /* beside enum usb_result */
	WORD = sizeof(uint32_t),
	PAGE_LAST = EHCI_BUFFERS - 1,
	OFFSET_MASK = EHCI_PAGE_BYTES - 1,
};

struct queue {
	uint32_t gpa;
	uint32_t words[QH_WORDS];
};

static bool read_words(struct ehci *ehci, struct ehci_look *look, uint32_t gpa, uint32_t *words,
		       unsigned count)
{
	uint8_t bytes[WORD * QH_WORDS];

	if (!ram_read(ehci->ram, gpa, bytes, count * WORD)) {
		look->failed = true;
		return false;
	}
	for (unsigned i = 0; i < count; i++)
		words[i] = load_le32(bytes + i * WORD);
	return true;
}

static void write_words(struct ehci *ehci, uint32_t gpa, const uint32_t *words, unsigned count)
{
	uint8_t bytes[WORD * QH_WORDS];

	for (unsigned i = 0; i < count; i++)
		store_le32(bytes + i * WORD, words[i]);
	ram_write(ehci->ram, gpa, bytes, count * WORD);
}

/* --- The overlay --- */

static unsigned bytes_left(const struct queue *queue)
{
	return (queue->words[QH_TOKEN] & TOKEN_LENGTH) >> TOKEN_LENGTH_SHIFT;
}

/** A descriptor as its driver has finished it: the token, which makes it active, is read first. */
static bool read_descriptor(struct ehci *ehci, struct ehci_look *look, uint32_t gpa,
			    uint32_t *words)
{
	uint32_t token;

	if (!read_words(ehci, look, gpa + QTD_TOKEN * WORD, &token, 1))
		return false;
	if (!(token & TOKEN_ACTIVE))
		return false;
	atomic_thread_fence(memory_order_acquire);
	return read_words(ehci, look, gpa, words, QTD_WORDS) && (words[QTD_TOKEN] & TOKEN_ACTIVE);
}

/** 4.10.2: the next descriptor becomes the overlay; after a short packet the alternate one, if
 * there is any. False if it is not active. */
static bool advance(struct ehci *ehci, struct ehci_look *look, struct queue *queue)
{
	uint32_t *words = queue->words, toggle = words[QH_TOKEN] & TOKEN_TOGGLE;
	uint32_t link = words[QH_NEXT], qtd[QTD_WORDS];

	if (bytes_left(queue) && !(words[QH_ALTERNATE] & EHCI_LINK_TERMINATE))
		link = words[QH_ALTERNATE];
	if ((link & EHCI_LINK_TERMINATE) ||
	    !read_descriptor(ehci, look, link & EHCI_LINK_ADDRESS, qtd))
		return false;
	words[QH_CURRENT] = link & EHCI_LINK_ADDRESS;
	memcpy(words + QH_NEXT, qtd, sizeof(qtd));
	if (!(words[QH_CHARACTERISTICS] & QH_TOGGLE_CONTROL))
		words[QH_TOKEN] = (words[QH_TOKEN] & ~TOKEN_TOGGLE) | toggle;
	return true;
}

/** 4.10.4: the descriptor's token, then the overlay with its own. */
static void write_back(struct ehci *ehci, const struct queue *queue, bool retire)
{
	const uint32_t *words = queue->words;

	write_words(ehci, queue->gpa + QH_CURRENT * WORD, words + QH_CURRENT,
		    QH_TOKEN - QH_CURRENT);
	write_words(ehci, queue->gpa + QH_BUFFERS * WORD, words + QH_BUFFERS, EHCI_BUFFERS);
	write_words(ehci, queue->gpa + QH_TOKEN * WORD, words + QH_TOKEN, 1);
	atomic_thread_fence(memory_order_release);
	if (retire)
		write_words(ehci, words[QH_CURRENT] + QTD_TOKEN * WORD, words + QH_TOKEN, 1);
}

/* --- Packets --- */

/**
 * Moves 'length' bytes between 'data' and the pages of the overlay, from its present position on,
 * which stays. False if they go beyond the last page.
 */
static bool move_data(struct ehci *ehci, const struct queue *queue, uint8_t *data, unsigned length,
		      bool to_memory)
{
	const uint32_t *pages = queue->words + QH_BUFFERS;
	unsigned page = (queue->words[QH_TOKEN] & TOKEN_PAGE) >> TOKEN_PAGE_SHIFT;
	unsigned offset = pages[0] & OFFSET_MASK;

	while (length > 0) {
		unsigned part = (unsigned)min_u64(length, EHCI_PAGE_BYTES - offset);
		uint32_t gpa;

		if (page > PAGE_LAST)
			return false;
		gpa = (pages[page] & ~(uint32_t)OFFSET_MASK) + offset;
		if (to_memory)
			ram_write(ehci->ram, gpa, data, part);
		else
			ram_read(ehci->ram, gpa, data, part);
		data += part;
		length -= part;
		offset = 0;
		page++;
	}
	return true;
}

/** The position behind 'length' bytes more; as many fewer are left. */
static void move_position(struct queue *queue, unsigned length)
{
	uint32_t *token = &queue->words[QH_TOKEN], *page0 = &queue->words[QH_BUFFERS];
	unsigned offset = (*page0 & OFFSET_MASK) + length;
	unsigned page = (*token & TOKEN_PAGE) >> TOKEN_PAGE_SHIFT;
	uint32_t left = bytes_left(queue) - length;

	page = (unsigned)min_u64(page + offset / EHCI_PAGE_BYTES, EHCI_BUFFERS);
	*page0 = replace_bits(*page0, OFFSET_MASK, offset);
	*token &= ~(TOKEN_PAGE | TOKEN_LENGTH);
	*token |= page << TOKEN_PAGE_SHIFT | left << TOKEN_LENGTH_SHIFT;
	*token ^= TOKEN_TOGGLE;
}

static unsigned packet_limit(const struct queue *queue)
{
	return queue->words[QH_CHARACTERISTICS] >> QH_PACKET_SHIFT & QH_PACKET_MASK;
}

/** One packet of the overlay. Bytes, enum usb_result, or NOBODY. */
static int run_packet(struct ehci *ehci, struct queue *queue, unsigned length)
{
	static const enum usb_pid pids[EHCI_PIDS] = { USB_OUT, USB_IN, USB_SETUP };
	uint32_t what = queue->words[QH_CHARACTERISTICS];
	unsigned pid = queue->words[QH_TOKEN] >> TOKEN_PID_SHIFT & 3;
	uint8_t data[EHCI_PACKET_MAX] = { 0 };
	struct usb_device *device = (what & QH_SPEED) == QH_HIGH_SPEED
					    ? ehci_find_device(ehci, what & QH_ADDRESS)
					    : NULL;
	int result;

	if (!device || pid >= EHCI_PIDS)
		return NOBODY;
	if (pid != EHCI_PID_IN && !move_data(ehci, queue, data, length, false))
		return NOBODY;
	result =
		usb_device_packet(device, pids[pid], what >> QH_ENDPOINT_SHIFT & 0xf, data, length);
	if (result > (int)length)
		return USB_BABBLE;
	if (pid == EHCI_PID_IN && result > 0 &&
	    !move_data(ehci, queue, data, (unsigned)result, true))
		return NOBODY;
	return result;
}

/** 4.15.1: the queue stands still until its driver looks at it. */
static void halt(struct ehci_look *look, struct queue *queue, int result)
{
	uint32_t *token = &queue->words[QH_TOKEN];

	*token &= ~(TOKEN_ACTIVE | TOKEN_ERRORS_LEFT);
	*token |= TOKEN_HALTED;
	if (result == NOBODY)
		*token |= TOKEN_ERROR;
	else if (result == USB_BABBLE)
		*token |= TOKEN_BABBLE;
	look->causes |= EHCI_STS_ERROR;
	if (*token & TOKEN_INTERRUPT)
		look->causes |= EHCI_STS_INT;
}

/** Packets of the active overlay, 'most' at the most; true if it has been done or halted. */
static bool run_overlay(struct ehci *ehci, struct ehci_look *look, struct queue *queue,
			unsigned most)
{
	uint32_t *token = &queue->words[QH_TOKEN];
	unsigned limit = packet_limit(queue);
	bool in = (*token >> TOKEN_PID_SHIFT & 3) == EHCI_PID_IN;

	while (most-- > 0 && look->packets > 0) {
		unsigned length = (unsigned)min_u64(limit, bytes_left(queue));
		int result = NOBODY;

		look->packets--;
		/* A packet of no bytes would be sent for ever. */
		if (limit > 0 && limit <= EHCI_PACKET_MAX)
			result = run_packet(ehci, queue, length);
		if (result == USB_NAK)
			return false;
		look->moved = true;
		if (result < 0) {
			halt(look, queue, result);
			return true;
		}
		/* What a device does not take of a packet is lost with it. */
		move_position(queue, in ? (unsigned)result : length);
		if (bytes_left(queue) > 0 && (!in || (unsigned)result == limit))
			continue;
		*token &= ~TOKEN_ACTIVE;
		if (*token & TOKEN_INTERRUPT || bytes_left(queue) > 0)
			look->causes |= EHCI_STS_INT;
		return true;
	}
	return false;
}

/** A queue's descriptors as long as they are done; 'most' packets of each. */
static void run_queue(struct ehci *ehci, struct ehci_look *look, struct queue *queue, unsigned most)
{
	while (look->links > 0 && look->packets > 0) {
		bool advanced = false, moved = look->moved, done;

		if (!(queue->words[QH_TOKEN] & TOKEN_ACTIVE)) {
			if (queue->words[QH_TOKEN] & TOKEN_HALTED)
				return;
			advanced = advance(ehci, look, queue);
			if (!advanced)
				return;
			look->links--;
		}
		look->moved = false;
		done = run_overlay(ehci, look, queue, most);
		/* What has not changed is not written: its driver may be at it. */
		if (advanced || look->moved)
			write_back(ehci, queue, done);
		look->moved |= moved;
		if (!done)
			return;
	}
}

static bool read_queue(struct ehci *ehci, struct ehci_look *look, uint32_t link,
		       struct queue *queue)
{
	queue->gpa = link & EHCI_LINK_ADDRESS;
	return read_words(ehci, look, queue->gpa, queue->words, QH_WORDS);
}

/* --- Lists --- */

void ehci_run_async(struct ehci *ehci, struct ehci_look *look)
{
	uint32_t first = ehci->state.async_list & EHCI_LINK_ADDRESS, link = first | EHCI_LINK_QH;
	bool moved_before = look->moved;

	look->moved = false;
	while (look->links > 0 && look->packets > 0) {
		struct queue queue;

		look->links--;
		if ((link & EHCI_LINK_TERMINATE) || (link & EHCI_LINK_TYPE) != EHCI_LINK_QH ||
		    !read_queue(ehci, look, link, &queue))
			break;
		run_queue(ehci, look, &queue, EHCI_PACKET_BUDGET);
		link = queue.words[QH_LINK];
		if ((link & EHCI_LINK_ADDRESS) != first)
			continue;
		/* Once around without a transfer is enough. */
		if (!look->moved)
			break;
		moved_before = true;
		look->moved = false;
	}
	look->moved |= moved_before;
}

/** Asked once a frame if in any of its microframes. */
void ehci_run_frame(struct ehci *ehci, uint32_t frame, struct ehci_look *look)
{
	uint32_t gpa = ehci->state.periodic_list + frame % EHCI_FRAMES * WORD, link;

	if (!read_words(ehci, look, gpa, &link, 1))
		return;
	while (!(link & EHCI_LINK_TERMINATE) && look->links > 0 && look->packets > 0) {
		struct queue queue;

		look->links--;
		if ((link & EHCI_LINK_TYPE) != EHCI_LINK_QH) {
			/* Every descriptor begins with the link to the next one. */
			if (!read_words(ehci, look, link & EHCI_LINK_ADDRESS, &link, 1))
				return;
			continue;
		}
		if (!read_queue(ehci, look, link, &queue))
			return;
		if (queue.words[QH_CAPABILITIES] & QH_MICROFRAMES)
			run_queue(ehci, look, &queue, 1);
		link = queue.words[QH_LINK];
	}
}

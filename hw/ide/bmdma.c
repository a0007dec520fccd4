// SPDX-License-Identifier: GPL-2.0-or-later
#include "hw/ide/bmdma.h"

#include <string.h>

#include "base/bits.h"
#include "base/bytes.h"

static const struct state_field bmdma_walk_fields[] = {
	STATE_INT(struct bmdma_walk, address),    STATE_INT(struct bmdma_walk, left),
	STATE_INT(struct bmdma_walk, moved),      STATE_INT(struct bmdma_walk, entries),
	STATE_INT(struct bmdma_walk, last),       STATE_INT(struct bmdma_walk, marked),
	STATE_ARRAY(struct bmdma_walk, reserved),
};
static STATE_TABLE(bmdma_walk_table, bmdma_walk, bmdma_walk_fields);

static const struct state_field bmdma_state_fields[] = {
	STATE_STRUCT(struct bmdma_state, walk, &bmdma_walk_table),
	STATE_STRUCT(struct bmdma_state, before, &bmdma_walk_table),
	STATE_INT(struct bmdma_state, prdt),
	STATE_INT(struct bmdma_state, prds),
	STATE_INT(struct bmdma_state, command),
	STATE_INT(struct bmdma_state, status),
	STATE_ARRAY(struct bmdma_state, reserved),
};
STATE_TABLE(bmdma_state_table, bmdma_state, bmdma_state_fields);

void bmdma_init(struct bmdma *bmdma, struct bmdma_state *state, struct ram *ram)
{
	bmdma->state = state;
	bmdma->ram = ram;
	bmdma->format = BMDMA_IDE;
	bmdma->count = 0;
	*state = (struct bmdma_state){ 0 };
}

void bmdma_begin(struct bmdma *bmdma)
{
	bmdma->state->walk = (struct bmdma_walk){ 0 };
	bmdma->state->status |= BMDMA_ACTIVE;
}

bool bmdma_is_exhausted(const struct bmdma *bmdma)
{
	const struct bmdma_walk *walk = &bmdma->state->walk;

	return walk->left == 0 && walk->last;
}

/** How many descriptors a table can have. */
static unsigned table_limit(const struct bmdma *bmdma)
{
	return bmdma->format == BMDMA_AHCI ? bmdma->state->prds : BMDMA_MAX_PRDS;
}

static bool walk_is_valid(const struct bmdma *bmdma, const struct bmdma_walk *walk)
{
	uint32_t most = bmdma->format == BMDMA_AHCI ? AHCI_PRD_MAX_BYTES : BMDMA_PRD_MAX_BYTES;

	return walk->entries <= table_limit(bmdma) && walk->left <= most;
}

bool bmdma_state_is_valid(const struct bmdma *bmdma)
{
	const struct bmdma_state *state = bmdma->state;

	return walk_is_valid(bmdma, &state->walk) && walk_is_valid(bmdma, &state->before) &&
	       state->prdt % 4 == 0 && (bmdma->format == BMDMA_AHCI || state->prdt <= UINT32_MAX);
}

void bmdma_go_back(struct bmdma *bmdma)
{
	bmdma->state->walk = bmdma->state->before;
}

static void read_ide_prd(struct bmdma_walk *walk, const uint8_t *prd)
{
	uint32_t control = load_le32(prd + 4);

	walk->address = load_le32(prd) & ~1u;
	walk->left = control & BMDMA_PRD_COUNT_MASK;
	if (walk->left == 0)
		walk->left = BMDMA_PRD_MAX_BYTES;
	walk->last = (uint8_t)(control >> 31); /* BMDMA_PRD_LAST */
}

/** Odd addresses and counts are taken as they are: nothing but what the guest has named is
 * touched. */
static void read_ahci_prd(struct bmdma_walk *walk, const uint8_t *prd)
{
	uint32_t control = load_le32(prd + AHCI_PRD_CONTROL);

	walk->address = load_le64(prd);
	walk->left = (control & AHCI_PRD_COUNT_MASK) + 1;
	walk->marked |= (uint8_t)(control >> 31); /* AHCI_PRD_INTERRUPT */
}

/** Fetches the next descriptor, once, into the walk. IDE's table ends at its mark, or where 64 KiB
 * are full; AHCI's is counted. */
static enum bmdma_result fetch_prd(struct bmdma *bmdma)
{
	struct bmdma_walk *walk = &bmdma->state->walk;
	bool ahci = bmdma->format == BMDMA_AHCI;
	size_t bytes = ahci ? AHCI_PRD_BYTES : BMDMA_PRD_BYTES;
	uint8_t prd[AHCI_PRD_BYTES];

	if (walk->last || walk->entries >= table_limit(bmdma))
		return BMDMA_SHORT;
	if (!ram_read(bmdma->ram, bmdma->state->prdt + walk->entries * bytes, prd, bytes))
		return BMDMA_FAULT;
	if (ahci)
		read_ahci_prd(walk, prd);
	else
		read_ide_prd(walk, prd);
	walk->entries++;
	if (ahci && walk->entries == table_limit(bmdma))
		walk->last = 1;
	return BMDMA_OK;
}

/** Maps one piece of at most 'bytes'. */
static enum bmdma_result map_piece(struct bmdma *bmdma, size_t bytes)
{
	struct bmdma_walk *walk = &bmdma->state->walk;
	struct iovec *iov = &bmdma->iov[bmdma->count];
	enum bmdma_result result = walk->left == 0 ? fetch_prd(bmdma) : BMDMA_OK;
	size_t length;

	if (result != BMDMA_OK)
		return result;
	length = min_size(bytes, walk->left);
	iov->iov_base = ram_map(bmdma->ram, walk->address, &length, bmdma->to_memory);
	if (!iov->iov_base)
		return BMDMA_FAULT;
	iov->iov_len = length;
	bmdma->mapped[bmdma->count] = (uint32_t)length;
	bmdma->starts[bmdma->count++] = *walk;
	walk->address += length;
	walk->left -= (uint32_t)length;
	walk->moved += (uint32_t)length;
	return BMDMA_OK;
}

static void unmap_last(struct bmdma *bmdma)
{
	unsigned last = --bmdma->count;
	const struct iovec *iov = &bmdma->iov[last];

	ram_unmap(bmdma->ram, iov->iov_base, bmdma->mapped[last],
		  bmdma->to_memory ? iov->iov_len : 0);
}

/** Gives the last 'excess' bytes back to the table. */
static void give_back(struct bmdma *bmdma, size_t excess)
{
	while (excess > 0) {
		unsigned last = bmdma->count - 1;
		struct iovec *iov = &bmdma->iov[last];
		size_t cut = min_size(excess, iov->iov_len), kept = iov->iov_len - cut;
		struct bmdma_walk walk = bmdma->starts[last];

		walk.address += kept;
		walk.left -= (uint32_t)kept;
		walk.moved += (uint32_t)kept;
		bmdma->state->walk = walk;
		iov->iov_len = kept;
		excess -= cut;
		if (kept == 0)
			unmap_last(bmdma);
	}
}

enum bmdma_result bmdma_gather(struct bmdma *bmdma, size_t bytes, size_t unit, bool to_memory,
			       size_t *total)
{
	enum bmdma_result result = BMDMA_OK;
	size_t sum = 0, excess;

	bmdma->count = 0;
	bmdma->to_memory = to_memory;
	bmdma->state->before = bmdma->state->walk;
	while (sum < bytes && bmdma->count < BMDMA_MAX_PIECES && result == BMDMA_OK) {
		result = map_piece(bmdma, bytes - sum);
		if (result == BMDMA_OK)
			sum += bmdma->iov[bmdma->count - 1].iov_len;
	}
	if (result == BMDMA_FAULT) {
		bmdma_release(bmdma);
		sum = 0;
	}
	excess = sum & (unit - 1);
	give_back(bmdma, excess);
	*total = sum - excess;
	return result;
}

void bmdma_release(struct bmdma *bmdma)
{
	while (bmdma->count > 0)
		unmap_last(bmdma);
}

static void copy_piece(struct iovec *iov, uint8_t *data, bool to_memory)
{
	if (to_memory)
		memcpy(iov->iov_base, data, iov->iov_len);
	else
		memcpy(data, iov->iov_base, iov->iov_len);
}

enum bmdma_result bmdma_copy(struct bmdma *bmdma, void *data, size_t bytes, bool to_memory,
			     size_t *done)
{
	enum bmdma_result result = BMDMA_OK;
	uint8_t *next = data;
	size_t total;

	*done = 0;
	while (*done < bytes && result == BMDMA_OK) {
		result = bmdma_gather(bmdma, bytes - *done, 1, to_memory, &total);
		for (unsigned i = 0; i < bmdma->count; i++) {
			copy_piece(&bmdma->iov[i], next, to_memory);
			next += bmdma->iov[i].iov_len;
		}
		bmdma_release(bmdma);
		*done += total;
	}
	return result;
}

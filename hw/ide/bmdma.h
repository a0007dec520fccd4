// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bus master of one IDE channel or AHCI port: its three registers, and the walk over the table
 * of physical region descriptors (PRD) that turns guest memory into an I/O vector. Modelled: the
 * three outcomes of a transfer (table shorter, equal, longer than the device's data); the tables of
 * AHCI, which are counted and reach above 4 GiB. Not modelled: the wrap of a region at 64 KiB; a
 * region goes on linearly.
 */
#pragma once

#include <sys/uio.h>

#include "bus/ram.h"
#include "bus/state.h"
#include "hw/ide/bmdma_regs.h"

enum {
	BMDMA_MAX_PIECES = 256, /* guest memory mapped at a time */
};

/** A position in the table. */
struct bmdma_walk {
	uint64_t address; /* next byte of the present region */
	uint32_t left;    /* bytes left in it */
	uint32_t moved;   /* bytes before that one */
	uint16_t entries; /* descriptors fetched so far */
	uint8_t last;     /* the present one bears the end mark */
	uint8_t marked;   /* one of them wants an interrupt (AHCI) */
	uint8_t reserved[4];
};

struct bmdma_state {
	struct bmdma_walk walk;
	struct bmdma_walk before; /* the last gathering began here */
	uint64_t prdt;
	uint16_t prds; /* descriptors in the table (AHCI) */
	uint8_t command, status;
	uint8_t reserved[4];
};
extern const struct state_table bmdma_state_table;

enum bmdma_format {
	BMDMA_IDE,
	BMDMA_AHCI,
};

struct bmdma {
	struct bmdma_state *state; /* in the channel's state */
	enum bmdma_format format;  /* of the tables */
	struct ram *ram;
	struct iovec iov[BMDMA_MAX_PIECES];
	uint32_t mapped[BMDMA_MAX_PIECES]; /* bytes of each piece's mapping, at least iov_len */
	struct bmdma_walk starts[BMDMA_MAX_PIECES]; /* the walk where each piece begins */
	unsigned count;
	bool to_memory;
};

/** Why a gathering ended. */
enum bmdma_result {
	BMDMA_OK,    /* all that was wanted, or all that fits into the vector */
	BMDMA_SHORT, /* the table ended before */
	BMDMA_FAULT, /* a region or the table is not in RAM */
};

/** IDE's format, until the owner says otherwise. */
void bmdma_init(struct bmdma *bmdma, struct bmdma_state *state, struct ram *ram);

/** START was set: the walk begins anew. */
void bmdma_begin(struct bmdma *bmdma);

/**
 * Maps up to 'bytes' of the regions that follow into iov[0 .. count). The sum, in *total, is a
 * multiple of 'unit' (a power of two); what is behind it stays for the next call. On BMDMA_FAULT
 * nothing is mapped.
 */
enum bmdma_result bmdma_gather(struct bmdma *bmdma, size_t bytes, size_t unit, bool to_memory,
			       size_t *total);

/** What the last gathering took is to be gathered again: its transfer was saved before it was done.
 */
void bmdma_go_back(struct bmdma *bmdma);

/** Ends the mappings of a gathering. */
void bmdma_release(struct bmdma *bmdma);

/** Copies 'bytes' between 'data' and the regions that follow; *done says how many. */
enum bmdma_result bmdma_copy(struct bmdma *bmdma, void *data, size_t bytes, bool to_memory,
			     size_t *done);

/** True if all regions of the table have been used up. */
bool bmdma_is_exhausted(const struct bmdma *bmdma);

static inline bool bmdma_is_active(const struct bmdma *bmdma)
{
	return (bmdma->state->status & BMDMA_ACTIVE) != 0;
}

/** A saved walk that the registers could have produced. */
bool bmdma_state_is_valid(const struct bmdma *bmdma);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Writes ACPI Machine Language: what depends on the board and so cannot be compiled beforehand.
 * ACPI 2.0c, chapter 18.
 */
#pragma once

#include "firmware/arena.h"

/** 18.2, the opcodes in use; two-byte ones with their prefix in the upper half. */
enum aml_opcode {
	AML_ZERO = 0x00,
	AML_ONE = 0x01,
	AML_NAME = 0x08,
	AML_BYTE = 0x0a,
	AML_WORD = 0x0b,
	AML_DWORD = 0x0c,
	AML_SCOPE = 0x10,
	AML_BUFFER = 0x11,
	AML_PACKAGE = 0x12,
	AML_METHOD = 0x14,
	AML_DUAL_NAME = 0x2e,
	AML_MULTI_NAME = 0x2f,
	AML_ARG0 = 0x68,
	AML_ARG1 = 0x69,
	AML_NOTIFY = 0x86,
	AML_LEQUAL = 0x93,
	AML_IF = 0xa0,
	AML_RETURN = 0xa4,
	AML_PROCESSOR = 0x5b83,
};

/** An object being written whose length stands before it. */
struct aml_object {
	size_t start; /* of what follows the length */
};

void aml_opcode(struct blob *out, enum aml_opcode opcode);

/** "\\_SB.PCI0", "LNKA", "\\": segments shorter than four characters are filled up. */
void aml_path(struct blob *out, const char *path);

/** An integer of up to 32 bits in its shortest form. */
void aml_integer(struct blob *out, uint32_t value);

/** Begins an object that has a length: opcode now, length by aml_end. Objects nest. */
struct aml_object aml_begin(struct blob *out, enum aml_opcode opcode);
void aml_end(struct blob *out, struct aml_object object);

/* Begun objects with what stands first in them. */
struct aml_object aml_begin_scope(struct blob *out, const char *path);
struct aml_object aml_begin_method(struct blob *out, const char *name, unsigned arguments);
/** Elements, 'count' (at most 255) of them, follow. */
struct aml_object aml_begin_package(struct blob *out, unsigned count);

/** Name (PATH, …): the object follows. */
void aml_name(struct blob *out, const char *path);
void aml_buffer(struct blob *out, const void *bytes, size_t count);

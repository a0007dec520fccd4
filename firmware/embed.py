#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a compiled DSDT as a C array: embed.py INPUT OUTPUT NAME.

The compiler puts declarations of external names in front, as If (Zero) { External … }. That opcode came with ACPI 6: older
systems do not know it, and SeaBIOS' parser, which looks for serial ports and the like, gives up at it. They are taken out.
"""

import sys

HEADER_SIZE = 36
LENGTH = slice(4, 8)
CHECKSUM = 9
IF_OPCODE = 0xA0
ZERO = 0x00
EXTERNAL_OPCODE = 0x15


def package_length(data, offset):
    """ACPI 2.0c, 18.2.4: the package's length, and of how many bytes its encoding is."""
    lead = data[offset]
    following = lead >> 6
    if following == 0:
        return lead & 0x3F, 1
    length = lead & 0xF
    for i in range(following):
        length |= data[offset + 1 + i] << (4 + 8 * i)
    return length, 1 + following


def without_externals(table):
    if table[HEADER_SIZE] != IF_OPCODE:
        return table
    length, size = package_length(table, HEADER_SIZE + 1)
    body = HEADER_SIZE + 1 + size
    if table[body] != ZERO or table[body + 1] != EXTERNAL_OPCODE:
        return table
    table = bytearray(table[:HEADER_SIZE] + table[HEADER_SIZE + 1 + length :])
    table[LENGTH] = len(table).to_bytes(4, "little")
    table[CHECKSUM] = 0
    table[CHECKSUM] = -sum(table) & 0xFF
    return bytes(table)


source, target, name = sys.argv[1:]
with open(source, "rb") as file:
    data = without_externals(file.read())
with open(target, "w", encoding="ascii") as file:
    file.write('#include "firmware/acpi.h"\n\n')
    file.write(f"const size_t {name}_size = {len(data)};\n")
    file.write(f"const unsigned char {name}[] = {{\n")
    for start in range(0, len(data), 12):
        row = ", ".join(f"0x{byte:02x}" for byte in data[start : start + 12])
        file.write(f"\t{row},\n")
    file.write("};\n")

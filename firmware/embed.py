#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Writes a file's bytes as a C array: embed.py INPUT OUTPUT NAME."""

import sys

source, target, name = sys.argv[1:]
with open(source, "rb") as file:
    data = file.read()
with open(target, "w", encoding="ascii") as file:
    file.write('#include "firmware/acpi.h"\n\n')
    file.write(f"const size_t {name}_size = {len(data)};\n")
    file.write(f"const unsigned char {name}[] = {{\n")
    for start in range(0, len(data), 12):
        row = ", ".join(f"0x{byte:02x}" for byte in data[start : start + 12])
        file.write(f"\t{row},\n")
    file.write("};\n")

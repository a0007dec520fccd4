#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Text for the typing test, always the same: typing.py LAYOUT CHARACTERS. Each character that the layout writes comes equally often,
in lines that a tty takes."""
import random
import string
import sys

ASCII = [chr(code) for code in range(0x20, 0x7f)]
# What the German keys have of their own, and what their dead keys make. Without U+00B4: Linux' console writes ' for it.
GERMAN = list("ÄÖÜäöüß§°²³€µ" "áéíóúýÁÉÍÓÚÝ" "àèìòùÀÈÌÒÙ" "âêîôûÂÊÎÔÛ")
LAYOUTS = {"us": ASCII + ["\t"], "de": ASCII + GERMAN}

def main():
	characters, left = LAYOUTS[sys.argv[1]], int(sys.argv[2])
	generator = random.Random(sys.argv[1])
	out = open(sys.stdout.fileno(), "w", encoding="utf-8", newline="\n")
	while left > 0:
		length = min(left, generator.randrange(2, 79))
		out.write("".join(generator.choice(characters) for _ in range(length - 1)) + "\n")
		left -= length

assert all(character not in string.whitespace or character in " \t" for characters in LAYOUTS.values() for character in characters)
main()

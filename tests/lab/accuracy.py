#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""How much of a known text is read well from a screen that shows its end: accuracy.py KNOWN SCREEN.json. Prints the number of characters that
stand on the screen, how many of them are wrong, and the percentage that is right; blanks are not counted."""
import json
import sys

def rows_of(text, columns):
	"""As a terminal shows it: tabs and lines that are too long."""
	rows = []
	for line in text.splitlines():
		line = line.expandtabs(8)
		rows += [line[at:at + columns].rstrip() for at in range(0, max(len(line), 1), columns)]
	return rows

def wrong_of(want, got):
	got = got.ljust(len(want))
	return sum(a != b for a, b in zip(want, got) if a != " ") + sum(c != " " for c in got[len(want):])

def fit(rows, lines, best):
	"""The better of 'best' and the best place of the last rows: their size and what is wrong."""
	for first in range(len(lines)):
		for count in range(len(lines) - first, 5, -1):
			part = rows[-count:]
			size = sum(c != " " for row in part for c in row)
			wrong = sum(wrong_of(want, got) for want, got in zip(part, lines[first:first + count]))
			# A row more counts, unless most of it is something else.
			if len(part) == count and (best is None or size - 3 * wrong > best[0] - 3 * best[1]):
				best = size, wrong
	return best

def main():
	with open(sys.argv[1], encoding="utf-8") as known, open(sys.argv[2], encoding="utf-8") as shown:
		text, screen = known.read(), json.load(shown)
	if "lines" not in screen:
		sys.exit("no text is found on the screen")
	# The prompt and the command stand around the text, and cells of the grid may lie outside the terminal: the place is where it fits best.
	best = None
	for margin in range(3):
		lines = [line[margin:].rstrip() for line in screen["lines"]]
		for columns in range(screen["columns"] - margin, screen["columns"] - margin - 3, -1):
			best = fit(rows_of(text, columns), lines, best)
	if best is None:
		sys.exit("the text does not stand on the screen")
	print(f"{best[0]} characters, {best[1]} wrong, {100 * (1 - best[1] / best[0]):.2f} %")

main()

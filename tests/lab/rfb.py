#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A small VNC viewer for tests: RFB 3.8 (RFC 6143), raw encoding, written against the RFC alone.

It shares no code with the server under test, so what it sees is what any viewer sees.

    rfb.py HOST:PORT VERB [OPERAND] [VERB [OPERAND]]...     (or unix:PATH)

    shot FILE.png     save the picture
    text              print the characters on the screen (VGA's 8x16 font)
    wait REGEX        until the screen's text matches; an alternative to a picture for text modes
    colours N         until the picture has N colours or more
    lacks RRGGBB      until no pixel of the picture has this colour
    size WxH          until the picture has this size
    mark              remember the picture for 'change' and 'steady'
    change            until the picture differs from the mark
    differ FILE.ppm   the picture's mean difference from a picture of another viewer, in percent of full scale
    seen FILE.xwd     until the picture stands on another program's X screen (the file that Xvfb -fbdir keeps)
    steady            until the picture stands still for a second
    key NAME          press and release: a character, or Return, Up, F1, ctrl+c, ...
    type TEXT         at the guest's pace: a keyboard holds 16 bytes, so each few characters are seen on the (text) screen before the next
    pointer X,Y[,B]   move there; with B press and release that button
    sleep SECONDS
    gone              until the server closes the connection; as the last verb it makes that a success whenever it happens
    timeout SECONDS   limit of each waiting verb that follows (default 60)

With HVMDM_LAB_PID, the process of an emulated host, limits do not count the time in which that host waited for a processor. They are
multiplied by HVMDM_LAB_PATIENCE, and end HVMDM_LAB_LIMIT seconds after the start.

Exit status: 0, or 1 with a sentence if a wait ran out, or 2 if the server went away.
"""
import glob
import os
import re
import select
import socket
import struct
import sys
import time
import zlib

KEYS = {
    "Return": 0xFF0D, "Escape": 0xFF1B, "Tab": 0xFF09, "BackSpace": 0xFF08, "space": 0x20,
    "Left": 0xFF51, "Up": 0xFF52, "Right": 0xFF53, "Down": 0xFF54, "Home": 0xFF50, "End": 0xFF57,
    "PageUp": 0xFF55, "PageDown": 0xFF56, "Insert": 0xFF63, "Delete": 0xFFFF,
    "shift": 0xFFE1, "ctrl": 0xFFE3, "alt": 0xFFE9,
    **{"F%d" % n: 0xFFBD + n for n in range(1, 13)},
}
# Of the lines: a cursor may blink, or lie over the picture.
SEEN_PART = 0.9
# With Shift a character is four bytes of the sixteen that a keyboard holds.
TYPED_AT_ONCE = 3
SHIFTED = '~!@#$%^&*()_+{}|:"<>?'
FONT_PATHS = ["/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/seabios/vgabios.bin"]
# The VGA BIOS' 8x16 glyph of 'A', by which its font is found in the BIOS image.
GLYPH_A = bytes.fromhex("000010386cc6c6fec6c6c6c600000000")


def now():
    """Seconds. An emulated host's do not pass while it is ready to run and has no processor (see lab_tick in lib.sh)."""
    waited = 0
    for path in glob.glob("/proc/%s/task/*/schedstat" % os.environ.get("HVMDM_LAB_PID", "none")):
        try:
            with open(path, encoding="ascii") as file:
                waited = max(waited, int(file.read().split()[1]))
        except (OSError, IndexError):
            continue
    return time.monotonic() - waited / 1e9


class Gone(Exception):
    """The server closed the connection."""


class TimedOut(Exception):
    """A wait ran out."""


def packed(pixels):
    """Three bytes a pixel of four."""
    rgb = bytearray(len(pixels) // 4 * 3)
    rgb[0::3], rgb[1::3], rgb[2::3] = pixels[2::4], pixels[1::4], pixels[0::4]
    return bytes(rgb)


class Viewer:
    def __init__(self, address, limit):
        self.address = address
        self.deadline = now() + limit
        self.socket = None
        self.connect()

    # Connection

    def connect(self):
        """Retries until the deadline: a server that is being started refuses or resets at first."""
        while True:
            try:
                self.open()
                return
            except (OSError, Gone) as problem:
                if self.socket:
                    self.socket.close()
                if now() > self.deadline:
                    raise TimedOut("no VNC server at %s: %s" % (self.address, problem)) from problem
                time.sleep(0.2)

    def open(self):
        if self.address.startswith("unix:"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(10)
            self.socket.connect(self.address[5:])
        else:
            host, port = self.address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)), 10)
        self.need(12)  # the server's version
        self.send(b"RFB 003.008\n")
        count = self.need(1)[0]
        kinds = self.need(count)
        if 1 not in kinds:
            raise OSError("the server does not offer access without password")
        self.send(b"\x01")
        if struct.unpack(">I", self.need(4))[0]:
            raise OSError("the server refused")
        self.send(b"\x01")  # shared
        self.width, self.height = struct.unpack(">HH", self.need(4))
        self.need(16)
        self.name = self.need(struct.unpack(">I", self.need(4))[0])
        self.picture = bytearray(self.width * self.height * 4)
        # 32 bits a pixel, little endian, bytes blue, green, red, unused.
        self.send(struct.pack(">B3xBBBBHHHBBB3x", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.send(struct.pack(">BxHii", 2, 2, 0, -223))  # raw, and the desktop-size pseudo-encoding
        self.ask(False)
        self.update(10)

    def send(self, data):
        self.socket.sendall(data)

    def need(self, count):
        parts = []
        while count:
            part = self.socket.recv(min(count, 1 << 20))
            if not part:
                raise Gone("the server closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    # Pictures

    def ask(self, incremental):
        self.send(struct.pack(">BBHHHH", 3, 1 if incremental else 0, 0, 0, self.width, self.height))

    def update(self, limit):
        """Handles messages until one update was taken or 'limit' seconds are over; True if taken."""
        end = time.monotonic() + limit
        while True:
            left = end - time.monotonic()
            if not select.select([self.socket], [], [], max(left, 0))[0]:
                return False
            kind = self.need(1)[0]
            if kind == 0:
                self.take_update()
                return True
            if kind == 1:
                count = struct.unpack(">xHH", self.need(5))[1]
                self.need(count * 6)
            elif kind == 3:
                self.need(struct.unpack(">3xI", self.need(7))[0])
            elif kind != 2:
                raise OSError("unknown message %d from the server" % kind)

    def take_update(self):
        for _ in range(struct.unpack(">xH", self.need(3))[0]):
            x, y, width, height, encoding = struct.unpack(">HHHHi", self.need(12))
            if encoding == -223:
                self.width, self.height = width, height
                self.picture = bytearray(width * height * 4)
                self.ask(False)
                continue
            if encoding != 0:
                raise OSError("encoding %d was not asked for" % encoding)
            if x + width > self.width or y + height > self.height:
                raise OSError("a rectangle outside the picture")
            data = self.need(width * height * 4)
            for row in range(height):
                at = ((y + row) * self.width + x) * 4
                self.picture[at:at + width * 4] = data[row * width * 4:(row + 1) * width * 4]

    def settle(self, limit=0.3):
        """Takes what the server has to say now."""
        self.ask(True)
        while self.update(limit):
            limit = 0.05
            self.ask(True)

    def until(self, what, test):
        while True:
            if test():
                return
            if now() > self.deadline:
                raise TimedOut("waited in vain for " + what)
            self.settle()

    def save(self, path):
        rows = []
        for y in range(self.height):
            line = self.picture[y * self.width * 4:(y + 1) * self.width * 4]
            rgb = bytearray(self.width * 3)
            rgb[0::3], rgb[1::3], rgb[2::3] = line[2::4], line[1::4], line[0::4]
            rows.append(b"\0" + bytes(rgb))

        def chunk(kind, data):
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

        with open(path + ".part", "wb") as out:
            out.write(b"\x89PNG\r\n\x1a\n")
            out.write(chunk(b"IHDR", struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)))
            out.write(chunk(b"IDAT", zlib.compress(b"".join(rows), 6)) + chunk(b"IEND", b""))
        os.rename(path + ".part", path)

    def palette(self):
        data = bytes(self.picture)
        return {data[i:i + 3] for i in range(0, len(data), 4)}

    def differ(self, path):
        """Compares with a binary PPM; a picture of another size is all different."""
        with open(path, "rb") as file:
            data = file.read()
        match = re.match(rb"P6\s+(?:#[^\n]*\n\s*)*(\d+)\s+(\d+)\s+255\s", data)
        if not match or (int(match[1]), int(match[2])) != (self.width, self.height):
            return 100.0
        other = data[match.end():]
        total = 0
        for mine, his in ((2, 0), (1, 1), (0, 2)):
            total += sum(abs(a - b) for a, b in zip(self.picture[mine::4], other[his::3]))
        return 100.0 * total / (255 * 3 * self.width * self.height)

    def is_seen(self, path):
        """Nearly every line, pixel for pixel, at one place of the X screen (XWD file, 32 bits a pixel)."""
        with open(path, "rb") as file:
            data = file.read()
        header, width, height, stride, colours = (struct.unpack_from(">I", data, at)[0] for at in (0, 16, 20, 48, 76))
        start = header + 12 * colours
        lines = [packed(data[start + y * stride:start + y * stride + width * 4]) for y in range(height)]
        mine = [packed(self.picture[y * self.width * 4:(y + 1) * self.width * 4]) for y in range(self.height)]
        busiest = max(range(self.height), key=lambda y: len(set(mine[y])))
        for y, line in enumerate(lines):
            at = line.find(mine[busiest])
            if at < 0 or at % 3:
                continue
            top = y - busiest
            same = sum(
                0 <= top + row < height and lines[top + row][at:at + self.width * 3] == mine[row]
                for row in range(self.height)
            )
            if same >= self.height * SEEN_PART:
                return True
        return False

    # Keys and pointer

    def press(self, name):
        *modifiers, last = name.split("+") if len(name) > 1 else [name]
        if len(last) == 1 and (last.isupper() or last in SHIFTED):
            modifiers.append("shift")
        symbols = [KEYS[m] for m in modifiers] + [KEYS.get(last) or ord(last)]
        for symbol in symbols:
            self.send(struct.pack(">BBxxI", 4, 1, symbol))
        for symbol in reversed(symbols):
            self.send(struct.pack(">BBxxI", 4, 0, symbol))
        self.settle(0.05)

    def point(self, x, y, buttons):
        self.send(struct.pack(">BBHH", 5, buttons, x, y))


class Font:
    """Reads characters off a picture of a text screen."""

    def __init__(self):
        for path in FONT_PATHS:
            if not os.path.exists(path):
                continue
            with open(path, "rb") as file:
                data = file.read()
            at = data.find(GLYPH_A)
            if at >= 0x41 * 16:
                base = at - 0x41 * 16
                break
        else:
            raise OSError("no VGA font: the package seabios is missing")
        self.glyphs = {}
        for code in list(range(256)):
            glyph = data[base + code * 16:base + code * 16 + 16]
            char = bytes([code]).decode("cp437") if code >= 0x20 else "."
            if glyph not in self.glyphs or 0x20 <= code < 0x7F:
                self.glyphs[glyph] = char
        self.cells = {}

    def character(self, cell):
        """'cell' is 16 rows of 8 pixels, 4 bytes each."""
        pixels = [cell[i:i + 3] for i in range(0, len(cell), 4)]
        colours = sorted(set(pixels))
        if len(colours) == 1:
            return " "
        if len(colours) > 2:
            return "\N{REPLACEMENT CHARACTER}"
        for ink in colours:
            glyph = bytes(
                sum(0x80 >> x for x in range(8) if pixels[y * 8 + x] == ink) for y in range(16)
            )
            if glyph in self.glyphs:
                return self.glyphs[glyph]
        return "\N{REPLACEMENT CHARACTER}"

    def read(self, viewer):
        pitch = 9 if viewer.width in (720, 360) else 8
        data, stride, lines = bytes(viewer.picture), viewer.width * 4, []
        for y in range(0, viewer.height - 15, 16):
            line = ""
            for x in range(0, viewer.width - pitch + 1, pitch):
                cell = b"".join(
                    data[(y + row) * stride + x * 4:(y + row) * stride + x * 4 + 32] for row in range(16)
                )
                if cell not in self.cells:
                    self.cells[cell] = self.character(cell)
                line += self.cells[cell]
            lines.append(line.rstrip())
        return "\n".join(lines).rstrip("\n")


def type_text(viewer, font, text):
    for at in range(0, len(text), TYPED_AT_ONCE):
        for char in text[at:at + TYPED_AT_ONCE]:
            viewer.press(char)
        so_far = text[:at + TYPED_AT_ONCE].rstrip()
        viewer.until("%r on the screen" % so_far, lambda: so_far in font.read(viewer))


def run(viewer, words):
    patience = float(os.environ.get("HVMDM_LAB_PATIENCE", "1"))
    last_moment = now() + float(os.environ.get("HVMDM_LAB_LIMIT", "inf"))
    font, mark, limit = None, bytes(viewer.picture), 60.0 * patience
    words = list(words)
    while words:
        verb = words.pop(0)
        viewer.deadline = min(now() + limit, last_moment)
        if verb in ("text", "wait", "type"):
            font = font or Font()
        if verb == "shot":
            viewer.settle()
            viewer.save(words.pop(0))
        elif verb == "text":
            viewer.settle()
            print(font.read(viewer))
        elif verb == "wait":
            regex = re.compile(words.pop(0))
            viewer.until("%r on the screen" % regex.pattern, lambda: regex.search(font.read(viewer)))
        elif verb == "colours":
            count = int(words.pop(0))
            viewer.until("%d colours" % count, lambda: len(viewer.palette()) >= count)
        elif verb == "lacks":
            colour = bytes.fromhex(words.pop(0))[::-1]
            viewer.until("a picture without %s" % colour[::-1].hex(), lambda: colour not in viewer.palette())
        elif verb == "size":
            size = tuple(int(n) for n in words.pop(0).split("x"))
            viewer.until("size %dx%d" % size, lambda: (viewer.width, viewer.height) == size)
        elif verb == "mark":
            viewer.settle()
            mark = bytes(viewer.picture)
        elif verb == "change":
            viewer.until("a change of the picture", lambda: bytes(viewer.picture) != mark)
        elif verb == "steady":
            while True:
                mark = bytes(viewer.picture)
                viewer.settle(1.0)
                if bytes(viewer.picture) == mark:
                    break
                if now() > viewer.deadline:
                    raise TimedOut("the picture never stands still")
        elif verb == "seen":
            path = words.pop(0)
            while not viewer.is_seen(path):
                if now() > viewer.deadline:
                    raise TimedOut("the picture is not seen on the X screen")
                viewer.settle(0.5)
        elif verb == "differ":
            print("%.3f" % viewer.differ(words.pop(0)))
        elif verb == "key":
            viewer.press(words.pop(0))
        elif verb == "type":
            type_text(viewer, font, words.pop(0))
        elif verb == "pointer":
            x, y, *button = [int(n) for n in words.pop(0).split(",")]
            for buttons in [0] + ([1 << (button[0] - 1), 0] if button else []):
                viewer.point(x, y, buttons)
            viewer.settle(0.05)
        elif verb == "sleep":
            end = time.monotonic() + float(words.pop(0))
            while time.monotonic() < end:
                viewer.settle()
        elif verb == "gone":
            viewer.until("the server's end", lambda: False)
        elif verb == "timeout":
            limit = float(words.pop(0)) * patience
        else:
            sys.exit("rfb.py: unknown verb '%s'" % verb)


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    viewer = None
    try:
        viewer = Viewer(sys.argv[1], 20)
        run(viewer, sys.argv[2:])
    except (Gone, ConnectionError) as problem:
        if viewer is None or sys.argv[-1] != "gone":
            print("rfb.py: %s" % problem, file=sys.stderr)
            sys.exit(2)
    except TimedOut as problem:
        print("rfb.py: %s" % problem, file=sys.stderr)
        sys.exit(1)
    except OSError as problem:
        print("rfb.py: %s" % problem, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Viewers that send garbage, half of what they should, far too much, or never read: they are sent
away, nobody else notices, and what they cost has a bound."""
import base64
import os
import random
import socket
import struct
import unittest

import hostile
from hostile import receive, request, rfb_hello

SEED = int(os.environ.get("HOSTILE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
# Beyond what the program has with an honest viewer: pictures on their way, ASan's quarantine.
GROWTH_KIB = 160 * 1024
VIDEO_MODE = ((4, 0), (1, 2560), (2, 1600), (3, 32), (4, 0x41))
HTTP = (b"GET /websockify HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: " + base64.b64encode(b"0123456789abcdef") +
        b"\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: binary\r\n\r\n")


class Viewers(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        self.machine = hostile.Machine(self, vnc=True)
        self.open = []

    def tearDown(self):
        self.machine.alive()
        with self.viewer() as honest:
            rfb_hello(honest)
            honest.sendall(request())
            self.assertEqual(receive(honest, 1), b"\0")
        self.machine.stop()
        for sock in self.open:
            sock.close()

    def viewer(self):
        sock = self.machine.vnc()
        self.open.append(sock)
        return sock

    def say(self, sock, data):
        """Sends; the server may close in the middle of it."""
        try:
            sock.sendall(data)
            return True
        except (ConnectionError, TimeoutError):
            return False

    def refused(self, data, hello=True):
        """A viewer that says this is sent away."""
        sock = self.viewer()
        if hello:
            rfb_hello(sock)
        self.say(sock, data)
        self.assertTrue(hostile.is_closed(sock))
        sock.close()

    def big_screen(self):
        for register, value in ((0x10, 0xfc000000), (4, 7)):
            self.machine.pci_write(3, 0, register, value)
        for index, value in VIDEO_MODE:
            self.machine.outw(0x1ce, index)
            self.machine.outw(0x1cf, value)

    # What they say first

    def test_garbage(self):
        print("seed", SEED)
        for _ in range(40):
            data = self.random.randbytes(self.random.choice([1, 11, 12, 13, 500, 9000]))
            sock = self.viewer()
            self.say(sock, data)
            sock.close()
        for data in (b"\0" * 12, b"RFB 999.999\n", b"RFB 003.008 ", b"POST / HTTP/1.1\r\n\r\n",
                     b"\xff" * 20000):
            self.refused(data, hello=False)

    def test_half_handshakes(self):
        parts = (b"RFB 003.008\n", b"\x01", b"\x01")
        for count in range(4):
            for cut in (0, 1):
                sock = self.viewer()
                receive(sock, 12)
                data = b"".join(parts[:count])
                self.say(sock, data[:len(data) - cut])
                sock.close()
        sock = self.viewer()
        receive(sock, 12)
        sock.sendall(parts[0])
        self.assertEqual(receive(sock, 2), b"\x01\x01")
        sock.sendall(b"\x77")  # a kind of security that was not offered
        self.assertTrue(hostile.is_closed(sock))

    def test_hundred_connections(self):
        """Those that came in stay; of those at the door the oldest make room."""
        honest = self.viewer()
        rfb_hello(honest)
        crowd = [self.viewer() for _ in range(100)]
        honest.sendall(request())
        self.assertEqual(receive(honest, 1), b"\0")
        newest = self.viewer()
        rfb_hello(newest)
        for sock in crowd:
            sock.close()

    # What they say when they are in

    def test_messages(self):
        for data in (b"\xfe", b"\x07" * 16, struct.pack(">BBH", 2, 0, 65535) + b"\0" * 8000,
                     struct.pack(">BBHI", 6, 0, 0, 0x7fffffff),
                     struct.pack(">BBHI", 6, 0, 0, 0xffffffff),
                     struct.pack(">BBHI", 6, 0, 0, 0x80000000),
                     bytes([0, 0, 0, 0, 7, 24, 0, 1]) + b"\0" * 12,  # 7 bits a pixel
                     bytes([0, 0, 0, 0, 32, 24, 0, 1]) + b"\xff" * 12,  # shifts of 255
                     bytes([0, 0, 0, 0, 32, 24, 0, 1]) + b"\0" * 12,  # no colours
                     bytes([255, 9]) + b"\0" * 20):
            self.refused(data)

    def test_odd_but_allowed(self):
        sock = self.viewer()
        rfb_hello(sock)
        sock.sendall(struct.pack(">BBH", 2, 0, 1024) + self.random.randbytes(4096))
        sock.sendall(struct.pack(">BBHI", 6, 0, 0, 1 << 20) + b"x" * (1 << 20))
        sock.sendall(struct.pack(">BBHHHH", 3, 0, 65535, 65535, 65535, 65535))
        for _ in range(2000):
            sock.sendall(struct.pack(">BBHI", 4, self.random.randrange(2), 0,
                                     self.random.getrandbits(32)))
            sock.sendall(struct.pack(">BBHH", 5, self.random.randrange(256),
                                     self.random.getrandbits(16), self.random.getrandbits(16)))
            sock.sendall(struct.pack(">BBHII", 255, 0, self.random.randrange(2),
                                     self.random.getrandbits(32), self.random.getrandbits(16)))
        self.machine.alive()
        sock.close()

    def test_random_messages(self):
        """Well-formed heads, random bodies; all formats and encodings, while the mode changes."""
        for _ in range(30):
            sock = self.viewer()
            rfb_hello(sock)
            for _ in range(30):
                body = self.random.randbytes(self.random.choice([3, 7, 9, 19, 40]))
                if not self.say(sock, bytes([self.random.choice([0, 2, 3, 3, 3, 4, 5, 6, 251,
                                                                 255])]) + body):
                    break
            sock.close()
            self.machine.outw(0x1ce, self.random.randrange(1, 5))
            self.machine.outw(0x1cf, self.random.choice([0, 1, 8, 640, 32, 0x41]))

    # Those that never read

    def test_never_reads(self):
        self.big_screen()
        before = self.machine.memory_kib()
        deaf = []
        for encoding in (0, 0, 0, 0, 7, 16):
            sock = self.viewer()
            rfb_hello(sock)
            sock.sendall(struct.pack(">BBHi", 2, 0, 1, encoding))
            sock.sendall(request() * 50)
            deaf.append(sock)
        for value in range(200):  # the guest goes on drawing
            self.machine.qtest_do(f"memset 0xfc000000 65536 {value}")
            self.machine.alive()
        self.assertLess(self.machine.memory_kib() - before, GROWTH_KIB)
        for sock in deaf:
            sock.close()

    def test_never_reads_but_asks(self):
        """Every message that has an answer, again and again: sent away."""
        for message in (bytes([0, 0, 0, 0, 8, 8, 0, 0]) + b"\0" * 12,  # colour maps
                        struct.pack(">BBHiii", 2, 0, 3, -308, -258, -239),
                        struct.pack(">BBHi", 2, 0, 1, -308) +
                        struct.pack(">BBHHBB", 251, 0, 8, 8, 1, 0) + b"\0" * 16):
            sock = self.viewer()
            rfb_hello(sock)
            for _ in range(2000):
                if not self.say(sock, message * 100):
                    break
            else:
                self.fail("the server takes all of it")
            sock.close()

    # Browsers

    def browser(self):
        sock = self.viewer()
        sock.sendall(HTTP)
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += receive(sock, 1)
        self.assertIn(b" 101 ", head)
        return sock

    def frame(self, payload, opcode=2, flags=0x80, masked=True, length=None):
        count = len(payload) if length is None else length
        head = bytes([flags | opcode])
        mask = self.random.randbytes(4) if masked else b""
        if count < 126:
            head += bytes([count | masked << 7])
        elif count < 65536:
            head += struct.pack(">BH", 126 | masked << 7, count)
        else:
            head += struct.pack(">BQ", 127 | masked << 7, count)
        if masked:
            payload = bytes(byte ^ mask[at & 3] for at, byte in enumerate(payload))
        return head + mask + payload

    def test_websocket_requests(self):
        for data in (b"GET / HTTP/1.1\r\n\r\n", b"GET " + b"x" * 20000,
                     HTTP.replace(b"Key", b"Kex"),
                     b"GET /\r\n" + b"a: b\r\n" * 5000, b"GET \0\0\0\r\n\r\n"):
            with self.subTest(data=data[:80]):
                self.refused(data, hello=False)
        for cut in range(1, len(HTTP), 17):
            sock = self.viewer()
            sock.sendall(HTTP[:cut])
            sock.close()

    def test_websocket_frames(self):
        for data in (self.frame(b"RFB 003.008\n", masked=False),
                     self.frame(b"", opcode=9, length=60000),
                     self.frame(b"x", opcode=3), self.frame(b"x", flags=0xf0),
                     self.frame(b"x" * 100, length=(1 << 63) + 5),
                     self.frame(b"\xff" * 9000), self.random.randbytes(5000)):
            sock = self.browser()
            self.say(sock, data)
            sock.shutdown(socket.SHUT_WR)
            self.assertTrue(hostile.is_closed(sock))
            sock.close()

    def test_websocket_pings(self):
        sock = self.browser()
        for _ in range(50000):
            if not self.say(sock, self.frame(b"p" * 125, opcode=9) * 20):
                break
        else:
            self.fail("the server takes all of it")

    def test_websocket_crumbs(self):
        """Frames of one byte, or none, are still a conversation."""
        sock = self.browser()
        sock.sendall(b"".join(self.frame(b"") + self.frame(bytes([byte]))
                              for byte in b"RFB 003.008\n\x01\x01"))
        data = receive(sock, 2)
        self.assertEqual(data[0], 0x82)
        sock.sendall(self.frame(request()))
        self.machine.alive()


class Passwords(unittest.TestCase):
    def test_guessing_is_slowed_down(self):
        """After some wrong ones even the server says: wait. Control still answers."""
        machine = hostile.Machine(self, vnc=",password=on")
        control = machine.qmp()
        control.run("change-vnc-password", password="secret")
        reasons = set()
        for _ in range(12):
            with machine.vnc() as sock:
                receive(sock, 12)
                sock.sendall(b"RFB 003.008\n")
                self.assertEqual(receive(sock, 2), b"\x01\x02")
                sock.sendall(b"\x02")
                receive(sock, 16)
                sock.sendall(b"\0" * 16)
                self.assertEqual(receive(sock, 4), b"\0\0\0\1")
                reasons.add(receive(sock, struct.unpack(">I", receive(sock, 4))[0]))
                self.assertTrue(hostile.is_closed(sock))
            control.run("query-status")
        self.assertEqual(len(reasons), 2)
        self.assertTrue(any(b"wait" in reason for reason in reasons))
        machine.stop()


if __name__ == "__main__":
    hostile.main()

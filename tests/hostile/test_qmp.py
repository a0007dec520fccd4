#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients of the control port and of the monitor that send nonsense, too much, or never read."""
import json
import os
import random
import tempfile
import unittest

import hostile

SEED = int(os.environ.get("HOSTILE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
GROWTH_KIB = 160 * 1024
QUERY = b'{"execute":"query-status"}'


class Control(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        directory = tempfile.TemporaryDirectory(prefix="hostile-")
        self.addCleanup(directory.cleanup)
        self.monitor = directory.name + "/monitor"
        self.machine = hostile.Machine(self, "-monitor",
                                       f"unix:{self.monitor},server=on,wait=off")
        self.other = self.machine.qmp()  # an honest one, all the time

    def tearDown(self):
        self.other.run("query-status")
        self.other.close()
        self.machine.alive()
        self.machine.stop()

    def nonsense(self, data):
        """Is answered by errors only; after a line's end the client is understood again."""
        client = self.machine.qmp()
        # What is open may swallow the first lines: as part of itself, then as the rest of a line.
        client.say(data + b"\n" + b'{"execute":"query-name","id":"sync"}\n' * 4)
        errors = 0
        while True:
            message = client.answer()
            if message.get("id") == "sync":
                self.assertIn("return", message)
                break
            self.assertIn("error", message, data[:80])
            errors += 1
        client.close()
        return errors

    def test_schema(self):
        """Whoever looks before asking finds every command, event and type, each type explained."""
        client = self.machine.qmp()
        entities = client.run("query-qmp-schema")
        names = {entity["name"]: entity for entity in entities}
        self.assertEqual(len(names), len(entities))
        for question, kind in (("query-commands", "command"), ("query-events", "event")):
            self.assertEqual({row["name"] for row in client.run(question)},
                             {name for name in names if names[name]["meta-type"] == kind})
        for entity in entities:
            for key in ("arg-type", "ret-type", "element-type"):
                self.assertIn(entity.get(key, "any"), names)
            for member in entity.get("members", []):
                self.assertIn(member["type"], names)
        members = {row["name"]: row for row in names[names["eject"]["arg-type"]]["members"]}
        self.assertEqual(members["force"], {"name": "force", "type": "bool", "default": None})
        client.close()

    def test_nonsense(self):
        for data in (b"garbage", b"{", b"}", b"[[[", b"{]", b"\0", b"\0\0\0{", b"\xff\xfe",
                     b'{"execute":"\xc3\x28"}', b'{"execute":"a\0b"}', b'"string"', b"17", b"null",
                     b'{"execute":17}', b'{"arguments":{}}', b'{"execute":"query-status","x":1}',
                     b'{"execute":"query-status","arguments":[]}', b'{"execute":""}',
                     b'{"execute":"no-such-thing"}', b'{"execute":"stop","arguments":{"a":1}}',
                     b'{"execute":"eject"}', b'{"execute":"eject","arguments":{"id":17}}',
                     b"[" * 100000, b'{"a":' * 100000, b"1" * 100000, b"-", b"1e999999",
                     b'{"execute":"send-key","arguments":{"keys":[{"type":"x","data":1}]}}',
                     b'{"execute":"screendump","arguments":{"filename":"/nonexistent/x"}}',
                     b'{"execute":"qom-get","arguments":{"path":"/x","property":"y"}}',
                     b'{"execute":"getfd","arguments":{"fdname":"x"}}',
                     b'{"execute":"blockdev-change-medium","arguments":{"id":"x",'
                     b'"filename":"/nonexistent"}}'):
            with self.subTest(data=data[:60]):
                self.nonsense(data)

    def test_random_bytes(self):
        print("seed", SEED)
        for _ in range(60):
            client = hostile.connect(self.machine.dir + "/qmp")
            data = self.random.randbytes(self.random.choice([1, 10, 1000, 50000]))
            if self.random.randrange(2):
                data = bytes(self.random.choice(b'{}[]":,\\ntrue0123 execut') for _ in data[:5000])
            try:
                client.sendall(b'{"execute":"qmp_capabilities"}' + data)
            except ConnectionError:
                pass
            client.close()

    def test_random_arguments(self):
        """Every command there is (but those that end it all), with arguments of every type."""
        client = self.machine.qmp()
        names = [row["name"] for row in client.run("query-commands")]
        names = [name for name in names if name not in ("quit", "qmp_capabilities")]
        values = [None, True, -1, 0, 1 << 63, 1e308, "", "x" * 5000, "ide1-cd0", [], [[]], {}, {"a": []}]
        keys = ["id", "device", "filename", "name", "path", "property", "value", "keys", "fd",
                "fdset-id", "password", "command-line", "node-name", "force", "val", "size",
                "cpu-index", "protocol", "time", "target", "format", "events", "hold-time",
                "driver", "qom-type", "enable"]
        for _ in range(1500):
            arguments = {self.random.choice(keys): self.random.choice(values)
                         for _ in range(self.random.randrange(4))}
            message = client.ask(self.random.choice(names), **arguments)
            self.assertTrue("return" in message or "error" in message)
        client.close()

    def test_ten_megabytes(self):
        """One token of ten megabytes is refused at one; the client then goes on."""
        before = self.machine.memory_kib()
        self.assertGreaterEqual(self.nonsense(b'{"execute":"' + b"a" * (10 << 20) + b'"}'), 1)
        self.assertGreaterEqual(self.nonsense(b'{"execute":"stop","id":' + b"9" * (10 << 20)), 1)
        self.assertGreaterEqual(self.nonsense(b" " * (10 << 20) + b"x"), 1)
        self.assertLess(self.machine.memory_kib() - before, GROWTH_KIB)

    def test_never_reads(self):
        """A thousand commands at a time, until nothing more is taken."""
        before = self.machine.memory_kib()
        client = self.machine.qmp()
        client.sock.settimeout(0.5)
        try:
            for _ in range(200):
                client.say(b'{"execute":"query-commands"}' * 1000)
        except (TimeoutError, ConnectionError):
            pass
        self.other.run("query-status")
        self.assertLess(self.machine.memory_kib() - before, GROWTH_KIB)
        client.close()
        # Events queue up for one that does not read either.
        deaf = self.machine.qmp()
        for _ in range(300):
            self.other.run("stop")
            self.other.run("cont")
        deaf.close()

    def test_thousand_commands_then_reads(self):
        """Nothing is lost, and the order is kept."""
        client = self.machine.qmp()
        client.say("".join(json.dumps({"execute": "query-name", "id": at}) for at in range(1000)))
        for at in range(1000):
            self.assertEqual(client.answer()["id"], at)
        client.close()

    def test_descriptors(self):
        """More than anybody needs, with and without a command for them."""
        client = self.machine.qmp()
        read_end, write_end = os.pipe()
        held = len(os.listdir(f"/proc/{self.machine.process.pid}/fd"))
        for _ in range(300):
            hostile.pass_fds(client.sock, QUERY, [read_end] * 8)
            client.answer()
        for _ in range(300):
            hostile.pass_fds(client.sock, b'{"execute":"add-fd","arguments":{}}', [read_end])
            client.answer()
        self.assertLess(len(os.listdir(f"/proc/{self.machine.process.pid}/fd")), held + 100)
        client.close()
        self.other.run("query-status")
        os.close(read_end)
        os.close(write_end)

    def test_leaves_in_the_middle(self):
        for cut in range(1, len(QUERY)):
            client = hostile.connect(self.machine.dir + "/qmp")
            client.sendall(b'{"execute":"qmp_capabilities"}' + QUERY[:cut])
            client.close()
        for _ in range(50):  # with answers under way
            client = hostile.connect(self.machine.dir + "/qmp")
            client.sendall(b'{"execute":"qmp_capabilities"}' + QUERY * 20)
            client.close()

    def test_crowd(self):
        """More clients than are served: the rest is turned away, nobody else suffers."""
        crowd = [hostile.connect(self.machine.dir + "/qmp") for _ in range(60)]
        self.other.run("query-status")
        for client in crowd:
            client.close()

    def test_two_at_once(self):
        """Byte by byte, in turns: neither sees the other's answers."""
        clients = [self.machine.qmp(), self.machine.qmp()]
        texts = [json.dumps({"execute": "query-status", "id": f"client {at}"}) for at in (0, 1)]
        for pair in zip(*texts):
            for client, byte in zip(clients, pair):
                client.say(byte)
        for at, client in enumerate(clients):
            self.assertEqual(client.answer()["id"], f"client {at}")
            client.close()

    def test_monitor(self):
        sock = hostile.connect(self.monitor)
        for data in (b"\xff\xfe\0\n", b"help " * 50000 + b"\n", b"\n" * 5000, b"info\n",
                     b"info nonsense\n", b"x/9999999999 0\n", b"sendkey " + b"a-" * 2000 + b"\n",
                     b"sum 0 99999999999\n", b"o /b 1 2 3 4\n", b"change\n", b"eject\n",
                     b"\x1b[A\x1b[B\x7f\x7f\x08\x04\x03\n", self.random.randbytes(5000)):
            sock.sendall(data)
        sock.sendall(b"\ninfo status\n")
        text = b""
        while b"VM status" not in text:
            piece = sock.recv(65536)
            self.assertTrue(piece, "the monitor has closed")
            text = text[-100:] + piece
        sock.close()


if __name__ == "__main__":
    hostile.main()

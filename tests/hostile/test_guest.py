#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest that hammers everything it can reach with random values, while a viewer looks on: the
board answers, nothing leaks, and after a reset it is the board that it was after power-on.

The seed is printed; HOSTILE_SEED=N repeats a walk, HOSTILE_STEPS=N makes it longer.
"""
import os
import random
import struct
import tempfile
import unittest

import hostile

SEED = int(os.environ.get("HOSTILE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
STEPS = int(os.environ.get("HOSTILE_STEPS", "300000"))
BATCH = 100

CHIPS = [  # first port, how many
    (0x00, 16), (0x20, 2), (0x40, 4), (0x60, 1), (0x61, 1), (0x64, 1), (0x70, 2), (0x72, 2),
    (0x80, 16), (0x92, 1), (0xa0, 2), (0xb2, 2), (0xc0, 32), (0x170, 8), (0x1f0, 8), (0x376, 1),
    (0x3f6, 1), (0x3b0, 48), (0x3f8, 8), (0x2f8, 8), (0x402, 1), (0x4d0, 2), (0x510, 12),
    (0x1ce, 3), (0x600, 64), (0xafe0, 32), (0xcf8, 8), (0xc000, 16), (0xaf00, 32),
]
IDE_COMMANDS = [0x00, 0x08, 0x10, 0x20, 0x24, 0x25, 0x29, 0x30, 0x34, 0x35, 0x39, 0x40, 0x42, 0x70,
                0x90, 0x91, 0xa0, 0xa1, 0xb0, 0xc4, 0xc5, 0xc6, 0xc8, 0xca, 0xe0, 0xe1, 0xe2, 0xe3,
                0xe5, 0xe6, 0xe7, 0xea, 0xec, 0xef, 0xf5, 0xf8, 0xf9]
PACKETS = [0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x23, 0x25, 0x28, 0x2b, 0x35, 0x3c, 0x42, 0x43, 0x46,
           0x4a, 0x51, 0x52, 0x55, 0x5a, 0xa8, 0xad, 0xbb, 0xbd, 0xbe, 0xb9]
LAST_RAM = (256 << 20) - 1
PLACES = [0, 0x500, 0x9fc00, 0xa0000, 0xb8000, 0xc0000, 0xe0000, 0xfffff, 0x100000, LAST_RAM,
          0xfd000000, 0xfebf0000, 0xfec00000, 0xfed00000, 0xfee00000, 0xffff0000, 0xffffffff,
          0x100000000, 0xffffffffff000, 0xffffffffffffffff]
ARENA, ARENA_BYTES = 0x10000, 0x10000  # what DMA is told to use
VIDEO_RAM = 0xfc000000
BUS_MASTER = 0xc000


class Walk:
    """One random guest. Every step is one qtest command; what it does is chosen by the seed."""

    def __init__(self, machine, seed):
        self.machine = machine
        self.random = random.Random(seed)
        self.batch = []
        self.said = 0

    def say(self, command):
        self.batch.append(command)
        self.said += 1
        if len(self.batch) >= BATCH:
            self.flush()

    def flush(self):
        batch, self.batch = self.batch, []
        if not batch:
            return
        for command, answer in zip(batch, self.machine.qtest_batch(batch)):
            if not answer.startswith("OK"):
                raise AssertionError(f"{command}: {answer}")

    def value(self, bits=32):
        pick = self.random.randrange(6)
        if pick == 0:
            return self.random.choice([0, 1, 0xff, 0x7f, 0x80, 0xffff, 0xffffffff]) % (1 << bits)
        if pick == 1:
            return 1 << self.random.randrange(bits)
        return self.random.getrandbits(bits if pick > 3 else 8)

    def address(self):
        pick = self.random.randrange(5)
        if pick < 2:
            return ARENA + self.random.randrange(ARENA_BYTES)
        if pick < 4:
            return (self.random.choice(PLACES) + self.random.randrange(-64, 64)) % (1 << 64)
        return self.random.getrandbits(self.random.choice([16, 20, 24, 32, 40, 64]))

    def out(self, port, value, size="b"):
        self.say(f"out{size} {port} {value}")

    # What a step may be

    def port(self):
        first, count = self.random.choice(CHIPS)
        port = first + self.random.randrange(count)
        if self.random.randrange(20) == 0:
            port = self.random.randrange(65536)
        size, bits = self.random.choice([("b", 8), ("b", 8), ("b", 8), ("w", 16), ("l", 32)])
        if self.random.randrange(3) == 0:
            self.say(f"in{size} {port}")
        else:
            self.out(port, self.value(bits), size)

    def index_and_data(self):
        index, data, most = self.random.choice(
            [(0x3c4, 0x3c5, 8), (0x3ce, 0x3cf, 16), (0x3d4, 0x3d5, 32), (0x3b4, 0x3b5, 32),
             (0x70, 0x71, 256), (0x3c8, 0x3c9, 256)])
        self.out(index, self.random.randrange(most))
        for _ in range(self.random.choice([1, 1, 1, 3, 9])):
            self.out(data, self.value(8))

    def screen_mode(self):
        """Plausible sizes are rare among random ones."""
        pairs = [(1, self.random.choice([0, 1, 8, 320, 640, 1024, 2560, 65535])),
                 (2, self.random.choice([0, 1, 200, 480, 768, 1600, 65535])),
                 (3, self.random.choice([0, 4, 8, 15, 16, 24, 32, 33])),
                 (4, self.random.choice([0, 1, 0x41, 0xc1, 0xff])),
                 (5, self.value(16)), (6, self.value(16)), (7, self.value(16)),
                 (8, self.value(16)), (9, self.value(16))]
        self.random.shuffle(pairs)
        for index, value in pairs[:self.random.randrange(1, 9)]:
            self.out(0x1ce, index, "w")
            self.out(0x1cf, value, "w")

    def memory(self):
        gpa, size = self.address(), self.random.choice("bwlq")
        bits = {"b": 8, "w": 16, "l": 32, "q": 64}[size]
        if self.random.randrange(3):
            self.say(f"write{size} {gpa} {self.value(bits)}")
        else:
            self.say(f"read{size} {gpa}")

    def memory_block(self):
        gpa, count = self.address(), self.random.choice([1, 3, 64, 4096, 70000])
        pick = self.random.randrange(3)
        if pick == 0:
            self.say(f"memset {gpa} {count} {self.value(8)}")
        elif pick == 1:
            self.say(f"read {gpa} {min(count, 4096)}")
        else:
            data = self.random.getrandbits(8 * 64).to_bytes(64, "little").hex()
            self.say(f"write {gpa} 64 0x{data}")

    def window(self):
        """A device's memory: video RAM, its registers, HPET, the 0xa0000 window."""
        base, length = self.random.choice([(0xa0000, 0x20000), (VIDEO_RAM, 0x1000000),
                                           (0xfebf0000, 4096), (0xfed00000, 1024),
                                           (0xfec00000, 32), (0xc0000, 0x40000)])
        gpa, size = base + self.random.randrange(length), self.random.choice("bwlq")
        bits = {"b": 8, "w": 16, "l": 32, "q": 64}[size]
        if self.random.randrange(2):
            gpa &= ~7
        self.say(f"write{size} {gpa} {self.value(bits)}")
        self.say(f"read{size} {gpa}")

    def pci_config(self):
        device, function = self.random.randrange(6), self.random.randrange(8)
        if self.random.randrange(4):
            device, function = self.random.choice([(0, 0), (1, 0), (1, 1), (1, 3), (2, 0), (3, 0)])
        register = self.random.randrange(64) * 4
        self.out(0xcf8, 0x80000000 | device << 11 | function << 8 | register, "l")
        if self.random.randrange(3):
            size, bits = self.random.choice([("b", 8), ("w", 16), ("l", 32)])
            self.out(0xcfc + self.random.randrange(4), self.value(bits), size)
        else:
            self.say("inl 3324")

    def map_cards(self):
        """Windows back where DMA and drawing find them."""
        for function, register, value in ((1, 0x20, BUS_MASTER | 1), (1, 4, 5), (3, 4, 1),
                                          (3, 0x40, 0x601), (3, 0x80, 1)):
            self.out(0xcf8, 0x80000800 | function << 8 | register, "l")
            self.out(0xcfc, value, "l")
        for register, value in ((0x10, VIDEO_RAM), (0x18, 0xfebf0000), (4, 7)):
            self.out(0xcf8, 0x80001800 | register, "l")
            self.out(0xcfc, value, "l")

    def descriptors(self):
        """A PRD table of random pieces."""
        table = b""
        for _ in range(self.random.choice([1, 2, 16, 64])):
            where = self.address() & 0xffffffff
            count = self.random.choice([0, 2, 512, 2048, 4096, 65534, self.random.getrandbits(16)])
            table += struct.pack("<II", where, count | self.random.choice([0, 0, 1 << 31]))
        table = ARENA + self.random.randrange(0, 4096, 4), table
        self.say(f"write {table[0]} {len(table[1])} 0x{table[1].hex()}")
        for channel in (0, 8):
            self.out(BUS_MASTER + channel + 4, table[0], "l")

    def disk(self):
        base, channel = self.random.choice([(0x1f0, 0), (0x170, 8)])
        if self.random.randrange(4) == 0:
            self.descriptors()
        self.out(base + 6, self.random.choice([0xa0, 0xb0, 0xe0, 0xf0, self.value(8)]))
        for port in range(1, 6):
            self.out(base + port, self.random.choice([0, 0, 1, 2, self.value(8)]))
        self.out(base + 7, self.random.choice(IDE_COMMANDS))
        self.out(BUS_MASTER + channel, self.random.choice([0, 1, 8, 9, self.value(8)]))
        self.data(base)

    def data(self, base):
        for _ in range(self.random.choice([0, 1, 6, 20])):
            self.say(self.random.choice([f"inw {base}", f"outw {base} {self.value(16)}",
                                         f"inl {base}", f"inb {base + 7}"]))

    def transfer(self):
        """One that a driver could ask for, so that disks work while the rest goes on."""
        base, channel = 0x1f0, 0
        pieces = [self.random.choice([512, 1024, 4096, 8192]) for _ in range(3)]
        table = b"".join(struct.pack("<II", ARENA + 0x2000 + 0x2000 * at,
                                     count | (1 << 31 if at == 2 else 0))
                         for at, count in enumerate(pieces))
        self.say(f"write {ARENA} {len(table)} 0x{table.hex()}")
        self.out(BUS_MASTER + 4, ARENA, "l")
        self.out(base + 6, self.random.choice([0xe0, 0xf0]))
        for port, value in ((2, sum(pieces) // 512), (3, self.value(8)), (4, self.random.choice([0, 7])),
                            (5, 0)):
            self.out(base + port, value)
        command = self.random.choice([0xc8, 0xca, 0x25, 0x35])
        self.out(base + 7, command)
        self.out(BUS_MASTER + channel, 1 if command in (0xca, 0x35) else 9)
        for _ in range(self.random.choice([0, 3, 30])):
            self.say("inb 503")
        if self.random.randrange(4) == 0:
            self.out(0x3f6, 4)  # a reset in its midst
            self.out(0x3f6, 0)

    def power(self):
        self.out(0x604, self.random.randrange(8) << 10 | 1 << 13, "w")

    def packet(self):
        self.out(0x176, 0xa0)
        self.out(0x171, self.random.randrange(4))
        self.out(0x174, self.value(8))
        self.out(0x175, self.value(8))
        self.out(0x177, 0xa0)
        packet = bytes([self.random.choice(PACKETS)] +
                       [self.random.choice([0, 0, self.value(8)]) for _ in range(11)])
        for (word,) in struct.iter_unpack("<H", packet):
            self.out(0x170, word, "w")
        self.out(BUS_MASTER + 8, self.random.choice([0, 1, 8, 9]))
        self.data(0x170)

    def firmware_dma(self):
        control = self.random.choice([2, 4, 8, 10, 16, 24, self.value(32)])
        control |= self.random.choice([0, 0x19, 0x8000, self.value(16)]) << 16
        command = struct.pack(">IIQ", control & 0xffffffff,
                              self.random.choice([0, 1, 16, 4096, 65536, 0xffffffff]),
                              self.address())
        gpa = self.address()
        self.say(f"write {gpa} 16 0x{command.hex()}")
        for port, half in ((0x514, gpa >> 32), (0x518, gpa & 0xffffffff)):
            self.out(port, int.from_bytes(half.to_bytes(4, "little"), "big"), "l")

    def keyboard(self):
        self.out(0x64, self.random.choice([0x20, 0x60, 0x8a, 0xa7, 0xa8, 0xaa, 0xad, 0xae, 0xd0,
                                           0xd1, 0xd2, 0xd3, 0xd4, self.value(8)]))
        self.out(0x60, self.random.choice([0xed, 0xee, 0xf0, 0xf2, 0xf3, 0xf4, 0xff, 0xe9, 0xeb,
                                           self.value(8)]))

    def clock(self):
        self.say(self.random.choice([
            "clock_step", "clock_step",
            f"clock_step {self.random.randrange(1, 10 ** self.random.randrange(1, 11))}"]))

    STEPS = [(port, 30), (index_and_data, 10), (screen_mode, 2), (memory, 8), (memory_block, 2),
             (window, 12), (pci_config, 4), (map_cards, 2), (descriptors, 1), (disk, 10),
             (packet, 6), (firmware_dma, 3), (keyboard, 3), (clock, 3),
             (transfer, 5), (power, 0.03)]

    def go(self, steps):
        kinds, weights = zip(*self.STEPS)
        while self.said < steps:
            self.random.choices(kinds, weights)[0](self)
        self.flush()


def describe_board(machine):
    """What a guest finds after power-on, in the order in which it looks."""
    found = {}
    for device in range(6):
        for function in range(8):
            for register in range(0, 256, 4):
                found["pci", device, function, register] = machine.pci_read(device, function,
                                                                            register)
    for port in (0x1f0, 0x170):
        machine.outb(port + 6, 0xa0)
        found["ide", port] = [machine.inb(port + at) for at in range(1, 8)]
        machine.outb(port + 7, 0xec if port == 0x1f0 else 0xa1)
        machine.wait_port(port + 7, 0x88, 0x08)
        found["identify", port] = [machine.inw(port) for _ in range(256)]
    for index, data, count in ((0x3c4, 0x3c5, 5), (0x3ce, 0x3cf, 9), (0x3d4, 0x3d5, 25)):
        machine.qtest_batch([f"outb {index} 0"])
        for at in range(count):
            machine.outb(index, at)
            found["vga", index, at] = machine.inb(data)
    found["vga", "misc"] = machine.inb(0x3cc)
    for port in (0x3f8, 0x2f8):
        found["serial", port] = [machine.inb(port + at) for at in range(1, 8)]
    found["8042"] = machine.inb(0x64)
    machine.outw(0x510, 0)
    found["fw_cfg"] = [machine.inb(0x511) for _ in range(4)]
    found["hpet"] = machine.read(0xfed00000, 0x20)
    found["port92"] = machine.inb(0x92)
    found["elcr"] = [machine.inb(0x4d0), machine.inb(0x4d1)]
    found["dma"] = [machine.inb(port) for port in (*range(0, 9), *range(0xc0, 0xd2, 2))]
    return found


class HostileGuest(unittest.TestCase):
    def setUp(self):
        self.ended = set()  # how walks left the machine

    def start(self, *words):
        directory = self.directory()
        for name, size in (("disk.img", 8 << 20), ("cd.iso", 4 << 20)):
            with open(f"{directory}/{name}", "wb") as out:
                out.truncate(size)
        return hostile.Machine(self, "-hda", directory + "/disk.img", "-hdb",
                               self.second_disk(directory), "-cdrom", directory + "/cd.iso",
                               "-serial", "null", "-serial", "null", *words, vnc=True)

    def second_disk(self, directory):
        with open(directory + "/second.img", "wb") as out:
            out.truncate(1 << 20)
        return directory + "/second.img"

    def directory(self):
        made = tempfile.TemporaryDirectory(prefix="hostile-")
        self.addCleanup(made.cleanup)
        return made.name

    def revive(self, machine):
        """Whatever the guest has done to itself, a reset brings it back."""
        control = machine.qmp()
        self.ended.add(control.run("query-status")["status"])
        control.run("system_reset")
        status = control.run("query-status")["status"]
        if status != "running":
            control.run("cont")
        self.assertEqual(control.run("query-status")["status"], "running")
        control.close()

    def walk(self, machine, seed):
        print(f"seed {seed}, {STEPS} steps", flush=True)
        fresh = describe_board(machine)
        viewers = [hostile.Watcher(machine, encoding) for encoding in (16, 7, 0)]
        walk = Walk(machine, seed)
        walk.map_cards()
        while walk.said < STEPS:
            walk.go(walk.said + 5000)
            self.revive(machine)
            walk.map_cards()
        walk.flush()
        self.revive(machine)
        again = describe_board(machine)
        for key, value in fresh.items():
            self.assertEqual(again[key], value, f"seed {seed}: {key} after a reset")
        self.assertTrue(any(viewer.received for viewer in viewers))
        for viewer in viewers:
            viewer.close()
        print("left:", *sorted(self.ended), flush=True)
        machine.alive()

    def test_random_walk(self):
        machine = self.start()
        self.walk(machine, SEED)
        machine.stop()

    def test_power_requests_in_every_state(self):
        """Off, asleep or reset, and again: a machine that does not run answers, too."""
        machine = self.start()
        sleeps = [f"outw 0x604 {kind << 10 | 1 << 13:#x}" for kind in range(8)]
        for first in (*sleeps, "outb 0xcf9 6"):
            for second in (*sleeps, "outb 0xcf9 6", "outb 0x92 1"):
                walk = Walk(machine, 0)
                walk.map_cards()
                walk.flush()
                machine.qtest_batch([first, second, "inb 0x64", second, "inb 0x64"])
                self.revive(machine)
        self.assertTrue({"shutdown", "suspended"} <= self.ended, self.ended)
        machine.stop()

    def test_known_walk(self):
        """The same for everybody, disks by threads."""
        machine = hostile.Machine(self, "-cdrom", self.second_disk(self.directory()), "-smp",
                                  "2,maxcpus=4", vnc=True, env={"HVMDM_AIO": "threads"})
        print("seed 1", flush=True)
        walk = Walk(machine, 1)
        watcher = hostile.Watcher(machine)
        walk.map_cards()
        walk.go(STEPS // 2)
        self.revive(machine)
        watcher.close()
        machine.alive()
        machine.stop()


if __name__ == "__main__":
    hostile.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Signals at any moment: the program ends soon, with status 0, and takes its files with it."""
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import hostile

SEED = int(os.environ.get("HOSTILE_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """nohup, and a shell's background, leave signals ignored to whatever they start: one that came too early would be lost."""
        for signum in SIGNALS:
            signal.signal(signum, signal.SIG_DFL)

    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="hostile-")
        self.addCleanup(shutil.rmtree, self.dir)
        with open(self.dir + "/disk.img", "wb") as out:
            out.truncate(8 << 20)
        self.random = random.Random(SEED)

    def start(self, *words):
        return subprocess.Popen(
            [hostile.HVMDM, "-machine", "pc,accel=qtest", "-display", "none", "-hda",
             self.dir + "/disk.img", "-pidfile", self.dir + "/pid", *words],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=hostile.environment())

    def check_end(self, process, statuses=(0,)):
        text, _ = process.communicate(timeout=hostile.PATIENCE)
        for complaint in hostile.COMPLAINTS:
            self.assertNotIn(complaint, text)
        self.assertIn(process.returncode, statuses, text)
        self.assertEqual(os.listdir(self.dir), ["disk.img"], text)

    def test_while_it_starts(self):
        """Before the program has taken the signal over, it ends by it, and has made nothing yet."""
        print("seed", SEED)
        longest = 0.2
        for _ in range(30):
            for signum in SIGNALS:
                process = self.start("-qmp", f"unix:{self.dir}/qmp,server=on,wait=off", "-vnc",
                                     f"unix:{self.dir}/vnc")
                time.sleep(self.random.random() * longest)
                process.send_signal(signum)
                self.check_end(process, (0, -signum))

    def test_while_it_waits_for_a_client(self):
        for signum in SIGNALS:
            process = self.start("-qmp", f"unix:{self.dir}/qmp,server=on,wait=on")
            line = process.stdout.readline()
            self.assertIn("waits", line)
            process.send_signal(signum)
            self.check_end(process)

    def test_while_it_works(self):
        """Disk, screen and control are busy."""
        for signum in SIGNALS:
            machine = hostile.Machine(self, "-hda", self.dir + "/disk.img", vnc=True)
            watchers = [hostile.Watcher(machine, encoding) for encoding in (16, 7)]
            control = machine.qmp()
            machine.pci_write(1, 1, 0x20, 0xc001)
            machine.pci_write(1, 1, 4, 5)
            machine.outl(0xc004, 0x10000)
            table = b"".join((0x100000 + 65536 * at).to_bytes(4, "little") +
                             (0x80000000 * (at == 1)).to_bytes(4, "little") for at in range(2))
            machine.write(0x10000, table)
            # Sent, but not waited for.
            commands = []
            for at in range(self.random.randrange(1, 40)):
                commands += ["outb 0x1f6 0xe0", "outb 0x1f2 0", f"outb 0x1f3 {at}",
                             "outb 0x1f4 0", "outb 0x1f5 0", "outb 0x1f7 0xca", "outb 0xc000 1",
                             "clock_step 1000000"]
            machine.qtest.sendall(("\n".join(commands) + "\n").encode())
            control.say('{"execute":"query-block"}' * 50)
            time.sleep(self.random.random() * 0.05)
            machine.stop(signum)
            self.assertFalse(os.path.exists(machine.vnc_path))
            self.assertFalse(os.path.exists(machine.dir + "/qmp"))
            for watcher in watchers:
                watcher.close()
            control.close()

    def test_with_a_request_under_way(self):
        """The guest resets itself, or switches itself off, in the moment of the signal."""
        for at in range(12):
            machine = hostile.Machine(self)
            machine.pci_write(1, 3, 0x40, 0x601)
            machine.pci_write(1, 3, 0x80, 1)
            machine.pci_write(1, 3, 4, 1)
            command = ("outb 0xcf9 6", "outb 0x92 1", "outw 0x604 0x2000")[at % 3]
            machine.qtest.sendall((command + "\n").encode())
            if at % 2:
                machine.qmp().say('{"execute":"quit"}')
            machine.stop()

    def test_again_and_again(self):
        """A second signal while the first is being obeyed changes nothing."""
        machine = hostile.Machine(self, "-hda", self.dir + "/disk.img")
        for _ in range(20):
            try:
                machine.process.send_signal(signal.SIGTERM)
            except ProcessLookupError:
                break
        machine.wait()


if __name__ == "__main__":
    hostile.main()

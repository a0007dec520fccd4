#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Images that are not what they should be, or cease to be: the guest is told by the drive's own
errors, the operator by an event, and nothing that was flushed is lost."""
import errno
import os
import resource
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest

import hostile

SECTOR, CD_SECTOR = 512, 2048
PRIMARY, SECONDARY, BUS_MASTER = 0x1f0, 0x170, 0xc000
TABLE, BUFFER = 0x10000, 0x100000
BUSY, DRQ, ERROR = 0x80, 0x08, 0x01
ABRT, IDNF, UNC = 0x04, 0x10, 0x40
READ_DMA, WRITE_DMA, FLUSH, READ, WRITE = 0xc8, 0xca, 0xe7, 0x20, 0x30


class Images(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="hostile-")
        self.addCleanup(shutil.rmtree, self.dir, ignore_errors=True)

    def image(self, name, size, content=b""):
        path = f"{self.dir}/{name}"
        with open(path, "wb") as out:
            out.write(content)
            out.truncate(size)
        return path

    def machine(self, *words, **more):
        machine = hostile.Machine(self, *words, **more)
        machine.pci_write(1, 1, 0x20, BUS_MASTER | 1)
        machine.pci_write(1, 1, 4, 5)
        return machine

    # A driver

    def start_dma(self, machine, command, lba, sectors=1):
        machine.write(TABLE, struct.pack("<II", BUFFER, 1 << 31 | sectors * SECTOR & 0xffff))
        machine.outl(BUS_MASTER + 4, TABLE)
        machine.outb(BUS_MASTER, 0)
        machine.outb(BUS_MASTER + 2, 6)
        machine.outb(PRIMARY + 6, 0xe0 | lba >> 24)
        machine.outb(PRIMARY + 2, sectors)
        for at in range(3):
            machine.outb(PRIMARY + 3 + at, lba >> 8 * at & 0xff)
        machine.outb(PRIMARY + 7, command)
        machine.outb(BUS_MASTER, 9 if command == READ_DMA else 1)

    def dma(self, machine, command, lba, sectors=1):
        """Status and error register at the end."""
        self.start_dma(machine, command, lba, sectors)
        status = machine.wait_port(PRIMARY + 7, BUSY | DRQ, 0)
        machine.outb(BUS_MASTER, 0)
        return status, machine.inb(PRIMARY + 1)

    def flush(self, machine):
        machine.outb(PRIMARY + 6, 0xe0)
        machine.outb(PRIMARY + 7, FLUSH)
        return machine.wait_port(PRIMARY + 7, BUSY, 0)

    def packet(self, machine, packet, length=0xfffe):
        """Data and, if it failed, sense key, code and qualifier."""
        machine.outb(SECONDARY + 6, 0xa0)
        machine.outb(SECONDARY + 1, 0)
        machine.outb(SECONDARY + 4, length & 0xff)
        machine.outb(SECONDARY + 5, length >> 8)
        machine.outb(SECONDARY + 7, 0xa0)
        machine.wait_port(SECONDARY + 7, BUSY | DRQ, DRQ)
        for (word,) in struct.iter_unpack("<H", packet.ljust(12, b"\0")):
            machine.outw(SECONDARY, word)
        data = b""
        while True:
            status = machine.wait_port(SECONDARY + 7, BUSY, 0)
            if not status & DRQ:
                break
            count = machine.inb(SECONDARY + 4) | machine.inb(SECONDARY + 5) << 8
            self.assertTrue(0 < count <= 0xfffe)
            answers = machine.qtest_batch([f"inw {SECONDARY}"] * ((count + 1) // 2))
            data += b"".join(int(a[3:], 16).to_bytes(2, "little") for a in answers)
        if not status & ERROR or packet[0] == 0x03:
            return data, None
        sense, _ = self.packet(machine, bytes([0x03, 0, 0, 0, 18, 0]))
        return data, (sense[2] & 15, sense[12], sense[13])

    def read_cd(self, machine, lba, count=1):
        return self.packet(machine, struct.pack(">BBIBHB", 0x28, 0, lba, 0, count, 0))

    def ready_cd(self, machine):
        while self.packet(machine, bytes(6))[1] not in (None, (2, 0x3a, 0), (2, 0x3a, 1)):
            pass

    # CDs

    def test_truncated_cd(self):
        """A download that broke off in the middle of a sector."""
        path = self.image("cd.iso", 20 * CD_SECTOR + 100, b"\x01CD001".rjust(17 * CD_SECTOR))
        machine = self.machine("-cdrom", path)
        self.ready_cd(machine)
        capacity, sense = self.packet(machine, bytes([0x25]))
        self.assertIsNone(sense)
        last = struct.unpack(">I", capacity[:4])[0]
        self.assertEqual(last, 20)  # the piece of the last sector is there
        self.assertIsNone(self.read_cd(machine, last)[1])
        self.assertEqual(self.read_cd(machine, last + 1)[1], (5, 0x21, 0))
        self.assertEqual(self.read_cd(machine, last, 2)[1], (5, 0x21, 0))
        self.assertEqual(self.read_cd(machine, 0xffffffff)[1], (5, 0x21, 0))
        machine.stop()

    def test_cd_cut_while_it_is_read(self):
        path = self.image("cd.iso", 64 * CD_SECTOR)
        machine = self.machine("-cdrom", path)
        self.ready_cd(machine)
        self.assertIsNone(self.read_cd(machine, 40)[1])
        os.truncate(path, 10 * CD_SECTOR)
        key = self.read_cd(machine, 40)[1][0]
        self.assertIn(key, (3, 4))  # medium or hardware error
        self.assertIsNone(self.read_cd(machine, 5)[1])
        machine.stop()

    def test_removed_cd(self):
        path = self.image("cd.iso", 64 * CD_SECTOR, b"still there")
        machine = self.machine("-cdrom", path)
        self.ready_cd(machine)
        os.unlink(path)
        data, sense = self.read_cd(machine, 0)
        self.assertEqual((data[:11], sense), (b"still there", None))
        machine.stop()

    # Disks

    def test_disk_cut_while_it_is_used(self):
        path = self.image("disk.img", 1 << 20)
        machine = self.machine("-drive", f"file={path},format=raw,index=0,rerror=report")
        os.truncate(path, 4096)
        status, error = self.dma(machine, READ_DMA, 100)
        self.assertTrue(status & ERROR)
        self.assertTrue(error & (UNC | ABRT))
        self.assertFalse(self.dma(machine, READ_DMA, 0)[0] & ERROR)
        self.assertFalse(self.dma(machine, WRITE_DMA, 100)[0] & ERROR)  # it grows again
        self.assertFalse(self.dma(machine, READ_DMA, 100)[0] & ERROR)
        machine.stop()

    def test_odd_size(self):
        path = self.image("disk.img", 100 * SECTOR + 7, b"x" * (100 * SECTOR + 7))
        machine = self.machine("-hda", path)
        self.assertFalse(self.dma(machine, READ_DMA, 100)[0] & ERROR)
        self.assertEqual(machine.read(BUFFER, SECTOR), b"x" * 7 + bytes(SECTOR - 7))
        status, error = self.dma(machine, READ_DMA, 101)
        self.assertTrue(status & ERROR)
        self.assertTrue(error & (IDNF | ABRT))
        machine.stop()

    def test_one_byte(self):
        machine = self.machine("-hda", self.image("disk.img", 1, b"x"))
        self.assertFalse(self.dma(machine, READ_DMA, 0)[0] & ERROR)
        self.assertTrue(self.dma(machine, READ_DMA, 1)[0] & ERROR)
        machine.stop()

    def test_huge(self):
        """More than any drive addresses, on paper."""
        for size in (1 << 47, (1 << 63) - 1):
            path = f"{self.dir}/huge.img"
            try:
                with open(path, "wb") as out:
                    out.truncate(size)
            except OSError:
                continue
            machine = self.machine("-hda", path)
            self.assertFalse(self.dma(machine, READ_DMA, 0x0ffffff0)[0] & ERROR)
            machine.stop()

    def test_second_writer(self):
        path = self.image("disk.img", 1 << 20)
        machine = self.machine("-hda", path)
        done = subprocess.run([hostile.HVMDM, "-machine", "pc,accel=qtest", "-display", "none",
                               "-hda", path], capture_output=True, text=True,
                              timeout=hostile.PATIENCE, env=hostile.environment())
        self.assertEqual(done.returncode, 1)
        self.assertIn("disk.img", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        machine.stop()
        self.machine("-hda", path).stop()

    # A full host

    def full_disk(self):
        """A disk of 8 MiB on a file system of 1 MiB; None where we may not mount."""
        mount = self.dir + "/small"
        os.mkdir(mount)
        if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", mount],
                          capture_output=True, check=False).returncode:
            return None
        self.addCleanup(subprocess.run, ["umount", "-l", mount], check=False)
        with open(mount + "/disk.img", "wb") as out:
            out.truncate(8 << 20)
        with open(mount + "/ballast", "wb") as out:
            out.write(bytes(512 << 10))
        return mount

    def fill(self, machine):
        """Writes until it fails; the number of the sector."""
        for lba in range(0, 16384, 128):
            status, error = self.dma(machine, WRITE_DMA, lba, 128)
            if status & ERROR:
                return lba, error
        self.fail("the file system is not full")
        return None

    def test_full_reported(self):
        mount = self.full_disk()
        if not mount:
            self.skipTest("no right to mount")
        machine = self.machine("-drive", f"file={mount}/disk.img,format=raw,werror=report")
        control = machine.qmp()
        lba, error = self.fill(machine)
        self.assertTrue(error & (ABRT | UNC | IDNF))
        self.assertEqual(control.run("query-status")["status"], "running")
        self.assertFalse(self.dma(machine, READ_DMA, 0)[0] & ERROR)
        os.unlink(mount + "/ballast")
        self.assertFalse(self.dma(machine, WRITE_DMA, lba, 128)[0] & ERROR)
        self.assertFalse(self.flush(machine) & ERROR)
        machine.stop()

    def test_full_stops_and_goes_on(self):
        mount = self.full_disk()
        if not mount:
            self.skipTest("no right to mount")
        for words in ("", ",werror=stop", ",werror=enospc"):
            with self.subTest(words=words):
                self.stop_and_go_on(mount, words)

    def wait_held(self, machine, control):
        """Whether the command under way ends up held, or just ends."""
        end = time.monotonic() + hostile.PATIENCE
        while machine.inb(PRIMARY + 7) & BUSY:
            if control.run("query-status")["status"] == "io-error":
                return True
            self.assertLess(time.monotonic(), end)
        return False

    def stop_and_go_on(self, mount, words):
        machine = self.machine("-drive", f"file={mount}/disk.img,format=raw,id=d0{words}")
        control = machine.qmp()
        lba = 0
        while True:  # until a request is held
            machine.write(BUFFER, bytes([lba // 128 + 1]) * 65024)
            self.start_dma(machine, WRITE_DMA, lba, 127)
            if self.wait_held(machine, control):
                break
            self.assertFalse(machine.inb(PRIMARY + 7) & ERROR)
            lba += 128
            self.assertLess(lba, 16384)
        event = control.wait_event("BLOCK_IO_ERROR")
        self.assertEqual(event["data"], {"device": "d0", "operation": "write", "action": "stop",
                                         "nospace": True, "reason": os.strerror(errno.ENOSPC)})
        control.run("cont")  # still no room: it stops again, however often
        control.wait_event("BLOCK_IO_ERROR")
        os.unlink(mount + "/ballast")
        control.run("cont")
        status = machine.wait_port(PRIMARY + 7, BUSY | DRQ, 0)
        self.assertFalse(status & ERROR)
        self.assertEqual(control.run("query-status")["status"], "running")
        self.assertFalse(self.flush(machine) & ERROR)
        with open(mount + "/disk.img", "rb") as image:
            image.seek(lba * SECTOR)
            self.assertEqual(image.read(65024), bytes([lba // 128 + 1]) * 65024)
        machine.stop()
        with open(mount + "/disk.img", "r+b") as out:
            out.truncate(0)
            out.truncate(8 << 20)
        with open(mount + "/ballast", "wb") as out:
            out.write(bytes(512 << 10))

    def test_end_while_a_request_is_held(self):
        """SIGTERM, eject and reset of a machine that waits for room."""
        mount = self.full_disk()
        if not mount:
            self.skipTest("no right to mount")
        for how in ("signal", "reset", "quit"):
            with self.subTest(how=how):
                machine = self.machine("-drive", f"file={mount}/disk.img,format=raw,werror=stop")
                control = machine.qmp()
                for lba in range(0, 16384, 128):
                    self.start_dma(machine, WRITE_DMA, lba, 128)
                    if self.wait_held(machine, control):
                        break
                if how == "reset":
                    control.run("system_reset")
                    control.run("cont")
                    self.assertFalse(machine.inb(PRIMARY + 7) & (BUSY | ERROR))
                    machine.stop()
                elif how == "quit":
                    control.run("quit")
                    machine.wait()
                else:
                    machine.stop()

    def test_file_size_limit(self):
        """The same by a limit of the process, which any user can have; its signal is not fatal."""
        limit = 4 << 20
        path = self.image("disk.img", 1 << 20)
        machine = self.machine(
            "-drive", f"file={path},format=raw,werror=report",
            preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        os.truncate(path, 8 << 20)
        machine.stop()
        machine = self.machine(
            "-drive", f"file={path},format=raw,werror=report",
            preexec=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)))
        self.assertFalse(self.dma(machine, WRITE_DMA, 0)[0] & ERROR)
        self.assertTrue(self.dma(machine, WRITE_DMA, 16383)[0] & ERROR)
        machine.alive()
        machine.stop()

    # What is written stays written

    def counted(self, path, *words, env=None):
        trace = self.dir + "/calls"
        machine = self.machine("-drive", f"file={path},format=raw" + ",".join(("", *words)),
                               prefix=("strace", "-f", "-e", "trace=fdatasync,fsync", "-o", trace),
                               env=dict({"HVMDM_AIO": "threads", "HOSTILE_ASAN": "detect_leaks=0"},
                                        **(env or {})))
        return machine, trace

    def syncs(self, trace):
        with open(trace) as calls:
            return sum("sync(" in line and " = 0" in line for line in calls)

    def test_flush_reaches_the_disk(self):
        if not shutil.which("strace"):
            self.skipTest("no strace")
        path = self.image("disk.img", 1 << 20)
        machine, trace = self.counted(path)
        self.dma(machine, WRITE_DMA, 0)
        before = self.syncs(trace)
        self.assertFalse(self.flush(machine) & ERROR)
        self.assertGreater(self.syncs(trace), before)
        self.dma(machine, WRITE_DMA, 1)
        before = self.syncs(trace)
        tracer = machine.process.pid
        with open(f"/proc/{tracer}/task/{tracer}/children") as children:
            os.kill(int(children.read().split()[0]), signal.SIGTERM)
        machine.wait()
        self.assertGreater(self.syncs(trace), before)  # the end is a flush, too

    def test_written_before_the_end(self):
        """What the guest was told to be written is in the file after a SIGTERM, both engines."""
        for engine in ("threads", "auto"):
            path = self.image("disk.img", 1 << 20)
            machine = self.machine("-hda", path, env={"HVMDM_AIO": engine})
            machine.write(BUFFER, b"kept" * 128)
            self.assertFalse(self.dma(machine, WRITE_DMA, 77)[0] & ERROR)
            machine.stop()
            with open(path, "rb") as image:
                image.seek(77 * SECTOR)
                self.assertEqual(image.read(SECTOR), b"kept" * 128)


if __name__ == "__main__":
    hostile.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hvm disk, with qemu-img and qemu-io as the judges.  usage: HVM=path/to/hvm test_disk.py"""
import fcntl
import json
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unittest

HVM = os.path.abspath(os.environ.get("HVM", "hvm"))


class Disk(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="disk-")

    def tearDown(self):
        shutil.rmtree(self.dir)

    def run_in(self, *words):
        return subprocess.run(words, cwd=self.dir, capture_output=True, text=True, timeout=120)

    def good(self, *words):
        done = self.run_in(HVM, "disk", *words)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def bad(self, *words, status=1):
        done = self.run_in(HVM, "disk", *words)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr

    def qemu(self, *words):
        done = self.run_in(*words)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def check(self, image):
        self.qemu("qemu-img", "check", "-f", "qcow2", image)

    def fill(self, image, *commands, fmt="qcow2"):
        words = [word for command in commands for word in ("-c", command)]
        self.qemu("qemu-io", "-f", fmt, *words, image)

    def test_create(self):
        for words in ([], ["-c", "4K"], ["--v2"], ["-c", "2M"]):
            self.good("create", *words, "a.qcow2", "10G")
            self.check("a.qcow2")
            info = json.loads(self.qemu("qemu-img", "info", "--output=json", "a.qcow2"))
            self.assertEqual(info["virtual-size"], 10 << 30)
            self.assertIn("exists already", self.bad("create", "a.qcow2", "1G"))
            os.unlink(self.dir + "/a.qcow2")
        self.good("create", "a.img", "3M")
        self.assertEqual(os.path.getsize(self.dir + "/a.img"), 3 << 20)
        self.assertIn("how large", self.bad("create", "b.qcow2"))
        self.assertIn("is no size", self.bad("create", "b.qcow2", "big"))
        self.assertIn("cannot be made", self.bad("create", "-f", "vdi", "b", "1G"))
        self.bad("create", "--repair", "b.qcow2", "1G", status=2)

    def test_backing_and_convert(self):
        self.good("create", "-f", "raw", "base", "20M")
        self.fill("base", "write -P 1 0 1M", "write -P 2 5M 70k", fmt="raw")
        self.assertIn("-b needs -F", self.bad("create", "-b", "base", "top.qcow2"))
        self.good("create", "-b", "base", "-F", "raw", "top.qcow2")
        self.fill("top.qcow2", "read -P 1 0 1M", "write -P 3 5M 10k", "write -P 4 19M 1M")
        self.good("convert", "top.qcow2", "flat.img")
        self.qemu("qemu-img", "compare", "-f", "qcow2", "-F", "raw", "top.qcow2", "flat.img")
        done = self.run_in(HVM, "disk", "convert", "-p", "--cluster-size", "16K", "flat.img", "again.qcow2")
        self.assertIn("(100.0/100%)", done.stderr)
        self.check("again.qcow2")
        self.qemu("qemu-img", "compare", "top.qcow2", "again.qcow2")
        info = json.loads(self.good("info", "--json", "top.qcow2"))
        theirs = json.loads(self.qemu("qemu-img", "info", "--output=json", "top.qcow2"))
        for key in ("virtual-size", "format", "cluster-size", "backing-filename",
                    "backing-filename-format", "dirty-flag"):
            self.assertEqual(info[key], theirs[key])

    def test_compressed(self):
        self.good("create", "a.img", "4M")
        self.fill("a.img", "write -P 1 0 3M", fmt="raw")
        for kind in ("zlib", "zstd"):
            self.qemu("qemu-img", "convert", "-c", "-O", "qcow2", "-o", "compression_type=" + kind,
                      "a.img", kind + ".qcow2")
            self.good("convert", kind + ".qcow2", kind + ".img")
            self.qemu("qemu-img", "compare", "-f", "raw", "-F", "raw", "a.img", kind + ".img")

    def scribble(self, image, size):
        """Runs of noise, of one byte and of nothing, of all lengths, at odd places; the last sector is written."""
        noise = random.Random(size)
        with open(self.dir + "/" + image, "wb") as file:
            file.truncate(size)
            at = 0
            while at < size - 512:
                length = min(noise.choice([512, 5000, 70000, 1 << 20]), size - 512 - at)
                if noise.random() < 0.6:
                    file.seek(at)
                    file.write(noise.randbytes(length) if noise.random() < 0.5 else b"\x37" * length)
                at += length + noise.randrange(300000)
            file.seek(size - 512)
            file.write(b"last" * 128)

    def test_packing(self):
        """What -c makes, qemu-img finds whole and equal, and our own reader, too; and it is smaller."""
        for size in (512, 3 << 20, (40 << 20) + 512):
            self.scribble("a.img", size)
            for words in ([], ["--cluster-size", "4K"], ["--cluster-size", "2M"], ["--v2"]):
                done = self.run_in(HVM, "disk", "convert", "-c", "-p", *words, "a.img", "a.qcow2")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("(100.0/100%)", done.stderr)
                self.check("a.qcow2")
                self.qemu("qemu-img", "compare", "-f", "raw", "-F", "qcow2", "a.img", "a.qcow2")
                self.good("convert", "a.qcow2", "b.img")
                self.qemu("cmp", "a.img", "b.img")
                checked = json.loads(self.good("check", "--json", "a.qcow2"))
                if size > 1 << 20:
                    self.assertGreater(checked["compressed-clusters"], 0)
                info = json.loads(self.qemu("qemu-img", "info", "--output=json", "a.qcow2"))
                self.assertFalse(info["dirty-flag"])
                os.unlink(self.dir + "/a.qcow2")
                os.unlink(self.dir + "/b.img")
        self.good("create", "z.img", "64M")
        with open(self.dir + "/z.img", "r+b") as file:
            file.write(b"text " * (8 << 20))
        self.good("convert", "-c", "z.img", "z.qcow2")
        self.assertLess(os.path.getsize(self.dir + "/z.qcow2"), 1 << 20)
        # Written to afterwards, by us and by others.
        self.fill("z.qcow2", "write -P 9 1M 300k", "write -P 8 7M 10k")
        self.check("z.qcow2")
        self.assertIn("cannot be compressed", self.bad("convert", "-c", "-O", "vpc", "z.img", "z.vhd"))
        self.assertFalse(os.path.exists(self.dir + "/z.vhd"))

    def test_vhd_is_made(self):
        size = (40 << 20) + 512
        self.scribble("a.img", size)
        for words in ([], ["--fixed"]):
            self.good("create", *words, "new.vhd", "5G")
            info = json.loads(self.qemu("qemu-img", "info", "-f", "vpc", "--output=json", "new.vhd"))
            self.assertEqual(info["virtual-size"], 5 << 30)
            self.assertEqual(json.loads(self.good("info", "--json", "new.vhd"))["virtual-size"], 5 << 30)
            self.fill("new.vhd", "read -P 0 1G 1M", "write -P 1 4G 1M", "read -P 1 4G 1M", fmt="vpc")
            self.good("convert", *words, "a.img", "a.vhd")
            self.qemu("qemu-img", "compare", "-f", "raw", "-F", "vpc", "a.img", "a.vhd")
            self.good("convert", "a.vhd", "b.img")
            self.qemu("cmp", "a.img", "b.img")
            self.good("convert", "-c", "a.vhd", "a.qcow2")
            self.check("a.qcow2")
            self.qemu("qemu-img", "compare", "-f", "vpc", "-F", "qcow2", "a.vhd", "a.qcow2")
            for name in ("new.vhd", "a.vhd", "b.img", "a.qcow2"):
                os.unlink(self.dir + "/" + name)
        self.assertIn("2040 GiB", self.bad("create", "big.vhd", "3T"))
        self.assertFalse(os.path.exists(self.dir + "/big.vhd"))
        self.assertIn("only a VHD", self.bad("create", "--fixed", "a.qcow2", "1G"))

    def test_vmdk_is_read(self):
        """monolithicSparse and streamOptimized as qemu-img makes them; the others are refused by name."""
        size = (40 << 20) + 512
        self.scribble("a.img", size)
        for kind in ("monolithicSparse", "streamOptimized", "monolithicSparse,zeroed_grain=on"):
            self.qemu("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=" + kind,
                      "a.img", "a.vmdk")
            self.assertEqual(json.loads(self.good("info", "--json", "a.vmdk"))["virtual-size"], size)
            self.good("convert", "a.vmdk", "b.img")
            self.qemu("cmp", "a.img", "b.img")
            self.good("convert", "-c", "a.vmdk", "a.qcow2")
            self.qemu("qemu-img", "compare", "-f", "raw", "-F", "qcow2", "a.img", "a.qcow2")
            for name in ("a.vmdk", "b.img", "a.qcow2"):
                os.unlink(self.dir + "/" + name)
        for kind in ("monolithicFlat", "twoGbMaxExtentSparse", "twoGbMaxExtentFlat"):
            self.qemu("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=" + kind,
                      "a.img", "a.vmdk")
            self.assertIn(kind, self.bad("convert", "a.vmdk", "b.img"))
        self.assertIn("several files", self.bad("convert", "-f", "vmdk", "a-s001.vmdk", "b.img"))
        self.assertIn("not a VMDK", self.bad("convert", "-f", "vmdk", "a.img", "b.img"))
        self.qemu("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "a.img", "base.vmdk")
        self.qemu("qemu-img", "create", "-f", "vmdk", "-b", "base.vmdk", "-F", "vmdk", "top.vmdk")
        self.assertIn("differences to a parent", self.bad("info", "top.vmdk"))
        self.assertIn("cannot be made", self.bad("create", "new.vmdk", "1G"))
        self.assertFalse(os.path.exists(self.dir + "/b.img"))

    def test_snapshots(self):
        self.good("create", "-c", "4K", "a.qcow2", "20M")
        self.fill("a.qcow2", "write -P 1 0 3M")
        self.good("snapshot", "-c", "one", "a.qcow2")
        self.check("a.qcow2")
        self.fill("a.qcow2", "write -P 2 1M 3M")
        self.good("snapshot", "-c", "two", "a.qcow2")
        self.good("resize", "a.qcow2", "+2G")
        self.check("a.qcow2")
        self.assertIn("already has", self.bad("snapshot", "-c", "two", "a.qcow2"))
        names = [s["name"] for s in json.loads(self.good("snapshot", "--json", "a.qcow2"))]
        self.assertEqual(names, ["one", "two"])
        self.good("snapshot", "-a", "one", "a.qcow2")
        self.check("a.qcow2")
        self.fill("a.qcow2", "read -P 1 0 3M", "read -P 0 3M 17M")
        self.good("snapshot", "-a", "2", "a.qcow2")
        self.fill("a.qcow2", "read -P 1 0 1M", "read -P 2 1M 3M")
        for name in ("one", "two"):
            self.good("snapshot", "-d", name, "a.qcow2")
            self.check("a.qcow2")
        self.assertIn("no snapshot", self.bad("snapshot", "-d", "one", "a.qcow2"))
        self.fill("a.qcow2", "read -P 1 0 1M", "read -P 2 1M 3M")

    def test_check_and_repair(self):
        self.good("create", "a.qcow2", "20M")
        self.fill("a.qcow2", "write -P 1 0 3M")
        image = open(self.dir + "/a.qcow2", "r+b", buffering=0)
        block = int.from_bytes(os.pread(image.fileno(), 8, 65536), "big")
        os.pwrite(image.fileno(), b"\0\1", block + 2 * 200)  # a cluster that nobody uses
        self.bad("check", "a.qcow2", status=3)
        os.pwrite(image.fileno(), b"\0\0", block + 2 * 6)
        self.bad("check", "a.qcow2", status=2)
        self.bad("check", "--repair=leaks", "a.qcow2", status=2)
        self.assertIn("repaired", self.good("check", "--repair", "a.qcow2"))
        self.check("a.qcow2")
        os.pwrite(image.fileno(), bytes(8), 65536)  # no refcounts at all
        self.bad("check", "a.qcow2", status=2)
        self.good("check", "--repair", "a.qcow2")
        self.check("a.qcow2")
        self.fill("a.qcow2", "read -P 1 0 3M")
        image.close()

    def test_resize(self):
        self.good("create", "a.img", "3M")
        self.good("resize", "a.img", "5M")
        self.assertIn("--shrink", self.bad("resize", "a.img", "1M"))
        self.good("resize", "--shrink", "a.img", "1M")
        self.assertEqual(os.path.getsize(self.dir + "/a.img"), 1 << 20)
        self.good("create", "a.qcow2", "3M")
        self.assertIn("smaller", self.bad("resize", "a.qcow2", "1M"))

    def test_busy(self):
        self.good("create", "a.qcow2", "3M")
        # As QEMU and hvmdm claim an image: "I write", "I bear nobody who writes".
        with open(self.dir + "/a.qcow2", "rb") as user:
            for byte in (101, 201):
                claim = struct.pack("hhqqi4x", fcntl.F_RDLCK, os.SEEK_SET, byte, 1, 0)
                fcntl.fcntl(user, fcntl.F_OFD_SETLK, claim)
            said = self.bad("snapshot", "-c", "one", "a.qcow2")
            self.assertIn("process %d" % os.getpid(), said)
            self.good("info", "a.qcow2")
        self.good("snapshot", "-c", "one", "a.qcow2")

    def test_content_is_not_believed(self):
        """A raw disk into which a guest wrote a qcow2 header is copied as it is."""
        self.good("create", "evil.qcow2", "1M")
        os.rename(self.dir + "/evil.qcow2", self.dir + "/disk.img")
        self.good("convert", "disk.img", "copy.img")
        with open(self.dir + "/disk.img", "rb") as one, open(self.dir + "/copy.img", "rb") as two:
            self.assertEqual(one.read(), two.read())


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Media made on the fly, written out by 'hvm disk convert' and read by other people's programs: isoinfo, xorriso, bsdtar, 7z.

usage: HVM=path/to/hvm test_media.py"""
import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest

HVM = os.path.abspath(os.environ.get("HVM", "hvm"))
SECTOR = 2048
# As long as a name can be where records have no continuation.
LONG = "n" * 90 + ".txt"
VERY_LONG = "v" * 251 + ".txt"


def write(path, content):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(content)


def read(path):
    with open(path, "rb") as file:
        return file.read()


def tree(top):
    """Files by path, directories as None."""
    found = {}
    for folder, folders, files in os.walk(top):
        for name in folders:
            found[os.path.relpath(os.path.join(folder, name), top)] = None
        for name in files:
            path = os.path.join(folder, name)
            found[os.path.relpath(path, top)] = os.readlink(path).encode() if os.path.islink(path) else read(path)
    return found


def le(data, at, size):
    return int.from_bytes(data[at : at + size], "little")


def crc16(data):
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xFFFF
    return crc


class Udf:
    """Reads a UDF file system as strictly as ECMA-167 has it: each tag's checksum, CRC and location."""

    def __init__(self, data):
        self.data = data
        self.sectors = len(data) // SECTOR
        anchors = [self.tag(sector, 2) for sector in (256, self.sectors - 1)]
        assert anchors[0][16:32] == anchors[1][16:32]
        for at in (16, 24):
            start = le(anchors[0], at + 4, 4)
            found = {le(data, sector * SECTOR, 2): self.tag(sector) for sector in range(start, start + le(anchors[0], at, 4) // SECTOR)
                     if le(data, sector * SECTOR, 2)}
            self.start, self.length = le(found[5], 188, 4), le(found[5], 192, 4)
            assert self.start + self.length < self.sectors
        volume = found[6]
        integrity = self.tag(le(volume, 436, 4), 9)
        assert le(integrity, 84, 4) == self.length
        self.counts = le(integrity, 88 + 32, 4), le(integrity, 88 + 36, 4)
        self.next_id = le(integrity, 40, 8)
        self.root = le(self.block(le(volume, 252, 4), 256), 404, 4)
        self.seen = set()

    def tag(self, sector, number=None, location=None):
        return self.check(self.data[sector * SECTOR : (sector + 1) * SECTOR], sector if location is None else location, number)

    def block(self, block, number=None):
        assert block < self.length, block
        return self.tag(self.start + block, number, block)

    @staticmethod
    def check(tag, location, number):
        assert number in (None, le(tag, 0, 2)), (le(tag, 0, 2), number)
        assert tag[4] == (sum(tag[:16]) - tag[4]) & 0xFF
        assert le(tag, 8, 2) == crc16(tag[16 : 16 + le(tag, 10, 2)])
        assert le(tag, 12, 4) == location, (le(tag, 12, 4), location)
        return tag

    def content(self, block, kind):
        entry = self.block(block, 261)
        assert entry[27] == kind
        self.seen.add(block)
        # Those of hard links, and of the same file in other trees, are not among our images.
        assert le(entry, 160, 8) == 0 or le(entry, 160, 8) < self.next_id
        at, flags = 176 + le(entry, 168, 4), le(entry, 34, 2) & 7
        size, length = le(entry, 56, 8), le(entry, 172, 4)
        if flags == 3:
            return entry[at : at + size], None
        extents = [(le(entry, at + i, 4), le(entry, at + i + 4, 4)) for i in range(0, length, 8 if flags == 0 else 16)]
        assert sum(extent[0] for extent in extents) == size
        assert all(b + (n + SECTOR - 1) // SECTOR <= self.length for n, b in extents)
        found = b"".join(self.data[(self.start + b) * SECTOR :][:n] for n, b in extents)
        return found, extents[0][1] if extents else None

    def tree(self, block=None, above=""):
        found, block = {}, self.root if block is None else block
        listing, first = self.content(block, 4)
        at = 0
        while at < len(listing):
            fid = listing[at:]
            self.check(fid, first + at // SECTOR, 257)
            length = (38 + fid[19] + le(fid, 36, 2) + 3) & ~3
            name = fid[38 + le(fid, 36, 2) :][: fid[19]]
            at += length
            icb = le(fid, 24, 4)
            if fid[18] & 8:
                continue
            name = above + (name[1:].decode("latin-1") if name[0] == 8 else name[1:].decode("utf-16-be"))
            assert name not in found
            if fid[18] & 2:
                found[name] = None
                found.update(self.tree(icb, name + "/"))
            else:
                found[name] = self.content(icb, 5)[0]
        return found


class Media(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="media-")
        self.random = random.Random(1)

    def tearDown(self):
        subprocess.run(["chmod", "-R", "u+w", self.dir], check=False)
        shutil.rmtree(self.dir)

    def path(self, name):
        return os.path.join(self.dir, name)

    def write(self, name, content):
        write(self.path(name), content)

    def bytes(self, count):
        return self.random.randbytes(count)

    def run_in(self, *words):
        return subprocess.run(words, cwd=self.dir, capture_output=True, timeout=120, check=False)

    def good(self, *words):
        done = self.run_in(*words)
        self.assertEqual(done.returncode, 0, (words, done.stdout, done.stderr))
        return done.stdout.decode("utf-8", "replace")

    def bad(self, source):
        """The sentence with which making a medium is refused."""
        done = self.run_in(HVM, "disk", "convert", source, "refused.iso")
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertFalse(os.path.exists(self.path("refused.iso")))
        return done.stderr.decode()

    def convert(self, source, target):
        self.good(HVM, "disk", "convert", source, target)

    def unpack(self, image, tool="bsdtar"):
        """The tree that another program sees."""
        target = self.path(image + "." + tool)
        os.makedirs(target)
        if tool == "bsdtar":
            self.good("bsdtar", "-xf", image, "-C", target)
        elif tool == "xorriso":
            self.good("xorriso", "-osirrox", "on", "-indev", image, "-extract", "/", target)
        else:
            # Joliet's tree, or UDF's if there is one.
            self.good("7z", "x", "-y", "-o" + target, image)
        subprocess.run(["chmod", "-R", "u+rwX", target], check=True)
        return tree(target)

    def file_lbas(self, image):
        """Where files' content lies, by path."""
        listing = self.good("xorriso", "-indev", image, "-find", "/", "-type", "f", "-exec", "report_lba", "--")
        return {
            match[2]: int(match[1])
            for match in re.finditer(r"^File data lba: +0 , +(\d+) , +\d+ , +\d+ , '(.*)'$", listing, re.M)
        }

    def make_source(self, long=LONG):
        self.write("src/boot/boot.img", self.bytes(40000))
        self.write("src/boot/boot.cfg", b"default linux\n")
        self.write("src/README.txt", b"read me\n")
        self.write("src/pool/main/a/" + long, self.bytes(5000))
        self.write("src/pool/main/b/big.deb", self.bytes(100000))
        os.makedirs(self.path("src/empty directory"))
        os.symlink("README.txt", self.path("src/link"))

    def make_answers(self):
        self.write("answers/preseed.cfg", b"d-i debconf/priority string critical\n")
        self.write("answers/autounattend.xml", b"<unattend/>\n")
        self.write("answers/boot/boot.cfg", b"default automatic\n" * 300)
        self.write("answers/POOL/Main/c/new.deb", self.bytes(200000))
        self.write("answers/$WinPEDriver$/net/netkvm.inf", b"[Version]\r\n")
        self.write("answers/empty", b"")
        self.write("answers/unicode/ünïcödé-\U0001f600.txt", b"names\n")
        for number in range(60):
            self.write("answers/many/file-%d-with a longer name.dat" % number, b"%d" % number)

    def merged(self):
        """What a reader shall see; POOL/Main is the directory pool/main."""
        expected = tree(self.path("src"))
        for name, content in tree(self.path("answers")).items():
            name = re.sub("^POOL", "pool", name)
            expected[re.sub("^pool/Main", "pool/main", name)] = content
        return expected

    def make_image(self, tool, *options):
        self.good(*tool, "-o", "base.iso", "-V", "INSTALL", "-b", "boot/boot.img", "-c", "boot/boot.cat", "-no-emul-boot",
                  "-boot-load-size", "4", "-boot-info-table", *options, "src")

    def check_untouched(self, image):
        """Content and boot catalogue are where they were, byte for byte; only descriptors and directories differ."""
        before, after = self.file_lbas("base.iso"), self.file_lbas(image)
        replaced = {"/boot/boot.cfg"}
        for name, lba in before.items():
            if name not in replaced:
                self.assertEqual(after[name], lba, name)
        old, new = read(self.path("base.iso")), read(self.path(image))
        self.assertGreater(len(new), len(old))
        for name, lba in before.items():
            size = os.path.getsize(self.path("src") + name) if os.path.exists(self.path("src") + name) else SECTOR
            self.assertEqual(old[lba * SECTOR : lba * SECTOR + size], new[lba * SECTOR : lba * SECTOR + size], name)
        torito = [self.good("xorriso", "-indev", name, "-report_el_torito", "plain") for name in ("base.iso", image)]
        self.assertEqual(*torito)
        self.assertIn("boot.img", torito[0])
        catalogue = int.from_bytes(old[17 * SECTOR + 71 : 17 * SECTOR + 75], "little")
        self.assertEqual(old[17 * SECTOR : 18 * SECTOR], new[17 * SECTOR : 18 * SECTOR])
        self.assertEqual(old[catalogue * SECTOR : (catalogue + 1) * SECTOR], new[catalogue * SECTOR : (catalogue + 1) * SECTOR])

    def check_volume_sizes(self, image):
        """Every descriptor counts all sectors, in both byte orders."""
        data = read(self.path(image))
        for sector in range(16, 32):
            vd = data[sector * SECTOR : (sector + 1) * SECTOR]
            if vd[0] == 255:
                break
            if vd[0] in (1, 2):
                self.assertEqual(int.from_bytes(vd[80:84], "little") * SECTOR, len(data))
                self.assertEqual(int.from_bytes(vd[84:88], "big") * SECTOR, len(data))

    def compare(self, found):
        """The boot loader's information table is patched into the image by who makes it."""
        expected = self.merged()
        found.pop("boot/boot.cat", None)
        self.assertEqual(found["boot/boot.img"][64:], expected["boot/boot.img"][64:])
        found["boot/boot.img"] = expected["boot/boot.img"]
        self.assertEqual(sorted(found), sorted(expected))
        self.assertEqual(found, expected)

    def check_overlay(self, tool, *options, long=LONG):
        self.make_source(long)
        self.make_answers()
        self.make_image(tool, *options)
        self.convert("overlay:answers,base.iso", "merged.iso")
        self.check_volume_sizes("merged.iso")
        self.check_untouched("merged.iso")

    def test_overlay_genisoimage(self):
        self.check_overlay(["genisoimage", "-quiet"], "-R", "-J")
        self.compare(self.unpack("merged.iso"))
        self.compare(self.unpack("merged.iso", "xorriso"))
        self.check_joliet("merged.iso")

    def test_overlay_xorriso(self):
        self.check_overlay(["xorriso", "-as", "mkisofs"], "-R", "-J", "-joliet-long")
        self.compare(self.unpack("merged.iso"))
        self.compare(self.unpack("merged.iso", "xorriso"))
        joliet = self.unpack("merged.iso", "7z")
        joliet["link"] = b"README.txt"  # Joliet has no links
        self.compare({name: content for name, content in joliet.items() if not name.startswith("[BOOT]")})

    def check_joliet(self, image):
        """isoinfo lists the tree of Windows, and reads files from it."""
        listing = set(self.good("isoinfo", "-J", "-f", "-i", image).splitlines())
        for name in ("/autounattend.xml;1", "/$WinPEDriver$/net/netkvm.inf;1", "/pool/main/c/new.deb;1", "/README.txt"):
            self.assertIn(name, listing)
        content = self.run_in("isoinfo", "-J", "-i", image, "-x", "/pool/main/c/new.deb;1").stdout
        self.assertEqual(content, read(self.path("answers/POOL/Main/c/new.deb")))

    def check_udf(self, image, *wanted):
        udf = Udf(read(self.path(image)))
        found = udf.tree()
        files = sum(content is not None for content in found.values())
        self.assertEqual(udf.counts, (files, len(found) - files + 1))
        for name in wanted:
            self.assertIn(name, found)
        return found

    def test_overlay_udf(self):
        """As on Windows' installation media: all three trees."""
        self.check_overlay(["genisoimage", "-quiet"], "-R", "-J", "-udf", long="short.txt")
        os.unlink(self.path("src/link"))  # genisoimage makes it an empty file
        for found in (self.unpack("merged.iso", "7z"), self.check_udf("merged.iso")):
            found = {name: content for name, content in found.items() if not name.startswith("[BOOT]")}
            self.assertEqual(found.pop("link"), b"")
            self.compare(found)
        xorriso = self.unpack("merged.iso", "xorriso")
        self.assertEqual(xorriso.pop("link"), b"README.txt")
        self.compare(xorriso)
        # Over what has been merged, once more.
        self.write("more/boot/another", b"second\n")
        self.write("more/unicode/new/\u0416", b"third\n")
        self.convert("overlay:more,merged.iso", "again.iso")
        found = self.check_udf("again.iso", "boot/another", "unicode/new/\u0416", "autounattend.xml")
        self.assertEqual(found["boot/another"], b"second\n")
        self.check_volume_sizes("again.iso")

    def test_udf_only(self):
        """With a tree of ISO 9660 that holds nothing: a name that matches but for its letters' case."""
        self.write("src/SOURCES/Setup.exe", b"MZ" * 3000)
        self.write("src/SOURCES/big.wim", self.bytes(3 << 20))
        self.write("answers/sources/setup.EXE", b"NEW")
        self.write("answers/sources/$OEM$/$1/x.cmd", b"rem\r\n")
        self.good("genisoimage", "-quiet", "-udf", "-hide", "*", "-o", "base.iso", "src")
        self.convert("overlay:answers,base.iso", "merged.iso")
        found = self.check_udf("merged.iso", "SOURCES/$OEM$/$1/x.cmd")
        self.assertEqual(found["SOURCES/Setup.exe"], b"NEW")
        self.assertEqual(found["SOURCES/big.wim"], read(self.path("src/SOURCES/big.wim")))
        self.write("answers/" + "\u0416" * 127, b"")
        self.assertIn("name too long for UDF", self.bad("overlay:answers,base.iso"))

    def test_overlay_plain(self):
        """Without Rock Ridge and Joliet: identifiers in capitals, and what ISO 9660 makes of names."""
        self.make_source()
        os.unlink(self.path("src/link"))
        self.make_answers()
        self.good("genisoimage", "-quiet", "-iso-level", "2", "-o", "base.iso", "src")
        self.convert("overlay:answers,base.iso", "merged.iso")
        self.check_volume_sizes("merged.iso")
        listing = set(self.good("isoinfo", "-f", "-i", "merged.iso").splitlines())
        self.assertIn("/AUTOUNATTEND.XML;1", listing)
        self.assertIn("/$WINPEDRIVER$/NET/NETKVM.INF;1", listing)
        self.assertIn("/POOL/MAIN/C/NEW.DEB;1", listing)
        content = self.run_in("isoinfo", "-i", "merged.iso", "-x", "/BOOT/BOOT.CFG;1").stdout
        self.assertEqual(content, read(self.path("answers/boot/boot.cfg")))

    def test_overlay_of_nothing(self):
        """An empty directory changes no directory, and no file."""
        self.make_source()
        self.make_image(["genisoimage", "-quiet"], "-R", "-J")
        os.makedirs(self.path("answers"))
        self.convert("overlay:answers,base.iso", "merged.iso")
        old, new = read(self.path("base.iso")), read(self.path("merged.iso"))
        changed = {at // SECTOR for at in range(0, len(old), SECTOR) if old[at : at + SECTOR] != new[at : at + SECTOR]}
        self.assertEqual(changed, {16, 18})

    def test_very_long_names(self):
        """Names that need a continuation; libarchive does not find those that lie behind what it has read."""
        self.make_source()
        self.write("src/pool/" + VERY_LONG, b"old\n")
        self.write("answers/pool/new" + VERY_LONG[3:], b"new\n")
        self.write("answers/deep/" + VERY_LONG, b"deep\n")
        self.make_image(["xorriso", "-as", "mkisofs"], "-R")
        self.convert("overlay:answers,base.iso", "merged.iso")
        found = self.unpack("merged.iso", "xorriso")
        self.compare(found)
        listing = self.good("isoinfo", "-R", "-f", "-i", "merged.iso").splitlines()
        self.assertIn("/pool/" + VERY_LONG, listing)
        self.assertIn("/pool/new" + VERY_LONG[3:], listing)

    def test_directory(self):
        self.make_answers()
        self.write("answers/" + VERY_LONG, b"long\n")
        self.write("answers/big", self.bytes(3 << 20))
        os.symlink("boot/boot.cfg", self.path("answers/inside"))
        os.chmod(self.path("answers/preseed.cfg"), 0o755)
        self.convert("dir:answers/", "cd.iso")
        self.check_volume_sizes("cd.iso")
        expected = tree(self.path("answers"))
        expected["inside"] = expected["boot/boot.cfg"]
        self.assertEqual(self.unpack("cd.iso"), expected)
        self.assertEqual(self.unpack("cd.iso", "xorriso"), expected)
        joliet = self.unpack("cd.iso", "7z")
        joliet[VERY_LONG] = joliet.pop("v" * 60 + ".txt")
        self.assertEqual(joliet, expected)
        self.assertTrue(os.access(self.path("cd.iso.xorriso/preseed.cfg"), os.X_OK))
        said = self.good("isoinfo", "-d", "-i", "cd.iso")
        self.assertIn("Volume id: ANSWERS", said)
        self.assertIn("Joliet with UCS level 3 found", said)
        self.assertIn("Rock Ridge signatures version 1 found", said)
        joliet = self.good("isoinfo", "-J", "-f", "-i", "cd.iso").splitlines()
        self.assertEqual(len(joliet), len(expected))
        # The same directory makes the same CD.
        self.convert("dir:answers", "again.iso")
        self.assertEqual(read(self.path("cd.iso")), read(self.path("again.iso")))

    def floppy_tree(self, image):
        """What mtools read; they need not know where a directory's clusters lie to the last."""
        target = self.path("floppy.tree")
        os.makedirs(target)
        self.good("mcopy", "-s", "-n", "-m", "-i", image, "::/", target)
        # mcopy makes a directory of the root in some versions.
        return tree(target)

    def test_floppy(self):
        self.write("answers/winnt.sif", b"[Unattended]\r\n")
        self.write("answers/UPPER.TXT", b"1")
        self.write("answers/a name that is long.text", self.bytes(20000))
        self.write("answers/a name that is longer.text", b"2")
        self.write("answers/drivers/storage/viostor.sys", self.bytes(70001))
        self.write("answers/ünïcödé-\u0416.txt", b"3")
        self.write("answers/empty", b"")
        for number in range(40):
            self.write("answers/drivers/many with long names %d" % number, b"%d" % number)
        self.convert("floppy:answers", "a.img")
        self.assertEqual(os.path.getsize(self.path("a.img")), 1474560)
        self.good("fsck.fat", "-n", "-v", "a.img")
        self.assertEqual(self.floppy_tree("a.img"), tree(self.path("answers")))
        names = self.good("mdir", "-i", "a.img", "::/")
        self.assertIn("ANAMET~1 TEX", names)
        self.assertIn("ANAMET~2 TEX", names)
        self.assertIn("WINNT    SIF", names)
        self.convert("floppy:answers/", "b.img")
        self.assertEqual(read(self.path("a.img")), read(self.path("b.img")))

    def test_floppy_refused(self):
        self.write("answers/large", self.bytes(1423 << 10))
        self.convert("floppy:answers", "a.img")
        self.good("fsck.fat", "-n", "a.img")
        self.write("answers/one more", b"x" * 513)
        self.assertIn("more in it than the 1423 KiB", self.bad("floppy:answers"))
        os.unlink(self.path("answers/large"))
        for number in range(250):
            self.write("answers/%d" % number, b"")
        self.assertIn("more entries than the root", self.bad("floppy:answers"))
        shutil.rmtree(self.path("answers"))
        self.write("answers/a", b"")
        self.write("answers/A", b"")
        self.assertIn("but for the case", self.bad("floppy:answers"))

    def test_names_that_collide(self):
        """What becomes the same identifier gets a number."""
        for number in range(12):
            self.write("answers/" + "a" * 40 + "%02d.txt" % number, b"%d" % number)
            self.write("answers/" + "b" * 120 + "%02d.txt" % number, b"%d" % number)
        self.write("answers/a b", b"1")
        self.write("answers/a_b", b"2")
        self.write("answers/A", b"1")
        self.write("answers/a", b"2")
        # New ones may differ by the case of letters alone only on a new CD's Rock Ridge; here they are refused.
        self.assertIn("but for the case of letters", self.bad("dir:answers"))
        os.unlink(self.path("answers/A"))
        self.convert("dir:answers", "cd.iso")
        names = self.good("isoinfo", "-f", "-i", "cd.iso").splitlines()
        self.assertEqual(len(names), 27)
        self.assertEqual(len(set(names)), 27)
        joliet = self.good("isoinfo", "-J", "-f", "-i", "cd.iso").splitlines()
        self.assertEqual(len(set(joliet)), 27)
        self.assertEqual(self.unpack("cd.iso", "xorriso"), tree(self.path("answers")))

    def test_refused(self):
        self.make_source()
        self.make_image(["genisoimage", "-quiet"], "-R")
        os.makedirs(self.path("answers"))
        self.assertIn("cannot read directory 'nowhere'", self.bad("overlay:nowhere,base.iso"))
        self.assertIn("'nowhere.iso'", self.bad("overlay:answers,nowhere.iso"))
        self.assertIn("write dir:DIRECTORY", self.bad("overlay:answers"))
        self.assertIn("write dir:DIRECTORY", self.bad("dir:"))
        self.assertIn("no image of a CD", self.bad("overlay:answers,src/boot/boot.img"))
        self.write("answers/README.txt/x", b"")
        self.assertIn("'README.txt' of 'answers' is a directory, but a file on the CD", self.bad("overlay:answers,base.iso"))
        shutil.rmtree(self.path("answers/README.txt"))
        self.write("answers/boot", b"")
        self.assertIn("is a file, but a directory on the CD", self.bad("overlay:answers,base.iso"))
        os.unlink(self.path("answers/boot"))
        for target, said in (("/etc/passwd", "leads out of"), ("../src/README.txt", "leads out of"), (".", "lies in"),
                             ("missing", "missing"), ("loop", "leads nowhere")):
            os.symlink(target, self.path("answers/" + ("loop" if target == "loop" else "missing")))
            self.assertIn(said, self.bad("dir:answers"), target)
            os.unlink(self.path("answers/" + ("loop" if target == "loop" else "missing")))
        os.mkfifo(self.path("answers/pipe"))
        self.assertIn("neither a file nor a directory", self.bad("dir:answers"))
        os.unlink(self.path("answers/pipe"))
        whole = read(self.path("base.iso"))
        self.write("base.iso", whole[: len(whole) // 2])
        self.assertIn("not whole", self.bad("overlay:answers,base.iso"))

    def test_budgets(self):
        for number in range(513):
            self.write("answers/%d" % number, b"x" * (16 * 1024 + 1))
        self.assertIn("more than 512 files above 16 KiB", self.bad("dir:answers"))
        os.unlink(self.path("answers/0"))
        self.convert("dir:answers", "cd.iso")


if __name__ == "__main__":
    unittest.main()

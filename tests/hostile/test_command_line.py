#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Wrong command lines: one sentence on stderr, exit status 1, nothing left behind."""
import os
import shutil
import subprocess
import tempfile
import unittest

import hostile

# Files that the lines may name: D is the test's directory.
BASE = "-machine pc,accel=qtest -display none -qtest unix:D/test,server=on,wait=off"
FILES = BASE + " -pidfile D/pid -qmp unix:D/qmp,server=on,wait=off -vnc unix:D/vnc"
# What is wrong, and a word of the sentence that says so.
LINES = [
    ("-frobnicate", "frobnicate"),
    ("-drvie file=x", "did you mean '-drive'"),
    ("disk.img", "disk.img"),
    ("-m", "argument"),
    ("-m 0", "memory"),
    ("-m -5", "-5"),
    ("-m 1T", "memory"),
    ("-m 99999999999999999999", "99999999999999999999"),
    ("-m 12quux", "quux"),
    ("-smp 0", "cpus"),
    ("-smp 1000", "cpus"),
    ("-smp 4,maxcpus=2", "maxcpus"),
    ("-uuid 12", "UUID"),
    ("-uuid zzzzzzzz-0000-0000-0000-000000000000", "UUID"),
    ("-machine q35", "q35"),
    ("-machine pc,frob=1", "frob"),
    ("-machine pc,hpet=perhaps", "hpet"),
    ("-accel tcg", "tcg"),
    ("-accel", "argument"),
    ("-boot z", "'z'"),
    ("-boot cc", "twice"),
    ("-boot order=c,menu=vielleicht", "menu"),
    ("-rtc base=yesterday", "yesterday"),
    ("-rtc frob=1", "frob"),
    ("-vga qxl", "qxl"),
    (FILES + " -device cirrus-vga,vgamem_mb=32", "vgamem_mb"),
    (FILES + " -device cirrus-vga,edid=on", "edid"),
    (FILES + " -device cirrus-vga -device VGA", "one display card"),
    ("-display gtk", "gtk"),
    ("-sandbox perhaps", "perhaps"),
    ("-usbdevice bt", "tablet, mouse or keyboard"),
    ("-sandbox off -usbdevice tablet -usbdevice mouse -usbdevice keyboard", "all USB ports are taken"),
    ("-sandbox off -device usb-storage", "drive=ID"),
    ("-sandbox off -device usb-storage,drive=none", "id=none"),
    ("-sandbox off -device usb-tablet,port=3", "no port 3"),
    ("-sandbox off -device usb-tablet,port=1.1", "no port 1.1"),
    ("-sandbox off -device usb-tablet,bus=usb.7", "no USB bus"),
    ("-sandbox off -device ich9-usb-uhci1", "masterbus="),
    ("-sandbox off -device ich9-usb-uhci1,masterbus=x.0", "no such EHCI"),
    ("-sandbox off -device ich9-usb-ehci1,id=x -device ich9-usb-uhci1,masterbus=x.0,firstport=1", "0, 2 or 4"),
    ("-sandbox off -device usb-ehci -device usb-hub,bus=usb-bus.0", "USB ports"),
    ("-sandbox off -device usb-ehci,addr=1d.9", "PCI function"),
    ("-sandbox off -device usb-ehci,masterbus=x.0", "companions"),
    ("-sandbox off -device usb-uas", "usb-storage"),
    ("-net nci", "network type"),
    ("-kernel vmlinuz", "kernel"),
    ("-trace no_such_point", "no_such_point"),
    ("-D /nonexistent/log", "/nonexistent/log"),
    ("-global nonsense", "nonsense"),
    (FILES + " -hda D/absent.img", "absent.img"),
    (FILES + " -hda D", "directory"),
    (FILES + " -hda D/empty", "empty"),
    (FILES + " -hda D/pipe", "neither"),
    (FILES + " -cdrom D/pipe", "neither"),
    (FILES + " -hda /dev/null", "neither"),
    (FILES + " -drive file=D/disk.img,format=qcow2", "qcow2"),
    (FILES + " -drive file=D/disk.img,format=rwa", "rwa"),
    (FILES + " -drive file=D/disk.img,frob=1", "frob"),
    (FILES + " -drive file=D/disk.img,werror=perhaps", "perhaps"),
    (FILES + " -drive file=D/disk.img,cache=cold", "cold"),
    (FILES + " -drive file=D/disk.img,if=scsi", "scsi"),
    (FILES + " -drive file=D/disk.img,index=9", "index"),
    (FILES + " -drive file=D/disk.img,media=tape", "tape"),
    (FILES + " -drive file=D/disk.img,readonly=on,media=disk", "read-only"),
    (FILES + " -hda D/disk.img -hda D/disk.img", "already"),
    (FILES + " -hda D/disk.img -hdb D/disk.img", "disk.img"),
    (FILES + " -hda D/read-only", "read-only"),
    (FILES + " -device ide-hd,drive=none", "none"),
    (FILES + " -device ide-cd,bus=ide.7", "bus '7'"),
    (FILES + " -device ahci,id=s -device ide-cd,bus=s.6", "ports 0 to 5"),
    (FILES + " -device ahci,id=s -device ide-cd,bus=s.1,unit=1", "unit"),
    (FILES + " -device ahci,id=s -device ide-cd,bus=s.1 -device ide-cd,bus=s.1", "SATA port 1"),
    (FILES + " -device ahci,id=s -device ahci", "one SATA adapter"),
    (FILES + " -device ide-cd,bus=s.1", "bus 's.1'"),
    (FILES + " -device toaster", "toaster"),
    (FILES + " -device ide-cd,cyls=0", "cyls"),
    (FILES + " -k klingon", "klingon"),
    (FILES + " -vnc nonsense", "nonsense"),
    (FILES + " -vnc :99999", "99999"),
    (FILES + " -vnc unix:D/absent/vnc", "absent"),
    (FILES + " -serial frob:", "frob"),
    (FILES + " -serial file:D/absent/serial", "absent"),
    (FILES + " -serial unix:D/absent/socket", "absent"),
    (FILES + " -serial chardev:nobody", "nobody"),
    (FILES + " -chardev null", "id"),
    (FILES + " -chardev null,id=a -chardev null,id=a", "id=a"),
    (FILES + " -chardev frob,id=a", "frob"),
    (FILES + " -chardev socket,id=a", "socket"),
    (FILES + " -mon mode=control", "chardev"),
    (FILES + " -mon chardev=nobody,mode=control", "nobody"),
    (FILES + " -chardev null,id=a -mon chardev=a,mode=loud", "loud"),
    (FILES + " -chardev null,id=a -mon chardev=a -serial chardev:a", "in use"),
    (FILES + " -qmp unix:D/absent/q,server=on,wait=off", "absent"),
    (FILES + " -qmp tcp:127.0.0.1:99999999,server=on", "99999999"),
    (FILES + " -bios D/absent.bin", "absent.bin"),
    (FILES + " -bios D/empty", "empty"),
    (FILES + " -fw_cfg name=opt/x,file=D/absent", "absent"),
    (FILES + " -fw_cfg string=x", "name"),
    (FILES + " -smbios type=99,frob=1", "smbios"),
    (FILES + " -runas nobody-by-that-name", "nobody-by-that-name"),
    (FILES + " -pidfile D/absent/pid", "absent"),
    (FILES + " -incoming fd:77", "77"),
    ("-machine xenfv", "xen-domid"),
    ("-xen-domid abc", "abc"),
    ("-xen-attach", "paravirtual"),
    ("-d 5", "qemu-xen"),
    ("-spice port=1", "SPICE"),
]


class WrongCommandLines(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="hostile-")
        self.addCleanup(shutil.rmtree, self.dir)
        os.mkfifo(self.dir + "/pipe")
        for name, size in (("disk.img", 1 << 20), ("empty", 0), ("read-only", 1 << 20)):
            with open(f"{self.dir}/{name}", "wb") as out:
                out.truncate(size)
        os.chmod(self.dir + "/read-only", 0o444)
        self.before = sorted(os.listdir(self.dir))

    def start(self, words, **more):
        return subprocess.run([hostile.HVMDM, *words], stdin=subprocess.DEVNULL, cwd=self.dir,
                              capture_output=True, text=True, timeout=hostile.PATIENCE,
                              env=hostile.environment(), **more)

    def test_table(self):
        for line, word in LINES:
            with self.subTest(line=line):
                if line.endswith("-hda D/read-only") and os.geteuid() == 0:
                    continue  # nothing is read-only for root
                words = [part.replace("D/", self.dir + "/") if part != "D" else self.dir
                         for part in line.split()]
                for name in set(os.listdir(self.dir)) - set(self.before):
                    os.unlink(f"{self.dir}/{name}")
                done = self.start(words)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertEqual(done.stdout, "")
                sentences = done.stderr.splitlines()
                self.assertEqual(len(sentences), 1, done.stderr)
                self.assertIn(word, sentences[0])
                self.assertEqual(sorted(os.listdir(self.dir)), self.before, line)

    def test_second_start_leaves_the_first_alone(self):
        """The same command line twice: the second says why not and takes nothing from the first."""
        machine = hostile.Machine(self, "-hda", self.dir + "/disk.img", "-pidfile",
                                  self.dir + "/pid", vnc=True)
        files = ("-pidfile " + self.dir + "/pid -qmp unix:" + machine.dir +
                 "/qmp,server=on,wait=off -vnc unix:" + machine.dir + "/vnc").split()
        for wrong in (["-hda", self.dir + "/disk.img"], ["-frobnicate"], []):
            done = self.start(["-machine", "pc,accel=qtest", "-display", "none", *files, *wrong])
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
            with open(self.dir + "/pid") as pid:
                self.assertEqual(int(pid.read()), machine.process.pid)
            machine.alive()
            hostile.rfb_hello(machine.vnc())
        machine.stop()
        self.assertFalse(os.path.exists(self.dir + "/pid"))

    def test_full_standard_output(self):
        """-help into a full device or a closed pipe."""
        with open("/dev/full", "w") as full:
            done = subprocess.run([hostile.HVMDM, "-help"], stdout=full, stderr=subprocess.PIPE,
                                  env=hostile.environment(), timeout=hostile.PATIENCE)
        self.assertIn(done.returncode, (0, 1))

    def test_questions(self):
        for words in ("-help", "-h", "-version", "-machine help", "-device help", "-accel help",
                      "-trace help", "--help"):
            done = self.start(words.split())
            self.assertEqual((done.returncode, done.stderr), (0, ""), words)
            self.assertTrue(done.stdout, words)


if __name__ == "__main__":
    hostile.main()

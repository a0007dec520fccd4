#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""hvm from end to end: configurations to argument lists, and each verb on a device model that is
faked (fake_hvmdm.py). With HVM_REAL naming a real hvmdm and /dev/kvm at hand, on that, too.

usage: HVM=path/to/hvm test_hvm.py [--update]   (--update writes the vectors' expectations anew)
"""
import fcntl
import glob
import json
import os
import pty
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
HVM = os.path.abspath(os.environ.get("HVM", "hvm"))
FAKE = os.path.join(HERE, "fake_hvmdm.py")
UPDATE = "--update" in sys.argv
if UPDATE:
    sys.argv.remove("--update")


def plain(text, run):
    """What differs from host to host taken out."""
    text = text.replace(run, "@RUN@").replace(HERE, "@HERE@").replace(" -runas hvmdm", "")
    return "".join(line for line in text.splitlines(True) if "there is no user" not in line)


class Case(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="hvm-")
        self.run_dir = self.dir + "/run"
        self.record = self.dir + "/record"
        self.env = dict(os.environ, HVM_RUN_DIR=self.run_dir, HVMDM=FAKE,
                        FAKE_RECORD=self.record)
        self.env.pop("FAKE_MODE", None)

    def tearDown(self):
        for pid in glob.glob(self.run_dir + "/*/pid"):
            self.hvm("destroy", pid.split("/")[-2])
        shutil.rmtree(self.dir)

    def hvm(self, *words, stdin=None, **env):
        return subprocess.run([HVM, *words], env=dict(self.env, **env), input=stdin,
                              capture_output=True, text=True, timeout=60, cwd=self.dir)

    def good(self, *words, **more):
        done = self.hvm(*words, **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def bad(self, *words, status=1, **more):
        done = self.hvm(*words, **more)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done.stderr

    def config(self, text, name="guest.cfg"):
        path = f"{self.dir}/{name}"
        with open(path, "w") as out:
            out.write(text)
        return path

    def state(self, name):
        for guest in json.loads(self.good("list", "-l")):
            if guest["name"] == name:
                return guest["state"]
        return None

    def wait_state(self, name, wanted):
        for _ in range(500):
            if self.state(name) == wanted:
                return
            time.sleep(0.02)
        self.fail(f"{name} is {self.state(name)}, not {wanted}")

    def records(self):
        with open(self.record) as record:
            return record.read()


class Vectors(Case):
    """vectors/NAME.cfg gives NAME.out and NAME.err, and status 1 where NAME.out is empty."""

    def test_vectors(self):
        for path in sorted(glob.glob(HERE + "/vectors/*.cfg")):
            with self.subTest(os.path.basename(path)):
                with open(path) as source:
                    done = self.hvm("create", "-n", "-", stdin=source.read(), HVMDM="/hvmdm")
                self.assertEqual(done.returncode, 0 if done.stdout else 1)
                for text, kind in ((done.stdout, "out"), (done.stderr, "err")):
                    expected = path[:-3] + kind
                    if UPDATE:
                        with open(expected, "w") as out:
                            out.write(plain(text, self.run_dir))
                    with open(expected) as source:
                        self.assertEqual(plain(text, self.run_dir), source.read())


class Libxl(Case):
    """libxl-arguments.txt holds what libxl 4.17 really makes of some configurations: hvm makes the
    same, in the same order, but for the hypervisor's, the sockets' and the video card's words."""

    OTHERS = {"-xen-domid": 2, "-no-shutdown": 1, "-chardev": 2, "-mon": 2, "-machine": 2, "-m": 2,
              "-runas": 2, "-rtc": 2}

    def common(self, words):
        result = []
        while words:
            count = self.OTHERS.get(words[0], 0)
            if words[0] == "-device" and words[1].startswith(("cirrus-vga", "VGA")):
                count = 2
            if not count:
                result.append(words[0])
            words = words[max(count, 1):]
        return result

    def test_libxl(self):
        with open(HERE + "/libxl-arguments.txt") as source:
            lines = [line for line in source.read().splitlines() if line and line[0] != "#"]
        for config, expected in zip(lines[::2], lines[1::2]):
            with self.subTest(config):
                out = self.good("create", "-n", "-", stdin=config.replace(";;", "\n"))
                self.assertEqual(self.common(shlex.split(out)[1:]),
                                 self.common(shlex.split(expected)))


class Files(Case):
    """Malformed and hostile configurations: one sentence, status 1, nothing started."""

    def refuse(self, text, *wanted):
        error = self.bad("create", self.config(text))
        self.assertEqual(len(error.strip().splitlines()), 1, error)
        for word in wanted:
            self.assertIn(word, error)
        self.assertEqual(self.good("list").count("\n"), 1)

    def test_syntax(self):
        self.refuse('name = foo', "guest.cfg:1")
        self.refuse('name = "x', "guest.cfg:1")
        self.refuse('disk = [ "a"', "guest.cfg")
        self.refuse('import os\nname = "x"', "guest.cfg:1")
        self.refuse('=' * 5000)
        self.refuse('[' * 20000)

    def test_not_text(self):
        self.refuse('name = "x"\0', "not a text file")
        self.refuse('#' * 2000000, "too large")
        self.assertIn("cannot read", self.bad("create", self.dir + "/none.cfg"))
        self.assertIn("cannot read", self.bad("create", self.dir))

    def test_names(self):
        self.refuse('memory = 5', "name")
        for name in ("", ".", "..", "../x", "a/b", "-x", "7", "a,b", "a\x01b", "n" * 500):
            self.refuse(f'type="hvm"\nname = "{name}"', "name")

    def test_values(self):
        head = 'name = "x"; type = "hvm";'
        self.refuse(head + 'memory = 99999999999999999999', "memory")
        self.refuse(head + 'memory = "many"', "memory")
        self.refuse(head + 'memory = [ "5" ]', "memory", "list")
        self.refuse(head + 'vcpus = 0', "vcpus")
        self.refuse(head + 'vcpus = 4; maxvcpus = 2', "maxvcpus")
        self.refuse(head + 'boot = "x"', "boot")
        self.refuse(head + 'acpi = "maybe"', "acpi")
        self.refuse(head + 'uuid = "12"', "uuid")
        self.refuse(head + 'serial = [ "pty", "pty", "pty", "pty", "pty" ]', "serial")
        self.refuse(head + 'vga = "voodoo"', "vga")
        self.refuse(head + 'on_crash = "panic"', "on_crash")
        self.refuse(head + 'memroy = 512', "memroy", "'memory'")
        self.refuse(head + 'pci = [ "01:00.0" ]', "pci")
        self.refuse('name = "x"; type = "pv"', "type", "hvm")
        self.refuse('name = "x"; builder = "linux"', "builder")
        self.refuse(head + 'device_model = "/none/dm"', "/none/dm")

    def test_disks(self):
        head = 'name = "x"; type = "hvm"; disk = '
        for disk, word in (("/x,raw", "virtual device"), ("/x,raw,hde,w", "hde"),
                           ("/x,raw,sda,w", "SCSI"), ("/x,raw,hda,r", "read-only"),
                           ("/x,tar,hda,w", "tar"), ("/x,raw,hda,x", "access"),
                           ("/x,raw,hda,w,devtyp=disk", "devtype"), (",raw,hda,w", "image"),
                           ("/x,raw,hda1,w", "hda1"), ("a,b,c,d,e", "too many"), ("", "virtual")):
            self.refuse(f'{head}[ "{disk}" ]', word)
        self.refuse(head + '[ "/x,raw,hda,w", "/y,raw,xvda,w" ]', "same drive")
        self.refuse(head + '[ [ "/x" ] ]', "disk")
        self.refuse(head + '[ "/x,raw,hdc,cdrom" ]; cdrom = "/dev/cdrom"')


class Life(Case):
    def create(self, *words, text="", **more):
        path = self.config('name = "one"; type = "hvm"; memory = 64; serial = "pty"\n' + text)
        return self.good("create", *words, path, **more)

    def test_create_list_destroy(self):
        self.assertIn("127.0.0.1:0", self.create())
        self.assertEqual(sorted(os.listdir(self.run_dir + "/one")),
                         ["cmdline", "config", "folder", "keeper", "log", "pid", "qmp", "qmp-stat"])
        self.assertEqual(os.stat(self.run_dir + "/one").st_mode & 0o777, 0o700)
        with open(self.run_dir + "/one/pid") as source:
            pid = source.read().strip()
        head, line = self.good("list").splitlines()
        self.assertEqual(head.split(), ["Name", "PID", "Mem", "VCPUs", "State", "Time(s)"])
        self.assertEqual(line.split()[:5], ["one", pid, "64", "1", "running"])
        self.assertEqual(self.good("domid", "one").strip(), pid)
        self.assertEqual(self.good("list", pid).splitlines()[1].split()[0], "one")
        self.assertIn("running already", self.bad("create", self.dir + "/guest.cfg"))
        self.assertIn("fake: ready", self.good("log", "one"))
        self.assertIn("one", self.good("top", "-b", "-n", "1"))
        self.good("destroy", pid)
        self.assertFalse(os.path.exists(self.run_dir + "/one"))
        self.assertFalse(os.path.exists("/proc/" + pid))
        self.assertIn("no guest", self.bad("destroy", "one"))

    def test_two_guests(self):
        self.create()
        self.good("create", self.dir + "/guest.cfg", "name=two", "memory=128")
        self.assertEqual([line.split()[0] for line in self.good("list").splitlines()[1:]],
                         ["one", "two"])
        self.assertIn("did you mean 'two'", self.bad("pause", "twoo"))
        self.good("destroy", "one", "two")

    def test_pause(self):
        self.create("-p")
        self.assertEqual(self.state("one"), "prelaunch")
        self.good("unpause", "one")
        self.assertEqual(self.state("one"), "running")
        self.good("pause", "one")
        self.assertEqual(self.state("one"), "paused")

    def test_shutdown(self):
        self.create()
        self.good("shutdown", "-w", "one")
        self.wait_state("one", None)
        self.assertEqual(os.listdir(self.run_dir), [])
        self.create()
        self.good("shutdown", "-a", "-w")
        self.wait_state("one", None)

    def test_crash(self):
        self.create()
        self.assertIn("ended", self.bad("qemu-monitor-command", "one", "crash"))
        self.wait_state("one", "crashed")
        self.assertIn("signal 9", json.loads(self.good("list", "-l"))[0]["ended"])
        self.assertIn("crashed", self.bad("pause", "one"))
        self.assertIn("crashed", self.bad("create", self.dir + "/guest.cfg"))
        self.good("destroy", "one")
        self.assertEqual(self.good("list").count("\n"), 1)
        self.create()

    def test_crash_of_both(self):
        """The keeper is killed with its device model: the guest is still seen as crashed."""
        self.create()
        for file in ("keeper", "pid"):
            with open(f"{self.run_dir}/one/{file}") as source:
                os.kill(int(source.read()), signal.SIGKILL)
        self.wait_state("one", "crashed")
        self.good("destroy", "one")

    def test_stale_pid(self):
        """A process number that now is somebody else's is not taken for the guest's."""
        os.makedirs(self.run_dir + "/old")
        with open(self.run_dir + "/old/pid", "w") as out:
            out.write(f"{os.getpid()}\n")
        self.assertEqual(self.state("old"), "crashed")
        self.good("destroy", "old")
        self.assertFalse(os.path.exists(self.run_dir + "/old"))

    def test_odd_run_directory(self):
        os.makedirs(self.run_dir)
        for name in ("file", "-x", "..."):
            open(f"{self.run_dir}/{name}", "w").close()
        os.symlink("/etc", self.run_dir + "/link")
        self.assertEqual(self.good("list").count("\n"), 1)
        self.assertIn("absolute", self.bad("list", HVM_RUN_DIR="here"))
        self.assertIn("too long", self.bad(
            "create", self.config('name = "one"; type = "hvm"; memory = 1'),
            HVM_RUN_DIR=self.dir + "/" + "d" * 100))

    def test_does_not_start(self):
        path = self.config('name = "one"; type = "hvm"; memory = 64')
        for mode, word in (("die", "fake: cannot open the disk"), ("garbage", "control")):
            self.assertIn(word, self.bad("create", path, FAKE_MODE=mode))
            self.assertEqual(os.listdir(self.run_dir), [])
        self.assertIn("cannot start", self.bad("create", path, HVMDM="/none"))
        self.assertEqual(os.listdir(self.run_dir), [])

    def test_refusals(self):
        self.create(FAKE_MODE="refuse", text="vnc = 0")
        self.assertEqual(self.bad("pause", "one").strip(), "hvm: no 'by order'")
        self.assertEqual(self.state("one"), "no-answer")

    def test_stubborn(self):
        """A device model that does not heed SIGTERM is killed."""
        self.create(FAKE_MODE="stubborn")
        self.good("destroy", "one")
        self.assertEqual(os.listdir(self.run_dir), [])

    def test_password(self):
        self.create(text='vncpasswd = "secret"')
        self.assertIn('change-vnc-password {"password": "secret"}', self.records())

    def test_cd(self):
        self.create()
        iso = self.config("a disc", "cd.iso")
        self.good("cd-insert", "one", "hdc", iso)
        self.assertIn("medium a disc", self.records())
        self.assertIn('"filename": "/dev/fdset/0", "format": "raw", "id": "ide-5632"',
                      self.records())
        self.assertIn("fdset 0 removed", self.records())
        self.good("cd-eject", "one", "hdd")
        self.assertIn('eject {"id": "ide-5696"}', self.records())
        self.assertIn("cannot read", self.bad("cd-insert", "one", "hdc", "/none.iso"))
        self.assertIn("hdx", self.bad("cd-eject", "one", "hdx"))

    def test_floppy(self):
        self.create(text='fda = ""')
        image = self.config("a disk", "a.img")
        self.good("floppy-insert", "one", "fda", image)
        self.assertIn("medium a disk", self.records())
        self.assertIn('"id": "floppy0"', self.records())
        self.good("floppy-eject", "one", "fdb")
        self.assertIn('eject {"id": "floppy1"}', self.records())
        self.assertIn("fda or fdb", self.bad("floppy-insert", "one", "hda", image))

    def test_screenshot(self):
        self.create()
        self.good("screenshot", "one", "s.png")
        with open(self.dir + "/s.png", "rb") as picture:
            self.assertEqual(picture.read()[:4], b"\x89PNG")
        self.assertEqual(self.good("screenshot", "one").strip(), "one.png")
        self.assertIn("cannot write", self.bad("screenshot", "one", "/none/s.png"))
        self.assertEqual([f for f in os.listdir(self.dir) if f.endswith(".part")], [])

    def test_screen(self):
        self.create()
        self.assertEqual(self.good("screen", "one"), "boot: linux\n╔\n")
        self.assertEqual(self.good("screen", "--cursor", "one"), "boot: linux\n      ^\n╔\n")
        self.assertIn("0707", self.good("screen", "-a", "one"))
        self.assertEqual(json.loads(self.good("screen", "--json", "one"))["rows"], 2)

    def test_screen_with_a_picture(self):
        self.create(FAKE_MODE="picture")
        self.assertIn("screenshot one", self.bad("screen", "one"))

    def test_expect(self):
        self.create()
        self.assertEqual(self.good("expect", "one", "^boot: *"), "boot: linux\n")
        self.bad("expect", "one", "panic", "l[aeiou]nux", status=10)
        self.assertIn("time is over", self.bad("expect", "-t", "0.2", "one", "panic", status=3))
        self.assertEqual(self.good("expect", "--serial", "one", "^login: $"), "login: \n")
        self.assertEqual(self.good("expect", "--serial", "one", "\033"), ".[2Jclear\n")
        self.assertIn("no regular", self.bad("expect", "one", "(", status=2))
        self.assertIn("no number", self.bad("expect", "-t", "soon", "one", "x", status=2))

    def install(self, recipe, *words, **more):
        path = self.config(recipe, "r.recipe")
        return self.hvm("install", "-n", "inst", "-c", self.config("cd", "cd.iso"), "-d",
                        "disk.qcow2,1M", "-r", path, *words, **more)

    def test_install(self):
        done = self.install("""timeout 20
            watch linux key spc
            expect "^boot: linux"
            type "$what\\n"
            cd hdc eject
            milestone "typed"
            expect-serial "login: "
            type-serial "root\\n"
            wait still
            """, "--set", "what=hello", "vcpus=1")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.good("disk", "info", "--json", "disk.qcow2").count("1048576"), 1)
        self.assertIn('"text": "hello\\n"', self.records())
        self.assertIn("eject", self.records())
        self.assertIn(r"serial b'root\n'", self.records())
        with open(self.dir + "/inst.install/install.log") as lines:
            log = [json.loads(line) for line in lines]
        self.assertEqual(log[-1]["event"], "installed")
        self.assertIn("typed", [entry.get("text") for entry in log])
        self.assertTrue(os.path.exists(self.dir + "/inst.install/01-milestone.png"))
        self.assertEqual(os.listdir(self.run_dir), [])

    def test_install_that_goes_on(self):
        recipe = ('timeout 1\nexpect linux\nmilestone "begun"\ntype "once"\nmilestone "typed"\n'
                  'expect "%s"\nkey enter\n')
        done = self.install(recipe % "never", "--snapshots")
        self.assertEqual(done.returncode, 3)
        names = os.listdir(self.dir + "/inst.install")
        self.assertIn("5.guest", names)
        self.assertNotIn("3.guest", names)
        self.assertEqual(self.good("disk", "snapshot", "-l", "disk.qcow2").count("install-"), 1)
        self.assertIn("no longer at line 5", self.install("\n" + recipe % "linux", "-R").stderr)
        done = self.install(recipe % "linux", "--resume")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(self.records().count('"text": "once"'), 1)
        self.assertIn("incoming saved while paused", self.records())
        names = os.listdir(self.dir + "/inst.install")
        self.assertEqual([name for name in names if not name.endswith(".png")], ["install.log"])
        self.assertEqual(self.good("disk", "snapshot", "-l", "disk.qcow2").count("install-"), 0)
        with open(self.dir + "/inst.install/install.log") as lines:
            events = [json.loads(line)["event"] for line in lines]
        self.assertEqual(events.count("started"), 1)
        self.assertEqual(events.count("resumed"), 1)
        self.assertEqual(events[-1], "installed")
        self.assertIn("no milestone is kept", self.install(recipe % "linux", "-R").stderr)
        self.assertIn("qcow2", self.bad("install", "-d", "x.img", "-S", status=2))

    def test_install_of_a_guest_that_ends(self):
        done = self.install("expect linux\nwait shutdown\nmilestone off",
                            FAKE_MODE="shortlived")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_install_that_fails(self):
        done = self.install('timeout 1\nexpect "never"')
        self.assertEqual(done.returncode, 3)
        self.assertIn("line 2: 'never' has not come within 1 s", done.stderr)
        self.assertTrue(os.path.exists(self.dir + "/inst.install/01-failed.png"))
        done = self.install('fail-on linux "it is Linux"\nexpect never')
        self.assertEqual(done.returncode, 1)
        self.assertIn("it is Linux", done.stderr)
        done = self.install("expct x")
        self.assertIn("did you mean 'expect'", done.stderr)
        self.assertIn("cannot read the recipe", self.bad("install", "-c", "x", "-r", "none"))
        self.assertIn("give its size", self.bad("install", "-d", "new.img"))
        self.bad("install", status=2)

    def test_wait(self):
        self.create()
        self.good("wait", "one", "idle")
        self.good("wait", "one", "still")
        self.bad("wait", "-t", "0.2", "one", "reboot", status=3)
        self.bad("wait", "one", "christmas", status=2)
        waiting = subprocess.Popen([HVM, "wait", "one", "shutdown"], env=self.env)
        self.good("destroy", "one")
        self.assertEqual(waiting.wait(timeout=60), 0)

    def test_events(self):
        self.create()
        events = [json.loads(line) for line in
                  self.good("events", "--until", "phase", "one").splitlines()]
        self.assertEqual(events[0]["event"], "phase")
        self.assertEqual((events[0]["phase"], events[0]["evidence"]), ("boot-loader", "boot: linux"))
        done = self.hvm("events", "-t", "1", "one")
        self.assertIn('"phase":"system"', done.stdout)
        self.assertEqual(done.returncode, 3)
        self.bad("events", "-i", "0", "one", status=2)
        self.bad("events", status=2)
        watching = subprocess.Popen([HVM, "events", "one"], env=self.env, stdout=subprocess.PIPE,
                                    text=True)
        self.assertIn("phase", watching.stdout.readline())
        self.good("destroy", "one")
        self.assertIn('"event":"ended"', watching.communicate(timeout=60)[0])
        self.assertEqual(watching.returncode, 0)

    def test_save_and_restore(self):
        self.create()
        self.assertIn("not in this release", self.bad("migrate", "one", "host", status=2))
        self.good("save", "-c", "one", "one.save")
        self.good("save", "one", "two.save")
        self.assertEqual(os.listdir(self.run_dir), [])
        self.good("restore", "one.save")
        self.assertIn("incoming saved while running\n", self.records())
        self.good("destroy", "one")
        self.good("restore", "-p", "two.save", "memory=128")
        self.assertIn("incoming saved while paused\n", self.records())
        with open(self.run_dir + "/one/config") as config:
            self.assertIn("memory=128", config.read())
        self.assertIn("running already", self.bad("restore", "two.save"))
        self.good("save", "-p", "one", "three.save")
        self.assertIn("paused", self.good("list", "one"))

    def test_save_that_fails(self):
        self.create(FAKE_MODE="full")
        with open(self.dir + "/one.save", "w") as old:
            old.write("old")
        self.assertIn("space", self.bad("save", "one", "one.save"))
        self.assertEqual(self.records().split()[-1], "{}")
        self.assertIn("cont {}", self.records())
        with open(self.dir + "/one.save") as old:
            self.assertEqual(old.read(), "old")
        self.assertFalse(os.path.exists(self.dir + "/one.save.part"))
        self.assertIn("cannot write", self.bad("save", "one", "nowhere/one.save"))
        self.bad("save", "one", status=2)

    def test_restore_of_other_files(self):
        for text in ("", "hvmdm guest 1\n", "hvmdm guest 1\n/\n5\nab", "hvmdm guest 2\n/\n1\na",
                     "hvmdm guest 1\n/\n99999999999\na", "hvmdm guest 1\n" + "/" * 9000):
            path = self.config(text, "bad.save")
            self.assertIn("no guest that", self.bad("restore", path))
        self.assertIn("cannot read", self.bad("restore", "none.save"))
        self.bad("restore", status=2)

    def test_click(self):
        self.create()
        self.good("click", "one", "linux")
        # The middle of columns 6 to 10 of 80, in the first of two lines; then down and up.
        x = round(8 * 32767 / 79)
        self.assertIn(f'{{"data": {{"axis": "x", "value": {x}}}, "type": "abs"}}', self.records())
        self.good("click", "--button", "right", "--double", "one", "79", "1")
        self.assertIn('"value": 32767', self.records())
        self.assertEqual(self.records().count('"button": "right", "down": true'), 2)
        self.assertEqual(self.records().count('"button": "right", "down": false'), 2)
        self.assertIn("does not stand", self.bad("click", "one", "OK"))
        error = self.bad("click", "one", "o")
        self.assertIn("2 times", error)
        self.assertIn("--nth 2: line 1, column 3", error)
        self.good("click", "--nth", "2", "one", "o")
        self.assertIn("2 times, not 3", self.bad("click", "--nth", "3", "one", "o"))
        self.assertIn("80 x 2 characters", self.bad("click", "one", "80", "0"))
        self.assertIn("is no place", self.bad("click", "one", "here", "0"))
        self.bad("click", "one", status=2)

    def test_click_without_a_tablet(self):
        self.create(FAKE_MODE="mouse")
        self.assertIn("has no tablet", self.bad("click", "one", "linux"))

    def test_guests_of_xl(self):
        """xl gives its guests two sockets and knows their numbers."""
        self.create()
        os.mkdir(self.dir + "/xen")
        os.symlink(self.run_dir + "/one/qmp-stat", self.dir + "/xen/qmp-libxenstat-7")
        with open(self.dir + "/xl", "w") as script:
            script.write("#!/bin/sh\n[ \"$1 $2\" = 'domid winxp' ] && echo 7\n")
        os.chmod(self.dir + "/xl", 0o755)
        more = {"HVM_XEN_RUN_DIR": self.dir + "/xen",
                "PATH": self.dir + ":" + self.env.get("PATH", "/usr/bin:/bin")}
        for name in ("winxp", "7"):
            done = self.hvm("--xen", "screen", name, **more)
            self.assertEqual(done.stdout, "boot: linux\n╔\n", done.stderr)
        self.assertIn("no guest 'win7'", self.hvm("--xen", "screen", "win7", **more).stderr)
        self.assertIn("no device model", self.hvm("--xen", "screen", "8", **more).stderr)
        self.assertIn("no guest '-l'", self.hvm("--xen", "key", "-l", "a", **more).stderr)
        done = self.hvm("--xen", "destroy", "winxp", **more)
        self.assertEqual((done.returncode, "xl's to do" in done.stderr), (2, True))

    def test_type(self):
        self.create()
        self.assertEqual(self.good("type", "-e", "one", "linux ß").strip(), "8 characters")
        self.assertIn(r'type-text {"text": "linux \u00df\n"}', self.records())
        text = "ä" * 40000
        self.assertEqual(self.good("type", "--file", "-", "one", stdin=text).strip(),
                         "40000 characters")
        self.good("type", "-u", "alt-numpad", "-r", "100", "one", "x")
        self.assertTrue('"rate": 100, "text": "x", "unicode": "alt-numpad"' in self.records())
        self.assertIn("cannot read", self.bad("type", "-f", "/none", "one"))
        self.assertEqual(self.good("type", "-ec", "one").strip(), "4 characters")
        self.assertIn('type-clipboard {}', self.records())
        self.bad("type", "--clipboard", "one", "text", status=2)
        self.bad("type", "one", status=2)

    def test_type_into_a_guest_that_hangs(self):
        self.create(FAKE_MODE="deaf")
        self.assertIn("2 characters were taken", self.bad("type", "-t", "1", "one", "hello"))
        self.assertIn("cancel-typing", self.records())

    def test_key(self):
        self.create()
        self.good("key", "one", "ctrl-alt-del", "enter")
        self.assertIn('"data": "delete"', self.records())
        self.assertIn('"data": "ret"', self.records())
        self.assertIn("did you mean 'ctrl'", self.bad("key", "one", "ctrll-c"))

    def test_keys_and_buttons(self):
        self.create()
        self.good("sysrq", "one", "B")
        self.assertIn('"sysrq"', self.records())
        self.assertIn('"data": "b"', self.records())
        self.bad("sysrq", "one", "bb", status=2)
        self.good("reboot", "one")
        self.good("trigger", "one", "reset")
        self.assertEqual(self.records().count("system_reset"), 2)
        self.assertIn("nmi", self.bad("trigger", "one", "nmx", status=2))
        self.assertIn("inject-nmi", self.bad("trigger", "one", "nmi"))
        self.good("button-press", "one", "power")
        self.wait_state("one", None)

    def test_vcpu_set(self):
        self.create(text="vcpus = 1; maxvcpus = 3")
        self.good("vcpu-set", "one", "3")
        self.assertEqual(self.records().count("device_add"), 2)
        self.assertIn("maxvcpus", self.bad("vcpu-set", "one", "4"))
        self.assertIn("taken away", self.bad("vcpu-set", "one", "1"))

    def test_monitor(self):
        self.create()
        self.assertEqual(self.good("qemu-monitor-command", "one", "info", "status").strip(),
                         "said: info status")

    def test_viewer(self):
        viewer = self.config('#!/bin/sh\necho "$@" >"$FAKE_RECORD.viewer"\n', "viewer")
        os.chmod(viewer, 0o755)
        self.create(text="vncviewer = 1; vncdisplay = 7", VNCVIEWER=viewer)
        for _ in range(200):
            if os.path.exists(self.record + ".viewer"):
                break
            time.sleep(0.02)
        self.good("vncviewer", "one", VNCVIEWER=viewer)
        with open(self.record + ".viewer") as source:
            self.assertEqual(source.read().strip(), "127.0.0.1:7")
        self.assertIn("/none/v", self.bad("vncviewer", "one", VNCVIEWER="/none/v"))

    def test_console(self):
        self.create()
        master, slave = pty.openpty()
        with subprocess.Popen([HVM, "console", "one"], env=self.env, stdin=slave, stdout=slave,
                              stderr=subprocess.DEVNULL) as console:
            seen = b""
            time.sleep(0.2)
            os.write(master, b"hello")
            while b"HELLO" not in seen:
                seen += os.read(master, 100)
            os.write(master, b"\x1d")
            self.assertEqual(console.wait(10), 0)
        os.close(master)
        os.close(slave)
        self.assertIn("serial = \"pty\"", self.bad("console", "-n", "1", "one"))

    def test_console_of_a_script(self):
        """A script's console goes on when its input has ended, until the guest ends."""
        self.create()
        with subprocess.Popen([HVM, "console", "one"], env=self.env, stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as console:
            console.stdin.write(b"script")
            console.stdin.close()
            self.assertEqual(console.stdout.read(6), b"SCRIPT")
            self.assertIsNone(console.poll())
            self.good("destroy", "one")
            self.assertEqual(console.wait(10), 0)

    def test_keeper_of_another(self):
        """The keeper of a guest that is gone leaves the directory of its successor alone."""
        self.create()
        with open(self.run_dir + "/one/pid") as source:
            pid = int(source.read())
        with open(self.run_dir + "/one/keeper") as source:
            keeper = int(source.read())
        with open(self.run_dir + "/one/keeper", "w") as out:
            out.write(f"{os.getpid()}\n")
        os.kill(pid, signal.SIGTERM)
        while os.path.exists(f"/proc/{keeper}"):
            time.sleep(0.01)
        self.assertTrue(os.path.exists(self.run_dir + "/one/config"))

    def test_wait(self):
        path = self.config('name = "one"; type = "hvm"; memory = 64')
        with subprocess.Popen([HVM, "create", "-w", path], env=self.env,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as create:
            self.wait_state("one", "running")
            self.assertIsNone(create.poll())
            self.good("shutdown", "one")
            self.assertEqual(create.wait(10), 0)

    def test_device_model_key(self):
        path = self.config(f'name="one"; type="hvm"; memory=4; device_model="{FAKE}"')
        self.good("create", path, HVMDM="/none")
        self.assertEqual(self.state("one"), "running")

    def test_paths_of_disks(self):
        out = self.good("create", "-n", self.config(
            'name="x"; type="hvm"; disk=["my disk,raw,hda,w","phy:vg/lv,hdb,w"]'))
        self.assertIn(f"file={self.dir}/my disk,", out)
        self.assertIn("file=/dev/vg/lv,", out)


class Words(Case):
    def test_help(self):
        verbs = [line.split()[0] for line in self.good("help").splitlines()
                 if line.startswith("  ")]
        self.assertIn("create", verbs)
        for verb in verbs:
            text = self.good(verb, "--help")
            self.assertTrue(text.startswith(f"usage: hvm {verb}"))
            self.assertEqual(text, self.good("help", verb))
            if verb not in ("help", "version", "list", "top"):
                self.assertIn("usage", self.bad(verb, status=2))
        self.assertIn("did you mean 'create'", self.bad("crate", status=2))
        self.assertIn("not in this release", self.bad("migrate", status=2))
        self.assertIn("usage", self.bad(status=2))
        self.assertRegex(self.good("--version"), r"^hvm \d")

    def test_manual(self):
        """Each verb stands in hvm(1), each key that is used in hvm.cfg(5)."""
        man = os.path.join(HERE, "../../docs/man/")
        with open(man + "hvm.1") as page:
            text = page.read()
        for line in self.good("help").splitlines():
            if line.startswith("  "):
                self.assertRegex(text, rf"Cm {line.split()[0]}\b")
        with open(man + "hvm.cfg.5") as page:
            text = page.read()
        with open(os.path.join(HERE, "../../tools/keys.c")) as source:
            keys = re.findall(r'\{ "(\w+)", KEY_USED', source.read())
        self.assertGreater(len(keys), 30)
        for key in keys:
            self.assertRegex(text, rf"\.It Cm (\w+ , )*{key}\b")

    def test_assignments(self):
        path = self.config('name = "x"; type = "hvm"; memory = 5')
        out = self.good("create", "-n", path, 'name=a "quoted\\" name', "memory=6", "serial=['null']")
        self.assertIn("""-name 'a "quoted\\" name'""", out)
        self.assertRegex(out, r"-m 6\b")
        self.assertIn("-serial null", out)
        self.assertIn("usage", self.bad("create", "-n", "memory=6", status=2))
        self.assertIn("assignment", self.bad("create", "-n", path, "more"))
        self.assertIn("assignment", self.bad("create", "-n", path, "a b=1"))


def kvm_works():
    create_vm = 0xAE01
    try:
        with open("/dev/kvm", "r+b", buffering=0) as kvm:
            os.close(fcntl.ioctl(kvm, create_vm, 0))
        return True
    except OSError:
        return False


@unittest.skipUnless(os.environ.get("HVM_REAL") and kvm_works(),
                     "needs a real hvmdm (HVM_REAL) and a usable /dev/kvm")
class Real(Case):
    """The same on the device model itself, with a guest that finds nothing to boot from."""

    def setUp(self):
        super().setUp()
        self.env["HVMDM"] = os.environ["HVM_REAL"]
        with open(self.dir + "/disk.img", "wb") as disk:
            disk.truncate(1 << 20)
        with open(self.dir + "/cd.iso", "wb") as disc:
            disc.truncate(1 << 20)
        self.path = self.config(f'''name = "real"; type = "hvm"; memory = 64; serial = "pty"
            disk = [ '{self.dir}/disk.img,raw,hda,rw', '{self.dir}/cd.iso,raw,hdc,ro,cdrom' ]''')

    def test_usb(self):
        with open(self.path, "a") as config:
            config.write("\nusb = 1\n")
        with open(self.dir + "/stick.img", "wb") as stick:
            stick.truncate(1 << 20)
        self.good("create", self.path)
        self.assertEqual(self.good("usbdev-attach", "real", self.dir + "/stick.img", "removable=on",
                                   "port=2"), "usbdev-0\n")
        self.assertEqual(self.good("usbdev-attach", "real", "tablet", "id=t"), "t\n")
        listed = self.good("usb-list", "real")
        self.assertRegex(listed, "usb-storage, port 2 of usb-bus.0.*usbdev-0")
        self.assertRegex(listed, "usb-tablet, port 1")
        self.assertIn("ports are taken", self.bad("usbdev-attach", "real", "mouse"))
        self.assertIn("ports are taken",
                      self.bad("usbdev-attach", "real", self.dir + "/cd.iso", "readonly=on"))
        self.assertIn("/none", self.bad("usbdev-attach", "real", "/none"))
        self.assertIn("unknown", self.bad("usbdev-attach", "real", "mouse", "frob=1"))
        self.assertIn("on or off", self.bad("usbdev-attach", "real", "mouse", "removable=x"))
        self.assertIn("not found", self.bad("usbdev-detach", "real", "nobody"))
        self.good("usbdev-detach", "real", "usbdev-0")
        self.good("usbdev-detach", "real", "t")
        self.assertEqual(self.good("usbdev-attach", "real", self.dir + "/stick.img"), "usbdev-0\n")
        self.good("destroy", "real")

    def test_life(self):
        self.good("create", self.path)
        self.assertEqual(self.state("real"), "running")
        self.good("pause", "real")
        self.assertEqual(self.state("real"), "paused")
        self.good("unpause", "real")
        self.good("cd-eject", "real", "hdc")
        self.good("cd-insert", "real", "hdc", self.dir + "/cd.iso")
        os.mkdir(self.dir + "/drivers")
        self.good("cd-insert", "real", "hdc", "dir:" + self.dir + "/drivers")
        self.assertIn("cannot read directory", self.bad("cd-insert", "real", "hdc", "dir:/none"))
        self.good("screenshot", "real", "real.png")
        with open(self.dir + "/real.png", "rb") as picture:
            self.assertEqual(picture.read()[:4], b"\x89PNG")
        self.good("sysrq", "real", "h")
        self.assertIn("VM status", self.good("qemu-monitor-command", "real", "info status"))
        self.good("reboot", "real")
        self.good("destroy", "real")
        self.assertEqual(self.good("list").count("\n"), 1)

    def test_missing_disk(self):
        os.unlink(self.dir + "/disk.img")
        self.assertIn("disk.img", self.bad("create", self.path))
        self.assertEqual(os.listdir(self.run_dir), [])


unittest.main(verbosity=1)

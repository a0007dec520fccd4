# SPDX-License-Identifier: GPL-2.0-or-later
"""What the hostile tests share: the program named by HVMDM, started with a board that a test plays
the guest of (docs/qtest.md), its control port, its screen, and what must be true at its end: the
exit status, and nothing from the sanitizers.

Nothing here depends on the clock: a step waits for its answer, at most PATIENCE seconds, which is
only reached if the program hangs.
"""
import array
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest

HVMDM = os.path.abspath(os.environ.get("HVMDM", "build/dm/hvmdm"))
PATIENCE = float(os.environ.get("HOSTILE_PATIENCE", "60"))
COMPLAINTS = ("AddressSanitizer", "LeakSanitizer", "runtime error:", "Assertion ", "assert(")


def environment(**more):
    env = dict(os.environ, **more)
    env["ASAN_OPTIONS"] = ("detect_leaks=1:abort_on_error=0:exitcode=99:"
                           "allocator_may_return_null=1:" + env.get("HOSTILE_ASAN", ""))
    env["UBSAN_OPTIONS"] = "halt_on_error=1:print_stacktrace=1:exitcode=98"
    return env


def connect(path):
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)  # waits for room in the backlog
    sock.settimeout(PATIENCE)
    return sock


class Lines:
    """Lines of a socket."""

    def __init__(self, sock):
        self.sock, self.have = sock, b""

    def next(self):
        while b"\n" not in self.have:
            piece = self.sock.recv(65536)
            if not piece:
                raise EOFError("the program has closed the connection")
            self.have += piece
        line, self.have = self.have.split(b"\n", 1)
        return line.rstrip(b"\r")


class Qmp:
    """A client of the control port. Events are kept in 'events'."""

    def __init__(self, path):
        self.sock = connect(path)
        self.lines = Lines(self.sock)
        self.events = []
        assert "QMP" in json.loads(self.lines.next())
        self.run("qmp_capabilities")

    def say(self, data):
        self.sock.sendall(data if isinstance(data, bytes) else data.encode())

    def answer(self):
        """The next message that is no event."""
        while True:
            message = json.loads(self.lines.next())
            if "event" not in message:
                return message
            self.events.append(message)

    def ask(self, command, **arguments):
        self.say(json.dumps({"execute": command, "arguments": arguments}))
        return self.answer()

    def run(self, command, **arguments):
        message = self.ask(command, **arguments)
        assert "return" in message, message
        return message["return"]

    def wait_event(self, name):
        while True:
            for event in self.events:
                if event["event"] == name:
                    self.events.remove(event)
                    return event
            message = json.loads(self.lines.next())
            if "event" in message:
                self.events.append(message)

    def close(self):
        self.sock.close()


class Machine:
    """A running hvmdm with a test in the place of the processor."""

    def __init__(self, case, *words, prefix=(), pass_fds=(), preexec=None, env=None, qtest=True,
                 vnc=False):
        self.case = case
        self.dir = tempfile.mkdtemp(prefix="hostile-")
        self.log = open(self.dir + "/log", "w+b")
        self.listening = None
        self.vnc_path = self.dir + "/vnc"
        args = [*prefix, HVMDM, "-machine", "pc,accel=qtest", "-display", "none", "-no-shutdown",
                "-qmp", f"unix:{self.dir}/qmp,server=on,wait=off"]
        if vnc:
            args += ["-vnc", f"unix:{self.vnc_path}" + ("" if vnc is True else vnc)]
        if qtest:
            self.listening = socket.socket(socket.AF_UNIX)
            self.listening.bind(self.dir + "/qtest")
            self.listening.listen(1)
            self.listening.settimeout(PATIENCE)
            args += ["-qtest", f"unix:{self.dir}/qtest"]
        self.process = subprocess.Popen(
            [*args, *words], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env=environment(**(env or {})), pass_fds=pass_fds, preexec_fn=preexec)
        case.addCleanup(self.clean)
        if qtest:
            self.qtest, _ = self.listening.accept()
            self.qtest.settimeout(PATIENCE)
            self.lines = Lines(self.qtest)
            self.qtest_batch(["endianness"])  # answered by the loop: everything is open
        self.stopped = False

    # The guest's accesses

    def qtest_batch(self, commands):
        """Sends commands and returns their answers; interrupts between them are not kept."""
        self.qtest.sendall(("\n".join(commands) + "\n").encode())
        answers = []
        while len(answers) < len(commands):
            line = self.lines.next().decode()
            if not line.startswith("IRQ "):
                answers.append(line)
        return answers

    def qtest_do(self, command):
        answer = self.qtest_batch([command])[0]
        self.case.assertTrue(answer.startswith("OK"), f"{command}: {answer}")
        return answer[3:]

    def inb(self, port):
        return int(self.qtest_do(f"inb {port}"), 16)

    def inw(self, port):
        return int(self.qtest_do(f"inw {port}"), 16)

    def inl(self, port):
        return int(self.qtest_do(f"inl {port}"), 16)

    def outb(self, port, value):
        self.qtest_do(f"outb {port} {value}")

    def outw(self, port, value):
        self.qtest_do(f"outw {port} {value}")

    def outl(self, port, value):
        self.qtest_do(f"outl {port} {value}")

    def read(self, gpa, count):
        return bytes.fromhex(self.qtest_do(f"read {gpa} {count}")[2:])

    def write(self, gpa, data):
        self.qtest_do(f"write {gpa} {len(data)} 0x{data.hex()}")

    def pci_read(self, device, function, register):
        self.outl(0xcf8, 0x80000000 | device << 11 | function << 8 | register)
        return self.inl(0xcfc)

    def pci_write(self, device, function, register, value):
        self.outl(0xcf8, 0x80000000 | device << 11 | function << 8 | register)
        self.outl(0xcfc, value)

    def wait_port(self, port, mask, value):
        """Reads until the bits are there: disks work in host time."""
        end = time.monotonic() + PATIENCE
        while True:
            got = self.inb(port)
            if got & mask == value:
                return got
            self.case.assertLess(time.monotonic(), end, f"port {port:#x} stays {got:#x}")

    # Control

    def qmp(self):
        return Qmp(self.dir + "/qmp")

    def vnc(self):
        return connect(self.vnc_path)

    def alive(self):
        """The board and the control port answer."""
        self.qtest_do("endianness")
        client = self.qmp()
        client.run("query-status")
        client.close()

    def memory_kib(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        return 0

    # The end

    def text(self):
        self.log.flush()
        with open(self.dir + "/log", "rb") as log:
            return log.read().decode(errors="replace")

    def wait(self, status=0):
        """Waits for the end; the exit status, and nothing that a sanitizer says."""
        try:
            got = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.show_threads()
            raise
        self.stopped = True
        text = self.text()
        for complaint in COMPLAINTS:
            self.case.assertNotIn(complaint, text, text[-8000:])
        if status is not None:
            self.case.assertEqual(got, status, text[-8000:])
        return text

    def show_threads(self):
        """Where the program hangs, if there is a debugger to ask."""
        if shutil.which("gdb"):
            subprocess.run(["gdb", "-batch", "-p", str(self.process.pid), "-ex",
                            "thread apply all backtrace 24"], stdin=subprocess.DEVNULL,
                           check=False)

    def stop(self, signum=signal.SIGTERM, status=0):
        self.process.send_signal(signum)
        return self.wait(status)

    def clean(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if not self.stopped:
            print(self.text()[-8000:])
        self.log.close()
        if self.listening:
            self.listening.close()
            self.qtest.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def rfb_hello(sock, minor=8):
    """The handshake without a password, up to the server's first words about the screen."""
    receive(sock, 12)
    sock.sendall(b"RFB 003.%03d\n" % minor)
    receive(sock, receive(sock, 1)[0])
    sock.sendall(b"\x01")
    assert receive(sock, 4) == b"\0\0\0\0"
    sock.sendall(b"\x01")
    width, height = struct.unpack(">HH", receive(sock, 4))
    receive(sock, struct.unpack(">16xI", receive(sock, 20))[0])
    return width, height


def receive(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise EOFError("closed after %d of %d bytes" % (len(data), count))
        data += piece
    return data


def is_closed(sock):
    """Waits until the other end has closed; what comes before that is thrown away."""
    try:
        while sock.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def request(incremental=0, width=65535, height=65535):
    return struct.pack(">BBHHHH", 3, incremental, 0, 0, width, height)


class Watcher(threading.Thread):
    """A viewer that asks for pictures without end and throws them away, so that drawing runs."""

    def __init__(self, machine, encoding=16):
        super().__init__(daemon=True)
        self.sock = machine.vnc()
        self.received = 0
        rfb_hello(self.sock)
        self.sock.sendall(struct.pack(">BBHiii", 2, 0, 3, encoding, -223, -239))
        self.start()

    def run(self):
        try:
            self.sock.settimeout(0.05)
            while True:
                self.sock.sendall(request(incremental=1))
                try:
                    piece = self.sock.recv(1 << 20)
                    if not piece:
                        return
                    self.received += len(piece)
                except TimeoutError:
                    pass
        except OSError:
            pass

    def close(self):
        self.sock.close()


def pass_fds(sock, data, fds):
    sock.sendmsg([data], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))])


def main():
    unittest.main(verbosity=2)

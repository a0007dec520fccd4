#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A device model without a machine: takes hvmdm's arguments and speaks QMP on its sockets.

FAKE_RECORD names a file that gets a line for each command. FAKE_MODE chooses how it misbehaves:
die, silent, garbage, refuse, stubborn, deaf, picture, shortlived.
"""
import array
import json
import os
import select
import signal
import socket
import sys
import tty

MODE = os.environ.get("FAKE_MODE", "")


class Machine:
    def __init__(self, arguments):
        self.status = "prelaunch" if "-S" in arguments else "running"
        self.fds = []
        self.cpus = 1
        self.max_cpus = 1
        self.vnc = None
        self.ptys = {}
        self.paths = []
        self.typing = {}
        for option, value in zip(arguments, arguments[1:]):
            if option == "-chardev":
                words = dict(w.split("=", 1) for w in value.split(",") if "=" in w)
                self.paths.append(words["path"])
            if option == "-incoming":
                self.status = "paused" if "-S" in arguments else "running"
                record("incoming " + os.read(int(value.removeprefix("fd:")), 4096).decode())
            if option == "-smp":
                self.cpus = int(value.split(",")[0])
                self.max_cpus = int(value.split("maxcpus=")[1])
            if option == "-vnc" and value != "none":
                self.vnc = value
            if option == "-serial" and value == "pty":
                master, slave = os.openpty()
                tty.setraw(slave)
                self.ptys[master] = (f"serial{len(self.ptys)}", os.ttyname(slave), slave)

    def run(self, name, arguments):
        handler = getattr(self, "do_" + name.replace("-", "_"), None)
        if not handler:
            raise KeyError(name)
        return handler(**{key.replace("-", "_"): value for key, value in arguments.items()})

    def do_qmp_capabilities(self):
        return {}

    def do_query_status(self):
        return {"status": self.status, "running": self.status == "running", "singlestep": False}

    def do_stop(self):
        self.status = "paused"
        return {}

    def do_cont(self):
        self.status = "running"
        return {}

    def do_system_powerdown(self):
        self.status = "shutdown"
        return {}

    def do_system_reset(self):
        return {}

    def do_query_vnc(self):
        if not self.vnc:
            return {"enabled": False}
        host, _, rest = self.vnc.partition(":")
        return {"enabled": True, "host": host, "service": str(5900 + int(rest.split(",")[0])),
                "family": "ipv4"}

    def do_change_vnc_password(self, password):
        return {}

    def do_query_chardev(self):
        return [{"label": label, "filename": "pty:" + name, "frontend-open": True}
                for label, name, _ in self.ptys.values()]

    def do_add_fd(self, opaque=""):
        return {"fdset-id": len(self.fds) - 1, "fd": self.fds[-1]}

    def do_remove_fd(self, fdset_id):
        record("fdset %d removed" % fdset_id)

    def do_blockdev_change_medium(self, id, filename, format, read_only_mode="retain"):
        fd = self.fds[int(filename.rsplit("/", 1)[1])]
        record("medium " + os.pread(fd, 64, 0).decode())
        return {}

    def do_save_guest(self, filename):
        if MODE == "full":
            raise KeyError("space")
        os.write(self.fds[int(filename.rsplit("/", 1)[1])], b"saved while " + self.status.encode())
        return {}

    def do_eject(self, id):
        return {}

    def do_screendump(self, filename, format):
        os.write(self.fds[int(filename.rsplit("/", 1)[1])], b"\x89PNG\r\n\x1a\n")
        return {}

    def do_send_key(self, keys):
        return {}

    def do_query_mice(self):
        return [{"name": "tablet", "index": 0, "current": True, "absolute": MODE != "mouse"}]

    def do_input_send_event(self, events):
        return {}

    def do_query_screen_text(self, attributes=False, recognize=True):
        if MODE == "picture":
            return {"mode": "graphics"}
        screen = {"mode": "text", "columns": 80, "rows": 2, "lines": ["boot: linux", "\u2554"], "checksum": 7,
                  "cursor": {"visible": True, "x": 6, "y": 0}}
        if MODE == "shortlived":  # powers itself off right after it was looked at
            signal.setitimer(signal.ITIMER_REAL, 0.05)
        if attributes:
            screen["attributes"] = ["07" * 80, "1f" * 80]
        return screen

    def do_query_serial_text(self, port=0, since=0):
        said = "\033[2Jclear\r\nlogin: "
        return {"text": said[since:], "since": since, "next": len(said)}

    def do_query_activity(self):
        return {"cpu-ns": 0, "exits": 0, "drives": [{"read-bytes": 5, "written-bytes": 0}]}

    def do_type_text(self, text, unicode="none", rate=0):
        if MODE != "deaf":
            return {"id": 1, "typed": 0, "characters": len(text)}
        self.typing = {"id": 1, "typed": 2, "characters": len(text)}
        return self.typing

    def do_type_clipboard(self):
        return {"id": 1, "typed": 0, "characters": 3}

    def do_query_typing(self):
        return self.typing

    def do_cancel_typing(self):
        self.typing = {}
        return {}

    def do_query_cpus_fast(self):
        return [{"cpu-index": i} for i in range(self.cpus)]

    def do_query_hotpluggable_cpus(self):
        return [{"type": "fake-cpu", "vcpus-count": 1}] * self.max_cpus

    def do_device_add(self, **_):
        self.cpus += 1
        return {}

    def do_human_monitor_command(self, command_line):
        if command_line == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        return "said: " + command_line


def record(line):
    path = os.environ.get("FAKE_RECORD")
    if path:
        with open(path, "a") as out:
            out.write(line + "\n")


def send(client, message):
    client.sendall(json.dumps(message).encode() + b"\r\n")


def serve(machine, client, buffers):
    data, control, _, _ = client.recvmsg(65536, 1024)
    for level, kind, payload in control:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            fds = array.array("i")
            fds.frombytes(payload)
            machine.fds.extend(fds)
    if not data:
        return False
    buffers[client] += data
    while b"\n" in buffers[client]:
        line, buffers[client] = buffers[client].split(b"\n", 1)
        request = json.loads(line)
        arguments = request.get("arguments", {})
        record(request["execute"] + " " + json.dumps(arguments, sort_keys=True))
        send(client, {"event": "FAKE", "data": {"return": 1}})
        try:
            if MODE == "refuse" and request["execute"] != "qmp_capabilities":
                raise KeyError("by order")
            send(client, {"return": machine.run(request["execute"], arguments),
                          "id": request["id"]})
        except KeyError as error:
            send(client, {"error": {"class": "CommandNotFound", "desc": f"no {error}"},
                          "id": request["id"]})
    return True


def main():
    machine = Machine(sys.argv[1:])
    listeners, buffers = [], {}
    if MODE == "die":
        print("fake: cannot open the disk", file=sys.stderr)
        sys.exit(1)
    signal.signal(signal.SIGTERM, signal.SIG_IGN if MODE == "stubborn" else lambda *_: sys.exit(0))
    signal.signal(signal.SIGALRM, lambda *_: sys.exit(0))
    for path in machine.paths:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(8)
        listeners.append(listener)
    print("fake: ready", file=sys.stderr, flush=True)
    while True:
        ready, _, _ = select.select(listeners + list(buffers) + list(machine.ptys), [], [])
        for one in ready:
            if one in listeners:
                client, _ = one.accept()
                buffers[client] = b""
                if MODE == "garbage":
                    client.sendall(b"SSH-2.0-Fake }{\r\n")
                elif MODE != "silent":
                    send(client, {"QMP": {"version": {"qemu": {"major": 7, "minor": 2,
                                                               "micro": 0}, "package": ""},
                                          "capabilities": []}})
            elif one in machine.ptys:
                text = os.read(one, 4096)
                record("serial " + repr(text))
                os.write(one, text.upper())
            else:
                try:
                    alive = serve(machine, one, buffers)
                    if machine.status == "shutdown":
                        sys.exit(0)
                except (ConnectionError, BrokenPipeError):
                    alive = False
                if not alive:
                    del buffers[one]
                    one.close()


main()

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""A place for records, and sessions to go with them: a namespaced init that holds the lock of its record."""

import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import time

import pytest

NAMESPACES = ["mnt", "net", "ipc", "uts", "pid", "user", "cgroup", "time"]

# PID 1 of a session: waits for its record, locks it, runs a few children, and waits for its input to end.
INIT = """
import fcntl, os, subprocess, sys
path = sys.stdin.readline().strip()
record = os.open(path, os.O_RDWR)
fcntl.lockf(record, fcntl.LOCK_EX)
for command in sys.argv[1:]:
    subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL)
print("ready", flush=True)
sys.stdin.read()
"""


def binary():
    return os.environ.get("NSINSPECT", "nsinspect")


def nsinspect(*arguments, env=None, **options):
    return subprocess.run([binary(), *arguments], capture_output=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}, **options)


def start_time(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_bytes()
    return int(stat[stat.rindex(b")") + 2:].split()[19])


def namespaces_of(pid):
    result = {}
    for kind in NAMESPACES:
        try:
            result[kind] = int(re.search(r"\d+", os.readlink(f"/proc/{pid}/ns/{kind}"))[0])
        except FileNotFoundError:
            pass
    return result


def escape(value):
    if isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    return "".join(chr(b) if 0x20 <= b <= 0x7e and b != 0x5c else f"\\x{b:02x}" for b in value)


class Session:
    """A live session made by hand, without the engine."""

    def __init__(self, directory, ident, flags=("mnt", "net", "ipc", "uts", "pid"), commands=(), login=None,
                 text=None, **fields):
        self.id = ident
        self.path = directory / ident
        # a login process of its own, outside
        self.login = login or subprocess.Popen(["sleep", "600"])
        options = {"mnt": "--mount", "net": "--net", "ipc": "--ipc", "uts": "--uts", "pid": "--pid",
                   "user": "--user", "cgroup": "--cgroup", "time": "--time"}
        self.unshare = subprocess.Popen(
            ["unshare", "--fork", "--kill-child"] + [options[f] for f in flags]
            + (["--mount-proc"] if "pid" in flags and "mnt" in flags else [])
            + ["/usr/bin/python3", "-c", INIT, *commands],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.init = self.find_init()
        self.namespaces = {k: v for k, v in namespaces_of(self.init).items() if k in flags}
        self.fields = {
            "id": ident, "login": "", "user": "alice", "uid": 1000, "service": "sshd", "tty": "ssh", "remote-host": "192.0.2.7",
            "login-pid": self.login.pid, "login-start": start_time(self.login.pid), "init-pid": self.init,
            "outer-pid-namespace": os.stat("/proc/self/ns/pid").st_ino,
            **{f"ns-{k}": v for k, v in self.namespaces.items()},
            "policy": "group/students.conf", "sources": "group/students.conf,default.conf",
            "policy-hash": "0123456789abcdef", "mode": "enforce",
            "scope": "session", "on-logout": "kill", "opened": 1700000000,
        }
        self.fields.update({k.replace("_", "-"): v for k, v in fields.items()})
        self.path.write_text(text if text is not None else self.text())
        self.unshare.stdin.write(f"{self.path}\n")
        self.unshare.stdin.flush()
        assert self.unshare.stdout.readline() == "ready\n"

    def find_init(self):
        children = pathlib.Path(f"/proc/{self.unshare.pid}/task/{self.unshare.pid}/children")
        for _ in range(500):
            pids = children.read_text().split()
            # once it is python its namespaces are final
            if pids and pathlib.Path(f"/proc/{pids[0]}/cmdline").read_bytes().startswith(b"/usr/bin/python3"):
                return int(pids[0])
            time.sleep(0.01)
        raise AssertionError("no init")

    def text(self):
        return "nsisolate-record=1\n" + "".join(f"{k}={escape(str(v)) if not isinstance(v, bytes) else escape(v)}\n"
                                                for k, v in self.fields.items())

    def end_login(self):
        self.login.kill()
        self.login.wait()

    def end(self):
        self.end_login()
        # without a PID namespace the init's children would outlive it
        children = pathlib.Path(f"/proc/{self.init}/task/{self.init}/children")
        for pid in children.read_text().split() if children.exists() else []:
            os.kill(int(pid), signal.SIGKILL)
        self.unshare.kill()
        self.unshare.wait()
        self.unshare.stdin.close()
        self.unshare.stdout.close()
        # --kill-child: the init dies with unshare; its lock goes with it
        for _ in range(500):
            if not os.path.exists(f"/proc/{self.init}"):
                return
            time.sleep(0.01)


class Records:
    """A directory of records and the means to ask nsinspect about it."""

    def __init__(self, directory):
        self.directory = directory
        self.sessions = []
        self.ids = (f"{n:012x}" for n in itertools.count(0xa00000000000))

    def open(self, ident=None, **arguments):
        session = Session(self.directory, ident or next(self.ids), **arguments)
        self.sessions.append(session)
        return session

    def run(self, command, *arguments, env=None):
        return nsinspect(command, "--record-dir", str(self.directory), *arguments, env=env)

    def rows(self, *arguments, command="list", key="sessions"):
        """The lines of a table, from its JSON."""
        result = self.run(command, "-J", *arguments)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)[key]

    def close(self):
        for session in self.sessions:
            session.end()


@pytest.fixture
def records(host, tmp_path):
    directory = tmp_path / "sessions"
    directory.mkdir()
    records = Records(directory)
    yield records
    records.close()

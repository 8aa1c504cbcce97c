# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""A place for records, and sessions to go with them: a namespaced init that holds the lock of its record."""

import contextlib
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess

import pytest

from support import host as H
from support import programs

NAMESPACES = ["mnt", "net", "ipc", "uts", "pid", "user", "cgroup", "time"]

RECORDS = "/run/nsisolate/sessions"
MAKE_RECORDS = f"mount -t tmpfs -o mode=1700 none {os.path.dirname(RECORDS)} && mkdir -m 700 {RECORDS}"

# PID 1 of a session: waits for its record, locks it, runs a few children, and does what it is told until its input ends.
INIT = """
import ctypes, fcntl, os, subprocess, sys
path = sys.stdin.readline().strip()
record = os.open(path, os.O_RDWR)
fcntl.lockf(record, fcntl.LOCK_EX)
for command in sys.argv[1:]:
    subprocess.Popen(["sh", "-c", command], stdin=subprocess.DEVNULL)
print("ready", flush=True)
kept = []
for line in sys.stdin:
    word, *path = line.split()
    if word == "join":
        kept.append(os.open(*path, os.O_RDWR))
        fcntl.lockf(kept[-1], fcntl.LOCK_EX, 1, 1)
    elif word == "move":
        ctypes.CDLL(None).unshare(0x04000000)  # CLONE_NEWUTS
    elif word == "leave":
        fcntl.lockf(record, fcntl.LOCK_UN, 1, 1)
    print("ready", flush=True)
"""


def binary():
    return os.environ.get("NSINSPECT", "nsinspect")


def nsinspect(*arguments, env=None, **options):
    return subprocess.run([binary(), *arguments], capture_output=True, timeout=60,
                          env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})}, **options)


def start_time(pid):
    stat = pathlib.Path(f"/proc/{pid}/stat").read_bytes()
    return int(stat[stat.rindex(b")") + 2:].split()[19])


def children(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants(pid):
    for child in children(pid):
        yield child
        yield from descendants(child)


def is_python(pid):
    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
        return pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"/usr/bin/python3")
    return False


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


class HeldUp:
    """nsinspect, in a call that it does not leave, or not make, until it is let go."""

    def __init__(self, directory, call, when, *arguments):
        log = directory / "calls"
        self.process = subprocess.Popen(
            ["strace", "-D", "-f", "-qqq", "-o", str(log), "-e", f"trace={call}", "-e", f"inject={call}:delay_{when}=600000000",
             binary(), *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**programs.ENVIRONMENT, "ASAN_OPTIONS": "detect_leaks=0"})
        words = rf"{call}\(" if when == "enter" else rf"{call}\(.*\) += "
        H.wait_until(lambda: log.exists() and re.search(words, log.read_text()), call)
        # as long as it is there: one that is killed has a tracer no more, which others may still have
        self.tracer = int(re.search(r"^TracerPid:\t(\d+)$", H.read(f"/proc/{self.process.pid}/status"), re.MULTILINE)[1])
        assert self.tracer > 0

    def let_go(self):
        """By the tracer's end: exit status, output and errors."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.tracer, signal.SIGKILL)
        out, err = self.process.communicate(timeout=H.TIMEOUT)
        return self.process.returncode, out, err


class Session:
    """A live session made by hand, without the engine."""

    def __init__(self, directory, ident, flags=("mnt", "net", "ipc", "uts", "pid"), commands=(), login=None,
                 text=None, within=None, inside=None, around=(), **fields):
        """within: in the PID namespace of another session, inside: recorded there, too; around: a command to run it by."""
        self.id = ident
        self.path = (inside.records if inside else directory) / ident
        self.path_for_init = pathlib.Path(RECORDS) / ident if inside else self.path
        # a login process of its own, outside
        self.login = login or subprocess.Popen(["sleep", "600"])
        options = {"mnt": "--mount", "net": "--net", "ipc": "--ipc", "uts": "--uts", "pid": "--pid",
                   "user": "--user", "cgroup": "--cgroup", "time": "--time"}
        # started from the PID namespace of another session, whose init it then is a stranger to
        enter = ["nsenter", f"--pid=/proc/{(within or inside).init}/ns/pid"] if within or inside else []
        enter += [f"--mount=/proc/{inside.init}/ns/mnt"] if inside else []
        self.unshare = subprocess.Popen(
            [*around, *enter, "unshare", "--fork", "--kill-child"] + [options[f] for f in flags]
            + (["--mount-proc"] if "pid" in flags and "mnt" in flags else [])
            + ["/usr/bin/python3", "-c", INIT, *commands],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.init = self.find_init()
        self.namespaces = {k: v for k, v in namespaces_of(self.init).items() if k in flags}
        self.fields = {
            "id": ident, "login": "", "user": "alice", "uid": 1000, "service": "sshd", "tty": "ssh", "remote-host": "192.0.2.7",
            "login-pid": self.login.pid, "login-start": start_time(self.login.pid), "init-pid": self.init,
            "outer-pid-namespace": os.stat(f"/proc/{inside.init if inside else 'self'}/ns/pid").st_ino,
            **{f"ns-{k}": v for k, v in self.namespaces.items()},
            "policy": "group/students.conf", "sources": "group/students.conf,default.conf",
            "policy-hash": "0123456789abcdef", "setting": "0" * 16, "network": "loopback", "slirp-pid": 0, "slirp-start": 0, "mode": "enforce",
            "scope": "session", "interface": "", "addresses": "", "on-logout": "kill", "opened": 1700000000,
        }
        self.fields.update({k.replace("_", "-"): v for k, v in fields.items()})
        self.path.write_text(text if text is not None else self.text())
        self.others = []
        self.tell(self.path_for_init)

    def tell(self, words):
        self.unshare.stdin.write(f"{words}\n")
        self.unshare.stdin.flush()
        assert self.unshare.stdout.readline() == "ready\n"

    def join(self, name="00beef", locked=True, **fields):
        """Another login that joined; its process."""
        login = subprocess.Popen(["sleep", "600"])
        self.others.append(login)
        path = self.path.with_name(f"{self.id}.{name}")
        path.write_text(self.text(login=name, **{"login-pid": login.pid, "login-start": start_time(login.pid),
                                                 "service": "su", "tty": "pts/7", "opened": 1700003600, **fields}))
        if locked:
            self.tell(f"join {self.path_for_init.with_name(path.name)}")
        return login

    def leave(self):
        """The login that opened it leaves."""
        self.tell("leave")
        self.end_login()

    @property
    def records(self):
        """Where the records of sessions nested in it are, as the host gets there."""
        return pathlib.Path(f"/proc/{self.init}/root{RECORDS}")

    def find_init(self):
        # below nsenter, if any, and unshare; once it is python its namespaces are final
        return H.wait_until(lambda: next((pid for pid in descendants(self.unshare.pid) if is_python(pid)), None), "an init")

    def text(self, **fields):
        return "nsisolate-record=1\n" + "".join(f"{k}={escape(str(v)) if not isinstance(v, bytes) else escape(v)}\n"
                                                for k, v in {**self.fields, **fields}.items())

    def end_login(self):
        self.login.kill()
        self.login.wait()

    def end(self):
        self.end_login()
        for login in self.others:
            login.kill()
            login.wait()
        # without a PID namespace the init's children would outlive it
        for pid in children(self.init):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.unshare.kill()
        self.unshare.wait()
        self.unshare.stdin.close()
        self.unshare.stdout.close()
        # --kill-child: the init dies with unshare; its lock goes with it
        H.wait_until(lambda: not os.path.exists(f"/proc/{self.init}"), "the init to end")


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

    def open_outer(self, ident=None, commands=(), **arguments):
        """A session in which others can be recorded, as the engine prepares it."""
        pathlib.Path(RECORDS).parent.mkdir(exist_ok=True)
        session = self.open(ident, commands=[MAKE_RECORDS, *commands], **arguments)
        H.wait_until(lambda: session.records.parent.stat().st_mode & 0o1000 and session.records.exists(),
                     "a directory for records")
        return session

    def nest(self, outer, ident=None, **arguments):
        return self.open(ident, inside=outer, **{"user": "carol", "service": "su", **arguments})

    def run(self, command, *arguments, env=None):
        where = [] if command == "kill" else ["--record-dir", str(self.directory)]
        return nsinspect(command, *where, *arguments, env=env)

    def rows(self, *arguments, command="list", key="sessions"):
        """The lines of a table, from its JSON."""
        result = self.run(command, "-J", *arguments)
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)[key]

    def close(self):
        for session in reversed(self.sessions):
            session.end()


@pytest.fixture
def records(host, tmp_path):
    directory = tmp_path / "sessions"
    directory.mkdir()
    records = Records(directory)
    yield records
    records.close()


@pytest.fixture
def live(host):
    """Sessions in the directory where the engine has its records."""
    directory = pathlib.Path(host.RECORDS)
    directory.mkdir(parents=True, exist_ok=True)
    records = Records(directory)
    yield records
    records.close()
    for path in directory.iterdir():
        path.unlink()

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
Crashes of everything, and what they leave: each row ends in a refused login that says why, or in a clean session; the
next login works, others who are in stay in, and nothing is left. tests/pam/test_injection.py kills login program,
helper and init at every system call of every flow, under one program; here are real programs, processes that hang
instead of ending, and states of /run that no login made.
"""

import contextlib
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

from support import host as H
from support import programs as P
from support import sandbox
from support.shared import PID_NAMESPACE, SHARED, STAY, USERS, WAITING, sockets, where

RUN = "/run/nsisolate"
SESSIONS = f"{RUN}/sessions"
TRACE = "/run/helper-trace"
ALICE = f"{USERS}/{H.USERS['alice'].uid}"
GATE, PLACES = f"{ALICE}/gate", f"{ALICE}/places"
# how long a login may take when another one hangs in its way, of the 30 s after which it would be refused
PATIENCE = 20
LONG = os.environ.get("NSISOLATE_LONG") == "1"


@pytest.fixture(autouse=True)
def isolated(host, module):
    host.add_module(("sshd", "su"))
    host.set_policy("user/alice.conf", SHARED)


def sweep():
    """Later logins take away what nobody was there to take away."""

    def swept():
        where("true")
        return not sockets() and not [name for name in H.records() if name not in H.live_records()]

    H.wait_until(swept, lambda: f"never swept: {[*H.records(), *sockets()]}")


def assert_next_login_works():
    assert where() != H.namespaces()["pid"]
    H.wait_until(lambda: not H.isolated_processes(), "the session to end")
    sweep()


def in_time(login):
    """The result of a login that has something in its way."""
    started = time.monotonic()
    result = login()
    assert time.monotonic() - started < PATIENCE
    return result


# Kills and stops while others are in

@contextlib.contextmanager
def traced_helper(*options):
    """Helpers that start from here on run under strace."""
    helper, = H.helpers()
    os.rename(helper, f"{helper}.real")
    words = " ".join(f"'{option}'" for option in options)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(TRACE)
    H.write(helper, f"#!/bin/sh\nexec /usr/bin/strace -D -q -A -o {TRACE} {words} {helper}.real\n", 0o755)
    try:
        yield
    finally:
        os.rename(f"{helper}.real", helper)


def stopped():
    """Helper and init are of one name to the kernel, or of the helper's file's."""
    return [process for process in H.processes() if process.name.startswith("nsisolate-") and process.state in "Tt"]


@contextlib.contextmanager
def login_that_stops(*options):
    """A login whose helper or init stops at a system call, and goes on when this ends."""
    with traced_helper(*options):
        login = P.Background(["su", "alice", "-c", PID_NAMESPACE])
        # at each of its calls it is stopped for a moment, too
        H.wait_until(lambda: os.path.exists(TRACE) and "stopped by SIGSTOP" in H.read(TRACE), "the helper to stop")
    try:
        yield login
    finally:
        for process in stopped():
            os.kill(process.pid, signal.SIGCONT)
        login.result()


def rows(*table):
    """Those of the long form cost seconds each."""
    return [pytest.param(*row[1:], id=row[0]) for short, *row in table if short or LONG]


@pytest.mark.parametrize("options", rows(
    (True, "past the gate", ("-P", GATE, "-e", "inject=fcntl:signal=STOP:when=1")),
    (False, "with the init asked", ("-e", "inject=recvmsg:signal=STOP:when=2")),
    (False, "taken in", ("-e", "inject=linkat:signal=STOP:when=1")),
))
def test_a_login_that_stops_while_it_joins_keeps_nobody_out(options):
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        with login_that_stops(*options):
            assert in_time(where) == namespace
        assert where() == namespace
    assert_next_login_works()


@pytest.mark.parametrize("policy, options", rows(
    (False, "past the gate", WAITING, ("-P", GATE, "-e", "inject=fcntl:signal=STOP:when=1")),
    (True, "with a socket and no session", SHARED, ("-e", "inject=bind:signal=STOP:when=1")),
    (True, "taking a place", "max-sessions = 2\n", ("-P", PLACES, "-e", "inject=fcntl:signal=STOP:when=1")),
    (False, "taking a place, past the gate", SHARED, ("-P", PLACES, "-e", "inject=fcntl:signal=STOP:when=1")),
    (False, "with an init", SHARED, ("-e", "inject=clone3:signal=STOP:when=1")),
    (False, "its init at its steps", SHARED, ("-f", "-e", "inject=sethostname:signal=STOP:when=1")),
    (True, "its init with a record", WAITING, ("-f", "-e", "inject=linkat:signal=STOP:when=1")),
))
def test_a_login_that_stops_while_it_opens_keeps_nobody_out(policy, options):
    H.set_policy("user/alice.conf", policy)
    where("true")
    with login_that_stops(*options):
        assert in_time(where)
        assert len(sockets()) <= 1
    assert_next_login_works()


def test_an_init_that_hangs_is_left_and_passed_over(log):
    """Its other login cannot tell it that it leaves, and goes; the init finds that out when it goes on."""
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        second = P.Background(["su", "alice", "-c", STAY])
        assert second.read_line() == namespace
        init = H.session_init()
        os.kill(init, signal.SIGSTOP)
        try:
            in_time(lambda: second.__exit__(None, None, None))
            assert in_time(where) != namespace
        finally:
            os.kill(init, signal.SIGCONT)
        assert where() == namespace
    assert_next_login_works()


KILLS = {
    "helper past the gate": ("-P", GATE, "-e", "inject=fcntl:signal=KILL:when=1"),
    "helper that was taken in": ("-e", "inject=linkat:signal=KILL:when=1"),
    "helper about to answer": ("-e", "inject=sendmsg:signal=KILL:when=2"),
}


@pytest.mark.parametrize("kill", KILLS)
def test_a_helper_that_is_killed_while_it_joins_harms_nobody(kill, log):
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        with traced_helper(*KILLS[kill]):
            assert P.su("alice", "true").status != 0
        log.wait_for("refused: user=alice .*ended without an answer")
        assert where() == namespace
    assert_next_login_works()


@pytest.mark.parametrize("syscall", ["setns", "sendmsg", "recvmsg"])
def test_a_login_program_that_is_killed_while_it_joins_harms_nobody(syscall):
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        namespace = first.read_line()
        killed = P.run(["strace", "-o", "/dev/null", "-e", f"inject={syscall}:signal=KILL:when=1+", "su", "alice", "-c",
                        "touch /tmp/ran"])
        assert killed.status == 128 + signal.SIGKILL
        assert where(f"{PID_NAMESPACE}; ls /tmp") == namespace
    assert_next_login_works()


# What is in /run before

def real_record():
    """The record of a session as it was while it lived, its name and that of its socket."""
    with P.sshd(), P.ssh_background("alice", STAY) as first:
        first.read_line()
        (name, _record), = H.live_records().items()
        text, place = H.read(f"{SESSIONS}/{name}"), os.path.basename(sockets()[0])
    H.wait_until(lambda: not H.records(), "the record to go")
    return text, name, place


@contextlib.contextmanager
def records_of_an_earlier_boot():
    """Their process numbers are others' by now: nobody is signalled, nothing is joined."""
    text, name, place = real_record()
    with P.Background(["sleep", "1000"], reads=False) as other:
        text = re.sub("^(login-pid|init-pid)=.*$", rf"\1={other.pid}", text, flags=re.MULTILINE)
        H.write(f"{SESSIONS}/{name}", text, 0o600)
        H.write(f"{SESSIONS}/{name}.012345", text.replace("login=\n", "login=012345\n"), 0o600)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as stale:
            stale.bind(f"{ALICE}/{place}")
        yield
        assert other.process.poll() is None


def record_with(change):
    @contextlib.contextmanager
    def damaged():
        text, name, _place = real_record()
        H.write(f"{SESSIONS}/{name}", change(text), 0o600)
        yield
    return damaged


def later(text):
    assert "opened=" in text
    return re.sub("^opened=.*$", f"opened={int(time.time()) + 10 ** 6}", text, flags=re.MULTILINE)


def newer(text):
    assert text.startswith("nsisolate-record=1\n")
    return text.replace("nsisolate-record=1", "nsisolate-record=2") + "new-key=1\n"


def put_directory(path):
    os.mkdir(path, 0o700)


def put_link(path):
    os.symlink("/root", path)


def put_file(path):
    H.write(path, "", 0o600)


def put_socket(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stale:
        stale.bind(path)


def put_device(path):
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 3))


def take_away(path):
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    elif os.path.lexists(path):
        os.unlink(path)


def instead_of(path, put=None):
    """Something else, or nothing, where the engine keeps something."""

    @contextlib.contextmanager
    def damaged():
        where("true")
        take_away(path)
        try:
            if put:
                put(path)
            yield
        finally:
            if put:
                take_away(path)
    return damaged


def odd_records():
    """What is no record, under names of records."""
    puts = [put_directory, put_link, put_socket, put_device, lambda path: os.mkfifo(path, 0o600)]

    @contextlib.contextmanager
    def damaged():
        os.makedirs(SESSIONS, exist_ok=True)
        paths = [f"{SESSIONS}/{number:012x}" for number in range(len(puts))]
        try:
            for path, put in zip(paths, puts):
                put(path)
            yield
        finally:
            for path in paths:
                take_away(path)
    return damaged


def with_owner_and_mode(path, owner, mode):
    @contextlib.contextmanager
    def damaged():
        os.makedirs(ALICE, mode=0o700, exist_ok=True)
        before = os.stat(path)
        try:
            os.chmod(path, mode)
            os.chown(path, owner, owner)
            yield
        finally:
            os.chown(path, 0, 0)
            os.chmod(path, before.st_mode & 0o7777)
    return damaged


def with_file_system(options, fill=0):
    """All of RUN on a file system so small, and of that a file of so many bytes."""

    @contextlib.contextmanager
    def damaged():
        take_away(RUN)
        os.mkdir(RUN, 0o755)
        sandbox.mount("tmpfs", RUN, "tmpfs", 0, f"mode=0755,{options}")
        try:
            if fill:
                H.write(f"{RUN}/fill", "x" * fill)
            yield
        finally:
            H.wait_until(lambda: not H.isolated_processes(), "the session to end")
            H.wait_until(lambda: P.run(["umount", RUN]).status == 0, "it to be in use no more")
    return damaged


ROOTS_ALONE = "it, and what is above it, must be root's, and no one else's to write"
FULL = "No space left on device: the file system is full"
NO_DIRECTORY = f"(Not a directory|Too many levels of symbolic links): {ROOTS_ALONE}"
# with what the log then names
DIRECTORIES = {RUN: SESSIONS, SESSIONS: SESSIONS, USERS: ALICE, ALICE: ALICE}
FILES = (GATE, PLACES)
# what there is, and what the log says of the refusal; None: the login works
STATES = {
    "records of an earlier boot": (records_of_an_earlier_boot, None),
    "a truncated record": (record_with(lambda text: text[:len(text) // 2]), None),
    "an empty record": (record_with(lambda text: ""), None),
    "a record of a newer version": (record_with(newer), None),
    "a record from the future": (record_with(later), None),
    "what is no record": (odd_records(), None),
    "no room for a record": (with_file_system("size=8k", fill=8192), f"step record: {SESSIONS}: {FULL}"),
    "room for a record": (with_file_system("size=8k"), None),
    **{f"room for {count} files": (with_file_system(f"nr_inodes={count}"), f"{path}: {FULL}") for count, path in {
        1: SESSIONS, 2: ALICE, 3: ALICE, 4: GATE, 5: PLACES, 6: SESSIONS, 7: ALICE}.items()},
    "room for just all files": (with_file_system("nr_inodes=8"), None),
    **{f"no {path}": (instead_of(path), None) for path in (*DIRECTORIES, *FILES)},
    **{f"{path} is a link": (instead_of(path, put_link), f" {named}: {NO_DIRECTORY}")
       for path, named in DIRECTORIES.items()},
    **{f"{path} is a file": (instead_of(path, put_file), f" {named}: {NO_DIRECTORY}")
       for path, named in DIRECTORIES.items()},
    **{f"{path} is another's": (with_owner_and_mode(path, 3001, 0o700), f" {named}: .*{ROOTS_ALONE}")
       for path, named in DIRECTORIES.items()},
    **{f"{path} is for all to write": (with_owner_and_mode(path, 0, 0o777), f" {named}: .*{ROOTS_ALONE}")
       for path, named in DIRECTORIES.items()},
    **{f"{path} is a link": (instead_of(path, put_link), f" {path}: Too many levels of symbolic links")
       for path in FILES},
    **{f"{path} is a directory": (instead_of(path, put_directory), f" {path}: Is a directory") for path in FILES},
    **{f"{path} is a FIFO": (instead_of(path, lambda path: os.mkfifo(path, 0o600)), None) for path in FILES},
    **{f"{path} is a socket": (instead_of(path, put_socket), f" {path}: No such device") for path in FILES},
}


@pytest.mark.parametrize("state", STATES)
def test_whatever_is_in_run_a_login_is_whole_or_refused_and_never_waits(state, log):
    damage, refusal = STATES[state]
    with damage():
        # whatever it says: it neither hangs nor crashes
        assert P.run(["nsinspect", "list"]).status in (0, 1, 2)
        result = in_time(lambda: P.su("alice", PID_NAMESPACE))
        if refusal is None:
            assert result.check().stdout.strip() != H.namespaces()["pid"]
        else:
            assert result.status != 0 and result.stdout == ""
            log.wait_for(f"refused: user=alice .*{refusal}")
    assert_next_login_works()


# An upgrade under live sessions

NEXT_VERSION = b"9.9.9"


def version():
    return os.path.basename(os.path.dirname(H.helpers()[0])).encode()


def put_in_place(path, content, mode):
    """As a package manager does: what runs keeps the file that it has."""
    with open(f"{path}.new", "wb") as file:
        file.write(content)
    os.chmod(f"{path}.new", mode)
    os.rename(f"{path}.new", path)


@contextlib.contextmanager
def upgrade():
    """Module and helper of another version instead of those installed; versions have the same length here."""
    helper, = H.helpers()
    module = f"{H.MODULE_DIRECTORY}/{H.MODULE}"
    assert len(version()) == len(NEXT_VERSION)
    old, before = version(), {}
    for path in (module, helper):
        with open(path, "rb") as file:
            before[path] = file.read()
        assert old in before[path]
    new_helper = helper.replace(old.decode(), NEXT_VERSION.decode())
    os.makedirs(os.path.dirname(new_helper))
    put_in_place(new_helper, before[helper].replace(old, NEXT_VERSION), 0o755)
    put_in_place(module, before[module].replace(old, NEXT_VERSION), 0o644)
    shutil.rmtree(os.path.dirname(helper))
    try:
        yield
    finally:
        shutil.rmtree(os.path.dirname(new_helper))
        os.makedirs(os.path.dirname(helper))
        put_in_place(helper, before[helper], 0o755)
        put_in_place(module, before[module], 0o644)


@pytest.mark.parametrize("policy", ["", SHARED, WAITING], ids=["own", "shared", "waiting"])
def test_sessions_outlive_an_upgrade_and_new_logins_have_the_new_version(policy, log):
    H.set_policy("user/alice.conf", policy)
    with P.sshd(), P.ssh_background("alice", STAY) as old:
        first = old.read_line()
        with upgrade():
            assert in_time(where) != first
            with P.Background(["su", "alice", "-c", STAY]) as new:
                second = new.read_line()
                assert second != first
                # a session of the old version is there to be found, too
                assert (where() == second) == (policy != "")
            log.wait_for("session (closed|left): .*service=su", count=3)
            old.__exit__(None, None, None)
            log.wait_for("session (closed|left): .*service=sshd")
            H.wait_until(lambda: not H.isolated_processes(), "the sessions to end")
            assert not log.matching("refused|step close")
            sweep()
    assert_next_login_works()


def test_a_module_without_its_helper_refuses_until_the_upgrade_is_complete(log):
    """Between the two files of an upgrade: each version has its helper in a directory of its own."""
    helper, = H.helpers()
    with P.sshd(), P.ssh_background("alice", STAY) as old:
        first = old.read_line()
        os.rename(os.path.dirname(helper), "/usr/libexec/nsisolate/elsewhere")
        try:
            assert P.su("alice", "true").status != 0
            log.wait_for(f"refused: user=alice .*{helper}: No such file or directory")
        finally:
            os.rename("/usr/libexec/nsisolate/elsewhere", os.path.dirname(helper))
        assert where() == first
    assert_next_login_works()


# An init with few descriptors

@pytest.mark.parametrize("limit", [20, 21])
def test_an_init_with_few_descriptors_takes_as_many_logins_as_it_can_hold(limit):
    opener = ["setpriv", "--bounding-set", "-sys_resource", "prlimit", f"--nofile={limit}:{limit}",
              "su", "alice", "-c", STAY]
    with contextlib.ExitStack() as logins:
        first = logins.enter_context(P.Background(opener)).read_line()
        seen = [logins.enter_context(P.Background(["su", "alice", "-c", STAY])).read_line() for _ in range(12)]
        assert first in seen and len(set(seen)) == 2
        assert where() in seen
    assert_next_login_works()


def test_an_init_that_can_accept_nobody_stays_calm():
    """The connection stays in the queue, and poll(2) goes on to report it."""
    trace = "/run/accept-trace"
    with P.Background(["su", "alice", "-c", STAY]) as first:
        namespace = first.read_line()
        init = H.session_init()
        with subprocess.Popen(["strace", "-p", str(init), "-o", trace, "-e", "inject=accept4:error=ENFILE"],
                              stderr=subprocess.PIPE, text=True) as tracer:
            assert "attached" in tracer.stderr.readline()
            assert in_time(where) != namespace
            tracer.send_signal(signal.SIGINT)
        assert 0 < H.read(trace).count("accept4(") < 100
        assert where() == namespace
    assert_next_login_works()


def test_in_mode_audit_nobody_is_kept_out_by_a_full_run(log):
    H.set_policy("user/alice.conf", 'mode = "audit"\n')
    with with_file_system("nr_inodes=2")():
        assert where() == H.namespaces()["pid"]
        log.wait_for(f"not isolated: user=alice .*would refuse: step record: {ALICE}: {FULL}")
    sweep()

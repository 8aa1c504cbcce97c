# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
su and sudo run with the real user id of who called them, who may stop and kill them, and the helper until it has
become root, at any moment: a command runs isolated or not at all, and nothing stays behind.
"""

import os
import shutil
import signal
import time

import pytest

from attack.conftest import HOSTILE_CALLER
from support import host as H
from support import programs as P

pytestmark = pytest.mark.usefixtures("installed")

RAN = "/home/alice/ran"
COMMAND = f"readlink /proc/self/ns/mnt /proc/self/ns/net /proc/self/ns/pid >>{RAN}"
LOGINS = {"su": ["su", "alice", "-c", COMMAND], "sudo": ["sudo", "-n", "-u", "alice", "sh", "-c", COMMAND]}
LONGEST = 0.02  # seconds: about what such a login takes
LONG = bool(os.environ.get("NSISOLATE_LONG"))
# at random moments; each system call in turn is below
COUNTS = {choice: count * (4 if LONG else 1) for choice, count in
          {"kill": 50, "stop": 25, "term": 16, "interrupt": 16, "child-kill": 20, "child-stop": 8}.items()}


def ran():
    return H.read(RAN).split() if os.path.exists(RAN) else []


def on_host():
    return {H.namespaces()[kind] for kind in ("mnt", "net", "pid")}


def race(login, choice, count):
    H.write(RAN, "", owner=H.USERS["alice"])
    done = P.run([HOSTILE_CALLER, "race", choice, str(count), str(LONGEST), *LOGINS[login]], user="bob", timeout=200)
    return done.check().json()


def sweep():
    """A login that was killed leaves its record to the next ones."""
    for _ in range(50):
        if not H.records():
            return
        P.su("alice", "true").check()
    assert not H.records()


@pytest.mark.parametrize("choice", COUNTS)
@pytest.mark.parametrize("login", LOGINS)
def test_a_disturbed_login_is_isolated_or_none(login, choice):
    found = race(login, choice, COUNTS[choice])
    assert not set(ran()) & on_host()
    # a stop that reaches the helper as it becomes root holds the login up until its wait is over or it is killed
    assert choice == "child-stop" or not [status for status in found["statuses"] if status.startswith("hung")], found
    if not choice.startswith("child"):
        assert found["hits"] > 0
    H.wait_until(lambda: not H.isolated_processes(), H.isolated_processes)
    assert not H.live_records()
    sweep()


def test_without_the_module_the_command_runs_on_the_host():
    H.restore()
    path = "/etc/pam.d/su"
    H.write(path, "auth sufficient pam_permit.so\n" + H.read(path))
    race("su", "kill", 20)
    # of a login that is killed the command goes on here
    H.wait_until(lambda: not [process for process in H.processes() if process.uid == H.USERS["alice"].uid], "commands run on")
    assert set(ran()) == on_host()


def can_trace():
    return shutil.which("strace") and P.run(["strace", "-o", "/dev/null", "true"]).status == 0


def stopped_helpers():
    return [process for process in H.processes() if process.name.startswith("nsisolate-") and process.state in "Tt"]


def held_helpers():
    """Those that stay stopped, as root: the tracer stops each for a moment at every call."""
    before = {process.pid for process in stopped_helpers()}
    time.sleep(0.2)
    return [process for process in stopped_helpers() if process.pid in before and process.uid == 0]


@pytest.mark.skipif(not can_trace(), reason="needs strace")
def test_a_helper_stopped_as_it_became_root_ends_with_its_login():
    trace = ["strace", "-f", "-qqq", "-o", "/dev/null", "-e", "trace=setresuid",
             "-e", "inject=setresuid:signal=SIGSTOP:when=1"]
    with P.Background([*trace, "-u", "bob", *LOGINS["su"]], reads=False):
        helper, = H.wait_until(held_helpers, "no helper stopped")
        os.kill(helper.parent, signal.SIGKILL)
        H.wait_until(lambda: not stopped_helpers(), "the helper outlives its login")
    assert not ran()


# The out-of-memory killer can end anyone, the helper and the init too, at any call.

CALLS = [("pidfd_open", 1), ("socketpair", 1), ("execve", 2), ("setsid", 1), ("setgroups", 1), ("sendmsg", 1),
         ("recvmsg", 1), ("sendmsg", 2), ("clone3", 1), ("close_range", 1), ("fsopen", 1), ("mount_setattr", 1),
         ("move_mount", 1), ("move_mount", 3), ("sethostname", 1), ("linkat", 1), ("setns", 1), ("setns", 2),
         ("capset", 1), ("openat2", 1), ("fchdir", 1), ("umask", 1), ("prctl", 1), ("prctl", 3)]


@pytest.mark.skipif(not can_trace(), reason="needs strace")
def test_whoever_is_killed_at_whatever_call_the_command_is_isolated_or_not_run():
    H.write(RAN, "", owner=H.USERS["alice"])
    statuses = {}
    for call, when in CALLS:
        done = P.run(["strace", "-f", "-qqq", "-o", "/dev/null", "-e", f"trace={call}",
                      "-e", f"inject={call}:signal=SIGKILL:when={when}", *LOGINS["su"]])
        statuses[call, when] = done.status
        assert not set(ran()) & on_host(), (call, when)
        H.wait_until(lambda: not H.isolated_processes(), lambda: (call, when, H.isolated_processes()))
    assert len([status for status in statuses.values() if status != 0]) > len(CALLS) / 2, statuses
    sweep()

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""
A step of opening that fails, under each real program: the command does not run, nothing is forwarded, nothing is
left, and the next login works. tests/pam/test_injection.py makes every single system call fail, under one program;
here are those that a login program has only from us, so that nothing else of it is hit.
"""

import contextlib
import os

import pytest

from support import host as H
from support import programs as P
from support.inject import injected

PROGRAMS = list(P.PROGRAMS)
# where it is called: the spawn of the helper, its init's first step, mounts, names and record, the caller's setns
INJECTED = {"clone3": "EAGAIN", "mount_setattr": "EPERM", "fsmount": "EMFILE", "move_mount": "ENOSPC",
            "sethostname": "EPERM", "linkat": "ENOSPC", "setns": "EPERM"}

OTHER_VERSION = """#!/usr/bin/python3
import socket
peer = socket.socket(fileno=3)
peer.recv(65536)
peer.send(b"nsisolate 0.0.0\\0opened\\0\\0")
"""
KILLED = "#!/bin/sh\nkill -9 $$\n"
STEP = 'mount { private "/nonexistent" { } }\n'


@pytest.fixture(autouse=True)
def installed(installed):
    H.set_policy("user/alice.conf")


@contextlib.contextmanager
def other_helper(text):
    helper, = H.helpers()
    os.rename(helper, f"{helper}.away")
    try:
        H.write(helper, text, 0o755)
        yield
    finally:
        os.rename(f"{helper}.away", helper)


def faults():
    for syscall in INJECTED:
        yield pytest.param(lambda syscall=syscall: injected(syscall, INJECTED[syscall]), id=syscall)
    yield pytest.param(lambda: other_helper(OTHER_VERSION), id="helper-of-another-version")
    yield pytest.param(lambda: other_helper(KILLED), id="killed-helper")
    yield pytest.param(lambda: contextlib.nullcontext(H.set_policy("user/alice.conf", STEP)), id="failing-step")


@pytest.mark.parametrize("fault", faults())
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_failing_step_runs_no_command_and_leaves_nothing(program, fault):
    """What is left, the fixture `host` finds."""
    with fault():
        P.assert_refused(program, "alice", "touch /home/alice/ran")
    assert not os.path.exists("/home/alice/ran")
    assert H.records() == {}
    H.set_policy("user/alice.conf")
    H.restore_jobs()
    assert P.PROGRAMS[program]("alice", "readlink /proc/self/ns/net").check().stdout.strip() != H.namespaces()["net"]


@pytest.mark.parametrize("fault", faults())
def test_a_failing_step_forwards_nothing(fault):
    # the listener before the fault: its thread is no process of a login; sshd after it, to be traced
    with P.Listener("hello") as listener, fault(), P.sshd():
        P.assert_forwards_nothing("alice", listener)

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Fixtures and helpers of tests on a host that systemd booted: a test imports `host`, `machine` and `machines`."""

import contextlib
import json
import os
import signal

import pytest

from support import booted
from support import host as H
from support import programs as P

ALICE = H.USERS["alice"].uid
MANAGER = f"user@{ALICE}.service"


@pytest.fixture(scope="module")
def machines(request):
    with contextlib.nullcontext() if booted.whole_machine() else booted.files():
        running = []
        yield running
        for machine in running:
            machine.stop()


@pytest.fixture
def machine(request, machines):
    """The one of the test before, if that left it up and clean. A module that sets LIMITS gets the controllers."""
    if not machines:
        machines.append(booted.WholeMachine() if booted.whole_machine()
                        else booted.Machine(limits=getattr(request.module, "LIMITS", False)))
    yield machines[0]
    if machines[0].has_ended() or machines[0].leftovers():
        machines.pop().stop()


def expired(_signal, _frame):
    raise TimeoutError("the test took too long")


def of_users():
    return [process for process in H.processes() if process.uid in (ALICE, H.USERS["bob"].uid)]


@pytest.fixture(autouse=True)
def host(request, machine):
    """Of conftest.py, for this host: everybody isolated, and nothing left when a test ends."""
    H.restore()
    H.set_policy("default.conf", "")
    booted.set_options(f"--sysctl-dir {booted.SYSCTL}")
    signal.signal(signal.SIGALRM, expired)
    signal.alarm(120 * H.SLOWER)
    try:
        yield H
        H.wait_until(lambda: (machine.has_ended() or not machine.leftovers()) and not of_users(),
                     lambda: f"left behind: {machine.leftovers()} {of_users()}\n{machine.journal_text()}")
    finally:
        signal.alarm(0)
        if request.session.testsfailed and not machine.has_ended():
            print("journal:\n" + machine.journal_text())
        if not machine.has_ended():
            machine.clean()


@contextlib.contextmanager
def logged_in(machine, user="alice", command=P.STAY):
    """A login by ssh, logind's session and what the probe saw."""
    known = set(machine.sessions())
    with P.ssh_background(user, command) as login:
        seen = login.probe()
        (name, properties), = [item for item in machine.sessions().items() if item[0] not in known]
        yield login, name, properties, seen


def scope(machine, properties):
    """Processes of a session by its control group."""
    tree = machine.path("/sys/fs/cgroup")
    beside = f"{tree}/unified"
    path = f"user.slice/user-{properties['User']}.slice/{properties['Scope']}/cgroup.procs"
    return [int(pid) for pid in H.read(f"{beside if os.path.exists(beside) else tree}/{path}").split()]


def audit(machine, *options):
    done = machine.run("nsinspect", "audit", "-J", "--output-all", "--sysctl-dir", booted.SYSCTL, *options)
    assert done.status in (0, 1) and done.stderr == "", done
    return json.loads(done.stdout)["findings"]


def without_module(machine, *services):
    machine.run("nsisolate-pam", "disable", *services).check()


def inner_pid(machine, name, user="alice"):
    """Of machine's PID namespace: a process of that name in a login, once that executes it."""
    return H.wait_until(lambda: machine.run("pgrep", "-u", user, "-x", name).stdout.split(), f"no {name} of {user}")[0]


def lingering(machine):
    return [process for process in machine.processes().values() if process.name == "sleep"]


def let_linger(machine, user):
    """Of a user who is just leaving logind would start nothing."""
    H.wait_until(lambda: machine.run("loginctl", "show-user", user).status != 0, "logind forgets who has left")
    machine.run("loginctl", "enable-linger", user).check()

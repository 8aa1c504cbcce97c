# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""What bob lets su and sudo inherit on their way to alice: she lands in a whole session or nowhere."""

import os

import pytest

from attack.conftest import HOSTILE_CALLER
from support import host as H
from support import programs as P

pytestmark = pytest.mark.usefixtures("installed")

RAN = "/home/alice/ran"
WHERE = f"exec readlink /proc/self/ns/mnt /proc/self/ns/net /proc/self/ns/ipc /proc/self/ns/uts /proc/self/ns/pid >>{RAN}"
KINDS = ("mnt", "net", "ipc", "uts", "pid")
LIMITS = [f"limits:NOFILE={number}" for number in range(6, 24)] + [
    "limits:FSIZE=0", "limits:SIGPENDING=0", "limits:CPU=1", "limits:STACK=65536",
    "limits:CORE=0", *(f"limits:AS={size << 20}" for size in (6, 8, 10, 12, 16, 24))]
# where su fails at each, the others fail at the same calls
STEP = {"su": 1, "sudo": 2, "su-l": 4} if not os.environ.get("NSISOLATE_LONG") else {"su": 1, "sudo": 1, "su-l": 1}
SPOILS = ["signals", "scheduling", "descriptors", "closed", "parent", "environment", "timers", "personality"]
LOGINS = {"su": ("su", "alice", "-c"), "su-l": ("su", "-l", "alice", "-c"),
          "sudo": ("sudo", "-n", "-u", "alice", "sh", "-c")}


def spoiling(what):
    """The program that passes it on. For limits there is a small one, prlimit(1)."""
    kind, _, limit = what.partition(":")
    name, _, value = limit.partition("=")
    return ["prlimit", f"--{name.lower()}={value}:{value}"] if kind == "limits" else [HOSTILE_CALLER, "spoil", what]


def spoiled(what, login, command):
    H.write(RAN, "", owner=H.USERS["alice"])
    done = P.run([*spoiling(what), *LOGINS[login], command], user="bob")
    return done, H.read(RAN).split()


def assert_whole_or_none(links, done):
    assert len(links) in (0, len(KINDS)), (links, done)
    for kind, link in zip(KINDS, links):
        assert link != H.namespaces()[kind], (kind, done)


@pytest.mark.parametrize("login", LOGINS)
def test_a_limit_never_makes_half_a_session(login):
    ran = 0
    for limits in LIMITS[::STEP[login]]:
        done, links = spoiled(limits, login, WHERE)
        assert_whole_or_none(links, (limits, done))
        ran += bool(links)
    assert ran > 3


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("what", SPOILS)
def test_an_inheritance_does_not_stop_isolation(what, login):
    done, links = spoiled(what, login, WHERE)
    assert_whole_or_none(links, (what, done))
    assert links, done


def test_without_the_module_such_logins_run_on_the_host():
    H.restore()
    path = "/etc/pam.d/su"
    H.write(path, "auth sufficient pam_permit.so\n" + H.read(path))
    for what in ["limits:NOFILE=23", *SPOILS]:
        _, links = spoiled(what, "su", WHERE)
        assert links == [H.namespaces()[kind] for kind in KINDS], what


def test_the_init_and_the_users_scheduling_of_the_login_have_nothing_in_common():
    command = [HOSTILE_CALLER, "spoil", "scheduling", *LOGINS["su"], "echo in; cat"]
    with P.Background(["setpriv", "--reuid=3002", "--regid=3002", "--clear-groups", *command]) as login:
        assert login.read_line() == "in"
        init, = H.session_inits()
        assert os.sched_getscheduler(init) == os.SCHED_OTHER
        assert os.getpriority(os.PRIO_PROCESS, init) <= 0
        assert H.read(f"/proc/{init}/timerslack_ns").strip() == "50000"


def test_a_socket_and_a_pipe_of_the_caller_are_not_kept_by_the_init():
    assert P.run(["sh", "-c", "su alice -c 'sleep 1000 & echo through' | cat"], user="bob").stdout == "through\n"


@pytest.mark.parametrize("login", ["su", "sudo"])
def test_a_limit_is_no_way_past_the_policy_of_root(login):
    H.set_policy("user/root.conf")
    H.write("/etc/sudoers.d/attack", "bob ALL=(root) NOPASSWD: ALL\n", 0o440)
    command = {"su": ("su", "root", "-c"), "sudo": ("sudo", "-n", "sh", "-c")}[login]
    ran = 0
    for limits in LIMITS[::2 * STEP[login]]:
        H.write(RAN, "")
        done = P.run([*spoiling(limits), *command, WHERE], user="bob")
        assert_whole_or_none(H.read(RAN).split(), (limits, done))
        ran += bool(H.read(RAN))
    assert ran > 3

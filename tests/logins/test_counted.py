# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Logins are counted, each once and by what came of it; and no counter ever keeps one out or is moved from inside."""

import os
import subprocess

import pytest

from support import host as H
from support import metrics as M
from support import programs as P

ROOT = "/run/nsisolate"
COUNTERS = f"{ROOT}/counters.1"
FAMILIES = ("nsisolate_opens_total", "nsisolate_refusals_total", "nsisolate_passes_total", "nsisolate_closes_total")


def counts():
    """Those that are not 0: "opens new"."""
    found = {}
    for (name, labels), number in M.metrics().items():
        if name in FAMILIES and number:
            (_label, value), = labels
            found[f"{name.removeprefix('nsisolate_').removesuffix('_total')} {value}"] = number
    return found


@pytest.fixture(autouse=True)
def fresh(host, module):
    host.add_module(["su", "sshd", "sudo", "cron"])
    host.set_policy("default.conf", "")
    if os.path.lexists(COUNTERS):
        os.unlink(COUNTERS)


def su(user="alice", **options):
    return P.su(user, "true", **options).status == 0


def shared():
    H.set_policy("default.conf", 'scope = "user"\n')
    with P.Background(["su", "alice", "-c", "echo in; cat"]) as first:
        assert first.read_line() == "in"
        assert su()


def no_helper():
    with H.renamed_away(*H.helpers()):
        assert not su()


def module_says(arguments, policy=None, user="alice"):
    def login():
        H.restore()
        H.add_module(["su"], arguments)
        if policy is None:
            os.unlink(f"{H.POLICIES}/default.conf")
        else:
            H.set_policy("default.conf", policy)
        return su(user)
    return login


def policy_says(policy, user="alice", name="default.conf"):
    def login():
        H.set_policy(name, policy)
        return su(user)
    return login


ENDED = {"opens new": 1, "closes ended": 1}
CASES = {
    "isolated": (su, ENDED),
    "audit": (policy_says('mode = "audit"\n'), {"opens audit": 1, "closes ended": 1}),
    "audit of what would fail": (policy_says('mode = "audit"\nmount { private "/no/such" { } }\n'), {"passes audit": 1}),
    "off": (policy_says('mode = "off"\n'), {"passes off": 1}),
    "root": (lambda: su("root"), {"passes root": 1}),
    "system user": (lambda: su("sysdaemon"), {"passes system_user": 1}),
    "exempt": (module_says("exempt=alice", ""), {"passes exempt": 1}),
    "no policy": (module_says(""), {"refusals no_policy": 1}),
    "no policy, optional": (module_says("optional"), {"passes no_policy": 1}),
    "broken policy": (policy_says("nonsense\n"), {"refusals policy": 1}),
    "argument that is none": (module_says("nonsense", ""), {"refusals failed": 1}),
    "step that fails": (policy_says('mount { private "/no/such" { } }\n'), {"refusals failed": 1}),
    "no helper": (no_helper, {"refusals failed": 1}),
    "shared": (shared, {"opens new": 1, "opens joined": 1, "closes left": 1, "closes ended": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_a_login_is_counted_once_by_what_came_of_it(case):
    login, expected = CASES[case]
    login()
    H.wait_until(lambda: counts() == expected, lambda: f"{counts()} is {expected}")


def test_a_login_over_the_limit_is_counted(host):
    host.set_policy("default.conf", "max-sessions = 1\n")
    with P.Background(["su", "alice", "-c", "echo in; cat"]) as first:
        assert first.read_line() == "in"
        assert not su()
        assert counts() == {"opens new": 1, "refusals limit": 1}


def test_a_user_manager_is_counted_as_the_policy_has_it(host):
    host.write("/etc/pam.d/systemd-user", "session required pam_nsisolate.so\n")
    session = ["/usr/bin/python3", f"{os.path.dirname(H.__file__)}/pam_session.py", "systemd-user", "alice"]
    assert P.run(session).status != 0
    host.set_policy("default.conf", 'user-manager = "allow"\n')
    assert P.run(session).status == 0
    assert counts() == {"refusals denied": 1, "passes user_manager": 1}


@pytest.mark.parametrize("program", ["sshd", "sudo", "cron"])
def test_real_programs_are_counted(program):
    with P.sshd():
        P.PROGRAMS[program]("alice", "true").check()
    H.wait_until(lambda: counts().get("opens new") == 1 and counts().get("closes ended") == 1, counts)


def test_nsrun_is_counted(host):
    P.run(["nsrun", "-u", "alice", "true"]).check()
    assert counts() == ENDED
    host.set_policy("default.conf", 'mode = "off"\n')
    assert P.run(["nsrun", "-u", "alice", "true"]).status != 0
    assert counts() == ENDED
    P.run(["nsrun", "-u", "alice", "--unisolated-ok", "true"]).check()
    host.set_policy("default.conf", "nonsense\n")
    assert P.run(["nsrun", "-u", "alice", "true"]).status != 0
    assert counts() == {**ENDED, "passes off": 1, "refusals policy": 1}


def test_a_hundred_logins_at_once_are_counted_each_once():
    logins = [subprocess.Popen(["su", "alice", "-c", "true"], cwd="/", stdin=subprocess.DEVNULL) for _ in range(100)]
    opened = sum(login.wait(120) == 0 for login in logins)
    assert opened >= 64  # max-sessions
    found = counts()
    assert found["opens new"] == found["closes ended"] == opened
    assert found.get("refusals limit", 0) == 100 - opened


def test_a_login_that_is_killed_is_counted_as_opened_alone():
    with P.Background(["su", "alice", "-c", "echo in; cat"]) as login:
        assert login.read_line() == "in"
        login.kill()
    assert counts() == {"opens new": 1}
    P.sweep_records()


def test_nobody_inside_moves_the_hosts_counters():
    """A nested login counts nowhere on the host, and who is root inside can forge only what nobody reads."""
    seen = P.su("alice", f"sudo -n sh -c 'su carol -c true && ls {ROOT}'").check().stdout
    assert "counters" not in seen
    assert counts() == ENDED
    P.su("alice", f"sudo -n sh -c 'head -c 4096 /dev/urandom >{COUNTERS}; chmod 600 {COUNTERS}; su carol -c true'").check()
    assert counts() == {name: 2 for name in ENDED}


def test_metrics_are_not_shown_inside_and_not_to_others():
    assert "run this on the host" in P.su("alice", "sudo -n nsinspect metrics").stderr
    done = P.run(["nsinspect", "metrics"], user="alice")
    assert done.status == 2 and "run this as root" in done.stderr and done.stdout == ""


def make_directory():
    os.mkdir(COUNTERS)


def make_foreign():
    H.write(COUNTERS, "x" * 4096)
    os.chown(COUNTERS, 3001, 3001)


@pytest.mark.parametrize("make", [make_directory, make_foreign, lambda: H.write(COUNTERS, "", 0o600)],
                         ids=["directory", "foreign", "empty"])
def test_counters_that_cannot_be_had_keep_nobody_out_and_are_told(make):
    os.makedirs(ROOT, exist_ok=True)
    make()
    try:
        assert su()
        done = P.run(["nsinspect", "metrics"])
        assert done.status == 2
        assert done.stderr.startswith(f"nsinspect: {COUNTERS}: "), done.stderr
        # what can be told is told all the same
        assert M.value(M.read(done.stdout), "nsisolate_logins") == 0
    finally:
        os.rmdir(COUNTERS) if os.path.isdir(COUNTERS) else os.unlink(COUNTERS)


def test_a_file_without_the_mark_is_not_read():
    os.makedirs(ROOT, exist_ok=True)
    H.write(COUNTERS, "x" * 4096, 0o600)
    done = P.run(["nsinspect", "metrics"])
    assert done.status == 2 and "nsisolate_opens_total" not in done.stdout
    os.unlink(COUNTERS)


def test_what_is_printed_while_logins_go_on_is_whole():
    with P.Background(["su", "alice", "-c", "echo in; cat"]) as login:
        assert login.read_line() == "in"
        found = M.metrics("--by-user")
        assert M.value(found, "nsisolate_sessions", policy="default.conf", state="active") == 1
        assert M.value(found, "nsisolate_user_sessions", user="alice", state="active") == 1
        assert M.value(found, "nsisolate_logins") == 1

# SPDX-License-Identifier: BSD-3-Clause OR GPL-2.0-or-later
"""Whose policy it is: services, addresses, priorities, names, and a name service that fails."""

import contextlib
import errno
import os
import random
import threading
import time

import pytest

from support import host as H
from support import programs as P
from support.host import PROBE, USERS

SWITCH = "/run/nss-broken"
BROKEN = [("unavail", errno.ECONNREFUSED), ("unavail", errno.ENOENT), ("tryagain", errno.EAGAIN)]

pytestmark = pytest.mark.usefixtures("installed")


@pytest.fixture
def installed(installed):
    yield
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SWITCH)


def is_isolated(found):
    return found.check().json()["namespaces"]["net"] != H.namespaces()["net"]


def refused(log, run, pattern):
    found = run()
    assert found.status != 0 and "namespaces" not in found.stdout
    return log.wait_for(f"refused: .*{pattern}")


# which file

@pytest.mark.parametrize("program", P.PROGRAMS)
def test_a_file_is_for_the_services_that_it_names(program):
    other = "cron" if program != "cron" else "sshd"
    H.set_policy("user/alice.conf", f'services = {{ "{program}" }}\n')
    assert is_isolated(P.PROGRAMS[program]("alice", PROBE))
    H.set_policy("user/alice.conf", f'services = {{ "{other}" }}\n')
    assert not is_isolated(P.PROGRAMS[program]("alice", PROBE))


@pytest.mark.parametrize("program", P.PROGRAMS)
@pytest.mark.parametrize("remote", [False, True])
def test_a_file_is_for_the_addresses_that_it_names(program, remote):
    H.set_policy("user/alice.conf", 'from = { "127.0.0.0/8" }\n' if remote else "from = local\n")
    assert is_isolated(P.PROGRAMS[program]("alice", PROBE)) == (remote == (program == "sshd"))


@pytest.mark.parametrize("program", P.PROGRAMS)
def test_a_service_section_is_for_its_service(program):
    H.set_policy("user/alice.conf", f'mode = "off"\nservice "{program}" {{ mode = "enforce" }}\n')
    for name, run in P.PROGRAMS.items():
        if name in (program, "su"):
            assert is_isolated(run("alice", PROBE)) == (name == program)


def test_limits_without_systemd_refuse(host):
    """Nothing here would hold a login to them; test_systemd_limits.py has a host where systemd does."""
    limits = "limits { tasks = 50 }\n"
    H.set_policy("user/alice.conf", limits)
    said = r"user/alice\.conf: limits: systemd, .* does not run here"
    refused(host.log, lambda: P.su("alice", PROBE), said)
    checked = P.run(["nsinspect", "check"])
    assert checked.status == 1 and "user/alice.conf:1: warning: limits: systemd, " in checked.stdout.replace(H.POLICIES + "/", "")
    H.set_policy("user/alice.conf", f'mode = "audit"\n{limits}')
    assert not is_isolated(P.su("alice", PROBE))
    host.log.wait_for(rf"not isolated: user=alice .*would refuse: {said}")
    H.set_policy("user/alice.conf", f'{limits}service "su" {{ limits {{ tasks = "infinity" }} }}\n')
    assert is_isolated(P.su("alice", PROBE))


def test_of_several_groups_the_highest_priority_decides():
    H.replace_lines("/etc/group", lambda fields: fields[0] == "staff2", ["staff2:x:4001:carol"])
    H.set_policy("group/staff2.conf", 'mode = "off"\n')
    H.set_policy("group/students.conf", "")
    assert not is_isolated(P.su("carol", PROBE))
    H.set_policy("group/students.conf", "priority = 1\n")
    assert is_isolated(P.su("carol", PROBE))


def test_a_login_is_isolated_by_what_its_file_extends(host):
    H.set_policy("group/students.conf", 'extends = "base"\nuts { hostname = "group" }\n')
    H.set_policy("base.conf", 'uts { hostname = "base" }\nnetwork { mode = "host" }\n')
    seen = P.su("carol", PROBE).check().json()
    assert seen["hostname"] == "group"
    assert seen["namespaces"]["net"] == H.namespaces()["net"]
    assert seen["namespaces"]["uts"] != H.namespaces()["uts"]


@pytest.mark.parametrize("base, mode, problem", [
    ("uts { hostnam = x }\n", 0o644, r"base\.conf:1: unknown key 'hostnam'"),
    ("", 0o666, r"base\.conf: writable by group or others"),
    ('extends = "group/students"\n', 0o644,
     r"group/students\.conf:1: extends: group/students\.conf -> base\.conf -> group/students\.conf is a loop"),
    (None, 0, r"group/students\.conf:1: extends: there is no 'base\.conf'"),
])
def test_a_broken_base_refuses_whoever_reaches_it_and_nobody_else(host, base, mode, problem):
    H.set_policy("group/students.conf", 'extends = "base"\n')
    H.set_policy("user/alice.conf", "")
    if base is not None:
        H.set_policy("base.conf", base, mode)
    refused(host.log, lambda: P.su("carol", PROBE), problem)
    assert is_isolated(P.su("alice", PROBE))
    assert not is_isolated(P.su("bob", PROBE))
    assert not is_isolated(P.su("root", PROBE))


# names

def test_of_two_names_for_one_uid_each_has_its_own_policy():
    H.replace_lines("/etc/passwd", lambda _fields: False, [f"alias:x:{USERS['alice'].uid}:3001::/:/bin/bash"])
    H.replace_lines("/etc/shadow", lambda _fields: False, ["alias:*:19000:0:99999:7:::"])
    H.set_policy("user/alice.conf", "")
    assert is_isolated(P.su("alice", PROBE))
    assert not is_isolated(P.su("alias", PROBE))
    H.set_policy("user/alias.conf", "")
    H.set_policy("user/alice.conf", 'mode = "off"\n')
    assert not is_isolated(P.su("alice", PROBE))
    assert is_isolated(P.su("alias", PROBE))


@pytest.mark.parametrize("name", [".hidden", "group/x", "..", "a" * 251])
def test_a_name_that_is_no_file_name_is_refused(host, name):
    H.replace_lines("/etc/passwd", lambda _fields: False, [f"{name}:x:3020:3001::/:/bin/bash"])
    H.replace_lines("/etc/shadow", lambda _fields: False, [f"{name}:*:19000:0:99999:7:::"])
    refused(host.log, lambda: P.su(name, PROBE), "the name cannot be that of a policy file")


# a name service that fails

@pytest.fixture
def directory_service():
    """dora and the group remote are known by a service that can fail."""
    assert os.path.exists(f"{os.path.dirname(H.MODULE_DIRECTORY)}/libnss_broken.so.2")
    H.write("/etc/nsswitch.conf", "passwd: files broken\ngroup: files broken\nshadow: files\nhosts: files\n")


def break_service(database, status, number):
    H.write(SWITCH, f"{database} {status} {number}\n")


def break_before_the_module(services, database, status, number):
    """Once the login program knows the user, but before the module asks."""
    for service in services:
        path = f"/etc/pam.d/{service}"
        *lines, last = H.read(path).splitlines()
        assert "nsisolate" in last
        lines.append(f"session required pam_exec.so /bin/sh -c [echo {database} {status} {number} >{SWITCH}]")
        H.write(path, "\n".join([*lines, last]) + "\n")


def test_users_and_groups_of_a_directory_service_have_policies(directory_service):
    H.set_policy("group/remote.conf", "")
    assert is_isolated(P.su("dora", PROBE))
    assert not is_isolated(P.su("alice", PROBE))
    H.set_policy("user/dora.conf", 'mode = "off"\n')
    assert not is_isolated(P.su("dora", PROBE))


@pytest.mark.parametrize("status, number", BROKEN)
@pytest.mark.parametrize("program", P.PROGRAMS)
def test_a_group_that_cannot_be_looked_up_refuses_all_but_root(host, directory_service, program, status, number):
    problem = r"group/remote\.conf: the group 'remote' cannot be looked up"
    H.set_policy("group/remote.conf", "")
    break_service("group", status, number)
    if program == "cron":
        P.cron_job("alice", PROBE, refused=f"refused: user=alice .*{problem}")
    else:
        refused(host.log, lambda: P.PROGRAMS[program]("alice", PROBE), problem)
    assert not is_isolated(P.PROGRAMS[program]("root", PROBE))


def test_a_group_that_is_not_asked_for_refuses_nobody(directory_service):
    H.set_policy("group/remote.conf", "")
    H.set_policy("user/alice.conf", "")
    break_service("group", "unavail", errno.EIO)
    os.unlink(f"{H.POLICIES}/group/remote.conf")
    assert is_isolated(P.su("alice", PROBE))
    assert not is_isolated(P.su("bob", PROBE))


@pytest.mark.parametrize("status, number", BROKEN)
def test_a_user_who_cannot_be_looked_up_is_refused(host, directory_service, status, number):
    break_before_the_module(["su", "su-l"], "passwd", status, number)
    refused(host.log, lambda: P.su("dora", PROBE), "step user: dora: ")
    assert not is_isolated(P.su("root", PROBE))
    assert not is_isolated(P.su("alice", PROBE))


# policies that are edited while users log in

FIRST = 'mode = "off"\n'  # a policy already, but not the one that is being written
SECOND = ("# " + "x" * 60 + "\n") * 200 + 'service "su" { mode = "enforce" }\n'


class Editor(threading.Thread):
    """Edits user/alice.conf until the block is left."""

    def __init__(self, edit):
        super().__init__()
        self.edit, self.over, self.edits = edit, threading.Event(), 0

    def run(self):
        while not self.over.is_set():
            self.edit(f"{H.POLICIES}/user/alice.conf")
            self.edits += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_unused):
        self.over.set()
        self.join()


def by_rename(path):
    H.write(f"{os.path.dirname(path)}/.new", FIRST + SECOND)
    os.rename(f"{os.path.dirname(path)}/.new", path)


def in_place(path):
    """As an editor that does not rename: cut, then written in two parts, and now and then left alone."""
    with open(path, "w", encoding="utf-8") as file:
        time.sleep(0.005)
        file.write(FIRST)
        file.flush()
        time.sleep(0.005)
        file.write(SECOND)
    time.sleep(random.choice([0, 0, 0.05, 0.3]))


def test_a_policy_that_is_renamed_into_place_never_refuses():
    H.set_policy("user/alice.conf", FIRST + SECOND)
    with Editor(by_rename) as editor:
        for _ in range(40):
            assert is_isolated(P.su("alice", PROBE))
    assert editor.edits > 40


def test_a_policy_that_is_written_in_place_isolates_or_refuses(host):
    H.set_policy("user/alice.conf", FIRST + SECOND)
    logins = refusals = 0
    with Editor(in_place) as editor:
        # whichever comes of it depends on how long a login takes
        while logins < 60 or not 0 < refusals < logins:
            assert logins < 600, f"{refusals} are refused"
            logins += 1
            found = P.su("alice", PROBE)
            if found.status == 0:
                assert is_isolated(found)
            else:
                refusals += 1
                assert "namespaces" not in found.stdout
    assert editor.edits > 20
    host.log.wait_for(r"refused: user=alice .*: user/alice\.conf(:\d+)?: ", count=refusals)
    assert is_isolated(P.su("alice", PROBE))
